//! Going from step to step.

use eframe::egui::{self, RichText, Ui};

use crate::app::World;
use crate::app::record::Record;
use crate::app::theme;
use crate::balance::Branch;

/// Draws the way from step to step; returns a step that was chosen.
pub fn show(ui: &mut Ui, world: &World, record: &Record) -> Option<u64> {
    let (first, last) = (record.columns.first(), record.step());
    let step = world.step()?;
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if arrow(ui, "◀", "Previous step", step > first) {
            chosen = Some(step - 1);
        }
        let label = ui.label("Step");
        let mut value = step;
        let field = egui::DragValue::new(&mut value)
            .range(first..=last)
            .speed(0.3);
        let field = ui.add(field).labelled_by(label.id);
        if field
            .on_hover_text("Click to type a step, or drag")
            .changed()
        {
            chosen = Some(value);
        }
        ui.label(format!("of {last}"));
        if arrow(ui, "▶", "Next step", step < last) {
            chosen = Some(step + 1);
        }
    });
    chosen
}

/// Draws the ways to the next step of each branch; returns a step that was chosen.
pub fn jumps(ui: &mut Ui, world: &World, record: &Record) -> Option<u64> {
    let step = world.step()?;
    let mut chosen = None;
    ui.label(RichText::new("Next").weak());
    for branch in [Branch::Sft, Branch::Grpo] {
        let there = later(record, step, branch);
        let color = theme::palette(ui).branch(branch);
        let text = RichText::new(branch.label()).color(color);
        let button = ui.add_enabled(there.is_some(), egui::Button::new(text));
        let name = format!("Next {} step", branch.label());
        button.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, there.is_some(), name.clone())
        });
        if button.on_hover_text(name.clone()).clicked() {
            chosen = there;
        }
    }
    chosen
}

/// A button with a sign; the monospace font has more of them.
fn arrow(ui: &mut Ui, sign: &str, name: &str, enabled: bool) -> bool {
    let text = RichText::new(sign).monospace();
    let button = ui.add_enabled(enabled, egui::Button::new(text));
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
    button.on_hover_text(name).clicked()
}

/// The first step of a branch after `step`.
fn later(record: &Record, step: u64, branch: Branch) -> Option<u64> {
    let columns = &record.columns;
    let from = columns.row(step)? + 1;
    let ahead = columns.branch[from..].iter();
    let distance = ahead.take(FAR).position(|&other| other == branch)?;
    Some(step + 1 + distance as u64)
}

/// Steps looked ahead at most: this is asked in every frame.
const FAR: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::Motion;
    use crate::config::RunConfig;

    #[test]
    fn the_next_step_of_a_branch_is_found() {
        let mut record = Record::new("a".into(), RunConfig::default(), Motion::Still);
        assert_eq!(later(&record, 1, Branch::Sft), None);
        let (sft, grpo) = (Branch::Sft, Branch::Grpo);
        // Columns begin with their first record; only the branches matter here.
        let json = |step: u64, branch: &str| {
            let text = format!(
                r#"{{"step":{step},"phase":"adaptive","branch":"{branch}","updated":true,
                "loss":0,"grad_norm":0,"learning_rate":0,"num_tokens":1,"step_time":0}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        for (step, branch) in [(1, "sft"), (2, "grpo"), (3, "grpo"), (4, "sft")] {
            record.columns.push(&json(step, branch));
        }
        assert_eq!(later(&record, 1, grpo), Some(2));
        assert_eq!(later(&record, 1, sft), Some(4));
        assert_eq!(later(&record, 2, grpo), Some(3));
        assert_eq!(later(&record, 4, sft), None);
    }
}
