//! What an engine owes the window, in case it breaks down before it has said it.

use std::collections::BTreeSet;

use super::{Reply, Request, Ticket};
use crate::app::record::RunKey;

/// The run under way, whether there is a queue, and the questions that are not answered.
#[derive(Default)]
pub struct Owed {
    live: Option<RunKey>,
    /// A run that was asked to go on and has not begun.
    resumed: Option<RunKey>,
    queue: bool,
    asked: BTreeSet<Ticket>,
}

impl Owed {
    /// Takes note of a request.
    pub fn ask(&mut self, request: &Request) {
        match request {
            Request::Sample { ticket, .. }
            | Request::Preview { ticket, .. }
            | Request::Estimate { ticket, .. } => {
                self.asked.insert(*ticket);
            }
            Request::Resume { run, .. } => self.resumed = Some(run.clone()),
            _ => {}
        }
    }

    /// Takes note of a reply.
    pub fn hear(&mut self, reply: &Reply) {
        match reply {
            Reply::Began { run, .. } => {
                self.live = Some(run.clone());
                self.resumed = None;
            }
            Reply::Ended { .. } => self.live = None,
            Reply::Failed { .. } => self.resumed = None,
            Reply::Queue(state) => self.queue = state.is_some(),
            Reply::Sampled { ticket, .. }
            | Reply::Previewed { ticket, .. }
            | Reply::Estimated { ticket, .. }
            | Reply::Refused { ticket, .. } => {
                self.asked.remove(ticket);
            }
            _ => {}
        }
    }

    /// What is to be said where the engine is no more, and the run it was training or about to resume.
    /// Nothing is owed after it.
    pub fn settle(&mut self, why: &str) -> (Vec<Reply>, Option<RunKey>) {
        let owed = std::mem::take(self);
        let why = why.to_owned();
        let refused = |ticket| Reply::Refused {
            ticket,
            why: why.clone(),
        };
        let mut replies: Vec<Reply> = owed.asked.into_iter().map(refused).collect();
        if owed.queue {
            replies.push(Reply::Queue(None));
        }
        replies.push(match owed.live.clone() {
            Some(run) => Reply::Ended {
                run,
                finished: false,
                error: Some(why),
            },
            None => Reply::Failed { why },
        });
        (replies, owed.live.or(owed.resumed))
    }
}
