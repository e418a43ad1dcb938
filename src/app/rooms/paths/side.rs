//! One side of the room: a model's samples of the problem as a tree.

use eframe::egui::{self, RichText, ScrollArea, Ui};
use serde::{Deserialize, Serialize};

use super::faces;
use super::numbers::Numbers;
use super::pane::{Picture, View};
use super::samples;
use super::steps;
use super::subject::Chosen;
use super::tree::{Kind, Tree};
use crate::app::engine::{Reply, Ticket};
use crate::app::{theme, widgets};
use crate::config::TaskKind;
use crate::training::CompletionRecord;

/// Room below the tree for the numbers.
const NUMBERS_HEIGHT: f32 = 44.0;

/// The height a completion is taken to have before it was drawn.
const SAMPLE_HEIGHT: f32 = 36.0;

/// A side: whom it asks, and what came of it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Side {
    pub chosen: Chosen,
    #[serde(skip)]
    pub outcome: Outcome,
}

/// What came of asking.
#[derive(Default)]
pub enum Outcome {
    #[default]
    Nothing,
    Waiting(Waiting),
    Drawn(Box<Drawn>),
    Refused(String),
}

/// Samples on their way.
pub struct Waiting {
    pub ticket: Ticket,
    pub asked: Asking,
    pub tokens: usize,
}

/// What was asked of whom, in words and as far as drawing needs it.
#[derive(Clone)]
pub struct Asking {
    pub who: String,
    pub what: String,
    pub task: Option<TaskKind>,
}

/// Samples as they are drawn.
pub struct Drawn {
    asked: Asking,
    pub prompt: String,
    records: Vec<CompletionRecord>,
    pub numbers: Numbers,
    picture: Picture,
    view: View,
    pub selected: Option<usize>,
    heights: Vec<f32>,
}

impl Drawn {
    pub fn new(asked: Asking, prompt: String, records: Vec<CompletionRecord>) -> Self {
        let ways: Vec<_> = records
            .iter()
            .map(|record| steps::way(asked.task, record))
            .collect();
        let tree = Tree::of(&ways);
        let faces = faces::of(&tree, &prompt);
        Self {
            numbers: Numbers::of(&records),
            picture: Picture::new(tree, faces),
            view: View::default(),
            selected: None,
            heights: vec![SAMPLE_HEIGHT; records.len()],
            asked,
            prompt,
            records,
        }
    }
}

impl Side {
    pub fn waiting(&self) -> Option<Ticket> {
        match &self.outcome {
            Outcome::Waiting(waiting) => Some(waiting.ticket),
            _ => None,
        }
    }

    pub fn drawn(&self) -> Option<&Drawn> {
        match &self.outcome {
            Outcome::Drawn(drawn) => Some(drawn),
            _ => None,
        }
    }

    /// Takes in what the engine says, if it is for this side.
    pub fn hear(&mut self, reply: &Reply) {
        let Outcome::Waiting(waiting) = &mut self.outcome else {
            return;
        };
        match reply {
            Reply::Token { ticket, .. } if *ticket == waiting.ticket => waiting.tokens += 1,
            Reply::Sampled {
                ticket,
                prompt,
                records,
            } if *ticket == waiting.ticket => {
                let asked = waiting.asked.clone();
                let drawn = Drawn::new(asked, prompt.clone(), records.clone());
                self.outcome = Outcome::Drawn(Box::new(drawn));
            }
            Reply::Refused { ticket, why } if *ticket == waiting.ticket => {
                self.outcome = Outcome::Refused(why.clone());
            }
            _ => {}
        }
    }

    /// Draws what came of asking, in all the room there is.
    pub fn show(&mut self, ui: &mut Ui, name: &str, training: bool) {
        match &mut self.outcome {
            Outcome::Nothing => {
                quiet(ui, "Choose a problem above, then press Sample");
            }
            Outcome::Waiting(waiting) => {
                ui.horizontal_wrapped(|ui| {
                    ui.spinner();
                    ui.label(match (waiting.tokens, training) {
                        (0, true) => "Waiting for the training step in hand".into(),
                        (0, false) => "Opening the model".into(),
                        (1, _) => "Sampling, 1 token so far".into(),
                        (tokens, _) => format!("Sampling, {tokens} tokens so far"),
                    });
                });
            }
            Outcome::Refused(why) => refused(ui, why),
            Outcome::Drawn(drawn) => drawn.show(ui, name),
        }
    }
}

/// Says in place that something cannot be had, and what to do.
pub fn refused(ui: &mut Ui, why: &str) {
    let color = theme::palette(ui).wrong;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("⚠").color(color));
        ui.label(RichText::new("No samples").strong().color(color));
        ui.label(why);
    });
    let hint = "Choose another run, checkpoint or problem, or try again";
    ui.label(RichText::new(hint).weak());
}

fn quiet(ui: &mut Ui, text: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.label(RichText::new(text).weak());
    });
}

