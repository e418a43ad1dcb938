//! The completions of one step, read from the record only when they may have changed.

use std::rc::Rc;

use crate::app::record::{Record, RunKey};
use crate::training::CompletionRecord;

/// Seconds between two looks at a record that is being written: often enough to follow it, rarely
/// enough that unpacking costs nothing.
const PATIENCE: f64 = 0.25;

/// Steps at the end of the log of which more may still come.
const UNSETTLED: usize = 3;

/// Which steps have completions, and those of the step looked at last.
#[derive(Default)]
pub struct Kept {
    key: RunKey,
    revision: u64,
    looked: f64,
    steps: Vec<u64>,
    /// Rises when `steps` changes.
    version: u64,
    read: Option<Read>,
    /// Rises with every other set of completions handed out.
    issued: u64,
}

struct Read {
    step: u64,
    /// Whether more may have come since.
    stale: bool,
    version: u64,
    records: Rc<[CompletionRecord]>,
}

impl Kept {
    /// Looks whether the record has more to offer; `time` in seconds.
    pub fn follow(&mut self, record: &Record, time: f64) {
        let other = self.key != record.key || record.revision < self.revision;
        let waited = time - self.looked >= PATIENCE || time < self.looked;
        if !other && (record.revision == self.revision || !(waited || self.steps.is_empty())) {
            return;
        }
        let mut steps = record.completion_steps();
        if !steps.is_sorted() {
            steps.sort_unstable();
            steps.dedup();
        }
        // Fewer steps than before: the run goes on from an earlier checkpoint.
        if other || steps.last() < self.steps.last() {
            self.read = None;
        }
        if let Some(read) = &mut self.read {
            let settled = steps.len().saturating_sub(UNSETTLED);
            read.stale |= steps[settled..].contains(&read.step);
        }
        if other || steps != self.steps {
            (self.steps, self.version) = (steps, self.version + 1);
        }
        self.key.clone_from(&record.key);
        (self.revision, self.looked) = (record.revision, time);
    }

    /// Steps of which completions are kept, rising.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// Rises with every change of [`Kept::steps`].
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The completions of a step, and a number that changes when they do.
    pub fn read(&mut self, record: &Record, step: u64) -> (Rc<[CompletionRecord]>, u64) {
        if let Some(read) = &self.read
            && read.step == step
            && !read.stale
        {
            return (read.records.clone(), read.version);
        }
        let found = record.completions(step);
        let same = |read: &Read| read.step == step && *read.records == *found;
        if !self.read.as_ref().is_some_and(same) {
            self.issued += 1;
            self.read = Some(Read {
                step,
                stale: false,
                version: self.issued,
                records: found.into(),
            });
        }
        match &mut self.read {
            Some(read) => {
                read.stale = false;
                (read.records.clone(), read.version)
            }
            None => (Rc::new([]), 0),
        }
    }
}

/// Steps before, at and after the one in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    pub previous: Option<u64>,
    /// The step itself, or the nearest earlier one; the first where there is no earlier one.
    pub shown: Option<u64>,
    pub next: Option<u64>,
}

/// Where `step` stands among rising `steps`.
pub fn neighbours(steps: &[u64], step: u64) -> Neighbours {
    let after = steps.partition_point(|&other| other <= step);
    let at = after.saturating_sub(1);
    Neighbours {
        previous: at
            .checked_sub(1)
            .and_then(|index| steps.get(index))
            .copied(),
        shown: steps.get(at).copied(),
        next: steps.get(at + 1).copied(),
    }
}
