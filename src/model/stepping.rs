//! Decoding on graphics cards: the same decoder as [`super::Decoder`], one token for many rows at a
//! time, with tokens, positions and the cache kept on the device.

use std::sync::Arc;

use burn::backend::Wgpu;
use burn::tensor::{Device, Int, Tensor};

use super::decoder::{Decoder, Linear};
use super::{DecoderSpec, ModelError};
use crate::kernels::Family;
use crate::kernels::decoding::{
    self, After, Choice, Desk, DeviceCache, HeadNorms, Heads, Norm, ROW, StepLinear,
};
use crate::kernels::wgpu::{self, GpuTensor};

struct Layer {
    input_norm: Norm,
    qkv: StepLinear,
    qk_norms: Option<HeadNorms>,
    o: StepLinear,
    post_norm: Norm,
    gate_up: StepLinear,
    down: StepLinear,
}

/// A decoder's weights laid out for decoding steps.
pub(crate) struct Stepper {
    spec: Arc<DecoderSpec>,
    heads: Heads,
    layers: Vec<Layer>,
    norm: Norm,
    head: StepLinear,
    embed: GpuTensor,
    /// [positions, head_dim]: cos, then sin.
    rotary: GpuTensor,
    stops: GpuTensor,
    stop_count: usize,
}

/// A row that is being written, as the device sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowState {
    /// Where its keys and values are.
    pub slot: usize,
    /// Tokens of its prompt.
    pub prompt: usize,
    /// Tokens it may have.
    pub limit: usize,
    /// The key of its noise.
    pub key: u32,
}

fn heads(spec: &DecoderSpec) -> Heads {
    Heads {
        heads: spec.num_attention_heads,
        groups: spec.num_key_value_heads,
        head_dim: spec.head_dim,
    }
}

impl Stepper {
    /// Whether a decoder of this shape can decode on this device.
    pub(crate) fn serves(spec: &DecoderSpec, device: &Device) -> bool {
        Family::of(device) == Family::Wgpu && heads(spec).fit()
    }

    /// Lays out the weights of a decoder that is not [`Decoder::for_decoding`]; `stops` end a
    /// completion.
    pub(crate) fn new(decoder: &Decoder, stops: &[u32]) -> Self {
        let spec = decoder.spec.clone();
        let eps = spec.rms_norm_eps;
        let pair = |linear: &Linear| (linear.weight.clone(), linear.bias.clone());
        let linear = |linear: &Linear| StepLinear::new(linear.weight.clone(), linear.bias.clone());
        let layers = decoder.layers.iter().map(|layer| Layer {
            input_norm: Norm::new(layer.input_norm.clone(), eps),
            qkv: StepLinear::side_by_side([&layer.q, &layer.k, &layer.v].map(pair).to_vec()),
            qk_norms: layer
                .qk_norm
                .clone()
                .map(|gammas| HeadNorms::new(gammas, eps)),
            o: linear(&layer.o),
            post_norm: Norm::new(layer.post_norm.clone(), eps),
            gate_up: StepLinear::in_turns([&layer.gate, &layer.up].map(pair).to_vec()),
            down: linear(&layer.down),
        });
        let embed = wgpu::tensor(decoder.embed.clone());
        let (cos, sin) = (&decoder.rotary.cos, &decoder.rotary.sin);
        let words: Vec<i32> = stops.iter().map(|&stop| stop as i32).collect();
        // A binding cannot be empty.
        let words = if words.is_empty() { vec![-1] } else { words };
        let size = [1, words.len()];
        Self {
            heads: heads(&spec),
            layers: layers.collect(),
            norm: Norm::new(decoder.norm.clone(), eps),
            head: linear(&decoder.head),
            rotary: wgpu::tensor(Tensor::cat(vec![cos.clone(), sin.clone()], 1)),
            stops: decoding::ints(words, size, &embed),
            stop_count: stops.len(),
            embed,
            spec,
        }
    }

    /// Reads right-padded prompts of equal length `ids.len() / lengths.len()` once, and opens a
    /// batch of rows; `prompts` says which prompt each row continues. Row i owns slot i.
    ///
    /// The logits of the first token are then there to [`Batch::choose`] from.
    pub(crate) fn read(
        &self,
        decoder: &Decoder,
        ids: &[u32],
        lengths: &[usize],
        prompts: &[usize],
        rows: &[RowState],
        room: usize,
    ) -> Batch<'_> {
        let (batch, time) = (lengths.len(), ids.len() / lengths.len());
        let slots = prompts.iter().map(|&prompt| prompt as i32).collect();
        let slots = decoding::ints(slots, [prompts.len(), 1], &self.embed);
        let mut caches = Vec::with_capacity(self.layers.len());
        let hidden = decoder.run(ids, batch, time, |_, k, v| {
            let (k, v) = (k.clone(), v.clone());
            caches.push(DeviceCache::open(k, v, &slots, room, self.heads));
        });
        let last = lengths.iter().enumerate();
        let last = decoder.ints(last.map(|(row, n)| row * time + n - 1));
        let logits = decoder.logits(hidden.select(0, last));
        let logits = logits.select(0, decoder.ints(prompts.iter().copied()));
        let count = rows.len();
        let buffer = |width: usize| decoding::buffer(count, width, &self.embed);
        let spec = &self.spec;
        Batch {
            caches,
            state: self.state(rows),
            rows: count,
            hidden: buffer(spec.hidden_size),
            qkv: wgpu::empty(&self.embed, &[count, self.heads.qkv()]),
            attended: buffer(spec.num_attention_heads * spec.head_dim),
            inner: buffer(spec.intermediate_size),
            logits: wgpu::tensor(logits),
            stepper: self,
        }
    }

    fn state(&self, rows: &[RowState]) -> GpuTensor {
        let words = rows.iter().flat_map(|row| {
            [
                row.slot as i32,
                row.prompt as i32,
                row.limit as i32,
                row.key as i32,
                0,
            ]
        });
        decoding::ints(words.collect(), [rows.len(), ROW], &self.embed)
    }
}

