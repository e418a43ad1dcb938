//! Rows of a table by index, and the gradient that adds rows back.

use burn::backend::Flex;
use burn::tensor::{Int, Tensor};

use super::cpu::{self, CpuTensor, Input, from_vec, values};
use super::family::Family;
use super::linear::dims;
use super::node::FusedOp;
use super::simd::{add_scaled, vectorized};
#[cfg(feature = "gpu")]
use super::wgpu;

/// table: [entries, width], ids: `[n]` → [n, width].
pub fn embedding(table: Tensor<2>, ids: Tensor<1, Int>) -> Tensor<2> {
    match Family::of(&table.device()) {
        Family::Cpu => {
            let ids = cpu::cpu_ints(ids);
            cpu::apply(Embedding { ids }, [Input::new(table)])
        }
        #[cfg(feature = "gpu")]
        Family::Wgpu => wgpu::embedding(table, ids),
        Family::Other => embedding_portable(table, ids),
    }
}

/// The same from burn's operations, for every device.
pub fn embedding_portable(table: Tensor<2>, ids: Tensor<1, Int>) -> Tensor<2> {
    table.select(0, ids)
}

#[derive(Clone, Debug)]
struct Embedding {
    ids: Vec<usize>,
}

impl FusedOp<Flex, 1> for Embedding {
    type Saved = [usize; 2];

    fn forward(&self, [table]: [CpuTensor; 1]) -> (CpuTensor, Self::Saved) {
        let shape = [dims(&table)[0], dims(&table)[1]];
        let width = shape[1];
        let mut rows = Vec::with_capacity(self.ids.len() * width);
        for &id in &self.ids {
            rows.extend_from_slice(&values(&table)[id * width..(id + 1) * width]);
        }
        (from_vec(rows, &[self.ids.len(), width]), shape)
    }

    fn backward(&self, shape: [usize; 2], grad: CpuTensor, _: [bool; 1]) -> [Option<CpuTensor>; 1] {
        let grad = values(&grad);
        let width = shape[1];
        let mut table = vec![0.0; shape[0] * width];
        vectorized(|| {
            for (&id, row) in self.ids.iter().zip(grad.chunks_exact(width)) {
                add_scaled(&mut table[id * width..(id + 1) * width], 1.0, row);
            }
        });
        [Some(from_vec(table, &shape))]
    }
}
