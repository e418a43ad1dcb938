//! The model against numbers computed by transformers (tests/fixtures/hf, made with transformers
//! 5.23 and torch 2.15 in float32 on a CPU).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use sasr::kernels::{AdamWStep, adamw, sum_of_squares};
use sasr::model::{Decoder, DecoderSpec, Parameters, Rotary};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/hf")
        .join(name)
}

struct Expected {
    bytes: Vec<u8>,
}

impl Expected {
    fn f32(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let words = file.tensor(name).unwrap().data().to_vec();
        words
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }

    fn i32(&self, name: &str) -> (Vec<i32>, Vec<usize>) {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = file.tensor(name).unwrap();
        let words = view.data().chunks_exact(4);
        let values = words
            .map(|b| i32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        (values, view.shape().to_vec())
    }
}

struct Case {
    spec: Arc<DecoderSpec>,
    parameters: Parameters,
    rotary: Rotary,
    expected: Expected,
    numbers: serde_json::Value,
}

fn load(name: &str) -> Case {
    let folder = fixture(name);
    let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
    let device = Device::flex();
    let spec = Arc::new(DecoderSpec::from_json(&read("config.json")).unwrap());
    let parameters =
        Parameters::from_safetensors(&spec, &[read("model.safetensors")], &device).unwrap();
    Case {
        rotary: Rotary::new(&spec, &device),
        parameters,
        expected: Expected {
            bytes: read("expected.safetensors"),
        },
        numbers: serde_json::from_slice(&read("expected.json")).unwrap(),
        spec,
    }
}

const NAMES: [&str; 3] = ["llama-tiny", "qwen2-tiny", "qwen3-tiny"];

fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Real rows of a padded batch: (row, first real column, last real column + 1).
fn real_rows(mask: &[i32], shape: &[usize]) -> Vec<(usize, usize, usize)> {
    let row = |r: usize| {
        let row = &mask[r * shape[1]..(r + 1) * shape[1]];
        let first = row.iter().position(|&m| m == 1).unwrap();
        (r, first, row.iter().rposition(|&m| m == 1).unwrap() + 1)
    };
    (0..shape[0]).map(row).collect()
}

#[test]
fn logits_and_log_probabilities() {
    for name in NAMES {
        let case = load(name);
        let decoder = Decoder::plain(&case.spec, &case.rotary, &case.parameters);
        let (ids, shape) = case.expected.i32("input_ids");
        let (mask, _) = case.expected.i32("attention_mask");
        let (logits, logprobs) = (
            case.expected.f32("logits"),
            case.expected.f32("token_logprobs"),
        );
        let v = case.spec.vocab_size;
        let mut worst = [0.0f32; 2];
        for (row, first, end) in real_rows(&mask, &shape) {
            let tokens: Vec<u32> = ids[row * shape[1] + first..row * shape[1] + end]
                .iter()
                .map(|&x| x as u32)
                .collect();
            let time = tokens.len();
            let hidden = decoder.hidden(&tokens, 1, time);
            let ours = list(decoder.logits(hidden.clone()));
            for t in 0..time {
                let theirs = &logits[(row * shape[1] + first + t) * v..][..v];
                for (a, b) in ours[t * v..(t + 1) * v].iter().zip(theirs) {
                    worst[0] = worst[0].max((a - b).abs());
                }
            }
            let rows: Vec<usize> = (0..time - 1).collect();
            let targets: Vec<usize> = tokens[1..].iter().map(|&t| t as usize).collect();
            let ours = list(decoder.token_logprobs(hidden, &rows, &targets, 1.0));
            for t in 0..time - 1 {
                let theirs = logprobs[row * (shape[1] - 1) + first + t];
                worst[1] = worst[1].max((ours[2 * t] - theirs).abs());
            }
        }
        println!(
            "{name}: worst logit error {}, worst log-probability error {}",
            worst[0], worst[1]
        );
        assert!(worst[0] < 1e-4 && worst[1] < 1e-4, "{name}: {worst:?}");
    }
}

#[test]
fn greedy_continuation_with_the_cache() {
    for name in NAMES {
        let case = load(name);
        let decoder = Decoder::plain(&case.spec, &case.rotary, &case.parameters);
        let (greedy, shape) = case.expected.i32("greedy");
        let tokens: Vec<u32> = greedy.iter().map(|&x| x as u32).collect();
        // The first ten tokens are the prompt (see the fixture's maker); each next one is greedy.
        let prompt = 10;
        let argmax = |row: &[f32]| {
            (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best }) as u32
        };
        let v = case.spec.vocab_size;
        let (logits, mut cache) = decoder.prefill(&tokens[..prompt], &[prompt], 2, shape[1]);
        let mut next = argmax(&list(logits)[..v]);
        for (position, &token) in tokens.iter().enumerate().skip(prompt) {
            assert_eq!(next, token, "{name}: token {position}");
            let logits = decoder.step(&[next, next], &[0, 1], &[position, position], &mut cache);
            let logits = list(logits);
            assert_eq!(logits[..v], logits[v..], "{name}: equal rows differ");
            next = argmax(&logits[..v]);
        }
    }
}

