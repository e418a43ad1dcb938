//! Presets, ready to start, and the runs there are.

mod list;
mod offers;
mod renaming;
mod runs;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use eframe::egui::{self, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::engine::Ticket;
use crate::app::library::{Errand, Found};
use crate::app::presets::{self, Preset};
use crate::app::record::RunKey;
use crate::app::{Action, Actions, Place, World};

/// Seconds between two looks for files that a preset lacks.
const LOOK_AGAIN: f64 = 4.0;

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
}

/// Which of the files that presets need are not there.
#[derive(Default)]
struct Files {
    ticket: Option<Ticket>,
    asked: f64,
    /// None until it is known.
    missing: Option<Vec<String>>,
}

impl Room for Start {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        if self.presets.is_empty() {
            self.presets = presets::all();
        }
        self.ask_for_files(world.time, actions);
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
    }

    fn found(&mut self, found: &Found) {
        match found {
            Found::Runs(_) => self.rows.forget(),
            Found::Missing { ticket, files } if self.files.ticket == Some(*ticket) => {
                self.files.ticket = None;
                self.files.missing = Some(files.clone());
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
