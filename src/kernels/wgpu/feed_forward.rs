//! The feed-forward network of a layer from the kernels of its parts.

use burn::backend::Wgpu;

use super::GpuTensor;
use super::linear::{input_gradient, product, weight_gradient};
use super::matmul::Plus;
use super::norm;
use crate::kernels::feed_forward::FeedForward;
use crate::kernels::node::FusedOp;
use crate::kernels::norm::RmsNorm;
use crate::kernels::swiglu::SwiGlu;

#[derive(Clone, Debug)]
pub(crate) struct Saved {
    norm: [GpuTensor; 3],
    normed: GpuTensor,
    /// W_gate, W_up and W_down.
    weights: [GpuTensor; 3],
    /// W_gate·n and W_up·n.
    halves: [GpuTensor; 2],
    inner: GpuTensor,
}

impl FusedOp<Wgpu, 5> for FeedForward {
    type Saved = Saved;

    fn forward(&self, [x, gamma, gate, up, down]: [GpuTensor; 5]) -> (GpuTensor, Saved) {
        let norm = RmsNorm { eps: self.eps };
        let (normed, norm) = FusedOp::<Wgpu, 2>::forward(&norm, [x.clone(), gamma]);
        let halves = [&gate, &up].map(|weight| product(&normed, weight, Plus::Nothing));
        let (inner, halves) = FusedOp::<Wgpu, 2>::forward(&SwiGlu, halves);
        let y = product(&inner, &down, Plus::All(&x));
        let saved = Saved {
            norm,
            normed,
            weights: [gate, up, down],
            halves,
            inner,
        };
        (y, saved)
    }

    fn backward(&self, saved: Saved, grad: GpuTensor, _: [bool; 5]) -> [Option<GpuTensor>; 5] {
        let Saved {
            norm,
            normed,
            weights: [gate, up, down],
            halves,
            inner,
        } = saved;
        let dinner = input_gradient(&grad, &down, Plus::Nothing);
        let ddown = weight_gradient(&inner, &grad);
        let [dgate_half, dup_half] = SwiGlu::gradients(halves, &dinner);
        let dnormed = input_gradient(&dgate_half, &gate, Plus::Nothing);
        let dnormed = input_gradient(&dup_half, &up, Plus::All(&dnormed));
        let dgate = weight_gradient(&normed, &dgate_half);
        let dup = weight_gradient(&normed, &dup_half);
        let [dx, dgamma] = norm::gradients(norm, &dnormed, Some(&grad));
        [dx, dgamma, dgate, dup, ddown].map(Some)
    }
}
