//! Differences between groups, problem by problem and seed by seed.

use serde::{Deserialize, Serialize};

use super::Group;
use crate::config;
use crate::evaluation::catalogue::{Unit, bounds, describe};
use crate::evaluation::statistics::{Table, holm, paired_difference};
use crate::evaluation::{Difference, names};
use crate::runs::outcome::{Outcome, Over};
use crate::training::TestSet;

/// Seed of the bootstrap in comparisons: the same runs always give the same intervals.
const BOOTSTRAP_SEED: u64 = 0;

/// Level at which a difference is called significant, after correction.
const LEVEL: f64 = 0.05;

/// A number of one group minus the same of another, on the same test problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    pub first: String,
    pub second: String,
    /// By the names of [`Outcome::numbers`].
    pub metric: String,
    /// Runs of the first and of the second that were tested.
    pub seeds: [usize; 2],
    /// None where there is nothing to pair, with the reason in `sentence`.
    pub difference: Option<Difference>,
    /// The difference's p-value, corrected (Holm) for all comparisons in accuracy, or for all in the other
    /// numbers.
    pub p: Option<f64>,
    /// The outcome in plain words.
    pub sentence: String,
}

impl PairedDifference {
    /// Whether the difference stands after correction.
    pub fn is_significant(&self) -> bool {
        self.p.is_some_and(|p| p <= LEVEL)
    }
}

/// The reference group against every other: accuracy first, then what the samples say, then robustness.
pub(super) fn against_reference(groups: &[Group]) -> Vec<PairedDifference> {
    let place = super::reference(groups);
    let Some(reference) = groups.get(place) else {
        return Vec::new();
    };
    let others = || {
        groups
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != place)
    };
    let mut all: Vec<PairedDifference> = compared(reference)
        .iter()
        .flat_map(|metric| {
            others().map(|(_, other)| PairedDifference::of(metric, reference, other))
        })
        // That two groups cannot be compared is said once.
        .filter(|paired| paired.difference.is_some() || paired.metric == "accuracy")
        .collect();
    // Accuracy is what a comparison is about; everything else is a second question, asked in many ways.
    for first in [true, false] {
        correct(&mut all, |paired| (paired.metric == "accuracy") == first);
    }
    all
}

/// Corrects the p-values of a family of comparisons, and says what came of each.
fn correct(all: &mut [PairedDifference], is_of: impl Fn(&PairedDifference) -> bool) {
    let tested: Vec<usize> = (0..all.len())
        .filter(|&index| all[index].difference.is_some() && is_of(&all[index]))
        .collect();
    let p = |&index: &usize| all[index].difference.map_or(1.0, |difference| difference.p);
    let corrected = holm(&tested.iter().map(p).collect::<Vec<f64>>());
    for (&index, p) in tested.iter().zip(corrected) {
        let paired = &mut all[index];
        paired.p = Some(p);
        if let Some(difference) = paired.difference {
            paired.sentence = paired.in_words(&difference, tested.len());
        }
    }
}

/// The numbers that are compared, as the reference group has them: few, for each makes the others harder to
/// show.
fn compared(reference: &Group) -> Vec<String> {
    let mut all = vec!["accuracy".to_owned()];
    for prefix in ["mean@", "pass@", "maj@"] {
        all.extend(reference.sampled_name(prefix).map(str::to_owned));
    }
    let others = [
        names::CORRECT_PATH_SIMPSON,
        names::RAREFIED_CORRECT_PATHS,
        names::SAMPLED_FAITHFULNESS,
        "accuracy_perturbed",
        "accuracy_unseen",
    ];
    all.extend(others.map(String::from));
    all
}

impl PairedDifference {
    fn of(metric: &str, first: &Group, second: &Group) -> Self {
        let (a, b) = (table(metric, first), table(metric, second));
        let mut paired = Self {
            first: first.label.clone(),
            second: second.label.clone(),
            metric: metric.to_owned(),
            seeds: [a.seeds.len(), b.seeds.len()],
            difference: None,
            p: None,
            sentence: String::new(),
        };
        if let Some(reason) = untestable(metric, first, second) {
            paired.sentence = format!(
                "{} and {} cannot be compared: {reason}.",
                paired.first, paired.second
            );
            return paired;
        }
        let (low, high) = bounds(metric);
        let found = paired_difference(&a, &b, BOOTSTRAP_SEED);
        paired.difference = found.map(|difference| difference.within(low, high));
        if paired.difference.is_none() {
            paired.sentence = format!(
                "{} and {} cannot be compared: they have no final test, problem by problem, on the same \
                 problems.",
                paired.first, paired.second
            );
        }
        paired
    }

