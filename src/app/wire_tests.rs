//! Every message there and back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::*;
use crate::app::engine::{Asked, Question, QueueState, Subject};
use crate::app::library::{Compared, Curves, Demonstration, Dropped, RunCard, Saved, SavedWhat};
use crate::app::record::Columns;
use crate::config::{Method, RunConfig};
use crate::runs::changes::Change;
use crate::runs::synthetic;
use crate::runs::{Comparison, RunData};
use crate::training::{Command, Estimate, Event, Phase, Preview, Setup, StepTimes, preview};

/// There and back: what comes out says the same of itself, and as the same bytes.
fn round<T: Serialize + DeserializeOwned + Debug>(message: &T) -> T {
    let bytes = encode(message).unwrap();
    let back: T = decode(&bytes).unwrap();
    assert_eq!(format!("{back:?}"), format!("{message:?}"));
    assert_eq!(encode(&back).unwrap(), bytes);
    back
}

/// All of `count` kinds of messages must be among them.
fn all<T: Serialize + DeserializeOwned + Debug>(
    messages: &[T],
    count: usize,
    kind: impl Fn(&T) -> usize,
) {
    let kinds: BTreeSet<usize> = messages.iter().map(kind).collect();
    assert_eq!(kinds, (0..count).collect::<BTreeSet<_>>());
    messages.iter().for_each(|message| drop(round(message)));
}

/// A run with everything in it, and numbers that are not finite.
fn run() -> RunData {
    let mut run = synthetic::of(Method::Sasr, 1, 40);
    run.steps[3].loss = f64::NAN;
    run.steps[4].grad_norm = f64::INFINITY;
    run.steps[5].metrics.insert("kl".into(), f64::NEG_INFINITY);
    run
}

fn events(run: &RunData) -> Vec<Event> {
    let mut events = vec![
        Event::Started {
            parameters: 1 << 40,
            vocabulary: 20,
            device: "cpu".into(),
            steps: 40,
            notices: vec!["ein Hinweis: ✔".into()],
        },
        Event::PhaseBegan {
            phase: Phase::Warmup,
            step: 0,
        },
        Event::BaseStep {
            step: 1,
            steps: 2,
            loss: f64::NAN,
            grad_norm: 1e-300,
            num_tokens: u64::MAX,
            step_time: 0.25,
        },
        Event::Progress {
            what: "exam".into(),
            done: 1,
            total: 2,
        },
        Event::LevelOpened { step: 3, level: 2 },
        Event::CheckpointDue {
            step: 4,
            best: true,
        },
        Event::BaseReady,
        Event::Changed {
            step: 5,
            path: "balance.gamma".into(),
            before: "1.0".into(),
            value: "2".into(),
        },
        Event::Paused { step: 6 },
        Event::Resumed { step: 6 },
        Event::Finished {
            step: 40,
            seconds: 1.5,
        },
    ];
    events.extend(
        run.steps
            .iter()
            .cloned()
            .map(|step| Event::Step(Box::new(step))),
    );
    let evaluated = |record| Event::Evaluated(Box::new(record));
    events.extend(run.evaluations.iter().cloned().map(evaluated));
    events.extend(run.alarms.iter().cloned().map(Event::Alarm));
    events.push(Event::Completions {
        records: run.completions.clone(),
    });
    events
}

fn setup() -> Setup {
    let device = pollster::block_on(crate::devices::open("cpu")).unwrap();
    let config = RunConfig::from_toml("[model]\nhidden_size = 16", "test", &[]).unwrap();
    Setup::new(config, device, &crate::runs::place::loader).unwrap()
}