/// Rows that are written together.
pub(crate) struct Batch<'a> {
    stepper: &'a Stepper,
    caches: Vec<DeviceCache>,
    /// [rows, [`ROW`]].
    state: GpuTensor,
    /// How many rows are left; buffers may have more.
    rows: usize,
    /// The residual stream.
    hidden: GpuTensor,
    qkv: GpuTensor,
    attended: GpuTensor,
    /// Inside the feed-forward layer.
    inner: GpuTensor,
    logits: GpuTensor,
}

impl Batch<'_> {
    /// Room for `tokens` tokens of every row.
    pub(crate) fn sheet(&self, tokens: usize) -> Sheet {
        Sheet(decoding::empty_ints([tokens, self.rows, 2], &self.state))
    }

    /// Chooses token `token` of every row (counted from 0) and writes it at `place` of the sheet.
    pub(crate) fn choose(&mut self, token: usize, place: usize, sheet: &Sheet, choice: &Choice) {
        let desk = Desk {
            embed: &self.stepper.embed,
            stops: &self.stepper.stops,
            stop_count: self.stepper.stop_count,
            state: &self.state,
            chosen: &sheet.0,
            hidden: &self.hidden,
        };
        decoding::choose(&self.logits, &desk, choice, [self.rows, token, place]);
    }

    /// Computes the logits after token `token`, which was chosen last.
    pub(crate) fn step(&mut self, token: usize) {
        let (stepper, rows) = (self.stepper, self.rows);
        for (layer, cache) in stepper.layers.iter().zip(&self.caches) {
            let norm = Some(&layer.input_norm);
            let (qkv, attended) = (&self.qkv, &self.attended);
            let qkv_layer = &layer.qkv;
            qkv_layer.launch(&self.hidden, qkv, rows, norm, After::Write);
            let (norms, rotary) = (layer.qk_norms.as_ref(), &stepper.rotary);
            cache.attend(qkv, norms, rotary, &self.state, attended, [rows, token]);
            layer
                .o
                .launch(attended, &self.hidden, rows, None, After::Add);
            let norm = Some(&layer.post_norm);
            let inner = &self.inner;
            let gate_up = &layer.gate_up;
            gate_up.launch(&self.hidden, inner, rows, norm, After::SwiGlu);
            layer
                .down
                .launch(inner, &self.hidden, rows, None, After::Add);
        }
        let norm = Some(&stepper.norm);
        let head = &stepper.head;
        head.launch(&self.hidden, &self.logits, rows, norm, After::Write);
    }

    /// Goes on with some of the rows only: their places so far, ascending, and their states. Call it
    /// between [`Batch::choose`] and [`Batch::step`].
    pub(crate) fn keep(&mut self, places: &[usize], rows: &[RowState]) {
        let words = places.iter().map(|&place| place as i32).collect();
        let places = decoding::ints(words, [1, rows.len()], &self.stepper.embed);
        let places = Tensor::<2, Int>::from_primitive::<Wgpu>(places).reshape([rows.len()]);
        let hidden = wgpu::plain_tensor::<2>(self.hidden.clone());
        self.hidden = wgpu::tensor(hidden.select(0, places));
        self.state = self.stepper.state(rows);
        self.rows = rows.len();
    }
}

/// Tokens and log-probabilities on the device: [tokens, rows, 2].
pub(crate) struct Sheet(GpuTensor);

impl Sheet {
    /// Every token with its log-probability: all rows' first, all rows' second, and so on. Rows that
    /// had finished have any.
    ///
    /// # Errors
    /// If the device fails to give them.
    pub(crate) async fn read(self) -> Result<Vec<(u32, f32)>, ModelError> {
        let tensor = Tensor::<3, Int>::from_primitive::<Wgpu>(self.0);
        let data = tensor.into_data_async().await;
        let data = data.map_err(ModelError::device)?;
        let words: Vec<u32> = data.iter::<i64>().map(|word| word as u32).collect();
        let pairs = words.chunks_exact(2);
        Ok(pairs
            .map(|pair| (pair[0], f32::from_bits(pair[1])))
            .collect())
    }
}
