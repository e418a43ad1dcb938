//! Compares runs: by method, over seeds, with intervals, and without mixing configurations.
//!
//! Runs are put together only where their configurations agree in everything but name,
//! description, seed, device, and what is kept of a run. Two runs of one method with different
//! settings are two groups.

mod differences;
mod head;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::changes::{self, Change};
use super::outcome::{Outcome, Score};
use super::read::RunData;
use crate::config::{self, LrSchedulerType, Method, RunConfig};
use crate::evaluation::Interval;
use crate::evaluation::catalogue::within_bounds;
use crate::evaluation::statistics::{Table, bootstrap, over_seeds};

pub use differences::{Family, PairedDifference};

/// Runs that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// No run at all.
    #[error("no runs to compare; name at least one run folder")]
    NoRuns,
    /// The same run twice would pass for two seeds.
    #[error(
        "the runs {first} and {second} are the same method with the same settings and seed \
             {seed}: leave one out, so that it does not count as two"
    )]
    Twice {
        first: String,
        second: String,
        seed: u64,
    },
}

/// A number of a group of runs, and how sure it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// One value per run that has it, in the order of the group's runs.
    pub values: Vec<f64>,
    pub mean: f64,
    /// 95 % interval; none where the runs say nothing about it.
    pub interval: Option<Interval>,
    /// What the interval covers.
    pub basis: Basis,
}

/// What an interval covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Other seeds (Student's t).
    Seeds,
    /// Other problems, for the one seed there is (Wilson for accuracies, otherwise a bootstrap).
    Problems,
    /// Nothing: a single value.
    Single,
}

/// Runs that differ in their seed alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The method, and what sets this group apart where several share the method.
    pub label: String,
    pub method: Method,
    /// The configuration of the first run; name, description and seed are its own.
    pub config: RunConfig,
    /// Which of the given runs belong to it.
    pub members: Vec<usize>,
    /// What came of each, in the same order.
    pub outcomes: Vec<Outcome>,
    /// By the names of [`Outcome::numbers`].
    pub numbers: BTreeMap<String, Estimate>,
    /// Accuracy by level, with whether the level is never trained on.
    pub levels: BTreeMap<u32, (bool, Estimate)>,
    /// Accuracy by perturbation.
    pub perturbations: BTreeMap<String, Estimate>,
}

/// A field in which groups differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigDifference {
    pub path: String,
    /// One value per group, as in a file.
    pub values: Vec<String>,
}

/// Several runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What they were tested on and what they learnt from, in sentences.
    pub head: Vec<String>,
    pub groups: Vec<Group>,
    /// Every other group against the first `sasr` group (or the first of all), number by number: in
    /// accuracy first.
    pub differences: Vec<PairedDifference>,
    pub config_differences: Vec<ConfigDifference>,
    /// What has to be known before the numbers are believed.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Groups runs, and compares the groups.
    ///
    /// # Errors
    /// Without runs, and where one run is given twice.
    pub fn of(runs: &[RunData]) -> Result<Self, CompareError> {
        let mut members: Vec<(Key, Vec<usize>)> = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let key = Key::of(run);
            match members.iter_mut().find(|(known, _)| *known == key) {
                Some((_, group)) => {
                    let seed = run.config.seed;
                    if let Some(twin) = group.iter().find(|&&i| runs[i].config.seed == seed) {
                        let [first, second] = [&runs[*twin].name, &run.name].map(String::clone);
                        return Err(CompareError::Twice {
                            first,
                            second,
                            seed,
                        });
                    }
                    group.push(index);
                }
                None => members.push((key, vec![index])),
            }
        }
        if members.is_empty() {
            return Err(CompareError::NoRuns);
        }
        members.sort_by_key(|(key, _)| key.config.balance.method.place());
        let keys: Vec<&Key> = members.iter().map(|(key, _)| key).collect();
        let mut groups: Vec<Group> = members
            .iter()
            .map(|(key, indices)| Group::of(key.label(&keys), runs, indices))
            .collect();
        let configs: Vec<&RunConfig> = keys.iter().map(|key| &key.config).collect();
        let config_differences = config_differences(&configs);
        let differences = differences::against_reference(&groups);
        let notes = notes(&groups, &config_differences, &differences);
        for outcome in groups.iter_mut().flat_map(|group| &mut group.outcomes) {
            // Everything that rests on single problems has been worked out.
            for test in outcome.last.iter_mut().chain(&mut outcome.after_warmup) {
                test.answered = Vec::new();
            }
        }
        Ok(Self {
            head: head::of(&groups, runs),
            groups,
            differences,
            config_differences,
            notes,
        })
    }

    /// The group that the others are compared with.
    pub fn reference(&self) -> &Group {
        &self.groups[reference(&self.groups)]
    }
}

