//! What there is to draw from, and the held-out sets.

use std::collections::{BTreeMap, BTreeSet};

use crate::tasks::{Problem, Split, Task};

/// A generator is taken to have run dry after this many indices in a row without a new problem.
const PATIENCE: u64 = 1000;

/// A split or level that cannot be drawn from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurriculumError {
    /// A level that the task does not have.
    #[error(
        "level {level}: the task {task} has levels {lowest} to {highest}; \
         choose curriculum.levels within these"
    )]
    UnknownLevel {
        task: &'static str,
        level: u32,
        lowest: u32,
        highest: u32,
    },
    /// A level without training problems.
    #[error(
        "level {level}: the task {task} has no training problems there; \
         add data for it, or choose other levels"
    )]
    NoProblems { task: &'static str, level: u32 },
}

/// What one level offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// A generator: any index gives a problem.
    Endless,
    /// These indices; never empty.
    Finite(Vec<u64>),
}

/// Training problems by level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    supplies: BTreeMap<u32, Supply>,
}

impl Pool {
    /// The levels of a range, from the lowest to the highest, that have training problems: files may
    /// leave some out, which a range cannot ([`crate::tasks::limits`] tells which). Levels that the
    /// task does not know stay, to be refused.
    ///
    /// # Errors
    /// Where no level has any.
    pub fn levels_of(
        task: &dyn Task,
        [lowest, highest]: [u32; 2],
    ) -> Result<Vec<u32>, CurriculumError> {
        let known = task.levels();
        let some =
            |level: &u32| !known.contains(level) || task.len(Split::Train, *level) != Some(0);
        let levels: Vec<u32> = (lowest..=highest).filter(some).collect();
        match levels.is_empty() {
            true => Err(CurriculumError::NoProblems {
                task: task.name(),
                level: lowest,
            }),
            false => Ok(levels),
        }
    }

    /// What SFT may see: the first `per_level` demonstrations of each level, or all there are where
    /// `per_level` is 0. Of problems with several solutions ([`Task::variant`]) the first solutions
    /// come before the others, so that a limit keeps as many different problems as it can.
    pub fn demonstrations(
        task: &dyn Task,
        levels: impl IntoIterator<Item = u32>,
        per_level: u64,
    ) -> Result<Self, CurriculumError> {
        Self::collect(task, levels, |level| {
            let size = task.len(Split::Train, level);
            let counted = |problem: &Problem| (problem.index, task.solutions(problem));
            let problems: Vec<(u64, u64)> = match (per_level, size) {
                (0, None) => return Supply::Endless,
                (0, Some(size)) => (0..size)
                    .map(|index| counted(&task.problem(Split::Train, level, index)))
                    .collect(),
                (limit, size) => distinct(task, Split::Train, level, size.unwrap_or(limit))
                    .iter()
                    .map(counted)
                    .collect(),
            };
            let places = solutions(&problems, size.unwrap_or(0));
            Supply::Finite(match per_level {
                0 => places.collect(),
                limit => places.take(limit as usize).collect(),
            })
        })
    }

    /// What rollouts are asked: all training problems.
    pub fn prompts(
        task: &dyn Task,
        levels: impl IntoIterator<Item = u32>,
    ) -> Result<Self, CurriculumError> {
        Self::collect(task, levels, |level| all(task, level))
    }

    fn collect(
        task: &dyn Task,
        levels: impl IntoIterator<Item = u32>,
        supply: impl Fn(u32) -> Supply,
    ) -> Result<Self, CurriculumError> {
        let mut supplies = BTreeMap::new();
        for level in levels {
            let known = task.levels();
            if !known.contains(&level) {
                return Err(CurriculumError::UnknownLevel {
                    task: task.name(),
                    level,
                    lowest: *known.start(),
                    highest: *known.end(),
                });
            }
            let supply = supply(level);
            if supply == Supply::Finite(Vec::new()) {
                return Err(CurriculumError::NoProblems {
                    task: task.name(),
                    level,
                });
            }
            supplies.insert(level, supply);
        }
        Ok(Self { supplies })
    }

    /// What `level` offers; `None` where the pool was made without it.
    pub fn supply(&self, level: u32) -> Option<&Supply> {
        self.supplies.get(&level)
    }

