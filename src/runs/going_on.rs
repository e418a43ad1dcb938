//! With which settings a run goes on: those of its checkpoint, with what may change and was asked for.

use std::path::Path;

use super::changes::{self, Change};
use super::drive::DriveError;
use super::folder::Stopped;
use super::read::CONFIG;
use crate::config::{self, CHANGEABLE, ConfigError, RunConfig, may_change};
use crate::training::{Event, State};

/// How a run goes on.
pub(super) struct Goes {
    pub config: RunConfig,
    /// What is set otherwise than at the checkpoint.
    pub changes: Vec<Event>,
    /// What people should know, in words.
    pub notes: Vec<String>,
}

impl RunConfig {
    /// The configuration in a run's folder for a run that begins anew with it: schedules that were spread
    /// over all of its steps are spread over all it has now.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub(super) fn load_anew(run: &Path, set: &[String]) -> Result<Self, ConfigError> {
        let unsettled = RunConfig::load_run(run, &[])?.unsettled();
        let name = run.join(CONFIG).display().to_string();
        let mut config = RunConfig::from_toml(&unsettled.to_toml()?, &name, set)?;
        config.find_from(run, set);
        Ok(config)
    }

    /// The configuration in a run's folder; see [`RunConfig::of_run`].
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub fn load_run(run: &Path, set: &[String]) -> Result<Self, ConfigError> {
        let path = run.join(CONFIG);
        let text = RunConfig::read_text(&path)?;
        let mut config = RunConfig::of_run(&text, &path.display().to_string(), set)?;
        config.find_from(run, set);
        Ok(config)
    }
}

/// The settings of a run that goes on from a checkpoint.
///
/// `config.toml` holds what was in force when the run was left: the checkpoint's settings and what was
/// changed after it (`changes.jsonl` knows that). Whatever else is in it, somebody wrote there to change
/// the run: it counts as `--set` does. Later changes of a run that goes on from before them fall away, and
/// are named; those that were made right at the checkpoint stay, unless it was `named` to go back to it.
pub(super) fn goes_on(
    run: &Path,
    stopped: &Stopped,
    state: &State,
    set: &[String],
    named: bool,
) -> Result<Goes, DriveError> {
    let mut before = RunConfig::of_run(&state.config, "the checkpoint's configuration", &[])?;
    let mut written = RunConfig::load_run(run, &[])?;
    written.take_unwritten_horizons(&RunConfig::read_text(&run.join(CONFIG))?, &before);
    before.take_paths(&written, |_| false);
    let later: Vec<Change> = changes::parse(&stopped.changes_after()?)?;
    let mut expected = changes::after(&before, &later);
    expected.take_paths(&written, |_| false);
    let by_hand = config::diff(&expected, &written);
    let asked = |path: &str| {
        set.iter()
            .any(|set| set.split('=').next().is_some_and(|p| p.trim() == path))
    };
    let mut all: Vec<String> = Vec::new();
    let mut notes = Vec::new();
    // What is no longer there cannot be asked for.
    let (gone, by_hand): (Vec<_>, Vec<_>) = (by_hand.into_iter())
        .filter(|(path, ..)| !asked(path))
        .partition(|(.., value)| value == config::UNSET);
    for (path, _, value) in &by_hand {
        all.push(format!("{path}={value}"));
        // A run that was renamed is no other for that.
        if path != "name" {
            notes.push(format!(
                "{path} = {value} is taken from {CONFIG}, which was edited"
            ));
        }
    }
    let (stay, fall): (Vec<&Change>, Vec<&Change>) = later
        .iter()
        .filter(|change| !asked(&change.path))
        .partition(|change| !named && change.step == state.step);
    let again = |change: &&Change| format!("{}={}", change.path, change.value);
    all.extend(stay.iter().map(again));
    notes.extend(fall.iter().map(|change| {
        format!(
            "{} was set to {} after step {}, which is after this checkpoint: it is {} again",
            change.path, change.value, change.step, change.before
        )
    }));
    all.extend_from_slice(set);
    let mut config = RunConfig::of_run(&state.config, "the checkpoint's configuration", &all)?;
    config.take_paths(&written, asked);
    same_files(&before, &config)?;
    if config.max_steps < state.step {
        let (asked, made) = (config.max_steps, state.step);
        return Err(DriveError::Shorter { asked, made });
    }
    let differing = config::diff(&before, &config);
    let refused = differing
        .iter()
        .filter(|(path, ..)| may_change(path).is_none());
    let refused: Vec<String> = refused
        .chain(&gone)
        .map(|(path, before, value)| {
            let place = if asked(path) { "--set" } else { CONFIG };
            format!("{place}: {path} = {value} (it is {before})")
        })
        .collect();
    if !refused.is_empty() {
        return Err(DriveError::NotChangeable {
            changes: refused,
            allowed: CHANGEABLE.iter().map(|(path, _)| *path).collect(),
        });
    }
    let changed = |(path, before, value)| Event::Changed {
        step: state.step,
        path,
        before,
        value,
    };
    let told = differing.into_iter().filter(|(path, ..)| path != "name");
    Ok(Goes {
        config,
        changes: told.map(changed).collect(),
        notes,
    })
}

/// Whether the data are those that the run began with, wherever they lie now.
pub(super) fn same_data(
    began: &[(String, String)],
    now: &[(String, String)],
) -> Result<(), DriveError> {
    let mut both = began.iter().zip(now);
    match both.find(|((_, before), (_, after))| before != after) {
        None => Ok(()),
        Some(((began, _), (path, _))) => Err(DriveError::DataChanged {
            path: path.clone(),
            began: began.clone(),
        }),
    }
}

/// Whether the tokenizer's files are those that the run began with, as far as it says which these were. The
/// weights of a model folder do not matter any more: the checkpoint has its own.
pub(super) fn same_tokenizer(
    began: &[(String, String)],
    now: &[(String, String)],
) -> Result<(), DriveError> {
    const FILES: [&str; 3] = [
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    ];
    let differs = |name: &&str| {
        let of = |files: &[(String, String)]| {
            let mut files = files.iter();
            files
                .find(|(file, _)| file == name)
                .map(|(_, sum)| sum.clone())
        };
        of(began) != of(now)
    };
    let changed = FILES.iter().find(|name| !began.is_empty() && differs(name));
    match changed {
        None => Ok(()),
        Some(name) => Err(DriveError::TokenizerChanged {
            name: (*name).to_owned(),
        }),
    }
}

/// As many files for training and for the test as before: a file must not pass from one to the other.
fn same_files(before: &RunConfig, now: &RunConfig) -> Result<(), DriveError> {
    let count = |config: &RunConfig| {
        let files = &config.task.files;
        [files.train.len(), files.test.len()]
    };
    let (began, now) = (count(before), count(now));
    match began == now {
        true => Ok(()),
        false => Err(DriveError::OtherFiles { began, now }),
    }
}
