//! Reach a target with the given numbers, each used exactly once.
//!
//! The level is how many numbers are given. Numbers and target come from joining the numbers at
//! random, so that there is a solution by construction; every correct expression is accepted.
//!
//! The compact prompt is `3 5 7>22`; its completion does one operation after another, in any order
//! that works, and ends with the expression: `3*5=15 15+7=22;3*5+7`. With tags the prompt is a
//! sentence, the operations are the thought and the expression is the answer.
//!
//! The answer may be written with the signs of print and TeX (`×`, `\times`, `÷`, `−`, an `x` between
//! numbers), in `\boxed{}` and with `= 22` behind it or `22 =` in front; what stands there must be the
//! target.
//!
//! Reasoning holds where every operation is true and done with numbers at hand, the operations lead to
//! the target or leave it within reach, and the answer is right.

mod answer;
mod hand;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::RangeInclusive;

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use serde::{Deserialize, Serialize};

use self::answer::Answer;
use self::hand::{Hand, operations};
use self::tree::Tree;
use super::draw::{check_operators, check_range, draw, open_levels};
use super::expression::{Expression, Rational};
use super::{
    Chain, Flaw, Perturbation, Problem, Reasoning, Reward, Slip, Split, Task, TaskError, tags,
};
use crate::config::{Layout, TaskConfig};
use crate::rng::{Purpose, Stream, fingerprint, stream};

/// How many numbers may be given.
const LEVELS: RangeInclusive<u32> = 2..=6;

/// Random joinings of the numbers among which a demonstration looks for another solution.
const OTHER_SOLUTIONS: usize = 64;

/// Orders tried until shuffled numbers differ from the original.
const SHUFFLES: usize = 16;

const PERTURBATIONS: &[Perturbation] = &[Perturbation {
    name: "shuffled",
    description: "The numbers are given in another order.",
}];

/// What a problem is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Payload {
    /// In the order of the prompt.
    numbers: Vec<u32>,
    target: u32,
    solution: Tree,
}

/// The generated task `countdown`.
#[derive(Clone, Debug)]
pub struct Countdown {
    operators: Vec<char>,
    max_number: u32,
    max_target: u32,
    layout: Layout,
    seed: u64,
    levels: RangeInclusive<u32>,
}

impl Countdown {
    /// Checks `[task.countdown]`. Levels at which a split would be empty are not offered: with
    /// large numbers, multiplication alone and small targets, say, those of many numbers.
    pub fn new(config: &TaskConfig) -> Result<Self, TaskError> {
        let countdown = &config.countdown;
        check_range("task.countdown.max_number", countdown.max_number, 2..=999)?;
        check_range(
            "task.countdown.max_target",
            countdown.max_target,
            1..=u32::MAX,
        )?;
        let mut task = Self {
            operators: check_operators("task.countdown.operators", &countdown.operators, "+-*/")?,
            max_number: countdown.max_number,
            max_target: countdown.max_target,
            layout: config.layout,
            seed: config.seed,
            levels: LEVELS,
        };
        let blamed = (
            "task.countdown.max_target",
            countdown.max_target.to_string(),
        );
        task.levels = open_levels(task.seed, LEVELS, blamed, |level, random| {
            Some(task.attempt(level, random)?.0)
        })?;
        Ok(task)
    }

    /// Draws `level` numbers and a way to join them, with the problem's id.
    fn attempt(&self, level: u32, random: &mut Stream) -> Option<(u64, Payload)> {
        let numbers: Vec<u32> = (0..level)
            .map(|_| random.random_range(1..=self.max_number))
            .collect();
        let (solution, value) = Tree::draw(&numbers, &self.operators, random)?;
        let target = u32::try_from(value)
            .ok()
            .filter(|target| *target <= self.max_target)?;
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        let id = fingerprint(&format!("countdown {}>{target}", spaced(&sorted)));
        Some((
            id,
            Payload {
                numbers,
                target,
                solution,
            },
        ))
    }

    fn prompt(&self, numbers: &[u32], target: u32) -> String {
        match self.layout {
            Layout::Compact => format!("{}>{target}", spaced(numbers)),
            Layout::Tags => {
                let operators: Vec<String> = self.operators.iter().map(char::to_string).collect();
                let [think, end_think, open, close] = tags::TAGS;
                format!(
                    "Reach {target} with the numbers {}. Use each number exactly once; you may \
                     use {} and parentheses. Think inside {think} {end_think}, then write the \
                     expression alone inside {open} {close}.",
                    spaced(numbers),
                    operators.join(" "),
                )
            }
        }
    }

