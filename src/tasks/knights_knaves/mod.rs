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
pub mod generate;
pub mod grade;
pub mod short;
pub mod statement;
pub mod text;
mod tuples;

#[cfg(test)]
mod tests;

pub use statement::{MAX_PEOPLE, Statement, id, solutions};
pub use tuples::{StatementError, write_all};

use std::ops::RangeInclusive;

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use serde::{Deserialize, Serialize};

use self::demonstration::{Order, search};
use self::generate::Limits;
use super::draw::{check_range, draw, open_levels};
use super::{Perturbation, Problem, Reward, Split, Task, TaskError, tags};
use crate::config::{Layout, TaskConfig};
use crate::rng::{Purpose, Stream, stream};

/// Numbers of inhabitants there are.
const LEVELS: RangeInclusive<u32> = 2..=8;

/// What stands before the answer of a compact English completion.
const CONCLUSION: &str = "CONCLUSION:";

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

/// The wording of puzzles, reasoning and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// The published English ([`text`]).
    English,
    /// The short formal one ([`short`]).
    Short,
}

/// A puzzle with everything that its wording depends on.
#[derive(Clone, Debug)]
pub struct Puzzle {
    /// What person i is called.
    pub names: Vec<String>,
    /// What person i says.
    pub statements: Vec<Statement>,
    /// Whether person i is a knight.
    pub solution: Vec<bool>,
    /// Which of [`text::TEMPLATES`] introduces person i's statement.
    pub templates: Vec<usize>,
    /// The order in which people speak.
    pub order: Vec<usize>,
}

/// How a [`Puzzle`] is kept in [`Problem::payload`].
#[derive(Serialize, Deserialize)]
struct Payload {
    names: Vec<String>,
    /// In the published form.
    statements: String,
    solution: Vec<bool>,
    templates: Vec<usize>,
    order: Vec<usize>,
}

impl Puzzle {
    /// The puzzle a problem was made from; `None` where the problem is not of this task.
    pub fn of(problem: &Problem) -> Option<Self> {
        let payload: Payload = serde_json::from_value(problem.payload.clone()).ok()?;
        let Payload {
            names,
            statements,
            solution,
            templates,
            order,
        } = payload;
        let statements = Statement::parse_all(&statements).ok()?;
        let people = statements.len();
        let fits = names.len() == people && solution.len() == people;
        fits.then_some(Self {
            names,
            statements,
            solution,
            templates,
            order,
        })
    }

    /// The puzzle as [`Problem::payload`].
    pub fn payload(&self) -> serde_json::Value {
        serde_json::to_value(Payload {
            names: self.names.clone(),
            statements: write_all(&self.statements),
            solution: self.solution.clone(),
            templates: self.templates.clone(),
            order: self.order.clone(),
        })
        .expect("numbers and text have a JSON form")
    }

    /// What is asked.
    pub fn prompt(&self, wording: Wording, layout: Layout) -> String {
        match (wording, layout) {
            (Wording::Short, _) => short::quiz(&self.names, &self.statements, &self.order),
            (Wording::English, Layout::Compact) => self.quiz(),
            (Wording::English, Layout::Tags) => {
                format!("{}\n{}", self.quiz(), text::INSTRUCTIONS)
            }
        }
    }

    fn quiz(&self) -> String {
        text::quiz(&self.names, &self.statements, &self.templates, &self.order)
    }

    /// The same puzzle with other names: from the list in English, exchanged ones in short.
    fn renamed(mut self, wording: Wording, random: &mut Stream) -> Self {
        match wording {
            Wording::English => {
                let free: Vec<&str> = text::NAMES
                    .into_iter()
                    .filter(|name| !self.names.iter().any(|other| other == name))
                    .collect();
                self.names = free
                    .sample(random, self.names.len())
                    .map(ToString::to_string)
                    .collect();
            }
            Wording::Short => self.names.shuffle(random),
        }
        self
    }

