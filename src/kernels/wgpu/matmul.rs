//! Matrix products with the kernel `matmul`. burn's own are made for large matrices: they take tens
//! of seconds to compile on a software adapter and several launches each; small models need a small
//! one.

use crate::kernels::preparing;

use super::{GpuTensor, Launch, Shader, dims, empty, shader, sum_rows};

static MATMUL: Shader = shader!("matmul");

/// A matrix somewhere in a tensor: element (i, j) is at `start + i·row + j·column`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub tensor: &'a GpuTensor,
    pub start: usize,
    pub row: usize,
    pub column: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `width` values one after the other.
    pub(crate) fn rows(tensor: &'a GpuTensor, width: usize) -> Self {
        Self {
            tensor,
            start: 0,
            row: width,
            column: 1,
        }
    }

    /// A tensor with two dimensions as it lies, contiguous or turned.
    pub(crate) fn of(tensor: &'a GpuTensor) -> Self {
        let strides = tensor.meta.strides();
        Self {
            tensor,
            start: 0,
            row: strides[0],
            column: strides[1],
        }
    }

    /// The matrix from row `i` on.
    pub(crate) fn below(self, i: usize) -> Self {
        Self {
            start: self.start + i * self.row,
            ..self
        }
    }

    pub(crate) fn transposed(self) -> Self {
        Self {
            row: self.column,
            column: self.row,
            ..self
        }
    }
}

/// a·b (+ bias: `[n]`) with a: m × k and b: k × n → [m, n].
pub(crate) fn matmul(
    size: [usize; 3],
    a: Matrix,
    b: Matrix,
    bias: Option<&GpuTensor>,
) -> GpuTensor {
    let [m, k, n] = size;
    // Where a deep product has few tiles, parts of the depth go to different workgroups.
    let tiles = m.div_ceil(32) * n.div_ceil(32);
    let splits = if bias.is_none() && tiles < 32 && k >= 1024 {
        (k / 512).min(32 / tiles).max(1)
    } else {
        1
    };
    if splits > 1 {
        let parts = empty(a.tensor, &[splits, m, n]);
        launch(
            size,
            a,
            b,
            None,
            Target {
                splits,
                ..Target::of(&parts)
            },
        );
        return sum_rows(&parts);
    }
    let c = empty(a.tensor, &[m, n]);
    launch(size, a, b, bias, Target::of(&c));
    c
}

/// a·b written into c from value `start` on, or added to what is there.
pub(crate) fn matmul_into(
    size: [usize; 3],
    a: Matrix,
    b: Matrix,
    c: &GpuTensor,
    start: usize,
    add: bool,
) {
    let target = Target {
        start,
        add,
        ..Target::of(c)
    };
    launch(size, a, b, None, target);
}

/// Where a product goes.
struct Target<'a> {
    /// [splits, m, n] from `start` on.
    c: &'a GpuTensor,
    start: usize,
    splits: usize,
    /// Added to what is there.
    add: bool,
}

impl<'a> Target<'a> {
    /// The whole of `c`.
    fn of(c: &'a GpuTensor) -> Self {
        Self {
            c,
            start: 0,
            splits: 1,
            add: false,
        }
    }
}

fn launch(size: [usize; 3], a: Matrix, b: Matrix, bias: Option<&GpuTensor>, target: Target) {
    let [m, _, n] = size;
    // Large tiles read less memory, small ones give a small product more workgroups.
    let large = m.div_ceil(64) * n.div_ceil(64) >= 64;
    let (side, other) = if large { (16, 8) } else { (8, 16) };
    if preparing::is_on() {
        // Without any depth nothing is computed.
        launch_tiles([m, 0, n], other, a, b, bias, &target);
    }
    launch_tiles(size, side, a, b, bias, &target);
}

/// Tiles of `side` quads of rows and of columns.
fn launch_tiles(
    [m, k, n]: [usize; 3],
    side: usize,
    a: Matrix,
    b: Matrix,
    bias: Option<&GpuTensor>,
    target: &Target,
) {
    let tiles = m.div_ceil(4 * side) * n.div_ceil(4 * side);
    let depth = k.div_ceil(target.splits).next_multiple_of(16);
    Launch::new(&MATMUL)
        .constant("SIDE", side)
        .constant("A_ROWS", usize::from(a.row == 1))
        .constant("B_ROWS", usize::from(b.column == 1))
        .constant("BIAS", usize::from(bias.is_some()))
        .constant("ADD", usize::from(target.add))
        .strided_input(a.tensor)
        .strided_input(b.tensor)
        .strided_input(bias.unwrap_or(b.tensor))
        // Parts of it may be another product's.
        .changed(target.c)
        .number(m)
        .number(n)
        .number(k)
        .number(a.row)
        .number(a.column)
        .number(b.row)
        .number(b.column)
        .number(depth)
        .number(a.start)
        .number(b.start)
        .number(target.start)
        .dispatch(tiles * target.splits);
}

/// The shape of x: [.., in] with `width` in place of its last dimension, and the rows there are.
pub(crate) fn with_width(x: &GpuTensor, width: usize) -> (Vec<usize>, usize) {
    let mut shape = dims(x);
    let last = shape.last_mut().expect("a matrix has dimensions");
    *last = width;
    let rows = shape.iter().rev().skip(1).product();
    (shape, rows)
}
