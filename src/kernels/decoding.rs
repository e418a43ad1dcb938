//! The kernels of one decoding step on graphics cards: a linear layer with what stands around it,
//! attention over the cache, and the choice of the next token.
//!
//! A step is five launches per layer and two more, and reads nothing back: the chosen token's
//! embedding is where the next step starts.

mod attention;
mod linear;
mod sample;
#[cfg(test)]
mod tests;

pub(crate) use attention::{DeviceCache, HeadNorms, Heads};
pub(crate) use linear::{After, Norm, StepLinear, buffer};
pub(crate) use sample::{Choice, Desk, choose};

use burn::tensor::{DType, Int, Shape, Tensor, TensorData};

use super::wgpu::{self, GpuTensor, int_tensor};

/// Numbers of a row's state: slot, prompt length, most tokens, noise key, whether it has finished.
pub(crate) const ROW: usize = 5;

/// Integers with any content: [a, b, c].
pub(crate) fn empty_ints(shape: [usize; 3], like: &GpuTensor) -> GpuTensor {
    GpuTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        Shape::from(shape),
        like.client
            .empty(shape.iter().product::<usize>() * size_of::<i32>()),
        DType::I32,
    )
}

/// Integers on the device of `like`, a float32 matrix.
pub(crate) fn ints(values: Vec<i32>, shape: [usize; 2], like: &GpuTensor) -> GpuTensor {
    let device = wgpu::plain_tensor::<2>(like.clone()).device();
    let data = TensorData::new(values, shape);
    int_tensor(Tensor::<2, Int>::from_data(data, (&device, DType::I32)))
}
