//! What is wrong with a draft, sorted by the fields it is shown at.

use std::collections::BTreeMap;

use super::fields::{FormField, field_at, in_order};
use crate::config::{ConfigError, Place, Problem, ProblemKind};

/// The problems of a draft.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Problems {
    /// By the field's path, each in words that say why and what to do.
    by_path: BTreeMap<String, Vec<String>>,
    /// What belongs to no field.
    pub loose: Vec<String>,
    /// How many there are; a conflict counts once, although several fields show it.
    pub count: usize,
}

impl Problems {
    pub fn of(error: &ConfigError) -> Self {
        let mut all = Self {
            count: error.problems.len(),
            ..Self::default()
        };
        for problem in &error.problems {
            let fields: Vec<&FormField> = places(problem)
                .iter()
                .filter_map(|path| field_at(path))
                .collect();
            if fields.is_empty() {
                all.loose.push(problem.kind.to_string());
            }
            for field in fields {
                let words = words(&problem.kind, field);
                let list = all.by_path.entry(field.path().to_owned()).or_default();
                list.push(words);
            }
        }
        all
    }

    /// The problems of a field.
    pub fn at(&self, path: &str) -> &[String] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    /// The paths of the fields that have problems, in the order of the form.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        let all = in_order().iter().map(|field| field.path());
        all.filter(|path| self.by_path.contains_key(*path))
    }
}

/// Why a value cannot stand in a field, in the words that the form says at it.
pub fn why_not(error: &ConfigError, path: &str) -> String {
    let problems = Problems::of(error);
    match problems.at(path) {
        [] => error.to_string(),
        words => words.join("\n"),
    }
}

/// Paths of the fields a problem is about.
fn places(problem: &Problem) -> Vec<String> {
    match &problem.kind {
        ProblemKind::Twice { path, .. }
        | ProblemKind::WrongType { path, .. }
        | ProblemKind::UnknownChoice { path, .. }
        | ProblemKind::OutOfRange { path, .. } => vec![path.clone()],
        ProblemKind::Conflict { fields, .. } => {
            fields.iter().map(|(path, _)| path.clone()).collect()
        }
        _ => match &problem.place {
            Place::Flag(text) => {
                let path = text.split_once('=').map(|(path, _)| path.trim().to_owned());
                path.into_iter().collect()
            }
            _ => Vec::new(),
        },
    }
}

/// The program's own words, without what one sees at the field anyway.
fn words(kind: &ProblemKind, field: &FormField) -> String {
    let whole = kind.to_string();
    match kind {
        ProblemKind::WrongType { path, value, .. }
        | ProblemKind::UnknownChoice { path, value, .. }
        | ProblemKind::OutOfRange { path, value, .. }
            if path == field.path() =>
        {
            let seen = format!("{path} = {value}: ");
            whole.strip_prefix(&seen).unwrap_or(&whole).to_owned()
        }
        // How `--set` is written helps nobody here.
        ProblemKind::Override { reason } => {
            format!("{reason}; expected {}", field.field.type_name)
        }
        _ => whole,
    }
}
