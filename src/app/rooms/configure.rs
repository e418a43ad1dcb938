//! A form for every field of a configuration, with what it comes to: the changes to the preset, the
//! command line, the data as the model sees it, memory and time.

mod asked;
mod changes;
mod command;
mod data;
mod draft;
mod estimate;
mod fields;
mod form;
mod problems;
mod rows;
#[cfg(test)]
mod tests;
mod value;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::engine::Reply;
use crate::app::library::{Errand, Saved, SavedWhat};
use crate::app::{Action, Actions, IN_BROWSER, World, share, theme};
use crate::config::RunConfig;
use changes::Wish;
use data::DataView;
use draft::{Checked, Draft, bases};
use estimate::EstimateView;
use fields::field_at;
use form::FormView;
pub(super) use problems::why_not;

/// Seconds without a change after which the engine is asked.
const REST: f64 = 0.6;

/// Problems of hidden fields that are named.
const LISTED: usize = 2;

/// What the right side shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Tab {
    #[default]
    Changes,
    Data,
    Estimate,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Configure {
    draft: Draft,
    tab: Tab,
    form: FormView,
    data: DataView,
    #[serde(skip)]
    estimate: EstimateView,
    /// What the draft comes to, once it was looked at.
    #[serde(skip)]
    seen: Option<Seen>,
    /// The draft that was replaced by another.
    #[serde(skip)]
    before: Option<Draft>,
    /// The preset that is to be changed to, while the user is asked about the changes.
    #[serde(skip)]
    wanted: Option<&'static str>,
    /// How many problems were gone to.
    #[serde(skip)]
    visited: usize,
}

/// What a draft comes to, and since when it stands.
struct Seen {
    draft: Draft,
    checked: Checked,
    /// The configuration without what changes neither data nor sizes.
    essence: Option<RunConfig>,
    since: f64,
}

impl Seen {
    fn of(draft: &Draft, since: f64) -> Self {
        let checked = draft.check();
        Self {
            essence: checked.config.as_ref().map(essence),
            draft: draft.clone(),
            checked,
            since,
        }
    }
}

/// A configuration without its name, description and length.
fn essence(config: &RunConfig) -> RunConfig {
    let defaults = RunConfig::default();
    RunConfig {
        name: defaults.name,
        description: defaults.description,
        max_steps: defaults.max_steps,
        ..config.clone()
    }
}

impl Configure {
    /// Puts a configuration into the form.
    pub fn open(&mut self, config: RunConfig) {
        self.replace(Draft::of(&config));
    }

    /// Takes another draft, remembering changes that were made to the one before.
    fn replace(&mut self, draft: Draft) {
        if draft != self.draft {
            let before = std::mem::replace(&mut self.draft, draft);
            self.before = before.has_edits().then_some(before);
        }
    }

    /// What the draft comes to now.
    fn look(&mut self, time: f64) -> Seen {
        match self.seen.take() {
            Some(seen) if seen.draft == self.draft => seen,
            // What was not seen before has rested long enough.
            None => Seen::of(&self.draft, time - REST),
            Some(_) => Seen::of(&self.draft, time),
        }
    }

    fn above(&mut self, ui: &mut Ui, seen: &Seen, world: &World, actions: &mut Actions) {
        ui.horizontal_wrapped(|ui| {
            self.start(ui, &seen.checked, world, actions);
            ui.separator();
            self.presets(ui);
            let load = ui
                .button("Load…")
                .on_hover_text("Open a configuration file (Ctrl+O)");
            if load.clicked() {
                actions.library(Errand::Choose);
            }
            self.save(ui, &seen.checked, actions);
            if IN_BROWSER {
                link(ui, &seen.checked, actions);
            }
            self.compare(ui, &seen.checked, actions);
            if let Some(before) = &mut self.before {
                let hint = "Go back to the settings that were here before; again, to return";
                if ui.button("Undo").on_hover_text(hint).clicked() {
                    std::mem::swap(&mut self.draft, before);
                }
            }
        });
        let preset = &self.draft.base().preset;
        let words = format!("{} ({})", preset.teaches, preset.size);
        ui.add(egui::Label::new(RichText::new(words).weak()).truncate());
        self.status(ui, &seen.checked, world);
        ui.add_space(2.0);
    }

    fn start(&self, ui: &mut Ui, checked: &Checked, world: &World, actions: &mut Actions) {
        let reason = refusal(checked, world);
        let button = egui::Button::new(RichText::new("Start").strong().size(16.0))
            .min_size(egui::vec2(90.0, 30.0));
        let response = ui.add_enabled(reason.is_none(), button);
        if let (true, Some(config)) = (response.clicked(), &checked.config) {
            actions.push(Action::Train(Box::new(config.clone())));
        }
        match reason {
            Some(reason) => response.on_disabled_hover_text(reason),
            None => response.on_hover_text("Train with these settings"),
        };
    }

