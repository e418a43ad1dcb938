//! What the model answered in a quiz, and what each answer earned.

mod bar;
mod detail;
mod groups;
mod kept;
mod listing;
mod side;
mod strip;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod window;

use std::cmp::Ordering;

use eframe::egui::{self, Button, Panel, ScrollArea, TextEdit, Ui};
use serde::{Deserialize, Serialize};

use super::Room;
use crate::app::record::Record;
use crate::app::{Action, Actions, World, widgets};
use crate::balance::Branch;
use crate::training::Verdict;
use bar::{choices, sources, stepped};
pub(super) use detail::show as show_completion;
pub(super) use kept::Kept;
use kept::{Neighbours, neighbours};
pub(super) use listing::one_line;
use listing::{Filter, Sheet, Sort, Source};

/// Rooms wider than this have the details at the side, others below.
const WIDE: f32 = 1150.0;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum View {
    #[default]
    Table,
    Group,
}

/// The table of completions, and one group side by side.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollouts {
    view: View,
    filter: Filter,
    sort: Option<Sort>,
    #[serde(skip)]
    kept: Kept,
    /// Steps that have completions of the source looked for.
    #[serde(skip)]
    steps: Cached<(u64, usize, Option<Source>), Vec<u64>>,
    #[serde(skip)]
    sheet: Cached<Version, Sheet>,
    #[serde(skip)]
    order: Cached<(Version, Filter, Option<Sort>), Vec<usize>>,
    #[serde(skip)]
    choice: Cached<(Version, Filter), Vec<usize>>,
    #[serde(skip)]
    strip: strip::Strip,
    /// The details are put away until a row is clicked.
    closed: bool,
    /// The row opened, of the step shown; the first without one.
    #[serde(skip)]
    row: Option<usize>,
    #[serde(skip)]
    group: Option<usize>,
    /// The row opened is to be brought into view.
    #[serde(skip)]
    scroll: bool,
    /// What `row` and `group` belong to.
    #[serde(skip)]
    of: (String, u64),
}

/// Of the completions read, and of the settings that weigh their rewards.
type Version = (u64, usize);

/// Something worked out, with what it was worked out from.
struct Cached<K, T>(Option<(K, T)>);

impl<K, T> Default for Cached<K, T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq, T> Cached<K, T> {
    fn renew(&mut self, from: K, make: impl FnOnce() -> T) {
        if self.0.as_ref().is_none_or(|(old, _)| *old != from) {
            self.0 = Some((from, make()));
        }
    }

    fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, made)| made)
    }
}

impl Room for Rollouts {
    fn show(&mut self, ui: &mut Ui, world: &World, actions: &mut Actions) {
        let Some(record) = world.shown else {
            widgets::nothing_yet(
                ui,
                "No run to look at",
                "Start a run or open one in Start: its completions are listed here.",
            );
            return;
        };
        self.kept.follow(record, world.time);
        if self.kept.steps().is_empty() {
            nothing_kept(ui, record);
            return;
        }
        let step = world.step().unwrap_or_else(|| record.step());
        let near = self.near(record, step);
        self.navigation(ui, record, step, near, world.selected.is_some(), actions);
        if let Some(step) = self.strip.show(ui, record, near.shown) {
            actions.push(Action::Select(Some(step)));
        }
        let Some(shown) = near.shown else {
            self.filters(ui, record);
            ui.weak("This run has none of this kind yet.");
            return;
        };
        self.read(record, shown);
        self.filters(ui, record);
        match self.view {
            View::Table => self.table(ui, record, shown, actions),
            View::Group => self.side_by_side(ui, record, shown, actions),
        }
    }
}

impl Rollouts {
    /// The source looked for: groups are there in quizzes only.
    fn source(&self) -> Option<Source> {
        match self.view {
            View::Table => self.filter.source,
            View::Group => Some(Source::Quiz),
        }
    }

    fn near(&mut self, record: &Record, step: u64) -> Neighbours {
        let source = self.source();
        let from = (self.kept.version(), record.evaluations.len(), source);
        let all = self.kept.steps();
        self.steps.renew(from, || steps_of(record, all, source));
        neighbours(self.steps.get().map_or(&[], Vec::as_slice), step)
    }

    fn read(&mut self, record: &Record, step: u64) {
        let of = (record.key.clone(), step);
        if self.of != of {
            (self.row, self.group, self.of) = (None, None, of);
        }
        let (records, version) = self.kept.read(record, step);
        let version = (version, record.changes.len());
        let grpo = &record.config.grpo;
        self.sheet.renew(version, || Sheet::new(records, grpo));
        let Some(sheet) = self.sheet.get() else {
            return;
        };
        let (filter, sort) = (&self.filter, self.sort);
        let from = (version, filter.clone(), sort);
        self.order.renew(from, || sheet.rows(filter, sort));
        let from = (version, filter.clone());
        self.choice.renew(from, || sheet.several(filter));
    }

