mod kept;

use serde_json::{Value, json};

use super::*;
use crate::tasks::file_task::{FileTask, load_texts};
use crate::tasks::library::Notice;
use crate::tasks::{Reasoning, Split, Task as _, TaskError};

/// A task of 30 rows, each made by `row` from its number.
fn load(
    layout: Layout,
    files: FilesConfig,
    row: impl Fn(usize) -> Value,
) -> Result<(FileTask<Jsonl>, Vec<Notice>), TaskError> {
    let text: String = (0..30)
        .map(|number| row(number).to_string() + "\n")
        .collect();
    load_texts(Jsonl::new(layout, &files), files, &text, "")
}

fn files(verifier: Verifier, answer_key: &str) -> FilesConfig {
    FilesConfig {
        verifier,
        answer_key: answer_key.into(),
        ..FilesConfig::default()
    }
}

/// Prompt and demonstration of the first training problem that `row` gives.
fn first(layout: Layout, files: FilesConfig, row: impl Fn(usize) -> Value) -> (Problem, String) {
    let (task, _) = load(layout, files, row).expect("good rows");
    let problem = task.problem(Split::Train, 1, 0);
    let demonstration = task.demonstration(&problem, 0);
    let reward = task.score(&problem, &demonstration, true);
    assert!(
        reward.correct && reward.parts.iter().all(|(_, value)| *value > 0.0),
        "{reward:?}"
    );
    (problem, demonstration)
}

fn refused(files: FilesConfig, row: Value) -> String {
    load(Layout::Compact, files, |_| row.clone())
        .map(|_| ())
        .expect_err("refused")
        .to_string()
}

#[test]
fn the_three_shapes_say_the_same() {
    let user = |n: usize| json!({ "role": "user", "content": format!("say {n}") });
    let said = json!({ "role": "assistant", "content": "Well.\n#### yes" });
    let shapes: [&dyn Fn(usize) -> Value; 4] = [
        &|n| json!({ "prompt": format!("say {n}"), "completion": "Well.\n#### yes" }),
        &|n| json!({ "prompt": [user(n)], "completion": [said] }),
        &|n| json!({ "messages": [user(n), said] }),
        &|n| {
            let parts = [
                json!({ "type": "text", "text": "Well.\n" }),
                json!({ "text": "#### yes" }),
            ];
            json!({ "messages": [user(n), { "role": "assistant", "content": parts }] })
        },
    ];
    let read = |shape| first(Layout::Compact, FilesConfig::default(), shape);
    let (problem, demonstration) = read(shapes[0]);
    assert!(problem.prompt.starts_with("say "), "{}", problem.prompt);
    assert_eq!(demonstration, "Well.\n#### yes");
    for shape in &shapes[1..] {
        assert_eq!(read(shape), (problem.clone(), demonstration.clone()));
    }
}

#[test]
fn several_messages_are_flattened_with_their_roles() {
    let (problem, demonstration) = first(Layout::Compact, FilesConfig::default(), |n| {
        json!({ "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": format!("Hi {n}") },
            { "role": "assistant", "content": "Hello" },
            { "role": "user", "content": "2+2?" },
            { "role": "assistant", "content": "#### 4" },
            { "role": "user", "content": "Thanks" },
        ] })
    });
    let number = problem
        .prompt
        .split("Hi ")
        .nth(1)
        .and_then(|rest| rest.split('\n').next());
    let number = number.expect("the first user message");
    assert_eq!(
        problem.prompt,
        format!("System: Be brief.\n\nUser: Hi {number}\n\nAssistant: Hello\n\nUser: 2+2?")
    );
    assert_eq!(demonstration, "#### 4");
}

#[test]
fn the_reference_comes_from_its_key_and_is_shown_where_the_completion_lacks_it() {
    let row = |n: usize| json!({ "prompt": n.to_string(), "completion": "I add.", "answer": 4.0 });
    let (problem, demonstration) = first(Layout::Compact, files(Verifier::Number, "answer"), row);
    assert_eq!(
        (problem.answer.as_str(), demonstration.as_str()),
        ("4", "I add.\n#### 4")
    );
    let (_, demonstration) = first(Layout::Tags, files(Verifier::Number, "answer"), row);
    assert_eq!(demonstration, "<think>I add.</think><answer>4</answer>");
    let row = |n: usize| json!({ "prompt": n.to_string(), "completion": "It is 4." });
    let (problem, demonstration) =
        first(Layout::Compact, files(Verifier::Number, "completion"), row);
    assert_eq!(
        (problem.answer.as_str(), demonstration.as_str()),
        ("4", "It is 4.")
    );
}

