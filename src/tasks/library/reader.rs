//! Reading files into different problems.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{Loader, Notice, Record, content_id};
use crate::config::BadLines;
use crate::tasks::TaskError;
use crate::tasks::error::{BadRow, shortened};
use crate::tasks::reading::{self, Object};

/// How many reasons a [`Notice::Skipped`] quotes.
const QUOTED_REASONS: usize = 3;

/// Reads files one after another and keeps what is to be told about them.
pub(super) struct Reader<'a> {
    loader: &'a Loader<'a>,
    read: &'a dyn Fn(&Object) -> Result<Record, BadRow>,
    bad_lines: BadLines,
    pub files: Vec<(String, String)>,
    pub notices: Vec<Notice>,
}

/// Different problems, and where each of them is.
#[derive(Default)]
struct Problems {
    records: Vec<Record>,
    /// By id: the place among the records, and the wording of the prompt.
    met: BTreeMap<u64, (usize, u64)>,
}

/// What became of a row.
enum Taken {
    /// A new problem, or another solution of a known one.
    In,
    /// A row that is there already.
    Duplicate,
    /// A known problem in other words. (Other names, say: the right answer may be another one.)
    OtherWords,
    /// The same words as a known problem with this answer.
    Contradicts(String),
}

impl Problems {
    fn take(&mut self, record: Record) -> Taken {
        let wording = content_id(&record.prompt);
        let Some(&(place, known)) = self.met.get(&record.id) else {
            self.met.insert(record.id, (self.records.len(), wording));
            self.records.push(record);
            return Taken::In;
        };
        let earlier = &mut self.records[place];
        if known != wording {
            return Taken::OtherWords;
        }
        if earlier.answer != record.answer {
            return Taken::Contradicts(earlier.answer.clone());
        }
        let mut new = record.solutions;
        new.retain(|solution| !earlier.solutions.contains(solution));
        if new.is_empty() {
            return Taken::Duplicate;
        }
        earlier.solutions.extend(new);
        Taken::In
    }
}

impl<'a> Reader<'a> {
    pub fn new(
        loader: &'a Loader<'a>,
        read: &'a dyn Fn(&Object) -> Result<Record, BadRow>,
        bad_lines: BadLines,
    ) -> Self {
        Self {
            loader,
            read,
            bad_lines,
            files: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// The different problems of several files, without those in `taken`.
    pub fn read_all(
        &mut self,
        files: &[String],
        taken: &BTreeSet<u64>,
    ) -> Result<Vec<Record>, TaskError> {
        let mut problems = Problems::default();
        for file in files {
            let (mut also_in_test, mut duplicates, mut other_words) = (0, 0, 0);
            let mut contradicting: Option<Notice> = None;
            for (line, record) in self.read_file(file)? {
                if taken.contains(&record.id) {
                    also_in_test += 1;
                    continue;
                }
                let answer = record.answer.clone();
                match problems.take(record) {
                    Taken::In => {}
                    Taken::Duplicate => duplicates += 1,
                    Taken::OtherWords => other_words += 1,
                    Taken::Contradicts(earlier) => match &mut contradicting {
                        Some(Notice::Contradicting { lines, .. }) => *lines += 1,
                        _ => {
                            contradicting = Some(Notice::Contradicting {
                                file: file.clone(),
                                lines: 1,
                                line,
                                answer: shortened(&answer),
                                earlier: shortened(&earlier),
                            });
                        }
                    },
                }
            }
            self.notices.extend(contradicting);
            let file = || file.clone();
            let counted = [
                Notice::Duplicates {
                    file: file(),
                    lines: duplicates,
                },
                Notice::SameProblem {
                    file: file(),
                    lines: other_words,
                },
                Notice::AlsoInTest {
                    file: file(),
                    lines: also_in_test,
                },
            ];
            let counts = [duplicates, other_words, also_in_test];
            let found = counted
                .into_iter()
                .zip(counts)
                .filter(|(_, lines)| *lines > 0);
            self.notices.extend(found.map(|(notice, _)| notice));
        }
        Ok(problems.records)
    }

    /// The usable rows of one file, with their lines.
    fn read_file(&mut self, file: &str) -> Result<Vec<(u64, Record)>, TaskError> {
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
                Ok(record) => records.push((line, record)),
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
            let help = "check that it is the right file and that task.kind fits it".to_owned();
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
