//! What is measured: SFT steps and rollouts of models of several sizes.

use std::fmt;

use burn::tensor::Device;
use sasr::config::{ModelConfig, OptimizerConfig};
use sasr::model::{DecoderSpec, Model, Parameters};
use sasr::rollout::{Limits, Request, Sampling, generate};
use sasr::text::Example;
use sasr::training::{AdamW, Shards, Workers};

const VOCABULARY: usize = 99;

/// The sizes of a model and of a batch.
#[derive(Clone)]
pub struct Shape {
    pub layers: usize,
    pub width: usize,
    pub rows: usize,
    pub time: usize,
}

impl Shape {
    pub fn new(layers: usize, width: usize, rows: usize, time: usize) -> Self {
        Self {
            layers,
            width,
            rows,
            time,
        }
    }

    pub fn with_width(&self, width: usize) -> Self {
        Self {
            width,
            ..self.clone()
        }
    }

    pub fn with_layers(&self, layers: usize) -> Self {
        Self {
            layers,
            ..self.clone()
        }
    }

    pub fn with_rows(&self, rows: usize) -> Self {
        Self {
            rows,
            ..self.clone()
        }
    }

    fn model(&self, device: &Device) -> Model {
        let config = ModelConfig {
            hidden_size: self.width,
            num_hidden_layers: self.layers,
            num_attention_heads: (self.width / 32).max(1),
            max_position_embeddings: 512,
            ..ModelConfig::default()
        };
        let spec = DecoderSpec::from_config(&config, VOCABULARY);
        let parameters = Parameters::random(&spec, 0.02, 0, device);
        Model::new(spec, parameters, device)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            layers,
            width,
            rows,
            time,
        } = self;
        write!(f, "{layers} layers, width {width}, {rows} × {time} tokens")
    }
}

/// Tokens of a row.
fn ids(row: usize, count: usize) -> Vec<u32> {
    let token = |t| (3 + (row * 31 + t * 7) % 87) as u32;
    (0..count).map(token).collect()
}

/// A model and what trains it.
pub struct Training {
    model: Model,
    workers: Workers,
    optimizer: AdamW,
    examples: Vec<Example>,
    /// Before the last step.
    pub loss: f64,
}

impl Training {
    pub fn new(shape: &Shape, device: &Device) -> Self {
        let model = shape.model(device);
        let shards = Shards::new(1, device).expect("a device without threads");
        let example = |row| Example {
            ids: ids(row, shape.time),
            prompt: 1,
        };
        Self {
            optimizer: AdamW::new(&model.parameters),
            workers: Workers::new(shards, device.clone(), 0),
            examples: (0..shape.rows).map(example).collect(),
            loss: f64::NAN,
            model,
        }
    }

    /// One SFT step, until it is done.
    pub fn step(&mut self) {
        let gradient = self.workers.sft(&self.model, self.examples.clone(), 1);
        let gradient = pollster::block_on(gradient).expect("an SFT gradient");
        self.loss = gradient.loss;
        let config = OptimizerConfig::default();
        let shards = self.workers.shards();
        let parameters = &mut self.model.parameters;
        let step = self
            .optimizer
            .step(parameters, gradient, 1e-3, &config, shards);
        pollster::block_on(step);
        self.model.device().sync().expect("the device works");
    }

    /// Operations of a step by the usual count: 2 for each number of a matrix and each token forwards,
    /// 4 backwards; attention's own are left out.
    pub fn operations(&self) -> f64 {
        let tokens: usize = self.examples.iter().map(|e| e.ids.len()).sum();
        6.0 * matrices(&self.model) * tokens as f64
    }
}

/// Numbers in a model's matrices, the one table of embeddings and head counted once.
pub fn matrices(model: &Model) -> f64 {
    let entries = model.parameters.entries.iter();
    let matrices = entries.filter(|entry| entry.shape.len() > 1);
    matrices
        .map(|entry| entry.shape.iter().product::<usize>() as f64)
        .sum()
}

/// A model and what it is asked.
pub struct Rollouts {
    model: Model,
    requests: Vec<Request>,
    limits: Limits,
}

/// Tokens of a prompt.
const PROMPT: usize = 24;

impl Rollouts {
    pub fn new(shape: &Shape, [prompts, group, tokens]: [usize; 3], device: &Device) -> Self {
        let request = |problem| Request {
            problem: problem as u64,
            prompt: ids(problem, PROMPT),
            samples: group,
        };
        Self {
            model: shape.model(device),
            requests: (0..prompts).map(request).collect(),
            limits: Limits {
                max_completion_length: tokens,
                stops: Vec::new(),
                pad: 0,
            },
        }
    }

    /// All completions, none of which ends before its limit.
    pub fn generate(&self) {
        let sampling = Sampling::at(1.0, 7);
        let all = generate(&self.model, &self.requests, &sampling, &self.limits);
        let all = pollster::block_on(all).expect("the device completes the prompts");
        let limit = self.limits.max_completion_length;
        assert!(all.iter().flatten().all(|c| c.tokens.len() == limit));
    }

    /// Operations by the usual count: 2 for each number of a matrix and each token; attention's own are
    /// left out.
    pub fn operations(&self) -> f64 {
        let limit = self.limits.max_completion_length;
        let tokens = |request: &Request| request.prompt.len() + request.samples * limit;
        let tokens: usize = self.requests.iter().map(tokens).sum();
        2.0 * matrices(&self.model) * tokens as f64
    }
}
