//! What a decoder looks like: read from the configuration or from a Hugging Face `config.json`
//! (of transformers 4 or 5), and written as one.

use serde_json::{Value, json};

use super::ModelError;
use crate::config::{Family, ModelConfig};

/// Frequencies stretched for longer contexts, as Llama 3.1 does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3Scaling {
    pub factor: f64,
    pub low_freq_factor: f64,
    pub high_freq_factor: f64,
    pub original_max_position_embeddings: f64,
}

/// The shape of a decoder of the llama, qwen2 or qwen3 family.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderSpec {
    pub family: Family,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    pub head_dim: usize,
    pub max_position_embeddings: usize,
    pub rope_theta: f64,
    pub rope_scaling: Option<Llama3Scaling>,
    pub rms_norm_eps: f64,
    pub tie_word_embeddings: bool,
    /// Biases on query, key and value.
    pub qkv_bias: bool,
    /// A bias on attention's output projection.
    pub output_bias: bool,
    /// Biases in the feed-forward layer.
    pub mlp_bias: bool,
    /// RMSNorm on each head's query and key.
    pub qk_norm: bool,
}

impl DecoderSpec {
    /// The shape a configuration asks for, with `vocab_size` tokens.
    pub fn from_config(config: &ModelConfig, vocab_size: usize) -> Self {
        let or = |value: usize, otherwise: usize| if value == 0 { otherwise } else { value };
        let heads = config.num_attention_heads;
        Self {
            family: config.family,
            vocab_size,
            hidden_size: config.hidden_size,
            intermediate_size: or(config.intermediate_size, 4 * config.hidden_size),
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: heads,
            num_key_value_heads: or(config.num_key_value_heads, heads),
            head_dim: or(config.head_dim, config.hidden_size / heads.max(1)),
            max_position_embeddings: config.max_position_embeddings,
            rope_theta: config.rope_theta,
            rope_scaling: None,
            rms_norm_eps: config.rms_norm_eps,
            tie_word_embeddings: config.tie_word_embeddings,
            qkv_bias: config.family == Family::Qwen2,
            output_bias: false,
            mlp_bias: false,
            qk_norm: config.family == Family::Qwen3,
        }
    }

