//! Driving a session from the command line: step until the end, write everything down, show it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Ended;
use super::place::loader;
use super::screen::Screen;
use crate::config::RunConfig;
use crate::runs::RunFolder;
use crate::runs::folder::write_file;
use crate::training::{Command, Event, Phase, Session, Setup, Start};

/// `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub version: String,
    pub device: String,
    pub seed: u64,
    /// Seconds since 1970 (UTC) when the run was started.
    pub started_unix: u64,
    pub parameters: u64,
    /// Data files and the SHA-256 of their bytes.
    pub data: Vec<(String, String)>,
    /// Identifies the base model: runs with the same key started from the same weights.
    pub base: String,
    /// Seconds the base model's training took, when it was trained; not part of the run's own.
    pub base_seconds: f64,
    pub finished: bool,
}

impl Manifest {
    /// Reads a run folder's.
    pub fn read(run: &Path) -> anyhow::Result<Self> {
        let path = run.join("manifest.json");
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
    }
}

/// Set by Ctrl-C (and by a polite kill).
fn interrupted() -> &'static Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    static HANDLER: Once = Once::new();
    let flag = FLAG.get_or_init(Arc::default);
    HANDLER.call_once(|| {
        let flag = flag.clone();
        let handler = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                // Asked twice: what is saved is saved.
                std::process::exit(130);
            }
        });
        if let Err(error) = handler {
            eprintln!("note: Ctrl-C will not save: {error}");
        }
    });
    flag
}

/// The base model's place in the cache of an output folder.
struct BaseCache {
    path: PathBuf,
    key: String,
}

impl BaseCache {
    fn new(out: &Path, setup: &Setup) -> Self {
        // What decides the base model: the configuration's part and the bytes of the data files.
        let data: Vec<String> = setup
            .fingerprints
            .iter()
            .map(|(name, sum)| format!("{name}={sum}"))
            .collect();
        let key = format!("{}:{}", setup.config.base_key(), data.join(","));
        let key = format!("{:016x}", crate::rng::fingerprint(&key));
        Self {
            path: out.join(".base").join(format!("{key}.safetensors")),
            key,
        }
    }

    fn seconds_file(&self) -> PathBuf {
        self.path.with_extension("seconds")
    }

    fn load(&self) -> Option<(Vec<u8>, f64)> {
        let seconds = std::fs::read_to_string(self.seconds_file()).ok()?;
        Some((
            std::fs::read(&self.path).ok()?,
            seconds.trim().parse().ok()?,
        ))
    }

    fn store(&self, weights: &[u8], seconds: f64) -> anyhow::Result<()> {
        let folder = self.path.parent().context("the cache is in a folder")?;
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        write_file(&self.path, weights)?;
        Ok(write_file(
            &self.seconds_file(),
            format!("{seconds:.3}\n").as_bytes(),
        )?)
    }
}

/// Whether the base model's training is shared between runs.
fn caches_base(config: &RunConfig) -> bool {
    config.base.steps > 0 && config.base.cache
}

/// Where a new run starts: with the cached base model and the seconds its training took, or fresh.
fn base_model(out: &Path, setup: &Setup) -> (Start, f64, BaseCache) {
    let cache = BaseCache::new(out, setup);
    let cached = caches_base(&setup.config).then(|| cache.load()).flatten();
    match cached {
        Some((weights, seconds)) => (Start::Base(weights), seconds, cache),
        None => (Start::Fresh, 0.0, cache),
    }
}

/// A run under way: its session and its folder.
pub struct Run {
    session: Session,
    folder: RunFolder,
    manifest: Manifest,
    cache: Option<BaseCache>,
    /// What to say when it begins.
    notes: Vec<String>,
}

