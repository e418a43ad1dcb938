//! From TOML text and `--set path=value` to a checked [`RunConfig`].
//!
//! Both are taken apart into single assignments, each with the place it was written at. Every
//! assignment is checked alone (does the field exist, is the type right, is the value in range),
//! then the configuration as a whole; all that is wrong is reported at once. serde's own
//! `deny_unknown_fields` stays behind as a second net.

use std::{collections::BTreeMap, ops::Range};

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::{
    RunConfig, TokenizerKind,
    check::out_of_range,
    error::{ConfigError, Place, Problem, ProblemKind},
    nearest::{nearest_choice, nearest_fields, nearest_table},
    schema::{Kind, Leaf, schema},
};

impl RunConfig {
    /// Reads and checks a configuration: `text` is TOML, `name` is what messages call it (a
    /// file's path), and `overrides` are the texts after `--set`, the last of equal paths winning.
    ///
    /// # Errors
    /// With every problem there is: keys that do not exist, wrong types, values out of range,
    /// values that do not go together. Where the text is not TOML, with that alone.
    pub fn from_toml(text: &str, name: &str, overrides: &[String]) -> Result<Self, ConfigError> {
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            Problem {
                place: place_in(text, name, span.start),
                kind: ProblemKind::Syntax {
                    reason: one_line(error.message()),
                    line: line_at(text, span.start).trim().to_owned(),
                },
            }
        })?;
        let mut reader = Reader::default();
        reader.read_table(&[], table.into_inner(), &Source::File { text, name });
        for assignment in overrides {
            reader.read_override(assignment);
        }
        reader.finish()
    }

    /// [`RunConfig::from_toml`] of a file; without one, of the defaults. Relative paths in the file are
    /// looked for beside it first.
    pub fn load(path: Option<&std::path::Path>, overrides: &[String]) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::from_toml("", "defaults", overrides);
        };
        let name = path.display().to_string();
        let text = Self::read_text(path)?;
        let mut config = Self::from_toml(&text, &name, overrides)?;
        if let Some(folder) = path.parent() {
            config.find_from(folder, overrides);
        }
        Ok(config)
    }
}

impl RunConfig {
    /// The text of a configuration's file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read_text(path: &std::path::Path) -> Result<String, ConfigError> {
        let unreadable = |error: std::io::Error| Problem {
            place: Place::WholeFile(path.display().to_string()),
            kind: ProblemKind::Unreadable {
                reason: error.to_string(),
            },
        };
        Ok(crate::files::read_to_string(path).map_err(unreadable)?)
    }
}

/// Where assignments are being read from.
enum Source<'a> {
    File { text: &'a str, name: &'a str },
    Flag { assignment: &'a str, value: &'a str },
}

impl Source<'_> {
    /// Where the key that starts at byte `start` stands.
    fn place(&self, start: usize) -> Place {
        match self {
            Source::File { text, name } => place_in(text, name, start),
            Source::Flag { assignment, .. } => Place::Flag(clip(assignment)),
        }
    }

    /// The source text of a value. Spans of a flag count from its value.
    fn written(&self, span: Range<usize>) -> String {
        let text = match self {
            Source::File { text, .. } => text,
            Source::Flag { value, .. } => value,
        };
        clip(text.get(span).unwrap_or(text))
    }
}

/// One value given to one field.
struct Assignment {
    /// The path as it was written: the field's own or its alias.
    spelled: String,
    value: Value,
    place: Place,
}

/// Takes texts apart into assignments, and notes what is wrong with them.
#[derive(Default)]
struct Reader {
    /// By path; the key of a table of numbers is a segment of its own, since it may hold dots.
    assignments: BTreeMap<Vec<String>, Assignment>,
    problems: Vec<Problem>,
}

