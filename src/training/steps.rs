//! A step: rollouts and rewards, gradients of the planned losses, one update.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::TrainError;
use super::event::{Branch, CompletionRecord, Event, Phase, StepRecord};
use super::optimizer::schedule;
use super::session::{Session, Unit};
use super::workers::{Gradient, PolicyRow};
use crate::balance::{self, LossTerm, Observation, Plan};
use crate::config::{OptimizerConfig, Origin, ZeroVariance};
use crate::curriculum::{FRESH_INDICES, ProblemRef};
use crate::losses::{Advantages, PolicyMetrics, advantages};
use crate::rng::{Purpose, stream};
use crate::text::Example;

/// Gradients in a row that may be not finite before a run gives up.
const NOT_FINITE_LIMIT: u32 = 3;

/// A step that has been decided and is under way.
pub(super) struct Begun {
    pub plan: Plan,
    /// Clock at the beginning.
    started: f64,
    pub measured: Vec<Observation>,
    pub timing: BTreeMap<String, f64>,
    metrics: BTreeMap<String, f64>,
}

impl Begun {
    pub(super) fn new(plan: Plan, started: f64) -> Self {
        let (measured, timing, metrics) = Default::default();
        Self {
            plan,
            started,
            measured,
            timing,
            metrics,
        }
    }

    fn weight(&self, loss: LossTerm) -> f64 {
        let terms = self.plan.terms.iter().filter(|term| term.loss == loss);
        terms.map(|term| term.weight).sum()
    }
}

/// Graded completions of a GRPO step: whole groups, one after the other.
pub(super) struct Rollouts {
    /// What is learnt from (groups without variance left out, where they are).
    rows: Vec<PolicyRow>,
}

