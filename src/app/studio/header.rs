//! Above the room: which run, what it is doing, and what it can be told.

use eframe::egui::containers::menu::{MenuButton, MenuConfig};
use eframe::egui::{self, RichText};

use super::Studio;
use crate::app::engine::Request;
use crate::app::record::{Motion, Progress, Record, RunKey};
use crate::app::{Action, Place, theme};
use crate::training::{CARD_PROGRAMS, Command, Phase};

impl Studio {
    pub(super) fn header(&mut self, ui: &mut egui::Ui) {
        egui::Panel::top("header").show(ui, |ui| {
            ui.add_space(4.0);
            ui.horizontal(|ui| {
                ui.label(RichText::new("SASR Studio").strong().size(16.0));
                ui.separator();
                self.choose_run(ui);
                self.controls(ui);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    self.theme_switch(ui);
                });
            });
            self.progress(ui);
            self.elsewhere(ui);
            ui.add_space(4.0);
        });
    }

    /// The list of rooms on the left.
    pub(super) fn list_of_rooms(&mut self, ui: &mut egui::Ui) {
        egui::Panel::left("rooms")
            .resizable(false)
            .exact_size(116.0)
            .show(ui, |ui| {
                ui.add_space(8.0);
                for (index, place) in Place::ALL.into_iter().enumerate() {
                    let selected = self.kept.place == place;
                    let button = egui::Button::selectable(selected, place.title())
                        .min_size(egui::vec2(ui.available_width(), 30.0));
                    let hint = format!("{} (Ctrl+{})", place.purpose(), index + 1);
                    if ui.add(button).on_hover_text(hint).clicked() {
                        self.kept.place = place;
                    }
                }
            });
    }

    fn choose_run(&mut self, ui: &mut egui::Ui) {
        let shown = self.kept.shown.clone();
        let text = shown.clone().unwrap_or_else(|| "No run open".into());
        let mut close: Option<RunKey> = None;
        egui::ComboBox::from_id_salt("run")
            .selected_text(text)
            .width(190.0)
            .show_ui(ui, |ui| {
                for (key, record) in &self.records {
                    ui.horizontal(|ui| {
                        let selected = shown.as_ref() == Some(key);
                        let label = format!("{key} · {}", record.motion.label());
                        if ui.selectable_label(selected, label).clicked() {
                            self.actions.push(Action::Show(key.clone()));
                        }
                        let closable = !record.is_here();
                        if closable && ui.small_button("Close").clicked() {
                            close = Some(key.clone());
                        }
                    });
                }
                if self.records.is_empty() {
                    ui.label("Start a preset, or open a run");
                }
            })
            .response
            .on_hover_text("The run that all rooms are about");
        if let Some(key) = close {
            self.close_run(&key);
        }
    }

    fn controls(&mut self, ui: &mut egui::Ui) {
        let Some(record) = self.shown() else { return };
        let (motion, steps) = (record.motion.clone(), record.config.max_steps);
        match motion {
            Motion::Here { paused } => {
                self.steer(ui, paused);
                if let Some(max_steps) = extend_menu(ui, steps) {
                    self.engine
                        .send(Request::Tell(Command::Extend { max_steps }));
                }
            }
            Motion::Still if self.live.is_none() => self.go_on(ui),
            Motion::Still | Motion::Followed => {}
        }
        self.copy(ui);
    }

    /// What the run that is trained here can be told at any time.
    fn steer(&mut self, ui: &mut egui::Ui, paused: bool) {
        let (label, hint) = if paused {
            ("Resume", "Go on (Ctrl+P)")
        } else {
            ("Pause", "Wait before the next step (Ctrl+P)")
        };
        if ui.button(label).on_hover_text(hint).clicked() {
            self.toggle_pause();
        }
        let step = ui.button("Single step");
        if step
            .on_hover_text("One step, then pause (Ctrl+.)")
            .clicked()
        {
            self.engine.send(Request::Tell(Command::SingleStep));
        }
        let stop = ui.button("Stop and save");
        let hint = "Finish the step in hand, keep a checkpoint and end; it can be resumed";
        if stop.on_hover_text(hint).clicked() {
            self.engine.send(Request::Tell(Command::StopAndSave));
        }
    }

    /// Another run than the one in view is being trained here: which, and what it can be told.
    fn elsewhere(&mut self, ui: &mut egui::Ui) {
        let Some(record) = self.live.as_ref().and_then(|run| self.records.get(run)) else {
            return;
        };
        if self.kept.shown.as_ref() == Some(&record.key) {
            return;
        }
        let (run, paused) = (record.key.clone(), !record.moves());
        let words = match paused {
            true => format!("{run} is paused"),
            false => format!("{run} is training"),
        };
        let progress = progress_of(record).1;
        ui.horizontal(|ui| {
            if ui.button("Show").on_hover_text("Look at it").clicked() {
                self.actions.push(Action::Show(run));
            }
            self.steer(ui, paused);
            ui.label(RichText::new(words).strong());
            ui.add(egui::Label::new(RichText::new(progress).weak()).truncate());
        });
    }

    fn copy(&mut self, ui: &mut egui::Ui) {
        let Some(record) = self.shown() else { return };
        let copy = ui.button("Configure a copy").on_hover_text(
            "The settings of this run in the form, to change what you like and start another run; \
             this one stays as it is",
        );
        if copy.clicked() {
            let config = Box::new(record.config.clone());
            self.actions.push(Action::Configure(config));
        }
    }

    /// Resumes a stopped run, or asks how far a finished one is to be extended.
    fn go_on(&mut self, ui: &mut egui::Ui) {
        let Some(record) = self.shown() else { return };
        let (run, steps) = (record.key.clone(), record.config.max_steps);
        let set = if record.finished {
            extend_menu(ui, steps).map(|max_steps| vec![format!("max_steps={max_steps}")])
        } else {
            let button = ui.button("Resume");
            let button = button.on_hover_text("Go on from the newest checkpoint");
            button.clicked().then(Vec::new)
        };
        if let Some(set) = set {
            self.engine.send(Request::Resume {
                run,
                checkpoint: None,
                set,
            });
        }
    }

    fn theme_switch(&mut self, ui: &mut egui::Ui) {
        let dark = ui.visuals().dark_mode;
        let (label, other) = if dark {
            ("Light", egui::ThemePreference::Light)
        } else {
            ("Dark", egui::ThemePreference::Dark)
        };
        let button = ui
            .button(label)
            .on_hover_text("Change between light and dark");
        if button.clicked() {
            self.kept.theme = other;
            ui.ctx().set_theme(other);
        }
    }

    fn progress(&mut self, ui: &mut egui::Ui) {
        let Some(record) = self.shown() else { return };
        let reading = super::reading::of(record, &self.runs);
        let (share, text) = reading.unwrap_or_else(|| progress_of(record));
        let text = RichText::new(text).small().color(theme::palette(ui).on_bar);
        let bar = egui::ProgressBar::new(share)
            .desired_height(16.0)
            .fill(theme::palette(ui).bar)
            .text(text);
        ui.add(bar);
    }
}

