//! How sure a number is: intervals for proportions, for means over few seeds, and for the
//! difference of two methods on the same problems.
//!
//! All intervals are at the 95 % level. Two things vary between one training run and the next
//! result: the seed it was trained with, and the problems it happened to be tested on. Which of
//! the two an interval covers is said at each function.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::rng::{self, Purpose};

/// Resamples of a bootstrap: enough for the ends of a 95 % interval to be steady to about a
/// twentieth of its width.
pub const RESAMPLES: usize = 2000;

/// 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom.
const T: [f64; 30] = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010,
    2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687,
    2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
];

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies in the interval, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The interval without what lies outside `low..=high`: for quantities that have bounds.
    pub fn within(&self, low: f64, high: f64) -> Self {
        Self {
            low: self.low.clamp(low, high),
            high: self.high.clamp(low, high),
        }
    }
}

/// The mean of a few values, one per seed, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverSeeds {
    pub count: usize,
    pub mean: f64,
    /// Sample standard deviation (n − 1); none for a single value.
    pub std: Option<f64>,
    /// Student's t interval of the mean; none for a single value, which says nothing about others.
    pub interval: Option<Interval>,
}

/// Mean, standard deviation and t interval over seeds. None without values.
///
/// With two or three seeds the interval is wide, as it should be: the spread itself is then
/// hardly known.
pub fn over_seeds(values: &[f64]) -> Option<OverSeeds> {
    let count = values.len();
    let mean = mean(values)?;
    let std = variance(values).map(f64::sqrt);
    let interval = std.map(|std| {
        let half = student_t(count - 1) * std / (count as f64).sqrt();
        Interval {
            low: mean - half,
            high: mean + half,
        }
    });
    Some(OverSeeds {
        count,
        mean,
        std,
        interval,
    })
}

/// Wilson's score interval for a proportion of `successes` among `trials`: the problems vary, the
/// seed is held fixed. Unlike the normal approximation it stays in [0, 1] and does not vanish at
/// its ends. None without trials.
pub fn wilson(successes: usize, trials: usize) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let scale = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    Some(
        Interval {
            low: centre - half,
            high: centre + half,
        }
        .within(0.0, 1.0),
    )
}

/// Bootstrap interval of the mean of `table[seed][problem]`, in which all seeds were tested on the
/// same problems: every resample draws problems (once, for all seeds) and seeds anew, with
/// replacement, so that the interval covers both. With one seed it covers the problems alone.
/// None if a row is empty or their lengths differ.
pub fn bootstrap(table: &[Vec<f64>], seed: u64) -> Option<Interval> {
    let problems = rectangular(table)?;
    Some(resample(seed, problems, |drawn, random| {
        mean_of_draw(table, drawn, &draw(table.len(), random))
    }))
}

/// Difference of two methods on the same problems.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of the first minus mean of the second.
    pub mean: f64,
    /// Bootstrap over problems (drawn once for both, since they are the same) and seeds.
    pub bootstrap: Interval,
    /// Welch's t interval from the means per seed; none unless both have at least two seeds.
    pub welch: Option<Interval>,
}

impl Difference {
    /// Whether every interval there is excludes 0. The bootstrap sees too little spread where
    /// there are two or three seeds, Welch's t knows nothing of the problems: a difference that is
    /// to be believed should convince both.
    pub fn significant(&self) -> bool {
        !self.bootstrap.contains(0.0) && !self.welch.is_some_and(|interval| interval.contains(0.0))
    }
}

/// The difference a − b of two tables `[seed][problem]` over the same problems. The seeds of the
/// two need not be the same, nor as many. None if rows are empty or their lengths differ.
pub fn paired_difference(a: &[Vec<f64>], b: &[Vec<f64>], seed: u64) -> Option<Difference> {
    let problems = rectangular(a)?;
    if rectangular(b)? != problems {
        return None;
    }
    let means = |table: &[Vec<f64>]| table.iter().filter_map(|row| mean(row)).collect::<Vec<_>>();
    let (means_a, means_b) = (means(a), means(b));
    let bootstrap = resample(seed, problems, |drawn, random| {
        let first = mean_of_draw(a, drawn, &draw(a.len(), random));
        first - mean_of_draw(b, drawn, &draw(b.len(), random))
    });
    Some(Difference {
        mean: mean(&means_a)? - mean(&means_b)?,
        bootstrap,
        welch: welch(&means_a, &means_b),
    })
}

