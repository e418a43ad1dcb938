//! The published Knights-and-Knaves puzzles (Xie et al., mem-kk-logic; and Logic-RL's parquet
//! files, which have the same keys), graded as Logic-RL does.
//!
//! A row has the puzzle in words (`quiz`), `names`, the `solution` (true for a knight), the
//! `statements` as a Python tuple, and the published reasoning (`cot_head`, `cot_repeat_steps`,
//! `cot_foot`). The level is the number of people.
//!
//! Prompts, completions and rewards are those of the generated puzzles in English
//! ([`knights_knaves`](super::knights_knaves)). Puzzles are told apart by what is said: the same
//! puzzle with other names or other speakers' order is the same problem.

use std::collections::BTreeMap;

use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::BadRow;
use super::file_task::Format;
use super::knights_knaves::text::{INSTRUCTIONS, NAMES};
use super::knights_knaves::{Statement, Wording, grade, id, solutions};
use super::library::{Record, with_solutions};
use super::reading::{Object, flags, text, texts};
use super::{Perturbation, Problem, Reasoning, Reward, perturb};
use crate::config::Layout;
use crate::rng::{Purpose, stream};

/// The format of the published Knights-and-Knaves files.
#[derive(Clone, Copy, Debug)]
pub struct KkFiles {
    /// Tags: reasoning as the thought, `(1) Zoey is a knight …` as the answer. Compact: the
    /// answer after the reasoning, under `CONCLUSION:`.
    pub layout: Layout,
}

/// What a problem's payload holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Puzzle {
    names: Vec<String>,
    /// True for a knight.
    solution: Vec<bool>,
    /// The statements in their published form.
    statements: String,
}

impl Puzzle {
    fn of(problem: &Problem) -> Self {
        // Payloads are written by `read` and `perturb` alone; anything else is graded as wrong.
        serde_json::from_value(problem.payload.clone()).unwrap_or_default()
    }

    /// Reasoning with the people in random order, as the generated puzzles have it.
    fn reasoning_in_other_order(&self, id: u64, variant: u64) -> Option<String> {
        let statements = Statement::parse_all(&self.statements).ok()?;
        let random = &mut stream(id, Purpose::Demonstration, variant, 0);
        Some(Wording::English.reasoning(&self.names, &statements, Some(random)))
    }
}

/// The statements of a row, of which there must be one per name and which must have exactly the
/// published solution.
fn check(names: &[String], solution: &[bool], said: &str) -> Result<Vec<Statement>, BadRow> {
    let statements = Statement::parse_all(said)
        .map_err(|error| BadRow::invalid("statements", said, error.to_string()))?;
    if statements.len() != names.len() {
        let reason = format!("{} statements by {} people", statements.len(), names.len());
        return Err(BadRow::invalid("statements", said, reason));
    }
    match &solutions(&statements)[..] {
        [only] if only == solution => Ok(statements),
        [only] => {
            let reason = format!("the statements have another solution, {only:?}");
            Err(BadRow::invalid(
                "solution",
                &format!("{solution:?}"),
                reason,
            ))
        }
        several => {
            let reason = format!("{} solutions where there must be one", several.len());
            Err(BadRow::invalid("statements", said, reason))
        }
    }
}

impl Format for KkFiles {
    fn name(&self) -> &'static str {
        "knights_knaves"
    }

    fn read(&self, row: &Object) -> Result<Record, BadRow> {
        let names: Vec<String> = texts(row, "names")?
            .into_iter()
            .map(str::to_owned)
            .collect();
        let solution = flags(row, "solution")?;
        let said = text(row, "statements")?;
        let statements = check(&names, &solution, said)?;
        let mut reasoning = vec![text(row, "cot_head")?];
        reasoning.extend(texts(row, "cot_repeat_steps")?);
        reasoning.push(text(row, "cot_foot")?);
        let answer = Wording::English.answer(&names, &solution);
        let quiz = text(row, "quiz")?;
        let puzzle = Puzzle {
            names,
            solution,
            statements: said.to_owned(),
        };
        Ok(Record {
            id: id(&statements),
            level: statements.len() as u32,
            prompt: match self.layout {
                Layout::Compact => quiz.to_owned(),
                Layout::Tags => format!("{quiz}\n{INSTRUCTIONS}"),
            },
            answer,
            // The published reasoning, one step a line.
            solutions: vec![reasoning.join("\n")],
            payload: json!(puzzle),
        })
    }

    fn demonstration(&self, problem: &Problem, solution: &str, order: u64) -> String {
        let other = match order {
            0 => None,
            _ => Puzzle::of(problem).reasoning_in_other_order(problem.id, order),
        };
        let reasoning = other.as_deref().unwrap_or(solution);
        Wording::English.completion(self.layout, reasoning, &problem.answer)
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        &grade::REWARD_PARTS
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let Puzzle {
            names, solution, ..
        } = Puzzle::of(problem);
        Wording::English.score(self.layout, &names, &solution, completion, finished)
    }

    /// As for the generated puzzles ([`follow`](super::knights_knaves::follow)).
    fn reasoning(&self, problem: &Problem, completion: &str, finished: bool) -> Reasoning {
        let puzzle = Puzzle::of(problem);
        match Statement::parse_all(&puzzle.statements) {
            Ok(statements) => Wording::English.judge(
                self.layout,
                &puzzle.names,
                &statements,
                completion,
                finished,
            ),
            Err(_) => Reasoning::NotJudged,
        }
    }

    fn answer(&self, problem: &Problem, completion: &str) -> Option<String> {
        let names = Puzzle::of(problem).names;
        let roles = Wording::English.roles(self.layout, &names, completion)?;
        Some(Wording::English.answer(&names, &roles))
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        &[perturb::RENAMED, perturb::REWORDED]
    }

    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem> {
        if perturbation == perturb::REWORDED.name {
            return Some(perturb::reworded(problem, variant));
        }
        if perturbation != perturb::RENAMED.name {
            return None;
        }
        let puzzle = Puzzle::of(problem);
        let known = |name: &String| NAMES.contains(&name.as_str());
        if !puzzle.names.iter().all(known) {
            return None;
        }
        let mut others = NAMES.to_vec();
        others.retain(|name| !puzzle.names.iter().any(|taken| taken == name));
        others.shuffle(&mut stream(problem.id, Purpose::Perturbation, variant, 0));
        let names: BTreeMap<&str, &str> = puzzle
            .names
            .iter()
            .map(String::as_str)
            .zip(others)
            .collect();
        // The example answer in the instructions stays as it is.
        let quiz = problem
            .prompt
            .strip_suffix(INSTRUCTIONS)
            .unwrap_or(&problem.prompt);
        let instructions = &problem.prompt[quiz.len()..];
        let rename = |text: &str| perturb::rename(text, &names);
        let renamed = Puzzle {
            names: puzzle.names.iter().map(|name| rename(name)).collect(),
            ..puzzle.clone()
        };
        let mut payload = with_solutions(problem, rename);
        if let (Some(payload), serde_json::Value::Object(renamed)) =
            (payload.as_object_mut(), json!(renamed))
        {
            payload.extend(renamed);
        }
        Some(Problem {
            prompt: rename(quiz) + instructions,
            answer: rename(&problem.answer),
            payload,
            ..problem.clone()
        })
    }

    fn perturbation_vocabulary(&self) -> Vec<String> {
        vec![perturb::wrapper_vocabulary(), NAMES.join(" ")]
    }
}

#[cfg(test)]
mod tests;
