//! What path diversity means to someone who looks: the ways a model takes through one problem,
//! as a tree, for two models side by side.

pub(super) mod faces;
mod layout;
mod numbers;
mod pane;
pub(super) mod problem;
pub(super) mod samples;
mod side;
pub(super) mod steps;
pub(super) mod subject;
mod touring;
mod tree;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use self::problem::{Problems, Spot};
pub(super) use self::side::refused;
use self::side::{Asking, Outcome, Side, Waiting};
use self::subject::{Point, Shelf};
use super::Room;
use crate::app::engine::{Asked, Question, Reply, Request};
use crate::app::library::Found;
use crate::app::record::Record;
use crate::app::{Actions, World, theme, widgets};
use crate::config::RunConfig;

/// Tokens of a completion at most, where the run does not say.
const MAX_COMPLETION_LENGTH: usize = 64;

/// The sides' names, and the points of a run they look at unless the user says otherwise.
const SIDES: [(&str, Point); 2] = [("Left", Point::AfterWarmup), ("Right", Point::Now)];

#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct Paths {
    left: Side,
    right: Side,
    /// Two models; only the right one otherwise.
    two: bool,
    spot: Spot,
    samples: usize,
    temperature: f64,
    seed: u64,
    #[serde(skip)]
    shelf: Shelf,
    #[serde(skip)]
    problems: Problems,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            left: Side::default(),
            right: Side::default(),
            two: true,
            spot: Spot::default(),
            samples: 16,
            temperature: 1.0,
            seed: 0,
            shelf: Shelf::default(),
            problems: Problems::default(),
        }
    }
}

impl Room for Paths {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        if self.right.chosen.run(world).is_none() {
            return widgets::nothing_yet(
                ui,
                "The ways through a problem",
                "Open a run, or train one: here its model answers one problem many times, and \
                 you see how many different ways it knows. Two checkpoints or two runs can be \
                 compared side by side.",
            );
        }
        self.controls(ui, world, actions);
        self.problem(ui, world);
        self.sentence(ui);
        let training = world.live.is_some();
        if self.two {
            let both = [&mut self.left, &mut self.right];
            ui.columns_const(|columns: &mut [Ui; 2]| {
                for ((ui, side), (name, point)) in columns.iter_mut().zip(both).zip(&SIDES) {
                    ui.push_id(name, |ui| {
                        choose(ui, name, side, point, (world, &mut self.shelf, actions));
                        side.show(ui, name, training);
                    });
                }
            });
        } else {
            let (_, point) = &SIDES[1];
            choose(
                ui,
                "",
                &mut self.right,
                point,
                (world, &mut self.shelf, actions),
            );
            self.right.show(ui, "", training);
        }
    }

    fn hear(&mut self, reply: &Reply) {
        self.left.hear(reply);
        self.right.hear(reply);
    }

    fn found(&mut self, found: &Found) {
        self.shelf.found(found);
    }
}

fn choose(
    ui: &mut Ui,
    name: &str,
    side: &mut Side,
    preferred: &Point,
    parts: (&World, &mut Shelf, &mut Actions),
) {
    ui.horizontal_wrapped(|ui| {
        subject::pick(ui, name, &mut side.chosen, preferred, parts);
    });
}

impl Paths {
    fn controls(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let config = self.config(world);
        ui.horizontal_wrapped(|ui| {
            if let Some(config) = config {
                problem::pick(ui, &mut self.spot, &mut self.problems, config);
            }
            ui.separator();
            let label = ui.label("Samples");
            ui.add(egui::DragValue::new(&mut self.samples).range(8..=64))
                .labelled_by(label.id)
                .on_hover_text("How often each model answers the problem, 8 to 64 times");
            temperature(ui, &mut self.temperature);
            let label = ui.label("Seed");
            ui.add(egui::DragValue::new(&mut self.seed))
                .labelled_by(label.id)
                .on_hover_text("The same seed gives the same samples; both sides use it");
            self.sample_button(ui, world, actions);
            ui.checkbox(&mut self.two, "Two models")
                .on_hover_text("Compare two models side by side");
        });
    }

