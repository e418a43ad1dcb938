//! Linear layers with the kernel `matmul`.

use burn::backend::Wgpu;
use burn::tensor::Tensor;

use super::matmul::{Matrix, matmul, with_width};
use super::{GpuTensor, dims, plain_tensor, reshaped, sum_rows, tensor};
use crate::kernels::linear::{Linear, LinearBias};
use crate::kernels::node::FusedOp;

/// x·Wᵀ (+ bias), W: [out, in].
fn product(x: &GpuTensor, weight: &GpuTensor, bias: Option<&GpuTensor>) -> GpuTensor {
    let [width_out, width_in] = [dims(weight)[0], dims(weight)[1]];
    let (shape, rows) = with_width(x, width_out);
    let a = Matrix::rows(x, width_in);
    let b = Matrix::rows(weight, width_in).transposed();
    reshaped(matmul([rows, width_in, width_out], a, b, bias), &shape)
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
    plain_tensor(matmul(size, a, b, bias.as_ref()))
}

/// The gradients of x and W.
fn gradients(
    [x, weight]: &[GpuTensor; 2],
    grad: &GpuTensor,
    needed: [bool; 2],
) -> [Option<GpuTensor>; 2] {
    let [width_out, width_in] = [dims(weight)[0], dims(weight)[1]];
    let (shape, rows) = with_width(x, width_in);
    let g = Matrix::rows(grad, width_out);
    let dx = needed[0].then(|| {
        let weight = Matrix::rows(weight, width_in);
        reshaped(matmul([rows, width_out, width_in], g, weight, None), &shape)
    });
    let dw = needed[1].then(|| {
        let x = Matrix::rows(x, width_in);
        matmul([width_out, rows, width_in], g.transposed(), x, None)
    });
    [dx, dw]
}

impl FusedOp<Wgpu, 2> for Linear {
    type Saved = [GpuTensor; 2];

    fn forward(&self, [x, weight]: [GpuTensor; 2]) -> (GpuTensor, Self::Saved) {
        (product(&x, &weight, None), [x, weight])
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
        (product(&x, &weight, Some(&bias)), [x, weight])
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
