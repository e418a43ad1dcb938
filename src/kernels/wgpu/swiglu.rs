//! SwiGLU with the kernels `swiglu` and `swiglu_grad`.

use burn::backend::Wgpu;

use super::{GpuTensor, Launch, Shader, dims, empty, shader};
use crate::kernels::node::FusedOp;
use crate::kernels::swiglu::SwiGlu;

static FORWARD: Shader = shader!("swiglu");
static GRADIENT: Shader = shader!("swiglu_grad");

impl FusedOp<Wgpu, 2> for SwiGlu {
    type Saved = [GpuTensor; 2];

    fn forward(&self, [gate, up]: [GpuTensor; 2]) -> (GpuTensor, Self::Saved) {
        let shape = dims(&gate);
        let y = empty(&gate, &shape);
        let n = shape.iter().product::<usize>();
        Launch::new(&FORWARD)
            .input(&gate)
            .input(&up)
            .output(&y)
            .number(n)
            .dispatch(n.div_ceil(256));
        (y, [gate, up])
    }

    fn backward(
        &self,
        saved: Self::Saved,
        grad: GpuTensor,
        _: [bool; 2],
    ) -> [Option<GpuTensor>; 2] {
        Self::gradients(saved, &grad).map(Some)
    }
}

impl SwiGlu {
    /// The gradients of gate and up, by the output's.
    pub(super) fn gradients([gate, up]: [GpuTensor; 2], grad: &GpuTensor) -> [GpuTensor; 2] {
        let shape = dims(&gate);
        let (dgate, dup) = (empty(&gate, &shape), empty(&gate, &shape));
        let n = shape.iter().product::<usize>();
        Launch::new(&GRADIENT)
            .input(&gate)
            .input(&up)
            .input(grad)
            .output(&dgate)
            .output(&dup)
            .number(n)
            .dispatch(n.div_ceil(256));
        [dgate, dup]
    }
}
