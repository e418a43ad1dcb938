//! Runs driven from the library, and followed by somebody else meanwhile.
#![cfg(not(target_family = "wasm"))]

use std::fs;
use std::path::{Path, PathBuf};

use pollster::block_on;

use sasr::config::RunConfig;
use sasr::runs::{Follower, Manifest, Run, RunData};
use sasr::training::{Command, Event};

const TINY: &str = r#"
name = "tiny"
max_steps = 24
[task]
demonstrations = 40
[model]
hidden_size = 16
num_hidden_layers = 1
[base]
steps = 20
batch_size = 8
[curriculum]
levels = [1, 2]
start = 1
[sft]
batch_size = 8
[grpo]
num_prompts = 3
num_generations = 4
max_completion_length = 12
[balance]
warmup_steps = 4
g_warm_window = 2
[exam]
every = 10
problems = 40
[evaluation]
problems = 6
samples = 2
[checkpoint]
every = 10
[logging]
completions_every = 4
"#;

/// A folder of a test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("driving-{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::remove_dir_all(&path).ok();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn config(set: &[&str]) -> RunConfig {
    let set: Vec<String> = set.iter().map(|set| set.to_string()).collect();
    RunConfig::from_toml(TINY, "tiny", &set).unwrap()
}

/// Events that logs hold, completions one by one: how they are grouped may differ.
fn logged(events: &[Event]) -> Vec<Event> {
    let mut all = Vec::new();
    for event in events {
        match event {
            Event::Completions { records } => {
                all.extend(records.iter().map(|record| Event::Completions {
                    records: vec![record.clone()],
                }));
            }
            Event::Step(_) | Event::Evaluated(_) | Event::Alarm(_) => all.push(event.clone()),
            _ => {}
        }
    }
    // A level's completions and its result come level by level, those of a log all at once.
    all.sort_by_key(|event| match event {
        Event::Step(record) => (record.step, 1),
        Event::Completions { records } if records[0].source == "rollout" => (records[0].step, 0),
        Event::Completions { records } => (records[0].step, 3),
        Event::Evaluated(record) => (record.step, 4),
        Event::Alarm(alarm) => (alarm.step, 2),
        _ => unreachable!(),
    });
    all
}

/// Everything until the end.
fn finish(run: &mut Run) -> Vec<Event> {
    let mut events = Vec::new();
    while !run.is_done() {
        events.extend(block_on(run.turn()).unwrap());
    }
    events
}

/// What a follower hears until nothing more is there, after what it `heard` before; and whether
/// that was void.
fn listen(follower: &mut Follower, heard: &mut Vec<Event>) -> bool {
    let mut restarted = false;
    loop {
        let news = follower.poll(10_000).unwrap();
        if news.restarted {
            restarted = true;
            heard.clear();
        }
        heard.extend(news.events);
        if news.caught_up {
            return restarted;
        }
    }
}

#[test]
fn a_follower_hears_what_the_session_says() {
    let scratch = Scratch::new("followed");
    let mut run = block_on(Run::create(config(&[]), &scratch.0)).unwrap();
    let mut follower = Follower::open(run.path()).unwrap();
    assert_eq!(follower.name(), "tiny");
    assert_eq!(follower.config(), run.session().config());
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    while !run.is_done() {
        said.extend(block_on(run.turn()).unwrap());
        assert!(!listen(&mut follower, &mut heard));
        assert_eq!(logged(&heard).len(), logged(&said).len());
    }
    let path = run.path().to_path_buf();
    assert!(
        !heard
            .iter()
            .any(|event| matches!(event, Event::Finished { .. }))
    );
    run.close().unwrap();
    listen(&mut follower, &mut heard);
    assert!(matches!(
        heard.last(),
        Some(Event::Finished { step: 24, .. })
    ));
    assert_eq!(logged(&heard), logged(&said));
    assert_eq!(follower.manifest()["finished"], true);
    let data = RunData::open(&path).unwrap();
    assert_eq!(data.steps.len(), 24);

    // Cut back to a checkpoint and gone on with: all of it is heard again.
    assert!(block_on(Run::resume(&path, None, &[])).unwrap().is_none());
    let mut run = block_on(Run::resume(&path, Some("step-000010"), &[]))
        .unwrap()
        .unwrap();
    assert!(!run.notes().is_empty());
    assert!(!Manifest::read(&path).unwrap().finished);
    let again = finish(&mut run);
    run.close().unwrap();
    assert!(listen(&mut follower, &mut heard));
    let is_before = |event: &Event| matches!(event, Event::Step(record) if record.step <= 10);
    let count = said.iter().filter(|event| is_before(event)).count();
    assert_eq!(count, 10);
    let heard_steps = logged(&heard);
    assert_eq!(heard_steps.len(), logged(&said).len());
    assert!(
        logged(&again)
            .iter()
            .all(|event| heard_steps.contains(event))
    );
}

