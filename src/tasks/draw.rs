//! Drawing generated problems into splits.
//!
//! A generator knows nothing of splits: it draws problems, and a problem's content decides where it
//! belongs ([`Split::of`]). Whoever asks for a training problem gets the first one drawn that
//! belongs there, so that no problem is ever in two splits, whatever the seed.

use std::ops::RangeInclusive;

use super::{Split, TaskError};
use crate::rng::{Purpose, Stream, fingerprint, stream};

/// How many attempts may pass until each split has been met once; a level that needs more has
/// (nearly) no problems and is not offered.
const ATTEMPTS: u64 = 4096;

/// Opens the stream of one attempt at the problem of this place.
fn attempt_stream(seed: u64, place: &str, attempt: u64) -> Stream {
    stream(seed, Purpose::Problem, fingerprint(place), attempt)
}

/// The problem at (split, level, index): the first attempt whose problem belongs to `split`.
///
/// `attempt` draws a problem with its id, or `None` where the draw failed. The level must be one
/// of [`open_levels`], or this may never end.
pub(super) fn draw<T>(
    seed: u64,
    (split, level, index): (Split, u32, u64),
    mut attempt: impl FnMut(&mut Stream) -> Option<(u64, T)>,
) -> (u64, T) {
    let place = format!("{split:?} {level} {index}");
    let mut number = 0;
    loop {
        if let Some((id, problem)) = attempt(&mut attempt_stream(seed, &place, number))
            && Split::of(id) == split
        {
            return (id, problem);
        }
        number += 1;
    }
}

/// The levels, from the lowest of `levels` up, at which every split has problems.
///
/// `attempt` draws a problem of the level and returns its id, as for [`draw`]. `path` and `value`
/// name the part of the configuration to blame where not even the lowest level is open.
pub(super) fn open_levels(
    seed: u64,
    levels: RangeInclusive<u32>,
    (path, value): (&'static str, String),
    mut attempt: impl FnMut(u32, &mut Stream) -> Option<u64>,
) -> Result<RangeInclusive<u32>, TaskError> {
    let lowest = *levels.start();
    let mut highest = None;
    for level in levels {
        let place = format!("level {level}");
        let mut missing = Split::ALL.to_vec();
        for number in 0..ATTEMPTS {
            if let Some(id) = attempt(level, &mut attempt_stream(seed, &place, number)) {
                missing.retain(|split| *split != Split::of(id));
            }
            if missing.is_empty() {
                break;
            }
        }
        if !missing.is_empty() {
            break;
        }
        highest = Some(level);
    }
    match highest {
        Some(highest) => Ok(lowest..=highest),
        None => Err(TaskError::Config {
            path,
            value,
            allowed: format!(
                "there must be enough different problems of level {lowest} for training, exam and \
                 test sets that share none"
            ),
            help: "allow larger numbers, more operators or deeper statements".into(),
        }),
    }
}

/// Refuses `value` unless it is in `allowed`.
pub(super) fn check_range<T: PartialOrd + std::fmt::Display>(
    path: &'static str,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<(), TaskError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(TaskError::Config {
        path,
        value: value.to_string(),
        allowed: format!("allowed are {} to {}", allowed.start(), allowed.end()),
        help: "choose a value in this range".into(),
    })
}

/// The operators named in a configuration, each once and in the order of `allowed`.
pub(super) fn check_operators(
    path: &'static str,
    value: &str,
    allowed: &str,
) -> Result<Vec<char>, TaskError> {
    if value.is_empty() || value.chars().any(|operator| !allowed.contains(operator)) {
        return Err(TaskError::Config {
            path,
            value: format!("{value:?}"),
            allowed: format!("allowed are one or more of the signs {allowed}"),
            help: "write the signs one after another, such as \"+-\"".into(),
        });
    }
    Ok(allowed
        .chars()
        .filter(|operator| value.contains(*operator))
        .collect())
}
