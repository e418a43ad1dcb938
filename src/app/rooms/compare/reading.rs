//! Asks for what is chosen. An answer counts only if it is the newest question's and about the runs
//! that are chosen: nothing of another run is ever shown.

use std::collections::BTreeSet;

use crate::app::Actions;
use crate::app::engine::Ticket;
use crate::app::library::{Compared, Errand, Found, RunCard};
use crate::app::record::RunKey;

/// The question under way, and its answer.
#[derive(Default)]
pub struct Reading {
    ticket: Option<Ticket>,
    runs: Vec<RunKey>,
    /// When each run had changed last as it was asked for; none if that was not known.
    changed: Vec<Option<u64>>,
    state: State,
}

/// Where the question stands.
#[derive(Default)]
pub enum State {
    /// Nothing is chosen.
    #[default]
    Nothing,
    Reading,
    Read(Box<Compared>),
    /// In words with the way out.
    Refused(String),
}

impl Reading {
    /// Asks for the chosen runs unless they are what was asked for last. True if what is shown is
    /// void from now on.
    pub fn ask(
        &mut self,
        chosen: &BTreeSet<RunKey>,
        cards: &[RunCard],
        actions: &mut Actions,
    ) -> bool {
        if chosen.iter().eq(&self.runs) {
            return false;
        }
        self.runs = chosen.iter().cloned().collect();
        self.again(cards, actions);
        true
    }

    /// Asks for the same runs once more.
    pub fn again(&mut self, cards: &[RunCard], actions: &mut Actions) {
        if self.runs.is_empty() {
            (self.ticket, self.state) = (None, State::Nothing);
            return;
        }
        let ticket = actions.ticket();
        let runs = self.runs.clone();
        self.changed = runs.iter().map(|run| changed(cards, run)).collect();
        actions.library(Errand::Compare { ticket, runs });
        (self.ticket, self.state) = (Some(ticket), State::Reading);
    }

    /// Takes in an answer if it is the one waited for.
    pub fn hear(&mut self, found: &Found) {
        match found {
            Found::Compared { ticket, compared } if self.ticket == Some(*ticket) => {
                self.ticket = None;
                self.state = if is_about(compared, &self.runs) {
                    State::Read(compared.clone())
                } else {
                    State::Refused("Other runs were read than those chosen; read them again".into())
                };
            }
            Found::Refused { ticket, why } if self.ticket == Some(*ticket) => {
                self.ticket = None;
                self.state = State::Refused(why.clone());
            }
            _ => {}
        }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// The answer, if it is there.
    pub fn compared(&self) -> Option<&Compared> {
        match &self.state {
            State::Read(compared) => Some(compared),
            _ => None,
        }
    }

    /// Whether a run has gone on since it was read.
    pub fn is_outdated(&self, cards: &[RunCard]) -> bool {
        let moved = |(run, then): (&RunKey, &Option<u64>)| {
            let now = changed(cards, run);
            matches!((then, now), (Some(then), Some(now)) if now > *then)
        };
        self.runs.iter().zip(&self.changed).any(moved)
    }
}

fn changed(cards: &[RunCard], run: &RunKey) -> Option<u64> {
    let card = cards.iter().find(|card| card.key == *run)?;
    Some(card.changed)
}

/// Whether an answer is about these runs, each in its place, and its groups are made of them.
fn is_about(compared: &Compared, runs: &[RunKey]) -> bool {
    let curves = &compared.curves;
    let groups = &compared.comparison.groups;
    let members = groups
        .iter()
        .map(|group| group.members.len())
        .sum::<usize>();
    let fits = groups.iter().all(|group| {
        let pairs = group.members.iter().zip(&group.outcomes);
        group.members.len() == group.outcomes.len()
            && pairs.into_iter().all(|(&member, outcome)| {
                curves.get(member).is_some_and(|curves| {
                    curves.config.seed == outcome.seed
                        && curves.config.balance.method == group.method
                })
            })
    });
    curves.iter().map(|curves| &curves.run).eq(runs) && members == runs.len() && fits
}
