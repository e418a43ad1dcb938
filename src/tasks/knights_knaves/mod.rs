//! Knights and knaves: who tells the truth?
//!
//! Puzzles are drawn as in the published generator and each has exactly one solution; the level is
//! the number of inhabitants. Two wordings: the published English, and a short formal one for tiny
//! models ([`short`]). Demonstrations reason by cases ([`demonstration`]); the order in which the
//! people are taken makes the path.
//!
//! | wording | layout | completion |
//! |---|---|---|
//! | English | tags | `<think>…</think><answer>(1) Zoey is a knight⏎(2) …</answer>` |
//! | English | compact | `…⏎CONCLUSION:⏎(1) Zoey is a knight⏎(2) …` |
//! | short | tags | `<think>A=k+ B=k!A B=n+</think><answer>A=k B=n</answer>` |
//! | short | compact | `A=k+ B=k!A B=n+;A=k B=n` |

pub mod demonstration;
pub mod follow;
pub mod generate;
pub mod grade;
mod puzzle;
pub mod short;
pub mod statement;
pub mod text;
mod tuples;
mod wording;

#[cfg(test)]
mod tests;

pub use puzzle::Puzzle;
pub use statement::{MAX_PEOPLE, Statement, id, solutions};
pub use tuples::{StatementError, write_all};
pub use wording::Wording;

use std::ops::RangeInclusive;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

use self::generate::Limits;
use self::wording::CONCLUSION;
use super::draw::{check_range, draw, open_levels};
use super::{Perturbation, Problem, Reasoning, Reward, Split, Task, TaskError, tags};
use crate::config::{Layout, TaskConfig};
use crate::rng::{Purpose, Stream, stream};

/// Numbers of inhabitants there are.
const LEVELS: RangeInclusive<u32> = 2..=8;

/// Draws tried until a perturbed puzzle differs from the original.
const SHUFFLES: usize = 16;

const RENAMED: Perturbation = Perturbation {
    name: "renamed",
    description: "The inhabitants have other names.",
};
const SHUFFLED: Perturbation = Perturbation {
    name: "shuffled",
    description: "The inhabitants speak in another order.",
};
const REWORDED: Perturbation = Perturbation {
    name: "reworded",
    description: "Each statement is introduced in other words.",
};

/// The generated task `knights_knaves`.
#[derive(Clone, Debug)]
pub struct KnightsKnaves {
    limits: Limits,
    wording: Wording,
    layout: Layout,
    seed: u64,
    levels: RangeInclusive<u32>,
}

impl KnightsKnaves {
    /// Checks `[task.knights_knaves]`. Statements are at least 2 deep: where people only call each
    /// other knight or knave, the opposite of a solution is one as well, so that none is unique.
    pub fn new(config: &TaskConfig) -> Result<Self, TaskError> {
        let knights_knaves = &config.knights_knaves;
        check_range("task.knights_knaves.depth", knights_knaves.depth, 2..=4)?;
        check_range("task.knights_knaves.width", knights_knaves.width, 2..=4)?;
        let limits = Limits {
            depth: knights_knaves.depth,
            width: knights_knaves.width,
        };
        let wording = if knights_knaves.short {
            Wording::Short
        } else {
            Wording::English
        };
        let blamed = ("task.knights_knaves.depth", limits.depth.to_string());
        let levels = open_levels(config.seed, LEVELS, blamed, |level, random| {
            let (statements, _) = generate::puzzle(level as usize, limits, random)?;
            Some(id(&statements))
        })?;
        Ok(Self {
            limits,
            wording,
            layout: config.layout,
            seed: config.seed,
            levels,
        })
    }

    /// Draws a puzzle of `level` people, with its id.
    fn attempt(&self, level: u32, random: &mut Stream) -> Option<(u64, Puzzle)> {
        let people = level as usize;
        let (statements, solution) = generate::puzzle(people, self.limits, random)?;
        let names: Vec<String> = match self.wording {
            Wording::English => text::NAMES
                .sample(random, people)
                .map(ToString::to_string)
                .collect(),
            Wording::Short => short::NAMES[..people]
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        let templates = (0..people)
            .map(|_| random.random_range(0..text::TEMPLATES.len()))
            .collect();
        let order = (0..people).collect();
        Some((
            id(&statements),
            Puzzle {
                names,
                statements,
                solution,
                templates,
                order,
            },
        ))
    }
}

impl Task for KnightsKnaves {
    fn name(&self) -> &'static str {
        "knights_knaves"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        self.levels.clone()
    }

