//! The decoder: RMSNorm, rotary attention with grouped queries, SwiGLU, residual stream.
//!
//! One definition for training, for scoring and for decoding with a cache. Weights are shared with
//! the [`Parameters`] they come from; [`Decoder::tracked`] makes fresh autodiff leaves of them, so
//! that several threads can each differentiate their own decoder.

use std::sync::Arc;

use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};

use super::{DecoderSpec, Parameters};
use crate::kernels::{self, LayerCache};

/// cos and sin of every position's angles: [max_position_embeddings, head_dim / 2] each.
#[derive(Clone, Debug)]
pub struct Rotary {
    pub(super) cos: Tensor<2>,
    pub(super) sin: Tensor<2>,
}

impl Rotary {
    /// The tables of a decoder, on a device without autodiff.
    pub fn new(spec: &DecoderSpec, device: &Device) -> Self {
        let frequencies = spec.rope_frequencies();
        let size = [spec.max_position_embeddings, frequencies.len()];
        let table = |function: fn(f64) -> f64| {
            let angle = |position: usize| {
                frequencies
                    .iter()
                    .map(move |frequency| position as f64 * frequency)
            };
            let values: Vec<f32> = (0..size[0])
                .flat_map(angle)
                .map(|angle| function(angle) as f32)
                .collect();
            Tensor::from_data(TensorData::new(values, size), device)
        };
        Self {
            cos: table(f64::cos),
            sin: table(f64::sin),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Linear {
    /// Out × in, or in × out where `transposed`.
    pub(super) weight: Tensor<2>,
    pub(super) bias: Option<Tensor<1>>,
    /// Laid out for products of few rows (see [`Decoder::for_decoding`]).
    transposed: bool,
}

impl Linear {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        if self.transposed {
            kernels::linear_transposed(x, weight, bias)
        } else {
            kernels::linear(x, weight, bias)
        }
    }

    /// A weight alone, as it is stored.
    fn is_plain(&self) -> bool {
        !self.transposed && self.bias.is_none()
    }

    /// The same added to `onto`.
    fn forward_onto(&self, x: Tensor<2>, onto: Tensor<2>) -> Tensor<2> {
        if self.is_plain() {
            kernels::linear_onto(x, self.weight.clone(), onto)
        } else {
            onto + self.forward(x)
        }
    }

    fn transpose(&mut self) {
        self.weight = kernels::transposed(self.weight.clone());
        self.transposed = true;
    }
}

#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) input_norm: Tensor<1>,
    pub(super) q: Linear,
    pub(super) k: Linear,
    pub(super) v: Linear,
    pub(super) o: Linear,
    /// RMSNorm weights on queries and keys (qwen3).
    pub(super) qk_norm: Option<[Tensor<1>; 2]>,
    pub(super) post_norm: Tensor<1>,
    pub(super) gate: Linear,
    pub(super) up: Linear,
    pub(super) down: Linear,
}

/// Keys and values of all layers.
pub struct Cache {
    layers: Vec<LayerCache>,
}

/// A decoder over a set of weights.
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(super) spec: Arc<DecoderSpec>,
    pub(super) rotary: Rotary,
    pub(super) embed: Tensor<2>,
    pub(super) layers: Vec<Layer>,
    pub(super) norm: Tensor<1>,
    pub(super) head: Linear,
    /// The autodiff leaves in the order of the parameters; empty without autodiff.
    leaves: Vec<Tensor<1>>,
    /// Where token ids are put: the weights' device, with or without autodiff.
    device: Device,
}

impl Decoder {
    /// A decoder that computes and cannot be differentiated.
    pub fn plain(spec: &Arc<DecoderSpec>, rotary: &Rotary, parameters: &Parameters) -> Self {
        let tensors = parameters
            .entries
            .iter()
            .map(|entry| entry.tensor.clone())
            .collect();
        Self::build(spec, rotary, parameters, tensors)
    }

    /// A decoder whose parameters are fresh autodiff leaves.
    pub fn tracked(spec: &Arc<DecoderSpec>, rotary: &Rotary, parameters: &Parameters) -> Self {
        let leaf = |tensor: &Tensor<1>| Tensor::from_inner(tensor.clone()).require_grad();
        let leaves: Vec<_> = parameters
            .entries
            .iter()
            .map(|entry| leaf(&entry.tensor))
            .collect();
        let mut decoder = Self::build(spec, rotary, parameters, leaves.clone());
        decoder.leaves = leaves;
        decoder
    }

