//! Starts a comparison: several methods, each with several seeds, from one configuration. Folders
//! are the same as those of `sasr compare`, so that either can go on with the other's.

use std::collections::BTreeMap;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use super::look::{METHODS, method_hint, seconds};
use crate::app::engine::{QueueState, Request};
use crate::app::library::Compared;
use crate::app::presets::{self, Preset};
use crate::app::record::{Columns, Record, RunKey};
use crate::app::{Actions, World, theme};
use crate::config::{ConfigError, Method, RunConfig};
use crate::runs::compare::method_name;
use crate::training::Phase;

/// Where no earlier run tells how long this takes.
const NO_TIME: &str = "No run of this configuration has been opened yet, so its time is not known";

/// Seeds at most.
const MOST_SEEDS: u64 = 20;

/// Steps of a run from which on it says how long others take.
const ENOUGH_STEPS: usize = 20;

/// The configuration that all runs share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Base {
    /// A preset, by its file.
    Preset(String),
    /// The run that is shown.
    Shown,
    /// What was in the form of the Configure room when it was sent here.
    Draft,
}

/// The form.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct Launch {
    base: Base,
    methods: Vec<Method>,
    seeds: u64,
    /// Empty for the name that the command line would take.
    name: String,
    /// Steps of every run, where they are not the configuration's.
    pub(super) steps: Option<u64>,
    draft: Option<RunConfig>,
    #[serde(skip)]
    presets: Vec<Preset>,
    #[serde(skip)]
    planned: Option<Planned>,
}

/// What the form comes to.
struct Planned {
    base: RunConfig,
    methods: Vec<Method>,
    seeds: u64,
    folder: String,
    outcome: Result<Vec<RunConfig>, String>,
    /// Seconds of a run, by method, as far as is known.
    times: Vec<(Method, Option<f64>)>,
    /// When the times were looked up, in the window's seconds.
    looked_up: f64,
}

impl Default for Launch {
    fn default() -> Self {
        Self {
            base: Base::Preset("quickstart.toml".into()),
            // As the command line without --methods and --seeds.
            methods: vec![
                Method::Sasr,
                Method::Sft,
                Method::Grpo,
                Method::Static,
                Method::Constant,
            ],
            seeds: 2,
            name: String::new(),
            steps: None,
            draft: None,
            presets: Vec::new(),
            planned: None,
        }
    }
}

/// The configurations of a comparison, seed by seed and method by method, named and set as
/// `sasr compare` does.
///
/// # Errors
/// With what is wrong with the first configuration that cannot be used.
pub fn plan(
    base: &RunConfig,
    methods: &[Method],
    seeds: u64,
) -> Result<Vec<RunConfig>, ConfigError> {
    let mut configs = Vec::new();
    for seed in 0..seeds {
        for &method in methods {
            let mut config = base.clone();
            config.balance.method = method;
            config.seed = seed;
            config.name = format!("{}-s{seed}", method_name(method));
            config.check()?;
            configs.push(config);
        }
    }
    Ok(configs)
}

/// Seconds that a run of `method` takes, from runs of the same configuration (but for seed, name
/// and length); none without any. The base model's training and the tests are not counted.
pub fn seconds_of_run<'a>(
    base: &RunConfig,
    method: Method,
    measured: impl Iterator<Item = (&'a RunConfig, &'a Columns)>,
) -> Option<f64> {
    let alike = |config: &RunConfig| {
        let mut same = RunConfig {
            name: config.name.clone(),
            description: config.description.clone(),
            seed: config.seed,
            max_steps: config.max_steps,
            checkpoint: config.checkpoint.clone(),
            logging: config.logging.clone(),
            ..base.clone()
        };
        same.balance.method = method;
        same == *config
    };
    let (mut total, mut count) = (0.0, 0u32);
    for (config, columns) in measured {
        let Some(&time) = columns.seconds.last() else {
            continue;
        };
        if columns.len() >= ENOUGH_STEPS && columns.first() == 1 && time > 0.0 && alike(config) {
            total += time / columns.len() as f64;
            count += 1;
        }
    }
    (count > 0).then(|| total / f64::from(count) * base.max_steps as f64)
}

impl Base {
    fn config<'a>(
        &self,
        presets: &'a [Preset],
        draft: Option<&'a RunConfig>,
        world: &World<'a>,
    ) -> Option<&'a RunConfig> {
        match self {
            Base::Shown => world.shown.map(|record| &record.config),
            Base::Draft => draft,
            Base::Preset(file) => presets
                .iter()
                .find(|preset| preset.file == file)
                .map(|preset| &preset.config),
        }
    }
}

