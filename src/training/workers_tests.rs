//! Batches whose tokens are filled up, as on a card, against those that are not.

use pollster::block_on;

use super::*;
use crate::config::{ImportanceSamplingLevel, LossType, RunConfig};
use crate::training::Setup;

fn example(ids: &[u32], prompt: usize) -> Example {
    Example {
        ids: ids.to_vec(),
        prompt,
    }
}

/// Three completions of different lengths, one of them masked, off-policy and with a reference.
fn rows() -> Vec<PolicyRow> {
    let row = |ids: &[u32], prompt, advantage, masked| {
        let tokens = if masked { 0 } else { ids.len() - prompt };
        let logps = |first: f32| (0..tokens).map(|i| first - 0.3 * i as f32).collect();
        PolicyRow {
            example: example(ids, if masked { ids.len() } else { prompt }),
            advantage,
            old_logps: Some(logps(-1.9)),
            ref_logps: Some(logps(-2.2)),
            masked,
        }
    };
    vec![
        row(&[3, 4, 5, 6, 7], 2, 1.2, false),
        row(&[4, 3, 9, 8], 1, 0.4, true),
        row(&[8, 3, 5, 4, 6, 5, 7], 1, -0.7, false),
    ]
}

struct Pair {
    model: Model,
    plain: Workers,
    filled: Workers,
}

fn pair() -> Pair {
    let text = "[model]\nhidden_size = 16\nnum_hidden_layers = 1\nnum_attention_heads = 2";
    let config = RunConfig::from_toml(text, "test", &[]).unwrap();
    let device = block_on(crate::devices::open("cpu")).unwrap();
    let setup = Setup::new(config, device.clone(), &|path| std::fs::read(path)).unwrap();
    let workers = |tokens_step| Workers {
        tokens_step,
        ..Workers::new(Shards::new(1, &device).unwrap(), device.clone(), 0)
    };
    Pair {
        model: setup.model,
        plain: workers(1),
        filled: workers(TOKENS_STEP),
    }
}

/// The largest difference between two gradients.
fn apart(one: Gradient, other: Gradient) -> f64 {
    let mut most = (one.loss - other.loss).abs();
    assert!(one.norm > 1e-3, "the gradient is not nothing: {}", one.norm);
    for (one, other) in one.tensors.into_iter().zip(other.tensors) {
        let difference = (one - other).abs().max();
        most = most.max(f64::from(block_on(scalar(difference)).unwrap() as f32));
    }
    most
}

#[test]
fn what_fills_up_a_batch_changes_no_policy_gradient_and_no_metric() {
    let pair = pair();
    let mut seen = 0;
    for loss_type in [
        LossType::Grpo,
        LossType::Bnpo,
        LossType::DrGrpo,
        LossType::Dapo,
        LossType::Cispo,
    ] {
        for level in [
            ImportanceSamplingLevel::Token,
            ImportanceSamplingLevel::Sequence,
        ] {
            for accumulation in [1, 2] {
                let config = GrpoConfig {
                    loss_type,
                    importance_sampling_level: level,
                    gradient_accumulation_steps: accumulation,
                    beta: 0.1,
                    entropy_coef: 0.02,
                    ..GrpoConfig::default()
                };
                let policy = |workers: &Workers| {
                    block_on(workers.policy(&pair.model, rows(), &config)).unwrap()
                };
                let ((one, metrics), (other, filled)) = (policy(&pair.plain), policy(&pair.filled));
                let apart = apart(one, other);
                assert!(apart < 1e-6, "{loss_type:?} {level:?}: {apart}");
                let (metrics, filled) = (metrics.finish(&config), filled.finish(&config));
                assert!(metrics.len() >= 3 && metrics.keys().eq(filled.keys()));
                for (name, value) in &metrics {
                    assert!(
                        (value - filled[name]).abs() < 1e-6,
                        "{name} of {loss_type:?}"
                    );
                }
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 20);
}

#[test]
fn what_fills_up_a_batch_changes_no_gradient_of_demonstrations() {
    let pair = pair();
    let examples = || vec![example(&[3, 4, 5, 6, 7], 2), example(&[8, 3, 5, 4], 1)];
    for micro_batches in [1, 2] {
        let sft = |workers: &Workers| {
            block_on(workers.sft(&pair.model, examples(), micro_batches)).unwrap()
        };
        let apart = apart(sft(&pair.plain), sft(&pair.filled));
        assert!(apart < 1e-6, "{apart}");
    }
}
