//! The kernels of a decoding step against burn's operations on the CPU.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::linear::in_fours;
use super::*;
use crate::kernels::swiglu_portable;
use crate::kernels::wgpu::dims;
use crate::kernels::wgpu::tests::{gpu, noise};
use crate::kernels::{LayerCache, linear_portable, rms_norm_portable, rope_portable};

/// The same random tensor on both devices.
fn both<const D: usize>(shape: [usize; D], salt: u32, scale: f32, gpu: &Device) -> [Tensor<D>; 2] {
    let values = noise(shape.iter().product(), salt, scale);
    [&Device::flex(), gpu]
        .map(|device| Tensor::from_data(TensorData::new(values.clone(), shape), device))
}

fn list<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn assert_close(gpu: &[f32], cpu: &[f32], what: &str) {
    assert_eq!(gpu.len(), cpu.len(), "{what}: sizes differ");
    let scale = cpu.iter().fold(1.0f32, |top, x| top.max(x.abs()));
    for (index, (a, b)) in gpu.iter().zip(cpu).enumerate() {
        assert!(
            (a - b).abs() <= 1e-5 * scale,
            "{what}[{index}]: {a} against {b}"
        );
    }
}

/// The first `width` columns of `rows` rows of a device tensor.
fn part(tensor: &GpuTensor, rows: usize, width: usize) -> Vec<f32> {
    let tensor = wgpu::plain_tensor::<2>(tensor.clone());
    list(tensor.narrow(0, 0, rows).narrow(1, 0, width))
}

/// x in a buffer, where rows are padded.
fn padded(x: Tensor<2>) -> GpuTensor {
    wgpu::tensor(in_fours(x))
}

#[test]
fn a_linear_layer_agrees_with_all_that_stands_around_it() {
    let Some((device, _guard)) = gpu() else {
        return;
    };
    for (rows, width, outs, biased) in [(1, 4, 2, false), (5, 7, 9, true), (33, 50, 65, true)] {
        let [x, x_gpu] = both([rows, width], 1, 2.0, &device);
        let [w, w_gpu] = both([outs, width], 2, 1.0, &device);
        let [up, up_gpu] = both([outs, width], 3, 1.0, &device);
        let [b, b_gpu] = both([outs], 4, 1.0, &device);
        let [gamma, gamma_gpu] = both([width], 5, 1.0, &device);
        let bias = |b: &Tensor<1>| biased.then(|| b.clone());
        let x_gpu = padded(x_gpu);
        let layer = StepLinear::new(w_gpu.clone(), bias(&b_gpu));
        let norm = Norm::new(gamma_gpu, 1e-5);

        let y = buffer(rows, outs, &x_gpu);
        layer.launch(&x_gpu, &y, rows, None, After::Write);
        let expected = list(linear_portable(x.clone(), w.clone(), bias(&b)));
        assert_close(&part(&y, rows, outs), &expected, "written");
        // Only some of the rows, onto what is there.
        let some = rows.div_ceil(2);
        layer.launch(&x_gpu, &y, some, None, After::Add);
        let mut twice = expected;
        twice[..some * outs].iter_mut().for_each(|y| *y *= 2.0);
        assert_close(&part(&y, rows, outs), &twice, "added");

        let normed = rms_norm_portable(x.clone(), gamma, 1e-5);
        layer.launch(&x_gpu, &y, rows, Some(&norm), After::Write);
        let expected = list(linear_portable(normed.clone(), w.clone(), bias(&b)));
        assert_close(&part(&y, rows, outs), &expected, "normed");

        let pair = vec![(w_gpu.clone(), bias(&b_gpu)), (up_gpu.clone(), None)];
        StepLinear::in_turns(pair.clone()).launch(&x_gpu, &y, rows, Some(&norm), After::SwiGlu);
        let gate = linear_portable(normed.clone(), w.clone(), bias(&b));
        let up = linear_portable(normed, up.clone(), None);
        let expected = list(swiglu_portable(gate.clone(), up.clone()));
        assert_close(&part(&y, rows, outs), &expected, "gated");
        // What the padding holds is the next layer's zeros.
        let padding = wgpu::plain_tensor::<2>(y.clone()).slice([0..rows, outs..dims(&y)[1]]);
        assert!(list(padding).iter().all(|&x| x == 0.0));

        let y = buffer(rows, 2 * outs, &x_gpu);
        StepLinear::side_by_side(pair).launch(&x_gpu, &y, rows, Some(&norm), After::Write);
        let expected = list(Tensor::cat(vec![gate, up], 1));
        assert_close(&part(&y, rows, 2 * outs), &expected, "side by side");
    }
}

/// One case of attention: slots with prompts of several lengths, written on for a few tokens.
struct Case {
    shape: Heads,
    normed: bool,
    lengths: Vec<usize>,
    /// Prompt of each slot.
    prompts: Vec<usize>,
    tokens: usize,
}

