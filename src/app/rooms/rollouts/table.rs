//! The table of completions.

use eframe::egui::{self, Align, Button, Layout, RichText, ScrollArea, Sense, Ui};
use egui_extras::{Column, TableBuilder, TableRow};

use super::groups::{meaning, plain, signed};
use super::listing::{Key, Sheet, Sort, one_line, part};
use crate::app::{theme, widgets};

const ROW: f32 = 24.0;
/// Characters of a cell: no column is wide enough for more.
const CELL: usize = 240;
/// Narrower than this the table scrolls sideways.
const LEAST_WIDTH: f32 = 860.0;

/// What was done in the table.
#[derive(Default)]
pub struct Done {
    pub sort: Option<Key>,
    pub row: Option<usize>,
}

/// A column as it is headed.
struct Head {
    key: Key,
    title: String,
    help: String,
    width: Width,
}

enum Width {
    /// Shares what is left, but not below this.
    Text(f32),
    Number(f32),
}

fn heads(sheet: &Sheet) -> Vec<Head> {
    let head = |key, title: &str, width, help: &str| Head {
        key,
        title: title.to_owned(),
        help: help.to_owned(),
        width,
    };
    let mut heads = vec![
        head(
            Key::Problem,
            "problem",
            Width::Text(105.0),
            "What the model was asked",
        ),
        head(
            Key::Completion,
            "completion",
            Width::Text(130.0),
            "What it answered",
        ),
        head(
            Key::Verdict,
            "right",
            Width::Number(52.0),
            "Whether the final answer is right: ✔, ✔⚠ where the steps before it do not hold, ✖",
        ),
        head(
            Key::Reward,
            "reward",
            Width::Number(64.0),
            "What the completion earned, all parts together",
        ),
    ];
    for (index, name) in sheet.parts.iter().enumerate() {
        let width = Width::Number(22.0 + 7.0 * name.chars().count().min(12) as f32);
        let help = format!("{}: a part of the reward", meaning(name));
        heads.push(head(Key::Part(index), name, width, &help));
    }
    heads.extend([
        head(
            Key::Advantage,
            "advantage",
            Width::Number(86.0),
            "How much better than its group it was; above 0 it becomes more probable",
        ),
        head(
            Key::Length,
            "tokens",
            Width::Number(60.0),
            "Length in tokens",
        ),
        head(
            Key::Ended,
            "end",
            Width::Number(56.0),
            "Whether it ended by itself or was cut off at the length limit",
        ),
        head(
            Key::Probability,
            "sure",
            Width::Number(60.0),
            "Mean probability of its tokens: how sure the model was",
        ),
        head(
            Key::Path,
            "path",
            Width::Text(105.0),
            "The way of reasoning in its canonical form: equal paths read the same here",
        ),
    ]);
    heads
}

/// Draws the rows of `order`, the chosen one marked.
pub fn show(
    ui: &mut Ui,
    sheet: &Sheet,
    order: &[usize],
    sort: Option<Sort>,
    chosen: Option<usize>,
    scroll: bool,
) -> Done {
    let mut done = Done::default();
    ScrollArea::horizontal()
        .id_salt("completions across")
        .show(ui, |ui| {
            ui.set_min_width(LEAST_WIDTH.max(ui.available_width()));
            // Text that could be marked would swallow the clicks meant for its row.
            ui.style_mut().interaction.selectable_labels = false;
            let heads = heads(sheet);
            let mut table = TableBuilder::new(ui)
                .id_salt(("completions", heads.len()))
                .striped(true)
                .sense(Sense::click())
                .auto_shrink(false)
                .min_scrolled_height(60.0)
                .cell_layout(Layout::left_to_right(Align::Center));
            for head in &heads {
                table = table.column(match head.width {
                    Width::Text(width) => Column::remainder().at_least(width).clip(true),
                    Width::Number(width) => Column::exact(width),
                });
            }
            let at = chosen.and_then(|chosen| order.iter().position(|&row| row == chosen));
            if let Some(at) = at.filter(|_| scroll) {
                table = table.scroll_to_row(at, None);
            }
            table
                .header(ROW, |mut header| {
                    for head in &heads {
                        header.col(|ui| {
                            if heading(ui, head, sort) {
                                done.sort = Some(head.key);
                            }
                        });
                    }
                })
                .body(|body| {
                    body.rows(ROW, order.len(), |mut row| {
                        let Some(&index) = order.get(row.index()) else {
                            return;
                        };
                        row.set_selected(chosen == Some(index));
                        let group = &sheet.groups[sheet.entries[index].group].rows;
                        let begins = group.len() > 1 && group.start == index;
                        row.set_overline(sort.is_none() && begins && row.index() > 0);
                        cells(&mut row, sheet, index, chosen == Some(index), &mut done);
                        if row.response().clicked() {
                            done.row = Some(index);
                        }
                    });
                });
        });
    done
}

