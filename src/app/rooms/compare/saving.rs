//! What is compared in a line, and the buttons that write it to files.

use std::collections::BTreeSet;

use eframe::egui::{self, RichText, Ui};

use super::{Compare, View, chooser, count, export, runs_in_words};
use crate::app::library::{Errand, Saved, SavedWhat};
use crate::app::record::RunKey;
use crate::app::{Action, Actions, World, picture, theme};

/// Points that a picture is wide at least, however narrow the window is.
const NARROWEST_PICTURE: f32 = 720.0;

impl Compare {
    /// What is compared, and the buttons that write it to files. Returns whether a picture is asked
    /// for.
    pub(super) fn summary(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) -> bool {
        let Some(compared) = self.reading.compared() else {
            return false;
        };
        let text = format!(
            "{} in {}",
            runs_in_words(compared.curves.len()),
            count(compared.comparison.groups.len(), "group")
        );
        let stem = stem(&self.chosen);
        let (mut again, mut write_curves, mut take_picture) = (false, false, false);
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
            let drawn = self.curves.prepared().is_some();
            let can_be_drawn = self.view != View::Curves || drawn;
            let picture = ui.add_enabled(can_be_drawn, egui::Button::new("Picture…"));
            take_picture = picture
                .on_hover_text(
                    "All of what is below as PNG, also what has to be scrolled to, in twice the \
                     size for print, up to 5000 points of height. Curves show the part that is zoomed to. The report has the \
                     plots as vector graphics (SVG)",
                )
                .clicked();
            let ready = drawn && self.writing.is_none();
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
        take_picture
    }

    fn report(&self) -> SavedWhat {
        SavedWhat::Report(self.chosen.iter().cloned().collect())
    }

    /// Saves a picture of the view, which is drawn `width` wide.
    pub(super) fn save_picture(&mut self, width: f32, dark: bool, actions: &mut Actions) {
        let name = format!("{}-{}.png", stem(&self.chosen), self.view.name());
        match self.picture(width, dark) {
            Ok(bytes) => save(actions, name, SavedWhat::Bytes(bytes)),
            Err(why) => actions.push(Action::Say(format!("{name} cannot be made: {why}"))),
        }
    }

    /// All of the view as PNG, as wide as it is drawn and as high as it needs.
    fn picture(&mut self, width: f32, dark: bool) -> Result<Vec<u8>, String> {
        let Some(compared) = self.reading.compared() else {
            return Err("the runs are not read yet".into());
        };
        let width = width.max(NARROWEST_PICTURE);
        let theme = match dark {
            true => egui::Theme::Dark,
            false => egui::Theme::Light,
        };
        let image = match self.view {
            View::Curves => picture::of(theme, [width, 0.56 * width], |ui| {
                self.curves.draw(ui, compared);
            }),
            view => picture::of(theme, [width, 0.0], |ui| {
                view.page(ui, &compared.comparison)
            }),
        };
        picture::encode_png(&image).map_err(|error| error.to_string())
    }

    /// A long table is written over several frames.
    pub(super) fn go_on_writing(&mut self, context: &egui::Context, actions: &mut Actions) {
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

fn save(actions: &mut Actions, name: String, what: SavedWhat) {
    actions.library(Errand::Save(Saved { name, what }));
}

/// What files are named after: the comparison's folder where there is one.
pub(super) fn stem(chosen: &BTreeSet<RunKey>) -> String {
    let mut folders = chosen.iter().map(|run| chooser::split(run).0);
    match folders.next().flatten() {
        Some(first) if folders.all(|folder| folder == Some(first)) => {
            chooser::split(first).1.to_owned()
        }
        _ => "comparison".to_owned(),
    }
}
