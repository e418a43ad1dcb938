//! What a test measured besides accuracy, in plain words.

use eframe::egui::{Grid as Rows, RichText, ScrollArea, Ui};

use super::grid::{Cell, title};
use crate::app::widgets;
use crate::training::EvaluationRecord;

/// Tests shown beside each other.
const TESTS: usize = 4;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Share,
    Number,
}

/// A metric's name for people, what it says, and how it is written; none for what has its own
/// place or is not known here.
pub fn words(metric: &str) -> Option<(String, String, Form)> {
    let (name, of) = metric.split_once('@').unwrap_or((metric, ""));
    let said = |name: String, help: &str, form| Some((name, help.to_owned(), form));
    match name {
        "accuracy" => said(
            "First choice right".into(),
            "One answer per problem, always the most probable token (greedy accuracy)",
            Form::Share,
        ),
        "mean" => said(
            format!("Samples right, of {of}"),
            "Share of the sampled answers that are right (mean@n)",
            Form::Share,
        ),
        "pass" => said(
            match of {
                "1" => "Right with 1 try".to_owned(),
                of => format!("Right at least once in {of} tries"),
            },
            "Chance that at least one of k samples is right (pass@k, estimated without bias)",
            Form::Share,
        ),
        "maj" => said(
            format!("Right by majority of {of}"),
            "The answer most samples agree on is right (maj@n, self-consistency)",
            Form::Share,
        ),
        "cons_pass_gap" => said(
            "Best choice over majority".into(),
            "What choosing perfectly among the samples would gain over the majority",
            Form::Share,
        ),
        "distinct_paths" => said(
            "Different paths per problem".into(),
            "How many different ways of reasoning the samples of a problem take",
            Form::Number,
        ),
        "distinct_correct_paths" => said(
            "Different right paths".into(),
            "How many different ways of reasoning lead to the right answer, per problem",
            Form::Number,
        ),
        "path_entropy" => said(
            "Path entropy".into(),
            "How evenly the samples spread over their paths, in nats; 0 means always the same path",
            Form::Number,
        ),
        "correct_path_entropy" => said(
            "Right path entropy".into(),
            "How evenly the right samples spread over their paths, in nats",
            Form::Number,
        ),
        "effective_answers" => said(
            "Answers in use".into(),
            "How many different final answers are effectively given per problem",
            Form::Number,
        ),
        "answer_entropy" => said(
            "Answer entropy".into(),
            "How evenly the samples spread over different final answers, in nats",
            Form::Number,
        ),
        "distinct_n" => said(
            "Distinct n-grams".into(),
            "Share of different word sequences among all in a problem's samples; falls with length",
            Form::Number,
        ),
        "ead" => said(
            "Distinct n-grams, length removed".into(),
            "Different sequences relative to what is expected at this length (EAD)",
            Form::Number,
        ),
        "self_bleu" => said(
            "Likeness of samples".into(),
            "How alike a problem's samples read, 0 to 1 (self-BLEU); higher is less diverse",
            Form::Number,
        ),
        _ => None,
    }
}

/// The order in which metrics are listed.
pub fn rank(metric: &str) -> (usize, u32) {
    const ORDER: [&str; 14] = [
        "accuracy",
        "mean",
        "pass",
        "maj",
        "cons_pass_gap",
        "distinct_paths",
        "distinct_correct_paths",
        "path_entropy",
        "correct_path_entropy",
        "effective_answers",
        "answer_entropy",
        "distinct_n",
        "ead",
        "self_bleu",
    ];
    let (name, of) = metric.split_once('@').unwrap_or((metric, ""));
    let place = ORDER.iter().position(|other| *other == name);
    (place.unwrap_or(ORDER.len()), of.parse().unwrap_or(0))
}