impl Drawn {
    fn show(&mut self, ui: &mut Ui, name: &str) {
        let caption = format!("{} · {}", self.asked.who, self.asked.what);
        let caption = RichText::new(caption).weak().small();
        ui.add(egui::Label::new(caption).truncate())
            .on_hover_text("What these samples are of");
        let room = (ui.available_height() - NUMBERS_HEIGHT).max(120.0);
        let details = match self.selected {
            Some(_) => (room * 0.45).clamp(90.0, 320.0),
            None => 0.0,
        };
        let gap = ui.spacing().item_spacing.y;
        let Self {
            picture,
            view,
            selected,
            ..
        } = self;
        picture.show(ui, name, room - details - gap, view, selected);
        if self.selected.is_some() && details > 0.0 {
            self.details(ui, name, details);
        }
        self.numbers(ui);
    }

    fn numbers(&self, ui: &mut Ui) {
        let numbers = &self.numbers;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(4.0, 2.0);
            let mut put = |value: String, what: &str, hint: &str| {
                ui.label(RichText::new(value).strong()).on_hover_text(hint);
                ui.label(what).on_hover_text(hint);
                ui.add_space(8.0);
            };
            put(
                format!("{} of {}", numbers.right, numbers.samples),
                "right",
                "Samples whose final answer is right",
            );
            put(
                numbers.ways.to_string(),
                if numbers.ways == 1 {
                    "way"
                } else {
                    "different ways"
                },
                "Distinct reasoning paths. Two samples take the same way if their steps are the \
                 same, whatever their wording",
            );
            put(
                numbers.right_ways.to_string(),
                "of them right",
                "Distinct reasoning paths that lead to the right answer",
            );
            if let Some(entropy) = numbers.entropy {
                let evenly = entropy.exp();
                put(
                    format!("{entropy:.2}"),
                    "nats of entropy",
                    &format!(
                        "How evenly the samples with a readable path spread over the ways, in \
                         nats: 0 if all take one way, more the more ways there are and the more \
                         evenly they are taken. {entropy:.2} nats are as diverse as {evenly:.1} \
                         ways taken equally often"
                    ),
                );
            }
            if numbers.slipped > 0 {
                put(
                    numbers.slipped.to_string(),
                    "⚠ go wrong at a step",
                    "Samples with a step that does not hold. The tree shows their steps up to the \
                     first wrong one, in a broken frame with ⚠, and then their answer. They are no \
                     way: the steps of a way hold",
                );
            }
            if numbers.unfaithful > 0 {
                put(
                    numbers.unfaithful.to_string(),
                    "✔⚠ right, steps broken",
                    "Right answers whose steps do not lead to them: they count as right, and not as a way",
                );
            }
            if numbers.unread > 0 {
                put(
                    numbers.unread.to_string(),
                    "unreadable",
                    "Samples of which not even a first step can be read. They count neither as \
                     ways nor in the entropy",
                );
            }
        });
    }

    /// The samples that go through the chosen node.
    fn details(&mut self, ui: &mut Ui, name: &str, height: f32) {
        let Some((index, node)) = self.selected.and_then(|index| {
            let node = self.picture.tree.nodes.get(index)?;
            Some((index, node))
        }) else {
            return;
        };
        let begins = ui.cursor().top();
        let mut close = false;
        ui.horizontal(|ui| {
            let hint = format!("Close the samples, {}", name.to_lowercase());
            let button = ui.small_button("✖").on_hover_text("Close (the tree stays)");
            button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &hint));
            close = button.clicked();
            let count = node.samples.len();
            ui.label(RichText::new(format!("{count} of {}", self.records.len())).strong())
                .on_hover_text(
                    "The samples that take this way. Green tokens were likely, red ones a \
                     surprise to the model itself",
                );
            let way = self.way(index);
            ui.add(egui::Label::new(RichText::new(&way).monospace()).truncate())
                .on_hover_text(way);
        });
        let left = height - (ui.cursor().top() - begins) - ui.spacing().item_spacing.y;
        let samples: Vec<usize> = node.samples.clone();
        ScrollArea::vertical()
            .id_salt((name, "samples"))
            .max_height(left.max(40.0))
            .min_scrolled_height(left.max(40.0))
            .auto_shrink([false, false])
            .show(ui, |ui| {
                for sample in samples {
                    let record = &self.records[sample];
                    samples::in_sight(ui, &mut self.heights[sample], |ui| {
                        ui.horizontal_top(|ui| {
                            widgets::verdict(ui, record.verdict());
                            ui.label(RichText::new(format!("{}", sample + 1)).weak())
                                .on_hover_text("Number of the sample");
                            ui.vertical(|ui| samples::text(ui, record));
                        });
                    });
                }
            });
        if close {
            self.selected = None;
        }
    }

    /// The steps up to a node in one line.
    fn way(&self, index: usize) -> String {
        let tree = &self.picture.tree;
        let part = |&node: &usize| match tree.nodes[node].kind {
            Kind::Root => None,
            Kind::Step => Some(tree.nodes[node].text.replace('\n', " › ")),
            Kind::Wrong(_) => Some(format!("⚠ {}", tree.nodes[node].text)),
            Kind::End(_) | Kind::Unread => Some(self.picture.faces[node].head.clone()),
        };
        let way: Vec<String> = tree.way_to(index).iter().filter_map(part).collect();
        match way.is_empty() {
            true => "all samples".into(),
            false => way.join(" › "),
        }
    }
}
