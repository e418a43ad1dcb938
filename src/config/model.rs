//! The model and its tokenizer.

use serde::{Deserialize, Serialize};

/// Which vocabulary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenizerKind {
    /// One token a character that the task uses (format tags are one token each).
    #[default]
    Char,
    /// One token a word or sign that the task uses.
    Word,
    /// A byte-level BPE trained on the task's demonstrations.
    Bpe,
    /// A `tokenizer.json` given by `tokenizer.path`, or the model folder's own.
    File,
}

/// `[tokenizer]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerConfig {
    /// Default `"char"`, or `"file"` where `model.path` is given.
    pub kind: TokenizerKind,
    /// Vocabulary size of a trained BPE, 260..=200000. Default 1024.
    pub vocab_size: usize,
    /// A tokenizer.json, or a folder that holds one. Default empty.
    pub path: String,
    /// Wrap prompts in the tokenizer's chat template. Default false.
    pub chat_template: bool,
    /// A system message for the chat template. Default empty.
    pub system_prompt: String,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self {
            kind: TokenizerKind::default(),
            vocab_size: 1024,
            path: String::new(),
            chat_template: false,
            system_prompt: String::new(),
        }
    }
}

/// The family decides biases and norms inside attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// No biases.
    #[default]
    Llama,
    /// Biases on query, key and value.
    Qwen2,
    /// RMSNorm on queries and keys.
    Qwen3,
}

/// `[model]`: sizes of a model built from scratch, or a Hugging Face folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// A Hugging Face model folder to start from; the sizes below are then ignored. Default empty.
    pub path: String,
    /// `llama`, `qwen2` or `qwen3`. Default `"llama"`.
    pub family: Family,
    /// Width of the residual stream. 8..=16384, default 64.
    pub hidden_size: usize,
    /// Width of the feed-forward layer; 0 means 4 × hidden_size. Default 0.
    pub intermediate_size: usize,
    /// Default 2.
    pub num_hidden_layers: usize,
    /// Default 2.
    pub num_attention_heads: usize,
    /// Groups of grouped-query attention; 0 means as many as heads. Default 0.
    pub num_key_value_heads: usize,
    /// Width of one head; 0 means hidden_size / num_attention_heads. Must be even. Default 0.
    pub head_dim: usize,
    /// Longest sequence (prompt + completion) in tokens. Default 256.
    pub max_position_embeddings: usize,
    /// Base of the rotary angles. Default 10000.
    pub rope_theta: f64,
    /// Default 1e-6.
    pub rms_norm_eps: f64,
    /// One matrix for embedding and output. Default true.
    pub tie_word_embeddings: bool,
    /// Standard deviation of the initial weights; 0 means 1/sqrt(hidden_size). Default 0.
    pub initializer_range: f64,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            path: String::new(),
            family: Family::default(),
            hidden_size: 64,
            intermediate_size: 0,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            num_key_value_heads: 0,
            head_dim: 0,
            max_position_embeddings: 256,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-6,
            tie_word_embeddings: true,
            initializer_range: 0.0,
        }
    }
}
