//! What came of every problem of every test, as a table for other programs.

use std::io::Write;

use serde::Serialize;

use super::RunData;
use crate::evaluation::{Counts, Tally};
use crate::tasks::Split;
use crate::training::EvaluationRecord;

/// A row: what one run did with one problem of one test or exam.
#[derive(Serialize)]
struct Row<'a> {
    run: &'a str,
    method: &'static str,
    seed: u64,
    kind: &'a str,
    step: u64,
    split: Split,
    level: u32,
    /// Of a level that is never trained on.
    unseen: bool,
    /// How the problem was said differently; empty as it is.
    perturbation: &'a str,
    /// Place in the set, which is the same for all runs with the same test; a reworded problem has that of
    /// the one it was made from.
    problem: usize,
    /// The greedy answer.
    correct: Option<bool>,
    holds: Option<bool>,
    samples: Option<u32>,
    samples_correct: Option<u32>,
    samples_judged: Option<u32>,
    samples_judged_correct: Option<u32>,
    /// How often each answer and each path came: `5,2,1x3`.
    right_answers: Option<&'a Counts>,
    wrong_answers: Option<&'a Counts>,
    paths: Option<&'a Counts>,
    correct_paths: Option<&'a Counts>,
    steps: Option<u32>,
    textbook_steps: Option<u32>,
}

/// Writes a line for every problem of every exam and test of some runs, with a line of names before them.
/// Columns are those of `evaluations.jsonl`; what is not known is empty.
///
/// # Errors
/// If `to` cannot be written.
pub fn problems_csv(runs: &[RunData], to: impl Write) -> csv::Result<()> {
    let mut table = csv::Writer::from_writer(to);
    for run in runs {
        for record in &run.evaluations {
            for problem in 0..record.problems {
                table.serialize(row(run, record, problem))?;
            }
        }
    }
    table.flush()?;
    Ok(())
}

fn row<'a>(run: &'a RunData, record: &'a EvaluationRecord, problem: usize) -> Row<'a> {
    let tally = record.samples.0.get(problem);
    let counted = |of: fn(&Tally) -> u32| tally.map(of);
    Row {
        run: &run.name,
        method: run.config.balance.method.name(),
        seed: run.config.seed,
        kind: &record.kind,
        step: record.step,
        split: record.split,
        level: record.level,
        unseen: record.unseen,
        perturbation: record.perturbation.as_deref().unwrap_or_default(),
        problem: record.place(problem),
        correct: record.correct.get(problem).copied(),
        holds: record.holds.of(problem),
        samples: counted(|tally| tally.samples),
        samples_correct: counted(|tally| tally.correct),
        samples_judged: counted(|tally| tally.judged),
        samples_judged_correct: counted(|tally| tally.judged_correct),
        right_answers: tally.map(|tally| &tally.right_answers),
        wrong_answers: tally.map(|tally| &tally.wrong_answers),
        paths: tally.map(|tally| &tally.paths),
        correct_paths: tally.map(|tally| &tally.correct_paths),
        steps: counted(|tally| tally.steps),
        textbook_steps: counted(|tally| tally.textbook_steps),
    }
}
