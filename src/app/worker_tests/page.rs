//! A page with its worker, spoken to through messages only.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;

use pollster::block_on;

use crate::app::engine::{Reply, Request};
use crate::app::library::{Errand, Found, RunCard};
use crate::app::wire::{FromWorker, ToWorker, decode, encode};
use crate::app::worker::Worker;
use crate::config::RunConfig;
use crate::files::storage::{Storage, load};
use crate::files::tests::{Disk, perform, stored};
use crate::training::Event;

const TINY: &str = r#"
name = "tiny"
max_steps = 16
[task]
demonstrations = 40
[model]
hidden_size = 16
num_hidden_layers = 1
[base]
steps = 8
batch_size = 8
[curriculum]
levels = [1, 2]
start = 1
[sft]
batch_size = 8
[grpo]
num_prompts = 2
num_generations = 4
max_completion_length = 12
[balance]
warmup_steps = 4
g_warm_window = 2
[exam]
every = 8
problems = 20
[evaluation]
problems = 6
samples = 2
[checkpoint]
every = 4
[logging]
completions_every = 4
"#;

pub fn config(set: &[&str]) -> Box<RunConfig> {
    let set: Vec<String> = set.iter().map(|set| set.to_string()).collect();
    Box::new(RunConfig::from_toml(TINY, "tiny", &set).unwrap())
}

/// A page with its worker and the browser's storage. Messages cross as bytes.
pub struct Page {
    pub worker: Worker,
    pub storage: Storage,
    pub said: Rc<RefCell<VecDeque<FromWorker>>>,
    pub disk: Disk,
    _mounted: crate::files::Mounted,
}

impl Page {
    /// Opens the page over what storage holds.
    pub fn open(disk: Disk) -> Self {
        let mounted = crate::files::mount();
        let storage = load(stored(&disk)).unwrap();
        let said: Rc<RefCell<VecDeque<FromWorker>>> = Rc::default();
        let ear = said.clone();
        let say = move |message: FromWorker| {
            let bytes = encode(&message).unwrap();
            ear.borrow_mut().push_back(decode(&bytes).unwrap());
        };
        Self {
            worker: Worker::new(Path::new("runs"), Rc::new(say)),
            storage,
            said,
            disk,
            _mounted: mounted,
        }
    }

    pub fn put(&self, message: ToWorker) {
        let bytes = encode(&message).unwrap();
        self.worker.desk().put(decode(&bytes).unwrap());
    }

    pub fn ask(&self, request: Request) {
        self.put(ToWorker::Engine(request));
    }

    pub fn send(&self, errand: Errand) {
        self.put(ToWorker::Library(errand));
    }

    pub fn turn(&mut self) {
        block_on(self.worker.turn());
        for job in self.storage.take().unwrap() {
            perform(&mut self.disk, &job, None);
        }
    }

    /// Takes turns until something is said; what is said before is passed over.
    pub fn wait<T>(&mut self, mut pick: impl FnMut(&FromWorker) -> Option<T>) -> T {
        let mut heard = Vec::new();
        for _ in 0..20_000 {
            while let Some(message) = { self.said.borrow_mut().pop_front() } {
                if matches!(message, FromWorker::Library(_)) {
                    self.put(ToWorker::Heard);
                }
                if let Some(picked) = pick(&message) {
                    return picked;
                }
                heard.push(format!("{message:?}").chars().take(200).collect::<String>());
            }
            self.turn();
        }
        panic!("not said; instead: {heard:#?}");
    }

    pub fn found<T>(&mut self, mut pick: impl FnMut(&Found) -> Option<T>) -> T {
        self.wait(|message| match message {
            FromWorker::Library(Found::Failed(why)) => panic!("{why}"),
            FromWorker::Library(found) => pick(found),
            FromWorker::Engine(_) => None,
        })
    }

    pub fn reply<T>(&mut self, mut pick: impl FnMut(&Reply) -> Option<T>) -> T {
        self.wait(|message| match message {
            FromWorker::Engine(Reply::Failed { why }) => panic!("{why}"),
            FromWorker::Engine(reply) => pick(reply),
            FromWorker::Library(_) => None,
        })
    }

    /// Takes turns until the run under way ends; its steps, and whether it is finished.
    pub fn finish(&mut self) -> (Vec<u64>, bool) {
        let mut steps = Vec::new();
        self.reply(|reply| match reply {
            Reply::Events { events, .. } => {
                steps.extend(steps_of(events));
                None
            }
            Reply::Ended {
                finished, error, ..
            } => {
                assert_eq!(*error, None);
                Some((std::mem::take(&mut steps), *finished))
            }
            _ => None,
        })
    }

    pub fn list(&mut self) -> Vec<RunCard> {
        self.send(Errand::List);
        self.found(|found| match found {
            Found::Runs(runs) => Some(runs.clone()),
            _ => None,
        })
    }

    /// Opens a run and reads all of its steps.
    pub fn follow(&mut self, run: &str) -> Vec<u64> {
        self.send(Errand::Open(run.into()));
        let mut steps = Vec::new();
        self.found(|found| match found {
            Found::News {
                run: of,
                events,
                caught_up,
                ..
            } if of == run => {
                steps.extend(steps_of(events));
                caught_up.then(|| std::mem::take(&mut steps))
            }
            _ => None,
        })
    }
}

pub fn steps_of(events: &[Event]) -> impl Iterator<Item = u64> {
    events.iter().filter_map(|event| match event {
        Event::Step(record) => Some(record.step),
        _ => None,
    })
}

pub fn steps(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}
