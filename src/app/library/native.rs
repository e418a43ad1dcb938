//! Native seam: the library's thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use eframe::egui;

use super::mouth::{self, Ear};
use super::shelf::{Desktop, Shelf, System, Word};
use super::{Errand, Found, Library};

/// Painting takes time from the training: words are gathered for this long.
const GATHER: Duration = Duration::from_millis(80);

struct Handle {
    inbox: Sender<Word>,
    ear: Ear,
}

impl Library for Handle {
    fn send(&mut self, errand: Errand) {
        self.inbox.send(Word::Errand(errand)).ok();
    }

    fn receive(&mut self) -> Option<Found> {
        self.ear.hear()
    }
}

/// Starts the library's thread. Runs are kept in `runs`.
///
/// # Errors
/// If the system gives no thread.
pub fn spawn(runs: PathBuf, context: egui::Context) -> std::io::Result<Box<dyn Library>> {
    spawn_with(runs, context, Arc::new(System))
}

/// The same with another desktop around it.
pub(super) fn spawn_with(
    runs: PathBuf,
    context: egui::Context,
    desktop: Arc<dyn Desktop>,
) -> std::io::Result<Box<dyn Library>> {
    let (inbox, words) = channel();
    let (mouth, ear) = mouth::pair(move |more| {
        if more {
            // A log that is being read comes in as fast as frames are drawn.
            context.request_repaint();
        } else {
            context.request_repaint_after(GATHER);
        }
    });
    let mut shelf = Shelf::with_threads(runs, mouth.clone(), desktop, inbox.clone())?;
    std::thread::Builder::new()
        .name("library".into())
        .spawn(move || {
            let work = std::panic::AssertUnwindSafe(|| serve(&words, &mut shelf));
            if std::panic::catch_unwind(work).is_err() {
                let why = "the part of the program that reads run folders broke down (a defect of \
                           this program); no file was lost: start sasr again";
                mouth.say(Found::Failed(why.into()));
            }
        })?;
    Ok(Box::new(Handle { inbox, ear }))
}

fn serve(words: &Receiver<Word>, shelf: &mut Shelf) {
    loop {
        match words.recv_timeout(shelf.pause()) {
            Ok(Word::Errand(Errand::Quit)) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(word) => shelf.take(word),
            Err(RecvTimeoutError::Timeout) => {}
        }
        shelf.look();
    }
}
