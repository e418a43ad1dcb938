//! The window: configure a run, watch the balance, compare. The same application on the desktop and
//! in a browser.
//!
//! | part | what it is for |
//! |---|---|
//! | [`studio`] | the frame around the rooms: [`studio::Studio`] hears, then draws, then acts |
//! | [`rooms`] | one file or folder per room; a room knows events and its own view state only |
//! | [`engine`] | whatever computes with tensors, behind messages, on its own thread |
//! | [`library`] | whatever touches files, behind messages, on its own thread |
//! | [`record`] | what a run has said so far, made ready for drawing |
//! | [`presets`] | the configurations to start from |
//! | [`theme`], [`widgets`] | colours and small things to draw |
//! | [`worker`], [`remote`], [`wire`] | engine and library in a browser's worker, the page's ends of them, the messages between |
//! | [`share`], [`adapter`] | a configuration in a link; what a browser says of its graphics card |
//! | `native` | the desktop's entry |
//!
//! A frame never waits: rooms are given a [`World`] to look at, and queue [`Action`]s; what takes
//! time is asked of the engine or the library and comes back as a message.

pub mod adapter;
pub mod engine;
pub mod library;
#[cfg(not(target_family = "wasm"))]
pub mod native;
pub mod picture;
pub mod presets;
pub mod record;
pub mod remote;
pub mod rooms;
pub mod share;
#[cfg(not(target_family = "wasm"))]
pub mod stopper;
pub mod studio;
pub mod theme;
#[cfg(not(target_family = "wasm"))]
pub mod tour;
pub mod widgets;
pub mod wire;
pub mod worker;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use engine::{QueueState, Request, Ticket};
use library::{Errand, RunCard};
use record::{Record, RunKey};

/// Whether this is the page of a browser: it has no folders, no bin, no memory to measure.
pub(crate) const IN_BROWSER: bool = cfg!(target_family = "wasm");

/// The rooms, in the order they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    Start,
    Configure,
    Balance,
    Rollouts,
    Exams,
    Paths,
    Compare,
    Ask,
}

impl Place {
    pub const ALL: [Place; 8] = [
        Place::Start,
        Place::Configure,
        Place::Balance,
        Place::Rollouts,
        Place::Exams,
        Place::Paths,
        Place::Compare,
        Place::Ask,
    ];

    /// As it is listed.
    pub fn title(self) -> &'static str {
        match self {
            Place::Start => "Start",
            Place::Configure => "Configure",
            Place::Balance => "Balance",
            Place::Rollouts => "Rollouts",
            Place::Exams => "Exams",
            Place::Paths => "Paths",
            Place::Compare => "Compare",
            Place::Ask => "Try it",
        }
    }

    /// What one finds there.
    pub fn purpose(self) -> &'static str {
        match self {
            Place::Start => "Presets and recent runs",
            Place::Configure => "Every setting of a run, and its data",
            Place::Balance => "When the model reads the textbook, when it takes the quiz, and why",
            Place::Rollouts => "What the model answered in a quiz, and what it earned",
            Place::Exams => "Accuracy by level over time",
            Place::Paths => "The ways of reasoning the model takes through one problem",
            Place::Compare => "Runs, methods and seeds side by side",
            Place::Ask => "Ask a trained model a problem",
        }
    }
}

/// What a room may look at.
pub struct World<'a> {
    /// Runs that are open, the one under way included.
    pub records: &'a BTreeMap<RunKey, Record>,
    /// The run that the rooms are about.
    pub shown: Option<&'a Record>,
    /// The run this program is training.
    pub live: Option<&'a str>,
    pub queue: Option<&'a QueueState>,
    /// The runs folder.
    pub runs: &'a [RunCard],
    /// The step looked at in all rooms; none follows the newest.
    pub selected: Option<u64>,
    /// Seconds since the window opened.
    pub time: f64,
}

impl World<'_> {
    /// The step in view: the one selected, or the newest.
    pub fn step(&self) -> Option<u64> {
        let record = self.shown?;
        let newest = record.step();
        let step = self.selected.map_or(newest, |step| step.min(newest));
        (step >= record.columns.first() && step > 0).then_some(step)
    }
}

/// What a room wants done after the frame.
pub enum Action {
    /// Opens a room.
    Go(Place),
    Engine(Request),
    Library(Errand),
    /// Makes the rooms be about this run, opening it if need be.
    Show(RunKey),
    /// Looks at a step in all rooms; `None` follows the newest.
    Select(Option<u64>),
    /// Puts a configuration into the form and goes there.
    Configure(Box<RunConfig>),
    /// Puts a configuration into the form that starts comparisons, and goes there.
    Compare(Box<RunConfig>),
    /// Trains a new run and goes to watch it.
    Train(Box<RunConfig>),
    Copy(String),
    /// Says something briefly.
    Say(String),
}

/// Collects what a room wants done.
#[derive(Default)]
pub struct Actions {
    pub list: Vec<Action>,
    last_ticket: Ticket,
}

impl Actions {
    pub fn push(&mut self, action: Action) {
        self.list.push(action);
    }

    pub fn engine(&mut self, request: Request) {
        self.push(Action::Engine(request));
    }

    pub fn library(&mut self, errand: Errand) {
        self.push(Action::Library(errand));
    }

    /// A number that no other question has.
    pub fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        self.last_ticket
    }
}

/// An error and its causes, leaving out causes that were already told.
pub(crate) fn in_full(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = error.source();
    }
    told
}
