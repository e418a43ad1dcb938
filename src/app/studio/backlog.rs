//! What was said of runs and has not been taken in yet: a frame takes in as much as it has time for.

use std::collections::{BTreeMap, VecDeque};

use crate::app::record::{Motion, RunKey};
use crate::training::Event;

/// What is heard of a run.
pub(super) enum Heard {
    Event(Event),
    /// How a run that is read stands after that.
    Standing {
        finished: bool,
        motion: Motion,
        /// There is more in its log.
        reading: bool,
    },
    /// A run that was trained here has come to an end.
    Ended {
        finished: bool,
        error: Option<String>,
    },
}

/// Of each run in the order it was said; which run comes first is free.
#[derive(Default)]
pub(super) struct Backlog {
    runs: BTreeMap<RunKey, VecDeque<Heard>>,
    waiting: usize,
}

impl Backlog {
    pub fn push(&mut self, run: &str, heard: Heard) {
        self.extend(run, [heard]);
    }

    pub fn extend(&mut self, run: &str, heard: impl IntoIterator<Item = Heard>) {
        let queue = self.runs.entry(run.to_owned()).or_default();
        let before = queue.len();
        queue.extend(heard);
        self.waiting += queue.len() - before;
    }

    /// The next word about `run`.
    pub fn next_of(&mut self, run: &str) -> Option<Heard> {
        let queue = self.runs.get_mut(run)?;
        let heard = queue.pop_front();
        self.waiting -= usize::from(heard.is_some());
        if queue.is_empty() {
            self.runs.remove(run);
        }
        heard
    }

    /// The next word about any run.
    pub fn next(&mut self) -> Option<(RunKey, Heard)> {
        let run = self.runs.keys().next()?.clone();
        let heard = self.next_of(&run)?;
        Some((run, heard))
    }

    /// A run is told from the beginning: what was said of it before is void.
    pub fn forget(&mut self, run: &str) {
        let gone = self.runs.remove(run);
        self.waiting -= gone.map_or(0, |queue| queue.len());
    }

    /// Words that wait.
    pub fn len(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(finished: bool) -> Heard {
        Heard::Standing {
            finished,
            motion: Motion::Still,
            reading: false,
        }
    }

    fn is_finished(heard: &Heard) -> bool {
        matches!(heard, Heard::Standing { finished: true, .. })
    }

    #[test]
    fn a_run_that_is_shown_overtakes_others_and_never_itself() {
        let mut backlog = Backlog::default();
        backlog.extend("a", [stands(false), stands(true)]);
        backlog.extend("b", [stands(false), stands(true)]);
        assert_eq!(backlog.len(), 4);
        assert!(!is_finished(&backlog.next_of("b").unwrap()));
        backlog.push("b", stands(false));
        assert!(is_finished(&backlog.next_of("b").unwrap()));
        let (run, first) = backlog.next().unwrap();
        assert_eq!((run.as_str(), is_finished(&first)), ("a", false));
        backlog.forget("a");
        assert_eq!(backlog.len(), 1);
        assert_eq!(backlog.next().unwrap().0, "b");
        assert!(backlog.next().is_none() && backlog.next_of("a").is_none());
        assert_eq!(backlog.len(), 0);
    }
}
