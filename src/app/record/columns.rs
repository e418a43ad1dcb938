//! What is drawn of a run: one number per step and metric.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::balance::Branch;
use crate::training::{Phase, StepRecord};

/// One value per step; NaN where a step has none.
pub type Column = Vec<f32>;

/// A run's numbers, column by column. Row `i` is step `first + i`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    first: u64,
    pub branch: Vec<Branch>,
    pub phase: Vec<Phase>,
    /// False where weights and optimizer stayed as they were.
    pub updated: Vec<bool>,
    /// Tokens processed up to each step.
    pub tokens: Vec<f64>,
    /// Seconds of all steps up to each.
    pub seconds: Vec<f64>,
    numbers: BTreeMap<String, Column>,
}

/// Names of columns that are not TRL's metrics.
pub mod names {
    /// Probability of SFT.
    pub const P: &str = "p";
    /// The draw.
    pub const ALPHA: &str = "alpha";
    /// The SFT gradient norm.
    pub const G: &str = "G";
    /// G / G_warm.
    pub const G_RATIO: &str = "G/G_warm";
    /// Divergence from the origin.
    pub const D: &str = "D";
    /// The part of D that counts.
    pub const D_PULL: &str = "D_pull";
    /// Share of completions that were right in a step's rollouts.
    pub const REWARD: &str = "reward";
}

impl Columns {
    /// Steps there are.
    pub fn len(&self) -> usize {
        self.branch.len()
    }

    pub fn is_empty(&self) -> bool {
        self.branch.is_empty()
    }

    /// The first step there is; 1 for a run that was seen from its beginning.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The newest step; 0 without any.
    pub fn last(&self) -> u64 {
        match self.len() {
            0 => 0,
            len => self.first + len as u64 - 1,
        }
    }

    /// The row of a step.
    pub fn row(&self, step: u64) -> Option<usize> {
        let row = usize::try_from(step.checked_sub(self.first)?).ok()?;
        (row < self.len()).then_some(row)
    }

    /// A column by its name: a TRL metric, or one of [`names`].
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.numbers.get(name).map(Vec::as_slice)
    }

    /// A value, where the step has one.
    pub fn value(&self, name: &str, step: u64) -> Option<f32> {
        let value = *self.get(name)?.get(self.row(step)?)?;
        (!value.is_nan()).then_some(value)
    }

    /// All columns' names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.numbers.keys().map(String::as_str)
    }

    /// Adds the next step. A step that was there is replaced, with all after it: a resumed run
    /// writes them anew.
    pub fn push(&mut self, record: &StepRecord) {
        if self.is_empty() {
            self.first = record.step;
        }
        if let Some(row) = self.row(record.step) {
            self.cut(row);
        }
        let row = self.len();
        let warming_up = |phase: &Phase| *phase == Phase::Warmup;
        let warmed_up = self.phase.last().is_some_and(warming_up) && !warming_up(&record.phase);
        self.branch.push(record.branch);
        self.phase.push(record.phase);
        self.updated.push(record.updated);
        self.tokens.push(record.num_tokens as f64);
        let before = self.seconds.last().copied().unwrap_or(0.0);
        self.seconds.push(before + record.step_time);
        let mut put = |name: &str, value: Option<f64>| {
            let Some(value) = value else { return };
            let column = match self.numbers.get_mut(name) {
                Some(column) => column,
                None => self.numbers.entry(name.to_owned()).or_default(),
            };
            column.resize(row, f32::NAN);
            column.push(value as f32);
        };
        put("loss", Some(record.loss));
        put("grad_norm", Some(record.grad_norm));
        put("learning_rate", Some(record.learning_rate));
        put("step_time", Some(record.step_time));
        for (name, &value) in &record.metrics {
            put(name, Some(value));
        }
        if let Some(decision) = &record.decision {
            put(names::P, Some(decision.p));
            put(names::ALPHA, decision.alpha);
            put(names::G, decision.g);
            // During the warm-up G_warm is not what it will be yet.
            let warm = decision.g_warm.filter(|_| !warming_up(&record.phase));
            put(
                names::G_RATIO,
                decision.g.zip(warm).map(|(g, warm)| g / warm),
            );
            put(names::D, decision.d);
            put(names::D_PULL, decision.d.map(|_| decision.d_pull));
        }
        for column in self.numbers.values_mut() {
            column.resize(row + 1, f32::NAN);
        }
        let warm = record.decision.as_ref().and_then(|it| it.g_warm);
        if let Some(warm) = warm.filter(|_| warmed_up) {
            self.fill_ratio(row, warm);
        }
    }

    /// Divides the G of the warm-up, the first `rows`, by what has become G_warm.
    fn fill_ratio(&mut self, rows: usize, warm: f64) {
        let Some(g) = self.numbers.get(names::G) else {
            return;
        };
        let ratio = |g: &f32| (f64::from(*g) / warm) as f32;
        let filled: Vec<f32> = g[..rows].iter().map(ratio).collect();
        if let Some(column) = self.numbers.get_mut(names::G_RATIO) {
            column[..rows].copy_from_slice(&filled);
        }
    }

    fn cut(&mut self, rows: usize) {
        self.branch.truncate(rows);
        self.phase.truncate(rows);
        self.updated.truncate(rows);
        self.tokens.truncate(rows);
        self.seconds.truncate(rows);
        for column in self.numbers.values_mut() {
            column.truncate(rows);
        }
    }
}