impl Case {
    fn run(&self, device: &Device) {
        let Heads {
            heads,
            groups,
            head_dim,
        } = self.shape;
        let time = *self.lengths.iter().max().unwrap();
        let room = time + self.tokens;
        let ints = |values: Vec<usize>| {
            let values: Vec<i64> = values.into_iter().map(|v| v as i64).collect();
            let size = values.len();
            Tensor::<1, Int>::from_data(TensorData::new(values, [size]), &Device::flex())
        };
        let shape = [self.lengths.len(), time, groups, head_dim];
        let [k, k_gpu] = both(shape, 1, 1.0, device);
        let [v, v_gpu] = both(shape, 2, 1.0, device);
        let copy = |t: Tensor<4>| t.select(0, ints(self.prompts.clone()));
        let mut cache = LayerCache::new(copy(k), copy(v), room);
        let like = wgpu::tensor(k_gpu.clone().flatten::<2>(0, 2));
        let slots = self.prompts.iter().map(|&p| p as i32).collect();
        let slots = super::ints(slots, [self.prompts.len(), 1], &like);
        let gpu_cache = DeviceCache::open(k_gpu, v_gpu, &slots, room, self.shape);

        let [cos, cos_gpu] = both([room, head_dim / 2], 3, 1.0, device);
        let [sin, sin_gpu] = both([room, head_dim / 2], 4, 1.0, device);
        let rotary = wgpu::tensor(Tensor::cat(vec![cos_gpu, sin_gpu], 1));
        let [q_gamma, q_gamma_gpu] = both([head_dim], 5, 1.0, device);
        let [k_gamma, k_gamma_gpu] = both([head_dim], 6, 1.0, device);
        let norms = HeadNorms::new([q_gamma_gpu, k_gamma_gpu], 1e-5);

        // Every other slot, backwards; the second of these has finished.
        let active: Vec<usize> = (0..self.prompts.len()).rev().step_by(2).collect();
        let rows = active.len();
        let length = |slot: usize| self.lengths[self.prompts[slot]];
        let state = active.iter().enumerate().flat_map(|(row, &slot)| {
            let finished = i32::from(row == 1);
            [slot as i32, length(slot) as i32, 99, 0, finished]
        });
        let state = super::ints(state.collect(), [rows, ROW], &like);
        let width = self.shape.qkv();
        for token in 0..self.tokens {
            let [x, x_gpu] = both([rows, width], 100 + token as u32, 1.0, device);
            let y = buffer(rows, heads * head_dim, &like);
            let used = self.normed.then_some(&norms);
            gpu_cache.attend(
                &wgpu::tensor(x_gpu),
                used,
                &rotary,
                &state,
                &y,
                [rows, token],
            );

            let positions = ints(active.iter().map(|&slot| length(slot) + token).collect());
            let take = |first: usize, heads: usize| {
                let x = x.clone().narrow(1, first * head_dim, heads * head_dim);
                x.reshape([rows, heads, head_dim])
            };
            let turned = |x: Tensor<3>, gamma: &Tensor<1>| {
                let x = if self.normed {
                    rms_norm_portable(x, gamma.clone(), 1e-5)
                } else {
                    x
                };
                rope_portable(x, cos.clone(), sin.clone(), positions.clone())
            };
            let q = turned(take(0, heads), &q_gamma);
            let k = turned(take(heads, groups), &k_gamma);
            let v = take(heads + groups, groups);
            let slots = ints(active.clone());
            let expected = list(cache.attend_portable(q, k, v, &slots, &positions));
            let attended = part(&y, rows, heads * head_dim);
            let rows = attended.chunks(heads * head_dim);
            let expected = expected.chunks(heads * head_dim);
            for (row, (y, expected)) in rows.zip(expected).enumerate() {
                if row == 1 {
                    assert!(y.iter().all(|&y| y == 0.0), "a finished row is left out");
                } else {
                    assert_close(y, expected, &format!("token {token} row {row}"));
                }
            }
        }
    }
}

#[test]
fn attention_over_the_cache_agrees() {
    let Some((device, _guard)) = gpu() else {
        return;
    };
    for (heads, groups, head_dim, normed) in [
        (4, 2, 6, true),
        (3, 1, 10, false),
        (2, 2, 64, true),
        (14, 2, 8, false),
    ] {
        Case {
            shape: Heads {
                heads,
                groups,
                head_dim,
            },
            normed,
            lengths: vec![3, 7, 1],
            prompts: vec![0, 0, 1, 1, 1, 2, 2],
            tokens: 4,
        }
        .run(&device);
    }
    // Over several runs of positions, and at their ends.
    Case {
        shape: Heads {
            heads: 4,
            groups: 2,
            head_dim: 8,
        },
        normed: false,
        lengths: vec![61, 126, 200],
        prompts: vec![0, 0, 1, 1, 2],
        tokens: 5,
    }
    .run(&device);
}

#[test]
fn heads_that_need_too_much_memory_are_known() {
    let heads = |heads, groups, head_dim| Heads {
        heads,
        groups,
        head_dim,
    };
    assert!(heads(16, 8, 128).fit() && heads(32, 4, 128).fit());
    assert!(!heads(32, 1, 128).fit());
}