impl Launch {
    /// Starts from a configuration of the Configure room.
    pub fn take_draft(&mut self, config: RunConfig) {
        (self.base, self.steps) = (Base::Draft, None);
        self.draft = Some(config);
    }

    /// The configuration that all runs share, with the steps of the form.
    pub(super) fn base(&self, world: &World) -> Option<RunConfig> {
        let draft = self.draft.as_ref();
        let mut base = self.base.config(&self.presets, draft, world)?.clone();
        base.max_steps = self.steps.unwrap_or(base.max_steps);
        Some(base)
    }

    /// Draws the form.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        world: &World,
        compared: Option<&Compared>,
        actions: &mut Actions,
    ) {
        if self.presets.is_empty() {
            self.presets = presets::all();
        }
        egui::ScrollArea::vertical()
            .id_salt("start a comparison")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.label(
                    "Every method starts from the same base model and makes the same number of \
                     steps, once per seed. Several seeds tell a real difference from luck.",
                );
                ui.add_space(4.0);
                egui::Grid::new("comparison form")
                    .num_columns(2)
                    .spacing([14.0, 8.0])
                    .show(ui, |ui| self.fields(ui, world));
                ui.add_space(6.0);
                self.make_plan(world, compared);
                self.outcome(ui, world, actions);
            });
    }

    fn fields(&mut self, ui: &mut Ui, world: &World) {
        let label = ui.label("Configuration");
        let shown = world
            .shown
            .map(|record| format!("the run shown ({})", record.key));
        let lost = match self.base {
            Base::Shown => shown.is_none(),
            Base::Draft => self.draft.is_none(),
            Base::Preset(_) => false,
        };
        if lost {
            self.base = Launch::default().base;
        }
        let draft = self.draft.as_ref();
        let draft = draft.map(|config| format!("the settings of Configure ({})", config.name));
        let before = self.base.clone();
        let title = match &self.base {
            Base::Shown => shown.clone().unwrap_or_default(),
            Base::Draft => draft.clone().unwrap_or_default(),
            Base::Preset(file) => preset_title(file),
        };
        let combo = egui::ComboBox::from_id_salt("base configuration")
            .selected_text(title)
            .width(240.0)
            .height(320.0)
            .show_ui(ui, |ui| {
                for preset in &self.presets {
                    let this = Base::Preset(preset.file.into());
                    let text = preset_title(preset.file);
                    ui.selectable_value(&mut self.base, this, text)
                        .on_hover_text(format!("{}\n{}", preset.teaches, preset.size));
                }
                if let Some(shown) = shown {
                    ui.selectable_value(&mut self.base, Base::Shown, shown);
                }
                if let Some(draft) = draft {
                    ui.selectable_value(&mut self.base, Base::Draft, draft);
                }
            });
        combo.response.labelled_by(label.id).on_hover_text(
            "What all runs share. Configure sends its settings here with \"Compare methods…\"",
        );
        if self.base != before {
            self.steps = None;
        }
        ui.end_row();

        let own = self.base.config(&self.presets, self.draft.as_ref(), world);
        let own = own.map_or(1, |config| config.max_steps);
        let label = ui.label("Steps");
        ui.horizontal(|ui| {
            let mut steps = self.steps.unwrap_or(own);
            let field = egui::DragValue::new(&mut steps)
                .range(1..=10_000_000)
                .speed(5.0);
            let field = ui.add(field).labelled_by(label.id);
            if field
                .on_hover_text("Of every run; the warm-up is as configured")
                .changed()
            {
                self.steps = (steps != own).then_some(steps);
            }
            if self.steps.is_some() && ui.button(format!("Back to {own}")).clicked() {
                self.steps = None;
            }
        });
        ui.end_row();

        ui.label("Methods");
        ui.horizontal_wrapped(|ui| {
            for method in METHODS {
                let mut on = self.methods.contains(&method);
                let tick = ui.checkbox(&mut on, method_name(method));
                if tick.on_hover_text(method_hint(method)).changed() {
                    self.methods.retain(|other| *other != method);
                    if on {
                        self.methods.push(method);
                    }
                    let place = |method: &Method| METHODS.iter().position(|m| m == method);
                    self.methods.sort_by_key(place);
                }
            }
        });
        ui.end_row();

        let label = ui.label("Seeds");
        ui.horizontal(|ui| {
            ui.add(egui::DragValue::new(&mut self.seeds).range(1..=MOST_SEEDS))
                .labelled_by(label.id)
                .on_hover_text("How many runs of each method; seeds are counted from 0");
            if self.seeds == 1 {
                let text = "One seed cannot tell a better method from luck";
                let color = theme::palette(ui).notice;
                ui.label(RichText::new(text).color(color));
            }
        });
        ui.end_row();

        let label = ui.label("Name");
        let base = self.base(world);
        let hint = base.as_ref().map(default_folder).unwrap_or_default();
        let edit = egui::TextEdit::singleline(&mut self.name).hint_text(hint);
        ui.add(edit.desired_width(240.0))
            .labelled_by(label.id)
            .on_hover_text("The folder that the runs go into");
        ui.end_row();
    }

    /// Plans anew where the form or what is known has changed.
    fn make_plan(&mut self, world: &World, compared: Option<&Compared>) {
        let Some(base) = self.base(world) else {
            self.planned = None;
            return;
        };
        let base = &base;
        let folder = match self.name.trim() {
            "" => default_folder(base),
            name => name.to_owned(),
        };
        let is_same = |planned: &&mut Planned| {
            planned.methods == self.methods
                && planned.seeds == self.seeds
                && planned.folder == folder
                && planned.base == *base
        };
        const LOOK_UP_EVERY: f64 = 2.0;
        let methods = self.methods.clone();
        let times = || times(base, &self.methods, world, compared);
        let mut planned = self.planned.take();
        match planned.as_mut().filter(is_same) {
            Some(same) if world.time - same.looked_up < LOOK_UP_EVERY => {}
            Some(same) => (same.times, same.looked_up) = (times(), world.time),
            None => {
                planned = Some(Planned {
                    outcome: checked(base, &folder, &methods, self.seeds),
                    times: times(),
                    base: base.clone(),
                    methods,
                    seeds: self.seeds,
                    folder,
                    looked_up: world.time,
                });
            }
        }
        self.planned = planned;
    }

    fn outcome(&self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let Some(planned) = &self.planned else {
            return;
        };
        match &planned.outcome {
            Err(why) => {
                let color = theme::palette(ui).wrong;
                ui.label(RichText::new(why).color(color));
            }
            Ok(configs) => {
                let text = format!(
                    "{} × {}: {} of {} steps",
                    super::count(planned.methods.len(), "method"),
                    super::count(planned.seeds as usize, "seed"),
                    super::count(configs.len(), "run"),
                    planned.base.max_steps
                );
                ui.label(RichText::new(text).strong());
                // A line of its own even where nothing is known, so that the button stays put.
                let time = time_in_words(planned);
                ui.label(time.as_deref().unwrap_or(NO_TIME));
                let there = known_in(world, &planned.folder);
                if there > 0 {
                    let text = format!(
                        "{} in {} already: what is finished is kept, what is not goes on where it \
                         stands, and nothing of another configuration is touched",
                        super::count(there, "run"),
                        planned.folder
                    );
                    let color = theme::palette(ui).notice;
                    ui.label(RichText::new(text).color(color));
                }
            }
        }
        let why_not = match (world.queue, world.live) {
            (Some(_), _) => Some("A comparison is on: wait for its end, or cancel it"),
            (None, Some(_)) => Some("A run is on: stop it, or wait for its end"),
            (None, None) => None,
        };
        if let Some(why) = why_not {
            ui.label(RichText::new(why).weak());
        }
        let configs = planned.outcome.as_ref().ok();
        let ready = configs.is_some() && why_not.is_none();
        let start = egui::Button::new(RichText::new("Start comparison").strong());
        let clicked = ui.add_enabled(ready, start).clicked();
        if let Some(configs) = configs.filter(|_| clicked) {
            actions.engine(Request::Queue {
                folder: planned.folder.clone(),
                configs: configs.clone(),
            });
        }
    }
}

