use super::*;
use crate::kernels::{embedding, embedding_portable, rope, rope_portable, swiglu, swiglu_portable};

#[test]
fn swiglu_agrees_at_large_values() {
    let Some((gpu, _one)) = gpu() else { return };
    for scale in [1.0, 30.0, 200.0] {
        let call = |f: fn(Tensor<2>, Tensor<2>) -> Tensor<2>, device: &Device| {
            let [a, b] = [
                leaf([25, 19], 1, scale, device),
                leaf([25, 19], 2, 1.0, device),
            ];
            run(f(a.clone(), b.clone()), vec![grad_of(&a), grad_of(&b)])
        };
        let ours = call(swiglu::<2>, &gpu);
        let oracle = call(swiglu_portable::<2>, &Device::flex());
        compare(&ours, &oracle, 1e-5, &format!("values to {scale}"));
    }
}

#[test]
fn embedding_adds_up_repeated_rows() {
    let Some((gpu, _one)) = gpu() else { return };
    let many: Vec<usize> = (0..300).map(|i| (i * 37) % 11 * 30).collect();
    for (entries, width, ids) in [(6, 5, vec![3, 0, 3, 3, 5]), (331, 70, many)] {
        let call = |f: fn(Tensor<2>, Tensor<1, Int>) -> Tensor<2>, device: &Device| {
            let table = leaf([entries, width], 1, 1.0, device);
            run(f(table.clone(), ints(&ids, device)), vec![grad_of(&table)])
        };
        let ours = call(embedding, &gpu);
        let oracle = call(embedding_portable, &Device::flex());
        compare(&ours, &oracle, 1e-5, &format!("{entries} × {width}"));
        assert_eq!(ours, call(embedding, &gpu), "the same sums every time");
    }
}

#[test]
fn rope_agrees() {
    let Some((gpu, _one)) = gpu() else { return };
    let call = |fast: bool, device: &Device| {
        let x = leaf([35, 3, 8], 1, 1.0, device);
        let table =
            |salt| Tensor::<2>::from_data(TensorData::new(noise(40, salt, 1.0), [10, 4]), device);
        let positions: Vec<usize> = (0..35).map(|i| (i * 7) % 10).collect();
        let (cos, sin, positions) = (table(5), table(6), ints(&positions, device));
        let y = if fast {
            rope(x.clone(), cos, sin, positions)
        } else {
            let (cos, sin) = (Tensor::from_inner(cos), Tensor::from_inner(sin));
            rope_portable(x.clone(), cos, sin, positions)
        };
        run(y, vec![grad_of(&x)])
    };
    compare(
        &call(true, &gpu),
        &call(false, &Device::flex()),
        1e-5,
        "rope",
    );
}
