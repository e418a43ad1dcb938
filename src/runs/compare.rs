//! Compares runs: by method, over seeds, with intervals, and without mixing configurations.
//!
//! Runs are put together only where their configurations agree in everything but name,
//! description, seed, device, and what is kept of a run. Two runs of one method with different
//! settings are two groups.

mod differences;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::outcome::{Outcome, Score};
use super::read::RunData;
use crate::config::{self, Method, RunConfig};
use crate::evaluation::Interval;
use crate::evaluation::statistics::over_seeds;

pub use differences::PairedDifference;

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
    /// Other problems, for the one seed there is (Wilson).
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
    pub groups: Vec<Group>,
    /// Every other group against the first `sasr` group (or the first of all).
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
        let mut members: Vec<(RunConfig, Vec<usize>)> = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let key = comparable(&run.config);
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
        members.sort_by_key(|(key, _)| METHODS.iter().position(|m| *m == key.balance.method));
        let keys: Vec<&RunConfig> = members.iter().map(|(key, _)| key).collect();
        let groups: Vec<Group> = members
            .iter()
            .map(|(key, indices)| Group::of(label(key, &keys), runs, indices))
            .collect();
        let config_differences = config_differences(&keys);
        let differences = differences::against_reference(&groups);
        let notes = notes(&groups, &config_differences, &differences);
        Ok(Self {
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

/// Methods in the order of tables: the adaptive one first.
const METHODS: [Method; 7] = [
    Method::Sasr,
    Method::Sft,
    Method::Grpo,
    Method::Static,
    Method::Periodic,
    Method::Constant,
    Method::Cosine,
];

/// A method's name, as in the configuration.
pub fn method_name(method: Method) -> &'static str {
    match method {
        Method::Sasr => "sasr",
        Method::Sft => "sft",
        Method::Grpo => "grpo",
        Method::Static => "static",
        Method::Periodic => "periodic",
        Method::Constant => "constant",
        Method::Cosine => "cosine",
    }
}

/// The configuration without what may differ within a group.
fn comparable(config: &RunConfig) -> RunConfig {
    let default = RunConfig::default();
    RunConfig {
        name: default.name,
        description: default.description,
        seed: default.seed,
        device: default.device,
        checkpoint: default.checkpoint,
        logging: default.logging,
        ..config.clone()
    }
}

/// The method's name, with what differs from the first group of the same method.
fn label(key: &RunConfig, keys: &[&RunConfig]) -> String {
    let method = method_name(key.balance.method);
    match keys
        .iter()
        .find(|other| other.balance.method == key.balance.method)
    {
        Some(first) if *first != key => {
            let settings: Vec<String> = config::diff(first, key)
                .into_iter()
                .map(|(path, _, value)| format!("{path} = {value}"))
                .collect();
            format!("{method} ({})", settings.join(", "))
        }
        _ => method.to_owned(),
    }
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
        notes.push("The groups were not run with the same seeds.".into());
    }
    if groups.iter().any(|group| group.outcomes.len() < 2) {
        notes.push(
            "Where there is one seed, intervals cover the choice of test problems only: how much \
             another seed would have changed is not known."
                .into(),
        );
    }
    if differences.len() > 1 {
        notes.push(format!(
            "{} differences are tested, each at the 95 % level: of twenty true ties about one \
             would look like a difference.",
            differences.len()
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
                let share = is_share(&name);
                Some((name, Estimate::over_seeds(values, share)?))
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

/// Whether a number is a share, between 0 and 1.
pub fn is_share(name: &str) -> bool {
    ["accuracy", "mean@", "pass@", "maj@"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || ["distinct_n", "self_bleu"].contains(&name)
}

impl Estimate {
    /// Mean over runs, with the t interval where there are several; none without values.
    fn over_seeds(values: Vec<f64>, share: bool) -> Option<Self> {
        let summary = over_seeds(&values)?;
        let bounded = |interval: Interval| {
            if share {
                interval.within(0.0, 1.0)
            } else {
                interval
            }
        };
        Some(Self {
            mean: summary.mean,
            interval: summary.interval.map(bounded),
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
        let mut estimate = Self::over_seeds(values, true)?;
        if let [score] = scores {
            estimate.interval = score.accuracy_interval();
            estimate.basis = Basis::Problems;
        }
        Some(estimate)
    }
}

#[cfg(test)]
mod tests;
