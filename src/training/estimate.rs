//! What a run will need: memory by its sizes, time by two steps of each kind.

use super::examination::SLICE;
use super::lengths::Lengths;
use super::{Event, Loader, Session, Setup, Start, TrainError};
use crate::config::{Method, Origin, RunConfig};
use crate::model::DecoderSpec;

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

/// Memory in bytes, in float32: beyond what the program has before it opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Memory {
    /// Weights, the optimizer's moments, and the policies that divergences are measured from.
    pub weights: u64,
    /// Sampling: keys and values of the rows that are written together, their logits, and on the CPU each
    /// shard's weights laid out for decoding.
    pub cache: u64,
    /// Learning: what the largest batch leaves behind for the backward pass, its logits, and gradients.
    pub activations: u64,
    /// Saving: the files of a checkpoint.
    pub saving: u64,
    /// Data, tokenizer, and what the program itself takes while it computes.
    pub other: u64,
    /// The most at a time: sampling, learning and saving take turns.
    pub total: u64,
}

/// What the program takes while it computes, whatever the model: code that is read in, and buffers. Measured
/// on small runs on the CPU, as are the next two (`tests/memory.rs`).
const PROGRAM: u64 = 24 << 20;

/// What each shard that works by itself keeps at hand for its next allocations.
const SHARD: u64 = 20 << 20;

/// One part in so many of what is held at most lies unused between allocations.
const BETWEEN: u64 = 5;

/// Bytes of a number.
const FLOAT: u64 = 4;

impl Estimate {
    /// The estimate for what a session would be made of. Nothing is computed.
    ///
    /// # Errors
    /// If a demonstration cannot be put into tokens.
    pub fn of(setup: &Setup) -> Result<Self, TrainError> {
        let spec = &setup.model.spec;
        Ok(Self {
            parameters: setup.model.parameters.count(),
            num_hidden_layers: spec.num_hidden_layers,
            hidden_size: spec.hidden_size,
            vocabulary: spec.vocab_size,
            memory: Memory::of(setup)?,
        })
    }
}

impl Memory {
    fn of(setup: &Setup) -> Result<Self, TrainError> {
        let sizes = Sizes::of(setup)?;
        let parameters = FLOAT * setup.model.parameters.count();
        let weights = parameters * sizes.copies();
        let cache = sizes.sampling();
        let activations = sizes.learning(parameters);
        // A checkpoint is made in memory before it is written, the last of its files twice.
        let saving = weights + parameters;
        let most = weights + cache.max(activations).max(saving);
        let other = match sizes.on_cpu {
            true => PROGRAM + SHARD * sizes.at_once + most / BETWEEN,
            false => PROGRAM,
        };
        Ok(Self {
            weights,
            cache,
            activations,
            saving,
            other,
            total: most + other,
        })
    }
}

/// A batch that goes through the model at once in one shard: rows of equal width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Block {
    rows: u64,
    width: u64,
}

impl Block {
    fn positions(self) -> u64 {
        self.rows * self.width
    }
}

/// What decides how much memory a run takes.
struct Sizes<'a> {
    config: &'a RunConfig,
    spec: &'a DecoderSpec,
    lengths: Lengths,
    /// Shards that work side by side, and how many a batch is split into.
    at_once: u64,
    shards: u64,
    on_cpu: bool,
}

impl<'a> Sizes<'a> {
    fn of(setup: &'a Setup) -> Result<Self, TrainError> {
        let (config, spec) = (&setup.config, &setup.model.spec);
        let on_cpu = crate::devices::is_cpu(&setup.device);
        let shards = if on_cpu {
            config.shards.max(1) as u64
        } else {
            1
        };
        Ok(Self {
            config,
            spec,
            lengths: Lengths::of(config, setup.task.as_ref(), &setup.text, spec)?,
            at_once: if cfg!(target_family = "wasm") {
                1
            } else {
                shards
            },
            shards,
            on_cpu,
        })
    }

