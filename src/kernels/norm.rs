//! RMSNorm over the last dimension: y = γ · x / √(mean(x²) + ε) (Zhang & Sennrich 2019).

use burn::backend::Flex;
use burn::tensor::Tensor;

use super::cpu::{self, CpuTensor, from_vec, values};
use super::family::Family;
use super::linear::dims;
use super::node::{FusedOp, Input};
use super::simd::{dot, vectorized};
#[cfg(feature = "gpu")]
use super::wgpu;

/// x: [.., width], gamma: `[width]` → [.., width].
pub fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, eps: f32) -> Tensor<D> {
    let op = RmsNorm { eps };
    match Family::of(&x.device()) {
        Family::Cpu => cpu::apply(op, [Input::new(x), Input::new(gamma)]),
        #[cfg(feature = "gpu")]
        Family::Wgpu => wgpu::apply(op, [Input::new(x), Input::new(gamma)]),
        Family::Other => rms_norm_portable(x, gamma, eps),
    }
}

/// The same from burn's operations, for every device.
pub fn rms_norm_portable<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, eps: f32) -> Tensor<D> {
    let scale = (x.clone() * x.clone())
        .mean_dim(D - 1)
        .add_scalar(eps)
        .sqrt()
        .recip();
    x * scale * gamma.unsqueeze()
}

#[derive(Clone, Debug)]
pub(super) struct RmsNorm {
    pub eps: f32,
}

impl RmsNorm {
    #[inline(always)]
    fn scale(&self, row: &[f32]) -> f32 {
        let mean = dot(row, row) / row.len() as f32;
        1.0 / (mean + self.eps).sqrt()
    }
}

impl FusedOp<Flex, 2> for RmsNorm {
    type Saved = (CpuTensor, CpuTensor);

    fn forward(&self, [x, gamma]: [CpuTensor; 2]) -> (CpuTensor, Self::Saved) {
        let mut y = vec![0.0; values(&x).len()];
        let (input, weight) = (values(&x), values(&gamma));
        let width = weight.len();
        vectorized(|| {
            for (y, x) in y.chunks_exact_mut(width).zip(input.chunks_exact(width)) {
                let scale = self.scale(x);
                for ((y, &x), &w) in y.iter_mut().zip(x).zip(weight) {
                    *y = x * scale * w;
                }
            }
        });
        (from_vec(y, &dims(&x)), (x, gamma))
    }

    fn backward(
        &self,
        (x, gamma): Self::Saved,
        grad: CpuTensor,
        _: [bool; 2],
    ) -> [Option<CpuTensor>; 2] {
        let grad = values(&grad);
        let (input, weight) = (values(&x), values(&gamma));
        let width = weight.len();
        let mut dx = vec![0.0; input.len()];
        let mut dgamma = vec![0.0; width];
        vectorized(|| {
            let mut weighted = vec![0.0; width];
            let rows = dx.chunks_exact_mut(width).zip(input.chunks_exact(width));
            for ((dx, x), g) in rows.zip(grad.chunks_exact(width)) {
                let scale = self.scale(x);
                for ((weighted, &g), &w) in weighted.iter_mut().zip(g).zip(weight) {
                    *weighted = g * w;
                }
                // mean(ĝ·x̂) with x̂ = x·scale and ĝ = g·γ
                let along = dot(&weighted, x) * scale / width as f32;
                let outputs = dx.iter_mut().zip(dgamma.iter_mut());
                let inputs = x.iter().zip(g).zip(&weighted);
                for ((dx, dgamma), ((&x, &g), &weighted)) in outputs.zip(inputs) {
                    let normalised = x * scale;
                    *dx = scale * (weighted - normalised * along);
                    *dgamma += g * normalised;
                }
            }
        });
        [
            Some(from_vec(dx, &dims(&x))),
            Some(from_vec(dgamma, &[width])),
        ]
    }
}