#[test]
fn requests() {
    let config = Box::new(run().config);
    let question = |what| Question {
        what,
        samples: 2,
        temperature: 0.7,
        max_completion_length: 9,
        seed: u64::MAX,
    };
    let told = [
        Command::Pause,
        Command::Resume,
        Command::SingleStep,
        Command::StopAndSave,
        Command::Set {
            path: "grpo.beta".into(),
            value: "0.1".into(),
        },
        Command::Extend { max_steps: 9 },
    ];
    let mut messages = vec![
        Request::Train {
            config: config.clone(),
        },
        Request::Resume {
            run: "a/b".into(),
            checkpoint: Some("step-000010".into()),
            set: vec!["max_steps=3".into()],
        },
        Request::Queue {
            folder: "all".into(),
            configs: vec![*config.clone(), RunConfig::default()],
        },
        Request::CancelQueue,
        Request::Sample {
            ticket: 1,
            subject: Subject::Live,
            question: question(Asked::Text("1 + 1 = ?".into())),
        },
        Request::Sample {
            ticket: 2,
            subject: Subject::Checkpoint {
                run: "a".into(),
                checkpoint: None,
            },
            question: question(Asked::Problem { level: 3, index: 4 }),
        },
        Request::Sample {
            ticket: 6,
            subject: Subject::Origin { run: "a".into() },
            question: question(Asked::Problem { level: 1, index: 0 }),
        },
        Request::Preview {
            ticket: 3,
            config: config.clone(),
            level: Some((2, 7)),
            count: 4,
        },
        Request::Estimate {
            ticket: 4,
            config,
            measure: true,
        },
        Request::Break(5),
        Request::Quit,
    ];
    messages.extend(told.map(Request::Tell));
    all(&messages, 10, |message| match message {
        Request::Train { .. } => 0,
        Request::Resume { .. } => 1,
        Request::Tell(_) => 2,
        Request::Queue { .. } => 3,
        Request::CancelQueue => 4,
        Request::Sample { .. } => 5,
        Request::Preview { .. } => 6,
        Request::Estimate { .. } => 7,
        Request::Break(_) => 8,
        Request::Quit => 9,
    });
    let wrapped = messages.into_iter().map(ToWorker::Engine);
    wrapped.for_each(|message| drop(round(&message)));
    round(&ToWorker::Heard);
}

#[test]
fn replies() {
    let (run, setup) = (run(), setup());
    let previews: Vec<Preview> = preview(&setup, 2).unwrap();
    let messages = [
        Reply::Began {
            run: "a".into(),
            config: Box::new(run.config.clone()),
            before: events(&run),
        },
        Reply::Events {
            run: "a".into(),
            events: events(&run),
        },
        Reply::Ended {
            run: "a".into(),
            finished: false,
            error: Some("full".into()),
        },
        Reply::Queue(None),
        Reply::Queue(Some(QueueState {
            folder: "all".into(),
            runs: vec!["all/a".into()],
            done: 1,
        })),
        Reply::Token {
            ticket: 1,
            sample: 2,
            text: "é".into(),
            probability: f32::NAN,
        },
        Reply::Sampled {
            ticket: 1,
            prompt: "?".into(),
            records: run.completions.clone(),
        },
        Reply::Previewed {
            ticket: 2,
            previews,
        },
        Reply::Estimated {
            ticket: 3,
            estimate: Estimate::of(&setup).unwrap(),
            times: Some(StepTimes {
                sft: 0.1,
                grpo: f64::INFINITY,
            }),
        },
        Reply::Refused {
            ticket: 4,
            why: "no".into(),
        },
        Reply::Failed { why: "no".into() },
        Reply::Gone,
    ];
    all(&messages, 11, |message| match message {
        Reply::Began { .. } => 0,
        Reply::Events { .. } => 1,
        Reply::Ended { .. } => 2,
        Reply::Queue(_) => 3,
        Reply::Token { .. } => 4,
        Reply::Sampled { .. } => 5,
        Reply::Previewed { .. } => 6,
        Reply::Estimated { .. } => 7,
        Reply::Refused { .. } => 8,
        Reply::Failed { .. } => 9,
        Reply::Gone => 10,
    });
    // Not only written alike: the numbers are those that were sent.
    let Reply::Events { events, .. } = round(&messages[1]) else {
        panic!("another message came back");
    };
    let step = |number: u64| {
        let found = events.iter().find_map(|event| match event {
            Event::Step(step) if step.step == number => Some(step.clone()),
            _ => None,
        });
        found.unwrap()
    };
    assert!(step(4).loss.is_nan());
    assert_eq!(step(5).grad_norm, f64::INFINITY);
    assert_eq!(step(6).metrics["kl"], f64::NEG_INFINITY);
    assert_eq!(*step(7), run.steps[6]);
}