    fn presets(&mut self, ui: &mut Ui) {
        let label = ui.label("Preset");
        let current = self.draft.base().preset.file;
        let mut chosen = None;
        egui::ComboBox::from_id_salt("configure_preset")
            .selected_text(title(current))
            .width(150.0)
            .show_ui(ui, |ui| {
                for base in bases() {
                    let preset = &base.preset;
                    let file = preset.file;
                    let entry = ui.selectable_label(file == current, title(file));
                    if entry.on_hover_text(preset.teaches).clicked() && file != current {
                        chosen = Some(file);
                    }
                }
            })
            .response
            .labelled_by(label.id);
        let Some(file) = chosen else { return };
        if self.draft.has_edits() {
            self.wanted = Some(file);
        } else {
            self.replace(Draft::from_preset(file));
        }
    }

    fn save(&self, ui: &mut Ui, checked: &Checked, actions: &mut Actions) {
        let button = ui.add_enabled(checked.config.is_some(), egui::Button::new("Save TOML…"));
        if let (true, Some(config)) = (button.clicked(), &checked.config) {
            match config.to_toml() {
                Ok(text) => actions.library(Errand::Save(Saved {
                    name: format!("{}.toml", config.name),
                    what: SavedWhat::Bytes(text.into_bytes()),
                })),
                Err(error) => actions.push(Action::Say(error.to_string())),
            }
        }
        button
            .on_hover_text("Write all settings to a file that the command line reads too")
            .on_disabled_hover_text("Correct the settings that are marked first");
    }

    fn compare(&self, ui: &mut Ui, checked: &Checked, actions: &mut Actions) {
        let button = egui::Button::new("Compare methods…");
        let button = ui.add_enabled(checked.config.is_some(), button);
        if let (true, Some(config)) = (button.clicked(), &checked.config) {
            actions.push(Action::Compare(Box::new(config.clone())));
        }
        button
            .on_hover_text("Train several methods and seeds with these settings")
            .on_disabled_hover_text("Correct the settings that are marked first");
    }

    /// One line on top, whatever there is to say: nothing below may move while somebody types. It
    /// says what is wrong where it cannot be seen, with a way there.
    fn status(&mut self, ui: &mut Ui, checked: &Checked, world: &World) {
        let size = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
        let row = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(size, row, |ui| {
            ui.set_min_size(size);
            if checked.problems.count > 0 {
                return self.problems(ui, checked);
            }
            let text = match refusal(checked, world) {
                Some(reason) => RichText::new(reason).color(theme::palette(ui).notice),
                None => RichText::new("Nothing is wrong with these settings").weak(),
            };
            ui.add(egui::Label::new(text).truncate());
        });
    }

    fn problems(&mut self, ui: &mut Ui, checked: &Checked) {
        let problems = &checked.problems;
        let color = theme::palette(ui).wrong;
        let mut sought = None;
        let words = format!("× {}", to_correct(problems.count));
        ui.label(RichText::new(words).strong().color(color));
        let paths: Vec<&str> = problems.paths().collect();
        if !paths.is_empty() && ui.link("Go to the next one").clicked() {
            sought = paths.get(self.visited % paths.len()).copied();
            self.visited += 1;
        }
        let hidden = problems
            .paths()
            .filter_map(field_at)
            .filter(|field| !self.form.shows(field));
        let mut said = problems.loose.join("; ");
        for field in hidden.take(LISTED) {
            let words = problems.at(field.path()).join("; ");
            let hint = format!("{words}\nClick to go to this setting");
            if ui.link(field.path()).on_hover_text(hint).clicked() {
                sought = Some(field.path());
            }
            if said.is_empty() {
                said = words;
            }
        }
        if !said.is_empty() {
            let words = RichText::new(&said).color(color);
            ui.add(egui::Label::new(words).truncate())
                .on_hover_text(&said);
        }
        if let Some(path) = sought {
            self.form.seek(path);
        }
    }

