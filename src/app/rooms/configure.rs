use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::{Actions, World};
use crate::config::RunConfig;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Configure {
    draft: RunConfig,
}

impl Configure {
    /// Puts a configuration into the form.
    pub fn open(&mut self, config: RunConfig) {
        self.draft = config;
    }
}

impl Room for Configure {
    fn show(&mut self, _ui: &mut Ui, _world: &World, _actions: &mut Actions) {}
}
