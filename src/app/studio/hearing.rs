//! Taking in what the engine and the library say.

use eframe::egui;

use super::Studio;
use super::backlog::Heard;
use crate::app::engine::Reply;
use crate::app::library::{Errand, Found};
use crate::app::record::{Motion, Record};
use crate::app::{Action, Place};

/// Seconds of a frame that taking in messages may use while something is trained here.
const WHILE_TRAINING: f64 = 0.0015;

/// The same while nothing is: a long log is read soon, and frames still come often enough.
const WHILE_IDLE: f64 = 0.012;

/// Words that wait at most before more is received.
const BACKLOG: usize = 20_000;

impl Studio {
    /// Takes in what has come, as far as a frame allows; asks for another frame if there is more.
    /// The run that is shown comes first.
    pub(super) fn hear(&mut self, context: &egui::Context) {
        let begun = self.clock.seconds();
        let budget = match self.live.is_some() || self.queue.is_some() {
            true => WHILE_TRAINING,
            false => WHILE_IDLE,
        };
        loop {
            let shown = self.kept.shown.clone();
            let next = shown.and_then(|run| Some((self.backlog.next_of(&run)?, run)));
            if let Some((heard, run)) = next {
                self.hear_of(&run, heard);
            } else if self.backlog.len() > BACKLOG || !self.receive() {
                match self.backlog.next() {
                    Some((run, heard)) => self.hear_of(&run, heard),
                    None => return,
                }
            }
            if self.clock.seconds() - begun > budget {
                return context.request_repaint();
            }
        }
    }

    /// Receives a message of the engine and one of the library; whether there was any.
    fn receive(&mut self) -> bool {
        let reply = self.engine.receive();
        let found = self.library.receive();
        let any = reply.is_some() || found.is_some();
        if let Some(reply) = reply {
            self.tell_rooms(|room| room.hear(&reply));
            self.hear_engine(reply);
        }
        if let Some(found) = found {
            self.tell_rooms(|room| room.found(&found));
            self.go_to_opened(&found);
            self.hear_library(found);
        }
        any
    }

    fn hear_of(&mut self, run: &str, heard: Heard) {
        if let Heard::Ended { finished, error } = heard {
            return self.hear_end(run, finished, error);
        }
        let Some(record) = self.records.get_mut(run) else {
            return;
        };
        match heard {
            Heard::Event(event) => record.hear(event),
            Heard::Standing {
                finished,
                motion,
                reading,
            } => {
                (record.finished, record.motion, record.reading) = (finished, motion, reading);
                record.revision += 1;
            }
            Heard::Ended { .. } => {}
        }
    }

    /// Whether a run that begins is shown: not where it is the next of a comparison and the user
    /// looks at something else than the one before.
    fn takes_over(&self, run: &str) -> bool {
        let Some(queue) = &self.queue else {
            return true;
        };
        let place = queue.runs.iter().position(|other| other == run);
        let Some(shown) = &self.kept.shown else {
            return true;
        };
        match place {
            None | Some(0) => true,
            Some(place) => *shown == queue.runs[place - 1],
        }
    }

    /// Closes the comparison's runs that are done and not looked at: each costs memory.
    fn close_done_of_queue(&mut self) {
        let Some(queue) = &self.queue else { return };
        let shown = self.kept.shown.as_deref();
        let done = queue.runs.iter().filter(|run| {
            let still = |record: &Record| record.motion == Motion::Still;
            shown != Some(run.as_str()) && self.records.get(*run).is_some_and(still)
        });
        for run in done.cloned().collect::<Vec<_>>() {
            self.close_run(&run);
        }
    }

    /// A run that was trained here has come to an end, and everything it said was heard.
    fn hear_end(&mut self, run: &str, finished: bool, error: Option<String>) {
        if let Some(record) = self.records.get_mut(run) {
            record.motion = Motion::Still;
            record.finished = finished;
            record.error.clone_from(&error);
            record.progress = None;
            record.revision += 1;
        }
        // The next run of a comparison may have begun.
        if self.live.as_deref() == Some(run) {
            self.live = None;
        }
        if let Some(error) = &error
            && self.closing == super::Closing::Saving
        {
            // Closing now would hide that not everything is saved.
            self.closing = super::Closing::Failed(format!("{run} broke off: {error}"));
        }
        match error {
            Some(error) => self.say_error(format!("{run} broke off: {error}")),
            None if finished => self.say(format!("{run} is finished")),
            None => self.say(format!("{run} is stopped and saved")),
        }
        self.library.send(Errand::List);
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
                self.backlog.forget(&run);
                self.put_off(&run, before);
                self.library.send(Errand::Close(run.clone()));
                self.records.insert(run.clone(), record);
                if self.takes_over(&run) {
                    self.kept.shown = Some(run.clone());
                    self.selected = None;
                }
                self.live = Some(run);
                self.close_done_of_queue();
                self.library.send(Errand::List);
            }
            Reply::Events { run, events } => self.put_off(&run, events),
            Reply::Ended {
                run,
                finished,
                error,
            } => {
                // After everything that the run has said.
                self.backlog.push(&run, Heard::Ended { finished, error });
            }
            Reply::Queue(state) => {
                if let (None, Some(queue)) = (&state, &self.queue) {
                    let words = if queue.done >= queue.runs.len() {
                        "The comparison is through"
                    } else {
                        "The comparison is stopped: starting it again goes on with it"
                    };
                    self.say(words.into());
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
                    let mut record = Record::new(run.clone(), *config, Motion::Still);
                    record.reading = true;
                    self.backlog.forget(&run);
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
                caught_up,
            } => {
                if self.live.as_deref() == Some(run.as_str()) {
                    return;
                }
                let Some(record) = self.records.get_mut(&run) else {
                    return;
                };
                if restarted {
                    self.backlog.forget(&run);
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
                let standing = Heard::Standing {
                    finished,
                    motion,
                    reading: !caught_up,
                };
                self.backlog.push(&run, standing);
            }
            Found::Config(config) => self.actions.push(Action::Configure(config)),
            Found::NoDialog => self.asking = Some(String::new()),
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
            self.kept.shown = to.or_else(|| self.any_run());
            self.selected = None;
        }
    }

    fn put_off(&mut self, run: &str, events: Vec<crate::training::Event>) {
        let events = events.into_iter().map(Heard::Event);
        self.backlog.extend(run, events);
    }
}