/// Offers more steps than the `steps` configured; the new number, once chosen.
fn extend_menu(ui: &mut egui::Ui, steps: u64) -> Option<u64> {
    let mut chosen = None;
    // A number is written in it: it closes by a click outside, not by one inside.
    let config = MenuConfig::new().close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside);
    let (response, _) = MenuButton::new("Extend…").config(config).ui(ui, |ui| {
        ui.label("Train on beyond the configured steps");
        for more in [steps / 4, steps / 2, steps] {
            let more = more.max(1);
            if ui.button(format!("{more} more steps")).clicked() {
                chosen = Some(steps + more);
                ui.close();
            }
        }
        ui.separator();
        let id = egui::Id::unique("more steps");
        let mut more = ui.data(|data| data.get_temp(id)).unwrap_or(steps.max(1));
        ui.horizontal(|ui| {
            let field = egui::DragValue::new(&mut more).range(1..=10_000_000u64);
            ui.add(field.speed(5.0).suffix(" more"))
                .accessible_name("Number of more steps");
            if ui.button("Extend").clicked() {
                chosen = Some(steps + more);
                ui.close();
            }
        });
        ui.data_mut(|data| data.insert_temp(id, more));
    });
    response.on_hover_text("More steps for this run");
    chosen
}

/// How far a run is, and that in words.
fn progress_of(record: &Record) -> (f32, String) {
    let (step, of) = (record.step(), record.config.max_steps);
    let share = step as f32 / of.max(1) as f32;
    if let Some(Progress { what, done, total }) = &record.progress
        && what == CARD_PROGRAMS
    {
        let paused = record.motion == Motion::Here { paused: true };
        let first = if paused { "Paused: " } else { "" };
        let text = format!(
            "{first}Preparing the card's programs, {} of {total}",
            done + 1
        );
        return (*done as f32 / (*total).max(1) as f32, text);
    }
    if record.phase == Phase::Base {
        let done = record.base_loss.len() as u64;
        let mut text = format!(
            "Base model, so that every method starts from the same weights: step {done} of {}",
            record.base_steps
        );
        text += &time_left(record);
        return (done as f32 / record.base_steps.max(1) as f32, text);
    }
    let mut text = format!("{} · step {step} of {of}", standing(record));
    if let Some(progress) = &record.progress {
        text += &format!(
            " · {} {} of {}",
            progress.what.replace('_', " "),
            progress.done,
            progress.total
        );
    }
    text += &time_left(record);
    (share, text)
}

