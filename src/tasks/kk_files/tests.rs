use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::config::FilesConfig;
use crate::tasks::file_task::{FileTask, load_texts};
use crate::tasks::library::Notice;
use crate::tasks::{Split, Task as _, TaskError, tags};

/// Ava says that Liam is a knave, Liam that both are knaves: Ava is a knight, Liam a knave.
fn row() -> Value {
    json!({
        "quiz": "Ava said that Liam is a knave. Liam said that Ava is a knave and Liam is a knave.",
        "names": ["Ava", "Liam"],
        "solution": [true, false],
        "statements": "(('lying', 1), ('and', ('lying', 0), ('lying', 1)))",
        "cot_head": "Let's think.",
        "cot_repeat_steps": [
            "Assume Ava is a knight. No contradiction is found in their claim that Liam is a knave.",
            "Liam cannot be a knight, because this would contradict the claim of Ava that Liam is a knave.",
            "Assume Liam is a knave. No contradiction is found in their false claim that Ava is a knave and Liam is a knave.",
        ],
        "cot_foot": "This leads to a feasible solution.",
        "index": 0,
    })
}

/// Three different puzzles of two people, so that every split has one.
fn rows() -> Vec<Value> {
    let with = |statements: &str, solution: [bool; 2]| {
        let mut other = row();
        other["statements"] = statements.into();
        other["solution"] = json!(solution);
        other
    };
    vec![
        row(),
        with(
            "(('or', ('lying', 0), ('telling-truth', 1)), ('telling-truth', 0))",
            [true, true],
        ),
        with(
            "(('and', ('lying', 0), ('telling-truth', 1)), ('telling-truth', 0))",
            [false, false],
        ),
    ]
}

fn load(layout: Layout, rows: &[Value]) -> Result<(FileTask<KkFiles>, Vec<Notice>), TaskError> {
    let text: String = rows.iter().map(|row| row.to_string() + "\n").collect();
    load_texts(KkFiles { layout }, FilesConfig::default(), &text, "")
}

/// The task, and the problem that [`row`] is.
fn task(layout: Layout) -> (FileTask<KkFiles>, Problem) {
    let (task, _) = load(layout, &rows()).expect("good rows");
    let problem = Split::ALL
        .into_iter()
        .flat_map(|split| task.library().problems(split))
        .find(|problem| problem.payload["statements"] == row()["statements"])
        .expect("it is there")
        .clone();
    (task, problem)
}

#[test]
fn the_published_reasoning_earns_the_full_reward() {
    let (task, problem) = task(Layout::Tags);
    assert_eq!(problem.level, 2);
    assert_eq!(problem.answer, "(1) Ava is a knight\n(2) Liam is a knave");
    let demonstration = task.demonstration(&problem, 0);
    assert!(
        demonstration.contains("Let's think.\nAssume Ava is a knight."),
        "{demonstration}"
    );
    let reward = task.score(&problem, &demonstration, true);
    assert_eq!((reward.total, reward.correct), (3.0, true));
    assert_eq!(
        task.answer(&problem, &demonstration).as_ref(),
        Some(&problem.answer)
    );
    let path = "1=knight|2=knight|2=knave";
    assert_eq!(task.path(&problem, &demonstration).as_deref(), Some(path));
}

#[test]
fn without_tags_the_answer_follows_the_published_heading() {
    let (task, problem) = task(Layout::Compact);
    assert_eq!(problem.prompt, row()["quiz"]);
    let demonstration = task.demonstration(&problem, 0);
    assert!(demonstration.starts_with("Let's think."), "{demonstration}");
    assert!(demonstration.ends_with("\nCONCLUSION:\n(1) Ava is a knight\n(2) Liam is a knave"));
    assert_eq!(task.score(&problem, &demonstration, true).total, 1.1);
    assert_eq!(
        task.answer(&problem, &demonstration).as_ref(),
        Some(&problem.answer)
    );
}

#[test]
fn the_other_totals_are_those_of_logic_rl() {
    let (task, problem) = task(Layout::Tags);
    let total = |answer: &str| task.score(&problem, &tags::wrap("", answer), true).total;
    assert_eq!(total("Ava is a knight, Liam is a knight"), -0.5);
    assert_eq!(total("Ava is a knight"), -1.0);
    assert_eq!(
        task.score(&problem, "Ava is a knight, Liam is a knave", true)
            .total,
        -3.0
    );
}

#[test]
fn other_variants_reason_in_other_orders() {
    let (task, problem) = task(Layout::Tags);
    let paths: BTreeSet<_> = (1..20)
        .map(|variant| {
            let demonstration = task.demonstration(&problem, variant);
            assert_eq!(
                task.score(&problem, &demonstration, true).total,
                3.0,
                "{demonstration}"
            );
            task.path(&problem, &demonstration)
        })
        .collect();
    assert!(paths.len() > 1, "{paths:?}");
}

