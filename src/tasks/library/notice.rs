//! What is to be said about data that can be used.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::tasks::Split;

/// Something people should know about the data, though the run can go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// Lines left out because they cannot be used (`task.files.bad_lines = "skip"`).
    Skipped {
        file: String,
        lines: u64,
        /// The first few, each with its line number and why.
        first: Vec<String>,
    },
    /// Lines left out because an earlier line has the same prompt and the same completion.
    Duplicates { file: String, lines: u64 },
    /// Lines left out because they ask in other words what an earlier line asks.
    SameProblem { file: String, lines: u64 },
    /// Lines left out because an earlier line has the same prompt but another answer.
    Contradicting {
        file: String,
        lines: u64,
        /// Number of the first such line.
        line: u64,
        answer: String,
        /// The answer of the earlier line, which is kept.
        earlier: String,
    },
    /// Training lines left out because a test file asks the same.
    AlsoInTest { file: String, lines: u64 },
    /// Training problems that several lines solve in different ways.
    Several {
        problems: u64,
        /// How many solutions these problems have.
        solutions: u64,
    },
    /// Few problems: a split that would have been empty got one from the training problems.
    Topped { split: Split },
}

/// `1 line`, `2 lines`.
fn lines_of(count: u64) -> String {
    format!("{count} line{}", if count == 1 { "" } else { "s" })
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { file, lines, first } => {
                let lines = lines_of(*lines);
                let first = first.join("; ");
                write!(f, "{file}: {lines} left out that cannot be used; {first}")
            }
            Self::Duplicates { file, lines } => {
                let lines = lines_of(*lines);
                write!(
                    f,
                    "{file}: {lines} left out whose prompt and completion an earlier line has too"
                )
            }
            Self::SameProblem { file, lines } => {
                let lines = lines_of(*lines);
                write!(
                    f,
                    "{file}: {lines} left out: an earlier line asks the same, in other words"
                )
            }
            Self::Contradicting {
                file,
                lines,
                line,
                answer,
                earlier,
            } => {
                let lines = lines_of(*lines);
                write!(
                    f,
                    "{file}: {lines} left out: an earlier line has the same prompt and another \
                     answer (the first is line {line} with {answer:?}; {earlier:?} is kept)"
                )
            }
            Self::AlsoInTest { file, lines } => {
                let lines = lines_of(*lines);
                write!(
                    f,
                    "{file}: {lines} left out of training: a test file asks the same"
                )
            }
            Self::Several {
                problems,
                solutions,
            } => write!(
                f,
                "{problems} training problem{} several solutions, {solutions} in all: SFT learns \
                 from each of them",
                if *problems == 1 { " has" } else { "s have" }
            ),
            Self::Topped { split } => {
                write!(
                    f,
                    "few problems: one training problem was moved to the {split:?} set"
                )
            }
        }
    }
}
