//! The kernels of one decoding step on graphics cards: a linear layer with what stands around it,
//! attention over the cache, and the choice of the next token.
//!
//! A step is five launches per layer and two more, and reads nothing back: the chosen token's
//! embedding is where the next step starts.

use burn::tensor::{DType, Int, Shape, Tensor};

use super::wgpu::{self, GpuTensor, Launch, dims, shader};
use super::wgpu::{Shader, int_tensor};

static LINEAR: Shader = shader!("decode_linear");
static ATTENTION: Shader = shader!("decode_attention");
static FILL: Shader = shader!("decode_fill");
static SAMPLE: Shader = shader!("sample");

/// Numbers of a row's state: slot, prompt length, most tokens, noise key, whether it has finished.
pub(crate) const ROW: usize = 5;

/// What WebGPU grants every workgroup, in bytes.
const WORKGROUP_MEMORY: usize = 16_384;

/// Rows and columns that one workgroup of `decode_linear.wgsl` computes.
const LINEAR_TILE: [usize; 2] = [4, 32];

/// RMSNorm before a linear layer.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    gamma: GpuTensor,
    epsilon: f32,
}

impl Norm {
    /// gamma: `[width]`.
    pub(crate) fn new(gamma: Tensor<1>, epsilon: f64) -> Self {
        let gamma = wgpu::tensor(in_fours(gamma.unsqueeze_dim::<2>(0)));
        Self {
            gamma,
            epsilon: epsilon as f32,
        }
    }
}

/// What becomes of a linear layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It is written.
    Write = 0,
    /// It is added to what is there.
    Add = 1,
    /// Gate and up, turn by turn, become silu(gate) · up.
    SwiGlu = 2,
}

/// A linear layer laid out for decoding.
#[derive(Clone, Debug)]
pub(crate) struct StepLinear {
    /// [out, in], rows padded with zeros to a multiple of four.
    weight: GpuTensor,
    bias: GpuTensor,
    /// The width of x without padding.
    width: usize,
}

impl StepLinear {
    /// weight: [out, in], bias: `[out]`.
    pub(crate) fn new(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        let [outs, width] = weight.dims();
        let bias = bias.unwrap_or_else(|| Tensor::zeros([outs], &weight.device()));
        Self {
            weight: wgpu::tensor(in_fours(weight)),
            bias: wgpu::tensor(bias),
            width,
        }
    }

    /// Several layers of one input as one, their outputs side by side.
    pub(crate) fn side_by_side(layers: Vec<(Tensor<2>, Option<Tensor<1>>)>) -> Self {
        let (weights, biases) = together(layers);
        Self::new(Tensor::cat(weights, 0), biases.map(|b| Tensor::cat(b, 0)))
    }

    /// Gate and up as one layer, their outputs turn by turn.
    pub(crate) fn in_turns(layers: Vec<(Tensor<2>, Option<Tensor<1>>)>) -> Self {
        let (weights, biases) = together(layers);
        let [outs, width] = weights[0].dims();
        let count = weights.len();
        let weight = Tensor::stack::<3>(weights, 1).reshape([count * outs, width]);
        let bias = biases.map(|b| Tensor::stack::<2>(b, 1).reshape([count * outs]));
        Self::new(weight, bias)
    }

    /// Outputs, gate and up counted apart.
    pub(crate) fn outs(&self) -> usize {
        dims(&self.weight)[0]
    }

    /// y ← x·Wᵀ + b for the first `rows` rows, in the way `after` says, with `norm` before.
    ///
    /// x and y come from [`buffer`]; x is as wide as this layer's input.
    pub(crate) fn launch(
        &self,
        x: &GpuTensor,
        y: &GpuTensor,
        rows: usize,
        norm: Option<&Norm>,
        after: After,
    ) {
        let outs = self.outs();
        // A binding without a use: what is bound there is not read.
        let gamma = norm.map_or(&self.weight, |norm| &norm.gamma);
        let launch = Launch::new(&LINEAR)
            .constant("WIDTH", dims(&self.weight)[1] / 4)
            .constant("OUTS", outs)
            .constant("STRIDE", dims(y)[1])
            .constant("NORM", usize::from(norm.is_some()))
            .constant("AFTER", after as usize)
            .input(x)
            .input(&self.weight)
            .input(&self.bias)
            .input(gamma);
        let launch = match after {
            After::Add => launch.changed(y),
            After::Write | After::SwiGlu => launch.output(y),
        };
        launch
            .number(rows)
            .real(1.0 / self.width as f32)
            .real(norm.map_or(0.0, |norm| norm.epsilon))
            .dispatch(rows.div_ceil(LINEAR_TILE[0]) * outs.div_ceil(LINEAR_TILE[1]));
    }
}

