//! The answers of one exam or test at one level.

use std::rc::Rc;

use eframe::egui::{self, Align, Button, ComboBox, Label, Layout, Panel, RichText, ScrollArea, Ui};
use egui_extras::{Column, TableBuilder};
use serde::{Deserialize, Serialize};

use super::grid::{Sitting, Spot, sittings};
use super::numbers::reworded;
use crate::app::record::Record;
use crate::app::rooms::rollouts::{Kept, one_line, show_completion};
use crate::app::{Actions, theme, widgets};
use crate::training::{CompletionRecord, EvaluationRecord, Verdict};

const ROW: f32 = 24.0;
/// Rooms wider than this have the opened answer at the side.
const WIDE: f32 = 760.0;

/// The list's view state and what is listed.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    wrong_only: bool,
    /// How the problems listed are reworded.
    perturbation: Option<String>,
    #[serde(skip)]
    kept: Kept,
    #[serde(skip)]
    list: Option<List>,
    /// The answer opened.
    #[serde(skip)]
    row: Option<usize>,
}

/// Answers ready to be listed.
struct List {
    of: (u64, Spot, Option<String>, bool, usize),
    records: Rc<[CompletionRecord]>,
    /// Rows among `records` that are listed.
    rows: Vec<usize>,
    /// The ways the problems were said; empty where they cannot be told apart.
    sittings: Vec<Sitting>,
    /// Several sets of problems that cannot be told apart.
    mingled: bool,
}

impl Answers {
    /// Reads what is to be listed, if it is not there yet.
    fn read(&mut self, record: &Record, spot: &Spot, time: f64) {
        self.kept.follow(record, time);
        let (records, version) = self.kept.read(record, spot.step);
        let (perturbation, wrong) = (self.perturbation.clone(), self.wrong_only);
        let of = (
            version,
            spot.clone(),
            perturbation,
            wrong,
            record.evaluations.len(),
        );
        if self.list.as_ref().is_some_and(|list| list.of == of) {
            return;
        }
        if self.list.as_ref().is_some_and(|list| list.of.1 != *spot) {
            self.row = None;
        }
        let evaluations = evaluations(record, spot);
        let (rows, sittings) = listed(&records, spot, &evaluations, &of.2, wrong);
        let mingled = sittings.is_empty() && evaluations.len() > 1;
        self.list = Some(List {
            of,
            records,
            rows,
            sittings,
            mingled,
        });
    }

    /// Draws the list.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        record: &Record,
        spot: &Spot,
        time: f64,
        actions: &mut Actions,
    ) {
        self.read(record, spot, time);
        let Some(list) = &self.list else { return };
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut self.wrong_only, "Wrong answers only");
            if list.sittings.len() > 1 {
                ways(ui, &list.sittings, &mut self.perturbation);
            }
            let right = list
                .rows
                .iter()
                .filter(|&&row| list.records[row].correct)
                .count();
            let broken = (list.rows.iter())
                .filter(|&&row| list.records[row].verdict() == Verdict::Unfaithful)
                .count();
            let of_these = match broken {
                0 => String::new(),
                broken => format!(", {broken} of them by steps that do not hold (✔⚠)"),
            };
            ui.weak(format!(
                "{} listed, {right} right{of_these}",
                list.rows.len()
            ));
            if list.mingled {
                ui.weak("problems said differently are among them");
            }
        });
        if list.rows.is_empty() {
            ui.weak(why_empty(record, list));
            return;
        }
        let open = self.row.filter(|row| list.rows.contains(row));
        let mut close = false;
        if let Some(row) = open {
            let panel = if ui.available_width() >= WIDE {
                Panel::right("answer aside")
                    .default_size(ui.available_width() * 0.36)
                    .size_range(260.0..=640.0)
            } else {
                let most = (ui.available_height() - 70.0).max(60.0);
                Panel::bottom("answer below")
                    .default_size(most * 0.7)
                    .size_range(60.0..=most)
            };
            panel.resizable(true).show(ui, |ui| {
                ScrollArea::vertical()
                    .id_salt("answer")
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        let grpo = &record.config.grpo;
                        show_completion(ui, &list.records[row], grpo, None, actions, |ui| {
                            close = ui.button("Close").clicked();
                        });
                    });
            });
        }
        if let Some(row) = table(ui, list, open) {
            self.row = (open != Some(row)).then_some(row);
        } else if close {
            self.row = None;
        }
    }
}

/// The evaluations of a place, in the order they were said.
fn evaluations<'a>(record: &'a Record, spot: &Spot) -> Vec<&'a EvaluationRecord> {
    let Spot { kind, step, level } = spot;
    let of = record.evaluations.iter();
    of.filter(|of| (&of.kind, of.step, of.level) == (kind, *step, *level))
        .collect()
}