impl Reader {
    fn read_table(&mut self, parents: &[String], table: DeTable, source: &Source) {
        // In the order of the text, so that problems come in that order too.
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let place = source.place(key.span().start);
            let mut path = parents.to_vec();
            path.push(key.into_inner().into_owned());
            let span = value.span();
            self.read_value(path, value.into_inner(), span, place, source);
        }
    }

    fn read_value(
        &mut self,
        path: Vec<String>,
        value: DeValue,
        span: Range<usize>,
        place: Place,
        source: &Source,
    ) {
        let spelled = path.join(".");
        if let Some(leaf) = schema().leaf(&spelled) {
            match (&leaf.kind, value) {
                (Kind::NumberMap, DeValue::Table(table)) => {
                    self.read_table(&path, table, source);
                }
                (_, value) => {
                    let path = leaf.path.split('.').map(str::to_owned).collect();
                    let written = source.written(span);
                    self.assign(path, spelled, leaf, value, written, place);
                }
            }
        } else if let Some(leaf) = map_field(&path) {
            let written = source.written(span);
            self.assign(path, spelled, leaf, value, written, place);
        } else if schema().is_section(&spelled) {
            match value {
                DeValue::Table(table) => self.read_table(&path, table, source),
                _ => self.note(
                    place,
                    ProblemKind::WrongType {
                        value: source.written(span),
                        expected: format!("a section, written [{spelled}]"),
                        path: spelled,
                    },
                ),
            }
        } else {
            self.read_unknown(path, value, place, source);
        }
    }

    /// An unknown table is reported once if its name is a slip; otherwise each of its keys is,
    /// since they may be known in another section.
    fn read_unknown(&mut self, path: Vec<String>, value: DeValue, place: Place, source: &Source) {
        let spelled = path.join(".");
        let nearest = match value {
            DeValue::Table(table) => match nearest_table(&spelled) {
                None if !table.is_empty() => return self.read_table(&path, table, source),
                nearest => nearest.into_iter().collect(),
            },
            _ => nearest_fields(&spelled),
        };
        self.note(
            place,
            ProblemKind::UnknownKey {
                path: clip(&spelled),
                nearest,
            },
        );
    }

    fn read_override(&mut self, assignment: &str) {
        let Some((path, value)) = assignment.split_once('=') else {
            return self.note_override(assignment, "there is no `=` in it".into());
        };
        let path: Vec<String> = path
            .split('.')
            .map(|name| name.trim().trim_matches(['"', '\'']).to_owned())
            .collect();
        if path.iter().any(String::is_empty) {
            return self.note_override(assignment, "its path has an empty part".into());
        }
        let value = value.trim();
        let source = Source::Flag { assignment, value };
        let place = source.place(0);
        // A bare word need not be quoted: `--set device=cpu`.
        let bare = || DeValue::String(value.into());
        let wants_text = schema()
            .leaf(&path.join("."))
            .is_some_and(|leaf| matches!(leaf.kind, Kind::Text | Kind::Choice(_)));
        let (parsed, span) = match DeValue::parse(value) {
            Ok(parsed) if wants_text && !parsed.get_ref().is_str() => (bare(), 0..value.len()),
            Ok(parsed) => {
                let span = parsed.span();
                (parsed.into_inner(), span)
            }
            Err(error) if !wants_text && value.starts_with(['[', '{', '"', '\'']) => {
                let reason = format!(
                    "its value is not valid TOML ({})",
                    one_line(error.message())
                );
                return self.note_override(assignment, reason);
            }
            Err(_) => (bare(), 0..value.len()),
        };
        self.read_value(path, parsed, span, place, &source);
    }

    /// Checks one value alone, and keeps it if nothing is wrong with it.
    fn assign(
        &mut self,
        path: Vec<String>,
        spelled: String,
        leaf: &Leaf,
        value: DeValue,
        written: String,
        place: Place,
    ) {
        if let Some(earlier) = self.assignments.get(&path)
            && earlier.spelled != spelled
            && matches!(earlier.place, Place::File { .. }) == matches!(place, Place::File { .. })
        {
            let alias = leaf.alias.clone().unwrap_or(spelled);
            let path = leaf.path.clone();
            return self.note(place, ProblemKind::Twice { path, alias });
        }
        let named = path.join(".");
        let is_map_entry = leaf.kind == Kind::NumberMap && named != leaf.path;
        let kind = if is_map_entry {
            &Kind::Number
        } else {
            &leaf.kind
        };
        let Some(value) = to_json(value).filter(|value| has_type(value, kind)) else {
            let problem = wrong_type(clip(&named), kind, written);
            return self.note(place, problem);
        };
        // A range of a table of numbers is about the whole table.
        let ranged = if is_map_entry {
            let name = path.last().cloned().unwrap_or_default();
            Value::Object(Map::from_iter([(name, value.clone())]))
        } else {
            value.clone()
        };
        if let Some(problem) = out_of_range(&leaf.path, &ranged, Some(&written)) {
            return self.note(place, problem);
        }
        let assignment = Assignment {
            spelled,
            value,
            place,
        };
        self.assignments.insert(path, assignment);
    }

    /// Puts the assignments together and checks the whole.
    fn finish(mut self) -> Result<RunConfig, ConfigError> {
        let mut tree = Map::new();
        for (path, assignment) in &self.assignments {
            insert(&mut tree, path, assignment.value.clone());
        }
        let mut config = match RunConfig::deserialize(Value::Object(tree)) {
            Ok(config) => config,
            Err(error) => {
                let reason = error.to_string();
                self.note(Place::Value, ProblemKind::Refused { reason });
                return Err(ConfigError {
                    problems: self.problems,
                });
            }
        };
        let kind_given = self.place_of("tokenizer.kind").is_some();
        if !config.model.path.is_empty() && !kind_given {
            config.tokenizer.kind = TokenizerKind::File;
        }
        config.fit_files(|path| self.place_of(path).is_some());
        // A conflict that involves a field already reported may vanish once that one is right.
        let reported: Vec<String> = self
            .problems
            .iter()
            .flat_map(|problem| problem.kind.paths())
            .map(str::to_owned)
            .collect();
        for kind in config.conflicts() {
            let paths = kind.paths();
            if paths
                .iter()
                .any(|path| reported.iter().any(|known| known == path))
            {
                continue;
            }
            let place = paths.iter().find_map(|path| self.place_of(path));
            self.problems.push(Problem {
                place: place.unwrap_or(Place::Value),
                kind,
            });
        }
        ConfigError::unless_empty(self.problems)?;
        Ok(config)
    }

    fn place_of(&self, path: &str) -> Option<Place> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        Some(self.assignments.get(&path)?.place.clone())
    }

    fn note(&mut self, place: Place, kind: ProblemKind) {
        self.problems.push(Problem { place, kind });
    }

    fn note_override(&mut self, assignment: &str, reason: String) {
        let place = Place::Flag(clip(assignment));
        self.note(place, ProblemKind::Override { reason });
    }
}