    /// Reads a `config.json`.
    ///
    /// # Errors
    /// Names the key that is missing, has the wrong type, or asks for something this decoder
    /// does not do (another family, sliding windows, other rope scalings).
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        let json: Value = serde_json::from_slice(bytes).map_err(|error| ModelError::Config {
            key: String::new(),
            why: error.to_string(),
        })?;
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let family = match text("model_type") {
            Some("llama") => Family::Llama,
            Some("qwen2") => Family::Qwen2,
            Some("qwen3") => Family::Qwen3,
            other => {
                let why = format!("{other:?} is not one of llama, qwen2, qwen3");
                return Err(ModelError::Config {
                    key: "model_type".into(),
                    why,
                });
            }
        };
        if flag(&json, "use_sliding_window", false) {
            let why = "sliding-window attention is not supported".into();
            return Err(ModelError::Config {
                key: "use_sliding_window".into(),
                why,
            });
        }
        if let Some(act) = text("hidden_act")
            && act != "silu"
        {
            let why = format!("{act:?} is not supported, only \"silu\"");
            return Err(ModelError::Config {
                key: "hidden_act".into(),
                why,
            });
        }
        let hidden_size = whole(&json, "hidden_size")?;
        let num_attention_heads = whole(&json, "num_attention_heads")?;
        let rope = json
            .get("rope_parameters")
            .or_else(|| json.get("rope_scaling"));
        let rope_theta = number(&json, "rope_theta")
            .or_else(|| rope.and_then(|rope| number(rope, "rope_theta")))
            .unwrap_or(10_000.0);
        let attention_bias = flag(&json, "attention_bias", false);
        let spec = Self {
            family,
            vocab_size: whole(&json, "vocab_size")?,
            hidden_size,
            intermediate_size: whole(&json, "intermediate_size")?,
            num_hidden_layers: whole(&json, "num_hidden_layers")?,
            num_attention_heads,
            num_key_value_heads: whole(&json, "num_key_value_heads").unwrap_or(num_attention_heads),
            head_dim: whole(&json, "head_dim").unwrap_or(hidden_size / num_attention_heads.max(1)),
            max_position_embeddings: whole(&json, "max_position_embeddings")?,
            rope_theta,
            rope_scaling: rope.map(llama3_scaling).transpose()?.flatten(),
            rms_norm_eps: number(&json, "rms_norm_eps").unwrap_or(1e-6),
            tie_word_embeddings: flag(&json, "tie_word_embeddings", false),
            qkv_bias: family == Family::Qwen2 || attention_bias,
            output_bias: family != Family::Qwen2 && attention_bias,
            mlp_bias: flag(&json, "mlp_bias", false),
            qk_norm: family == Family::Qwen3,
        };
        spec.check()?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), ModelError> {
        let wrong = |key: &str, why: String| {
            Err(ModelError::Config {
                key: key.into(),
                why,
            })
        };
        if self.head_dim == 0 || self.head_dim % 2 == 1 {
            return wrong(
                "head_dim",
                format!("{} must be even and above 0", self.head_dim),
            );
        }
        let (heads, groups) = (self.num_attention_heads, self.num_key_value_heads);
        if groups == 0 || heads % groups != 0 {
            return wrong(
                "num_key_value_heads",
                format!("{groups} must divide {heads} heads"),
            );
        }
        Ok(())
    }

    /// The `config.json` that transformers opens.
    pub fn to_json(&self, eos: u32, pad: u32) -> Value {
        let (model_type, architecture) = match self.family {
            Family::Llama => ("llama", "LlamaForCausalLM"),
            Family::Qwen2 => ("qwen2", "Qwen2ForCausalLM"),
            Family::Qwen3 => ("qwen3", "Qwen3ForCausalLM"),
        };
        let mut json = json!({
            "architectures": [architecture],
            "model_type": model_type,
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "max_position_embeddings": self.max_position_embeddings,
            "rope_theta": self.rope_theta,
            "rms_norm_eps": self.rms_norm_eps,
            "tie_word_embeddings": self.tie_word_embeddings,
            "attention_bias": self.family != Family::Qwen2 && self.qkv_bias,
            "attention_dropout": 0.0,
            "hidden_act": "silu",
            "use_cache": true,
            "bos_token_id": null,
            "eos_token_id": eos,
            "pad_token_id": pad,
            "torch_dtype": "float32",
        });
        if self.family == Family::Llama {
            json["mlp_bias"] = self.mlp_bias.into();
        }
        if let Some(s) = self.rope_scaling {
            json["rope_scaling"] = json!({
                "rope_type": "llama3",
                "factor": s.factor,
                "low_freq_factor": s.low_freq_factor,
                "high_freq_factor": s.high_freq_factor,
                "original_max_position_embeddings": s.original_max_position_embeddings as u64,
            });
        }
        json
    }

    /// Names and shapes of all parameters, in the order of a Hugging Face checkpoint.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let (d, ffn, head_dim) = (self.hidden_size, self.intermediate_size, self.head_dim);
        let (q, kv) = (
            self.num_attention_heads * head_dim,
            self.num_key_value_heads * head_dim,
        );
        let mut all = vec![(
            "model.embed_tokens.weight".to_string(),
            vec![self.vocab_size, d],
        )];
        for layer in 0..self.num_hidden_layers {
            let mut add = |name: &str, shape: &[usize]| {
                all.push((format!("model.layers.{layer}.{name}"), shape.to_vec()));
            };
            for (name, rows, bias) in [
                ("q_proj", q, self.qkv_bias),
                ("k_proj", kv, self.qkv_bias),
                ("v_proj", kv, self.qkv_bias),
            ] {
                add(&format!("self_attn.{name}.weight"), &[rows, d]);
                if bias {
                    add(&format!("self_attn.{name}.bias"), &[rows]);
                }
            }
            add("self_attn.o_proj.weight", &[d, q]);
            if self.output_bias {
                add("self_attn.o_proj.bias", &[d]);
            }
            if self.qk_norm {
                add("self_attn.q_norm.weight", &[head_dim]);
                add("self_attn.k_norm.weight", &[head_dim]);
            }
            for (name, rows, columns) in [
                ("gate_proj", ffn, d),
                ("up_proj", ffn, d),
                ("down_proj", d, ffn),
            ] {
                add(&format!("mlp.{name}.weight"), &[rows, columns]);
                if self.mlp_bias {
                    add(&format!("mlp.{name}.bias"), &[rows]);
                }
            }
            add("input_layernorm.weight", &[d]);
            add("post_attention_layernorm.weight", &[d]);
        }
        all.push(("model.norm.weight".to_string(), vec![d]));
        if !self.tie_word_embeddings {
            all.push(("lm_head.weight".to_string(), vec![self.vocab_size, d]));
        }
        all
    }

    /// How many numbers the parameters hold.
    pub fn parameter_count(&self) -> u64 {
        let size = |shape: &Vec<usize>| shape.iter().product::<usize>() as u64;
        self.parameters().iter().map(|(_, shape)| size(shape)).sum()
    }

    /// Angle per position of each pair of dimensions: [head_dim / 2].
    pub fn rope_frequencies(&self) -> Vec<f64> {
        let half = self.head_dim / 2;
        let plain = |i: usize| self.rope_theta.powf(-(i as f64) / half as f64);
        let Some(s) = self.rope_scaling else {
            return (0..half).map(plain).collect();
        };
        // Llama 3.1: low frequencies are divided by `factor`, high ones kept, those between blended.
        let low = s.original_max_position_embeddings / s.low_freq_factor;
        let high = s.original_max_position_embeddings / s.high_freq_factor;
        (0..half)
            .map(plain)
            .map(|frequency| {
                let wavelength = 2.0 * std::f64::consts::PI / frequency;
                if wavelength > low {
                    frequency / s.factor
                } else if wavelength < high {
                    frequency
                } else {
                    let smooth = (s.original_max_position_embeddings / wavelength
                        - s.low_freq_factor)
                        / (s.high_freq_factor - s.low_freq_factor);
                    (1.0 - smooth) * frequency / s.factor + smooth * frequency
                }
            })
            .collect()
    }
}

