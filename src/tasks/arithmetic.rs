//! Chains of operations on small numbers, reduced one operation at a time.
//!
//! The prompt is the expression, `3+4-9+2`; the level is its number of operations. A completion
//! writes what is left after each operation, in any valid order: `=7-9+2=-2+2=0`. The answer is
//! what follows the last `=`. With tags: `<think>7-9+2=-2+2=0</think><answer>0</answer>`.
//!
//! In a chain of `+` and `-` any two neighbours may be joined, each with its sign; `*` and
//! parentheses decide which operations are ready first (see [`Expression::reductions`]).

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};

use super::draw::{check_operators, check_range, draw, open_levels};
use super::expression::Expression;
use super::{
    Chain, Flaw, Perturbation, Problem, Reasoning, Reward, Slip, Split, Task, TaskError, tags,
    verify,
};
use crate::config::{Layout, TaskConfig};
use crate::rng::{Purpose, Stream, fingerprint, stream};

/// Numbers of operations there are.
const LEVELS: RangeInclusive<u32> = 1..=12;

/// Expressions whose reduction could pass through larger numbers than this are not asked.
const MAX_MAGNITUDE: i64 = 1_000_000_000_000;

/// Orders tried until a perturbed expression differs from the original.
const SHUFFLES: usize = 16;

const PERTURBATIONS: &[Perturbation] = &[
    Perturbation {
        name: "commuted",
        description: "Terms and factors stand in another order.",
    },
    Perturbation {
        name: "spaced",
        description: "Operators have spaces around them.",
    },
];

/// The generated task `arithmetic`.
#[derive(Clone, Debug)]
pub struct Arithmetic {
    operators: Vec<char>,
    max_operand: u32,
    parentheses: f64,
    layout: Layout,
    seed: u64,
    levels: RangeInclusive<u32>,
}

impl Arithmetic {
    /// Checks `[task.arithmetic]`. Levels at which a split would be empty are not offered; with
    /// `*` alone, these are the high ones, whose numbers grow too large.
    pub fn new(config: &TaskConfig) -> Result<Self, TaskError> {
        let arithmetic = &config.arithmetic;
        check_range(
            "task.arithmetic.max_operand",
            arithmetic.max_operand,
            1..=999,
        )?;
        check_range(
            "task.arithmetic.parentheses",
            arithmetic.parentheses,
            0.0..=1.0,
        )?;
        let mut task = Self {
            operators: check_operators("task.arithmetic.operators", &arithmetic.operators, "+-*")?,
            max_operand: arithmetic.max_operand,
            parentheses: arithmetic.parentheses,
            layout: config.layout,
            seed: config.seed,
            levels: LEVELS,
        };
        let blamed = (
            "task.arithmetic.max_operand",
            arithmetic.max_operand.to_string(),
        );
        task.levels = open_levels(task.seed, LEVELS, blamed, |level, random| {
            Some(task.attempt(level, random)?.0)
        })?;
        Ok(task)
    }

    /// Draws an expression of `level` operations, with its id.
    fn attempt(&self, level: u32, random: &mut Stream) -> Option<(u64, Expression)> {
        let operand = |random: &mut Stream| random.random_range(0..=self.max_operand).to_string();
        let mut operands = vec![operand(random)];
        let mut operators = Vec::new();
        for _ in 0..level {
            operators.push(*self.operators.choose(random)?);
            operands.push(operand(random));
        }
        // Parentheses join two neighbours into one operand; the last operation needs none.
        let wanted = (0..level)
            .filter(|_| random.random_bool(self.parentheses))
            .count();
        for _ in 0..wanted.min(operators.len() - 1) {
            let place = random.random_range(0..operators.len());
            let (operator, right) = (operators.remove(place), operands.remove(place + 1));
            operands[place] = format!("({}{operator}{right})", operands[place]);
        }
        let mut text = operands[0].clone();
        for (operator, operand) in operators.iter().zip(&operands[1..]) {
            text.push(*operator);
            text.push_str(operand);
        }
        let expression = Expression::parse(&text)?;
        let small = expression
            .magnitude()
            .is_some_and(|magnitude| magnitude <= MAX_MAGNITUDE);
        small.then(|| {
            (
                fingerprint(&format!("arithmetic {}", expression.canonical())),
                expression,
            )
        })
    }