    /// The answer a completion ends with, as it is written there.
    fn answer_text<'a>(&self, completion: &'a str) -> Option<&'a str> {
        match self.layout {
            Layout::Compact => Some(completion.rsplit_once(';')?.1),
            Layout::Tags => tags::answer(completion),
        }
    }

    /// The answer a completion ends with, if it is an expression.
    fn read_answer(&self, completion: &str) -> Option<Answer> {
        Answer::read(self.answer_text(completion)?)
    }

    /// Whether an answer uses exactly the given numbers and allowed operators and is worth the
    /// target, as it may say itself.
    fn is_right(&self, payload: &Payload, answer: &Answer) -> bool {
        let mut given: Vec<u64> = payload
            .numbers
            .iter()
            .map(|&number| number.into())
            .collect();
        let mut used: Vec<u64> = answer
            .expression
            .numbers()
            .into_iter()
            .map(i64::unsigned_abs)
            .collect();
        given.sort_unstable();
        used.sort_unstable();
        let target = Some(Rational::from(i64::from(payload.target)));
        used == given
            && self.allows(&answer.written)
            && answer.expression.value() == target
            && answer.said.iter().all(|said| said.value() == target)
    }

    /// Whether a text has no operators but the allowed ones.
    fn allows(&self, text: &str) -> bool {
        text.chars()
            .all(|sign| !"+-*/".contains(sign) || self.operators.contains(&sign))
    }

    /// Another way to reach the target, if a few random attempts find one.
    fn other_solution(&self, payload: &Payload, random: &mut Stream) -> Option<Tree> {
        (0..OTHER_SOLUTIONS).find_map(|_| {
            let (tree, value) = Tree::draw(&payload.numbers, &self.operators, random)?;
            (value == i64::from(payload.target)).then_some(tree)
        })
    }
}

