//! Accuracy by level over time, and the answers behind each number.

mod answers;
mod grid;
mod map;
mod numbers;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod window;

use eframe::egui::{Button, RichText, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::record::Record;
use crate::app::{Action, Actions, World, widgets};
use crate::training::EvaluationRecord;
use answers::Answers;
use grid::{Grid, Spot, rule, title};
use map::{Map, Shown};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum View {
    #[default]
    Answers,
    Numbers,
}

/// The heat map of the exams, and what is behind a cell.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Exams {
    map: Map,
    answers: Answers,
    view: View,
    /// The place that is open; none follows the newest.
    #[serde(skip)]
    open: Option<Spot>,
    #[serde(skip)]
    grid: Grid,
    /// Step and level of every opening, and how many of them were logged.
    #[serde(skip)]
    opened: (Vec<(u64, u32)>, usize),
    /// The run that the above belongs to.
    #[serde(skip)]
    of: String,
}

impl Room for Exams {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let Some(record) = world.shown else {
            widgets::nothing_yet(
                ui,
                "No run to look at",
                "Start a run or open one in Start: its exams are drawn here.",
            );
            return;
        };
        self.follow(record);
        if self.grid.is_empty() {
            nothing_yet(ui, record);
            return;
        }
        let there = |spot: &Spot| self.grid.cell(spot).is_some();
        let open = self
            .open
            .clone()
            .filter(there)
            .or_else(|| self.grid.newest());
        ui.label(rule(&record.config, &self.opened.0));
        let shown = Shown {
            grid: &self.grid,
            opened: &self.opened.0,
            open: open.as_ref(),
            selected: world.selected,
        };
        let height = ui.available_height() * 0.45;
        if let Some(spot) = self.map.show(ui, &shown, height) {
            self.open = Some(spot);
        }
        let Some(open) = open else { return };
        ui.separator();
        self.picker(ui, &open, actions);
        self.opened(ui, world, record, &open, actions);
    }
}

impl Exams {
    fn follow(&mut self, record: &Record) {
        if self.of != record.key {
            (self.of, self.open) = (record.key.clone(), None);
            (self.grid, self.opened) = Default::default();
            self.map.forget();
        }
        let grown = self.grid.follow(&record.evaluations);
        if grown {
            self.map.forget();
        }
        if grown || self.opened.1 != record.opened.len() {
            let opened = self.grid.opened(&record.config, &record.opened);
            self.opened = (opened, record.opened.len());
        }
    }

    /// Chooses what is open without the map.
    fn picker(&mut self, ui: &mut Ui, open: &Spot, actions: &mut Actions) {
        let grid = &self.grid;
        let mut wanted = None;
        ui.horizontal_wrapped(|ui| {
            let mut go = |spot: Spot| wanted = Some(spot);
            if let Some((step, _)) = grid.exams.last() {
                let is_exam = open.kind == "exam";
                if ui.selectable_label(is_exam, "Exams").clicked() && !is_exam {
                    go(nearest(grid, "exam", *step, open.level));
                }
            }
            for (kind, step, _) in &grid.tests {
                let here = (&open.kind, open.step) == (kind, *step);
                if ui.selectable_label(here, title(kind)).clicked() {
                    go(nearest(grid, kind, *step, open.level));
                }
            }
            ui.separator();
            if open.kind == "exam" {
                let (before, after) = grid.around(open.step);
                for (text, to) in [("Earlier", before), ("Later", after)] {
                    let button = ui.add_enabled(to.is_some(), Button::new(text));
                    let clicked = button.on_hover_text("To the next exam that way").clicked();
                    if let Some(step) = to.filter(|_| clicked) {
                        go(nearest(grid, "exam", step, open.level));
                    }
                }
            }
            ui.label(format!("step {}", open.step));
            let look = ui.button("Show in all rooms");
            if look.on_hover_text("All rooms look at this step").clicked() {
                actions.push(Action::Select(Some(open.step)));
            }
            ui.separator();
            let levels = grid.column(&open.kind, open.step);
            for level in levels.into_iter().flat_map(|column| column.keys()) {
                let text = format!("Level {level}");
                if ui.selectable_label(*level == open.level, text).clicked() {
                    go(nearest(grid, &open.kind, open.step, *level));
                }
            }
        });
        self.open = wanted.or(self.open.take());
    }

    fn opened(
        &mut self,
        ui: &mut Ui,
        world: &World,
        record: &Record,
        open: &Spot,
        actions: &mut Actions,
    ) {
        let is_test = open.kind != "exam";
        ui.horizontal_wrapped(|ui| {
            let words = self
                .grid
                .cell(open)
                .map(|cell| cell.words())
                .unwrap_or_default();
            let unseen = match self.grid.unseen.contains(&open.level) {
                true => ", never trained on",
                false => "",
            };
            let text = format!("{}, level {}{unseen}", title(&open.kind), open.level);
            ui.label(RichText::new(text).strong());
            ui.label(words).on_hover_text(
                "With few problems the share can be off by chance; the true accuracy lies in the \
                 interval in 95 of 100 cases (Wilson)",
            );
            if is_test {
                ui.selectable_value(&mut self.view, View::Answers, "Answers");
                ui.selectable_value(&mut self.view, View::Numbers, "What the test measured")
                    .on_hover_text("Several tries, diversity, and robustness");
            }
        });
        if is_test && self.view == View::Numbers {
            numbers::show(ui, &tests_at(record, open.level), (&open.kind, open.step));
        } else {
            self.answers.show(ui, record, open, world.time, actions);
        }
    }
}

/// The place of a level in an exam or test, or of the nearest level it has.
fn nearest(grid: &Grid, kind: &str, step: u64, level: u32) -> Spot {
    let levels = grid
        .column(kind, step)
        .into_iter()
        .flat_map(|column| column.keys());
    let level = levels
        .min_by_key(|other| other.abs_diff(level))
        .copied()
        .unwrap_or(level);
    Spot {
        kind: kind.to_owned(),
        step,
        level,
    }
}

/// All tests' records at a level, test by test in the order they were taken.
fn tests_at(record: &Record, level: u32) -> Vec<(String, u64, Vec<&EvaluationRecord>)> {
    let mut tests: Vec<(String, u64, Vec<&EvaluationRecord>)> = Vec::new();
    let of = record.evaluations.iter();
    for of in of.filter(|of| of.kind != "exam" && of.level == level) {
        let same = |test: &&mut (String, u64, _)| (&test.0, test.1) == (&of.kind, of.step);
        match tests.iter_mut().find(same) {
            Some((_, _, records)) => records.push(of),
            None => tests.push((of.kind.clone(), of.step, vec![of])),
        }
    }
    tests
}

fn nothing_yet(ui: &mut Ui, record: &Record) {
    let exam = &record.config.exam;
    let how = match exam.every {
        0 => "This run takes no exams: exam.every is 0. Set it to 100, say, to see how accuracy \
              grows level by level."
            .to_owned(),
        every => format!(
            "The first exam is taken at step {every}. Each asks {} problems of every level that \
             are never trained on.",
            exam.problems
        ),
    };
    widgets::nothing_yet(ui, "No exams yet", &how);
}
