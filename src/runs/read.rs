//! Reads a run folder back.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::changes::{self, Change};
use super::drive::FORMAT;
use crate::config::{ConfigError, RunConfig};
use crate::training::{Alarm, CompletionRecord, EvaluationRecord, StepRecord};

/// The resolved configuration.
pub const CONFIG: &str = "config.toml";
/// What is known when a run starts: version, device, seeds, parameter count.
pub const MANIFEST: &str = "manifest.json";
/// One [`StepRecord`] per line.
pub const METRICS: &str = "metrics.jsonl";
/// One [`EvaluationRecord`] per line.
pub const EVALUATIONS: &str = "evaluations.jsonl";
/// One [`CompletionRecord`] per line.
pub const COMPLETIONS: &str = "completions.jsonl";
/// One [`Alarm`] per line.
pub const ALARMS: &str = "alarms.jsonl";
/// Settings that were changed on the way and levels that opened: one event a line.
pub const CHANGES: &str = "changes.jsonl";

/// Everything a run has written.
#[derive(Clone, Debug, PartialEq)]
pub struct RunData {
    pub name: String,
    pub config: RunConfig,
    /// `manifest.json` as it is; null where there is none.
    pub manifest: Value,
    pub steps: Vec<StepRecord>,
    pub evaluations: Vec<EvaluationRecord>,
    pub completions: Vec<CompletionRecord>,
    pub alarms: Vec<Alarm>,
    /// Settings that were changed on the way; `config` is the newest.
    pub changes: Vec<Change>,
    /// What was left out while reading, in words.
    pub notices: Vec<String>,
}

/// The texts of a run folder's files. A file that a run has not written yet is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunFiles<'a> {
    pub config: &'a str,
    pub manifest: &'a str,
    pub metrics: &'a str,
    pub evaluations: &'a str,
    pub completions: &'a str,
    pub alarms: &'a str,
    pub changes: &'a str,
}

/// A run folder that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder or one of its files cannot be opened.
    #[error("{path}: {source}; is this a run folder (with a {CONFIG} in it)?")]
    File {
        path: String,
        source: std::io::Error,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A line that is not what the file holds.
    #[error(
        "{file}:{line}: {reason}; the line was changed or written by another version: \
         restore it, or delete it to read the rest"
    )]
    Line {
        file: &'static str,
        line: usize,
        reason: String,
    },
    /// A folder of another version's format.
    #[error(
        "{MANIFEST}: written by a newer sasr (format {format}; this one reads up to {FORMAT}): use that \
         version, or a newer one"
    )]
    Newer { format: u64 },
}

impl ReadError {
    /// Whether the folder named cannot be meant, rather than what is in it being damaged.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::File { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            Self::Newer { .. } => true,
            Self::Config(_) | Self::Line { .. } => false,
        }
    }
}

impl RunData {
    /// SHA-256 of the run's data files, those for training first; empty of generated tasks.
    pub fn data_sums(&self) -> Vec<String> {
        let files = self.manifest["data"].as_array().into_iter().flatten();
        files
            .filter_map(|file| file[1].as_str().map(str::to_owned))
            .collect()
    }

    /// Reads a run from the texts of its files.
    ///
    /// A process that is killed may leave the last line of a file half written: a last line that
    /// does not end and does not parse is left out, with a notice. Any other bad line is an error.
    ///
    /// # Errors
    /// Where the configuration cannot be used, or a line cannot be read.
    pub fn parse(name: &str, files: &RunFiles) -> Result<Self, ReadError> {
        let mut notices = Vec::new();
        Ok(Self {
            name: name.to_owned(),
            config: RunConfig::of_run(files.config, CONFIG, &[])?,
            manifest: parse_manifest(files.manifest)?,
            steps: lines_by(METRICS, files.metrics, &mut notices, parse_step)?,
            evaluations: lines(EVALUATIONS, files.evaluations, &mut notices)?,
            completions: lines(COMPLETIONS, files.completions, &mut notices)?,
            alarms: lines(ALARMS, files.alarms, &mut notices)?,
            changes: changes::parse(files.changes)?,
            notices,
        })
    }

