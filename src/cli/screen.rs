//! What a run looks like in a terminal: progress bars, plain lines, or JSON for machines.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

use super::tell;
use crate::training::{Branch, CARD_PROGRAMS, Event, Phase, Session, StepRecord};

/// Steps between lines where there is no terminal.
const LINES_EVERY: u64 = 50;

/// Shows a run's events.
pub struct Screen {
    json: bool,
    bar: Option<ProgressBar>,
    /// Put before lines, to tell runs of a comparison apart.
    label: String,
    exam: Option<f64>,
    reward: Option<f64>,
    tokens_at: (u64, f64),
    tokens_per_second: f64,
    seconds: f64,
    sft_steps: u64,
    grpo_steps: u64,
}

impl Screen {
    /// `json` prints every event as a line of JSON and nothing else.
    pub fn new(json: bool, label: &str) -> Self {
        let bar = (!json && std::io::stderr().is_terminal()).then(|| ProgressBar::new(0));
        if let Some(bar) = &bar {
            let style = ProgressStyle::with_template(
                "{prefix} {bar:24} {pos}/{len} {elapsed}<{eta} {wide_msg}",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
        Self {
            json,
            bar,
            label: if label.is_empty() {
                String::new()
            } else {
                format!("[{label}] ")
            },
            exam: None,
            reward: None,
            tokens_at: (0, 0.0),
            tokens_per_second: 0.0,
            seconds: 0.0,
            sft_steps: 0,
            grpo_steps: 0,
        }
    }

    /// A line for people.
    pub fn note(&self, line: &str) {
        if self.json {
            return;
        }
        let line = format!("{}{line}", self.label);
        match &self.bar {
            Some(bar) => bar.println(line),
            None => tell!("{line}"),
        }
    }

    /// Shows what happened.
    pub fn show(&mut self, event: &Event, session: &Session) {
        if self.json {
            // Nobody listening is no reason to lose a run.
            if let Ok(line) = serde_json::to_string(event) {
                writeln!(std::io::stdout(), "{line}").ok();
            }
            return;
        }
        match event {
            Event::Started {
                parameters,
                vocabulary,
                device,
                notices,
                ..
            } => {
                self.note(&format!(
                    "{parameters} parameters, {vocabulary} tokens in the vocabulary, on {device}"
                ));
                notices
                    .iter()
                    .for_each(|notice| self.note(&format!("note: {notice}")));
            }
            Event::PhaseBegan { phase, .. } => self.begin(*phase, session),
            Event::BaseStep {
                step,
                steps,
                loss,
                num_tokens,
                step_time,
                ..
            } => {
                self.count(*num_tokens, *step_time);
                let rate = self.tokens_per_second;
                self.progress(*step, *steps, &format!("loss {loss:.3}  {rate:.0} tok/s"));
            }
            Event::Step(record) => self.step(record, session.config().max_steps),
            Event::Evaluated(record) if record.kind == "exam" => {
                self.exam = record.metrics.get("accuracy").copied();
            }
            Event::Evaluated(record) => {
                let reworded = match &record.perturbation {
                    Some(name) => format!(" ({name})"),
                    None => String::new(),
                };
                let unseen = if record.unseen {
                    ", never trained on"
                } else {
                    ""
                };
                let accuracy = record.metrics.get("accuracy").copied().unwrap_or(0.0);
                self.note(&format!(
                    "{} level {}{unseen}{reworded}: {:.1} % of {} problems",
                    record.kind,
                    record.level,
                    100.0 * accuracy,
                    record.problems
                ));
            }
            Event::Progress { what, done, total } if what == CARD_PROGRAMS => {
                self.progress(*done, *total, "preparing the card's programs");
            }
            Event::Progress { what, done, total } if what != "exam" => {
                self.progress(*done, *total, what);
            }
            Event::LevelOpened { step, level } => {
                self.note(&format!("step {step}: level {level} is open"));
            }
            Event::Alarm(alarm) => {
                self.note(&format!(
                    "step {}: {}: {}",
                    alarm.step, alarm.kind, alarm.message
                ));
            }
            Event::Changed { path, value, .. } => self.note(&format!("{path} is now {value}")),
            Event::Finished { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, phase: Phase, session: &Session) {
        let name = match phase {
            Phase::Base => "base model",
            Phase::Warmup => "warm-up",
            Phase::Adaptive => "adaptive",
            Phase::Evaluation => "final test",
            Phase::Done => "done",
        };
        if let Some(bar) = &self.bar {
            bar.set_prefix(format!("{}{name:<10}", self.label));
            bar.reset_eta();
        } else {
            self.note(&format!("{name} from step {}", session.steps_done()));
        }
    }

    fn count(&mut self, num_tokens: u64, step_time: f64) {
        self.seconds += step_time;
        let (tokens, seconds) = self.tokens_at;
        // A rate over the last second or so.
        if num_tokens < tokens || self.seconds - seconds > 1.0 {
            let spent = (self.seconds - seconds).max(1e-9);
            self.tokens_per_second = num_tokens.saturating_sub(tokens) as f64 / spent;
            self.tokens_at = (num_tokens, self.seconds);
        }
    }

    fn step(&mut self, record: &StepRecord, steps: u64) {
        self.count(record.num_tokens, record.step_time);
        match record.branch {
            Branch::Sft => self.sft_steps += 1,
            Branch::Grpo => self.grpo_steps += 1,
            Branch::Blend => {}
        }
        if let Some(reward) = record.metrics.get("reward") {
            // Smoothed over some ten quizzes, like a chart would be.
            self.reward = Some(
                self.reward
                    .map_or(*reward, |mean| 0.9 * mean + 0.1 * reward),
            );
        }
        let p = record
            .decision
            .as_ref()
            .map_or(String::new(), |decision| format!("p {:.2}  ", decision.p));
        let mut message = format!(
            "{p}{:<5} loss {:.3}  |g| {:.2}",
            record.branch.label(),
            record.loss,
            record.grad_norm
        );
        if let Some(reward) = self.reward {
            message += &format!("  reward {reward:.2}");
        }
        if let Some(exam) = self.exam {
            message += &format!("  exam {:.0} %", 100.0 * exam);
        }
        message += &format!(
            "  {} SFT + {} GRPO  {:.0} tok/s",
            self.sft_steps, self.grpo_steps, self.tokens_per_second
        );
        self.progress(record.step, steps, &message);
    }

    fn progress(&mut self, done: u64, total: u64, message: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(message.to_string());
            }
            None if done.is_multiple_of(LINES_EVERY) || done == total => {
                tell!("{}{done}/{total}  {message}", self.label);
            }
            None => {}
        }
    }
}