#[test]
fn errands() {
    let config = Box::new(run().config);
    let saved = |what| {
        Errand::Save(Saved {
            name: "a.zip".into(),
            what,
        })
    };
    let items = run()
        .steps
        .iter()
        .flat_map(|step| step.batch.clone())
        .collect();
    let messages = [
        Errand::List,
        Errand::Open("a".into()),
        Errand::Close("a".into()),
        Errand::Rename {
            run: "a".into(),
            name: "b".into(),
        },
        Errand::Delete("a".into()),
        Errand::Configure("a".into()),
        Errand::Reveal("a".into()),
        Errand::Import(Dropped::Path("/a".into())),
        Errand::Import(Dropped::Bytes {
            name: "a.zip".into(),
            bytes: (0..=255).collect(),
        }),
        Errand::Choose,
        saved(SavedWhat::Bytes(vec![0, 255, 7])),
        saved(SavedWhat::Zip("a".into())),
        saved(SavedWhat::Report(vec!["a".into(), "b".into()])),
        Errand::Compare {
            ticket: 1,
            runs: vec!["a".into()],
        },
        Errand::Demonstrations {
            ticket: 2,
            config,
            items,
        },
        Errand::Missing {
            ticket: 3,
            files: vec!["a".into()],
        },
        Errand::Checkpoints {
            ticket: 4,
            run: "a".into(),
        },
        Errand::Quit,
    ];
    all(&messages, 15, |message| match message {
        Errand::List => 0,
        Errand::Open(_) => 1,
        Errand::Close(_) => 2,
        Errand::Rename { .. } => 3,
        Errand::Delete(_) => 4,
        Errand::Reveal(_) => 5,
        Errand::Import(_) => 6,
        Errand::Choose => 7,
        Errand::Save(_) => 8,
        Errand::Compare { .. } => 9,
        Errand::Demonstrations { .. } => 10,
        Errand::Missing { .. } => 11,
        Errand::Checkpoints { .. } => 12,
        Errand::Quit => 13,
        Errand::Configure(_) => 14,
    });
    // A file crosses as bytes, not as a list of numbers.
    let large = saved(SavedWhat::Bytes(vec![200; 100_000]));
    assert!(encode(&large).unwrap().len() < 100_200);
}

#[test]
fn what_is_found() {
    let (one, two) = (run(), synthetic::of(Method::Sft, 2, 40));
    let mut columns = Columns::default();
    one.steps.iter().for_each(|step| columns.push(step));
    let comparison = Comparison::of(&[one.clone(), two]).unwrap();
    let compared = Compared {
        comparison,
        curves: vec![Curves {
            run: "a".into(),
            config: one.config.clone(),
            columns,
            exams: vec![(10, 0.5), (20, f64::NAN)],
        }],
    };
    let card = RunCard {
        key: "a".into(),
        name: "a".into(),
        description: "ä".into(),
        method: Method::Sasr,
        seed: 1,
        task: "arithmetic".into(),
        step: 2,
        max_steps: 3,
        finished: false,
        accuracy: Some(0.25),
        changed: 1 << 33,
        differences: vec![("a".into(), "b".into(), "c".into())],
        changes: vec![Change {
            step: 2,
            path: "a".into(),
            before: "b".into(),
            value: "c".into(),
        }],
        damaged: Some("why".into()),
    };
    let messages = [
        Found::Runs(vec![card]),
        Found::Opened {
            run: "a".into(),
            config: Box::new(one.config.clone()),
        },
        Found::News {
            run: "a".into(),
            restarted: true,
            events: events(&one),
            config: Some(Box::new(one.config.clone())),
            caught_up: true,
            growing: false,
            finished: true,
            notices: vec!["torn".into()],
        },
        Found::Download {
            name: "a.zip".into(),
            bytes: (0..=255).collect(),
        },
        Found::Config(Box::new(one.config)),
        Found::Compared {
            ticket: 1,
            compared: Box::new(compared),
        },
        Found::Demonstrations {
            ticket: 2,
            demonstrations: vec![Demonstration {
                level: 1,
                prompt: "?".into(),
                text: "!".into(),
            }],
        },
        Found::Checkpoints {
            ticket: 3,
            names: vec!["step-000010".into()],
        },
        Found::Missing {
            ticket: 4,
            files: vec!["a".into()],
        },
        Found::Moved {
            from: "a".into(),
            to: None,
        },
        Found::Done("done".into()),
        Found::Refused {
            ticket: 5,
            why: "no".into(),
        },
        Found::Failed("no".into()),
        Found::NoDialog,
    ];
    all(&messages, 14, |message| match message {
        Found::Runs(_) => 0,
        Found::Opened { .. } => 1,
        Found::News { .. } => 2,
        Found::Download { .. } => 3,
        Found::Config(_) => 4,
        Found::Compared { .. } => 5,
        Found::Demonstrations { .. } => 6,
        Found::Checkpoints { .. } => 7,
        Found::Missing { .. } => 8,
        Found::Moved { .. } => 9,
        Found::Done(_) => 10,
        Found::Refused { .. } => 11,
        Found::Failed(_) => 12,
        Found::NoDialog => 13,
    });
}

#[test]
fn a_message_of_another_version_is_refused_in_words() {
    let bytes = encode(&BTreeMap::from([("Somersault", 1)])).unwrap();
    let error = decode::<ToWorker>(&bytes).unwrap_err().to_string();
    assert!(error.contains("reload the page"), "{error}");
    assert!(decode::<FromWorker>(&[]).is_err());
}
