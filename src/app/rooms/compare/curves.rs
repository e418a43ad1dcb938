//! Metrics over the run, made ready for drawing: by step, tokens or time, smoothed, seed by seed or
//! as the mean over a group's seeds.

use serde::{Deserialize, Serialize};

use crate::app::library::Curves;
use crate::app::record::{names, smoothed};
use crate::runs::compare::Group;

/// The accuracy of exams, which is no column.
pub const EXAM: &str = "exam accuracy";

/// Points of a mean over seeds, and from how many per run on it is taken over stretches.
const STRETCHES: usize = 400;

/// Points of a curve from which on only the extremes of its stretches are drawn when seen whole.
const COARSE: usize = 8000;

/// What a metric is called, its unit, and what it is.
const METRICS: [(&str, &str, &str, &str); 11] = [
    (
        EXAM,
        "Exam accuracy",
        "share",
        "Share of held-out problems solved at the first try",
    ),
    (
        names::REWARD,
        "Reward",
        "",
        "Mean reward of the completions of a quiz step",
    ),
    (
        names::P,
        "p",
        "probability",
        "Probability that a step is textbook (SFT)",
    ),
    (
        names::G_RATIO,
        "G / G_warm",
        "",
        "Gradient norm of the textbook, against its warm-up",
    ),
    (names::G, "G", "", "Gradient norm of the textbook loss"),
    (
        names::D,
        "D",
        "nats per token",
        "How far the model has moved from its origin",
    ),
    (
        "loss",
        "Loss",
        "",
        "Textbook steps: nats per token; quiz steps: near 0 by construction",
    ),
    (
        "sft_loss",
        "Textbook loss",
        "nats per token",
        "Loss of the textbook steps alone",
    ),
    (
        "entropy",
        "Entropy",
        "nats per token",
        "How undecided the model is about the next token",
    ),
    (
        "kl",
        "KL",
        "nats per token",
        "Divergence from the origin as the quiz loss sees it",
    ),
    (
        "completions/mean_length",
        "Completion length",
        "tokens",
        "Mean length of sampled completions",
    ),
];

/// What runs along the x axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Axis {
    #[default]
    Step,
    Tokens,
    Time,
}

impl Axis {
    pub const ALL: [Axis; 3] = [Axis::Step, Axis::Tokens, Axis::Time];

    pub fn title(self) -> &'static str {
        match self {
            Axis::Step => "step",
            Axis::Tokens => "tokens",
            Axis::Time => "seconds",
        }
    }
}

/// Whether seeds are drawn each, or together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    #[default]
    Mean,
    Seeds,
}

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct What {
    pub metric: String,
    pub axis: Axis,
    /// Weight of the past, in [0, 1).
    pub smoothing: f32,
    pub shape: Shape,
}

impl Default for What {
    fn default() -> Self {
        Self {
            metric: EXAM.into(),
            axis: Axis::default(),
            smoothing: 0.0,
            shape: Shape::default(),
        }
    }
}

/// A metric's name for people, its unit, and what it is.
pub fn about(metric: &str) -> (&str, &'static str, &'static str) {
    METRICS
        .iter()
        .find(|(name, ..)| *name == metric)
        .map_or((metric, "", ""), |&(_, title, unit, hint)| {
            (title, unit, hint)
        })
}

/// The metrics there are: those known here first, then all others by name.
pub fn metrics(curves: &[Curves]) -> Vec<String> {
    let has = |name: &str| match name {
        EXAM => curves.iter().any(|run| !run.exams.is_empty()),
        _ => curves.iter().any(|run| run.columns.get(name).is_some()),
    };
    let known = METRICS.iter().map(|(name, ..)| *name);
    let mut found: Vec<String> = known.filter(|name| has(name)).map(str::to_owned).collect();
    let mut others: Vec<&str> = curves.iter().flat_map(|run| run.columns.names()).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|name| METRICS.iter().all(|(known, ..)| known != name));
    found.extend(others.into_iter().map(str::to_owned));
    found
}

