//! Files of a test: in memory where its thread has mounted a tree, else on the disk.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use super::memory::{DirEntry, Metadata, OpenOptions};
use super::{TryLockError, memory};

thread_local! {
    static MOUNTED: Cell<bool> = const { Cell::new(false) };
}

/// As long as it lives, this thread's files are in memory.
pub struct Mounted(());

/// Puts an empty tree in memory in the place of the disk.
pub fn mount() -> Mounted {
    memory::with(|tree| *tree = Default::default());
    MOUNTED.set(true);
    Mounted(())
}

impl Drop for Mounted {
    fn drop(&mut self) {
        MOUNTED.set(false);
    }
}

/// A function that has a twin in memory.
macro_rules! twin {
    ($name:ident($($argument:ident: $type:ty),+) -> $result:ty) => {
        pub fn $name($($argument: $type),+) -> $result {
            match MOUNTED.get() {
                true => memory::$name($($argument),+),
                false => std::fs::$name($($argument),+),
            }
        }
    };
}

twin!(read(path: impl AsRef<Path>) -> io::Result<Vec<u8>>);
twin!(read_to_string(path: impl AsRef<Path>) -> io::Result<String>);
twin!(write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()>);
twin!(create_dir_all(path: impl AsRef<Path>) -> io::Result<()>);
twin!(canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf>);
twin!(rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()>);
twin!(remove_file(path: impl AsRef<Path>) -> io::Result<()>);
twin!(remove_dir_all(path: impl AsRef<Path>) -> io::Result<()>);

fn of_disk(there: &std::fs::Metadata) -> Metadata {
    Metadata::new(
        there.is_dir(),
        there.is_file(),
        there.len(),
        there.modified().ok(),
    )
}

pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    match MOUNTED.get() {
        true => memory::metadata(path),
        false => Ok(of_disk(&std::fs::metadata(path)?)),
    }
}

pub fn exists(path: impl AsRef<Path>) -> bool {
    metadata(path).is_ok()
}

pub fn is_file(path: impl AsRef<Path>) -> bool {
    metadata(path).is_ok_and(|there| there.is_file())
}

pub fn is_dir(path: impl AsRef<Path>) -> bool {
    metadata(path).is_ok_and(|there| there.is_dir())
}

pub fn read_dir(
    path: impl AsRef<Path>,
) -> io::Result<Box<dyn Iterator<Item = io::Result<DirEntry>>>> {
    if MOUNTED.get() {
        return Ok(Box::new(memory::read_dir(path)?));
    }
    let entry = |entry: io::Result<std::fs::DirEntry>| Ok(DirEntry::new(entry?.path()));
    Ok(Box::new(std::fs::read_dir(path)?.map(entry)))
}

impl OpenOptions {
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        if MOUNTED.get() {
            return Ok(File::Memory(memory::File::open_with(path, self)?));
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(self.write).append(self.append);
        options.create(self.create).truncate(self.truncate);
        Ok(File::Disk(options.open(path)?))
    }
}

pub enum File {
    Disk(std::fs::File),
    Memory(memory::File),
}

/// What an open file does, wherever it is.
macro_rules! either {
    ($file:expr, $inner:ident => $does:expr) => {
        match $file {
            File::Disk($inner) => $does,
            File::Memory($inner) => $does,
        }
    };
}

impl File {
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(match MOUNTED.get() {
            true => Self::Memory(memory::File::open(path)?),
            false => Self::Disk(std::fs::File::open(path)?),
        })
    }

    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(match MOUNTED.get() {
            true => Self::Memory(memory::File::create(path)?),
            false => Self::Disk(std::fs::File::create(path)?),
        })
    }

    pub fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Self::Disk(file) => Ok(of_disk(&file.metadata()?)),
            Self::Memory(file) => file.metadata(),
        }
    }

    pub fn set_len(&self, length: u64) -> io::Result<()> {
        either!(self, file => file.set_len(length))
    }

    pub fn sync_all(&self) -> io::Result<()> {
        either!(self, file => file.sync_all())
    }

    pub fn sync_data(&self) -> io::Result<()> {
        either!(self, file => file.sync_data())
    }

    pub fn try_lock(&self) -> Result<(), TryLockError> {
        either!(self, file => file.try_lock())
    }

    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        either!(self, file => file.try_lock_shared())
    }
}

impl Read for File {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        either!(self, file => file.read(into))
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, file => file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        either!(self, file => file.flush())
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        either!(self, file => file.seek(to))
    }
}
