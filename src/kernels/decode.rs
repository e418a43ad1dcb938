//! Attention of one new token per sequence over its cached keys and values.

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, activation};

use super::cpu::{self, CpuTensor, contiguous, from_vec, values};
use super::linear::dims;
use super::simd::{add_scaled, dot, exp, max, sum_by, vectorized};

/// Keys and values of one layer, kept for decoding: [slots, time, groups, head_dim] each.
///
/// Sequences own slots; a finished sequence simply stops being asked for, so nothing is copied
/// when the batch shrinks.
#[derive(Clone, Debug)]
pub struct LayerCache {
    keys: Tensor<4>,
    values: Tensor<4>,
}

impl LayerCache {
    /// A cache whose first positions hold k and v: [slots, prompt, groups, head_dim], with room
    /// for `capacity` positions.
    pub fn new(k: Tensor<4>, v: Tensor<4>, capacity: usize) -> Self {
        let [slots, prompt, groups, head_dim] = k.dims();
        let grow = |x: Tensor<4>| {
            let room = Tensor::zeros([slots, capacity - prompt, groups, head_dim], &x.device());
            Tensor::cat(vec![x, room], 1)
        };
        Self {
            keys: grow(k),
            values: grow(v),
        }
    }

    /// Stores k, v: [rows, groups, head_dim] at position `positions[row]` of slot `slots[row]`,
    /// and attends q: [rows, heads, head_dim] to all positions so far → [rows, heads, head_dim].
    pub fn attend(
        &mut self,
        q: Tensor<3>,
        k: Tensor<3>,
        v: Tensor<3>,
        slots: &Tensor<1, Int>,
        positions: &Tensor<1, Int>,
    ) -> Tensor<3> {
        if !cpu::is_cpu(&q.device()) {
            return self.attend_portable(q, k, v, slots, positions);
        }
        let slots = cpu::cpu_ints(slots.clone());
        let positions = cpu::cpu_ints(positions.clone());
        let [q, k, v] = [q, k, v].map(|x| contiguous(cpu::cpu_tensor(x)));
        let empty = || Tensor::zeros([1, 1, 1, 1], &Device::flex());
        let mut keys = cpu::cpu_tensor(std::mem::replace(&mut self.keys, empty()));
        let mut cached = cpu::cpu_tensor(std::mem::replace(&mut self.values, empty()));
        store(&mut keys, &k, &slots, &positions);
        store(&mut cached, &v, &slots, &positions);
        let output = attend(&q, &keys, &cached, &slots, &positions);
        self.keys = cpu::plain_tensor(keys);
        self.values = cpu::plain_tensor(cached);
        cpu::plain_tensor(output)
    }

    /// The same from burn's operations, for every device.
    pub fn attend_portable(
        &mut self,
        q: Tensor<3>,
        k: Tensor<3>,
        v: Tensor<3>,
        slots: &Tensor<1, Int>,
        positions: &Tensor<1, Int>,
    ) -> Tensor<3> {
        let [rows, heads, head_dim] = q.dims();
        let [_, capacity, groups, _] = self.keys.dims();
        let device = q.device();
        // A one-hot over time writes the new position whatever it is for each row.
        let time = Tensor::<1, Int>::arange(0..capacity as i64, &device).reshape([1, capacity]);
        let time = time.expand([rows, capacity]);
        let now = positions
            .clone()
            .reshape([rows, 1])
            .expand([rows, capacity]);
        let here = time
            .clone()
            .equal(now.clone())
            .reshape([rows, capacity, 1, 1]);
        let here = here.expand([rows, capacity, groups, head_dim]);
        let write = |cache: &mut Tensor<4>, new: Tensor<3>| {
            let old = cache.clone().select(0, slots.clone());
            let new = new
                .unsqueeze_dim::<4>(1)
                .expand([rows, capacity, groups, head_dim]);
            let row = old.clone().mask_where(here.clone(), new);
            let change = row.clone() - old;
            *cache = cache
                .clone()
                .select_assign(0, slots.clone(), change, IndexingUpdateOp::Add);
            row
        };
        let keys = write(&mut self.keys, k);
        let values = write(&mut self.values, v);
        let repeat = |x: Tensor<4>| {
            x.swap_dims(1, 2)
                .reshape([rows, groups, 1, capacity, head_dim])
                .expand([rows, groups, heads / groups, capacity, head_dim])
                .reshape([rows, heads, capacity, head_dim])
        };
        let scores = q
            .reshape([rows, heads, 1, head_dim])
            .matmul(repeat(keys).swap_dims(2, 3));
        let future = time.greater(now).reshape([rows, 1, 1, capacity]);
        let future = future.expand([rows, heads, 1, capacity]);
        let scores = scores.div_scalar((head_dim as f32).sqrt());
        let weights = activation::softmax(scores.mask_fill(future, f32::NEG_INFINITY), 3);
        weights
            .matmul(repeat(values))
            .reshape([rows, heads, head_dim])
    }
}

/// Writes rows [rows, groups, head_dim] into the cache, in place where nobody else holds it.
fn store(cache: &mut CpuTensor, rows: &CpuTensor, slots: &[usize], positions: &[usize]) {
    let shape = dims(cache);
    let (capacity, width) = (shape[1], shape[2] * shape[3]);
    let cache = cache.storage_mut::<f32>();
    for ((row, &slot), &position) in values(rows).chunks_exact(width).zip(slots).zip(positions) {
        let at = (slot * capacity + position) * width;
        cache[at..at + width].copy_from_slice(row);
    }
}

fn attend(
    q: &CpuTensor,
    keys: &CpuTensor,
    cached: &CpuTensor,
    slots: &[usize],
    positions: &[usize],
) -> CpuTensor {
    let [heads, head_dim] = [dims(q)[1], dims(q)[2]];
    let [capacity, groups] = [dims(keys)[1], dims(keys)[2]];
    let (q_values, keys, cached) = (values(q), values(keys), values(cached));
    let (width, scale) = (groups * head_dim, 1.0 / (head_dim as f32).sqrt());
    let mut output = vec![0.0; q_values.len()];
    let mut weights = vec![0.0; capacity];
    vectorized(|| {
        for (row, (&slot, &position)) in slots.iter().zip(positions).enumerate() {
            let keys = &keys[slot * capacity * width..(slot + 1) * capacity * width];
            let cached = &cached[slot * capacity * width..(slot + 1) * capacity * width];
            let weights = &mut weights[..position + 1];
            for head in 0..heads {
                let group = head / (heads / groups) * head_dim;
                let at = (row * heads + head) * head_dim;
                let query = &q_values[at..at + head_dim];
                for (t, weight) in weights.iter_mut().enumerate() {
                    let key = &keys[t * width + group..t * width + group + head_dim];
                    *weight = dot(query, key) * scale;
                }
                let top = max(weights);
                for weight in weights.iter_mut() {
                    *weight = exp(*weight - top);
                }
                let inverse = 1.0 / sum_by(weights.len(), |i| weights[i]);
                let out = &mut output[at..at + head_dim];
                for (t, &weight) in weights.iter().enumerate() {
                    let value = &cached[t * width + group..t * width + group + head_dim];
                    add_scaled(out, weight * inverse, value);
                }
            }
        }
    });
    from_vec(output, &dims(q))
}
