use super::*;
use crate::kernels::{
    feed_forward, feed_forward_parts, linear, linear_onto, linear_portable, linear_transposed,
    transposed,
};

type Function = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

/// One row, odd sizes, several tiles, a depth that is split, tiles of the larger kind.
const SIZES: [(usize, usize, usize); 6] = [
    (1, 3, 2),
    (5, 7, 9),
    (33, 20, 65),
    (130, 66, 40),
    (1100, 18, 10),
    (600, 40, 530),
];

#[test]
fn linear_agrees_with_and_without_bias() {
    let Some((gpu, _one)) = gpu() else { return };
    for (rows, width_in, width_out) in SIZES {
        let call = |f: Function, biased: bool, device: &Device| {
            let x = leaf([rows, width_in], 1, 1.0, device);
            let w = leaf([width_out, width_in], 2, 1.0, device);
            let b = leaf([width_out], 3, 1.0, device);
            let mut grads = vec![grad_of(&x), grad_of(&w)];
            if biased {
                grads.push(grad_of(&b));
            }
            run(f(x, w, biased.then_some(b)), grads)
        };
        for biased in [true, false] {
            let ours = call(linear::<2>, biased, &gpu);
            let oracle = call(linear_portable::<2>, biased, &Device::flex());
            let what = format!("{rows} × {width_in} × {width_out}");
            compare(&ours, &oracle, 2e-5, &what);
        }
    }
}

#[test]
fn turned_weights_are_read_where_they_lie() {
    let Some((gpu, _one)) = gpu() else { return };
    for (rows, width_in, width_out) in SIZES {
        let x = leaf([rows, width_in], 1, 1.0, &gpu).inner();
        let w = leaf([width_out, width_in], 2, 1.0, &gpu).inner();
        let b = leaf([width_out], 3, 1.0, &gpu).inner();
        let ours = linear_transposed(x.clone(), transposed(w.clone()), Some(b.clone()));
        let [x, w] = [x, w].map(|t| Tensor::from_data(t.into_data(), &Device::flex()));
        let b = Tensor::from_data(b.into_data(), &Device::flex());
        let oracle = linear_portable(x, w, Some(b));
        assert_close(&list(ours), &list(oracle), 2e-5, "turned");
    }
}

/// A row's product must not depend on the rows computed with it (rollouts rely on it).
#[test]
fn matrix_rows_do_not_depend_on_their_neighbours() {
    let Some((gpu, _one)) = gpu() else { return };
    let [k, n] = [70, 90];
    let a = leaf([40, k], 1, 1.0, &gpu).inner();
    let w = leaf([n, k], 2, 1.0, &gpu).inner();
    let all = list(linear(a.clone(), w.clone(), None));
    for rows in [1, 3, 20] {
        let some = list(linear(a.clone().narrow(0, 20, rows), w.clone(), None));
        assert!(some == all[20 * n..(20 + rows) * n], "{rows} rows differ");
    }
}

#[test]
fn linear_adds_to_what_is_there() {
    let Some((gpu, _one)) = gpu() else { return };
    for (rows, width_in, width_out) in SIZES.into_iter().chain([(20, 1500, 30)]) {
        let call = |fast: bool, device: &Device| {
            let x = leaf([rows, width_in], 1, 1.0, device);
            let w = leaf([width_out, width_in], 2, 1.0, device);
            let onto = leaf([rows, width_out], 3, 1.0, device);
            let grads = vec![grad_of(&x), grad_of(&w), grad_of(&onto)];
            let y = if fast {
                linear_onto(x, w, onto)
            } else {
                onto + linear_portable(x, w, None)
            };
            run(y, grads)
        };
        let (ours, oracle) = (call(true, &gpu), call(false, &Device::flex()));
        let what = format!("{rows} × {width_in} × {width_out}");
        compare(&ours, &oracle, 2e-5, &what);
    }
}

#[test]
fn the_feed_forward_network_agrees_with_its_parts() {
    let Some((gpu, _one)) = gpu() else { return };
    for (rows, width, inner) in [(1, 3, 5), (37, 20, 52), (1100, 18, 24)] {
        let call = |fast: bool, device: &Device| {
            let x = leaf([rows, width], 1, 1.0, device);
            let gamma = leaf([width], 2, 1.0, device);
            let [gate, up] = [3, 4].map(|salt| leaf([inner, width], salt, 0.5, device));
            let down = leaf([width, inner], 5, 0.5, device);
            let grads = [&gate, &up, &down].map(grad_of);
            let grads = [grad_of(&x), grad_of(&gamma)].into_iter().chain(grads);
            let grads = grads.collect();
            let f = if fast {
                feed_forward
            } else {
                feed_forward_parts
            };
            run(f(x, gamma, [gate, up, down], 1e-5), grads)
        };
        let (ours, oracle) = (call(true, &gpu), call(false, &Device::flex()));
        compare(&ours, &oracle, 2e-5, &format!("{rows} × {width} × {inner}"));
    }
}
