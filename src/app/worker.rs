//! Engine and library together on one thread: what a browser's worker is, but for the browser.
//!
//! ```text
//! page  → Desk::put (ToWorker)      requests wait for the engine's next turn, errands are done at once
//! page  ← say (FromWorker)          replies and words, as they come
//! loop    Worker::turn().await      one unit of the engine's work, a look at the library
//!         Storage::take()           what has to be kept of the files (see crate::files::storage)
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::engine::{Reply, Request, Work};
use super::library::Errand;
use super::library::mouth::{Ear, pair};
use super::library::shelf::{Desktop, Page, Shelf, Word};
use super::wire::{FromWorker, ToWorker};

/// Is told what goes to the page.
pub type Say = Rc<dyn Fn(FromWorker)>;

/// The engine's half of the worker; the library's is behind its [`Desk`].
pub struct Worker {
    work: Work,
    desk: Desk,
    say: Say,
}

/// Where messages come in, also while a unit of work is waited for.
#[derive(Clone)]
pub struct Desk {
    requests: Rc<RefCell<VecDeque<Request>>>,
    errands: Rc<RefCell<VecDeque<Errand>>>,
    library: Rc<RefCell<Librarian>>,
}

/// The library, and where its words come out.
struct Librarian {
    shelf: Shelf,
    /// What the library tells itself.
    words: Receiver<Word>,
    ear: Ear,
    say: Say,
}

impl Worker {
    /// An engine and a library of the runs in a folder.
    pub fn new(runs: &Path, say: Say) -> Self {
        let reply = say.clone();
        let reply = Rc::new(move |said: Reply| reply(FromWorker::Engine(said)));
        let library = Librarian::new(runs.to_path_buf(), say.clone());
        Self {
            work: Work::new(runs.to_path_buf(), reply),
            desk: Desk {
                requests: Rc::default(),
                errands: Rc::default(),
                library: Rc::new(RefCell::new(library)),
            },
            say,
        }
    }

    /// Where messages come in.
    pub fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// Does one unit of the engine's work, if there is any, and looks at the library. Says after
    /// what time the next turn is due, where no message comes before; zero while the engine is busy.
    pub async fn turn(&mut self) -> Duration {
        let request = self.work.deferred().or_else(|| self.desk.request());
        match request {
            Some(Request::Quit) => {
                self.work.quit().await;
                (self.say)(FromWorker::Engine(Reply::Gone));
            }
            Some(request) => {
                let desk = self.desk.clone();
                self.work.take(request, &mut || desk.request()).await;
            }
            None if self.work.is_busy() => self.work.turn().await,
            None => {}
        }
        let pause = self.desk.serve();
        let waits = !self.desk.requests.borrow().is_empty();
        if waits || self.work.is_busy() || self.work.has_deferred() {
            return Duration::ZERO;
        }
        pause
    }
}

impl Desk {
    /// Takes in a message. Errands are done at once; the engine hears a request in its next turn,
    /// or in the middle of a long answer.
    pub fn put(&self, message: ToWorker) {
        match message {
            ToWorker::Engine(request) => self.requests.borrow_mut().push_back(request),
            ToWorker::Library(errand) => self.errands.borrow_mut().push_back(errand),
            ToWorker::Heard => {
                if let Ok(library) = self.library.try_borrow() {
                    library.ear.heard();
                }
            }
        }
        self.serve();
    }

    /// Does the errands that wait and looks at what is due in the library. Says after what time it
    /// is to be called again.
    pub fn serve(&self) -> Duration {
        // A word may bring the next message: it is done after this one.
        let Ok(mut library) = self.library.try_borrow_mut() else {
            return Duration::ZERO;
        };
        loop {
            let errand = self.errands.borrow_mut().pop_front();
            let Some(errand) = errand else { break };
            library.take(errand);
        }
        library.look();
        library.shelf.pause()
    }

    fn request(&self) -> Option<Request> {
        self.requests.borrow_mut().pop_front()
    }
}

impl Librarian {
    fn new(runs: PathBuf, say: Say) -> Self {
        let (back, words): (Sender<Word>, _) = channel();
        // The words are passed on after every errand: nobody has to be woken.
        let (mouth, ear) = pair(|_| {});
        let page: Arc<dyn Desktop> = Arc::new(Page);
        Self {
            shelf: Shelf::new(runs, mouth, page, back),
            words,
            ear,
            say,
        }
    }

    fn take(&mut self, errand: Errand) {
        self.shelf.take(Word::Errand(errand));
        while let Ok(word) = self.words.try_recv() {
            self.shelf.take(word);
        }
        self.pass_on();
    }

    fn look(&mut self) {
        self.shelf.look();
        self.pass_on();
    }

    fn pass_on(&self) {
        while let Some(found) = self.ear.pass_on() {
            (self.say)(FromWorker::Library(found));
        }
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
