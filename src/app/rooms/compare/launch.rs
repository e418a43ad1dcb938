//! Starts a comparison: several methods, each with several seeds, from one configuration. Folders
//! are the same as those of `sasr compare`, so that either can go on with the other's.

pub mod plan;
pub mod progress;

use eframe::egui::{self, RichText, Ui};
use serde::{Deserialize, Serialize};

use self::plan::{Planned, checked, time_in_words, times};
use crate::app::engine::Request;
use crate::app::library::Compared;
use crate::app::presets::{self, Preset};
use crate::app::{Actions, World, theme};
use crate::config::{Method, RunConfig};

/// Where no earlier run tells how long this takes.
const NO_TIME: &str = "No run of this configuration has been opened yet, so its time is not known";

/// Seeds at most.
const MOST_SEEDS: u64 = 20;

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
            for method in Method::ALL {
                let mut on = self.methods.contains(&method);
                let tick = ui.checkbox(&mut on, method.name());
                if tick.on_hover_text(method.hint()).changed() {
                    self.methods.retain(|other| *other != method);
                    if on {
                        self.methods.push(method);
                    }
                    let place = |method: &Method| method.place();
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

/// Runs that a folder holds already.
fn known_in(world: &World, folder: &str) -> usize {
    let inside = |key: &str| super::chooser::split(key).0 == Some(folder);
    world.runs.iter().filter(|card| inside(&card.key)).count()
}
