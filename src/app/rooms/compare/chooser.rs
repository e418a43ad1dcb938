//! The list of runs to choose from, by the folders they are in.

use std::collections::BTreeSet;

use eframe::egui::{self, Align, Layout, RichText, TextWrapMode, Ui};
use serde::{Deserialize, Serialize};

use crate::app::library::RunCard;
use crate::app::record::RunKey;
use crate::app::{theme, widgets};

/// How the list is looked at.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct List {
    filter: String,
    /// Folders whose runs are not listed.
    folded: BTreeSet<String>,
}

/// A row of the list. Numbers are places among the cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// A comparison: the runs of one folder that can be chosen.
    Folder {
        name: &'a str,
        members: Vec<usize>,
    },
    /// Above the runs that belong to no comparison.
    Singles,
    Run {
        card: usize,
        inside: bool,
    },
    /// Why the run above cannot be read.
    Damage(usize),
}

/// A run's folder and its name in it.
pub fn split(key: &str) -> (Option<&str>, &str) {
    match key.rsplit_once('/') {
        Some((folder, name)) => (Some(folder), name),
        None => (None, key),
    }
}

/// Whether a run is meant by every word of a filter.
fn matches(card: &RunCard, filter: &str) -> bool {
    let method = card.method.name();
    let text = format!("{} {method} {} {}", card.key, card.task, card.description).to_lowercase();
    let mut words = filter.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let number = words.peek().and_then(|word| word.parse::<u64>().ok());
        let meant = match (word.eq_ignore_ascii_case("seed"), number) {
            // A digit may be part of any name; after this word it is the seed.
            (true, Some(seed)) => {
                words.next();
                card.seed == seed
            }
            _ => text.contains(&word.to_lowercase()),
        };
        if !meant {
            return false;
        }
    }
    true
}

/// The rows: comparisons in the order of their first run, then what stands alone.
pub fn rows<'a>(cards: &'a [RunCard], filter: &str, folded: &BTreeSet<String>) -> Vec<Row<'a>> {
    let mut folders: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut singles = Vec::new();
    for (index, card) in cards.iter().enumerate() {
        if !filter.is_empty() && !matches(card, filter) {
            continue;
        }
        let Some(folder) = split(&card.key).0 else {
            singles.push(index);
            continue;
        };
        match folders.iter_mut().find(|(name, _)| *name == folder) {
            Some((_, members)) => members.push(index),
            None => folders.push((folder, vec![index])),
        }
    }
    let mut rows = Vec::new();
    let add = |rows: &mut Vec<Row<'a>>, card: usize, inside: bool| {
        rows.push(Row::Run { card, inside });
        if cards[card].damaged.is_some() {
            rows.push(Row::Damage(card));
        }
    };
    for (name, mut listed) in folders {
        listed.sort_by_key(|&index| (cards[index].seed, index));
        let whole = |index: &usize| cards[*index].damaged.is_none();
        let members = listed.iter().copied().filter(whole).collect();
        rows.push(Row::Folder { name, members });
        if !folded.contains(name) {
            listed
                .into_iter()
                .for_each(|card| add(&mut rows, card, true));
        }
    }
    if !singles.is_empty() {
        rows.push(Row::Singles);
        singles
            .into_iter()
            .for_each(|card| add(&mut rows, card, false));
    }
    rows
}

/// How many of `members` are chosen: none, some, or all.
pub fn chosen_of(cards: &[RunCard], members: &[usize], chosen: &BTreeSet<RunKey>) -> usize {
    let is_chosen = |index: &&usize| chosen.contains(&cards[**index].key);
    members.iter().filter(is_chosen).count()
}

/// Widths of all columns but the first: method, seed, steps, accuracy.
const WIDTHS: [f32; 4] = [58.0, 30.0, 62.0, 52.0];

/// Width of the list below which names need the room of the methods.
const WITH_METHOD: f32 = 370.0;

/// The columns there is room for, by their place in [`WIDTHS`].
fn columns(ui: &Ui) -> std::ops::Range<usize> {
    let methods = ui.max_rect().width() >= WITH_METHOD;
    usize::from(!methods)..WIDTHS.len()
}

/// Draws the list.
pub fn show(ui: &mut Ui, cards: &[RunCard], chosen: &mut BTreeSet<RunKey>, list: &mut List) {
    ui.horizontal(|ui| {
        let label = ui.label(RichText::new("Runs").strong());
        let clear = ui.add_enabled(!chosen.is_empty(), egui::Button::new("Clear").small());
        if clear.on_hover_text("Choose no run").clicked() {
            chosen.clear();
        }
        ui.label(RichText::new(format!("{} chosen", chosen.len())).weak());
        let filter = egui::TextEdit::singleline(&mut list.filter).hint_text("Filter");
        let filter = filter.desired_width(ui.available_width());
        ui.add(filter).labelled_by(label.id).on_hover_text(
            "Words that a run's name, folder, method or task must hold; \"seed 0\" is its seed",
        );
    });
    if cards.is_empty() {
        ui.label(RichText::new("No runs yet: train one, or start a comparison").weak());
        return;
    }
    let rows = rows(cards, list.filter.trim(), &list.folded);
    if rows.is_empty() {
        ui.label(RichText::new("No run holds these words").weak());
        return;
    }
    header(ui);
    let height = ui.spacing().interact_size.y;
    egui::ScrollArea::vertical()
        .id_salt("runs to compare")
        .auto_shrink([false, false])
        .show_rows(ui, height, rows.len(), |ui, range| {
            for row in &rows[range] {
                ui.allocate_ui_with_layout(
                    egui::vec2(ui.available_width(), height),
                    Layout::left_to_right(Align::Center),
                    |ui| show_row(ui, row, cards, chosen, &mut list.folded),
                );
            }
        });
}

