//! burn's tensors as kernels take them.

use burn::backend::Wgpu;
use burn::backend::wgpu::into_contiguous;
use burn::tensor::{DType, Int, Shape, Tensor};

use super::{GpuTensor, Input};
use crate::kernels::node::{self, Fused, FusedOp};

impl Fused for Wgpu {
    fn contiguous(tensor: GpuTensor) -> GpuTensor {
        contiguous(tensor)
    }
}

/// [`node::apply`] on a graphics card.
pub(crate) fn apply<Op: FusedOp<Wgpu, N>, const N: usize, const D: usize>(
    op: Op,
    inputs: [Input; N],
) -> Tensor<D> {
    node::apply(op, inputs)
}

/// The same values laid out in order.
pub(crate) fn contiguous(tensor: GpuTensor) -> GpuTensor {
    into_contiguous(tensor)
}

/// The contiguous float32 primitive behind a plain tensor.
pub(crate) fn tensor<const D: usize>(tensor: Tensor<D>) -> GpuTensor {
    let tensor = tensor
        .try_into_primitive::<Wgpu>()
        .expect("the caller checked that this is a plain tensor on wgpu");
    contiguous(tensor)
}

/// The contiguous 32-bit integers behind an integer tensor.
pub(crate) fn int_tensor<const D: usize>(tensor: Tensor<D, Int>) -> GpuTensor {
    let tensor = tensor.inner().cast(DType::I32);
    let tensor = tensor
        .try_into_primitive::<Wgpu>()
        .expect("the caller checked that this is a tensor on wgpu");
    contiguous(tensor)
}

/// Back from the primitive.
pub(crate) fn plain_tensor<const D: usize>(tensor: GpuTensor) -> Tensor<D> {
    Tensor::from_primitive::<Wgpu>(tensor)
}

/// A float32 tensor with any content, beside `like`.
pub(crate) fn empty(like: &GpuTensor, shape: &[usize]) -> GpuTensor {
    let size = shape.iter().product::<usize>() * size_of::<f32>();
    GpuTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        Shape::from(shape.to_vec()),
        like.client.empty(size),
        DType::F32,
    )
}

/// A contiguous tensor under another shape.
pub(crate) fn reshaped(x: GpuTensor, shape: &[usize]) -> GpuTensor {
    GpuTensor::new_contiguous(
        x.client,
        x.device,
        Shape::from(shape.to_vec()),
        x.handle,
        x.dtype,
    )
}

/// A tensor's shape as numbers.
pub(crate) fn dims(tensor: &GpuTensor) -> Vec<usize> {
    tensor.meta.shape().iter().copied().collect()
}
