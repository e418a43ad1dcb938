//! Driving a session and writing down what it says: the command line and the window share this.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::disk::failed;
use super::folder::{FolderError, RunFolder, to_json, write_file};
use super::going_on::{self as on, Goes};
use super::place::loader;
use super::read::{MANIFEST, ReadError};
use crate::config::{ConfigError, RunConfig};
use crate::devices::DeviceError;
use crate::files as fs;
use crate::training::{Command, Event, Examination, Session, Setup, Start, TestSet, TrainError};

/// Why a run cannot be begun or gone on with.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// What was written cannot be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{path} is damaged: {source}")]
    Manifest {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error(
        "{path}: its bytes are not those of {began}, with which the run began. Put the old file back, \
         name it with --set task.files.train=[…] (or task.files.test), or begin a new run"
    )]
    DataChanged { path: String, began: String },
    #[error(
        "{name}: its bytes are not those that the run began with, so its tokens would mean something else. \
         Put the old file back, or begin a new run"
    )]
    TokenizerChanged { name: String },
    #[error(
        "the run began with {} data files for training and {} for the test, and {} and {} are named now: name \
         the same ones with --set task.files.train=[…] and task.files.test=[…], or begin a new run",
        began[0], began[1], now[0], now[1]
    )]
    OtherFiles { began: [usize; 2], now: [usize; 2] },
    #[error(
        "{}: a run that has begun cannot change that. These can change: {}. For anything else begin a \
         new run",
        .changes.join("; "),
        .allowed.join(", ")
    )]
    NotChangeable {
        /// Each with its values, and where it was asked for.
        changes: Vec<String>,
        allowed: Vec<&'static str>,
    },
    #[error(
        "max_steps = {asked}: the run has made {made} steps already. Give at least {made}, or go on from \
         an earlier checkpoint (--checkpoint)"
    )]
    Shorter { asked: u64, made: u64 },
    #[error(
        "{path} was written by a newer sasr (format {format}; this one reads up to {FORMAT}): use that \
         version, or a newer one"
    )]
    Newer { path: PathBuf, format: u32 },
}

/// The format of run folders that this version writes; docs/RUN_FOLDERS.md says what each is.
pub const FORMAT: u32 = 2;

/// The format of folders that do not say theirs: that of 0.1.0.
fn first_format() -> u32 {
    1
}

impl DriveError {
    /// Whether what was asked for cannot be meant, rather than something having failed on the way.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::Train(error) => error.is_wrong_input(),
            Self::Folder(error) => error.is_wrong_input(),
            Self::Read(error) => error.is_wrong_input(),
            Self::Config(_) | Self::Device(_) => true,
            Self::DataChanged { .. } | Self::OtherFiles { .. } => true,
            Self::TokenizerChanged { .. } => true,
            Self::NotChangeable { .. } | Self::Shorter { .. } | Self::Newer { .. } => true,
            Self::Manifest { .. } => false,
        }
    }
}

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: String,
    /// Of the folder; see [`FORMAT`].
    #[serde(default = "first_format")]
    pub format: u32,
    pub device: String,
    pub seed: u64,
    /// Seconds since 1970 (UTC) when the run was started.
    pub started_unix: u64,
    pub parameters: u64,
    /// Tokens of the tokenizer.
    #[serde(default)]
    pub vocabulary: usize,
    /// What was worth knowing before the run began, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Data files and the SHA-256 of their bytes.
    pub data: Vec<(String, String)>,
    /// Files that the model and its tokenizer were read from, and the SHA-256 of their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<(String, String)>,
    /// Identifies the problems of the final test; nothing is known of them in folders of 0.1.0.
    #[serde(default)]
    pub test: Option<TestSet>,
    /// Identifies the base model: runs with the same key started from the same weights.
    pub base: String,
    /// Seconds the base model's training took, when it was trained; not part of the run's own.
    pub base_seconds: f64,
    pub finished: bool,
}

