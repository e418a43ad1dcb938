//! One group side by side: the completions of one problem, and what each earned.

use eframe::egui::{self, Align, ComboBox, Frame, Layout, Rect, RichText, ScrollArea, Sense, Ui};
use eframe::egui::{Vec2, pos2, vec2};

use super::detail;
use super::groups::{Group, plain, signed, why};
use super::listing::Sheet;
use super::table::tint;
use crate::app::{theme, widgets};
use crate::config::GrpoConfig;
use crate::training::CompletionRecord;

/// Width of a card that still reads well.
const CARD: f32 = 215.0;
/// Height of a card's text at most; longer ones scroll.
const TEXT: f32 = 130.0;
/// Room that one character of a completion takes.
const CHARACTER: egui::Vec2 = egui::Vec2::new(8.2, 17.0);

/// Draws the picker and the group; returns the group chosen by the user.
pub fn show(
    ui: &mut Ui,
    sheet: &Sheet,
    choice: &[usize],
    chosen: usize,
    grpo: &GrpoConfig,
    batch_std: Option<f64>,
) -> Option<usize> {
    let picked = pick(ui, sheet, choice, chosen);
    let Some(group) = sheet.groups.get(chosen) else {
        return picked;
    };
    ScrollArea::vertical()
        .id_salt("group")
        .auto_shrink(false)
        .show(ui, |ui| {
            summary(ui, group, sheet, grpo, batch_std);
            ui.add_space(4.0);
            cards(ui, group, sheet);
        });
    picked
}

fn pick(ui: &mut Ui, sheet: &Sheet, choice: &[usize], chosen: usize) -> Option<usize> {
    let mut picked = None;
    let at = choice
        .iter()
        .position(|&group| group == chosen)
        .unwrap_or(0);
    ui.horizontal_wrapped(|ui| {
        let title = |group: usize| sheet.groups[group].title(&sheet.records);
        let label = ui.label("Problem");
        let combo = ComboBox::from_id_salt("group").width(280.0).truncate();
        let combo = combo.selected_text(choice.get(at).map_or_else(String::new, |&g| title(g)));
        let combo = combo.show_ui(ui, |ui| {
            for &group in choice {
                if ui.selectable_label(group == chosen, title(group)).clicked() {
                    picked = Some(group);
                }
            }
        });
        combo.response.labelled_by(label.id);
        let step = |ui: &mut Ui, text: &str, to: Option<usize>| {
            let to = to.and_then(|to| choice.get(to)).copied();
            let clicked = ui
                .add_enabled(to.is_some(), egui::Button::new(text))
                .clicked();
            to.filter(|_| clicked)
        };
        picked = picked.or(step(ui, "Previous problem", at.checked_sub(1)));
        picked = picked.or(step(ui, "Next problem", Some(at + 1)));
        ui.weak(format!("{} of {}", at + 1, choice.len()));
    });
    picked
}

fn summary(ui: &mut Ui, group: &Group, sheet: &Sheet, grpo: &GrpoConfig, batch_std: Option<f64>) {
    let Some(first) = sheet.records.get(group.rows.start) else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        ui.add(egui::Label::new(RichText::new(&first.prompt).monospace().strong()).wrap());
        ui.weak("reference answer");
        ui.label(RichText::new(&first.answer).monospace());
    });
    ui.horizontal_wrapped(|ui| {
        ui.label(format!("{} of {} right", group.right, group.rows.len()));
        ui.label(format!("mean reward {}", plain(group.mean)));
        ui.label(format!("standard deviation {}", plain(group.std)))
            .on_hover_text("The group's spread: how far rewards lie from their mean, typically");
    });
    ui.label(why(group, &sheet.records, grpo, batch_std));
}

