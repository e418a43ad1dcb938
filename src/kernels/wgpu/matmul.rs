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

/// What is added to a product of m × n.
#[derive(Clone, Copy)]
pub(crate) enum Plus<'a> {
    Nothing,
    /// The same in every row: `[n]`.
    Row(&'a GpuTensor),
    /// [m, n].
    All(&'a GpuTensor),
}

/// a·b (+ `plus`) with a: m × k and b: k × n → [m, n].
pub(crate) fn matmul(size: [usize; 3], a: Matrix, b: Matrix, plus: Plus) -> GpuTensor {
    let [m, k, n] = size;
    // Where a deep product has few tiles, parts of the depth go to different workgroups.
    let tiles = m.div_ceil(32) * n.div_ceil(32);
    if tiles >= 32 || k < 1024 {
        let c = empty(a.tensor, &[m, n]);
        launch(size, a, b, plus, Target::of(&c));
        return c;
    }
    let splits = (k / 512).min(32 / tiles).max(1);
    let parts = empty(a.tensor, &[splits, m, n]);
    let target = Target {
        splits,
        ..Target::of(&parts)
    };
    launch(size, a, b, plus, target);
    sum_rows(&parts)
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
    launch(size, a, b, Plus::Nothing, target);
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

fn launch(size: [usize; 3], a: Matrix, b: Matrix, plus: Plus, target: Target) {
    let [m, _, n] = size;
    // Large tiles read less memory, small ones give a small product more workgroups.
    let large = m.div_ceil(64) * n.div_ceil(64) >= 64;
    let (side, other) = if large { (16, 8) } else { (8, 16) };
    if preparing::is_on() {
        // Without any depth nothing is computed.
        launch_tiles([m, 0, n], other, a, b, plus, &target);
    }
    launch_tiles(size, side, a, b, plus, &target);
}

/// Tiles of `side` quads of rows and of columns.
fn launch_tiles(
    [m, k, n]: [usize; 3],
    side: usize,
    a: Matrix,
    b: Matrix,
    plus: Plus,
    target: &Target,
) {
    let tiles = m.div_ceil(4 * side) * n.div_ceil(4 * side);
    let depth = k.div_ceil(target.splits).next_multiple_of(16);
    let (kind, plus) = match plus {
        Plus::Nothing => (0, b.tensor),
        Plus::Row(row) => (1, row),
        Plus::All(matrix) => (2, matrix),
    };
    Launch::new(&MATMUL)
        .constant("SIDE", side)
        .constant("A_ROWS", usize::from(a.row == 1))
        .constant("B_ROWS", usize::from(b.column == 1))
        .constant("PLUS", kind)
        .constant("ADD", usize::from(target.add))
        .strided_input(a.tensor)
        .strided_input(b.tensor)
        .strided_input(plus)
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
