//! Rotary position embedding in the rotate-half form of Hugging Face models (Su et al. 2021):
//! dimension i of the first half turns with dimension i of the second.

use burn::backend::Flex;
use burn::tensor::{Int, Tensor};

use super::cpu::{self, CpuTensor, Input, from_vec, values};
use super::family::Family;
use super::linear::dims;
use super::node::FusedOp;
use super::simd::vectorized;
#[cfg(feature = "gpu")]
use super::wgpu;

/// Turns x: [rows, heads, head_dim] by the angles of `positions`: `[rows]`, with the tables
/// cos, sin: [positions there are, head_dim / 2].
pub fn rope(x: Tensor<3>, cos: Tensor<2>, sin: Tensor<2>, positions: Tensor<1, Int>) -> Tensor<3> {
    match Family::of(&x.device()) {
        Family::Cpu => {}
        #[cfg(feature = "gpu")]
        Family::Wgpu => return wgpu::rope(x, cos, sin, positions),
        Family::Other => return rope_portable(x, cos, sin, positions),
    }
    let op = Rope {
        cos: cpu::cpu_tensor(cos.inner()),
        sin: cpu::cpu_tensor(sin.inner()),
        positions: cpu::cpu_ints(positions),
    };
    cpu::apply(op, [Input::new(x)])
}

/// The same from burn's operations, for every device.
pub fn rope_portable(
    x: Tensor<3>,
    cos: Tensor<2>,
    sin: Tensor<2>,
    positions: Tensor<1, Int>,
) -> Tensor<3> {
    let [_, _, head_dim] = x.dims();
    let cos = cos.select(0, positions.clone()).unsqueeze_dim::<3>(1);
    let sin = sin.select(0, positions).unsqueeze_dim::<3>(1);
    let first = x.clone().narrow(2, 0, head_dim / 2);
    let second = x.narrow(2, head_dim / 2, head_dim / 2);
    Tensor::cat(
        vec![
            first.clone() * cos.clone() - second.clone() * sin.clone(),
            second * cos + first * sin,
        ],
        2,
    )
}

#[derive(Clone, Debug)]
struct Rope {
    cos: CpuTensor,
    sin: CpuTensor,
    positions: Vec<usize>,
}

impl Rope {
    /// Turns every head of every row, forwards (`direction` 1) or back (−1).
    fn turn(&self, x: &[f32], heads: usize, head_dim: usize, direction: f32) -> Vec<f32> {
        let half = head_dim / 2;
        let (cos, sin) = (values(&self.cos), values(&self.sin));
        let mut y = vec![0.0; x.len()];
        vectorized(|| {
            let rows = y
                .chunks_exact_mut(heads * head_dim)
                .zip(x.chunks_exact(heads * head_dim));
            for ((y, x), &position) in rows.zip(&self.positions) {
                let cos = &cos[position * half..(position + 1) * half];
                let sin = &sin[position * half..(position + 1) * half];
                for (y, x) in y.chunks_exact_mut(head_dim).zip(x.chunks_exact(head_dim)) {
                    let (y1, y2) = y.split_at_mut(half);
                    let (x1, x2) = x.split_at(half);
                    for i in 0..half {
                        let s = direction * sin[i];
                        y1[i] = x1[i] * cos[i] - x2[i] * s;
                        y2[i] = x2[i] * cos[i] + x1[i] * s;
                    }
                }
            }
        });
        y
    }
}

impl FusedOp<Flex, 1> for Rope {
    type Saved = [usize; 3];

    fn forward(&self, [x]: [CpuTensor; 1]) -> (CpuTensor, Self::Saved) {
        let shape = [dims(&x)[0], dims(&x)[1], dims(&x)[2]];
        let y = self.turn(values(&x), shape[1], shape[2], 1.0);
        (from_vec(y, &shape), shape)
    }

    fn backward(&self, shape: [usize; 3], grad: CpuTensor, _: [bool; 1]) -> [Option<CpuTensor>; 1] {
        [Some(from_vec(
            self.turn(values(&grad), shape[1], shape[2], -1.0),
            &shape,
        ))]
    }
}
