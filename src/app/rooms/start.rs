use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::{Actions, World};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {}

impl Room for Start {
    fn show(&mut self, _ui: &mut Ui, _world: &World, _actions: &mut Actions) {}
}
