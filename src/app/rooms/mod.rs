//! The rooms. Each knows what was said and its own view state, and nothing of files, threads or
//! tensors: it looks at the [`World`], draws, and queues actions.

mod ask;
mod balance;
mod compare;
mod configure;
mod exams;
mod paths;
mod rollouts;
mod start;

use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::engine::Reply;
use super::library::Found;
use super::{Actions, Place, World};
use crate::config::RunConfig;

pub use ask::Ask;
pub use balance::Balance;
pub use compare::Compare;
pub use configure::Configure;
pub use exams::Exams;
pub use paths::Paths;
pub use rollouts::Rollouts;
pub use start::Start;

/// A room.
pub trait Room {
    /// Draws.
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions);

    /// Hears the engine; called in every frame, shown or not.
    fn hear(&mut self, reply: &Reply) {
        let _ = reply;
    }

    /// Hears the library.
    fn found(&mut self, found: &Found) {
        let _ = found;
    }
}

/// All rooms with their view state. What is marked `skip` begins anew with every start.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rooms {
    pub start: Start,
    pub configure: Configure,
    pub balance: Balance,
    pub rollouts: Rollouts,
    pub exams: Exams,
    pub paths: Paths,
    pub compare: Compare,
    pub ask: Ask,
}

impl Rooms {
    /// The room at a place.
    pub fn at(&mut self, place: Place) -> &mut dyn Room {
        match place {
            Place::Start => &mut self.start,
            Place::Configure => &mut self.configure,
            Place::Balance => &mut self.balance,
            Place::Rollouts => &mut self.rollouts,
            Place::Exams => &mut self.exams,
            Place::Paths => &mut self.paths,
            Place::Compare => &mut self.compare,
            Place::Ask => &mut self.ask,
        }
    }

    /// Puts a configuration into the form that starts comparisons.
    pub fn compare_with(&mut self, config: RunConfig) {
        self.compare.launch_from(config);
    }

    /// Puts a configuration into the form.
    pub fn configure_with(&mut self, config: RunConfig) {
        self.configure.open(config);
    }
}
