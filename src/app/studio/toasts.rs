//! Words to the user, over the lower right corner. What went wrong stays until it is dismissed, but
//! small: it must not cover what one works with.

use eframe::egui::{self, RichText};

use super::Studio;
use crate::app::theme;

/// Seconds that a word stays; after them one about a problem becomes a button.
const SECONDS: f64 = 6.0;

/// Seconds that a problem stands in full: it is longer, and says what to do.
const PROBLEM_SECONDS: f64 = 14.0;

/// A short word to the user.
pub(super) struct Toast {
    pub text: String,
    /// Stays until dismissed.
    is_error: bool,
    /// When it goes away, or becomes small.
    until: f64,
}

impl Studio {
    /// Says something that goes away by itself.
    pub(super) fn say(&mut self, text: String) {
        self.toast(text, false);
    }

    /// Says what went wrong; it stays within reach until it is dismissed.
    pub(super) fn say_error(&mut self, text: String) {
        if !self.toasts.iter().any(|toast| toast.text == text) {
            self.toast(text, true);
        }
    }

    fn toast(&mut self, text: String, is_error: bool) {
        let seconds = if is_error { PROBLEM_SECONDS } else { SECONDS };
        self.toasts.push(Toast {
            text,
            is_error,
            until: self.clock.seconds() + seconds,
        });
    }

    pub(super) fn show_toasts(&mut self, ui: &egui::Ui) {
        let now = self.clock.seconds();
        self.toasts
            .retain(|toast| toast.is_error || toast.until > now);
        if self.toasts.is_empty() {
            return;
        }
        let (mut dismissed, mut again) = (None, false);
        egui::Area::new(egui::Id::unique("toasts"))
            .anchor(egui::Align2::RIGHT_BOTTOM, [-12.0, -36.0])
            .order(egui::Order::Foreground)
            .show(ui.ctx(), |ui| {
                let color = theme::palette(ui).wrong;
                for (index, toast) in self.toasts.iter().enumerate() {
                    if toast.until <= now {
                        continue;
                    }
                    egui::Frame::popup(ui.style()).show(ui, |ui| {
                        ui.set_max_width(420.0);
                        ui.horizontal_wrapped(|ui| {
                            if toast.is_error {
                                ui.label(RichText::new("Problem").strong().color(color));
                            }
                            ui.label(&toast.text);
                            if toast.is_error && ui.small_button("Dismiss").clicked() {
                                dismissed = Some(index);
                            }
                        });
                    });
                }
                let small = self.toasts.iter().filter(|toast| toast.until <= now);
                let words: Vec<&str> = small.map(|toast| toast.text.as_str()).collect();
                if !words.is_empty() {
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        let text = match words.len() {
                            1 => "1 problem".to_owned(),
                            count => format!("{count} problems"),
                        };
                        let button = egui::Button::new(RichText::new(text).small().color(color));
                        let hint = words.join("\n\n");
                        again = ui.add(button.small()).on_hover_text(hint).clicked();
                    });
                }
            });
        if let Some(index) = dismissed {
            self.toasts.remove(index);
        }
        if again {
            for toast in &mut self.toasts {
                toast.until = toast.until.max(now + PROBLEM_SECONDS);
            }
        }
        ui.ctx()
            .request_repaint_after(std::time::Duration::from_millis(500));
    }
}
