//! A run that was dropped or chosen, and is to be shown once it is open.

use eframe::egui::{self, Align2, Color32, FontId};

use super::Studio;
use crate::app::library::{Dropped, Errand, Found};
use crate::app::record::RunKey;
use crate::app::{Place, theme};

/// Seconds after a drop in which a run that opens is taken for what was dropped.
const DROP_SECONDS: f64 = 30.0;

/// What is waited for.
#[derive(Default)]
pub(super) struct Coming {
    /// Until when, in the window's seconds.
    until: Option<f64>,
}

impl Coming {
    /// Something was asked for that opens a run before long.
    pub fn expect(&mut self, until: f64) {
        self.until = Some(until);
    }

    /// Whether what the library says is what was waited for: of a folder of runs the first.
    pub fn is(&mut self, found: &Found, now: f64) -> Option<RunKey> {
        let until = self.until?;
        match found {
            _ if until < now => self.until = None,
            Found::Opened { run, .. } => {
                self.until = None;
                return Some(run.clone());
            }
            // It was a configuration, or came to nothing.
            Found::Config(_) | Found::Failed(_) => self.until = None,
            _ => {}
        }
        None
    }
}

impl Studio {
    /// Files that were dropped into the window, whatever room is in view.
    pub(super) fn take_dropped(&mut self, context: &egui::Context) {
        let dropped = context.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        for file in dropped {
            let path = file.path().to_string_lossy().into_owned();
            self.import(path);
        }
    }

    /// Opens what a path leads to, and shows it.
    pub(super) fn import(&mut self, path: String) {
        self.coming.expect(self.clock.seconds() + DROP_SECONDS);
        self.library.send(Errand::Import(Dropped::Path(path)));
    }

    /// Shows what was dropped or chosen, once it is open.
    pub(super) fn go_to_opened(&mut self, found: &Found) {
        if let Some(run) = self.coming.is(found, self.clock.seconds()) {
            self.show_run(run);
            self.kept.place = Place::Balance;
        }
    }

    /// Says that what hangs over the window can be dropped.
    pub(super) fn invite_drop(&self, ui: &egui::Ui) {
        if ui.input(|input| input.raw.hovered_files.is_empty()) {
            return;
        }
        let area = ui.ctx().content_rect();
        let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop here"));
        let painter = ui.ctx().layer_painter(layer);
        let accent = theme::palette(ui).accent;
        let veil = ui.visuals().panel_fill.gamma_multiply(0.94);
        painter.rect_filled(area, 8.0, veil);
        let stroke = egui::Stroke::new(3.0, accent);
        painter.rect_stroke(area.shrink(8.0), 8.0, stroke, egui::StrokeKind::Inside);
        let text = |down: f32, text: &str, size: f32, color: Color32| {
            let place = area.center() + egui::vec2(0.0, down);
            let font = FontId::proportional(size);
            painter.text(place, Align2::CENTER_CENTER, text, font, color);
        };
        let visuals = ui.visuals();
        let strong = visuals.strong_text_color();
        text(-14.0, "Drop it to open it", 24.0, strong);
        let what = "A configuration (.toml), a run folder, a folder of runs or a zipped run";
        text(18.0, what, 14.0, visuals.text_color());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(run: &str) -> Found {
        Found::Opened {
            run: run.into(),
            config: Box::default(),
        }
    }

    #[test]
    fn what_was_chosen_is_shown_and_nothing_else() {
        let mut coming = Coming::default();
        // Runs that open for other reasons do not take the user away.
        assert_eq!(coming.is(&opened("restored"), 0.0), None);
        coming.expect(f64::INFINITY);
        assert_eq!(coming.is(&Found::Runs(Vec::new()), 1.0), None);
        assert_eq!(
            coming.is(&opened("chosen"), 900.0).as_deref(),
            Some("chosen")
        );
        assert_eq!(coming.is(&opened("second of a folder"), 900.0), None);
        coming.expect(30.0);
        assert_eq!(coming.is(&opened("late"), 31.0), None);
        coming.expect(60.0);
        assert_eq!(coming.is(&Found::Failed("not a run".into()), 32.0), None);
        assert_eq!(coming.is(&opened("other"), 33.0), None);
    }
}