/// What runs of a group have in common.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    /// What they began with, without what may differ within a group.
    config: RunConfig,
    /// What was set otherwise on the way, and when.
    changes: Vec<Change>,
    /// SHA-256 of the data files.
    data: Vec<String>,
}

impl Key {
    fn of(run: &RunData) -> Self {
        /// Settings that change where and how long a run is computed, and what is kept of it.
        const BESIDE: [&str; 6] = [
            "max_steps",
            "name",
            "description",
            "device",
            "checkpoint.",
            "logging.",
        ];
        let began = changes::began_with(&run.config, &run.changes);
        let matters = |change: &&Change| {
            !BESIDE.iter().any(|path| change.path.starts_with(path))
                && !change.path.starts_with("task.files.")
        };
        let config = RunConfig {
            max_steps: run.config.max_steps,
            ..began
        };
        Self {
            config: comparable(&config),
            changes: run.changes.iter().filter(matters).cloned().collect(),
            data: run.data_sums(),
        }
    }

    /// The method's name, with what differs from the first group of the same method.
    fn label(&self, keys: &[&Self]) -> String {
        let method = self.config.balance.method;
        let mut alike = keys
            .iter()
            .filter(|key| key.config.balance.method == method);
        let first = alike.next().copied().unwrap_or(self);
        let differing = config::diff(&first.config, &self.config).into_iter();
        let settings = differing.map(|(path, _, value)| format!("{path} = {value}"));
        let changed = self.changes.iter().map(|change| {
            let Change {
                path, value, step, ..
            } = change;
            format!("{path} = {value} from step {}", step + 1)
        });
        let other_data = self
            .data
            .iter()
            .filter(|sum| !first.data.contains(sum))
            .map(|sum| format!("data {}", sum.get(..8).unwrap_or(sum)));
        let told: Vec<String> = settings.chain(changed).chain(other_data).collect();
        match told.is_empty() {
            true => method.name().to_owned(),
            false => format!("{} ({})", method.name(), told.join(", ")),
        }
    }
}

/// The configuration without what may differ within a group.
fn comparable(config: &RunConfig) -> RunConfig {
    let default = RunConfig::default();
    let mut config = RunConfig {
        name: default.name,
        description: default.description,
        seed: default.seed,
        device: default.device,
        checkpoint: default.checkpoint,
        logging: default.logging,
        ..config.clone()
    };
    // Where nothing is spread over a horizon, it makes no difference.
    if config.optimizer.lr_scheduler_type == LrSchedulerType::Constant {
        config.optimizer.horizon = 0;
    }
    if !matches!(config.balance.method, Method::Static | Method::Cosine) {
        config.balance.horizon = 0;
    }
    // Where files lie says nothing about what is in them.
    let file = |path: &String| path.rsplit('/').next().unwrap_or(path).to_owned();
    for files in [&mut config.task.files.train, &mut config.task.files.test] {
        *files = files.iter().map(file).collect();
    }
    config.unsettled()
}

fn reference(groups: &[Group]) -> usize {
    groups
        .iter()
        .position(|group| group.method == Method::Sasr)
        .unwrap_or(0)
}

