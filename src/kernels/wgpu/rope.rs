//! Rotary position embedding with the kernel `rope`.

use burn::backend::Wgpu;
use burn::tensor::{Int, Tensor};

use super::{GpuTensor, Input, Launch, Shader, apply, dims, empty, int_tensor, shader, tensor};
use crate::kernels::node::FusedOp;

static ROPE: Shader = shader!("rope");

/// See [`crate::kernels::rope`].
pub(crate) fn rope(
    x: Tensor<3>,
    cos: Tensor<2>,
    sin: Tensor<2>,
    positions: Tensor<1, Int>,
) -> Tensor<3> {
    let op = Rope {
        cos: tensor(cos.inner()),
        sin: tensor(sin.inner()),
        positions: int_tensor(positions),
    };
    apply(op, [Input::new(x)])
}

#[derive(Clone, Debug)]
struct Rope {
    cos: GpuTensor,
    sin: GpuTensor,
    positions: GpuTensor,
}

impl Rope {
    /// Turns every head of every row, forwards (`direction` 1) or back (−1).
    fn turn(&self, x: &GpuTensor, direction: f32) -> GpuTensor {
        let shape = dims(x);
        let y = empty(x, &shape);
        let pairs = shape.iter().product::<usize>() / 2;
        Launch::new(&ROPE)
            .constant("HEADS", shape[1])
            .constant("HEAD_DIM", shape[2])
            .input(x)
            .input(&self.cos)
            .input(&self.sin)
            .input(&self.positions)
            .output(&y)
            .number(shape[0])
            .real(direction)
            .dispatch(pairs.div_ceil(256));
        y
    }
}

impl FusedOp<Wgpu, 1> for Rope {
    type Saved = ();

    fn forward(&self, [x]: [GpuTensor; 1]) -> (GpuTensor, ()) {
        (self.turn(&x, 1.0), ())
    }

    fn backward(&self, (): (), grad: GpuTensor, _: [bool; 1]) -> [Option<GpuTensor>; 1] {
        [Some(self.turn(&grad, -1.0))]
    }
}
