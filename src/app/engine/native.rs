//! Native seam: the engine's thread.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use eframe::egui;

use super::work::{Say, Work};
use super::{Engine, Reply, Request};

/// Events drawn per second at most: painting takes time from the training.
const REPAINTS_PER_SECOND: f32 = 10.0;

struct Handle {
    requests: Sender<Request>,
    replies: Receiver<Reply>,
}

impl Engine for Handle {
    fn send(&mut self, request: Request) {
        // Where the thread has ended, `receive` says so.
        self.requests.send(request).ok();
    }

    fn receive(&mut self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }
}

/// Starts the engine's thread. Runs are kept in `runs`.
///
/// # Errors
/// If the system gives no thread.
pub fn spawn(runs: PathBuf, context: egui::Context) -> std::io::Result<Box<dyn Engine>> {
    let (requests, inbox) = channel();
    let (outbox, replies) = channel();
    let say = move |reply: Reply| {
        outbox.send(reply).ok();
        context.request_repaint_after(Duration::from_secs_f32(1.0 / REPAINTS_PER_SECOND));
    };
    std::thread::Builder::new()
        .name("engine".into())
        .spawn(move || {
            let say: Say = Rc::new(say);
            let work = Work::new(runs, say.clone());
            let work = || pollster::block_on(run(&inbox, work));
            let work = std::panic::AssertUnwindSafe(work);
            if std::panic::catch_unwind(work).is_err() {
                let why = "the engine broke down (a defect of this program); the run's last \
                           checkpoint is kept: start sasr again and resume it";
                say(Reply::Failed { why: why.into() });
            }
            say(Reply::Gone);
        })?;
    Ok(Box::new(Handle { requests, replies }))
}

async fn run(inbox: &Receiver<Request>, mut work: Work) {
    loop {
        // Waits only while there is nothing to do.
        let request = if let Some(request) = work.deferred() {
            Some(request)
        } else if work.is_busy() {
            match inbox.try_recv() {
                Ok(request) => Some(request),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Request::Quit),
            }
        } else {
            Some(inbox.recv().unwrap_or(Request::Quit))
        };
        match request {
            Some(Request::Quit) => return work.quit().await,
            Some(request) => work.take(request, &mut || inbox.try_recv().ok()).await,
            None => work.turn().await,
        }
    }
}
