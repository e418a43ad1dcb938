//! Fused against portable, forward and gradient, at odd sizes and extreme values.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::*;

/// Numbers in (−1, 1) · `scale` that differ from call to call by `salt`.
fn noise(n: usize, salt: u32, scale: f32) -> Vec<f32> {
    let unit = |i: u32| crate::rng::mix32(salt, i) as f32 / u32::MAX as f32;
    (0..n as u32)
        .map(|i| (2.0 * unit(i) - 1.0) * scale)
        .collect()
}

fn leaf<const D: usize>(shape: [usize; D], salt: u32, scale: f32) -> Tensor<D> {
    let values = noise(shape.iter().product(), salt, scale);
    let device = Device::flex().autodiff();
    Tensor::from_data(TensorData::new(values, shape), &device).require_grad()
}

/// Reads an input's gradient.
type GradOf = Box<dyn Fn(&burn::tensor::Gradients) -> Vec<f32>>;

fn ints(values: &[usize]) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|&v| v as i64).collect();
    Tensor::from_data(
        TensorData::new(values.clone(), [values.len()]),
        &Device::flex().autodiff(),
    )
}

fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn assert_close(fast: &[f32], portable: &[f32], tolerance: f32, what: &str) {
    assert_eq!(fast.len(), portable.len(), "{what}: sizes differ");
    let scale = portable.iter().fold(1.0f32, |top, x| top.max(x.abs()));
    for (index, (a, b)) in fast.iter().zip(portable).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * scale,
            "{what}[{index}]: {a} against {b}"
        );
    }
}

/// Output and the gradients of all inputs under a fixed random weighting of the output.
fn run<const D: usize>(output: Tensor<D>, inputs: Vec<GradOf>) -> Vec<Vec<f32>> {
    let weights = noise(output.dims().iter().product(), 99, 1.0);
    let weights = Tensor::from_data(TensorData::new(weights, output.dims()), &output.device());
    let grads = (output.clone() * weights).sum().backward();
    let mut all = vec![list(output)];
    all.extend(inputs.iter().map(|grad| grad(&grads)));
    all
}

fn grad_of<const D: usize>(x: &Tensor<D>) -> GradOf {
    let x = x.clone();
    Box::new(move |grads| list(x.grad(grads).expect("the input was used")))
}

fn compare(fast: Vec<Vec<f32>>, portable: Vec<Vec<f32>>, tolerance: f32) {
    for (index, (fast, portable)) in fast.iter().zip(&portable).enumerate() {
        let what = if index == 0 {
            "output".into()
        } else {
            format!("gradient {index}")
        };
        assert_close(fast, portable, tolerance, &what);
    }
}

#[test]
fn linear_agrees_with_and_without_bias() {
    for (rows, width_in, width_out) in [(1, 3, 2), (5, 7, 9), (33, 20, 65)] {
        let [x, w] = [
            leaf([rows, width_in], 1, 1.0),
            leaf([width_out, width_in], 2, 1.0),
        ];
        let b = leaf([width_out], 3, 1.0);
        let grads = || vec![grad_of(&x), grad_of(&w), grad_of(&b)];
        let call = |f: fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>| {
            run(f(x.clone(), w.clone(), Some(b.clone())), grads())
        };
        compare(call(linear::<2>), call(linear_portable::<2>), 1e-5);
        let call = |f: fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>| {
            run(
                f(x.clone(), w.clone(), None),
                vec![grad_of(&x), grad_of(&w)],
            )
        };
        compare(call(linear::<2>), call(linear_portable::<2>), 1e-5);
    }
}

#[test]
fn rms_norm_agrees() {
    for (rows, width, scale) in [(1, 2, 1.0), (7, 17, 1e-3), (4, 64, 1e3)] {
        let [x, gamma] = [
            leaf([rows, width], 1, scale).reshape([rows, 1, width]),
            leaf([1, 1, width], 2, 1.0),
        ];
        let (x, gamma) = (
            x.detach().require_grad(),
            gamma.reshape([width]).detach().require_grad(),
        );
        let call = |f: fn(Tensor<3>, Tensor<1>, f32) -> Tensor<3>| {
            run(
                f(x.clone(), gamma.clone(), 1e-6),
                vec![grad_of(&x), grad_of(&gamma)],
            )
        };
        compare(call(rms_norm::<3>), call(rms_norm_portable::<3>), 2e-5);
    }
}

