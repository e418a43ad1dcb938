use super::*;
use crate::config::Layout;
use crate::tasks::Split;

fn line(kind: TaskKind, number: usize) -> String {
    let value = match kind {
        TaskKind::Gsm8k => {
            serde_json::json!({ "question": number.to_string(), "answer": "#### 1" })
        }
        TaskKind::Math => serde_json::json!({
            "problem": number.to_string(), "solution": r"\boxed{1}", "level": "Level 1",
        }),
        _ => serde_json::json!({ "prompt": number.to_string(), "completion": "#### 1" }),
    };
    value.to_string() + "\n"
}

#[test]
fn every_kind_is_built_and_named_as_in_the_configuration() {
    for (kind, name, from_files) in [
        (TaskKind::Arithmetic, "arithmetic", false),
        (TaskKind::Countdown, "countdown", false),
        (TaskKind::KnightsKnaves, "knights_knaves", false),
        (TaskKind::Gsm8k, "gsm8k", true),
        (TaskKind::Math, "math", true),
        (TaskKind::Jsonl, "jsonl", true),
    ] {
        for layout in [Layout::Compact, Layout::Tags] {
            let mut config = TaskConfig {
                kind,
                layout,
                ..TaskConfig::default()
            };
            if from_files {
                config.files.train = vec!["some.jsonl".into()];
            }
            let text: String = (0..30).map(|number| line(kind, number)).collect();
            let built = build(&config, &|_| Ok(text.clone().into_bytes())).expect("it is built");
            assert_eq!(built.task.name(), name);
            assert_eq!(built.fingerprints.len(), usize::from(from_files));
            let problem = built
                .task
                .problem(Split::Train, *built.task.levels().start(), 0);
            let demonstration = built.task.demonstration(&problem, 0);
            assert!(
                built.task.score(&problem, &demonstration, true).correct,
                "{demonstration}"
            );
        }
    }
}

#[test]
fn file_fingerprints_are_those_of_the_bytes() {
    let mut config = TaskConfig {
        kind: TaskKind::Gsm8k,
        ..TaskConfig::default()
    };
    config.files.train = vec!["some.jsonl".into()];
    let text: String = (0..30)
        .map(|number| line(TaskKind::Gsm8k, number))
        .collect();
    let built = build(&config, &|_| Ok(text.clone().into_bytes())).expect("it is built");
    use sha2::Digest as _;
    let expected = format!("{:x}", sha2::Sha256::digest(&text));
    assert_eq!(built.fingerprints, [("some.jsonl".to_owned(), expected)]);
}

#[test]
fn puzzles_come_from_files_where_any_are_named() {
    let mut config = TaskConfig {
        kind: TaskKind::KnightsKnaves,
        ..TaskConfig::default()
    };
    config.files.test = vec!["test.parquet".into()];
    let error = build(&config, &|_| Ok(Vec::new()))
        .map(|_| ())
        .expect_err("no training files");
    assert!(
        error.to_string().starts_with("task.files.train = []"),
        "{error}"
    );
    config.files.train = vec!["train.parquet".into()];
    let error = build(&config, &|_| Ok(Vec::new()))
        .map(|_| ())
        .expect_err("an empty file");
    assert!(
        error
            .to_string()
            .starts_with("test.parquet cannot be read as parquet"),
        "{error}"
    );
}
