//! Settings that may be changed while a run goes on.

use std::collections::BTreeMap;

use eframe::egui::{self, RichText, Ui};

use crate::app::Actions;
use crate::app::engine::Request;
use crate::app::record::{Record, RunKey};
use crate::app::rooms::configure::why_not;
use crate::app::theme;
use crate::config::{Field, RunConfig, fields, live_settings};
use crate::training::Command;

/// Width of the settings' names.
const NAME: f32 = 220.0;

/// What is being typed, and what was wrong with it.
#[derive(Default)]
pub struct Controls {
    run: RunKey,
    /// Edits that were not applied yet.
    typed: BTreeMap<&'static str, String>,
    wrong: BTreeMap<&'static str, String>,
    /// What the fields mean, read once.
    fields: Vec<Field>,
}

impl Controls {
    /// A button with the settings behind it.
    pub fn show(&mut self, ui: &mut Ui, record: &Record, actions: &mut Actions) {
        if self.run != record.key {
            (self.typed, self.wrong) = Default::default();
            self.run.clone_from(&record.key);
        }
        let config = egui::containers::menu::MenuConfig::new()
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
        egui::containers::menu::MenuButton::new("Change while it runs…")
            .config(config)
            .ui(ui, |ui| {
                ui.set_width(400.0);
                ui.label("From the next step on. What was decided before stays as it was");
                egui::ScrollArea::vertical()
                    .max_height(420.0)
                    .show(ui, |ui| self.settings(ui, record, actions));
            });
    }

    fn settings(&mut self, ui: &mut Ui, record: &Record, actions: &mut Actions) {
        if self.fields.is_empty() {
            let live = |field: &Field| live_settings().any(|path| path == field.path);
            self.fields = fields().into_iter().filter(live).collect();
        }
        let values = serde_json::to_value(&record.config).unwrap_or_default();
        for path in live_settings() {
            let field = self.fields.iter().find(|field| field.path == path);
            let help = field.map_or_else(String::new, |field| {
                format!("{}\nAllowed: {}", field.doc, field.allowed)
            });
            let now = value_of(&values, path);
            ui.horizontal(|ui| {
                let (name, height) = (egui::Label::new(path).truncate(), 22.0);
                let label = ui.add_sized([NAME, height], name).on_hover_text(help);
                let mut text = self.typed.get(path).unwrap_or(&now).clone();
                let edit = ui
                    .add_sized([90.0, height], egui::TextEdit::singleline(&mut text))
                    .labelled_by(label.id);
                if edit.changed() {
                    self.wrong.remove(path);
                    self.typed.insert(path, text.clone());
                }
                let changed = text.trim() != now;
                let enter =
                    edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                let apply = ui.add_enabled(changed, egui::Button::new("Apply"));
                apply.widget_info(|| {
                    let name = format!("Apply {path}");
                    egui::WidgetInfo::labeled(egui::Role::Button, changed, name)
                });
                if changed && (enter || apply.clicked()) {
                    let value = text.trim().to_owned();
                    match check(&record.config, path, &value) {
                        Ok(()) => {
                            self.typed.remove(path);
                            let path = path.to_owned();
                            actions.engine(Request::Tell(Command::Set { path, value }));
                        }
                        Err(why) => drop(self.wrong.insert(path, why)),
                    }
                }
            });
            if let Some(why) = self.wrong.get(path) {
                let text = RichText::new(why).small().color(theme::palette(ui).wrong);
                ui.add(egui::Label::new(text).wrap());
                ui.add_space(4.0);
            }
        }
    }
}

/// A setting's value as it would be typed.
fn value_of(values: &serde_json::Value, path: &str) -> String {
    let pointer = format!("/{}", path.replace('.', "/"));
    match values.pointer(&pointer) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}

/// Whether a value may be set, in the words of the form.
fn check(config: &RunConfig, path: &str, value: &str) -> Result<(), String> {
    let text = config.to_toml().map_err(|error| error.to_string())?;
    RunConfig::from_toml(&text, "the run", &[format!("{path}={value}")])
        .map(drop)
        .map_err(|error| why_not(&error, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_live_setting_has_a_value_and_is_explained() {
        let values = serde_json::to_value(RunConfig::default()).unwrap();
        let known = fields();
        for path in live_settings() {
            let value = value_of(&values, path);
            assert!(!value.is_empty(), "{path}");
            assert_eq!(check(&RunConfig::default(), path, &value), Ok(()), "{path}");
            assert!(known.iter().any(|field| field.path == path), "{path}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_the_reason() {
        let config = RunConfig::default();
        let refused = |value| check(&config, "balance.gamma", value).unwrap_err();
        // As the form says it: what stands beside it is not said again.
        for value in ["-1", "much"] {
            let why = refused(value);
            assert!(why.contains("number"), "{why}");
            assert!(
                !why.contains("--set") && !why.contains("balance.gamma ="),
                "{why}"
            );
        }
        assert_eq!(check(&config, "balance.gamma", "2"), Ok(()));
    }
}
