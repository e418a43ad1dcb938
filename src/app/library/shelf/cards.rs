//! The list of runs: what can be told of each without reading it whole.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::folders::{folders, is_run, name_of};
use super::following::{Stamp, stamp};
use crate::app::library::RunCard;
use crate::app::presets::{self, Preset};
use crate::app::record::RunKey;
use crate::config::{self, Method, RunConfig};
use crate::files::{self as fs, File};
use crate::runs::changes::{self, Change};
use crate::runs::outcome::Test;
use crate::runs::read::{CHANGES, CONFIG, EVALUATIONS, MANIFEST, METRICS};
use crate::training::EvaluationRecord;

/// Bytes read of a log's end: enough for the final test, level by level, with what came of its samples.
const END: u64 = 2 << 20;

/// Bytes read for the last step alone.
const STEP_END: u64 = 16 * 1024;

/// Fields in which every run differs from its preset.
const OWN_FIELDS: [&str; 3] = ["name", "description", "seed"];

/// The runs there are, each read anew only when its files have changed.
pub struct Cards {
    known: BTreeMap<RunKey, (Stamp, RunCard)>,
    presets: Vec<Preset>,
}

impl Cards {
    pub fn new() -> Self {
        Self {
            known: BTreeMap::new(),
            presets: presets::all(),
        }
    }

    /// Looks through the runs folder: its runs, and those one folder further down. Whether
    /// anything is new.
    ///
    /// # Errors
    /// If the runs folder is there and cannot be read.
    pub fn look(&mut self, runs: &Path) -> io::Result<bool> {
        let mut found: Vec<(RunKey, PathBuf)> = Vec::new();
        for folder in folders(runs)? {
            let name = name_of(&folder);
            if is_run(&folder) {
                found.push((name, folder));
                continue;
            }
            let inner = folders(&folder).unwrap_or_default();
            let members = inner.into_iter().filter(|run| is_run(run));
            found.extend(members.map(|run| (format!("{name}/{}", name_of(&run)), run)));
        }
        let mut changed = found.len() != self.known.len();
        let mut before = std::mem::take(&mut self.known);
        for (key, folder) in found {
            let stamp = stamp(&folder);
            let card = match before.remove(&key) {
                Some((known, card)) if known == stamp => card,
                _ => {
                    changed = true;
                    card(&key, &folder, &stamp, &self.presets)
                }
            };
            self.known.insert(key, (stamp, card));
        }
        Ok(changed)
    }

    /// All runs, newest first.
    pub fn list(&self) -> Vec<RunCard> {
        let cards = self.known.values().map(|(_, card)| card.clone());
        let mut cards: Vec<RunCard> = cards.collect();
        cards.sort_by(|a, b| b.changed.cmp(&a.changed).then(a.key.cmp(&b.key)));
        cards
    }
}

fn card(key: &str, folder: &Path, stamp: &Stamp, presets: &[Preset]) -> RunCard {
    let changed = stamp
        .iter()
        .flatten()
        .filter_map(|(_, changed)| *changed)
        .max();
    let since = changed.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let mut card = RunCard {
        key: key.into(),
        name: name_of(folder),
        description: String::new(),
        method: Method::Sasr,
        seed: 0,
        task: String::new(),
        step: 0,
        max_steps: 0,
        finished: false,
        accuracy: None,
        changed: since.map_or(0, |since| since.as_secs()),
        differences: Vec::new(),
        changes: Vec::new(),
        damaged: None,
    };
    card.damaged = fill(&mut card, folder, presets).err();
    card
}

/// Only what is needed of a step's record.
#[derive(Deserialize)]
struct StepNumber {
    step: u64,
}

fn fill(card: &mut RunCard, folder: &Path, presets: &[Preset]) -> Result<(), String> {
    let text = fs::read(folder.join(CONFIG)).map_err(|error| format!("{CONFIG}: {error}"))?;
    let text = String::from_utf8_lossy(&text);
    let config = RunConfig::of_run(&text, CONFIG, &[]).map_err(|error| error.to_string())?;
    let config = config.unsettled();
    card.method = config.balance.method;
    card.seed = config.seed;
    card.max_steps = config.max_steps;
    card.task = task_name(&config);
    card.differences = differences(&config, presets);
    card.description = config.description;
    card.finished = is_finished(folder)?;
    card.changes = changes_of(folder)?;
    let end_of = |file: &str, most| {
        lines_at_end(&folder.join(file), most).map_err(|error| format!("{file}: {error}"))
    };
    let steps = end_of(METRICS, STEP_END)?;
    if let Some(last) = steps.last() {
        let last: StepNumber = serde_json::from_str(last)
            .map_err(|error| format!("{METRICS}: the last line cannot be read ({error})"))?;
        card.step = last.step;
    }
    card.accuracy = accuracy(&end_of(EVALUATIONS, END)?);
    Ok(())
}

