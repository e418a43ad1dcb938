//! Causal grouped-query attention for training: softmax(q·kᵀ/√d)·v without ever holding the
//! T × T weights of all heads (the tiling and the recomputing backward pass of FlashAttention,
//! Dao et al. 2022, in blocks of query rows).
//!
//! Sequences are padded on the right, so causality alone keeps padding from changing a result.

use burn::backend::Flex;
use burn::tensor::{Int, Tensor, activation};

use super::cpu::{self, CpuTensor, View, from_vec, matmul, values};
use super::family::Family;
use super::linear::dims;
use super::node::{FusedOp, Input};
use super::simd::{dot, exp, max, sum_of, vectorized};
#[cfg(feature = "gpu")]
use super::wgpu;

/// q: [batch, time, heads, head_dim], k and v: [batch, time, groups, head_dim] with heads a
/// multiple of groups → [batch, time, heads, head_dim].
pub fn causal_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let op = CausalAttention;
    match Family::of(&q.device()) {
        Family::Cpu => cpu::apply(op, [Input::new(q), Input::new(k), Input::new(v)]),
        #[cfg(feature = "gpu")]
        Family::Wgpu => wgpu::apply(op, [Input::new(q), Input::new(k), Input::new(v)]),
        Family::Other => causal_attention_portable(q, k, v),
    }
}

/// The same from burn's operations, for every device; holds all weights at once.
pub fn causal_attention_portable(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let [batch, time, heads, head_dim] = q.dims();
    let groups = k.dims()[2];
    let device = q.device();
    let q = q.swap_dims(1, 2);
    let (k, v) = (
        repeat_groups(k, heads / groups),
        repeat_groups(v, heads / groups),
    );
    let scores = q
        .matmul(k.swap_dims(2, 3))
        .div_scalar((head_dim as f32).sqrt());
    let position = Tensor::<1, Int>::arange(0..time as i64, &device);
    let row = position
        .clone()
        .reshape([1, 1, time, 1])
        .expand([batch, heads, time, time]);
    let column = position
        .reshape([1, 1, 1, time])
        .expand([batch, heads, time, time]);
    let weights = activation::softmax(scores.mask_fill(column.greater(row), f32::NEG_INFINITY), 3);
    weights.matmul(v).swap_dims(1, 2)
}

/// [batch, time, groups, head_dim] → [batch, groups · times, time, head_dim].
fn repeat_groups(x: Tensor<4>, times: usize) -> Tensor<4> {
    let [batch, time, groups, head_dim] = x.dims();
    x.swap_dims(1, 2)
        .reshape([batch, groups, 1, time, head_dim])
        .expand([batch, groups, times, time, head_dim])
        .reshape([batch, groups * times, time, head_dim])
}

/// Query rows worked on at a time.
const BLOCK: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct CausalAttention;

/// What the backward pass needs: the inputs, the output, and log Σ exp of each row's scores.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    q: CpuTensor,
    k: CpuTensor,
    v: CpuTensor,
    output: CpuTensor,
    log_sum: Vec<f32>,
}

/// The sizes of one call.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub batch: usize,
    pub time: usize,
    pub heads: usize,
    pub groups: usize,
    pub head_dim: usize,
}

impl Sizes {
    /// Of queries and keys of these shapes; see [`causal_attention`].
    pub(super) fn new(q: &[usize], k: &[usize]) -> Self {
        Self {
            batch: q[0],
            time: q[1],
            heads: q[2],
            groups: k[2],
            head_dim: q[3],
        }
    }

    /// What scores are multiplied by.
    pub(super) fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    /// Where (batch, time, head) begins in a tensor with `heads` heads.
    fn at(&self, heads: usize, b: usize, t: usize, h: usize) -> usize {
        ((b * self.time + t) * heads + h) * self.head_dim
    }

    /// The matrix of all vectors of one head from time `t` on.
    fn view<'a>(&self, x: &'a [f32], heads: usize, b: usize, t: usize, h: usize) -> View<'a> {
        View {
            values: x,
            offset: self.at(heads, b, t, h),
            row: heads * self.head_dim,
            column: 1,
        }
    }

    /// Calls `body(batch, head, group, first row, rows, columns)` for every block of query rows.
    fn blocks(&self, mut body: impl FnMut(usize, usize, usize, usize, usize, usize)) {
        for b in 0..self.batch {
            for h in 0..self.heads {
                let group = h / (self.heads / self.groups);
                for start in (0..self.time).step_by(BLOCK) {
                    let rows = BLOCK.min(self.time - start);
                    body(b, h, group, start, rows, start + rows);
                }
            }
        }
    }
}

impl FusedOp<Flex, 3> for CausalAttention {
    type Saved = Saved;

