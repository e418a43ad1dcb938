//! What a test measured besides accuracy, in plain words.

use eframe::egui::{Grid as Rows, RichText, ScrollArea, Ui};

use super::grid::{Cell, title};
use crate::app::widgets;
use crate::evaluation::catalogue::{Unit, describe, rank};
use crate::training::EvaluationRecord;

/// Tests shown beside each other.
const TESTS: usize = 4;

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
        let Some((metric, number)) = describe(name) else {
            continue;
        };
        ui.label(metric.title_with(number))
            .on_hover_text(format!("{}. Logged as {name}", metric.meaning));
        for column in &columns {
            ui.monospace(match (column.get(name), metric.unit) {
                (Some(value), Unit::Share) => widgets::percent(*value),
                (Some(value), _) => format!("{value:.2}"),
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
