//! What can go wrong with a run, noticed from its numbers and said in plain words.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::event::{Alarm, Branch, Phase, StepRecord};
use crate::balance::{Explanation, Source, Uses};
use crate::config::BalanceConfig;

/// Steps a judgement is made over.
const WINDOW: usize = 20;

/// Watches the steps of a run. Each kind of alarm is raised once until its cause has gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alarms {
    zero_variance: VecDeque<f64>,
    truncation: VecDeque<f64>,
    sft_loss: VecDeque<f64>,
    entropy: VecDeque<f64>,
    #[serde(default)]
    kl: VecDeque<f64>,
    #[serde(default)]
    d: VecDeque<f64>,
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

    /// Looks at the signals behind a finished step's decision: whether those that steer it are
    /// measured often enough, and how far the policy has gone.
    pub fn signals(
        &mut self,
        record: &StepRecord,
        config: &BalanceConfig,
        uses: Uses,
        warmup_steps: u64,
    ) -> Vec<Alarm> {
        let Some(decision) = record.decision.as_ref() else {
            return Vec::new();
        };
        if let Some(&kl) = record.metrics.get("kl") {
            remember(&mut self.kl, kl);
        }
        if record.phase != Phase::Adaptive {
            return Vec::new();
        }
        if let Some(d) = decision.d {
            remember(&mut self.d, d);
        }
        let stale = stale(decision, config, uses, warmup_steps);
        let drift = self.drift(config);
        self.settle(record.step, vec![("stale", stale), ("drift", drift)])
    }

    /// A single measurement of D rests on few completions and may stand anywhere, so the mean
    /// of many steps is judged.
    fn drift(&self, config: &BalanceConfig) -> Option<String> {
        // Once raised it stays raised until the policy is clearly nearer.
        let raised = self.raised.get("drift") == Some(&true);
        let bound = if raised { 0.5 } else { 0.9 } * config.d_cap;
        let d = mean(&self.d).filter(|&d| d >= bound).map(|d| {
            format!(
                "Over the last {WINDOW} steps the policy was on average {d:.2} nats per token or more away from its \
                 origin, and the pull back to the textbook stops growing at {:.2} (balance.d_cap).",
                config.d_cap
            )
        });
        let kl = mean(&self.kl).filter(|&kl| kl >= bound).map(|kl| {
            format!(
                "In the last {WINDOW} quizzes the policy was {kl:.2} nats per token away from its \
                 reference: it may be forgetting how to answer at all."
            )
        });
        let seen = d.or(kl)?;
        Some(format!(
            "{seen} Lower grpo.learning_rate, raise grpo.beta, or raise balance.lambda for more \
             textbook."
        ))
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

/// Steps after which a signal is stale where nothing is measured in between.
const STALE_WITHOUT_PROBES: u64 = 50;

/// The signals that steer a decision and are old, in words.
fn stale(
    decision: &Explanation,
    config: &BalanceConfig,
    uses: Uses,
    warmup_steps: u64,
) -> Option<String> {
    let bound = match config.probe_every {
        0 => STALE_WITHOUT_PROBES,
        every => 2 * every,
    };
    // What has never been measured since the warm-up is as old as that.
    let age = |source: Option<Source>| {
        let since = source.map_or(warmup_steps, |source| source.step);
        decision.step.saturating_sub(since)
    };
    let old = [
        (uses.sft_grad_norm, "G", age(decision.g_source)),
        (uses.divergence, "D", age(decision.d_source)),
    ];
    let old: Vec<String> = old
        .iter()
        .filter(|(used, _, age)| *used && *age > bound)
        .map(|(_, name, age)| format!("{name} was measured {age} steps ago"))
        .collect();
    let what_to_do = match config.probe_every {
        0 => "Probes are off: give balance.probe_every a value, such as 20.",
        _ => "Lower balance.probe_every, or ask more in a probe (balance.probe_prompts).",
    };
    (!old.is_empty()).then(|| {
        format!(
            "{}: the decisions rest on old numbers. {what_to_do}",
            old.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::{Observation, build};

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

    /// The kinds raised while a controller is told what `measure` says, step by step.
    fn raised(
        config: &BalanceConfig,
        steps: u64,
        measure: impl Fn(u64) -> Vec<Observation>,
    ) -> Vec<(u64, String)> {
        let mut controller = build(config, 0, steps);
        let mut alarms = Alarms::default();
        let mut all = Vec::new();
        for step in 1..=steps {
            let mut record = record(Branch::Grpo, 0.0, &[]);
            let decision = controller.plan(step).explanation;
            let warming_up = step <= config.warmup_steps;
            record.phase = if warming_up {
                Phase::Warmup
            } else {
                Phase::Adaptive
            };
            (record.step, record.decision) = (step, Some(decision));
            for observation in measure(step) {
                controller.observe(&observation).unwrap();
            }
            let found = alarms.signals(&record, config, controller.uses(), config.warmup_steps);
            all.extend(found.into_iter().map(|alarm| (alarm.step, alarm.kind)));
        }
        all
    }

    fn norm(step: u64) -> Observation {
        Observation::SftGradNorm {
            step,
            norm: 1.0,
            probe: false,
        }
    }

    fn divergence(step: u64, nats: f64) -> Observation {
        Observation::Divergence {
            step,
            nats,
            probe: false,
            tokens: 0,
            capped: 0,
        }
    }

    #[test]
    fn signals_that_steer_and_are_not_measured_are_stale() {
        let config = BalanceConfig {
            warmup_steps: 10,
            probe_every: 20,
            lambda: 0.0,
            ..BalanceConfig::default()
        };
        let until = |last: u64| move |step: u64| Vec::from_iter((step <= last).then(|| norm(step)));
        assert_eq!(raised(&config, 200, |step| vec![norm(step)]), []);
        // More than 40 steps after step 30, once.
        let found = raised(&config, 200, until(30));
        assert_eq!(found, [(71, "stale".to_owned())]);
        // D counts only where it steers.
        let with_d = BalanceConfig {
            lambda: 0.5,
            ..config.clone()
        };
        let found = raised(&with_d, 200, |step| vec![norm(step)]);
        assert_eq!(found, [(51, "stale".to_owned())]);
        let without_probes = BalanceConfig {
            probe_every: 0,
            ..config
        };
        let found = raised(&without_probes, 200, until(30));
        assert_eq!(found, [(81, "stale".to_owned())]);
    }

    #[test]
    fn a_policy_near_the_cap_has_drifted() {
        let config = BalanceConfig {
            warmup_steps: 10,
            d_cap: 1.0,
            d_ema: 1.0,
            ..BalanceConfig::default()
        };
        let far = |d: f64| {
            raised(&config, 60, |step| {
                let drifted = if step > 30 { d } else { 0.1 };
                vec![norm(step), divergence(step, drifted)]
            })
        };
        assert_eq!(far(0.8), []);
        // The mean of twenty decisions; step 32 is the first that knows of the new D.
        assert_eq!(far(0.95), [(50, "drift".to_owned())]);
        // A decision counts D up to the cap only.
        assert_eq!(far(5.0), [(49, "drift".to_owned())]);
        // Measurements that come and go around the bound raise it once.
        let scattered = raised(&config, 400, |step| {
            let d = if step % 80 < 40 { 0.6 } else { 1.5 };
            vec![norm(step), divergence(step, d)]
        });
        assert_eq!(scattered.len(), 1, "{scattered:?}");
    }
}
