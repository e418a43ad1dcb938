//! Reading a run folder that may still be growing, written by another process, as the events that
//! its session says.
//!
//! The logs are read from where they were left, in slices, and merged by their steps. Resuming a
//! run cuts its logs back; what was read before is then void, and everything is read anew.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde_json::Value;

use super::read::{
    ALARMS, CHANGES, COMPLETIONS, CONFIG, EVALUATIONS, MANIFEST, METRICS, ReadError, name_of,
    parse, parse_manifest, parse_step, torn,
};
use super::tail::Tail;
use crate::config::RunConfig;
use crate::files as fs;
use crate::training::{Alarm, CompletionRecord, EvaluationRecord, Event, StepRecord};

/// A run folder that is being read while it grows.
pub struct Follower {
    folder: PathBuf,
    name: String,
    config_text: String,
    config: RunConfig,
    manifest_text: String,
    manifest: Value,
    logs: [Log; 5],
    /// Of what was read so far: the last step, and the seconds of all.
    step: u64,
    seconds: f64,
    /// Whether the beginning and the end were said.
    began: bool,
    ended: bool,
}

/// What is new since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// The logs were cut back or replaced (the run was resumed or begun anew): everything said
    /// before is void, and the events begin again with the first.
    pub restarted: bool,
    /// `Started` first, as far as the manifest tells. Then `Step`, `Completions`, `Evaluated`,
    /// `Alarm`, `LevelOpened` and `Changed`, about in the order the session said them; completions
    /// of one step and source together, in two parts where they were still being written.
    /// `Finished` comes last, once per end, with the seconds of all steps.
    pub events: Vec<Event>,
    /// Nothing more is there for now.
    pub caught_up: bool,
    /// The configuration in force, where `config.toml` was replaced.
    pub config: Option<RunConfig>,
    /// Whether the manifest says that the run is finished.
    pub finished: bool,
    /// What was left out, in words.
    pub notices: Vec<String>,
}

/// An event of a log and where it belongs among those of the other logs.
struct Entry {
    step: u64,
    /// Within a step: rollouts, the step itself, its alarms, then exams and tests, what they
    /// opened and what was changed before the next step.
    rank: u8,
    event: Event,
}

/// A log and its next entry.
struct Log {
    tail: Tail,
    parse: fn(&str) -> Result<Entry, serde_json::Error>,
    head: Option<Entry>,
}

impl Log {
    fn new(file: &'static str, parse: fn(&str) -> Result<Entry, serde_json::Error>) -> Self {
        Self {
            tail: Tail::new(file),
            parse,
            head: None,
        }
    }

    fn restart(&mut self) {
        self.tail.restart();
        self.head = None;
    }

    /// Reads up to the next entry. False where `left` bytes were not enough to find out whether
    /// there is one.
    fn fill(&mut self, folder: &Path, left: &mut usize) -> Result<bool, ReadError> {
        while self.head.is_none() {
            if let Some(line) = self.tail.line() {
                if !line.trim().is_empty() {
                    let entry = (self.parse)(&line).map_err(|error| ReadError::Line {
                        file: self.tail.file,
                        line: self.tail.number(),
                        reason: error.to_string(),
                    })?;
                    self.head = Some(entry);
                }
                self.tail.pass();
            } else if self.tail.at_end() {
                return Ok(true);
            } else if *left == 0 {
                return Ok(false);
            } else {
                *left -= self.tail.read(folder, *left)?;
            }
        }
        Ok(true)
    }

    /// Takes a last line that has no end as it is: nobody is going to write on.
    fn fill_with_rest(&mut self, notices: &mut Vec<String>) {
        if let Some(rest) = self.tail.take_rest() {
            match (self.parse)(&rest) {
                Ok(entry) => self.head = Some(entry),
                Err(_) => notices.push(torn(self.tail.file, self.tail.number())),
            }
        }
    }
}

