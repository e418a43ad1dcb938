//! A whole worker over files in memory, spoken to through messages only; and killed.

#[path = "worker_tests/page.rs"]
mod page;

use std::path::Path;

use pollster::block_on;

use self::page::{Page, config, steps, steps_of};
use super::*;
use crate::app::engine::{Asked, Question, Subject};
use crate::app::library::{Dropped, Found, Saved, SavedWhat};
use crate::files::tests::{Disk, perform};
use crate::training::Command;

#[test]
fn a_run_lives_its_whole_life_in_messages() {
    let mut page = Page::open(Disk::new());
    page.ask(Request::Train {
        config: config(&[]),
    });
    assert_eq!(page.finish(), (steps(1..=16), true));
    let runs = page.list();
    assert_eq!(runs.len(), 1);
    let card = &runs[0];
    assert_eq!(
        (card.key.as_str(), card.step, card.finished),
        ("tiny", 16, true)
    );
    assert_eq!(card.damaged, None);
    assert!(card.accuracy.is_some());
    assert_eq!(page.follow("tiny"), steps(1..=16));

    // The name is taken now; told to stop, a run is kept and not finished.
    page.ask(Request::Train {
        config: config(&[]),
    });
    page.reply(|reply| match reply {
        Reply::Began { run, .. } => {
            assert_eq!(run, "tiny-2");
            Some(())
        }
        _ => None,
    });
    page.send(Errand::Delete("tiny-2".into()));
    let why = page.wait(|message| match message {
        FromWorker::Library(Found::Failed(why)) => Some(why.clone()),
        _ => None,
    });
    assert!(why.contains("is being trained"), "{why}");
    page.ask(Request::Tell(Command::StopAndSave));
    assert!(!page.finish().1);

    // As a zip and back, in another browser.
    page.send(Errand::Save(Saved {
        name: "tiny.zip".into(),
        what: SavedWhat::Zip("tiny".into()),
    }));
    let zip = page.found(|found| match found {
        Found::Download { name, bytes } if name == "tiny.zip" => Some(bytes.clone()),
        _ => None,
    });
    page.send(Errand::Save(Saved {
        name: "report.html".into(),
        what: SavedWhat::Report(vec!["tiny".into()]),
    }));
    page.found(|found| match found {
        Found::Download { bytes, .. } => {
            assert!(bytes.starts_with(b"<!"));
            Some(())
        }
        _ => None,
    });
    page.send(Errand::Compare {
        ticket: 7,
        runs: vec!["tiny".into()],
    });
    page.found(|found| match found {
        Found::Compared {
            ticket: 7,
            compared,
        } => {
            assert_eq!(compared.curves.len(), 1);
            Some(())
        }
        _ => None,
    });
    page.send(Errand::Delete("tiny".into()));
    page.found(|found| match found {
        Found::Moved { from, to: None } => {
            assert_eq!(from, "tiny");
            Some(())
        }
        _ => None,
    });
    assert!(page.list().iter().all(|run| run.key != "tiny"));
    drop(page);

    let mut page = Page::open(Disk::new());
    page.send(Errand::Import(Dropped::Bytes {
        name: "tiny.zip".into(),
        bytes: zip,
    }));
    page.found(|found| match found {
        Found::Opened { run, .. } => {
            assert_eq!(run, "tiny");
            Some(())
        }
        _ => None,
    });
    page.ask(Request::Resume {
        run: "tiny".into(),
        checkpoint: None,
        set: vec!["max_steps=20".into()],
    });
    let before = page.reply(|reply| match reply {
        Reply::Began { before, .. } => Some(before.clone()),
        _ => None,
    });
    assert_eq!(steps_of(&before).collect::<Vec<_>>(), steps(1..=16));
    assert_eq!(page.finish(), (steps(17..=20), true));
    // Storage was kept up to date all the while.
    let disk = std::mem::take(&mut page.disk);
    drop(page);
    assert_eq!(Page::open(disk).follow("tiny"), steps(1..=20));
}

