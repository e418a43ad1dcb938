//! SwiGLU: silu(gate) · up, element by element (Shazeer 2020).

use burn::backend::Flex;
use burn::tensor::{Tensor, activation};

use super::cpu::{self, CpuTensor, from_vec, values};
use super::family::Family;
use super::linear::dims;
use super::node::{FusedOp, Input};
use super::simd::{sigmoid, vectorized};
#[cfg(feature = "gpu")]
use super::wgpu;

/// gate, up: the same shape → that shape.
pub fn swiglu<const D: usize>(gate: Tensor<D>, up: Tensor<D>) -> Tensor<D> {
    match Family::of(&gate.device()) {
        Family::Cpu => cpu::apply(SwiGlu, [Input::new(gate), Input::new(up)]),
        #[cfg(feature = "gpu")]
        Family::Wgpu => wgpu::apply(SwiGlu, [Input::new(gate), Input::new(up)]),
        Family::Other => swiglu_portable(gate, up),
    }
}

/// The same from burn's operations, for every device.
pub fn swiglu_portable<const D: usize>(gate: Tensor<D>, up: Tensor<D>) -> Tensor<D> {
    activation::silu(gate) * up
}

#[derive(Clone, Debug)]
pub(super) struct SwiGlu;

impl FusedOp<Flex, 2> for SwiGlu {
    type Saved = (CpuTensor, CpuTensor);

    fn forward(&self, [gate, up]: [CpuTensor; 2]) -> (CpuTensor, Self::Saved) {
        let mut y = vec![0.0; values(&gate).len()];
        let (a, b) = (values(&gate), values(&up));
        vectorized(|| {
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                *y = a * sigmoid(a) * b;
            }
        });
        (from_vec(y, &dims(&gate)), (gate, up))
    }

    fn backward(
        &self,
        (gate, up): Self::Saved,
        grad: CpuTensor,
        _: [bool; 2],
    ) -> [Option<CpuTensor>; 2] {
        let grad = values(&grad);
        let (a, b) = (values(&gate), values(&up));
        let mut dgate = vec![0.0; a.len()];
        let mut dup = vec![0.0; a.len()];
        vectorized(|| {
            let outputs = dgate.iter_mut().zip(dup.iter_mut());
            for ((((da, db), &a), &b), &g) in outputs.zip(a).zip(b).zip(grad) {
                let s = sigmoid(a);
                let silu = a * s;
                *da = g * b * (s + silu * (1.0 - s));
                *db = g * silu;
            }
        });
        let shape = dims(&gate);
        [Some(from_vec(dgate, &shape)), Some(from_vec(dup, &shape))]
    }
}
