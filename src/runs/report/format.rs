//! Numbers as people read them.

use crate::evaluation::Interval;

/// A number with about three significant digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "not a number".into();
    }
    if size == 0.0 {
        return "0".into();
    }
    match size {
        size if !(1e-3..1e6).contains(&size) => format!("{value:.2e}"),
        size if size >= 1000.0 => whole(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
    .replace('-', "−")
}

/// A whole number in groups of three digits, with narrow no-break spaces.
pub fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    if value <= -0.5 {
        format!("−{grouped}")
    } else {
        grouped
    }
}

/// A share as percent with one decimal.
pub fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * share)
}

/// A share as percent, with its interval on what may become a line of its own.
pub fn percent_within(share: f64, interval: Option<Interval>) -> String {
    let bound = |value: f64| format!("{:.1}", 100.0 * value);
    within(percent(share), interval, bound)
}

/// A text for a value, followed by its interval, if there is one, in brackets.
pub fn within(value: String, interval: Option<Interval>, bound: impl Fn(f64) -> String) -> String {
    match interval {
        Some(Interval { low, high }) => format!("{value} [{},\u{a0}{}]", bound(low), bound(high)),
        None => value,
    }
}

/// A difference of shares in percentage points, with its sign.
pub fn points(difference: f64) -> String {
    format!("{:+.1}", 100.0 * difference).replace('-', "−")
}

/// Seconds as hours, minutes and seconds.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) if seconds < 10.0 => format!("{seconds:.1} s"),
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// A large count with its unit prefix: `1.24 M`.
pub fn short(count: f64) -> String {
    match count.abs() {
        size if size >= 1e9 => format!("{:.2}\u{a0}G", count / 1e9),
        size if size >= 1e6 => format!("{:.2}\u{a0}M", count / 1e6),
        size if size >= 1e4 => format!("{:.0}\u{a0}k", count / 1e3),
        _ => whole(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_about_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.012_34, "0.012"),
            (1.234_5, "1.23"),
            (-45.67, "−45.7"),
            (123.4, "123"),
            (12_345.0, "12\u{202f}345"),
            (0.000_123, "1.23e−4"),
            (f64::NAN, "not a number"),
        ];
        for (value, shown) in cases {
            assert_eq!(number(value), shown);
        }
        assert_eq!(whole(1_234_567.0), "1\u{202f}234\u{202f}567");
        assert_eq!(points(-0.031), "−3.1");
        assert_eq!(percent(0.7125), "71.2\u{a0}%");
    }

    #[test]
    fn durations_and_counts_have_fitting_units() {
        assert_eq!(duration(3.25), "3.2 s");
        assert_eq!(duration(59.0), "59 s");
        assert_eq!(duration(61.0), "1 min 1 s");
        assert_eq!(duration(7300.0), "2 h 1 min");
        assert_eq!(short(1_240_000.0), "1.24\u{a0}M");
        assert_eq!(short(9_999.0), "9\u{202f}999");
    }
}
