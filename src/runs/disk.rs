//! Writing so that a kill, a crash or a full disk leaves the old or the new, never half of one.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::folder::FolderError;
use crate::files::{self as fs, File, OpenOptions, TryLockError};

const LOCK: &str = ".lock";

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_path_buf();
    move |source| FolderError::Io {
        action,
        path,
        source,
    }
}

/// A folder that is kept from other processes for as long as this lives; the system frees it if the
/// process dies.
pub(super) struct Lock {
    file: File,
    /// What stands in the file: by it the folder is known again wherever it is moved.
    token: String,
}

impl Lock {
    /// Marks the folder as the one that is written to from now on.
    pub(super) fn mark(&mut self, path: &Path) -> Result<(), FolderError> {
        let since = web_time::SystemTime::now().duration_since(web_time::UNIX_EPOCH);
        let nanoseconds = since.map_or(0, |since| since.as_nanos());
        self.token = format!("{}-{nanoseconds}\n", fs::process());
        let mut write = || {
            self.file.set_len(0)?;
            self.file.write_all(self.token.as_bytes())
        };
        write().map_err(failed("write", &path.join(LOCK)))
    }

    /// Whether the folder at `path` is the one that was locked. Where that cannot be read (some systems
    /// keep even the owner from reading a locked file) it is taken to be: these do not move it either.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        match fs::read(path.join(LOCK)) {
            // A copy has the mark too; what is locked is the folder itself.
            Ok(token) => token == self.token.as_bytes() && is_locked(path),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Where the folder is now, if it was renamed and lies where it lay.
    pub(super) fn found_beside(&self, path: &Path) -> Option<PathBuf> {
        let beside = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let beside = fs::read_dir(beside.unwrap_or(Path::new("."))).ok()?;
        let mut folders = beside.filter_map(|entry| Some(entry.ok()?.path()));
        folders.find(|folder| fs::exists(folder.join(LOCK)) && self.is_of(folder))
    }
}

fn is_locked(path: &Path) -> bool {
    matches!(lock(path), Err(FolderError::Locked { .. }))
}

/// Keeps other processes out of a folder.
pub(super) fn lock(path: &Path) -> Result<Lock, FolderError> {
    let name = path.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name);
    let file = file.map_err(failed("open", &name))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock {
            file,
            token: String::new(),
        }),
        Err(TryLockError::WouldBlock) => Err(FolderError::Locked {
            path: path.to_path_buf(),
        }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &name)(error)),
    }
}

/// Cuts a log to `length`, or to its last whole line where a crash of the machine took more.
pub(super) fn cut_back(log: &Path, length: u64) -> io::Result<()> {
    let bytes = match fs::metadata(log) {
        Ok(there) if there.len() > length => {
            return OpenOptions::new().write(true).open(log)?.set_len(length);
        }
        // A pipe or a device has neither a length nor an end.
        Ok(there) if there.len() == length || !there.is_file() => return Ok(()),
        Ok(_) => fs::read(log)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let whole = bytes.iter().rposition(|&byte| byte == b'\n');
    let whole = whole.map_or(0, |end| end + 1) as u64;
    OpenOptions::new().write(true).open(log)?.set_len(whole)
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&sha2::Sha256::digest(bytes))
}

/// The same for a file, a piece at a time.
pub(super) fn sha256_of(file: File) -> io::Result<String> {
    let mut sum = sha2::Sha256::new();
    io::copy(&mut io::BufReader::with_capacity(1 << 18, file), &mut sum)?;
    Ok(hexadecimal(&sum.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a folder of files anew and flushes it.
pub(super) fn write_folder(
    folder: &Path,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<(), FolderError> {
    if fs::exists(folder) {
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
    // Two processes may write the same base model to the cache.
    let aside = path.with_extension(format!("{}.part", fs::process()));
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
pub(super) fn sync_folder(folder: &Path) {
    File::open(folder).and_then(|folder| folder.sync_all()).ok();
}
