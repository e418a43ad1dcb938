//! Choosing what is listed.

use eframe::egui::{self, ComboBox, Key, Ui};

use super::listing::{Source, moved};

/// The sources as a list to choose from.
pub fn sources() -> impl Iterator<Item = (Source, String, &'static str)> {
    let choice = |&source: &Source| (source, source.title().to_lowercase(), source.help());
    Source::ALL.iter().map(choice)
}

/// A list to choose one or all from: values, their names and what they are.
pub fn choices<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    chosen: &mut Option<T>,
    of: impl IntoIterator<Item = (T, String, &'static str)>,
    all: &str,
) {
    let of: Vec<(T, String, &str)> = of.into_iter().collect();
    let label = ui.label(name);
    let text = of.iter().find(|(value, ..)| Some(*value) == *chosen);
    let text = text.map_or(all, |(_, text, _)| text.as_str());
    let combo = ComboBox::from_id_salt(name).selected_text(text).width(90.0);
    let combo = combo.show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, all);
        for (value, text, help) in &of {
            ui.selectable_value(chosen, Some(*value), text)
                .on_hover_text(*help);
        }
    });
    combo.response.labelled_by(label.id);
}

/// The row the page keys lead to, unless something is being typed.
pub fn stepped(ui: &Ui, order: &[usize], open: Option<usize>) -> Option<usize> {
    if ui.ctx().text_edit_focused() {
        return None;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, key));
    let by = isize::from(pressed(Key::PageDown)) - isize::from(pressed(Key::PageUp));
    (by != 0).then(|| moved(order, open, by)).flatten()
}
