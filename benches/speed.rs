//! Speed on the CPU at the shapes of TRL's GRPO on a tiny llama: an SFT step, decoding, a GRPO step
//! with its parts, how cost grows with width, group size and shards, and each fused operation
//! against its portable version.
//!
//! ```text
//! cargo bench --bench speed                      # our numbers
//! cargo bench --bench speed -- --quick           # fewer repetitions
//! SASR_PEER="python3 trl_bench.py" cargo bench --bench speed -- --peer
//! ```
//!
//! With `--peer` the command in `SASR_PEER` is run in the same sitting as
//! `$SASR_PEER 128 4 16 8 32 8` (width, layers, prompts, group, new tokens, steps) and has to print
//! lines that begin with `hf_generate_tok_per_s N`, `sft_tok_per_s N` and `grpo_step_s median S`;
//! ratios to it are printed. Times are medians.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use sasr::config::{GrpoConfig, ModelConfig, OptimizerConfig, ScaleRewards};
use sasr::kernels;
use sasr::losses::{Aggregation, advantages};
use sasr::model::{DecoderSpec, Model, Parameters};
use sasr::rollout::{Limits, Request, Sampling};
use sasr::text::Example;
use sasr::training::{AdamW, PolicyRow, Shards, Workers};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VOCABULARY: usize = 99;

/// The shapes of one measurement.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    layers: usize,
    prompts: usize,
    group: usize,
    new_tokens: usize,
    shards: usize,
}

const SHAPE: Shape = Shape {
    width: 128,
    layers: 4,
    prompts: 16,
    group: 8,
    new_tokens: 32,
    shards: 2,
};

struct Bench {
    shape: Shape,
    model: Model,
    workers: Workers,
    optimizer: AdamW,
}

