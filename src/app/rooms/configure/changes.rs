//! What was changed, and the command line that does the same.

use eframe::egui::{self, RichText, Ui};

use super::draft::{Checked, Draft};
use super::fields::field_at;
use crate::app::{Action, Actions, theme, widgets};

/// What the user wants of the changes.
pub(super) enum Wish {
    /// To see the field.
    Seek(String),
    Reset(String),
    ResetAll,
}

pub(super) fn show(
    ui: &mut Ui,
    draft: &Draft,
    checked: &Checked,
    actions: &mut Actions,
) -> Option<Wish> {
    let title = match checked.changes.len() {
        0 => "Changes".to_owned(),
        count => format!("Changes ({count})"),
    };
    let wish = widgets::section(ui, &title, |ui| {
        ui.set_width(ui.available_width());
        changes(ui, draft, checked)
    });
    widgets::section(ui, "Command line", |ui| {
        ui.set_width(ui.available_width());
        command(ui, checked, actions);
    });
    wish
}

fn changes(ui: &mut Ui, draft: &Draft, checked: &Checked) -> Option<Wish> {
    let file = draft.base().preset.file;
    if checked.changes.is_empty() {
        let words = format!("None: this is {file} as it is");
        ui.label(RichText::new(words).weak());
        return None;
    }
    let mut wish = None;
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.spacing_mut().interact_size.y = 18.0;
    for change in &checked.changes {
        let path = field_at(&change.path).map_or(change.path.as_str(), |field| field.path());
        ui.horizontal(|ui| {
            let link = ui.link(RichText::new(&change.path).monospace());
            if link.on_hover_text("Go to this setting").clicked() {
                wish = Some(Wish::Seek(path.to_owned()));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let reset = ui
                    .small_button(RichText::new("↺").monospace())
                    .on_hover_text("Back to the preset's value");
                if reset.clicked() {
                    wish = Some(Wish::Reset(path.to_owned()));
                }
                reset.accessible_name(format!("Undo the change of {}", change.path));
            });
        });
        let wrong = !checked.problems.at(path).is_empty();
        let color = if wrong {
            theme::palette(ui).wrong
        } else {
            ui.visuals().text_color()
        };
        ui.horizontal_wrapped(|ui| {
            ui.add_space(12.0);
            ui.label(RichText::new(one_line(&change.there)).weak());
            ui.label(RichText::new("→").monospace());
            ui.label(RichText::new(one_line(&change.here)).color(color));
        });
    }
    ui.add_space(4.0);
    if ui
        .button("Reset all")
        .on_hover_text(format!("Back to {file} as it is"))
        .clicked()
    {
        wish = Some(Wish::ResetAll);
    }
    wish
}

/// Lists of files are typed one a line.
fn one_line(text: &str) -> String {
    text.replace('\n', ", ")
}

fn command(ui: &mut Ui, checked: &Checked, actions: &mut Actions) {
    if checked.config.is_none() {
        let words = "Correct the settings that are marked first";
        ui.label(RichText::new(words).weak());
        return;
    }
    let mut line = checked.command.as_str();
    egui::TextEdit::multiline(&mut line)
        .id(egui::Id::unique("configure_command"))
        .font(egui::TextStyle::Monospace)
        .desired_width(f32::INFINITY)
        .desired_rows(2)
        .show(ui)
        .response
        .response
        .accessible_name("Command line");
    ui.horizontal_wrapped(|ui| {
        let hint = "Does the same in a terminal, in the folder that holds configs. Quoted as \
                    Linux, macOS and Git Bash read it";
        if ui.button("Copy command line").on_hover_text(hint).clicked() {
            actions.push(Action::Copy(checked.command.clone()));
        }
    });
}