/// A preset's name, as its configuration has it.
fn preset_title(file: &str) -> String {
    file.trim_end_matches(".toml").replace('_', "-")
}

fn default_folder(base: &RunConfig) -> String {
    format!("{}-compare", base.name)
}

/// The plan, or in words why there is none.
fn checked(
    base: &RunConfig,
    folder: &str,
    methods: &[Method],
    seeds: u64,
) -> Result<Vec<RunConfig>, String> {
    if methods.is_empty() {
        return Err("Choose at least one method".into());
    }
    // A folder's name obeys the same rule as a run's.
    let named = RunConfig {
        name: folder.to_owned(),
        ..RunConfig::default()
    };
    if let Err(error) = named.check() {
        return Err(format!("The comparison's name cannot be used: {error}"));
    }
    plan(base, methods, seeds).map_err(|error| error.to_string())
}

fn times(
    base: &RunConfig,
    methods: &[Method],
    world: &World,
    compared: Option<&Compared>,
) -> Vec<(Method, Option<f64>)> {
    let mut measured: BTreeMap<&RunKey, (&RunConfig, &Columns)> = BTreeMap::new();
    for run in compared.iter().flat_map(|compared| &compared.curves) {
        measured.insert(&run.run, (&run.config, &run.columns));
    }
    for (key, record) in world.records {
        measured.insert(key, (&record.config, &record.columns));
    }
    let of = |&method: &Method| {
        let measured = measured.values().copied();
        (method, seconds_of_run(base, method, measured))
    };
    methods.iter().map(of).collect()
}