    fn navigation(
        &mut self,
        ui: &mut Ui,
        record: &Record,
        step: u64,
        near: Neighbours,
        fixed: bool,
        actions: &mut Actions,
    ) {
        ui.horizontal_wrapped(|ui| {
            let mut to = |ui: &mut Ui, text: &str, help: &str, step: Option<u64>| {
                let button = ui.add_enabled(step.is_some(), Button::new(text));
                if button.on_hover_text(help).clicked() {
                    actions.push(Action::Select(step));
                }
            };
            let help = "The step before that has such completions; all rooms go there";
            to(ui, "Previous", help, near.previous);
            to(
                ui,
                "Next",
                "The step after that has such completions; all rooms go there",
                near.next,
            );
            let newest = ui.add_enabled(fixed, Button::new("Newest"));
            if newest.on_hover_text("Follow the newest step").clicked() {
                actions.push(Action::Select(None));
            }
            ui.separator();
            ui.selectable_value(&mut self.view, View::Table, "Table")
                .on_hover_text("All completions of the step");
            ui.selectable_value(&mut self.view, View::Group, "One group side by side")
                .on_hover_text(
                    "The completions of one problem, which GRPO compares with each other",
                );
            ui.separator();
            if let Some(shown) = near.shown {
                ui.strong(format!("Step {shown}"));
                ui.weak(whence(shown, step, fixed, record)).on_hover_text(
                    "Not every step keeps completions of this kind: the step in view is shown if \
                     it has some, otherwise the nearest before it",
                );
            }
        });
    }

    fn filters(&mut self, ui: &mut Ui, record: &Record) {
        ui.horizontal_wrapped(|ui| {
            let filter = &mut self.filter;
            let search = TextEdit::singleline(&mut filter.text).desired_width(110.0);
            let search = search.hint_text("Search");
            let help = "Looks in problem, completion, reference answer and path";
            let label = ui.label("Search").on_hover_text(help);
            ui.add(search).labelled_by(label.id).on_hover_text(help);
            if self.view == View::Table {
                choices(ui, "Show", &mut filter.source, sources(), "everything");
                let named = |verdict: Verdict| (verdict, verdict.words().into(), verdict.meaning());
                let verdicts = Verdict::ALL.map(named);
                choices(
                    ui,
                    "Answers",
                    &mut filter.verdict,
                    verdicts,
                    "right and wrong",
                );
            }
            let levels = self.sheet.get().map(|sheet| &sheet.levels);
            let levels = levels.into_iter().flatten();
            let levels =
                levels.map(|&level| (level, format!("level {level}"), "Higher levels are harder"));
            choices(ui, "Level", &mut filter.level, levels, "all levels");
            ui.checkbox(&mut filter.mixed, "Mixed groups only")
                .on_hover_text(
                    "Only groups with mixed results: where all completions earn the same, GRPO has \
                 nothing to compare",
                );
            if filter.narrows() && ui.button("Clear filters").clicked() {
                *filter = Filter {
                    source: filter.source,
                    ..Filter::default()
                };
            }
            let kept = self.count(record);
            ui.add(egui::Label::new(egui::RichText::new(kept).weak()).extend())
                .on_hover_text(
                    "Every quiz keeps at least one group and now and then all of them, as set in \
                 logging.completions_every and logging.completions_groups",
                );
        });
    }

    fn count(&self, record: &Record) -> String {
        let (Some(sheet), Some(order)) = (self.sheet.get(), self.order.get()) else {
            return String::new();
        };
        let right = order
            .iter()
            .filter(|&&row| sheet.records[row].correct)
            .count();
        let groups = sheet
            .groups
            .iter()
            .filter(|group| group.rows.len() > 1)
            .count();
        let asked = record.config.grpo.num_prompts;
        let kept = match self.source() {
            Some(Source::Quiz) if (1..asked).contains(&groups) => {
                let were = if groups == 1 { "was" } else { "were" };
                format!("; {groups} of the {asked} groups {were} kept")
            }
            _ => String::new(),
        };
        match self.view {
            View::Table => format!("{} listed, {right} right{kept}", order.len()),
            View::Group => kept.trim_start_matches("; ").to_owned(),
        }
    }

