//! Questions to the engine about the draft: asked when it has rested, answered later.

use crate::app::Actions;
use crate::app::engine::{Request, Ticket};

/// A question, which draft it is about, and its answer.
#[derive(Clone, Debug)]
pub(super) struct Asked<K, T> {
    /// What the newest question is about.
    about: Option<K>,
    ticket: Option<Ticket>,
    /// The newest answer, or why there is none; it may be about an earlier draft.
    pub answer: Option<Result<T, String>>,
}

impl<K, T> Default for Asked<K, T> {
    fn default() -> Self {
        Self {
            about: None,
            ticket: None,
            answer: None,
        }
    }
}

impl<K: PartialEq, T> Asked<K, T> {
    /// Whether the newest question is about this.
    pub fn is_about(&self, key: &K) -> bool {
        self.about.as_ref() == Some(key)
    }

    pub fn is_waiting(&self) -> bool {
        self.ticket.is_some()
    }

    /// What the newest question is about.
    pub fn about(&self) -> Option<&K> {
        self.about.as_ref()
    }

    /// Asks, giving up what was asked before.
    pub fn ask(&mut self, key: K, actions: &mut Actions, question: impl FnOnce(Ticket) -> Request) {
        if let Some(ticket) = self.ticket.take() {
            actions.engine(Request::Break(ticket));
        }
        let ticket = actions.ticket();
        actions.engine(question(ticket));
        (self.about, self.ticket) = (Some(key), Some(ticket));
    }

    /// Takes an answer if it is to the newest question.
    pub fn hear(&mut self, ticket: Ticket, answer: impl FnOnce() -> Result<T, String>) {
        if self.ticket == Some(ticket) {
            self.ticket = None;
            self.answer = Some(answer());
        }
    }
}
