//! The frame around the rooms: hears what came in, draws the room in view between a header and a
//! footer, then does what was asked for.

mod asking;
mod backlog;
mod coming;
mod doing;
mod footer;
mod header;
mod hearing;
mod reading;
mod toasts;

use std::collections::BTreeMap;

use eframe::egui;
use serde::{Deserialize, Serialize};

use super::engine::{Engine, QueueState};
use super::library::{Errand, Library, RunCard};
use super::record::{Motion, Record, RunKey};
use super::rooms::Rooms;
use super::{Action, Actions, Place, World, theme};
use crate::clock::Clock;

/// Frames whose times are remembered.
const FRAMES: usize = 600;

/// What is kept from one start to the next.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    place: Place,
    rooms: Rooms,
    theme: egui::ThemePreference,
    /// The runs that were open.
    open: Vec<RunKey>,
    shown: Option<RunKey>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            place: Place::Start,
            rooms: Rooms::default(),
            theme: egui::ThemePreference::System,
            open: Vec::new(),
            shown: None,
        }
    }
}

/// The application.
pub struct Studio {
    kept: Kept,
    engine: Box<dyn Engine>,
    library: Box<dyn Library>,
    records: BTreeMap<RunKey, Record>,
    /// Events that have come and did not fit into a frame yet.
    backlog: backlog::Backlog,
    live: Option<RunKey>,
    queue: Option<QueueState>,
    runs: Vec<RunCard>,
    selected: Option<u64>,
    actions: Actions,
    coming: coming::Coming,
    /// The path being written where no dialog can ask for one.
    asking: Option<String>,
    toasts: Vec<toasts::Toast>,
    clock: Clock,
    /// The question before closing is shown.
    closing: Closing,
    /// Closes the window from outside.
    #[cfg(not(target_family = "wasm"))]
    stopper: super::stopper::Stopper,
    /// Seconds of processor time our own code took for the latest frames, and for hearing in this
    /// one.
    frames: std::collections::VecDeque<f32>,
    thought: f64,
    drawn: u64,
    frame_time: f32,
    /// When memory was looked at, and what it was.
    memory: (f64, Option<usize>),
    /// Which device training takes here, in short and with the reason, where that is worth saying.
    devices: Option<(String, String)>,
    /// Who drives the window instead of a user, if somebody does.
    script: Option<Box<dyn Script>>,
}

/// Drives the window without a user: the tour that takes screenshots, the soak that measures.
pub trait Script {
    /// Called before every frame; may queue actions.
    fn step(&mut self, studio: &mut View<'_>, context: &egui::Context);
}

/// What a script may see and do.
pub struct View<'a> {
    pub world: World<'a>,
    pub rooms: &'a mut Rooms,
    pub actions: &'a mut Actions,
    /// Seconds our own code took for the latest frames.
    pub frames: &'a std::collections::VecDeque<f32>,
}

/// Where closing the window stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Closing {
    No,
    /// A run is on: the user is asked.
    Asking,
    /// The run is being stopped and saved; the window closes then.
    Saving,
    /// The run broke off instead of being saved, and why.
    Failed(String),
    /// Nothing keeps it open.
    Yes,
}

impl Studio {
    /// The application, with what was kept from last time.
    pub fn new(
        context: &egui::Context,
        storage: Option<&dyn eframe::Storage>,
        engine: Box<dyn Engine>,
        library: Box<dyn Library>,
    ) -> Self {
        theme::apply(context);
        let kept: Kept = storage
            .and_then(|storage| eframe::get_value(storage, eframe::APP_KEY))
            .unwrap_or_default();
        context.set_theme(kept.theme);
        let mut studio = Self {
            engine,
            library,
            records: BTreeMap::new(),
            backlog: backlog::Backlog::default(),
            live: None,
            queue: None,
            runs: Vec::new(),
            selected: None,
            actions: Actions::default(),
            coming: coming::Coming::default(),
            asking: None,
            toasts: Vec::new(),
            clock: Clock::start(),
            closing: Closing::No,
            #[cfg(not(target_family = "wasm"))]
            stopper: super::stopper::Stopper::default(),
            frames: std::collections::VecDeque::with_capacity(FRAMES),
            thought: 0.0,
            drawn: 0,
            frame_time: 0.0,
            memory: (f64::NEG_INFINITY, None),
            devices: None,
            script: None,
            kept,
        };
        studio.library.send(Errand::List);
        // The run that is looked at is opened first.
        let shown = studio.kept.shown.clone();
        let mut open = studio.kept.open.clone();
        open.sort_by_key(|run| Some(run) != shown.as_ref());
        for run in open {
            studio.library.send(Errand::Open(run));
        }
        studio
    }

    /// Lets somebody outside close the window.
    #[cfg(not(target_family = "wasm"))]
    pub fn stopped_by(mut self, stopper: super::stopper::Stopper) -> Self {
        self.stopper = stopper;
        self
    }

    /// Lets a script drive.
    pub fn driven_by(mut self, script: Box<dyn Script>) -> Self {
        self.script = Some(script);
        self
    }

    /// The room in view.
    pub fn place(&self) -> Place {
        self.kept.place
    }

    /// Runs that are open.
    pub fn records(&self) -> &BTreeMap<RunKey, Record> {
        &self.records
    }

    /// Queues an action, as a room would.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// The run this program is training.
    pub fn live(&self) -> Option<&str> {
        self.live.as_deref()
    }

