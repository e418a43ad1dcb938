//! Rows of a table by index with the kernels `embedding` and `embedding_grad`.

use burn::backend::Wgpu;
use burn::tensor::{Int, Tensor};

use super::{GpuTensor, Input, Launch, Shader, apply, dims, empty, int_tensor, shader};
use crate::kernels::node::FusedOp;

static FORWARD: Shader = shader!("embedding");
static GRADIENT: Shader = shader!("embedding_grad");

/// See [`crate::kernels::embedding`].
pub(crate) fn embedding(table: Tensor<2>, ids: Tensor<1, Int>) -> Tensor<2> {
    let ids = int_tensor(ids);
    apply(Embedding { ids }, [Input::new(table)])
}

/// table: [entries, width], ids: `[rows]` → [rows, width].
pub(super) fn look_up(table: &GpuTensor, ids: &GpuTensor) -> GpuTensor {
    let (rows, width) = (dims(ids)[0], dims(table)[1]);
    let y = empty(table, &[rows, width]);
    Launch::new(&FORWARD)
        .input(table)
        .input(ids)
        .output(&y)
        .number(rows)
        .number(width)
        .dispatch((rows * width).div_ceil(256));
    y
}

/// The rows of grad: [rows, width] added up by their ids → [entries, width].
pub(super) fn add_up(grad: &GpuTensor, ids: &GpuTensor, entries: usize) -> GpuTensor {
    let (rows, width) = (dims(ids)[0], dims(grad)[1]);
    let table = empty(grad, &[entries, width]);
    // Each workgroup reads all ids: few entries each while there are few, else fewer workgroups.
    let run = (entries / 128).clamp(1, 32);
    Launch::new(&GRADIENT)
        .input(grad)
        .input(ids)
        .output(&table)
        .number(rows)
        .number(width)
        .number(entries)
        .number(run)
        .dispatch(entries.div_ceil(run));
    table
}

#[derive(Clone, Debug)]
struct Embedding {
    ids: GpuTensor,
}

impl FusedOp<Wgpu, 1> for Embedding {
    /// Entries of the table.
    type Saved = usize;

    fn forward(&self, [table]: [GpuTensor; 1]) -> (GpuTensor, usize) {
        (look_up(&table, &self.ids), dims(&table)[0])
    }

    fn backward(&self, entries: usize, grad: GpuTensor, _: [bool; 1]) -> [Option<GpuTensor>; 1] {
        [Some(add_up(&grad, &self.ids, entries))]
    }
}
