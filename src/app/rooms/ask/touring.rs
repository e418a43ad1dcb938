//! What the tour presses here.

use super::Ask;
use crate::app::{Actions, World};

impl Ask {
    /// Asks the problem in view, as its button does.
    pub fn ask_shown(&mut self, world: &World, actions: &mut Actions) {
        self.ask(world, actions);
    }

    /// Whether answers are being written.
    pub fn is_waiting(&self) -> bool {
        self.sitting.running().is_some()
    }
}
