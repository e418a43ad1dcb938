//! Native seam: the engine's thread.

use std::any::Any;
use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use eframe::egui;

use super::work::{Say, Work};
use super::{Engine, Owed, Reply, Request};

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
            serve(&runs, &inbox, &say);
            say(Reply::Gone);
        })?;
    Ok(Box::new(Handle { requests, replies }))
}

/// Works until it is told to quit. Where a unit of work breaks down, whoever waits for it is told
/// so, and the next request is done by a new engine.
fn serve(runs: &Path, inbox: &Receiver<Request>, say: &Say) {
    let owed = Rc::new(RefCell::new(Owed::default()));
    loop {
        let (out, noted) = (say.clone(), owed.clone());
        let say_and_note: Say = Rc::new(move |reply: Reply| {
            noted.borrow_mut().hear(&reply);
            out(reply);
        });
        let work = || pollster::block_on(run(inbox, &owed, Work::new(runs.into(), say_and_note)));
        let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(work)) else {
            return;
        };
        let why = format!(
            "the engine broke down, which is a defect of this program ({}). What was saved is \
             kept: a run can be resumed from its last checkpoint",
            words_of(&*panic)
        );
        let (replies, _) = owed.borrow_mut().settle(&why);
        replies.into_iter().for_each(|reply| say(reply));
    }
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it did not say why")
}

async fn run(inbox: &Receiver<Request>, owed: &RefCell<Owed>, mut work: Work) {
    let noted = |request: Request| {
        owed.borrow_mut().ask(&request);
        request
    };
    loop {
        // Waits only while there is nothing to do.
        let request = if let Some(request) = work.deferred() {
            Some(request)
        } else if work.is_busy() {
            match inbox.try_recv() {
                Ok(request) => Some(noted(request)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Request::Quit),
            }
        } else {
            Some(inbox.recv().map_or(Request::Quit, noted))
        };
        match request {
            Some(Request::Quit) => return work.quit().await,
            Some(request) => {
                let mut next = || inbox.try_recv().ok().map(noted);
                work.take(request, &mut next).await;
            }
            None => work.turn().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::app::engine::{Asked, Question, Subject};
    use crate::config::RunConfig;

    fn config(name: &str) -> Request {
        let text = format!(
            "name = \"{name}\"
            max_steps = 2
            [model]
            hidden_size = 16
            num_hidden_layers = 1
            num_attention_heads = 2
            [base]
            steps = 0
            [sft]
            batch_size = 2
            [balance]
            warmup_steps = 1
            [exam]
            every = 0
            [evaluation]
            problems = 2
            samples = 1"
        );
        let config = RunConfig::from_toml(&text, "test", &[]).unwrap();
        Request::Train {
            config: Box::new(config),
        }
    }

    #[test]
    fn after_a_breakdown_the_next_run_trains() {
        let runs = std::env::temp_dir().join(format!("sasr-breakdown-{}", std::process::id()));
        std::fs::remove_dir_all(&runs).ok();
        let (requests, inbox) = channel();
        requests.send(config("first")).unwrap();
        let sample = Request::Sample {
            ticket: 7,
            subject: Subject::Live,
            question: Question {
                what: Asked::Text(String::new()),
                samples: 1,
                temperature: 1.0,
                max_completion_length: 1,
                seed: 0,
            },
        };
        requests.send(sample).unwrap();
        requests.send(config("second")).unwrap();
        requests.send(Request::Quit).unwrap();
        // Quit stops the run at once: what comes before it is all that is asked.
        drop(requests);
        let said = Rc::new(RefCell::new(Vec::new()));
        let (heard, broken) = (said.clone(), Cell::new(false));
        let say: Say = Rc::new(move |reply: Reply| {
            let first = matches!(&reply, Reply::Began { run, .. } if run == "first");
            heard.borrow_mut().push(reply);
            if first && !broken.replace(true) {
                panic!("in the middle of the work");
            }
        });
        serve(&runs, &inbox, &say);
        let said = said.borrow();
        let ended = said.iter().find_map(|reply| match reply {
            Reply::Ended {
                run,
                finished: false,
                error: Some(error),
            } if run == "first" => Some(error.clone()),
            _ => None,
        });
        assert!(ended.unwrap().contains("in the middle of the work"));
        // The question after it is answered by the new engine, in its own words.
        assert!(said.iter().any(|reply| matches!(
            reply,
            Reply::Refused { ticket: 7, why } if why == "no run is under way"
        )));
        assert!(
            said.iter()
                .any(|reply| matches!(reply, Reply::Began { run, .. } if run == "second"))
        );
        std::fs::remove_dir_all(&runs).ok();
    }
}