    fn len(&self, _split: Split, _level: u32) -> Option<u64> {
        None
    }

    fn problem(&self, split: Split, level: u32, index: u64) -> Problem {
        let level = level.clamp(*self.levels.start(), *self.levels.end());
        let (id, puzzle) = draw(self.seed, (split, level, index), |random| {
            self.attempt(level, random)
        });
        Problem {
            id,
            split,
            level,
            index,
            prompt: puzzle.prompt(self.wording, self.layout),
            answer: self.wording.answer(&puzzle.names, &puzzle.solution),
            payload: puzzle.payload(),
        }
    }

    fn demonstration(&self, problem: &Problem, variant: u64) -> String {
        let Some(puzzle) = Puzzle::of(problem) else {
            return String::new();
        };
        let mut random =
            (variant > 0).then(|| stream(self.seed, Purpose::Demonstration, problem.id, variant));
        let reasoning = self
            .wording
            .reasoning(&puzzle.names, &puzzle.statements, random.as_mut());
        self.wording
            .completion(self.layout, &reasoning, &problem.answer)
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        &grade::REWARD_PARTS
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let (names, solution) = Puzzle::of(problem)
            .map(|puzzle| (puzzle.names, puzzle.solution))
            .unwrap_or_default();
        self.wording
            .score(self.layout, &names, &solution, completion, finished)
    }

    fn reasoning(&self, problem: &Problem, completion: &str, finished: bool) -> Reasoning {
        match Puzzle::of(problem) {
            Some(Puzzle {
                names, statements, ..
            }) => self
                .wording
                .judge(self.layout, &names, &statements, completion, finished),
            None => Reasoning::NotJudged,
        }
    }

    fn answer(&self, problem: &Problem, completion: &str) -> Option<String> {
        let names = Puzzle::of(problem)?.names;
        let roles = self.wording.roles(self.layout, &names, completion)?;
        Some(self.wording.answer(&names, &roles))
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        match self.wording {
            Wording::English => &[RENAMED, SHUFFLED, REWORDED],
            Wording::Short => &[RENAMED, SHUFFLED],
        }
    }

    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem> {
        let puzzle = Puzzle::of(problem)?;
        let known = self
            .perturbations()
            .iter()
            .find(|known| known.name == perturbation)?;
        let mut random = stream(self.seed, Purpose::Perturbation, problem.id, variant);
        (0..SHUFFLES).find_map(|_| {
            let changed = match known.name {
                "renamed" => puzzle.clone().renamed(self.wording, &mut random),
                "shuffled" => puzzle.clone().shuffled(&mut random),
                _ => puzzle.clone().reworded(&mut random),
            };
            let prompt = changed.prompt(self.wording, self.layout);
            (prompt != problem.prompt).then(|| Problem {
                prompt,
                answer: self.wording.answer(&changed.names, &changed.solution),
                payload: changed.payload(),
                ..problem.clone()
            })
        })
    }

    fn vocabulary_sample(&self) -> Vec<String> {
        let mut sample = vec!["0 1 2 3 4 5 6 7 8 9".to_string()];
        match self.wording {
            Wording::Short => {
                let signs: Vec<String> = format!("{}+", short::SIGNS)
                    .chars()
                    .map(String::from)
                    .collect();
                sample.extend([short::NAMES.join(" "), signs.join(" ")]);
            }
            Wording::English => {
                sample.extend([text::NAMES.join(" "), text::TEMPLATES.join(" ")]);
                sample.push(text::INSTRUCTIONS.into());
                sample.push(format!("\n{CONCLUSION}\n()"));
            }
        }
        if self.layout == Layout::Tags {
            sample.extend(tags::TAGS.map(String::from));
        }
        // Every other word comes from the puzzles and their reasoning.
        for level in self.levels() {
            for index in 0..8 {
                let problem = self.problem(Split::Train, level, index);
                sample.push(self.demonstration(&problem, index));
                sample.push(problem.prompt);
            }
        }
        sample
    }
}
