//! One line of the form: a name, what edits the value, and what is wrong with it.

use eframe::egui::{self, Align, Id, Key, Layout, Modifiers, Response, RichText, Sense, Ui, vec2};

use super::fields::FormField;
use super::value::Kind;
use crate::app::theme;
use crate::config::Choice;

/// Points a number's name is dragged for one step.
const DRAG_PER_STEP: f32 = 6.0;

/// Points below which the preset's value is told on hover only.
const ROOM_FOR_WAS: f32 = 60.0;

/// How wide the parts of a row are.
#[derive(Clone, Copy)]
struct Widths {
    label: f32,
    value: f32,
    /// Of texts that are sentences or paths.
    text: f32,
}

impl Widths {
    fn within(whole: f32) -> Self {
        Self {
            label: (0.38 * whole).clamp(150.0, 230.0),
            value: (0.26 * whole).clamp(110.0, 150.0),
            text: (0.4 * whole).clamp(150.0, 320.0),
        }
    }
}

/// What a row shows.
pub(super) struct Row<'a> {
    pub field: &'static FormField,
    pub text: &'a str,
    /// The preset's text, where the value is another.
    pub was: Option<&'a str>,
    pub problems: &'a [String],
    /// Whether it is to be brought into view and given the keyboard.
    pub sought: bool,
}

/// What the user did with a row.
#[derive(Default)]
pub(super) struct Done {
    pub written: Option<String>,
    /// Steps of a number, and whether they are coarse.
    pub stepped: Option<(i32, bool)>,
    pub reset: bool,
    /// Whether the pointer or the keyboard is on it.
    pub attended: bool,
}

