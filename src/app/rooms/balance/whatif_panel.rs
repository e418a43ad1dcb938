//! The what-if: γ and λ to move, and what would have become of the decisions.

use eframe::egui::{self, RichText, Ui};

use super::formula::plain;
use super::whatif::{Replay, WhatIf, not_applicable, sentence};
use crate::app::record::{Record, names};
use crate::app::theme;
use crate::app::widgets::number;
use crate::balance::Branch;

/// Draws the what-if for a run with `step` in view; returns a step that was asked for.
pub fn show(ui: &mut Ui, what_if: &mut WhatIf, record: &Record, step: u64) -> Option<u64> {
    ui.label("Which past decisions would have gone the other way with another γ or λ?");
    if let Some(why) = not_applicable(&record.config.balance) {
        ui.label(RichText::new(why).weak());
        return None;
    }
    sliders(ui, what_if, record);
    ui.add_space(4.0);
    if let Some((done, of)) = what_if.progress(record) {
        let share = done as f32 / of.max(1) as f32;
        ui.add(
            egui::ProgressBar::new(share)
                .desired_height(14.0)
                .text(format!("{done} of {of}")),
        );
        ui.ctx().request_repaint();
    }
    let replay = what_if.answer()?;
    if let Some(why) = &replay.error {
        let color = theme::palette(ui).notice;
        ui.label(RichText::new(why).color(color));
    }
    ui.label(RichText::new(sentence(replay)).strong());
    let asked = this_step(ui, record, replay, step);
    ui.add_space(6.0);
    ui.label(
        RichText::new(
            "In the plot of p, the second band shows these decisions and the purple line their p; \
             small triangles mark the steps that differ",
        )
        .small(),
    );
    let held = "What was measured is held fixed: this is what would have been decided about the \
                models this run really had, not what a run with these settings would have become. \
                Other decisions would have led to other models and other measurements";
    ui.label(RichText::new(held).small());
    if record
        .changes
        .iter()
        .any(|change| change.path.starts_with("balance."))
    {
        let note = "Settings were changed while this run went on. The replay changes them at the \
                    same steps; a γ or λ that is moved here holds throughout";
        ui.label(RichText::new(note).small());
    }
    asked
}

fn sliders(ui: &mut Ui, what_if: &mut WhatIf, record: &Record) {
    let own = &record.config.balance;
    let tried = &mut what_if.tried;
    ui.spacing_mut().slider_width = (ui.available_width() - 130.0).clamp(80.0, 240.0);
    let mut gamma = tried.gamma.unwrap_or(own.gamma);
    let slider = egui::Slider::new(&mut gamma, 0.05..=20.0)
        .logarithmic(true)
        .clamping(egui::SliderClamping::Never)
        .text("γ");
    let slider = ui.add(slider).on_hover_text("Larger means less SFT");
    if slider.changed() && gamma > 0.0 {
        tried.gamma = Some(gamma);
    }
    let mut lambda = tried.lambda.unwrap_or(own.lambda);
    let slider = egui::Slider::new(&mut lambda, 0.0..=10.0)
        .clamping(egui::SliderClamping::Never)
        .text("λ");
    let slider = ui.add(slider);
    if slider
        .on_hover_text("How strongly drift under GRPO pulls back to the textbook")
        .changed()
    {
        tried.lambda = Some(lambda.max(0.0));
    }
    ui.horizontal(|ui| {
        let moved = tried.gamma.is_some() || tried.lambda.is_some();
        if ui.add_enabled(moved, egui::Button::new("Reset")).clicked() {
            *tried = Default::default();
        }
        let own = format!(
            "The run: γ = {}, λ = {}",
            plain(own.gamma),
            plain(own.lambda)
        );
        ui.label(RichText::new(own).weak());
    });
}

/// What becomes of the step in view; returns a step that was asked for.
fn this_step(ui: &mut Ui, record: &Record, replay: &Replay, step: u64) -> Option<u64> {
    let row = record.columns.row(step)?;
    if let (Some(&p), Some(&branch)) = (replay.p.get(row), replay.branches.get(row)) {
        let color = theme::palette(ui).branch(branch);
        let before = record
            .columns
            .value(names::P, step)
            .map_or(f64::NAN, f64::from);
        let same = branch == record.columns.branch[row];
        ui.horizontal_wrapped(|ui| {
            ui.label(format!(
                "Step {step}: p {} instead of {},",
                number(p.into()),
                number(before)
            ));
            let word = if branch == Branch::Blend {
                "blend"
            } else {
                branch.label()
            };
            ui.label(RichText::new(word).strong().color(color));
            ui.label(if same { "as before" } else { "instead" });
        });
    }
    let mut asked = None;
    ui.horizontal(|ui| {
        let rows = &replay.differing;
        let at = rows.partition_point(|&other| other < row);
        let before = at.checked_sub(1).map(|index| rows[index]);
        let after = rows[at..].iter().find(|&&other| other > row).copied();
        for (label, there) in [("Previous difference", before), ("Next difference", after)] {
            if ui
                .add_enabled(there.is_some(), egui::Button::new(label))
                .clicked()
            {
                asked = there.map(|row| record.columns.first() + row as u64);
            }
        }
    });
    asked
}
