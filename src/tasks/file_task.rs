//! One implementation of [`Task`] for everything that comes from files.
//!
//! A [`Format`] knows what a row means, how an answer is graded and how a solution is shown;
//! [`FileTask`] does the rest over a [`Library`].

use std::ops::RangeInclusive;

use super::error::BadRow;
use super::library::{self, Library, Loader, Notice, Record};
use super::reading::Object;
use super::{Perturbation, Problem, Reasoning, Reward, Split, Task, TaskError};
use crate::config::FilesConfig;

/// What is particular about one kind of data file. The methods that [`Task`] has too mean the same.
pub trait Format: Send + Sync {
    /// The task's name, as in the configuration.
    fn name(&self) -> &'static str;

    /// Reads one row.
    fn read(&self, row: &Object) -> Result<Record, BadRow>;

    /// A worked solution in the layout of completions. `solution` is one of the record's; `order`
    /// is 0 for the order it has, and any other where the format can tell others.
    fn demonstration(&self, problem: &Problem, solution: &str, order: u64) -> String;

    /// The parts of the reward, in order.
    fn reward_parts(&self) -> &'static [&'static str];

    /// Grades a completion.
    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward;

    /// What can be said of a completion's reasoning.
    fn reasoning(&self, _problem: &Problem, _completion: &str, _finished: bool) -> Reasoning {
        Reasoning::NotJudged
    }

    /// What tells the reasoning of a completion from others, where it is not judged.
    fn likeness(&self, _problem: &Problem, _completion: &str) -> Option<String> {
        None
    }

    /// The normalised final answer of a completion.
    fn answer(&self, problem: &Problem, completion: &str) -> Option<String>;

    /// The perturbations the format knows.
    fn perturbations(&self) -> &'static [Perturbation];

    /// The problem reworded by the named perturbation.
    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem>;

    /// Texts with the words that perturbations bring in.
    fn perturbation_vocabulary(&self) -> Vec<String>;
}

/// A task whose problems come from files.
#[derive(Clone, Debug)]
pub struct FileTask<F> {
    format: F,
    library: Library,
}

impl<F: Format> FileTask<F> {
    /// Reads the files. A row whose own solution would not earn the full reward counts as a bad
    /// one: it would teach what the grader refuses.
    pub fn load(
        format: F,
        files: &FilesConfig,
        loader: &Loader<'_>,
    ) -> Result<(Self, Vec<Notice>), TaskError> {
        let read = |row: &Object| {
            let record = format.read(row)?;
            check_demonstration(&format, &record)?;
            Ok(record)
        };
        let (library, notices) = Library::gather(files, loader, &read)?;
        Ok((Self { format, library }, notices))
    }

    /// The problems.
    pub fn library(&self) -> &Library {
        &self.library
    }
}

fn check_demonstration<F: Format>(format: &F, record: &Record) -> Result<(), BadRow> {
    let problem = record.clone().into_problem(Split::Train, 0);
    for solution in &record.solutions {
        let demonstration = format.demonstration(&problem, solution, 0);
        let reward = format.score(&problem, &demonstration, true);
        if reward.correct && reward.parts.iter().all(|(_, value)| *value > 0.0) {
            continue;
        }
        return Err(BadRow::Unsound {
            read: match format.answer(&problem, &demonstration) {
                Some(answer) => format!("{answer:?}"),
                None => "none".to_owned(),
            },
            reference: problem.answer,
        });
    }
    Ok(())
}

impl<F: Format> Task for FileTask<F> {
    fn name(&self) -> &'static str {
        self.format.name()
    }

    fn levels(&self) -> RangeInclusive<u32> {
        self.library.levels()
    }

    fn len(&self, split: Split, level: u32) -> Option<u64> {
        Some(self.library.len(split, level))
    }

    fn problem(&self, split: Split, level: u32, index: u64) -> Problem {
        self.library.problem(split, level, index).clone()
    }

    fn solutions(&self, problem: &Problem) -> u64 {
        library::solutions(problem).len().max(1) as u64
    }

    fn demonstrations(&self, level: u32) -> Option<u64> {
        let problems = self.library.len(Split::Train, level);
        Some(problems * self.library.most_solutions(level))
    }

    fn variant(&self, level: u32, index: u64, order: u64) -> u64 {
        let problems = self.library.len(Split::Train, level).max(1);
        let solutions = self.solutions(self.library.problem(Split::Train, level, index));
        order * solutions + index / problems % solutions
    }

    fn demonstration(&self, problem: &Problem, variant: u64) -> String {
        let solutions = library::solutions(problem);
        let count = solutions.len().max(1) as u64;
        let solution = solutions.get((variant % count) as usize);
        let solution = solution.copied().unwrap_or_default();
        self.format
            .demonstration(problem, solution, variant / count)
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        self.format.reward_parts()
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        self.format.score(problem, completion, finished)
    }

    fn reasoning(&self, problem: &Problem, completion: &str, finished: bool) -> Reasoning {
        self.format.reasoning(problem, completion, finished)
    }

    fn likeness(&self, problem: &Problem, completion: &str) -> Option<String> {
        self.format.likeness(problem, completion)
    }

    fn answer(&self, problem: &Problem, completion: &str) -> Option<String> {
        self.format.answer(problem, completion)
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        self.format.perturbations()
    }

    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem> {
        self.format.perturb(problem, perturbation, variant)
    }

    fn vocabulary_sample(&self) -> Vec<String> {
        let mut texts = self.format.perturbation_vocabulary();
        for problem in Split::ALL
            .into_iter()
            .flat_map(|split| self.library.problems(split))
        {
            texts.push(problem.prompt.clone());
            let solutions = library::solutions(problem).into_iter();
            texts.extend(solutions.map(|text| self.format.demonstration(problem, text, 0)));
        }
        texts
    }
}

/// Loads a task from a training and a test file given as text (no test file where it is empty).
#[cfg(test)]
pub(super) fn load_texts<F: Format>(
    format: F,
    files: FilesConfig,
    train: &str,
    test: &str,
) -> Result<(FileTask<F>, Vec<Notice>), TaskError> {
    let mut files = FilesConfig {
        train: vec!["train.jsonl".into()],
        ..files
    };
    if !test.is_empty() {
        files.test = vec!["test.jsonl".into()];
    }
    FileTask::load(format, &files, &|file| {
        Ok(if file == "train.jsonl" { train } else { test }
            .as_bytes()
            .to_vec())
    })
}
