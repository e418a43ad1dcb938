//! The weights as an ordered list of named tensors, and the safetensors files they come in.

use std::borrow::Cow;
use std::cell::RefCell;

use burn::tensor::{Device, Tensor, TensorData, Transaction};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};

use super::{DecoderSpec, ModelError, read_all};
use crate::rng::{Purpose, stream};

/// One named tensor, kept flat.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name in a Hugging Face checkpoint.
    pub name: String,
    /// The shape in a Hugging Face checkpoint.
    pub shape: Vec<usize>,
    /// The values in that shape's order: [product of shape].
    pub tensor: Tensor<1>,
}

/// All weights of a decoder (or anything of the same shapes: gradients, moments), on a device
/// without autodiff, in the order of [`DecoderSpec::parameters`].
///
/// A clone shares the values; nothing is written in place while they are shared.
#[derive(Clone, Debug)]
pub struct Parameters {
    pub entries: Vec<Parameter>,
}

impl Parameters {
    /// Initial weights: matrices from N(0, `std`²), norms 1, biases 0. Drawn on the host, so every
    /// device starts from the same numbers.
    pub fn random(spec: &DecoderSpec, std: f64, seed: u64, device: &Device) -> Self {
        let fill = |(index, (name, shape)): (usize, (String, Vec<usize>))| {
            let size = shape.iter().product();
            let values = if name.ends_with("norm.weight") {
                vec![1.0; size]
            } else if name.ends_with(".bias") {
                vec![0.0; size]
            } else {
                normal(size, std, seed, index as u64)
            };
            let tensor = Tensor::from_data(TensorData::new(values, [size]), device);
            Parameter {
                name,
                shape,
                tensor,
            }
        };
        Self {
            entries: spec
                .parameters()
                .into_iter()
                .enumerate()
                .map(fill)
                .collect(),
        }
    }

    /// The same shapes filled with zeros.
    pub fn zeros_like(&self) -> Self {
        self.map(|parameter| parameter.tensor.zeros_like())
    }

    /// A list with the same names and shapes and other values.
    pub fn map(&self, mut change: impl FnMut(&Parameter) -> Tensor<1>) -> Self {
        let replace = |entry: &Parameter| Parameter {
            name: entry.name.clone(),
            shape: entry.shape.clone(),
            tensor: change(entry),
        };
        Self {
            entries: self.entries.iter().map(replace).collect(),
        }
    }

    /// How many numbers there are.
    pub fn count(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| entry.shape.iter().product::<usize>() as u64)
            .sum()
    }

    /// Reads all values back, in order.
    ///
    /// # Errors
    /// If the device fails to give them.
    pub async fn read(&self) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut transaction = Transaction::default();
        for entry in &self.entries {
            transaction = transaction.register(entry.tensor.clone());
        }
        read_all(transaction).await
    }

    /// The bytes of a `model.safetensors` with every entry in float32.
    ///
    /// # Errors
    /// If the device fails to give the values.
    pub async fn to_safetensors(&self) -> Result<Vec<u8>, ModelError> {
        let values = self.read().await?;
        let views = self.entries.iter().zip(values).map(|(entry, values)| {
            assert_eq!(
                values.len(),
                entry.shape.iter().product::<usize>(),
                "its values fill its shape"
            );
            (entry.name.clone(), Written::new(&entry.shape, values))
        });
        let metadata = std::collections::HashMap::from([("format".into(), "pt".into())]);
        Ok(safetensors::serialize(views, Some(metadata)).expect("names and sizes are consistent"))
    }

    /// Reads the parameters of `spec` from one or more safetensors files (f32, f16 or bf16).
    ///
    /// # Errors
    /// Names the tensor that is missing, has another shape or type, or the damage in the file.
    pub fn from_safetensors(
        spec: &DecoderSpec,
        files: &[Vec<u8>],
        device: &Device,
    ) -> Result<Self, ModelError> {
        Self::read_named(spec.parameters(), files, device)
    }

    /// Reads tensors of the given names and shapes.
    ///
    /// # Errors
    /// As [`Parameters::from_safetensors`].
    pub fn read_named(
        wanted: Vec<(String, Vec<usize>)>,
        files: &[Vec<u8>],
        device: &Device,
    ) -> Result<Self, ModelError> {
        let damaged = |error: safetensors::SafeTensorError| ModelError::Weights {
            tensor: "the file".into(),
            why: format!("cannot be read as safetensors: {error}"),
        };
        let files: Vec<SafeTensors> = files
            .iter()
            .map(|bytes| SafeTensors::deserialize(bytes).map_err(damaged))
            .collect::<Result<_, _>>()?;
        let read = |(name, shape): (String, Vec<usize>)| {
            let found = files.iter().find_map(|file| file.tensor(&name).ok());
            let view = found.ok_or_else(|| ModelError::Weights {
                tensor: name.clone(),
                why: "is not in the file".into(),
            })?;
            if view.shape() != shape {
                return Err(ModelError::Weights {
                    tensor: name,
                    why: format!("has shape {:?}, expected {shape:?}", view.shape()),
                });
            }
            let values = to_f32(&view).ok_or_else(|| ModelError::Weights {
                tensor: name.clone(),
                why: format!("has type {:?}, expected F32, F16 or BF16", view.dtype()),
            })?;
            let size = values.len();
            let tensor = Tensor::from_data(TensorData::new(values, [size]), device);
            Ok(Parameter {
                name,
                shape,
                tensor,
            })
        };
        Ok(Self {
            entries: wanted.into_iter().map(read).collect::<Result<_, _>>()?,
        })
    }
}

/// A parameter on its way into a file: its values are let go as they are written, so that all of them lie
/// in memory once, not three times.
struct Written<'a> {
    shape: &'a [usize],
    len: usize,
    values: RefCell<Vec<f32>>,
}

impl<'a> Written<'a> {
    fn new(shape: &'a [usize], values: Vec<f32>) -> Self {
        Self {
            shape,
            len: values.len(),
            values: RefCell::new(values),
        }
    }
}

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.values.take();
        assert_eq!(values.len(), self.len, "a parameter is written once");
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        Cow::Owned(bytes.collect())
    }

    fn data_len(&self) -> usize {
        size_of::<f32>() * self.len
    }
}

fn to_f32(view: &TensorView) -> Option<Vec<f32>> {
    let halves = |convert: fn([u8; 2]) -> f32| {
        view.data()
            .chunks_exact(2)
            .map(|b| convert([b[0], b[1]]))
            .collect()
    };
    match view.dtype() {
        Dtype::F32 => {
            let words = view.data().chunks_exact(4);
            Some(
                words
                    .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                    .collect(),
            )
        }
        Dtype::F16 => Some(halves(|b| half::f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => Some(halves(|b| half::bf16::from_le_bytes(b).to_f32())),
        _ => None,
    }
}

/// `n` draws from N(0, `std`²) by the Box–Muller transform.
fn normal(n: usize, std: f64, seed: u64, index: u64) -> Vec<f32> {
    use rand::RngExt as _;
    let mut rng = stream(seed, Purpose::Weights, index, 0);
    let mut draw = || {
        let u: f64 = 1.0 - rng.random::<f64>();
        let angle = 2.0 * std::f64::consts::PI * rng.random::<f64>();
        ((-2.0 * u.ln()).sqrt() * angle.cos() * std) as f32
    };
    (0..n).map(|_| draw()).collect()
}