/// Exponential moving average that passes over NaN; `weight` of the past in [0, 1).
pub fn smoothed(values: &[f32], weight: f32) -> Vec<f32> {
    let (mut sum, mut norm) = (0.0f32, 0.0f32);
    let smooth = |&value: &f32| {
        if value.is_nan() {
            return f32::NAN;
        }
        // Divided by the weights so far, so that the beginning is not pulled to zero.
        sum = weight * sum + (1.0 - weight) * value;
        norm = weight * norm + (1.0 - weight);
        sum / norm
    };
    values.iter().map(smooth).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Method;
    use crate::runs::synthetic;

    #[test]
    fn columns_hold_what_the_records_say() {
        let run = synthetic::of(Method::Sasr, 1, 40);
        let mut columns = Columns::default();
        run.steps.iter().for_each(|step| columns.push(step));
        assert_eq!((columns.first(), columns.last()), (1, 40));
        for record in &run.steps {
            let loss = columns.value("loss", record.step);
            assert_eq!(loss, Some(record.loss as f32));
            let reward = record.metrics.get("reward").map(|&value| value as f32);
            assert_eq!(columns.value(names::REWARD, record.step), reward);
            let p = record.decision.as_ref().map(|decision| decision.p as f32);
            assert_eq!(columns.value(names::P, record.step), p);
        }
        assert!(
            columns
                .names()
                .all(|name| columns.get(name).unwrap().len() == 40)
        );
    }

    #[test]
    fn the_warm_up_is_compared_with_what_it_ends_at() {
        let run = synthetic::of(Method::Sasr, 1, 40);
        let mut columns = Columns::default();
        let ratio = |columns: &Columns, step| columns.value(names::G_RATIO, step);
        run.steps[..5].iter().for_each(|step| columns.push(step));
        assert!((1..=5).all(|step| ratio(&columns, step).is_none()));
        columns.push(&run.steps[5]);
        let warm = run.steps[5].decision.as_ref().and_then(|it| it.g_warm);
        let warm = warm.unwrap() as f32;
        for step in 2..=6 {
            let g = columns.value(names::G, step).unwrap();
            let found = ratio(&columns, step).unwrap();
            assert!((found - g / warm).abs() < 1e-6, "step {step}: {found}");
        }
        assert!(ratio(&columns, 2).unwrap() > 1.05);
        assert_eq!(ratio(&columns, 1), None, "nothing was measured before it");
        // Written anew from within the warm-up: there is none again until its end.
        columns.push(&run.steps[3]);
        assert_eq!(ratio(&columns, 4), None);
        run.steps[4..6].iter().for_each(|step| columns.push(step));
        assert!(ratio(&columns, 4).is_some());
    }

    #[test]
    fn a_step_said_again_replaces_it_and_what_followed() {
        let run = synthetic::of(Method::Sasr, 1, 40);
        let mut columns = Columns::default();
        run.steps.iter().for_each(|step| columns.push(step));
        let whole = columns.clone();
        run.steps[20..].iter().for_each(|step| columns.push(step));
        assert_eq!(columns.len(), 40);
        assert_eq!(columns.tokens, whole.tokens);
        assert_eq!(columns.seconds, whole.seconds);
        assert_eq!(columns.get("loss"), whole.get("loss"));
    }

    #[test]
    fn smoothing_passes_over_gaps() {
        let smooth = smoothed(&[1.0, f32::NAN, 1.0, 3.0], 0.5);
        assert_eq!(smooth[0], 1.0);
        assert!(smooth[1].is_nan());
        assert_eq!(smooth[2], 1.0);
        assert!((smooth[3] - (0.125 + 0.25 + 1.5) / 0.875).abs() < 1e-6);
    }
}