#[test]
fn swiglu_agrees_at_large_values() {
    for scale in [1.0, 30.0, 200.0] {
        let [a, b] = [leaf([5, 19], 1, scale), leaf([5, 19], 2, 1.0)];
        let call = |f: fn(Tensor<2>, Tensor<2>) -> Tensor<2>| {
            run(f(a.clone(), b.clone()), vec![grad_of(&a), grad_of(&b)])
        };
        compare(call(swiglu::<2>), call(swiglu_portable::<2>), 1e-5);
    }
}

#[test]
fn embedding_adds_up_repeated_rows() {
    let table = leaf([6, 5], 1, 1.0);
    let ids = ints(&[3, 0, 3, 3, 5]);
    let call = |f: fn(Tensor<2>, Tensor<1, Int>) -> Tensor<2>| {
        run(f(table.clone(), ids.clone()), vec![grad_of(&table)])
    };
    compare(call(embedding), call(embedding_portable), 1e-6);
}

#[test]
fn rope_agrees() {
    let x = leaf([5, 3, 8], 1, 1.0);
    let device = Device::flex();
    let table =
        |salt| Tensor::<2>::from_data(TensorData::new(noise(40, salt, 1.0), [10, 4]), &device);
    let call = |fast: bool| {
        let (cos, sin, positions) = (table(5), table(6), ints(&[0, 9, 4, 4, 1]));
        let y = if fast {
            rope(x.clone(), cos, sin, positions)
        } else {
            rope_portable(
                x.clone(),
                Tensor::from_inner(cos),
                Tensor::from_inner(sin),
                positions,
            )
        };
        run(y, vec![grad_of(&x)])
    };
    compare(call(true), call(false), 1e-5);
}

