//! Problems that come from files: read, made disjoint, put on a shelf per split and level.
//!
//! Problems are told apart by content: a problem's id is a fingerprint of what is asked, and two
//! rows with one id are one problem. Which split a problem is in follows from the files and its id
//! alone, so adding lines to a file moves no other problem:
//!
//! - problems of the test files are the test set;
//! - of the training files' problems, those that are in a test file too are dropped; a tenth by id
//!   ([`Split::of`]) is the exam set and, where there are no test files, another tenth the test set;
//! - the rest is for training.
//!
//! Rows that ask the same in the same words and have the same answer are one problem with several
//! worked solutions, all of which are taught. A row that repeats a solution too, asks the same in
//! other words or contradicts the answer is left out, and counted.

mod notice;
mod reader;

pub use notice::Notice;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::reader::Reader;
use super::error::BadRow;
use super::reading::Object;
use super::{Problem, Split, TaskError, verify};
use crate::config::FilesConfig;

/// Gives a file's bytes by the path in the configuration.
pub type Loader<'a> = dyn Fn(&str) -> Result<Vec<u8>, std::io::Error> + 'a;

/// What one row of a file says, before it has a place in a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Fingerprint of what is asked ([`content_id`] unless the task knows better).
    pub id: u64,
    /// Difficulty, as the task defines it.
    pub level: u32,
    /// What the model is asked.
    pub prompt: String,
    /// The reference answer in normal form.
    pub answer: String,
    /// The worked solution, as the task keeps it. Rows that ask the same are put together, and then
    /// there are several.
    pub solutions: Vec<String>,
    /// What else the task needs to grade: null or an object.
    pub payload: Value,
}

/// The fingerprint of a question: white space and letter case do not count.
pub fn content_id(question: &str) -> u64 {
    crate::rng::fingerprint(&verify::collapse_white_space(question).to_lowercase())
}

/// Where a problem's payload keeps the worked solutions.
const SOLUTIONS: &str = "solutions";

impl Record {
    /// The record as a problem of a split, at a place in it.
    pub fn into_problem(self, split: Split, index: u64) -> Problem {
        let mut payload = self.payload;
        if payload.is_null() {
            payload = json!({});
        }
        payload[SOLUTIONS] = json!(self.solutions);
        Problem {
            id: self.id,
            split,
            level: self.level,
            index,
            prompt: self.prompt,
            answer: self.answer,
            payload,
        }
    }
}

/// The worked solutions of a problem that comes from files; none for one that does not.
pub fn solutions(problem: &Problem) -> Vec<&str> {
    let solutions = problem.payload.get(SOLUTIONS).and_then(Value::as_array);
    let texts = solutions.into_iter().flatten();
    texts.filter_map(Value::as_str).collect()
}

/// A problem's payload with every worked solution changed.
pub fn with_solutions(problem: &Problem, change: impl Fn(&str) -> String) -> Value {
    let mut payload = problem.payload.clone();
    if payload.is_object() {
        let changed: Vec<String> = solutions(problem).into_iter().map(change).collect();
        payload[SOLUTIONS] = json!(changed);
    }
    payload
}

/// The problems of a task that comes from files. Every split has at least one.
#[derive(Clone, Debug)]
pub struct Library {
    /// By split (in the order of [`Split::ALL`]) and level.
    shelves: [BTreeMap<u32, Vec<Problem>>; 3],
    levels: RangeInclusive<u32>,
    files: Vec<(String, String)>,
}

impl Library {
    /// Reads the configured files, each row by `read`, and deals the problems into splits.
    pub fn gather(
        files: &FilesConfig,
        loader: &Loader<'_>,
        read: &dyn Fn(&Object) -> Result<Record, BadRow>,
    ) -> Result<(Self, Vec<Notice>), TaskError> {
        if files.train.is_empty() {
            return Err(TaskError::Config {
                path: "task.files.train",
                value: "[]".to_owned(),
                allowed: "this task reads its problems from files".to_owned(),
                help: "name at least one file".to_owned(),
            });
        }
        let mut reader = Reader::new(loader, read, files.bad_lines);
        let test = reader.read_all(&files.test, &BTreeSet::new())?;
        let train =
            reader.read_all(&files.train, &test.iter().map(|record| record.id).collect())?;
        let Reader {
            files: mut fingerprints,
            mut notices,
            ..
        } = reader;
        // Told in the order of the configuration; the test files had to be read first.
        fingerprints.rotate_left(files.test.len());
        let sets = deal(train, test, files, &mut notices)?;
        notices.extend(several_solutions(&sets[0]));
        Ok((Self::shelve(sets, fingerprints), notices))
    }

