//! Competition problems (MATH): `{"problem": …, "solution": "… $\boxed{7}$.", "level": "Level 3"}`.
//!
//! The reference is what the solution's last `\boxed{}` holds. Answers are brought into the normal
//! form of the data set's grader (see [`verify::normalise_math`]) and compared as text. The level is
//! the published one, 1 to 5. Texts are kept as they are, white space at their ends included.

use std::sync::LazyLock;

use super::error::BadRow;
use super::file_task::Format;
use super::library::{Record, content_id};
use super::reading::{Object, Value, text, value, wrong_type};
use super::{Perturbation, Problem, Reward, perturb, tags, verify};
use crate::config::{Layout, Verifier};
use regex::Regex;

/// The hardest level, which the few problems marked `Level ?` count as.
const HARDEST: u32 = 5;

static FORMULA: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)").expect("a valid pattern")
});

/// The format of MATH files.
#[derive(Clone, Copy, Debug)]
pub struct Math {
    /// Compact: the published solution. Tags: the solution as the thought, the boxed answer as the
    /// answer.
    pub layout: Layout,
}

impl Math {
    fn read_answer(self, completion: &str) -> Option<String> {
        let answer = match self.layout {
            Layout::Compact => verify::last_boxed(completion)?,
            Layout::Tags => tags::answer(completion)?,
        };
        verify::normal_form(Verifier::Boxed, answer)
    }
}

/// The formulas of a completion that are equations, without spaces.
fn equations(completion: &str) -> impl Iterator<Item = String> {
    FORMULA
        .captures_iter(completion)
        .filter_map(|found| found.iter().skip(1).flatten().next())
        .filter(|formula| formula.as_str().contains('='))
        .map(|formula| formula.as_str().split_whitespace().collect())
}

/// `"Level 3"`, `3` and `"3"` are level 3.
fn level(row: &Object) -> Result<u32, BadRow> {
    let level = value(row, "level")?;
    let text = match level {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        other => return Err(wrong_type("level", other, "a text such as `Level 3`")),
    };
    let text = text.trim();
    let number = text.strip_prefix("Level").unwrap_or(text).trim();
    if number == "?" {
        return Ok(HARDEST);
    }
    match number.parse() {
        Ok(level) if (1..=HARDEST).contains(&level) => Ok(level),
        _ => Err(BadRow::invalid(
            "level",
            text,
            "expected `Level 1` to `Level 5`",
        )),
    }
}

impl Format for Math {
    fn name(&self) -> &'static str {
        "math"
    }

    fn read(&self, row: &Object) -> Result<Record, BadRow> {
        let question = text(row, "problem")?;
        if question.trim().is_empty() {
            return Err(BadRow::invalid("problem", question, "there is no problem"));
        }
        let solution = text(row, "solution")?;
        let answer = verify::last_boxed(solution)
            .and_then(|answer| verify::normal_form(Verifier::Boxed, answer))
            .ok_or_else(|| BadRow::NoReference {
                reason: r"`solution` must hold its answer in `\boxed{…}`".to_owned(),
            })?;
        Ok(Record {
            id: content_id(question),
            level: level(row)?,
            prompt: question.to_owned(),
            answer,
            solutions: vec![solution.to_owned()],
            payload: serde_json::Value::Null,
        })
    }

    fn demonstration(&self, problem: &Problem, solution: &str, _order: u64) -> String {
        match self.layout {
            Layout::Compact => solution.to_owned(),
            Layout::Tags => tags::wrap(
                solution,
                verify::last_boxed(solution).unwrap_or(&problem.answer),
            ),
        }
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        verify::reward_parts(self.layout)
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let readable = verify::whole_lines(completion, finished);
        let correct = self
            .read_answer(readable)
            .is_some_and(|answer| answer == problem.answer);
        verify::reward(self.layout, completion, correct)
    }

    /// The equations among the formulas (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`), without spaces, joined
    /// by `|`; none where no formula is an equation. Two solutions that are alike write down the
    /// same equations in the same order; whether these hold is not judged.
    fn likeness(&self, _problem: &Problem, completion: &str) -> Option<String> {
        let equations: Vec<String> = equations(completion).collect();
        (!equations.is_empty()).then(|| equations.join("|"))
    }

    fn answer(&self, _problem: &Problem, completion: &str) -> Option<String> {
        self.read_answer(completion)
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        &[perturb::REWORDED]
    }

    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem> {
        (perturbation == perturb::REWORDED.name).then(|| perturb::reworded(problem, variant))
    }

    fn perturbation_vocabulary(&self) -> Vec<String> {
        vec![perturb::wrapper_vocabulary()]
    }
}

#[cfg(test)]
mod tests;