    /// Problems at `level`; `None` where they are endless or the pool was made without it.
    pub fn size(&self, level: u32) -> Option<usize> {
        match self.supply(level)? {
            Supply::Endless => None,
            Supply::Finite(indices) => Some(indices.len()),
        }
    }
}

/// The exam of a level: its first `count` exam problems that differ in content (fewer where there
/// are no more).
pub fn exam_problems(task: &dyn Task, level: u32, count: usize) -> Vec<Problem> {
    distinct(task, Split::Exam, level, count as u64)
}

/// The test set of a level, likewise from the test split, which steers nothing.
pub fn test_problems(task: &dyn Task, level: u32, count: usize) -> Vec<Problem> {
    distinct(task, Split::Test, level, count as u64)
}

/// The places of all solutions of some of a level's `size` training problems, which are given by
/// their index and the number of their solutions: first the first solution of each, then the second
/// of those that have one, and so on.
fn solutions(problems: &[(u64, u64)], size: u64) -> impl Iterator<Item = u64> {
    let most = problems.iter().map(|(_, count)| *count).max().unwrap_or(0);
    (0..most).flat_map(move |nth| {
        let having = problems.iter().filter(move |(_, count)| nth < *count);
        having.map(move |(index, _)| nth * size + index)
    })
}

fn all(task: &dyn Task, level: u32) -> Supply {
    match task.len(Split::Train, level) {
        None => Supply::Endless,
        Some(size) => Supply::Finite((0..size).collect()),
    }
}

/// The first `limit` problems of a split and level with ids of their own.
fn distinct(task: &dyn Task, split: Split, level: u32, limit: u64) -> Vec<Problem> {
    let size = task.len(split, level);
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    let mut repeats = 0;
    for index in 0..size.unwrap_or(u64::MAX) {
        let run_dry = size.is_none() && repeats == PATIENCE;
        if problems.len() as u64 == limit || run_dry {
            break;
        }
        let problem = task.problem(split, level, index);
        if seen.insert(problem.id) {
            problems.push(problem);
            repeats = 0;
        } else {
            repeats += 1;
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::tasks::build;

    /// A task from a file with 40 problems of each level.
    fn from_file(levels: &[u32]) -> Box<dyn Task> {
        let text = "[task]\nkind = \"jsonl\"\nfiles = { train = [\"a\"], level_key = \"level\" }\n";
        let config = RunConfig::from_toml(text, "test", &[]).expect("a sound configuration");
        let line = |level: &u32, number: u32| {
            format!(
                "{{\"prompt\": \"{level} {number}\", \"completion\": \"#### 1\", \"level\": {level}}}\n"
            )
        };
        let rows = levels.iter();
        let rows: String = rows
            .flat_map(|level| (0..40).map(move |number| line(level, number)))
            .collect();
        let built = build(&config.task, &|_| Ok(rows.clone().into_bytes()));
        built.expect("good rows").task
    }

    #[test]
    fn levels_that_a_file_leaves_out_are_passed_over() {
        let task = from_file(&[10, 20, 30]);
        assert_eq!(Pool::levels_of(&*task, [10, 30]), Ok(vec![10, 20, 30]));
        assert_eq!(Pool::levels_of(&*task, [11, 29]), Ok(vec![20]));
        let levels = Pool::levels_of(&*task, [10, 30]).expect("three levels");
        let pool = Pool::demonstrations(&*task, levels, 0).expect("problems on each");
        assert!(pool.size(20).is_some_and(|size| size > 20));
        assert_eq!(pool.supply(15), None);
        // Only where nothing is left there is nothing to train on.
        assert_eq!(
            Pool::levels_of(&*task, [11, 19]),
            Err(CurriculumError::NoProblems {
                task: "jsonl",
                level: 11
            })
        );
        // A level beyond those of the file is a mistake.
        let levels = Pool::levels_of(&*task, [30, 31]).expect("for the pool to judge");
        let error = Pool::prompts(&*task, levels).expect_err("there is no level 31");
        assert!(error.to_string().contains("levels 10 to 30"), "{error}");
    }
}
