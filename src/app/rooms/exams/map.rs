//! The heat map: levels down, steps across, colour for accuracy.

use eframe::egui::{self, Align2, Color32, FontId, Rect, ScrollArea, Sense, Stroke, Ui};
use eframe::egui::{pos2, vec2};

use super::grid::{Bin, Cell, Grid, Spot, Zoom, fitting, openings, title, zoom};
use crate::app::theme;

/// Width of the levels' names.
const NAMES: f32 = 108.0;
const HEAD: f32 = 22.0;
/// Width of a test's column.
const TEST: f32 = 92.0;
/// Columns do not grow beyond this.
const WIDEST: f32 = 64.0;
/// Narrower columns have no numbers, and are no widgets of their own.
const READABLE: f32 = 24.0;

/// The map's view state and what was worked out for it.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Map {
    /// None shows all exams.
    degree: Option<usize>,
    #[serde(skip)]
    bins: Vec<Bin>,
    #[serde(skip)]
    ends: Vec<u64>,
    /// Exams taken together in `bins`; 0 before there are any.
    #[serde(skip)]
    per: usize,
}

/// What the map is drawn from.
pub struct Shown<'a> {
    pub grid: &'a Grid,
    pub opened: &'a [(u64, u32)],
    /// The place that is open.
    pub open: Option<&'a Spot>,
    /// The step looked at in all rooms.
    pub selected: Option<u64>,
}

impl Map {
    /// The grid has changed.
    pub fn forget(&mut self) {
        self.per = 0;
    }

    /// Draws the map at most `height` high; returns the place that was clicked.
    pub fn show(&mut self, ui: &mut Ui, shown: &Shown<'_>, height: f32) -> Option<Spot> {
        let grid = shown.grid;
        let levels: Vec<u32> = grid.levels.iter().copied().collect();
        let rows = levels.len().max(1) as f32;
        let row = ((height - HEAD - 12.0) / rows).clamp(22.0, 40.0);
        let tests = (grid.tests.len() as f32 * TEST).min(ui.available_width() * 0.4);
        let gap = ui.spacing().item_spacing.x;
        let width = (ui.available_width() - NAMES - tests - 2.0 * gap).max(60.0);
        let fit = fitting(grid.exams.len(), width);
        self.controls(ui, fit, !shown.opened.is_empty());
        let degree = self.degree.unwrap_or(fit).min(fit);
        let mut zoom = zoom(degree);
        if self.per != zoom.per {
            self.bins = grid.binned(zoom.per);
            self.ends = self.bins.iter().map(|bin| bin.last).collect();
            self.per = zoom.per;
        }
        if degree == fit {
            // All are shown: the columns share the room there is.
            let share = width / self.bins.len().max(1) as f32;
            zoom.width = share.clamp(zoom.width, WIDEST);
        }
        // Tests stand beside the newest exam, not at the far end of an empty space.
        let width = width.min((self.bins.len() as f32 * zoom.width).max(60.0));
        let mut clicked = None;
        ScrollArea::vertical()
            .id_salt("map")
            .max_height(height)
            .show(ui, |ui| {
                ui.horizontal_top(|ui| {
                    names(ui, grid, &levels, row);
                    let size = vec2(width, HEAD + row * rows + 12.0);
                    ui.allocate_ui(size, |ui| {
                        clicked = self.exams(ui, shown, &levels, row, zoom, width);
                    });
                    if !grid.tests.is_empty() {
                        ui.allocate_ui(vec2(tests, size.y), |ui| {
                            let across = ScrollArea::horizontal().id_salt("tests");
                            across.show(ui, |ui| {
                                clicked = clicked.take().or(test_columns(ui, shown, &levels, row));
                            });
                        });
                    }
                });
            });
        clicked
    }

