//! Reading the steps of a reasoning path, and the answer of a completion, for people.

use crate::config::TaskKind;
use crate::tasks::Flaw;
use crate::tasks::expression::Expression;
use crate::tasks::verify;
use crate::training::{CompletionRecord, Verdict};

/// How a completion went: its steps as far as they hold, what it stumbled over, and where it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The steps that hold, in order; none where no step can be read.
    pub steps: Option<Vec<String>>,
    /// How many steps of a textbook each of them does at once; empty where that is not known.
    pub sizes: Vec<u32>,
    /// The first step that does not hold, after which no more are read.
    pub slip: Option<(String, Flaw)>,
    /// The answer it gives; empty where none can be read.
    pub answer: String,
    pub verdict: Verdict,
}

/// Reads a completion of a task. Without a task, steps are parted as most tasks do.
pub fn way(task: Option<TaskKind>, record: &CompletionRecord) -> Way {
    let answer = answer(task, record).unwrap_or_default();
    let names = match task {
        Some(TaskKind::KnightsKnaves) => names(&record.answer),
        _ => Vec::new(),
    };
    let shown = |step: &str| shown(task, &names, step);
    let slip = record.wrong_path.as_ref().and_then(|path| {
        let slip = path.slip.as_ref()?;
        Some((shown(&slip.step), slip.flaw))
    });
    let path = record.path.as_deref();
    let steps: Option<Vec<String>> = match &record.wrong_path {
        Some(path) => Some(path.steps.iter().map(|step| shown(step)).collect()),
        None => path.map(|path| split(task, path).map(shown).collect()),
    };
    let parts = steps.as_ref().map_or(0, Vec::len);
    let sizes = match record.wrong_path {
        // One expression does all of them.
        None if task == Some(TaskKind::Countdown) && parts == 1 => {
            vec![record.step_sizes.iter().sum()]
        }
        None if parts == record.step_sizes.len() => record.step_sizes.clone(),
        _ => Vec::new(),
    };
    let steps = steps.map(|mut steps| {
        // The last line of a calculation is its answer, which the end of the path shows anyway.
        if slip.is_none() && steps.len() > 1 && steps.last() == Some(&answer) {
            steps.pop();
        }
        steps
    });
    Way {
        steps,
        sizes,
        slip,
        answer,
        verdict: record.verdict(),
    }
}

/// The steps of a path. Where a path is one text or one expression, a bar in it parts nothing.
fn split(task: Option<TaskKind>, path: &str) -> impl Iterator<Item = &str> {
    let whole = matches!(task, Some(TaskKind::Jsonl | TaskKind::Countdown));
    let parts = if whole { 1 } else { usize::MAX };
    path.splitn(parts, '|')
}

/// `2=knave` as `Zoey is a knave`; other tasks' steps are readable as they are.
fn shown(task: Option<TaskKind>, names: &[String], step: &str) -> String {
    let person = || {
        let (person, role) = step.split_once('=')?;
        let place: usize = person.parse().ok()?;
        Some(match names.get(place.checked_sub(1)?) {
            Some(name) => format!("{name} is a {role}"),
            None => format!("({place}) is a {role}"),
        })
    };
    match task {
        Some(TaskKind::KnightsKnaves) => person().unwrap_or_else(|| step.to_owned()),
        _ => step.to_owned(),
    }
}

/// The people a reference answer names, in order: `(1) Zoey is a knight⏎…` or `A=k B=n`.
fn names(reference: &str) -> Vec<String> {
    let english = |line: &str| {
        let (_, rest) = line.split_once(") ")?;
        Some(rest.split_once(" is a ")?.0.to_owned())
    };
    let in_english: Vec<String> = reference.lines().filter_map(english).collect();
    if !in_english.is_empty() {
        return in_english;
    }
    reference
        .split_whitespace()
        .filter_map(|part| Some(part.split_once('=')?.0.to_owned()))
        .collect()
}

/// The answer a completion gives, as it stands there.
fn answer(task: Option<TaskKind>, record: &CompletionRecord) -> Option<String> {
    let text = record.completion.as_str();
    let marked = || verify::marked_answer(text);
    let after = |sign: &str| text.rsplit_once(sign).map(|(_, rest)| rest);
    let found = match task {
        Some(TaskKind::Arithmetic) => marked().or_else(|| after("=")),
        Some(TaskKind::Countdown) => {
            let expression = marked().or_else(|| after(";"))?;
            return Some(worth(expression).unwrap_or_else(|| expression.trim().to_owned()));
        }
        Some(TaskKind::KnightsKnaves) => marked()
            .or_else(|| after("CONCLUSION:"))
            .or_else(|| after(";")),
        Some(TaskKind::Gsm8k | TaskKind::Math | TaskKind::Jsonl) | None => {
            record.given.as_deref().or_else(marked)
        }
    };
    let found = found?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!found.is_empty()).then_some(found)
}