/// Completions of one attempt, before advantages.
struct Graded {
    examples: Vec<Example>,
    logps: Vec<Vec<f32>>,
    records: Vec<CompletionRecord>,
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
            let limit = self.study.task.len(crate::tasks::Split::Train, level);
            let index = rng.random_range(0..limit.unwrap_or(FRESH_INDICES).max(1));
            ProblemRef { level, index }
        };
        let places: Vec<ProblemRef> = (0..config.batch_size).map(place).collect();
        // Steps of the base model have streams of their own, beyond those of all others.
        let examples = self.examples(&places, BASE_STREAM | step, config.orders)?;
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

    /// The sampling part of a GRPO step: ask, complete, grade, measure D.
    pub(super) async fn sample(&mut self, mut begun: Box<Begun>) -> Result<(), TrainError> {
        let started = self.clock.seconds();
        let step = self.step + 1;
        let config = self.config.grpo.clone();
        let mut graded = self.ask(step, 0, config.num_prompts).await?;
        let all = self.advantages(&graded.records);
        self.log_rollouts(&mut begun, &graded, &all);
        let rollouts = balance::Rollouts {
            reward: all.reward,
            reward_std: all.reward_std,
            frac_reward_zero_std: all.frac_reward_zero_std,
        };
        self.observe(
            Observation::Rollouts { step, rollouts },
            &mut begun.measured,
        )?;
        begun
            .timing
            .insert("rollout".into(), self.clock.seconds() - started);

        let started = self.clock.seconds();
        let measured = self.divergence(&graded.examples, &graded.logps).await?;
        if let Some((nats, _)) = measured {
            let divergence = Observation::Divergence {
                step,
                nats,
                probe: false,
            };
            self.observe(divergence, &mut begun.measured)?;
        }
        begun
            .timing
            .insert("logps".into(), self.clock.seconds() - started);

        let mut kept = all;
        if config.zero_variance == ZeroVariance::Resample {
            let started = self.clock.seconds();
            (graded, kept) = self.resample(step, graded, kept, &mut begun).await?;
            *begun.timing.entry("rollout".into()).or_default() += self.clock.seconds() - started;
        }
        self.log_completions(step, &graded, &kept);
        let reference = if config.beta == 0.0 {
            None
        } else {
            self.reference(&graded).await?
        };
        let rows = self.policy_rows(graded, &kept, reference);
        self.unit = Some(Unit::Update(begun, Some(Rollouts { rows })));
        Ok(())
    }

    /// Asks `count` problems and grades their completions.
    async fn ask(&mut self, step: u64, attempt: u64, count: usize) -> Result<Graded, TrainError> {
        let places = self.curriculum.prompts(&self.prompts, step, attempt, count);
        let problems: Vec<_> = places.iter().map(|place| self.problem(place)).collect();
        let samples = self.config.grpo.num_generations;
        let mut requests = Vec::with_capacity(problems.len());
        for problem in &problems {
            requests.push(self.study.request(problem, samples)?);
        }
        let prompts: Vec<Vec<u32>> = requests
            .iter()
            .map(|request| request.prompt.clone())
            .collect();
        let sampling = self.sampling(step, attempt);
        let completions = self
            .workers
            .generate(&self.model, requests, &sampling, &self.study.limits)
            .await?;
        let mut graded = Graded {
            examples: Vec::new(),
            logps: Vec::new(),
            records: Vec::new(),
        };
        for ((problem, prompt), completions) in problems.iter().zip(prompts).zip(completions) {
            let mut right = 0;
            for (index, completion) in completions.into_iter().enumerate() {
                let mut record = self.study.grade(problem, index, &completion);
                record.step = step;
                record.source = "rollout".into();
                right += u64::from(record.correct);
                graded.records.push(record);
                let ids = [prompt.as_slice(), &completion.tokens].concat();
                self.num_tokens += ids.len() as u64;
                graded.examples.push(Example {
                    ids,
                    prompt: prompt.len(),
                });
                graded.logps.push(completion.logps);
            }
            self.curriculum
                .record_rollouts(problem.level, right, samples as u64);
        }
        Ok(graded)
    }

    fn advantages(&self, records: &[CompletionRecord]) -> Advantages {
        let config = &self.config.grpo;
        let names = records
            .first()
            .map(|record| record.parts.iter().map(|part| &part.0));
        let weight = |name: &String| config.reward_weights.get(name).copied().unwrap_or(1.0);
        let weights: Vec<f64> = names.into_iter().flatten().map(weight).collect();
        let rewards: Vec<Vec<Option<f64>>> = records
            .iter()
            .map(|record| {
                record
                    .parts
                    .iter()
                    .map(|part| Some(f64::from(part.1)))
                    .collect()
            })
            .collect();
        let (group, scale) = (config.num_generations, config.scale_rewards);
        advantages(
            &rewards,
            &weights,
            group,
            scale,
            config.multi_objective_aggregation,
        )
    }

    /// Replaces groups without variance by other problems' groups, at most `max_resample_times`.
    async fn resample(
        &mut self,
        step: u64,
        mut graded: Graded,
        mut all: Advantages,
        begun: &mut Begun,
    ) -> Result<(Graded, Advantages), TrainError> {
        let group = self.config.grpo.num_generations;
        let mut resampled = 0.0;
        for attempt in 1..=self.config.grpo.max_resample_times as u64 {
            let dead: Vec<usize> = all
                .zero_variance
                .chunks(group)
                .enumerate()
                .filter(|(_, group)| group.first() == Some(&true))
                .map(|(index, _)| index)
                .collect();
            if dead.is_empty() {
                break;
            }
            resampled += dead.len() as f64;
            let mut fresh = self.ask(step, attempt, dead.len()).await?;
            for index in dead {
                let rows = index * group..(index + 1) * group;
                if fresh.records.len() < group {
                    break;
                }
                graded
                    .examples
                    .splice(rows.clone(), fresh.examples.drain(..group));
                graded
                    .logps
                    .splice(rows.clone(), fresh.logps.drain(..group));
                graded.records.splice(rows, fresh.records.drain(..group));
            }
            all = self.advantages(&graded.records);
        }
        begun.metrics.insert("resampled_groups".into(), resampled);
        Ok((graded, all))
    }

    /// log π_ref of every completion token.
    async fn reference(&self, graded: &Graded) -> Result<Option<Vec<Vec<f32>>>, TrainError> {
        let balance = &self.config.balance;
        let origin = balance.kl_origin.unwrap_or(balance.origin);
        let model = self.origin(origin).or_else(|| self.origin(Origin::Warmup));
        let Some(model) = model else { return Ok(None) };
        let temperature = self.config.grpo.temperature;
        Ok(Some(
            self.workers
                .logps(&model, &graded.examples, temperature)
                .await?,
        ))
    }

    fn policy_rows(
        &self,
        graded: Graded,
        all: &Advantages,
        reference: Option<Vec<Vec<f32>>>,
    ) -> Vec<PolicyRow> {
        let config = &self.config.grpo;
        let mut reference = reference.map(Vec::into_iter);
        let mut rows = Vec::new();
        let sampled = graded
            .examples
            .into_iter()
            .zip(graded.logps)
            .zip(graded.records);
        for (index, ((example, logps), record)) in sampled.enumerate() {
            let ref_logps = reference.as_mut().and_then(Iterator::next);
            if all.zero_variance[index] && config.zero_variance != ZeroVariance::Keep {
                continue;
            }
            rows.push(PolicyRow {
                example,
                advantage: all.values[index],
                // With one update per generation batch the policy is its own old policy.
                old_logps: (config.num_iterations > 1).then_some(logps),
                ref_logps,
                masked: config.mask_truncated_completions && !record.finished,
            });
        }
        rows
    }

    fn log_rollouts(&self, begun: &mut Begun, graded: &Graded, all: &Advantages) {
        let metrics = &mut begun.metrics;
        metrics.insert("reward".into(), all.reward);
        metrics.insert("reward_std".into(), all.reward_std);
        metrics.insert("frac_reward_zero_std".into(), all.frac_reward_zero_std);
        let records = &graded.records;
        let mean = |value: &dyn Fn(&CompletionRecord) -> f64| {
            records.iter().map(value).sum::<f64>() / records.len().max(1) as f64
        };
        metrics.insert(
            "accuracy".into(),
            mean(&|record| f64::from(u8::from(record.correct))),
        );
        for (index, (name, _)) in records
            .first()
            .iter()
            .flat_map(|r| r.parts.iter().enumerate())
        {
            let part = |record: &CompletionRecord| f64::from(record.parts[index].1);
            let average = mean(&part);
            let squares = mean(&|record| (part(record) - average).powi(2));
            let n = records.len() as f64;
            metrics.insert(format!("rewards/{name}/mean"), average);
            let std = (squares * n / (n - 1.0).max(1.0)).sqrt();
            metrics.insert(format!("rewards/{name}/std"), std);
        }
        let lengths = |terminated: bool| -> Vec<f64> {
            let counted = records
                .iter()
                .filter(|record| record.finished || !terminated);
            counted.map(|record| record.tokens as f64).collect()
        };
        for (kind, lengths) in [("", lengths(false)), ("terminated_", lengths(true))] {
            let n = lengths.len().max(1) as f64;
            let name = |what: &str| format!("completions/{what}_{kind}length");
            metrics.insert(name("mean"), lengths.iter().sum::<f64>() / n);
            metrics.insert(
                name("min"),
                lengths.iter().copied().reduce(f64::min).unwrap_or(0.0),
            );
            metrics.insert(
                name("max"),
                lengths.iter().copied().reduce(f64::max).unwrap_or(0.0),
            );
        }
        let clipped = mean(&|record| f64::from(u8::from(!record.finished)));
        metrics.insert("completions/clipped_ratio".into(), clipped);
    }

    fn log_completions(&mut self, step: u64, graded: &Graded, all: &Advantages) {
        let every = self.config.logging.completions_every;
        if every == 0 || !self.controller.signals().grpo_steps.is_multiple_of(every) {
            return;
        }
        let with_advantage = |(index, record): (usize, &CompletionRecord)| {
            let mut record = record.clone();
            record.step = step;
            record.advantage = Some(all.values[index]);
            record
        };
        let records = graded
            .records
            .iter()
            .enumerate()
            .map(with_advantage)
            .collect();
        self.events.push(Event::Completions { records });
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
        let iterations = if rows.is_empty() {
            1
        } else {
            self.config.grpo.num_iterations.max(1)
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
            if weight > 0.0 && !rows.is_empty() {
                let gradient = self.policy_gradient(&rows, &mut begun).await?;
                parts.push((LossTerm::Grpo, weight, gradient));
            }
            self.apply(step, branch, parts, &mut outcome).await?;
        }
        begun
            .timing
            .insert("update".into(), self.clock.seconds() - started);
        let taken = begun.plan.taken(outcome.updated);
        self.observe(taken, &mut begun.measured)?;
        self.step = step;
        let record = self.record(*begun, branch, outcome);
        let alarms = self.alarms.step(&record);
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
        let examples = self.examples(&places, step, self.config.task.orders)?;
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
        // Where every group had zero variance there is nothing to learn from: an attempt was made,
        // weights and moments stay.
        if parts.is_empty() {
            return Ok(());
        }
        let shape = schedule(&self.config.optimizer, step, self.config.max_steps);
        let rate = |loss: LossTerm| match loss {
            LossTerm::Sft => self.config.sft.learning_rate * shape,
            LossTerm::Grpo => self.config.grpo.learning_rate * shape,
        };
        let learning_rate = parts
            .iter()
            .map(|(loss, weight, _)| weight * rate(*loss))
            .sum();
        let which = match (self.optimizers.len(), branch) {
            (2, Branch::Grpo) => 1,
            _ => 0,
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
        outcome.updated = true;
        Ok(())
    }

    fn record(&self, begun: Begun, branch: Branch, outcome: Outcome) -> StepRecord {
        StepRecord {
            step: self.step,
            phase: self.phase,
            branch,
            updated: outcome.updated,
            loss: outcome.loss,
            grad_norm: outcome.norm,
            learning_rate: outcome.learning_rate,
            num_tokens: self.num_tokens,
            step_time: self.clock.seconds() - begun.started,
            timing: begun.timing,
            metrics: begun.metrics,
            decision: Some(begun.plan.explanation),
            measured: begun.measured,
        }
    }
}

/// What came of a step.
#[derive(Default)]
struct Outcome {
    updated: bool,
    loss: f64,
    norm: f64,
    learning_rate: f64,
}

/// The weighted sum of gradients; a single one as it is.
async fn mix(mut parts: Vec<(LossTerm, f64, Gradient)>) -> Result<Gradient, TrainError> {
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
