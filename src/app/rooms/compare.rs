//! The compare room: runs, methods and seeds side by side.
//!
//! | part | what it does |
//! |---|---|
//! | `chooser` | the list of runs to choose from |
//! | `reading` | asks for what is chosen, and takes in that answer and no other |
//! | `curves`, `curves_view` | metrics over the run, laid over each other |
//! | `results` | the table, the differences in words, the settings that differ |
//! | `charts` | pass@k, diversity, robustness and levels, with intervals |
//! | `launch` | starts a comparison, and shows how far it is |
//! | `export` | what is written to files |

mod charts;
mod chooser;
mod curves;
mod curves_view;
mod export;
mod launch;
mod look;
mod reading;
mod results;
#[cfg(test)]
mod tests;
mod touring;

use std::borrow::Cow;
use std::collections::BTreeSet;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::engine::{QueueState, Reply};
use crate::app::library::{Errand, Found, RunCard, Saved, SavedWhat};
use crate::app::record::{Record, RunKey};
use crate::app::widgets::nothing_yet;
use crate::app::{Action, Actions, World, theme};
use crate::config::RunConfig;
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
    /// Where the view was drawn, for a picture of it.
    #[serde(skip)]
    area: Option<egui::Rect>,
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
            launch::progress(ui, queue, world, actions);
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
        self.summary(ui, world, actions);
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
        let groups = &compared.comparison.groups;
        let drawn = match self.view {
            View::Curves => self.curves.show(ui, compared),
            View::Results => in_scroll(ui, "results", |ui| results::show(ui, &compared.comparison)),
            View::Diversity => in_scroll(ui, "diversity", |ui| charts::diversity(ui, groups)),
            View::Robustness => in_scroll(ui, "robustness", |ui| charts::robustness(ui, groups)),
            View::Settings => in_scroll(ui, "settings", |ui| {
                results::settings(ui, &compared.comparison)
            }),
            View::New => return,
        };
        self.area = Some(drawn.intersect(ui.clip_rect()));
    }

    /// What is compared, and the buttons that write it to files.
    fn summary(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let Some(compared) = self.reading.compared() else {
            return;
        };
        let text = format!(
            "{} in {}",
            runs_in_words(compared.curves.len()),
            count(compared.comparison.groups.len(), "group")
        );
        let stem = stem(&self.chosen);
        let (mut again, mut write_curves) = (false, false);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(text).strong()).on_hover_text(
                "A group is the runs that differ in nothing but their seed, name, device and what \
                 is kept of them",
            );
            if self.reading.is_outdated(world.runs) {
                let color = theme::palette(ui).notice;
                ui.label(RichText::new("Some have gone on since").color(color));
                again = ui.button("Read again").clicked();
            }
            ui.separator();
            if ui
                .button("Report…")
                .on_hover_text("One HTML page with everything about these runs")
                .clicked()
            {
                save(actions, format!("{stem}-report.html"), self.report());
            }
            let picture = ui.add_enabled(self.area.is_some(), egui::Button::new("Picture…"));
            if picture
                .on_hover_text(
                    "What can be seen below, as PNG. A larger window shows more; the report holds \
                     everything",
                )
                .clicked()
                && let Some(area) = self.area
            {
                let name = format!("{stem}-{}.png", self.view_name());
                actions.push(Action::Picture { name, area });
            }
            let ready = self.curves.prepared().is_some() && self.writing.is_none();
            let curves = ui.add_enabled(ready, egui::Button::new("Curves CSV…"));
            if curves
                .on_hover_text("The curves under \"Curves\", as they are drawn, as a table")
                .clicked()
            {
                write_curves = true;
            }
            if ui
                .button("Results CSV…")
                .on_hover_text("All numbers with their intervals, one per line")
                .clicked()
            {
                let text = export::results(&compared.comparison);
                let what = SavedWhat::Bytes(text.into_bytes());
                save(actions, format!("{stem}-results.csv"), what);
            }
        });
        if write_curves {
            let groups = &compared.comparison.groups;
            self.writing = self.curves.csv(groups, &compared.curves);
        }
        if again {
            self.curves.forget();
            self.reading.again(world.runs, actions);
        }
    }

    fn report(&self) -> SavedWhat {
        SavedWhat::Report(self.chosen.iter().cloned().collect())
    }

    fn view_name(&self) -> &'static str {
        match self.view {
            View::Curves | View::New => "curves",
            View::Results => "results",
            View::Diversity => "diversity",
            View::Robustness => "robustness",
            View::Settings => "settings",
        }
    }

    /// A long table is written over several frames.
    fn go_on_writing(&mut self, context: &egui::Context, actions: &mut Actions) {
        let (Some(csv), Some(prepared)) = (&mut self.writing, self.curves.prepared()) else {
            self.writing = None;
            return;
        };
        if !csv.go_on(prepared) {
            return context.request_repaint();
        }
        if let Some(csv) = self.writing.take() {
            let name = format!("{}-curves.csv", stem(&self.chosen));
            save(actions, name, SavedWhat::Bytes(csv.into_bytes()));
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
        damaged: None,
    }
}

/// Draws in a scroll area, and says where.
fn in_scroll(ui: &mut Ui, salt: &str, contents: impl FnOnce(&mut Ui)) -> egui::Rect {
    let output = egui::ScrollArea::both()
        .id_salt(salt)
        .auto_shrink([false, false])
        .show(ui, |ui| {
            contents(ui);
            ui.min_rect()
        });
    output.inner.intersect(output.inner_rect)
}

fn save(actions: &mut Actions, name: String, what: SavedWhat) {
    actions.library(Errand::Save(Saved { name, what }));
}

/// What files are named after: the comparison's folder where there is one.
fn stem(chosen: &BTreeSet<RunKey>) -> String {
    let mut folders = chosen.iter().map(|run| chooser::split(run).0);
    match folders.next().flatten() {
        Some(first) if folders.all(|folder| folder == Some(first)) => {
            chooser::split(first).1.to_owned()
        }
        _ => "comparison".to_owned(),
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
