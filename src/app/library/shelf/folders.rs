//! Where runs are, what they are called, and whether somebody works on them.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::app::record::RunKey;
use crate::config::RunConfig;
use crate::files::{self as fs, File, TryLockError};
use crate::runs::folder::write_file;
use crate::runs::read::CONFIG;

/// The runs folder and the way from keys to paths and back.
pub struct Places {
    runs: PathBuf,
}

/// Whether a process works on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Yes,
    No,
    /// The file system does not say, or the run was never locked here.
    Unknown,
}

impl Places {
    pub fn new(runs: PathBuf) -> Self {
        Self { runs }
    }

    pub fn runs(&self) -> &Path {
        &self.runs
    }

    /// A run's folder.
    pub fn path(&self, run: &str) -> PathBuf {
        self.runs.join(run)
    }

    /// What a run's folder goes by: its path within the runs folder, or its whole path.
    pub fn key(&self, path: &Path) -> RunKey {
        let whole = |path: &Path| fs::canonicalize(path).ok();
        if let (Some(path), Some(runs)) = (whole(path), whole(&self.runs))
            && let Ok(within) = path.strip_prefix(&runs)
        {
            let names = within
                .components()
                .map(|name| name.as_os_str().to_string_lossy());
            return names.collect::<Vec<_>>().join("/");
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        path.to_string_lossy().into_owned()
    }

    /// A run's folder, where nobody works on it.
    ///
    /// # Errors
    /// Where it is not there, is no run, or is being worked on.
    pub fn owned(&self, run: &str) -> Result<PathBuf, String> {
        let path = self.path(run);
        if !is_run(&path) {
            return Err(format!(
                "{run} is not there any more (no {CONFIG} in its folder)"
            ));
        }
        match held(&path) {
            Held::Yes => Err(format!("{run} is being trained: stop it first")),
            Held::No | Held::Unknown => Ok(path),
        }
    }

    /// Gives a run's folder another name and writes it into the configuration. The new key.
    ///
    /// # Errors
    /// Where the run is being worked on, or the name is taken or no folder's.
    pub fn rename(&self, run: &str, name: &str) -> Result<RunKey, String> {
        let name = name.trim();
        let from = self.owned(run)?;
        let named = RunConfig {
            name: name.into(),
            ..RunConfig::default()
        };
        named.check().map_err(|error| error.to_string())?;
        let to = from.with_file_name(name);
        if to == from {
            return Ok(run.into());
        }
        // On some systems names that differ in capitals are one.
        let same = || fs::canonicalize(&to).ok() == fs::canonicalize(&from).ok();
        if fs::exists(&to) && !same() {
            return Err(format!("There is a {name} already: choose another name"));
        }
        fs::rename(&from, &to).map_err(|error| format!("{run} cannot be renamed: {error}"))?;
        let key = self.key(&to);
        write_name(&to, name).map_err(|why| {
            format!("The folder is now {key}, but its {CONFIG} still has the old name: {why}")
        })?;
        Ok(key)
    }
}

/// Whether a folder is a run's.
pub fn is_run(folder: &Path) -> bool {
    fs::is_file(folder.join(CONFIG))
}

/// Folders in a folder, by name; hidden ones are not looked at.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let hidden = |path: &Path| name_of(path).starts_with('.');
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = paths
        .filter(|path| !hidden(path) && fs::is_dir(path))
        .collect();
    found.sort();
    Ok(found)
}

/// A path's last name.
pub fn name_of(path: &Path) -> String {
    let name = match path.components().next_back() {
        Some(Component::Normal(name)) => Some(name.to_os_string()),
        // `.` and `..` have their names elsewhere.
        _ => fs::canonicalize(path)
            .ok()
            .and_then(|path| path.file_name().map(Into::into)),
    };
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// The name, or with the first number that is not taken in the folder.
pub fn free_name(folder: &Path, name: &str) -> PathBuf {
    let numbered = (2..).map(|number| folder.join(format!("{name}-{number}")));
    let mut names = std::iter::once(folder.join(name)).chain(numbered);
    names.find(|path| !fs::exists(path)).unwrap_or_default()
}

/// Whether a process holds a run. The lock is only tried, and not where somebody has it; whoever
/// wants it in the same moment could find it taken, so this is not to be asked needlessly.
pub fn held(run: &Path) -> Held {
    let Ok(lock) = File::open(run.join(".lock")) else {
        return Held::Unknown;
    };
    match lock.try_lock_shared() {
        Ok(()) => Held::No,
        Err(TryLockError::WouldBlock) => Held::Yes,
        Err(TryLockError::Error(_)) => Held::Unknown,
    }
}

fn write_name(run: &Path, name: &str) -> Result<(), String> {
    let place = run.join(CONFIG);
    let read = RunConfig::load_run(run, &[]);
    let config = RunConfig {
        name: name.into(),
        ..read.map_err(|error| error.to_string())?
    };
    let text = config
        .seen_from(run)
        .to_toml()
        .map_err(|error| error.to_string())?;
    write_file(&place, text.as_bytes()).map_err(|error| error.to_string())
}
