//! The left side: the fields, basic first, and a line that explains the one in hand.

use std::collections::BTreeSet;

use eframe::egui::{self, RichText, Ui};

use super::draft::{Checked, Draft};
use super::fields::{BASIC, FormField, field_at, form, form_sections};
use super::rows::{Row, explained};
use crate::app::theme;

/// Points a column of fields needs at least.
const COLUMN: f32 = 430.0;

/// What is shown of the form.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct FormView {
    /// Whether all fields are shown, and not only the basic ones.
    pub advanced: bool,
    /// Sections that are open.
    open: BTreeSet<String>,
    #[serde(skip)]
    search: String,
    /// The path of the field to bring into view.
    #[serde(skip)]
    sought: Option<String>,
    /// The path of the field that is explained.
    #[serde(skip)]
    explained: String,
}

impl FormView {
    /// Brings a field into view, opening what hides it.
    pub fn seek(&mut self, path: &str) {
        let Some(field) = field_at(path) else { return };
        self.search.clear();
        if !field.basic {
            self.advanced = true;
            self.open.insert(field.section.clone());
        }
        self.sought = Some(field.path().to_owned());
    }

    /// Whether a field is drawn, in view or not.
    pub fn shows(&self, field: &FormField) -> bool {
        if !self.search.trim().is_empty() {
            return field.matches(&self.search);
        }
        field.basic || (self.advanced && self.open.contains(&field.section))
    }

    /// Draws the form; whether the draft was changed.
    pub fn show(&mut self, ui: &mut Ui, draft: &mut Draft, checked: &Checked) -> bool {
        self.above(ui);
        let before = draft.clone();
        egui::Panel::bottom("configure_details")
            .exact_size(76.0)
            .show_separator_line(true)
            .show(ui, |ui| self.details(ui, draft, checked));
        egui::CentralPanel::no_frame().show(ui, |ui| {
            egui::ScrollArea::vertical()
                .id_salt("configure_form")
                .auto_shrink(false)
                .show(ui, |ui| self.fields(ui, draft, checked));
        });
        *draft != before
    }

