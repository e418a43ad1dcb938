//! The session: SFT warm-up, then at every step the branch the controller chooses, with exams, a
//! curriculum and a final test.
//!
//! [`Session::step`] does one small unit of work and says what happened; whoever drives it (the
//! command line, a window, a page's worker) decides when to call it again. The session knows
//! nothing of files, windows or threads: [`Snapshot`]s are bytes, [`Event`]s and [`Command`]s are
//! plain values.

mod alarms;
mod changes;
mod checkpoint;
mod decisions;
mod estimate;
mod event;
mod examination;
mod follow_ups;
mod lengths;
mod optimizer;
mod preparing;
mod preview;
mod rollouts;
mod session;
mod setup;
mod shards;
mod steps;
mod workers;

pub use alarms::Alarms;
pub use checkpoint::{Snapshot, State};
pub use estimate::{Estimate, Memory, StepTimes, measure_steps};
pub use event::{
    Alarm, BatchItem, Branch, CARD_PROGRAMS, Command, CompletionRecord, EvaluationRecord, Event,
    Judgements, Phase, StepRecord, Verdict, exam_means,
};
pub use examination::{Examination, Study, TestSet};
pub use lengths::TooLong;
pub use optimizer::{AdamW, schedule};
pub use preview::{Piece, Preview, preview, preview_level};
pub use session::{Session, Start};
pub use setup::{Loader, Setup, from_folder, tokenizer_files};
pub use shards::Shards;
pub use workers::{Gradient, PolicyRow, Workers};

/// Why a session cannot be set up or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Task(#[from] crate::tasks::TaskError),
    #[error(transparent)]
    Text(#[from] crate::text::TextError),
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    #[error(transparent)]
    Balance(#[from] crate::balance::BalanceError),
    #[error(transparent)]
    Curriculum(#[from] crate::curriculum::CurriculumError),
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Device(#[from] crate::devices::DeviceError),
    #[error("{path}: {why}")]
    File { path: String, why: String },
    #[error(
        "the tokenizer has {tokens} tokens, but the model only {room}: \
         use the tokenizer that belongs to the model (`tokenizer.path`)"
    )]
    Vocabulary { tokens: usize, room: usize },
    #[error(
        "no demonstration of the configured levels fits into {max} tokens: \
         raise model.max_position_embeddings or sft.max_length"
    )]
    NothingFits { max: usize },
    #[error(transparent)]
    TooLong(Box<TooLong>),
    #[error(
        "step {step}: the gradient was not finite {times} times in a row; weights are those before \
         it. Lower sft.learning_rate and grpo.learning_rate, or go on from an earlier checkpoint"
    )]
    NotFinite { step: u64, times: u32 },
    #[error("checkpoint: {what}")]
    Checkpoint { what: String },
    #[error("cannot start a thread for a shard: {0}")]
    Thread(#[from] std::io::Error),
    #[error("`{path}` cannot be changed while a run goes on; these can: {allowed}")]
    NotLive { path: String, allowed: String },
}

impl TrainError {
    /// Whether the configuration names what is not there or does not fit, rather than something
    /// having failed on the way.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::NotFinite { .. } | Self::Checkpoint { .. } => false,
            Self::Thread(_) | Self::Balance(_) => false,
            Self::Model(error) => error.is_wrong_input(),
            _ => true,
        }
    }

    fn file(path: &str, error: &std::io::Error) -> Self {
        Self::File {
            path: path.to_string(),
            why: error.to_string(),
        }
    }
}
