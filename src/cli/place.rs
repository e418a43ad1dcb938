//! Finding a model and the configuration it was trained with.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use burn::tensor::Device;

use super::Usage;
use crate::config::RunConfig;
use crate::model::Model;
use crate::runs::folder::checkpoints;
use crate::text::Text;
use crate::training::{Setup, from_folder, tokenizer_files};

/// Reads a file from the disk, for a session's loader.
pub fn loader(path: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// The model folder behind `place`: a run folder's newest checkpoint, or a model folder itself.
pub fn model_folder(place: &Path) -> anyhow::Result<PathBuf> {
    if place.join("config.json").exists() {
        return Ok(place.to_path_buf());
    }
    if place.join("checkpoints").is_dir() {
        let names = checkpoints(place)?;
        let newest = names.last().ok_or_else(|| {
            Usage(format!(
                "{} has no complete checkpoint yet",
                place.display()
            ))
        })?;
        return Ok(place.join("checkpoints").join(newest));
    }
    let message = format!(
        "{} is neither a run folder nor a model folder (no checkpoints/, no config.json)",
        place.display()
    );
    Err(Usage(message).into())
}

/// The configuration of the run that a model folder belongs to, where it does.
pub fn run_config(model: &Path) -> Option<PathBuf> {
    let beside = |up: &str| model.join(up).join("config.toml");
    [beside("."), beside("../..")]
        .into_iter()
        .find(|path| path.exists())
}

/// Opens the model of a model folder.
pub fn open_model(folder: &Path, device: &Device) -> anyhow::Result<Model> {
    from_folder(&folder.to_string_lossy(), &loader, device)
        .with_context(|| format!("cannot open the model in {}", folder.display()))
}

/// Opens the tokenizer of a model folder.
pub fn open_text(folder: &Path) -> anyhow::Result<Text> {
    let config = crate::config::TokenizerConfig {
        kind: crate::config::TokenizerKind::File,
        ..Default::default()
    };
    let files = tokenizer_files(&folder.to_string_lossy(), &loader)?;
    Ok(Text::from_files(&config, &files)?)
}

/// A session's setup for a model that is there already: its task from the run's configuration (or
/// the one given), its weights and tokenizer from its folder.
pub fn open_run(
    place: &Path,
    config: Option<&Path>,
    set: &[String],
) -> anyhow::Result<(Setup, PathBuf)> {
    let folder = model_folder(place)?;
    let found = config
        .map(Path::to_path_buf)
        .or_else(|| run_config(&folder));
    let found = found.ok_or_else(|| {
        let message = format!(
            "{} does not belong to a run: say which task with --config FILE.toml",
            folder.display()
        );
        Usage(message)
    })?;
    let mut set = set.to_vec();
    let quoted = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned());
    set.push(format!("model.path={}", quoted(&folder)));
    set.push("tokenizer.kind=\"file\"".into());
    set.push(format!("tokenizer.path={}", quoted(&folder)));
    let config = RunConfig::load(Some(&found), &set)?;
    let device = crate::devices::open(&config.device)?;
    Ok((Setup::new(config, device, &loader)?, folder))
}