impl Manifest {
    /// Reads a run folder's.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn read(run: &Path) -> Result<Self, DriveError> {
        let path = run.join(MANIFEST);
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|source| {
            let path = path.clone();
            DriveError::Manifest { path, source }
        })?;
        if manifest.format > FORMAT {
            let format = manifest.format;
            return Err(DriveError::Newer { path, format });
        }
        Ok(manifest)
    }

    fn new(setup: &Setup, base: String, base_seconds: f64) -> Self {
        let now = web_time::SystemTime::now().duration_since(web_time::UNIX_EPOCH);
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            format: FORMAT,
            device: crate::devices::name(&setup.device).into(),
            seed: setup.config.seed,
            started_unix: now.map_or(0, |since| since.as_secs()),
            parameters: setup.model.parameters.count(),
            vocabulary: setup.text.vocabulary(),
            notices: Vec::new(),
            data: setup.fingerprints.clone(),
            sources: setup.sources.clone(),
            test: Some(test_set(setup)),
            base,
            base_seconds,
            finished: false,
        }
    }
}

fn test_set(setup: &Setup) -> TestSet {
    Examination::test_set(&setup.config, setup.task.as_ref())
}

/// The base model's place in the folder that runs share it in.
struct BaseCache {
    path: PathBuf,
    key: String,
}

impl BaseCache {
    fn new(shared: &Path, setup: &Setup) -> Self {
        // What decides the base model: the configuration's part, the bytes of the files of data, model and
        // tokenizer, and what computes it.
        let tests = setup.config.task.files.test.len();
        let split = setup.fingerprints.len().saturating_sub(tests);
        let data = setup
            .fingerprints
            .iter()
            .enumerate()
            .map(|(place, (_, sum))| {
                let part = if place < split { "train" } else { "test" };
                format!("{part}={sum}")
            });
        let sources = setup
            .sources
            .iter()
            .map(|(name, sum)| format!("{name}={sum}"));
        let bytes: Vec<String> = data.chain(sources).collect();
        let device = crate::devices::name(&setup.device);
        let key = format!("{}:{device}:{}", setup.config.base_key(), bytes.join(","));
        let key = format!("{:016x}", crate::rng::fingerprint(&key));
        Self {
            path: shared.join(".base").join(format!("{key}.safetensors")),
            key,
        }
    }

    fn seconds_file(&self) -> PathBuf {
        self.path.with_extension("seconds")
    }

    fn load(&self) -> Option<(Vec<u8>, f64)> {
        let seconds = fs::read_to_string(self.seconds_file()).ok()?;
        Some((fs::read(&self.path).ok()?, seconds.trim().parse().ok()?))
    }

    fn store(&self, weights: &[u8], seconds: f64) -> Result<(), FolderError> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(failed("create", folder))?;
        }
        write_file(&self.path, weights)?;
        write_file(&self.seconds_file(), format!("{seconds:.3}\n").as_bytes())
    }
}

/// Whether the base model's training is shared between runs.
fn caches_base(config: &RunConfig) -> bool {
    config.base.steps > 0 && config.base.cache
}

/// Where a new run starts: with the cached base model and the seconds its training took, or fresh.
fn base_model(shared: &Path, setup: &Setup) -> (Start, f64, BaseCache) {
    let cache = BaseCache::new(shared, setup);
    let cached = caches_base(&setup.config).then(|| cache.load()).flatten();
    match cached {
        Some((weights, seconds)) => (Start::Base(weights), seconds, cache),
        None => (Start::Fresh, 0.0, cache),
    }
}

/// Opens the device and everything else a configuration names.
async fn set_up(config: RunConfig) -> Result<Setup, DriveError> {
    let device = crate::devices::open_for(&config).await?;
    Ok(Setup::new(config, device, &loader)?)
}

/// A run under way: its session and its folder. No other process can write the folder meanwhile.
pub struct Run {
    session: Session,
    folder: RunFolder,
    manifest: Manifest,
    cache: Option<BaseCache>,
    /// What to say when it begins.
    notes: Vec<String>,
    /// Settings that are others than before, where it is gone on with.
    changes: Vec<Event>,
    /// Seconds of the base model's training so far.
    base_seconds: f64,
    /// Told to stop before its end.
    stopped: bool,
    /// Its folder was renamed meanwhile: it stops, and says so at its end.
    moved: Option<FolderError>,
}

