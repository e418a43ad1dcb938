//! One completion from top to bottom.

use eframe::egui::{self, RichText, Ui, vec2};

use super::groups::{meaning, plain, signed};
use crate::app::widgets::{self, Piece};
use crate::app::{Action, Actions, theme};
use crate::config::GrpoConfig;
use crate::training::CompletionRecord;

/// Draws a completion with everything known about it. `mean` is its group's mean reward; `buttons`
/// are added to the first line.
pub fn show(
    ui: &mut Ui,
    record: &CompletionRecord,
    grpo: &GrpoConfig,
    mean: Option<f64>,
    actions: &mut Actions,
    buttons: impl FnOnce(&mut Ui),
) {
    ui.horizontal_wrapped(|ui| {
        widgets::verdict_in_words(ui, record.verdict());
        ui.label(format!("level {}", record.level))
            .on_hover_text("The problem's difficulty");
        ui.label(length(record));
        if ui
            .button("Copy text")
            .on_hover_text("The raw completion")
            .clicked()
        {
            actions.push(Action::Copy(record.completion.clone()));
        }
        buttons(ui);
    });
    field(ui, "Problem", &record.prompt);
    ui.label(RichText::new("Completion").weak());
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.set_width(ui.available_width());
        completion(ui, record);
    });
    if !record.logprobs.is_empty() {
        legend(ui);
    }
    field(ui, "Reference answer", &record.answer);
    reasoning(ui, record);
    if !record.parts.is_empty() {
        rewards(ui, record, grpo);
    }
    if let Some(advantage) = record.advantage {
        let against = mean.map_or_else(String::new, |mean| {
            format!(
                ", measured against the group's mean reward of {}",
                plain(mean)
            )
        });
        let text = format!("Advantage {}{against}", signed(f64::from(advantage)));
        ui.label(text).on_hover_text(
            "How much better than its group a completion was. Above 0 it becomes more probable, \
             below 0 less so.",
        );
    }
}

/// What is known of the steps: those that hold, how much each does at once, and the first that does not.
fn reasoning(ui: &mut Ui, record: &CompletionRecord) {
    let path = record.path.as_deref();
    let none = match record.holds {
        Some(false) => "none: the steps do not hold",
        _ => "none could be read",
    };
    field(ui, "Canonical path", path.unwrap_or(none));
    if record.step_sizes.iter().any(|&size| size != 1) {
        let sizes: Vec<String> = record.step_sizes.iter().map(u32::to_string).collect();
        let text = format!("{} of the textbook's steps", sizes.join(", "));
        field(ui, "What each step does at once", &text);
    }
    let wrong = record.wrong_path.as_ref();
    if let Some(slip) = wrong.and_then(|path| path.slip.as_ref()) {
        let text = format!("{}\n{}", slip.step, slip.flaw.words());
        field(ui, "First wrong step", &text);
    }
}

/// The completion's text, coloured by probability where that was kept.
pub fn completion(ui: &mut Ui, record: &CompletionRecord) {
    let tokens = record.pieces.iter().zip(&record.logprobs);
    let pieces: Vec<Piece<'_>> = tokens
        .map(|(text, logprob)| Piece {
            text,
            probability: Some(logprob.exp()),
            learnt: None,
        })
        .collect();
    if pieces.is_empty() {
        let text = match record.completion.as_str() {
            "" => RichText::new("(nothing)").weak(),
            text => RichText::new(text).monospace(),
        };
        ui.add(egui::Label::new(text).wrap());
    } else {
        widgets::pieces(ui, &pieces);
    }
}

/// Length and how it ended, in words.
pub fn length(record: &CompletionRecord) -> String {
    let plural = if record.tokens == 1 { "" } else { "s" };
    let end = if record.finished {
        "ended by itself"
    } else {
        "cut off"
    };
    format!("{} token{plural}, {end}", record.tokens)
}

fn field(ui: &mut Ui, name: &str, text: &str) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(name).weak());
        ui.add(egui::Label::new(RichText::new(text).monospace()).wrap());
    });
}

fn legend(ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.label(RichText::new("Each token's probability").small().weak());
        for share in [0.0, 0.25, 0.5, 0.75, 1.0f32] {
            let color = theme::palette(ui).share(share).gamma_multiply(0.35);
            let (rect, _) = ui.allocate_exact_size(vec2(30.0, 14.0), egui::Sense::hover());
            ui.painter().rect_filled(rect, 2.0, color);
            let text = format!("{share}");
            let (font, ink) = (egui::FontId::proportional(10.0), ui.visuals().text_color());
            let center = egui::Align2::CENTER_CENTER;
            ui.painter().text(rect.center(), center, text, font, ink);
        }
        ui.label(
            RichText::new("Point at a token for its number")
                .small()
                .weak(),
        );
    });
}

fn rewards(ui: &mut Ui, record: &CompletionRecord, grpo: &GrpoConfig) {
    let total = super::listing::weighted(record, grpo);
    ui.label(format!("Reward {}", plain(total)));
    egui::Grid::new("reward parts")
        .num_columns(3)
        .spacing([12.0, 2.0])
        .show(ui, |ui| {
            for (name, value) in &record.parts {
                ui.label(RichText::new(name).monospace());
                ui.label(plain(f64::from(*value)));
                let weight = grpo.reward_weights.get(name).copied().unwrap_or(1.0);
                let counted = match weight {
                    1.0 => String::new(),
                    weight => format!(", counted {} times", plain(weight)),
                };
                ui.label(RichText::new(format!("{}{counted}", meaning(name))).weak());
                ui.end_row();
            }
        });
}
