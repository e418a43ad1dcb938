//! An open file in memory.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::Metadata;
use super::tree::{Content, Lock, held, known, with};
use crate::files::TryLockError;

/// How a file is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    pub(in crate::files) write: bool,
    pub(in crate::files) append: bool,
    pub(in crate::files) create: bool,
    pub(in crate::files) truncate: bool,
}

impl OpenOptions {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn write(&mut self, yes: bool) -> &mut Self {
        self.write = yes;
        self
    }

    /// Every write goes to the end.
    pub fn append(&mut self, yes: bool) -> &mut Self {
        self.append = yes;
        self
    }

    pub fn create(&mut self, yes: bool) -> &mut Self {
        self.create = yes;
        self
    }

    pub fn truncate(&mut self, yes: bool) -> &mut Self {
        self.truncate = yes;
        self
    }
}

/// An open file.
pub struct File {
    content: Arc<Mutex<Content>>,
    position: usize,
    append: bool,
    writes: bool,
    holds: Cell<Lock>,
}

impl OpenOptions {
    /// # Errors
    /// If the file or its folder is not there.
    #[cfg(target_family = "wasm")]
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        File::open_with(path, self)
    }
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_with(path, &OpenOptions::new())
    }

    /// Opens a file for writing, empty.
    ///
    /// # Errors
    /// If its folder is not there.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        Self::open_with(path, options.write(true).create(true).truncate(true))
    }

    pub(in crate::files) fn open_with(
        path: impl AsRef<Path>,
        options: &OpenOptions,
    ) -> io::Result<Self> {
        let path = known(path.as_ref());
        let writes = options.write || options.append;
        let content = with(|tree| match tree.file(&path) {
            Ok(content) => {
                if options.truncate && writes {
                    tree.renew(&mut held(&content));
                }
                Ok(content)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && options.create => {
                tree.new_file(&path)
            }
            Err(error) => Err(error),
        })?;
        Ok(Self {
            content,
            position: 0,
            append: options.append,
            writes,
            holds: Cell::default(),
        })
    }

    /// # Errors
    /// None.
    pub fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::of(&held(&self.content)))
    }

    /// Cuts the file, or fills it up with zeros.
    ///
    /// # Errors
    /// If it is open for reading only.
    pub fn set_len(&self, length: u64) -> io::Result<()> {
        self.check_writes()?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut content = held(&self.content);
        content.clean = content.clean.min(length).min(content.bytes.len());
        content.bytes.resize(length, 0);
        content.changed = with(|tree| tree.now());
        Ok(())
    }

    /// Nothing has to be waited for: what storage holds is another matter.
    ///
    /// # Errors
    /// None.
    pub fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    /// # Errors
    /// None.
    pub fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    /// Takes the lock for itself alone, until the file is closed.
    ///
    /// # Errors
    /// If another open file has it.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        self.take(Lock::Exclusive)
    }

    /// Takes the lock together with others that share it, until the file is closed.
    ///
    /// # Errors
    /// If another open file has it for itself alone.
    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        self.take(Lock::Shared(1))
    }

    fn take(&self, wanted: Lock) -> Result<(), TryLockError> {
        self.let_go();
        let mut content = held(&self.content);
        content.lock = match (content.lock, wanted) {
            (Lock::Free, wanted) => wanted,
            (Lock::Shared(others), Lock::Shared(_)) => Lock::Shared(others + 1),
            _ => return Err(TryLockError::WouldBlock),
        };
        drop(content);
        self.holds.set(wanted);
        Ok(())
    }

    fn let_go(&self) {
        let mut content = held(&self.content);
        content.lock = match (self.holds.take(), content.lock) {
            (Lock::Free, lock) => lock,
            (_, Lock::Shared(others)) if others > 1 => Lock::Shared(others - 1),
            _ => Lock::Free,
        };
    }

    fn check_writes(&self) -> io::Result<()> {
        match self.writes {
            true => Ok(()),
            false => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Read for File {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let content = held(&self.content);
        let rest = content.bytes.get(self.position..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.check_writes()?;
        let mut content = held(&self.content);
        if self.append {
            self.position = content.bytes.len();
        }
        let (from, end) = (self.position, self.position + bytes.len());
        content.clean = content.clean.min(from).min(content.bytes.len());
        if content.bytes.len() < end {
            content.bytes.resize(end, 0);
        }
        content.bytes[from..end].copy_from_slice(bytes);
        content.changed = with(|tree| tree.now());
        self.position = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let length = held(&self.content).bytes.len() as u64;
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => (self.position as u64).checked_add_signed(by),
        };
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        self.position = usize::try_from(place).map_err(io::Error::other)?;
        Ok(place)
    }
}