impl Run {
    /// Sets up a new run in `out/<name>`, its base model shared with the other runs there.
    ///
    /// # Errors
    /// As [`Run::create_sharing`].
    pub async fn create(config: RunConfig, out: &Path) -> Result<Self, DriveError> {
        Self::create_sharing(config, out, out).await
    }

    /// Sets up a new run in `out/<name>`. The base model is shared with all runs of the folder
    /// `shared`: a comparison has a folder of its own within the one of all runs.
    ///
    /// # Errors
    /// If the configuration names what is not there or does not fit, or the folder holds a run
    /// already or cannot be written. No folder is made where the run cannot begin.
    pub async fn create_sharing(
        config: RunConfig,
        out: &Path,
        shared: &Path,
    ) -> Result<Self, DriveError> {
        let setup = set_up(config).await?;
        let path = out.join(&setup.config.name);
        let (start, base_seconds, cache) = base_model(shared, &setup);
        let mut manifest = Manifest::new(&setup, cache.key.clone(), base_seconds);
        let cache = caches_base(&setup.config).then_some(cache);
        // Before the folder: what cannot begin must not leave one that has to be cleared away.
        let session = Session::new(setup, start)?;
        manifest.notices = session.notices().to_vec();
        let folder = RunFolder::create(&path, session.config(), &manifest)?;
        Ok(Self::new(session, folder, manifest, cache))
    }

    /// Opens a run to go on with it, perhaps for more steps and with other settings, from its
    /// newest checkpoint or from the one named; `None` where it is finished and nothing new is
    /// asked of it. One that was ended before its first checkpoint begins anew, with the base model
    /// of its neighbours.
    ///
    /// # Errors
    /// As [`Run::resume_sharing`].
    pub async fn resume(
        path: &Path,
        checkpoint: Option<&str>,
        set: &[String],
    ) -> Result<Option<Self>, DriveError> {
        let shared = path.parent().unwrap_or(path);
        Self::resume_sharing(path, checkpoint, set, shared).await
    }

    /// As [`Run::resume`]; one that begins anew shares its base model with the runs of the folder
    /// `shared`.
    ///
    /// # Errors
    /// If there is no run, it is in use or damaged, or a setting or data file does not fit. Logs
    /// and checkpoints are changed only once all of that has been looked at.
    pub async fn resume_sharing(
        path: &Path,
        checkpoint: Option<&str>,
        set: &[String],
        shared: &Path,
    ) -> Result<Option<Self>, DriveError> {
        RunFolder::look_for_run(path)?;
        let mut manifest = Manifest::read(path)?;
        let mut stopped = RunFolder::find(path, checkpoint)?;
        let Goes {
            config,
            changes,
            notes,
        } = match &stopped.checkpoint {
            Some((_, state)) => on::goes_on(path, &stopped, state, set, checkpoint.is_some())?,
            // Nothing was trained that could be carried on: the run begins anew, with any settings, and
            // with schedules over as many steps as it then has.
            None => Goes {
                config: RunConfig::load_anew(path, set)?,
                changes: Vec::new(),
                notes: Vec::new(),
            },
        };
        if manifest.finished && checkpoint.is_none() && set.is_empty() && changes.is_empty() {
            return Ok(None);
        }
        let setup = set_up(config).await?;
        if stopped.checkpoint.is_some() {
            on::same_data(&manifest.data, &setup.fingerprints)?;
            on::same_tokenizer(&manifest.sources, &setup.sources)?;
        }
        manifest.data.clone_from(&setup.fingerprints);
        // `version` stays: it says what the run was begun with.
        manifest.format = FORMAT;
        manifest.test.get_or_insert_with(|| test_set(&setup));
        let mut cache = None;
        let start = match stopped.checkpoint.take() {
            Some((snapshot, _)) => Start::Resume(snapshot),
            None => {
                let (start, seconds, place) = base_model(shared, &setup);
                manifest.base = place.key.clone();
                manifest.base_seconds = seconds;
                manifest.sources.clone_from(&setup.sources);
                manifest.test = Some(test_set(&setup));
                cache = caches_base(&setup.config).then_some(place);
                start
            }
        };
        // From here on the folder is changed: everything that can be wrong has been looked at.
        let session = Session::new(setup, start)?;
        manifest.finished = false;
        // Before the logs are cut back: a kill in between must not leave a run without its end
        // that says it is finished.
        write_file(&path.join(MANIFEST), &to_json(&manifest))?;
        let (mut folder, aside) = stopped.go_on(session.config())?;
        folder.write_config(session.config())?;
        for change in &changes {
            folder.record(change)?;
        }
        let mut run = Self::new(session, folder, manifest, cache);
        let place = path.display();
        run.notes = notes;
        run.notes.extend(
            aside.iter().map(|name| {
                format!("a later checkpoint was set aside: {place}/checkpoints/{name}")
            }),
        );
        run.changes = changes;
        Ok(Some(run))
    }