    /// The same puzzle told in another order.
    fn shuffled(mut self, random: &mut Stream) -> Self {
        self.order.shuffle(random);
        self
    }

    /// The same puzzle with every statement introduced by another template.
    fn reworded(mut self, random: &mut Stream) -> Self {
        for template in &mut self.templates {
            *template += random.random_range(1..text::TEMPLATES.len());
            *template %= text::TEMPLATES.len();
        }
        self
    }
}

impl Wording {
    /// The reference answer.
    pub fn answer(self, names: &[String], solution: &[bool]) -> String {
        match self {
            Self::English => text::answer(names, solution),
            Self::Short => short::answer(names, solution),
        }
    }

    /// Reasoning by cases that leads to the solution, in the canonical order or a random one.
    /// There must be a name for each statement.
    pub fn reasoning(
        self,
        names: &[String],
        statements: &[Statement],
        random: Option<&mut Stream>,
    ) -> String {
        let order = match random {
            None => Order::canonical(statements.len()),
            Some(random) => Order::random(statements.len(), random),
        };
        let steps = search(statements, order);
        match self {
            Self::English => demonstration::in_english(&steps, statements, names),
            Self::Short => demonstration::in_short(&steps, names),
        }
    }

    /// A completion with this reasoning and answer.
    pub fn completion(self, layout: Layout, reasoning: &str, answer: &str) -> String {
        match (self, layout) {
            (_, Layout::Tags) => tags::wrap(reasoning, answer),
            (Self::English, Layout::Compact) => format!("{reasoning}\n{CONCLUSION}\n{answer}"),
            (Self::Short, Layout::Compact) => format!("{reasoning};{answer}"),
        }
    }

    /// The roles that a completion's answer states, if it has one.
    pub fn roles(self, layout: Layout, names: &[String], completion: &str) -> Option<Vec<bool>> {
        self.stated(
            names,
            match (self, layout) {
                (_, Layout::Tags) => tags::answer(completion)?,
                (Self::English, Layout::Compact) => completion.rsplit_once(CONCLUSION)?.1,
                (Self::Short, Layout::Compact) => completion.rsplit_once(';')?.1,
            },
        )
    }

    fn stated(self, names: &[String], answer: &str) -> Option<Vec<bool>> {
        match self {
            Self::English => grade::stated(names, answer),
            Self::Short => grade::stated_short(names, answer),
        }
    }

    /// The reward of a completion: [`grade::tagged_reward`] or [`grade::compact_reward`].
    pub fn score(
        self,
        layout: Layout,
        names: &[String],
        solution: &[bool],
        completion: &str,
        finished: bool,
    ) -> Reward {
        match layout {
            Layout::Tags => grade::tagged_reward(solution, completion, finished, |answer| {
                self.stated(names, answer)
            }),
            Layout::Compact => {
                let roles = self.roles(layout, names, completion);
                grade::compact_reward(solution, roles.as_deref(), finished)
            }
        }
    }

    /// The reasoning path of a completion: what is assumed of whom, in order.
    pub fn path(self, names: &[String], completion: &str) -> Option<String> {
        match self {
            Self::English => grade::assumptions(names, completion),
            Self::Short => grade::assumptions_short(names, completion),
        }
    }
}

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
    /// Checks `[task.knights_knaves]`. A depth of 1 is refused: where people only call each other
    /// knight or knave, the opposite of a solution is one as well, so that none is unique.
    pub fn new(config: &TaskConfig) -> Result<Self, TaskError> {
        let knights_knaves = &config.knights_knaves;
        check_range("task.knights_knaves.depth", knights_knaves.depth, 1..=4)?;
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

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let (names, solution) = Puzzle::of(problem)
            .map(|puzzle| (puzzle.names, puzzle.solution))
            .unwrap_or_default();
        self.wording
            .score(self.layout, &names, &solution, completion, finished)
    }

    fn path(&self, problem: &Problem, completion: &str) -> Option<String> {
        self.wording.path(&Puzzle::of(problem)?.names, completion)
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
