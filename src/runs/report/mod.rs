//! `report.html`: a run or a comparison as one page that needs nothing else, no network and no
//! other file. It follows the reader's light or dark mode, and prints.

mod charts;
mod curves;
mod decisions;
mod format;
mod overlays;
mod page;
mod plot;
mod results;
mod samples;
mod series;
mod single;
mod versus;

use super::compare::{CompareError, Comparison};
use super::read::RunData;

/// The page of one run, finished or not.
pub fn run(run: &RunData) -> String {
    single::page(run)
}

/// The page of several runs side by side.
///
/// # Errors
/// As [`Comparison::of`].
pub fn comparison(runs: &[RunData]) -> Result<String, CompareError> {
    Ok(versus::page(&Comparison::of(runs)?, runs))
}

#[cfg(test)]
mod tests;