    fn sample_button(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let tickets: Vec<_> = [&self.left, &self.right]
            .into_iter()
            .filter_map(Side::waiting)
            .collect();
        if !tickets.is_empty() {
            if ui
                .button("Stop")
                .on_hover_text("Do not wait for these samples")
                .clicked()
            {
                for ticket in tickets {
                    actions.engine(Request::Break(ticket));
                }
                for side in [&mut self.left, &mut self.right] {
                    if side.waiting().is_some() {
                        side.outcome = Outcome::Nothing;
                    }
                }
            }
            return;
        }
        let color = theme::palette(ui).accent;
        let text = RichText::new("Sample").strong();
        let button = egui::Button::new(text).stroke(egui::Stroke::new(1.5, color));
        let hint = match world.live {
            Some(_) => "Asks for samples. They take their turn after the training step in hand",
            None => "Asks for samples and draws them as a tree",
        };
        if ui.add(button).on_hover_text(hint).clicked() {
            self.ask(world, actions);
        }
    }

    /// The settings of the run on the right, which the problem is taken from.
    fn config<'a>(&self, world: &'a World) -> Option<&'a RunConfig> {
        Some(&record(&self.right, world).or(world.shown)?.config)
    }

    fn ask(&mut self, world: &World, actions: &mut Actions) {
        let question = |record: Option<&Record>| Question {
            what: Asked::Problem {
                level: self.spot.level,
                index: self.spot.index,
            },
            samples: self.samples,
            temperature: self.temperature,
            max_completion_length: record.map_or(MAX_COMPLETION_LENGTH, |record| {
                record.config.grpo.max_completion_length
            }),
            seed: self.seed,
        };
        let what = format!("level {}, problem {}", self.spot.level, self.spot.index);
        let sides = [
            (&mut self.left, &SIDES[0].1),
            (&mut self.right, &SIDES[1].1),
        ];
        for (side, preferred) in sides.into_iter().skip(usize::from(!self.two)) {
            let record = record(side, world);
            let Some((subject, who)) = side.chosen.subject(world, &self.shelf, preferred) else {
                continue;
            };
            let ticket = actions.ticket();
            let (what, task) = (what.clone(), record.map(|record| record.config.task.kind));
            side.outcome = Outcome::Waiting(Waiting {
                ticket,
                asked: Asking { who, what, task },
                tokens: 0,
            });
            actions.engine(Request::Sample {
                ticket,
                subject,
                question: question(record),
            });
        }
    }

    /// The problem as it reads.
    fn problem(&mut self, ui: &mut Ui, world: &World) {
        let made = self
            .problems
            .problem(self.spot)
            .map(|problem| problem.prompt.as_str());
        let drawn = self.right.drawn().or(self.left.drawn());
        let Some(prompt) = made.or(drawn.map(|drawn| drawn.prompt.as_str())) else {
            return;
        };
        ui.horizontal_top(|ui| {
            ui.label(RichText::new("The problem").weak());
            problem::text(ui, prompt);
        });
        if self.two && differ(&self.left, &self.right, world) {
            let color = theme::palette(ui).notice;
            let text = "The two runs learn different tasks: each side answers a problem of its own";
            ui.colored_label(color, text);
        }
    }

    /// What the samples say, in words.
    fn sentence(&self, ui: &mut Ui) {
        let text = match (self.left.drawn(), self.right.drawn()) {
            (Some(left), Some(right)) if self.two => {
                if left.prompt != right.prompt {
                    return;
                }
                numbers::compared(&left.numbers, &right.numbers)
            }
            (None, Some(right)) => numbers::told(&right.numbers),
            (_, Some(right)) if !self.two => numbers::told(&right.numbers),
            _ => return,
        };
        ui.add(egui::Label::new(RichText::new(text).strong()).wrap());
    }
}

/// The open run that a side asks.
fn record<'a>(side: &Side, world: &'a World) -> Option<&'a Record> {
    world.records.get(side.chosen.run(world)?)
}

/// Whether the sides' runs know different problems.
fn differ(left: &Side, right: &Side, world: &World) -> bool {
    let task = |side| record(side, world).map(|record| &record.config.task);
    let (Some(left), Some(right)) = (task(left), task(right)) else {
        return false;
    };
    // How much of the data is learnt from makes no other problems.
    let problems = |task: &crate::config::TaskConfig| crate::config::TaskConfig {
        demonstrations: 0,
        orders: 0,
        ..task.clone()
    };
    problems(left) != problems(right)
}

/// Lets the user choose the temperature of samples.
pub(super) fn temperature(ui: &mut Ui, temperature: &mut f64) {
    let label = ui.label("Temperature");
    ui.add(
        egui::DragValue::new(temperature)
            .range(0.0..=2.0)
            .speed(0.01)
            .max_decimals(2),
    )
    .labelled_by(label.id)
    .on_hover_text(
        "How freely tokens are drawn: 1 as the model sees it, below 1 more careful, above 1 \
         wilder; 0 always takes the most probable token, so that all samples are the same",
    );
}

#[cfg(test)]
mod tests;
