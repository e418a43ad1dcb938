//! The runs there are, as a table, and what can be done with each.

use eframe::egui::{self, RichText, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use super::list::{Row, State, ago, differences, grouped};
use super::offers::named;
use super::renaming::Renaming;
use super::{Start, busy, watch};
use crate::app::engine::Request;
use crate::app::library::{Errand, RunCard, Saved, SavedWhat};
use crate::app::widgets::percent;
use crate::app::{Actions, IN_BROWSER, World, theme};

/// Heights of lines.
const RUN: f32 = 46.0;
const GROUP: f32 = 30.0;
const RENAMED: f32 = 66.0;

/// What all lines are drawn with.
struct Sight<'a> {
    world: &'a World<'a>,
    now: u64,
    busy: Option<String>,
}

impl Start {
    pub(super) fn recent(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        self.above_the_list(ui, world, actions);
        if world.runs.is_empty() {
            ui.add_space(8.0);
            ui.label("No runs yet");
            let how = "Press Start above: the run appears here, and stays after the program is \
                       closed. Runs made by the command line (sasr train) appear here too.";
            ui.label(RichText::new(how).weak());
            return;
        }
        let rows = self
            .rows
            .of(world.runs, &self.filter, &self.folded)
            .to_vec();
        if rows.is_empty() {
            ui.add_space(8.0);
            ui.label(RichText::new("No run has all of these words").weak());
            return;
        }
        let sight = Sight {
            world,
            now: now(),
            busy: busy(world),
        };
        self.table(ui, &rows, &sight, actions);
    }