    fn above(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let search = egui::TextEdit::singleline(&mut self.search)
                .id(egui::Id::unique("configure_search"))
                .hint_text("Search all settings")
                .desired_width(220.0);
            ui.add(search).accessible_name("Search settings");
            if !self.search.is_empty() && ui.button("Clear").clicked() {
                self.search.clear();
            }
            ui.checkbox(&mut self.advanced, "Advanced")
                .on_hover_text("Show every setting, section by section");
            if self.advanced && self.search.is_empty() {
                self.open_and_close(ui);
            }
        });
        ui.add_space(2.0);
    }

    fn open_and_close(&mut self, ui: &mut Ui) {
        let sections = form_sections().iter().map(|section| section.path.clone());
        if self.open.is_empty() {
            if ui.button("Open all").clicked() {
                self.open = sections.collect();
            }
        } else if ui.button("Close all").clicked() {
            self.open.clear();
        }
    }

    fn fields(&mut self, ui: &mut Ui, draft: &mut Draft, checked: &Checked) {
        if !self.search.trim().is_empty() {
            return self.found(ui, draft, checked);
        }
        self.basic(ui, draft, checked);
        if !self.advanced {
            ui.add_space(8.0);
            let hidden = form().iter().filter(|field| !field.basic).count();
            if ui.link(format!("{hidden} more settings")).clicked() {
                self.advanced = true;
            }
            return;
        }
        ui.add_space(12.0);
        ui.heading("All other settings");
        for section in form_sections() {
            let fields: Vec<&'static FormField> = section
                .fields
                .iter()
                .copied()
                .filter(|field| !field.basic)
                .collect();
            if !fields.is_empty() {
                let title = summary(&section.title, &fields, checked);
                self.section(
                    ui,
                    (&section.path, title, &section.doc),
                    &fields,
                    draft,
                    checked,
                );
            }
        }
    }

    /// The basic fields, in columns where there is room.
    fn basic(&mut self, ui: &mut Ui, draft: &mut Draft, checked: &Checked) {
        let count = (ui.available_width() / COLUMN).floor().clamp(1.0, 3.0) as usize;
        let lines = |(_, paths): &(&str, &[&str])| paths.len() + 2;
        let all: usize = BASIC.iter().map(lines).sum();
        ui.columns(count, |columns| {
            let mut above = 0;
            for group in &BASIC {
                // By the middle of a group, so that the columns end at about one height.
                let column = (above + lines(group) / 2) * count / all;
                above += lines(group);
                let ui = &mut columns[column.min(count - 1)];
                heading(ui, group.0);
                for field in group.1.iter().filter_map(|path| field_at(path)) {
                    self.row(ui, field, draft, checked);
                }
            }
        });
    }

    fn section(
        &mut self,
        ui: &mut Ui,
        (path, title, doc): (&str, String, &str),
        fields: &[&'static FormField],
        draft: &mut Draft,
        checked: &Checked,
    ) {
        let is_open = self.open.contains(path);
        let header = egui::CollapsingHeader::new(title)
            .id_salt(("configure_section", path))
            .open(Some(is_open));
        let shown = header.show_unindented(ui, |ui| {
            for field in fields {
                self.row(ui, field, draft, checked);
            }
        });
        if shown.header_response.on_hover_text(doc).clicked() {
            if is_open {
                self.open.remove(path);
            } else {
                self.open.insert(path.to_owned());
            }
        }
    }

    fn found(&mut self, ui: &mut Ui, draft: &mut Draft, checked: &Checked) {
        let mut any = false;
        for section in form_sections() {
            let fields = section
                .fields
                .iter()
                .filter(|field| field.matches(&self.search));
            let fields: Vec<&'static FormField> = fields.copied().collect();
            if fields.is_empty() {
                continue;
            }
            any = true;
            heading(ui, &section.title).on_hover_text(&section.doc);
            for field in fields {
                self.row(ui, field, draft, checked);
            }
        }
        if !any {
            ui.label("No setting has these words in its name or description");
        }
    }

    fn row(&mut self, ui: &mut Ui, field: &'static FormField, draft: &mut Draft, now: &Checked) {
        let path = field.path();
        let changed = now.changed.contains(path);
        let sought = self.sought.as_deref() == Some(path);
        let row = Row {
            field,
            text: draft.text(path),
            was: changed.then(|| draft.preset_text(path)),
            problems: now.problems.at(path),
            sought,
        };
        let done = row.show(ui);
        if sought {
            self.sought = None;
        }
        if done.attended && self.explained != path {
            path.clone_into(&mut self.explained);
        }
        if let Some(text) = done.written {
            draft.set(path, text);
        }
        if let Some((steps, coarse)) = done.stepped {
            draft.step(path, steps, coarse);
        }
        if done.reset {
            draft.reset(path);
        }
    }

    fn details(&self, ui: &mut Ui, draft: &Draft, checked: &Checked) {
        egui::ScrollArea::vertical()
            .id_salt("details")
            .auto_shrink(false)
            .show(ui, |ui| {
                let Some(field) = field_at(&self.explained) else {
                    let hint = "Point at a setting, or go to it with Tab, to read what it does. A \
                            name can be dragged sideways to change its number.";
                    ui.label(RichText::new(hint).weak());
                    return;
                };
                ui.spacing_mut().item_spacing.y = 2.0;
                for reason in checked.problems.at(field.path()) {
                    let text = RichText::new(reason).color(theme::palette(ui).wrong);
                    let label = ui.add(egui::Label::new(text).wrap());
                    // Who listens has heard it at the field.
                    label.accessible_name(format!("Why {} is refused", field.path()));
                }
                ui.horizontal_wrapped(|ui| {
                    ui.label(RichText::new(field.path()).monospace().strong());
                    let chosen = draft.text(field.path());
                    let choice = field.field.choices.iter().find(|one| one.value == chosen);
                    let words = format!(
                        "{} {}",
                        field.doc(),
                        choice.map_or(String::new(), explained)
                    );
                    if !words.trim().is_empty() {
                        ui.label(words.trim());
                    }
                });
                ui.label(RichText::new(field.facts()).small().weak());
            });
    }
}

fn heading(ui: &mut Ui, title: &str) -> egui::Response {
    ui.add_space(8.0);
    ui.label(
        RichText::new(title)
            .strong()
            .color(theme::palette(ui).accent),
    )
}

/// A section's title with what is behind it.
fn summary(title: &str, fields: &[&FormField], checked: &Checked) -> String {
    let count = |test: &dyn Fn(&str) -> bool| fields.iter().filter(|f| test(f.path())).count();
    let changed = count(&|path| checked.changed.contains(path));
    let wrong = count(&|path| !checked.problems.at(path).is_empty());
    let mut text = format!("{title} ({})", fields.len());
    if changed > 0 {
        text.push_str(&format!(" · {changed} changed"));
    }
    if wrong > 0 {
        text.push_str(&format!(" · {wrong} to correct"));
    }
    text
}
