//! Writing a run folder: logs that only grow, checkpoints that appear whole or not at all.
//!
//! ```text
//! runs/<name>/
//!   config.toml  manifest.json  metrics.jsonl  completions.jsonl  evaluations.jsonl  alarms.jsonl
//!   checkpoints/step-000200/{model.safetensors, …, state.json, logs.json, checksums.json}
//! ```
//!
//! A checkpoint is written into a hidden folder, flushed to the disk and renamed. `logs.json` notes
//! how long the logs were, `checksums.json` what every file's bytes were: a run killed at any
//! moment goes on from its last checkpoint with logs cut back to it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::Digest as _;

use super::read::{ALARMS, COMPLETIONS, EVALUATIONS, METRICS};
use crate::config::RunConfig;
use crate::training::{Event, Snapshot, State};

/// The logs of a run.
const LOGS: [&str; 4] = [METRICS, COMPLETIONS, EVALUATIONS, ALARMS];
const LOG_LENGTHS: &str = "logs.json";
const CHECKSUMS: &str = "checksums.json";
const LOCK: &str = ".lock";

/// Why a run folder cannot be written or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(
        "{path} already holds a run: go on with it by --resume, or choose another name (--name) \
         or folder (--out)"
    )]
    Exists { path: PathBuf },
    #[error("{path} is in use by another sasr: wait for it to end, or choose another name")]
    Locked { path: PathBuf },
    #[error("{path} holds no run (it has no config.toml)")]
    NoRun { path: PathBuf },
    #[error("{path} has no complete checkpoint yet: start the run anew without --resume")]
    NoCheckpoint { path: PathBuf },
    #[error("{path} has no checkpoint {name}; there are: {there_are}")]
    UnknownCheckpoint {
        path: PathBuf,
        name: String,
        there_are: String,
    },
    #[error(
        "checkpoint {path} is damaged: {why}. Nothing was changed. {}",
        match .before {
            Some(before) => format!("The one before can be resumed: --resume --checkpoint {before}"),
            None => "There is no earlier one".to_string(),
        }
    )]
    Damaged {
        path: PathBuf,
        why: String,
        before: Option<String>,
    },
    #[error("cannot {action} {path}: {source}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_path_buf();
    move |source| FolderError::Io {
        action,
        path,
        source,
    }
}

/// A run folder that this process owns.
pub struct RunFolder {
    path: PathBuf,
    logs: BTreeMap<&'static str, File>,
    /// Held as long as the folder is open; the system frees it if the process dies.
    _lock: File,
    keep: usize,
}

impl RunFolder {
    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// If it holds a run already, is in use, or cannot be written.
    pub fn create(
        path: &Path,
        config: &RunConfig,
        manifest: &impl Serialize,
    ) -> Result<Self, FolderError> {
        fs::create_dir_all(path.join("checkpoints")).map_err(failed("create", path))?;
        let lock = lock(path)?;
        if path.join("config.toml").exists() {
            return Err(FolderError::Exists {
                path: path.to_path_buf(),
            });
        }
        for log in LOGS {
            let log = path.join(log);
            File::create(&log).map_err(failed("create", &log))?;
        }
        let mut folder = Self::open(path, lock, config.checkpoint.keep)?;
        folder.write_manifest(manifest)?;
        folder.write_config(config)?;
        Ok(folder)
    }

