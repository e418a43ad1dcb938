//! Sums of squares over a list of tensors with the kernel `sum_of_squares`, seven in a launch.

use burn::tensor::Tensor;

use super::{
    GpuTensor, Launch, Shader, dims, empty, plain_tensor, reshaped, shader, sum_rows, tensor,
};

static SUM_OF_SQUARES: Shader = shader!("sum_of_squares");

/// Parts one tensor is added up in.
const PARTS: usize = 16;

/// Tensors of one launch.
const TENSORS: usize = 7;

/// See [`crate::kernels::squares`]; there is at least one tensor.
pub(crate) fn squares(tensors: &[Tensor<1>]) -> Tensor<1> {
    let tensors: Vec<_> = tensors.iter().map(|x| tensor(x.clone())).collect();
    plain_tensor(parts(&tensors))
}

/// See [`crate::kernels::sum_of_squares`].
pub(crate) fn sum_of_squares<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let n = x.dims().iter().product();
    let x = reshaped(tensor(x), &[n]);
    plain_tensor(sum_rows(&reshaped(parts(&[x]), &[PARTS, 1])))
}

/// PARTS numbers for each of at least one tensor: `[n]` each.
fn parts(tensors: &[GpuTensor]) -> GpuTensor {
    let parts = empty(&tensors[0], &[tensors.len() * PARTS]);
    for (index, list) in tensors.chunks(TENSORS).enumerate() {
        let mut launch = Launch::new(&SUM_OF_SQUARES)
            .constant("PARTS", PARTS)
            .inputs(list, TENSORS)
            .changed(&parts)
            .number(index * TENSORS * PARTS);
        for slot in 0..TENSORS {
            launch = launch.number(list.get(slot).map_or(0, |x| dims(x)[0]));
        }
        launch.dispatch(list.len() * PARTS);
    }
    parts
}