/// The points of one curve, x not falling; no value is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    pub xs: Vec<f64>,
    pub ys: Vec<f32>,
}

impl Points {
    /// A run's curve.
    pub fn of(run: &Curves, what: &What) -> Self {
        let columns = &run.columns;
        let x_of = |row: Option<usize>, step: u64| match (what.axis, row) {
            (Axis::Step, _) => step as f64,
            (Axis::Tokens, Some(row)) => columns.tokens[row],
            (Axis::Time, Some(row)) => columns.seconds[row],
            // Before the first step nothing has been spent.
            (Axis::Tokens | Axis::Time, None) => 0.0,
        };
        let mut points = Self::default();
        if what.metric == EXAM {
            for &(step, accuracy) in &run.exams {
                points.xs.push(x_of(columns.row(step), step));
                points.ys.push(accuracy as f32);
            }
        } else if let Some(values) = columns.get(&what.metric) {
            for (row, &value) in values.iter().enumerate() {
                if value.is_finite() {
                    points
                        .xs
                        .push(x_of(Some(row), columns.first() + row as u64));
                    points.ys.push(value);
                }
            }
        }
        if what.smoothing > 0.0 {
            points.ys = smoothed(&points.ys, what.smoothing);
        }
        points
    }

    /// The value at `x`, on the straight line between neighbours; none outside the curve.
    fn at(&self, x: f64) -> Option<f32> {
        let after = self.xs.partition_point(|there| *there < x);
        let (&there, &y) = (self.xs.get(after)?, self.ys.get(after)?);
        if there == x {
            return Some(y);
        }
        let before = after.checked_sub(1)?;
        let share = (x - self.xs[before]) / (there - self.xs[before]);
        Some(self.ys[before] + share as f32 * (y - self.ys[before]))
    }

    /// The mean in each of `count` stretches of `width` from `low` on; where a stretch has no
    /// value, the one on the line between its neighbours.
    fn stretches(&self, low: f64, width: f64, count: usize) -> Vec<Option<f32>> {
        let mut sums = vec![(0.0f64, 0u32); count];
        for (&x, &y) in self.xs.iter().zip(&self.ys) {
            let place = (x - low) / width;
            if (0.0..=count as f64).contains(&place) {
                let sum = &mut sums[(place as usize).min(count - 1)];
                *sum = (sum.0 + f64::from(y), sum.1 + 1);
            }
        }
        let value = |(index, (sum, number)): (usize, (f64, u32))| match number {
            0 => self.at(low + (index as f64 + 0.5) * width),
            number => Some((sum / f64::from(number)) as f32),
        };
        sums.into_iter().enumerate().map(value).collect()
    }
}

/// Several seeds together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Band {
    pub mean: Points,
    pub low: Vec<f32>,
    pub high: Vec<f32>,
}

impl Band {
    /// The mean over curves and their range, from where the last of them begins to where the first
    /// of them ends: beyond, a curve that is missing would look like a change. A curve without
    /// points does not count.
    pub fn over(curves: &[Points]) -> Self {
        let curves: Vec<&Points> = curves.iter().filter(|curve| !curve.xs.is_empty()).collect();
        let first = |curve: &&Points| curve.xs[0];
        let last = |curve: &&Points| curve.xs[curve.xs.len() - 1];
        let low = curves.iter().map(first).fold(f64::NEG_INFINITY, f64::max);
        let high = curves.iter().map(last).fold(f64::INFINITY, f64::min);
        let mut band = Self::default();
        if curves.is_empty() || low > high {
            return band;
        }
        let is_long = curves.iter().any(|curve| curve.xs.len() > STRETCHES);
        if is_long && high > low {
            let width = (high - low) / STRETCHES as f64;
            let values: Vec<_> = curves
                .iter()
                .map(|curve| curve.stretches(low, width, STRETCHES))
                .collect();
            for index in 0..STRETCHES {
                let x = low + (index as f64 + 0.5) * width;
                band.add(x, values.iter().filter_map(|values| values[index]));
            }
        } else {
            let mut xs: Vec<f64> = curves.iter().flat_map(|curve| &curve.xs).copied().collect();
            xs.retain(|x| (low..=high).contains(x));
            xs.sort_by(f64::total_cmp);
            xs.dedup();
            for x in xs {
                band.add(x, curves.iter().filter_map(|curve| curve.at(x)));
            }
        }
        band
    }

