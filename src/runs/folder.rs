//! Writing a run folder: logs that only grow, checkpoints that appear whole or not at all.
//!
//! ```text
//! runs/<name>/
//!   config.toml  manifest.json  metrics.jsonl  completions.jsonl  evaluations.jsonl  alarms.jsonl
//!   changes.jsonl
//!   checkpoints/step-000200/{model.safetensors, …, state.json, logs.json, checksums.json}
//! ```
//!
//! A checkpoint is written into a hidden folder, flushed to the disk and renamed. `logs.json` notes
//! how long the logs were, `checksums.json` what every file's bytes were: a run killed at any
//! moment goes on from its last checkpoint with logs cut back to it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use super::disk::write_file;
use super::disk::{Lock, cut_back, failed, lock, sha256, sync_folder, write_folder};
use super::read::{ALARMS, CHANGES, COMPLETIONS, EVALUATIONS, METRICS};
use crate::config::RunConfig;
use crate::files::{self as fs, File, OpenOptions};
use crate::training::{Event, Snapshot, State};

/// The logs of a run.
const LOGS: [&str; 5] = [METRICS, COMPLETIONS, EVALUATIONS, ALARMS, CHANGES];
const LOG_LENGTHS: &str = "logs.json";
pub(super) const CHECKSUMS: &str = "checksums.json";

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
    #[error("{path} holds no run (it has no config.toml){hint}")]
    NoRun { path: PathBuf, hint: String },
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
    #[error(
        "{path} was renamed to {now} while it was trained: the run was stopped and saved there. Go on with \
         --resume {now}"
    )]
    Moved { path: PathBuf, now: PathBuf },
    #[error(
        "{path} is not there any more: it was removed, or moved to another folder, while it was trained. \
         The run was stopped. What was moved can be gone on with from its last checkpoint: --resume, and \
         where it is now"
    )]
    Gone { path: PathBuf },
    #[error("cannot {action} {path}: {source}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl FolderError {
    /// Whether the folder or checkpoint named cannot be meant, rather than something having failed.
    pub fn is_wrong_input(&self) -> bool {
        matches!(
            self,
            Self::Exists { .. } | Self::NoRun { .. } | Self::UnknownCheckpoint { .. }
        )
    }
}

/// A run that this process may go on with.
pub struct Stopped {
    path: PathBuf,
    /// Where it is gone on from; none where it begins anew.
    pub checkpoint: Option<(Snapshot, State)>,
    /// How long each log was at the checkpoint.
    lengths: BTreeMap<String, u64>,
    /// Checkpoints after that one.
    later: Vec<String>,
    lock: Lock,
}

impl Stopped {
    /// What stands in `changes.jsonl` after the checkpoint.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(super) fn changes_after(&self) -> Result<String, FolderError> {
        let log = self.path.join(CHANGES);
        let bytes = match fs::read(&log) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed("read", &log)(error)),
        };
        let kept = self.lengths.get(CHANGES).copied().unwrap_or(0) as usize;
        Ok(String::from_utf8_lossy(bytes.get(kept..).unwrap_or_default()).into_owned())
    }

    /// Cuts the logs back to what they were at the checkpoint and opens the folder for writing.
    /// Later checkpoints belong to numbers that will be written anew: they are set aside, and
    /// their new names returned.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn go_on(self, config: &RunConfig) -> Result<(RunFolder, Vec<String>), FolderError> {
        for name in LOGS {
            let log = self.path.join(name);
            let length = self.lengths.get(name).copied().unwrap_or(0);
            cut_back(&log, length).map_err(failed("cut back", &log))?;
        }
        let mut aside = Vec::new();
        for name in &self.later {
            let place = self.path.join("checkpoints").join(name);
            let name = format!("abandoned-{name}");
            let to = place.with_file_name(&name);
            if fs::exists(&to) {
                fs::remove_dir_all(&to).map_err(failed("remove", &to))?;
            }
            fs::rename(&place, &to).map_err(failed("rename", &place))?;
            aside.push(name);
        }
        let folder = RunFolder::open(&self.path, self.lock, config.checkpoint.keep)?;
        Ok((folder, aside))
    }
}