fn heading(ui: &mut Ui, head: &Head, sort: Option<Sort>) -> bool {
    let sort = sort.filter(|sort| sort.key == head.key);
    let title = RichText::new(&head.title).strong();
    // Of the fonts there are, the one for code has these marks.
    let marked = |mark: &str| Button::new((title.clone(), RichText::new(mark).monospace()));
    let button = match sort.map(|sort| sort.descending) {
        Some(true) => marked("▼"),
        Some(false) => marked("▲"),
        None => Button::new(title),
    };
    let button = button.frame(false).wrap_mode(egui::TextWrapMode::Extend);
    let help = format!("{}. Click to sort", head.help);
    ui.add(button).on_hover_text(help).clicked()
}

fn cells(row: &mut TableRow<'_, '_>, sheet: &Sheet, index: usize, chosen: bool, done: &mut Done) {
    let (record, entry) = (&sheet.records[index], &sheet.entries[index]);
    row.col(|ui| {
        // A button, so that rows can be reached and opened with the keyboard.
        let text = RichText::new(one_line(&record.prompt, CELL)).monospace();
        if ui
            .add(Button::selectable(chosen, text).truncate())
            .clicked()
        {
            done.row = Some(index);
        }
    });
    row.col(|ui| {
        let text = RichText::new(one_line(&record.completion, CELL)).monospace();
        ui.add(egui::Label::new(text).truncate());
    });
    row.col(|ui| {
        widgets::verdict(ui, record.verdict());
    });
    number(row, Some(plain(entry.reward)));
    for place in 0..sheet.parts.len() {
        number(
            row,
            part(record, place).map(|value| plain(f64::from(value))),
        );
    }
    row.col(|ui| match record.advantage {
        Some(advantage) => {
            let color = tint(ui, advantage);
            ui.label(
                RichText::new(signed(f64::from(advantage)))
                    .monospace()
                    .color(color),
            );
        }
        None => missing(ui),
    });
    number(row, Some(record.tokens.to_string()));
    row.col(|ui| {
        if record.finished {
            ui.weak("ended");
        } else {
            ui.colored_label(theme::palette(ui).notice, "cut off");
        }
    });
    row.col(|ui| match entry.probability {
        Some(probability) => {
            let color = theme::palette(ui).share(probability);
            let (rect, _) = ui.allocate_exact_size(egui::vec2(8.0, 12.0), Sense::hover());
            ui.painter().rect_filled(rect, 2.0, color);
            ui.label(RichText::new(format!("{probability:.2}")).monospace());
        }
        None => missing(ui),
    });
    row.col(|ui| match &record.path {
        Some(path) => {
            let text = RichText::new(one_line(path, CELL)).monospace();
            ui.add(egui::Label::new(text).truncate());
        }
        None => missing(ui),
    });
}

/// The colour of an advantage.
pub fn tint(ui: &Ui, advantage: f32) -> egui::Color32 {
    if advantage == 0.0 {
        ui.visuals().weak_text_color()
    } else {
        theme::palette(ui).verdict(advantage > 0.0)
    }
}

fn number(row: &mut TableRow<'_, '_>, text: Option<String>) {
    row.col(|ui| match text {
        Some(text) => {
            ui.label(RichText::new(text).monospace());
        }
        None => missing(ui),
    });
}

fn missing(ui: &mut Ui) {
    ui.weak("–").on_hover_text("Not known for this completion");
}
