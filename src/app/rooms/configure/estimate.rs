//! What the run will need: parameters and memory at once, time when asked for.

use eframe::egui::{self, RichText, Ui};

use super::asked::Asked;
use crate::app::engine::{Reply, Request};
use crate::app::{Actions, theme, widgets};
use crate::config::RunConfig;
use crate::training::{Estimate, Memory, StepTimes};

/// What is known of a run's needs.
#[derive(Default)]
pub(super) struct EstimateView {
    sizes: Asked<RunConfig, Estimate>,
    times: Asked<RunConfig, StepTimes>,
}

impl EstimateView {
    /// Asks for sizes, if that was not asked already; `essence` is what of the configuration
    /// decides them.
    pub fn ask(&mut self, essence: &RunConfig, config: &RunConfig, actions: &mut Actions) {
        if self.sizes.is_about(essence) {
            return;
        }
        let config = Box::new(config.clone());
        self.sizes
            .ask(essence.clone(), actions, |ticket| Request::Estimate {
                ticket,
                config,
                measure: false,
            });
    }

    pub fn hear(&mut self, reply: &Reply) {
        match reply {
            Reply::Estimated {
                ticket,
                estimate,
                times,
            } => {
                self.sizes.hear(*ticket, || Ok(estimate.clone()));
                let none = || "no times came back; measure again".to_owned();
                self.times.hear(*ticket, || times.ok_or_else(none));
            }
            Reply::Refused { ticket, why } => {
                self.sizes.hear(*ticket, || Err(why.clone()));
                self.times.hear(*ticket, || Err(why.clone()));
            }
            _ => {}
        }
    }

    /// The newest sizes, or why there are none.
    #[cfg(test)]
    pub fn known(&self) -> Option<Result<Estimate, String>> {
        self.sizes.answer.clone()
    }

    pub fn show(
        &mut self,
        ui: &mut Ui,
        draft: Option<(&RunConfig, &RunConfig)>,
        training: bool,
        actions: &mut Actions,
    ) {
        if draft.is_none() {
            let words = "Something is to be corrected first; this is from before";
            ui.label(RichText::new(words).weak());
        }
        widgets::section(ui, "Size and memory", |ui| {
            ui.set_width(ui.available_width());
            match &self.sizes.answer {
                None => waiting(ui, "Being worked out"),
                Some(Err(why)) => refused(ui, "The sizes cannot be worked out", why),
                Some(Ok(estimate)) => sizes(ui, estimate),
            }
        });
        widgets::section(ui, "Time", |ui| {
            ui.set_width(ui.available_width());
            self.time(ui, draft, training, actions);
        });
    }

    fn time(
        &mut self,
        ui: &mut Ui,
        draft: Option<(&RunConfig, &RunConfig)>,
        training: bool,
        actions: &mut Actions,
    ) {
        let Some((essence, config)) = draft else {
            return;
        };
        match &self.times.answer {
            None => {
                let words = "Two steps of each kind tell how long a run takes on this machine";
                ui.label(RichText::new(words).weak());
            }
            Some(Err(why)) => refused(ui, "The time cannot be measured", why),
            Some(Ok(times)) => {
                let is_old = !self.times.is_about(essence) || self.times.is_waiting();
                measured(ui, times, config, is_old);
            }
        }
        if self.times.is_waiting() {
            return waiting(ui, "Measuring");
        }
        let hint = if training {
            "Takes some seconds, during which the run that is on waits"
        } else {
            "Takes some seconds"
        };
        if ui.button("Measure time").on_hover_text(hint).clicked() {
            let config = Box::new(config.clone());
            self.times
                .ask(essence.clone(), actions, |ticket| Request::Estimate {
                    ticket,
                    config,
                    measure: true,
                });
        }
    }
}

fn waiting(ui: &mut Ui, words: &str) {
    ui.horizontal(|ui| {
        ui.add(egui::Spinner::new().size(14.0));
        ui.label(RichText::new(words).weak());
    });
}

fn refused(ui: &mut Ui, what: &str, why: &str) {
    let color = theme::palette(ui).wrong;
    ui.label(RichText::new(what).strong().color(color));
    ui.label(why);
}

fn sizes(ui: &mut Ui, estimate: &Estimate) {
    fact(
        ui,
        "Parameters",
        &grouped(estimate.parameters),
        "Numbers that are trained",
    );
    let shape = format!(
        "{} layers, {} wide",
        estimate.num_hidden_layers, estimate.hidden_size
    );
    fact(
        ui,
        "Model",
        &shape,
        "A model from files brings its own shape",
    );
    let vocabulary = format!("{} tokens", grouped(estimate.vocabulary as u64));
    fact(
        ui,
        "Vocabulary",
        &vocabulary,
        "Different tokens that the model knows",
    );
    ui.add_space(6.0);
    let memory = &estimate.memory;
    fact(
        ui,
        "Memory, at most",
        &bytes(memory.total),
        "Weights and program, and the larger of the other two: sampling and learning take turns",
    );
    for (name, part, hint) in parts(memory) {
        fact(ui, name, &bytes(part), hint);
        let share = part as f32 / memory.total.max(1) as f32;
        let bar = egui::ProgressBar::new(share).desired_height(5.0);
        ui.add(bar.fill(theme::palette(ui).accent))
            .accessible_name(name);
    }
}

/// The parts of a memory estimate with what they are.
fn parts(memory: &Memory) -> [(&'static str, u64, &'static str); 5] {
    [
        (
            "Weights",
            memory.weights,
            "The weights, the optimizer's moments and the policies that D is measured from",
        ),
        (
            "Sampling",
            memory.cache,
            "Keys and values of all answers that are written at once, and weights laid out for it",
        ),
        (
            "Learning",
            memory.activations,
            "What the largest batch leaves behind for the gradients, and these",
        ),
        (
            "Saving",
            memory.saving,
            "The files of a checkpoint, before they are written",
        ),
        (
            "Program",
            memory.other,
            "What the program itself takes while it computes",
        ),
    ]
}

fn measured(ui: &mut Ui, times: &StepTimes, config: &RunConfig, is_old: bool) {
    if is_old {
        ui.label(RichText::new("Measured before the latest changes").weak());
    }
    fact(
        ui,
        "SFT step",
        &duration(times.sft),
        "One step with the textbook",
    );
    let hint = "One step of the quiz, with the untrained model, whose answers run to the limit";
    fact(ui, "GRPO step", &duration(times.grpo), hint);
    if config.base.steps > 0 {
        let hint = "Trained once, then kept for all runs that start from the same one";
        fact(ui, "Base model", &duration(times.base(config)), hint);
    }
    let (least, most) = times.range(config);
    let range = format!("{} to {}", duration(least), duration(most));
    let hint = "All steps of the faster kind, or all of the slower; exams and tests come on top";
    fact(ui, "Run", &range, hint);
}

fn fact(ui: &mut Ui, name: &str, value: &str, hint: &str) {
    ui.horizontal_wrapped(|ui| {
        ui.label(name).on_hover_text(hint);
        ui.label(RichText::new(value).strong()).on_hover_text(hint);
    });
}

/// Bytes in the unit that people use for as many.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = count as f64 / 1000.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    format!("{value:.1} {unit}")
}

/// A count with its thousands apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds in words.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if seconds < 3600.0 {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        format!("{} h {} min", minutes / 60, minutes % 60)
    }
}