/// How long the phase in hand goes on, where the run moves and it is known.
fn time_left(record: &Record) -> String {
    let seconds = record.moves().then(|| seconds_left(record)).flatten();
    seconds.map_or(String::new(), |seconds| {
        format!(" · about {} left", in_words(seconds))
    })
}

/// Where a run stands: what it does, or why it does nothing.
fn standing(record: &Record) -> String {
    let phase = phase_words(record.phase);
    match record.motion {
        Motion::Here { paused: true } => format!("Paused in {}", phase.to_lowercase()),
        Motion::Here { paused: false } => phase.to_owned(),
        Motion::Followed => format!("Followed live: {}", phase.to_lowercase()),
        Motion::Still if record.finished => "Done".to_owned(),
        Motion::Still => "Stopped".to_owned(),
    }
}

fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Base => "Base model",
        Phase::Warmup => "Warm-up: textbook only",
        Phase::Adaptive => "Adaptive",
        Phase::Evaluation => "Final test",
        Phase::Done => "Done",
    }
}

/// From the pace of the last steps; of all those of a base model.
fn seconds_left(record: &Record) -> Option<f64> {
    if record.phase == Phase::Base {
        let done = record.base_loss.len() as u64;
        let left = record.base_steps.saturating_sub(done);
        let pace = record.base_seconds / done.max(1) as f64;
        return (done >= 5 && left > 0).then_some(pace * left as f64);
    }
    let seconds = &record.columns.seconds;
    let window = seconds.len().min(100);
    if window < 5 {
        return None;
    }
    let recent = seconds[seconds.len() - 1] - seconds[seconds.len() - window];
    let pace = recent / (window - 1) as f64;
    let left = record.config.max_steps.saturating_sub(record.step());
    (left > 0).then_some(pace * left as f64)
}

/// A time as people say it.
pub fn in_words(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RunConfig;
    use crate::training::Event;

    #[test]
    fn the_header_says_that_a_card_is_made_ready() {
        let motion = Motion::Here { paused: false };
        let mut record = Record::new("a".into(), RunConfig::default(), motion);
        record.phase = Phase::Base;
        let progress = |done| Event::Progress {
            what: CARD_PROGRAMS.into(),
            done,
            total: 5,
        };
        record.hear(progress(2));
        let (share, words) = progress_of(&record);
        assert_eq!(words, "Preparing the card's programs, 3 of 5");
        assert_eq!(share, 0.4);
        record.motion = Motion::Here { paused: true };
        assert!(progress_of(&record).1.starts_with("Paused: Preparing"));
        record.hear(progress(5));
        assert!(progress_of(&record).1.starts_with("Base model"));
    }

    #[test]
    fn the_header_says_why_nothing_moves() {
        let words = |motion: Motion, finished: bool| {
            let mut record = Record::new("a".into(), RunConfig::default(), motion);
            (record.phase, record.finished) = (Phase::Adaptive, finished);
            progress_of(&record).1
        };
        assert!(words(Motion::Here { paused: false }, false).starts_with("Adaptive · step"));
        assert!(words(Motion::Here { paused: true }, false).starts_with("Paused in adaptive"));
        assert!(words(Motion::Followed, false).starts_with("Followed live: adaptive"));
        assert!(words(Motion::Still, false).starts_with("Stopped · step"));
        assert!(words(Motion::Still, true).starts_with("Done · step"));
    }

    #[test]
    fn a_base_model_says_how_long_it_takes() {
        let motion = Motion::Here { paused: false };
        let mut record = Record::new("a".into(), RunConfig::default(), motion);
        for step in 1..=10 {
            record.hear(Event::BaseStep {
                step,
                steps: 50,
                loss: 1.0,
                grad_norm: 1.0,
                num_tokens: 8,
                step_time: 0.5,
            });
        }
        let (share, words) = progress_of(&record);
        assert_eq!(share, 0.2);
        assert!(
            words.ends_with("step 10 of 50 · about 20 s left"),
            "{words}"
        );
        record.hear(Event::Paused { step: 0 });
        assert!(progress_of(&record).1.ends_with("step 10 of 50"));
    }
}
