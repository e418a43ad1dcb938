//! How a fused operation reaches the CPU backend: views of its tensors and the matrix product.
//!
//! Operations work inside one thread (each data-parallel shard has its own), except that large
//! matrix products use the rayon pool they are called in.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::family::Family;
use super::node::{self, Fused, FusedOp};

/// The CPU backend's tensor: shared bytes, a layout, a type.
pub(crate) type CpuTensor = FloatTensor<Flex>;

/// Whether fused CPU operations apply to tensors of this device.
pub(crate) fn is_cpu(device: &Device) -> bool {
    Family::of(device) == Family::Cpu
}

/// An input of an operation on the CPU.
pub(crate) type Input = node::Input<Flex>;

/// The primitive behind a plain CPU tensor.
pub(crate) fn cpu_tensor<const D: usize>(tensor: Tensor<D>) -> CpuTensor {
    tensor
        .try_into_primitive::<Flex>()
        .expect("the caller checked that this is a plain CPU tensor")
}

/// Back from the primitive.
pub(crate) fn plain_tensor<const D: usize>(tensor: CpuTensor) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(tensor)
}

/// The values of an integer tensor on the CPU.
pub(crate) fn cpu_ints<const D: usize>(tensor: Tensor<D, Int>) -> Vec<usize> {
    let data = tensor.into_data();
    data.iter::<i64>().map(|value| value as usize).collect()
}

/// Owned values with a shape, as a primitive.
pub(crate) fn from_vec(values: Vec<f32>, shape: &[usize]) -> CpuTensor {
    CpuTensor::from_data(TensorData::new(values, shape.to_vec()))
}

/// Values of a contiguous tensor (see [`contiguous`]).
pub(crate) fn values(tensor: &CpuTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("operations only keep contiguous float tensors")
}

/// The same values laid out in order.
pub(crate) fn contiguous(tensor: CpuTensor) -> CpuTensor {
    if tensor.as_slice::<f32>().is_some() {
        tensor
    } else {
        tensor.to_contiguous()
    }
}

impl Fused for Flex {
    fn contiguous(tensor: CpuTensor) -> CpuTensor {
        contiguous(tensor)
    }
}

/// [`node::apply`] on the CPU.
pub(crate) fn apply<Op: FusedOp<Flex, N>, const N: usize, const D: usize>(
    op: Op,
    inputs: [Input; N],
) -> Tensor<D> {
    node::apply(op, inputs)
}

/// A matrix somewhere in a slice: element (i, j) is at `offset + i·row + j·column`.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub values: &'a [f32],
    pub offset: usize,
    pub row: usize,
    pub column: usize,
}

impl<'a> View<'a> {
    /// Rows of `width` values one after the other.
    pub(crate) fn rows(values: &'a [f32], width: usize) -> Self {
        Self {
            values,
            offset: 0,
            row: width,
            column: 1,
        }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }

    fn check(&self, rows: usize, columns: usize) {
        let last = self.offset
            + rows.saturating_sub(1) * self.row
            + columns.saturating_sub(1) * self.column;
        assert!(
            rows * columns == 0 || last < self.values.len(),
            "matrix view out of bounds"
        );
    }
}

/// Longest run of k summed at once. The underlying crate would choose by cache sizes and m.
const DEPTH: usize = 512;

/// `c ← a·b` (or `c ← c + a·b` with `accumulate`), with a: m × k, b: k × n and c: m × n, the rows
/// of c `stride` apart.
///
/// Every element is one sum over k in an order that does not depend on m, so a row's result does
/// not depend on the rows beside it: the shapes for which the underlying crate would take another
/// order (one row; very small products of dot-product layout; deep products) are led around it.
pub(crate) fn matmul(
    [m, k, n]: [usize; 3],
    a: View,
    b: View,
    c: &mut [f32],
    stride: usize,
    accumulate: bool,
) {
    if m == 1 && !accumulate {
        let mut twice = vec![0.0; 2 * n];
        matmul([2, k, n], View { row: 0, ..a }, b, &mut twice, n, false);
        c[..n].copy_from_slice(&twice[..n]);
        return;
    }
    a.check(m, k);
    b.check(k, n);
    assert!(
        m * n == 0 || (m - 1) * stride + n <= c.len(),
        "matrix product out of bounds"
    );
    if a.column == 1 && b.row == 1 && b.column != 1 && m * n <= 256 {
        let at = |i: usize| b.values[b.offset + i / n * b.row + i % n * b.column];
        let copy: Vec<f32> = (0..k * n).map(at).collect();
        return matmul([m, k, n], a, View::rows(&copy, n), c, stride, accumulate);
    }
    for start in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - start);
        // SAFETY: the assertions above bound every element that is read or written, and `c` is
        // borrowed mutably, so it overlaps neither `a` nor `b`.
        unsafe {
            gemm::gemm(
                m,
                n,
                depth,
                c.as_mut_ptr(),
                1,
                stride as isize,
                accumulate || start > 0,
                a.values.as_ptr().add(a.offset + start * a.column),
                a.column as isize,
                a.row as isize,
                b.values.as_ptr().add(b.offset + start * b.row),
                b.column as isize,
                b.row as isize,
                1.0,
                1.0,
                false,
                false,
                false,
                parallelism([m, depth, n]),
            );
        }
    }
}

/// Threads for one product: those of the pool it is called in, when it is large enough to share.
#[cfg(not(target_family = "wasm"))]
fn parallelism(size: [usize; 3]) -> gemm::Parallelism {
    const WORTH_SHARING: usize = 1 << 22;
    if size.iter().product::<usize>() >= WORTH_SHARING && rayon::current_num_threads() > 1 {
        gemm::Parallelism::Rayon(0)
    } else {
        gemm::Parallelism::None
    }
}

#[cfg(target_family = "wasm")]
fn parallelism(_: [usize; 3]) -> gemm::Parallelism {
    gemm::Parallelism::None
}
