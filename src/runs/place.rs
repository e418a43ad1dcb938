//! Finding a model among the files, and the configuration it was trained with.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use burn::tensor::Device;

use super::disk::{failed, sha256_of};
use super::folder::{CHECKSUMS, FolderError, checkpoints};
use crate::config::{ConfigError, RunConfig, TokenizerConfig, TokenizerKind};
use crate::devices::DeviceError;
use crate::files::{self as fs, File};
use crate::model::{Model, Parameters};
use crate::text::{Text, TextError};
use crate::training::{Setup, TrainError, from_folder, tokenizer_files};

/// Why what is at a place cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("{path} is neither a run folder nor a model folder (no checkpoints/, no config.json)")]
    NoModel { path: PathBuf },
    #[error("{path} has no complete checkpoint yet")]
    NoCheckpoint { path: PathBuf },
    #[error("{path} is from before the end of the warm-up: train on, or choose another checkpoint")]
    NoOrigin { path: PathBuf },
    #[error("{path} does not belong to a run: say which task with --config FILE.toml")]
    NoConfig { path: PathBuf },
    #[error(
        "checkpoint {path} is damaged: {file} {why}. {}",
        match .before {
            Some(before) => format!("The one before is whole: {}", before.display()),
            None => "There is no earlier one".to_string(),
        }
    )]
    Damaged {
        path: PathBuf,
        file: String,
        why: String,
        /// The newest earlier checkpoint of the run that is whole.
        before: Option<PathBuf>,
    },
    #[error("cannot open the model in {path}")]
    Model {
        path: PathBuf,
        source: Box<TrainError>,
    },
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl PlaceError {
    /// Whether the place or the configuration cannot be meant, rather than something having failed.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::NoModel { .. } | Self::NoCheckpoint { .. } => true,
            Self::NoOrigin { .. } | Self::NoConfig { .. } => true,
            Self::Config(_) | Self::Device(_) | Self::Text(_) => true,
            Self::Damaged { .. } => false,
            Self::Folder(error) => error.is_wrong_input(),
            Self::Model { source, .. } => source.is_wrong_input(),
            Self::Train(error) => error.is_wrong_input(),
        }
    }
}

/// Reads a file: the [`crate::training::Loader`] of every program.
///
/// # Errors
/// If the disk refuses.
pub fn loader(path: &str) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// The model folder behind `place`: a run folder's newest checkpoint, or a model folder itself.
///
/// # Errors
/// If it is neither, or the run has no checkpoint yet.
pub fn model_folder(place: &Path) -> Result<PathBuf, PlaceError> {
    let path = place.to_path_buf();
    if fs::exists(place.join("config.json")) {
        return Ok(path);
    }
    let folder = place.join("checkpoints");
    if !fs::is_dir(&folder) {
        return Err(PlaceError::NoModel { path });
    }
    match checkpoints(place)?.last() {
        Some(newest) => Ok(folder.join(newest)),
        None => Err(PlaceError::NoCheckpoint { path }),
    }
}

/// The run that a model folder belongs to, where it does.
pub fn run_of(model: &Path) -> Option<PathBuf> {
    let mut up = [model.join("."), model.join("../..")].into_iter();
    up.find(|run| fs::exists(run.join("config.toml")))
}

/// Opens the model of a model folder. A checkpoint's bytes are checked first (see [`verify`]).
///
/// # Errors
/// Names the file that is missing or damaged.
pub fn open_model(folder: &Path, device: &Device) -> Result<Model, PlaceError> {
    verify(folder)?;
    from_folder(&folder.to_string_lossy(), &loader, device).map_err(|source| PlaceError::Model {
        path: folder.to_path_buf(),
        source: Box::new(source),
    })
}

/// The policy at the end of the warm-up, as a checkpoint of a run keeps it beside its `model`.
///
/// # Errors
/// If the checkpoint is from before the end of the warm-up, or the file is damaged.
pub fn open_origin(folder: &Path, model: &Model, device: &Device) -> Result<Model, PlaceError> {
    let path = folder.to_path_buf();
    if !fs::exists(folder.join(ORIGIN)) {
        return Err(PlaceError::NoOrigin { path });
    }
    let checked = check(folder, |name| name == ORIGIN);
    checked.map_err(|(file, why)| PlaceError::Damaged {
        path: path.clone(),
        file,
        why,
        before: None,
    })?;
    let bytes = fs::read(folder.join(ORIGIN)).map_err(failed("read", folder))?;
    let read = Parameters::from_safetensors(&model.spec, &[bytes], device);
    let parameters = read.map_err(|error| PlaceError::Model {
        path,
        source: Box::new(error.into()),
    })?;
    Ok(model.with(parameters))
}

