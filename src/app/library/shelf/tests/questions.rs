//! What is asked under a ticket.

use std::fs;

use super::{Rig, config, step};
use crate::app::library::{Compared, Errand, Found};
use crate::config::Method;
use crate::tasks::{self, Split};
use crate::training::{BatchItem, Event};

/// Compares runs, or why they cannot be.
fn compare(rig: &mut Rig, ticket: u64, runs: &[&str]) -> Result<Compared, String> {
    let runs = runs.iter().map(|run| run.to_string()).collect();
    rig.library.send(Errand::Compare { ticket, runs });
    rig.wait(|found| match found {
        Found::Compared {
            ticket: of,
            compared,
        } if *of == ticket => Some(Ok((**compared).clone())),
        Found::Refused { ticket: of, why } if *of == ticket => Some(Err(why.clone())),
        _ => None,
    })
}

#[test]
fn runs_are_compared_and_read_anew_when_they_changed() {
    let mut rig = Rig::new("compare");
    rig.finished("a", config("a", Method::Sasr, 0), 20);
    rig.finished("b", config("b", Method::Sft, 0), 20);
    let compared = compare(&mut rig, 1, &["b", "a"]).unwrap();
    let groups = &compared.comparison.groups;
    let labels: Vec<&str> = groups.iter().map(|group| group.label.as_str()).collect();
    assert_eq!(labels, ["sasr", "sft"]);
    let curves = &compared.curves;
    assert_eq!((curves[0].run.as_str(), curves[1].run.as_str()), ("b", "a"));
    assert_eq!(curves[0].config.balance.method, Method::Sft);
    assert_eq!(
        (curves[0].columns.len(), curves[0].columns.tokens[19]),
        (20, 2000.0)
    );
    assert_eq!(curves[1].columns.value("loss", 4), Some(0.25));
    let cost = &groups[0].outcomes[0].cost;
    assert_eq!(
        (cost.sft_steps, cost.grpo_steps, cost.tokens),
        (10, 10, 2000)
    );
    assert_eq!(cost.seconds, 10.0);
    let why = compare(&mut rig, 2, &["a", "nowhere"]).unwrap_err();
    assert!(why.starts_with("nowhere:"), "{why}");
    let why = compare(&mut rig, 3, &[]).unwrap_err();
    assert!(why.contains("no runs"), "{why}");

    let log = rig.runs.join("a/metrics.jsonl");
    let mut text = fs::read_to_string(&log).unwrap();
    let Event::Step(record) = step(21) else {
        unreachable!()
    };
    text.push_str(&serde_json::to_string(&record).unwrap());
    fs::write(&log, text).unwrap();
    let curves = compare(&mut rig, 4, &["a", "b"]).unwrap().curves;
    assert_eq!((curves[0].columns.len(), curves[1].columns.len()), (21, 20));
    assert_eq!(curves[1].config.balance.method, Method::Sft);
}

#[test]
fn demonstrations_are_those_the_steps_learnt_from() {
    let mut rig = Rig::new("demonstrations");
    let config = crate::app::presets::all().remove(0).config;
    let item = |index, variant| BatchItem {
        level: 3,
        index,
        variant,
        rewards: Vec::new(),
        correct: Vec::new(),
    };
    let mut ask = |items: Vec<BatchItem>| {
        rig.library.send(Errand::Demonstrations {
            ticket: 5,
            config: Box::new(config.clone()),
            items,
        });
        rig.wait(|found| match found {
            Found::Demonstrations { demonstrations, .. } => Some(Ok(demonstrations.clone())),
            Found::Refused { ticket: 5, why } => Some(Err(why.clone())),
            _ => None,
        })
    };
    let shown = ask(vec![item(217, Some(0)), item(3, None), item(181, Some(1))]).unwrap();
    let task = tasks::build(&config.task, &|path| fs::read(path))
        .unwrap()
        .task;
    assert_eq!(shown.len(), 2);
    for (demonstration, (index, variant)) in shown.iter().zip([(217, 0), (181, 1)]) {
        let problem = task.problem(Split::Train, 3, index);
        assert_eq!(demonstration.prompt, problem.prompt);
        assert_eq!(demonstration.text, task.demonstration(&problem, variant));
        assert!(task.score(&problem, &demonstration.text, true).correct);
    }
    let mut far = item(1, Some(0));
    far.level = 4000;
    let why = ask(vec![far]).unwrap_err();
    assert!(why.contains("level 4000"), "{why}");
}

#[test]
fn checkpoints_and_missing_files_are_told() {
    let mut rig = Rig::new("checkpoints");
    rig.finished("run", config("run", Method::Sasr, 0), 1);
    for name in [
        "step-000200",
        "step-001000",
        ".step-001200.part",
        "abandoned-step-000400",
    ] {
        fs::create_dir_all(rig.runs.join("run/checkpoints").join(name)).unwrap();
    }
    for (run, expected) in [
        ("run", vec!["step-000200", "step-001000"]),
        ("none", vec![]),
    ] {
        let run = run.into();
        rig.library.send(Errand::Checkpoints { ticket: 8, run });
        let names = rig.wait(|found| match found {
            Found::Checkpoints { ticket: 8, names } => Some(names.clone()),
            _ => None,
        });
        assert_eq!(names, expected);
    }
    let there = rig
        .runs
        .join("run/config.toml")
        .to_string_lossy()
        .into_owned();
    let not = rig.runs.join("train.jsonl").to_string_lossy().into_owned();
    let files = vec![there, not.clone()];
    rig.library.send(Errand::Missing { ticket: 9, files });
    let missing = rig.wait(|found| match found {
        Found::Missing { ticket: 9, files } => Some(files.clone()),
        _ => None,
    });
    assert_eq!(missing, [not]);
}
