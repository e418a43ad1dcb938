//! The one way to files: what is used of `std::fs`, on a disk or, in a browser, in memory.
//!
//! On a desktop these are `std::fs`'s own functions and types. In a browser they are those of
//! `memory`, a tree of folders in the worker's memory, and `storage` says what has to be written
//! to the browser's storage so that a tab that is killed at any moment finds a consistent tree again.
//! Tests have both: a thread that mounts a tree in memory works on that, every other one on the disk.

#[cfg(not(any(test, target_family = "wasm")))]
mod disk;
#[cfg(all(test, not(target_family = "wasm")))]
mod either;
#[cfg(any(test, target_family = "wasm"))]
pub mod memory;
#[cfg(any(test, target_family = "wasm"))]
pub mod storage;
#[cfg(all(test, not(target_family = "wasm")))]
pub(crate) mod tests;

#[cfg(not(any(test, target_family = "wasm")))]
pub use disk::*;
#[cfg(all(test, not(target_family = "wasm")))]
pub use either::*;
#[cfg(target_family = "wasm")]
pub use memory::{
    DirEntry, File, Metadata, OpenOptions, canonicalize, create_dir_all, exists, is_dir, is_file,
    metadata, read, read_dir, read_to_string, remove_dir_all, remove_file, rename, write,
};
pub use std::fs::TryLockError;

/// A number that no other process on this machine has now; a browser's worker is alone.
pub fn process() -> u32 {
    #[cfg(not(target_family = "wasm"))]
    return std::process::id();
    #[cfg(target_family = "wasm")]
    return 1;
}