    fn table(&mut self, ui: &mut Ui, record: &Record, shown: u64, actions: &mut Actions) {
        let (Some(sheet), Some(order)) = (self.sheet.get(), self.order.get()) else {
            return;
        };
        let open = self.row.filter(|row| order.contains(row));
        let open = open.or(order.first().copied()).filter(|_| !self.closed);
        let mut close = false;
        let mut aside = None;
        if let Some(row) = open {
            let entry = &sheet.entries[row];
            let group = &sheet.groups[entry.group];
            let wide = ui.available_width() >= WIDE;
            let panel = if wide {
                Panel::right("completion aside")
                    .default_size(400.0)
                    .size_range(300.0..=700.0)
            } else {
                let most = (ui.available_height() - 120.0).max(90.0);
                let size = (ui.available_height() * 0.5).min(most);
                Panel::bottom("completion below")
                    .default_size(size)
                    .size_range(90.0..=most)
            };
            panel.resizable(true).show(ui, |ui| {
                ScrollArea::vertical()
                    .id_salt("completion")
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        let mean = (group.rows.len() > 1).then_some(group.mean);
                        let grpo = &record.config.grpo;
                        detail::show(ui, &sheet.records[row], grpo, mean, actions, |ui| {
                            if mean.is_some() && ui.button("Its group side by side").clicked() {
                                aside = Some(entry.group);
                            }
                            let keys = "Page up and page down go through the list";
                            close = ui.button("Close").on_hover_text(keys).clicked();
                        });
                    });
            });
        }
        if order.is_empty() {
            ui.weak("Nothing of this step passes the filters.");
        }
        let done = table::show(ui, sheet, order, self.sort, open, self.scroll);
        let next = open.and_then(|_| stepped(ui, order, open));
        if let Some(key) = done.sort {
            self.sort = Sort::clicked(self.sort, key);
        }
        self.scroll = next.is_some();
        if let Some(row) = done.row {
            (self.row, self.closed) = (Some(row), open == Some(row));
            // The next quiz must not take away what is being read.
            actions.push(Action::Select(Some(shown)));
        } else if close {
            self.closed = true;
        } else if next.is_some() {
            self.row = next;
            actions.push(Action::Select(Some(shown)));
        }
        if let Some(group) = aside {
            (self.group, self.view) = (Some(group), View::Group);
            actions.push(Action::Select(Some(shown)));
        }
    }

    fn side_by_side(&mut self, ui: &mut Ui, record: &Record, shown: u64, actions: &mut Actions) {
        let (Some(sheet), Some(choice)) = (self.sheet.get(), self.choice.get()) else {
            return;
        };
        let wanted = self.group.filter(|group| choice.contains(group));
        // The first group from which there is something to learn says most.
        let telling = || {
            choice
                .iter()
                .copied()
                .find(|&group| sheet.groups[group].mixed)
        };
        let Some(chosen) = wanted.or_else(telling).or(choice.first().copied()) else {
            ui.weak("No group of this step passes the filters.");
            return;
        };
        let batch_std = record.columns.value("reward_std", shown).map(f64::from);
        let grpo = &record.config.grpo;
        let picked = side::show(ui, sheet, choice, chosen, grpo, batch_std);
        self.group = picked.or(Some(chosen));
        if picked.is_some() {
            actions.push(Action::Select(Some(shown)));
        }
    }
}

/// The steps that have completions of a source.
fn steps_of(record: &Record, all: &[u64], source: Option<Source>) -> Vec<u64> {
    let Some(source) = source else {
        return all.to_vec();
    };
    if source == Source::Quiz {
        let columns = &record.columns;
        let is_quiz = |step: &u64| {
            let row = columns.row(*step);
            row.is_none_or(|row| columns.branch[row] != Branch::Sft)
        };
        return all.iter().copied().filter(is_quiz).collect();
    }
    let of = record.evaluations.iter();
    let of = of.filter(|record| (record.kind == "exam") == (source == Source::Exam));
    let mut steps: Vec<u64> = of.map(|record| record.step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps.retain(|step| all.binary_search(step).is_ok());
    steps
}

/// Why this step is shown, when another one is in view.
fn whence(shown: u64, step: u64, fixed: bool, record: &Record) -> String {
    let branch = record.columns.row(shown);
    let branch = branch.map(|row| record.columns.branch[row].label());
    let why = match shown.cmp(&step) {
        Ordering::Equal => None,
        Ordering::Greater => Some("first with completions".to_owned()),
        Ordering::Less if fixed => Some(format!("nearest before step {step}")),
        Ordering::Less => Some("newest with completions".to_owned()),
    };
    let parts: Vec<String> = branch.map(str::to_owned).into_iter().chain(why).collect();
    parts.join(", ")
}

fn nothing_kept(ui: &mut Ui, record: &Record) {
    let how = if record.config.logging.completions_every == 0 {
        "This run keeps no completions of its quizzes: logging.completions_every is 0. Set it to \
         10, say, and they are listed here."
    } else if record.completions_forgotten() > 0 {
        "They are no longer in memory. The run folder has them in completions.jsonl."
    } else {
        "They come with the first quiz (a GRPO step) or exam after warm-up."
    };
    widgets::nothing_yet(ui, "No completions yet", how);
}
