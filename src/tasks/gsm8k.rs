//! Grade-school word problems (GSM8K): `{"question": …, "answer": "… <<48/2=24>>24 …\n#### 72"}`.
//!
//! A worked solution marks its calculations as `<<48/2=24>>` and ends with `#### 72`. The marks
//! stay in the demonstrations: they tell how a solution went, whatever its words, and so which
//! solutions differ. The level is the number of marked calculations, 1 to 6 (6 stands for more).
//!
//! Answers are read where the data set's own grader reads them (openai/grade-school-math,
//! `dataset.py`): right behind `####`; the last such line counts, as in verl. But the number is read
//! whole ([`verify::quantity`]): `#### 3/4` is 0.75 and not 3, `#### 3 to 4` no answer. Numbers are
//! compared exactly: 72, 72.0 and $72 agree.
//!
//! Texts are kept as they are, white space at their ends included.

use std::sync::LazyLock;

use super::error::{BadRow, shortened};
use super::file_task::Format;
use super::library::{Record, content_id, solutions, with_solutions};
use super::reading::{Object, text};
use super::verify::{self, Leading};
use super::{
    Chain, Flaw, Perturbation, Problem, Reasoning, Reward, Slip, calculator, perturb, tags,
};
use crate::config::{Layout, Verifier};
use regex::Regex;

/// Levels end here; harder problems count as this level.
const HARDEST: usize = 6;

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
    fn number(self, completion: &str) -> Option<String> {
        match self.layout {
            Layout::Compact => match verify::hashed_number(completion)? {
                (Leading::Number(number), _) => Some(number.to_string()),
                _ => None,
            },
            Layout::Tags => verify::normal_form(Verifier::Number, tags::answer(completion)?),
        }
    }
}

/// What a calculation does, in operations, and its result; or what is wrong with it.
fn calculated(equation: &str) -> Result<(u32, &str), Flaw> {
    let (left, right) = equation.split_once('=').ok_or(Flaw::Unreadable)?;
    match calculator::agree(left, right) {
        Some(true) => Ok((calculator::operations(left), right)),
        Some(false) => Err(Flaw::NotEqual),
        None => Err(Flaw::Unreadable),
    }
}

/// The marked calculations of a completion, without spaces.
fn calculations(completion: &str) -> impl Iterator<Item = String> {
    CALCULATION
        .captures_iter(completion)
        .map(|found| found[1].split_whitespace().collect())
}

impl Format for Gsm8k {
    fn name(&self) -> &'static str {
        "gsm8k"
    }

    fn read(&self, row: &Object) -> Result<Record, BadRow> {
        let question = text(row, "question")?;
        if question.trim().is_empty() {
            let reason = "there is no question";
            return Err(BadRow::invalid("question", question, reason));
        }
        let solution = text(row, "answer")?;
        let answer = match verify::hashed_number(solution) {
            Some((Leading::Number(number), _)) => number.to_string(),
            Some((_, written)) => {
                let written = shortened(written);
                let reason = format!(
                    "behind `####` stands `{written}`, which cannot be read as one number: write \
                     the number alone, such as `#### 72`"
                );
                return Err(BadRow::NoReference { reason });
            }
            None => {
                let reason = "`answer` must end with a line such as `#### 72`".to_owned();
                return Err(BadRow::NoReference { reason });
            }
        };
        Ok(Record {
            id: content_id(question),
            level: CALCULATION.find_iter(solution).count().clamp(1, HARDEST) as u32,
            prompt: question.to_owned(),
            answer,
            solutions: vec![solution.to_owned()],
            payload: serde_json::Value::Null,
        })
    }

    fn demonstration(&self, problem: &Problem, solution: &str, _order: u64) -> String {
        match self.layout {
            Layout::Compact => solution.to_owned(),
            Layout::Tags => {
                let steps = verify::before_hashed_number(solution).unwrap_or(solution);
                // The line that marked the answer goes, with the end of the line before it.
                let steps = steps.strip_suffix('\n').unwrap_or(steps);
                tags::wrap(steps, &problem.answer)
            }
        }
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        verify::reward_parts(self.layout)
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let readable = verify::whole_lines(completion, finished);
        let correct = self
            .number(readable)
            .is_some_and(|number| number == problem.answer);
        verify::reward(self.layout, completion, correct)
    }

    /// The marked calculations, without spaces (OFA-Sys/gsm8k-ScRel's reasoning paths), each as large
    /// as its number of operations. Two things are judged: every calculation is true, and the given
    /// answer is the result of one of them, both within 1e-3. Whether the numbers that go in come from
    /// the problem or from earlier results is not judged.
    ///
    /// Solutions may do their last step in words (of the textbook's, one in twenty): true
    /// calculations that the answer is no result of are not judged, as is a text without any.
    fn reasoning(&self, _problem: &Problem, completion: &str, finished: bool) -> Reasoning {
        let given = self.number(verify::whole_lines(completion, finished));
        let is_given = |result: &str| {
            let given = given.as_deref();
            given.is_some_and(|given| calculator::agree(given, result) == Some(true))
        };
        let (mut chain, mut reached) = (Chain::default(), false);
        for equation in calculations(completion) {
            match calculated(&equation) {
                Ok((size, result)) => {
                    reached |= is_given(result);
                    chain.push(equation, size);
                }
                Err(flaw) => return chain.broken(Some(Slip::new(&equation, flaw))),
            }
        }
        match (chain.steps.is_empty(), &given) {
            (true, _) => Reasoning::NotJudged,
            (false, None) => chain.broken(None),
            (false, Some(_)) if reached => Reasoning::Holds(chain),
            (false, Some(_)) => Reasoning::NotJudged,
        }
    }

    fn answer(&self, _problem: &Problem, completion: &str) -> Option<String> {
        self.number(completion)
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
        let all = solutions(problem).join("\n");
        let names = perturb::other_names(problem.id, variant, &problem.prompt, &all)?;
        Some(Problem {
            prompt: perturb::rename(&problem.prompt, &names),
            payload: with_solutions(problem, |solution| perturb::rename(solution, &names)),
            ..problem.clone()
        })
    }

    fn perturbation_vocabulary(&self) -> Vec<String> {
        vec![perturb::wrapper_vocabulary(), perturb::name_vocabulary()]
    }
}

#[cfg(test)]
mod tests;