    fn build(
        spec: &Arc<DecoderSpec>,
        rotary: &Rotary,
        parameters: &Parameters,
        tensors: Vec<Tensor<1>>,
    ) -> Self {
        let find = |name: &str| {
            parameters
                .entries
                .iter()
                .position(|entry| entry.name == name)
        };
        let vector = |name: &str| find(name).map(|index| tensors[index].clone());
        let matrix = |name: &str| {
            find(name).map(|index| {
                let shape = &parameters.entries[index].shape;
                tensors[index].clone().reshape([shape[0], shape[1]])
            })
        };
        let known = "the parameters are those of this spec";
        let layer = |index: usize| {
            let name = |part: &str| format!("model.layers.{index}.{part}");
            let linear = |part: &str| Linear {
                weight: matrix(&name(&format!("{part}.weight"))).expect(known),
                bias: vector(&name(&format!("{part}.bias"))),
                transposed: false,
            };
            let norm = |part: &str| vector(&name(&format!("{part}.weight")));
            Layer {
                input_norm: norm("input_layernorm").expect(known),
                q: linear("self_attn.q_proj"),
                k: linear("self_attn.k_proj"),
                v: linear("self_attn.v_proj"),
                o: linear("self_attn.o_proj"),
                qk_norm: norm("self_attn.q_norm")
                    .zip(norm("self_attn.k_norm"))
                    .map(<[_; 2]>::from),
                post_norm: norm("post_attention_layernorm").expect(known),
                gate: linear("mlp.gate_proj"),
                up: linear("mlp.up_proj"),
                down: linear("mlp.down_proj"),
            }
        };
        let embed = matrix("model.embed_tokens.weight").expect(known);
        Self {
            spec: spec.clone(),
            rotary: rotary.clone(),
            head: Linear {
                weight: matrix("lm_head.weight").unwrap_or_else(|| embed.clone()),
                bias: None,
                transposed: false,
            },
            layers: (0..spec.num_hidden_layers).map(layer).collect(),
            norm: vector("model.norm.weight").expect(known),
            leaves: Vec::new(),
            device: embed.device(),
            embed,
        }
    }

    /// The same decoder with its weights laid out for decoding. It can neither be differentiated nor
    /// asked for [`Decoder::token_logprobs`].
    pub fn for_decoding(mut self) -> Self {
        for layer in &mut self.layers {
            let Layer {
                q,
                k,
                v,
                o,
                gate,
                up,
                down,
                ..
            } = layer;
            for linear in [q, k, v, o, gate, up, down] {
                linear.transpose();
            }
        }
        self.head.transpose();
        self
    }

    /// The shape of this decoder.
    pub fn spec(&self) -> &DecoderSpec {
        &self.spec
    }

    /// The gradients of all parameters, in their order; zeros for those a loss did not touch.
    pub fn gradients(&self, grads: &mut Gradients) -> Vec<Tensor<1>> {
        let take = |leaf: &Tensor<1>| {
            leaf.grad_remove(grads)
                .unwrap_or_else(|| leaf.clone().inner().zeros_like())
        };
        self.leaves.iter().map(take).collect()
    }

    /// Integers as a tensor beside the weights.
    pub fn ints(&self, values: impl IntoIterator<Item = usize>) -> Tensor<1, Int> {
        let values: Vec<i64> = values.into_iter().map(|value| value as i64).collect();
        let size = values.len();
        Tensor::from_data(TensorData::new(values, [size]), &self.device)
    }

    /// The last layer's normed states for right-padded sequences `ids` of `batch` × `time`
    /// tokens, row after row → [batch · time, hidden_size].
    pub fn hidden(&self, ids: &[u32], batch: usize, time: usize) -> Tensor<2> {
        self.run(ids, batch, time, |_, _, _| {})
    }