#[test]
fn attention_agrees_with_grouped_heads_across_blocks() {
    for (batch, time, heads, groups, scale) in
        [(2, 5, 4, 2, 1.0), (1, 70, 2, 1, 1.0), (2, 131, 3, 3, 30.0)]
    {
        let q = leaf([batch, time, heads, 6], 1, scale);
        let [k, v] = [
            leaf([batch, time, groups, 6], 2, 1.0),
            leaf([batch, time, groups, 6], 3, 1.0),
        ];
        let call = |f: fn(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>| {
            let y = f(q.clone(), k.clone(), v.clone());
            run(y, vec![grad_of(&q), grad_of(&k), grad_of(&v)])
        };
        compare(
            call(causal_attention),
            call(causal_attention_portable),
            3e-5,
        );
    }
}

#[test]
fn token_logprobs_agree_and_differentiate_both_outputs() {
    for (vocabulary, scale, temperature) in [(7, 1.0, 1.0), (99, 3.0, 0.7), (1030, 20.0, 1.3)] {
        let [hidden, head] = [leaf([40, 12], 1, scale), leaf([vocabulary, 12], 2, 1.0)];
        let rows: Vec<usize> = (0..37).map(|i| (i * 7) % 40).collect();
        let targets: Vec<usize> = (0..37).map(|i| (i * 5) % vocabulary).collect();
        let call = |fast: bool| {
            let (rows, targets) = (ints(&rows), ints(&targets));
            let f = if fast {
                token_logprobs
            } else {
                token_logprobs_portable
            };
            let y = f(hidden.clone(), head.clone(), rows, targets, temperature);
            run(y, vec![grad_of(&hidden), grad_of(&head)])
        };
        compare(call(true), call(false), 5e-5);
    }
}

#[test]
fn token_logprobs_stay_finite_at_extreme_logits() {
    let hidden = leaf([3, 2], 1, 1e4);
    let head = leaf([50, 2], 2, 10.0);
    let y = token_logprobs(
        hidden.clone(),
        head,
        ints(&[0, 1, 2]),
        ints(&[0, 49, 7]),
        1.0,
    );
    let all = run(y, vec![grad_of(&hidden)]);
    assert!(all.iter().flatten().all(|x| x.is_finite()), "{all:?}");
}

#[test]
fn cached_attention_agrees_with_portable() {
    let device = Device::flex();
    let tensor3 = |shape: [usize; 3], salt| {
        Tensor::<3>::from_data(
            TensorData::new(noise(shape.iter().product(), salt, 1.0), shape),
            &device,
        )
    };
    let prompt = |salt| tensor3([4 * 3, 2, 6], salt).reshape([4, 3, 2, 6]);
    let [mut fast, mut portable] = [0, 1].map(|_| LayerCache::new(prompt(1), prompt(2), 8));
    let plain = |values: &[usize]| ints(values).inner();
    for (slots, positions) in [
        (vec![0, 1, 2, 3], vec![3, 2, 3, 1]),
        (vec![1, 3], vec![3, 2]),
        (vec![3], vec![3]),
    ] {
        let n = slots.len();
        let [q, k, v] = [
            tensor3([n, 4, 6], 5),
            tensor3([n, 2, 6], 6),
            tensor3([n, 2, 6], 7),
        ];
        let (slots, positions) = (plain(&slots), plain(&positions));
        let a = fast.attend(q.clone(), k.clone(), v.clone(), &slots, &positions);
        let b = portable.attend_portable(q, k, v, &slots, &positions);
        assert_close(&list(a), &list(b), 1e-5, "attention over the cache");
    }
}

#[test]
fn adamw_agrees_and_moves_as_pytorch_does() {
    let device = Device::flex();
    let tensor = |salt: u32, scale| {
        Tensor::<1>::from_data(TensorData::new(noise(37, salt, scale), [37]), &device)
    };
    let step = AdamWStep {
        learning_rate: 1e-2,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.1,
        time: 3,
        grad_scale: 0.5,
    };
    let input = || {
        [
            tensor(1, 1.0),
            tensor(2, 1.0),
            tensor(3, 0.1),
            tensor(4, 0.1).abs(),
        ]
    };
    let (fast, portable) = (adamw(input(), &step), adamw_portable(input(), &step));
    for (a, b) in fast.into_iter().zip(portable) {
        assert_close(&list(a), &list(b), 1e-6, "adamw");
    }
    // First step from zero moments: every parameter moves by lr against the gradient's sign.
    let zeros = || Tensor::<1>::zeros([37], &device);
    let step = AdamWStep {
        time: 1,
        weight_decay: 0.0,
        ..step
    };
    let [moved, ..] = adamw([zeros(), tensor(2, 1.0), zeros(), zeros()], &step);
    for (m, g) in list(moved).iter().zip(list(tensor(2, 1.0))) {
        assert!(
            (m + 1e-2 * g.signum()).abs() < 1e-5,
            "{m} after gradient {g}"
        );
    }
}

#[test]
fn sum_of_squares_agrees() {
    let x = leaf([9001], 1, 1.0).inner();
    let exact: f64 = list(x.clone())
        .iter()
        .map(|&x| f64::from(x) * f64::from(x))
        .sum();
    assert!((f64::from(list(sum_of_squares(x))[0]) / exact - 1.0).abs() < 1e-6);
}

/// A row's product must not depend on the rows computed with it (rollouts rely on it).
#[test]
fn matrix_rows_do_not_depend_on_their_neighbours() {
    for (k, n) in [
        (6, 17),
        (64, 64),
        (128, 512),
        (512, 128),
        (300, 99),
        (1500, 40),
    ] {
        let a = leaf([130, k], 1, 1.0).inner();
        let w = leaf([n, k], 2, 1.0).inner();
        let all = list(linear(a.clone(), w.clone(), None));
        for rows in [1, 2, 3, 5, 8, 16, 31, 64, 100] {
            let some = list(linear(a.clone().narrow(0, 20, rows), w.clone(), None));
            assert!(
                some == all[20 * n..(20 + rows) * n],
                "{rows} rows of {k} × {n} differ"
            );
        }
    }
}

#[test]
fn exp_and_ln_are_accurate() {
    for i in -8800..=8800 {
        let x = i as f32 * 0.01;
        let exact = f64::from(x).exp();
        let relative = (f64::from(simd::exp(x)) / exact - 1.0).abs();
        assert!(relative < 3e-7 || exact < 1.2e-38, "exp({x}): {relative}");
    }
    assert_eq!(simd::exp(f32::NEG_INFINITY), 0.0);
    assert_eq!(simd::exp(f32::INFINITY), f32::INFINITY);
    assert!(simd::exp(f32::NAN).is_nan());
    for i in 1..20_000 {
        let x = i as f32 * 5e-5;
        let exact = f64::from(x).ln();
        let error = (f64::from(simd::ln(x)) - exact).abs();
        assert!(error < 3e-7 * exact.abs().max(1.0), "ln({x}): {error}");
    }
}
