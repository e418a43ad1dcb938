//! The list of runs, and following one.

use std::fs;
use std::time::Duration;

use super::{Rig, config, evaluated, manifest, step};
use crate::app::library::{Errand, Found};
use crate::config::Method;
use crate::runs::RunFolder;
use crate::runs::changes::Change;

#[test]
fn the_list_tells_of_every_run_what_came_of_it() {
    let mut rig = Rig::new("list");
    rig.finished("alone", config("alone", Method::Sasr, 3), 20);
    rig.finished("both/sft-s1", config("sft-s1", Method::Sft, 1), 12);
    let mut exam = rig.run("both/open", config("open", Method::Grpo, 2), 5);
    exam.record(&evaluated(9, "exam", 0.25)).unwrap();
    let longer = Change {
        step: 9,
        path: "max_steps".into(),
        before: "9".into(),
        value: "20".into(),
    };
    exam.record(&longer.event()).unwrap();
    fs::create_dir_all(rig.runs.join("damaged")).unwrap();
    fs::write(rig.runs.join("damaged/config.toml"), "max_stepps = 1").unwrap();
    fs::create_dir_all(rig.runs.join(".base/hidden")).unwrap();
    fs::write(rig.runs.join(".base/hidden/config.toml"), "").unwrap();

    let cards = rig.list();
    let mut keys: Vec<&str> = cards.iter().map(|card| card.key.as_str()).collect();
    assert!(
        cards
            .windows(2)
            .all(|pair| pair[0].changed >= pair[1].changed)
    );
    keys.sort_unstable();
    assert_eq!(keys, ["alone", "both/open", "both/sft-s1", "damaged"]);
    let card = |key: &str| cards.iter().find(|card| card.key == key).unwrap();
    let alone = card("alone");
    assert_eq!((alone.step, alone.max_steps, alone.seed), (20, 20, 3));
    assert_eq!((alone.finished, alone.accuracy), (true, Some(0.75)));
    assert_eq!(alone.task, "arithmetic");
    let paths: Vec<&str> = alone
        .differences
        .iter()
        .map(|(path, ..)| path.as_str())
        .collect();
    assert!(
        paths.contains(&"max_steps") && !paths.contains(&"seed"),
        "{paths:?}"
    );
    let open = card("both/open");
    assert_eq!(
        (open.name.as_str(), open.method, open.step),
        ("open", Method::Grpo, 5)
    );
    assert_eq!((open.finished, open.accuracy), (false, Some(0.25)));
    assert_eq!(open.changes, [longer]);
    assert!(alone.changes.is_empty());
    let why = card("damaged").damaged.clone().unwrap();
    assert!(why.contains("max_stepps"), "{why}");
}

#[test]
fn a_list_is_said_again_when_a_run_comes() {
    let mut rig = Rig::new("again");
    assert!(rig.list().is_empty());
    rig.finished("new", config("new", Method::Sasr, 0), 3);
    let cards = rig.wait(|found| match found {
        Found::Runs(cards) => Some(cards.clone()),
        _ => None,
    });
    assert_eq!(cards[0].key, "new");
}

#[test]
fn a_growing_run_is_followed_to_its_end_and_beyond() {
    let mut rig = Rig::new("grow");
    let mut folder = rig.run("run", config("run", Method::Sasr, 0), 3);
    rig.library.send(Errand::Open("run".into()));
    let opened = rig.wait(|found| match found {
        Found::Opened { run, config } => Some((run.clone(), config.max_steps)),
        _ => None,
    });
    assert_eq!(opened, ("run".into(), 20));
    let told = rig.follow(|told| told.caught_up);
    assert_eq!(
        (told.steps, told.growing, told.finished),
        (vec![1, 2, 3], true, false)
    );
    folder.record(&step(4)).unwrap();
    let told = rig.follow(|told| told.steps.contains(&4));
    assert_eq!((told.steps, told.growing), (vec![4], true));
    folder.write_manifest(&manifest(true)).unwrap();
    drop(folder);
    let told = rig.follow(|told| told.finished && !told.growing);
    assert!(told.steps.is_empty());
    // Somebody goes on with it.
    let stopped = RunFolder::find(&rig.runs.join("run"), None).unwrap();
    let (mut folder, _) = stopped.go_on(&config("run", Method::Sasr, 0)).unwrap();
    folder.record(&step(1)).unwrap();
    let told = rig.follow(|told| told.growing && told.steps == [1]);
    assert!(told.caught_up);
    // After the word to close it nothing more is said of it.
    rig.library.send(Errand::Close("run".into()));
    rig.list();
    folder.record(&step(2)).unwrap();
    std::thread::sleep(Duration::from_millis(900));
    while let Some(found) = rig.library.receive() {
        assert!(!matches!(found, Found::News { .. }), "{found:?}");
    }
}

#[test]
fn a_long_log_comes_in_pieces() {
    let mut rig = Rig::new("long");
    rig.finished("run", config("run", Method::Sasr, 0), 6000);
    rig.library.send(Errand::Open("run".into()));
    let told = rig.follow(|told| told.finished && told.caught_up);
    assert!(told.words > 3, "{}", told.words);
    assert!(told.steps.iter().copied().eq(1..=6000));
}

#[test]
fn a_damaged_line_is_said_once_and_read_past_when_mended() {
    let mut rig = Rig::new("line");
    rig.finished("run", config("run", Method::Sasr, 0), 2);
    let log = rig.runs.join("run/metrics.jsonl");
    let good = fs::read_to_string(&log).unwrap();
    fs::write(&log, format!("{good}not a step\n")).unwrap();
    rig.library.send(Errand::Open("run".into()));
    let why = rig.failure();
    assert!(
        why.starts_with("run cannot be read on: metrics.jsonl:3"),
        "{why}"
    );
    std::thread::sleep(Duration::from_millis(2500));
    while let Some(found) = rig.library.receive() {
        assert!(!matches!(found, Found::Failed(_)), "{found:?}");
    }
    fs::write(&log, good).unwrap();
    let told = rig.follow(|told| told.finished);
    assert!(told.caught_up);
}

#[test]
fn a_run_that_is_gone_is_let_go_and_a_damaged_one_says_why() {
    let mut rig = Rig::new("gone");
    rig.library.send(Errand::Open("nowhere".into()));
    let gone = |found: &Found| match found {
        Found::Moved { from, to: None } => Some(from.clone()),
        _ => None,
    };
    assert_eq!(rig.wait(gone), "nowhere");
    assert!(rig.done().starts_with("nowhere is not there any more"));
    rig.finished("run", config("run", Method::Sasr, 0), 2);
    rig.library.send(Errand::Open("run".into()));
    rig.follow(|told| told.finished);
    fs::remove_dir_all(rig.runs.join("run")).unwrap();
    assert_eq!(rig.wait(gone), "run");

    rig.finished("damaged", config("damaged", Method::Sasr, 0), 2);
    rig.library.send(Errand::Configure("damaged".into()));
    let copied = rig.wait(|found| match found {
        Found::Config(config) => Some(config.name.clone()),
        _ => None,
    });
    assert_eq!(copied, "damaged");
    fs::write(rig.runs.join("damaged/config.toml"), "max_steps = [").unwrap();
    for errand in [
        Errand::Open("damaged".into()),
        Errand::Configure("damaged".into()),
    ] {
        rig.library.send(errand);
        let why = rig.failure();
        assert!(why.contains("config.toml"), "{why}");
    }
}
