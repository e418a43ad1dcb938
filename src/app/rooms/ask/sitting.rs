//! What was asked in this sitting, and what came back: tokens as they are chosen, then the graded
//! whole.

use crate::app::engine::{Asked, Question, Reply, Ticket};
use crate::config::TaskKind;
use crate::training::CompletionRecord;

/// Questions kept; older ones go.
const KEPT: usize = 50;

/// Tokens that are newly laid out in a frame at most: a few milliseconds' worth.
const TOKENS_PER_FRAME: usize = 500;

/// The height a card is taken to have before it was drawn.
const CARD_HEIGHT: f32 = 90.0;

/// Where a question stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    /// The user did not want more. What was written stays, and is graded if the engine does so.
    Stopped,
    Done,
    Refused(String),
}

/// One sample of an answer.
pub struct Answer {
    /// The tokens so far, each with its probability.
    pub tokens: Vec<(String, f32)>,
    /// The whole, once it is there.
    pub record: Option<CompletionRecord>,
    /// How many of its tokens are shown.
    pub laid: usize,
    /// The height it was drawn with last.
    pub height: f32,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            tokens: Vec::new(),
            record: None,
            laid: 0,
            height: CARD_HEIGHT,
        }
    }
}

impl Answer {
    /// Tokens there are.
    fn len(&self) -> usize {
        match &self.record {
            Some(record) => record.pieces.len(),
            None => self.tokens.len(),
        }
    }
}

/// A question with its answers.
pub struct Exchange {
    pub ticket: Ticket,
    /// Who was asked, in words.
    pub who: String,
    pub question: Question,
    pub task: Option<TaskKind>,
    /// The problem's text, as soon as it is known.
    pub prompt: Option<String>,
    pub state: State,
    pub answers: Vec<Answer>,
    /// Whether the reference answer is shown.
    pub revealed: bool,
    /// Whose turn it is to show more tokens.
    turn: usize,
}

impl Exchange {
    pub fn new(ticket: Ticket, who: String, question: Question) -> Self {
        let mut answers = Vec::new();
        answers.resize_with(question.samples, Answer::default);
        Self {
            ticket,
            who,
            task: None,
            prompt: match &question.what {
                Asked::Text(text) => Some(text.clone()),
                Asked::Problem { .. } => None,
            },
            state: State::Running,
            answers,
            revealed: false,
            turn: 0,
            question,
        }
    }

    /// Shows more of the tokens there are, as many as a frame can lay out; samples take turns.
    /// Returns whether some have to wait for the next frame.
    pub fn catch_up(&mut self) -> bool {
        let count = self.answers.len();
        let mut left = TOKENS_PER_FRAME;
        for _ in 0..count {
            let answer = &mut self.answers[self.turn % count];
            let tokens = answer.len();
            if answer.laid != tokens {
                if left == 0 {
                    return true;
                }
                answer.laid = tokens;
                left = left.saturating_sub(tokens);
            }
            self.turn = (self.turn + 1) % count;
        }
        false
    }

    /// Whether somebody judges the answers.
    pub fn is_graded(&self) -> bool {
        matches!(self.question.what, Asked::Problem { .. })
    }

    /// What was asked, in a few words.
    pub fn title(&self) -> String {
        match (&self.prompt, &self.question.what) {
            (Some(prompt), _) => prompt.clone(),
            (None, Asked::Problem { level, index }) => format!("Level {level}, problem {index}"),
            (None, Asked::Text(text)) => text.clone(),
        }
    }

    /// How it went, in a few words.
    pub fn result(&self) -> String {
        let records = || {
            self.answers
                .iter()
                .filter_map(|answer| answer.record.as_ref())
        };
        match &self.state {
            State::Running => "being answered".into(),
            State::Refused(_) => "not answered".into(),
            _ if records().next().is_none() => "stopped".into(),
            _ if self.is_graded() => {
                let right = records().filter(|record| record.correct).count();
                format!("{right} of {} right", records().count())
            }
            _ => match records().count() {
                1 => "1 answer".into(),
                count => format!("{count} answers"),
            },
        }
    }

    /// The reference answer, once it is known.
    pub fn reference(&self) -> Option<&str> {
        let record = self
            .answers
            .iter()
            .find_map(|answer| answer.record.as_ref())?;
        self.is_graded().then_some(record.answer.as_str())
    }

    /// Tokens written so far, all samples together.
    pub fn tokens(&self) -> usize {
        self.answers.iter().map(|answer| answer.tokens.len()).sum()
    }
}

/// The questions of this sitting, oldest first.
#[derive(Default)]
pub struct Sitting {
    pub exchanges: Vec<Exchange>,
    /// The one looked at; the newest for `None`.
    pub viewed: Option<usize>,
}

impl Sitting {
    pub fn ask(&mut self, exchange: Exchange) {
        if self.exchanges.len() >= KEPT {
            self.exchanges.remove(0);
        }
        self.exchanges.push(exchange);
        self.viewed = None;
    }

    /// The question in view.
    pub fn in_view(&mut self) -> Option<&mut Exchange> {
        let newest = self.exchanges.len().checked_sub(1)?;
        let index = self
            .viewed
            .filter(|&index| index <= newest)
            .unwrap_or(newest);
        self.exchanges.get_mut(index)
    }

    /// The ticket of a question that is being answered.
    pub fn running(&self) -> Option<Ticket> {
        let running = |exchange: &&Exchange| exchange.state == State::Running;
        self.exchanges
            .iter()
            .rev()
            .find(running)
            .map(|exchange| exchange.ticket)
    }

    /// Waits no longer for what is being answered.
    pub fn stop(&mut self) {
        for exchange in &mut self.exchanges {
            if exchange.state == State::Running {
                exchange.state = State::Stopped;
            }
        }
    }

    /// Forgets all questions but one that is being answered.
    pub fn clear(&mut self) {
        self.exchanges
            .retain(|exchange| exchange.state == State::Running);
        self.viewed = None;
    }

    /// Takes in what the engine says, if it is an answer to a question of this sitting.
    pub fn hear(&mut self, reply: &Reply) {
        let (Reply::Token { ticket, .. }
        | Reply::Sampled { ticket, .. }
        | Reply::Refused { ticket, .. }) = reply
        else {
            return;
        };
        let of = |exchange: &&mut Exchange| exchange.ticket == *ticket;
        let Some(exchange) = self.exchanges.iter_mut().rev().find(of) else {
            return;
        };
        match reply {
            Reply::Token {
                sample,
                text,
                probability,
                ..
            } if exchange.state == State::Running => {
                if let Some(answer) = exchange.answers.get_mut(*sample) {
                    answer.tokens.push((text.clone(), *probability));
                }
            }
            Reply::Sampled {
                prompt, records, ..
            } => {
                exchange.prompt = Some(prompt.clone());
                exchange.state = State::Done;
                exchange.answers.resize_with(records.len(), Answer::default);
                // What was streamed is the same text: it stays as it is drawn.
                for (answer, record) in exchange.answers.iter_mut().zip(records) {
                    answer.tokens = Vec::new();
                    answer.laid = answer.laid.min(record.pieces.len());
                    answer.record = Some(record.clone());
                }
            }
            Reply::Refused { why, .. } if exchange.state == State::Running => {
                exchange.state = State::Refused(why.clone());
            }
            _ => {}
        }
    }
}