#[test]
fn a_tab_that_is_killed_anywhere_goes_on_from_its_last_checkpoint() {
    // Everything that is written to the storage while a run is trained, in order.
    let mut page = Page::open(Disk::new());
    page.ask(Request::Train {
        config: config(&[]),
    });
    let mut jobs = Vec::new();
    let mut began = 0;
    while !page
        .said
        .borrow()
        .iter()
        .any(|said| matches!(said, FromWorker::Engine(Reply::Ended { .. })))
    {
        block_on(page.worker.turn());
        jobs.extend(page.storage.take().unwrap());
        if began == 0 && crate::files::exists("runs/tiny/config.toml") {
            began = jobs.len();
        }
    }
    let whole = crate::files::read("runs/tiny/metrics.jsonl").unwrap();
    let weights = |run: &str| {
        let file = format!("{run}/checkpoints/step-000016/model.safetensors");
        crate::files::read(Path::new("runs").join(file)).unwrap()
    };
    let trained = weights("tiny");
    drop(page);
    assert!(began > 0 && jobs.len() > 60, "{began} {}", jobs.len());

    let places = (0..14).map(|part| began + (jobs.len() - began) * part / 14);
    let mut resumed = 0;
    for (killed, torn) in places.zip((0..).map(|part| 7 * part)) {
        let mut disk = Disk::new();
        jobs[..killed]
            .iter()
            .for_each(|job| perform(&mut disk, job, None));
        perform(&mut disk, &jobs[killed], Some(torn));
        let mut page = Page::open(disk);
        let runs = page.list();
        assert_eq!(runs.len(), 1, "{killed}");
        assert_eq!(runs[0].damaged, None, "{killed}");
        if runs[0].finished {
            continue;
        }
        page.ask(Request::Resume {
            run: "tiny".into(),
            checkpoint: None,
            set: Vec::new(),
        });
        let (done, finished) = page.finish();
        assert!(finished, "{killed}");
        // From after a checkpoint to the end.
        assert_eq!(done, steps(17 - done.len() as u64..=16), "{killed}");
        resumed += usize::from((1..16).contains(&done.len()));
        let again = crate::files::read("runs/tiny/metrics.jsonl").unwrap();
        let lines = |log: &[u8]| log.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines(&again), lines(&whole), "{killed}");
        assert!(weights("tiny") == trained, "{killed}: other weights");
    }
    assert!(resumed >= 5, "{resumed}");
}

#[test]
fn a_long_answer_is_broken_off_and_what_was_asked_meanwhile_is_done_later() {
    let mut page = Page::open(Disk::new());
    page.ask(Request::Train {
        config: config(&[]),
    });
    page.finish();
    let question = Question {
        what: Asked::Text("1 + 2 =".into()),
        samples: 2,
        temperature: 1.0,
        max_completion_length: 12,
        seed: 3,
    };
    let sample = |ticket| Request::Sample {
        ticket,
        subject: Subject::Checkpoint {
            run: "tiny".into(),
            checkpoint: None,
        },
        question: question.clone(),
    };
    page.ask(sample(1));
    let whole = page.reply(|reply| match reply {
        Reply::Sampled {
            ticket: 1, records, ..
        } => Some(records.clone()),
        _ => None,
    });
    assert_eq!(whole.len(), 2);
    page.ask(sample(2));
    page.ask(Request::Preview {
        ticket: 3,
        config: config(&[]),
        level: None,
        count: 1,
    });
    page.ask(Request::Break(2));
    let mut order = Vec::new();
    let broken = page.reply(|reply| match reply {
        Reply::Sampled {
            ticket: 2, records, ..
        } => {
            order.push(2);
            Some(records.clone())
        }
        Reply::Previewed { ticket: 3, .. } => {
            order.push(3);
            None
        }
        _ => None,
    });
    assert_eq!(order, [2]);
    let tokens = |records: &[crate::training::CompletionRecord]| -> usize {
        records.iter().map(|record| record.tokens).sum()
    };
    assert!(tokens(&broken) < tokens(&whole), "{broken:?}");
    page.reply(|reply| matches!(reply, Reply::Previewed { ticket: 3, .. }).then_some(()));
}

#[test]
fn a_data_file_that_came_in_can_be_trained_on() {
    let mut page = Page::open(Disk::new());
    let row =
        |n: u64| format!("{{\"question\": \"{n} pens and one\", \"answer\": \"so\\n#### {n}\"}}\n");
    page.send(Errand::Import(Dropped::Bytes {
        name: "pens.jsonl".into(),
        bytes: (0..60).map(row).collect::<String>().into_bytes(),
    }));
    let place = page.found(|found| match found {
        Found::Done(done) => done.rsplit(' ').next().map(str::to_owned),
        _ => None,
    });
    let ask = |file: &str| Errand::Missing {
        ticket: 1,
        files: vec![file.into(), "data/other.jsonl".into()],
    };
    page.send(ask(&place));
    let missing = page.found(|found| match found {
        Found::Missing { files, .. } => Some(files.clone()),
        _ => None,
    });
    assert_eq!(missing, ["data/other.jsonl"]);
    // It is there after the tab was closed.
    page.turn();
    let disk = std::mem::take(&mut page.disk);
    drop(page);
    let mut page = Page::open(disk);
    let file = format!("task.files.train=[\"{place}\"]");
    let config = config(&["task.kind=\"gsm8k\"", &file, "curriculum.levels=[1, 1]"]);
    page.ask(Request::Preview {
        ticket: 2,
        config,
        level: None,
        count: 1,
    });
    page.wait(|message| match message {
        FromWorker::Engine(Reply::Refused { why, .. }) => panic!("{why}"),
        FromWorker::Engine(Reply::Previewed { previews, .. }) => {
            assert!(previews[0].problem.prompt.contains("pens"));
            Some(())
        }
        _ => None,
    });
}
