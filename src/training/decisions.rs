//! Before a step: probes where a signal has gone stale, then the controller's plan.

use super::TrainError;
use super::event::{BatchItem, Event, Phase};
use super::lengths::longest_example;
use super::session::{Session, Unit};
use super::steps::Begun;
use crate::balance::{LossTerm, Observation};
use crate::config::RunConfig;
use crate::curriculum::ProblemRef;
use crate::losses::Divergence;
use crate::rng::{Purpose, stream};
use crate::rollout::Sampling;
use crate::text::Example;

/// Completions per problem in a probe's rollouts.
const PROBE_SAMPLES: usize = 4;

impl Session {
    /// Begins the next step: probes, decides, and hands over to rollouts or to the update.
    pub(super) async fn decide(&mut self) -> Result<(), TrainError> {
        let step = self.step + 1;
        self.settle_origins(step);
        if self.phase != Phase::Adaptive && step > self.warmup_steps() {
            self.phase = Phase::Adaptive;
            self.events.push(Event::PhaseBegan {
                phase: self.phase,
                step: self.step,
            });
        }
        let started = self.clock.seconds();
        let due = self.controller.probes_due(step);
        let mut measured = Vec::new();
        let mut tokens = 0;
        if due.sft_grad_norm {
            tokens += self.probe_gradient(step, &mut measured).await?;
        }
        if due.divergence {
            tokens += self.probe_divergence(step, &mut measured).await?;
        }
        let plan = self.controller.plan(step);
        let mut begun = Begun::new(plan, started);
        if !measured.is_empty() {
            begun
                .timing
                .insert("probe".into(), self.clock.seconds() - started);
        }
        begun.measured = measured;
        self.num_tokens += tokens;
        let asks = begun
            .plan
            .terms
            .iter()
            .any(|term| term.loss == LossTerm::Grpo);
        if asks {
            self.unit = Some(Unit::Sample(Box::new(begun)));
            Ok(())
        } else {
            self.update(Box::new(begun), None).await
        }
    }

    /// G without a step: one SFT batch from a stream of its own, measured and thrown away.
    async fn probe_gradient(
        &mut self,
        step: u64,
        measured: &mut Vec<Observation>,
    ) -> Result<u64, TrainError> {
        let count = self.config.sft.batch_size;
        let places = self
            .curriculum
            .probe_demonstrations(&self.demonstrations, step, count);
        let (examples, _) = self.examples(&places, step, self.config.task.orders)?;
        let micro_batches = self.config.sft.gradient_accumulation_steps;
        let gradient = self
            .workers
            .sft(&self.model, examples, micro_batches)
            .await?;
        let norm = Observation::SftGradNorm {
            step,
            norm: gradient.norm,
            probe: true,
        };
        self.observe(norm, measured)?;
        Ok(gradient.tokens)
    }

    /// D without a step: a few rollouts from a stream of their own.
    async fn probe_divergence(
        &mut self,
        step: u64,
        measured: &mut Vec<Observation>,
    ) -> Result<u64, TrainError> {
        let count = self.config.balance.probe_prompts;
        let places = self.curriculum.probe_prompts(&self.prompts, step, count);
        let mut requests = Vec::new();
        for place in &places {
            requests.push(self.study.request(&self.problem(place), PROBE_SAMPLES)?);
        }
        let prompts: Vec<Vec<u32>> = requests
            .iter()
            .map(|request| request.prompt.clone())
            .collect();
        let sampling = self.sampling(step, PROBE_ATTEMPT);
        let completions = self
            .workers
            .generate(&self.model, requests, &sampling, &self.study.limits)
            .await?;
        let mut examples = Vec::new();
        let mut logps = Vec::new();
        for (prompt, completions) in prompts.iter().zip(completions) {
            for completion in completions {
                let ids = [prompt.as_slice(), &completion.tokens].concat();
                examples.push(Example {
                    ids,
                    prompt: prompt.len(),
                });
                logps.push(completion.logps);
            }
        }
        if let Some((found, _)) = self.divergence(&examples, &logps).await? {
            self.observe(found.observation(step, true), measured)?;
        }
        Ok(examples
            .iter()
            .map(|example| example.ids.len() as u64)
            .sum())
    }