/// Numbers with a space between them.
fn spaced(numbers: &[u32]) -> String {
    numbers
        .iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

fn payload_of(problem: &Problem) -> Option<Payload> {
    serde_json::from_value(problem.payload.clone()).ok()
}

impl Task for Countdown {
    fn name(&self) -> &'static str {
        "countdown"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        self.levels.clone()
    }

    fn len(&self, _split: Split, _level: u32) -> Option<u64> {
        None
    }

    fn problem(&self, split: Split, level: u32, index: u64) -> Problem {
        let level = level.clamp(*self.levels.start(), *self.levels.end());
        let (id, payload) = draw(self.seed, (split, level, index), |random| {
            self.attempt(level, random)
        });
        let expression = Expression::parse(&payload.solution.to_string());
        Problem {
            id,
            split,
            level,
            index,
            prompt: self.prompt(&payload.numbers, payload.target),
            answer: expression
                .expect("a tree is written as an expression")
                .canonical(),
            payload: serde_json::to_value(payload).expect("numbers and text have a JSON form"),
        }
    }

    /// Variant 0 shows the solution the problem was made from. The others look for another
    /// solution, swap operands that commute and choose the order of independent operations.
    fn demonstration(&self, problem: &Problem, variant: u64) -> String {
        let Some(payload) = payload_of(problem) else {
            return String::new();
        };
        let mut random = stream(self.seed, Purpose::Demonstration, problem.id, variant);
        let mut solution = payload.solution.clone();
        if variant > 0 {
            solution = self
                .other_solution(&payload, &mut random)
                .unwrap_or(solution);
            solution.commute(&mut random);
        }
        let mut lines = Vec::new();
        let mut current = solution.clone();
        loop {
            let ready = current.steps();
            let next = if variant == 0 {
                ready.first()
            } else {
                ready.choose(&mut random)
            };
            let Some((line, reduced)) = next else { break };
            lines.push(line.clone());
            current = reduced.clone();
        }
        let thought = lines.join(" ");
        match self.layout {
            Layout::Compact => format!("{thought};{solution}"),
            Layout::Tags => tags::wrap(&thought, &solution.to_string()),
        }
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        &["format", "answer"]
    }

    /// As in TinyZero: 1 for a right expression, 0.1 for one that can be read, else 0.
    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let answer = self.read_answer(completion);
        let right = |answer: &Answer| {
            payload_of(problem).is_some_and(|payload| self.is_right(&payload, answer))
        };
        let correct = finished && answer.as_ref().is_some_and(right);
        let format = if answer.is_some() { 0.1 } else { 0.0 };
        let part = if correct { 0.9 } else { 0.0 };
        Reward::from_parts(&[("format", format), ("answer", part)], correct)
    }

    /// The operations one by one, then the answer, which must be right and does what they left to
    /// be done. What they leave at hand must be the target, or numbers of which the target can still
    /// be made: operations that lead elsewhere are no reason for the answer.
    ///
    /// The chain is told from others by its answer's expression in normal form: the order of
    /// operands that commute and the order of the operations make no difference. So a chain also
    /// holds whose operations lead to the target by another way than the answer: all of it is true.
    ///
    /// With tags a thought in words is not judged.
    fn reasoning(&self, problem: &Problem, completion: &str, finished: bool) -> Reasoning {
        let thought = match self.layout {
            Layout::Compact => Some(completion.rsplit_once(';').map_or(completion, |(it, _)| it)),
            Layout::Tags => tags::thought_so_far(completion),
        };
        let Some((payload, thought)) = payload_of(problem).zip(thought) else {
            return Reasoning::NotJudged;
        };
        if self.layout == Layout::Tags && Expression::is_prose(thought) {
            return Reasoning::NotJudged;
        }
        let mut lines = operations(thought);
        // What was cut off at the length limit is no step yet.
        let broken_off = match self.layout {
            Layout::Compact => !completion.contains(';'),
            Layout::Tags => completion.ends_with(thought),
        };
        if !finished && broken_off {
            lines.pop();
        }
        let mut hand = Hand::new(&payload.numbers);
        let mut chain = Chain::default();
        for line in lines {
            match hand.operate(&line, |text| self.allows(text)) {
                Ok((step, size)) => chain.push(step, size),
                Err(slip) => return chain.broken(Some(slip)),
            }
        }
        let text = self.answer_text(completion).unwrap_or_default().trim();
        let ended = !text.is_empty() && (finished || self.layout == Layout::Tags);
        if !ended {
            return chain.broken(None);
        }
        let Some(answer) = Answer::read(text) else {
            return chain.broken(Some(Slip::new(text, Flaw::Unreadable)));
        };
        let canonical = answer.expression.canonical();
        if !self.is_right(&payload, &answer) {
            return chain.broken(Some(Slip::new(&canonical, Flaw::MissesTarget)));
        }
        if !chain.steps.is_empty() && !hand.can_reach(payload.target.into(), &self.operators) {
            return chain.broken(Some(Slip::new(&canonical, Flaw::Disagrees)));
        }
        if hand.left_to_do() > 0 {
            chain.push(canonical.clone(), hand.left_to_do());
        }
        Reasoning::Holds(chain.told_apart_by(canonical))
    }

    /// The answer's expression in its normal form.
    fn answer(&self, _problem: &Problem, completion: &str) -> Option<String> {
        Some(self.read_answer(completion)?.expression.canonical())
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        PERTURBATIONS
    }

    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem> {
        let mut payload = payload_of(problem)?;
        if perturbation != "shuffled" {
            return None;
        }
        let mut random = stream(self.seed, Purpose::Perturbation, problem.id, variant);
        let original = payload.numbers.clone();
        for _ in 0..SHUFFLES {
            payload.numbers.shuffle(&mut random);
            if payload.numbers != original {
                return Some(Problem {
                    prompt: self.prompt(&payload.numbers, payload.target),
                    payload: serde_json::to_value(payload).ok()?,
                    ..problem.clone()
                });
            }
        }
        None
    }

    fn vocabulary_sample(&self) -> Vec<String> {
        let mut signs: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        signs.extend(self.operators.iter().map(char::to_string));
        signs.extend(["=", "(", ")"].map(String::from));
        match self.layout {
            Layout::Compact => signs.extend([">", ";"].map(String::from)),
            Layout::Tags => signs.extend(tags::TAGS.map(String::from)),
        }
        let mut sample = vec![signs.join(" ")];
        if self.layout == Layout::Tags {
            sample.push(self.prompt(&[], 0));
        }
        sample
    }
}
