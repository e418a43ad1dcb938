//! Losses, advantages and gradients against TRL's (tests/fixtures/grpo, made with TRL 1.16,
//! transformers 5.23 and torch 2.15 in float32 on a CPU). `cases.json` says the conventions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use sasr::config::{GrpoConfig, ImportanceSamplingLevel, LossType, ScaleRewards};
use sasr::kernels::PolicyTokens;
use sasr::losses::{Aggregation, PolicyMetrics, advantages, policy_loss, row_weights};
use sasr::model::{Decoder, DecoderSpec, Parameters, Rotary};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/grpo")
}

struct Fixture {
    cases: Value,
    tensors: Vec<u8>,
}

impl Fixture {
    fn load() -> Self {
        let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
        let cases = serde_json::from_slice(&read("cases.json")).unwrap();
        Self {
            cases,
            tensors: read("cases.safetensors"),
        }
    }

    fn words(&self, name: &str) -> (Vec<[u8; 4]>, Vec<usize>) {
        let file = SafeTensors::deserialize(&self.tensors).unwrap();
        let view = file
            .tensor(name)
            .unwrap_or_else(|_| panic!("no tensor {name}"));
        let words = view
            .data()
            .chunks_exact(4)
            .map(|b| b.try_into().unwrap())
            .collect();
        (words, view.shape().to_vec())
    }

    fn f32(&self, name: &str) -> Vec<f32> {
        self.words(name)
            .0
            .into_iter()
            .map(f32::from_le_bytes)
            .collect()
    }

    fn i32(&self, name: &str) -> (Vec<i32>, usize) {
        let (words, shape) = self.words(name);
        (
            words.into_iter().map(i32::from_le_bytes).collect(),
            shape[1],
        )
    }
}

fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The loss of per-token values.
fn total(values: &Tensor<2>) -> f64 {
    let values = list(values.clone());
    values.iter().step_by(4).copied().map(f64::from).sum()
}

fn vector(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let size = values.len();
    Tensor::from_data(TensorData::new(values, [size]), device)
}

fn config_of(case: &Value) -> GrpoConfig {
    let c = &case["config"];
    let number = |key: &str| c[key].as_f64().unwrap_or(0.0);
    GrpoConfig {
        loss_type: match c["loss_type"].as_str().unwrap() {
            "grpo" => LossType::Grpo,
            "bnpo" => LossType::Bnpo,
            "dr_grpo" => LossType::DrGrpo,
            "dapo" => LossType::Dapo,
            "cispo" => LossType::Cispo,
            other => panic!("loss type {other}"),
        },
        importance_sampling_level: match c["importance_sampling_level"].as_str().unwrap() {
            "token" => ImportanceSamplingLevel::Token,
            _ => ImportanceSamplingLevel::Sequence,
        },
        beta: number("beta"),
        use_bias_correction_kl: c["kl_times_ratio"].as_bool().unwrap_or(false),
        epsilon: number("epsilon"),
        epsilon_high: number("epsilon_high"),
        delta: number("delta"),
        temperature: number("temperature"),
        entropy_coef: number("entropy_coef"),
        max_completion_length: c["max_completion_length"].as_u64().unwrap() as usize,
        gradient_accumulation_steps: c["gradient_accumulation_steps"].as_u64().unwrap() as usize,
        ..GrpoConfig::default()
    }
}

/// The fixed batch: per row its prompt and completion without padding.
fn rows(fixture: &Fixture) -> Vec<(Vec<u32>, Vec<u32>)> {
    let real = |ids: &str, mask: &str| -> Vec<Vec<u32>> {
        let (ids, width) = fixture.i32(ids);
        let (mask, _) = fixture.i32(mask);
        let row = |(ids, mask): (&[i32], &[i32])| {
            ids.iter()
                .zip(mask)
                .filter(|(_, m)| **m == 1)
                .map(|(id, _)| *id as u32)
                .collect()
        };
        ids.chunks(width).zip(mask.chunks(width)).map(row).collect()
    };
    let prompts = real("prompt_ids", "prompt_mask");
    prompts
        .into_iter()
        .zip(real("completion_ids", "completion_mask"))
        .collect()
}

struct Model {
    spec: Arc<DecoderSpec>,
    parameters: Parameters,
    rotary: Rotary,
}

fn model(name: &str) -> Model {
    let read = |file: &str| std::fs::read(folder().join(name).join(file)).unwrap();
    let device = Device::flex();
    let spec = Arc::new(DecoderSpec::from_json(&read("config.json")).unwrap());
    let parameters =
        Parameters::from_safetensors(&spec, &[read("model.safetensors")], &device).unwrap();
    Model {
        rotary: Rotary::new(&spec, &device),
        spec,
        parameters,
    }
}