/// Weights and, where any layer has one, the biases of all.
fn together(
    layers: Vec<(Tensor<2>, Option<Tensor<1>>)>,
) -> (Vec<Tensor<2>>, Option<Vec<Tensor<1>>>) {
    let any = layers.iter().any(|(_, bias)| bias.is_some());
    let zeros = |weight: &Tensor<2>| Tensor::zeros([weight.dims()[0]], &weight.device());
    let biases = layers
        .iter()
        .map(|(weight, bias)| bias.clone().unwrap_or_else(|| zeros(weight)));
    let biases = any.then(|| biases.collect());
    (layers.into_iter().map(|(weight, _)| weight).collect(), biases)
}

/// Rows padded with zeros to a multiple of four.
fn in_fours(x: Tensor<2>) -> Tensor<2> {
    let [rows, width] = x.dims();
    let room = width.next_multiple_of(4) - width;
    if room == 0 {
        return x;
    }
    let zeros = Tensor::zeros([rows, room], &x.device());
    Tensor::cat(vec![x, zeros], 1)
}

/// Zeros for `rows` rows of `width` values, padded to a multiple of four.
pub(crate) fn buffer(rows: usize, width: usize, like: &GpuTensor) -> GpuTensor {
    let device = wgpu::plain_tensor::<2>(like.clone()).device();
    wgpu::tensor(Tensor::<2>::zeros([rows, width.next_multiple_of(4)], &device))
}

/// Integers with any content: [a, b, c].
pub(crate) fn empty_ints(shape: [usize; 3], like: &GpuTensor) -> GpuTensor {
    GpuTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        Shape::from(shape),
        like.client.empty(shape.iter().product::<usize>() * size_of::<i32>()),
        DType::I32,
    )
}

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
    /// positions so far, for the first `rows` rows, whose state is `state`: [.., [`ROW`]].
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

/// How tokens are chosen, in the numbers of `sample.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    /// 1 / T.
    pub inverse: f32,
    pub greedy: bool,
    /// 0 keeps all.
    pub top_k: usize,
    /// 1 keeps all.
    pub top_p: f32,
    /// ln of min p; −∞ keeps all.
    pub min_p: f32,
}

/// Where [`choose`] reads and writes.
pub(crate) struct Desk<'a> {
    /// [vocabulary, hidden].
    pub embed: &'a GpuTensor,
    /// Tokens that end a completion; one at least is there, of which `stop_count` count.
    pub stops: &'a GpuTensor,
    pub stop_count: usize,
    /// [.., [`ROW`]], changed.
    pub state: &'a GpuTensor,
    /// [tokens, rows, 2], written at one token.
    pub chosen: &'a GpuTensor,
    /// From [`buffer`]: receives the embedding of each row's token.
    pub hidden: &'a GpuTensor,
}

/// Chooses token `token` of the completions of the first `rows` rows from their logits: [..,
/// vocabulary], and writes it at `place` of the chosen ones.
pub(crate) fn choose(
    logits: &GpuTensor,
    desk: &Desk,
    choice: &Choice,
    [rows, token, place]: [usize; 3],
) {
    let vocabulary = dims(logits)[1];
    Launch::new(&SAMPLE)
        .constant("VOCAB", vocabulary)
        .constant("HIDDEN", dims(desk.embed)[1])
        .constant("STRIDE", dims(desk.hidden)[1])
        .constant("WORKERS", if vocabulary > 1024 { 256 } else { 64 })
        .input(logits)
        .input(desk.embed)
        .input(desk.stops)
        .changed(desk.state)
        .changed(desk.chosen)
        .changed(desk.hidden)
        .number(rows)
        .number(token)
        .number(place)
        .number(desk.stop_count)
        .real(choice.inverse)
        .number(usize::from(choice.greedy))
        .number(choice.top_k)
        .real(choice.top_p)
        .real(choice.min_p.max(f32::MIN))
        .dispatch(rows);
}

/// Integers on the device of `like`.
pub(crate) fn ints(values: Vec<i32>, shape: [usize; 2], like: &GpuTensor) -> GpuTensor {
    let device = wgpu::plain_tensor::<1>(like.clone()).device();
    let data = burn::tensor::TensorData::new(values, shape);
    int_tensor(Tensor::<2, Int>::from_data(data, (&device, DType::I32)))
}

#[cfg(test)]
mod tests;