    /// Opens a run to go on from its newest checkpoint, or from the one named. Logs are cut back
    /// to what they were at that checkpoint.
    ///
    /// # Errors
    /// If there is no run or no checkpoint, it is in use, or the checkpoint is damaged.
    pub fn resume(
        path: &Path,
        checkpoint: Option<&str>,
    ) -> Result<(Self, Snapshot, State), FolderError> {
        if !path.join("config.toml").exists() {
            return Err(FolderError::NoRun {
                path: path.to_path_buf(),
            });
        }
        let lock = lock(path)?;
        let (snapshot, state) = load_checkpoint(path, checkpoint)?;
        let lengths: BTreeMap<String, u64> = snapshot
            .files
            .get(LOG_LENGTHS)
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or_default();
        for (name, length) in lengths {
            let log = path.join(&name);
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&log);
            let cut = file.and_then(|file| {
                // A log shorter than noted lost its end in a crash of the whole machine.
                if file.metadata()?.len() > length {
                    file.set_len(length)
                } else {
                    Ok(())
                }
            });
            cut.map_err(failed("cut back", &log))?;
        }
        let keep = keep_of(&state);
        Ok((Self::open(path, lock, keep)?, snapshot, state))
    }

    fn open(path: &Path, lock: File, keep: usize) -> Result<Self, FolderError> {
        let mut logs = BTreeMap::new();
        for name in LOGS {
            let log = path.join(name);
            let file = OpenOptions::new().append(true).create(true).open(&log);
            logs.insert(name, file.map_err(failed("open", &log))?);
        }
        Ok(Self {
            path: path.to_path_buf(),
            logs,
            _lock: lock,
            keep,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down what belongs into the logs.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn record(&mut self, event: &Event) -> Result<(), FolderError> {
        match event {
            Event::Step(record) => self.append(METRICS, &**record),
            Event::Evaluated(record) => self.append(EVALUATIONS, &**record),
            Event::Alarm(alarm) => self.append(ALARMS, alarm),
            Event::Completions(records) => records
                .iter()
                .try_for_each(|record| self.append(COMPLETIONS, record)),
            _ => Ok(()),
        }
    }

    fn append(&mut self, log: &'static str, record: &impl Serialize) -> Result<(), FolderError> {
        let path = self.path.join(log);
        let mut line = serde_json::to_vec(record)
            .map_err(|error| failed("write", &path)(io::Error::other(error)))?;
        line.push(b'\n');
        let file = self.logs.get_mut(log).expect("all logs are open");
        file.write_all(&line).map_err(failed("write", &path))
    }

    /// Keeps a checkpoint, then lets go of those that need not be kept: all but the last few and
    /// the best by exam.
    ///
    /// # Errors
    /// If the disk refuses; earlier checkpoints are untouched then.
    pub fn checkpoint(&mut self, snapshot: &Snapshot) -> Result<PathBuf, FolderError> {
        let mut lengths = BTreeMap::new();
        for (name, file) in &self.logs {
            let path = self.path.join(name);
            file.sync_data().map_err(failed("write", &path))?;
            lengths.insert(*name, file.metadata().map_err(failed("read", &path))?.len());
        }
        let mut files = snapshot.files.clone();
        files.insert(LOG_LENGTHS.into(), to_json(&lengths));
        let sums: BTreeMap<&str, String> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), sha256(bytes)))
            .collect();
        let sums = to_json(&sums);
        files.insert(CHECKSUMS.into(), sums);

        let name = checkpoint_name(snapshot.step);
        let place = self.path.join("checkpoints").join(&name);
        let aside = self.path.join("checkpoints").join(format!(".{name}.part"));
        let written = write_folder(&aside, &files);
        if let Err(error) = written {
            // What was begun is of no use; the reason matters more than whether this succeeds.
            fs::remove_dir_all(&aside).ok();
            return Err(error);
        }
        let old = self.path.join("checkpoints").join(format!(".{name}.old"));
        if place.exists() {
            fs::remove_dir_all(&old).ok();
            fs::rename(&place, &old).map_err(failed("replace", &place))?;
        }
        fs::rename(&aside, &place).map_err(failed("write", &place))?;
        sync_folder(&self.path.join("checkpoints"));
        fs::remove_dir_all(&old).ok();
        self.let_go(&name)?;
        Ok(place)
    }

    fn let_go(&self, newest: &str) -> Result<(), FolderError> {
        let names = checkpoints(&self.path)?;
        let exam = |name: &String| -> Option<f64> {
            let state = self.path.join("checkpoints").join(name).join("state.json");
            let state: State = serde_json::from_slice(&fs::read(state).ok()?).ok()?;
            state.exam
        };
        let best = names
            .iter()
            .filter_map(|name| exam(name).map(|exam| (exam, name)))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
            .map(|(_, name)| name.clone());
        let surplus = names.len().saturating_sub(self.keep.max(1));
        for name in names.iter().take(surplus) {
            if Some(name) != best.as_ref() && name != newest {
                let path = self.path.join("checkpoints").join(name);
                fs::remove_dir_all(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Replaces `manifest.json`.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write_manifest(&mut self, manifest: &impl Serialize) -> Result<(), FolderError> {
        write_file(&self.path.join("manifest.json"), &to_json(manifest))
    }

    /// Replaces `config.toml`.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write_config(&mut self, config: &RunConfig) -> Result<(), FolderError> {
        let path = self.path.join("config.toml");
        let text = config
            .to_toml()
            .map_err(|error| failed("write", &path)(io::Error::other(error)))?;
        write_file(&path, text.as_bytes())
    }
}

fn keep_of(state: &State) -> usize {
    RunConfig::from_toml(&state.config, "state.json", &[])
        .map_or(2, |config| config.checkpoint.keep)
}

fn lock(path: &Path) -> Result<File, FolderError> {
    let name = path.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name);
    let file = file.map_err(failed("open", &name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(FolderError::Locked {
            path: path.to_path_buf(),
        }),
        Err(fs::TryLockError::Error(error)) => Err(failed("lock", &name)(error)),
    }
}

/// `step-000200`.
pub fn checkpoint_name(step: u64) -> String {
    format!("step-{step:06}")
}

/// Names of the complete checkpoints of a run, oldest first.
///
/// # Errors
/// If the folder cannot be read.
pub fn checkpoints(run: &Path) -> Result<Vec<String>, FolderError> {
    let folder = run.join("checkpoints");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed("read", &folder))? {
        let entry = entry.map_err(failed("read", &folder))?;
        if let Some(name) = entry.file_name().to_str()
            && name.starts_with("step-")
        {
            names.push(name.to_string());
        }
    }
    names.sort_by_key(|name| (name.len(), name.clone()));
    Ok(names)
}

/// Reads a checkpoint of a run, the newest or the one named, and checks its bytes.
///
/// # Errors
/// If there is none, or it is damaged.
pub fn load_checkpoint(run: &Path, name: Option<&str>) -> Result<(Snapshot, State), FolderError> {
    let names = checkpoints(run)?;
    let chosen = match name {
        None => names
            .last()
            .ok_or_else(|| FolderError::NoCheckpoint { path: run.into() })?,
        Some(name) => names.iter().find(|there| *there == name).ok_or_else(|| {
            let (name, there_are) = (name.to_string(), names.join(", "));
            FolderError::UnknownCheckpoint {
                path: run.into(),
                name,
                there_are,
            }
        })?,
    };
    let place = run.join("checkpoints").join(chosen);
    let before = names
        .iter()
        .rev()
        .skip_while(|name| *name != chosen)
        .nth(1)
        .cloned();
    read_checked(&place).map_err(|why| FolderError::Damaged {
        path: place,
        why,
        before,
    })
}

fn read_checked(place: &Path) -> Result<(Snapshot, State), String> {
    let read = |name: &str| {
        fs::read(place.join(name)).map_err(|error| format!("{name} cannot be read ({error})"))
    };
    let sums: BTreeMap<String, String> = serde_json::from_slice(&read(CHECKSUMS)?)
        .map_err(|error| format!("{CHECKSUMS} cannot be read ({error})"))?;
    let mut files = BTreeMap::new();
    for (name, sum) in sums {
        let bytes = read(&name)?;
        if sha256(&bytes) != sum {
            return Err(format!("{name} has not the bytes that were written"));
        }
        files.insert(name, bytes);
    }
    let snapshot = Snapshot { step: 0, files };
    let state = snapshot.state().map_err(|error| error.to_string())?;
    Ok((
        Snapshot {
            step: state.step,
            ..snapshot
        },
        state,
    ))
}

fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap_or_default()
}

fn write_folder(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), FolderError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed("remove", folder))?;
    }
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let write = || -> io::Result<()> {
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(failed("write", &path))?;
    }
    sync_folder(folder);
    Ok(())
}

/// Replaces a file whole: written aside, flushed, renamed.
///
/// # Errors
/// If the disk refuses; the old file is untouched then.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let aside = path.with_extension("part");
    let write = || -> io::Result<()> {
        let mut file = File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(|error| {
        fs::remove_file(&aside).ok();
        failed("write", path)(error)
    })
}

/// Makes renames in a folder last. Not every system can, and data is safe without.
fn sync_folder(folder: &Path) {
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
}