/// Log-probabilities and entropies [n, 2] of all completion tokens of the given rows, in order.
fn score(decoder: &Decoder, rows: &[(Vec<u32>, Vec<u32>)], keep: &[bool], t: f64) -> Tensor<2> {
    let one = |((prompt, completion), _): (&(Vec<u32>, Vec<u32>), &bool)| {
        let ids = [prompt.as_slice(), completion].concat();
        let at: Vec<usize> = (prompt.len() - 1..ids.len() - 1).collect();
        let targets: Vec<usize> = completion.iter().map(|&id| id as usize).collect();
        decoder.token_logprobs(decoder.hidden(&ids, 1, ids.len()), &at, &targets, t)
    };
    let kept = rows.iter().zip(keep).filter(|(_, keep)| **keep);
    Tensor::cat(kept.map(|(row, keep)| one((row, keep))).collect(), 0)
}

#[test]
fn every_loss_case() {
    let fixture = Fixture::load();
    let all_rows = rows(&fixture);
    let policy = model("policy");
    let autodiff = Device::flex().autodiff();
    let mut worst: [f64; 3] = [0.0; 3];
    let cases = fixture.cases["cases"].as_array().unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let config = config_of(case);
        let inputs = &case["inputs"];
        let key = |field: &str| inputs[field].as_str().map(str::to_string);
        let [from, to] = [0, 1].map(|i| inputs["rows"][i].as_u64().unwrap() as usize);
        let (mask, width) = fixture.i32(&key("completion_mask").unwrap());
        let lengths: Vec<usize> = mask
            .chunks(width)
            .map(|row| row.iter().filter(|m| **m == 1).count())
            .collect();
        // Values at unmasked positions of rows a..b, in order.
        let flat = |tensor: &str, a: usize, b: usize| -> Vec<f32> {
            let values = fixture.f32(tensor);
            let row = |r: usize| values[r * width..r * width + lengths[r]].to_vec();
            (a..b).flat_map(row).collect()
        };
        let row_advantages = fixture.f32(&key("advantages").unwrap());
        let accumulation = config.gradient_accumulation_steps;
        let steps_per_generation = case["config"]["steps_per_generation"].as_f64().unwrap();
        let num_items = inputs["num_items_in_batch"].as_f64().unwrap() * accumulation as f64
            / steps_per_generation;
        let size = (to - from) / accumulation;
        let parts: Vec<(usize, usize)> = (0..accumulation)
            .map(|i| (from + i * size, from + (i + 1) * size))
            .collect();
        let micro: Vec<Vec<usize>> = parts.iter().map(|&(a, b)| lengths[a..b].to_vec()).collect();
        let weights = row_weights(
            config.loss_type,
            &micro,
            num_items,
            config.max_completion_length,
        );

        let mut total_grads: Option<Vec<Vec<f32>>> = None;
        let mut dloss = Vec::new();
        for (index, &(a, b)) in parts.iter().enumerate() {
            let token_advantages: Vec<f32> = (a..b)
                .flat_map(|r| std::iter::repeat_n(row_advantages[r], lengths[r]))
                .collect();
            let by_token = |weights: &[[f32; 2]], which: usize| -> Vec<f32> {
                let rows = weights.iter().zip(&lengths[a..b]);
                rows.flat_map(|(w, &n)| std::iter::repeat_n(w[which], n))
                    .collect()
            };
            let tokens = PolicyTokens {
                old_logps: key("old_logps").map(|k| flat(&k, a, b)),
                ref_logps: key("ref_logps").map(|k| flat(&k, a, b)),
                advantages: token_advantages,
                weights: by_token(&weights[index], 0),
                entropy_weights: by_token(&weights[index], 1),
                lengths: lengths[a..b].to_vec(),
            };
            // From the fixture's own log-probabilities: loss, metrics, dloss/dlogps.
            let column = |name: &str| vector(flat(&key(name).unwrap(), a, b), &autodiff);
            let columns = vec![column("policy_logps"), column("entropy")];
            let scored: Tensor<2> = Tensor::stack(columns, 1).require_grad();
            let out = policy_loss(scored.clone(), &tokens, &config);
            let loss = total(&out);
            let want = case["expected"]["losses"][index].as_f64().unwrap();
            worst[0] = worst[0].max((loss - want).abs());
            assert!(
                (loss - want).abs() < 1e-5,
                "{name}: loss {loss} against {want}"
            );
            let mut metrics = PolicyMetrics::default();
            metrics.add(
                &list(out.clone()),
                &lengths[a..b],
                &row_advantages[a..b],
                &config,
            );
            let ours = metrics.finish(&config);
            for (metric, want) in case["expected"]["metrics"].as_object().unwrap() {
                let want = want.as_array().map_or(want, |all| &all[index]);
                if metric == "policy_loss" || metric == "entropy_coef" {
                    continue;
                }
                let got = ours
                    .get(metric)
                    .unwrap_or_else(|| panic!("{name}: no {metric}"));
                let want = want.as_f64().unwrap();
                assert!(
                    (got - want).abs() < 1e-5 * want.abs().max(1.0),
                    "{name}: {metric} {got} against {want}"
                );
            }
            let grads = out.backward();
            dloss.extend(list(scored.grad(&grads).unwrap().narrow(1, 0, 1)));
            // Through the model: gradients of all parameters.
            let keep: Vec<bool> = lengths[a..b].iter().map(|&n| n > 0).collect();
            let decoder = Decoder::tracked(&policy.spec, &policy.rotary, &policy.parameters);
            let scored = score(&decoder, &all_rows[a..b], &keep, config.temperature);
            let out = policy_loss(scored, &tokens, &config);
            let loss = total(&out);
            assert!(
                (loss - want).abs() < 1e-5,
                "{name}: loss {loss} against {want} (model)"
            );
            let mut grads = out.backward();
            let grads: Vec<Vec<f32>> = decoder
                .gradients(&mut grads)
                .into_iter()
                .map(list)
                .collect();
            total_grads = Some(match total_grads {
                None => grads,
                Some(total) => total
                    .iter()
                    .zip(&grads)
                    .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect())
                    .collect(),
            });
        }
        if config.entropy_coef == 0.0 {
            let want: Vec<f32> = flat(&format!("dloss_dlogps/{name}"), from, to);
            let scale = want.iter().fold(0.01f32, |top, x| top.max(x.abs()));
            for (a, b) in dloss.iter().zip(&want) {
                worst[1] = worst[1].max(f64::from((a - b).abs() / scale));
                assert!(
                    (a - b).abs() < 1e-5 * scale,
                    "{name}: dloss/dlogp {a} against {b}"
                );
            }
        }
        let norms: Vec<f64> = total_grads
            .unwrap()
            .iter()
            .map(|g| g.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt())
            .collect();
        let norm = norms.iter().map(|n| n * n).sum::<f64>().sqrt();
        let want = case["expected"]["grad_norm"].as_f64().unwrap();
        worst[2] = worst[2].max((norm / want - 1.0).abs());
        assert!(
            (norm / want - 1.0).abs() < 1e-4,
            "{name}: norm {norm} against {want}"
        );
        let by_name = case["expected"]["param_grad_norms"].as_object().unwrap();
        assert_eq!(by_name.len(), norms.len());
        for (entry, norm) in policy.parameters.entries.iter().zip(&norms) {
            let want = by_name[&entry.name].as_f64().unwrap();
            let scale = want.max(1e-3);
            assert!(
                (norm - want).abs() < 2e-4 * scale,
                "{name}: {} {norm} against {want}",
                entry.name
            );
        }
    }
    println!(
        "{} cases: worst loss error {:.1e}, dloss/dlogp {:.1e}, gradient norm {:.1e}",
        cases.len(),
        worst[0],
        worst[1],
        worst[2]
    );
    assert_eq!(cases.len(), 49);
}