/// What an expression is worth.
fn worth(expression: &str) -> Option<String> {
    let value = Expression::parse(expression)?.value()?;
    value.as_integer().map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Split;

    pub fn record(completion: &str, path: Option<&str>, reference: &str) -> CompletionRecord {
        CompletionRecord {
            holds: None,
            step_sizes: Vec::new(),
            step: 0,
            source: String::new(),
            split: Split::Test,
            level: 3,
            problem: 1,
            prompt: String::new(),
            answer: reference.into(),
            sample: 0,
            completion: completion.into(),
            finished: true,
            tokens: 0,
            reward: 0.0,
            parts: Vec::new(),
            correct: true,
            advantage: None,
            path: path.map(Into::into),
            given: None,
            wrong_path: None,
            logprobs: Vec::new(),
            pieces: Vec::new(),
        }
    }

    fn steps(task: TaskKind, completion: &str, path: &str, reference: &str) -> (String, String) {
        let way = way(Some(task), &record(completion, Some(path), reference));
        (way.steps.expect("steps").join(" / "), way.answer)
    }

    #[test]
    fn a_calculation_ends_in_its_answer() {
        let read = steps(TaskKind::Arithmetic, "=3+2-5=5-5=0", "3+2-5|5-5|0", "0");
        assert_eq!(read, ("3+2-5 / 5-5".into(), "0".into()));
        let tagged = "<think>1+2</think><answer>3</answer>";
        let read = steps(TaskKind::Arithmetic, tagged, "1+2|3", "3");
        assert_eq!(read, ("1+2".into(), "3".into()));
        // A single step stays: a path without any would look unreadable.
        let read = steps(TaskKind::Arithmetic, "=3", "3", "3");
        assert_eq!(read, ("3".into(), "3".into()));
    }

    #[test]
    fn people_are_named_in_both_wordings() {
        let english = "(1) Zoey is a knight\n(2) Liam is a knave";
        let read = steps(
            TaskKind::KnightsKnaves,
            "…\nCONCLUSION:\n(1) Zoey is a knight\n(2) Liam is a knight",
            "2=knight|1=knave",
            english,
        );
        assert_eq!(read.0, "Liam is a knight / Zoey is a knave");
        assert_eq!(read.1, "(1) Zoey is a knight (2) Liam is a knight");
        let read = steps(
            TaskKind::KnightsKnaves,
            "A=k+;A=k B=n",
            "1=knight|3=knave",
            "A=k B=n",
        );
        assert_eq!(read.0, "A is a knight / (3) is a knave");
        assert_eq!(read.1, "A=k B=n");
    }

    #[test]
    fn an_expression_is_one_step_and_its_end_is_its_value() {
        let read = steps(
            TaskKind::Countdown,
            "3*5=15 15+7=22;3*5+7",
            "7+3*5",
            "3*5+7",
        );
        assert_eq!(read, ("7+3*5".into(), "22".into()));
    }

    #[test]
    fn a_bar_in_a_free_text_parts_nothing() {
        let read = steps(TaskKind::Jsonl, "|x| is 3\n#### 3", "|x| is 3", "3");
        assert_eq!(read, ("|x| is 3".into(), "3".into()));
        let read = steps(TaskKind::Gsm8k, "<<2*3=6>>\n#### 6", "2*3=6|6+1=7", "7");
        assert_eq!(read, ("2*3=6 / 6+1=7".into(), "6".into()));
    }

    #[test]
    fn steps_tell_how_much_they_do_at_once() {
        let sized = |task, completion: &str, path: &str, sizes: &[u32]| {
            let mut record = record(completion, Some(path), "-2");
            record.step_sizes = sizes.to_vec();
            let way = way(Some(task), &record);
            (way.steps.unwrap_or_default(), way.sizes)
        };
        let (steps, sizes) = sized(TaskKind::Arithmetic, "=5-7=-2", "5-7|-2", &[3, 1]);
        assert_eq!((steps.join(" "), sizes), ("5-7".into(), vec![3, 1]));
        let countdown = "3*5=15 15+7=22;3*5+7";
        let (steps, sizes) = sized(TaskKind::Countdown, countdown, "7+3*5", &[1, 1]);
        assert_eq!((steps.len(), sizes), (1, vec![2]));
        // Where the sizes are not those of the steps that are shown, none is said.
        let (_, sizes) = sized(TaskKind::Jsonl, "#### -2", "a|b", &[1, 1]);
        assert!(sizes.is_empty());
    }

    #[test]
    fn the_answer_is_the_one_that_was_compared() {
        let mut boxed = record("#### Step 2\n\\boxed{14}", None, "14");
        boxed.given = Some("14".into());
        assert_eq!(way(Some(TaskKind::Jsonl), &boxed).answer, "14");
    }

    #[test]
    fn a_wrong_way_ends_with_its_first_wrong_step() {
        use crate::tasks::{Slip, WrongPath};

        let mut wrong = record("A=k+ B=k+;A=k B=k", Some("1=knight|2=knight"), "A=k B=n");
        wrong.wrong_path = Some(WrongPath {
            steps: vec!["1=knight".into()],
            slip: Some(Slip::new("2=knight", Flaw::Contradicts)),
        });
        let read = way(Some(TaskKind::KnightsKnaves), &wrong);
        assert_eq!(read.steps, Some(vec!["A is a knight".into()]));
        assert_eq!(read.slip, Some(("B is a knight".into(), Flaw::Contradicts)));
        assert_eq!(read.answer, "A=k B=k");
    }

    #[test]
    fn records_of_before_are_read_and_those_without_a_wrong_path_stay_as_they_were() {
        let whole = record("=0", Some("0"), "0");
        let text = serde_json::to_string(&whole).expect("JSON");
        assert!(!text.contains("wrong_path"), "{text}");
        let read: CompletionRecord = serde_json::from_str(&text).expect("a record");
        assert_eq!(read, whole);
    }

    #[test]
    fn what_cannot_be_read_has_no_steps() {
        let way = way(Some(TaskKind::Arithmetic), &record("", None, "0"));
        assert_eq!((way.steps, way.answer.as_str()), (None, ""));
    }
}
