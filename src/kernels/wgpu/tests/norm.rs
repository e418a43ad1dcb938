use super::*;
use crate::kernels::{rms_norm, rms_norm_portable};

#[test]
fn rms_norm_agrees() {
    let Some((gpu, _one)) = gpu() else { return };
    for (rows, width, scale) in [
        (1, 2, 1.0),
        (7, 17, 1e-3),
        (130, 64, 1.0),
        (33, 80, 1e3),
        (5, 600, 1.0),
    ] {
        let call = |f: fn(Tensor<3>, Tensor<1>, f32) -> Tensor<3>, device: &Device| {
            let x = leaf([rows, 1, width], 1, scale, device);
            let gamma = leaf([width], 2, 1.0, device);
            run(
                f(x.clone(), gamma.clone(), 1e-6),
                vec![grad_of(&x), grad_of(&gamma)],
            )
        };
        let ours = call(rms_norm::<3>, &gpu);
        let oracle = call(rms_norm_portable::<3>, &Device::flex());
        compare(&ours, &oracle, 2e-5, &format!("{rows} × {width}"));
    }
}

#[test]
fn rows_of_zeros_stay_zero() {
    let Some((gpu, _one)) = gpu() else { return };
    let x = given([3, 5], vec![0.0; 15], &gpu);
    let gamma = leaf([5], 2, 1.0, &gpu);
    let all = run(
        rms_norm(x.clone(), gamma.clone(), 1e-6),
        vec![grad_of(&x), grad_of(&gamma)],
    );
    assert!(all[0].iter().all(|&y| y == 0.0));
    assert!(all.iter().flatten().all(|y| y.is_finite()));
}