fn config_differences(keys: &[&RunConfig]) -> Vec<ConfigDifference> {
    let Some((first, others)) = keys.split_first() else {
        return Vec::new();
    };
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (column, other) in (1..).zip(others) {
        for (path, here, there) in config::diff(first, other) {
            table.entry(path).or_insert_with(|| vec![here; keys.len()])[column] = there;
        }
    }
    table
        .into_iter()
        .map(|(path, values)| ConfigDifference { path, values })
        .collect()
}

fn notes(
    groups: &[Group],
    config: &[ConfigDifference],
    differences: &[PairedDifference],
) -> Vec<String> {
    let mut notes = Vec::new();
    let unfinished: Vec<&str> = groups
        .iter()
        .flat_map(|group| &group.outcomes)
        .filter(|outcome| outcome.last.is_none())
        .map(|outcome| outcome.run.as_str())
        .collect();
    if !unfinished.is_empty() {
        notes.push(format!(
            "No final test yet, so not in the results: {}.",
            unfinished.join(", ")
        ));
    }
    let beyond: Vec<&str> = config
        .iter()
        .map(|difference| difference.path.as_str())
        .filter(|path| !path.starts_with("balance."))
        .collect();
    if !beyond.is_empty() {
        notes.push(format!(
            "The groups differ in more than how SFT and GRPO are balanced ({}): what differs in \
             the results cannot be put down to the method alone.",
            beyond.join(", ")
        ));
    }
    let seeds: BTreeSet<Vec<u64>> = groups
        .iter()
        .map(|group| {
            let mut seeds: Vec<u64> = group.outcomes.iter().map(|outcome| outcome.seed).collect();
            seeds.sort_unstable();
            seeds
        })
        .collect();
    if seeds.len() > 1 {
        notes.push(
            "The groups were not run with the same seeds: differences are taken over the seeds that both \
             ran, where there are at least two."
                .into(),
        );
    }
    if groups.iter().any(|group| group.outcomes.len() < 2) {
        notes.push(
            "Where there is one seed, intervals cover the choice of test problems only: how much \
             another seed would have changed is not known."
                .into(),
        );
    }
    let tested = differences
        .iter()
        .filter(|paired| paired.p.is_some())
        .count();
    if tested > 1 {
        notes.push(format!(
            "{tested} differences are tested. p-values are corrected (Holm) within three families, those in \
             accuracy, those in the main other numbers and those in the rest: in each, with 95 % \
             probability none is called significant by chance alone."
        ));
    }
    let before: Vec<&str> = runs_of_0_1(groups);
    if !before.is_empty() {
        notes.push(format!(
            "Begun with 0.1.0, which counted the tokens of exams as training: {}.",
            before.join(", ")
        ));
    }
    let reference = &groups[reference(groups)];
    let is_paired = |group: &Group| {
        let mut paired = differences.iter().filter(|d| d.difference.is_some());
        paired.any(|d| d.second == group.label)
    };
    let by_settings: Vec<&str> = groups
        .iter()
        .filter(|group| is_paired(group) && !differences::by_fingerprints([reference, group]))
        .map(|group| group.label.as_str())
        .collect();
    if !by_settings.is_empty() {
        notes.push(format!(
            "Runs of 0.1.0 do not say which problems they were asked. Paired because settings and data files \
             agree: {} and {}.",
            reference.label,
            by_settings.join(", ")
        ));
    }
    notes
}

