//! Attention of one new token per row over keys and values kept in device memory.

use burn::tensor::Tensor;

use crate::kernels::wgpu::{self, GpuTensor, Launch, Shader, dims, shader};

static ATTENTION: Shader = shader!("decode_attention");
static FILL: Shader = shader!("decode_fill");

/// What WebGPU grants every workgroup, in bytes.
const WORKGROUP_MEMORY: usize = 16_384;

/// How a layer's attention is shaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub groups: usize,
    pub head_dim: usize,
}

impl Heads {
    /// Whether `decode_attention.wgsl` can work on heads like these with the workgroup memory
    /// that every WebGPU device has.
    pub(crate) fn fit(self) -> bool {
        let times = self.heads / self.groups.max(1);
        let values = (times + 1) * (self.head_dim + 1) + times * (64 + 8 + 2) + 3;
        values * size_of::<f32>() <= WORKGROUP_MEMORY
    }

    /// Values of a row of queries, keys and values.
    pub(crate) fn qkv(self) -> usize {
        (self.heads + 2 * self.groups) * self.head_dim
    }
}

/// RMSNorm of queries and keys.
#[derive(Clone, Debug)]
pub(crate) struct HeadNorms {
    /// [2, head_dim]: of queries, of keys.
    gammas: GpuTensor,
    epsilon: f32,
}

impl HeadNorms {
    /// Each: `[head_dim]`.
    pub(crate) fn new(gammas: [Tensor<1>; 2], epsilon: f64) -> Self {
        Self {
            gammas: wgpu::tensor(Tensor::stack::<2>(gammas.to_vec(), 0)),
            epsilon: epsilon as f32,
        }
    }
}

/// Keys and values of one layer in device memory, written where they lie.
#[derive(Debug)]
pub(crate) struct DeviceCache {
    /// Slots × groups × head_dim × room.
    keys: GpuTensor,
    /// Slots × groups × room × head_dim.
    values: GpuTensor,
    shape: Heads,
}

impl DeviceCache {
    /// A cache whose slots begin with the keys and values of prompts: k, v: prompts × time ×
    /// groups × head_dim; `prompts` says which of them each slot continues. Room for `room` ≥ time
    /// positions.
    pub(crate) fn open(
        k: Tensor<4>,
        v: Tensor<4>,
        prompts: &GpuTensor,
        room: usize,
        shape: Heads,
    ) -> Self {
        let [_, time, groups, head_dim] = k.dims();
        let slots = dims(prompts)[0];
        let [k, v] = [k, v].map(wgpu::tensor);
        let cache = Self {
            keys: wgpu::empty(&k, &[slots, groups, head_dim, room]),
            values: wgpu::empty(&k, &[slots, groups, room, head_dim]),
            shape,
        };
        Launch::new(&FILL)
            .constant("GROUPS", groups)
            .constant("HEAD", head_dim)
            .input(&k)
            .input(&v)
            .input(prompts)
            .changed(&cache.keys)
            .changed(&cache.values)
            .number(slots)
            .number(time)
            .number(room)
            .dispatch((slots * time * groups * head_dim).div_ceil(256));
        cache
    }

    /// Stores the keys and values of `qkv` as those of completion token `token` and attends to all
    /// positions so far, for the first `rows` rows, whose state is `state`: [.., [`super::ROW`]].
    ///
    /// qkv: [.., (heads + 2·groups)·head_dim] before norms and rotation, rotary: [positions,
    /// head_dim] (cos, then sin), y: [.., heads·head_dim, padded].
    pub(crate) fn attend(
        &self,
        qkv: &GpuTensor,
        norms: Option<&HeadNorms>,
        rotary: &GpuTensor,
        state: &GpuTensor,
        y: &GpuTensor,
        [rows, token]: [usize; 2],
    ) {
        let room = dims(&self.keys)[3];
        Launch::new(&ATTENTION)
            .constant("HEADS", self.shape.heads)
            .constant("GROUPS", self.shape.groups)
            .constant("HEAD", self.shape.head_dim)
            .constant("STRIDE", dims(y)[1])
            .constant("NORM", usize::from(norms.is_some()))
            .input(qkv)
            // Without norms nothing is read there.
            .input(norms.map_or(rotary, |norms| &norms.gammas))
            .input(rotary)
            .input(state)
            .changed(&self.keys)
            .changed(&self.values)
            .output(y)
            .number(rows)
            .number(token)
            .number(room)
            .real(norms.map_or(0.0, |norms| norms.epsilon))
            .dispatch(rows * self.shape.groups);
    }
}
