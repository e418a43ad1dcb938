//! Asking a trained model: a problem of its task, or a text of one's own.

mod cards;
mod sitting;
mod touring;

use eframe::egui::{self, RichText, ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use self::sitting::{Exchange, Sitting};
use super::Room;
use super::paths::faces::short;
use super::paths::problem::{self, Problems, Spot};
use super::paths::subject::{self, Chosen, Point, Shelf};
use super::paths::temperature;
use crate::app::engine::{Asked, Question, Reply, Request};
use crate::app::library::Found;
use crate::app::record::Record;
use crate::app::{Actions, World, theme, widgets};
use crate::rng::fingerprint;

/// Another problem is drawn from this many of a level.
const PROBLEMS: u64 = 10_000;

/// A run under way is asked as it is now; others fall back to their newest checkpoint.
const PREFERRED: Point = Point::Now;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Mode {
    Problem,
    Text,
}

#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    chosen: Chosen,
    mode: Mode,
    spot: Spot,
    text: String,
    samples: usize,
    temperature: f64,
    max_completion_length: usize,
    seed: u64,
    #[serde(skip)]
    shelf: Shelf,
    #[serde(skip)]
    problems: Problems,
    #[serde(skip)]
    sitting: Sitting,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            chosen: Chosen::default(),
            mode: Mode::Problem,
            spot: Spot::default(),
            text: String::new(),
            samples: 4,
            temperature: 1.0,
            max_completion_length: 64,
            seed: 0,
            shelf: Shelf::default(),
            problems: Problems::default(),
            sitting: Sitting::default(),
        }
    }
}

impl Room for Ask {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        if self.chosen.run(world).is_none() {
            return widgets::nothing_yet(
                ui,
                "Ask a model",
                "Open a run, or train one: here its model answers a problem of its task or a \
                 text of yours, and you watch it choose its words.",
            );
        }
        ui.horizontal_wrapped(|ui| {
            let parts = (world, &mut self.shelf, &mut *actions);
            subject::pick(ui, "", &mut self.chosen, &PREFERRED, parts);
            ui.separator();
            ui.selectable_value(&mut self.mode, Mode::Problem, "A problem of its task");
            ui.selectable_value(&mut self.mode, Mode::Text, "My own text")
                .on_hover_text("Nothing grades the answers to a text of your own");
        });
        let by_key = match self.mode {
            Mode::Problem => {
                self.choose_problem(ui, world);
                false
            }
            Mode::Text => self.write_text(ui),
        };
        self.settings(ui, world, actions, by_key);
        ui.separator();
        self.earlier(ui);
        let training = world.live.is_some();
        match self.sitting.in_view() {
            Some(exchange) => cards::show(ui, exchange, training),
            None => {
                ui.vertical_centered(|ui| {
                    ui.add_space(ui.available_height() * 0.3);
                    ui.label(RichText::new("Answers appear here, token by token").weak());
                });
            }
        }
    }

    fn hear(&mut self, reply: &Reply) {
        self.sitting.hear(reply);
    }

    fn found(&mut self, found: &Found) {
        self.shelf.found(found);
    }
}