#[test]
fn other_names_stand_for_the_same_puzzle() {
    let (task, problem) = task(Layout::Tags);
    let renamed = task
        .perturb(&problem, "renamed", 0)
        .expect("the names are known");
    assert_eq!(renamed.id, problem.id);
    for text in [
        &renamed.prompt,
        &renamed.answer,
        &task.demonstration(&renamed, 0),
    ] {
        assert!(!text.contains("Ava") && !text.contains("Liam"), "{text}");
    }
    let demonstration = task.demonstration(&renamed, 0);
    assert_eq!(task.score(&renamed, &demonstration, true).total, 3.0);
    assert_eq!(
        task.score(&renamed, &task.demonstration(&problem, 0), true)
            .total,
        -1.0
    );
    assert_eq!(
        task.path(&renamed, &demonstration),
        task.path(&problem, &task.demonstration(&problem, 0))
    );
    let reworded = task
        .perturb(&problem, "reworded", 0)
        .expect("it always applies");
    assert!(reworded.prompt.contains(&problem.prompt));
    assert_eq!(task.perturb(&problem, "shuffled", 0), None);
}

#[test]
fn a_puzzle_with_other_names_is_a_duplicate() {
    let renamed = row()
        .to_string()
        .replace("Ava", "Mia")
        .replace("Liam", "Noah");
    let mut rows = rows();
    rows.push(serde_json::from_str(&renamed).expect("still JSON"));
    let (_, notices) = load(Layout::Tags, &rows).expect("good rows");
    let duplicates = notices.iter().find_map(|notice| match notice {
        Notice::SameProblem { lines, .. } => Some(*lines),
        _ => None,
    });
    assert_eq!(duplicates, Some(1));
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    for (key, value, reason) in [
        (
            "solution",
            json!([false, false]),
            "the statements have another solution",
        ),
        (
            "solution",
            json!([true]),
            "the statements have another solution",
        ),
        (
            "statements",
            json!("(('telling-truth', 0),)"),
            "1 statements by 2 people",
        ),
        (
            "statements",
            json!("(('lying', 1), ('lying', 2))"),
            "person 2 is mentioned",
        ),
        (
            "statements",
            json!("(('lying', 1), ('lying', 0))"),
            "2 solutions where there must be one",
        ),
        (
            "statements",
            json!("(('lying', 0), ('lying', 0))"),
            "0 solutions where there must be one",
        ),
        (
            "statements",
            json!("lying"),
            "expected an opening parenthesis",
        ),
        (
            "names",
            json!(["Ava", "Ava"]),
            "does not earn the full reward",
        ),
        ("names", json!(["Ava", 1]), "`names[1]` is a number"),
        (
            "cot_repeat_steps",
            json!("x"),
            "`cot_repeat_steps` is a text, expected a list",
        ),
        ("quiz", json!(null), "`quiz` is null"),
    ] {
        let mut bad = row();
        bad[key] = value.clone();
        let error = load(Layout::Tags, &[bad])
            .map(|_| ())
            .expect_err("refused")
            .to_string();
        assert!(
            error.starts_with("train.jsonl:1: ") && error.contains(reason),
            "{value}: {error}"
        );
    }
}

#[test]
fn reasoning_is_judged_by_the_statements() {
    let (task, problem) = task(Layout::Compact);
    let text = "Assume Ava is a knight. Assume Liam is a knight.";
    let reasoning = task.reasoning(&problem, text, true);
    let wanted = "1=knight ✖ 2=knight Contradicts";
    assert_eq!(crate::tasks::reasoning::told(&reasoning), wanted);
}

#[test]
fn another_solution_of_the_same_puzzle_is_shown_too() {
    let mut other = row();
    other["cot_head"] = "Let us see.".into();
    let mut rows = rows();
    rows.push(other);
    let (task, notices) = load(Layout::Tags, &rows).expect("good rows");
    let problem = Split::ALL
        .into_iter()
        .flat_map(|split| task.library().problems(split))
        .find(|problem| task.solutions(problem) == 2);
    let problem = problem.expect("one has two");
    let shown = |variant| task.demonstration(problem, variant);
    assert!(shown(0).contains("Let's think.") && shown(1).contains("Let us see."));
    // Further variants are other orders.
    for variant in 2..6 {
        assert_eq!(task.score(problem, &shown(variant), true).total, 3.0);
    }
    let lost = |notice: &Notice| {
        matches!(
            notice,
            Notice::Duplicates { .. } | Notice::SameProblem { .. }
        )
    };
    assert!(!notices.iter().any(lost), "{notices:?}");
    let renamed = task.perturb(problem, "renamed", 0).expect("known names");
    assert_eq!(task.solutions(&renamed), 2);
    assert!(!task.demonstration(&renamed, 1).contains("Ava"));
}
