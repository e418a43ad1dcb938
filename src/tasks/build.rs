//! From a configuration to its task.

use super::arithmetic::Arithmetic;
use super::countdown::Countdown;
use super::file_task::{FileTask, Format};
use super::gsm8k::Gsm8k;
use super::jsonl::Jsonl;
use super::kk_files::KkFiles;
use super::knights_knaves::KnightsKnaves;
use super::library::{Loader, Notice};
use super::math::Math;
use super::{Task, TaskError};
use crate::config::{FilesConfig, TaskConfig, TaskKind};

/// A task, ready to be learnt, and what is to be said about its data.
pub struct Built {
    /// The task.
    pub task: Box<dyn Task>,
    /// What people should know about the data, e.g. how many lines were left out and why.
    pub notices: Vec<Notice>,
    /// The files read, each with the SHA-256 of its bytes in hexadecimal; none for generated tasks.
    pub fingerprints: Vec<(String, String)>,
}

/// Sets up the configured task. `loader` gives the bytes of a data file by its path in the
/// configuration, from a disk or from wherever the browser keeps it.
pub fn build(config: &TaskConfig, loader: &Loader<'_>) -> Result<Built, TaskError> {
    let (layout, files) = (config.layout, &config.files);
    match config.kind {
        TaskKind::Arithmetic => Ok(generated(Arithmetic::new(config)?)),
        TaskKind::Countdown => Ok(generated(Countdown::new(config)?)),
        TaskKind::KnightsKnaves if files.train.is_empty() && files.test.is_empty() => {
            Ok(generated(KnightsKnaves::new(config)?))
        }
        TaskKind::KnightsKnaves => from_files(KkFiles { layout }, files, loader),
        TaskKind::Gsm8k => from_files(Gsm8k { layout }, files, loader),
        TaskKind::Math => from_files(Math { layout }, files, loader),
        TaskKind::Jsonl => from_files(Jsonl::new(layout, files), files, loader),
    }
}

fn generated(task: impl Task + 'static) -> Built {
    Built {
        task: Box::new(task),
        notices: Vec::new(),
        fingerprints: Vec::new(),
    }
}

fn from_files(
    format: impl Format + 'static,
    files: &FilesConfig,
    loader: &Loader<'_>,
) -> Result<Built, TaskError> {
    let (task, notices) = FileTask::load(format, files, loader)?;
    let fingerprints = task.library().files().to_vec();
    Ok(Built {
        task: Box::new(task),
        notices,
        fingerprints,
    })
}

#[cfg(test)]
mod tests;