impl Run {
    /// Sets up a new run in `out/<name>`.
    pub fn create(config: RunConfig, out: &Path) -> anyhow::Result<Self> {
        let device = crate::devices::open(&config.device)?;
        let setup = Setup::new(config, device, &loader)?;
        let path = out.join(&setup.config.name);
        let (start, base_seconds, cache) = base_model(out, &setup);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").into(),
            device: crate::devices::name(&setup.device).into(),
            seed: setup.config.seed,
            started_unix: now.map_or(0, |since| since.as_secs()),
            parameters: setup.model.parameters.count(),
            data: setup.fingerprints.clone(),
            base: cache.key.clone(),
            base_seconds,
            finished: false,
        };
        let cache = caches_base(&setup.config).then_some(cache);
        // Before the folder: what cannot begin must not leave one that has to be cleared away.
        let session = Session::new(setup, start)?;
        let folder = RunFolder::create(&path, session.config(), &manifest)?;
        Ok(Self {
            notes: Vec::new(),
            session,
            folder,
            manifest,
            cache,
        })
    }

    /// Opens a run to go on with it, perhaps for more steps and with other settings; `None` where
    /// it is finished and nothing new is asked of it. One that was ended before its first
    /// checkpoint begins anew.
    pub fn resume(
        path: &Path,
        checkpoint: Option<&str>,
        set: &[String],
    ) -> anyhow::Result<Option<Self>> {
        let stopped = RunFolder::find(path, checkpoint)?;
        let config = match &stopped.checkpoint {
            Some((_, state)) => {
                RunConfig::from_toml(&state.config, "the checkpoint's configuration", set)?
            }
            None => RunConfig::load(Some(&path.join("config.toml")), set)?,
        };
        let mut manifest = Manifest::read(path)?;
        if manifest.finished && checkpoint.is_none() && set.is_empty() {
            return Ok(None);
        }
        let device = crate::devices::open(&config.device)?;
        let setup = Setup::new(config, device, &loader)?;
        if manifest.data != setup.fingerprints {
            let message = "the data files are not those the run began with: their bytes changed";
            return Err(super::Usage(message.into()).into());
        }
        let mut cache = None;
        let start = match &stopped.checkpoint {
            Some((snapshot, _)) => Start::Resume(snapshot.clone()),
            None => {
                let out = path.parent().unwrap_or(path);
                let (start, seconds, place) = base_model(out, &setup);
                manifest.base = place.key.clone();
                manifest.base_seconds = seconds;
                cache = caches_base(&setup.config).then_some(place);
                start
            }
        };
        // From here on the folder is changed: everything that can be wrong has been looked at.
        let session = Session::new(setup, start)?;
        let (mut folder, aside) = stopped.go_on(session.config())?;
        folder.write_config(session.config())?;
        let notes = aside.iter().map(|name| {
            format!(
                "a later checkpoint was set aside: {}/checkpoints/{name}",
                path.display()
            )
        });
        Ok(Some(Self {
            notes: notes.collect(),
            session,
            folder,
            manifest,
            cache,
        }))
    }

    /// Where the run is written.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Works until the end or until interrupted.
    pub fn drive(mut self, screen: &mut Screen) -> anyhow::Result<Ended> {
        let flag = interrupted();
        let mut told = false;
        let mut base_seconds = 0.0;
        self.notes.iter().for_each(|note| screen.note(note));
        if self.manifest.finished {
            self.manifest.finished = false;
            self.folder.write_manifest(&self.manifest)?;
        }
        while !self.session.is_done() {
            if flag.load(Ordering::SeqCst) && !told {
                told = true;
                screen.note(if self.session.phase() == Phase::Base {
                    "stopping: the base model's training begins anew after resuming"
                } else {
                    "stopping: the step in hand is finished and a checkpoint kept …"
                });
                self.session.handle(Command::StopAndSave)?;
            }
            for event in pollster::block_on(self.session.step())? {
                screen.show(&event, &self.session);
                self.folder.record(&event)?;
                match &event {
                    Event::BaseStep { step_time, .. } => base_seconds += step_time,
                    Event::BaseReady => self.keep_base(base_seconds)?,
                    Event::CheckpointDue { .. } => {
                        let snapshot = pollster::block_on(self.session.snapshot())?;
                        self.folder.checkpoint(&snapshot)?;
                    }
                    Event::Changed { .. } => self.folder.write_config(self.session.config())?,
                    _ => {}
                }
            }
        }
        if told {
            let path = self.folder.path().display();
            screen.note(&format!("stopped; go on with: sasr train --resume {path}"));
            return Ok(Ended::Interrupted);
        }
        self.manifest.finished = true;
        self.folder.write_manifest(&self.manifest)?;
        Ok(Ended::Done)
    }

    fn keep_base(&mut self, seconds: f64) -> anyhow::Result<()> {
        self.manifest.base_seconds = seconds;
        self.folder.write_manifest(&self.manifest)?;
        if let Some(cache) = &self.cache {
            let weights = pollster::block_on(self.session.model().parameters.to_safetensors())?;
            cache.store(&weights, seconds)?;
        }
        Ok(())
    }
}
