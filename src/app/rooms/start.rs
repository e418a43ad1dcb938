//! Presets, ready to start, and the runs there are.

mod list;
mod offers;
mod renaming;
mod runs;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use eframe::egui::{self, Align2, Color32, FontId, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::engine::Ticket;
use crate::app::library::{Errand, Found};
use crate::app::presets::{self, Preset};
use crate::app::record::RunKey;
use crate::app::{Action, Actions, Place, World, theme};

/// Seconds between two looks for files that a preset lacks.
const LOOK_AGAIN: f64 = 4.0;

/// Seconds after a drop in which a run that opens is taken for what was dropped.
const DROP_SECONDS: f64 = 30.0;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    filter: String,
    /// Comparison folders whose runs are folded away.
    folded: BTreeSet<String>,
    #[serde(skip)]
    presets: Vec<Preset>,
    #[serde(skip)]
    files: Files,
    #[serde(skip)]
    rows: list::Rows,
    #[serde(skip)]
    renaming: Option<renaming::Renaming>,
    /// The run that is asked about before it goes to the bin.
    #[serde(skip)]
    deleting: Option<RunKey>,
    #[serde(skip)]
    coming: Coming,
}

/// Which of the files that presets need are not there.
#[derive(Default)]
struct Files {
    ticket: Option<Ticket>,
    asked: f64,
    /// None until it is known.
    missing: Option<Vec<String>>,
}

/// A run that was chosen or dropped here, and is to be shown once it is open.
#[derive(Default)]
struct Coming {
    hovered: bool,
    until: Option<f64>,
    opened: Option<RunKey>,
}

impl Room for Start {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        if self.presets.is_empty() {
            self.presets = presets::all();
        }
        self.ask_for_files(world.time, actions);
        self.go_to_opened(ui, world.time, actions);
        egui::ScrollArea::vertical()
            .auto_shrink(false)
            .show(ui, |ui| {
                // Room for the scroll bar.
                ui.set_max_width(ui.available_width() - 12.0);
                offers::hero(ui, &self.presets, world, actions);
                ui.add_space(6.0);
                let missing = self.files.missing.as_deref().unwrap_or_default();
                offers::cards(ui, &self.presets, missing, world, actions);
                ui.add_space(6.0);
                self.recent(ui, world, actions);
            });
        self.question(ui, world, actions);
        if self.coming.hovered {
            overlay(ui);
        }
    }

    fn found(&mut self, found: &Found) {
        match found {
            Found::Runs(_) => self.rows.forget(),
            Found::Missing { ticket, files } if self.files.ticket == Some(*ticket) => {
                self.files.ticket = None;
                self.files.missing = Some(files.clone());
            }
            Found::Opened { run, .. } if self.coming.until.is_some() => {
                // Of a folder of runs the first is shown.
                self.coming.opened.get_or_insert_with(|| run.clone());
            }
            _ => {}
        }
    }
}

impl Start {
    /// Asks which files the presets lack: at first, and again as long as some are missing.
    fn ask_for_files(&mut self, now: f64, actions: &mut Actions) {
        let Files {
            ticket,
            asked,
            missing,
        } = &mut self.files;
        let complete = missing.as_ref().is_some_and(Vec::is_empty);
        let recently = ticket.is_some() || missing.is_some();
        if complete || (recently && now - *asked < LOOK_AGAIN) {
            return;
        }
        let needed = self.presets.iter().filter(|preset| preset.needs_files);
        let files: Vec<String> = needed.flat_map(offers::files).collect();
        if files.is_empty() {
            *missing = Some(Vec::new());
            return;
        }
        let number = actions.ticket();
        (*ticket, *asked) = (Some(number), now);
        actions.library(Errand::Missing {
            ticket: number,
            files,
        });
    }

    /// Shows what was chosen or dropped here, once it is open.
    fn go_to_opened(&mut self, ui: &Ui, now: f64, actions: &mut Actions) {
        let hovered = ui.input(|input| !input.raw.hovered_files.is_empty());
        if self.coming.hovered && !hovered {
            self.coming.until = Some(now + DROP_SECONDS);
        }
        self.coming.hovered = hovered;
        if let Some(run) = self.coming.opened.take() {
            self.coming.until = None;
            actions.push(Action::Show(run));
            actions.push(Action::Go(Place::Balance));
        }
        if self.coming.until.is_some_and(|until| until < now) {
            self.coming.until = None;
        }
    }

    /// Opens a file the user chooses.
    fn choose(&mut self, actions: &mut Actions) {
        self.coming.until = Some(f64::INFINITY);
        actions.library(Errand::Choose);
    }
}

/// Opens a run and goes to watch it.
fn watch(run: &str, actions: &mut Actions) {
    actions.push(Action::Show(run.to_owned()));
    actions.push(Action::Go(Place::Balance));
}

/// Whether something is being trained here, and what.
fn busy(world: &World) -> Option<String> {
    match (world.live, world.queue) {
        (Some(run), _) => Some(run.to_owned()),
        (None, Some(queue)) => Some(queue.folder.clone()),
        (None, None) => None,
    }
}

/// Says that what hangs over the window can be dropped.
fn overlay(ui: &Ui) {
    let area = ui.clip_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop here"));
    let painter = ui.ctx().layer_painter(layer);
    let accent = theme::palette(ui).accent;
    let veil = ui.visuals().panel_fill.gamma_multiply(0.94);
    painter.rect_filled(area, 8.0, veil);
    let stroke = egui::Stroke::new(3.0, accent);
    painter.rect_stroke(area.shrink(8.0), 8.0, stroke, egui::StrokeKind::Inside);
    let text = |down: f32, text: &str, size: f32, color: Color32| {
        let place = area.center() + egui::vec2(0.0, down);
        painter.text(
            place,
            Align2::CENTER_CENTER,
            text,
            FontId::proportional(size),
            color,
        );
    };
    let visuals = ui.visuals();
    text(
        -14.0,
        "Drop it to open it",
        24.0,
        visuals.strong_text_color(),
    );
    let what = "A configuration (.toml), a run folder, a folder of runs or a zipped run";
    text(18.0, what, 14.0, visuals.text_color());
}
