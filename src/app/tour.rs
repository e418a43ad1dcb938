//! A tour of the window without a user: trains a preset, goes through the rooms and takes a picture
//! of each. The pictures in the README come from here, and continuous integration takes the tour to
//! see that every room opens on a real run.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use eframe::egui;

use super::picture::encode_png;
use super::studio::{Script, View, percentile};
use super::{Action, Place, presets};
use crate::balance::Branch;
use crate::config::RunConfig;
use crate::training::Phase;

/// Frames a room is given before its picture, so that what it asked for has come and is laid out.
const SETTLING: u32 = 25;

/// Seconds after which a stop of the tour is given up.
const PATIENCE: f64 = 240.0;

/// What the tour found, told at its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Seconds from the start of the run to the first decision of the adaptive phase.
    pub first_decision: Option<f64>,
    pub pictures: Vec<PathBuf>,
    /// Seconds our own code took for a frame while training: median and 95th percentile.
    pub frame_median: f32,
    pub frame_p95: f32,
    /// What went wrong.
    pub failures: Vec<String>,
}

/// Where the tour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Opened,
    Starting,
    Training,
    Live,
    Finishing,
    Room(usize),
    Done,
}

/// The rooms visited after the run, with the pictures' names.
const ROOMS: [(Place, &str); 8] = [
    (Place::Balance, "balance"),
    (Place::Rollouts, "rollouts"),
    (Place::Exams, "exams"),
    (Place::Paths, "paths"),
    (Place::Ask, "try-it"),
    (Place::Compare, "compare"),
    (Place::Configure, "configure"),
    (Place::Start, "start-after"),
];

/// A picture's path, or why there is none.
type Saved = Result<PathBuf, String>;

/// The tour.
pub struct Tour {
    folder: PathBuf,
    config: RunConfig,
    stop: Stop,
    /// Frames since this stop began, and when it did.
    frames: u32,
    since: f64,
    /// When the run was started.
    started: f64,
    pending: u32,
    /// Pictures there were when the one that is waited for was asked for.
    picture: Option<usize>,
    saved: (Sender<Saved>, Receiver<Saved>),
    findings: Findings,
    report: Sender<Findings>,
}

impl Tour {
    /// A tour that leaves its pictures in `folder`. A `quick` one trains a much shorter run.
    /// The findings are sent when the window closes.
    pub fn new(folder: PathBuf, quick: bool, report: Sender<Findings>) -> Self {
        let mut config = presets::all().swap_remove(0).config;
        if quick {
            config.base.steps = config.base.steps.min(200);
            config.max_steps = 160;
            config.balance.warmup_steps = 40;
            config.exam.every = 40;
            config.evaluation.problems = 24;
            config.optimizer.warmup_steps = config.optimizer.warmup_steps.min(10);
        }
        Self {
            folder,
            config,
            stop: Stop::Opened,
            frames: 0,
            since: 0.0,
            started: 0.0,
            pending: 0,
            picture: None,
            saved: channel(),
            findings: Findings::default(),
            report,
        }
    }

    fn go(&mut self, stop: Stop, time: f64) {
        (self.stop, self.frames, self.since) = (stop, 0, time);
    }

    fn take(&mut self, name: &str, context: &egui::Context) {
        let path = self.folder.join(format!("{name}.png"));
        let sender = self.saved.0.clone();
        self.pending += 1;
        context.request_screenshot(move |image| {
            let saved = encode_png(&image)
                .map_err(|error| error.to_string())
                .and_then(|bytes| {
                    std::fs::write(&path, bytes)
                        .map_err(|error| format!("{}: {error}", path.display()))
                });
            sender.send(saved.map(|()| path)).ok();
        });
    }

    fn collect(&mut self) {
        for saved in self.saved.1.try_iter() {
            self.pending -= 1;
            match saved {
                Ok(path) => self.findings.pictures.push(path),
                Err(error) => self.findings.failures.push(error),
            }
        }
    }

    fn visit(&mut self, index: usize, view: &mut View<'_>, context: &egui::Context) {
        let Some(&(place, name)) = ROOMS.get(index) else {
            return self.go(Stop::Done, view.world.time);
        };
        if self.frames == 1 {
            view.actions.push(Action::Go(place));
            view.actions
                .push(Action::Select(step_to_look_at(place, view)));
        }
        if self.frames == 3 {
            self.begin(place, view);
        }
        if self.frames < SETTLING || (is_waiting(place, view) && !self.is_late(view)) {
            return;
        }
        self.leave(name, Stop::Room(index + 1), view, context);
    }

