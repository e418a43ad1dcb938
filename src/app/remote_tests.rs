//! The page's ends over a worker in the same thread, and over one that is lost.

use std::path::Path;
use std::time::Duration;

use pollster::block_on;

use super::*;
use crate::app::worker::Worker;
use crate::config::RunConfig;

type Queue<T> = Rc<RefCell<VecDeque<T>>>;

fn line() -> (Line, Queue<ToWorker>, Queue<Wish>) {
    let (posted, wished): (Queue<ToWorker>, Queue<Wish>) = Default::default();
    let (post, wish) = (posted.clone(), wished.clone());
    let line = Line::new(
        move |message| post.borrow_mut().push_back(message),
        move |wanted| wish.borrow_mut().push_back(wanted),
    );
    (line, posted, wished)
}

#[test]
fn the_page_is_asked_for_files_and_given_them() {
    let (line, posted, wished) = line();
    let mut library = line.library();
    library.send(Errand::Choose);
    assert_eq!(wished.borrow_mut().pop_front(), Some(Wish::Choose));
    assert!(posted.borrow().is_empty());
    let (name, bytes) = (String::from("a.zip"), vec![1, 2, 3]);
    line.hear(FromWorker::Library(Found::Download {
        name: name.clone(),
        bytes: bytes.clone(),
    }));
    assert_eq!(
        wished.borrow_mut().pop_front(),
        Some(Wish::Download { name, bytes })
    );
    assert!(library.receive().is_none());
    // The worker need not wait for it to be heard.
    assert!(matches!(
        posted.borrow_mut().pop_front(),
        Some(ToWorker::Heard)
    ));
}

#[test]
fn a_lost_worker_leaves_nobody_waiting() {
    let (line, posted, _) = line();
    let (mut engine, mut library) = (line.engine(), line.library());
    let config = Box::<RunConfig>::default();
    let estimate = |ticket| Request::Estimate {
        ticket,
        config: config.clone(),
        measure: false,
    };
    engine.send(estimate(1));
    engine.send(estimate(2));
    library.send(Errand::Missing {
        ticket: 3,
        files: Vec::new(),
    });
    line.hear(FromWorker::Engine(Reply::Refused {
        ticket: 1,
        why: "no".into(),
    }));
    line.hear(FromWorker::Engine(Reply::Began {
        run: "one".into(),
        config: config.clone(),
        before: Vec::new(),
    }));
    line.hear(FromWorker::Library(Found::Opened {
        run: "two".into(),
        config: config.clone(),
    }));
    while engine.receive().is_some() || library.receive().is_some() {}

    assert_eq!(line.lost("out of memory").as_deref(), Some("one"));
    let refused = engine.receive();
    assert!(
        matches!(refused, Some(Reply::Refused { ticket: 2, .. })),
        "{refused:?}"
    );
    let ended = engine.receive();
    let Some(Reply::Ended {
        run,
        finished: false,
        error: Some(why),
    }) = ended
    else {
        panic!("{ended:?}");
    };
    assert_eq!((run.as_str(), why.as_str()), ("one", "out of memory"));
    assert!(engine.receive().is_none());
    assert!(matches!(
        library.receive(),
        Some(Found::Refused { ticket: 3, .. })
    ));

    posted.borrow_mut().clear();
    line.again();
    let asked: Vec<String> = posted
        .borrow()
        .iter()
        .map(|said| format!("{said:?}"))
        .collect();
    assert_eq!(asked, ["Library(List)", "Library(Open(\"two\"))"]);
    // Lost once more, nothing is owed.
    assert_eq!(line.lost("again"), None);
    assert!(matches!(engine.receive(), Some(Reply::Failed { .. })));
    assert!(engine.receive().is_none() && library.receive().is_none());
}

#[test]
fn a_run_that_was_about_to_go_on_is_not_forgotten() {
    let (line, _, _) = line();
    let mut engine = line.engine();
    let mut resume = |run: &str| {
        engine.send(Request::Resume {
            run: run.into(),
            checkpoint: None,
            set: Vec::new(),
        });
    };
    resume("one");
    assert_eq!(line.lost("no memory").as_deref(), Some("one"));
    assert_eq!(line.lost("no memory"), None);
    resume("two");
    line.hear(FromWorker::Engine(Reply::Failed {
        why: "two is finished".into(),
    }));
    assert_eq!(line.lost("no memory"), None);
    resume("three");
    line.hear(FromWorker::Engine(Reply::Began {
        run: "three".into(),
        config: Box::default(),
        before: Vec::new(),
    }));
    line.hear(FromWorker::Engine(Reply::Ended {
        run: "three".into(),
        finished: true,
        error: None,
    }));
    assert_eq!(line.lost("no memory"), None);
}

#[test]
fn the_ends_reach_a_worker() {
    let _mounted = crate::files::mount();
    let (line, posted, _) = line();
    let ear = line.clone();
    let mut worker = Worker::new(Path::new("runs"), Rc::new(move |said| ear.hear(said)));
    let desk = worker.desk();
    let deliver = || {
        while let Some(message) = { posted.borrow_mut().pop_front() } {
            desk.put(message);
        }
    };
    let (mut engine, mut library) = (line.engine(), line.library());
    library.send(Errand::List);
    deliver();
    assert!(matches!(library.receive(), Some(Found::Runs(runs)) if runs.is_empty()));
    engine.send(Request::Estimate {
        ticket: 9,
        config: Box::default(),
        measure: false,
    });
    deliver();
    let pause = block_on(worker.turn());
    assert!(matches!(
        engine.receive(),
        Some(Reply::Estimated { ticket: 9, .. })
    ));
    // Nothing is left to do but to look at the folder now and then.
    assert!(pause > Duration::ZERO);
}