/// The table of numbers that `path` is an entry of.
fn map_field(path: &[String]) -> Option<&'static Leaf> {
    let (_, parents) = path.split_last()?;
    schema()
        .leaf(&parents.join("."))
        .filter(|leaf| leaf.kind == Kind::NumberMap)
}

fn has_type(value: &Value, kind: &Kind) -> bool {
    let whole = |value: &Value| value.is_i64() || value.is_u64();
    match kind {
        Kind::Switch => value.is_boolean(),
        Kind::Whole => whole(value),
        // Null stands for NaN and the infinities, which the ranges refuse.
        Kind::Number => value.is_number() || value.is_null(),
        Kind::Text => value.is_string(),
        Kind::Choice(choices) => choices.iter().any(|choice| value == choice.value.as_str()),
        Kind::WholeList => value.as_array().is_some_and(|list| list.iter().all(whole)),
        Kind::WholePair => value
            .as_array()
            .is_some_and(|list| list.len() == 2 && list.iter().all(whole)),
        Kind::TextList => value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string)),
        // Its entries are assigned one by one, so the whole never arrives as a value.
        Kind::NumberMap => false,
    }
}

fn wrong_type(path: String, kind: &Kind, written: String) -> ProblemKind {
    match kind {
        Kind::Choice(choices) => {
            let allowed: Vec<String> = choices.iter().map(|choice| choice.value.clone()).collect();
            let word = written.trim_matches(['"', '\'']).to_lowercase();
            ProblemKind::UnknownChoice {
                path,
                nearest: nearest_choice(&word, &allowed),
                value: written,
                allowed,
            }
        }
        _ => ProblemKind::WrongType {
            path,
            value: written,
            expected: kind.describe(),
        },
    }
}

/// `None` for what no field can hold: dates, and integers beyond 64 bits.
fn to_json(value: DeValue) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            match i64::from_str_radix(digits, radix) {
                Ok(number) => number.into(),
                Err(_) => u64::from_str_radix(digits, radix).ok()?.into(),
            }
        }
        // `Value::from` makes null of NaN and the infinities.
        DeValue::Float(number) => Value::from(number.as_str().parse::<f64>().ok()?),
        DeValue::Boolean(value) => value.into(),
        DeValue::Datetime(_) => return None,
        DeValue::Array(values) => values
            .into_iter()
            .map(|value| to_json(value.into_inner()))
            .collect::<Option<Vec<_>>>()?
            .into(),
        DeValue::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| Some((key.into_inner().into(), to_json(value.into_inner())?)))
                .collect::<Option<_>>()?,
        ),
    })
}

/// Sets the value at `path`, making the tables on the way.
fn insert(tree: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            tree.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let table = tree
                .entry(name.clone())
                .or_insert_with(|| Map::new().into());
            if let Value::Object(table) = table {
                insert(table, rest, value);
            }
        }
    }
}

fn place_in(text: &str, name: &str, start: usize) -> Place {
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Place::File {
        name: name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// The line that holds the byte `start`.
fn line_at(text: &str, start: usize) -> &str {
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    text[line_start..].lines().next().unwrap_or("")
}

/// Messages stand on one line each.
fn one_line(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(", ")
}

/// The start of a long text, on one line.
fn clip(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let start: String = line.chars().take(LONGEST).collect();
    format!("{start}…")
}
