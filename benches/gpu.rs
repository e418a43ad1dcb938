//! Launches, first step and step time of SFT on a graphics card, with our kernels and with burn's
//! own operations.
//!
//! ```text
//! cargo bench --bench gpu                 # 4 layers, width 128, 16 × 64 tokens
//! cargo bench --bench gpu -- --quick      # 2 layers, width 64, 4 × 32 tokens
//! cargo bench --bench gpu -- --ours       # without burn's own operations
//! ```
//!
//! burn's matrix products take tens of seconds to compile on a software adapter, once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use burn::cubecl::logging::{LaunchObservation, LaunchObserver};
use burn::tensor::Device;
use sasr::config::{ModelConfig, OptimizerConfig};
use sasr::kernels;
use sasr::model::{DecoderSpec, Model, Parameters};
use sasr::text::Example;
use sasr::training::{AdamW, Shards, Workers};

/// Counts every launch, ours and burn's, by the kernel's name.
#[derive(Default)]
struct Counter(Mutex<BTreeMap<&'static str, u64>>);

impl Counter {
    fn take(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LaunchObserver for Counter {
    fn launched(&self, kernel: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(kernel).or_default() += 1;
    }
}

/// The sizes of the step.
struct Shape {
    layers: usize,
    width: usize,
    rows: usize,
    time: usize,
}

/// A model and what trains it.
struct Bench {
    model: Model,
    workers: Workers,
    optimizer: AdamW,
    examples: Vec<Example>,
}

impl Bench {
    fn new(shape: &Shape, device: &Device) -> Self {
        let config = ModelConfig {
            hidden_size: shape.width,
            num_hidden_layers: shape.layers,
            num_attention_heads: (shape.width / 32).max(1),
            max_position_embeddings: 512,
            ..ModelConfig::default()
        };
        let spec = DecoderSpec::from_config(&config, 99);
        let parameters = Parameters::random(&spec, 0.02, 0, device);
        let shards = Shards::new(1, device).expect("a device without threads");
        let ids = |row: usize| {
            (0..shape.time)
                .map(|t| (3 + (row * 31 + t * 7) % 87) as u32)
                .collect()
        };
        let example = |row| Example {
            ids: ids(row),
            prompt: 1,
        };
        Self {
            optimizer: AdamW::new(&parameters),
            model: Model::new(spec, parameters, device),
            workers: Workers::new(shards, device.clone(), 0),
            examples: (0..shape.rows).map(example).collect(),
        }
    }

    /// One SFT step; seconds until it is done, and the loss before it.
    fn step(&mut self) -> (f64, f64) {
        let start = Instant::now();
        let gradient = self.workers.sft(&self.model, self.examples.clone(), 1);
        let gradient = pollster::block_on(gradient).expect("an SFT gradient");
        let loss = gradient.loss;
        let config = OptimizerConfig::default();
        let shards = self.workers.shards();
        let parameters = &mut self.model.parameters;
        let step = self
            .optimizer
            .step(parameters, gradient, 1e-3, &config, shards);
        pollster::block_on(step);
        let last = self.model.parameters.entries.last().expect("a parameter");
        last.tensor.device().sync().expect("the device works");
        (start.elapsed().as_secs_f64(), loss)
    }
}

fn measure(what: &str, shape: &Shape, device: &Device, repeats: usize) {
    let counter = Arc::new(Counter::default());
    let watching = LaunchObservation::new(counter.clone());
    let mut bench = Bench::new(shape, device);
    let (first, _) = bench.step();
    counter.take();
    let ours = kernels::dispatches();
    let (_, loss) = bench.step();
    let ours = kernels::dispatches() - ours;
    let counts = counter.take();
    drop(watching);
    let mut times: Vec<f64> = (0..repeats).map(|_| bench.step().0).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{what}: first step {first:.2} s, then {:.4} s; {} launches a step, {ours} of them ours; \
         loss {loss:.5}",
        times[times.len() / 2],
        counts.values().sum::<u64>(),
    );
    for (kernel, count) in counts {
        println!("    {count:5} × {kernel}");
    }
}

fn main() {
    let given = |flag: &str| std::env::args().any(|argument| argument == flag);
    let device = match Device::wgpu_options().init() {
        Ok(device) => device,
        Err(error) => {
            println!("no graphics adapter: {error}");
            return;
        }
    };
    let shape = if given("--quick") {
        Shape {
            layers: 2,
            width: 64,
            rows: 4,
            time: 32,
        }
    } else {
        Shape {
            layers: 4,
            width: 128,
            rows: 16,
            time: 64,
        }
    };
    println!(
        "SFT: {} layers, width {}, {} × {} tokens",
        shape.layers, shape.width, shape.rows, shape.time
    );
    let repeats = if given("--quick") { 5 } else { 9 };
    measure("our kernels", &shape, &device, repeats);
    if !given("--ours") {
        kernels::prefer_portable(true);
        measure("burn's operations", &shape, &device, repeats);
    }
    // A software driver that is unloaded in the middle of its work crashes the process.
    device.sync().expect("everything was computed");
}