    fn controls(&mut self, ui: &mut Ui, fit: usize, opens: bool) {
        let degree = self.degree.unwrap_or(fit).min(fit);
        ui.horizontal_wrapped(|ui| {
            if fit > 0 {
                let closer = ui.add_enabled(degree > 0, egui::Button::new("Zoom in"));
                if closer
                    .on_hover_text("Wider columns; scroll for the rest")
                    .clicked()
                {
                    self.degree = Some(degree - 1);
                }
                let wider = ui.add_enabled(degree < fit, egui::Button::new("Zoom out"));
                if wider.on_hover_text("Narrower columns").clicked() {
                    self.degree = Some(degree + 1).filter(|degree| *degree < fit);
                }
                let whole = ui.add_enabled(self.degree.is_some(), egui::Button::new("Whole run"));
                if whole.clicked() {
                    self.degree = None;
                }
                let per = zoom(degree).per;
                if per > 1 {
                    ui.weak(format!("each column shows {per} exams together"));
                }
            }
            scale(ui);
            if opens {
                let (rect, _) = ui.allocate_exact_size(vec2(9.0, 12.0), Sense::hover());
                let line = Rect::from_min_size(rect.min, vec2(2.0, 12.0));
                ui.painter()
                    .rect_filled(line, 0.0, ui.visuals().strong_text_color());
                flag(ui, rect.min);
                ui.weak("a level opens");
            }
        });
    }

    fn exams(
        &self,
        ui: &mut Ui,
        shown: &Shown<'_>,
        levels: &[u32],
        row: f32,
        zoom: Zoom,
        width: f32,
    ) -> Option<Spot> {
        let mut clicked = None;
        let height = HEAD + row * levels.len() as f32;
        let all = self.bins.len() as f32 * zoom.width;
        let area = ScrollArea::horizontal()
            .id_salt("exams across")
            .stick_to_right(true);
        area.auto_shrink(false)
            .max_width(width)
            .show_viewport(ui, |ui, view| {
                let (rect, _) = ui.allocate_exact_size(vec2(all.max(1.0), height), Sense::hover());
                let from = (view.min.x / zoom.width).floor().max(0.0) as usize;
                let to = (view.max.x / zoom.width).ceil().max(0.0) as usize;
                let seen = from.min(self.bins.len())..to.min(self.bins.len());
                let place = |index: usize, level: usize| {
                    let at = rect.min + vec2(index as f32 * zoom.width, HEAD + level as f32 * row);
                    Rect::from_min_size(at, vec2(zoom.width, row))
                };
                self.steps(ui, rect, &seen, zoom);
                for index in seen.clone() {
                    let bin = &self.bins[index];
                    for (at, level) in levels.iter().enumerate() {
                        let Some(cell) = bin.cells.get(level) else {
                            continue;
                        };
                        let spot = Spot {
                            kind: "exam".into(),
                            step: bin.last,
                            level: *level,
                        };
                        let open = shown.open.is_some_and(|open| {
                            let inside = (bin.first..=bin.last).contains(&open.step);
                            open.kind == "exam" && open.level == *level && inside
                        });
                        let rect = place(index, at);
                        paint(ui, rect, cell, open);
                        if zoom.width >= READABLE && press(ui, rect, &spot, cell) {
                            clicked = Some(spot);
                        }
                    }
                }
                if zoom.width < READABLE {
                    let body = rect.with_min_y(rect.top() + HEAD).intersect(ui.clip_rect());
                    clicked = self.point(ui, body, rect, levels, row, zoom);
                }
                self.marks(ui, shown, levels, rect, row, zoom);
            });
        clicked
    }

    /// The steps above the columns, as many as there is room for.
    fn steps(&self, ui: &Ui, rect: Rect, seen: &std::ops::Range<usize>, zoom: Zoom) {
        let every = (52.0 / zoom.width).ceil().max(1.0) as usize;
        let ink = ui.visuals().weak_text_color();
        for index in seen.clone().filter(|index| index % every == 0) {
            let center = rect.left() + (index as f32 + 0.5) * zoom.width;
            // The outermost would be cut otherwise.
            let x = if every > 1 {
                center - zoom.width / 2.0
            } else {
                center
            };
            let align = if every > 1 {
                Align2::LEFT_CENTER
            } else {
                Align2::CENTER_CENTER
            };
            let at = pos2(x, rect.top() + HEAD / 2.0);
            let text = self.bins[index].last.to_string();
            ui.painter()
                .text(at, align, text, FontId::proportional(11.5), ink);
        }
    }

