//! The run folder: reading it, comparing runs, and showing them.

pub mod compare;
pub mod outcome;
pub mod read;
pub mod report;

pub use compare::{CompareError, Comparison};
pub use outcome::Outcome;
pub use read::{ReadError, RunData, RunFiles};
