//! What the tour presses here.

use super::Compare;
use super::reading::State;
use crate::app::{Actions, World};

impl Compare {
    /// Chooses every run there is, as the list does.
    pub fn choose_shown(&mut self, world: &World, _actions: &mut Actions) {
        let whole = world.runs.iter().filter(|card| card.damaged.is_none());
        self.chosen = whole.map(|card| card.key.clone()).collect();
    }

    /// Whether the chosen runs are being read.
    pub fn is_waiting(&self) -> bool {
        matches!(self.reading.state(), State::Reading)
    }
}
