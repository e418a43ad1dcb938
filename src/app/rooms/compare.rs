//! The compare room: runs, methods and seeds side by side.
//!
//! | part | what it does |
//! |---|---|
//! | `chooser` | the list of runs to choose from |
//! | `reading` | asks for what is chosen, and takes in that answer and no other |
//! | `curves`, `curves_view` | metrics over the run, laid over each other |
//! | `results` | the table, the differences in words, the settings that differ |
//! | `charts` | pass@k, diversity, robustness and levels, with intervals |
//! | `launch` | starts a comparison, and shows how far it is and how long it takes |
//! | `export` | tables of the curves and results |
//! | `saving` | the line above the views, with the buttons that write files |

mod charts;
mod chooser;
mod curves;
mod curves_view;
mod export;
mod launch;
mod look;
mod reading;
mod results;
mod saving;
#[cfg(test)]
mod tests;
mod touring;

use std::borrow::Cow;
use std::collections::BTreeSet;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::engine::{QueueState, Reply};
use crate::app::library::{Errand, Found, RunCard};
use crate::app::record::{Record, RunKey};
use crate::app::widgets::nothing_yet;
use crate::app::{Actions, World, theme};
use crate::config::RunConfig;
use crate::runs::Comparison;
use reading::State;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum View {
    #[default]
    Curves,
    Results,
    Diversity,
    Robustness,
    Settings,
    New,
}

impl View {
    const ALL: [(View, &'static str, &'static str); 6] = [
        (
            View::Curves,
            "Curves",
            "Metrics over the run, laid over each other",
        ),
        (
            View::Results,
            "Results",
            "The final test, and which differences are real",
        ),
        (
            View::Diversity,
            "Diversity",
            "What several samples per problem show: pass@k and ways of reasoning",
        ),
        (
            View::Robustness,
            "Robustness",
            "Accuracy on reworded problems and by level",
        ),
        (
            View::Settings,
            "Settings",
            "Every setting in which the groups differ",
        ),
        (
            View::New,
            "Start a comparison…",
            "Train several methods and seeds from one configuration",
        ),
    ];

    /// What files are named after.
    fn name(self) -> &'static str {
        match self {
            View::Curves => "curves",
            View::Results => "results",
            View::Diversity => "diversity",
            View::Robustness => "robustness",
            View::Settings => "settings",
            View::New => "new",
        }
    }

    /// Draws what is more than a screen may hold; curves and the form are drawn elsewhere.
    fn page(self, ui: &mut Ui, comparison: &Comparison) {
        match self {
            View::Results => results::show(ui, comparison),
            View::Diversity => charts::diversity(ui, &comparison.groups),
            View::Robustness => charts::robustness(ui, &comparison.groups),
            View::Settings => results::settings(ui, comparison),
            View::Curves | View::New => {}
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Compare {
    chosen: BTreeSet<RunKey>,
    view: View,
    list: chooser::List,
    curves: curves_view::CurvesView,
    launch: launch::Launch,
    /// Whether the run that was shown has been offered as the first choice.
    #[serde(skip)]
    offered: bool,
    /// Open runs that the list of runs does not hold.
    #[serde(skip)]
    outside: BTreeSet<RunKey>,
    #[serde(skip)]
    reading: reading::Reading,
    #[serde(skip)]
    ended: Ended,
    #[serde(skip)]
    writing: Option<export::CurvesCsv>,
}

/// A queue that came to its end, on the way to being chosen.
#[derive(Default)]
struct Ended {
    /// The queue as it was heard of last.
    last: Option<QueueState>,
    /// Its runs, once it has ended.
    runs: Vec<RunKey>,
    listing: Listing,
}

/// Whether the list of runs holds what a queue left behind.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Listing {
    #[default]
    Unasked,
    Asked,
    Heard,
}

impl Room for Compare {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        self.choose_what_the_queue_made(world, actions);
        let cards = self.cards(world);
        self.offer_shown(world, &cards);
        let width = ui.available_width();
        egui::Panel::left("compare runs")
            .resizable(true)
            .default_size((width * 0.34).clamp(310.0, 420.0))
            .size_range(250.0..=(width * 0.55).max(260.0))
            .show(ui, |ui| {
                chooser::show(ui, &cards, &mut self.chosen, &mut self.list);
            });
        if self.reading.ask(&self.chosen, &cards, actions) {
            self.curves.forget();
            self.writing = None;
        }
        egui::CentralPanel::default().show(ui, |ui| self.right(ui, world, actions));
        self.go_on_writing(ui.ctx(), actions);
    }

    fn hear(&mut self, reply: &Reply) {
        if let Reply::Queue(state) = reply {
            match state {
                Some(state) => self.ended.last = Some(state.clone()),
                None => {
                    if let Some(state) = self.ended.last.take() {
                        self.ended.runs = state.runs;
                        self.ended.listing = Listing::Unasked;
                    }
                }
            }
        }
    }

    fn found(&mut self, found: &Found) {
        self.reading.hear(found);
        if let Found::Runs(cards) = found {
            let there = |run: &RunKey| {
                cards
                    .iter()
                    .any(|card| card.key == *run && card.damaged.is_none())
            };
            let outside = &self.outside;
            self.chosen
                .retain(|run| there(run) || outside.contains(run));
            if self.ended.listing == Listing::Asked {
                self.ended.listing = Listing::Heard;
            }
        }
    }
}

