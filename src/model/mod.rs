//! The decoder of the llama, qwen2 and qwen3 families: its shape, its weights, its computation,
//! and the Hugging Face folders it comes from and goes to.

mod decoder;
mod parameters;
mod spec;

pub use decoder::{Cache, Decoder, Rotary};
pub use parameters::{Parameter, Parameters};
pub use spec::{DecoderSpec, Llama3Scaling};

/// What can be wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("config.json: `{key}` {why}")]
    Config { key: String, why: String },
    #[error("model weights: {tensor} {why}")]
    Weights { tensor: String, why: String },
    #[error("the device failed while reading a tensor: {why}")]
    Device { why: String },
}