fn cards(ui: &mut Ui, group: &Group, sheet: &Sheet) {
    let gap = ui.spacing().item_spacing.x;
    let across = (((ui.available_width() + gap) / (CARD + gap)) as usize).max(1);
    // As many in every row, where that is possible.
    let count = group.rows.len().max(1);
    let across = count.div_ceil(count.div_ceil(across));
    let width = (ui.available_width() - gap * (across - 1) as f32) / across as f32;
    let records = sheet.records.get(group.rows.clone()).unwrap_or_default();
    let largest = records.iter().filter_map(|record| record.advantage);
    let limit = largest.fold(0.0f32, |limit, advantage| limit.max(advantage.abs()));
    let characters = records
        .iter()
        .map(|record| record.completion.chars().count());
    // An end-of-sequence token may be shown after the text.
    let longest = (characters.max().unwrap_or(0) + 6) as f32;
    let lines = (longest * CHARACTER.x / (width - 16.0)).ceil();
    let size = vec2(width, (lines * CHARACTER.y).min(TEXT));
    let rows: Vec<usize> = group.rows.clone().collect();
    for line in rows.chunks(across) {
        ui.horizontal_top(|ui| {
            for &row in line {
                card(ui, sheet, group, row, f64::from(limit), size);
            }
        });
    }
}

fn card(ui: &mut Ui, sheet: &Sheet, group: &Group, row: usize, limit: f64, size: Vec2) {
    let record = &sheet.records[row];
    let stroke = egui::Stroke::new(1.0, theme::palette(ui).verdict(record.correct));
    let frame = Frame::group(ui.style()).stroke(stroke);
    let inside = size.x - frame.total_margin().sum().x;
    let layout = Layout::top_down(Align::Min);
    ui.allocate_ui_with_layout(vec2(size.x, 0.0), layout, |ui| {
        frame.show(ui, |ui| {
            ui.set_width(inside);
            heading(ui, record, row - group.rows.start);
            ScrollArea::vertical()
                .id_salt(("card", row))
                .min_scrolled_height(size.y)
                .max_height(size.y)
                .auto_shrink(false)
                .show(ui, |ui| detail::completion(ui, record));
            let reward = sheet.entries[row].reward;
            bar(ui, "reward", plain(reward), |ui| {
                reward_bar(ui, reward, group)
            });
            if let Some(advantage) = record.advantage {
                let color = tint(ui, advantage);
                let advantage = f64::from(advantage);
                bar(ui, "advantage", signed(advantage), |ui| {
                    let width = ui.available_width();
                    widgets::signed_bar(ui, advantage, limit, color, width);
                });
            }
            let end = RichText::new(detail::length(record)).small();
            let end = if record.finished {
                end.weak()
            } else {
                end.color(theme::palette(ui).notice)
            };
            ui.label(end);
        });
    });
}

fn heading(ui: &mut Ui, record: &CompletionRecord, place: usize) {
    ui.horizontal(|ui| {
        ui.weak(format!("{}", place + 1));
        widgets::verdict_in_words(ui, record.verdict());
    });
}

fn bar(ui: &mut Ui, name: &str, value: String, draw: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let small = |ui: &mut Ui, text: RichText, width: f32, layout| {
            ui.allocate_ui_with_layout(vec2(width, 16.0), layout, |ui| {
                ui.set_min_width(width);
                ui.label(text);
            });
        };
        let left = Layout::left_to_right(Align::Center);
        small(ui, RichText::new(name).small().weak(), 58.0, left);
        let right = Layout::right_to_left(Align::Center);
        small(ui, RichText::new(value).monospace(), 44.0, right);
        draw(ui);
    });
}

/// A reward between the group's lowest and highest, with the mean marked.
fn reward_bar(ui: &mut Ui, reward: f64, group: &Group) {
    let size = vec2(ui.available_width(), 16.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let (from, to) = (group.lowest.min(0.0), group.highest.max(0.0));
    let x = |value: f64| {
        let share = (value - from) / (to - from).max(1e-9);
        rect.left() + share as f32 * rect.width()
    };
    let (zero, end) = (x(0.0), x(reward));
    let filled = Rect::from_min_max(
        pos2(zero.min(end), rect.top()),
        pos2(zero.max(end), rect.bottom()),
    );
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
    painter.rect_filled(filled, 2.0, theme::palette(ui).grpo);
    let mark = egui::Stroke::new(2.0, ui.visuals().text_color());
    painter.vline(x(group.mean), rect.y_range(), mark);
    response.on_hover_text(format!(
        "The line is the group's mean, {}",
        plain(group.mean)
    ));
}
