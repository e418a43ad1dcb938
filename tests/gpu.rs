//! Training on a graphics card against the numbers of transformers (tests/fixtures/hf). Without an
//! adapter every test here says so and passes, unless `SASR_REQUIRE_GPU=1`; a software Vulkan
//! driver will do.
#![cfg(feature = "gpu")]

mod common;

use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use common::card::card;
use safetensors::SafeTensors;
use sasr::config::{GrpoConfig, ModelConfig, OptimizerConfig};
use sasr::kernels::{self, AdamWStep};
use sasr::model::{Decoder, DecoderSpec, Model, Parameters, Rotary};
use sasr::text::Example;
use sasr::training::{AdamW, PolicyRow, Shards, Workers};

fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// What is recorded for one model.
struct Case {
    spec: Arc<DecoderSpec>,
    parameters: Parameters,
    rotary: Rotary,
    /// Each row's tokens without padding, and which of them belong to its completion.
    rows: Vec<(Vec<u32>, Vec<bool>)>,
    losses: Vec<f64>,
    norms: Vec<f64>,
}

fn load(name: &str, device: &Device) -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hf");
    let read = |file: &str| std::fs::read(folder.join(name).join(file)).unwrap();
    let spec = Arc::new(DecoderSpec::from_json(&read("config.json")).unwrap());
    let weights = [read("model.safetensors")];
    let parameters = Parameters::from_safetensors(&spec, &weights, device).unwrap();
    let bytes = read("expected.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let table = |name: &str| -> Vec<Vec<i32>> {
        let view = file.tensor(name).unwrap();
        let words = view.data().chunks_exact(4);
        let values: Vec<i32> = words
            .map(|word| i32::from_le_bytes(word.try_into().unwrap()))
            .collect();
        values.chunks(view.shape()[1]).map(<[_]>::to_vec).collect()
    };
    let (ids, mask) = (table("input_ids"), table("attention_mask"));
    let completion = table("completion_mask");
    let row = |r: usize| {
        let real = || (0..mask[r].len()).filter(|&t| mask[r][t] == 1);
        (
            real().map(|t| ids[r][t] as u32).collect(),
            real().map(|t| completion[r][t] == 1).collect(),
        )
    };
    let numbers: serde_json::Value = serde_json::from_slice(&read("expected.json")).unwrap();
    let numbers = |key: &str| -> Vec<f64> {
        let values = numbers[key].as_array().unwrap();
        values.iter().map(|value| value.as_f64().unwrap()).collect()
    };
    Case {
        rotary: Rotary::new(&spec, device),
        rows: (0..ids.len()).map(row).collect(),
        losses: numbers("adamw_losses"),
        norms: numbers("adamw_grad_norms"),
        parameters,
        spec,
    }
}

/// Biases (qwen2), norms of queries and keys (qwen3), grouped heads, padding-free rows: ten updates.
#[test]
fn ten_adamw_steps() {
    let Some(card) = card() else { return };
    for name in ["llama-tiny", "qwen2-tiny", "qwen3-tiny"] {
        let mut case = load(name, &card.device);
        let zeros = case.parameters.zeros_like();
        let (mut m, mut v) = (zeros.clone(), zeros);
        let mut worst = [0.0f64; 2];
        for step in 0..10 {
            let decoder = Decoder::tracked(&case.spec, &case.rotary, &case.parameters);
            let mut sums = Vec::new();
            let mut count = 0.0;
            for (tokens, completion) in &case.rows {
                let rows: Vec<usize> = (0..tokens.len() - 1)
                    .filter(|t| completion[t + 1])
                    .collect();
                let targets: Vec<usize> = rows.iter().map(|&t| tokens[t + 1] as usize).collect();
                let hidden = decoder.hidden(tokens, 1, tokens.len());
                let logp = decoder.token_logprobs(hidden, &rows, &targets, 1.0);
                sums.push(logp.narrow(1, 0, 1).sum());
                count += rows.len() as f32;
            }
            let total = sums.into_iter().reduce(|total, sum| total + sum).unwrap();
            let loss = total.div_scalar(-count);
            let mut grads = loss.backward();
            let grads = decoder.gradients(&mut grads);
            drop(decoder);
            let squares = list(kernels::squares(&grads)).into_iter().map(f64::from);
            let norm = squares.sum::<f64>().sqrt();
            let loss = f64::from(list(loss)[0]);
            let off = [
                loss / case.losses[step] - 1.0,
                norm / case.norms[step] - 1.0,
            ];
            worst = [0, 1].map(|i| worst[i].max(off[i].abs()));
            let update = AdamWStep {
                learning_rate: 1e-3,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.01,
                time: step as u64 + 1,
                grad_scale: (1.0 / (norm + 1e-6)).min(1.0),
            };
            let jobs = grads.into_iter().enumerate().map(|(index, grad)| {
                let of = |list: &Parameters| list.entries[index].tensor.clone();
                ([of(&case.parameters), grad, of(&m), of(&v)], update)
            });
            let updated = kernels::adamw_all(jobs.collect());
            for (index, [parameter, moment1, moment2]) in updated.into_iter().enumerate() {
                case.parameters.entries[index].tensor = parameter;
                m.entries[index].tensor = moment1;
                v.entries[index].tensor = moment2;
            }
        }
        println!(
            "{name}: losses within {:.1e}, norms within {:.1e}",
            worst[0], worst[1]
        );
        assert!(worst[0] < 1e-4 && worst[1] < 1e-3, "{name}: {worst:?}");
    }
}

