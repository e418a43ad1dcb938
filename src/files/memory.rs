//! Folders and files in memory, with the interface of `std::fs`: one tree per thread.
//!
//! A file's bytes belong to a numbered [`Content`], not to a path: renaming a folder moves no bytes,
//! and an open file stays the same file wherever it is moved. What changes is remembered
//! ([`Content`]'s `kept` and `clean`, the tree's `moved`), for [`super::storage`].

mod file;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

pub use file::{File, OpenOptions};

thread_local! {
    static TREE: RefCell<Tree> = RefCell::new(Tree::default());
}

/// Everything there is in one thread.
#[derive(Default)]
pub(super) struct Tree {
    /// By path, its names joined by `/`. The root has no entry.
    pub entries: BTreeMap<String, Entry>,
    /// The number of the last content.
    pub last: u64,
    /// Contents that no path leads to any more and that storage still holds.
    pub gone: Vec<u64>,
    /// Paths or the contents they lead to have changed.
    pub moved: bool,
    /// The time of the newest change: no two changes have the same time, however coarse the clock.
    newest: Duration,
}

/// What a path leads to.
#[derive(Clone)]
pub(super) enum Entry {
    Folder { changed: Duration },
    File(Arc<Mutex<Content>>),
}

/// A file's bytes.
pub(super) struct Content {
    pub number: u64,
    pub bytes: Vec<u8>,
    /// Since 1970.
    pub changed: Duration,
    /// Bytes that storage holds.
    pub kept: usize,
    /// Of these, how many from the beginning are as they are here.
    pub clean: usize,
    lock: Lock,
}

/// Who holds a file's lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lock {
    #[default]
    Free,
    Shared(usize),
    Exclusive,
}

impl Content {
    pub(super) fn new(number: u64, bytes: Vec<u8>, changed: Duration) -> Self {
        Self {
            number,
            bytes,
            changed,
            kept: 0,
            clean: 0,
            lock: Lock::Free,
        }
    }
}

/// The content behind a lock; a thread that panicked while it held it left it whole.
pub(super) fn held(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Works with this thread's tree.
pub(super) fn with<T>(work: impl FnOnce(&mut Tree) -> T) -> T {
    TREE.with(|tree| work(&mut tree.borrow_mut()))
}

fn missing(path: &str) -> io::Error {
    let why = format!("there is no {path}");
    io::Error::new(io::ErrorKind::NotFound, why)
}

/// A path as the tree knows it. What leads above the root stays there, as on a disk.
fn known(path: &Path) -> String {
    let mut names: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => {
                names.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    names.join("/")
}

impl Tree {
    /// The time now, later than every time before.
    pub fn now(&mut self) -> Duration {
        let now = web_time::SystemTime::now().duration_since(web_time::UNIX_EPOCH);
        let next = self.newest + Duration::from_micros(1);
        self.newest = now.unwrap_or_default().max(next);
        self.newest
    }

    /// Times from now on are later than this one.
    pub fn is_after(&mut self, time: Duration) {
        self.newest = self.newest.max(time);
    }

    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || matches!(self.entries.get(path), Some(Entry::Folder { .. }))
    }

    fn file(&self, path: &str) -> io::Result<Arc<Mutex<Content>>> {
        match self.entries.get(path) {
            Some(Entry::File(content)) => Ok(content.clone()),
            Some(Entry::Folder { .. }) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(missing(path)),
        }
    }

    /// The folder a new entry goes to must be there.
    fn has_parent(&self, path: &str) -> io::Result<()> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        match self.is_folder(parent) {
            true => Ok(()),
            false => Err(missing(parent)),
        }
    }

    /// A new, empty file; what was at its path is replaced.
    fn new_file(&mut self, path: &str) -> io::Result<Arc<Mutex<Content>>> {
        self.has_parent(path)?;
        if self.is_folder(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let (number, changed) = (self.number(), self.now());
        let content = Arc::new(Mutex::new(Content::new(number, Vec::new(), changed)));
        let entry = Entry::File(content.clone());
        if let Some(old) = self.entries.insert(path.to_owned(), entry) {
            self.forget(&old);
        }
        self.moved = true;
        Ok(content)
    }

    /// Empties a file: its bytes get another number, so that storage replaces them in one go.
    fn renew(&mut self, content: &mut Content) {
        if content.kept > 0 {
            self.gone.push(content.number);
        }
        content.number = self.number();
        content.changed = self.now();
        content.bytes.clear();
        (content.kept, content.clean) = (0, 0);
        self.moved = true;
    }

    fn forget(&mut self, entry: &Entry) {
        if let Entry::File(content) = entry {
            let content = held(content);
            if content.kept > 0 {
                self.gone.push(content.number);
            }
        }
        self.moved = true;
    }

    fn create_folders(&mut self, path: &str) -> io::Result<()> {
        let ends = path.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([path.len()]) {
            match self.entries.get(&path[..end]) {
                Some(Entry::Folder { .. }) => {}
                Some(Entry::File(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                None if end == 0 => {}
                None => {
                    let changed = self.now();
                    let folder = Entry::Folder { changed };
                    self.entries.insert(path[..end].to_owned(), folder);
                    self.moved = true;
                }
            }
        }
        Ok(())
    }

    /// Paths of everything in a folder, at any depth.
    fn below(&self, folder: &str) -> Vec<String> {
        let first = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let paths = self.entries.range(first.clone()..).map(|(path, _)| path);
        let inside = paths.take_while(|path| path.starts_with(&first));
        inside.cloned().collect()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        if !self.entries.contains_key(from) {
            return Err(missing(from));
        }
        self.has_parent(to)?;
        if from == to {
            return Ok(());
        }
        if to
            .strip_prefix(from)
            .is_some_and(|rest| rest.starts_with('/'))
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        match (self.is_folder(from), self.is_folder(to)) {
            // As on a disk: an empty folder may be replaced.
            (true, true) if !self.below(to).is_empty() => {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            (true, false) if self.entries.contains_key(to) => {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            (false, true) => return Err(io::ErrorKind::IsADirectory.into()),
            _ => {}
        }
        if let Some(old) = self.entries.remove(to) {
            self.forget(&old);
        }
        let mut paths = self.below(from);
        paths.push(from.to_owned());
        for path in paths {
            if let Some(entry) = self.entries.remove(&path) {
                let place = format!("{to}{}", &path[from.len()..]);
                self.entries.insert(place, entry);
            }
        }
        self.moved = true;
        Ok(())
    }

    fn remove(&mut self, path: &str) {
        if let Some(old) = self.entries.remove(path) {
            self.forget(&old);
        }
    }
}

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
