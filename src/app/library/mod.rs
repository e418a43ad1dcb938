//! Everything that is about files: the list of runs, opening and following them, comparing,
//! exporting. Behind messages like the engine, so that a slow disk never stops a frame; in a
//! browser it is in the worker, over [`crate::files`] in memory.

pub(super) mod mouth;
#[cfg(not(target_family = "wasm"))]
mod native;
pub(super) mod shelf;

#[cfg(not(target_family = "wasm"))]
pub use native::spawn;

use serde::{Deserialize, Serialize};

use super::engine::Ticket;
use super::record::{Columns, RunKey};
use crate::config::{Method, RunConfig};
use crate::runs::Comparison;
use crate::runs::changes::Change;
use crate::training::{BatchItem, Event};

/// What the library is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Errand {
    /// The runs there are.
    List,
    /// Opens a run and follows it as long as it may grow.
    Open(RunKey),
    /// Follows a run no longer.
    Close(RunKey),
    Rename {
        run: RunKey,
        name: String,
    },
    /// Moves a run to the system's bin; where there is none, removes it.
    Delete(RunKey),
    /// Reads a run's configuration, for the form.
    Configure(RunKey),
    /// Shows a run's folder in the system's file manager.
    Reveal(RunKey),
    /// Something was dropped or chosen: a configuration, a run folder, a zip of one.
    Import(Dropped),
    /// Asks for a file to open, then as [`Errand::Import`].
    Choose,
    /// Asks where to, then writes a file.
    Save(Saved),
    /// Reads several runs for the compare room.
    Compare {
        ticket: Ticket,
        runs: Vec<RunKey>,
    },
    /// The demonstrations of a step's batch, as text.
    Demonstrations {
        ticket: Ticket,
        config: Box<RunConfig>,
        items: Vec<BatchItem>,
    },
    /// Which of these files (as a configuration names them) are not there.
    Missing {
        ticket: Ticket,
        files: Vec<String>,
    },
    /// The checkpoints of a run.
    Checkpoints {
        ticket: Ticket,
        run: RunKey,
    },
    Quit,
}

/// What came in by drag and drop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dropped {
    /// A path on this machine.
    Path(String),
    /// Bytes and their name, in a browser.
    Bytes {
        name: String,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
}

/// A file to be written where the user says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    /// Suggested name, with its extension.
    pub name: String,
    pub what: SavedWhat,
}

/// What is to be written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SavedWhat {
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A run folder as a zip.
    Zip(RunKey),
    /// The report of one run, or of several together.
    Report(Vec<RunKey>),
}

/// What the library says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Found {
    Runs(Vec<RunCard>),
    /// A run is open; its events follow.
    Opened {
        run: RunKey,
        config: Box<RunConfig>,
    },
    /// What a run said, in order.
    News {
        run: RunKey,
        /// Everything before is void: the run was resumed from an earlier point.
        restarted: bool,
        events: Vec<Event>,
        config: Option<Box<RunConfig>>,
        /// Everything there is has been told.
        caught_up: bool,
        /// Somebody works on it at this moment.
        growing: bool,
        finished: bool,
        notices: Vec<String>,
    },
    /// A file for the user, where the page saves it and not the library.
    Download {
        name: String,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// A configuration came in.
    Config(Box<RunConfig>),
    Compared {
        ticket: Ticket,
        compared: Box<Compared>,
    },
    Demonstrations {
        ticket: Ticket,
        demonstrations: Vec<Demonstration>,
    },
    Checkpoints {
        ticket: Ticket,
        names: Vec<String>,
    },
    /// Of the files asked about, those that are not there.
    Missing {
        ticket: Ticket,
        files: Vec<String>,
    },
    /// A run goes by another key from now on, or is gone for `None`. It is not followed any more.
    Moved {
        from: RunKey,
        to: Option<RunKey>,
    },
    /// Nothing here shows file dialogs: the user is to write a path.
    NoDialog,
    /// Something was done, in words.
    Done(String),
    /// What was asked under a ticket cannot be had.
    Refused {
        ticket: Ticket,
        why: String,
    },
    /// Something failed, in words with the way out.
    Failed(String),
}

/// A run on the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunCard {
    pub key: RunKey,
    pub name: String,
    pub description: String,
    pub method: Method,
    pub seed: u64,
    pub task: String,
    /// Update attempts made and asked for.
    pub step: u64,
    pub max_steps: u64,
    pub finished: bool,
    /// Greedy accuracy on the final test, or on the newest exam.
    pub accuracy: Option<f64>,
    /// Seconds since 1970 of the last change.
    pub changed: u64,
    /// What sets it apart from the preset or run before it: path, there, here.
    pub differences: Vec<(String, String, String)>,
    /// Settings that were changed on the way; `differences` has the newest values.
    pub changes: Vec<Change>,
    /// Why it cannot be read, if it cannot.
    pub damaged: Option<String>,
}

/// Several runs side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compared {
    pub comparison: Comparison,
    pub curves: Vec<Curves>,
}

/// One run's curves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Curves {
    pub run: RunKey,
    pub config: RunConfig,
    pub columns: Columns,
    /// Step and mean accuracy of every exam.
    pub exams: Vec<(u64, f64)>,
}

/// A worked solution that an SFT step learnt from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demonstration {
    pub level: u32,
    pub prompt: String,
    pub text: String,
}

/// A window's end of a library.
pub trait Library {
    fn send(&mut self, errand: Errand);
    /// The next word from it, if there is one.
    fn receive(&mut self) -> Option<Found>;
}
