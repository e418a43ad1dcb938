//! How far a comparison is, and how long it still takes.

use eframe::egui::{self, RichText, Ui};

use super::plan::ENOUGH_STEPS;
use crate::app::engine::{QueueState, Request};
use crate::app::record::Record;
use crate::app::rooms::compare::{chooser::split, look::seconds};
use crate::app::{Actions, World};
use crate::training::Phase;

/// How far a queue is, from 0 to 1: runs that are done, and the part of the one in hand.
pub fn share_done(queue: &QueueState, part: f32) -> f32 {
    let total = queue.runs.len().max(1) as f32;
    ((queue.done as f32 + part.clamp(0.0, 1.0)) / total).min(1.0)
}

/// Draws how far the queue is, with a button to end it.
pub fn show(ui: &mut Ui, queue: &QueueState, world: &World, actions: &mut Actions) {
    let current = world.live.and_then(|key| world.records.get(key));
    let part = current.map_or(0.0, |record| {
        record.step() as f32 / record.config.max_steps.max(1) as f32
    });
    let number = (queue.done + 1).min(queue.runs.len());
    let mut text = format!("Run {number} of {}", queue.runs.len());
    if let Some(key) = queue.runs.get(queue.done) {
        text.push_str(&format!(", {}", split(key).1));
    }
    if let Some(record) = current {
        text.push_str(&where_it_stands(record));
        if let Some(left) = seconds_left(queue, record) {
            text.push_str(&format!(", about {} left", seconds(left)));
        }
    }
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(format!("Comparison {}", queue.folder)).strong());
        let bar = egui::ProgressBar::new(share_done(queue, part)).desired_width(160.0);
        ui.add(bar.show_percentage()).widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Comparison done")
        });
        ui.label(text);
        let cancel = ui.button("Cancel");
        let hint = "The run in hand is stopped and saved; starting the comparison again goes on";
        if cancel.on_hover_text(hint).clicked() {
            actions.engine(Request::CancelQueue);
        }
    });
}

/// Where the run in hand stands.
fn where_it_stands(record: &Record) -> String {
    if record.phase == Phase::Base {
        return format!(
            ", base model, step {} of {}",
            record.base_loss.len(),
            record.base_steps
        );
    }
    format!(", step {} of {}", record.step(), record.config.max_steps)
}

/// Seconds that the queue still needs if all its runs go at the pace of the one in hand, base models
/// and tests not counted; none before that has a pace.
pub fn seconds_left(queue: &QueueState, record: &Record) -> Option<f64> {
    let columns = &record.columns;
    if columns.len() < ENOUGH_STEPS {
        return None;
    }
    let (first, last) = (columns.seconds.first()?, columns.seconds.last()?);
    let pace = (last - first) / (columns.len() - 1) as f64;
    let steps = record.config.max_steps;
    let later = queue.runs.len().saturating_sub(queue.done + 1) as u64;
    Some(pace * (steps.saturating_sub(record.step()) + later * steps) as f64)
}
