//! What is being written: a preset and the texts typed over its values. It becomes a configuration
//! the way the command line does, so that what is right and wrong is the same there and here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::train_line;
use super::fields::{field_at, form};
use super::problems::Problems;
use super::value::stepped;
use crate::app::presets::{self, Preset};
use crate::config::{ProblemKind, RunConfig, TaskKind, diff};

/// The settings that others have their defaults by, and these.
const KIND: &str = "task.kind";
const FOLLOWED: [&str; 4] = [
    KIND,
    "task.files.train",
    "task.files.test",
    "task.files.level_key",
];
const FITTED: [&str; 3] = [
    "task.demonstrations",
    "curriculum.levels",
    "curriculum.start",
];

/// A preset and what was changed in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Draft {
    /// The preset's file.
    file: String,
    /// By path, the text in the form where it is not the preset's.
    edits: BTreeMap<String, String>,
}

/// A preset made ready to be changed.
pub(super) struct Base {
    pub preset: Preset,
    /// Its complete configuration.
    toml: String,
    /// By path, what the form shows.
    texts: BTreeMap<String, String>,
}

/// A field whose value is not the preset's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Of the field, or of an entry of its table.
    pub path: String,
    /// The preset's value.
    pub there: String,
    pub here: String,
}

/// What a draft comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Checked {
    /// The configuration, where nothing is wrong.
    pub config: Option<RunConfig>,
    pub problems: Problems,
    pub changes: Vec<Change>,
    /// The paths of the fields that are changed.
    pub changed: BTreeSet<String>,
    /// The command line, where nothing is wrong.
    pub command: String,
}

impl Default for Draft {
    fn default() -> Self {
        Self::from_preset(bases()[0].preset.file)
    }
}

