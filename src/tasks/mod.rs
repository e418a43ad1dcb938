//! What is learnt: problems, demonstrations, rewards and canonical paths.
//!
//! A [`Task`] is a pure function of its inputs: the same (split, level, index) gives the same
//! problem on every machine. Train, exam and test never overlap, *by content*: which split a
//! problem belongs to is decided by a fingerprint of its meaning ([`Problem::id`]), not by its
//! index, and a perturbed problem keeps the meaning and so the id.

pub mod arithmetic;
pub mod build;
pub mod calculator;
#[cfg(test)]
mod checks;
pub mod countdown;
mod draw;
mod error;
pub mod expression;
mod file_kind;
pub mod file_task;
pub mod gsm8k;
pub mod jsonl;
pub mod kk_files;
pub mod knights_knaves;
pub mod library;
mod limits;
pub mod math;
#[cfg(not(target_family = "wasm"))]
mod parquet_rows;
mod perturb;
pub mod reading;
pub mod reasoning;
mod reward;
mod row;
mod split;
pub mod tags;
pub mod verify;

pub use build::{Built, build};
pub use error::{BadRow, TaskError};
pub use library::Notice;
pub use limits::{limits, training_levels};
pub use reasoning::{Chain, Flaw, Reasoning, Slip, WrongPath};
pub use reward::check_weights;

use serde::{Deserialize, Serialize};

/// Three disjoint sets of problems (disjoint by content, not by index).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Demonstrations and rollouts come from here.
    Train,
    /// Exams steer the curriculum and choose the best checkpoint; never trained on.
    Exam,
    /// Results are reported on this one, which steers nothing.
    Test,
}

/// One problem, ready to be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Fingerprint of the problem's meaning: equal for two wordings of one problem.
    pub id: u64,
    pub split: Split,
    /// Difficulty; what a level means is the task's own.
    pub level: u32,
    /// Position in its split and level.
    pub index: u64,
    /// What the model is asked, without chat markup.
    pub prompt: String,
    /// The reference answer in canonical form.
    pub answer: String,
    /// What the task needs to grade and to demonstrate (opaque to everyone else).
    pub payload: serde_json::Value,
}

/// A verifiable reward and its parts, in the order the task names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reward {
    /// The parts' sum: what GRPO maximises.
    pub total: f32,
    /// E.g. `[("format", 1.0), ("answer", 2.0)]`; same names and order for every completion of a task.
    pub parts: Vec<(String, f32)>,
    /// Whether the final answer is right: what accuracy counts.
    pub correct: bool,
}

/// A way to reword a problem without changing its meaning, for robustness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perturbation {
    /// A short name for tables, e.g. `renamed`.
    pub name: &'static str,
    /// One sentence for people.
    pub description: &'static str,
}

/// A family of problems with demonstrations and a verifiable reward.
pub trait Task: Send + Sync {
    /// The task's name, as in the configuration.
    fn name(&self) -> &'static str;

    /// The levels there are, easiest first (contiguous).
    fn levels(&self) -> std::ops::RangeInclusive<u32>;

    /// How many problems a split has at a level; `None` where the generator does not run dry.
    fn len(&self, split: Split, level: u32) -> Option<u64>;

    /// The problem at `index` (taken modulo [`Task::len`] where that is finite).
    fn problem(&self, split: Split, level: u32, index: u64) -> Problem;

    /// How many different worked solutions a problem comes with. Files may hold several for one
    /// prompt; a generated problem has one, which may come in several orders.
    fn solutions(&self, _problem: &Problem) -> u64 {
        1
    }

    /// How many places there are for the demonstrations of a level: with `index` below this,
    /// [`Task::problem`] and [`Task::variant`] lead to every solution of every training problem
    /// (where problems have different numbers of solutions, to some of them more than once). `None`
    /// where the generator does not run dry.
    fn demonstrations(&self, level: u32) -> Option<u64> {
        self.len(Split::Train, level)
    }

    /// The variant to show of the training problem at a place, in one of the orders (0: the
    /// canonical one). Places beyond the number of problems lead to their further solutions.
    fn variant(&self, _level: u32, _index: u64, order: u64) -> u64 {
        order
    }

    /// A worked solution with its answer, which earns full reward. `variant` picks one of the
    /// problem's [`Task::solutions`] in one of its valid orders: the first solutions in their
    /// canonical order come first, then the same in further orders.
    fn demonstration(&self, problem: &Problem, variant: u64) -> String;

    /// The names of the parts of [`Task::score`], in its order.
    fn reward_parts(&self) -> &'static [&'static str];

    /// Grades a completion (without the end-of-sequence token). `finished` is false where the
    /// completion was cut off at its length limit.
    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward;

    /// Whether the reasoning in a completion holds, in which steps, and where it goes wrong.
    /// `finished` is false where the completion was cut off at its length limit: then what stands
    /// last is not blamed.
    fn reasoning(&self, _problem: &Problem, _completion: &str, _finished: bool) -> Reasoning {
        Reasoning::NotJudged
    }

    /// What tells the reasoning of a completion from others where the task does not judge it:
    /// completions that write the same have the same. `None` where nothing does.
    fn likeness(&self, _problem: &Problem, _completion: &str) -> Option<String> {
        None
    }

    /// The path of a finished completion: of a chain that holds ([`Chain::path`]) or, where
    /// reasoning is not judged, its [`Task::likeness`].
    fn path(&self, problem: &Problem, completion: &str) -> Option<String> {
        match self.reasoning(problem, completion, true) {
            Reasoning::Holds(chain) => Some(chain.path()),
            Reasoning::NotJudged => self.likeness(problem, completion),
            Reasoning::Broken(_) => None,
        }
    }

    /// How far reasoning that does not hold can be followed, where any of it can be read.
    fn wrong_path(&self, problem: &Problem, completion: &str, finished: bool) -> Option<WrongPath> {
        match self.reasoning(problem, completion, finished) {
            Reasoning::Broken(path) => path.if_readable(),
            Reasoning::NotJudged | Reasoning::Holds(_) => None,
        }
    }

    /// The final answer a completion gives, normalised, for majority votes; `None` if there is none.
    fn answer(&self, problem: &Problem, completion: &str) -> Option<String>;

    /// The perturbations this task knows.
    fn perturbations(&self) -> &'static [Perturbation];

    /// The problem reworded by the named perturbation; `None` where it does not apply.
    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem>;

    /// Texts that together hold every character (and, for word vocabularies, every word) the
    /// task's prompts and demonstrations use.
    fn vocabulary_sample(&self) -> Vec<String>;
}
