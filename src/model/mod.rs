//! The decoder of the llama, qwen2 and qwen3 families: its shape, its weights, its computation,
//! and the Hugging Face folders it comes from and goes to.

mod decoder;
mod parameters;
mod spec;
#[cfg(feature = "gpu")]
mod stepping;

pub use decoder::{Cache, Decoder, Rotary};
pub use parameters::{Parameter, Parameters};
pub use spec::{DecoderSpec, Llama3Scaling};
#[cfg(feature = "gpu")]
pub(crate) use stepping::{Batch, RowState, Stepper};

/// What can be wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("config.json: `{key}` {why}")]
    Config { key: String, why: String },
    #[error("model weights: {tensor} {why}")]
    Weights { tensor: String, why: String },
    #[error(
        "a prompt has {tokens} tokens, but the model takes 1 to {most}: shorten it, or take a model \
         with more positions (model.max_position_embeddings)"
    )]
    Prompt { tokens: usize, most: usize },
    #[error("the device failed while reading a tensor: {why}")]
    Device { why: String },
}

impl ModelError {
    fn device(error: impl ToString) -> Self {
        let why = crate::devices::in_plain_words(&error.to_string());
        Self::Device { why }
    }

    /// Whether the model was asked what it cannot take, rather than something having failed.
    pub fn is_wrong_input(&self) -> bool {
        matches!(self, Self::Prompt { .. })
    }
}

use std::sync::Arc;

use burn::tensor::{Device, TensorData, Transaction};

/// A decoder's shape, tables and weights: what a [`Decoder`] is opened from.
#[derive(Clone, Debug)]
pub struct Model {
    pub spec: Arc<DecoderSpec>,
    pub rotary: Rotary,
    pub parameters: Parameters,
}

impl Model {
    /// Puts shape and weights together on the weights' device.
    pub fn new(spec: DecoderSpec, parameters: Parameters, device: &Device) -> Self {
        Self {
            rotary: Rotary::new(&spec, device),
            spec: Arc::new(spec),
            parameters,
        }
    }

    /// The weights' device.
    pub fn device(&self) -> Device {
        self.rotary.cos.device()
    }

    /// A decoder that computes and cannot be differentiated.
    pub fn decoder(&self) -> Decoder {
        Decoder::plain(&self.spec, &self.rotary, &self.parameters)
    }

    /// A decoder whose weights are fresh autodiff leaves, for one backward pass.
    pub fn tracked(&self) -> Decoder {
        Decoder::tracked(&self.spec, &self.rotary, &self.parameters)
    }

    /// The same model with other weights.
    pub fn with(&self, parameters: Parameters) -> Self {
        Self {
            parameters,
            ..self.clone()
        }
    }
}

/// A tensor's values, row after row, without blocking.
///
/// # Errors
/// If the device fails to give them.
pub async fn read<const D: usize>(tensor: burn::tensor::Tensor<D>) -> Result<Vec<f32>, ModelError> {
    let data = tensor.into_data_async().await;
    let data = data.map_err(ModelError::device)?;
    Ok(data.iter::<f32>().collect())
}

/// The values of several tensors, read at once.
///
/// # Errors
/// As [`read`].
pub async fn read_all(tensors: Transaction) -> Result<Vec<Vec<f32>>, ModelError> {
    let all = tensors.execute_async().await.map_err(ModelError::device)?;
    let values = |data: TensorData| data.iter::<f32>().collect();
    Ok(all.into_iter().map(values).collect())
}
