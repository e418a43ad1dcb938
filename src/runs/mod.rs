//! The run folder: driving a run into it, reading it, following it, comparing runs, showing them.

pub mod changes;
pub mod compare;
mod disk;
pub mod drive;
pub mod folder;
pub mod follow;
mod going_on;
pub mod outcome;
pub mod place;
#[cfg(feature = "cli")]
pub mod problems;
pub mod read;
pub mod report;
#[cfg(test)]
pub(crate) mod synthetic;
mod tail;

pub use changes::Change;
pub use compare::{CompareError, Comparison};
pub use drive::{DriveError, FORMAT, Manifest, Run};
pub use folder::{FolderError, RunFolder};
pub use follow::{Follower, News};
pub use outcome::Outcome;
pub use place::PlaceError;
pub use read::{ReadError, RunData, RunFiles};
