//! Which problem to ask: a level and a place in it.

use std::ops::RangeInclusive;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use crate::config::{RunConfig, TaskConfig, TaskKind};
use crate::tasks::{Problem, Split, Task, build};

/// A test problem by level and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    pub level: u32,
    pub index: u64,
}

impl Default for Spot {
    fn default() -> Self {
        Self { level: 3, index: 0 }
    }
}

/// Tells how a problem reads before a model is asked. Only generated tasks are made here: they
/// cost a moment, while data files have to be read by those who may.
#[derive(Default)]
pub struct Problems {
    made: Option<(TaskConfig, Option<Box<dyn Task>>)>,
    problem: Option<(Spot, Problem)>,
}

impl Problems {
    /// Makes a configuration's task, unless it was the last one made.
    pub fn be_about(&mut self, config: &TaskConfig) {
        if self.made.as_ref().is_some_and(|(made, _)| made == config) {
            return;
        }
        let task = is_generated(config).then(|| {
            let nothing = |_: &str| Err(std::io::ErrorKind::NotFound.into());
            build(config, &nothing).ok().map(|built| built.task)
        });
        (self.made, self.problem) = (Some((config.clone(), task.flatten())), None);
    }

    fn task(&self) -> Option<&dyn Task> {
        self.made.as_ref()?.1.as_deref()
    }

    /// The test problem at a spot, where the task is a generated one.
    pub fn problem(&mut self, spot: Spot) -> Option<&Problem> {
        if self
            .problem
            .as_ref()
            .is_none_or(|(there, _)| *there != spot)
        {
            let problem = self.task()?.problem(Split::Test, spot.level, spot.index);
            self.problem = Some((spot, problem));
        }
        self.problem.as_ref().map(|(_, problem)| problem)
    }

    /// The levels that can be asked: all there are for a generated task, otherwise those the
    /// run's settings name.
    pub fn levels(&self, config: &RunConfig) -> RangeInclusive<u32> {
        if let Some(task) = self.task() {
            return task.levels();
        }
        let [low, high] = config.curriculum.levels;
        let tested = &config.evaluation;
        let others = tested.levels.iter().chain(&tested.unseen_levels);
        others.fold(low..=high, |levels, &level| {
            *levels.start().min(&level)..=*levels.end().max(&level)
        })
    }
}

fn is_generated(config: &TaskConfig) -> bool {
    let files = &config.files;
    match config.kind {
        TaskKind::Arithmetic | TaskKind::Countdown => true,
        TaskKind::KnightsKnaves => files.train.is_empty() && files.test.is_empty(),
        TaskKind::Gsm8k | TaskKind::Math | TaskKind::Jsonl => false,
    }
}

/// Lets the user choose a level and a problem of it. Returns whether another one was chosen.
pub fn pick(ui: &mut Ui, spot: &mut Spot, problems: &mut Problems, config: &RunConfig) -> bool {
    problems.be_about(&config.task);
    let before = *spot;
    let levels = problems.levels(config);
    spot.level = spot.level.clamp(*levels.start(), *levels.end());
    let [low, high] = config.curriculum.levels;
    let label = ui.label("Level");
    egui::ComboBox::from_id_salt("level")
        .width(56.0)
        .selected_text(spot.level.to_string())
        .show_ui(ui, |ui| {
            for level in levels {
                let text = match (low..=high).contains(&level) {
                    true => format!("{level}"),
                    false => format!("{level} (never trained on)"),
                };
                ui.selectable_value(&mut spot.level, level, text);
            }
        })
        .response
        .labelled_by(label.id)
        .on_hover_text(format!(
            "Difficulty. This run trains on levels {low} to {high}"
        ));
    let label = ui.label("Problem");
    let back = egui::Button::new("⬅").min_size(egui::vec2(24.0, 0.0));
    let back = ui
        .add_enabled(spot.index > 0, back)
        .on_hover_text("Previous problem");
    if named(back, "Previous problem").clicked() {
        spot.index -= 1;
    }
    ui.add(egui::DragValue::new(&mut spot.index).range(0..=999_999u64))
        .labelled_by(label.id)
        .on_hover_text("Place among the level's test problems, which no run learns from");
    let forth = egui::Button::new("➡").min_size(egui::vec2(24.0, 0.0));
    let forth = ui.add(forth).on_hover_text("Next problem");
    if named(forth, "Next problem").clicked() {
        spot.index = spot.index.saturating_add(1).min(999_999);
    }
    *spot != before
}

/// Gives a button with a sign a name in words.
pub fn named(response: egui::Response, name: &'static str) -> egui::Response {
    let enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
    response
}

/// The problem's text, in a frame; long ones scroll.
pub fn text(ui: &mut Ui, prompt: &str) {
    let long = prompt.len() > 160;
    let draw = |ui: &mut Ui| {
        let text = match long {
            true => RichText::new(prompt),
            false => RichText::new(prompt).monospace().strong(),
        };
        ui.add(egui::Label::new(text).wrap().selectable(true));
    };
    if long {
        egui::ScrollArea::vertical()
            .id_salt("prompt")
            .max_height(58.0)
            .auto_shrink([false, true])
            .show(ui, draw);
    } else {
        draw(ui);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(kind: TaskKind) -> (RunConfig, Problems) {
        let mut config = RunConfig::default();
        config.task.kind = kind;
        config.evaluation.unseen_levels = vec![5];
        let mut problems = Problems::default();
        problems.be_about(&config.task);
        (config, problems)
    }

    #[test]
    fn a_generated_problem_is_the_one_the_engine_would_ask() {
        let (config, mut problems) = about(TaskKind::Arithmetic);
        let nothing = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        let task = build(&config.task, &nothing).expect("a task").task;
        for (level, index) in [(3, 7), (3, 8), (4, 8), (3, 7)] {
            let wanted = task.problem(Split::Test, level, index);
            assert_eq!(problems.problem(Spot { level, index }), Some(&wanted));
        }
        assert_eq!(problems.levels(&config), task.levels());
    }

    #[test]
    fn another_configuration_is_another_problem() {
        let (mut config, mut problems) = about(TaskKind::Arithmetic);
        let spot = Spot { level: 3, index: 2 };
        let first = problems.problem(spot).cloned();
        config.task.seed += 1;
        problems.be_about(&config.task);
        assert_ne!(problems.problem(spot).cloned(), first);
    }

    #[test]
    fn files_are_not_read_and_their_levels_come_from_the_settings() {
        let (config, mut problems) = about(TaskKind::Gsm8k);
        assert_eq!(problems.problem(Spot::default()), None);
        assert_eq!(problems.levels(&config), 1..=5);
    }
}
