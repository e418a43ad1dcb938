//! What the tour presses here.

use super::Paths;
use super::side::Side;
use crate::app::{Actions, World};

impl Paths {
    /// Asks for samples of the problem in view, as its button does.
    pub fn sample_shown(&mut self, world: &World, actions: &mut Actions) {
        self.ask(world, actions);
    }

    /// Whether samples have been asked for and have not all come.
    pub fn is_waiting(&self) -> bool {
        [&self.left, &self.right]
            .into_iter()
            .any(|side: &Side| side.waiting().is_some())
    }
}
