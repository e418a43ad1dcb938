//! Reading several runs side by side, on a thread of its own where there are threads: a run is read
//! anew only when its files have changed, and of several questions that wait only the newest is
//! answered.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
#[cfg(not(target_family = "wasm"))]
use std::sync::mpsc::{Receiver, Sender, channel};

use super::folders::name_of;
use super::following::{Stamp, stamp};
use crate::app::engine::Ticket;
use crate::app::in_full;
use crate::app::library::mouth::Mouth;
use crate::app::library::{Compared, Curves, Found};
use crate::app::record::{Columns, RunKey};
use crate::files::{self as fs, File};
use crate::runs::read::{CONFIG, EVALUATIONS, MANIFEST, METRICS};
use crate::runs::{Comparison, ReadError, RunData, RunFiles};
use crate::training::{StepRecord, exam_means};

/// Bytes of a log read at a time.
const CHUNK: u64 = 4 << 20;

/// A question.
pub struct Asked {
    pub ticket: Ticket,
    /// Keys and folders.
    pub runs: Vec<(RunKey, PathBuf)>,
}

/// A run that was read: its steps without their details, and its curves.
pub struct Known {
    folder: PathBuf,
    stamp: Stamp,
    data: RunData,
    columns: Columns,
}

/// Who answers.
pub enum Comparing {
    #[cfg(not(target_family = "wasm"))]
    Thread(Sender<Asked>),
    Here(Vec<Known>),
}

impl Comparing {
    /// Answers where it is asked.
    pub fn here() -> Self {
        Self::Here(Vec::new())
    }

    /// Has a question answered, now or later.
    pub fn ask(&mut self, asked: Asked, mouth: &Mouth) {
        match self {
            // The thread ends with the library.
            #[cfg(not(target_family = "wasm"))]
            Self::Thread(thread) => drop(thread.send(asked)),
            Self::Here(known) => mouth.say(answer(&asked, known)),
        }
    }
}

/// Starts the thread; it ends when nobody can ask any more.
///
/// # Errors
/// If the system gives no thread.
#[cfg(not(target_family = "wasm"))]
pub fn spawn(mouth: Mouth) -> io::Result<Comparing> {
    let (sender, inbox) = channel();
    std::thread::Builder::new()
        .name("library-compare".into())
        .spawn(move || answer_all(&inbox, &mouth))?;
    Ok(Comparing::Thread(sender))
}

#[cfg(not(target_family = "wasm"))]
fn answer_all(inbox: &Receiver<Asked>, mouth: &Mouth) {
    let mut known: Vec<Known> = Vec::new();
    while let Ok(mut asked) = inbox.recv() {
        while let Ok(newer) = inbox.try_recv() {
            let why = "another comparison was asked for since".into();
            let ticket = std::mem::replace(&mut asked, newer).ticket;
            mouth.say(Found::Refused { ticket, why });
        }
        mouth.say(answer(&asked, &mut known));
    }
}

fn answer(asked: &Asked, known: &mut Vec<Known>) -> Found {
    let ticket = asked.ticket;
    match compare(&asked.runs, known) {
        Ok(compared) => Found::Compared {
            ticket,
            compared: Box::new(compared),
        },
        Err(why) => Found::Refused { ticket, why },
    }
}

fn compare(runs: &[(RunKey, PathBuf)], known: &mut Vec<Known>) -> Result<Compared, String> {
    // Those asked for come first, in their order; what is left of the others is let go.
    for (place, (key, folder)) in runs.iter().enumerate() {
        let now = stamp(folder);
        let same = |run: &Known| run.folder == *folder && run.stamp == now;
        match known.iter().skip(place).position(same) {
            Some(found) => known.swap(place, place + found),
            None => {
                let run = read(folder, now);
                let run = run.map_err(|error| format!("{key}: {}", in_full(&error)))?;
                known.insert(place, run);
            }
        }
    }
    known.truncate(runs.len());
    let data: Vec<RunData> = known.iter().map(|run| run.data.clone()).collect();
    let comparison = Comparison::of(&data).map_err(|error| error.to_string())?;
    let curves = runs.iter().zip(known.iter()).map(|((key, _), run)| Curves {
        run: key.clone(),
        config: run.data.config.clone(),
        columns: run.columns.clone(),
        exams: exam_means(&run.data.evaluations),
    });
    Ok(Compared {
        comparison,
        curves: curves.collect(),
    })
}

/// Reads a run without its completions, which no comparison needs.
fn read(folder: &Path, stamp: Stamp) -> Result<Known, ReadError> {
    let text = |file: &str, required: bool| {
        let path = folder.join(file);
        match fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if !required && error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(source) => Err(cannot_read(&path, source)),
        }
    };
    let config = text(CONFIG, true)?;
    let (manifest, evaluations) = (text(MANIFEST, false)?, text(EVALUATIONS, false)?);
    let files = RunFiles {
        config: &config,
        manifest: &manifest,
        evaluations: &evaluations,
        ..RunFiles::default()
    };
    let mut data = RunData::parse(&name_of(folder), &files)?;
    let mut columns = Columns::default();
    read_steps(folder, &config, |step| {
        columns.push(&step);
        data.steps.push(without_details(step));
    })?;
    Ok(Known {
        folder: folder.to_path_buf(),
        stamp,
        data,
        columns,
    })
}

fn cannot_read(path: &Path, source: io::Error) -> ReadError {
    ReadError::File {
        path: path.display().to_string(),
        source,
    }
}

/// What is left of a step is what its cost is counted from.
fn without_details(step: StepRecord) -> StepRecord {
    StepRecord {
        timing: Default::default(),
        metrics: Default::default(),
        decision: None,
        measured: Vec::new(),
        batch: Vec::new(),
        ..step
    }
}

/// Reads the log of the steps piece by piece: a long one need not fit into memory.
fn read_steps(
    folder: &Path,
    config: &str,
    mut take: impl FnMut(StepRecord),
) -> Result<(), ReadError> {
    let path = folder.join(METRICS);
    let mut file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(|source| cannot_read(&path, source))?,
    };
    let (mut pending, mut passed) = (Vec::new(), 0);
    loop {
        let read = (&mut file).take(CHUNK).read_to_end(&mut pending);
        let at_end = read.map_err(|source| cannot_read(&path, source))? == 0;
        let whole = match pending.iter().rposition(|&byte| byte == b'\n') {
            _ if at_end => pending.len(),
            Some(end) => end + 1,
            None => continue,
        };
        let rest = pending.split_off(whole);
        let text = String::from_utf8_lossy(&pending);
        let files = RunFiles {
            config,
            metrics: &text,
            ..RunFiles::default()
        };
        let part = RunData::parse("", &files).map_err(|error| shifted(error, passed))?;
        part.steps.into_iter().for_each(&mut take);
        passed += text.matches('\n').count();
        pending = rest;
        if at_end {
            return Ok(());
        }
    }
}

/// The same error with its line counted from the beginning of the file.
fn shifted(error: ReadError, passed: usize) -> ReadError {
    match error {
        ReadError::Line { file, line, reason } => ReadError::Line {
            file,
            line: line + passed,
            reason,
        },
        error => error,
    }
}
