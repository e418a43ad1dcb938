//! What a comparison stands on: the problems that were asked, and the data that were learnt from.

use super::Group;
use crate::config::{RunConfig, TaskKind};
use crate::runs::read::RunData;

/// In sentences: one for the test, one for the training (or one for each group whose data differ).
pub(super) fn of(groups: &[Group], runs: &[RunData]) -> Vec<String> {
    let mut head = Vec::new();
    let tested = |group: &Group| {
        group
            .outcomes
            .iter()
            .find_map(|outcome| outcome.last.clone())
    };
    let tests: Vec<_> = groups.iter().filter_map(tested).collect();
    if let Some(first) = tests.first() {
        let counts = |of: &dyn Fn(&crate::runs::outcome::Test) -> usize| {
            let mut all: Vec<usize> = tests.iter().map(of).collect();
            all.sort_unstable();
            all.dedup();
            let shown: Vec<String> = all.iter().map(usize::to_string).collect();
            shown.join(" or ")
        };
        let unseen = match first.unseen.problems {
            0 => String::new(),
            _ => format!(
                ", and {} of levels never trained on",
                counts(&|test| test.unseen.problems)
            ),
        };
        head.push(format!(
            "Tested on {} problems{unseen}.",
            counts(&|test| test.seen.problems)
        ));
    }
    let data: Vec<(String, String)> = groups
        .iter()
        .filter_map(|group| {
            let run = group.members.first().and_then(|&index| runs.get(index))?;
            Some((group.label.clone(), training_data(run)))
        })
        .collect();
    match data.first() {
        Some((_, first)) if data.iter().all(|(_, other)| other == first) => {
            head.push(format!("All learnt from {first}."));
        }
        Some(_) => head.extend(
            data.iter()
                .map(|(label, data)| format!("{label} learnt from {data}.")),
        ),
        None => {}
    }
    head
}

/// What a run learnt from: its task, levels and demonstrations, and the files with the first digits of
/// their SHA-256.
fn training_data(run: &RunData) -> String {
    let RunConfig {
        task, curriculum, ..
    } = &run.config;
    let [low, high] = curriculum.levels;
    let levels = match low == high {
        true => format!("level {low}"),
        false => format!("levels {low} to {high}"),
    };
    let files = run.manifest["data"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let named = |file: &serde_json::Value| {
        let path = file[0].as_str()?;
        let sum = file[1].as_str()?;
        let name = path.rsplit('/').next().unwrap_or(path);
        Some(format!("{name} {}", sum.get(..8).unwrap_or(sum)))
    };
    let trained = files.iter().take(task.files.train.len()).filter_map(named);
    let files: Vec<String> = trained.collect();
    let files = match files.is_empty() {
        true => String::new(),
        false => format!(" ({})", files.join(", ")),
    };
    let orders = match task.orders {
        0 => "any order",
        1 => "one order",
        _ => "several orders",
    };
    let demonstrations = match task.demonstrations {
        0 => format!("all demonstrations in {orders}"),
        count => format!("{count} demonstrations a level in {orders}"),
    };
    format!("{}{files}, {levels}, {demonstrations}", name(task.kind))
}

fn name(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Arithmetic => "arithmetic",
        TaskKind::Countdown => "countdown",
        TaskKind::KnightsKnaves => "knights and knaves",
        TaskKind::Gsm8k => "gsm8k",
        TaskKind::Math => "math",
        TaskKind::Jsonl => "jsonl",
    }
}
