//! A step: gradients of the planned losses, one update.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::TrainError;
use super::event::{BatchItem, Branch, Event, Phase, StepRecord};
use super::optimizer::schedule;
use super::rollouts::Rollouts;
use super::session::Session;
use super::workers::{Gradient, PolicyRow};
use crate::balance::{LossTerm, Observation, Plan};
use crate::config::OptimizerConfig;
use crate::curriculum::{FRESH_INDICES, ProblemRef};
use crate::losses::PolicyMetrics;
use crate::rng::{Purpose, stream};

/// Gradients in a row that may be not finite before a run gives up.
const NOT_FINITE_LIMIT: u32 = 3;

/// A step that has been decided and is under way.
pub(super) struct Begun {
    pub plan: Plan,
    /// Clock at the beginning.
    started: f64,
    /// Seconds that are not the step's own.
    apart: f64,
    pub measured: Vec<Observation>,
    pub timing: BTreeMap<String, f64>,
    pub metrics: BTreeMap<String, f64>,
    pub batch: Vec<BatchItem>,
}

impl Begun {
    pub(super) fn new(plan: Plan, started: f64) -> Self {
        let (measured, timing, metrics, batch) = Default::default();
        Self {
            plan,
            started,
            apart: 0.0,
            measured,
            timing,
            metrics,
            batch,
        }
    }

    /// Notes what was measured for whoever watches alone: it is no part of the step's time.
    pub(super) fn book_apart(&mut self, seconds: f64) {
        self.timing.insert("display".into(), seconds);
        self.apart += seconds;
    }

    fn weight(&self, loss: LossTerm) -> f64 {
        let terms = self.plan.terms.iter().filter(|term| term.loss == loss);
        terms.map(|term| term.weight).sum()
    }
}

impl Session {
    /// One step of the base model's training: SFT on easier levels, any order, its own rate.
    pub(super) async fn base_step(&mut self) -> Result<(), TrainError> {
        use rand::RngExt as _;
        let started = self.clock.seconds();
        let config = self.config.base.clone();
        let step = self.base_step + 1;
        let mut rng = stream(self.config.seed, Purpose::BaseBatch, step, 0);
        let place = |_| {
            let level = config.levels[rng.random_range(0..config.levels.len())];
            let limit = self.study.task.demonstrations(level);
            let index = rng.random_range(0..limit.unwrap_or(FRESH_INDICES).max(1));
            ProblemRef { level, index }
        };
        let places: Vec<ProblemRef> = (0..config.batch_size).map(place).collect();
        // Steps of the base model have streams of their own, beyond those of all others.
        let (examples, _) = self.examples(&places, BASE_STREAM | step, config.orders)?;
        let gradient = self.workers.sft(&self.model, examples, 1).await?;
        let (loss, grad_norm, tokens) = (gradient.loss, gradient.norm, gradient.tokens);
        if !grad_norm.is_finite() {
            return Err(TrainError::NotFinite { step, times: 1 });
        }
        let shape = OptimizerConfig {
            warmup_steps: config.warmup_steps,
            ..OptimizerConfig::default()
        };
        let rate = config.learning_rate * schedule(&shape, step, config.steps);
        let optimizer = &mut self.optimizers[0];
        let parameters = &mut self.model.parameters;
        let shards = self.workers.shards();
        optimizer
            .step(parameters, gradient, rate, &self.config.optimizer, shards)
            .await;
        self.base_step = step;
        self.num_tokens += tokens;
        self.events.push(Event::BaseStep {
            step,
            steps: config.steps,
            loss,
            grad_norm,
            num_tokens: self.num_tokens,
            step_time: self.clock.seconds() - started,
        });
        if step == config.steps {
            // Every method starts from here with fresh moments and a budget not yet touched.
            self.optimizers[0] = super::AdamW::new(&self.model.parameters);
            self.num_tokens = 0;
            self.phase = if self.warmup_steps() > 0 {
                Phase::Warmup
            } else {
                Phase::Adaptive
            };
            self.events.push(Event::BaseReady);
            self.events.push(Event::PhaseBegan {
                phase: self.phase,
                step: 0,
            });
        }
        Ok(())
    }

