//! The run folder: driving a run into it, reading it, following it, comparing runs, showing them.

pub mod compare;
#[cfg(not(target_family = "wasm"))]
mod disk;
#[cfg(not(target_family = "wasm"))]
pub mod drive;
#[cfg(not(target_family = "wasm"))]
pub mod folder;
#[cfg(not(target_family = "wasm"))]
pub mod follow;
pub mod outcome;
#[cfg(not(target_family = "wasm"))]
pub mod place;
pub mod read;
pub mod report;
#[cfg(test)]
pub(crate) mod synthetic;
#[cfg(not(target_family = "wasm"))]
mod tail;

pub use compare::{CompareError, Comparison};
#[cfg(not(target_family = "wasm"))]
pub use drive::{DriveError, Manifest, Run};
#[cfg(not(target_family = "wasm"))]
pub use folder::{FolderError, RunFolder};
#[cfg(not(target_family = "wasm"))]
pub use follow::{Follower, News};
pub use outcome::Outcome;
#[cfg(not(target_family = "wasm"))]
pub use place::PlaceError;
pub use read::{ReadError, RunData, RunFiles};
