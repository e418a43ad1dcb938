//! Competition problems (MATH): `{"problem": …, "solution": "… $\boxed{7}$.", "level": "Level 3"}`.
//!
//! The reference is what the solution's last `\boxed{}` holds. Answers are brought into the normal
//! form of the data set's grader (see [`verify::normalise_math`]) and compared as text. The level is
//! the published one, 1 to 5.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::error::BadRow;
use super::file_task::Format;
use super::library::{Record, content_id};
use super::reading::{Object, text, value, wrong_type};
use super::{
    Flaw, Perturbation, Problem, Reward, Slip, WrongPath, calculator, perturb, tags, verify,
};
use crate::config::{Layout, Verifier};

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

/// The published solution, kept in the payload.
fn solution(problem: &Problem) -> &str {
    problem.payload["solution"].as_str().unwrap_or_default()
}

/// The formulas of a completion that are equations, without spaces.
fn equations(completion: &str) -> impl Iterator<Item = String> {
    FORMULA
        .captures_iter(completion)
        .filter_map(|found| found.iter().skip(1).flatten().next())
        .filter(|formula| formula.as_str().contains('='))
        .map(|formula| formula.as_str().split_whitespace().collect())
}

/// Whether two neighbouring sides of an equation are plain numbers that differ. Where there is a
/// comma it may part a pair, and nothing is said.
fn is_plainly_false(equation: &str) -> bool {
    let plain = equation.replace(r"\cdot", "*").replace(r"\times", "*");
    let sides: Vec<&str> = plain.split('=').collect();
    let differ = |pair: &[&str]| calculator::agree(pair[0], pair[1]) == Some(false);
    !plain.contains(',') && sides.windows(2).any(differ)
}

/// `"Level 3"`, `3` and `"3"` are level 3.
fn level(row: &Object) -> Result<u32, BadRow> {
    let level = value(row, "level")?;
    let text = match level {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => return Err(wrong_type("level", other, "a text such as `Level 3`")),
    };
    let number = text.trim_start_matches("Level").trim();
    if number == "?" {
        return Ok(HARDEST);
    }
    match number.parse() {
        Ok(level) if (1..=HARDEST).contains(&level) => Ok(level),
        _ => Err(BadRow::invalid(
            "level",
            &text,
            "expected `Level 1` to `Level 5`",
        )),
    }
}

impl Format for Math {
    fn name(&self) -> &'static str {
        "math"
    }

    fn read(&self, row: &Object) -> Result<Record, BadRow> {
        let question = text(row, "problem")?.trim();
        if question.is_empty() {
            return Err(BadRow::invalid("problem", question, "there is no problem"));
        }
        let solution = text(row, "solution")?.trim();
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
            payload: json!({ "solution": solution }),
        })
    }

    fn demonstration(&self, problem: &Problem, _variant: u64) -> String {
        let solution = solution(problem);
        match self.layout {
            Layout::Compact => solution.to_owned(),
            Layout::Tags => tags::wrap(
                solution,
                verify::last_boxed(solution).unwrap_or(&problem.answer),
            ),
        }
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let readable = verify::whole_lines(completion, finished);
        let correct = self
            .read_answer(readable)
            .is_some_and(|answer| answer == problem.answer);
        verify::reward(self.layout, completion, correct)
    }

    /// The equations among the formulas (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`), without spaces, joined
    /// by `|`; none where no formula is an equation. The equations are not checked: two solutions
    /// with one path write down the same equations in the same order, right or wrong.
    fn path(&self, _problem: &Problem, completion: &str) -> Option<String> {
        let equations: Vec<String> = equations(completion).collect();
        (!equations.is_empty()).then(|| equations.join("|"))
    }

    /// Only equations of plain numbers can be checked: `2+3=6`, `4\cdot 5=20=19`.
    fn wrong_path(&self, _problem: &Problem, completion: &str) -> Option<WrongPath> {
        let step = |equation: String| match is_plainly_false(&equation) {
            true => Err(Slip::new(&equation, Flaw::NotEqual)),
            false => Ok(equation),
        };
        WrongPath::follow(equations(completion).map(step)).if_wrong()
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