    fn add(&mut self, x: f64, values: impl Iterator<Item = f32>) {
        let (mut sum, mut count) = (0.0f64, 0u32);
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for value in values {
            (sum, count) = (sum + f64::from(value), count + 1);
            (low, high) = (low.min(value), high.max(value));
        }
        if count > 0 {
            self.mean.xs.push(x);
            self.mean.ys.push((sum / f64::from(count)) as f32);
            self.low.push(low);
            self.high.push(high);
        }
    }
}

/// A line of the plot.
pub struct Trace {
    pub group: usize,
    /// The run it is of, by its place; none for a mean over a group.
    pub run: Option<usize>,
    /// Which of its group's seeds, counted from 0.
    pub rank: usize,
    pub seeds: usize,
    pub points: Points,
    /// Lowest and highest seed, for a mean; empty otherwise.
    pub low: Vec<f32>,
    pub high: Vec<f32>,
    /// The extremes of stretches, for a long curve seen whole.
    pub coarse: Option<Points>,
}

/// All lines of the plot.
pub struct Prepared {
    pub what: What,
    pub traces: Vec<Trace>,
}

/// Lines on their way, one run at a time, so that long runs do not stop a frame.
pub struct Preparing {
    what: What,
    done: Vec<Points>,
}

impl Preparing {
    pub fn new(what: What) -> Self {
        let done = Vec::new();
        Self { what, done }
    }

    /// Goes on with the next run; the lines when all are through.
    pub fn go_on(&mut self, groups: &[Group], curves: &[Curves]) -> Option<Prepared> {
        if let Some(run) = curves.get(self.done.len()) {
            self.done.push(Points::of(run, &self.what));
            return None;
        }
        let mut traces = Vec::new();
        for (group, members) in groups.iter().map(|group| &group.members).enumerate() {
            self.add_group(&mut traces, group, members);
        }
        traces.retain(|trace| !trace.points.xs.is_empty());
        let what = self.what.clone();
        Some(Prepared { what, traces })
    }

    fn add_group(&mut self, traces: &mut Vec<Trace>, group: usize, members: &[usize]) {
        let mut taken: Vec<Points> = members
            .iter()
            .filter_map(|&member| self.done.get_mut(member).map(std::mem::take))
            .collect();
        let seeds = taken.len();
        let trace = |points: Points, run: Option<usize>, rank: usize| Trace {
            coarse: coarse(&points),
            group,
            run,
            rank,
            seeds,
            points,
            low: Vec::new(),
            high: Vec::new(),
        };
        if self.what.shape == Shape::Mean && seeds > 1 {
            let Band { mean, low, high } = Band::over(&taken);
            traces.push(Trace {
                low,
                high,
                ..trace(mean, None, 0)
            });
            return;
        }
        for (rank, (points, &member)) in taken.drain(..).zip(members).enumerate() {
            traces.push(trace(points, Some(member), rank));
        }
    }
}

/// The smallest and largest value of every stretch of a long curve.
fn coarse(points: &Points) -> Option<Points> {
    if points.xs.len() <= COARSE {
        return None;
    }
    let everywhere = f64::NEG_INFINITY..=f64::INFINITY;
    let kept =
        crate::app::widgets::thinned(&points.ys, Some(&points.xs), 0.0, everywhere, COARSE / 2);
    Some(Points {
        xs: kept.iter().map(|point| point.x).collect(),
        ys: kept.iter().map(|point| point.y as f32).collect(),
    })
}
