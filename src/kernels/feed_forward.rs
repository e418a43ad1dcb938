//! A decoder layer's second half: the feed-forward network beside the residual stream.

use burn::tensor::Tensor;

#[cfg(feature = "gpu")]
use super::family::Family;
#[cfg(feature = "gpu")]
use super::node::Input;
#[cfg(feature = "gpu")]
use super::wgpu;
use super::{linear, linear_onto, rms_norm, swiglu};

/// x + W_down·(silu(W_gate·n) · W_up·n) with n = RMSNorm(x): x: [rows, width], gamma: `[width]`, gate and
/// up: [inner, width], down: [width, inner] → [rows, width].
pub fn feed_forward(
    x: Tensor<2>,
    gamma: Tensor<1>,
    [gate, up, down]: [Tensor<2>; 3],
    eps: f32,
) -> Tensor<2> {
    // In one, gradients that meet are added up where they come about.
    #[cfg(feature = "gpu")]
    if Family::of(&x.device()) == Family::Wgpu {
        let [x, gate, up, down] = [x, gate, up, down].map(Input::new);
        return wgpu::apply(FeedForward { eps }, [x, Input::new(gamma), gate, up, down]);
    }
    feed_forward_parts(x, gamma, [gate, up, down], eps)
}

/// The same from the operations it is made of.
pub fn feed_forward_parts(
    x: Tensor<2>,
    gamma: Tensor<1>,
    [gate, up, down]: [Tensor<2>; 3],
    eps: f32,
) -> Tensor<2> {
    let normed = rms_norm(x.clone(), gamma, eps);
    let gate = linear(normed.clone(), gate, None);
    let inner = swiglu(gate, linear(normed, up, None));
    linear_onto(inner, down, x)
}

#[cfg(feature = "gpu")]
#[derive(Clone, Debug)]
pub(super) struct FeedForward {
    pub eps: f32,
}
