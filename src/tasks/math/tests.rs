use serde_json::{Value, json};

use super::*;
use crate::config::FilesConfig;
use crate::tasks::file_task::{FileTask, load_texts};
use crate::tasks::{Reasoning, Split, Task as _, TaskError};

const SOLUTION: &str =
    r"Since $x + 1 = 3$, half of $x$ is \[ \frac{x}{2} = 1 \] so $\boxed{\dfrac12}$.";

fn load(layout: Layout, level: Value, solution: &str) -> Result<FileTask<Math>, TaskError> {
    let line = |number: usize| {
        let problem = format!("What is {number}?");
        json!({ "problem": problem, "solution": solution, "level": level }).to_string() + "\n"
    };
    let text: String = (0..30).map(line).collect();
    load_texts(Math { layout }, FilesConfig::default(), &text, "").map(|(task, _)| task)
}

fn task(layout: Layout) -> FileTask<Math> {
    load(layout, "Level 3".into(), SOLUTION).expect("good lines")
}

#[test]
fn the_reference_is_the_last_box_in_normal_form() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Test, 3, 0);
    assert_eq!(problem.answer, r"\frac{1}{2}");
    assert_eq!(task.demonstration(&problem, 0), SOLUTION);
    let correct = |completion: &str| task.score(&problem, completion, true).correct;
    assert!(correct(r"\boxed{1/2}") && correct(r"\boxed{0.5}") && correct(r"\boxed{\tfrac{1}{2}}"));
    assert!(!correct("1/2") && !correct(r"\boxed{2}") && !correct(r"\boxed{1/2} \boxed{2}"));
    assert!(!correct(r"\boxed{1/2"));
    assert_eq!(task.answer(&problem, r"\boxed{x=7}").as_deref(), Some("7"));
}

#[test]
fn with_tags_the_answer_block_may_hold_the_box_or_its_content() {
    let task = task(Layout::Tags);
    let problem = task.problem(Split::Train, 3, 0);
    let demonstration = task.demonstration(&problem, 0);
    assert_eq!(demonstration, tags::wrap(SOLUTION, r"\dfrac12"));
    assert_eq!(task.score(&problem, &demonstration, true).total, 1.1);
    assert_eq!(
        task.score(&problem, r"<answer>$\boxed{1/2}$</answer>", true)
            .total,
        1.0
    );
    assert!(!task.score(&problem, r"\boxed{1/2}", true).correct);
}

#[test]
fn the_path_is_the_sequence_of_equations() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 3, 0);
    assert_eq!(
        task.path(&problem, SOLUTION).as_deref(),
        Some(r"x+1=3|\frac{x}{2}=1")
    );
    assert_eq!(
        task.path(&problem, r"$$a = b$$ and \(c=d\)").as_deref(),
        Some("a=b|c=d")
    );
    assert_eq!(task.path(&problem, "It is $x$, 1 = 1."), None);
}

#[test]
fn levels_are_read_in_the_forms_there_are() {
    for (level, number) in [
        (json!("Level 1"), 1),
        (json!("Level 5"), 5),
        (json!(4), 4),
        (json!("2"), 2),
        (json!("Level ?"), 5),
    ] {
        let task = load(Layout::Compact, level, SOLUTION).expect("a level");
        assert_eq!(task.levels(), number..=number);
    }
    for level in [
        json!("Level 6"),
        json!(0),
        json!("hard"),
        json!(2.5),
        json!([]),
    ] {
        let error = load(Layout::Compact, level, SOLUTION)
            .map(|_| ())
            .expect_err("no level");
        assert!(
            error.to_string().starts_with("train.jsonl:1: `level`"),
            "{error}"
        );
    }
}

#[test]
fn a_solution_without_a_box_has_no_reference() {
    for solution in ["so 7", r"\boxed{}", r"\boxed{7"] {
        let error = load(Layout::Compact, 1.into(), solution)
            .map(|_| ())
            .expect_err("no box");
        assert!(error.to_string().contains("no reference answer"), "{error}");
    }
}

#[test]
fn reasoning_is_not_judged() {
    let task = task(Layout::Compact);
    let problem = task.problem(Split::Train, 3, 0);
    for completion in [SOLUTION, r"$2+3=6$, so $\boxed{6}$", "prose", ""] {
        assert_eq!(
            task.reasoning(&problem, completion, true),
            Reasoning::NotJudged
        );
        assert_eq!(task.wrong_path(&problem, completion, true), None);
    }
}

#[test]
fn texts_are_kept_as_they_are() {
    let solution = " So \\boxed{7}. \n";
    let task = load(Layout::Compact, 1.into(), solution).expect("good lines");
    let problem = task.problem(Split::Train, 1, 0);
    assert_eq!(task.demonstration(&problem, 0), solution);
}