impl Follower {
    /// Opens a run folder; nothing is read of its logs yet. Only `config.toml` has to be there.
    ///
    /// # Errors
    /// Where the configuration or the manifest cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let config_text = read(folder, CONFIG, true)?;
        let manifest_text = read(folder, MANIFEST, false)?;
        Ok(Self {
            name: name_of(folder),
            config: config_of(folder, &config_text)?,
            config_text,
            manifest: parse_manifest(&manifest_text)?,
            manifest_text,
            logs: logs(),
            folder: folder.to_path_buf(),
            step: 0,
            seconds: 0.0,
            began: false,
            ended: false,
        })
    }

    /// The run's name: its folder's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration in force when it was last looked at.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// `manifest.json` when it was last looked at; null where there is none.
    pub fn manifest(&self) -> &Value {
        &self.manifest
    }

    /// Looks for what is new, reading at most about `budget` bytes of the logs.
    ///
    /// A line that is not written to its end yet is waited for.
    ///
    /// # Errors
    /// Where a file cannot be opened, or a whole line cannot be read; what came before that line
    /// is said first. The same error comes again until the file is mended.
    pub fn poll(&mut self, budget: usize) -> Result<News, ReadError> {
        let mut news = News::default();
        self.look_at_files(&mut news)?;
        let mut left = budget.max(1);
        loop {
            match self.next(&mut left) {
                Ok(Some(entry)) => self.say(entry.event, &mut news),
                Ok(None) => break,
                Err(error) if news == News::default() => return Err(error),
                // What was found on the way must not be lost: the error comes at the next look.
                Err(_) => return Ok(news),
            }
        }
        let whole = |log: &Log| log.head.is_none() && log.tail.at_end();
        news.caught_up = self.logs.iter().all(whole);
        news.finished = self.is_finished();
        if news.caught_up && news.finished && !self.ended {
            self.end(&mut news);
        }
        Ok(news)
    }

    /// What the session said first, where the manifest tells.
    fn started(&self) -> Option<Event> {
        let manifest = &self.manifest;
        let notices = manifest["notices"].as_array().into_iter().flatten();
        Some(Event::Started {
            parameters: manifest["parameters"].as_u64()?,
            vocabulary: manifest["vocabulary"].as_u64().unwrap_or(0) as usize,
            device: manifest["device"].as_str()?.to_owned(),
            steps: self.config.max_steps,
            notices: notices
                .filter_map(|notice| notice.as_str().map(str::to_owned))
                .collect(),
        })
    }

    fn is_finished(&self) -> bool {
        self.manifest["finished"] == Value::Bool(true)
    }

    /// Reads the configuration and the manifest where they were replaced, and finds out how long
    /// the logs are and whether they are still those that were read.
    fn look_at_files(&mut self, news: &mut News) -> Result<(), ReadError> {
        let manifest_text = read(&self.folder, MANIFEST, false)?;
        let manifest = match manifest_text == self.manifest_text {
            true => None,
            false => Some(parse_manifest(&manifest_text)?),
        };
        let config_text = read(&self.folder, CONFIG, true)?;
        let config = match config_text == self.config_text {
            true => None,
            false => Some(config_of(&self.folder, &config_text)?),
        };
        for log in &mut self.logs {
            news.restarted |= !log.tail.look(&self.folder)?;
        }
        // Nothing fails from here on: no news gets lost.
        if let Some(manifest) = manifest {
            let started = |manifest: &Value| manifest["started_unix"].as_u64();
            let before = started(&self.manifest).zip(started(&manifest));
            news.restarted |= before.is_some_and(|(before, now)| before != now);
            (self.manifest, self.manifest_text) = (manifest, manifest_text);
            self.ended &= self.is_finished();
        }
        if let Some(config) = config {
            (self.config, self.config_text) = (config.clone(), config_text);
            news.config = Some(config);
        }
        if news.restarted {
            self.logs.iter_mut().for_each(Log::restart);
            (self.step, self.seconds) = (0, 0.0);
            (self.began, self.ended) = (false, false);
        }
        if !self.began
            && let Some(started) = self.started()
        {
            self.began = true;
            news.events.push(started);
        }
        Ok(())
    }

    /// The next entry of all logs; none where there is no more, or `left` bytes do not reach it.
    fn next(&mut self, left: &mut usize) -> Result<Option<Entry>, ReadError> {
        for log in &mut self.logs {
            if !log.fill(&self.folder, left)? {
                return Ok(None);
            }
        }
        let waiting = self.logs.iter_mut().filter(|log| log.head.is_some());
        let first =
            waiting.min_by_key(|log| log.head.as_ref().map(|entry| (entry.step, entry.rank)));
        Ok(first.and_then(|log| log.head.take()))
    }

    /// Says an event, completions together with those before them where they belong together.
    fn say(&mut self, event: Event, news: &mut News) {
        if let Event::Step(record) = &event {
            self.step = record.step;
            self.seconds += record.step_time;
        }
        match (news.events.last_mut(), event) {
            (
                Some(Event::Completions { records: before }),
                Event::Completions { records: mut after },
            ) if is_one_piece(before, &after) => before.append(&mut after),
            (_, event) => news.events.push(event),
        }
    }

    fn end(&mut self, news: &mut News) {
        for log in &mut self.logs {
            log.fill_with_rest(&mut news.notices);
        }
        let rest: Vec<Entry> = self.logs.iter_mut().filter_map(|l| l.head.take()).collect();
        for entry in rest {
            self.say(entry.event, news);
        }
        self.ended = true;
        let (step, seconds) = (self.step, self.seconds);
        news.events.push(Event::Finished { step, seconds });
    }
}

