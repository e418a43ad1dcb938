//! Decoding on a graphics card: tokens a second and launches a token, with everything kept on the
//! card, and as it was before, with burn's operations and the logits read back for every token.
//!
//! ```text
//! cargo bench --bench decode                         # both, and the CPU beside them
//! cargo bench --bench decode -- card                 # one of them: card, host, cpu
//! cargo bench --bench decode -- --width 64 --layers 2 --prompts 4 --group 8 --tokens 32
//! ```
//!
//! Without a card a software driver serves, chosen by `VK_DRIVER_FILES`. Launches of burn's own
//! kernels are not counted here.

use std::time::Instant;

use burn::tensor::Device;
use sasr::config::ModelConfig;
use sasr::kernels;
use sasr::model::{DecoderSpec, Model, Parameters, read};
use sasr::rollout::{Limits, Request, Sampling, generate};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VOCABULARY: usize = 99;
const PROMPT: usize = 24;

/// What is decoded, and how often after once to warm up.
struct Shape {
    width: usize,
    layers: usize,
    prompts: usize,
    group: usize,
    tokens: usize,
    repeats: usize,
}

impl Shape {
    fn model(&self, device: &Device) -> Model {
        let heads = (self.width / 32).max(1);
        let config = ModelConfig {
            hidden_size: self.width,
            num_hidden_layers: self.layers,
            num_attention_heads: heads,
            num_key_value_heads: (heads / 2).max(1),
            ..ModelConfig::default()
        };
        let spec = DecoderSpec::from_config(&config, VOCABULARY);
        let parameters = Parameters::random(&spec, 0.02, 3, device);
        Model::new(spec, parameters, device)
    }

    fn prompts(&self) -> Vec<Vec<u32>> {
        let token = |row: usize, t: usize| ((row * 7 + t * 5) % VOCABULARY) as u32;
        (0..self.prompts)
            .map(|row| (0..PROMPT).map(|t| token(row, t)).collect())
            .collect()
    }

    fn rows(&self) -> usize {
        self.prompts * self.group
    }

    /// The rollouts of the program, none of which ends before its limit.
    fn generate(&self, model: &Model) {
        let requests: Vec<Request> = self
            .prompts()
            .into_iter()
            .enumerate()
            .map(|(problem, prompt)| Request {
                problem: problem as u64,
                prompt,
                samples: self.group,
            })
            .collect();
        let limits = Limits {
            max_completion_length: self.tokens,
            stops: Vec::new(),
            pad: 0,
        };
        let sampling = Sampling::at(1.0, 7);
        let all = pollster::block_on(generate(model, &requests, &sampling, &limits));
        let all = all.expect("the device completes the prompts");
        let tokens: usize = all.iter().flatten().map(|c| c.tokens.len()).sum();
        assert_eq!(tokens, self.rows() * self.tokens);
    }

    /// The same with the logits read back for every token, on any device.
    fn read_back(&self, model: &Model) {
        let decoder = model.decoder().for_decoding();
        let ids = self.prompts().concat();
        let lengths = vec![PROMPT; self.prompts];
        let room = PROMPT + self.tokens;
        let (logits, mut cache) = decoder.prefill(&ids, &lengths, self.group, room);
        let sampling = Sampling::at(1.0, 7);
        let mut logits = rows_of(logits);
        let mut scratch = Vec::new();
        for token in 0..self.tokens {
            // The first token of every row comes from its prompt's logits.
            let share = if token == 0 { self.group } else { 1 };
            let tokens: Vec<u32> = (0..self.rows())
                .map(|row| {
                    let key = sampling.key((row / self.group) as u64, row % self.group);
                    let logits = &logits[row / share * VOCABULARY..][..VOCABULARY];
                    sampling.choose(logits, key, token, &mut scratch).0
                })
                .collect();
            if token + 1 < self.tokens {
                let slots: Vec<usize> = (0..self.rows()).collect();
                let positions = vec![PROMPT + token; self.rows()];
                logits = rows_of(decoder.step(&tokens, &slots, &positions, &mut cache));
            }
        }
    }

    /// Says what one way of decoding costs.
    fn measure(&self, name: &str, run: impl Fn(&Self)) {
        let start = Instant::now();
        run(self);
        let first = start.elapsed().as_secs_f64();
        let before = kernels::dispatches();
        let mut times: Vec<f64> = (0..self.repeats)
            .map(|_| {
                let start = Instant::now();
                run(self);
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let tokens = (self.rows() * self.tokens) as f64;
        let launches = (kernels::dispatches() - before) as f64 / self.repeats as f64;
        println!(
            "{name:<28} {:>9.0} tokens/s   {:>7.2} ms a step   {:>6.1} launches of ours a step   \
             first run {first:.1} s",
            tokens / median,
            1e3 * median / self.tokens as f64,
            launches / self.tokens as f64,
        );
    }
}

/// Logits, row after row.
fn rows_of(logits: burn::tensor::Tensor<2>) -> Vec<f32> {
    pollster::block_on(read(logits)).expect("the device gives the logits")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, otherwise: usize| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1))
            .and_then(|value| value.parse().ok())
            .unwrap_or(otherwise)
    };
    let shape = Shape {
        width: number("--width", 64),
        layers: number("--layers", 2),
        prompts: number("--prompts", 4),
        group: number("--group", 8),
        tokens: number("--tokens", 32),
        repeats: number("--repeats", 3),
    };
    let ways = ["card", "host", "cpu"];
    let named = |way: &str| arguments.iter().any(|argument| argument == way);
    let any = ways.iter().any(|way| named(way));
    let wanted = |way: &str| !any || named(way);
    println!(
        "width {}, {} layers, {} prompts of {PROMPT} tokens, {} samples each, {} new tokens",
        shape.width, shape.layers, shape.prompts, shape.group, shape.tokens
    );
    if wanted("card") || wanted("host") {
        let device = match pollster::block_on(sasr::devices::open("gpu")) {
            Ok(device) => device,
            Err(error) => {
                println!("{error}");
                return;
            }
        };
        let model = shape.model(&device);
        if wanted("card") {
            shape.measure("on the card", |shape| shape.generate(&model));
        }
        if wanted("host") {
            shape.measure("logits read back every token", |shape| {
                shape.read_back(&model)
            });
        }
    }
    if wanted("cpu") {
        let model = shape.model(&Device::flex());
        shape.measure("CPU", |shape| shape.generate(&model));
    }
    sasr::devices::settle();
}