/// How long it will take, as far as earlier runs tell; none where they tell nothing.
fn time_in_words(planned: &Planned) -> Option<String> {
    let known: Vec<(Method, f64)> = planned
        .times
        .iter()
        .filter_map(|&(method, time)| Some((method, time?)))
        .collect();
    let each: Vec<String> = known
        .iter()
        .map(|&(method, time)| format!("{} for {}", seconds(time), method_name(method)))
        .collect();
    let total = known.iter().map(|(_, time)| time).sum::<f64>() * planned.seeds as f64;
    let unknown = planned.times.len() - known.len();
    match (known.is_empty(), unknown) {
        (true, _) => None,
        (false, 0) => Some(format!(
            "Going by earlier runs about {} in all, base model and tests not counted ({} a run)",
            seconds(total),
            each.join(", ")
        )),
        (false, _) => Some(format!(
            "Going by earlier runs, a run takes about {} (base model and tests not counted); \
             nothing is known of the other methods",
            each.join(", ")
        )),
    }
}

/// Runs that a folder holds already.
fn known_in(world: &World, folder: &str) -> usize {
    let inside = |key: &str| super::chooser::split(key).0 == Some(folder);
    world.runs.iter().filter(|card| inside(&card.key)).count()
}

/// How far a queue is, from 0 to 1: runs that are done, and the part of the one in hand.
pub fn share_done(queue: &QueueState, part: f32) -> f32 {
    let total = queue.runs.len().max(1) as f32;
    ((queue.done as f32 + part.clamp(0.0, 1.0)) / total).min(1.0)
}

/// Draws how far the queue is, with a button to end it.
pub fn progress(ui: &mut Ui, queue: &QueueState, world: &World, actions: &mut Actions) {
    let current = world.live.and_then(|key| world.records.get(key));
    let part = current.map_or(0.0, |record| {
        record.step() as f32 / record.config.max_steps.max(1) as f32
    });
    let number = (queue.done + 1).min(queue.runs.len());
    let mut text = format!("Run {number} of {}", queue.runs.len());
    if let Some(key) = queue.runs.get(queue.done) {
        text.push_str(&format!(", {}", super::chooser::split(key).1));
    }
    if let Some(record) = current {
        text.push_str(&where_it_stands(record));
        if let Some(left) = seconds_left(queue, record) {
            text.push_str(&format!(", about {} left", seconds(left)));
        }
    }
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(format!("Comparison {}", queue.folder)).strong());
        let bar = egui::ProgressBar::new(share_done(queue, part)).desired_width(160.0);
        ui.add(bar.show_percentage()).widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Comparison done")
        });
        ui.label(text);
        let cancel = ui.button("Cancel");
        let hint = "The run in hand is stopped and saved; starting the comparison again goes on";
        if cancel.on_hover_text(hint).clicked() {
            actions.engine(Request::CancelQueue);
        }
    });
}

/// Where the run in hand stands.
fn where_it_stands(record: &Record) -> String {
    if record.phase == Phase::Base {
        return format!(
            ", base model, step {} of {}",
            record.base_loss.len(),
            record.base_steps
        );
    }
    format!(", step {} of {}", record.step(), record.config.max_steps)
}

/// Seconds that the queue still needs if all its runs go at the pace of the one in hand, base models
/// and tests not counted; none before that has a pace.
pub fn seconds_left(queue: &QueueState, record: &Record) -> Option<f64> {
    let columns = &record.columns;
    if columns.len() < ENOUGH_STEPS {
        return None;
    }
    let (first, last) = (columns.seconds.first()?, columns.seconds.last()?);
    let pace = (last - first) / (columns.len() - 1) as f64;
    let steps = record.config.max_steps;
    let later = queue.runs.len().saturating_sub(queue.done + 1) as u64;
    Some(pace * (steps.saturating_sub(record.step()) + later * steps) as f64)
}
