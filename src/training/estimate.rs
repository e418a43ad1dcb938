//! What a run will need: memory by its sizes, time by two steps of each kind.

use super::{Event, Loader, Session, Setup, Start, TrainError};
use crate::config::{Method, RunConfig};

/// The sizes of a run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// Trained numbers.
    pub parameters: u64,
    pub num_hidden_layers: usize,
    pub hidden_size: usize,
    /// Rows of the model's embedding.
    pub vocabulary: usize,
    pub memory: Memory,
}

/// Memory in bytes, in float32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Memory {
    /// Weights, the optimizer's moments, the origin and gradients.
    pub weights: u64,
    /// Keys and values of all rollouts of a GRPO step.
    pub cache: u64,
    /// What the largest batch leaves behind for the backward pass, at most.
    pub activations: u64,
    /// The most at a time: rollouts and backward passes take turns.
    pub total: u64,
}

/// Positions that prompts are taken to have besides a completion.
const PROMPT: usize = 128;

impl Estimate {
    /// The estimate for what a session would be made of. Nothing is computed.
    pub fn of(setup: &Setup) -> Self {
        let spec = &setup.model.spec;
        Self {
            parameters: setup.model.parameters.count(),
            num_hidden_layers: spec.num_hidden_layers,
            hidden_size: spec.hidden_size,
            vocabulary: spec.vocab_size,
            memory: Memory::of(setup),
        }
    }
}

impl Memory {
    fn of(setup: &Setup) -> Self {
        let (config, spec) = (&setup.config, &setup.model.spec);
        // Weights, two moments, the origin, and a gradient for each shard, in float32.
        let optimizers = if config.optimizer.separate { 2 } else { 1 };
        let copies = 1 + 2 * optimizers + 1 + config.shards as u64;
        let weights = 4 * copies * setup.model.parameters.count();
        let rows = config.grpo.num_prompts * config.grpo.num_generations;
        let positions = spec
            .max_position_embeddings
            .min(config.grpo.max_completion_length + PROMPT);
        let per_position = spec.num_hidden_layers * spec.num_key_value_heads * spec.head_dim;
        let cache = (4 * 2 * rows * positions * per_position) as u64;
        // What a token leaves behind for the backward pass: per layer about ten vectors of the
        // residual's width and three of the feed-forward layer's.
        let per_token =
            4 * spec.num_hidden_layers * (10 * spec.hidden_size + 3 * spec.intermediate_size);
        let tokens = (rows * positions).max(config.sft.batch_size * spec.max_position_embeddings);
        let activations = (tokens * per_token) as u64;
        Self {
            weights,
            cache,
            activations,
            total: weights + cache.max(activations),
        }
    }
}

/// Seconds of one step of each kind.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StepTimes {
    pub sft: f64,
    /// With the untrained model, whose answers run to the limit.
    pub grpo: f64,
}

impl StepTimes {
    /// Seconds that training the base model takes; 0 without one.
    pub fn base(&self, config: &RunConfig) -> f64 {
        let step = self.sft * config.base.batch_size as f64 / config.sft.batch_size.max(1) as f64;
        step * config.base.steps as f64
    }

    /// Seconds that the steps of the run take, at least and at most: all of one kind or all of the
    /// other. Exams and tests are not counted.
    pub fn range(&self, config: &RunConfig) -> (f64, f64) {
        let steps = config.max_steps as f64;
        (
            steps * self.sft.min(self.grpo),
            steps * self.sft.max(self.grpo),
        )
    }
}

/// Takes two steps of each kind with the configured sizes, here and now, and measures the second.
///
/// # Errors
/// What keeps a session of the configuration from being made or from going on.
pub async fn measure_steps(
    config: &RunConfig,
    loader: &Loader<'_>,
) -> Result<StepTimes, TrainError> {
    Ok(StepTimes {
        sft: seconds_per_step(config, Method::Sft, loader).await?,
        grpo: seconds_per_step(config, Method::Grpo, loader).await?,
    })
}

async fn seconds_per_step(
    config: &RunConfig,
    method: Method,
    loader: &Loader<'_>,
) -> Result<f64, TrainError> {
    let mut config = config.clone();
    config.balance.method = method;
    config.max_steps = 2;
    config.base.steps = 0;
    config.evaluation.problems = 0;
    config.exam.problems = 0;
    let device = crate::devices::open_for(&config).await?;
    let setup = Setup::new(config, device, loader)?;
    // The first step compiles what a card needs, and only the second one counts.
    let mut session = Session::new(setup, Start::Fresh)?.unprepared();
    let mut seconds = 0.0;
    while !session.is_done() {
        crate::clock::breathe().await;
        for event in session.step().await? {
            if let Event::Step(record) = event {
                seconds = record.step_time;
            }
        }
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[&str]) -> RunConfig {
        let text = "[model]\nhidden_size = 16\nnum_hidden_layers = 1\nnum_attention_heads = 2\n\
                    [grpo]\nnum_prompts = 2\nnum_generations = 2\nmax_completion_length = 8\n\
                    [sft]\nbatch_size = 4\n[base]\nsteps = 30\nbatch_size = 8";
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        RunConfig::from_toml(text, "test", &set).expect("a sound configuration")
    }

    fn setup(set: &[&str]) -> Setup {
        let config = config(set);
        let device = pollster::block_on(crate::devices::open_for(&config)).expect("a device");
        Setup::new(config, device, &|path| std::fs::read(path)).expect("a setup")
    }

    #[test]
    fn memory_is_counted_in_bytes_and_grows_with_what_it_is_for() {
        let plain = setup(&["shards=1"]);
        let estimate = Estimate::of(&plain);
        assert_eq!(estimate.vocabulary, plain.model.spec.vocab_size);
        // Weights, two moments, the origin, one gradient.
        assert_eq!(estimate.memory.weights, 4 * 5 * estimate.parameters);
        // 4 rollouts of 8 + 128 positions, keys and values of 16 numbers.
        assert_eq!(estimate.memory.cache, 4 * (8 + 128) * 2 * 16 * 4);
        let memory = |set: &[&str]| Estimate::of(&setup(set)).memory;
        let largest = estimate.memory.cache.max(estimate.memory.activations);
        assert_eq!(estimate.memory.total, estimate.memory.weights + largest);
        let shards = memory(&["shards=3"]);
        assert_eq!(shards.weights, 4 * 7 * estimate.parameters);
        assert_eq!(shards.cache, estimate.memory.cache);
        let rollouts = memory(&["shards=1", "grpo.num_generations=4"]);
        assert_eq!(rollouts.cache, 2 * estimate.memory.cache);
        let batch = memory(&["shards=1", "sft.batch_size=64"]);
        assert!(batch.activations > estimate.memory.activations);
        assert!(batch.total > estimate.memory.total);
    }

    #[test]
    fn times_add_up() {
        let config = config(&["max_steps=200"]);
        let times = StepTimes {
            sft: 0.5,
            grpo: 0.25,
        };
        assert_eq!(times.base(&config), 0.5 * 2.0 * 30.0);
        assert_eq!(times.range(&config), (50.0, 100.0));
    }

    #[test]
    fn both_kinds_of_steps_are_measured() {
        let read = |path: &str| std::fs::read(path);
        let times = pollster::block_on(measure_steps(&config(&[]), &read)).expect("times");
        assert!(times.sft > 0.0 && times.grpo > 0.0, "{times:?}");
        let error = pollster::block_on(measure_steps(&config(&["sft.max_length=2"]), &read));
        assert!(matches!(error, Err(TrainError::TooLong(_))));
    }
}