    /// Reads a run folder. Only `config.toml` has to be there; the run goes by the folder's name.
    ///
    /// # Errors
    /// As [`RunData::parse`], and where a file is there and cannot be opened.
    pub fn open(folder: &std::path::Path) -> Result<Self, ReadError> {
        let read = |file: &str, required: bool| {
            let path = folder.join(file);
            match crate::files::read(&path) {
                // A kill may cut a character in two; what is cut is in the torn last line.
                Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => {
                    Ok(String::new())
                }
                Err(source) => Err(ReadError::File {
                    path: path.display().to_string(),
                    source,
                }),
            }
        };
        let config = read(CONFIG, true)?;
        let [manifest, metrics, evaluations, completions, alarms, changes] =
            [MANIFEST, METRICS, EVALUATIONS, COMPLETIONS, ALARMS, CHANGES]
                .map(|file| read(file, false));
        let mut run = Self::parse(
            &name_of(folder),
            &RunFiles {
                config: &config,
                manifest: &manifest?,
                metrics: &metrics?,
                evaluations: &evaluations?,
                completions: &completions?,
                alarms: &alarms?,
                changes: &changes?,
            },
        )?;
        run.config.find_from(folder, &[]);
        Ok(run)
    }
}

/// The name a run goes by: its folder's.
pub(super) fn name_of(folder: &std::path::Path) -> String {
    let whole = crate::files::canonicalize(folder).ok();
    let name = whole.as_deref().unwrap_or(folder).file_name();
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// A manifest; null where there is none.
pub(super) fn parse_manifest(text: &str) -> Result<Value, ReadError> {
    match text.trim() {
        "" => Ok(Value::Null),
        text => {
            let manifest: Value = serde_json::from_str(text).map_err(|error| ReadError::Line {
                file: MANIFEST,
                line: error.line(),
                reason: error.to_string(),
            })?;
            let format = manifest["format"].as_u64().unwrap_or(1);
            if format > FORMAT.into() {
                return Err(ReadError::Newer { format });
            }
            Ok(manifest)
        }
    }
}

/// What is said of a line that is left out.
pub(super) fn torn(file: &str, line: usize) -> String {
    format!("{file}:{line}: the last line was not written to its end and is left out")
}

pub(super) fn parse<T: DeserializeOwned>(line: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(line)
}

/// A step. JSON has no number that is not finite: such a metric is written as `null`. It is left
/// out, and a loss or gradient norm of that kind is read as NaN, so that the report of a run that
/// diverged can still be drawn.
pub(super) fn parse_step(line: &str) -> Result<StepRecord, serde_json::Error> {
    let error = match parse(line) {
        Ok(step) => return Ok(step),
        Err(error) => error,
    };
    let mut value: Value = parse(line)?;
    let Some(fields) = value.as_object_mut() else {
        return Err(error);
    };
    let lost = |name: &str| fields.get(name).is_some_and(Value::is_null);
    let (loss, grad_norm) = (lost("loss"), lost("grad_norm"));
    fields.retain(|_, value| !value.is_null());
    for (name, is_lost) in [("loss", loss), ("grad_norm", grad_norm)] {
        if is_lost {
            fields.insert(name.into(), Value::from(0.0));
        }
    }
    let mut step: StepRecord = serde_json::from_value(value).map_err(|_| error)?;
    if loss {
        step.loss = f64::NAN;
    }
    if grad_norm {
        step.grad_norm = f64::NAN;
    }
    Ok(step)
}

/// Reads one record per line; empty lines are passed over.
pub(super) fn lines<T: DeserializeOwned>(
    file: &'static str,
    text: &str,
    notices: &mut Vec<String>,
) -> Result<Vec<T>, ReadError> {
    lines_by(file, text, notices, parse)
}

fn lines_by<T>(
    file: &'static str,
    text: &str,
    notices: &mut Vec<String>,
    parse: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<Vec<T>, ReadError> {
    let mut records = Vec::new();
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if line.trim().is_empty() {
            continue;
        }
        match parse(line) {
            Ok(record) => records.push(record),
            // Only the last line can lack its end.
            Err(_) if !line.ends_with('\n') => notices.push(torn(file, number)),
            Err(error) => {
                return Err(ReadError::Line {
                    file,
                    line: number,
                    reason: error.to_string(),
                });
            }
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Method;
    use crate::runs::synthetic::{self, Files};

    fn files() -> (RunData, Files) {
        let run = synthetic::of(Method::Sasr, 1, 40);
        let files = Files::of(&run);
        (run, files)
    }

    #[test]
    fn what_was_written_is_read() {
        let (run, files) = files();
        let read = RunData::parse(&run.name, &files.borrow()).unwrap();
        assert_eq!(read, run);
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_any_other_is_an_error() {
        let (run, mut files) = files();
        let whole = files.metrics.clone();
        // Cut anywhere in the last line.
        let start = whole.trim_end().rfind('\n').unwrap() + 1;
        for cut in [start + 1, start + 20, whole.len() - 2] {
            files.metrics = whole[..cut].to_owned();
            let read = RunData::parse(&run.name, &files.borrow()).unwrap();
            assert_eq!(read.steps, run.steps[..39]);
            assert_eq!(read.notices.len(), 1);
            assert!(
                read.notices[0].starts_with("metrics.jsonl:40:"),
                "{}",
                read.notices[0]
            );
        }
        // The whole last line without its end is a whole record.
        files.metrics = whole.trim_end().to_owned();
        assert_eq!(
            RunData::parse(&run.name, &files.borrow()).unwrap().steps,
            run.steps
        );
        // The same cut in the middle of the file.
        let middle = whole.find('\n').unwrap();
        files.metrics = format!("{}\n{}", &whole[..middle - 5], &whole[middle + 1..]);
        let error = RunData::parse(&run.name, &files.borrow()).unwrap_err();
        assert!(
            matches!(
                error,
                ReadError::Line {
                    file: METRICS,
                    line: 1,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().starts_with("metrics.jsonl:1: "));
    }

    #[test]
    fn numbers_that_are_not_finite_come_back_as_such() {
        let (mut run, mut files) = files();
        run.steps[30].loss = f64::NAN;
        run.steps[30].metrics.insert("kl".into(), f64::INFINITY);
        files.metrics = Files::of(&run).metrics;
        assert!(files.metrics.contains("\"loss\":null"));
        let read = RunData::parse(&run.name, &files.borrow()).unwrap();
        assert!(read.steps[30].loss.is_nan());
        assert!(!read.steps[30].metrics.contains_key("kl"));
        assert_eq!(read.steps[30].grad_norm, run.steps[30].grad_norm);
        assert_eq!(read.steps[31], run.steps[31]);
    }

    #[test]
    fn a_bad_configuration_or_manifest_names_its_place() {
        let (run, mut files) = files();
        files.manifest = "{\n\"version\": }".into();
        let error = RunData::parse(&run.name, &files.borrow()).unwrap_err();
        assert!(
            matches!(
                error,
                ReadError::Line {
                    file: MANIFEST,
                    line: 2,
                    ..
                }
            ),
            "{error}"
        );
        files.manifest.clear();
        assert!(
            RunData::parse(&run.name, &files.borrow())
                .unwrap()
                .manifest
                .is_null()
        );
        files.config = "max_stepps = 4".into();
        let error = RunData::parse(&run.name, &files.borrow()).unwrap_err();
        assert!(error.to_string().contains("max_stepps"), "{error}");
    }

    #[test]
    fn a_folder_is_read_by_its_name() {
        let (run, files) = files();
        let folder = std::env::temp_dir().join(format!("sasr-read-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let missing = RunData::open(&folder).unwrap_err();
        assert!(missing.to_string().contains("config.toml"), "{missing}");
        std::fs::write(folder.join(CONFIG), &files.config).unwrap();
        std::fs::write(folder.join(METRICS), &files.metrics).unwrap();
        let read = RunData::open(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(read.name, folder.file_name().unwrap().to_string_lossy());
        assert_eq!(read.steps, run.steps);
        assert!(read.evaluations.is_empty() && read.manifest.is_null());
    }
}
