//! What can go wrong with a run, noticed from its numbers and said in plain words.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::event::{Alarm, Branch, StepRecord};

/// Steps a judgement is made over.
const WINDOW: usize = 20;

/// Watches the steps of a run. Each kind of alarm is raised once until its cause has gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alarms {
    zero_variance: VecDeque<f64>,
    truncation: VecDeque<f64>,
    sft_loss: VecDeque<f64>,
    entropy: VecDeque<f64>,
    first_entropy: Option<f64>,
    best_exam: Option<f64>,
    raised: BTreeMap<String, bool>,
}

/// Values that are not finite have an alarm of their own.
fn remember(window: &mut VecDeque<f64>, value: f64) {
    if !value.is_finite() {
        return;
    }
    window.push_back(value);
    if window.len() > WINDOW {
        window.pop_front();
    }
}

/// The mean of a full window.
fn mean(window: &VecDeque<f64>) -> Option<f64> {
    (window.len() == WINDOW).then(|| window.iter().sum::<f64>() / WINDOW as f64)
}

impl Alarms {
    /// Looks at a finished step.
    pub fn step(&mut self, record: &StepRecord) -> Vec<Alarm> {
        let metric = |name: &str| record.metrics.get(name).copied();
        let mut found: Vec<(&str, Option<String>)> = Vec::new();
        if let Some(share) = metric("frac_reward_zero_std") {
            remember(&mut self.zero_variance, share);
            // Once raised it stays raised until the share is clearly lower.
            let bound = if self.raised.get("zero_variance") == Some(&true) {
                0.6
            } else {
                0.8
            };
            let message = mean(&self.zero_variance).filter(|&share| share > bound).map(|share| {
                format!(
                    "In {:.0} % of the groups of the last {WINDOW} quizzes all answers earned the \
                     same, so there was little to learn from. If nearly all are right, open harder \
                     levels; if nearly all are wrong, warm up longer or start on easier levels.",
                    100.0 * share
                )
            });
            found.push(("zero_variance", message));
        }
        if let Some(share) = metric("completions/clipped_ratio") {
            remember(&mut self.truncation, share);
            let message = mean(&self.truncation).filter(|&share| share > 0.5).map(|share| {
                format!(
                    "{:.0} % of the completions of the last {WINDOW} quizzes were cut off at the \
                     length limit. Raise grpo.max_completion_length, or warm up longer so that \
                     answers end.",
                    100.0 * share
                )
            });
            found.push(("truncation", message));
        }
        if let Some(entropy) = metric("entropy") {
            remember(&mut self.entropy, entropy);
            if self.first_entropy.is_none() {
                self.first_entropy = mean(&self.entropy);
            }
            let now = mean(&self.entropy);
            let first = self.first_entropy.filter(|first| *first > 0.0);
            let fallen = first.zip(now).filter(|(first, now)| *now < 0.05 * first);
            let message = fallen.map(|(first, now)| {
                format!(
                    "The entropy of the answers fell from {first:.3} to {now:.3} nats per token: the \
                     policy has nearly stopped exploring. Lower grpo.learning_rate, raise \
                     balance.lambda or grpo.beta, or give grpo.entropy_coef a small value."
                )
            });
            found.push(("collapse", message));
        }
        if record.branch == Branch::Sft {
            remember(&mut self.sft_loss, record.loss);
        }
        self.settle(record.step, found)
    }