/// A perturbation in a sentence.
pub fn reworded(perturbation: &str) -> &'static str {
    match perturbation {
        "renamed" => "People have other names",
        "reworded" => "Said in other words around the problem",
        "shuffled" => "Statements or numbers come in another order",
        "commuted" => "Terms and factors stand in another order",
        "spaced" => "Operators have spaces around them",
        _ => "The problem said in another way",
    }
}

/// Draws what the tests measured at a level: one column per test, the one opened in bold.
/// `tests` are the tests' records at the level, the problems as they are and reworded.
pub fn show(ui: &mut Ui, tests: &[(String, u64, Vec<&EvaluationRecord>)], open: (&str, u64)) {
    let tests = &tests[tests.len().saturating_sub(TESTS)..];
    ScrollArea::both()
        .id_salt("numbers")
        .auto_shrink(false)
        .show(ui, |ui| {
            Rows::new("numbers")
                .striped(true)
                .spacing([28.0, 6.0])
                .num_columns(1 + tests.len())
                .show(ui, |ui| {
                    ui.strong("Problems as they are");
                    for (kind, step, _) in tests {
                        let text = RichText::new(title(kind));
                        let text = if (kind.as_str(), *step) == open {
                            text.strong()
                        } else {
                            text
                        };
                        ui.label(text)
                            .on_hover_text(format!("Taken at step {step}"));
                    }
                    ui.end_row();
                    measured(ui, tests);
                    robustness(ui, tests);
                });
        });
}

fn measured(ui: &mut Ui, tests: &[(String, u64, Vec<&EvaluationRecord>)]) {
    let plain = |records: &[&'_ EvaluationRecord]| {
        let at = records
            .iter()
            .rposition(|record| record.perturbation.is_none());
        at.map(|at| records[at].metrics.clone()).unwrap_or_default()
    };
    let columns: Vec<_> = tests.iter().map(|(_, _, records)| plain(records)).collect();
    let mut names: Vec<&String> = columns.iter().flat_map(|column| column.keys()).collect();
    names.sort_by_key(|name| (rank(name), *name));
    names.dedup();
    for name in names {
        let Some((text, help, form)) = words(name) else {
            continue;
        };
        ui.label(text)
            .on_hover_text(format!("{help}. Logged as {name}"));
        for column in &columns {
            ui.monospace(match (column.get(name), form) {
                (Some(value), Form::Share) => widgets::percent(*value),
                (Some(value), Form::Number) => format!("{value:.2}"),
                (None, _) => "–".into(),
            });
        }
        ui.end_row();
    }
}

fn robustness(ui: &mut Ui, tests: &[(String, u64, Vec<&EvaluationRecord>)]) {
    let records = tests.iter().flat_map(|(_, _, records)| records);
    let mut names: Vec<&String> = records.filter_map(|of| of.perturbation.as_ref()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    ui.strong("The same problems said differently")
        .on_hover_text(
            "Robustness: a model that understood a problem answers it as well when it is worded \
         differently. The number in brackets is the change in points",
        );
    tests.iter().for_each(|_| drop(ui.label("")));
    ui.end_row();
    for name in names {
        ui.label(reworded(name))
            .on_hover_text(format!("Logged as {name}"));
        for (_, _, records) in tests {
            let of = |wanted: Option<&String>| {
                let mut records = records.iter().rev();
                let record = records.find(|record| record.perturbation.as_ref() == wanted);
                record.and_then(|record| Cell::of(record))
            };
            match (of(Some(name)), of(None)) {
                (Some(cell), Some(plain)) => {
                    let change = 100.0 * (cell.accuracy() - plain.accuracy());
                    let change = format!("{change:+.1}").replace('-', "−");
                    let percent = widgets::percent(cell.accuracy());
                    ui.monospace(format!("{percent} ({change})"))
                        .on_hover_text(cell.words());
                }
                (Some(cell), None) => {
                    ui.monospace(widgets::percent(cell.accuracy()));
                }
                (None, _) => {
                    ui.weak("–").on_hover_text("Not tested");
                }
            }
        }
        ui.end_row();
    }
}