    /// Pointing at columns too narrow to be widgets of their own.
    fn point(
        &self,
        ui: &mut Ui,
        body: Rect,
        rect: Rect,
        levels: &[u32],
        row: f32,
        zoom: Zoom,
    ) -> Option<Spot> {
        let response = ui.interact(
            body,
            ui.scope_id().with("narrow"),
            Sense::CLICK | Sense::HOVER,
        );
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Image, true, "Accuracy by level and step")
        });
        let at = response.hover_pos()?;
        let index = ((at.x - rect.left()) / zoom.width).max(0.0) as usize;
        let level = ((at.y - rect.top() - HEAD) / row).max(0.0) as usize;
        let (bin, level) = (self.bins.get(index)?, *levels.get(level)?);
        let cell = bin.cells.get(&level)?;
        let steps = match bin.first == bin.last {
            true => format!("Step {}", bin.last),
            false => format!("Steps {} to {}", bin.first, bin.last),
        };
        let words = format!(
            "{steps}, level {level}\n{}\nClick to read the answers",
            cell.words()
        );
        let step = bin.last;
        let clicked = response.on_hover_text_at_pointer(words).clicked();
        clicked.then(|| Spot {
            kind: "exam".into(),
            step,
            level,
        })
    }

    /// Where levels opened, and the step looked at.
    fn marks(&self, ui: &Ui, shown: &Shown<'_>, levels: &[u32], rect: Rect, row: f32, zoom: Zoom) {
        let colors = theme::palette(ui);
        let columns = openings(shown.opened, &self.ends);
        for (opened, (level, column)) in shown.opened.iter().zip(columns) {
            let Some(at) = levels.iter().position(|other| *other == level) else {
                continue;
            };
            let x = rect.left() + (column as f32 * zoom.width).min(rect.width()) - 1.0;
            let top = rect.top() + HEAD + at as f32 * row;
            let line = Rect::from_min_max(pos2(x - 1.5, top), pos2(x + 1.5, top + row));
            ui.painter()
                .rect_filled(line, 0.0, ui.visuals().strong_text_color());
            flag(ui, pos2(x, top + 2.0));
            let (step, place) = (opened.0, line.expand2(vec2(6.0, 0.0)));
            let id = ui.scope_id().with(("opened", level));
            ui.interact(place, id, Sense::hover()).on_hover_text(format!(
                "Level {level} opened after the exam at step {step}; before, it was only examined"
            ));
        }
        if let Some(step) = shown.selected {
            let column = self.ends.partition_point(|&end| end < step);
            let x = rect.left() + (column as f32 + 0.5) * zoom.width;
            let y = rect.top() + HEAD;
            let mark = vec![
                pos2(x - 5.0, y - 6.0),
                pos2(x + 5.0, y - 6.0),
                pos2(x, y - 1.0),
            ];
            ui.painter().add(egui::Shape::convex_polygon(
                mark,
                colors.accent,
                Stroke::NONE,
            ));
        }
    }
}

