use super::*;
use crate::kernels::{AdamWStep, adamw_all, adamw_portable, squares, sum_of_squares};

/// Sizes below, at and above a workgroup's, an odd number of them.
const SIZES: [usize; 5] = [1, 37, 256, 1000, 70_000];

fn plain(n: usize, salt: u32, scale: f32, device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(noise(n, salt, scale), [n]), device)
}

#[test]
fn adamw_agrees_over_a_list() {
    let Some((gpu, _one)) = gpu() else { return };
    let step = AdamWStep {
        learning_rate: 1e-2,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.1,
        time: 3,
        grad_scale: 0.5,
    };
    let jobs = |device: &Device| -> Vec<([Tensor<1>; 4], AdamWStep)> {
        let job = |(index, &n): (usize, &usize)| {
            let weight_decay = if index % 2 == 0 { 0.1 } else { 0.0 };
            let tensors = [
                plain(n, 1, 1.0, device),
                plain(n, 2, 1.0, device),
                plain(n, 3, 0.1, device),
                plain(n, 4, 0.1, device).abs(),
            ];
            (
                tensors,
                AdamWStep {
                    weight_decay,
                    ..step
                },
            )
        };
        SIZES.iter().enumerate().map(job).collect()
    };
    // A tensor that somebody else holds must not change under them.
    let mut ours = jobs(&gpu);
    let held = ours[1].0[0].clone();
    let before = list(held.clone());
    let launched = crate::kernels::dispatches();
    let updated = adamw_all(std::mem::take(&mut ours));
    assert_eq!(crate::kernels::dispatches() - launched, 3);
    assert_eq!(list(held), before);
    let oracle = jobs(&Device::flex())
        .into_iter()
        .map(|(tensors, step)| adamw_portable(tensors, &step));
    for (ours, oracle) in updated.into_iter().zip(oracle) {
        for (a, b) in ours.into_iter().zip(oracle) {
            assert_close(&list(a), &list(b), 1e-6, "adamw");
        }
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
