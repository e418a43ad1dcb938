//! Linear layers with the kernel `matmul`.

use burn::backend::Wgpu;
use burn::tensor::Tensor;

use super::matmul::{Matrix, Plus, matmul, with_width};
use super::{GpuTensor, dims, plain_tensor, reshaped, sum_rows, tensor};
use crate::kernels::linear::{Linear, LinearBias, LinearOnto};
use crate::kernels::node::FusedOp;

/// x·Wᵀ (+ `plus`), W: [out, in].
pub(super) fn product(x: &GpuTensor, weight: &GpuTensor, plus: Plus) -> GpuTensor {
    let [width_out, width_in] = [dims(weight)[0], dims(weight)[1]];
    let (shape, rows) = with_width(x, width_out);
    let a = Matrix::rows(x, width_in);
    let b = Matrix::rows(weight, width_in).transposed();
    reshaped(matmul([rows, width_in, width_out], a, b, plus), &shape)
}

/// x: [rows, in] times a turned weight [in, out], wherever its numbers lie (+ bias).
pub(crate) fn linear_transposed(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<2> {
    let [rows, width_in] = x.dims();
    let width_out = weight.dims()[1];
    let weight = weight
        .try_into_primitive::<Wgpu>()
        .expect("the caller checked that this is a plain tensor on wgpu");
    let (x, bias) = (tensor(x), bias.map(tensor));
    let size = [rows, width_in, width_out];
    let (a, b) = (Matrix::rows(&x, width_in), Matrix::of(&weight));
    let plus = bias.as_ref().map_or(Plus::Nothing, Plus::Row);
    plain_tensor(matmul(size, a, b, plus))
}

/// The gradient of x (+ `plus`), by the output's.
pub(super) fn input_gradient(grad: &GpuTensor, weight: &GpuTensor, plus: Plus) -> GpuTensor {
    let [width_out, width_in] = [dims(weight)[0], dims(weight)[1]];
    let (shape, rows) = with_width(grad, width_in);
    let (g, weight) = (
        Matrix::rows(grad, width_out),
        Matrix::rows(weight, width_in),
    );
    reshaped(matmul([rows, width_out, width_in], g, weight, plus), &shape)
}

/// The gradient of W, by the output's.
pub(super) fn weight_gradient(x: &GpuTensor, grad: &GpuTensor) -> GpuTensor {
    let width = |tensor| *dims(tensor).last().expect("a matrix has dimensions");
    let (width_in, width_out) = (width(x), width(grad));
    let (_, rows) = with_width(x, width_in);
    let (x, g) = (Matrix::rows(x, width_in), Matrix::rows(grad, width_out));
    matmul(
        [width_out, rows, width_in],
        g.transposed(),
        x,
        Plus::Nothing,
    )
}

/// The gradients of x and W.
fn gradients(
    [x, weight]: &[GpuTensor; 2],
    grad: &GpuTensor,
    needed: [bool; 2],
) -> [Option<GpuTensor>; 2] {
    [
        needed[0].then(|| input_gradient(grad, weight, Plus::Nothing)),
        needed[1].then(|| weight_gradient(x, grad)),
    ]
}

impl FusedOp<Wgpu, 2> for Linear {
    type Saved = [GpuTensor; 2];

    fn forward(&self, [x, weight]: [GpuTensor; 2]) -> (GpuTensor, Self::Saved) {
        (product(&x, &weight, Plus::Nothing), [x, weight])
    }

    fn backward(
        &self,
        saved: Self::Saved,
        grad: GpuTensor,
        needed: [bool; 2],
    ) -> [Option<GpuTensor>; 2] {
        gradients(&saved, &grad, needed)
    }
}

impl FusedOp<Wgpu, 3> for LinearBias {
    type Saved = [GpuTensor; 2];

    fn forward(&self, [x, weight, bias]: [GpuTensor; 3]) -> (GpuTensor, Self::Saved) {
        (product(&x, &weight, Plus::Row(&bias)), [x, weight])
    }

    fn backward(
        &self,
        saved: Self::Saved,
        grad: GpuTensor,
        needed: [bool; 3],
    ) -> [Option<GpuTensor>; 3] {
        let [dx, dw] = gradients(&saved, &grad, [needed[0], needed[1]]);
        let db = needed[2].then(|| {
            let (_, rows) = with_width(&grad, 1);
            let width = dims(&saved[1])[0];
            sum_rows(&reshaped(grad, &[rows, width]))
        });
        [dx, dw, db]
    }
}

impl FusedOp<Wgpu, 3> for LinearOnto {
    type Saved = [GpuTensor; 2];

    fn forward(&self, [x, weight, onto]: [GpuTensor; 3]) -> (GpuTensor, Self::Saved) {
        (product(&x, &weight, Plus::All(&onto)), [x, weight])
    }

    fn backward(
        &self,
        saved: Self::Saved,
        grad: GpuTensor,
        needed: [bool; 3],
    ) -> [Option<GpuTensor>; 3] {
        let [dx, dw] = gradients(&saved, &grad, [needed[0], needed[1]]);
        [dx, dw, Some(grad)]
    }
}
