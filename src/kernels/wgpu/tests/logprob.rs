use super::*;
use crate::kernels::{token_logprobs, token_logprobs_portable};

#[test]
fn token_logprobs_agree_and_differentiate_both_outputs() {
    let Some((gpu, _one)) = gpu() else { return };
    for (vocabulary, scale, temperature) in [(7, 1.0, 1.0), (99, 3.0, 0.7), (1030, 20.0, 1.3)] {
        let call = |fast: bool, device: &Device| {
            let hidden = leaf([40, 12], 1, scale, device);
            let head = leaf([vocabulary, 12], 2, 1.0, device);
            let rows: Vec<usize> = (0..37).map(|i| (i * 7) % 40).collect();
            let targets: Vec<usize> = (0..37).map(|i| (i * 5) % vocabulary).collect();
            let (rows, targets) = (ints(&rows, device), ints(&targets, device));
            let f = if fast {
                token_logprobs
            } else {
                token_logprobs_portable
            };
            let y = f(hidden.clone(), head.clone(), rows, targets, temperature);
            run(y, vec![grad_of(&hidden), grad_of(&head)])
        };
        let what = format!("{vocabulary} tokens");
        compare(
            &call(true, &gpu),
            &call(false, &Device::flex()),
            5e-5,
            &what,
        );
    }
}

/// Logits of exactly ±80, where a plain exp would leave float32 once summed or squared.
#[test]
fn logits_of_80_agree() {
    let Some((gpu, _one)) = gpu() else { return };
    let call = |fast: bool, device: &Device| {
        let hidden = given([2, 1], vec![80.0, -80.0], device);
        let head = given([5, 1], vec![1.0, -1.0, 1.0, 0.5, 0.0], device);
        let (rows, targets) = (ints(&[0, 1, 1], device), ints(&[0, 2, 1], device));
        let f = if fast {
            token_logprobs
        } else {
            token_logprobs_portable
        };
        let y = f(hidden.clone(), head.clone(), rows, targets, 1.0);
        run(y, vec![grad_of(&hidden), grad_of(&head)])
    };
    compare(
        &call(true, &gpu),
        &call(false, &Device::flex()),
        2e-5,
        "±80",
    );
}

#[test]
fn token_logprobs_stay_finite_at_extreme_logits() {
    let Some((gpu, _one)) = gpu() else { return };
    let hidden = leaf([3, 2], 1, 1e4, &gpu);
    let head = leaf([50, 2], 2, 10.0, &gpu);
    let (rows, targets) = (ints(&[0, 1, 2], &gpu), ints(&[0, 49, 7], &gpu));
    let y = token_logprobs(hidden.clone(), head.clone(), rows, targets, 1.0);
    let all = run(y, vec![grad_of(&hidden), grad_of(&head)]);
    assert!(all.iter().flatten().all(|x| x.is_finite()), "{all:?}");
}
