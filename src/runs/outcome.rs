//! What came of one run: the numbers a report and a comparison are made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::read::RunData;
use crate::evaluation::statistics::{wilson, wilson_of_share};
use crate::evaluation::{Interval, Tally, names, pooled_accuracy, summarise};
use crate::training::{Branch, EvaluationRecord, Phase, StepRecord, TestSet};

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
    /// What came of every problem, where the run says so. Not kept in files: evaluations.jsonl has it.
    #[serde(skip)]
    pub answered: Vec<Answered>,
}

/// What came of one test problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    pub level: u32,
    /// Which of the level's problems it is; none of a reworded one of 0.1.0, which does not say from which
    /// it was made.
    pub place: Option<usize>,
    /// Whether the level is never trained on.
    pub unseen: bool,
    pub perturbation: Option<String>,
    /// Whether the first (greedy) answer is right.
    pub correct: bool,
    /// Whether its reasoning holds; none where that is not judged.
    pub holds: Option<bool>,
    pub samples: Option<Tally>,
}

/// Which problems of a test a number is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The problems as they are, of the levels that are trained on.
    Seen,
    Unseen,
    /// The reworded problems.
    Perturbed,
}

impl Over {
    /// Over which problems the number of a name is taken, and by which name a problem has it.
    pub fn of(name: &str) -> (Self, &str) {
        match name {
            "accuracy_unseen" => (Self::Unseen, "accuracy"),
            "accuracy_perturbed" => (Self::Perturbed, "accuracy"),
            name => (Self::Seen, name),
        }
    }
}

impl Answered {
    fn is_of(&self, over: Over) -> bool {
        match over {
            Over::Seen => !self.unseen && self.perturbation.is_none(),
            Over::Unseen => self.unseen && self.perturbation.is_none(),
            Over::Perturbed => self.perturbation.is_some(),
        }
    }

    /// What tells the problem from others of the test, however it is worded.
    fn identity(&self, among: usize) -> (u32, usize, Option<&str>) {
        match self.place {
            Some(place) => (self.level, place, None),
            None => (self.level, among, self.perturbation.as_deref()),
        }
    }

    /// A metric of this problem by its name; `None` where it is not defined for it.
    pub fn value(&self, metric: &str) -> Option<f64> {
        let share = |yes: bool| f64::from(u8::from(yes));
        match metric {
            "accuracy" => Some(share(self.correct)),
            names::FAITHFULNESS => self.holds.filter(|_| self.correct).map(share),
            metric => self.samples.as_ref()?.value(metric),
        }
    }
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
    /// Tokens that training processed: [`StepRecord::num_tokens`].
    pub tokens: u64,
    /// Seconds of all steps; the base model's training, exams and tests not counted.
    pub seconds: f64,
    /// Tokens and seconds of all exams and tests.
    pub evaluation_tokens: u64,
    pub evaluation_seconds: f64,
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
    /// Which problems the final test has; not known of runs of 0.1.0.
    pub test_set: Option<TestSet>,
    /// SHA-256 of the data files, those for training before those for the test.
    #[serde(default)]
    pub data: Vec<String>,
    /// The version that the run was begun with; none where its manifest cannot be read.
    #[serde(default)]
    pub begun_with: Option<String>,
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

