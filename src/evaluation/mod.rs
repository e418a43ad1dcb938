//! How good a policy is: accuracy, pass@k, diversity and robustness, and how sure each number is.

pub mod metrics;
pub mod statistics;

pub use metrics::{Sample, summarise};
pub use statistics::{Difference, Interval, OverSeeds};
