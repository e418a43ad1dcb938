//! Taking in what the engine and the library say.

use eframe::egui;

use super::{Studio, Toast};
use crate::app::engine::Reply;
use crate::app::library::{Dropped, Errand, Found};
use crate::app::record::{Motion, Record};
use crate::app::{Action, Place};

/// Seconds of a frame that taking in messages may use.
const SECONDS_PER_FRAME: f64 = 0.0015;

/// Seconds a word to the user stays.
const TOAST_SECONDS: f64 = 6.0;

/// What is heard of a run.
pub(super) enum Heard {
    Event(crate::training::Event),
    /// How it stands after that.
    Standing {
        finished: bool,
        motion: Motion,
    },
}

impl Studio {
    /// Takes in what has come, as far as a frame allows; asks for another frame if there is more.
    pub(super) fn hear(&mut self, context: &egui::Context) {
        let begun = self.clock.seconds();
        loop {
            // A message may hold many events: they are taken in one by one, in order, before the
            // next message.
            while let Some((run, heard)) = self.unheard.pop_front() {
                self.hear_of(&run, heard);
                if self.clock.seconds() - begun > SECONDS_PER_FRAME {
                    return context.request_repaint();
                }
            }
            let reply = self.engine.receive();
            let found = self.library.receive();
            if reply.is_none() && found.is_none() {
                return;
            }
            if let Some(reply) = reply {
                self.tell_rooms(|room| room.hear(&reply));
                self.hear_engine(reply);
            }
            if let Some(found) = found {
                self.tell_rooms(|room| room.found(&found));
                self.hear_library(found);
            }
            if self.clock.seconds() - begun > SECONDS_PER_FRAME {
                return context.request_repaint();
            }
        }
    }

    /// Takes in at once what was put off: what follows must not be overtaken by it.
    fn hear_all(&mut self) {
        for (run, heard) in std::mem::take(&mut self.unheard) {
            self.hear_of(&run, heard);
        }
    }

    fn hear_of(&mut self, run: &str, heard: Heard) {
        let Some(record) = self.records.get_mut(run) else {
            return;
        };
        match heard {
            Heard::Event(event) => record.hear(event),
            Heard::Standing { finished, motion } => {
                (record.finished, record.motion) = (finished, motion);
                record.revision += 1;
            }
        }
    }

    fn tell_rooms(&mut self, tell: impl Fn(&mut dyn crate::app::rooms::Room)) {
        for place in Place::ALL {
            tell(self.kept.rooms.at(place));
        }
    }

    fn hear_engine(&mut self, reply: Reply) {
        match reply {
            Reply::Began {
                run,
                config,
                before,
            } => {
                let record = Record::new(run.clone(), *config, Motion::Here { paused: false });
                self.put_off(&run, before);
                self.library.send(Errand::Close(run.clone()));
                self.records.insert(run.clone(), record);
                self.live = Some(run.clone());
                self.kept.shown = Some(run);
                self.selected = None;
                self.library.send(Errand::List);
            }
            Reply::Events { run, events } => self.put_off(&run, events),
            Reply::Ended {
                run,
                finished,
                error,
            } => {
                self.hear_all();
                if let Some(record) = self.records.get_mut(&run) {
                    record.motion = Motion::Still;
                    record.finished = finished;
                    record.error.clone_from(&error);
                    record.revision += 1;
                }
                self.live = None;
                match error {
                    Some(error) => self.say_error(format!("{run} broke off: {error}")),
                    None if finished => self.say(format!("{run} is finished")),
                    None => self.say(format!("{run} is stopped and saved")),
                }
                self.library.send(Errand::List);
            }
            Reply::Queue(state) => {
                if state.is_none() && self.queue.is_some() {
                    self.say("The comparison is through".into());
                }
                self.queue = state;
            }
            Reply::Failed { why } => self.say_error(why),
            Reply::Gone => {
                if self.closing == super::Closing::Saving {
                    self.closing = super::Closing::Yes;
                }
                self.live = None;
            }
            Reply::Token { .. }
            | Reply::Sampled { .. }
            | Reply::Previewed { .. }
            | Reply::Estimated { .. }
            | Reply::Refused { .. } => {}
        }
    }

    fn hear_library(&mut self, found: Found) {
        match found {
            Found::Runs(runs) => self.runs = runs,
            Found::Opened { run, config } => {
                if self.live.as_deref() != Some(run.as_str()) {
                    let record = Record::new(run.clone(), *config, Motion::Still);
                    self.records.insert(run.clone(), record);
                    if self.kept.shown.is_none() {
                        self.kept.shown = Some(run);
                    }
                }
            }
            Found::News {
                run,
                restarted,
                events,
                config,
                growing,
                finished,
                notices,
                ..
            } => {
                if self.live.as_deref() == Some(run.as_str()) {
                    return;
                }
                let Some(record) = self.records.get_mut(&run) else {
                    return;
                };
                if restarted {
                    record.restart();
                }
                if let Some(config) = config {
                    record.set_config(*config);
                }
                for notice in notices {
                    record.notice(notice);
                }
                let motion = if growing {
                    Motion::Followed
                } else {
                    Motion::Still
                };
                self.put_off(&run, events);
                // It is finished only when everything before that has been taken in.
                let standing = Heard::Standing { finished, motion };
                self.unheard.push_back((run, standing));
            }
            Found::Config(config) => self.actions.push(Action::Configure(config)),
            Found::Done(what) => self.say(what),
            Found::Failed(why) => self.say_error(why),
            Found::Moved { from, to } => self.move_run(&from, to),
            // The page that a worker belongs to takes it before it comes here.
            Found::Download { .. } => {}
            Found::Compared { .. }
            | Found::Missing { .. }
            | Found::Demonstrations { .. }
            | Found::Checkpoints { .. }
            | Found::Refused { .. } => {}
        }
    }

    /// A run was renamed or put into the bin.
    fn move_run(&mut self, from: &str, to: Option<String>) {
        if self.records.remove(from).is_some()
            && let Some(to) = &to
        {
            self.library.send(Errand::Open(to.clone()));
        }
        if self.kept.shown.as_deref() == Some(from) {
            self.kept.shown = to;
            self.selected = None;
        }
    }

    fn put_off(&mut self, run: &str, events: Vec<crate::training::Event>) {
        let events = events.into_iter().map(Heard::Event);
        self.unheard
            .extend(events.map(|event| (run.to_owned(), event)));
    }

    /// Says something that goes away by itself.
    pub(super) fn say(&mut self, text: String) {
        let until = self.clock.seconds() + TOAST_SECONDS;
        self.toasts.push(Toast {
            text,
            is_error: false,
            until,
        });
    }

    /// Says what went wrong; stays until it is dismissed.
    pub(super) fn say_error(&mut self, text: String) {
        if self.toasts.iter().any(|toast| toast.text == text) {
            return;
        }
        self.toasts.push(Toast {
            text,
            is_error: true,
            until: f64::INFINITY,
        });
    }

    /// Files that were dropped into the window.
    pub(super) fn take_dropped(&mut self, context: &egui::Context) {
        let dropped = context.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        for file in dropped {
            let path = file.path().to_string_lossy().into_owned();
            let dropped = Dropped::Path(path);
            self.library.send(Errand::Import(dropped));
        }
    }
}
