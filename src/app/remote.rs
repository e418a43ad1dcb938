//! The page's ends of an engine and a library that are in a worker: [`Studio`](super::studio::Studio)
//! talks to them as to those beside it.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use super::engine::{Engine, Owed, Reply, Request, Ticket};
use super::library::{Errand, Found, Library};
use super::record::RunKey;
use super::wire::{FromWorker, ToWorker};

/// What only the page can do for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Asks for a file; its bytes are then sent as [`Errand::Import`].
    Choose,
    /// Saves a file.
    Download { name: String, bytes: Vec<u8> },
}

/// The line to a worker.
#[derive(Clone)]
pub struct Line(Rc<RefCell<Ends>>);

struct Ends {
    post: Box<dyn FnMut(ToWorker)>,
    wish: Box<dyn FnMut(Wish)>,
    replies: VecDeque<Reply>,
    found: VecDeque<Found>,
    open: Open,
}

/// What the worker owes an answer or news, in case it is lost.
#[derive(Default)]
struct Open {
    engine: Owed,
    followed: BTreeSet<RunKey>,
    asked_library: BTreeSet<Ticket>,
}

struct EngineEnd(Line);
struct LibraryEnd(Line);

impl Line {
    /// A line whose messages go to `post`; `wish` is told what only the page can do. Neither may
    /// use the line before it returns.
    pub fn new(post: impl FnMut(ToWorker) + 'static, wish: impl FnMut(Wish) + 'static) -> Self {
        Self(Rc::new(RefCell::new(Ends {
            post: Box::new(post),
            wish: Box::new(wish),
            replies: VecDeque::new(),
            found: VecDeque::new(),
            open: Open::default(),
        })))
    }

    /// The engine at the other end.
    pub fn engine(&self) -> Box<dyn Engine> {
        Box::new(EngineEnd(self.clone()))
    }

    /// The library at the other end.
    pub fn library(&self) -> Box<dyn Library> {
        Box::new(LibraryEnd(self.clone()))
    }

    /// Takes in what the worker said.
    pub fn hear(&self, message: FromWorker) {
        let ends = &mut *self.0.borrow_mut();
        match message {
            FromWorker::Engine(reply) => {
                ends.open.engine.hear(&reply);
                ends.replies.push_back(reply);
            }
            FromWorker::Library(Found::Download { name, bytes }) => {
                (ends.wish)(Wish::Download { name, bytes });
                (ends.post)(ToWorker::Heard);
            }
            FromWorker::Library(found) => {
                ends.open.find(&found);
                ends.found.push_back(found);
            }
        }
    }

    /// The worker is no more: whoever waits for it is told `why`. Returns the run it was training, or
    /// about to resume, which can be resumed from its last checkpoint by a new worker.
    pub fn lost(&self, why: &str) -> Option<RunKey> {
        let ends = &mut *self.0.borrow_mut();
        let open = &mut ends.open;
        for ticket in std::mem::take(&mut open.asked_library) {
            let why = why.to_owned();
            ends.found.push_back(Found::Refused { ticket, why });
        }
        let (replies, live) = open.engine.settle(why);
        ends.replies.extend(replies);
        live
    }

    /// A new worker is there: it is asked for the list and the runs that were being followed.
    pub fn again(&self) {
        let ends = &mut *self.0.borrow_mut();
        (ends.post)(ToWorker::Library(Errand::List));
        for run in &ends.open.followed {
            (ends.post)(ToWorker::Library(Errand::Open(run.clone())));
        }
    }
}

impl Engine for EngineEnd {
    fn send(&mut self, request: Request) {
        let ends = &mut *self.0.0.borrow_mut();
        ends.open.engine.ask(&request);
        (ends.post)(ToWorker::Engine(request));
    }

    fn receive(&mut self) -> Option<Reply> {
        self.0.0.borrow_mut().replies.pop_front()
    }
}

impl Library for LibraryEnd {
    fn send(&mut self, errand: Errand) {
        let ends = &mut *self.0.0.borrow_mut();
        match &errand {
            Errand::Choose => return (ends.wish)(Wish::Choose),
            Errand::Close(run) => {
                ends.open.followed.remove(run);
            }
            Errand::Compare { ticket, .. }
            | Errand::Demonstrations { ticket, .. }
            | Errand::Missing { ticket, .. }
            | Errand::Checkpoints { ticket, .. } => {
                ends.open.asked_library.insert(*ticket);
            }
            _ => {}
        }
        (ends.post)(ToWorker::Library(errand));
    }

    fn receive(&mut self) -> Option<Found> {
        let ends = &mut *self.0.0.borrow_mut();
        let found = ends.found.pop_front()?;
        (ends.post)(ToWorker::Heard);
        Some(found)
    }
}

impl Open {
    fn find(&mut self, found: &Found) {
        match found {
            Found::Opened { run, .. } => {
                self.followed.insert(run.clone());
            }
            Found::Moved { from, .. } => {
                self.followed.remove(from);
            }
            Found::Compared { ticket, .. }
            | Found::Demonstrations { ticket, .. }
            | Found::Missing { ticket, .. }
            | Found::Checkpoints { ticket, .. }
            | Found::Refused { ticket, .. } => {
                self.asked_library.remove(ticket);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
