//! Below the room: pace, device, memory.

use eframe::egui::{self, RichText};

use super::Studio;
use crate::app::engine::Request;
use crate::app::record::Record;
use crate::training::Phase;

impl Studio {
    pub(super) fn footer(&mut self, ui: &mut egui::Ui) {
        egui::Panel::bottom("footer").show(ui, |ui| {
            ui.horizontal(|ui| {
                let mut parts = Vec::new();
                if let Some(record) = self.shown() {
                    parts.extend(pace(record));
                    if !record.device.is_empty() {
                        parts.push(format!("device {}", record.device));
                    }
                    if record.parameters > 0 {
                        parts.push(format!("{} parameters", thousands(record.parameters)));
                    }
                }
                parts.extend(self.memory());
                ui.label(RichText::new(parts.join("  ·  ")).small());
                if let Some((short, reason)) = &self.devices {
                    ui.separator();
                    ui.label(RichText::new(short).small()).on_hover_text(reason);
                }
                if let Some(queue) = self.queue.clone() {
                    let text = format!(
                        "Comparison {}: run {} of {}",
                        queue.folder,
                        (queue.done + 1).min(queue.runs.len()),
                        queue.runs.len()
                    );
                    ui.separator();
                    ui.label(RichText::new(text).small());
                    if ui.small_button("Cancel comparison").clicked() {
                        self.engine.send(Request::CancelQueue);
                    }
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let text = format!("{:.1} ms a frame", self.frame_time() * 1e3);
                    let hint =
                        "Processor time this window's own code takes for a frame (95th percentile)";
                    ui.label(RichText::new(text).small().weak())
                        .on_hover_text(hint);
                });
            });
        });
    }

    /// The memory of this program, looked at once a second: the system takes its time to tell.
    fn memory(&mut self) -> Option<String> {
        let now = self.clock.seconds();
        if now - self.memory.0 > 1.0 {
            self.memory = (now, memory());
        }
        let bytes = self.memory.1?;
        Some(format!("memory {} MB", bytes >> 20))
    }
}

/// Steps and tokens a second over the last steps; of a base model, steps a second.
fn pace(record: &Record) -> Option<String> {
    if !record.moves() {
        return None;
    }
    if record.phase == Phase::Base {
        let steps = record.base_loss.len() as f64 / record.base_seconds;
        return (record.base_seconds > 0.0).then(|| format!("{steps:.1} steps/s"));
    }
    let columns = &record.columns;
    let newest = columns.len().checked_sub(1)?;
    let oldest = newest.saturating_sub(50);
    let seconds = columns.seconds[newest] - columns.seconds[oldest];
    if seconds <= 0.0 {
        return None;
    }
    let steps = (newest - oldest) as f64 / seconds;
    let tokens = (columns.tokens[newest] - columns.tokens[oldest]) / seconds;
    Some(format!(
        "{steps:.1} steps/s  ·  {} tokens/s",
        thousands(tokens as u64)
    ))
}

#[cfg(not(target_family = "wasm"))]
fn memory() -> Option<usize> {
    Some(memory_stats::memory_stats()?.physical_mem)
}

#[cfg(target_family = "wasm")]
fn memory() -> Option<usize> {
    None
}

/// `12 345`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