#[test]
fn commands_are_written_down_and_refused_ones_leave_the_run_going() {
    let scratch = Scratch::new("told");
    let mut run = block_on(Run::create(config(&["base.steps=0"]), &scratch.0)).unwrap();
    let path = run.path().to_path_buf();
    while run.session().steps_done() < 6 {
        block_on(run.turn()).unwrap();
    }
    let set = |path: &str, value: &str| Command::Set {
        path: path.into(),
        value: value.into(),
    };
    let error = block_on(run.tell(set("model.hidden_size", "32"))).unwrap_err();
    assert!(error.is_wrong_input() && error.to_string().contains("balance.gamma"));
    let events = block_on(run.tell(set("logging.completions_groups", "3"))).unwrap();
    assert!(matches!(events.as_slice(), [Event::Changed { .. }]));
    let written = RunConfig::load(Some(&path.join("config.toml")), &[]).unwrap();
    assert_eq!(written.logging.completions_groups, 3);
    assert_eq!(&written, run.session().config());

    block_on(run.tell(Command::Pause)).unwrap();
    let before = fs::read(path.join("metrics.jsonl")).unwrap();
    assert!(block_on(run.turn()).unwrap().is_empty() && !run.is_done());
    assert_eq!(fs::read(path.join("metrics.jsonl")).unwrap(), before);

    // Stopped, it is not finished; closed in the middle neither.
    block_on(run.tell(Command::StopAndSave)).unwrap();
    finish(&mut run);
    run.close().unwrap();
    assert!(!Manifest::read(&path).unwrap().finished);
    let mut run = block_on(Run::resume(&path, None, &[])).unwrap().unwrap();
    assert_eq!(run.session().config().logging.completions_groups, 3);
    block_on(run.turn()).unwrap();
    run.close().unwrap();
    assert!(!Manifest::read(&path).unwrap().finished);
    let mut run = block_on(Run::resume(&path, None, &[])).unwrap().unwrap();
    finish(&mut run);
    run.close().unwrap();
    assert!(Manifest::read(&path).unwrap().finished);
    assert_eq!(RunData::open(&path).unwrap().steps.len(), 24);
}

#[test]
fn what_cannot_be_meant_is_told_apart_from_what_failed() {
    let scratch = Scratch::new("wrong");
    let missing = block_on(Run::resume(&scratch.0.join("none"), None, &[]));
    assert!(missing.err().unwrap().is_wrong_input());
    let run = block_on(Run::create(config(&[]), &scratch.0)).unwrap();
    let path = run.path().to_path_buf();
    // In use by another.
    let error = block_on(Run::create(config(&[]), &scratch.0))
        .err()
        .unwrap();
    assert!(
        !error.is_wrong_input() && error.to_string().contains("in use"),
        "{error}"
    );
    run.close().unwrap();
    let error = block_on(Run::create(config(&[]), &scratch.0))
        .err()
        .unwrap();
    assert!(
        error.is_wrong_input() && error.to_string().contains("already"),
        "{error}"
    );
    let error = block_on(Run::create(
        config(&["device=\"cuda\"", "name=\"other\""]),
        &scratch.0,
    ));
    assert!(error.err().unwrap().is_wrong_input());
    assert!(!scratch.0.join("other").exists());

    fs::write(path.join("manifest.json"), "{").unwrap();
    let error = Manifest::read(&path).unwrap_err();
    assert!(
        !error.is_wrong_input() && error.to_string().contains("is damaged"),
        "{error}"
    );
    fs::remove_file(path.join("manifest.json")).unwrap();
    let error = Manifest::read(&path).unwrap_err();
    assert!(error.to_string().contains("manifest.json"), "{error}");
}