impl Group {
    fn of(label: String, runs: &[RunData], members: &[usize]) -> Self {
        let outcomes: Vec<Outcome> = members
            .iter()
            .map(|&index| Outcome::of(&runs[index]))
            .collect();
        let first = &runs[members[0]].config;
        let tests = || outcomes.iter().filter_map(|outcome| outcome.last.as_ref());
        let mut numbers: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for outcome in &outcomes {
            for (name, value) in outcome.numbers() {
                numbers.entry(name).or_default().push(value);
            }
        }
        let mut levels: BTreeMap<u32, (bool, Vec<&Score>)> = BTreeMap::new();
        let mut perturbations: BTreeMap<String, Vec<&Score>> = BTreeMap::new();
        for test in tests() {
            for (&level, (unseen, score)) in &test.levels {
                levels
                    .entry(level)
                    .or_insert((*unseen, Vec::new()))
                    .1
                    .push(score);
            }
            for (name, score) in &test.perturbations {
                perturbations.entry(name.clone()).or_default().push(score);
            }
        }
        let mut numbers: BTreeMap<String, Estimate> = numbers
            .into_iter()
            .filter_map(|(name, values)| {
                let mut estimate = Estimate::over_seeds(&name, values)?;
                if let Some(interval) = over_problems(&name, &outcomes) {
                    estimate.interval = Some(interval);
                    estimate.basis = Basis::Problems;
                }
                Some((name, estimate))
            })
            .collect();
        let seen: Vec<&Score> = tests().map(|test| &test.seen).collect();
        numbers.extend(Estimate::accuracy(&seen).map(|accuracy| ("accuracy".into(), accuracy)));
        Self {
            label,
            method: first.balance.method,
            config: first.clone(),
            members: members.to_vec(),
            numbers,
            levels: levels
                .into_iter()
                .filter_map(|(level, (unseen, scores))| {
                    Some((level, (unseen, Estimate::accuracy(&scores)?)))
                })
                .collect(),
            perturbations: perturbations
                .into_iter()
                .filter_map(|(name, scores)| Some((name, Estimate::accuracy(&scores)?)))
                .collect(),
            outcomes,
        }
    }

    /// The largest k of `pass@k`, and the n of `mean@n` and `maj@n`, as names of numbers.
    pub fn sampled_name(&self, prefix: &str) -> Option<&str> {
        self.numbers
            .keys()
            .filter_map(|name| Some((name, name.strip_prefix(prefix)?.parse::<u32>().ok()?)))
            .max_by_key(|&(_, n)| n)
            .map(|(name, _)| name.as_str())
    }
}

/// Where one run alone was tested: the interval of a number over its test problems, where it has one value a
/// problem.
fn over_problems(name: &str, outcomes: &[Outcome]) -> Option<Interval> {
    let mut tested = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome, outcome.last.as_ref()?)));
    let (Some((outcome, test)), None) = (tested.next(), tested.next()) else {
        return None;
    };
    if let Some(interval) = test.accuracy_interval(name) {
        return Some(interval);
    }
    let values = test.by_problem(name);
    let (strata, row): (Vec<u64>, Vec<Option<f64>>) = values.into_iter().unzip();
    let table = Table {
        seeds: vec![outcome.seed],
        rows: vec![row],
        strata,
    };
    Some(within_bounds(name, bootstrap(&table, 0)?))
}

fn runs_of_0_1(groups: &[Group]) -> Vec<&str> {
    let outcomes = groups.iter().flat_map(|group| &group.outcomes);
    let old = outcomes.filter(|outcome| {
        let version = outcome.begun_with.as_deref();
        version.is_some_and(|version| version.starts_with("0.1."))
    });
    old.map(|outcome| outcome.run.as_str()).collect()
}

impl Estimate {
    /// Mean over runs, with the t interval where there are several; none without values.
    fn over_seeds(name: &str, values: Vec<f64>) -> Option<Self> {
        let summary = over_seeds(&values)?;
        Some(Self {
            mean: summary.mean,
            interval: summary
                .interval
                .map(|interval| within_bounds(name, interval)),
            basis: if values.len() > 1 {
                Basis::Seeds
            } else {
                Basis::Single
            },
            values,
        })
    }

    /// Accuracy: over seeds, or over problems where there is one seed.
    fn accuracy(scores: &[&Score]) -> Option<Self> {
        let values = scores.iter().filter_map(|score| score.accuracy()).collect();
        let mut estimate = Self::over_seeds("accuracy", values)?;
        if let [score] = scores {
            estimate.interval = score.accuracy_interval();
            estimate.basis = Basis::Problems;
        }
        Some(estimate)
    }
}

#[cfg(test)]
mod tests;
