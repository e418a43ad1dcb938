//! Differences between groups, problem by problem and seed by seed.

use serde::{Deserialize, Serialize};

use super::Group;
use crate::config::{self, RunConfig};
use crate::evaluation::catalogue::{Unit, bounds, describe};
use crate::evaluation::statistics::{Table, holm, paired_difference};
use crate::evaluation::{Difference, metric_names, names};
use crate::runs::outcome::{Outcome, Over};
use crate::training::TestSet;

/// Seed of the bootstrap in comparisons: the same runs always give the same intervals.
const BOOTSTRAP_SEED: u64 = 0;

/// Level at which a difference is called significant, after correction.
const LEVEL: f64 = 0.05;

/// Which comparisons a difference is corrected with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// What a comparison is about.
    Accuracy,
    /// The few numbers that say what else a method does: samples, diversity at equal accuracy, robustness.
    Main,
    /// Every other number that test problems have.
    Other,
}

impl Family {
    const ALL: [Self; 3] = [Self::Accuracy, Self::Main, Self::Other];
}

/// A number of one group minus the same of another, on the same test problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    pub first: String,
    pub second: String,
    /// By the names of [`Outcome::numbers`].
    pub metric: String,
    pub family: Family,
    /// Runs of the first and of the second that the difference is taken over.
    pub seeds: [usize; 2],
    /// None where there is nothing to pair, with the reason in `sentence`.
    pub difference: Option<Difference>,
    /// The difference's p-value, corrected (Holm) for all comparisons of its family.
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