    /// D over given rollouts, and the origin's log-probabilities it was computed from; `None`
    /// before there is an origin.
    pub(super) async fn divergence(
        &self,
        examples: &[Example],
        logps: &[Vec<f32>],
    ) -> Result<Option<(Divergence, Vec<Vec<f32>>)>, TrainError> {
        let Some(origin) = self.origin(self.config.balance.origin) else {
            return Ok(None);
        };
        let temperature = self.config.grpo.temperature;
        let reference = self.workers.logps(&origin, examples, temperature).await?;
        let policy: Vec<f32> = logps.iter().flatten().copied().collect();
        let flat: Vec<f32> = reference.iter().flatten().copied().collect();
        let cap = self.config.balance.d_token_cap;
        let found = crate::losses::divergence(&policy, &flat, cap);
        Ok(Some((found, reference)))
    }

    /// Tells the controller and keeps what it was told for the log. What is not finite is neither.
    pub(super) fn observe(
        &mut self,
        observation: Observation,
        measured: &mut Vec<Observation>,
    ) -> Result<(), TrainError> {
        match self.controller.observe(&observation) {
            Ok(()) => measured.push(observation),
            Err(error) => {
                let message = error.to_string();
                let alarm = super::Alarm {
                    step: self.step + 1,
                    kind: "not_finite".into(),
                    message,
                };
                self.events.push(Event::Alarm(alarm));
            }
        }
        Ok(())
    }

    /// Demonstrations as tokens, and which they are; those that are too long are left out. Which of its
    /// valid orders one comes in is drawn from `orders` (0: any) by the step and its place in the batch.
    pub(super) fn examples(
        &self,
        places: &[ProblemRef],
        step: u64,
        orders: u64,
    ) -> Result<(Vec<Example>, Vec<BatchItem>), TrainError> {
        let max = longest_example(&self.config, &self.model.spec);
        let mut variants = variants(self.config.seed, step, orders);
        let (mut examples, mut items) = (Vec::new(), Vec::new());
        for place in places {
            let problem = self.problem(place);
            let variant = self
                .study
                .task
                .variant(place.level, place.index, variants());
            let completion = self.study.task.demonstration(&problem, variant);
            let example = self.study.text.example(&problem.prompt, &completion)?;
            if example.ids.len() <= max {
                examples.push(example);
                items.push(BatchItem {
                    level: place.level,
                    index: place.index,
                    variant: Some(variant),
                    rewards: Vec::new(),
                    correct: Vec::new(),
                });
            }
        }
        if examples.is_empty() {
            return Err(TrainError::NothingFits { max });
        }
        Ok((examples, items))
    }

    /// How rollouts of a step are sampled; `attempt` counts resampling within it.
    pub(super) fn sampling(&self, step: u64, attempt: u64) -> Sampling {
        let RunConfig { grpo, seed, .. } = &self.config;
        Sampling {
            temperature: grpo.temperature,
            top_k: grpo.top_k,
            top_p: grpo.top_p,
            min_p: grpo.min_p,
            // Unlike in any other step: the noise of a completion is keyed by this.
            seed: seed.rotate_left(40) ^ (step << 8) ^ attempt,
        }
    }
}

impl Divergence {
    /// What the controller is told of it.
    pub(super) fn observation(self, step: u64, probe: bool) -> Observation {
        Observation::Divergence {
            step,
            nats: self.nats,
            probe,
            tokens: self.tokens,
            capped: self.capped,
        }
    }
}

/// Which of its valid orders each demonstration of the batch of `step` comes in, one after the
/// other: drawn from `orders` (0: any).
pub(super) fn variants(seed: u64, step: u64, orders: u64) -> impl FnMut() -> u64 {
    use rand::RngExt as _;
    let mut rng = stream(seed, Purpose::Demonstration, step, 0);
    let orders = if orders == 0 { ANY_ORDER } else { orders };
    move || rng.random_range(0..orders)
}

/// Orders are drawn from this many where any is allowed.
const ANY_ORDER: u64 = 1 << 32;

/// The attempt number of a probe's rollouts.
const PROBE_ATTEMPT: u64 = 255;
