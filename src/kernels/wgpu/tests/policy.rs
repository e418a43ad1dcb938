use super::*;
use crate::kernels::{PolicyTokens, Surrogate, policy_loss, policy_loss_portable, sft_loss};

/// Completions of lengths around a workgroup's, one of them empty.
const LENGTHS: [usize; 6] = [5, 0, 64, 1, 130, 7];

fn clipped() -> Surrogate {
    Surrogate {
        low: 0.8,
        high: 1.3,
        ..Surrogate::default()
    }
}

/// Tokens whose ratios lie on all sides of the bounds, with advantages of both signs.
fn tokens(old: bool, reference: bool) -> PolicyTokens {
    let n = LENGTHS.iter().sum();
    let by_completion = |values: Vec<f32>| -> Vec<f32> {
        let each = values.iter().zip(LENGTHS);
        each.flat_map(|(&value, length)| std::iter::repeat_n(value, length))
            .collect()
    };
    let around = |salt| noise(n, salt, 0.9).iter().map(|x| x - 1.5).collect();
    PolicyTokens {
        old_logps: old.then(|| around(2)),
        ref_logps: reference.then(|| around(3)),
        advantages: by_completion(noise(6, 4, 2.0)),
        weights: noise(n, 5, 0.5).iter().map(|x| x + 0.6).collect(),
        entropy_weights: noise(n, 6, 0.5),
        lengths: LENGTHS.to_vec(),
    }
}

/// Values and gradient of scored tokens.
fn values(
    loss: impl Fn(Tensor<2>, &PolicyTokens, &Surrogate) -> Tensor<2>,
    tokens: &PolicyTokens,
    by: &Surrogate,
    device: &Device,
) -> [Vec<f32>; 2] {
    let n = tokens.weights.len();
    let scored = noise(2 * n, 1, 1.0).iter().map(|x| x - 1.5).collect();
    let scored = given([n, 2], scored, device);
    let out = loss(scored.clone(), tokens, by);
    assert_eq!(out.dims(), [n, 4]);
    let grads = out.backward();
    [list(out), list(scored.grad(&grads).unwrap())]
}

#[test]
fn every_loss_agrees_off_policy_and_on() {
    let Some((gpu, _one)) = gpu() else { return };
    let mut seen = 0;
    for cispo in [false, true] {
        for by_sequence in [false, true] {
            for (delta, beta, kl_times_ratio, entropy_coef) in [
                (0.0, 0.0, false, 0.0),
                (1.1, 0.0, false, 0.02),
                (0.0, 0.3, false, 0.0),
                (1.5, 0.3, true, 0.02),
            ] {
                for old in [false, true] {
                    let by = Surrogate {
                        cispo,
                        by_sequence,
                        delta,
                        beta,
                        kl_times_ratio,
                        entropy_coef,
                        ..clipped()
                    };
                    let tokens = tokens(old, beta > 0.0);
                    let ours = values(policy_loss, &tokens, &by, &gpu);
                    let oracle = values(policy_loss_portable, &tokens, &by, &Device::flex());
                    assert!(oracle[1].iter().any(|slope| slope.abs() > 1e-2));
                    for (ours, oracle) in ours.iter().zip(&oracle) {
                        assert_close(ours, oracle, 2e-5, &format!("{by:?}, old {old}"));
                    }
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 32);
}

/// The slopes against differences of the loss itself.
#[test]
fn slopes_are_those_of_the_loss() {
    let Some((gpu, _one)) = gpu() else { return };
    let by = Surrogate {
        by_sequence: true,
        beta: 0.3,
        kl_times_ratio: true,
        entropy_coef: 0.02,
        ..clipped()
    };
    let tokens = tokens(true, true);
    let n = tokens.weights.len();
    let start: Vec<f32> = noise(2 * n, 1, 1.0).iter().map(|x| x - 1.5).collect();
    let loss = |scored: &Vec<f32>| -> f64 {
        let scored = given([n, 2], scored.clone(), &gpu);
        let values = list(policy_loss(scored, &tokens, &by));
        values.iter().step_by(4).copied().map(f64::from).sum()
    };
    let [_, slopes] = values(policy_loss, &tokens, &by, &gpu);
    let size = 4e-3;
    for at in [0, 3, 2 * 5 + 7, 2 * 69, 2 * 70 + 20, 2 * 70 + 21, 2 * n - 2] {
        let moved = |by: f32| {
            let mut scored = start.clone();
            scored[at] += by;
            loss(&scored)
        };
        let difference = (moved(size) - moved(-size)) / f64::from(2.0 * size);
        let slope = f64::from(slopes[at]);
        assert!(
            (difference - slope).abs() < 1e-2 * slope.abs().max(0.05),
            "{at}: {slope} against {difference}"
        );
    }
}

#[test]
fn demonstrations_agree() {
    let Some((gpu, _one)) = gpu() else { return };
    let call = |device: &Device| {
        let scored = leaf([203, 2], 7, 3.0, device);
        let out = sft_loss(scored.clone(), 1.0 / 203.0);
        let columns = out.dims()[1];
        let grads = out.backward();
        let loss: f32 = list(out).iter().step_by(columns).sum();
        (loss, list(scored.grad(&grads).unwrap()))
    };
    let (ours, oracle) = (call(&gpu), call(&Device::flex()));
    assert!((ours.0 - oracle.0).abs() < 1e-6, "{} {}", ours.0, oracle.0);
    assert_close(&ours.1, &oracle.1, 1e-7, "slopes");
}