    /// The gradients of the planned losses and one update (or μ of them).
    pub(super) async fn update(
        &mut self,
        mut begun: Box<Begun>,
        rollouts: Option<Rollouts>,
    ) -> Result<(), TrainError> {
        let started = self.clock.seconds();
        let step = self.step + 1;
        let branch = begun.plan.explanation.branch;
        let rows = rollouts.map(|rollouts| rollouts.rows).unwrap_or_default();
        // Rollouts that teach nothing have no part in the step.
        let learnt = rows.iter().any(PolicyRow::is_learnt);
        let iterations = if learnt {
            self.config.grpo.num_iterations.max(1)
        } else {
            1
        };
        let mut outcome = Outcome::default();
        for iteration in 0..iterations {
            let mut parts: Vec<(LossTerm, f64, Gradient)> = Vec::new();
            let weight = begun.weight(LossTerm::Sft);
            if weight > 0.0 && iteration == 0 {
                let gradient = self.sft_gradient(step, &mut begun).await?;
                parts.push((LossTerm::Sft, weight, gradient));
            }
            let weight = begun.weight(LossTerm::Grpo);
            if weight > 0.0 && learnt {
                let gradient = self.policy_gradient(&rows, &mut begun).await?;
                parts.push((LossTerm::Grpo, weight, gradient));
            }
            let whole = begun.plan.terms.iter().map(|term| term.weight).sum();
            self.apply(step, branch, shared_out(parts, whole), &mut outcome)
                .await?;
        }
        begun
            .timing
            .insert("update".into(), self.clock.seconds() - started);
        let taken = begun.plan.carried_out(outcome.updates, outcome.sft_share());
        self.observe(taken, &mut begun.measured)?;
        self.step = step;
        let record = self.record(*begun, branch, outcome);
        let mut alarms = self.alarms.step(&record);
        let (balance, warmup) = (&self.config.balance, self.warmup_steps());
        let uses = self.controller.uses();
        alarms.extend(self.alarms.signals(&record, balance, uses, warmup));
        self.events.push(Event::Step(Box::new(record)));
        self.events.extend(alarms.into_iter().map(Event::Alarm));
        self.step_is_done();
        Ok(())
    }

    async fn sft_gradient(&mut self, step: u64, begun: &mut Begun) -> Result<Gradient, TrainError> {
        let config = &self.config.sft;
        let (count, micro_batches) = (config.batch_size, config.gradient_accumulation_steps);
        let places = self
            .curriculum
            .demonstrations(&self.demonstrations, step, count);
        let (examples, items) = self.examples(&places, step, self.config.task.orders)?;
        let too_long = places.len() - items.len();
        if too_long > 0 {
            begun.metrics.insert("sft_too_long".into(), too_long as f64);
        }
        begun.batch.extend(items);
        let gradient = self
            .workers
            .sft(&self.model, examples, micro_batches)
            .await?;
        self.num_tokens += gradient.tokens;
        begun.metrics.insert("sft_loss".into(), gradient.loss);
        begun.metrics.insert("sft_grad_norm".into(), gradient.norm);
        let norm = Observation::SftGradNorm {
            step,
            norm: gradient.norm,
            probe: false,
        };
        self.observe(norm, &mut begun.measured)?;
        Ok(gradient)
    }

    async fn policy_gradient(
        &mut self,
        rows: &[PolicyRow],
        begun: &mut Begun,
    ) -> Result<Gradient, TrainError> {
        let config = &self.config.grpo;
        let (gradient, metrics): (Gradient, PolicyMetrics) = self
            .workers
            .policy(&self.model, rows.to_vec(), config)
            .await?;
        begun.metrics.extend(metrics.finish(config));
        begun.metrics.insert("grpo_loss".into(), gradient.loss);
        begun.metrics.insert("grpo_grad_norm".into(), gradient.norm);
        Ok(gradient)
    }

