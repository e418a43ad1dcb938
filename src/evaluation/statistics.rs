//! How sure a number is: intervals for proportions, for means over few seeds, and for the
//! difference of two methods on the same problems.
//!
//! All intervals are at the 95 % level. Two things vary between one training run and the next
//! result: the seed it was trained with, and the problems it happened to be tested on. Which of
//! the two an interval covers is said at each function.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

use crate::rng::{self, Purpose};

/// Resamples of a bootstrap: enough for the ends of a 95 % interval to be steady to about a
/// twentieth of its width, and for a p-value to be told from 0.05 divided by some forty comparisons.
pub const RESAMPLES: usize = 4000;

/// 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

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
        let half = student_t((count - 1) as f64) * std / (count as f64).sqrt();
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
    wilson_of_share(successes as f64 / trials as f64, trials)
}

/// The same for the mean of `trials` values within [0, 1] that need not be 0 or 1: such a mean varies no more
/// than a proportion of the same size, so the interval is rather too wide.
pub fn wilson_of_share(share: f64, trials: usize) -> Option<Interval> {
    if trials == 0 || !(0.0..=1.0).contains(&share) {
        return None;
    }
    let (n, p) = (trials as f64, share);
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

/// The values of a metric: by run (seed) and problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The seed of each row.
    pub seeds: Vec<u64>,
    /// `rows[seed][problem]`; `None` where the metric is not defined for a problem (a diversity of correct
    /// samples where there is one).
    pub rows: Vec<Vec<Option<f64>>>,
    /// What each problem belongs to: its level, and its perturbation if there is one. Problems are drawn
    /// anew within these, as the test sets were.
    pub strata: Vec<u64>,
}

impl Table {
    /// Whether it has rows, and all as long as there are problems.
    fn is_sound(&self) -> bool {
        let problems = self.strata.len();
        problems > 0
            && !self.rows.is_empty()
            && self.rows.len() == self.seeds.len()
            && self.rows.iter().all(|row| row.len() == problems)
    }

