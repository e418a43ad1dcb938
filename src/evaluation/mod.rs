//! How good a policy is: accuracy, pass@k, diversity and robustness, and how sure each number is.

mod accuracy;
pub mod catalogue;
mod counts;
pub mod metrics;
pub mod statistics;
mod tally;

pub use accuracy::pooled_accuracy;
pub use counts::Counts;
pub use metrics::Sample;
pub use statistics::{Difference, Interval, OverSeeds};
pub use tally::{RAREFIED_TO, Tallies, Tally, metric_names, names, summarise};
