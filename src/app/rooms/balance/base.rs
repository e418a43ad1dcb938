//! Before the first step: the base model that every method starts from.

use eframe::egui::{RichText, Ui};
use egui_plot::Plot;

use crate::app::record::Record;
use crate::app::theme;
use crate::app::widgets::{Stroke, nothing_yet, number, thinned};
use crate::training::Phase;

/// Points of the curve at most.
const POINTS: usize = 1200;

/// Draws what there is before the first decision.
pub fn show(ui: &mut Ui, record: &Record) {
    if record.base_loss.is_empty() {
        let (title, how) = match (record.is_here(), record.phase) {
            (true, Phase::Base) => ("The base model begins", "Its loss appears here in a moment"),
            (true, _) => (
                "The run begins",
                "Data, model and optimizer are being set up; the first steps appear here in a moment",
            ),
            (false, _) => (
                "No steps yet",
                "This run has not taken a step. Resume it from the Start room, or choose another",
            ),
        };
        return nothing_yet(ui, title, how);
    }
    let done = record.base_loss.len();
    ui.label(RichText::new("First, a base model").heading().strong());
    let levels = &record.config.base.levels;
    let levels: Vec<String> = levels.iter().map(u32::to_string).collect();
    ui.label(format!(
        "A small model is trained on worked solutions of easier problems (levels {}), so that every \
         method starts from the same weights. It is kept and reused, and its time is not counted. \
         The decisions come after it: then this room shows when the model reads the textbook (SFT) \
         and when it takes the quiz (GRPO), and why",
        levels.join(", ")
    ));
    let newest = record
        .base_loss
        .last()
        .map_or(f64::NAN, |&loss| f64::from(loss));
    ui.label(format!(
        "Step {done} of {}, loss {}",
        record.base_steps.max(done as u64),
        number(newest)
    ));
    ui.add_space(8.0);
    ui.label(RichText::new("Loss, nats per token").small().strong())
        .on_hover_text("How surprised the model is by the worked solutions: lower is better");
    let end = record.base_steps.max(done as u64) as f64;
    Plot::new("base loss")
        .include_x(0.0)
        .include_x(end)
        .include_y(0.0)
        .grid_color(ui.visuals().weak_text_color().gamma_multiply(0.45))
        .allow_scroll(false)
        .show_y(false)
        .show(ui, |plot| {
            let points = thinned(&record.base_loss, None, 1.0, 0.0..=end + 1.0, POINTS);
            let color = theme::of(&plot.ctx().global_style().visuals).sft;
            plot.add(Stroke::new("loss", points, color, 1.5));
        });
}
