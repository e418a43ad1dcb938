//! What came of one run: the numbers a report and a comparison are made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::read::RunData;
use crate::evaluation::Interval;
use crate::evaluation::statistics::wilson;
use crate::training::{Branch, EvaluationRecord, Phase, StepRecord};

/// A test at one level, under one perturbation or over several levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub problems: usize,
    /// Problem-weighted means of [`EvaluationRecord::metrics`].
    pub metrics: BTreeMap<String, f64>,
}

/// Everything measured at one point of a run (after warm-up, at its end).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Test {
    pub step: u64,
    /// The problems as they are, over the levels that are trained on.
    pub seen: Score,
    /// The same over levels that are never trained on; without problems where there are none.
    pub unseen: Score,
    /// By level, with whether the level is never trained on.
    pub levels: BTreeMap<u32, (bool, Score)>,
    /// By perturbation, over the levels that are trained on.
    pub perturbations: BTreeMap<String, Score>,
    /// Greedy correctness of the seen problems, level by level: 1 or 0 each. Empty if unknown.
    pub answers: Vec<f64>,
}

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Update attempts of each kind, warm-up included.
    pub sft_steps: u64,
    pub grpo_steps: u64,
    pub blend_steps: u64,
    /// Attempts that left the weights as they were.
    pub skipped_steps: u64,
    /// Tokens processed, prompts and completions, probes included.
    pub tokens: u64,
    /// Seconds of all steps; the base model's training and the tests not counted.
    pub seconds: f64,
}

/// What came of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub run: String,
    pub seed: u64,
    /// The test after warm-up, if there was one.
    pub after_warmup: Option<Test>,
    /// The final test; none for a run that has not come to its end.
    pub last: Option<Test>,
    pub cost: Cost,
}

impl Score {
    /// Greedy accuracy.
    pub fn accuracy(&self) -> Option<f64> {
        self.metrics.get("accuracy").copied()
    }

    /// 95 % interval of the accuracy over problems.
    pub fn accuracy_interval(&self) -> Option<Interval> {
        let right = (self.accuracy()? * self.problems as f64).round() as usize;
        wilson(right, self.problems)
    }

    /// The `k` and value of every `pass@k`, in the order of k.
    pub fn pass_at(&self) -> Vec<(u32, f64)> {
        let mut found: Vec<(u32, f64)> = self
            .metrics
            .iter()
            .filter_map(|(name, &value)| Some((name.strip_prefix("pass@")?.parse().ok()?, value)))
            .collect();
        found.sort_by_key(|&(k, _)| k);
        found
    }

    /// The problem-weighted mean of several tests. A metric that a test lacks is averaged over
    /// the others.
    fn over<'a>(records: impl Iterator<Item = &'a EvaluationRecord>) -> Self {
        let mut problems = 0;
        let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for record in records {
            problems += record.problems;
            for (name, value) in &record.metrics {
                let (sum, weight) = sums.entry(name).or_default();
                *sum += value * record.problems as f64;
                *weight += record.problems as f64;
            }
        }
        let metrics = sums
            .into_iter()
            .filter(|(_, (_, weight))| *weight > 0.0)
            .map(|(name, (sum, weight))| (name.to_owned(), sum / weight))
            .collect();
        Self { problems, metrics }
    }
}

impl Test {
    /// The latest test of a kind (`final`, `after_warmup`).
    pub fn latest(evaluations: &[EvaluationRecord], kind: &str) -> Option<Self> {
        let of_kind = || evaluations.iter().filter(|record| record.kind == kind);
        let step = of_kind().map(|record| record.step).max()?;
        let mut records: Vec<_> = of_kind().filter(|record| record.step == step).collect();
        records.sort_by_key(|record| record.level);
        let plain = |unseen: bool| {
            records
                .iter()
                .copied()
                .filter(move |r| r.perturbation.is_none() && r.unseen == unseen)
        };
        let levels = plain(false)
            .chain(plain(true))
            .map(|r| (r.level, (r.unseen, Score::over(std::iter::once(r)))))
            .collect();
        let mut perturbed: BTreeMap<&str, Vec<&EvaluationRecord>> = BTreeMap::new();
        for record in records.iter().copied().filter(|record| !record.unseen) {
            if let Some(name) = &record.perturbation {
                perturbed.entry(name).or_default().push(record);
            }
        }
        let known = plain(false).all(|record| record.correct.len() == record.problems);
        let answers = plain(false)
            .filter(|_| known)
            .flat_map(|record| {
                record
                    .correct
                    .iter()
                    .map(|&right| f64::from(u8::from(right)))
            })
            .collect();
        Some(Self {
            step,
            seen: Score::over(plain(false)),
            unseen: Score::over(plain(true)),
            levels,
            perturbations: perturbed
                .into_iter()
                .map(|(name, records)| (name.to_owned(), Score::over(records.into_iter())))
                .collect(),
            answers,
        })
    }

    /// Mean accuracy over the perturbations.
    pub fn perturbed_accuracy(&self) -> Option<f64> {
        let values: Vec<f64> = self
            .perturbations
            .values()
            .filter_map(Score::accuracy)
            .collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

impl Outcome {
    /// Reads off what came of a run.
    pub fn of(run: &RunData) -> Self {
        Self {
            run: run.name.clone(),
            seed: run.config.seed,
            after_warmup: Test::latest(&run.evaluations, "after_warmup"),
            last: Test::latest(&run.evaluations, "final"),
            cost: Cost::of(&run.steps),
        }
    }

    /// The numbers that are compared between methods, by name: the final test's metrics,
    /// `accuracy_unseen`, `accuracy_perturbed`, `gain` (accuracy since the end of warm-up),
    /// and the cost.
    pub fn numbers(&self) -> BTreeMap<String, f64> {
        let mut numbers = BTreeMap::new();
        if let Some(test) = &self.last {
            numbers.extend(test.seen.metrics.clone());
            let warm = self
                .after_warmup
                .as_ref()
                .and_then(|warm| warm.seen.accuracy());
            let gain = test.seen.accuracy().zip(warm).map(|(end, warm)| end - warm);
            for (name, value) in [
                ("accuracy_unseen", test.unseen.accuracy()),
                ("accuracy_perturbed", test.perturbed_accuracy()),
                ("gain", gain),
            ] {
                numbers.extend(value.map(|value| (name.to_owned(), value)));
            }
        }
        let cost = &self.cost;
        for (name, value) in [
            ("sft_steps", cost.sft_steps as f64),
            ("grpo_steps", cost.grpo_steps as f64),
            ("tokens", cost.tokens as f64),
            ("seconds", cost.seconds),
        ] {
            numbers.insert(name.into(), value);
        }
        if cost.blend_steps > 0 {
            numbers.insert("blend_steps".into(), cost.blend_steps as f64);
        }
        numbers
    }
}

impl Cost {
    /// Adds up a run's steps. Those of the base model count apart and are left out.
    pub fn of(steps: &[StepRecord]) -> Self {
        let mut cost = Self::default();
        for step in steps.iter().filter(|step| step.phase != Phase::Base) {
            match step.branch {
                Branch::Sft => cost.sft_steps += 1,
                Branch::Grpo => cost.grpo_steps += 1,
                Branch::Blend => cost.blend_steps += 1,
            }
            cost.skipped_steps += u64::from(!step.updated);
            cost.tokens = step.num_tokens;
            cost.seconds += step.step_time;
        }
        cost
    }

    /// All update attempts.
    pub fn steps(&self) -> u64 {
        self.sft_steps + self.grpo_steps + self.blend_steps
    }
}
