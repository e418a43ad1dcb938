//! Doing what was asked for, and the manners of a window: shortcuts, closing.

use eframe::egui::{self, Key, KeyboardShortcut, Modifiers};

use super::{Closing, Studio};
use crate::app::engine::Request;
use crate::app::library::Errand;
use crate::app::record::RunKey;
use crate::app::{Action, Place};
use crate::training::Command;

/// Ctrl and 1 to 8: the rooms.
const ROOM_KEYS: [Key; 8] = [
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
];

impl Studio {
    pub(super) fn act_on_queued(&mut self, context: &egui::Context) {
        for action in std::mem::take(&mut self.actions.list) {
            match action {
                Action::Go(place) => self.kept.place = place,
                Action::Engine(request) => self.engine.send(request),
                Action::Library(errand) => {
                    if let Errand::Choose = errand {
                        self.coming.expect(f64::INFINITY);
                    }
                    self.library.send(errand);
                }
                Action::Show(run) => self.show_run(run),
                Action::Select(step) => self.selected = step,
                Action::Configure(config) => {
                    self.kept.rooms.configure_with(*config);
                    self.kept.place = Place::Configure;
                }
                Action::Compare(config) => {
                    self.kept.rooms.compare_with(*config);
                    self.kept.place = Place::Compare;
                }
                Action::Train(config) => {
                    self.engine.send(Request::Train { config });
                    self.kept.place = Place::Balance;
                }
                Action::Copy(text) => {
                    context.copy_text(text);
                    self.say("Copied".into());
                }
                Action::Say(text) => self.say(text),
            }
            context.request_repaint();
        }
    }

    pub(super) fn show_run(&mut self, run: RunKey) {
        if !self.records.contains_key(&run) {
            self.library.send(Errand::Open(run.clone()));
        }
        self.selected = None;
        self.kept.shown = Some(run);
    }

    /// Closes a run that is not under way.
    pub(super) fn close_run(&mut self, run: &RunKey) {
        if self.live.as_ref() == Some(run) {
            return;
        }
        self.records.remove(run);
        self.library.send(Errand::Close(run.clone()));
        if self.kept.shown.as_ref() == Some(run) {
            self.kept.shown = self.any_run();
            self.selected = None;
        }
    }

    /// A run to show where the one in view is gone: the one under way, or any that is open.
    pub(super) fn any_run(&self) -> Option<RunKey> {
        let first = || self.records.keys().next().cloned();
        self.live.clone().or_else(first)
    }

    pub(super) fn shortcuts(&mut self, context: &egui::Context) {
        let pressed = |modifiers, key| {
            context
                .input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(modifiers, key)))
        };
        for (place, key) in Place::ALL.into_iter().zip(ROOM_KEYS) {
            if pressed(Modifiers::COMMAND, key) {
                self.kept.place = place;
            }
        }
        if pressed(Modifiers::COMMAND, Key::O) {
            self.actions.push(Action::Library(Errand::Choose));
        }
        if context.text_edit_focused() {
            return;
        }
        if pressed(Modifiers::NONE, Key::Escape) {
            self.selected = None;
        }
        self.step_keys(context);
        if self.live.is_some() {
            if pressed(Modifiers::COMMAND, Key::P) {
                self.toggle_pause();
            }
            if pressed(Modifiers::COMMAND, Key::Period) {
                self.engine.send(Request::Tell(Command::SingleStep));
            }
        }
    }

    /// Alt with the arrow keys moves the step in view.
    fn step_keys(&mut self, context: &egui::Context) {
        let moves = context.input_mut(|input| {
            let left = i64::from(input.consume_key(Modifiers::ALT, Key::ArrowLeft));
            i64::from(input.consume_key(Modifiers::ALT, Key::ArrowRight)) - left
        });
        let Some(record) = self.shown().filter(|_| moves != 0) else {
            return;
        };
        let (first, last) = (record.columns.first(), record.step());
        if last > 0 {
            let now = self.selected.unwrap_or(last);
            self.selected = Some(now.saturating_add_signed(moves).clamp(first, last));
        }
    }

    pub(super) fn toggle_pause(&mut self) {
        let record = self.live.as_ref().and_then(|key| self.records.get(key));
        let paused = record.is_some_and(|record| {
            record.motion == crate::app::record::Motion::Here { paused: true }
        });
        let command = if paused {
            Command::Resume
        } else {
            Command::Pause
        };
        self.engine.send(Request::Tell(command));
    }

    /// Closing while a run is on asks first, and can stop and save.
    pub(super) fn watch_closing(&mut self, context: &egui::Context) {
        let asked = context.input(|input| input.viewport().close_requested());
        let busy = self.live.is_some() || self.queue.is_some();
        if asked && busy && self.closing != Closing::Yes {
            context.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            if self.closing == Closing::No {
                self.closing = Closing::Asking;
            }
        }
        #[cfg(not(target_family = "wasm"))]
        if self.stopper.is_asked() {
            self.stop_unasked(busy);
        }
        if self.closing == Closing::Yes {
            context.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    /// Saves and closes without a question: whoever sent the signal cannot answer one.
    #[cfg(not(target_family = "wasm"))]
    fn stop_unasked(&mut self, busy: bool) {
        match self.closing {
            Closing::No | Closing::Asking if busy => {
                self.closing = Closing::Saving;
                self.engine.send(Request::Quit);
            }
            // Nothing is to be saved, or it cannot be: the run goes on from its last checkpoint.
            Closing::No | Closing::Asking | Closing::Failed(_) => self.closing = Closing::Yes,
            Closing::Saving | Closing::Yes => {}
        }
    }

    pub(super) fn question_before_closing(&mut self, ui: &egui::Ui) {
        if matches!(self.closing, Closing::No | Closing::Yes) {
            return;
        }
        // Between two runs of a comparison none is under way.
        let comparison = self.queue.as_ref().map(|queue| queue.folder.clone());
        let run = self.live.clone().or(comparison).unwrap_or_default();
        let modal = egui::Modal::new(egui::Id::unique("closing")).show(ui.ctx(), |ui| {
            ui.set_max_width(380.0);
            if let Closing::Failed(why) = &self.closing {
                ui.heading("Not everything is saved");
                ui.label(format!(
                    "{why}\n\nThe run can be resumed from its last checkpoint"
                ));
                ui.add_space(8.0);
                if ui.button("Close").clicked() {
                    self.closing = Closing::Yes;
                }
                return;
            }
            ui.heading("A run is on");
            if self.closing == Closing::Saving {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("The step in hand is finished and a checkpoint kept");
                });
                return;
            }
            ui.label(format!(
                "{run} is being trained. Stop it and keep a checkpoint, so that it can be resumed \
                 from where it stands?"
            ));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if ui.button("Stop, save and close").clicked() {
                    self.closing = Closing::Saving;
                    self.engine.send(Request::Quit);
                }
                if ui.button("Keep training").clicked() {
                    self.closing = Closing::No;
                }
            });
        });
        if modal.should_close() && self.closing == Closing::Asking {
            self.closing = Closing::No;
        }
    }
}