    /// Times that all weights are held: themselves, two moments an optimizer, and the policies that D and
    /// the KL are measured from.
    fn copies(&self) -> u64 {
        let balance = &self.config.balance;
        let optimizers = if self.config.optimizer.separate { 2 } else { 1 };
        let base = [Some(balance.origin), balance.kl_origin].contains(&Some(Origin::Base));
        1 + 2 * optimizers + 1 + u64::from(base)
    }

    /// The blocks of one shard, where `rows` of at most `width` are dealt among the shards and worked off in
    /// `micro_batches`.
    fn block(&self, rows: usize, width: usize, micro_batches: usize) -> Block {
        let of_shard = (rows as u64).div_ceil(self.shards);
        Block {
            rows: of_shard.div_ceil(micro_batches.max(1) as u64),
            width: width as u64,
        }
    }

    /// Whether steps of GRPO are taken.
    fn asks(&self) -> bool {
        let balance = &self.config.balance;
        match balance.method {
            Method::Sft => false,
            Method::Constant => balance.constant_p < 1.0,
            Method::Periodic => balance.period > 1,
            Method::Static => balance.static_share < 1.0,
            Method::Sasr | Method::Grpo | Method::Cosine => true,
        }
    }

    /// Memory while learning, of the step that takes most.
    fn learning(&self, parameters: u64) -> u64 {
        let config = self.config;
        let Lengths {
            demonstration,
            base,
            rollout,
            ..
        } = self.lengths;
        let micro = config.sft.gradient_accumulation_steps;
        let mut blocks = vec![
            (
                self.block(config.sft.batch_size, demonstration, micro),
                micro,
            ),
            (self.block(config.base.batch_size, base, 1), 1),
        ];
        if self.asks() {
            let grpo = &config.grpo;
            let rows = grpo.num_prompts * grpo.num_generations;
            let micro = grpo.gradient_accumulation_steps;
            blocks.push((self.block(rows, rollout, micro), micro));
        }
        let gradients = self.at_once * parameters;
        let bytes = |(block, micro): &(Block, usize)| {
            // Where micro-batches are added up, the sum so far stays.
            let held = if *micro > 1 { gradients } else { 0 };
            let block = self.at_once * self.backward(*block);
            // Going backward, gradients take the place of what was left behind, layer by layer.
            let last = block / (self.spec.num_hidden_layers as u64 + 1);
            held + block.max(gradients + last)
        };
        blocks.iter().map(bytes).max().unwrap_or(0)
    }

    /// What a block leaves behind for the backward pass, and what that makes on its way.
    fn backward(&self, block: Block) -> u64 {
        let spec = self.spec;
        let [width, inner] = [spec.hidden_size, spec.intermediate_size].map(|n| n as u64);
        let queries = (spec.num_attention_heads * spec.head_dim) as u64;
        let keys = (spec.num_key_value_heads * spec.head_dim) as u64;
        // The residual stream before and after attention, each normed; queries, keys, values and what
        // attention makes of them; gate, up and their product.
        let mut layer = 4 * width + 2 * queries + 2 * keys + 3 * inner;
        layer += spec.num_attention_heads as u64;
        if spec.qk_norm {
            layer += queries + keys;
        }
        let layers = spec.num_hidden_layers as u64 * layer;
        // The last norm, and gradients of the layer in hand.
        let beside = 2 * width + (2 * inner + 3 * width).max(2 * queries + 2 * keys + width);
        let per_position = layers + beside;
        FLOAT * (block.positions() * per_position + self.logits() + self.head())
    }

    /// Logits that are held at a time: a few rows of the whole vocabulary.
    fn logits(&self) -> u64 {
        const HELD: u64 = 1 << 16;
        let vocabulary = self.spec.vocab_size as u64;
        (HELD / vocabulary).clamp(16, 256) * vocabulary
    }

    /// The gradient of the output projection, before it is among the others.
    fn head(&self) -> u64 {
        (self.spec.vocab_size * self.spec.hidden_size) as u64
    }