    /// The run that the rooms are about.
    pub fn shown_run(&self) -> Option<&str> {
        self.kept.shown.as_deref()
    }

    /// The runs folder.
    pub fn runs(&self) -> &[RunCard] {
        &self.runs
    }

    /// Words to the user that are in view.
    pub fn words(&self) -> Vec<&str> {
        self.toasts
            .iter()
            .map(|toast| toast.text.as_str())
            .collect()
    }

    /// Says what went wrong; stays until it is dismissed.
    pub fn complain(&mut self, text: String) {
        self.say_error(text);
    }

    /// Says below all rooms which device training takes, in short; the reason is shown on hovering.
    pub fn tell_devices(&mut self, short: String, reason: String) {
        self.devices = Some((short, reason));
    }

    /// What is said of devices, in short.
    pub fn devices(&self) -> Option<&str> {
        self.devices.as_ref().map(|(short, _)| short.as_str())
    }

    /// Frames drawn since the start.
    pub fn frames_drawn(&self) -> u64 {
        self.drawn
    }

    /// The 95th percentile of the seconds of processor time our own code took per frame.
    pub fn frame_time(&self) -> f32 {
        self.frame_time
    }

    fn shown(&self) -> Option<&Record> {
        self.records.get(self.kept.shown.as_ref()?)
    }

    fn draw(&mut self, ui: &mut egui::Ui) {
        self.header(ui);
        self.footer(ui);
        self.list_of_rooms(ui);
        let Self {
            kept,
            records,
            live,
            queue,
            runs,
            selected,
            actions,
            clock,
            ..
        } = self;
        let world = World {
            records,
            shown: kept.shown.as_ref().and_then(|key| records.get(key)),
            live: live.as_deref(),
            queue: queue.as_ref(),
            runs,
            selected: *selected,
            time: clock.seconds(),
        };
        egui::CentralPanel::default().show(ui, |ui| {
            kept.rooms.at(kept.place).show(ui, &world, actions);
        });
        self.question_before_closing(ui);
        self.question_for_path(ui);
        self.invite_drop(ui);
        self.show_toasts(ui);
    }

    fn run_script(&mut self, context: &egui::Context) {
        let Some(mut script) = self.script.take() else {
            return;
        };
        let shown = self.kept.shown.as_ref();
        let mut view = View {
            world: World {
                records: &self.records,
                shown: shown.and_then(|key| self.records.get(key)),
                live: self.live.as_deref(),
                queue: self.queue.as_ref(),
                runs: &self.runs,
                selected: self.selected,
                time: self.clock.seconds(),
            },
            rooms: &mut self.kept.rooms,
            actions: &mut self.actions,
            frames: &self.frames,
        };
        script.step(&mut view, context);
        self.script = Some(script);
    }
}

impl Studio {
    /// Hears and acts; nothing is drawn.
    pub fn think(&mut self, context: &egui::Context) {
        let worked = Worked::start();
        self.run_script(context);
        self.hear(context);
        self.take_dropped(context);
        self.shortcuts(context);
        self.watch_closing(context);
        self.act_on_queued(context);
        self.thought = worked.seconds();
    }

    /// Draws, and acts on what was asked for by that.
    pub fn show(&mut self, ui: &mut egui::Ui) {
        let worked = Worked::start();
        self.draw(ui);
        self.act_on_queued(&ui.ctx().clone());
        if self.frames.len() == FRAMES {
            self.frames.pop_front();
        }
        let seconds = self.thought + worked.seconds();
        self.frames.push_back(seconds as f32);
        self.drawn += 1;
        if self.drawn.is_multiple_of(30) {
            self.frame_time = percentile(&self.frames, 0.95);
        }
    }
}

impl eframe::App for Studio {
    fn logic(&mut self, context: &egui::Context, _frame: &mut eframe::Frame) {
        self.think(context);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.show(ui);
    }

    #[cfg(target_arch = "wasm32")]
    fn as_any_mut(&mut self) -> Option<&mut dyn std::any::Any> {
        Some(self)
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        self.kept.open = self.records.keys().cloned().collect();
        eframe::set_value(storage, eframe::APP_KEY, &self.kept);
    }
}

/// Processor time of this thread: what a frame costs, however busy the training keeps the machine.
struct Worked {
    #[cfg(not(target_family = "wasm"))]
    begun: cpu_time::ThreadTime,
    #[cfg(target_family = "wasm")]
    begun: Clock,
}

impl Worked {
    fn start() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            begun: cpu_time::ThreadTime::now(),
            #[cfg(target_family = "wasm")]
            begun: Clock::start(),
        }
    }

    fn seconds(&self) -> f64 {
        #[cfg(not(target_family = "wasm"))]
        return self.begun.elapsed().as_secs_f64();
        #[cfg(target_family = "wasm")]
        return self.begun.seconds();
    }
}

/// The value below which the share `rank` of all values lies; 0 without values.
pub fn percentile(values: &std::collections::VecDeque<f32>, rank: f32) -> f32 {
    let mut sorted: Vec<f32> = values.iter().copied().collect();
    sorted.sort_by(f32::total_cmp);
    let index = (rank * sorted.len() as f32) as usize;
    sorted
        .get(index.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

impl Motion {
    /// In a word.
    pub fn label(&self) -> &'static str {
        match self {
            Motion::Here { paused: true } => "paused",
            Motion::Here { paused: false } => "training",
            Motion::Followed => "followed live",
            Motion::Still => "ended",
        }
    }
}
