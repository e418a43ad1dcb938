//! The presets: the first one large, the others as cards.

use eframe::egui::{self, RichText, Ui};

use super::list::grouped;
use super::{busy, watch};
use crate::app::presets::Preset;
use crate::app::record::Record;
use crate::app::{Action, Actions, World, theme};
use crate::config::{RunConfig, TaskKind};

/// A card's least width.
const CARD: f32 = 160.0;

/// The preset to begin with, ready; or the run that is on.
pub fn hero(ui: &mut Ui, presets: &[Preset], world: &World, actions: &mut Actions) {
    let Some(preset) = presets.first() else {
        return;
    };
    let accent = theme::palette(ui).accent;
    let fill = ui.visuals().faint_bg_color;
    egui::Frame::group(ui.style())
        .fill(fill)
        .stroke(egui::Stroke::new(1.0, accent))
        .inner_margin(14.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            match busy(world) {
                Some(what) => under_way(ui, &what, world, actions),
                None => ready(ui, preset, actions),
            }
        });
}

fn ready(ui: &mut Ui, preset: &Preset, actions: &mut Actions) {
    ui.label(
        RichText::new("Watch a small model learn to reason")
            .heading()
            .strong(),
    );
    ui.add_space(2.0);
    ui.label(
        "The model learns to work out chains like 4 + 2 - 5 + 1. First it reads the textbook: \
         worked solutions that it imitates (SFT). Then come quizzes: it tries problems by itself, \
         several times each, and learns from what was right (GRPO). From then on, before every \
         step, a controller decides which of the two the model needs now. You see each decision \
         and why it was made.",
    );
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        if start_button(ui, "Start", egui::vec2(150.0, 40.0)).clicked() {
            actions.push(Action::Train(Box::new(preset.config.clone())));
        }
        let configure = egui::Button::new("Configure first").min_size(egui::vec2(0.0, 40.0));
        let hint = "Look at every setting, and change what you like, before it starts";
        if ui.add(configure).on_hover_text(hint).clicked() {
            actions.push(Action::Configure(Box::new(preset.config.clone())));
        }
        let steps = grouped(preset.config.max_steps);
        let size = format!("{} · {} · {steps} steps", title(preset), preset.size);
        ui.label(RichText::new(size).weak());
    });
}

fn under_way(ui: &mut Ui, what: &str, world: &World, actions: &mut Actions) {
    let record = world.live.and_then(|live| world.records.get(live));
    ui.label(
        RichText::new(format!("{what} is being trained"))
            .heading()
            .strong(),
    );
    ui.add_space(2.0);
    if let Some(queue) = world.queue {
        let (run, runs) = (queue.done + 1, queue.runs.len());
        ui.label(format!(
            "Run {} of {runs} of the comparison {}",
            run.min(runs),
            queue.folder
        ));
    }
    match record {
        Some(record) => progress(ui, record),
        None => {
            ui.label("It is being set up");
        }
    }
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        let live = world.live.map(str::to_owned);
        let watchable = ui.add_enabled_ui(live.is_some(), |ui| {
            start_button(ui, "Watch", egui::vec2(150.0, 40.0))
        });
        if let Some(live) = live
            && watchable.inner.clicked()
        {
            watch(&live, actions);
        }
        ui.label(RichText::new("Stop it above to start another").weak());
    });
}

fn progress(ui: &mut Ui, record: &Record) {
    let (step, steps) = (record.step(), record.config.max_steps.max(1));
    let text = match (step, record.base_loss.len()) {
        (0, base) if base > 0 => format!(
            "Getting ready: the model learns the easier problems first, step {} of {}",
            grouped(base as u64),
            grouped(record.base_steps),
        ),
        _ => format!("Step {} of {}", grouped(step), grouped(steps)),
    };
    ui.label(text);
    let share = step as f32 / steps as f32;
    ui.add(egui::ProgressBar::new(share).desired_height(8.0));
}

/// All presets but the first.
pub fn cards(
    ui: &mut Ui,
    presets: &[Preset],
    missing: &[String],
    world: &World,
    actions: &mut Actions,
) {
    let Some((_, others)) = presets.split_first() else {
        return;
    };
    ui.label(RichText::new("More to start from").strong());
    let busy = busy(world);
    let columns = (ui.available_width() / CARD).floor().clamp(1.0, 5.0) as usize;
    for row in others.chunks(columns) {
        // Cards of one row are as high as the highest was in the frame before.
        let id = ui.scope_id().with(("card height", columns, row[0].file));
        let known: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(0.0);
        let mut highest = 0.0f32;
        ui.columns(columns, |uis| {
            for (ui, preset) in uis.iter_mut().zip(row) {
                let height = card(ui, preset, known, missing, busy.as_deref(), actions);
                highest = highest.max(height);
            }
        });
        if (highest - known).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(id, highest));
            ui.ctx().request_repaint();
        }
    }
}

