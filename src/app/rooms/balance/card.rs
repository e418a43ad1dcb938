//! The decision card: why a step is what it is.

use eframe::egui::{self, RichText, Ui};

use super::batch::batch_advantages;
use super::formula::{Formula, InForce, RULE, outcome, schedule, source, warm_statistic};
use super::gauge;
use crate::app::record::{Record, RunKey};
use crate::app::theme;
use crate::app::widgets::number;
use crate::balance::{Branch, Explanation};
use crate::training::{CompletionRecord, StepRecord};

/// A step's record, unpacked once.
#[derive(Default)]
pub struct Opened {
    /// Run, step, and the seconds up to it: a resumed run writes a step anew.
    of: Option<(RunKey, u64, u64)>,
    pub step: Option<StepRecord>,
    pub completions: Vec<CompletionRecord>,
    /// By item of the batch; empty where rewards alone do not tell them.
    pub advantages: Vec<Vec<f32>>,
}

impl Opened {
    /// Opens a step, unless it is open.
    pub fn open(&mut self, record: &Record, step: u64) {
        let columns = &record.columns;
        let seconds = columns
            .row(step)
            .map_or(0, |row| columns.seconds[row].to_bits());
        let of = (record.key.clone(), step, seconds);
        if self.of.as_ref() == Some(&of) {
            return;
        }
        self.step = record.step_record(step);
        self.completions = record.completions(step);
        self.completions
            .retain(|completion| completion.source == "rollout");
        let batch = self.step.as_ref().map_or(&[][..], |step| &step.batch);
        self.advantages = batch_advantages(batch, &record.config.grpo);
        self.of = Some(of);
    }
}

/// Draws the card of an opened step.
pub fn show(ui: &mut Ui, record: &Record, opened: &StepRecord) {
    heading(ui, opened);
    let Some(explanation) = &opened.decision else {
        ui.label("This step belongs to the base model's training: there was nothing to decide");
        return;
    };
    let settings = InForce::at(record, opened.step);
    // The answer to why is what is to be read first.
    ui.label(RichText::new(explanation.sentence()).strong().size(15.0));
    ui.add_space(4.0);
    if explanation.alpha.is_some() || explanation.branch == Branch::Blend {
        gauge::draw(ui, explanation, &settings);
    }
    let note = schedule(explanation, &record.config.balance);
    if !note.is_empty() {
        ui.label(note);
    }
    arithmetic(ui, explanation, &settings);
    signals(ui, record, explanation);
    tips(ui, explanation);
    deeds(ui, record, opened);
}

fn heading(ui: &mut Ui, opened: &StepRecord) {
    let color = theme::palette(ui).branch(opened.branch);
    let branch = match opened.branch {
        Branch::Blend => "SFT and GRPO",
        branch => branch.label(),
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("Step {} ·", opened.step)).size(22.0));
        ui.label(RichText::new(branch).size(22.0).strong().color(color))
            .on_hover_text(match opened.branch {
                Branch::Sft => "Supervised fine-tuning: learning from worked solutions",
                Branch::Grpo => "Learning from rewards for the model's own answers",
                Branch::Blend => "Both at once, weighted by p",
            });
    });
}

fn title(ui: &mut Ui, text: &str, hover: &str) {
    ui.add_space(8.0);
    ui.label(RichText::new(text).strong()).on_hover_text(hover);
}

fn arithmetic(ui: &mut Ui, explanation: &Explanation, settings: &InForce) {
    let Some(formula) = Formula::of(explanation, settings) else {
        return;
    };
    title(
        ui,
        "The formula with this step's numbers",
        "G: norm of the SFT gradient. G_warm: the same after the warm-up. γ: larger means less SFT. \
         λ: how strongly drift pulls back to the textbook. D_pull: drift that GRPO has gained",
    );
    let size = 12.0;
    let line = |ui: &mut Ui, text: &str| {
        ui.label(RichText::new(text).monospace().size(size));
    };
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.label(RichText::new(RULE).monospace().size(size).weak());
        line(ui, &format!("= {}", formula.numbers));
        line(ui, &format!("= {}", formula.sum));
        line(ui, &formula.p);
        let color = theme::palette(ui).branch(explanation.branch);
        let text = RichText::new(outcome(explanation)).monospace().size(size);
        ui.label(text.strong().color(color));
    });
    ui.add_space(4.0);
    gauge::terms(ui, explanation);
}