    /// Takes a picture, and goes on when it is there: it shows what is drawn by then.
    fn leave(&mut self, name: &str, next: Stop, view: &View<'_>, context: &egui::Context) {
        match self.picture {
            None => {
                self.picture = Some(self.findings.pictures.len());
                self.take(name, context);
            }
            Some(before) => {
                let there = self.findings.pictures.len() > before || self.pending == 0;
                if there {
                    self.picture = None;
                    self.go(next, view.world.time);
                }
            }
        }
    }

    /// Presses what a user would press first in a room.
    fn begin(&self, place: Place, view: &mut View<'_>) {
        let View {
            world,
            rooms,
            actions,
            ..
        } = view;
        match place {
            Place::Paths => rooms.paths.sample_shown(world, actions),
            Place::Ask => rooms.ask.ask_shown(world, actions),
            Place::Compare => rooms.compare.choose_shown(world, actions),
            _ => {}
        }
    }

    fn is_late(&self, view: &View<'_>) -> bool {
        view.world.time - self.since > PATIENCE
    }

    fn finish(&mut self, view: &View<'_>, context: &egui::Context) {
        if self.pending > 0 && !self.is_late(view) {
            return;
        }
        if self.findings.pictures.len() < ROOMS.len() + 2 {
            let missing = format!("only {} pictures were taken", self.findings.pictures.len());
            self.findings.failures.push(missing);
        }
        self.report.send(std::mem::take(&mut self.findings)).ok();
        context.send_viewport_cmd(egui::ViewportCommand::Close);
        // Nothing more to do while the window closes.
        self.pending = u32::MAX;
    }
}

impl Script for Tour {
    fn step(&mut self, view: &mut View<'_>, context: &egui::Context) {
        // Painting takes time from the training: no more of it than a user would see.
        let pace = if view.world.live.is_some() { 100 } else { 20 };
        context.request_repaint_after(std::time::Duration::from_millis(pace));
        // Wherever the pointer happens to be, nothing is hovered in the pictures.
        context.input_mut(|input| input.pointer = egui::PointerState::default());
        if self.pending == u32::MAX {
            return;
        }
        self.collect();
        self.frames += 1;
        let time = view.world.time;
        if self.is_late(view) && self.stop != Stop::Done {
            let why = format!("waited {PATIENCE} s at {:?}", self.stop);
            self.findings.failures.push(why);
            return self.go(Stop::Done, time);
        }
        match self.stop {
            Stop::Opened if self.frames >= SETTLING => {
                self.leave("start", Stop::Starting, view, context);
            }
            Stop::Starting => {
                let config = Box::new(self.config.clone());
                view.actions.push(Action::Train(config));
                self.started = time;
                self.go(Stop::Training, time);
            }
            Stop::Training => {
                let decided = view.world.shown.is_some_and(|record| {
                    record.phase == Phase::Adaptive && record.columns.get("alpha").is_some()
                });
                if decided {
                    self.findings.first_decision = Some(time - self.started);
                    self.go(Stop::Live, time);
                }
            }
            Stop::Live => {
                let record = view.world.shown;
                let half =
                    |record: &super::record::Record| record.step() >= record.config.max_steps / 2;
                if record.is_none_or(half) {
                    self.findings.frame_median = percentile(view.frames, 0.5);
                    self.findings.frame_p95 = percentile(view.frames, 0.95);
                    self.leave("balance-live", Stop::Finishing, view, context);
                }
            }
            Stop::Finishing if view.world.live.is_none() => self.go(Stop::Room(0), time),
            Stop::Room(index) => self.visit(index, view, context),
            Stop::Done => self.finish(view, context),
            Stop::Opened | Stop::Finishing => {}
        }
    }
}

/// The step that a room is looked at with: a decision for SFT in the middle of the adaptive phase,
/// or a quiz where the room is about its answers.
fn step_to_look_at(place: Place, view: &View<'_>) -> Option<u64> {
    let branch = match place {
        Place::Rollouts => Branch::Grpo,
        _ => Branch::Sft,
    };
    let columns = &view.world.shown?.columns;
    let middle = columns.len() / 2;
    let steps = columns.phase.iter().zip(&columns.branch).enumerate();
    let fitting = steps.filter(|(_, step)| *step == (&Phase::Adaptive, &branch));
    let (row, _) = fitting.min_by_key(|(row, _)| row.abs_diff(middle))?;
    Some(columns.first() + row as u64)
}

/// Whether a room still waits for what it asked for.
fn is_waiting(place: Place, view: &View<'_>) -> bool {
    match place {
        Place::Paths => view.rooms.paths.is_waiting(),
        Place::Ask => view.rooms.ask.is_waiting(),
        Place::Compare => view.rooms.compare.is_waiting(),
        _ => false,
    }
}