fn header(ui: &mut Ui) {
    ui.horizontal(|ui| {
        let small = |text: &str| RichText::new(text).small().weak();
        first_cell(ui, |ui| {
            ui.label(small("Run"));
        });
        let titles = [
            ("Method", "How SFT and GRPO are mixed"),
            ("Seed", "Runs that differ in the seed alone are one group"),
            (
                "Steps",
                "Steps made, and how many there will be where it is not over",
            ),
            (
                "Accuracy",
                "On the final test, or on the newest exam where there was none yet",
            ),
        ];
        for column in columns(ui) {
            let (title, hint) = titles[column];
            cell(ui, WIDTHS[column], |ui| {
                ui.label(small(title)).on_hover_text(hint);
            });
        }
    });
}

fn show_row(
    ui: &mut Ui,
    row: &Row<'_>,
    cards: &[RunCard],
    chosen: &mut BTreeSet<RunKey>,
    folded: &mut BTreeSet<String>,
) {
    match row {
        Row::Folder { name, members } => show_folder(ui, name, members, cards, chosen, folded),
        Row::Singles => {
            ui.label(RichText::new("Single runs").strong());
        }
        Row::Run { card, inside } => {
            if *inside {
                ui.add_space(14.0);
            }
            show_run(ui, &cards[*card], *inside, chosen);
        }
        Row::Damage(card) => {
            let why = cards[*card].damaged.as_deref().unwrap_or_default();
            let color = theme::palette(ui).wrong;
            ui.add_space(30.0);
            let text = RichText::new(format!("Cannot be read: {why}"))
                .small()
                .color(color);
            ui.add(egui::Label::new(text).truncate()).on_hover_text(why);
        }
    }
}

fn show_folder(
    ui: &mut Ui,
    name: &str,
    members: &[usize],
    cards: &[RunCard],
    chosen: &mut BTreeSet<RunKey>,
    folded: &mut BTreeSet<String>,
) {
    let is_folded = folded.contains(name);
    let sign = if is_folded { "▶" } else { "▼" };
    let what = if is_folded {
        "Show the runs of"
    } else {
        "Hide the runs of"
    };
    let fold = ui.add(egui::Button::new(sign).frame(false));
    fold.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{what} {name}"))
    });
    if fold.clicked() && !folded.remove(name) {
        folded.insert(name.to_owned());
    }
    let count = chosen_of(cards, members, chosen);
    let mut on = count == members.len() && count > 0;
    let some = count > 0 && !on;
    let text = RichText::new(format!("{name} ({})", members.len())).strong();
    ui.style_mut().wrap_mode = Some(TextWrapMode::Truncate);
    let tick = egui::Checkbox::new(&mut on, text).indeterminate(some);
    let tick = ui.add_enabled(!members.is_empty(), tick);
    if tick
        .on_hover_text(format!("Choose all runs of {name}"))
        .clicked()
    {
        for &member in members {
            set(chosen, &cards[member].key, on);
        }
    }
}

fn show_run(ui: &mut Ui, card: &RunCard, inside: bool, chosen: &mut BTreeSet<RunKey>) {
    let mut on = chosen.contains(&card.key);
    let name = if inside {
        split(&card.key).1
    } else {
        &card.key
    };
    let whole = card.damaged.is_none();
    first_cell(ui, |ui| {
        let tick = ui.add_enabled(whole, egui::Checkbox::new(&mut on, name));
        // Runs of two comparisons may share a name; the key tells them apart.
        tick.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::CheckBox, whole, on, card.key.as_str())
        });
        let tick = tick.on_hover_text(hover(card));
        if tick.clicked() {
            set(chosen, &card.key, on);
        }
    });
    if !whole {
        return;
    }
    let steps = match card.finished {
        true => card.step.to_string(),
        false => format!("{}/{}", card.step, card.max_steps),
    };
    let accuracy = card
        .accuracy
        .map_or_else(|| "–".to_owned(), widgets::percent);
    let texts = [
        card.method.name().to_owned(),
        card.seed.to_string(),
        steps,
        accuracy,
    ];
    for column in columns(ui) {
        cell(ui, WIDTHS[column], |ui| {
            ui.label(RichText::new(&texts[column]).small());
        });
    }
}

fn hover(card: &RunCard) -> String {
    let mut text = format!("{}\n{}, seed {}", card.key, card.method.name(), card.seed);
    if !card.description.is_empty() {
        text.push_str(&format!("\n{}", card.description));
    }
    if !card.finished && card.damaged.is_none() {
        text.push_str("\nNot finished: it has no final test yet");
    }
    text
}

fn set(chosen: &mut BTreeSet<RunKey>, key: &str, on: bool) {
    if on {
        chosen.insert(key.to_owned());
    } else {
        chosen.remove(key);
    }
}

fn first_cell(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let widths = &WIDTHS[columns(ui)];
    let gaps = ui.spacing().item_spacing.x * widths.len() as f32;
    let width = ui.available_width() - widths.iter().sum::<f32>() - gaps;
    cell(ui, width.max(40.0), contents);
}

fn cell(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui)) {
    let size = egui::vec2(width, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.set_max_width(width);
        ui.style_mut().wrap_mode = Some(TextWrapMode::Truncate);
        contents(ui);
    });
}