/// Opens the tokenizer of a model folder.
///
/// # Errors
/// If there is no tokenizer, or it cannot be read.
pub fn open_text(folder: &Path) -> Result<Text, PlaceError> {
    let config = TokenizerConfig {
        kind: TokenizerKind::File,
        ..Default::default()
    };
    let files = tokenizer_files(&folder.to_string_lossy(), &loader)?;
    Ok(Text::from_files(&config, &files)?)
}

/// The setup for a model that is there already: its task from the run's configuration (or the one
/// given), changed by `set` (`path=value` each), its weights and tokenizer from its folder, which
/// is returned as well. A checkpoint's bytes are checked first (see [`verify`]).
///
/// # Errors
/// If there is no model, no configuration, or what they name cannot be used.
pub async fn open_run(
    place: &Path,
    config: Option<&Path>,
    set: &[String],
) -> Result<(Setup, PathBuf), PlaceError> {
    let folder = model_folder(place)?;
    let mut set = set.to_vec();
    let quoted = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned());
    set.push(format!("model.path={}", quoted(&folder)));
    set.push("tokenizer.kind=\"file\"".into());
    set.push(format!("tokenizer.path={}", quoted(&folder)));
    let config = match config {
        Some(path) => RunConfig::load(Some(path), &set)?,
        None => {
            let run = run_of(&folder).ok_or_else(|| PlaceError::NoConfig {
                path: folder.clone(),
            })?;
            RunConfig::load_run(&run, &set)?
        }
    };
    let device = crate::devices::open_for(&config).await?;
    verify(&folder)?;
    Ok((Setup::new(config, device, &loader)?, folder))
}

/// Checks that a checkpoint's model and tokenizer are, byte for byte, what the run wrote. Model
/// folders of other origin have no checksums and pass; so do files of the checkpoint that only
/// training needs, which may be damaged or removed.
///
/// # Errors
/// Names the first damaged file, and an earlier checkpoint that is whole.
pub fn verify(folder: &Path) -> Result<(), PlaceError> {
    first_damage(folder).map_err(|(file, why)| PlaceError::Damaged {
        path: folder.to_path_buf(),
        file,
        why,
        before: whole_before(folder),
    })
}

/// The policy at the end of the warm-up.
const ORIGIN: &str = "origin.safetensors";

/// Files of a checkpoint that are not opened with its model.
const TRAINING_ONLY: [&str; 5] = [
    "optimizer.safetensors",
    ORIGIN,
    "base.safetensors",
    "state.json",
    "logs.json",
];

/// The name of a damaged file that a model is opened from, and what is wrong with it.
fn first_damage(folder: &Path) -> Result<(), (String, String)> {
    check(folder, |name| !TRAINING_ONLY.contains(&name))
}

/// The name of the first damaged file among those `needed`, and what is wrong with it.
fn check(folder: &Path, needed: impl Fn(&str) -> bool) -> Result<(), (String, String)> {
    let unreadable = |name: &str, why: String| {
        let why = format!("cannot be read ({why})");
        (name.to_string(), why)
    };
    let sums = match fs::read(folder.join(CHECKSUMS)) {
        Ok(sums) => sums,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(CHECKSUMS, error.to_string())),
    };
    let sums: BTreeMap<String, String> =
        serde_json::from_slice(&sums).map_err(|error| unreadable(CHECKSUMS, error.to_string()))?;
    for (name, sum) in sums.iter().filter(|(name, _)| needed(name)) {
        let found = File::open(folder.join(name)).and_then(sha256_of);
        let found = found.map_err(|error| unreadable(name, error.to_string()))?;
        if found != *sum {
            let why = "does not have the bytes that were written".into();
            return Err((name.clone(), why));
        }
    }
    Ok(())
}

/// The newest checkpoint before this one, in the same run, with nothing wrong.
fn whole_before(folder: &Path) -> Option<PathBuf> {
    let beside = folder.parent()?;
    let name = folder.file_name()?.to_str()?;
    let names = checkpoints(beside.parent()?).ok()?;
    let at = names.iter().position(|other| other == name)?;
    let mut earlier = names[..at].iter().rev().map(|name| beside.join(name));
    earlier.find(|folder| first_damage(folder).is_ok())
}
