//! Pictures of one decision: the draw against p, and the log-odds one by one.

use eframe::egui::{self, Align2, Color32, Rect, TextStyle, Ui, pos2, vec2};

use crate::app::theme;
use crate::app::widgets::{number, signed_bar};
use crate::balance::{Branch, Explanation};

use super::formula::{InForce, minus};

/// Height of the gauge's bar.
const BAR: f32 = 18.0;

/// p from 0 to 1 with the draw on it: α in the left part is SFT, in the right part GRPO.
pub fn draw(ui: &mut Ui, explanation: &Explanation, settings: &InForce) {
    let colors = theme::palette(ui);
    let small = TextStyle::Small.resolve(ui.style());
    let line = small.size + 4.0;
    let size = vec2(ui.available_width(), BAR + 2.0 * line + 8.0);
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    let bar = Rect::from_min_size(
        rect.min + vec2(4.0, line + 4.0),
        vec2(rect.width() - 8.0, BAR),
    );
    let painter = ui.painter_at(rect);
    let x = |share: f64| bar.left() + bar.width() * share.clamp(0.0, 1.0) as f32;
    let at_p = x(explanation.p);
    let weak = ui.visuals().weak_text_color();
    let strong = ui.visuals().strong_text_color();

    let part = |from: f32, to: f32| Rect::from_x_y_ranges(from..=to, bar.y_range());
    let taken = |branch: Branch| {
        let here = explanation.branch == branch || explanation.branch == Branch::Blend;
        let strength = if here { 0.75 } else { 0.3 };
        colors.branch(branch).gamma_multiply(strength)
    };
    painter.rect_filled(part(bar.left(), at_p), 3.0, taken(Branch::Sft));
    painter.rect_filled(part(at_p, bar.right()), 3.0, taken(Branch::Grpo));
    // Each word stands at its end of the bar, where it is in the way of neither p nor α.
    let word = |branch: Branch, align: Align2, end: f32, room: f32| {
        let galley = painter.layout_no_wrap(branch.label().into(), small.clone(), strong);
        let taken = explanation
            .alpha
            .is_some_and(|alpha| (x(alpha) - end).abs() < 44.0);
        if galley.size().x + 12.0 < room && !taken {
            let at = align.anchor_size(pos2(end, bar.center().y), galley.size());
            painter.galley(at.min, galley, strong);
        }
    };
    let (left, right) = (bar.left(), bar.right());
    word(Branch::Sft, Align2::LEFT_CENTER, left + 6.0, at_p - left);
    word(
        Branch::Grpo,
        Align2::RIGHT_CENTER,
        right - 6.0,
        right - at_p,
    );
    for bound in settings.bounds.into_iter().flatten() {
        let tick = bar.bottom()..=bar.bottom() + 4.0;
        painter.vline(x(bound), tick, egui::Stroke::new(1.0, weak));
    }
    painter.vline(
        at_p,
        bar.y_range().expand(3.0),
        egui::Stroke::new(2.0, strong),
    );
    label(
        ui,
        &painter,
        at_p,
        rect.top(),
        &format!("p = {}", number(explanation.p)),
        strong,
    );

    if let Some(alpha) = explanation.alpha {
        let color = colors.branch(explanation.branch);
        let (at, tip) = (x(alpha), bar.bottom() - 4.0);
        painter.vline(at, bar.y_range(), egui::Stroke::new(1.5, strong));
        let arrow = vec![
            pos2(at, tip),
            pos2(at + 5.0, tip + 9.0),
            pos2(at - 5.0, tip + 9.0),
        ];
        let edge = egui::Stroke::new(1.0, strong);
        painter.add(egui::Shape::convex_polygon(arrow, color, edge));
        let text = format!("α = {}", number(alpha));
        label(ui, &painter, at, bar.bottom() + 6.0, &text, strong);
    } else {
        for (share, text, align) in [(0.0, "0", Align2::LEFT_TOP), (1.0, "1", Align2::RIGHT_TOP)] {
            let at = pos2(x(share), bar.bottom() + 6.0);
            painter.text(at, align, text, small.clone(), weak);
        }
    }
    let words = in_words(explanation);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, words.clone()));
    response.on_hover_text(words);
}

/// A small text centred at `x`, kept inside the gauge.
fn label(ui: &Ui, painter: &egui::Painter, x: f32, top: f32, text: &str, color: Color32) {
    let font = TextStyle::Small.resolve(ui.style());
    let galley = painter.layout_no_wrap(text.into(), font, color);
    let room = painter.clip_rect();
    let left = (x - galley.size().x / 2.0).min(room.right() - galley.size().x);
    painter.galley(pos2(left.max(room.left()), top), galley, color);
}

fn in_words(explanation: &Explanation) -> String {
    let p = number(explanation.p);
    match explanation.alpha {
        Some(alpha) => format!(
            "A number α is drawn between 0 and 1. Below p = {p} the step is SFT, from p on GRPO. \
             It was α = {}",
            number(alpha)
        ),
        None if explanation.branch == Branch::Blend => {
            format!("Both are learnt from: SFT weighs p = {p}, GRPO the rest")
        }
        None => format!("Nothing was drawn in this step: p = {p}"),
    }
}

/// The log-odds term by term, and their sum: to the right towards SFT, to the left towards GRPO.
pub fn terms(ui: &mut Ui, explanation: &Explanation) {
    let Some(sum) = explanation.log_odds else {
        return;
    };
    let values = explanation.terms.iter().map(|term| term.value);
    let limit = values
        .chain([sum])
        .fold(1.0, |most: f64, value| most.max(value.abs()));
    let width = (ui.available_width() - 170.0).clamp(60.0, 260.0);
    let colors = theme::palette(ui);
    egui::Grid::new("log-odds")
        .num_columns(3)
        .spacing([8.0, 4.0])
        .show(ui, |ui| {
            ui.label("");
            ui.horizontal(|ui| {
                ui.set_width(width);
                ui.small("to GRPO");
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.small("to SFT");
                });
            });
            ui.end_row();
            let mut row = |symbol: &str, value: f64, explanation: &str, strong: bool| {
                let branch = if value < 0.0 {
                    Branch::Grpo
                } else {
                    Branch::Sft
                };
                let text = egui::RichText::new(symbol);
                ui.label(if strong { text.strong() } else { text })
                    .on_hover_text(explanation);
                ui.scope(|ui| signed_bar(ui, value, limit, colors.branch(branch), width))
                    .response
                    .on_hover_text(explanation);
                let text = egui::RichText::new(minus(&number(value))).monospace();
                ui.label(if strong { text.strong() } else { text })
                    .on_hover_text(explanation);
                ui.end_row();
            };
            for term in &explanation.terms {
                row(&term.symbol, term.value, &term.explanation, false);
            }
            row(
                "Sum = logit p",
                sum,
                "Above 0 SFT is more likely than GRPO, below 0 less; p = 1 / (1 + e^−sum)",
                true,
            );
        });
}