    fn above_the_list(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Recent runs").strong());
            let hint =
                "A configuration, a zipped run, or the manifest.json of a run elsewhere (Ctrl+O)";
            if ui.button("Open…").on_hover_text(hint).clicked() {
                actions.library(Errand::Choose);
            }
            if !world.runs.is_empty() {
                let label = ui.label("Filter");
                let field = egui::TextEdit::singleline(&mut self.filter)
                    .hint_text("name, method, setting…")
                    .desired_width(180.0);
                ui.add(field).labelled_by(label.id);
                if !self.filter.is_empty() {
                    let clear = ui.button("✖").on_hover_text("Show all runs again");
                    named(&clear, "Clear the filter".into());
                    if clear.clicked() {
                        self.filter.clear();
                    }
                }
            }
            let hint = "Or drop a configuration, a run folder or a zipped run into this window";
            ui.label(RichText::new(hint).weak().small());
        });
    }

    fn table(&mut self, ui: &mut Ui, rows: &[Row], sight: &Sight, actions: &mut Actions) {
        let renamed = self.renaming.as_ref().map(|renaming| renaming.run.clone());
        let height = |row: &Row| match row {
            Row::Group { .. } => GROUP,
            Row::Run(index) => {
                let run = sight.world.runs.get(*index).map(|run| &run.key);
                if run.is_some() && run == renamed.as_ref() {
                    RENAMED
                } else {
                    RUN
                }
            }
        };
        TableBuilder::new(ui)
            .id_salt("runs")
            .striped(true)
            // The room scrolls as a whole.
            .vscroll(false)
            .cell_layout(egui::Layout::left_to_right(egui::Align::Center))
            .column(Column::remainder().at_least(150.0).clip(true))
            .column(Column::exact(72.0).clip(true))
            .column(Column::exact(128.0))
            .column(Column::exact(64.0))
            .column(Column::exact(124.0).clip(true))
            .column(Column::exact(216.0))
            .header(20.0, |mut header| {
                for (title, help) in [
                    (
                        "Run",
                        "Its name, and what sets it apart from the preset it is nearest to",
                    ),
                    (
                        "Method",
                        "How SFT and GRPO are balanced, and the seed of all chance",
                    ),
                    ("Steps", "Update attempts made, of those asked for"),
                    ("Accuracy", "On the final test, or on the newest exam"),
                    ("State", "What it is doing, and when its files last changed"),
                    ("", ""),
                ] {
                    header.col(|ui| {
                        let label = ui.label(RichText::new(title).weak().small());
                        if !help.is_empty() {
                            label.on_hover_text(help);
                        }
                    });
                }
            })
            .body(|body| {
                body.heterogeneous_rows(rows.iter().map(height), |mut line| {
                    match &rows[line.index()] {
                        Row::Group { name, runs } => self.group(&mut line, name, *runs),
                        Row::Run(index) => {
                            // The list may be shorter than when the lines were made.
                            if let Some(run) = sight.world.runs.get(*index) {
                                self.run(&mut line, run, sight, actions);
                            }
                        }
                    }
                });
            });
    }

    fn group(&mut self, line: &mut TableRow, name: &str, runs: usize) {
        line.col(|ui| {
            let folded = self.folded.contains(name);
            let (_, sign) = ui.allocate_space(egui::vec2(12.0, 12.0));
            let sign = ui.interact(sign, ui.scope_id().with("sign"), egui::Sense::hover());
            let openness = if folded { 0.0 } else { 1.0 };
            egui::collapsing_header::paint_default_icon(ui, openness, &sign);
            let text = RichText::new(name).strong();
            let hint = if folded {
                "Show its runs"
            } else {
                "Hide its runs"
            };
            let button = ui
                .add(egui::Button::new(text).frame(false))
                .on_hover_text(hint);
            named(&button, format!("Folder {name}"));
            if button.clicked() && !self.folded.remove(name) {
                self.folded.insert(name.to_owned());
            }
            let count = if runs == 1 {
                "1 run".into()
            } else {
                format!("{runs} runs")
            };
            ui.label(RichText::new(count).weak());
        });
        (0..5).for_each(|_| {
            line.col(|_| {});
        });
    }

    fn run(&mut self, line: &mut TableRow, run: &RunCard, sight: &Sight, actions: &mut Actions) {
        let state = State::of(run, sight.world, sight.now);
        line.col(|ui| match &mut self.renaming {
            Some(renaming) if renaming.run == run.key => {
                if two_lines(ui, |ui| renaming.show(ui, run, actions)) {
                    self.renaming = None;
                }
            }
            _ => two_lines(ui, |ui| name(ui, run, actions)),
        });
        line.col(|ui| {
            if run.max_steps > 0 {
                two_lines(ui, |ui| {
                    ui.label(run.method.name());
                    ui.label(RichText::new(format!("seed {}", run.seed)).weak().small());
                });
            }
        });
        line.col(|ui| {
            if run.max_steps > 0 {
                two_lines(ui, |ui| steps(ui, run, sight.world));
            }
        });
        line.col(|ui| {
            if let Some(accuracy) = run.accuracy {
                ui.label(percent(accuracy));
            }
        });
        line.col(|ui| {
            two_lines(ui, |ui| {
                let palette = theme::palette(ui);
                let label = RichText::new(state.label());
                let label = match state {
                    State::Training | State::Elsewhere | State::Paused => {
                        label.color(palette.accent)
                    }
                    State::Finished => label.color(palette.right),
                    State::Damaged => label.color(palette.wrong),
                    State::Stopped => label,
                };
                ui.label(label).on_hover_text(state.help());
                let when = ago(sight.now.saturating_sub(run.changed));
                ui.label(RichText::new(when).weak().small());
            });
        });
        line.col(|ui| self.buttons(ui, run, state, sight, actions));
    }

    fn buttons(
        &mut self,
        ui: &mut Ui,
        run: &RunCard,
        state: State,
        sight: &Sight,
        actions: &mut Actions,
    ) {
        if state != State::Damaged {
            let open = ui.button("Open").on_hover_text("Look at it in all rooms");
            named(&open, format!("Open {}", run.key));
            if open.clicked() {
                watch(&run.key, actions);
            }
        }
        if state == State::Stopped {
            let button = ui.add_enabled(sight.busy.is_none(), egui::Button::new("Resume"));
            named(&button, format!("Resume {}", run.key));
            let button = match &sight.busy {
                Some(busy) => {
                    button.on_disabled_hover_text(format!("{busy} is being trained: stop it first"))
                }
                None => button.on_hover_text("Go on from its last checkpoint"),
            };
            if button.clicked() {
                actions.engine(Request::Resume {
                    run: run.key.clone(),
                    checkpoint: None,
                    set: Vec::new(),
                });
                watch(&run.key, actions);
            }
        }
        let menu = ui.menu_button("More…", |ui| self.menu(ui, run, state, actions));
        named(&menu.response, format!("More about {}", run.key));
    }

    fn menu(&mut self, ui: &mut Ui, run: &RunCard, state: State, actions: &mut Actions) {
        let under_way = state.is_under_way();
        let idle_only = |ui: &mut Ui, text: &str| {
            let button = ui.add_enabled(!under_way, egui::Button::new(text));
            button
                .on_disabled_hover_text("It is being trained: stop it first")
                .clicked()
        };
        if idle_only(ui, "Rename…") {
            self.renaming = Some(Renaming::of(run));
        }
        if idle_only(ui, "Delete…") {
            self.deleting = Some(run.key.clone());
        }
        let copy = ui.button("Configure a copy").on_hover_text(
            "Its settings in the form, to change what you like and start another run; this one \
             stays as it is",
        );
        if copy.clicked() {
            actions.library(Errand::Configure(run.key.clone()));
        }
        // A browser has no folders to show.
        if !IN_BROWSER && ui.button("Open folder").clicked() {
            actions.library(Errand::Reveal(run.key.clone()));
        }
        let export = ui.button("Export zip…").on_hover_text(
            "The whole run in one file, with its checkpoints; drop it into this window to open it \
             again",
        );
        if export.clicked() {
            actions.library(Errand::Save(Saved {
                name: format!("{}.zip", run.name),
                what: SavedWhat::Zip(run.key.clone()),
            }));
        }
    }

    /// Asks before a run goes to the bin, or in a browser for good.
    pub(super) fn question(&mut self, ui: &Ui, world: &World, actions: &mut Actions) {
        let Some(key) = self.deleting.clone() else {
            return;
        };
        let step = world
            .runs
            .iter()
            .find(|run| run.key == key)
            .map_or(0, |run| run.step);
        let modal = egui::Modal::new(egui::Id::unique("delete a run")).show(ui.ctx(), |ui| {
            ui.set_max_width(380.0);
            let steps = grouped(step);
            if IN_BROWSER {
                ui.heading("Delete the run?");
                ui.label(format!(
                    "{key} is deleted from this browser, with all that was kept of its {steps} \
                     steps. It cannot be brought back: export it as a zip first if it may be \
                     wanted again.",
                ));
            } else {
                ui.heading("Move the run to the bin?");
                ui.label(format!(
                    "{key} goes to your system's bin, with all that was kept of its {steps} \
                     steps. It can be brought back from there.",
                ));
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let delete = if IN_BROWSER { "Delete" } else { "Move to bin" };
                if ui.button(delete).clicked() {
                    actions.library(Errand::Delete(key.clone()));
                    self.deleting = None;
                }
                if ui.button("Keep it").clicked() {
                    self.deleting = None;
                }
            });
        });
        if modal.should_close() {
            self.deleting = None;
        }
    }
}