impl Ask {
    fn record<'a>(&self, world: &'a World) -> Option<&'a Record> {
        world.records.get(self.chosen.run(world)?)
    }

    fn choose_problem(&mut self, ui: &mut Ui, world: &World) {
        if let Some(record) = self.record(world) {
            ui.horizontal_wrapped(|ui| {
                problem::pick(ui, &mut self.spot, &mut self.problems, &record.config);
                let hint = "A problem of this level, at random";
                if ui.button("Another problem").on_hover_text(hint).clicked() {
                    self.spot.index = another(self.spot);
                }
            });
        }
        if let Some(problem) = self.problems.problem(self.spot) {
            problem::text(ui, &problem.prompt);
        }
    }

    /// Returns whether the keyboard asked to send it.
    fn write_text(&mut self, ui: &mut Ui) -> bool {
        let hint = "What the model reads before it goes on writing";
        let label = ui.label(RichText::new(hint).weak());
        let editor = egui::TextEdit::multiline(&mut self.text)
            .font(egui::TextStyle::Monospace)
            .desired_rows(2)
            .desired_width(f32::INFINITY)
            .hint_text("For example 3+4-5");
        let editor = ScrollArea::vertical()
            .id_salt("text")
            .max_height(90.0)
            .show(ui, |ui| ui.add(editor).labelled_by(label.id))
            .inner;
        let send = egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::Enter);
        editor.has_focus() && ui.input_mut(|input| input.consume_shortcut(&send))
    }

    fn settings(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions, by_key: bool) {
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Samples");
            ui.add(egui::DragValue::new(&mut self.samples).range(1..=16))
                .labelled_by(label.id)
                .on_hover_text("Answers to the same question, 1 to 16");
            temperature(ui, &mut self.temperature);
            let label = ui.label("Longest answer");
            ui.add(
                egui::DragValue::new(&mut self.max_completion_length)
                    .range(1..=4096)
                    .suffix(" tokens"),
            )
            .labelled_by(label.id)
            .on_hover_text("Answers that have not ended by then are cut off");
            let label = ui.label("Seed");
            ui.add(egui::DragValue::new(&mut self.seed))
                .labelled_by(label.id)
                .on_hover_text(
                    "The same seed gives the same answers. It rises with every question, so that \
                     asking again gives others",
                );
            if let Some(ticket) = self.sitting.running() {
                if ui
                    .button("Stop")
                    .on_hover_text("What was written stays")
                    .clicked()
                {
                    actions.engine(Request::Break(ticket));
                    self.sitting.stop();
                }
                return;
            }
            let color = theme::palette(ui).accent;
            let button = egui::Button::new(RichText::new("Ask").strong());
            let button = button.stroke(egui::Stroke::new(1.5, color));
            let ready = self.mode == Mode::Problem || !self.text.is_empty();
            let hint = match (self.mode, world.live) {
                (Mode::Text, _) => "Ctrl+Enter in the text does the same",
                (_, Some(_)) => "Answers come after the training step in hand",
                (_, None) => "Asks the model",
            };
            let button = ui.add_enabled(ready, button).on_hover_text(hint);
            let button = button.on_disabled_hover_text("Write a text first");
            if button.clicked() || by_key && ready {
                self.ask(world, actions);
            }
        });
    }

    fn ask(&mut self, world: &World, actions: &mut Actions) {
        let Some((subject, who)) = self.chosen.subject(world, &self.shelf, &PREFERRED) else {
            return;
        };
        let what = match self.mode {
            Mode::Problem => Asked::Problem {
                level: self.spot.level,
                index: self.spot.index,
            },
            Mode::Text => Asked::Text(self.text.clone()),
        };
        let question = Question {
            what,
            samples: self.samples,
            temperature: self.temperature,
            max_completion_length: self.max_completion_length,
            seed: self.seed,
        };
        let ticket = actions.ticket();
        let mut exchange = Exchange::new(ticket, who, question.clone());
        exchange.task = self.record(world).map(|record| record.config.task.kind);
        if self.mode == Mode::Problem {
            let problem = self.problems.problem(self.spot);
            exchange.prompt = problem.map(|problem| problem.prompt.clone());
        }
        self.sitting.ask(exchange);
        self.seed = self.seed.wrapping_add(1);
        actions.engine(Request::Sample {
            ticket,
            subject,
            question,
        });
    }

    /// The questions of this sitting, beside the answers.
    fn earlier(&mut self, ui: &mut Ui) {
        if self.sitting.exchanges.len() < 2 {
            return;
        }
        let panel = egui::Panel::right("asked earlier")
            .default_size(180.0)
            .size_range(120.0..=320.0);
        panel.show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Asked so far").strong());
                let hint = "Forgets the questions of this sitting";
                if ui.small_button("Clear").on_hover_text(hint).clicked() {
                    self.sitting.clear();
                }
            });
            let Sitting { exchanges, viewed } = &mut self.sitting;
            let newest = exchanges.len().saturating_sub(1);
            ScrollArea::vertical()
                .id_salt("asked")
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    for (index, exchange) in exchanges.iter().enumerate().rev() {
                        let text =
                            format!("{}\n{}", short(&exchange.title(), 22), exchange.result());
                        let shown = viewed.unwrap_or(newest) == index;
                        let hint = format!("{}\n{}", exchange.title(), exchange.who);
                        if ui
                            .selectable_label(shown, text)
                            .on_hover_text(hint)
                            .clicked()
                        {
                            *viewed = (index != newest).then_some(index);
                        }
                    }
                });
        });
    }
}

/// The place of another problem, so that it looks drawn at random.
fn another(spot: Spot) -> u64 {
    let next = fingerprint(&format!("{} {}", spot.level, spot.index)) % PROBLEMS;
    if next == spot.index { next + 1 } else { next }
}

#[cfg(test)]
mod tests;
