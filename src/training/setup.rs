//! From a configuration to everything a session needs: the task, the text, the model.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use burn::tensor::Device;
use sha2::Digest as _;

use super::TrainError;
use crate::config::{RunConfig, TokenizerKind};
use crate::model::{DecoderSpec, Model, Parameters};
use crate::tasks::{self, Task};
use crate::text::{Text, TokenizerFiles};

/// Gives the bytes behind a path of the configuration: from a disk, or from wherever a browser
/// keeps them.
pub type Loader<'a> = dyn Fn(&str) -> std::io::Result<Vec<u8>> + 'a;

/// What a session is made of.
pub struct Setup {
    pub config: RunConfig,
    pub device: Device,
    pub task: Arc<dyn Task>,
    pub text: Text,
    /// The model before any training.
    pub model: Model,
    /// What people should know about the data.
    pub notices: Vec<String>,
    /// Data files and the SHA-256 of their bytes.
    pub fingerprints: Vec<(String, String)>,
    /// Files that model and tokenizer were read from, by name, and the SHA-256 of their bytes; none where
    /// both are made here.
    pub sources: Vec<(String, String)>,
}

/// A loader that keeps account of what was read.
struct Account<'a> {
    loader: &'a Loader<'a>,
    read: RefCell<BTreeMap<String, String>>,
}

impl Account<'_> {
    fn load(&self, path: &str) -> std::io::Result<Vec<u8>> {
        let bytes = (self.loader)(path)?;
        // Where a folder lies says nothing about what is in it.
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let sum = format!("{:x}", sha2::Sha256::digest(&bytes));
        let mut read = self.read.borrow_mut();
        let known = read.entry(name.to_owned()).or_default();
        // Model and tokenizer may have files of one name.
        if !known.contains(&sum) {
            let join = if known.is_empty() { "" } else { "+" };
            known.push_str(&format!("{join}{sum}"));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
impl Setup {
    /// Of a configuration's text and what `--set` would change in it.
    pub(super) fn of_text(text: &str, set: &[&str]) -> Self {
        let set: Vec<String> = set.iter().map(ToString::to_string).collect();
        let config = RunConfig::from_toml(text, "test", &set).expect("a sound configuration");
        let device = pollster::block_on(crate::devices::open_for(&config)).expect("a device");
        Self::new(config, device, &|path| std::fs::read(path)).expect("a setup")
    }
}

impl Setup {
    /// Builds everything a configuration names. The configuration is taken to be checked.
    ///
    /// # Errors
    /// Data, tokenizer or weights that cannot be used, each saying where and why.
    pub fn new(mut config: RunConfig, device: Device, loader: &Loader) -> Result<Self, TrainError> {
        let device = device.without_autodiff();
        let built = tasks::build(&config.task, loader)?;
        let task: Arc<dyn Task> = Arc::from(built.task);
        tasks::check_weights(task.as_ref(), &config.grpo.reward_weights)?;
        if config.task.is_from_files() {
            let widest = config.task.kind.widest_levels();
            config
                .curriculum
                .keep_to(tasks::training_levels(task.as_ref()), widest);
        }
        let account = Account {
            loader,
            read: RefCell::default(),
        };
        let read = |path: &str| account.load(path);
        let text = text(&config, task.as_ref(), &read)?;
        let model = if config.model.path.is_empty() {
            from_scratch(&config, &text, &device)
        } else {
            from_folder(&config.model.path, &read, &device)?
        };
        let room = model.spec.vocab_size;
        if text.vocabulary() > room {
            return Err(TrainError::Vocabulary {
                tokens: text.vocabulary(),
                room,
            });
        }
        let mut notices: Vec<String> = built.notices.iter().map(ToString::to_string).collect();
        notices.extend(tasks::limits(&config, task.as_ref()));
        Ok(Self {
            device,
            task,
            text,
            model,
            notices,
            fingerprints: built.fingerprints,
            sources: account.read.into_inner().into_iter().collect(),
            config,
        })
    }
}

/// The tokenizer a configuration names.
fn text(config: &RunConfig, task: &dyn Task, loader: &Loader) -> Result<Text, TrainError> {
    if config.tokenizer.kind != TokenizerKind::File {
        return Ok(Text::from_task(&config.tokenizer, task)?);
    }
    let place = match config.tokenizer.path.as_str() {
        "" => config.model.path.as_str(),
        path => path,
    };
    Ok(Text::from_files(
        &config.tokenizer,
        &tokenizer_files(place, loader)?,
    )?)
}

/// Reads a `tokenizer.json`, given itself or by its folder, and what stands beside it.
///
/// # Errors
/// If there is no tokenizer.json.
pub fn tokenizer_files(place: &str, loader: &Loader) -> Result<TokenizerFiles, TrainError> {
    let folder = place
        .strip_suffix("tokenizer.json")
        .unwrap_or(place)
        .trim_end_matches('/');
    let beside = |name: &str| {
        if folder.is_empty() {
            name.to_string()
        } else {
            format!("{folder}/{name}")
        }
    };
    let path = beside("tokenizer.json");
    let optional = |name: &str| loader(&beside(name)).ok();
    Ok(TokenizerFiles {
        tokenizer_json: loader(&path).map_err(|error| TrainError::file(&path, &error))?,
        tokenizer_config_json: optional("tokenizer_config.json"),
        generation_config_json: optional("generation_config.json"),
        config_json: optional("config.json"),
        chat_template: optional("chat_template.jinja")
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    })
}

fn from_scratch(config: &RunConfig, text: &Text, device: &Device) -> Model {
    let spec = DecoderSpec::from_config(&config.model, text.vocabulary());
    let std = match config.model.initializer_range {
        0.0 => 1.0 / (spec.hidden_size as f64).sqrt(),
        std => std,
    };
    let parameters = Parameters::random(&spec, std, config.seed, device);
    Model::new(spec, parameters, device)
}

/// Opens a Hugging Face model folder with one safetensors file, or several and their index.
///
/// # Errors
/// Names the file that is missing or damaged.
pub fn from_folder(folder: &str, loader: &Loader, device: &Device) -> Result<Model, TrainError> {
    let folder = folder.trim_end_matches('/');
    let read = |name: &str| {
        let path = format!("{folder}/{name}");
        loader(&path).map_err(|error| TrainError::file(&path, &error))
    };
    let spec = DecoderSpec::from_json(&read("config.json")?)?;
    let files = match read("model.safetensors") {
        Ok(file) => vec![file],
        Err(missing) => {
            let Ok(index) = read("model.safetensors.index.json") else {
                return Err(missing);
            };
            shard_names(&index)
                .ok_or_else(|| {
                    let why = std::io::Error::other("has no `weight_map` of file names");
                    TrainError::file(&format!("{folder}/model.safetensors.index.json"), &why)
                })?
                .iter()
                .map(|name| read(name))
                .collect::<Result<_, _>>()?
        }
    };
    let parameters = Parameters::from_safetensors(&spec, &files, device)?;
    Ok(Model::new(spec, parameters, device))
}

/// The files an index names, each once.
fn shard_names(index: &[u8]) -> Option<std::collections::BTreeSet<String>> {
    let index: serde_json::Value = serde_json::from_slice(index).ok()?;
    let map = index.get("weight_map")?.as_object()?;
    map.values()
        .map(|name| name.as_str().map(str::to_string))
        .collect()
}