impl Draft {
    /// A preset as it is.
    pub fn from_preset(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            edits: BTreeMap::new(),
        }
    }

    /// A configuration as changes to the preset that it differs least from.
    pub fn of(config: &RunConfig) -> Self {
        let texts = texts(config);
        let over = |base: &Base| Self {
            file: base.preset.file.to_owned(),
            edits: texts
                .iter()
                .filter(|(path, text)| base.texts.get(*path) != Some(text))
                .map(|(path, text)| (path.clone(), text.clone()))
                .collect(),
        };
        let drafts = bases().iter().map(over);
        drafts
            .min_by_key(|draft| draft.edits.len())
            .unwrap_or_default()
    }

    /// The preset; the first one where a kept draft names one that is gone.
    pub fn base(&self) -> &'static Base {
        let named = bases().iter().find(|base| base.preset.file == self.file);
        named.unwrap_or(&bases()[0])
    }

    /// The same changes to another preset.
    pub fn moved_to(&self, file: &str) -> Self {
        let mut moved = Self::from_preset(file);
        for (path, text) in &self.edits {
            moved.set(path, text.clone());
        }
        moved
    }

    pub fn has_edits(&self) -> bool {
        self.known_edits().next().is_some()
    }

    /// The edits, without those of fields that only an earlier version had.
    fn known_edits(&self) -> impl Iterator<Item = (&String, &String)> {
        let edits = self.edits.iter();
        edits.filter(|(path, _)| field_at(path).is_some())
    }

    /// A field's text in the form.
    pub fn text(&self, path: &str) -> &str {
        match self.edits.get(path) {
            Some(text) => text,
            None => self.preset_text(path),
        }
    }

    /// A field's text in the preset.
    pub fn preset_text(&self, path: &str) -> &'static str {
        self.base().texts.get(path).map_or("", String::as_str)
    }

    /// Writes a field; the preset's own text is no change.
    pub fn set(&mut self, path: &str, text: String) {
        let before = FOLLOWED.contains(&path).then(|| self.fitted());
        if text == self.preset_text(path) {
            self.edits.remove(path);
        } else {
            self.edits.insert(path.to_owned(), text);
        }
        if let Some(before) = before {
            self.follow(&before);
        }
    }

    /// Settings with other defaults where a task comes from files take these, unless they were edited or the
    /// preset's file names them: the program does the same.
    fn follow(&mut self, before: &BTreeMap<String, String>) {
        let now = self.fitted();
        for path in FITTED {
            if before[path] != now[path] && self.text(path) == before[path] {
                self.set(path, now[path].clone());
            }
        }
    }

    /// By path, what the form shows of the preset with the task as it is here.
    fn fitted(&self) -> BTreeMap<String, String> {
        let preset = &self.base().preset;
        let mut config = preset.config.clone();
        let default = RunConfig::default();
        if !preset.gives("task.demonstrations") {
            config.task.demonstrations = default.task.demonstrations;
        }
        if !preset.gives("curriculum.levels") {
            config.curriculum.levels = default.curriculum.levels;
        }
        if !preset.gives("curriculum.start") {
            config.curriculum.start = default.curriculum.start;
        }
        if let Ok(kind) = TaskKind::deserialize(Value::String(self.text(KIND).to_owned())) {
            config.task.kind = kind;
        }
        // Whether there are any is all that counts.
        let some = |path: &str| match self.text(path).trim() {
            "" => Vec::new(),
            paths => vec![paths.to_owned()],
        };
        config.task.files.train = some("task.files.train");
        config.task.files.test = some("task.files.test");
        config.task.files.level_key = self.text("task.files.level_key").trim().to_owned();
        config.fit_files(|path| preset.gives(path));
        texts(&config)
    }

    /// Gives a field the preset's value again.
    pub fn reset(&mut self, path: &str) {
        self.set(path, self.preset_text(path).to_owned());
    }

    /// Moves a number by steps, as far as its range lets it.
    pub fn step(&mut self, path: &str, steps: i32, coarse: bool) {
        let Some(field) = field_at(path) else { return };
        let Some(text) = stepped(field.kind, self.text(path), steps, coarse) else {
            return;
        };
        let mut moved = self.clone();
        moved.set(path, text);
        let was_wrong = self.is_wrong_alone(path);
        if was_wrong || !moved.is_wrong_alone(path) {
            *self = moved;
        }
    }

    /// Whether a field's value is wrong whatever the others are.
    fn is_wrong_alone(&self, path: &str) -> bool {
        let only: Vec<String> = self.assignment(path, self.text(path)).into_iter().collect();
        // Of a value that is in range there can only be conflicts.
        RunConfig::from_toml("", "", &only).is_err_and(|error| {
            let conflict = |kind: &_| matches!(kind, ProblemKind::Conflict { .. });
            error
                .problems
                .iter()
                .any(|problem| !conflict(&problem.kind))
        })
    }

    /// The text after `--set` for a field; none for an optional one without a value.
    fn assignment(&self, path: &str, text: &str) -> Option<String> {
        let field = field_at(path)?;
        let unset = field.optional && text.trim().is_empty();
        (!unset).then(|| format!("{path}={}", field.kind.as_override(text)))
    }

    fn overrides(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let edits = self.edits.iter().filter(|(path, _)| wanted(path));
        edits
            .filter_map(|(path, text)| self.assignment(path, text))
            .collect()
    }

    /// What makes the preset's file the configuration on the command line.
    fn words(&self, changed: &BTreeSet<String>, config: &RunConfig) -> Vec<String> {
        let mut words = self.overrides(|path| changed.contains(path));
        let base = self.base();
        // What the form leaves as the preset has it may be fitted there: it has to be said.
        if let Ok(theirs) = RunConfig::from_toml(base.preset.text, base.preset.file, &words) {
            let differing = diff(&theirs, config).into_iter();
            let fitted = differing.filter(|(path, ..)| FITTED.contains(&path.as_str()));
            let said = fitted.filter_map(|(path, ..)| self.assignment(&path, self.text(&path)));
            words.extend(said.collect::<Vec<_>>());
        }
        words
    }

    /// Reads the draft as the program reads a file and its flags.
    pub fn check(&self) -> Checked {
        let base = self.base();
        let file = base.preset.file;
        match RunConfig::from_toml(&base.toml, file, &self.overrides(|_| true)) {
            Ok(config) => {
                let changes: Vec<Change> = diff(&base.preset.config, &config)
                    .into_iter()
                    .map(|(path, there, here)| Change { path, there, here })
                    .collect();
                let changed: BTreeSet<String> = changes
                    .iter()
                    .filter_map(|change| field_at(&change.path))
                    .map(|field| field.path().to_owned())
                    .collect();
                Checked {
                    command: train_line(file, &self.words(&changed, &config)),
                    config: Some(config),
                    problems: Problems::default(),
                    changes,
                    changed,
                }
            }
            // What is wrong has no value to compare, so the texts are.
            Err(error) => Checked {
                problems: Problems::of(&error),
                changes: self
                    .known_edits()
                    .map(|(path, text)| self.typed(path, text))
                    .collect(),
                changed: self.known_edits().map(|(path, _)| path.clone()).collect(),
                ..Checked::default()
            },
        }
    }

    fn typed(&self, path: &str, text: &str) -> Change {
        let or_unset = |text: &str| {
            if text.is_empty() {
                "unset".into()
            } else {
                text.to_owned()
            }
        };
        Change {
            path: path.to_owned(),
            there: or_unset(self.preset_text(path)),
            here: or_unset(text),
        }
    }
}

/// The presets, the one to begin with first.
pub(super) fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(|| {
        let base = |preset: Preset| Base {
            toml: preset.config.to_toml().unwrap_or_default(),
            texts: texts(&preset.config),
            preset,
        };
        presets::all().into_iter().map(base).collect()
    })
}

/// By path, what the form shows of a configuration.
fn texts(config: &RunConfig) -> BTreeMap<String, String> {
    let tree = serde_json::to_value(config).unwrap_or_default();
    let value = |path: &str| -> Option<&Value> {
        path.split('.')
            .try_fold(&tree, |value, name| value.get(name))
    };
    form()
        .iter()
        .map(|field| {
            (
                field.path().to_owned(),
                field.kind.shown(value(field.path())),
            )
        })
        .collect()
}