/// The median seconds of `repeats` runs after one to warm up.
fn median(repeats: usize, mut run: impl FnMut()) -> f64 {
    run();
    let mut times: Vec<f64> = (0..repeats)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

impl Bench {
    fn new(shape: Shape) -> Self {
        let device = Device::flex();
        let config = ModelConfig {
            hidden_size: shape.width,
            num_hidden_layers: shape.layers,
            num_attention_heads: (shape.width / 32).max(1),
            max_position_embeddings: 512,
            ..ModelConfig::default()
        };
        let spec = DecoderSpec::from_config(&config, VOCABULARY);
        let parameters = Parameters::random(&spec, 0.02, 0, &device);
        let shards = Shards::new(shape.shards, &device).expect("threads");
        Self {
            shape,
            optimizer: AdamW::new(&parameters),
            model: Model::new(spec, parameters, &device),
            workers: Workers::new(shards, device, 0),
        }
    }

    /// One SFT step on 32 sequences of 64 tokens; seconds.
    fn sft(&mut self, repeats: usize) -> f64 {
        let ids = |row: usize| {
            (0..64)
                .map(|t| (3 + (row * 31 + t * 7) % 87) as u32)
                .collect()
        };
        let examples: Vec<Example> = (0..32)
            .map(|row| Example {
                ids: ids(row),
                prompt: 1,
            })
            .collect();
        let Self {
            model,
            workers,
            optimizer,
            ..
        } = self;
        median(repeats, || {
            let gradient = workers.sft(model, examples.clone(), 1);
            let gradient = pollster::block_on(gradient).expect("an SFT gradient");
            let config = OptimizerConfig::default();
            let shards = workers.shards();
            let step = optimizer.step(&mut model.parameters, gradient, 1e-3, &config, shards);
            pollster::block_on(step);
        })
    }

    fn requests(&self, prompt: usize) -> Vec<Request> {
        let ids = |row: usize| {
            (0..prompt)
                .map(|t| (3 + (row * 17 + t * 5) % 87) as u32)
                .collect()
        };
        let request = |row| Request {
            problem: row as u64,
            prompt: ids(row),
            samples: self.shape.group,
        };
        (0..self.shape.prompts).map(request).collect()
    }

    fn limits(&self) -> Limits {
        Limits {
            max_completion_length: self.shape.new_tokens,
            stops: Vec::new(),
            pad: 0,
        }
    }

    /// Completions for all prompts of 16 tokens; seconds.
    fn decode(&self, repeats: usize) -> f64 {
        let (requests, limits) = (self.requests(16), self.limits());
        median(repeats, || {
            let sampling = Sampling::at(1.0, 1);
            let all = self
                .workers
                .generate(&self.model, requests.clone(), &sampling, &limits);
            std::hint::black_box(pollster::block_on(all).expect("completions"));
        })
    }

    /// A GRPO step: completions, rewards and advantages, gradient, update; seconds of the whole and
    /// of its parts.
    fn grpo(&mut self, repeats: usize) -> [f64; 4] {
        let (requests, limits) = (self.requests(12), self.limits());
        let config = GrpoConfig {
            num_generations: self.shape.group,
            max_completion_length: self.shape.new_tokens,
            ..GrpoConfig::default()
        };
        let Self {
            model,
            workers,
            optimizer,
            ..
        } = self;
        let mut parts = [Vec::new(), Vec::new(), Vec::new()];
        let mut seed = 0;
        let whole = median(repeats, || {
            seed += 1;
            let start = Instant::now();
            let sampling = Sampling::at(1.0, seed);
            let all = workers.generate(model, requests.clone(), &sampling, &limits);
            let all = pollster::block_on(all).expect("completions");
            parts[0].push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let digits = |tokens: &[u32]| {
                let hits = tokens
                    .iter()
                    .filter(|token| (19..29).contains(*token))
                    .count();
                hits as f64 / tokens.len() as f64
            };
            let flat = all.iter().flatten();
            let rewards: Vec<_> = flat.map(|c| vec![Some(digits(&c.tokens))]).collect();
            let group = requests[0].samples;
            let advantages = advantages(
                &rewards,
                &[1.0],
                group,
                ScaleRewards::Group,
                Aggregation::SumThenNormalize,
            );
            let rows = requests
                .iter()
                .zip(&all)
                .flat_map(|(request, completions)| {
                    completions.iter().map(|completion| Example {
                        ids: [request.prompt.as_slice(), &completion.tokens].concat(),
                        prompt: request.prompt.len(),
                    })
                });
            let rows = rows
                .zip(&advantages.values)
                .map(|(example, &advantage)| PolicyRow {
                    example,
                    advantage,
                    old_logps: None,
                    ref_logps: None,
                    masked: false,
                    skipped: false,
                });
            let gradient = workers.policy(model, rows.collect(), &config);
            let (gradient, _) = pollster::block_on(gradient).expect("a policy gradient");
            parts[1].push(start.elapsed().as_secs_f64());
            let start = Instant::now();
            let config = OptimizerConfig::default();
            let shards = workers.shards();
            let step = optimizer.step(&mut model.parameters, gradient, 1e-4, &config, shards);
            pollster::block_on(step);
            parts[2].push(start.elapsed().as_secs_f64());
        });
        let middle = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let [a, b, c] = &mut parts;
        [whole, middle(a), middle(b), middle(c)]
    }

    fn decoded(&self) -> f64 {
        (self.shape.prompts * self.shape.group * self.shape.new_tokens) as f64
    }
}

/// The peer's [SFT tokens/s, decoded tokens/s, seconds per GRPO step].
fn peer() -> Option<[f64; 3]> {
    let command = std::env::var("SASR_PEER").ok()?;
    let mut words = command.split_whitespace();
    println!("\nrunning the peer: {command} 128 4 16 8 32 8");
    let output = std::process::Command::new(words.next()?)
        .args(words)
        .args(["128", "4", "16", "8", "32", "8"])
        .output()
        .map_err(|error| println!("the peer cannot be run: {error}"))
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |prefix: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(prefix))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let found = [
        number("sft_tok_per_s ")?,
        number("hf_generate_tok_per_s ")?,
        number("grpo_step_s median ")?,
    ];
    Some(found)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let repeats = if has("--quick") { 3 } else { 15 };
    let mut bench = Bench::new(SHAPE);
    println!(
        "{} parameters, {} shards",
        bench.model.parameters.count(),
        SHAPE.shards
    );
    let sft = bench.sft(repeats);
    println!(
        "SFT step 32 × 64       {:8.1} ms   {:8.0} tokens/s",
        sft * 1e3,
        2048.0 / sft
    );
    let decode = bench.decode(repeats);
    let rate = bench.decoded() / decode;
    println!(
        "decode 128 × 32        {:8.1} ms   {rate:8.0} tokens/s",
        decode * 1e3
    );
    let [whole, sample, gradient, update] = bench.grpo(repeats);
    println!(
        "GRPO step 16 × 8 × 32  {:8.1} ms   sampling {:.1}, rewards and gradient {:.1}, update {:.1}",
        whole * 1e3,
        sample * 1e3,
        gradient * 1e3,
        update * 1e3
    );
    if has("--peer") {
        match peer() {
            None => println!("no peer: set SASR_PEER to a command (see the head of this file)"),
            Some([peer_sft, peer_decode, peer_grpo]) => {
                println!(
                    "peer: SFT {peer_sft:.0} tokens/s, decode {peer_decode:.0} tokens/s, \
                     GRPO step {peer_grpo:.3} s"
                );
                // Ours once more after the peer: where a machine's speed drifts, the mean is fair.
                let again = [
                    bench.sft(repeats),
                    bench.decode(repeats),
                    bench.grpo(repeats)[0],
                ];
                println!(
                    "ours again: {:.1}, {:.1}, {:.1} ms",
                    again[0] * 1e3,
                    again[1] * 1e3,
                    again[2] * 1e3
                );
                let mean = |first: f64, again: f64| 0.5 * (first + again);
                println!(
                    "ratio SFT    {:.2}",
                    2048.0 / mean(sft, again[0]) / peer_sft
                );
                println!(
                    "ratio decode {:.2}",
                    bench.decoded() / mean(decode, again[1]) / peer_decode
                );
                println!("ratio GRPO   {:.2}", peer_grpo / mean(whole, again[2]));
            }
        }
    }
    growth(repeats.min(5));
    operations(repeats);
}

