//! RMSNorm with the kernels `rms_norm`, `rms_norm_grad` and `sum_rows`.

use burn::backend::Wgpu;

use super::{GpuTensor, Launch, Shader, dims, empty, shader, sum_rows};
use crate::kernels::node::FusedOp;
use crate::kernels::norm::RmsNorm;

static FORWARD: Shader = shader!("rms_norm");
static GRADIENT: Shader = shader!("rms_norm_grad");

/// Rows one after the other in the gradient, so that there are fewer parts of dgamma to add.
const RUN: usize = 8;

/// Invocations for one row, of the 64 in a workgroup.
fn lanes(width: usize) -> usize {
    if width <= 32 {
        8
    } else if width <= 512 {
        16
    } else {
        64
    }
}

impl FusedOp<Wgpu, 2> for RmsNorm {
    type Saved = [GpuTensor; 3];

    fn forward(&self, [x, gamma]: [GpuTensor; 2]) -> (GpuTensor, Self::Saved) {
        let shape = dims(&x);
        let width = dims(&gamma)[0];
        let rows = shape.iter().product::<usize>() / width;
        let (y, scale) = (empty(&x, &shape), empty(&x, &[rows]));
        let lanes = lanes(width);
        Launch::new(&FORWARD)
            .constant("WIDTH", width)
            .constant("LANES", lanes)
            .input(&x)
            .input(&gamma)
            .output(&y)
            .output(&scale)
            .number(rows)
            .real(self.eps)
            .dispatch((rows * lanes).div_ceil(64));
        (y, [x, gamma, scale])
    }

    fn backward(
        &self,
        saved: Self::Saved,
        grad: GpuTensor,
        _: [bool; 2],
    ) -> [Option<GpuTensor>; 2] {
        gradients(saved, &grad, None).map(Some)
    }
}

/// The gradients of x (+ `plus`) and gamma, by the output's.
pub(super) fn gradients(
    [x, gamma, scale]: [GpuTensor; 3],
    grad: &GpuTensor,
    plus: Option<&GpuTensor>,
) -> [GpuTensor; 2] {
    let shape = dims(&x);
    let width = dims(&gamma)[0];
    let rows = shape.iter().product::<usize>() / width;
    let runs = rows.div_ceil(RUN);
    let (dx, parts) = (empty(&x, &shape), empty(&x, &[runs, width]));
    let lanes = lanes(width);
    Launch::new(&GRADIENT)
        .constant("WIDTH", width)
        .constant("LANES", lanes)
        .constant("RUN", RUN)
        .constant("PLUS", usize::from(plus.is_some()))
        .input(&x)
        .input(&gamma)
        .input(&scale)
        .input(grad)
        .input(plus.unwrap_or(grad))
        .output(&dx)
        .output(&parts)
        .number(rows)
        .number(runs)
        .dispatch((runs * lanes).div_ceil(64));
    [dx, sum_rows(&parts)]
}