    fn in_words(&self, difference: &Difference, comparisons: usize) -> String {
        let (first, second) = (&self.first, &self.second);
        let described = describe(&self.metric);
        let points = described.is_none_or(|(metric, _)| metric.unit == Unit::Share);
        let shown = |value: f64, signed: bool| match (points, signed) {
            (true, true) => format!("{:+.1}", 100.0 * value),
            (true, false) => format!("{:.1} points", 100.0 * value),
            (false, true) => format!("{value:+.2}"),
            (false, false) => format!("{value:.2}"),
        };
        let size = shown(difference.mean.abs(), false);
        let of = match (&*self.metric, described) {
            ("accuracy", _) | (_, None) => String::new(),
            (_, Some((metric, number))) => format!("{}: ", metric.title_with(number)),
        };
        let relation = match (difference.mean, &*self.metric) {
            (0.0, _) => "as good as".to_owned(),
            (mean, "accuracy") if mean > 0.0 => format!("{size} better than"),
            (_, "accuracy") => format!("{size} worse than"),
            (mean, _) if mean > 0.0 => format!("{size} above"),
            _ => format!("{size} below"),
        };
        let interval = difference.bootstrap;
        let pairing = match (difference.paired, self.seeds) {
            (true, [1, 1]) => String::new(),
            (true, [seeds, _]) => format!(", seed by seed over {seeds} seeds"),
            (false, [a, b]) => format!(", over {a} and {b} seeds that are not the same"),
        };
        let one_seed = self.seeds.contains(&1);
        let p = self.p.unwrap_or(1.0);
        let alone = difference.p <= LEVEL;
        let verdict = match (self.is_significant(), one_seed, alone) {
            (true, false, _) => "Significant, over problems and over seeds",
            (true, true, _) => {
                "Significant for these runs; with one seed it may still be luck of the seed"
            }
            (false, _, true) => {
                "Not significant among so many comparisons, though it would be alone"
            }
            (false, ..) if interval.contains(0.0) => {
                "Not significant: these problems do not tell the two apart"
            }
            (false, ..) => "Not significant: the seeds differ too much among themselves",
        };
        let corrected = match comparisons {
            1 => String::new(),
            _ => format!(", corrected for {comparisons} comparisons"),
        };
        format!(
            "{of}{first} is {relation} {second} on the same {} problems{pairing} (95 % interval {} to {}). \
             {verdict} (p = {}{corrected}).",
            difference.problems,
            shown(interval.low, true),
            shown(interval.high, true),
            p_value(p),
        )
    }
}

fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "below 0.001".into(),
        p => format!("{p:.3}"),
    }
}

/// A number of every run of a group that has it, problem by problem.
fn table(metric: &str, group: &Group) -> Table {
    let mut table = Table::default();
    for outcome in &group.outcomes {
        let Some(test) = &outcome.last else { continue };
        let values = test.by_problem(metric);
        if values.is_empty() {
            continue;
        }
        let (strata, row) = values.into_iter().unzip();
        table.seeds.push(outcome.seed);
        table.strata = strata;
        table.rows.push(row);
    }
    table
}

/// Why two groups cannot be paired in a number, if they cannot: they were asked other problems.
fn untestable(metric: &str, a: &Group, b: &Group) -> Option<&'static str> {
    let (over, _) = Over::of(metric);
    let sets = |group: &Group| -> Option<Vec<String>> {
        let tested = group
            .outcomes
            .iter()
            .filter(|outcome| outcome.last.is_some());
        let set = |outcome: &Outcome| Some(fingerprint(outcome.test_set.as_ref()?, over));
        tested.map(set).collect()
    };
    let alike = match (sets(a), sets(b)) {
        (Some(a), Some(b)) => {
            let mut all = a.into_iter().chain(b);
            let first = all.next();
            all.all(|other| Some(&other) == first.as_ref())
        }
        // Runs of 0.1.0 do not say which problems they were asked: their settings have to do.
        _ => alike_by_settings(a, b),
    };
    (!alike).then_some("they were tested on different problems")
}

fn fingerprint(set: &TestSet, over: Over) -> String {
    match over {
        Over::Seen => set.seen.clone(),
        Over::Unseen => set.unseen.clone(),
        Over::Perturbed => format!("{:?}", set.perturbations),
    }
}

/// Whether the settings that decide the problems agree.
fn alike_by_settings(a: &Group, b: &Group) -> bool {
    /// These decide how a problem is demonstrated, not which problems there are.
    const TRAINING_ONLY: [&str; 2] = ["task.demonstrations", "task.orders"];
    let levels = |group: &Group| {
        let config = &group.config;
        match config.evaluation.levels.is_empty() {
            true => {
                let [lowest, highest] = config.curriculum.levels;
                (lowest..=highest).collect()
            }
            false => config.evaluation.levels.clone(),
        }
    };
    a.config.evaluation.problems == b.config.evaluation.problems
        && levels(a) == levels(b)
        && config::diff(&a.config, &b.config)
            .iter()
            .all(|(path, _, _)| !path.starts_with("task.") || TRAINING_ONLY.contains(&&**path))
}