#[test]
fn ten_adamw_steps() {
    for name in NAMES {
        let mut case = load(name);
        let (ids, shape) = case.expected.i32("input_ids");
        let (mask, _) = case.expected.i32("attention_mask");
        let (completion, _) = case.expected.i32("completion_mask");
        let number = |key: &str, i: usize| case.numbers[key][i].as_f64().unwrap();
        let zeros = case.parameters.zeros_like();
        let (mut m, mut v) = (zeros.clone(), zeros);
        for step in 0..10 {
            let decoder = Decoder::tracked(&case.spec, &case.rotary, &case.parameters);
            let mut total: Option<Tensor<1>> = None;
            let mut count = 0.0;
            for (row, first, end) in real_rows(&mask, &shape) {
                let at = row * shape[1];
                let tokens: Vec<u32> = ids[at + first..at + end]
                    .iter()
                    .map(|&x| x as u32)
                    .collect();
                let rows: Vec<usize> = (0..tokens.len() - 1)
                    .filter(|t| completion[at + first + t + 1] == 1)
                    .collect();
                let targets: Vec<usize> = rows.iter().map(|&t| tokens[t + 1] as usize).collect();
                let hidden = decoder.hidden(&tokens, 1, tokens.len());
                let logp = decoder.token_logprobs(hidden, &rows, &targets, 1.0);
                let sum = logp.narrow(1, 0, 1).sum();
                count += rows.len() as f32;
                total = Some(match total {
                    None => sum,
                    Some(total) => total + sum,
                });
            }
            let loss = total.unwrap().div_scalar(-count);
            let mut grads = loss.backward();
            let grads = decoder.gradients(&mut grads);
            let norm = grads
                .iter()
                .map(|g| f64::from(list(sum_of_squares(g.clone()))[0]))
                .sum::<f64>()
                .sqrt();
            let loss = f64::from(list(loss)[0]);
            let (want_loss, want_norm) = (
                number("adamw_losses", step),
                number("adamw_grad_norms", step),
            );
            assert!(
                (loss / want_loss - 1.0).abs() < 1e-4,
                "{name} step {step}: loss {loss} against {want_loss}"
            );
            assert!(
                (norm / want_norm - 1.0).abs() < 1e-3,
                "{name} step {step}: norm {norm} against {want_norm}"
            );
            let update = AdamWStep {
                learning_rate: 1e-3,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.01,
                time: step as u64 + 1,
                grad_scale: (1.0 / (norm + 1e-6)).min(1.0),
            };
            for (index, grad) in grads.into_iter().enumerate() {
                let input = [
                    case.parameters.entries[index].tensor.clone(),
                    grad,
                    m.entries[index].tensor.clone(),
                    v.entries[index].tensor.clone(),
                ];
                let [p, m1, m2] = adamw(input, &update);
                case.parameters.entries[index].tensor = p;
                m.entries[index].tensor = m1;
                v.entries[index].tensor = m2;
            }
        }
    }
}

#[test]
fn gradients_match_finite_differences() {
    let case = load("qwen3-tiny");
    let tokens: Vec<u32> = (0..24).map(|i| (i * 37 + 5) % 320).collect();
    let rows: Vec<usize> = (3..23).collect();
    let targets: Vec<usize> = rows.iter().map(|&t| tokens[t + 1] as usize).collect();
    let loss = |parameters: &Parameters, tracked: bool| {
        let decoder = if tracked {
            Decoder::tracked(&case.spec, &case.rotary, parameters)
        } else {
            Decoder::plain(&case.spec, &case.rotary, parameters)
        };
        let hidden = decoder.hidden(&tokens, 1, 24);
        let out = decoder.token_logprobs(hidden, &rows, &targets, 0.8);
        // Both outputs: log-probability and entropy.
        (
            decoder,
            (out.clone().narrow(1, 0, 1).sum() + out.narrow(1, 1, 1).sum().mul_scalar(0.3)),
        )
    };
    let (decoder, value) = loss(&case.parameters, true);
    let mut grads = value.backward();
    let grads: Vec<Vec<f32>> = decoder
        .gradients(&mut grads)
        .into_iter()
        .map(list)
        .collect();
    for (index, grad) in grads.iter().enumerate() {
        // The direction of the gradient itself: the directional derivative is its norm.
        let norm = grad
            .iter()
            .map(|g| f64::from(*g).powi(2))
            .sum::<f64>()
            .sqrt();
        let h = 2e-3 / norm.max(1e-3);
        let along = |sign: f64| {
            let mut parameters = case.parameters.clone();
            let entry = &mut parameters.entries[index];
            let values: Vec<f32> = list(entry.tensor.clone())
                .iter()
                .zip(grad)
                .map(|(x, g)| (f64::from(*x) + sign * h * f64::from(*g) / norm) as f32)
                .collect();
            let size = values.len();
            entry.tensor = Tensor::from_data(TensorData::new(values, [size]), &Device::flex());
            f64::from(list(loss(&parameters, false).1)[0])
        };
        let measured = (along(1.0) - along(-1.0)) / (2.0 * h);
        let name = &case.parameters.entries[index].name;
        assert!(
            (measured / norm - 1.0).abs() < 0.02,
            "{name}: {measured} against {norm}"
        );
    }
}