    /// All logits of those states: [.., hidden_size] → [.., vocab_size].
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.head.forward(hidden)
    }

    /// See [`kernels::token_logprobs`]: `rows` picks states, `targets` the tokens that follow.
    pub fn token_logprobs(
        &self,
        hidden: Tensor<2>,
        rows: &[usize],
        targets: &[usize],
        temperature: f64,
    ) -> Tensor<2> {
        let rows = self.ints(rows.iter().copied());
        let targets = self.ints(targets.iter().copied());
        kernels::token_logprobs(
            hidden,
            self.head.weight.clone(),
            rows,
            targets,
            temperature as f32,
        )
    }

    pub(super) fn run(
        &self,
        ids: &[u32],
        batch: usize,
        time: usize,
        mut keep: impl FnMut(usize, &Tensor<4>, &Tensor<4>),
    ) -> Tensor<2> {
        let positions = self.ints((0..batch).flat_map(|_| 0..time));
        let ids = self.ints(ids.iter().map(|&id| id as usize));
        let width = self.spec.num_attention_heads * self.spec.head_dim;
        let mut x = kernels::embedding(self.embed.clone(), ids);
        for (index, layer) in self.layers.iter().enumerate() {
            let [q, k, v] = self.project(layer, x.clone(), &positions);
            let split = |t: Tensor<3>| {
                let [_, heads, head_dim] = t.dims();
                t.reshape([batch, time, heads, head_dim])
            };
            let (k, v) = (split(k), split(v));
            keep(index, &k, &v);
            let attended = kernels::causal_attention(split(q), k, v);
            x = self.finish(layer, x, attended.reshape([batch * time, width]));
        }
        kernels::rms_norm(x, self.norm.clone(), self.spec.rms_norm_eps as f32)
    }

    /// Queries, keys and values of x: [rows, hidden_size] → [rows, heads, head_dim] each.
    fn project(&self, layer: &Layer, x: Tensor<2>, positions: &Tensor<1, Int>) -> [Tensor<3>; 3] {
        let spec = &self.spec;
        let eps = spec.rms_norm_eps as f32;
        let rows = x.dims()[0];
        let x = kernels::rms_norm(x, layer.input_norm.clone(), eps);
        let heads = |t: Tensor<2>, heads: usize| t.reshape([rows, heads, spec.head_dim]);
        let mut q = heads(layer.q.forward(x.clone()), spec.num_attention_heads);
        let mut k = heads(layer.k.forward(x.clone()), spec.num_key_value_heads);
        let v = heads(layer.v.forward(x), spec.num_key_value_heads);
        if let Some([q_norm, k_norm]) = &layer.qk_norm {
            q = kernels::rms_norm(q, q_norm.clone(), eps);
            k = kernels::rms_norm(k, k_norm.clone(), eps);
        }
        let turn = |t: Tensor<3>| {
            let Rotary { cos, sin } = &self.rotary;
            kernels::rope(t, cos.clone(), sin.clone(), positions.clone())
        };
        [turn(q), turn(k), v]
    }

    /// Adds attention's output and the feed-forward layer to the residual stream.
    fn finish(&self, layer: &Layer, x: Tensor<2>, attended: Tensor<2>) -> Tensor<2> {
        let x = layer.o.forward_onto(attended, x);
        let eps = self.spec.rms_norm_eps as f32;
        let gamma = layer.post_norm.clone();
        let linears = [&layer.gate, &layer.up, &layer.down];
        if linears.iter().all(|linear| linear.is_plain()) {
            let weights = linears.map(|linear| linear.weight.clone());
            return kernels::feed_forward(x, gamma, weights, eps);
        }
        let normed = kernels::rms_norm(x.clone(), gamma, eps);
        let gate = layer.gate.forward(normed.clone());
        let inner = kernels::swiglu(gate, layer.up.forward(normed));
        layer.down.forward_onto(inner, x)
    }

    /// Reads right-padded prompts of `batch` × `time` tokens once, and opens a cache with
    /// `copies` slots for each (slot = prompt · copies + copy) and room for `capacity` positions.
    ///
    /// Returns the logits after each prompt's last token: [batch, vocab_size], and the cache.
    pub fn prefill(
        &self,
        ids: &[u32],
        lengths: &[usize],
        copies: usize,
        capacity: usize,
    ) -> (Tensor<2>, Cache) {
        let batch = lengths.len();
        let time = ids.len() / batch;
        let source = self.ints((0..batch).flat_map(|prompt| std::iter::repeat_n(prompt, copies)));
        let mut layers = Vec::with_capacity(self.layers.len());
        let hidden = self.run(ids, batch, time, |_, k, v| {
            let copy = |t: &Tensor<4>| t.clone().select(0, source.clone());
            layers.push(LayerCache::new(copy(k), copy(v), capacity));
        });
        let last = self.ints(
            lengths
                .iter()
                .enumerate()
                .map(|(row, n)| row * time + n - 1),
        );
        (self.logits(hidden.select(0, last)), Cache { layers })
    }

    /// One token for each of `slots`, at its position → logits [rows, vocab_size].
    pub fn step(
        &self,
        tokens: &[u32],
        slots: &[usize],
        positions: &[usize],
        cache: &mut Cache,
    ) -> Tensor<2> {
        let rows = tokens.len();
        let slots = self.ints(slots.iter().copied());
        let positions = self.ints(positions.iter().copied());
        let ids = self.ints(tokens.iter().map(|&token| token as usize));
        let width = self.spec.num_attention_heads * self.spec.head_dim;
        let mut x = kernels::embedding(self.embed.clone(), ids);
        for (layer, cache) in self.layers.iter().zip(&mut cache.layers) {
            let [q, k, v] = self.project(layer, x.clone(), &positions);
            let attended = cache.attend(q, k, v, &slots, &positions);
            x = self.finish(layer, x, attended.reshape([rows, width]));
        }
        let eps = self.spec.rms_norm_eps as f32;
        self.logits(kernels::rms_norm(x, self.norm.clone(), eps))
    }
}