/// Welch's t interval for the difference of two means with unequal variances. None unless both
/// have at least two values.
pub fn welch(a: &[f64], b: &[f64]) -> Option<Interval> {
    let share = |values: &[f64]| variance(values).map(|variance| variance / values.len() as f64);
    let (share_a, share_b) = (share(a)?, share(b)?);
    let difference = mean(a)? - mean(b)?;
    let spread = share_a + share_b;
    if spread == 0.0 {
        return Some(Interval {
            low: difference,
            high: difference,
        });
    }
    // Welch–Satterthwaite, rounded down to whole degrees of freedom, which widens the interval.
    let freedom = spread * spread
        / (share_a * share_a / (a.len() - 1) as f64 + share_b * share_b / (b.len() - 1) as f64);
    let half = student_t(freedom.floor().max(1.0) as usize) * spread.sqrt();
    Some(Interval {
        low: difference - half,
        high: difference + half,
    })
}

/// 97.5 % quantile of Student's t.
fn student_t(freedom: usize) -> f64 {
    match freedom {
        0 => f64::INFINITY,
        1..=30 => T[freedom - 1],
        // Two terms of the expansion in 1/freedom: correct to four decimals from 31 on.
        _ => {
            let v = freedom as f64;
            let first = (Z.powi(3) + Z) / (4.0 * v);
            let second = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * v * v);
            Z + first + second
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample variance (n − 1); none for fewer than two values.
fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(squares / (values.len() - 1) as f64)
}

/// The length all rows share, if they share one above 0.
fn rectangular(table: &[Vec<f64>]) -> Option<usize> {
    let length = table.first()?.len();
    (length > 0 && table.iter().all(|row| row.len() == length)).then_some(length)
}

/// As many indices below `count`, with replacement.
fn draw(count: usize, random: &mut rng::Stream) -> Vec<usize> {
    (0..count).map(|_| random.random_range(0..count)).collect()
}

fn mean_of_draw(table: &[Vec<f64>], columns: &[usize], rows: &[usize]) -> f64 {
    let sum: f64 = rows
        .iter()
        .map(|&row| {
            columns
                .iter()
                .map(|&column| table[row][column])
                .sum::<f64>()
        })
        .sum();
    sum / (rows.len() * columns.len()) as f64
}

/// The middle 95 % of `statistic` over resamples of `problems` problems.
fn resample(
    seed: u64,
    problems: usize,
    statistic: impl Fn(&[usize], &mut rng::Stream) -> f64,
) -> Interval {
    let mut values: Vec<f64> = (0..RESAMPLES as u64)
        .map(|round| {
            let mut random = rng::stream(seed, Purpose::Bootstrap, round, 0);
            let drawn = draw(problems, &mut random);
            statistic(&drawn, &mut random)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    Interval {
        low: quantile(&values, 0.025),
        high: quantile(&values, 0.975),
    }
}

/// Quantile of sorted values, interpolated linearly between neighbours.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = sorted[position.floor() as usize];
    let above = sorted[position.ceil() as usize];
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() < tolerance, "{a} is not {b}");
    }

    /// A row of `ones` ones and then zeros.
    fn row(ones: usize, length: usize) -> Vec<f64> {
        (0..length).map(|i| f64::from(u8::from(i < ones))).collect()
    }

    #[test]
    fn wilson_by_hand() {
        // 8 of 10 (the textbook example): 0.4902 to 0.9433.
        let interval = wilson(8, 10).unwrap();
        close(interval.low, 0.4902, 1e-4);
        close(interval.high, 0.9433, 1e-4);
        // At the ends: z²/(n + z²) = 3.8415/13.8415.
        let none = wilson(0, 10).unwrap();
        close(none.low, 0.0, 1e-12);
        close(none.high, 0.27753, 1e-5);
        close(wilson(10, 10).unwrap().low, 1.0 - 0.27753, 1e-5);
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(3, 2), None);
    }

    #[test]
    fn a_t_interval_by_hand() {
        // 1, 2, 3: mean 2, std 1, t(2) = 4.3027, half 4.3027/√3 = 2.4842.
        let summary = over_seeds(&[1.0, 2.0, 3.0]).unwrap();
        close(summary.mean, 2.0, 1e-12);
        close(summary.std.unwrap(), 1.0, 1e-12);
        let interval = summary.interval.unwrap();
        close(interval.low, 2.0 - 2.4842, 1e-4);
        close(interval.high, 2.0 + 2.4842, 1e-4);
        let single = over_seeds(&[0.5]).unwrap();
        assert_eq!(
            (single.mean, single.std, single.interval),
            (0.5, None, None)
        );
        assert_eq!(over_seeds(&[]), None);
    }

    #[test]
    fn student_t_falls_towards_the_normal_without_a_step() {
        let quantiles: Vec<f64> = (1..400).map(student_t).collect();
        assert!(quantiles.windows(2).all(|pair| pair[0] > pair[1]));
        // Tables: t(40) = 2.0211, t(60) = 2.0003, t(120) = 1.9799.
        for (freedom, table) in [(40, 2.0211), (60, 2.0003), (120, 1.9799)] {
            close(student_t(freedom), table, 1e-4);
        }
    }

    #[test]
    fn welch_by_hand() {
        // a = 1 2 3, b = 2 4 6: difference −2, shares 1/3 and 4/3, freedom 25/9 / (1/18 + 16/18)
        // = 2.94, so t(2) = 4.3027; half = 4.3027·√(5/3) = 5.5547.
        let interval = welch(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]).unwrap();
        close(interval.low, -2.0 - 5.5547, 1e-3);
        close(interval.high, -2.0 + 5.5547, 1e-3);
        assert_eq!(welch(&[1.0], &[2.0, 3.0]), None);
    }

    #[test]
    fn the_bootstrap_over_problems_has_the_width_of_the_binomial() {
        // 60 of 100: the standard error is √(0.24/100) = 0.049.
        let interval = bootstrap(&[row(60, 100)], 3).unwrap();
        close(interval.low, 0.6 - Z * 0.049, 0.012);
        close(interval.high, 0.6 + Z * 0.049, 0.012);
        assert_eq!(
            interval,
            bootstrap(&[row(60, 100)], 3).unwrap(),
            "a seed gives one result"
        );
        assert_ne!(interval, bootstrap(&[row(60, 100)], 4).unwrap());
    }

    #[test]
    fn seeds_that_differ_widen_the_bootstrap() {
        let alike = bootstrap(&[row(60, 100), row(60, 100), row(60, 100)], 1).unwrap();
        let apart = bootstrap(&[row(40, 100), row(60, 100), row(80, 100)], 1).unwrap();
        assert!(apart.high - apart.low > 1.5 * (alike.high - alike.low));
        assert_eq!(bootstrap(&[row(1, 2), row(1, 3)], 1), None);
        assert_eq!(bootstrap(&[], 1), None);
        assert_eq!(bootstrap(&[vec![]], 1), None);
    }

    #[test]
    fn pairing_sees_what_two_separate_intervals_would_not() {
        // b fails on ten problems that a solves, and is otherwise the same.
        let (a, b) = (vec![row(60, 100)], vec![row(50, 100)]);
        let difference = paired_difference(&a, &b, 1).unwrap();
        close(difference.mean, 0.1, 1e-12);
        assert!(difference.significant());
        let (low, high) = (
            bootstrap(&a, 1).unwrap().low,
            bootstrap(&b, 1).unwrap().high,
        );
        assert!(low < high, "unpaired, the intervals overlap: {low} {high}");
    }

    #[test]
    fn equal_methods_do_not_differ_and_swapping_turns_the_sign() {
        let a = vec![row(30, 60), row(33, 60), row(28, 60)];
        let same = paired_difference(&a, &a, 1).unwrap();
        assert!(same.mean == 0.0 && !same.significant());
        let b = vec![row(10, 60), row(12, 60), row(11, 60)];
        let (there, back) = (
            paired_difference(&a, &b, 1).unwrap(),
            paired_difference(&b, &a, 1).unwrap(),
        );
        close(there.mean, -back.mean, 1e-12);
        assert!(there.significant() && back.significant());
        close(there.welch.unwrap().low, -back.welch.unwrap().high, 1e-9);
        assert_eq!(paired_difference(&a, &[row(1, 50)], 1), None);
    }

    #[test]
    fn a_difference_must_convince_both_intervals() {
        // Two seeds each, far apart: the problems agree, the seeds do not.
        let a = vec![row(90, 100), row(50, 100)];
        let b = vec![row(40, 100), row(45, 100)];
        let difference = paired_difference(&a, &b, 1).unwrap();
        assert!(difference.welch.unwrap().contains(0.0));
        assert!(!difference.significant());
    }

    #[test]
    fn quantiles_are_interpolated() {
        let sorted = [0.0, 1.0, 2.0, 3.0];
        close(quantile(&sorted, 0.5), 1.5, 1e-12);
        close(quantile(&sorted, 0.0), 0.0, 1e-12);
        close(quantile(&sorted, 1.0), 3.0, 1e-12);
    }
}
