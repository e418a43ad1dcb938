//! Small things to draw that more than one room needs.

mod plots;
mod stroke;
mod tokens;

pub use plots::{Line, band, lines, thinned};
pub use stroke::Stroke;
pub use tokens::{Piece, pieces};

use eframe::egui::{self, Color32, RichText, Ui};

use super::theme;
use crate::balance::Branch;
use crate::training::Verdict;

/// A room without anything to show yet: says what would be here, and how to get there.
pub fn nothing_yet(ui: &mut Ui, title: &str, how: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.25);
        ui.label(RichText::new(title).heading().strong());
        ui.add_space(4.0);
        ui.set_max_width(460.0);
        ui.label(RichText::new(how).weak());
    });
}

/// A framed part of a room with a title.
pub fn section<R>(ui: &mut Ui, title: &str, contents: impl FnOnce(&mut Ui) -> R) -> R {
    egui::Frame::group(ui.style())
        .show(ui, |ui| {
            ui.label(RichText::new(title).strong());
            contents(ui)
        })
        .inner
}

/// A branch's name in its colour.
pub fn branch_label(ui: &mut Ui, branch: Branch) -> egui::Response {
    let color = theme::palette(ui).branch(branch);
    ui.label(RichText::new(branch.label()).strong().color(color))
}

/// Right or wrong as a sign and a colour.
pub fn verdict(ui: &mut Ui, verdict: impl Into<Verdict>) -> egui::Response {
    let verdict = verdict.into();
    let color = theme::palette(ui).verdict(verdict.is_right());
    ui.label(RichText::new(verdict.sign()).color(color))
        .on_hover_text(verdict.meaning())
}

/// The same with its word behind it.
pub fn verdict_in_words(ui: &mut Ui, verdict: Verdict) -> egui::Response {
    let color = theme::palette(ui).verdict(verdict.is_right());
    let text = format!("{} {}", verdict.sign(), verdict.words());
    ui.label(RichText::new(text).strong().color(color))
        .on_hover_text(verdict.meaning())
}

/// A horizontal bar for a value between `-limit` and `limit`, from the middle, with its number.
pub fn signed_bar(ui: &mut Ui, value: f64, limit: f64, color: Color32, width: f32) {
    let (rect, _) = ui.allocate_exact_size(egui::vec2(width, 16.0), egui::Sense::hover());
    let painter = ui.painter_at(rect);
    let middle = rect.center().x;
    let share = (value / limit.max(1e-9)).clamp(-1.0, 1.0) as f32;
    let end = middle + share * rect.width() / 2.0;
    let bar = egui::Rect::from_x_y_ranges(middle.min(end)..=middle.max(end), rect.y_range());
    painter.rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
    painter.rect_filled(bar, 2.0, color);
    let stroke = egui::Stroke::new(1.0, ui.visuals().weak_text_color());
    painter.vline(middle, rect.y_range(), stroke);
}

/// A number as people read it: three significant decimals, or scientific where those say nothing.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".into()
    } else if size == 0.0 || (0.001..1000.0).contains(&size) {
        format!("{value:.3}")
    } else if (1000.0..1e7).contains(&size) {
        format!("{value:.0}")
    } else {
        format!("{value:.2e}")
    }
}

/// A share as percent.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