#[test]
fn every_advantage_case() {
    let fixture = Fixture::load();
    let cases = fixture.cases["advantage_cases"].as_array().unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let rewards: Vec<Vec<Option<f64>>> = case["rewards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(Value::as_f64).collect())
            .collect();
        let weights: Vec<f64> = case["reward_weights"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        let scale = match case["scale_rewards"].as_str().unwrap() {
            "group" => ScaleRewards::Group,
            "batch" => ScaleRewards::Batch,
            _ => ScaleRewards::None,
        };
        let aggregation = match case["aggregation"].as_str().unwrap() {
            "sum_then_normalize" => Aggregation::SumThenNormalize,
            _ => Aggregation::NormalizeThenSum,
        };
        let group = case["num_generations"].as_u64().unwrap() as usize;
        let ours = advantages(&rewards, &weights, group, scale, aggregation);
        for (a, want) in ours
            .values
            .iter()
            .zip(case["advantages"].as_array().unwrap())
        {
            let want = want.as_f64().unwrap();
            let error = (f64::from(*a) - want).abs();
            assert!(
                error < 1e-6 * want.abs().max(1.0),
                "{name}: {a} against {want}"
            );
        }
        let logged = |key: &str| case["logged"][key].as_f64().unwrap();
        assert!((ours.reward - logged("reward")).abs() < 1e-6, "{name}");
        // TRL logs the share under the scaling in use; ours is always the groups' (the stall signal).
        if scale != ScaleRewards::Batch && aggregation == Aggregation::SumThenNormalize {
            assert!(
                (ours.frac_reward_zero_std - logged("frac_reward_zero_std")).abs() < 1e-6,
                "{name}"
            );
        }
    }
    assert_eq!(cases.len(), 17);
}