    /// The lines of reasoning in a completion, the answer last, as far as they are whole; `None`
    /// where there is no reasoning in signs.
    fn lines<'a>(&self, completion: &'a str, finished: bool) -> Option<Vec<&'a str>> {
        let (reasoning, answer) = match self.layout {
            Layout::Compact => (completion, None),
            Layout::Tags => (tags::thought_so_far(completion)?, tags::answer(completion)),
        };
        if self.layout == Layout::Tags && Expression::is_prose(reasoning) {
            return None;
        }
        // Without `=` a compact completion has no line, and no answer either.
        if self.layout == Layout::Compact && !reasoning.contains('=') {
            return Some(Vec::new());
        }
        let mut lines: Vec<&str> = reasoning.split('=').collect();
        // What was cut off at the length limit is no line yet.
        if !finished && completion.ends_with(reasoning) {
            lines.pop();
        }
        // The compact form begins with `=`, and with tags there may be nothing but the answer.
        if lines.first().is_some_and(|line| line.trim().is_empty()) {
            lines.remove(0);
        }
        lines.extend(answer);
        Some(lines)
    }

    /// The answer in a completion, if it is a whole number.
    fn number(&self, completion: &str) -> Option<i64> {
        let text = match self.layout {
            Layout::Compact => completion.rsplit_once('=')?.1,
            Layout::Tags => tags::answer(completion)?,
        };
        match Expression::parse(text)? {
            Expression::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// Lines from `expression` down to its value, each with one operation less. Without `random`, the
/// leftmost operation that is ready is done first, otherwise any that is.
fn steps(expression: Expression, mut random: Option<Stream>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = expression;
    loop {
        let ready = current.reductions();
        let next = match &mut random {
            Some(random) => ready.choose(random),
            None => ready.first(),
        };
        match next {
            Some(next) => current = next.clone(),
            None => return lines,
        }
        lines.push(current.to_string());
    }
}

/// Follows lines of reasoning that keep the value of `expression`, down to a number. A line does as
/// many steps as it has fewer operations than the one before; one that only writes the same
/// otherwise is passed over.
fn follow(expression: Expression, lines: &[&str]) -> Reasoning {
    let mut chain = Chain::default();
    let value = expression.value();
    let mut current = expression.with_signs_in_front();
    for line in lines {
        let Some(read) = Expression::parse(line) else {
            return chain.broken(Some(Slip::new(line, Flaw::Unreadable)));
        };
        let read = read.with_signs_in_front();
        if value.is_none() || read.value() != value {
            return chain.broken(Some(Slip::new(&read.to_string(), Flaw::DoesNotFollow)));
        }
        if read != current {
            let done = current.operations().saturating_sub(read.operations());
            chain.push(read.to_string(), done);
            current = read;
        }
    }
    match current {
        Expression::Number(_) if !chain.steps.is_empty() => Reasoning::Holds(chain),
        _ => chain.broken(None),
    }
}

/// The expression with terms and factors in a random order; no sum begins with a subtraction.
fn commuted(expression: &Expression, random: &mut Stream) -> Expression {
    match expression {
        Expression::Number(number) => Expression::Number(*number),
        Expression::Sum(terms) => {
            let mut terms = terms.clone();
            for term in &mut terms {
                term.value = commuted(&term.value, random);
            }
            terms.shuffle(random);
            if let Some(positive) = terms.iter().position(|term| !term.negative) {
                terms.swap(0, positive);
            }
            Expression::Sum(terms)
        }
        Expression::Product(factors) => {
            let mut factors = factors.clone();
            for factor in &mut factors {
                factor.value = commuted(&factor.value, random);
            }
            factors.shuffle(random);
            Expression::Product(factors)
        }
    }
}

impl Task for Arithmetic {
    fn name(&self) -> &'static str {
        "arithmetic"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        self.levels.clone()
    }

    fn len(&self, _split: Split, _level: u32) -> Option<u64> {
        None
    }

    fn problem(&self, split: Split, level: u32, index: u64) -> Problem {
        let level = level.clamp(*self.levels.start(), *self.levels.end());
        let (id, expression) = draw(self.seed, (split, level, index), |random| {
            self.attempt(level, random)
        });
        let value = expression.value().and_then(|value| value.as_integer());
        Problem {
            id,
            split,
            level,
            index,
            prompt: expression.to_string(),
            answer: value
                .expect("drawn expressions have small whole values")
                .to_string(),
            payload: serde_json::Value::Null,
        }
    }

    fn demonstration(&self, problem: &Problem, variant: u64) -> String {
        let random =
            (variant > 0).then(|| stream(self.seed, Purpose::Demonstration, problem.id, variant));
        let lines = Expression::parse(&problem.prompt).map(|expression| steps(expression, random));
        let reduced = lines.unwrap_or_default().join("=");
        match self.layout {
            Layout::Compact => format!("={reduced}"),
            Layout::Tags => tags::wrap(&reduced, &problem.answer),
        }
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        verify::reward_parts(self.layout)
    }

    /// One for the right answer of a completion that ended by itself; with tags, another tenth for
    /// using them well.
    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let correct =
            finished && self.answer(problem, completion).as_ref() == Some(&problem.answer);
        let answer = ("answer", if correct { 1.0 } else { 0.0 });
        match self.layout {
            Layout::Compact => Reward::from_parts(&[answer], correct),
            Layout::Tags => {
                let format = if tags::well_formed(completion) {
                    0.1
                } else {
                    0.0
                };
                Reward::from_parts(&[("format", format), answer], correct)
            }
        }
    }

    /// Each line has the value of the problem, and the last is a number. With tags the answer is the
    /// last line; a thought in words is not judged.
    fn reasoning(&self, problem: &Problem, completion: &str, finished: bool) -> Reasoning {
        let expression = Expression::parse(&problem.prompt);
        match expression.zip(self.lines(completion, finished)) {
            Some((expression, lines)) => follow(expression, &lines),
            None => Reasoning::NotJudged,
        }
    }

    fn answer(&self, _problem: &Problem, completion: &str) -> Option<String> {
        self.number(completion).map(|number| number.to_string())
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        PERTURBATIONS
    }

    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem> {
        let expression = Expression::parse(&problem.prompt)?;
        let prompt = match perturbation {
            "commuted" => {
                let mut random = stream(self.seed, Purpose::Perturbation, problem.id, variant);
                (0..SHUFFLES)
                    .map(|_| commuted(&expression, &mut random).to_string())
                    .find(|text| *text != problem.prompt)?
            }
            "spaced" => {
                let mut spaced = String::new();
                for sign in expression.to_string().chars() {
                    match sign {
                        '+' | '-' | '*' => spaced.extend([' ', sign, ' ']),
                        other => spaced.push(other),
                    }
                }
                spaced
            }
            _ => return None,
        };
        Some(Problem {
            prompt,
            ..problem.clone()
        })
    }

    fn vocabulary_sample(&self) -> Vec<String> {
        let mut signs: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        signs.extend(self.operators.iter().map(char::to_string));
        if !self.operators.contains(&'+') && self.operators.contains(&'-') {
            // Zeros may leave a sum: `5-0-0` leads to `5+0`.
            signs.push("+".into());
        }
        signs.push("=".into());
        if self.parentheses > 0.0 {
            signs.extend(["(".into(), ")".into()]);
        }
        if self.layout == Layout::Tags {
            signs.extend(tags::TAGS.map(String::from));
        }
        vec![signs.join(" ")]
    }
}
