//! What a card can do at most, by its vendor's data sheet.

use std::fmt;

/// Names as drivers say them, memory bandwidth in GB/s, float32 TFLOP/s without tensor cores.
const CARDS: [(&str, f64, f64); 9] = [
    ("H200", 4800.0, 67.0),
    ("H100 80GB HBM3", 3350.0, 67.0),
    ("A100-SXM4-80GB", 2039.0, 19.5),
    ("L40S", 864.0, 91.6),
    ("L4", 300.0, 30.3),
    ("Tesla T4", 320.0, 8.1),
    ("RTX 4090", 1008.0, 82.6),
    ("RTX 3090", 936.0, 35.6),
    ("RTX 3060", 360.0, 12.7),
];

/// What a card can do at most, where that is known.
pub struct Peak {
    /// Bytes a second.
    bandwidth: Option<f64>,
    /// Float32 operations a second.
    operations: Option<f64>,
}

impl Peak {
    pub const COLUMNS: &str = "GB/s (of the peak) | GFLOP/s (of the peak)";

    /// Of an adapter by its description, or as given in GB/s and TFLOP/s. A program that stands in for a
    /// card has none.
    pub fn of(adapter: &str, bandwidth: Option<f64>, tflops: Option<f64>) -> Self {
        // A word after the name ("Ti", "SUPER", "Laptop GPU") makes it another card.
        let named = |name: &str| {
            let rest = adapter.split_once(name).map(|(_, rest)| rest.trim_start());
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let known = CARDS.iter().find(|(name, ..)| named(name));
        Self {
            bandwidth: bandwidth
                .or(known.map(|card| card.1))
                .map(|peak| 1e9 * peak),
            operations: tflops.or(known.map(|card| card.2)).map(|peak| 1e12 * peak),
        }
    }

    /// Two cells of a table: bytes and operations a second, and their shares of the peak.
    pub fn shares(&self, bytes: f64, operations: f64, seconds: f64) -> String {
        let cell = |amount: f64, peak: Option<f64>| {
            let rate = amount / seconds;
            let share = peak.map_or("unknown".into(), |peak| {
                format!("{:.2} %", 100.0 * rate / peak)
            });
            format!("{:.2} ({share})", rate / 1e9)
        };
        let bytes = cell(bytes, self.bandwidth);
        format!("{bytes} | {}", cell(operations, self.operations))
    }
}

impl fmt::Display for Peak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |peak: Option<f64>, unit: f64| {
            peak.map_or("unknown".into(), |peak| format!("{:.1}", peak / unit))
        };
        let (bandwidth, operations) = (amount(self.bandwidth, 1e9), amount(self.operations, 1e12));
        write!(f, "{bandwidth} GB/s, {operations} TFLOP/s (float32)")
    }
}