/// Draws a card whose text part is at least `height` high; returns the height the text needs.
fn card(
    ui: &mut Ui,
    preset: &Preset,
    height: f32,
    missing: &[String],
    busy: Option<&str>,
    actions: &mut Actions,
) -> f32 {
    let title = title(preset);
    let lacks: Vec<String> = files(preset)
        .filter(|file| preset.needs_files && missing.contains(file))
        .collect();
    let mut needed = 0.0;
    let left = egui::Layout::top_down(egui::Align::Min);
    let frame = egui::Frame::group(ui.style()).inner_margin(9.0);
    // Columns justify their text otherwise.
    let contents = |ui: &mut Ui| {
        ui.set_width(ui.available_width());
        let top = ui.cursor().top();
        ui.label(RichText::new(&title).strong().size(15.0));
        ui.label(preset.teaches);
        ui.label(RichText::new(about(&preset.config)).weak().small());
        let steps = grouped(preset.config.max_steps);
        let size = format!("{steps} steps, {}", preset.size);
        ui.label(RichText::new(size).weak().small());
        if preset.needs_files {
            file_notes(ui, preset, &lacks);
        }
        needed = ui.min_rect().bottom() - top;
        ui.add_space((height - needed).max(0.0));
        let why_not = match busy {
            _ if !lacks.is_empty() => Some("Its files are not there yet".to_owned()),
            Some(run) => Some(format!("{run} is being trained: stop it first")),
            None => None,
        };
        ui.horizontal(|ui| card_buttons(ui, preset, &title, why_not, actions));
    };
    frame.show(ui, |ui| ui.with_layout(left, contents));
    needed
}

fn card_buttons(
    ui: &mut Ui,
    preset: &Preset,
    title: &str,
    why_not: Option<String>,
    actions: &mut Actions,
) {
    let button = ui.add_enabled(why_not.is_none(), egui::Button::new("Start"));
    named(&button, format!("Start {title}"));
    let button = match why_not {
        Some(why) => button.on_disabled_hover_text(why),
        None => button.on_hover_text("Train it now"),
    };
    if button.clicked() {
        actions.push(Action::Train(Box::new(preset.config.clone())));
    }
    let configure = ui.button("Configure");
    named(&configure, format!("Configure {title}"));
    let configure = configure.on_hover_text("Look at its settings first");
    if configure.clicked() {
        actions.push(Action::Configure(Box::new(preset.config.clone())));
    }
}

fn file_notes(ui: &mut Ui, preset: &Preset, lacks: &[String]) {
    if lacks.is_empty() {
        let all: Vec<String> = files(preset).collect();
        ui.label(
            RichText::new(format!("Reads {}", all.join(" and ")))
                .weak()
                .small(),
        );
        return;
    }
    let notice = theme::palette(ui).notice;
    let text = format!("Missing {}", lacks.join(" and "));
    ui.label(RichText::new(text).color(notice).small()).on_hover_text(
        "Put what is missing there, below the folder this program was started in, or choose other \
         files under Configure",
    );
    if let Some((name, url)) = source(preset.config.task.kind) {
        ui.hyperlink_to(RichText::new(format!("From {name}")).small(), url);
    }
}

/// The files a preset reads.
pub fn files(preset: &Preset) -> impl Iterator<Item = String> + use<> {
    let files = preset.config.task.files.clone();
    files.train.into_iter().chain(files.test)
}

/// Where a task's published files are to be had.
fn source(task: TaskKind) -> Option<(&'static str, &'static str)> {
    match task {
        TaskKind::Gsm8k => Some((
            "openai/grade-school-math",
            "https://github.com/openai/grade-school-math/tree/master/grade_school_math/data",
        )),
        TaskKind::Math => Some(("hendrycks/math", "https://github.com/hendrycks/math")),
        _ => None,
    }
}

/// A preset's name as a title.
pub fn title(preset: &Preset) -> String {
    if preset.config.task.kind == TaskKind::KnightsKnaves {
        return "Knights and knaves".into();
    }
    if preset.config.name.chars().any(|sign| sign.is_ascii_digit()) {
        // Names of data sets are written in capitals.
        return preset.config.name.to_uppercase();
    }
    let words = preset.config.name.replace(['_', '-'], " ");
    let mut signs = words.chars();
    let first = signs.next().map(|sign| sign.to_uppercase().to_string());
    first.unwrap_or_default() + signs.as_str()
}

/// What is learnt, and how hard it is.
pub fn about(config: &RunConfig) -> String {
    let task = match config.task.kind {
        TaskKind::Arithmetic => "Arithmetic",
        TaskKind::Countdown => "Countdown",
        TaskKind::KnightsKnaves => "Knights and knaves",
        TaskKind::Gsm8k => "Word problems",
        TaskKind::Math => "Competition problems",
        TaskKind::Jsonl => "Problems from files",
    };
    let levels = match config.curriculum.levels {
        [first, last] if first == last => format!("level {first}"),
        [first, last] => format!("levels {first} to {last}"),
    };
    format!("{task}, {levels}")
}

/// The button that matters most.
fn start_button(ui: &mut Ui, text: &str, size: egui::Vec2) -> egui::Response {
    let fill = theme::palette(ui).accent;
    let color = ui.visuals().extreme_bg_color;
    let text = RichText::new(text).size(18.0).strong().color(color);
    ui.add(egui::Button::new(text).fill(fill).min_size(size))
}

/// Gives a button a name that no other has.
pub fn named(response: &egui::Response, name: String) {
    let enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name.clone()));
}