/// A run folder that this process owns.
pub struct RunFolder {
    path: PathBuf,
    logs: BTreeMap<&'static str, File>,
    /// Held as long as the folder is open.
    lock: Lock,
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
        let holds = |log: &&str| fs::metadata(path.join(log)).is_ok_and(|log| log.len() > 0);
        // A run that lost its config.toml is still somebody's run.
        if fs::exists(path.join("config.toml"))
            || LOGS.iter().any(holds)
            || !checkpoints(path)?.is_empty()
        {
            return Err(FolderError::Exists {
                path: path.to_path_buf(),
            });
        }
        let mut folder = Self::open(path, lock, config.checkpoint.keep)?;
        folder.write_manifest(manifest)?;
        // Last: a folder with this file in it can be resumed.
        folder.write_config(config)?;
        Ok(folder)
    }

    /// Whether there is a run to go on with.
    ///
    /// # Errors
    /// If there is none, in words that say what to do.
    pub fn look_for_run(path: &Path) -> Result<(), FolderError> {
        if fs::exists(path.join("config.toml")) {
            return Ok(());
        }
        let run = path.parent().and_then(Path::parent);
        let run = run.filter(|run| fs::exists(run.join("config.toml")));
        let hint = run.zip(path.file_name()).map(|(run, checkpoint)| {
            format!(
                ". It is a checkpoint of a run: --resume {} --checkpoint {}",
                run.display(),
                checkpoint.display()
            )
        });
        Err(FolderError::NoRun {
            path: path.to_path_buf(),
            hint: hint.unwrap_or_default(),
        })
    }

    /// Finds where a run can be gone on with: at its newest checkpoint, at the one named, or at
    /// the very beginning where it was ended before its first. No log or checkpoint is changed
    /// before [`Stopped::go_on`].
    ///
    /// # Errors
    /// If there is no run or not that checkpoint, it is in use, or the checkpoint is damaged.
    pub fn find(path: &Path, checkpoint: Option<&str>) -> Result<Stopped, FolderError> {
        Self::look_for_run(path)?;
        let lock = lock(path)?;
        tidy(path)?;
        let names = checkpoints(path)?;
        let chosen = match checkpoint {
            None => names.last(),
            Some(name) => Some(names.iter().find(|there| *there == name).ok_or_else(|| {
                FolderError::UnknownCheckpoint {
                    path: path.into(),
                    name: name.to_string(),
                    there_are: match names.as_slice() {
                        [] => "none yet".into(),
                        names => names.join(", "),
                    },
                }
            })?),
        };
        let place = |name: &String| path.join("checkpoints").join(name);
        let later = names.iter().rev().take_while(|name| Some(*name) != chosen);
        let later = later.cloned().collect();
        let Some(chosen) = chosen else {
            return Ok(Stopped {
                path: path.to_path_buf(),
                checkpoint: None,
                lengths: BTreeMap::new(),
                later,
                lock,
            });
        };
        let checkpoint = read_checked(&place(chosen)).map_err(|why| FolderError::Damaged {
            path: place(chosen),
            why,
            before: names
                .iter()
                .rev()
                .skip_while(|name| *name != chosen)
                .skip(1)
                .find(|name| read_checked(&place(name)).is_ok())
                .cloned(),
        })?;
        let lengths = checkpoint.0.files.get(LOG_LENGTHS);
        let lengths = lengths.and_then(|bytes| serde_json::from_slice(bytes).ok());
        Ok(Stopped {
            path: path.to_path_buf(),
            lengths: lengths.unwrap_or_default(),
            checkpoint: Some(checkpoint),
            later,
            lock,
        })
    }

    fn open(path: &Path, mut lock: Lock, keep: usize) -> Result<Self, FolderError> {
        lock.mark(path)?;
        let mut logs = BTreeMap::new();
        for name in LOGS {
            let log = path.join(name);
            let file = OpenOptions::new().append(true).create(true).open(&log);
            logs.insert(name, file.map_err(failed("open", &log))?);
        }
        Ok(Self {
            path: path.to_path_buf(),
            logs,
            lock,
            keep,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks whether the folder is still where it was. One that was renamed is followed: what is open is
    /// written on there, and the error says where that is.
    ///
    /// # Errors
    /// [`FolderError::Moved`] and [`FolderError::Gone`].
    pub fn look(&mut self) -> Result<(), FolderError> {
        if self.lock.is_of(&self.path) {
            return Ok(());
        }
        let path = self.path.clone();
        match self.lock.found_beside(&path) {
            Some(now) => {
                self.path.clone_from(&now);
                Err(FolderError::Moved { path, now })
            }
            None => Err(FolderError::Gone { path }),
        }
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
            Event::Changed { .. } | Event::LevelOpened { .. } => self.append(CHANGES, event),
            Event::Completions { records } => records
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
    pub fn checkpoint(&mut self, snapshot: Snapshot) -> Result<PathBuf, FolderError> {
        let mut lengths = BTreeMap::new();
        for (name, file) in &self.logs {
            let path = self.path.join(name);
            file.sync_data().map_err(failed("write", &path))?;
            lengths.insert(*name, file.metadata().map_err(failed("read", &path))?.len());
        }
        let Snapshot { step, mut files } = snapshot;
        files.insert(LOG_LENGTHS.into(), to_json(&lengths));
        let sums: BTreeMap<&str, String> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), sha256(bytes)))
            .collect();
        let sums = to_json(&sums);
        files.insert(CHECKSUMS.into(), sums);

        let name = checkpoint_name(step);
        let place = self.path.join("checkpoints").join(&name);
        let aside = self.path.join("checkpoints").join(format!(".{name}.part"));
        let written = write_folder(&aside, &files);
        if let Err(error) = written {
            // What was begun is of no use; the reason matters more than whether this succeeds.
            fs::remove_dir_all(&aside).ok();
            return Err(error);
        }
        let old = self.path.join("checkpoints").join(format!(".{name}.old"));
        if fs::exists(&place) {
            // Killed between these two renames, `tidy` takes the old one back.
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
                // Out of sight first: a kill must not leave half a checkpoint under its name.
                let path = self.path.join("checkpoints").join(name);
                let gone = path.with_file_name(format!(".{name}.gone"));
                fs::rename(&path, &gone).map_err(failed("remove", &path))?;
                fs::remove_dir_all(&gone).map_err(failed("remove", &gone))?;
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

    /// Replaces `config.toml`; paths in it lead from the folder.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write_config(&mut self, config: &RunConfig) -> Result<(), FolderError> {
        let path = self.path.join("config.toml");
        let text = config
            .seen_from(&self.path)
            .to_toml()
            .map_err(|error| failed("write", &path)(io::Error::other(error)))?;
        write_file(&path, text.as_bytes())
    }
}

/// Clears up what a kill left half done.
fn tidy(run: &Path) -> Result<(), FolderError> {
    for entry in fs::read_dir(run).map_err(failed("read", run))? {
        let path = entry.map_err(failed("read", run))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let writer = name
            .and_then(|name| name.strip_suffix(".part"))
            .and_then(|name| name.rsplit_once('.'));
        if writer.is_some_and(|(_, process)| process.parse::<u32>().is_ok()) {
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
    }
    let folder = run.join("checkpoints");
    for entry in fs::read_dir(&folder).map_err(failed("read", &folder))? {
        let path = entry.map_err(failed("read", &folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.and_then(|name| name.strip_prefix('.')) else {
            continue;
        };
        match name.rsplit_once('.') {
            Some((name, "old")) if !fs::exists(folder.join(name)) => {
                fs::rename(&path, folder.join(name)).map_err(failed("rename", &path))?;
            }
            Some((_, "old" | "part" | "gone")) => {
                fs::remove_dir_all(&path).map_err(failed("remove", &path))?;
            }
            _ => {}
        }
    }
    Ok(())
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

/// Reads a checkpoint and checks its bytes.
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
            return Err(format!(
                "the bytes of {name} are not those that were written"
            ));
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

pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap_or_default()
}
