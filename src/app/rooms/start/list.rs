//! Which runs are listed, in which order, and what is said of each.

use std::collections::BTreeSet;

use crate::app::World;
use crate::app::library::RunCard;
use crate::app::record::Motion;

/// A run whose files changed this recently (in seconds) and that is not open is taken to be under
/// way in another program.
const RECENT: u64 = 20;

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A folder of runs: its name and how many are listed.
    Group { name: String, runs: usize },
    /// A run, by its place among the cards.
    Run(usize),
}

/// The lines of the list, kept until what they were made from changes.
#[derive(Default)]
pub struct Rows {
    rows: Vec<Row>,
    made_from: Option<(String, BTreeSet<String>, usize)>,
}

impl Rows {
    /// The runs have changed.
    pub fn forget(&mut self) {
        self.made_from = None;
    }

    pub fn of(&mut self, runs: &[RunCard], filter: &str, folded: &BTreeSet<String>) -> &[Row] {
        let same = self.made_from.as_ref().is_some_and(|(text, folds, count)| {
            text == filter && folds == folded && *count == runs.len()
        });
        if !same {
            self.rows = rows(runs, filter, folded);
            self.made_from = Some((filter.to_owned(), folded.clone(), runs.len()));
        }
        &self.rows
    }
}

/// The runs that pass the filter: single ones first, then those of each folder, all in the order
/// they come in (newest first).
pub fn rows(runs: &[RunCard], filter: &str, folded: &BTreeSet<String>) -> Vec<Row> {
    let words: Vec<String> = filter.split_whitespace().map(str::to_lowercase).collect();
    let mut single = Vec::new();
    let mut groups: Vec<(&str, Vec<Row>)> = Vec::new();
    for (index, run) in runs
        .iter()
        .enumerate()
        .filter(|(_, run)| passes(run, &words))
    {
        let row = Row::Run(index);
        match group(&run.key) {
            None => single.push(row),
            Some(name) => match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((name, vec![row])),
            },
        }
    }
    let mut rows = single;
    for (name, members) in groups {
        rows.push(Row::Group {
            name: name.to_owned(),
            runs: members.len(),
        });
        // What was looked for is not to stay hidden.
        if !folded.contains(name) || !words.is_empty() {
            rows.extend(members);
        }
    }
    rows
}

/// The comparison folder a run is in, if it is in one.
pub fn group(key: &str) -> Option<&str> {
    key.rsplit_once('/').map(|(folder, _)| folder)
}

/// Whether all words are found somewhere in what is known of a run.
fn passes(run: &RunCard, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let method = run.method.name();
    let state = match (&run.damaged, run.finished) {
        (Some(_), _) => "damaged",
        (None, true) => "finished",
        (None, false) => "stopped",
    };
    let mut text = format!(
        "{} {} {method} {} {state} seed {}",
        run.key, run.description, run.task, run.seed
    );
    for (path, _, value) in &run.differences {
        text.push_str(&format!(" {path}={value}"));
    }
    for change in &run.changes {
        text.push_str(&format!(" changed {}={}", change.path, change.before));
    }
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Training,
    Paused,
    /// Another program works on it.
    Elsewhere,
    Finished,
    Stopped,
    Damaged,
}

impl State {
    /// A run's state; `now` in seconds since 1970.
    pub fn of(run: &RunCard, world: &World, now: u64) -> Self {
        let motion = world.records.get(&run.key).map(|record| &record.motion);
        match motion {
            Some(Motion::Here { paused: true }) => return State::Paused,
            Some(Motion::Here { paused: false }) => return State::Training,
            _ if world.live == Some(run.key.as_str()) => return State::Training,
            Some(Motion::Followed) => return State::Elsewhere,
            _ => {}
        }
        match run {
            run if run.damaged.is_some() => State::Damaged,
            run if run.finished => State::Finished,
            run if motion.is_none() && now.saturating_sub(run.changed) < RECENT => State::Elsewhere,
            _ => State::Stopped,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            State::Training => "training",
            State::Paused => "paused",
            State::Elsewhere => "training elsewhere",
            State::Finished => "finished",
            State::Stopped => "stopped",
            State::Damaged => "damaged",
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            State::Training => "This program is training it",
            State::Paused => "It waits; resume it above",
            State::Elsewhere => "Another program seems to be training it; opened, it is followed",
            State::Finished => "All steps are done and the final test was taken",
            State::Stopped => "Not all steps are done; it can be resumed from its last checkpoint",
            State::Damaged => "Something in its folder cannot be read",
        }
    }

    /// Whether somebody works on the run.
    pub fn is_under_way(self) -> bool {
        matches!(self, State::Training | State::Paused | State::Elsewhere)
    }
}

/// How long ago, in words.
pub fn ago(seconds: u64) -> String {
    let (minute, hour, day) = (60, 60 * 60, 24 * 60 * 60);
    let some = |count: u64, unit: &str| match count {
        1 => format!("1 {unit} ago"),
        count => format!("{count} {unit}s ago"),
    };
    match seconds {
        seconds if seconds < minute => "just now".into(),
        seconds if seconds < hour => some(seconds / minute, "minute"),
        seconds if seconds < day => some(seconds / hour, "hour"),
        seconds if seconds < 2 * day => "yesterday".into(),
        seconds if seconds < 14 * day => some(seconds / day, "day"),
        seconds if seconds < 60 * day => some(seconds / (7 * day), "week"),
        seconds if seconds < 365 * day => some(seconds / (30 * day), "month"),
        seconds => some(seconds / (365 * day), "year"),
    }
}

/// What sets a run apart, on one line: the fields' last names and the values, and what was changed on the way.
pub fn differences(run: &RunCard) -> String {
    let short = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let bare = |value: &str| value.trim_matches('"').to_owned();
    let differs = run.differences.iter().map(|(path, _, value)| {
        let name = short(path);
        format!("{name} {}", bare(value))
    });
    let changed = run.changes.iter().map(|change| {
        let (name, before, value) = (
            short(&change.path),
            bare(&change.before),
            bare(&change.value),
        );
        format!("{name} {before} → {value} from step {}", change.step + 1)
    });
    differs.chain(changed).collect::<Vec<_>>().join(" · ")
}

/// A whole number with its thousands apart.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