fn whole(json: &Value, key: &str) -> Result<usize, ModelError> {
    let found = json.get(key);
    let value = found.and_then(Value::as_u64).map(|value| value as usize);
    value.ok_or_else(|| ModelError::Config {
        key: key.into(),
        why: match found {
            None => "is missing".into(),
            Some(other) => format!("{other} is not a whole number"),
        },
    })
}

fn number(json: &Value, key: &str) -> Option<f64> {
    json.get(key).and_then(Value::as_f64)
}

fn flag(json: &Value, key: &str, otherwise: bool) -> bool {
    json.get(key).and_then(Value::as_bool).unwrap_or(otherwise)
}

fn llama3_scaling(rope: &Value) -> Result<Option<Llama3Scaling>, ModelError> {
    let kind = rope
        .get("rope_type")
        .or_else(|| rope.get("type"))
        .and_then(Value::as_str);
    match kind {
        None | Some("default") => Ok(None),
        Some("llama3") => {
            let get = |key: &str| {
                number(rope, key).ok_or_else(|| ModelError::Config {
                    key: format!("rope_scaling.{key}"),
                    why: "is missing".into(),
                })
            };
            Ok(Some(Llama3Scaling {
                factor: get("factor")?,
                low_freq_factor: get("low_freq_factor")?,
                high_freq_factor: get("high_freq_factor")?,
                original_max_position_embeddings: get("original_max_position_embeddings")?,
            }))
        }
        Some(other) => Err(ModelError::Config {
            key: "rope_scaling.rope_type".into(),
            why: format!("{other:?} is not supported, only \"default\" and \"llama3\""),
        }),
    }
}
