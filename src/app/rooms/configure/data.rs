//! The data as the model sees it: problems, demonstrations, tokens, and which of them it learns.

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use crate::app::engine::{Reply, Request};
use crate::app::{Actions, theme, widgets};
use crate::config::RunConfig;
use crate::training::Preview;

/// Problems shown at a time.
const COUNT: usize = 4;

/// The highest level a configuration may name.
const HIGHEST_LEVEL: u32 = 1000;

/// A level and the position of its first problem in view; none stands for the first batch.
type Page = Option<(u32, u64)>;

/// Which problems are looked at, and what came of it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DataView {
    level: Page,
    #[serde(skip)]
    asked: Asked<(RunConfig, Page), Vec<Preview>>,
}

impl DataView {
    /// Asks for what is to be seen, if that was not asked already; `essence` is what of the
    /// configuration decides it.
    pub fn ask(&mut self, essence: &RunConfig, config: &RunConfig, actions: &mut Actions) {
        let about = self.asked.about();
        if about.is_some_and(|(seen, level)| seen == essence && *level == self.level) {
            return;
        }
        let (level, config) = (self.level, Box::new(config.clone()));
        self.asked.ask((essence.clone(), level), actions, |ticket| {
            Request::Preview {
                ticket,
                config,
                level,
                count: COUNT,
            }
        });
    }

    pub fn hear(&mut self, reply: &Reply) {
        match reply {
            Reply::Previewed { ticket, previews } => {
                self.asked.hear(*ticket, || Ok(previews.clone()));
            }
            Reply::Refused { ticket, why } => self.asked.hear(*ticket, || Err(why.clone())),
            _ => {}
        }
    }

    pub fn show(&mut self, ui: &mut Ui, config: Option<&RunConfig>) {
        self.choose(ui, config);
        ui.horizontal_wrapped(|ui| {
            legend(ui);
            if config.is_none() {
                let words = "Something is to be corrected first; this is from before";
                ui.label(RichText::new(words).weak());
            } else if self.asked.is_waiting() {
                ui.add(egui::Spinner::new().size(14.0));
                ui.label(RichText::new("Being prepared").weak());
            }
        });
        match &self.asked.answer {
            None => {}
            Some(Err(why)) => {
                let color = theme::palette(ui).wrong;
                ui.label(
                    RichText::new("The data cannot be shown")
                        .strong()
                        .color(color),
                );
                ui.label(why);
            }
            Some(Ok(previews)) => previewed(ui, previews),
        }
    }

    fn choose(&mut self, ui: &mut Ui, config: Option<&RunConfig>) {
        let lowest = config.map_or(1, |config| config.curriculum.levels[0]);
        ui.horizontal_wrapped(|ui| {
            let batch = ui.selectable_label(self.level.is_none(), "First batch");
            let hint = "Demonstrations of the first SFT step after the base model";
            if batch.on_hover_text(hint).clicked() {
                self.level = None;
            }
            let one = ui.selectable_label(self.level.is_some(), "One level");
            if one
                .on_hover_text("Training problems of a level, in order")
                .clicked()
            {
                self.level.get_or_insert((lowest, 0));
            }
            if self.level.is_some() {
                self.turn_pages(ui);
            }
        });
    }

    fn turn_pages(&mut self, ui: &mut Ui) {
        let full = match &self.asked.answer {
            Some(Ok(previews)) => previews.len() == COUNT,
            _ => false,
        };
        let Some((level, start)) = &mut self.level else {
            return;
        };
        let drag = egui::DragValue::new(level)
            .range(0..=HIGHEST_LEVEL)
            .speed(0.05);
        let chosen = ui
            .add(drag.prefix("level "))
            .on_hover_text("The level to look at");
        if chosen.accessible_name("Level to look at").changed() {
            *start = 0;
        }
        let back = ui.add_enabled(*start > 0, egui::Button::new("Previous"));
        if back.clicked() {
            *start = start.saturating_sub(COUNT as u64);
        }
        let on = ui.add_enabled(full && !self.asked.is_waiting(), egui::Button::new("Next"));
        if on.clicked() {
            *start += COUNT as u64;
        }
    }
}

fn previewed(ui: &mut Ui, previews: &[Preview]) {
    if previews.is_empty() {
        ui.label("There are no more problems at this level");
        return;
    }
    for (index, preview) in previews.iter().enumerate() {
        ui.push_id(index, |ui| one(ui, preview));
    }
}

fn legend(ui: &mut Ui) {
    let learnt = |text, learnt| widgets::Piece {
        text,
        probability: None,
        learnt: Some(learnt),
    };
    let hint = "The loss counts coloured tokens only: the model learns to write them. The others \
                it only reads";
    widgets::pieces(ui, &[learnt("learnt", true)]).on_hover_text(hint);
    widgets::pieces(ui, &[learnt("only read", false)]).on_hover_text(hint);
}

fn one(ui: &mut Ui, preview: &Preview) {
    let problem = &preview.problem;
    let learnt = preview.pieces.iter().filter(|piece| piece.learnt).count();
    let read = preview.pieces.len() - learnt;
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_wrapped(|ui| {
            let title = format!("Level {}, problem {}", problem.level, problem.index + 1);
            ui.label(RichText::new(title).strong());
            let counts = format!("{read} tokens read, {learnt} learnt");
            ui.label(RichText::new(counts).small().weak());
        });
        text(ui, "Problem", &problem.prompt);
        text(ui, "Demonstration", &preview.completion);
        ui.label(RichText::new("Tokens").small().weak());
        let pieces: Vec<widgets::Piece<'_>> = preview
            .pieces
            .iter()
            .map(|piece| widgets::Piece {
                text: &piece.text,
                probability: None,
                learnt: Some(piece.learnt),
            })
            .collect();
        widgets::pieces(ui, &pieces);
        ui.horizontal_wrapped(|ui| {
            widgets::verdict(ui, preview.reward.correct);
            ui.label(earned(preview))
                .on_hover_text("What this answer would earn in a quiz");
        });
    });
}

fn text(ui: &mut Ui, title: &str, text: &str) {
    ui.label(RichText::new(title).small().weak());
    ui.add(egui::Label::new(RichText::new(text).monospace()).wrap());
}

/// The reward with its parts.
fn earned(preview: &Preview) -> String {
    let reward = &preview.reward;
    let parts: Vec<String> = reward
        .parts
        .iter()
        .map(|(name, value)| format!("{name} {}", short(*value)))
        .collect();
    format!("reward {} = {}", short(reward.total), parts.join(" + "))
}

fn short(value: f32) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
