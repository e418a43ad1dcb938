//! The run folder: reading it, comparing runs, and showing them.

pub mod compare;
#[cfg(not(target_family = "wasm"))]
mod disk;
#[cfg(not(target_family = "wasm"))]
pub mod folder;
pub mod outcome;
#[cfg(not(target_family = "wasm"))]
pub mod place;
pub mod read;
pub mod report;
#[cfg(test)]
mod synthetic;

pub use compare::{CompareError, Comparison};
#[cfg(not(target_family = "wasm"))]
pub use folder::{FolderError, RunFolder};
pub use outcome::Outcome;
#[cfg(not(target_family = "wasm"))]
pub use place::PlaceError;
pub use read::{ReadError, RunData, RunFiles};
