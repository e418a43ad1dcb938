//! Drawing answers: a card for each sample, growing token by token.

use eframe::egui::{self, RichText, Ui};

use super::sitting::{Answer, Exchange, State};
use crate::app::rooms::paths::faces::short;
use crate::app::rooms::paths::{refused, samples, steps};
use crate::app::{theme, widgets};
use crate::config::TaskKind;
use crate::training::CompletionRecord;

/// The least width of a card.
const CARD: f32 = 330.0;

/// Letters shown of a question above its answers.
const TITLE_LETTERS: usize = 80;

/// Draws a question and its answers.
pub fn show(ui: &mut Ui, exchange: &mut Exchange, training: bool) {
    if let State::Refused(why) = &exchange.state {
        title(ui, exchange);
        return refused(ui, why);
    }
    head(ui, exchange, training);
    if exchange.catch_up() {
        ui.request_repaint();
    }
    let scroll = egui::ScrollArea::vertical()
        .id_salt("answers")
        .auto_shrink([false, false]);
    scroll.show(ui, |ui| {
        // Beside the cards there is room for the scroll bar.
        ui.set_max_width(ui.available_width() - 10.0);
        let fits = (ui.available_width() / CARD) as usize;
        let columns = fits.clamp(1, exchange.answers.len().max(1));
        let graded = exchange.is_graded();
        let Exchange {
            answers,
            task,
            state,
            ..
        } = exchange;
        let running = *state == State::Running;
        ui.columns(columns, |columns| {
            let count = columns.len();
            for (number, answer) in answers.iter_mut().enumerate() {
                let ui = &mut columns[number % count];
                let mut height = answer.height;
                samples::in_sight(ui, &mut height, |ui| {
                    card(ui, number, answer, (*task, graded, running));
                });
                answer.height = height;
            }
        });
    });
}

/// What was asked of whom.
fn title(ui: &mut Ui, exchange: &Exchange) {
    ui.horizontal_wrapped(|ui| {
        let title = exchange.title();
        let shown = RichText::new(short(&title, TITLE_LETTERS))
            .monospace()
            .strong();
        ui.label(shown).on_hover_text(title);
        let who = RichText::new(&exchange.who).weak();
        ui.label(who).on_hover_text("Who answered");
    });
}

fn head(ui: &mut Ui, exchange: &mut Exchange, training: bool) {
    title(ui, exchange);
    ui.horizontal_wrapped(|ui| {
        if exchange.state == State::Running {
            ui.spinner();
            ui.label(match (exchange.tokens(), training) {
                (0, true) => "Waiting for the training step in hand".into(),
                (0, false) => "Opening the model".into(),
                (1, _) => "1 token so far".into(),
                (tokens, _) => format!("{tokens} tokens so far"),
            });
        } else {
            ui.label(RichText::new(exchange.result()).strong());
        }
        if let Some(reference) = exchange.reference().map(str::to_owned) {
            ui.checkbox(&mut exchange.revealed, "Show the answer")
                .on_hover_text("The reference answer the samples are graded against");
            if exchange.revealed {
                ui.label(RichText::new(reference).monospace().strong());
            }
        }
        let legend = "Green tokens were likely, red ones a surprise to the model itself";
        ui.label(RichText::new(legend).weak().small());
    });
}

fn card(
    ui: &mut Ui,
    number: usize,
    answer: &Answer,
    (task, graded, running): (Option<TaskKind>, bool, bool),
) {
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.set_width(ui.available_width());
        match &answer.record {
            Some(record) => {
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(format!("{}", number + 1)).weak())
                        .on_hover_text("Number of the sample");
                    if graded {
                        verdict(ui, record);
                    }
                    length(ui, record);
                });
                samples::beginning(ui, record, answer.laid);
                if graded {
                    way(ui, task, record);
                }
            }
            None => {
                ui.label(RichText::new(format!("{}", number + 1)).weak());
                let tokens = answer.tokens.iter().take(answer.laid);
                let tokens = tokens.map(|(text, probability)| (text.as_str(), Some(*probability)));
                // The sign for what is still to come.
                let cursor = running.then_some(("▌", None));
                samples::tokens(ui, tokens.chain(cursor));
            }
        }
    });
}

fn verdict(ui: &mut Ui, record: &CompletionRecord) {
    widgets::verdict_in_words(ui, record.verdict());
    let hint = "What this answer would earn in training, part by part";
    let reward = format!("reward {:.2}", record.reward);
    ui.label(reward).on_hover_text(hint);
    if record.parts.len() > 1 {
        let part = |(name, value): &(String, f32)| format!("{name} {value:.2}");
        let parts: Vec<String> = record.parts.iter().map(part).collect();
        let parts = format!("= {}", parts.join(" + "));
        ui.label(RichText::new(parts).weak()).on_hover_text(hint);
    }
}

fn length(ui: &mut Ui, record: &CompletionRecord) {
    let tokens = match record.tokens {
        1 => "1 token".into(),
        tokens => format!("{tokens} tokens"),
    };
    ui.label(RichText::new(tokens).weak());
    if !record.finished {
        let color = theme::palette(ui).notice;
        ui.label(RichText::new("cut off").color(color))
            .on_hover_text("It did not end by itself within the maximum length");
    }
}

fn way(ui: &mut Ui, task: Option<TaskKind>, record: &CompletionRecord) {
    let way = steps::way(task, record);
    let text = match way.steps {
        Some(mut steps) => {
            let slip = way.slip.as_ref();
            steps.extend(slip.map(|(step, _)| format!("⚠ {step} (first wrong step)")));
            if !way.answer.is_empty() && steps.last() != Some(&way.answer) {
                steps.push(way.answer);
            }
            format!("Path  {}", steps.join(" › "))
        }
        None => "No readable path".into(),
    };
    ui.add(egui::Label::new(RichText::new(&text).weak().small()).truncate())
        .on_hover_text(format!(
            "{text}\nThe steps of the reasoning, whatever their wording, up to the first that does \
             not hold"
        ));
}