impl Compare {
    /// Compares methods from a configuration of the form.
    pub fn launch_from(&mut self, config: RunConfig) {
        self.launch.take_draft(config);
        self.view = View::New;
    }

    /// The runs to choose from: those of the runs folder, and those opened from elsewhere.
    fn cards<'a>(&mut self, world: &World<'a>) -> Cow<'a, [RunCard]> {
        let listed = |key: &RunKey| world.runs.iter().any(|card| card.key == *key);
        let outside = world.records.iter().filter(|(key, _)| !listed(key));
        // A run that has just begun comes to the list by itself.
        let outside = outside.filter(|(_, record)| !record.is_here());
        let cards: Vec<RunCard> = outside.map(|(_, record)| card_of(record)).collect();
        self.outside = cards.iter().map(|card| card.key.clone()).collect();
        if cards.is_empty() {
            return Cow::Borrowed(world.runs);
        }
        Cow::Owned(world.runs.iter().cloned().chain(cards).collect())
    }

    /// At first the run that is shown is chosen.
    fn offer_shown(&mut self, world: &World, cards: &[RunCard]) {
        let Some(record) = world.shown.filter(|_| !self.offered) else {
            return;
        };
        let whole = |card: &&RunCard| card.key == record.key && card.damaged.is_none();
        if let Some(card) = cards.iter().find(whole) {
            self.offered = true;
            if self.chosen.is_empty() {
                self.chosen.insert(card.key.clone());
            }
        }
    }

    /// When a queue has ended, its runs become the ones that are compared.
    fn choose_what_the_queue_made(&mut self, world: &World, actions: &mut Actions) {
        if self.ended.runs.is_empty() {
            return;
        }
        match self.ended.listing {
            Listing::Unasked => {
                actions.library(Errand::List);
                self.ended.listing = Listing::Asked;
            }
            Listing::Asked => {}
            Listing::Heard => {
                let made = std::mem::take(&mut self.ended.runs);
                let there: BTreeSet<RunKey> = made
                    .into_iter()
                    .filter(|run| world.runs.iter().any(|card| card.key == *run))
                    .collect();
                self.ended.listing = Listing::Unasked;
                if !there.is_empty() {
                    self.chosen = there;
                    self.view = View::Results;
                }
            }
        }
    }

    fn right(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        if let Some(queue) = world.queue {
            launch::progress::show(ui, queue, world, actions);
            ui.separator();
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.spacing_mut().button_padding.x = 7.0;
            for (view, title, hint) in View::ALL {
                let here = ui.selectable_label(self.view == view, title);
                if here.on_hover_text(hint).clicked() {
                    self.view = view;
                }
            }
        });
        ui.separator();
        if self.view == View::New {
            let compared = self.reading.compared();
            self.launch.show(ui, world, compared, actions);
            return;
        }
        match self.reading.state() {
            State::Nothing => nothing_yet(
                ui,
                "No runs chosen",
                "Tick runs in the list: the name of a comparison chooses all of its runs. Or train \
                 several methods and seeds with \"Start a comparison…\" above.",
            ),
            State::Reading => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label(format!("Reading {}…", runs_in_words(self.chosen.len())));
                });
                ui.ctx().request_repaint();
            }
            State::Refused(why) => {
                let color = theme::palette(ui).wrong;
                ui.label(
                    RichText::new("These runs cannot be compared")
                        .color(color)
                        .strong(),
                );
                ui.label(why);
                if ui.button("Read again").clicked() {
                    self.reading.again(world.runs, actions);
                }
            }
            State::Read(_) => self.answer(ui, world, actions),
        }
    }

    /// The answer: what is drawn here comes from it alone.
    fn answer(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let take_picture = self.summary(ui, world, actions);
        let State::Read(compared) = self.reading.state() else {
            return;
        };
        self.curves.prepare(ui, compared);
        let notes = &compared.comparison.notes;
        if self.view != View::Results && !notes.is_empty() {
            let text = format!("{} on these numbers", count(notes.len(), "note"));
            let color = theme::palette(ui).notice;
            let link = ui.link(RichText::new(text).color(color));
            if link.on_hover_text(notes.join("\n\n")).clicked() {
                self.view = View::Results;
            }
        }
        let width = ui.available_width();
        match self.view {
            View::Curves => self.curves.show(ui, compared),
            view => {
                egui::ScrollArea::both()
                    .id_salt(view.name())
                    .auto_shrink([false, false])
                    .show(ui, |ui| view.page(ui, &compared.comparison));
            }
        }
        if take_picture {
            self.save_picture(width, ui.visuals().dark_mode, actions);
        }
    }
}

/// An open run as the list shows it.
fn card_of(record: &Record) -> RunCard {
    let config = &record.config;
    RunCard {
        key: record.key.clone(),
        name: config.name.clone(),
        description: config.description.clone(),
        method: config.balance.method,
        seed: config.seed,
        task: String::new(),
        step: record.step(),
        max_steps: config.max_steps,
        finished: record.finished,
        accuracy: record.exam_curve().last().map(|&(_, accuracy)| accuracy),
        changed: record.step(),
        differences: Vec::new(),
        changes: Vec::new(),
        damaged: None,
    }
}

fn runs_in_words(number: usize) -> String {
    count(number, "run")
}

/// `1 run`, `2 runs`.
fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}