/// The reference group against every other: accuracy first, then the main numbers, then all others.
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
        .flat_map(|(family, metric)| {
            others().map(|(_, other)| PairedDifference::of(*family, metric, reference, other))
        })
        // That two groups cannot be compared is said once.
        .filter(|paired| paired.difference.is_some() || paired.family == Family::Accuracy)
        .collect();
    for family in Family::ALL {
        correct(&mut all, |paired| paired.family == family);
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

/// The numbers that are compared, as the reference group has them. The main ones are few, for each makes the
/// others harder to show.
fn compared(reference: &Group) -> Vec<(Family, String)> {
    let mut main: Vec<String> = Vec::new();
    for prefix in ["mean@", "pass@", "maj@"] {
        main.extend(reference.sampled_name(prefix).map(str::to_owned));
    }
    let others = [
        names::CORRECT_PATH_SIMPSON,
        names::RAREFIED_CORRECT_PATHS,
        names::SAMPLED_FAITHFULNESS,
        "accuracy_perturbed",
        "accuracy_unseen",
    ];
    main.extend(others.map(String::from));
    let samples = reference.config.evaluation.samples;
    let mut other = vec![names::FAITHFULNESS.to_owned()];
    other.extend(metric_names(samples));
    other.retain(|name| !main.contains(name) && reference.numbers.contains_key(name));
    let accuracy = [(Family::Accuracy, "accuracy".to_owned())];
    let main = main.into_iter().map(|name| (Family::Main, name));
    let other = other.into_iter().map(|name| (Family::Other, name));
    accuracy.into_iter().chain(main).chain(other).collect()
}

impl PairedDifference {
    fn of(family: Family, metric: &str, first: &Group, second: &Group) -> Self {
        let (a, b) = on_common_seeds(table(metric, first), table(metric, second));
        let mut paired = Self {
            first: first.label.clone(),
            second: second.label.clone(),
            metric: metric.to_owned(),
            family,
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
        let one_seed = difference.over_seeds.is_none();
        let p = self.p.unwrap_or(1.0);
        let alone = difference.p <= LEVEL;
        let verdict = match (self.is_significant(), one_seed, alone) {
            (true, false, _) => "Significant, over problems and over seeds",
            (true, true, _) if self.seeds.contains(&1) => {
                "Significant for these runs; with one seed it may still be luck of the seed"
            }
            (true, true, _) => {
                "Significant over problems; only one seed has any for which it is defined"
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

/// Both with the seeds alone that they share, where these are at least two: paired seeds say more than all of
/// them unpaired.
fn on_common_seeds(a: Table, b: Table) -> (Table, Table) {
    let common: Vec<u64> = (a.seeds.iter().copied())
        .filter(|seed| b.seeds.contains(seed))
        .collect();
    if common.len() < 2 {
        return (a, b);
    }
    let only = |table: Table| {
        let rows = table.seeds.into_iter().zip(table.rows);
        let (seeds, rows) = rows.filter(|(seed, _)| common.contains(seed)).unzip();
        Table {
            seeds,
            rows,
            strata: table.strata,
        }
    };
    (only(a), only(b))
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

/// Why two groups cannot be paired in a number, if they cannot: they were asked other problems, or another
/// number of times.
fn untestable(metric: &str, a: &Group, b: &Group) -> Option<String> {
    if !asked_the_same(metric, [a, b]) {
        return Some("they were tested on different problems".into());
    }
    let [of_a, of_b] = [a, b].map(|group| group.config.evaluation.samples);
    (of_a != of_b && depends_on_samples(metric))
        .then(|| format!("their numbers of samples differ ({of_a} and {of_b} a problem)"))
}

/// Whether a number means something else with another number of samples.
fn depends_on_samples(metric: &str) -> bool {
    let unbiased = [
        names::FAITHFULNESS,
        names::CORRECT_PATH_SIMPSON,
        names::RAREFIED_CORRECT_PATHS,
        names::SAMPLED_FAITHFULNESS,
        names::STEP_SIZE,
    ];
    !metric.starts_with("accuracy") && !metric.starts_with("pass@") && !unbiased.contains(&metric)
}

fn asked_the_same(metric: &str, groups: [&Group; 2]) -> bool {
    let (over, _) = Over::of(metric);
    match by_fingerprints(groups) {
        true => {
            let sets = tested(groups).filter_map(|outcome| outcome.test_set.as_ref());
            let mut sets = sets.map(|set| fingerprint(set, over));
            let first = sets.next();
            sets.all(|other| Some(&other) == first.as_ref())
        }
        // Runs of 0.1.0 do not say which problems they were asked: settings and files have to do.
        false => alike_by_settings(groups),
    }
}

fn tested(groups: [&Group; 2]) -> impl Iterator<Item = &Outcome> {
    let all = groups.into_iter().flat_map(|group| &group.outcomes);
    all.filter(|outcome| outcome.last.is_some())
}

/// Whether all runs of two groups say which problems they were asked.
pub(super) fn by_fingerprints(groups: [&Group; 2]) -> bool {
    tested(groups).all(|outcome| outcome.test_set.is_some())
}

fn fingerprint(set: &TestSet, over: Over) -> String {
    match over {
        Over::Seen => set.seen.clone(),
        Over::Unseen => set.unseen.clone(),
        Over::Perturbed => format!("{:?}", set.perturbations),
    }
}

/// Whether the settings that decide the problems agree, and the files that they come from.
fn alike_by_settings(groups: [&Group; 2]) -> bool {
    /// These decide how problems are taught and sampled, not which there are; levels and files are looked at
    /// apart.
    const NO_MATTER: [&str; 8] = [
        "task.demonstrations",
        "task.orders",
        "task.files.train",
        "task.files.test",
        "evaluation.levels",
        "evaluation.samples",
        "evaluation.temperature",
        "evaluation.after_warmup",
    ];
    let [a, b] = groups.map(|group| &group.config);
    let decides = |path: &str| {
        let of_test = path.starts_with("task.") || path.starts_with("evaluation.");
        of_test && !NO_MATTER.contains(&path)
    };
    let levels = |config: &RunConfig| match config.evaluation.levels.is_empty() {
        true => {
            let [lowest, highest] = config.curriculum.levels;
            (lowest..=highest).collect()
        }
        false => config.evaluation.levels.clone(),
    };
    let files = |outcome: &Outcome, config: &RunConfig| {
        let of_test = match config.task.files.test.is_empty() {
            true => 0,
            false => config.task.files.train.len(),
        };
        outcome.data.get(of_test..).map(<[String]>::to_vec)
    };
    let mut data = groups.into_iter().flat_map(|group| {
        let tested = group
            .outcomes
            .iter()
            .filter(|outcome| outcome.last.is_some());
        tested.map(|outcome| files(outcome, &group.config))
    });
    let first = data.next();
    data.all(|other| Some(&other) == first.as_ref())
        && levels(a) == levels(b)
        && config::diff(a, b).iter().all(|(path, _, _)| !decides(path))
}
