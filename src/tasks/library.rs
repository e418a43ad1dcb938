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

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::error::BadRow;
use super::reading::{self, Object};
use super::{Problem, Split, TaskError, verify};
use crate::config::{BadLines, FilesConfig};

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
    /// What the task needs to grade and to demonstrate.
    pub payload: Value,
}

/// The fingerprint of a question: white space and letter case do not count.
pub fn content_id(question: &str) -> u64 {
    crate::rng::fingerprint(&verify::collapse_white_space(question).to_lowercase())
}

/// Something people should know about the data, though the run can go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// Lines left out because they cannot be used (`task.files.bad_lines = "skip"`).
    Skipped {
        file: String,
        lines: u64,
        /// The first few, each with its line number and why.
        first: Vec<String>,
    },
    /// Lines left out because they ask what an earlier line asks.
    Duplicates {
        file: String,
        lines: u64,
        /// How many of them have the earlier line's words but another answer.
        contradicting: u64,
    },
    /// Training lines left out because a test file asks the same.
    AlsoInTest { file: String, lines: u64 },
    /// Few problems: a split that would have been empty got one from the training problems.
    Topped { split: Split },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { file, lines, first } => {
                write!(
                    f,
                    "{file}: {lines} unusable lines left out; {}",
                    first.join("; ")
                )
            }
            Self::Duplicates {
                file,
                lines,
                contradicting,
            } => write!(
                f,
                "{file}: {lines} lines left out that ask what an earlier line asks \
                 ({contradicting} of them contradict its answer)"
            ),
            Self::AlsoInTest { file, lines } => {
                write!(
                    f,
                    "{file}: {lines} lines left out of training that are in a test file too"
                )
            }
            Self::Topped { split } => {
                write!(
                    f,
                    "few problems: one training problem was moved to the {split:?} set"
                )
            }
        }
    }
}

/// How many reasons a [`Notice::Skipped`] quotes.
const QUOTED_REASONS: usize = 3;

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
        let mut reader = Reader {
            loader,
            read,
            bad_lines: files.bad_lines,
            files: Vec::new(),
            notices: Vec::new(),
        };
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
        Ok((Self::shelve(sets, fingerprints), notices))
    }

    fn shelve(sets: [Vec<Record>; 3], files: Vec<(String, String)>) -> Self {
        let levels = || sets.iter().flatten().map(|record| record.level);
        let levels = levels().min().unwrap_or(1)..=levels().max().unwrap_or(1);
        let mut shelves = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
        for ((split, set), shelf) in Split::ALL.into_iter().zip(sets).zip(&mut shelves) {
            for Record {
                id,
                level,
                prompt,
                answer,
                payload,
            } in set
            {
                let problems: &mut Vec<Problem> = shelf.entry(level).or_default();
                let index = problems.len() as u64;
                problems.push(Problem {
                    id,
                    split,
                    level,
                    index,
                    prompt,
                    answer,
                    payload,
                });
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

/// Reads files one after another and keeps what is to be told about them.
struct Reader<'a> {
    loader: &'a Loader<'a>,
    read: &'a dyn Fn(&Object) -> Result<Record, BadRow>,
    bad_lines: BadLines,
    files: Vec<(String, String)>,
    notices: Vec<Notice>,
}

impl Reader<'_> {
    /// The different problems of several files, without those in `taken`.
    fn read_all(
        &mut self,
        files: &[String],
        taken: &BTreeSet<u64>,
    ) -> Result<Vec<Record>, TaskError> {
        let mut records = Vec::new();
        // The wording and the answer of each problem met so far.
        let mut met: BTreeMap<u64, (u64, String)> = BTreeMap::new();
        for file in files {
            let (mut also_in_test, mut repeated, mut contradicting) = (0, 0, 0);
            for record in self.read_file(file)? {
                let wording = content_id(&record.prompt);
                if taken.contains(&record.id) {
                    also_in_test += 1;
                } else if let Some((earlier, answer)) = met.get(&record.id) {
                    repeated += 1;
                    // In other words (other names, say) the right answer may be another one.
                    contradicting += u64::from(*earlier == wording && *answer != record.answer);
                } else {
                    met.insert(record.id, (wording, record.answer.clone()));
                    records.push(record);
                }
            }
            let file = || file.clone();
            if repeated > 0 {
                let notice = Notice::Duplicates {
                    file: file(),
                    lines: repeated,
                    contradicting,
                };
                self.notices.push(notice);
            }
            if also_in_test > 0 {
                self.notices.push(Notice::AlsoInTest {
                    file: file(),
                    lines: also_in_test,
                });
            }
        }
        Ok(records)
    }

    /// The usable rows of one file.
    fn read_file(&mut self, file: &str) -> Result<Vec<Record>, TaskError> {
        let bytes = (self.loader)(file).map_err(|source| TaskError::Open {
            file: file.to_owned(),
            source,
        })?;
        self.files
            .push((file.to_owned(), format!("{:x}", Sha256::digest(&bytes))));
        let mut records = Vec::new();
        let (mut skipped, mut first) = (0, Vec::new());
        for (line, row) in reading::rows(file, &bytes)? {
            match row.and_then(|row| (self.read)(&row)) {
                Ok(record) => records.push(record),
                Err(reason) if self.bad_lines == BadLines::Refuse => {
                    return Err(TaskError::BadLine {
                        file: file.to_owned(),
                        line,
                        reason,
                    });
                }
                Err(reason) => {
                    skipped += 1;
                    if first.len() < QUOTED_REASONS {
                        first.push(format!("line {line}: {reason}"));
                    }
                }
            }
        }
        if records.is_empty() {
            let reason = match first.first() {
                Some(first) => format!("has no usable line, beginning with {first}"),
                None => "is empty".to_owned(),
            };
            let help = "check that it is the right file and that task.kind fits it";
            return Err(TaskError::File {
                file: file.to_owned(),
                reason,
                help,
            });
        }
        if skipped > 0 {
            self.notices.push(Notice::Skipped {
                file: file.to_owned(),
                lines: skipped,
                first,
            });
        }
        Ok(records)
    }
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