    fn forward(&self, [q, k, v]: [CpuTensor; 3]) -> (CpuTensor, Saved) {
        let s = Sizes::new(&dims(&q), &dims(&k));
        let mut output = vec![0.0; values(&q).len()];
        let mut log_sum = vec![0.0; s.batch * s.heads * s.time];
        let mut weights = vec![0.0; BLOCK * s.time];
        s.blocks(|b, h, g, start, rows, columns| {
            let keys = s.view(values(&k), s.groups, b, 0, g);
            let queries = s.view(values(&q), s.heads, b, start, h);
            let size = [rows, s.head_dim, columns];
            matmul(
                size,
                queries,
                keys.transposed(),
                &mut weights,
                columns,
                false,
            );
            let log_sum = &mut log_sum[(b * s.heads + h) * s.time + start..][..rows];
            vectorized(|| softmax_rows(&mut weights, columns, start, s.scale(), log_sum));
            let out = &mut output[s.at(s.heads, b, start, h)..];
            let size = [rows, columns, s.head_dim];
            let vectors = s.view(values(&v), s.groups, b, 0, g);
            matmul(
                size,
                View::rows(&weights, columns),
                vectors,
                out,
                s.heads * s.head_dim,
                false,
            );
        });
        let output = from_vec(output, &dims(&q));
        (
            output.clone(),
            Saved {
                q,
                k,
                v,
                output,
                log_sum,
            },
        )
    }

    fn backward(&self, saved: Saved, grad: CpuTensor, _: [bool; 3]) -> [Option<CpuTensor>; 3] {
        let grad = values(&grad);
        let Saved {
            q,
            k,
            v,
            output,
            log_sum,
        } = saved;
        let s = Sizes::new(&dims(&q), &dims(&k));
        let mut dq = vec![0.0; values(&q).len()];
        let mut dk = vec![0.0; values(&k).len()];
        let mut dv = vec![0.0; values(&k).len()];
        let mut weights = vec![0.0; BLOCK * s.time];
        let mut dscores = vec![0.0; BLOCK * s.time];
        s.blocks(|b, h, g, start, rows, columns| {
            let keys = s.view(values(&k), s.groups, b, 0, g);
            let vectors = s.view(values(&v), s.groups, b, 0, g);
            let queries = s.view(values(&q), s.heads, b, start, h);
            let dout = s.view(grad, s.heads, b, start, h);
            let wide = [rows, s.head_dim, columns];
            matmul(
                wide,
                queries,
                keys.transposed(),
                &mut weights,
                columns,
                false,
            );
            matmul(
                wide,
                dout,
                vectors.transposed(),
                &mut dscores,
                columns,
                false,
            );
            vectorized(|| {
                for row in 0..rows {
                    let at = s.at(s.heads, b, start + row, h);
                    // Σⱼ Pⱼ·dPⱼ equals dO·O.
                    let mean = dot(
                        &grad[at..at + s.head_dim],
                        &values(&output)[at..at + s.head_dim],
                    );
                    let log_sum = log_sum[(b * s.heads + h) * s.time + start + row];
                    let seen = start + row + 1;
                    let weights = &mut weights[row * columns..(row + 1) * columns];
                    let dscores = &mut dscores[row * columns..(row + 1) * columns];
                    for j in 0..seen {
                        weights[j] = exp(weights[j] * s.scale() - log_sum);
                        dscores[j] = weights[j] * (dscores[j] - mean) * s.scale();
                    }
                    weights[seen..].fill(0.0);
                    dscores[seen..].fill(0.0);
                }
            });
            let (p, ds) = (View::rows(&weights, columns), View::rows(&dscores, columns));
            let stride = [s.heads * s.head_dim, s.groups * s.head_dim];
            let (at_q, at_k) = (s.at(s.heads, b, start, h), s.at(s.groups, b, 0, g));
            let tall = [columns, rows, s.head_dim];
            matmul(tall, p.transposed(), dout, &mut dv[at_k..], stride[1], true);
            matmul(
                tall,
                ds.transposed(),
                queries,
                &mut dk[at_k..],
                stride[1],
                true,
            );
            let back = [rows, columns, s.head_dim];
            matmul(back, ds, keys, &mut dq[at_q..], stride[0], false);
        });
        let shape = dims(&k);
        [
            Some(from_vec(dq, &dims(&q))),
            Some(from_vec(dk, &shape)),
            Some(from_vec(dv, &shape)),
        ]
    }
}

/// Turns rows of raw scores into softmax weights over the columns each row may see.
#[inline(always)]
fn softmax_rows(scores: &mut [f32], columns: usize, start: usize, scale: f32, log_sum: &mut [f32]) {
    for (row, (scores, log_sum)) in scores
        .chunks_exact_mut(columns)
        .zip(log_sum.iter_mut())
        .enumerate()
    {
        let (seen, hidden) = scores.split_at_mut(start + row + 1);
        let top = max(seen) * scale;
        for score in seen.iter_mut() {
            *score = exp(*score * scale - top);
        }
        let sum = sum_of(seen, |weight| weight);
        let inverse = 1.0 / sum;
        for score in seen.iter_mut() {
            *score *= inverse;
        }
        hidden.fill(0.0);
        *log_sum = top + sum.ln();
    }
}
