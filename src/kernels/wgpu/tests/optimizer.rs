use super::*;
use crate::kernels::wgpu::adamw::adamw_side_by_side;
use crate::kernels::{AdamWStep, adamw_all, adamw_portable, squares, sum_of_squares};

/// Sizes below, at and above a workgroup's, an odd number of them.
const SIZES: [usize; 5] = [1, 37, 256, 1000, 70_000];

fn plain(n: usize, salt: u32, scale: f32, device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(noise(n, salt, scale), [n]), device)
}

/// What adamw_all is given for SIZES; weight decay for every other tensor.
fn jobs(time: u64, device: &Device) -> Vec<([Tensor<1>; 4], AdamWStep)> {
    let job = |(index, &n): (usize, &usize)| {
        let tensors = [
            plain(n, 1, 1.0, device),
            plain(n, 2, 1.0, device),
            plain(n, 3, 0.1, device),
            plain(n, 4, 0.1, device).abs(),
        ];
        (tensors, step(time, index))
    };
    SIZES.iter().enumerate().map(job).collect()
}

fn step(time: u64, index: usize) -> AdamWStep {
    AdamWStep {
        learning_rate: 1e-2,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: if index.is_multiple_of(2) { 0.1 } else { 0.0 },
        time,
        grad_scale: 0.5,
    }
}

/// The jobs of the next update: other gradients, one step on.
fn next(updated: Vec<[Tensor<1>; 3]>, time: u64) -> Vec<([Tensor<1>; 4], AdamWStep)> {
    let job = |(index, [parameter, m, v]): (usize, [Tensor<1>; 3])| {
        let grad = plain(SIZES[index], 10 + time as u32, 1.0, &parameter.device());
        ([parameter, grad, m, v], step(time, index))
    };
    updated.into_iter().enumerate().map(job).collect()
}

fn by_operations(jobs: Vec<([Tensor<1>; 4], AdamWStep)>) -> Vec<[Tensor<1>; 3]> {
    let update = |(tensors, step)| adamw_portable(tensors, &step);
    jobs.into_iter().map(update).collect()
}

fn assert_agree(ours: &[[Tensor<1>; 3]], oracle: &[[Tensor<1>; 3]], what: &str) {
    assert_eq!(ours.len(), oracle.len());
    for (a, b) in ours.iter().flatten().zip(oracle.iter().flatten()) {
        assert_close(&list(a.clone()), &list(b.clone()), 2e-6, what);
    }
}

#[test]
fn adamw_agrees_over_a_list() {
    let Some((gpu, _one)) = gpu() else { return };
    let launches = |jobs| {
        let before = crate::kernels::dispatches();
        let updated = adamw_all(jobs);
        (updated, crate::kernels::dispatches() - before)
    };
    // A tensor that somebody else holds must not change under them.
    let first = jobs(3, &gpu);
    let held = first[1].0[0].clone();
    let before = list(held.clone());
    let (ours, count) = launches(first);
    let oracle = by_operations(jobs(3, &Device::flex()));
    assert_agree(&ours, &oracle, "first");
    assert_eq!(list(held), before);
    assert_eq!(count, 4, "three lists are laid side by side, then updated");

    let (ours, count) = launches(next(ours, 4));
    let oracle = by_operations(next(oracle, 4));
    assert_agree(&ours, &oracle, "second");
    assert_eq!(count, 1, "they lie side by side");

    let held = ours[3][0].clone();
    let before = list(held.clone());
    let (ours, count) = launches(next(ours, 5));
    let oracle = by_operations(next(oracle, 5));
    assert_agree(&ours, &oracle, "third");
    assert_eq!(list(held), before, "a part that is held keeps its values");
    assert_eq!(count, 2, "the parameters are copied, then updated");

    // One that was replaced lies elsewhere.
    let mut replaced = ours;
    replaced[2][0] = plain(SIZES[2], 99, 1.0, &gpu);
    let mut of_oracle = oracle;
    of_oracle[2][0] = plain(SIZES[2], 99, 1.0, &Device::flex());
    let (ours, count) = launches(next(replaced, 6));
    assert_agree(&ours, &by_operations(next(of_oracle, 6)), "replaced");
    assert_eq!(count, 2);
}

#[test]
fn long_lists_are_updated_in_groups() {
    let Some((gpu, _one)) = gpu() else { return };
    let twice = |device: &Device| [jobs(1, device), jobs(1, device)].concat();
    let oracle = by_operations(twice(&Device::flex()));
    // Groups of one each; of many, more than a launch takes; of all that fit.
    for limit in [1, 4096, 1 << 25] {
        let ours = adamw_side_by_side(twice(&gpu), limit);
        assert_agree(&ours, &oracle, &format!("at most {limit}"));
    }
}

#[test]
fn squares_of_a_list_agree() {
    let Some((gpu, _one)) = gpu() else { return };
    let tensors = |device: &Device| -> Vec<Tensor<1>> {
        (0..9)
            .map(|i| plain(SIZES[i % 5], i as u32, 1.0, device))
            .collect()
    };
    let total = |values: Vec<f32>| values.into_iter().map(f64::from).sum::<f64>();
    let ours = total(list(squares(&tensors(&gpu))));
    let oracle: f64 = tensors(&Device::flex())
        .into_iter()
        .flat_map(list)
        .map(|x| f64::from(x) * f64::from(x))
        .sum();
    assert!(
        (ours / oracle - 1.0).abs() < 1e-6,
        "{ours} against {oracle}"
    );
    let one = list(sum_of_squares(plain(9001, 1, 1.0, &gpu)));
    let oracle = list(sum_of_squares(plain(9001, 1, 1.0, &Device::flex())));
    assert!((one[0] / oracle[0] - 1.0).abs() < 1e-6);
}
