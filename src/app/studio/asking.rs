//! Asks for a path, where nothing shows file dialogs.

use eframe::egui;

use super::Studio;

impl Studio {
    /// The question, while it stands.
    pub(super) fn question_for_path(&mut self, ui: &egui::Ui) {
        let Some(path) = &mut self.asking else { return };
        let (mut open, mut cancel) = (false, false);
        let modal = egui::Modal::new(egui::Id::unique("path to open")).show(ui.ctx(), |ui| {
            ui.set_max_width(460.0);
            ui.heading("Open a file or folder");
            ui.label(
                "No file dialog can be shown on this desktop. Write where it is, or drop it into \
                 the window: a configuration (.toml), a run folder, a folder of runs or a zipped \
                 run",
            );
            let label = ui.label("Path");
            let field = egui::TextEdit::singleline(path).desired_width(f32::INFINITY);
            let field = ui.add(field).labelled_by(label.id);
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            if !field.has_focus() && !entered && ui.memory(|memory| memory.focused().is_none()) {
                field.request_focus();
            }
            ui.horizontal(|ui| {
                let ready = !path.trim().is_empty();
                let button = ui.add_enabled(ready, egui::Button::new("Open"));
                open = ready && (button.clicked() || entered);
                cancel = ui.button("Cancel").clicked();
            });
        });
        if open {
            let path = path.trim().to_owned();
            self.asking = None;
            self.import(path);
        } else if cancel || modal.should_close() {
            self.asking = None;
            self.coming = Default::default();
        }
    }
}