    /// Several tests together: means over all of their problems. Where the tests do not say what came of
    /// each problem (0.1.0 did not), the mean of their means, by problems; a metric that a test lacks is
    /// averaged over the others.
    fn over<'a>(records: impl Iterator<Item = &'a EvaluationRecord>) -> Self {
        let records: Vec<&EvaluationRecord> = records.collect();
        let tallies: Vec<Tally> = (records.iter())
            .flat_map(|record| record.samples.0.iter().cloned())
            .collect();
        let mut score = Self::by_means(records.iter().copied());
        if !tallies.is_empty() && tallies.len() == score.problems {
            score.metrics.extend(summarise(&tallies));
        }
        let holds: Vec<f64> = (records.iter())
            .flat_map(|record| answered_in(record, record.problems))
            .filter_map(|answered| answered.value(names::FAITHFULNESS))
            .collect();
        if !holds.is_empty() {
            let mean = holds.iter().sum::<f64>() / holds.len() as f64;
            score.metrics.insert(names::FAITHFULNESS.into(), mean);
        }
        score
    }

    fn by_means<'a>(records: impl Iterator<Item = &'a EvaluationRecord>) -> Self {
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
        let level_has = |level: u32| {
            let mut plain = records.iter().filter(|r| r.perturbation.is_none());
            plain.find(|r| r.level == level).map_or(0, |r| r.problems)
        };
        Some(Self {
            step,
            seen: Score::over(plain(false)),
            unseen: Score::over(plain(true)),
            levels,
            perturbations: perturbed
                .into_iter()
                .map(|(name, records)| (name.to_owned(), Score::over(records.into_iter())))
                .collect(),
            answered: records
                .iter()
                .flat_map(|record| answered_in(record, level_has(record.level)))
                .collect(),
        })
    }

    /// The values of a number of [`Outcome::numbers`] problem by problem, with the stratum of each (its
    /// level); empty where it is not one that problems have, or the run does not say. A problem that was
    /// reworded in several ways is one problem, with the mean over its wordings: they are no new problems.
    pub fn by_problem(&self, name: &str) -> Vec<(u64, Option<f64>)> {
        let (over, metric) = Over::of(name);
        let mut problems: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for (among, answered) in self.answered.iter().enumerate() {
            if answered.is_of(over) {
                let wordings = problems.entry(answered.identity(among)).or_default();
                wordings.extend(answered.value(metric));
            }
        }
        let mean = |values: &Vec<f64>| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let values = problems
            .iter()
            .map(|(&(level, ..), values)| (level.into(), mean(values)));
        let values: Vec<(u64, Option<f64>)> = values.collect();
        match values.iter().any(|(_, value)| value.is_some()) {
            true => values,
            false => Vec::new(),
        }
    }

    /// Accuracy on reworded problems: the mean over problems of the share of their wordings that were
    /// answered right. Over all wordings where the run does not say what came of each.
    pub fn perturbed_accuracy(&self) -> Option<f64> {
        let each = self.by_problem("accuracy_perturbed");
        let values: Vec<f64> = each.into_iter().filter_map(|(_, value)| value).collect();
        if !values.is_empty() {
            return Some(values.iter().sum::<f64>() / values.len() as f64);
        }
        let each = self.perturbations.values();
        pooled_accuracy(each.filter_map(|score| Some((score.problems, score.accuracy()?))))
    }

    /// 95 % interval over problems of an accuracy (Wilson's), by its name among [`Outcome::numbers`]; none of
    /// another number. A problem with several wordings counts once.
    pub fn accuracy_interval(&self, name: &str) -> Option<Interval> {
        match name {
            "accuracy" => self.seen.accuracy_interval(),
            "accuracy_unseen" => self.unseen.accuracy_interval(),
            "accuracy_perturbed" => {
                wilson_of_share(self.perturbed_accuracy()?, self.by_problem(name).len())
            }
            _ => None,
        }
    }
}

/// What came of each problem of a test at one level, which has `level_has` problems as they are; empty where
/// the record does not say.
fn answered_in(record: &EvaluationRecord, level_has: usize) -> Vec<Answered> {
    if record.correct.len() != record.problems {
        return Vec::new();
    }
    let from = |place| match record.perturbation {
        // Of 0.1.0: some of the level's problems, without saying which.
        Some(_) if record.places.is_empty() && record.problems != level_has => None,
        _ => Some(record.place(place)),
    };
    let one = |(place, &correct): (usize, &bool)| Answered {
        level: record.level,
        place: from(place),
        unseen: record.unseen,
        perturbation: record.perturbation.clone(),
        correct,
        holds: record.holds.of(place),
        samples: record.samples.0.get(place).cloned(),
    };
    record.correct.iter().enumerate().map(one).collect()
}

impl Outcome {
    /// Reads off what came of a run.
    pub fn of(run: &RunData) -> Self {
        Self {
            run: run.name.clone(),
            seed: run.config.seed,
            after_warmup: Test::latest(&run.evaluations, "after_warmup"),
            last: Test::latest(&run.evaluations, "final"),
            cost: Cost::of(&run.steps, &run.evaluations),
            test_set: serde_json::from_value(run.manifest["test"].clone()).unwrap_or_default(),
            data: run.data_sums(),
            begun_with: run.manifest["version"].as_str().map(str::to_owned),
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
            ("evaluation_tokens", cost.evaluation_tokens as f64),
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
    /// Adds up a run's steps, and its exams and tests apart. Steps of the base model are left out.
    pub fn of(steps: &[StepRecord], evaluations: &[EvaluationRecord]) -> Self {
        let mut cost = Self {
            evaluation_tokens: evaluations.iter().map(|record| record.num_tokens).sum(),
            evaluation_seconds: evaluations.iter().map(|record| record.seconds).sum(),
            ..Self::default()
        };
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
