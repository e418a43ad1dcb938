//! Everything that computes with tensors, behind messages: one engine trains, samples and measures,
//! on one thread (burn's streams belong to threads). The window sends [`Request`]s and hears
//! [`Reply`]s; in a browser the same messages go to a worker.

mod asking;
#[cfg(not(target_family = "wasm"))]
mod native;
mod owed;
mod work;

#[cfg(not(target_family = "wasm"))]
pub use native::spawn;
pub use owed::Owed;
pub use work::{Inbox, Say, Work};

use serde::{Deserialize, Serialize};

use super::record::RunKey;
use crate::config::RunConfig;
use crate::training::{Command, CompletionRecord, Estimate, Event, Preview, StepTimes};

/// Names a request so that its answers find whoever asked.
pub type Ticket = u64;

/// What the engine is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Trains a new run. A name that is taken gets a number.
    Train { config: Box<RunConfig> },
    /// Goes on with a run, perhaps from an earlier checkpoint or with other settings.
    Resume {
        run: RunKey,
        checkpoint: Option<String>,
        set: Vec<String>,
    },
    /// Tells the run under way something.
    Tell(Command),
    /// Trains one configuration after the other, in a folder of that name. Those that are there and
    /// finished are passed over.
    Queue {
        folder: String,
        configs: Vec<RunConfig>,
    },
    /// Ends the queue after stopping and saving the run in hand.
    CancelQueue,
    /// Samples completions.
    Sample {
        ticket: Ticket,
        subject: Subject,
        question: Question,
    },
    /// The first batch as the model sees it, or problems of one level from `start` on.
    Preview {
        ticket: Ticket,
        config: Box<RunConfig>,
        level: Option<(u32, u64)>,
        count: usize,
    },
    /// Memory, and with `measure` also seconds, by doing two steps of each kind.
    Estimate {
        ticket: Ticket,
        config: Box<RunConfig>,
        measure: bool,
    },
    /// What is asked under this ticket is not wanted any more.
    Break(Ticket),
    /// Stops and saves the run under way, then ends.
    Quit,
}

/// Whose completions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// The run under way, as it is now.
    Live,
    /// A checkpoint of a run; its newest one for `None`.
    Checkpoint {
        run: RunKey,
        checkpoint: Option<String>,
    },
    /// The policy that a run's adaptive phase departed from: at the end of its warm-up.
    Origin { run: RunKey },
}

/// What is asked of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub what: Asked,
    pub samples: usize,
    /// 0 always takes the most probable token.
    pub temperature: f64,
    pub max_completion_length: usize,
    pub seed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// A test problem of the run's task.
    Problem { level: u32, index: u64 },
    /// A text of the user's; nothing grades it.
    Text(String),
}

/// What the engine says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// A run is about to be worked on: `before` is what it said in earlier sittings.
    Began {
        run: RunKey,
        config: Box<RunConfig>,
        before: Vec<Event>,
    },
    Events {
        run: RunKey,
        events: Vec<Event>,
    },
    /// A run is not worked on any more.
    Ended {
        run: RunKey,
        /// Whether it came to its end, rather than being stopped.
        finished: bool,
        error: Option<String>,
    },
    /// How far the queue is; `None` when it has ended.
    Queue(Option<QueueState>),
    /// A token, as it is chosen: sample, its text, its probability.
    Token {
        ticket: Ticket,
        sample: usize,
        text: String,
        probability: f32,
    },
    /// All completions of a sample request, graded where they answer a problem.
    Sampled {
        ticket: Ticket,
        prompt: String,
        records: Vec<CompletionRecord>,
    },
    Previewed {
        ticket: Ticket,
        previews: Vec<Preview>,
    },
    Estimated {
        ticket: Ticket,
        estimate: Estimate,
        times: Option<StepTimes>,
    },
    /// What was asked under a ticket cannot be had.
    Refused {
        ticket: Ticket,
        why: String,
    },
    /// Something failed that belongs to no ticket.
    Failed {
        why: String,
    },
    /// The engine has ended: everything is saved.
    Gone,
}

/// Where a queue of runs stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueState {
    /// The folder the runs are in.
    pub folder: String,
    /// The runs' keys, in order.
    pub runs: Vec<RunKey>,
    /// Runs that are done.
    pub done: usize,
}

/// A window's end of an engine.
pub trait Engine {
    fn send(&mut self, request: Request);
    /// The next reply, if there is one.
    fn receive(&mut self) -> Option<Reply>;
}