#[test]
fn completions_with_tags_stay_as_they_are() {
    let completion = "<think>so</think>\n<answer>4</answer>";
    let row = |n: usize| json!({ "prompt": n.to_string(), "completion": completion });
    for layout in [Layout::Compact, Layout::Tags] {
        let (problem, demonstration) = first(layout, FilesConfig::default(), row);
        assert_eq!(
            (problem.answer.as_str(), demonstration.as_str()),
            ("4", completion)
        );
    }
}

#[test]
fn incomplete_tags_are_completed_and_contradictions_stay_visible() {
    for (completion, shown) in [
        (
            "So.<answer>4</answer>",
            "<think>So.</think><answer>4</answer>",
        ),
        (
            "So. <answer>4</answer>",
            "<think>So. </think><answer>4</answer>",
        ),
        (
            "<think>So.</think> <answer> 4 </answer>!",
            "<think>So.</think> <answer> 4 </answer>!",
        ),
    ] {
        let row = |n: usize| json!({ "prompt": n.to_string(), "completion": completion });
        let (_, demonstration) = first(Layout::Tags, FilesConfig::default(), row);
        assert_eq!(demonstration, shown);
    }
    let error = load(
        Layout::Tags,
        files(Verifier::Number, "key"),
        |n| json!({ "prompt": n.to_string(), "completion": "#### 1", "key": "2" }),
    );
    let message = error.map(|_| ()).expect_err("refused").to_string();
    assert!(
        message.contains("read from it is \"1\", the reference is \"2\""),
        "{message}"
    );
}

#[test]
fn every_verifier_grades_in_either_layout() {
    for (verifier, reference, right, wrong) in [
        (Verifier::Exact, "New  York", "New York", "new york"),
        (Verifier::Number, "1,000", "about $1000.0", "999"),
        (Verifier::Boxed, "1/2", r"\boxed{\frac12}", r"\boxed{2}"),
        (Verifier::Choice, "(B)", "b", "C"),
        (Verifier::Regex, "colou?r", "color", "colors"),
    ] {
        for layout in [Layout::Compact, Layout::Tags] {
            let completion = if verifier == Verifier::Regex {
                "#### colour"
            } else {
                "So."
            };
            let (task, _) = load(
                layout,
                files(verifier, "key"),
                |n| json!({ "prompt": n.to_string(), "completion": completion, "key": reference }),
            )
            .expect("good rows");
            let problem = task.problem(Split::Test, 1, 0);
            let correct = |answer: &str| {
                let completion = match layout {
                    Layout::Compact => format!("So.\n#### {answer}"),
                    Layout::Tags => tags::wrap("So.", answer),
                };
                task.score(&problem, &completion, true).correct
            };
            assert!(correct(right), "{verifier:?} {layout:?}");
            assert!(!correct(wrong), "{verifier:?} {layout:?}");
            assert!(!correct(""), "{verifier:?} {layout:?}");
        }
    }
}

#[test]
fn levels_come_from_their_key() {
    let files = FilesConfig {
        level_key: "grade".into(),
        ..FilesConfig::default()
    };
    let row = |grade: Value| move |n: usize| json!({ "prompt": n.to_string(), "completion": "#### 4", "grade": grade });
    for grade in [json!(3), json!("3")] {
        let (task, _) = load(Layout::Compact, files.clone(), row(grade)).expect("a level");
        assert_eq!(task.levels(), 3..=3);
    }
    for grade in [
        json!(-1),
        json!(1.5),
        json!("x"),
        json!(4_000_000_000u64),
        json!(null),
    ] {
        let error = load(Layout::Compact, files.clone(), row(grade)).map(|_| ());
        let error = error.expect_err("no level").to_string();
        assert!(error.starts_with("train.jsonl:1: `grade`"), "{error}");
    }
}

