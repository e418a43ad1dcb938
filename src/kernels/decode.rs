//! Attention of one new token per sequence over its cached keys and values.

use burn::tensor::{Bool, Device, IndexingUpdateOp, Int, Tensor, activation};

use super::cpu::{self, CpuTensor, contiguous, from_vec, values};
use super::linear::dims;
use super::simd::{add_scaled, exp, max, sum_of, vectorized};

/// Keys and values of one layer, kept for decoding. Keys are laid out with time last, so that the
/// scores of all positions are a few passes over consecutive numbers.
///
/// Sequences own slots; a finished sequence simply stops being asked for, so nothing is copied
/// when the batch shrinks.
#[derive(Clone, Debug)]
pub struct LayerCache {
    /// Slots × groups × head_dim × time.
    keys: Tensor<4>,
    /// Slots × time × groups × head_dim.
    values: Tensor<4>,
}

/// Room for positions comes in multiples of this, so that loops over time have no remainder.
const TIMES: usize = 16;

impl LayerCache {
    /// A cache whose first positions hold k and v: slots × prompt × groups × head_dim, with room
    /// for at least `capacity` positions.
    pub fn new(k: Tensor<4>, v: Tensor<4>, capacity: usize) -> Self {
        let [slots, prompt, groups, head_dim] = k.dims();
        let room = capacity.max(prompt).next_multiple_of(TIMES) - prompt;
        let device = k.device();
        let keys = k.swap_dims(1, 2).swap_dims(2, 3);
        let key_room = Tensor::zeros([slots, groups, head_dim, room], &device);
        let value_room = Tensor::zeros([slots, room, groups, head_dim], &device);
        Self {
            keys: Tensor::cat(vec![keys, key_room], 3),
            values: Tensor::cat(vec![v, value_room], 1),
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
        store_keys(&mut keys, &k, &slots, &positions);
        store_values(&mut cached, &v, &slots, &positions);
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
        let [_, groups, _, capacity] = self.keys.dims();
        let device = q.device();
        // A one-hot over time writes the new position whatever it is for each row.
        let time = Tensor::<1, Int>::arange(0..capacity as i64, &device).reshape([1, capacity]);
        let time = time.expand([rows, capacity]);
        let now = positions
            .clone()
            .reshape([rows, 1])
            .expand([rows, capacity]);
        let here = time.clone().equal(now.clone());
        let write = |cache: &mut Tensor<4>, here: Tensor<4, Bool>, new: Tensor<4>| {
            let old = cache.clone().select(0, slots.clone());
            let row = old
                .clone()
                .mask_where(here.expand(old.dims()), new.expand(old.dims()));
            let change = row.clone() - old;
            *cache = cache
                .clone()
                .select_assign(0, slots.clone(), change, IndexingUpdateOp::Add);
            row
        };
        let keys_here = here.clone().reshape([rows, 1, 1, capacity]);
        let keys = write(&mut self.keys, keys_here, k.unsqueeze_dim::<4>(3));
        let values_here = here.reshape([rows, capacity, 1, 1]);
        let values = write(&mut self.values, values_here, v.unsqueeze_dim::<4>(1));
        let times = heads / groups;
        let keys = keys.reshape([rows, groups, 1, head_dim, capacity]);
        let keys = keys.expand([rows, groups, times, head_dim, capacity]);
        let keys = keys.reshape([rows, heads, head_dim, capacity]);
        let values = values
            .swap_dims(1, 2)
            .reshape([rows, groups, 1, capacity, head_dim]);
        let values = values.expand([rows, groups, times, capacity, head_dim]);
        let values = values.reshape([rows, heads, capacity, head_dim]);
        let scores = q.reshape([rows, heads, 1, head_dim]).matmul(keys);
        let future = time.greater(now).reshape([rows, 1, 1, capacity]);
        let future = future.expand([rows, heads, 1, capacity]);
        let scores = scores.div_scalar((head_dim as f32).sqrt());
        let weights = activation::softmax(scores.mask_fill(future, f32::NEG_INFINITY), 3);
        weights.matmul(values).reshape([rows, heads, head_dim])
    }
}

/// Writes keys (rows × groups × head_dim) into the cache, in place where nobody else holds it.
fn store_keys(cache: &mut CpuTensor, rows: &CpuTensor, slots: &[usize], positions: &[usize]) {
    let shape = dims(cache);
    let (width, capacity) = (shape[1] * shape[2], shape[3]);
    let cache = cache.storage_mut::<f32>();
    for ((row, &slot), &position) in values(rows).chunks_exact(width).zip(slots).zip(positions) {
        let start = slot * width * capacity + position;
        for (index, &value) in row.iter().enumerate() {
            cache[start + index * capacity] = value;
        }
    }
}

/// Writes values (rows × groups × head_dim) into the cache, in place where nobody else holds it.
fn store_values(cache: &mut CpuTensor, rows: &CpuTensor, slots: &[usize], positions: &[usize]) {
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
    let [groups, capacity] = [dims(keys)[1], dims(keys)[3]];
    let (queries, keys, cached) = (values(q), values(keys), values(cached));
    let (width, scale) = (groups * head_dim, 1.0 / (head_dim as f32).sqrt());
    let mut output = vec![0.0; queries.len()];
    let mut scores = vec![0.0; capacity];
    vectorized(|| {
        for (row, (&slot, &position)) in slots.iter().zip(positions).enumerate() {
            let cached = &cached[slot * capacity * width..(slot + 1) * capacity * width];
            let seen = position + 1;
            // Whole runs, so that no loop over time has a remainder.
            let run = seen.next_multiple_of(TIMES);
            for head in 0..heads {
                let group = head / (heads / groups);
                let at = (row * heads + head) * head_dim;
                let scores = &mut scores[..run];
                scores.fill(0.0);
                let first = (slot * groups + group) * head_dim;
                for (i, &query) in queries[at..at + head_dim].iter().enumerate() {
                    let keys = &keys[(first + i) * capacity..(first + i) * capacity + run];
                    accumulate(scores, query * scale, keys);
                }
                // Positions not yet written weigh nothing.
                scores[seen..].fill(f32::NEG_INFINITY);
                let top = max(scores);
                for run in scores.chunks_exact_mut(TIMES) {
                    for score in run {
                        *score = exp(*score - top);
                    }
                }
                let weights = &scores[..seen];
                let inverse = 1.0 / sum_of(scores, |weight| weight);
                let out = &mut output[at..at + head_dim];
                for (t, &weight) in weights.iter().enumerate() {
                    let start = t * width + group * head_dim;
                    add_scaled(out, weight * inverse, &cached[start..start + head_dim]);
                }
            }
        }
    });
    from_vec(output, &dims(q))
}

/// `a ← a + scale·b` in runs of sixteen; both are a multiple of it long.
#[inline(always)]
fn accumulate(a: &mut [f32], scale: f32, b: &[f32]) {
    for (a, b) in a.chunks_exact_mut(TIMES).zip(b.chunks_exact(TIMES)) {
        for lane in 0..TIMES {
            a[lane] += scale * b[lane];
        }
    }
}