impl Row<'_> {
    pub fn show(&self, ui: &mut Ui) -> Done {
        let mut done = Done::default();
        let widths = Widths::within(ui.available_width());
        let line = ui.horizontal(|ui| {
            self.marker(ui);
            self.label(ui, widths.label, &mut done);
            let response = self.edit(ui, widths, &mut done);
            done.attended = response.has_focus();
            if response.gained_focus() || self.sought {
                response.scroll_to_me(self.sought.then_some(Align::Center));
            }
            if self.sought {
                response.request_focus();
            }
            self.after(ui, &mut done);
            self.reason(ui);
        });
        if ui.rect_contains_pointer(line.response.rect) {
            done.attended = true;
        }
        done
    }

    fn marker(&self, ui: &mut Ui) {
        let (rect, _) = ui.allocate_exact_size(vec2(8.0, 20.0), Sense::hover());
        let colors = theme::palette(ui);
        let color = match (self.problems.is_empty(), self.was) {
            (false, _) => colors.wrong,
            (true, Some(_)) => colors.accent,
            (true, None) => return,
        };
        ui.painter().circle_filled(rect.center(), 3.5, color);
    }

    fn label(&self, ui: &mut Ui, width: f32, done: &mut Done) {
        let field = self.field;
        // A name that can be dragged is to look like the others.
        let mut text = RichText::new(&field.label).color(ui.visuals().text_color());
        if self.was.is_some() {
            text = text.strong();
        }
        let sense = if field.kind.can_step() {
            Sense::DRAG
        } else {
            Sense::hover()
        };
        let place = vec2(width, ui.spacing().interact_size.y);
        let label = ui
            .allocate_ui_with_layout(place, Layout::left_to_right(Align::Center), |ui| {
                ui.set_width(width);
                let label = egui::Label::new(text)
                    .truncate()
                    .selectable(false)
                    .sense(sense);
                ui.add(label)
            })
            .inner;
        let label = if field.kind.can_step() {
            label.on_hover_cursor(egui::CursorIcon::ResizeHorizontal)
        } else {
            label
        };
        if label.dragged() {
            done.stepped = self.dragged(ui, label.id, label.drag_delta().x);
        }
        label.on_hover_ui(|ui| self.explain(ui));
    }

    /// Whole steps that dragging has come to; the rest is kept for the next frame.
    fn dragged(&self, ui: &Ui, id: Id, moved: f32) -> Option<(i32, bool)> {
        let steps = ui.data_mut(|data| {
            let rest: &mut f32 = data.get_temp_mut_or_default(id);
            *rest += moved;
            let steps = (*rest / DRAG_PER_STEP).trunc();
            *rest -= steps * DRAG_PER_STEP;
            steps as i32
        });
        (steps != 0).then(|| (steps, ui.input(|input| input.modifiers.shift)))
    }

    fn explain(&self, ui: &mut Ui) {
        let field = self.field;
        ui.set_max_width(380.0);
        ui.label(RichText::new(field.path()).monospace().strong());
        if let Some(alias) = &field.field.alias {
            ui.label(RichText::new(format!("Also written {alias}")).weak());
        }
        if !field.doc().is_empty() {
            ui.label(field.doc());
        }
        for choice in &field.field.choices {
            ui.label(explained(choice));
        }
        ui.label(RichText::new(field.facts()).weak());
        if field.kind.can_step() {
            let hint = "Drag sideways, or press the up and down keys in the field; with Shift in \
                        larger steps";
            ui.label(RichText::new(hint).weak());
        }
    }

    fn edit(&self, ui: &mut Ui, widths: Widths, done: &mut Done) -> Response {
        let id = self.id();
        ui.scope(|ui| {
            if !self.problems.is_empty() {
                self.frame_in_red(ui);
            }
            let response = match self.field.kind {
                Kind::Switch => self.switch(ui, done),
                Kind::Choice => self.choice(ui, widths.value, done),
                Kind::Whole | Kind::Number => {
                    self.arrow_keys(ui, id, done);
                    self.line(ui, id, widths.value, done)
                }
                Kind::Wholes | Kind::Pair => self.line(ui, id, widths.value, done),
                Kind::Text | Kind::Table => self.line(ui, id, widths.text, done),
                Kind::Texts => self.lines(ui, id, widths.text, done),
            };
            response.accessible_name(self.field.name())
        })
        .inner
    }

    fn id(&self) -> Id {
        Id::unique(("configure", self.field.path()))
    }

    fn frame_in_red(&self, ui: &mut Ui) {
        let stroke = egui::Stroke::new(1.5, theme::palette(ui).wrong);
        let visuals = ui.visuals_mut();
        visuals.selection.stroke = stroke;
        let widgets = &mut visuals.widgets;
        for state in [
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
        ] {
            state.bg_stroke = stroke;
        }
    }

    fn switch(&self, ui: &mut Ui, done: &mut Done) -> Response {
        let mut on = self.text == "true";
        let response = ui.checkbox(&mut on, "");
        if response.changed() {
            done.written = Some(on.to_string());
        }
        response
    }

    fn choice(&self, ui: &mut Ui, width: f32, done: &mut Done) -> Response {
        let shown = |value: &str| {
            if value.is_empty() {
                "unset".into()
            } else {
                value.to_owned()
            }
        };
        egui::ComboBox::from_id_salt(self.field.path())
            .selected_text(shown(self.text))
            .width(width)
            .height(260.0)
            .show_ui(ui, |ui| {
                ui.set_min_width(320.0);
                let unset = self
                    .field
                    .optional
                    .then_some(("", "As the documentation says"));
                let choices = self.field.field.choices.iter();
                let all = choices.map(|choice| (choice.value.as_str(), choice.doc.as_str()));
                for (value, doc) in unset.into_iter().chain(all) {
                    let chosen = value == self.text;
                    let entry =
                        ui.selectable_label(chosen, described(ui, chosen, &shown(value), doc));
                    if entry.clicked() {
                        done.written = Some(value.to_owned());
                    }
                    entry.accessible_name(shown(value));
                }
            })
            .response
    }

    /// The up and down keys, while the field has the keyboard.
    fn arrow_keys(&self, ui: &Ui, id: Id, done: &mut Done) {
        if !ui.memory(|memory| memory.has_focus(id)) {
            return;
        }
        let (coarse, steps) = ui.input_mut(|input| {
            let coarse = input.modifiers.shift;
            let mut pressed = |key| input.count_and_consume_key(Modifiers::NONE, key) as i32;
            (coarse, pressed(Key::ArrowUp) - pressed(Key::ArrowDown))
        });
        if steps != 0 {
            done.stepped = Some((steps, coarse));
        }
    }

    fn line(&self, ui: &mut Ui, id: Id, width: f32, done: &mut Done) -> Response {
        let mut text = self.text.to_owned();
        let hint = match self.field.kind {
            Kind::Wholes => "none",
            Kind::Table => "such as format = 0.5",
            _ => "",
        };
        let edit = egui::TextEdit::singleline(&mut text)
            .id(id)
            .desired_width(width);
        let response = ui.add(edit.hint_text(hint));
        if response.changed() {
            done.written = Some(text);
        }
        response
    }

    fn lines(&self, ui: &mut Ui, id: Id, width: f32, done: &mut Done) -> Response {
        let mut text = self.text.to_owned();
        let edit = egui::TextEdit::multiline(&mut text)
            .id(id)
            .desired_width(width);
        let response = ui.add(edit.desired_rows(2).hint_text("one a line"));
        if response.changed() {
            done.written = Some(text);
        }
        response
    }

    /// Behind the value: its unit, and the way back to the preset's.
    fn after(&self, ui: &mut Ui, done: &mut Done) {
        if !self.field.unit.is_empty() {
            ui.label(RichText::new(self.field.unit).small().weak());
        }
        let Some(was) = self.was else { return };
        let was = if was.is_empty() { "unset" } else { was };
        let reset = ui
            .small_button(RichText::new("↺").monospace())
            .on_hover_text(format!("Back to the preset's {was}"));
        if reset.clicked() {
            done.reset = true;
        }
        reset.accessible_name(format!("Reset {}", self.field.path()));
        if ui.available_width() > ROOM_FOR_WAS && self.problems.is_empty() {
            let words = format!("was {}", was.replace('\n', ", "));
            ui.add(egui::Label::new(RichText::new(words).small().weak()).truncate());
        }
    }

    /// What is wrong, in the same line: a line of its own would push the fields below away from
    /// under the pointer. The line that explains the field in hand has it in full.
    fn reason(&self, ui: &mut Ui) {
        if self.problems.is_empty() {
            return;
        }
        let color = theme::palette(ui).wrong;
        let words = self.problems.join("; ");
        let text = RichText::new(format!("× {words}")).color(color);
        ui.add(egui::Label::new(text).truncate())
            .on_hover_text(words);
    }
}

/// A choice and what it means.
pub(super) fn explained(choice: &Choice) -> String {
    match choice.doc.as_str() {
        "" => choice.value.clone(),
        doc => format!("{} – {}", choice.value, doc.replace('`', "")),
    }
}

/// A choice with what it means on a line of its own.
fn described(ui: &Ui, chosen: bool, value: &str, doc: &str) -> egui::text::LayoutJob {
    use egui::{TextFormat, TextStyle};
    let style = ui.style();
    let visuals = &style.visuals;
    let (plain, weak) = if chosen {
        let on_selection = visuals.selection.stroke.color;
        (on_selection, on_selection)
    } else {
        (visuals.text_color(), visuals.weak_text_color())
    };
    let format = |text: TextStyle, color| TextFormat {
        font_id: text.resolve(style),
        color,
        ..TextFormat::default()
    };
    let mut job = egui::text::LayoutJob::default();
    job.wrap.max_width = 320.0;
    job.append(value, 0.0, format(TextStyle::Body, plain));
    if !doc.is_empty() {
        let doc = format!("\n{}", doc.replace('`', ""));
        job.append(&doc, 0.0, format(TextStyle::Small, weak));
    }
    job
}
