//! Launches, bytes and seconds of something that is done several times.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use burn::cubecl::logging::{LaunchObservation, LaunchObserver};
use sasr::kernels;

/// Counts every launch, ours and burn's, by the kernel's name.
#[derive(Default)]
struct Counter(Mutex<BTreeMap<&'static str, u64>>);

impl LaunchObserver for Counter {
    fn launched(&self, kernel: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(kernel).or_default() += 1;
    }
}

/// What one time costs.
pub struct Cost {
    /// Seconds of the first time, compiling included.
    pub first: f64,
    /// The median of the times after the second.
    pub seconds: f64,
    /// Launches of the second time, by the kernel's name.
    pub by_name: BTreeMap<&'static str, u64>,
    /// Those of our kernels.
    pub ours: u64,
    /// Bytes of the tensors that those were given; burn's own launches are not in it.
    pub bytes: u64,
}

impl Cost {
    /// Does it twice and then `repeats` times; `work` returns when the card is done.
    pub fn of(repeats: usize, mut work: impl FnMut()) -> Self {
        let mut timed = || {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        };
        let first = timed();
        let counter = Arc::new(Counter::default());
        let watching = LaunchObservation::new(counter.clone());
        let (ours, bytes) = (kernels::dispatches(), kernels::bytes_bound());
        timed();
        let (ours, bytes) = (kernels::dispatches() - ours, kernels::bytes_bound() - bytes);
        drop(watching);
        let mut times: Vec<f64> = (0..repeats).map(|_| timed()).collect();
        times.sort_by(f64::total_cmp);
        let by_name = &mut *counter.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            first,
            seconds: times[times.len() / 2],
            by_name: std::mem::take(by_name),
            ours,
            bytes,
        }
    }

    /// All launches, burn's own included.
    pub fn launches(&self) -> u64 {
        self.by_name.values().sum()
    }
}