    fn shelve(sets: [Vec<Record>; 3], files: Vec<(String, String)>) -> Self {
        let levels = || sets.iter().flatten().map(|record| record.level);
        let levels = levels().min().unwrap_or(1)..=levels().max().unwrap_or(1);
        let mut shelves = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        for ((split, set), shelf) in Split::ALL.into_iter().zip(sets).zip(&mut shelves) {
            for record in set {
                let problems: &mut Vec<Problem> = shelf.entry(record.level).or_default();
                let index = problems.len() as u64;
                problems.push(record.into_problem(split, index));
            }
        }
        Self {
            shelves,
            levels,
            files,
        }
    }

    /// The levels from the lowest to the highest that any problem has. One in between may be empty.
    pub fn levels(&self) -> RangeInclusive<u32> {
        self.levels.clone()
    }

    /// How many problems a split has at a level.
    pub fn len(&self, split: Split, level: u32) -> u64 {
        self.shelf(split)
            .get(&level)
            .map_or(0, |problems| problems.len() as u64)
    }

    /// The problem at `index`, modulo their number. At a level where the split has none it is one
    /// of the nearest level that has some (of two equally near, the easier).
    pub fn problem(&self, split: Split, level: u32, index: u64) -> &Problem {
        let shelf = self.shelf(split);
        let (_, problems) = shelf
            .iter()
            .min_by_key(|(candidate, _)| candidate.abs_diff(level))
            .expect("every split has a problem: `deal` sees to it");
        &problems[(index % problems.len() as u64) as usize]
    }

    /// The largest number of worked solutions that a training problem of a level has; 0 where the
    /// level has none.
    pub fn most_solutions(&self, level: u32) -> u64 {
        let problems = self.shelf(Split::Train).get(&level).into_iter().flatten();
        let most = problems.map(|problem| solutions(problem).len()).max();
        most.unwrap_or(0) as u64
    }

    /// Every problem of a split, by level.
    pub fn problems(&self, split: Split) -> impl Iterator<Item = &Problem> {
        self.shelf(split).values().flatten()
    }

    /// The files read, each with the SHA-256 of its bytes.
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    /// The SHA-256 of all problems with their splits, levels and solutions: equal libraries teach
    /// and test the same, whatever files they were read from.
    pub fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for problem in Split::ALL
            .into_iter()
            .flat_map(|split| self.problems(split))
        {
            let Problem {
                id,
                split,
                level,
                index,
                prompt,
                answer,
                payload,
            } = problem;
            // Debug quotes texts, so that no two lists of fields print alike.
            let line = format!("{id} {split:?} {level} {index} {prompt:?} {answer:?} {payload}\n");
            digest.update(line.as_bytes());
        }
        format!("{:x}", digest.finalize())
    }

    fn shelf(&self, split: Split) -> &BTreeMap<u32, Vec<Problem>> {
        match split {
            Split::Train => &self.shelves[0],
            Split::Exam => &self.shelves[1],
            Split::Test => &self.shelves[2],
        }
    }
}

fn several_solutions(training: &[Record]) -> Option<Notice> {
    let counts = training.iter().map(|record| record.solutions.len() as u64);
    let several: Vec<u64> = counts.filter(|count| *count > 1).collect();
    (!several.is_empty()).then(|| Notice::Several {
        problems: several.len() as u64,
        solutions: several.iter().sum(),
    })
}

/// Deals problems into training, exam and test set, none of which stays empty.
fn deal(
    train: Vec<Record>,
    test: Vec<Record>,
    files: &FilesConfig,
    notices: &mut Vec<Notice>,
) -> Result<[Vec<Record>; 3], TaskError> {
    let found = train.len();
    let has_test_files = !files.test.is_empty();
    let mut sets = [Vec::new(), Vec::new(), test];
    for record in train {
        let set = match Split::of(record.id) {
            Split::Exam => 1,
            Split::Test if !has_test_files => 2,
            Split::Test | Split::Train => 0,
        };
        sets[set].push(record);
    }
    // A handful of problems may leave a tenth of them empty. The problem that moves is chosen by
    // its id, so that the order of lines does not matter.
    let dealt = if has_test_files { 2 } else { 3 };
    while let Some(empty) = sets[..dealt].iter().position(Vec::is_empty) {
        let donor = sets[..dealt]
            .iter_mut()
            .filter(|set| set.len() > 1)
            .max_by_key(|set| set.len())
            .ok_or_else(|| TaskError::TooFew {
                files: files.train.join(", "),
                found,
                needed: if has_test_files {
                    "training and exams need one each that is not in a test file"
                } else {
                    "training, exams and tests need one each"
                },
            })?;
        donor.sort_by_key(|record| std::cmp::Reverse(record.id));
        let moved = donor.pop();
        sets[empty].extend(moved);
        notices.push(Notice::Topped {
            split: Split::ALL[empty],
        });
    }
    Ok(sets)
}

#[cfg(test)]
mod tests;