    /// Mean over the problems for which it is defined, over some seeds.
    fn of_problem(&self, rows: &[usize], problem: usize) -> Option<f64> {
        let values = rows.iter().filter_map(|&row| self.rows[row][problem]);
        let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// Bootstrap interval of a metric's mean over problems and seeds: every resample draws problems (once, for
/// all seeds, within their strata) and seeds anew, with replacement, so that the interval covers both. With
/// one seed it covers the problems alone. `None` of a table without values.
pub fn bootstrap(table: &Table, seed: u64) -> Option<Interval> {
    let all: Vec<usize> = (0..table.rows.len()).collect();
    let mean_of = |problems: &[usize], rows: &[usize]| {
        let each = problems
            .iter()
            .filter_map(|&problem| table.of_problem(rows, problem));
        mean(&each.collect::<Vec<f64>>())
    };
    if !table.is_sound() {
        return None;
    }
    let everything: Vec<usize> = (0..table.strata.len()).collect();
    mean_of(&everything, &all)?;
    let values = resample(seed, &table.strata, |problems, random| {
        mean_of(problems, &draw(all.len(), random))
    });
    Some(middle(&values))
}

/// Difference of two methods on the same problems.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of the first minus mean of the second, over the problems for which both are defined.
    pub mean: f64,
    /// How many problems these are (of the seed with the most of them).
    pub problems: usize,
    /// Bootstrap over problems (drawn once for both, since they are the same, within their levels) and over
    /// seeds: drawn once for both where both ran the same seeds, otherwise for each.
    pub bootstrap: Interval,
    /// Student's t interval over seeds: of the differences seed by seed where both ran the same, Welch's
    /// otherwise; none unless there are at least two seeds.
    pub over_seeds: Option<Interval>,
    /// Whether both ran the same seeds, so that these were paired.
    pub paired: bool,
    /// Probability of a difference at least as large if there were none: the larger of the two intervals'
    /// p-values. The bootstrap sees too little spread where there are two or three seeds, Student's t knows
    /// nothing of the problems: a difference that is to be believed should convince both.
    pub p: f64,
}

impl Difference {
    /// The same with intervals that do not leave what is possible for the difference of two values that lie
    /// within `low..=high`.
    pub fn within(self, low: f64, high: f64) -> Self {
        let bounded = |interval: Interval| interval.within(low - high, high - low);
        Self {
            bootstrap: bounded(self.bootstrap),
            over_seeds: self.over_seeds.map(bounded),
            ..self
        }
    }
}

/// The difference a − b of a metric over the same problems. Where both ran the same seeds, each seed is
/// paired with itself: the seeds share what makes them easy or hard (the base model above all), and that
/// then cancels. `None` where a table is not sound, the problems are not the same, or the metric is defined
/// for no problem under both.
pub fn paired_difference(a: &Table, b: &Table, seed: u64) -> Option<Difference> {
    if !a.is_sound() || !b.is_sound() || a.strata != b.strata {
        return None;
    }
    match in_the_order_of(a, b) {
        Some(b) => paired_by_seed(a, &b, seed),
        None => unpaired_seeds(a, b, seed),
    }
}

/// `b` with its rows in the order of the seeds of `a`; `None` where the seeds are not the same.
fn in_the_order_of(a: &Table, b: &Table) -> Option<Table> {
    if a.seeds.len() != b.seeds.len() {
        return None;
    }
    let place = |seed: &u64| b.seeds.iter().position(|other| other == seed);
    let places: Vec<usize> = a.seeds.iter().map(place).collect::<Option<_>>()?;
    Some(Table {
        seeds: a.seeds.clone(),
        rows: places
            .into_iter()
            .map(|place| b.rows[place].clone())
            .collect(),
        strata: b.strata.clone(),
    })
}

fn paired_by_seed(a: &Table, b: &Table, seed: u64) -> Option<Difference> {
    let row = |(a, b): (&Vec<Option<f64>>, &Vec<Option<f64>>)| -> Vec<Option<f64>> {
        let both = a.iter().zip(b);
        both.map(|(a, b)| Some((*a)? - (*b)?)).collect()
    };
    let differences = Table {
        seeds: a.seeds.clone(),
        rows: a.rows.iter().zip(&b.rows).map(row).collect(),
        strata: a.strata.clone(),
    };
    let rows = &differences.rows;
    let pooled = |problems: &[usize], seeds: &[usize]| {
        let cells = seeds
            .iter()
            .flat_map(|&row| problems.iter().map(move |&p| (row, p)));
        let values = cells.filter_map(|(row, problem)| rows[row][problem]);
        let (sum, count) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    let problems: Vec<usize> = (0..differences.strata.len()).collect();
    let seeds: Vec<usize> = (0..rows.len()).collect();
    let values = resample(seed, &differences.strata, |problems, random| {
        pooled(problems, &draw(seeds.len(), random))
    });
    let by_seed: Vec<f64> = rows.iter().filter_map(|row| defined_mean(row)).collect();
    let shown = rows.iter().map(|row| row.iter().flatten().count());
    Some(difference(
        pooled(&problems, &seeds)?,
        shown.max().unwrap_or(0),
        &values,
        student(&by_seed),
        true,
    ))
}

fn unpaired_seeds(a: &Table, b: &Table, seed: u64) -> Option<Difference> {
    let of_problems = |problems: &[usize], of_a: &[usize], of_b: &[usize]| {
        let each = problems.iter().filter_map(|&problem| {
            Some(a.of_problem(of_a, problem)? - b.of_problem(of_b, problem)?)
        });
        each.collect::<Vec<f64>>()
    };
    let problems: Vec<usize> = (0..a.strata.len()).collect();
    let all = |table: &Table| (0..table.rows.len()).collect::<Vec<usize>>();
    let (all_a, all_b) = (all(a), all(b));
    let shown = of_problems(&problems, &all_a, &all_b);
    let values = resample(seed, &a.strata, |problems, random| {
        let (of_a, of_b) = (draw(all_a.len(), random), draw(all_b.len(), random));
        mean(&of_problems(problems, &of_a, &of_b))
    });
    // Seed by seed over the problems that both are defined for.
    let both: Vec<bool> = problems
        .iter()
        .map(|&p| a.of_problem(&all_a, p).is_some() && b.of_problem(&all_b, p).is_some())
        .collect();
    let means = |table: &Table| -> Vec<f64> {
        let of = |row: &Vec<Option<f64>>| {
            let kept = row.iter().zip(&both).filter(|(_, both)| **both);
            defined_mean(&kept.map(|(value, _)| *value).collect::<Vec<_>>())
        };
        table.rows.iter().filter_map(of).collect()
    };
    Some(difference(
        mean(&shown)?,
        shown.len(),
        &values,
        welch(&means(a), &means(b)),
        false,
    ))
}

fn difference(
    mean: f64,
    problems: usize,
    resampled: &[f64],
    over_seeds: Option<OfSeeds>,
    paired: bool,
) -> Difference {
    // Two-sided: how often a resample falls on the other side of 0. One is added, since the difference
    // itself is one of the resamples there could be (Davison & Hinkley 1997).
    let beyond = |test: &dyn Fn(&&f64) -> bool| resampled.iter().filter(|d| test(d)).count() + 1;
    let least = beyond(&|d| **d <= 0.0).min(beyond(&|d| **d >= 0.0));
    let p = (2.0 * least as f64 / (resampled.len() + 1) as f64).min(1.0);
    Difference {
        mean,
        problems,
        bootstrap: middle(resampled),
        over_seeds: over_seeds.map(|seeds| seeds.interval),
        paired,
        p: p.max(over_seeds.map_or(0.0, |seeds| seeds.p)),
    }
}

/// What seeds alone say of a difference.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OfSeeds {
    interval: Interval,
    p: f64,
}

impl OfSeeds {
    /// Student's t with a mean, its standard error and degrees of freedom.
    fn new(mean: f64, error: f64, freedom: f64) -> Self {
        let half = student_t(freedom) * error;
        let p = match error > 0.0 {
            true => 2.0 * (1.0 - t_distribution(freedom).cdf((mean / error).abs())),
            // Every seed says the same.
            false => f64::from(u8::from(mean == 0.0)),
        };
        Self {
            interval: Interval {
                low: mean - half,
                high: mean + half,
            },
            p: p.clamp(0.0, 1.0),
        }
    }
}

/// Student's t for the mean of differences, one a seed. None of fewer than two.
fn student(differences: &[f64]) -> Option<OfSeeds> {
    let variance = variance(differences)?;
    let count = differences.len() as f64;
    let error = (variance / count).sqrt();
    Some(OfSeeds::new(mean(differences)?, error, count - 1.0))
}

/// Welch's t for the difference of two means with unequal variances. None unless both have at least two
/// values.
fn welch(a: &[f64], b: &[f64]) -> Option<OfSeeds> {
    let share = |values: &[f64]| variance(values).map(|variance| variance / values.len() as f64);
    let (share_a, share_b) = (share(a)?, share(b)?);
    let difference = mean(a)? - mean(b)?;
    let spread = share_a + share_b;
    // Welch–Satterthwaite.
    let freedom = spread * spread
        / (share_a * share_a / (a.len() - 1) as f64 + share_b * share_b / (b.len() - 1) as f64);
    let freedom = if freedom.is_finite() { freedom } else { 1.0 };
    Some(OfSeeds::new(difference, spread.sqrt(), freedom.max(1.0)))
}

/// p-values of several comparisons, corrected so that with 95 % probability no true tie among them passes
/// for a difference (Holm 1979): the smallest is multiplied by their number, the next by one less, and so
/// on, none smaller than the one before.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![1.0; p.len()];
    let mut largest = 0.0f64;
    for (rank, &place) in order.iter().enumerate() {
        largest = largest.max((p[place] * (p.len() - rank) as f64).min(1.0));
        corrected[place] = largest;
    }
    corrected
}