/// The rows of a place that are listed, and the ways its problems were said.
pub fn listed(
    records: &[CompletionRecord],
    spot: &Spot,
    evaluations: &[&EvaluationRecord],
    perturbation: &Option<String>,
    wrong_only: bool,
) -> (Vec<usize>, Vec<Sitting>) {
    let of =
        |record: &&CompletionRecord| (&record.source, record.level) == (&spot.kind, spot.level);
    let rows: Vec<usize> = (0..records.len())
        .filter(|row| of(&&records[*row]))
        .collect();
    let answers: Vec<&CompletionRecord> = rows.iter().map(|&row| &records[row]).collect();
    let sittings = sittings(evaluations, &answers).unwrap_or_default();
    let last = |wanted: &Option<String>| sittings.iter().rfind(|of| of.perturbation == *wanted);
    let chosen = last(perturbation).or_else(|| last(&None));
    let part = chosen.map_or(&rows[..], |sitting| &rows[sitting.rows.clone()]);
    let shown = part.iter().copied();
    let shown = shown.filter(|&row| !wrong_only || !records[row].correct);
    (shown.collect(), sittings)
}

fn ways(ui: &mut Ui, sittings: &[Sitting], chosen: &mut Option<String>) {
    let text = |way: &Option<String>| match way {
        None => "as they are".to_owned(),
        Some(way) => reworded(way).to_lowercase(),
    };
    let there = sittings
        .iter()
        .any(|sitting| sitting.perturbation == *chosen);
    let current = if there { chosen.clone() } else { None };
    let label = ui.label("Problems");
    let combo = ComboBox::from_id_salt("ways")
        .selected_text(text(&current))
        .width(180.0);
    let combo = combo.show_ui(ui, |ui| {
        for sitting in sittings {
            let way = &sitting.perturbation;
            if ui.selectable_label(*way == current, text(way)).clicked() {
                chosen.clone_from(way);
            }
        }
    });
    combo.response.labelled_by(label.id);
}

fn why_empty(record: &Record, list: &List) -> &'static str {
    let (_, spot, _, wrong_only, _) = &list.of;
    let any = |of: &&CompletionRecord| of.source == spot.kind && of.level == spot.level;
    if *wrong_only && list.records.iter().any(|of| any(&of)) {
        "No wrong answers here."
    } else if record.completions_forgotten() > 0 {
        "These answers are no longer in memory. The run folder has them in completions.jsonl."
    } else {
        "The answers of this exam were not kept."
    }
}

fn table(ui: &mut Ui, list: &List, open: Option<usize>) -> Option<usize> {
    let across = ScrollArea::horizontal().id_salt("answers across");
    across.show(ui, |ui| rows(ui, list, open)).inner
}

fn rows(ui: &mut Ui, list: &List, open: Option<usize>) -> Option<usize> {
    let mut clicked = None;
    ui.set_min_width(400.0f32.max(ui.available_width()));
    // Text that could be marked would swallow the clicks meant for its row.
    ui.style_mut().interaction.selectable_labels = false;
    let table = TableBuilder::new(ui)
        .id_salt("answers")
        .striped(true)
        .sense(egui::Sense::click())
        .auto_shrink(false)
        .min_scrolled_height(40.0)
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::exact(48.0))
        .column(Column::remainder().at_least(80.0).clip(true))
        .column(Column::exact(76.0).clip(true))
        .column(Column::remainder().at_least(90.0).clip(true))
        .column(Column::exact(58.0));
    let table = table.header(ROW, |mut header| {
        for (title, help) in [
            (
                "right",
                "Whether the final answer is right: ✔, ✔⚠ where the steps before it do not hold, ✖",
            ),
            ("problem", "What the model was asked"),
            ("reference", "The right answer"),
            (
                "what the model wrote",
                "Its whole answer, the most probable token each time",
            ),
            (
                "length",
                "In tokens; an answer that did not end was cut off",
            ),
        ] {
            header.col(|ui| {
                ui.strong(title).on_hover_text(help);
            });
        }
    });
    table.body(|body| {
        body.rows(ROW, list.rows.len(), |mut row| {
            let Some(&index) = list.rows.get(row.index()) else {
                return;
            };
            let record = &list.records[index];
            row.set_selected(open == Some(index));
            row.col(|ui| {
                widgets::verdict(ui, record.verdict());
            });
            row.col(|ui| {
                // A button, so that rows can be reached and opened with the keyboard.
                let text = RichText::new(one_line(&record.prompt, 240)).monospace();
                let button = Button::selectable(open == Some(index), text).truncate();
                if ui.add(button).clicked() {
                    clicked = Some(index);
                }
            });
            for text in [&record.answer, &record.completion] {
                row.col(|ui| {
                    let text = RichText::new(one_line(text, 240)).monospace();
                    ui.add(Label::new(text).truncate());
                });
            }
            row.col(|ui| {
                if record.finished {
                    ui.weak(record.tokens.to_string());
                } else {
                    let color = theme::palette(ui).notice;
                    let help = format!("Cut off after {} tokens", record.tokens);
                    ui.colored_label(color, "cut off").on_hover_text(help);
                }
            });
            if row.response().clicked() {
                clicked = Some(index);
            }
        });
    });
    clicked
}