/// How cost grows with width, group size and shards.
fn growth(repeats: usize) {
    println!(
        "\n{:<24}{:>12}{:>14}{:>12}",
        "", "SFT tok/s", "decode tok/s", "GRPO ms"
    );
    let row = |name: String, shape: Shape| {
        let mut bench = Bench::new(shape);
        let (sft, decode) = (bench.sft(repeats), bench.decode(repeats));
        let [grpo, ..] = bench.grpo(repeats);
        let rate = bench.decoded() / decode;
        println!(
            "{name:<24}{:>12.0}{rate:>14.0}{:>12.1}",
            2048.0 / sft,
            grpo * 1e3
        );
    };
    for width in [64, 128, 256] {
        row(format!("width {width}"), Shape { width, ..SHAPE });
    }
    for group in [4, 8, 16] {
        row(format!("group {group}"), Shape { group, ..SHAPE });
    }
    for shards in [1, 2, 4] {
        row(format!("shards {shards}"), Shape { shards, ..SHAPE });
    }
}

fn leaf<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let size: usize = shape.iter().product();
    let values: Vec<f32> = (0..size)
        .map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff()).require_grad()
}

/// Each fused operation against its portable version, forward and backward, in one thread.
fn operations(repeats: usize) {
    println!("\noperation, forward and backward    fused ms  portable ms   ratio");
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a thread");
    let compare = |name: &str, fused: &(dyn Fn() + Sync), portable: &(dyn Fn() + Sync)| {
        let [fused, portable] = one.install(|| [median(repeats, fused), median(repeats, portable)]);
        let ratio = portable / fused;
        println!(
            "{name:<34}{:>9.2}{:>13.2}{ratio:>8.1}",
            fused * 1e3,
            portable * 1e3
        );
    };
    let back = |output: Tensor<2>| drop(output.sum().backward());
    let back4 = |output: Tensor<4>| drop(output.sum().backward());
    let (x, gamma) = (leaf([1024, 128]), leaf([128]));
    compare(
        "rms_norm 1024 × 128",
        &|| {
            back(kernels::rms_norm(
                x.clone().mul_scalar(1.0),
                gamma.clone().mul_scalar(1.0),
                1e-6,
            ))
        },
        &|| {
            let (x, gamma) = (x.clone().mul_scalar(1.0), gamma.clone().mul_scalar(1.0));
            back(kernels::rms_norm_portable(x, gamma, 1e-6));
        },
    );
    let (gate, up) = (leaf([1024, 512]), leaf([1024, 512]));
    compare(
        "swiglu 1024 × 512",
        &|| {
            back(kernels::swiglu(
                gate.clone().mul_scalar(1.0),
                up.clone().mul_scalar(1.0),
            ))
        },
        &|| {
            back(kernels::swiglu_portable(
                gate.clone().mul_scalar(1.0),
                up.clone().mul_scalar(1.0),
            ))
        },
    );
    let [q, k, v] = [(); 3].map(|()| leaf([16, 64, 4, 32]));
    let fresh = |x: &Tensor<4>| x.clone().mul_scalar(1.0);
    compare(
        "causal_attention 16 × 64 × 4 × 32",
        &|| back4(kernels::causal_attention(fresh(&q), fresh(&k), fresh(&v))),
        &|| {
            back4(kernels::causal_attention_portable(
                fresh(&q),
                fresh(&k),
                fresh(&v),
            ))
        },
    );
    let (x, weight) = (leaf([1024, 128]), leaf([512, 128]));
    compare(
        "linear 1024 × 128 → 512",
        &|| {
            back(kernels::linear(
                x.clone().mul_scalar(1.0),
                weight.clone().mul_scalar(1.0),
                None,
            ))
        },
        &|| {
            let (x, weight) = (x.clone().mul_scalar(1.0), weight.clone().mul_scalar(1.0));
            back(kernels::linear_portable(x, weight, None));
        },
    );
    for vocabulary in [99, 8192] {
        let (hidden, head) = (leaf([1024, 128]), leaf([vocabulary, 128]));
        let device = hidden.device();
        let index = |scale: usize, top: usize| {
            let values: Vec<i64> = (0..1024).map(|i| ((i * scale) % top) as i64).collect();
            Tensor::<1, burn::tensor::Int>::from_data(TensorData::new(values, [1024]), &device)
        };
        let (rows, targets) = (index(1, 1024), index(31, vocabulary));
        type Op = fn(
            Tensor<2>,
            Tensor<2>,
            Tensor<1, burn::tensor::Int>,
            Tensor<1, burn::tensor::Int>,
            f32,
        ) -> Tensor<2>;
        let run = |op: Op| {
            let (hidden, head) = (hidden.clone().mul_scalar(1.0), head.clone().mul_scalar(1.0));
            back(op(hidden, head, rows.clone(), targets.clone(), 1.0));
        };
        compare(
            &format!("token_logprobs 1024, {vocabulary} tokens"),
            &|| run(kernels::token_logprobs),
            &|| run(kernels::token_logprobs_portable),
        );
    }
}
