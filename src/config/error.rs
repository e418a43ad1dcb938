//! What can be wrong with a configuration, each problem with its place, the value and the way out.

use std::fmt;

use thiserror::Error;

use super::schema::schema;

/// Everything that is wrong with a configuration, all at once.
#[derive(Clone, Debug, PartialEq, Error)]
pub struct ConfigError {
    /// At least one problem, in the order of the file, then of the flags, then of the fields.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// `Ok` where nothing was found.
    pub(super) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self { problems })
        }
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for ConfigError {
    /// One problem a line.
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            write!(out, "{problem}")?;
        }
        Ok(())
    }
}

/// One problem and where it stands.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{place}{kind}")]
pub struct Problem {
    /// The file's line or the flag; `Place::Value` for a configuration that was not read from text.
    pub place: Place,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A line of a TOML text.
    File {
        /// The file's name, as it was given.
        name: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// A file as a whole.
    WholeFile(String),
    /// `--set`, with the text after it.
    Flag(String),
    /// A value in memory: a default, or a configuration built by code.
    Value,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Place::File { name, line, column } => write!(out, "{name}:{line}:{column}: "),
            Place::WholeFile(name) => write!(out, "{name}: "),
            Place::Flag(text) => write!(out, "--set {text}: "),
            Place::Value => Ok(()),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ProblemKind {
    /// The file cannot be read.
    #[error("cannot read the file ({reason}); check its path")]
    Unreadable {
        /// The operating system's words.
        reason: String,
    },
    /// Not TOML.
    #[error("not valid TOML: {reason}, in the line `{line}`")]
    Syntax {
        /// The parser's words.
        reason: String,
        /// The offending line.
        line: String,
    },
    /// A `--set` that is no assignment.
    #[error("{reason}; write it as path=value, for example --set grpo.num_generations=16")]
    Override {
        /// What is wrong with it.
        reason: String,
    },
    /// No field has this path.
    #[error("unknown key `{path}`: {}", suggestion(nearest))]
    UnknownKey {
        /// The path as it was written.
        path: String,
        /// Paths of the fields that may have been meant, the likeliest first; may be empty.
        nearest: Vec<String>,
    },
    /// A field given by its name and by its alias.
    #[error("`{path}` and `{alias}` are the same field; keep one of them")]
    Twice {
        /// The field's path.
        path: String,
        /// Its other spelling.
        alias: String,
    },
    /// A value of another type.
    #[error("{path} = {value}: expected {expected}")]
    WrongType {
        /// The field's path.
        path: String,
        /// The value as it was written.
        value: String,
        /// The type in words, with an example where it is not plain.
        expected: String,
    },
    /// A value that is none of the field's choices.
    #[error(
        "{path} = {value}: expected {}{}",
        one_of(allowed),
        did_you_mean(nearest)
    )]
    UnknownChoice {
        /// The field's path.
        path: String,
        /// The value as it was written.
        value: String,
        /// Every choice.
        allowed: Vec<String>,
        /// The choice that was probably meant.
        nearest: Option<String>,
    },
    /// A value outside its field's range.
    #[error("{path} = {value}: must be {allowed}{}", advice(help))]
    OutOfRange {
        /// The field's path.
        path: String,
        /// The value.
        value: String,
        /// The range in words.
        allowed: String,
        /// Why, or what to do; may be empty.
        help: String,
    },
    /// Values that do not go together.
    #[error("{}: {message}; {help}", assignments(fields))]
    Conflict {
        /// Paths and values of the fields concerned.
        fields: Vec<(String, String)>,
        /// Why they do not go together.
        message: String,
        /// What to do.
        help: String,
    },
    /// The last net: a value serde refuses although the checks above let it pass.
    #[error("cannot be read as a configuration: {reason}")]
    Refused {
        /// The deserializer's or serializer's words.
        reason: String,
    },
}

impl ProblemKind {
    /// Paths of the fields this problem is about, those that were probably meant included.
    pub(super) fn paths(&self) -> Vec<&str> {
        match self {
            Self::UnknownKey { nearest, .. } => nearest.iter().map(String::as_str).collect(),
            Self::Twice { path, .. }
            | Self::WrongType { path, .. }
            | Self::UnknownChoice { path, .. }
            | Self::OutOfRange { path, .. } => vec![path],
            Self::Conflict { fields, .. } => fields.iter().map(|(path, _)| path.as_str()).collect(),
            Self::Unreadable { .. }
            | Self::Syntax { .. }
            | Self::Override { .. }
            | Self::Refused { .. } => Vec::new(),
        }
    }
}

fn suggestion(nearest: &[String]) -> String {
    let named: Vec<String> = nearest
        .iter()
        .map(|path| match schema().alias_of(path) {
            Some(alias) => format!("`{path}` (also written `{alias}`)"),
            None => format!("`{path}`"),
        })
        .collect();
    match named.as_slice() {
        [] => "no field has a name like it; `sasr check --explain` lists all fields".into(),
        _ => format!("did you mean {}?", named.join(" or ")),
    }
}

fn one_of(allowed: &[String]) -> String {
    let quoted: Vec<String> = allowed.iter().map(|value| format!("\"{value}\"")).collect();
    format!("one of {}", quoted.join(", "))
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |value| {
        format!("; did you mean \"{value}\"?")
    })
}

fn advice(help: &str) -> String {
    if help.is_empty() {
        String::new()
    } else {
        format!("; {help}")
    }
}

fn assignments(fields: &[(String, String)]) -> String {
    let each: Vec<String> = fields
        .iter()
        .map(|(path, value)| format!("{path} = {value}"))
        .collect();
    each.join(", ")
}