#[test]
fn rows_that_cannot_be_used_say_why() {
    let plain = FilesConfig::default;
    for (files, row, reason) in [
        (
            plain(),
            json!({ "prompt": "a", "completion": "b" }),
            "task.files.answer_key",
        ),
        (
            plain(),
            json!({ "promt": "a", "completion": "#### b" }),
            "the nearest is `promt`",
        ),
        (
            plain(),
            json!({ "prompt": 1, "completion": "#### b" }),
            "`prompt` is a number",
        ),
        (
            plain(),
            json!({ "prompt": "", "completion": "#### b" }),
            "there is no prompt",
        ),
        (
            plain(),
            json!({ "prompt": "a", "completion": "" }),
            "there is no completion",
        ),
        (
            plain(),
            json!({ "messages": [] }),
            "no message with the role `assistant`",
        ),
        (
            plain(),
            json!({ "messages": "x" }),
            "`messages` is a text, expected a list",
        ),
        (
            plain(),
            json!({ "messages": [1] }),
            "`messages[0]` is a number",
        ),
        (
            plain(),
            json!({ "messages": [{ "role": "assistant", "content": null }] }),
            "`messages[0].content` is null",
        ),
        (
            plain(),
            json!({ "messages": [{ "role": "assistant", "content": "#### 1" }] }),
            "there is no prompt",
        ),
        (
            files(Verifier::Number, ""),
            json!({ "prompt": "a", "completion": "#### b" }),
            "the completion has no `#### ` before a number",
        ),
        (
            files(Verifier::Number, "key"),
            json!({ "prompt": "a", "completion": "b", "key": "none" }),
            "`key` = \"none\": there is no number in it",
        ),
        (
            files(Verifier::Number, "key"),
            json!({ "prompt": "a", "completion": "b", "key": "3 to 4" }),
            "`key` = \"3 to 4\": its last number cannot be read whole",
        ),
        (
            files(Verifier::Number, "key"),
            json!({ "prompt": "a", "completion": "b", "key": null }),
            "`key` is null, expected a text or a number",
        ),
        (
            files(Verifier::Number, "kye"),
            json!({ "prompt": "a", "completion": "b", "key": "5" }),
            "no key `kye`; the line has `prompt`, `completion`, `key`",
        ),
        (
            files(Verifier::Choice, "key"),
            json!({ "prompt": "a", "completion": "b", "key": "(A) or (B)" }),
            "it names several options",
        ),
        (
            files(Verifier::Regex, "key"),
            json!({ "prompt": "a", "completion": "b", "key": "(" }),
            "unclosed group",
        ),
        (
            files(Verifier::Regex, "key"),
            json!({ "prompt": "a", "completion": "b", "key": "c" }),
            "does not earn the full reward: the answer read from it is \"b\"",
        ),
        (
            files(Verifier::Number, "key"),
            json!({ "prompt": "a", "completion": "#### 1", "key": "2" }),
            "the answer read from it is \"1\", the reference is \"2\"",
        ),
    ] {
        let message = refused(files, row.clone());
        assert!(
            message.starts_with("train.jsonl:1: ") && message.contains(reason),
            "{row}: {message}"
        );
    }
}

#[test]
fn reasoning_is_told_apart_by_its_words_and_not_judged() {
    let row = |n: usize| json!({ "prompt": n.to_string(), "completion": "#### 4" });
    let (task, _) = load(Layout::Compact, FilesConfig::default(), row).expect("good rows");
    let problem = task.problem(Split::Train, 1, 0);
    let path = |completion: &str| task.path(&problem, completion);
    assert_eq!(path("First  ADD.\n#### 4").as_deref(), Some("first add."));
    assert_eq!(
        path("#### Step 1\nAdd.\n#### 4").as_deref(),
        Some("#### step 1 add.")
    );
    assert_eq!(
        path("<think>First add.</think><answer>5</answer>").as_deref(),
        Some("first add.")
    );
    assert_eq!(path("#### 4"), None);
    for completion in ["First add.\n#### 4", "3+4=8", ""] {
        assert_eq!(
            task.reasoning(&problem, completion, true),
            Reasoning::NotJudged
        );
    }
}
