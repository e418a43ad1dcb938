//! Sums over the rows of a matrix, with the kernel `sum_rows`.

use super::{GpuTensor, Launch, Shader, dims, empty, shader};

static SUM_ROWS: Shader = shader!("sum_rows");

/// Columns of one workgroup.
const COLUMNS: usize = 32;

/// The sum of all rows of x: [rows, .., width] → [.., width].
pub(crate) fn sum_rows(x: &GpuTensor) -> GpuTensor {
    let shape = dims(x);
    let y = empty(x, &shape[1..]);
    let width = shape[1..].iter().product::<usize>();
    Launch::new(&SUM_ROWS)
        .input(x)
        .output(&y)
        .number(shape[0])
        .number(width)
        .dispatch(width.div_ceil(COLUMNS));
    y
}