fn is_one_piece(before: &[CompletionRecord], after: &[CompletionRecord]) -> bool {
    let last = before.last().zip(after.first());
    last.is_some_and(|(a, b)| a.step == b.step && a.source == b.source)
}

fn logs() -> [Log; 5] {
    [
        Log::new(METRICS, |line| {
            let record: StepRecord = parse_step(line)?;
            let (step, rank) = (record.step, 1);
            let event = Event::Step(Box::new(record));
            Ok(Entry { step, rank, event })
        }),
        Log::new(COMPLETIONS, |line| {
            let record: CompletionRecord = parse(line)?;
            let rank = if record.source == "rollout" { 0 } else { 3 };
            let (step, records) = (record.step, vec![record]);
            let event = Event::Completions { records };
            Ok(Entry { step, rank, event })
        }),
        Log::new(EVALUATIONS, |line| {
            let record: EvaluationRecord = parse(line)?;
            let (step, rank) = (record.step, 4);
            let event = Event::Evaluated(Box::new(record));
            Ok(Entry { step, rank, event })
        }),
        Log::new(ALARMS, |line| {
            let alarm: Alarm = parse(line)?;
            let (step, rank) = (alarm.step, 2);
            let event = Event::Alarm(alarm);
            Ok(Entry { step, rank, event })
        }),
        Log::new(CHANGES, |line| {
            let event: Event = parse(line)?;
            let step = match &event {
                Event::LevelOpened { step, .. } | Event::Changed { step, .. } => *step,
                _ => return Err(serde_json::Error::custom("neither a change nor a level")),
            };
            let rank = 5;
            Ok(Entry { step, rank, event })
        }),
    ]
}

fn config_of(folder: &Path, text: &str) -> Result<RunConfig, ReadError> {
    let mut config = RunConfig::of_run(text, CONFIG, &[])?;
    config.find_from(folder, &[]);
    Ok(config)
}

/// A file that is replaced whole; empty where it is not there and need not be.
fn read(folder: &Path, file: &str, required: bool) -> Result<String, ReadError> {
    let path = folder.join(file);
    match fs::read(&path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if !required && error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ReadError::File {
            path: path.display().to_string(),
            source,
        }),
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