    /// Mixes gradients and learning rates by their weights and updates the parameters once.
    async fn apply(
        &mut self,
        step: u64,
        branch: Branch,
        parts: Vec<(LossTerm, f64, Gradient)>,
        outcome: &mut Outcome,
    ) -> Result<(), TrainError> {
        // Where no group has variance, or every completion is masked, there is nothing to learn from: an
        // attempt was made, weights and moments stay.
        if parts.is_empty() {
            return Ok(());
        }
        let shape = schedule(&self.config.optimizer, step, self.config.optimizer.horizon);
        let rate = |loss: LossTerm| match loss {
            LossTerm::Sft => self.config.sft.learning_rate * shape,
            LossTerm::Grpo => self.config.grpo.learning_rate * shape,
        };
        let learning_rate = parts
            .iter()
            .map(|(loss, weight, _)| weight * rate(*loss))
            .sum();
        let sft = parts.iter().filter(|(loss, ..)| *loss == LossTerm::Sft);
        let sft_weight: f64 = sft.map(|(_, weight, _)| weight).sum();
        // The second one is for updates of GRPO alone.
        let which = if sft_weight == 0.0 {
            self.optimizers.len() - 1
        } else {
            0
        };
        let gradient = mix(parts).await?;
        (outcome.loss, outcome.norm) = (gradient.loss, gradient.norm);
        outcome.learning_rate = learning_rate;
        if !gradient.norm.is_finite() {
            self.not_finite += 1;
            let alarm = self.alarms.not_finite(step, branch);
            self.events.push(Event::Alarm(alarm));
            if self.not_finite >= NOT_FINITE_LIMIT {
                return Err(TrainError::NotFinite {
                    step,
                    times: self.not_finite,
                });
            }
            (outcome.loss, outcome.norm) = (0.0, 0.0);
            return Ok(());
        }
        self.not_finite = 0;
        let config = &self.config.optimizer;
        let shards = self.workers.shards();
        let parameters = &mut self.model.parameters;
        self.optimizers[which]
            .step(parameters, gradient, learning_rate, config, shards)
            .await;
        outcome.updates += 1;
        outcome.sft_updates += sft_weight;
        Ok(())
    }

    fn record(&self, begun: Begun, branch: Branch, outcome: Outcome) -> StepRecord {
        StepRecord {
            step: self.step,
            phase: self.phase,
            branch,
            updated: outcome.updates > 0,
            loss: outcome.loss,
            grad_norm: outcome.norm,
            learning_rate: outcome.learning_rate,
            num_tokens: self.num_tokens,
            step_time: self.clock.seconds() - begun.started - begun.apart,
            timing: begun.timing,
            metrics: begun.metrics,
            decision: Some(begun.plan.explanation),
            measured: begun.measured,
            batch: begun.batch,
        }
    }
}

/// What came of a step. Loss, norm and rate are those of its last update.
#[derive(Default)]
struct Outcome {
    updates: u64,
    /// SFT's part of them: 1 for an update of SFT alone.
    sft_updates: f64,
    loss: f64,
    norm: f64,
    learning_rate: f64,
}

impl Outcome {
    fn sft_share(&self) -> f64 {
        self.sft_updates / self.updates.max(1) as f64
    }
}

/// The parts with weights that add up to `whole`: one that falls away leaves its weight to the others.
fn shared_out(
    mut parts: Vec<(LossTerm, f64, Gradient)>,
    whole: f64,
) -> Vec<(LossTerm, f64, Gradient)> {
    let there: f64 = parts.iter().map(|(_, weight, _)| weight).sum();
    if there != whole {
        let one = parts.len() == 1;
        for (_, weight, _) in &mut parts {
            *weight = if one { whole } else { *weight * whole / there };
        }
    }
    parts
}

/// The weighted sum of gradients; a single one as it is.
pub(super) async fn mix(mut parts: Vec<(LossTerm, f64, Gradient)>) -> Result<Gradient, TrainError> {
    if parts.len() == 1
        && let Some((_, 1.0, gradient)) = parts.pop_if(|(_, weight, _)| *weight == 1.0)
    {
        return Ok(gradient);
    }
    let mut sums: Vec<Tensor<1>> = Vec::new();
    let (mut loss, mut tokens) = (0.0, 0);
    for (_, weight, gradient) in parts {
        loss += weight * gradient.loss;
        tokens += gradient.tokens;
        let weighted = gradient
            .tensors
            .into_iter()
            .map(|tensor| tensor.mul_scalar(weight));
        sums = if sums.is_empty() {
            weighted.collect()
        } else {
            sums.into_iter()
                .zip(weighted)
                .map(|(sum, part)| sum + part)
                .collect()
        };
    }
    let norm = super::workers::global_norm(&sums).await?;
    Ok(Gradient {
        tensors: sums,
        norm,
        loss,
        tokens,
    })
}

/// Sets the base model's streams apart from those of the steps.
const BASE_STREAM: u64 = 1 << 62;

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
