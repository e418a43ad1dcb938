use super::*;
use crate::kernels::{causal_attention, causal_attention_portable};

#[test]
fn attention_agrees_with_grouped_heads_across_blocks() {
    let Some((gpu, _one)) = gpu() else { return };
    for (batch, time, heads, groups, head_dim, scale) in [
        (2, 5, 4, 2, 6, 1.0),
        (1, 70, 2, 1, 16, 1.0),
        (2, 131, 3, 3, 6, 30.0),
        (1, 33, 2, 2, 128, 1.0),
    ] {
        let call = |f: fn(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>, device: &Device| {
            let q = leaf([batch, time, heads, head_dim], 1, scale, device);
            let [k, v] =
                [2, 3].map(|salt| leaf([batch, time, groups, head_dim], salt, 1.0, device));
            let y = f(q.clone(), k.clone(), v.clone());
            run(y, vec![grad_of(&q), grad_of(&k), grad_of(&v)])
        };
        let ours = call(causal_attention, &gpu);
        let oracle = call(causal_attention_portable, &Device::flex());
        let what = format!("{batch} × {time} × {heads}/{groups} × {head_dim}");
        compare(&ours, &oracle, 5e-5, &what);
    }
}

/// What comes later, padding included, changes neither a row nor its gradient.
#[test]
fn rows_do_not_depend_on_later_ones() {
    let Some((gpu, _one)) = gpu() else { return };
    let [heads, head_dim] = [2, 8];
    let call = |time: usize| {
        let mut values = noise(80 * heads * head_dim, 1, 1.0);
        values.truncate(time * heads * head_dim);
        let q = given([1, time, heads, head_dim], values, &gpu);
        let y = causal_attention(q.clone(), q.clone(), q.clone());
        let first = y.narrow(1, 0, 20);
        let all = run(first, vec![grad_of(&q)]);
        [all[0].clone(), all[1][..20 * heads * head_dim].to_vec()]
    };
    assert_eq!(call(20), call(80));
}

/// Scores of ±80 and beyond: weights of 0 and 1, never a NaN.
#[test]
fn attention_stays_finite_at_extreme_scores() {
    let Some((gpu, _one)) = gpu() else { return };
    let [q, k] = [1, 2].map(|salt| leaf([1, 40, 2, 4], salt, 100.0, &gpu));
    let v = leaf([1, 40, 2, 4], 3, 1.0, &gpu);
    let y = causal_attention(q.clone(), k.clone(), v.clone());
    let all = run(y, vec![grad_of(&q), grad_of(&k), grad_of(&v)]);
    assert!(all.iter().flatten().all(|x| x.is_finite()));
}
