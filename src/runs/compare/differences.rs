//! Differences between groups, problem by problem.

use serde::{Deserialize, Serialize};

use super::Group;
use crate::config;
use crate::evaluation::Difference;
use crate::evaluation::statistics::paired_difference;

/// Seed of the bootstrap in comparisons: the same runs always give the same intervals.
const BOOTSTRAP_SEED: u64 = 0;

/// Greedy accuracy of one group minus another's, on the same test problems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    pub first: String,
    pub second: String,
    /// Test problems, the same for both.
    pub problems: usize,
    /// Runs of the first and of the second that were tested on them.
    pub seeds: [usize; 2],
    /// In shares of problems; none where there is nothing to pair, with the reason in `sentence`.
    pub difference: Option<Difference>,
    /// The outcome in plain words.
    pub sentence: String,
}

/// The reference group against every other.
pub(super) fn against_reference(groups: &[Group]) -> Vec<PairedDifference> {
    let reference = super::reference(groups);
    groups
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != reference)
        .map(|(_, other)| PairedDifference::of(&groups[reference], other))
        .collect()
}

impl PairedDifference {
    fn of(first: &Group, second: &Group) -> Self {
        let (a, b) = (answers(first), answers(second));
        let difference = if tested_alike(first, second) {
            paired_difference(&a, &b, BOOTSTRAP_SEED)
        } else {
            None
        };
        let mut paired = Self {
            first: first.label.clone(),
            second: second.label.clone(),
            problems: a.first().map_or(0, Vec::len),
            seeds: [a.len(), b.len()],
            difference,
            sentence: String::new(),
        };
        paired.sentence = paired.in_words(tested_alike(first, second));
        paired
    }

    fn in_words(&self, tested_alike: bool) -> String {
        let Self {
            first,
            second,
            problems,
            ..
        } = self;
        let Some(difference) = self.difference else {
            let reason = if !tested_alike {
                "they were tested on different problems"
            } else {
                "they have no final test, problem by problem, on the same problems"
            };
            return format!("{first} and {second} cannot be compared: {reason}.");
        };
        let points = 100.0 * difference.mean;
        let relation = match points {
            points if points > 0.0 => format!("{points:.1} points better than"),
            points if points < 0.0 => format!("{:.1} points worse than", -points),
            _ => "as good as".to_owned(),
        };
        let interval = difference.bootstrap;
        let range = format!(
            "95 % interval {:+.1} to {:+.1}",
            100.0 * interval.low,
            100.0 * interval.high
        );
        let one_seed = self.seeds.contains(&1);
        let verdict = match (difference.significant(), one_seed) {
            (true, false) => "Significant, over problems and over seeds.",
            (true, true) => {
                "Significant for these runs; with one seed it may still be luck of the seed."
            }
            (false, _) if interval.contains(0.0) => {
                "Not significant: these problems do not tell the two apart."
            }
            (false, _) => "Not significant: the seeds differ too much among themselves.",
        };
        format!(
            "{first} is {relation} {second} on the same {problems} problems ({range}). {verdict}"
        )
    }
}

/// Answers on the final test, one row per run that has them.
fn answers(group: &Group) -> Vec<Vec<f64>> {
    group
        .outcomes
        .iter()
        .filter_map(|outcome| outcome.last.as_ref())
        .filter(|test| !test.answers.is_empty())
        .map(|test| test.answers.clone())
        .collect()
}

/// Whether both groups were tested on the same problems: the fields that decide them agree.
fn tested_alike(a: &Group, b: &Group) -> bool {
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