fn signals(ui: &mut Ui, record: &Record, explanation: &Explanation) {
    let step = explanation.step;
    let mut rows: Vec<(&str, f64, String, &str)> = Vec::new();
    if let Some(g) = explanation.g {
        let from = match explanation.g_source {
            None => "G_warm stands for it".to_owned(),
            known => source(known, step),
        };
        let hover =
            "SFT gradient norm before clipping, averaged over SFT steps with weight ρ (ema)";
        rows.push(("G", g, from, hover));
    }
    if let Some(warm) = explanation.g_warm {
        let from = warm_statistic(&record.config);
        rows.push((
            "G_warm",
            warm,
            from,
            "SFT gradient norm at the end of the warm-up",
        ));
    }
    if let Some(d) = explanation.d {
        let from = source(explanation.d_source, step);
        let hover = "Divergence from the origin in nats per completion token, measured on rollouts";
        rows.push(("D", d, from, hover));
        let hover = "Only what GRPO has gained pulls: SFT moves the model as well, and must not call \
                     for more SFT by that";
        rows.push((
            "D_pull",
            explanation.d_pull,
            "GRPO's part of D".to_owned(),
            hover,
        ));
    }
    if rows.is_empty() {
        return;
    }
    title(
        ui,
        "Where the numbers come from",
        "A probe measures a signal anew when no step has for a while; nothing is learnt in it",
    );
    egui::Grid::new("signals")
        .num_columns(3)
        .spacing([10.0, 2.0])
        .show(ui, |ui| {
            for (name, value, from, hover) in rows {
                ui.label(name).on_hover_text(hover);
                ui.monospace(number(value));
                ui.label(RichText::new(from).weak());
                ui.end_row();
            }
        });
}

fn tips(ui: &mut Ui, explanation: &Explanation) {
    if explanation.tips.is_empty() {
        return;
    }
    title(
        ui,
        "What would have tipped it",
        "Each by itself, everything else as it was",
    );
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for tip in &explanation.tips {
            ui.label(format!("• {}", tip.sentence));
        }
    });
}

/// Why a step left the weights as they were.
fn why_no_update(step: &StepRecord) -> &'static str {
    let metric = |name: &str| step.metrics.get(name).copied();
    let dead = metric("frac_reward_zero_std").is_some_and(|share| share >= 1.0);
    match step.branch {
        // A rate was asked for: there was something to learn from.
        _ if step.learning_rate > 0.0 => "the gradient was not finite",
        Branch::Sft => "no demonstration was short enough",
        Branch::Grpo | Branch::Blend if dead => "in every group all answers earned the same",
        Branch::Grpo | Branch::Blend => {
            "every completion was left out of the loss (cut off, and masked)"
        }
    }
}

fn deeds(ui: &mut Ui, record: &Record, opened: &StepRecord) {
    title(ui, "What this step did", "As logged in metrics.jsonl");
    if !opened.updated {
        let color = theme::palette(ui).notice;
        let text = format!(
            "No update: {}, so weights and optimizer stayed as they were",
            why_no_update(opened)
        );
        ui.label(RichText::new(text).color(color));
    }
    let parts: Vec<String> = opened
        .timing
        .iter()
        .map(|(name, seconds)| format!("{name} {}", seconds_in_words(*seconds)))
        .collect();
    let loss = match opened.branch {
        Branch::Sft => "Nats per token of the demonstrations",
        _ => "The surrogate; near 0 by construction, so its size says little",
    };
    let rows = [
        ("Loss", number(opened.loss), loss.to_owned()),
        (
            "Gradient norm",
            number(opened.grad_norm),
            "Global L2 norm before clipping".to_owned(),
        ),
        (
            "Learning rate",
            learning_rate(opened.learning_rate),
            String::new(),
        ),
        (
            "Tokens",
            tokens(record, opened),
            "Prompts and completions of this step, probes included".to_owned(),
        ),
        ("Time", seconds_in_words(opened.step_time), parts.join(", ")),
    ];
    egui::Grid::new("deeds")
        .num_columns(2)
        .spacing([10.0, 2.0])
        .show(ui, |ui| {
            for (name, value, hover) in rows {
                let label = ui.label(name);
                if !hover.is_empty() {
                    label.on_hover_text(hover);
                }
                ui.monospace(value);
                ui.end_row();
            }
        });
}

/// The optimizer's step size; a schedule may end at 0.
fn learning_rate(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        rate => format!("{rate:.2e}"),
    }
}

fn tokens(record: &Record, opened: &StepRecord) -> String {
    let columns = &record.columns;
    let before = opened
        .step
        .checked_sub(1)
        .and_then(|step| columns.row(step))
        .map(|row| columns.tokens[row] as u64);
    match before {
        Some(before) => opened.num_tokens.saturating_sub(before).to_string(),
        None => opened.num_tokens.to_string(),
    }
}

fn seconds_in_words(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", 1000.0 * seconds)
    } else {
        format!("{seconds:.2} s")
    }
}