fn names(ui: &mut Ui, grid: &Grid, levels: &[u32], row: f32) {
    let size = vec2(NAMES, HEAD + row * levels.len() as f32);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let font = FontId::proportional(13.5);
    for (at, level) in levels.iter().enumerate() {
        let top = rect.top() + HEAD + at as f32 * row;
        let place = Rect::from_min_size(pos2(rect.left(), top), vec2(NAMES, row));
        let (text, help) = match grid.unseen.contains(level) {
            true => (
                format!("level {level}, unseen"),
                "Never trained on: does it generalise?",
            ),
            false => (format!("level {level}"), "Higher levels are harder"),
        };
        let response = ui.interact(place, ui.scope_id().with(("level", *level)), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
        response.on_hover_text(help);
        let (at, ink) = (place.left_center(), ui.visuals().text_color());
        ui.painter()
            .text(at, Align2::LEFT_CENTER, text, font.clone(), ink);
    }
}

fn test_columns(ui: &mut Ui, shown: &Shown<'_>, levels: &[u32], row: f32) -> Option<Spot> {
    let grid = shown.grid;
    let size = vec2(
        grid.tests.len() as f32 * TEST,
        HEAD + row * levels.len() as f32,
    );
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let mut clicked = None;
    for (index, (kind, step, column)) in grid.tests.iter().enumerate() {
        let left = rect.left() + index as f32 * TEST;
        let place = Rect::from_min_size(pos2(left, rect.top()), vec2(TEST, HEAD));
        let ink = ui.visuals().text_color();
        let center = place.center();
        let font = FontId::proportional(12.0);
        ui.painter()
            .text(center, Align2::CENTER_CENTER, title(kind), font, ink);
        let response = ui.interact(place, ui.scope_id().with(("test", index)), Sense::hover());
        response.on_hover_text(format!(
            "A test on problems that steer nothing, at step {step}"
        ));
        for (at, level) in levels.iter().enumerate() {
            let Some(cell) = column.get(level) else {
                continue;
            };
            let at = pos2(left, rect.top() + HEAD + at as f32 * row);
            let rect = Rect::from_min_size(at, vec2(TEST, row));
            let spot = Spot {
                kind: kind.clone(),
                step: *step,
                level: *level,
            };
            paint(ui, rect, cell, shown.open == Some(&spot));
            if press(ui, rect, &spot, cell) {
                clicked = Some(spot);
            }
        }
    }
    clicked
}

/// A cell as a widget of its own; whether it was pressed.
fn press(ui: &Ui, rect: Rect, spot: &Spot, cell: &Cell) -> bool {
    let response = ui.interact(rect, ui.scope_id().with(spot), Sense::click());
    let name = || {
        let Spot { kind, step, level } = spot;
        let percent = 100.0 * cell.accuracy();
        format!(
            "{}, step {step}, level {level}: {percent:.0} %",
            title(kind)
        )
    };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name()));
    if response.has_focus() {
        let stroke = Stroke::new(2.0, ui.visuals().selection.stroke.color);
        ui.painter()
            .rect_stroke(rect.shrink(2.0), 2.0, stroke, egui::StrokeKind::Inside);
    }
    let response = response.on_hover_ui(|ui| {
        ui.strong(name());
        ui.label(cell.words());
        ui.weak("Click to read the answers");
    });
    response.clicked()
}

fn paint(ui: &Ui, rect: Rect, cell: &Cell, open: bool) {
    let accuracy = cell.accuracy();
    let fill = theme::palette(ui).share(accuracy as f32);
    let gap = if rect.width() >= READABLE { 1.0 } else { 0.0 };
    let inner = rect.shrink2(vec2(gap, 1.0));
    ui.painter().rect_filled(inner, gap * 2.0, fill);
    if rect.width() >= READABLE {
        let unit = if rect.width() >= 40.0 { " %" } else { "" };
        let text = format!("{:.0}{unit}", 100.0 * accuracy);
        let font = FontId::proportional(13.0);
        let center = Align2::CENTER_CENTER;
        ui.painter()
            .text(rect.center(), center, text, font, ink_on(fill));
    }
    if open {
        let stroke = Stroke::new(2.5, ui.visuals().strong_text_color());
        ui.painter()
            .rect_stroke(inner, 2.0, stroke, egui::StrokeKind::Inside);
    }
}

/// Black or white, whichever stands out more.
pub fn ink_on(fill: Color32) -> Color32 {
    // Weights of Rec. 709 luma; close enough to choose between two.
    let [red, green, blue] = [fill.r(), fill.g(), fill.b()].map(f32::from);
    let light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    if light > 128.0 {
        Color32::BLACK
    } else {
        Color32::WHITE
    }
}

fn scale(ui: &mut Ui) {
    ui.spacing_mut().item_spacing.x = 4.0;
    ui.weak("0 %");
    let (rect, response) = ui.allocate_exact_size(vec2(110.0, 12.0), Sense::hover());
    let slices = 22;
    for slice in 0..slices {
        let share = slice as f32 / (slices - 1) as f32;
        let left = rect.left() + slice as f32 * rect.width() / slices as f32;
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2(5.2, rect.height()));
        ui.painter()
            .rect_filled(part, 0.0, theme::palette(ui).share(share));
    }
    response.on_hover_text("Share of problems answered right");
    ui.weak("100 % right");
    ui.add_space(8.0);
}

/// The flag that marks an opening, from its pole's upper end.
fn flag(ui: &Ui, at: egui::Pos2) {
    let corners = vec![at, at + vec2(8.0, 4.5), at + vec2(0.0, 9.0)];
    let fill = ui.visuals().strong_text_color();
    ui.painter()
        .add(egui::Shape::convex_polygon(corners, fill, Stroke::NONE));
}
