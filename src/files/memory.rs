//! Folders and files in memory, with the interface of `std::fs`: one tree per thread.

mod file;
mod tree;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use file::{File, OpenOptions};
pub(super) use tree::{Content, Entry, Tree, held, with};
use tree::{known, missing};

/// What is known of a file or folder without opening it.
#[derive(Clone, Debug)]
pub struct Metadata {
    is_dir: bool,
    is_file: bool,
    length: u64,
    changed: Option<SystemTime>,
}

impl Metadata {
    pub(super) fn new(
        is_dir: bool,
        is_file: bool,
        length: u64,
        changed: Option<SystemTime>,
    ) -> Self {
        Self {
            is_dir,
            is_file,
            length,
            changed,
        }
    }

    fn of(content: &Content) -> Self {
        let changed = SystemTime::UNIX_EPOCH + content.changed;
        Self::new(false, true, content.bytes.len() as u64, Some(changed))
    }

    // A number of bytes, which is never asked whether it is 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u64 {
        self.length
    }

    pub fn is_dir(&self) -> bool {
        self.is_dir
    }

    pub fn is_file(&self) -> bool {
        self.is_file
    }

    /// # Errors
    /// Where the system does not say.
    pub fn modified(&self) -> io::Result<SystemTime> {
        self.changed
            .ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct DirEntry {
    path: PathBuf,
}

impl DirEntry {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    pub fn file_name(&self) -> OsString {
        self.path.file_name().unwrap_or_default().to_owned()
    }
}

/// # Errors
/// If nothing is there.
pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    let path = known(path.as_ref());
    with(|tree| match tree.entries.get(&path) {
        Some(Entry::File(content)) => Ok(Metadata::of(&held(content))),
        Some(Entry::Folder { changed }) => {
            let changed = SystemTime::UNIX_EPOCH + *changed;
            Ok(Metadata::new(true, false, 0, Some(changed)))
        }
        None if path.is_empty() => Ok(Metadata::new(true, false, 0, None)),
        None => Err(missing(&path)),
    })
}

/// Whether something is there.
pub fn exists(path: impl AsRef<Path>) -> bool {
    metadata(path).is_ok()
}

/// Whether a file is there.
pub fn is_file(path: impl AsRef<Path>) -> bool {
    metadata(path).is_ok_and(|there| there.is_file())
}

/// Whether a folder is there.
pub fn is_dir(path: impl AsRef<Path>) -> bool {
    metadata(path).is_ok_and(|there| there.is_dir())
}

/// The path without `.` and `..`, from the root.
///
/// # Errors
/// If nothing is there.
pub fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    metadata(path.as_ref())?;
    Ok(Path::new("/").join(known(path.as_ref())))
}

/// # Errors
/// If there is no such file.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = known(path.as_ref());
    let content = with(|tree| tree.file(&path))?;
    Ok(held(&content).bytes.clone())
}

/// # Errors
/// If there is no such file, or it is no UTF-8.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let bytes = read(path)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// # Errors
/// If its folder is not there.
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    io::Write::write_all(&mut File::create(path)?, bytes.as_ref())
}

/// # Errors
/// If a file is in the way.
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = known(path.as_ref());
    with(|tree| tree.create_folders(&path))
}

/// What is in a folder.
pub type ReadDir = std::vec::IntoIter<io::Result<DirEntry>>;

/// What is in a folder, by name.
///
/// # Errors
/// If there is no such folder.
pub fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let folder = path.as_ref();
    let path = known(folder);
    let below = with(|tree| match tree.is_folder(&path) {
        true => Ok(tree.below(&path)),
        false if tree.entries.contains_key(&path) => Err(io::ErrorKind::NotADirectory.into()),
        false => Err(missing(&path)),
    })?;
    let skip = if path.is_empty() { 0 } else { path.len() + 1 };
    let names = below.iter().map(|path| &path[skip..]);
    let own = names.filter(|name| !name.contains('/'));
    let entries: Vec<_> = own
        .map(|name| Ok(DirEntry::new(folder.join(name))))
        .collect();
    Ok(entries.into_iter())
}

/// Moves a file or folder; a file that is there is replaced.
///
/// # Errors
/// If there is nothing to move, or it cannot go there.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let (from, to) = (known(from.as_ref()), known(to.as_ref()));
    with(|tree| tree.rename(&from, &to))
}

/// # Errors
/// If there is no such file.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let path = known(path.as_ref());
    with(|tree| {
        tree.file(&path)?;
        tree.remove(&path);
        Ok(())
    })
}

/// Removes a folder and everything in it.
///
/// # Errors
/// If there is no such folder.
pub fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = known(path.as_ref());
    with(|tree| {
        if !tree.is_folder(&path) {
            return Err(missing(&path));
        }
        for path in tree.below(&path) {
            tree.remove(&path);
        }
        tree.remove(&path);
        Ok(())
    })
}