    /// Memory while sampling, of rollouts or of an exam or test.
    fn sampling(&self) -> u64 {
        let (config, spec) = (self.config, self.spec);
        let mut rows = Vec::new();
        if self.asks() {
            rows.push(config.grpo.num_prompts * config.grpo.num_generations);
        }
        if config.exam.every > 0 {
            rows.push(config.exam.problems.min(SLICE));
        }
        if config.evaluation.problems > 0 {
            let problems = config.evaluation.problems.min(SLICE);
            rows.push(problems * config.evaluation.samples.max(1));
        }
        let rows = rows.into_iter().max().unwrap_or(0) as u64;
        let capacity = (self.lengths.rollout as u64).next_multiple_of(16);
        let keys = (spec.num_key_value_heads * spec.head_dim) as u64;
        let held = 2 * spec.num_hidden_layers as u64 * keys * capacity;
        // A batch that would take more is worked off in parts.
        let cached = (rows * held).min(self.at_once * (1 << 28));
        let logits = 2 * rows * spec.vocab_size as u64;
        let laid_out = match self.on_cpu {
            true => self.at_once * self.matrices(),
            false => 0,
        };
        FLOAT * (cached + logits + laid_out)
    }

    /// Numbers in the matrices that decoding multiplies by.
    fn matrices(&self) -> u64 {
        let spec = self.spec;
        let [width, inner] = [spec.hidden_size, spec.intermediate_size].map(|n| n as u64);
        let queries = (spec.num_attention_heads * spec.head_dim) as u64;
        let keys = (spec.num_key_value_heads * spec.head_dim) as u64;
        let layer = 2 * width * queries + 2 * width * keys + 3 * width * inner;
        spec.num_hidden_layers as u64 * layer + self.head()
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
    fn memory_grows_with_what_it_is_for() {
        let plain = setup(&["shards=1"]);
        let estimate = Estimate::of(&plain).expect("an estimate");
        assert_eq!(estimate.vocabulary, plain.model.spec.vocab_size);
        // Weights, two moments, the origin.
        assert_eq!(estimate.memory.weights, 4 * 4 * estimate.parameters);
        let memory = |set: &[&str]| Estimate::of(&setup(set)).expect("an estimate").memory;
        let Memory {
            weights,
            cache,
            activations,
            saving,
            other,
            total,
        } = estimate.memory;
        // The model is small: nothing takes as much as a checkpoint's files and one of them again.
        assert_eq!(saving, 4 * 5 * estimate.parameters);
        assert_eq!(total, weights + cache.max(activations).max(saving) + other);
        let base = memory(&["shards=1", "balance.origin=\"base\""]);
        assert_eq!(base.weights, 4 * 5 * estimate.parameters);
        let separate = memory(&["shards=1", "optimizer.separate=true"]);
        assert_eq!(separate.weights, 4 * 6 * estimate.parameters);
        let rollouts = memory(&["shards=1", "grpo.num_generations=256"]);
        assert!(rollouts.cache > cache);
        let batch = memory(&["shards=1", "sft.batch_size=256"]);
        assert!(batch.activations > activations && batch.total > total);
        // Half of the batch at a time, and the gradients are added up.
        let halves = [
            "shards=1",
            "sft.batch_size=256",
            "sft.gradient_accumulation_steps=2",
        ];
        let halves = memory(&halves).activations;
        assert!(
            halves < batch.activations * 6 / 10,
            "{halves} {}",
            batch.activations
        );
        // Demonstrations are as long as they are, however many positions the model has.
        let positions = memory(&["shards=1", "model.max_position_embeddings=4096"]);
        assert_eq!(positions.activations, activations);
        let completions = memory(&[
            "shards=1",
            "model.max_position_embeddings=4096",
            "grpo.max_completion_length=400",
        ]);
        assert!(completions.activations > 4 * activations);
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