/// Two lines of a cell, in the middle of its height.
fn two_lines<R>(ui: &mut Ui, contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.spacing_mut().interact_size.y = 18.0;
        ui.add_space(6.0);
        contents(ui)
    })
    .inner
}

fn name(ui: &mut Ui, run: &RunCard, actions: &mut Actions) {
    let palette = theme::palette(ui);
    if let Some(why) = &run.damaged {
        ui.label(RichText::new(&run.name).strong());
        let text = RichText::new(why.lines().next().unwrap_or_default());
        let label = egui::Label::new(text.color(palette.wrong).small()).truncate();
        ui.add(label).on_hover_text(why);
        return;
    }
    let link = ui.link(RichText::new(&run.name).strong());
    named(&link, run.key.clone());
    let hint = match run.description.as_str() {
        "" => "Look at it in all rooms",
        description => description,
    };
    if link.on_hover_text(hint).clicked() {
        watch(&run.key, actions);
    }
    if run.differences.is_empty() && run.changes.is_empty() {
        ui.label(RichText::new("as its preset").weak().small());
        return;
    }
    let text = RichText::new(differences(run)).weak().small();
    let label = ui.add(egui::Label::new(text).truncate());
    label.on_hover_ui(|ui| all_differences(ui, run));
}

fn all_differences(ui: &mut Ui, run: &RunCard) {
    let row = |ui: &mut Ui, path: &str, before: &str, now: &str| {
        ui.label(path);
        ui.label(RichText::new(before).weak());
        ui.label(now);
    };
    if !run.differences.is_empty() {
        ui.label(RichText::new("Set apart from the nearest preset by").strong());
        egui::Grid::new("differences").striped(true).show(ui, |ui| {
            for (path, there, here) in &run.differences {
                row(ui, path, there, here);
                ui.end_row();
            }
        });
    }
    if !run.changes.is_empty() {
        ui.label(RichText::new("Changed on the way").strong());
        egui::Grid::new("changes").striped(true).show(ui, |ui| {
            for change in &run.changes {
                row(ui, &change.path, &change.before, &change.value);
                ui.label(format!("from step {}", change.step + 1));
                ui.end_row();
            }
        });
    }
}

fn steps(ui: &mut Ui, run: &RunCard, world: &World) {
    // An open run knows more than what the list was told.
    let record = world.records.get(&run.key);
    let step = record.map_or(run.step, |record| record.step().max(run.step));
    let most = record.map_or(run.max_steps, |record| record.config.max_steps);
    let palette = theme::palette(ui);
    let color = if run.finished {
        palette.right
    } else {
        palette.accent
    };
    let share = step as f32 / most.max(1) as f32;
    let bar = egui::ProgressBar::new(share.min(1.0))
        .desired_width(112.0)
        .desired_height(7.0)
        .fill(color);
    let text = format!("{} of {}", grouped(step), grouped(most));
    ui.label(RichText::new(text).small());
    ui.add(bar);
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = web_time::SystemTime::now().duration_since(web_time::SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
