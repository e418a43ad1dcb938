//! Giving a run another name, in its line of the list.

use eframe::egui::{self, Key, RichText, Ui};

use crate::app::library::{Errand, RunCard};
use crate::app::record::RunKey;
use crate::app::{Actions, theme};
use crate::config::RunConfig;

/// A name that is being changed.
pub struct Renaming {
    pub run: RunKey,
    name: String,
    /// Why the name does not do.
    problem: Option<String>,
    /// The field was given the keyboard.
    focused: bool,
}

impl Renaming {
    pub fn of(run: &RunCard) -> Self {
        Self {
            run: run.key.clone(),
            name: run.name.clone(),
            problem: None,
            focused: false,
        }
    }

    /// Draws the field and its buttons. True when it is over.
    pub fn show(&mut self, ui: &mut Ui, run: &RunCard, actions: &mut Actions) -> bool {
        let entered = ui.horizontal(|ui| self.field(ui)).inner;
        let cancelled = ui.input(|input| input.key_pressed(Key::Escape));
        let (renamed, given_up) = ui.horizontal(|ui| self.buttons(ui)).inner;
        let renamed = self.problem.is_none() && (renamed || entered);
        let name = self.name.trim();
        if renamed && name != run.name {
            actions.library(Errand::Rename {
                run: run.key.clone(),
                name: name.to_owned(),
            });
        }
        renamed || given_up || cancelled
    }

    /// Whether the name was entered.
    fn field(&mut self, ui: &mut Ui) -> bool {
        let label = ui.label(RichText::new("New name").small());
        let width = ui.available_width().min(240.0);
        let field = egui::TextEdit::singleline(&mut self.name).desired_width(width);
        let field = ui.add(field).labelled_by(label.id);
        if !std::mem::replace(&mut self.focused, true) {
            field.request_focus();
        }
        if field.changed() {
            self.problem = problem(&self.name);
        }
        field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter))
    }

    /// Whether the buttons for renaming and for leaving it were pressed.
    fn buttons(&self, ui: &mut Ui) -> (bool, bool) {
        let good = self.problem.is_none();
        let rename = ui.add_enabled(good, egui::Button::new("Rename").small());
        let cancel = ui.small_button("Cancel");
        if let Some(problem) = &self.problem {
            let text = RichText::new("no folder name").small();
            let text = text.color(theme::palette(ui).wrong);
            ui.label(text).on_hover_text(problem);
        }
        (rename.clicked(), cancel.clicked())
    }
}

/// Why a name does not do for a run.
fn problem(name: &str) -> Option<String> {
    let config = RunConfig {
        name: name.trim().into(),
        ..RunConfig::default()
    };
    config.check().err().map(|error| error.to_string())
}