    /// Looks at an exam's mean accuracy.
    pub fn exam(&mut self, step: u64, accuracy: f64) -> Vec<Alarm> {
        let best = self.best_exam.map_or(accuracy, |best| best.max(accuracy));
        self.best_exam = Some(best);
        let loss = mean(&self.sft_loss);
        let memorised = loss.filter(|&loss| loss < 0.02 && accuracy < 0.5).map(|loss| {
            format!(
                "The demonstrations are nearly known by heart (loss {loss:.3}), yet only {:.0} % of \
                 the exam is right: the textbook no longer teaches. Give more demonstrations or \
                 valid orders (task.demonstrations, task.orders), or more weight to the quiz \
                 (balance.gamma).",
                100.0 * accuracy
            )
        });
        let fallen = (best > 0.1 && accuracy < 0.5 * best).then(|| {
            format!(
                "The exam fell from {:.0} % to {:.0} %: the policy is losing what it knew. Go back to \
                 the best checkpoint with a lower learning rate.",
                100.0 * best,
                100.0 * accuracy
            )
        });
        self.settle(
            step,
            vec![("overfitting", memorised), ("regression", fallen)],
        )
    }

    /// A gradient that was not finite.
    pub fn not_finite(&mut self, step: u64, branch: Branch) -> Alarm {
        let message = format!(
            "The gradient of the {} step was not finite; the step was skipped and the weights are as \
             before. If this repeats, lower the learning rate.",
            branch.label()
        );
        Alarm {
            step,
            kind: "not_finite".into(),
            message,
        }
    }

    /// Raises what is new, and re-arms what has gone.
    fn settle(&mut self, step: u64, found: Vec<(&str, Option<String>)>) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        for (kind, message) in found {
            let was = self
                .raised
                .insert(kind.to_string(), message.is_some())
                .unwrap_or(false);
            if let Some(message) = message.filter(|_| !was) {
                alarms.push(Alarm {
                    step,
                    kind: kind.to_string(),
                    message,
                });
            }
        }
        alarms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::event::Phase;

    fn record(branch: Branch, loss: f64, metrics: &[(&str, f64)]) -> StepRecord {
        StepRecord {
            step: 1,
            phase: Phase::Adaptive,
            branch,
            updated: true,
            loss,
            grad_norm: 1.0,
            learning_rate: 1e-3,
            num_tokens: 1,
            step_time: 0.1,
            timing: BTreeMap::new(),
            metrics: metrics
                .iter()
                .map(|(name, value)| (name.to_string(), *value))
                .collect(),
            decision: None,
            measured: Vec::new(),
            batch: Vec::new(),
        }
    }

    #[test]
    fn an_alarm_is_raised_once_and_again_after_it_has_gone() {
        let mut alarms = Alarms::default();
        let mut raised = |share: f64, times: usize| -> usize {
            let step = record(Branch::Grpo, 0.0, &[("frac_reward_zero_std", share)]);
            (0..times).map(|_| alarms.step(&step).len()).sum()
        };
        assert_eq!(raised(1.0, WINDOW - 1), 0, "not before the window is full");
        assert_eq!(raised(1.0, 10), 1);
        assert_eq!(raised(0.0, 2 * WINDOW), 0);
        assert_eq!(raised(1.0, 2 * WINDOW), 1);
    }

    #[test]
    fn collapse_compares_with_the_beginning() {
        let mut alarms = Alarms::default();
        let step = |entropy| record(Branch::Grpo, 0.0, &[("entropy", entropy)]);
        for _ in 0..WINDOW {
            assert!(alarms.step(&step(0.5)).is_empty());
        }
        let late: Vec<Alarm> = (0..WINDOW).flat_map(|_| alarms.step(&step(0.01))).collect();
        assert_eq!(late.len(), 1);
        assert_eq!(late[0].kind, "collapse");
    }

    #[test]
    fn memorising_shows_in_the_exam() {
        let mut alarms = Alarms::default();
        for _ in 0..WINDOW {
            alarms.step(&record(Branch::Sft, 0.001, &[]));
        }
        assert_eq!(alarms.exam(20, 0.9).len(), 0);
        let kinds: Vec<String> = alarms
            .exam(40, 0.3)
            .into_iter()
            .map(|alarm| alarm.kind)
            .collect();
        assert_eq!(kinds, ["overfitting", "regression"]);
    }
}