fn t_distribution(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are above 0")
}

/// 97.5 % quantile of Student's t.
fn student_t(freedom: f64) -> f64 {
    t_distribution(freedom).inverse_cdf(0.975)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn defined_mean(values: &[Option<f64>]) -> Option<f64> {
    mean(&values.iter().flatten().copied().collect::<Vec<f64>>())
}

/// Sample variance (n − 1); none for fewer than two values.
fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some(squares / (values.len() - 1) as f64)
}

/// As many indices below `count`, with replacement.
fn draw(count: usize, random: &mut rng::Stream) -> Vec<usize> {
    (0..count).map(|_| random.random_range(0..count)).collect()
}

/// The sorted values of `statistic` over resamples of problems, drawn within their strata. A resample for
/// which it is not defined is left out.
fn resample(
    seed: u64,
    strata: &[u64],
    statistic: impl Fn(&[usize], &mut rng::Stream) -> Option<f64>,
) -> Vec<f64> {
    let mut members: std::collections::BTreeMap<u64, Vec<usize>> = Default::default();
    for (problem, &stratum) in strata.iter().enumerate() {
        members.entry(stratum).or_default().push(problem);
    }
    let round = |round| {
        let mut random = rng::stream(seed, Purpose::Bootstrap, round, 0);
        let mut drawn = Vec::with_capacity(strata.len());
        for members in members.values() {
            let places = draw(members.len(), &mut random);
            drawn.extend(places.into_iter().map(|place| members[place]));
        }
        statistic(&drawn, &mut random)
    };
    let mut values: Vec<f64> = (0..RESAMPLES as u64).filter_map(round).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The middle 95 % of sorted values.
fn middle(sorted: &[f64]) -> Interval {
    Interval {
        low: quantile(sorted, 0.025),
        high: quantile(sorted, 0.975),
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
#[path = "statistics_tests.rs"]
mod tests;