    fn new(
        session: Session,
        folder: RunFolder,
        manifest: Manifest,
        cache: Option<BaseCache>,
    ) -> Self {
        Self {
            session,
            folder,
            manifest,
            cache,
            notes: Vec::new(),
            changes: Vec::new(),
            base_seconds: 0.0,
            stopped: false,
            moved: None,
        }
    }

    /// Where the run is written.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The session behind it.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What people should know before it goes on, in words.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Settings that are others than before, where the run is gone on with: written down already.
    pub fn changes(&self) -> &[Event] {
        &self.changes
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.session.is_done()
    }

    /// Does one unit of work and writes down what happened, which is returned. Does nothing while
    /// paused and after the end.
    ///
    /// # Errors
    /// A device or a disk that fails, or gradients that stay not finite. Checkpoints are untouched.
    pub async fn turn(&mut self) -> Result<Vec<Event>, DriveError> {
        let events = self.session.step().await?;
        self.write_down(&events).await?;
        Ok(events)
    }

    /// Tells the session something and writes down what came of it: a setting that was changed is
    /// changed in `config.toml` too.
    ///
    /// # Errors
    /// A setting that cannot be changed, or a value it cannot take: nothing is changed then, and
    /// the run can go on. Or a disk that fails.
    pub async fn tell(&mut self, command: Command) -> Result<Vec<Event>, DriveError> {
        self.stopped |= command == Command::StopAndSave && !self.is_done();
        let events = self.session.handle(command)?;
        self.write_down(&events).await?;
        Ok(events)
    }

    /// Ends: the manifest says that the run is finished, where it came to its end without having
    /// been told to stop.
    ///
    /// # Errors
    /// If the disk refuses, or the folder was renamed meanwhile.
    pub fn close(mut self) -> Result<(), DriveError> {
        if let Some(moved) = self.moved {
            return Err(moved.into());
        }
        if self.is_done() && !self.stopped {
            self.manifest.finished = true;
            self.folder.write_manifest(&self.manifest)?;
        }
        Ok(())
    }

    async fn write_down(&mut self, events: &[Event]) -> Result<(), DriveError> {
        if !events.is_empty()
            && let Err(error) = self.folder.look()
        {
            let FolderError::Moved { .. } = error else {
                return Err(error.into());
            };
            // The step in hand is finished and saved where the folder is now.
            self.moved = Some(error);
            self.stopped = true;
            self.session.handle(Command::StopAndSave)?;
        }
        for event in events {
            self.folder.record(event)?;
            match event {
                Event::BaseStep { step_time, .. } => self.base_seconds += step_time,
                Event::BaseReady => self.keep_base().await?,
                Event::CheckpointDue { .. } => {
                    let snapshot = self.session.snapshot().await?;
                    self.folder.checkpoint(snapshot)?;
                }
                Event::Changed { .. } => self.folder.write_config(self.session.config())?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn keep_base(&mut self) -> Result<(), DriveError> {
        self.manifest.base_seconds = self.base_seconds;
        self.folder.write_manifest(&self.manifest)?;
        if let Some(cache) = &self.cache {
            let weights = self.session.model().parameters.to_safetensors().await;
            let weights = weights.map_err(TrainError::from)?;
            cache.store(&weights, self.base_seconds)?;
        }
        Ok(())
    }
}