    fn side(&mut self, ui: &mut Ui, seen: &Seen, world: &World, actions: &mut Actions) {
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.tab, Tab::Changes, "Changes & command");
            ui.selectable_value(&mut self.tab, Tab::Data, "Data");
            ui.selectable_value(&mut self.tab, Tab::Estimate, "Estimate");
        });
        ui.add_space(2.0);
        self.ask_engine(ui, seen, world.time, actions);
        egui::ScrollArea::vertical()
            .id_salt(("configure_side", self.tab as u8))
            .auto_shrink(false)
            .show(ui, |ui| {
                // The scroll bar floats over what is beside it.
                ui.set_max_width(ui.available_width() - 10.0);
                self.tab_in_view(ui, seen, world, actions);
            });
    }

    fn tab_in_view(&mut self, ui: &mut Ui, seen: &Seen, world: &World, actions: &mut Actions) {
        match self.tab {
            Tab::Changes => {
                let wish = changes::show(ui, &self.draft, &seen.checked, actions);
                self.grant(wish);
            }
            Tab::Data => self.data.show(ui, seen.checked.config.as_ref()),
            Tab::Estimate => {
                let draft = seen.essence.as_ref().zip(seen.checked.config.as_ref());
                self.estimate.show(ui, draft, world.live.is_some(), actions);
            }
        }
    }

    fn grant(&mut self, wish: Option<Wish>) {
        match wish {
            Some(Wish::Seek(path)) => self.form.seek(&path),
            Some(Wish::Reset(path)) => self.draft.reset(&path),
            Some(Wish::ResetAll) => {
                self.replace(Draft::from_preset(self.draft.base().preset.file));
            }
            None => {}
        }
    }

    /// Asks for what the tab in view shows, once the draft has rested.
    fn ask_engine(&mut self, ui: &Ui, seen: &Seen, time: f64, actions: &mut Actions) {
        let (Some(essence), Some(config)) = (&seen.essence, &seen.checked.config) else {
            return;
        };
        let rested = time - seen.since;
        if rested < REST {
            let rest = std::time::Duration::from_secs_f64((REST - rested).max(0.01));
            ui.ctx().request_repaint_after(rest);
            return;
        }
        match self.tab {
            Tab::Changes => {}
            Tab::Data => self.data.ask(essence, config, actions),
            Tab::Estimate => self.estimate.ask(essence, config, actions),
        }
    }

    /// Asks what is to become of the changes when another preset is chosen.
    fn question(&mut self, ui: &Ui) {
        let Some(file) = self.wanted else { return };
        let modal = egui::Modal::new(egui::Id::unique("configure_question")).show(ui.ctx(), |ui| {
            ui.set_max_width(400.0);
            ui.heading(format!("Change to {}?", title(file)));
            ui.label("You have changed settings of the preset that is open now.");
            ui.add_space(6.0);
            ui.horizontal_wrapped(|ui| {
                if ui
                    .button("Keep my changes")
                    .on_hover_text("Make them in it too")
                    .clicked()
                {
                    self.replace(self.draft.moved_to(file));
                    self.wanted = None;
                }
                if ui.button("Drop my changes").clicked() {
                    self.replace(Draft::from_preset(file));
                    self.wanted = None;
                }
                if ui.button("Cancel").clicked() {
                    self.wanted = None;
                }
            });
        });
        if modal.should_close() {
            self.wanted = None;
        }
    }
}

/// A link that opens this page with these settings in the form.
fn link(ui: &mut Ui, checked: &Checked, actions: &mut Actions) {
    let button = ui.add_enabled(checked.config.is_some(), egui::Button::new("Copy link"));
    if let (true, Some(config)) = (button.clicked(), &checked.config) {
        actions.push(match share::link(config) {
            Ok(link) => Action::Copy(link),
            Err(error) => Action::Say(error.to_string()),
        });
    }
    button
        .on_hover_text("Whoever opens the link finds these settings here, ready to start")
        .on_disabled_hover_text("Correct the settings that are marked first");
}

/// Why a run cannot be started now.
fn refusal(checked: &Checked, world: &World) -> Option<String> {
    if checked.problems.count > 0 {
        return Some(to_correct(checked.problems.count));
    }
    if let Some(live) = world.live {
        return Some(format!(
            "{live} is being trained: stop it before starting another run"
        ));
    }
    let queue = world.queue?;
    Some(format!(
        "The comparison {} is on: end it before starting a run",
        queue.folder
    ))
}

fn to_correct(count: usize) -> String {
    match count {
        1 => "One thing is to be corrected before a run can start".into(),
        _ => format!("{count} things are to be corrected before a run can start"),
    }
}

/// A preset's name without its extension.
fn title(file: &str) -> &str {
    file.trim_end_matches(".toml")
}

impl Room for Configure {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let seen = self.look(world.time);
        self.above(ui, &seen, world, actions);
        let width = (ui.available_width() * 0.4).max(300.0);
        egui::Panel::right("configure_side")
            .resizable(false)
            .exact_size(width)
            .show(ui, |ui| self.side(ui, &seen, world, actions));
        egui::CentralPanel::no_frame().show(ui, |ui| {
            if self.form.show(ui, &mut self.draft, &seen.checked) {
                // The change is checked, and seen, in the next frame.
                ui.ctx().request_repaint();
            }
        });
        self.question(ui);
        self.seen = Some(seen);
    }

    fn hear(&mut self, reply: &Reply) {
        self.data.hear(reply);
        self.estimate.hear(reply);
    }
}