fn is_finished(folder: &Path) -> Result<bool, String> {
    let bytes = match fs::read(folder.join(MANIFEST)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        bytes => bytes.map_err(|error| format!("{MANIFEST}: {error}"))?,
    };
    let manifest: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| format!("{MANIFEST}: {error}"))?;
    Ok(manifest["finished"] == serde_json::Value::Bool(true))
}

/// What was changed on the way; nothing where there is no such log.
fn changes_of(folder: &Path) -> Result<Vec<Change>, String> {
    let text = match fs::read(folder.join(CHANGES)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(|error| format!("{CHANGES}: {error}"))?,
    };
    changes::parse(&String::from_utf8_lossy(&text)).map_err(|error| error.to_string())
}

/// The task's name, as in a configuration.
fn task_name(config: &RunConfig) -> String {
    let kind = serde_json::to_value(config.task.kind).unwrap_or_default();
    kind.as_str().unwrap_or_default().to_owned()
}

/// What sets a configuration apart from the preset it is nearest to.
fn differences(config: &RunConfig, presets: &[Preset]) -> Vec<(String, String, String)> {
    let against = |preset: &Preset| -> Vec<_> {
        let all = config::diff(&preset.config, config).into_iter();
        all.filter(|(path, ..)| !OWN_FIELDS.contains(&path.as_str()))
            .collect()
    };
    presets
        .iter()
        .map(against)
        .min_by_key(Vec::len)
        .unwrap_or_default()
}

/// Greedy accuracy on the final test, or on an exam that is newer.
fn accuracy(lines: &[String]) -> Option<f64> {
    let parse = |line: &String| serde_json::from_str::<EvaluationRecord>(line).ok();
    let records: Vec<EvaluationRecord> = lines.iter().filter_map(parse).collect();
    let tests = ["exam", "final"].map(|kind| Test::latest(&records, kind));
    let newest = tests.into_iter().flatten().max_by_key(|test| test.step)?;
    newest.seen.accuracy()
}

/// Whole lines within the last `most` bytes of a file, and at least the last one; none where there
/// is no file.
fn lines_at_end(path: &Path, most: u64) -> io::Result<Vec<String>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let length = file.metadata()?.len();
    let mut most = most.max(1);
    loop {
        let from = length.saturating_sub(most);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&mut file).take(length - from).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> = text.split('\n').collect();
        // What follows the last line end is not written to its end yet.
        lines.pop();
        if from > 0 && !lines.is_empty() {
            lines.remove(0);
        }
        if from == 0 || !lines.is_empty() {
            let whole = lines.into_iter().filter(|line| !line.trim().is_empty());
            return Ok(whole.map(str::to_owned).collect());
        }
        most = most.saturating_mul(8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_read_in_whole_lines() {
        let path = std::env::temp_dir().join(format!("sasr-end-{}", std::process::id()));
        let read = |text: &str, most| {
            std::fs::write(&path, text).unwrap();
            lines_at_end(&path, most).unwrap()
        };
        assert!(read("", 10).is_empty());
        assert!(read("no end", 10).is_empty());
        assert_eq!(read("one\ntwo\nthr", 100), ["one", "two"]);
        assert_eq!(read("one\ntwo\nthree\n", 7), ["three"]);
        // A line longer than what is looked at first.
        let long = "x".repeat(100);
        assert_eq!(read(&format!("one\n{long}\n"), 10), ["one", &long]);
        std::fs::remove_file(&path).unwrap();
        assert!(lines_at_end(&path, 10).unwrap().is_empty());
    }

    #[test]
    fn a_run_differs_from_the_preset_it_came_from() {
        let presets = presets::all();
        let mut config = presets[2].config.clone();
        (config.seed, config.name) = (9, "mine".into());
        assert!(differences(&config, &presets).is_empty());
        config.balance.gamma = 2.0;
        let differences = differences(&config, &presets);
        assert_eq!(differences.len(), 1);
        assert_eq!(differences[0].0, "balance.gamma");
        assert_eq!(differences[0].2, "2.0");
    }
}
