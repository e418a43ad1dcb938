//! Grade-school word problems (GSM8K): `{"question": …, "answer": "… <<48/2=24>>24 …\n#### 72"}`.
//!
//! A worked solution marks its calculations as `<<48/2=24>>` and ends with `#### 72`. The marks
//! stay in the demonstrations: they tell how a solution went, whatever its words, and so which
//! solutions differ. The level is the number of marked calculations, 1 to 6 (6 stands for more).
//!
//! Answers are read as the data set's own grader does (openai/grade-school-math, `dataset.py`; the
//! last match counts, as in verl), but compared as exact decimal numbers: 72, 72.0 and $72 agree.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::error::BadRow;
use super::file_task::Format;
use super::library::{Record, content_id};
use super::reading::{Object, text};
use super::verify::{self, Decimal};
use super::{Flaw, Perturbation, Problem, Reward, Slip, WrongPath, calculator, perturb, tags};
use crate::config::{Layout, Verifier};

/// Levels end here; harder problems count as this level.
const HARDEST: usize = 6;

static FINAL_ANSWER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"####\s*([-−]?\$?[0-9.,]+)").expect("a valid pattern"));

static CALCULATION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<<([^<>]*)>>").expect("a valid pattern"));

/// The format of GSM8K files.
#[derive(Clone, Copy, Debug)]
pub struct Gsm8k {
    /// Compact: the published text. Tags: its steps as the thought, its number as the answer.
    pub layout: Layout,
}

impl Gsm8k {
    /// The number a completion ends up with.
    fn number(self, completion: &str) -> Option<Decimal> {
        match self.layout {
            Layout::Compact => final_answer(completion),
            Layout::Tags => {
                let answer = tags::answer(completion)?;
                verify::normal_form(Verifier::Number, answer).and_then(|n| Decimal::parse(&n))
            }
        }
    }
}

/// The number after the last `####`.
fn final_answer(text: &str) -> Option<Decimal> {
    FINAL_ANSWER
        .captures_iter(text)
        .filter_map(|found| Decimal::parse(found[1].trim_end_matches(['.', ','])))
        .last()
}

/// The marked calculations of a completion, without spaces.
fn calculations(completion: &str) -> impl Iterator<Item = String> {
    CALCULATION
        .captures_iter(completion)
        .map(|found| found[1].split_whitespace().collect())
}

/// The published solution, kept in the payload.
fn solution(problem: &Problem) -> &str {
    problem.payload["solution"].as_str().unwrap_or_default()
}

impl Format for Gsm8k {
    fn name(&self) -> &'static str {
        "gsm8k"
    }

    fn read(&self, row: &Object) -> Result<Record, BadRow> {
        let question = text(row, "question")?.trim();
        if question.is_empty() {
            return Err(BadRow::invalid(
                "question",
                question,
                "there is no question",
            ));
        }
        let solution = text(row, "answer")?.trim();
        let answer = final_answer(solution).ok_or_else(|| BadRow::NoReference {
            reason: "`answer` must end with a line such as `#### 72`".to_owned(),
        })?;
        Ok(Record {
            id: content_id(question),
            level: CALCULATION.find_iter(solution).count().clamp(1, HARDEST) as u32,
            prompt: question.to_owned(),
            answer: answer.to_string(),
            payload: json!({ "solution": solution }),
        })
    }

    fn demonstration(&self, problem: &Problem, _variant: u64) -> String {
        let solution = solution(problem);
        match self.layout {
            Layout::Compact => solution.to_owned(),
            Layout::Tags => {
                let steps = solution
                    .rsplit_once("####")
                    .map_or(solution, |(steps, _)| steps);
                tags::wrap(steps.trim_end(), &problem.answer)
            }
        }
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let readable = verify::whole_lines(completion, finished);
        let correct = self
            .number(readable)
            .is_some_and(|number| number.to_string() == problem.answer);
        verify::reward(self.layout, completion, correct)
    }

    /// All marked calculations joined by `|`, without spaces; none where one of them is wrong by
    /// more than 1e-3 or where there is none (OFA-Sys/gsm8k-ScRel's distinct reasoning paths).
    fn path(&self, _problem: &Problem, completion: &str) -> Option<String> {
        let calculations: Vec<String> = calculations(completion).collect();
        let sound = calculations
            .iter()
            .all(|equation| calculator::equation_holds(equation));
        (sound && !calculations.is_empty()).then(|| calculations.join("|"))
    }

    fn wrong_path(&self, _problem: &Problem, completion: &str) -> Option<WrongPath> {
        let step = |equation: String| {
            let sides = equation.split_once('=');
            match sides.and_then(|(left, right)| calculator::agree(left, right)) {
                Some(true) => Ok(equation),
                Some(false) => Err(Slip::new(&equation, Flaw::NotEqual)),
                None => Err(Slip::new(&equation, Flaw::Unreadable)),
            }
        };
        WrongPath::follow(calculations(completion).map(step)).if_wrong()
    }

    fn answer(&self, _problem: &Problem, completion: &str) -> Option<String> {
        self.number(completion).map(|number| number.to_string())
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
        let solution = solution(problem);
        let names = perturb::other_names(problem.id, variant, &problem.prompt, solution)?;
        Some(Problem {
            prompt: perturb::rename(&problem.prompt, &names),
            payload: json!({ "solution": perturb::rename(solution, &names) }),
            ..problem.clone()
        })
    }

    fn perturbation_vocabulary(&self) -> Vec<String> {
        vec![perturb::wrapper_vocabulary(), perturb::name_vocabulary()]
    }
}

#[cfg(test)]
mod tests;
