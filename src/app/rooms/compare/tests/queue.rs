//! Comparisons that are started here: the runs they are made of, and how long they take.

use super::super::launch::plan::{plan, seconds_of_run};
use super::super::launch::progress::{seconds_left, share_done};
use super::super::saving::stem;
use super::*;
use crate::config::RunConfig;

#[test]
fn queued_runs_are_named_and_set_as_the_command_line_does() {
    let text = include_str!("../../../../../configs/quickstart.toml");
    let base = RunConfig::from_toml(text, "quickstart.toml", &[]).unwrap();
    let configs = plan(&base, &[Method::Sasr, Method::Grpo], 2).unwrap();
    let mut expected = Vec::new();
    for seed in 0..2 {
        for method in ["sasr", "grpo"] {
            let set = [
                format!("balance.method=\"{method}\""),
                format!("seed={seed}"),
                format!("name=\"{method}-s{seed}\""),
            ];
            expected.push(RunConfig::from_toml(text, "quickstart.toml", &set).unwrap());
        }
    }
    assert_eq!(configs, expected);
    let names: Vec<&str> = configs.iter().map(|config| config.name.as_str()).collect();
    assert_eq!(names, ["sasr-s0", "grpo-s0", "sasr-s1", "grpo-s1"]);
    let mut wrong = base;
    wrong.max_steps = 0;
    let error = plan(&wrong, &[Method::Sasr], 1).unwrap_err();
    assert!(error.to_string().contains("max_steps"), "{error}");
}

#[test]
fn times_come_from_runs_of_the_same_configuration_only() {
    let data = run(Method::Sft, 3, 40, &[true]);
    let run = curves("x/sft-s3", &data);
    let mut base = data.config.clone();
    (base.name, base.seed, base.max_steps) = ("other".into(), 0, 100);
    base.balance.method = Method::Sasr;
    let time = |base: &RunConfig, method| {
        seconds_of_run(base, method, std::iter::once((&run.config, &run.columns)))
    };
    assert!((time(&base, Method::Sft).unwrap() - 50.0).abs() < 1e-9);
    assert_eq!(time(&base, Method::Grpo), None);
    base.grpo.num_prompts += 1;
    assert_eq!(time(&base, Method::Sft), None);
}

#[test]
fn a_queue_that_ends_is_chosen_when_its_runs_are_listed() {
    let (mut room, mut actions) = (Compare::default(), Actions::default());
    let cards = [
        card("x/sasr-s0", Method::Sasr, 0),
        card("old", Method::Sft, 0),
    ];
    let queue = QueueState {
        folder: "x".into(),
        runs: vec!["x/sasr-s0".into(), "x/sasr-s1".into()],
        done: 1,
    };
    assert_eq!(share_done(&queue, 0.5), 0.75);
    let records = BTreeMap::new();
    let world = idle(&records, &cards);
    room.chosen.insert("old".into());
    room.hear(&Reply::Queue(Some(queue)));
    room.choose_what_the_queue_made(&world, &mut actions);
    assert!(actions.list.is_empty());
    room.hear(&Reply::Queue(None));
    room.choose_what_the_queue_made(&world, &mut actions);
    assert!(matches!(actions.list[..], [Action::Library(Errand::List)]));
    room.choose_what_the_queue_made(&world, &mut actions);
    assert!(room.chosen.contains("old"));
    room.found(&Found::Runs(cards.to_vec()));
    room.choose_what_the_queue_made(&world, &mut actions);
    // The run that was never begun is not among them.
    assert_eq!(room.chosen, BTreeSet::from(["x/sasr-s0".to_owned()]));
    assert_eq!(stem(&room.chosen), "x");
}

#[test]
fn a_queue_tells_how_long_it_still_takes() {
    let queue = QueueState {
        folder: "x".into(),
        runs: vec!["x/a".into(), "x/b".into(), "x/c".into()],
        done: 1,
    };
    let config = run(Method::Sft, 0, 1, &[true]).config;
    let mut record = Record::new("x/b".into(), config, crate::app::record::Motion::Still);
    assert_eq!(seconds_left(&queue, &record), None);
    for number in 1..=40 {
        record.hear(crate::training::Event::Step(Box::new(step(number, None))));
    }
    // Half a second a step: 160 more of this run, 200 of the next.
    let left = seconds_left(&queue, &record).unwrap();
    assert!((left - 180.0).abs() < 1e-6, "{left}");
}

#[test]
fn a_comparison_starts_from_the_form_with_steps_of_its_own() {
    let mut room = Compare::default();
    let config = run(Method::Grpo, 0, 1, &[true]).config;
    room.launch_from(config.clone());
    let kept = serde_json::to_string(&room).unwrap();
    let again: Compare = serde_json::from_str(&kept).unwrap();
    let records = BTreeMap::new();
    let world = idle(&records, &[]);
    assert_eq!(again.launch.base(&world), Some(config.clone()));
    room.launch.steps = Some(77);
    let expected = RunConfig {
        max_steps: 77,
        ..config
    };
    assert_eq!(room.launch.base(&world), Some(expected));
}