/// Losses and gradient norms of alternating SFT and policy updates of a small fresh model, rows of
/// different lengths, some masked; and the log-probabilities at the end.
fn alternating_updates(device: &Device) -> Vec<f64> {
    let config = ModelConfig {
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        max_position_embeddings: 64,
        ..ModelConfig::default()
    };
    let spec = DecoderSpec::from_config(&config, 50);
    let parameters = Parameters::random(&spec, 0.1, 3, device);
    let mut optimizer = AdamW::new(&parameters);
    let mut model = Model::new(spec, parameters, device);
    let shards = Shards::new(1, device).unwrap();
    let workers = Workers::new(shards, device.clone(), 0);
    let examples: Vec<Example> = (0..5)
        .map(|row| Example {
            ids: (0..9 + 4 * row)
                .map(|t| ((row * 13 + t * 7) % 49 + 1) as u32)
                .collect(),
            prompt: 3,
        })
        .collect();
    let grpo = GrpoConfig {
        beta: 0.04,
        ..GrpoConfig::default()
    };
    let optimizing = OptimizerConfig::default();
    let mut seen = Vec::new();
    for step in 0..4 {
        let gradient = if step % 2 == 0 {
            pollster::block_on(workers.sft(&model, examples.clone(), 1)).unwrap()
        } else {
            let logps = pollster::block_on(workers.logps(&model, &examples, 1.0)).unwrap();
            let rows = examples.iter().zip(logps).enumerate();
            let rows = rows.map(|(row, (example, logps))| PolicyRow {
                example: example.clone(),
                advantage: [1.0, -0.5, 0.3, -1.2, 0.0][row],
                old_logps: Some(logps.iter().map(|logp| logp - 0.1).collect()),
                ref_logps: Some(logps.iter().map(|logp| logp + 0.2).collect()),
                masked: row == 2,
                skipped: false,
            });
            let policy = workers.policy(&model, rows.collect(), &grpo);
            pollster::block_on(policy).unwrap().0
        };
        seen.extend([gradient.loss, gradient.norm]);
        let shards = workers.shards();
        let parameters = &mut model.parameters;
        let update = optimizer.step(parameters, gradient, 1e-3, &optimizing, shards);
        pollster::block_on(update);
    }
    let logps = pollster::block_on(workers.logps(&model, &examples, 0.8)).unwrap();
    seen.extend(logps.into_iter().flatten().map(f64::from));
    seen
}

#[test]
fn sft_and_policy_updates_agree_with_the_cpu() {
    let Some(card) = card() else { return };
    let [ours, cpu] = [&card.device, &Device::flex()].map(alternating_updates);
    assert_eq!(ours.len(), cpu.len());
    for (index, (a, b)) in ours.iter().zip(&cpu).enumerate() {
        assert!(
            (a - b).abs() <= 1e-3 * b.abs().max(1.0),
            "{index}: {a} against {b}"
        );
    }
}
