//! The tree behind the functions.
//!
//! A file's bytes belong to a numbered [`Content`], not to a path: renaming a folder moves no bytes,
//! and an open file stays the same file wherever it is moved. What changes is remembered
//! ([`Content`]'s `kept` and `clean`, the tree's `moved`), for [`crate::files::storage`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

thread_local! {
    static TREE: RefCell<Tree> = RefCell::new(Tree::default());
}

/// Everything there is in one thread.
#[derive(Default)]
pub(in crate::files) struct Tree {
    /// By path, its names joined by `/`. The root has no entry.
    pub entries: BTreeMap<String, Entry>,
    /// The number of the last content.
    pub last: u64,
    /// Contents that no path leads to any more and that storage still holds.
    pub gone: Vec<u64>,
    /// Paths or the contents they lead to have changed.
    pub moved: bool,
    /// The time of the newest change: no two changes have the same time, however coarse the clock.
    pub newest: Duration,
}

/// What a path leads to.
#[derive(Clone)]
pub(in crate::files) enum Entry {
    Folder { changed: Duration },
    File(Arc<Mutex<Content>>),
}

/// A file's bytes.
pub(in crate::files) struct Content {
    pub number: u64,
    pub bytes: Vec<u8>,
    /// Since 1970.
    pub changed: Duration,
    /// Whether storage has a file of it.
    pub filed: bool,
    /// Bytes that storage holds.
    pub kept: usize,
    /// Of these, how many from the beginning are as they are here.
    pub clean: usize,
    pub(super) lock: Lock,
}

/// Who holds a file's lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lock {
    #[default]
    Free,
    Shared(usize),
    Exclusive,
}

impl Content {
    pub(in crate::files) fn new(number: u64, bytes: Vec<u8>, changed: Duration) -> Self {
        Self {
            number,
            bytes,
            changed,
            filed: false,
            kept: 0,
            clean: 0,
            lock: Lock::Free,
        }
    }
}

/// The content behind a lock; a thread that panicked while it held it left it whole.
pub(in crate::files) fn held(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Works with this thread's tree.
pub(in crate::files) fn with<T>(work: impl FnOnce(&mut Tree) -> T) -> T {
    TREE.with(|tree| work(&mut tree.borrow_mut()))
}

pub(super) fn missing(path: &str) -> io::Error {
    let why = format!("there is no {path}");
    io::Error::new(io::ErrorKind::NotFound, why)
}

/// A path as the tree knows it. What leads above the root stays there, as on a disk.
pub(super) fn known(path: &Path) -> String {
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

    pub(super) fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || matches!(self.entries.get(path), Some(Entry::Folder { .. }))
    }

    pub(super) fn file(&self, path: &str) -> io::Result<Arc<Mutex<Content>>> {
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
    pub(super) fn new_file(&mut self, path: &str) -> io::Result<Arc<Mutex<Content>>> {
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
    pub(super) fn renew(&mut self, content: &mut Content) {
        if std::mem::take(&mut content.filed) {
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
            if content.filed {
                self.gone.push(content.number);
            }
        }
        self.moved = true;
    }

    pub(super) fn create_folders(&mut self, path: &str) -> io::Result<()> {
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
    pub(super) fn below(&self, folder: &str) -> Vec<String> {
        let first = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let paths = self.entries.range(first.clone()..).map(|(path, _)| path);
        let inside = paths.take_while(|path| path.starts_with(&first));
        inside.cloned().collect()
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
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

    pub(super) fn remove(&mut self, path: &str) {
        if let Some(old) = self.entries.remove(path) {
            self.forget(&old);
        }
    }
}
