//! Why a task could not be set up.

/// A task's configuration or data that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A field of the configuration is out of range or contradicts another.
    #[error("{path} = {value}: {allowed}; {help}")]
    Config {
        /// The field's path, e.g. `task.arithmetic.operators`.
        path: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: String,
        /// What to do about it.
        help: String,
    },
    /// A data file that cannot be opened.
    #[error("{file} cannot be opened ({source}): check the paths in task.files")]
    Open {
        /// The path as the configuration gives it.
        file: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A data file that cannot be read as a whole.
    #[error("{file} {reason}: {help}")]
    File {
        /// The path as the configuration gives it.
        file: String,
        /// What is wrong, as the rest of a sentence that begins with the file.
        reason: String,
        /// What to do about it.
        help: String,
    },
    /// A line (of parquet: a row) of a data file that cannot be used.
    #[error(
        "{file}:{line}: {reason} (correct the line, or leave out all such lines with \
         task.files.bad_lines = \"skip\")"
    )]
    BadLine {
        /// The path as the configuration gives it.
        file: String,
        /// Line or row, counted from 1.
        line: u64,
        /// Why it cannot be used.
        reason: BadRow,
    },
    /// A weight for a part that the task's reward does not have.
    #[error(
        "grpo.reward_weights.{name} = {value}: the reward of the task {task} has no such part; its \
         parts are {parts}; the nearest is {nearest}"
    )]
    RewardWeight {
        /// The name given.
        name: String,
        /// The weight given.
        value: f64,
        /// The task's name.
        task: &'static str,
        /// The names there are, joined by commas.
        parts: String,
        /// The one most like the name given.
        nearest: &'static str,
    },
    /// Files that hold too few usable problems.
    #[error("{files} hold {found} usable problems: {needed}")]
    TooFew {
        /// The paths, joined by commas.
        files: String,
        /// How many different problems were found.
        found: usize,
        /// How many are needed, and for what.
        needed: &'static str,
    },
}

/// Why a row cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// Bytes that are not UTF-8.
    #[error("byte {byte} of the line is not valid UTF-8: save the file as UTF-8")]
    Encoding {
        /// Position in the line, counted from 1.
        byte: usize,
    },
    /// Text that is not JSON.
    #[error("not valid JSON at column {column}: {reason}")]
    Json {
        /// Position in the line, counted from 1.
        column: usize,
        /// The parser's words.
        reason: String,
    },
    /// JSON, but not an object.
    #[error("{found} where an object is expected: write one object {{…}} a line")]
    NotAnObject {
        /// The kind of value found.
        found: &'static str,
    },
    /// A key that must be there is not.
    #[error("no key `{key}`; {hint}")]
    MissingKey {
        /// The key looked for.
        key: String,
        /// The nearest key there is, or all of them.
        hint: String,
    },
    /// A value of another type than expected.
    #[error("`{key}` is {found}, expected {expected}")]
    WrongType {
        /// The value's key, with its place for values inside lists (`prompt[0].content`).
        key: String,
        /// The kind of value found.
        found: &'static str,
        /// The kind of value expected.
        expected: &'static str,
    },
    /// The completion states no answer that could be the reference.
    #[error("no reference answer: {reason}")]
    NoReference {
        /// What was looked for, and what to do.
        reason: String,
    },
    /// A value of the right type that cannot be right.
    #[error("`{key}` = {value:?}: {reason}")]
    Invalid {
        /// The value's key.
        key: String,
        /// The value, shortened.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The row's own solution would not be graded as right.
    #[error(
        "its own solution does not earn the full reward: the answer read from it is {read}, the reference is {reference:?}"
    )]
    Unsound {
        /// The answer read from the demonstration.
        read: String,
        /// The row's reference answer.
        reference: String,
    },
}

impl BadRow {
    /// A [`BadRow::Invalid`] with the value cut to a readable length.
    pub fn invalid(key: &str, value: &str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            key: key.to_owned(),
            value: shortened(value),
            reason: reason.into(),
        }
    }
}

/// At most 60 characters of a text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
