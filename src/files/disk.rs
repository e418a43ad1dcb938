//! Files on a disk: `std::fs` as it is.

use std::path::Path;

pub use std::fs::{
    DirEntry, File, Metadata, OpenOptions, canonicalize, create_dir_all, metadata, read, read_dir,
    read_to_string, remove_dir_all, remove_file, rename, write,
};

/// Whether something is there.
pub fn exists(path: impl AsRef<Path>) -> bool {
    path.as_ref().exists()
}

/// Whether a file is there.
pub fn is_file(path: impl AsRef<Path>) -> bool {
    path.as_ref().is_file()
}

/// Whether a folder is there.
pub fn is_dir(path: impl AsRef<Path>) -> bool {
    path.as_ref().is_dir()
}
