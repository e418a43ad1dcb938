//! pass@k, diversity, robustness and levels: charts with a group beside the other.

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::{self, Color32, Rect, RichText, Stroke, Ui, pos2, vec2};
use egui_plot::{FilledArea, GridMark, HoverPosition, Line, Plot, PlotPoint, PlotPoints};

use super::look::{
    Look, Unit, basis_text, beside, grid, interval_text, is_alike, looks, percent_mark, shown,
};
use crate::app::theme;
use crate::app::widgets::section;
use crate::evaluation::catalogue::describe;
use crate::evaluation::{Interval, names};
use crate::runs::compare::{Basis, Estimate, Group};

/// Width from which on two charts stand side by side.
const TWO: f32 = 760.0;

/// A bar with its interval.
struct Bar<'a> {
    name: &'a str,
    color: Color32,
    estimate: &'a Estimate,
}

/// What several samples per problem show.
pub fn diversity(ui: &mut Ui, groups: &[Group]) {
    let looks = looks(ui, groups);
    if pass_points(groups).iter().all(Vec::is_empty) {
        ui.label(
            "No samples per problem were taken: the runs are not through yet, or \
             evaluation.samples is 0",
        );
        return;
    }
    let majority = groups.iter().find_map(|group| group.sampled_name("maj@"));
    let numbers = [
        names::CORRECT_PATH_SIMPSON,
        names::RAREFIED_CORRECT_PATHS,
        names::SAMPLED_FAITHFULNESS,
        names::DISTINCT_CORRECT_PATHS,
        names::DISTINCT_PATHS,
        names::CORRECT_PATH_ENTROPY,
        names::ANSWER_ENTROPY,
        names::STEP_SIZE,
        names::EAD,
        names::SELF_BLEU,
    ];
    let charts: Vec<(&str, String, &str, Unit)> = numbers
        .into_iter()
        .chain(majority)
        .filter_map(|name| {
            let (metric, number) = describe(name)?;
            Some((name, metric.title_with(number), metric.meaning, metric.unit))
        })
        .collect();
    let bars_of = |ui: &mut Ui| {
        for &(name, ref title, hint, unit) in &charts {
            let bars = bars_from(groups, &looks, |group| group.numbers.get(name));
            chart(ui, title, hint, &bars, unit);
        }
    };
    if ui.available_width() >= TWO {
        beside(ui, |ui| pass_curve(ui, groups, &looks), bars_of);
    } else {
        pass_curve(ui, groups, &looks);
        bars_of(ui);
    }
}

/// Accuracy on reworded problems and by level.
pub fn robustness(ui: &mut Ui, groups: &[Group]) {
    let looks = looks(ui, groups);
    let names: BTreeSet<&String> = groups
        .iter()
        .flat_map(|group| group.perturbations.keys())
        .collect();
    let levels: BTreeMap<u32, bool> = groups
        .iter()
        .flat_map(|group| &group.levels)
        .map(|(&level, (unseen, _))| (level, *unseen))
        .collect();
    if names.is_empty() && levels.is_empty() {
        ui.label("None of these runs has come to its final test yet");
        return;
    }
    let reworded = |ui: &mut Ui| {
        let title = "Reworded problems";
        section(ui, title, |ui| {
            ui.set_min_width(ui.available_width());
            if names.is_empty() {
                ui.label("Not measured: evaluation.robustness is off, or the task has none");
                return;
            }
            let plain = bars_from(groups, &looks, |group| group.numbers.get("accuracy"));
            let hint = "The test problems as they were written";
            bars(ui, "As they are", hint, &plain, Unit::Share);
            for name in names {
                let changed = bars_from(groups, &looks, |group| group.perturbations.get(name));
                let hint = "The same problems in other words; meaning and answer do not change";
                bars(ui, &words(name), hint, &changed, Unit::Share);
            }
        });
    };
    let by_level = |ui: &mut Ui| {
        section(ui, "Accuracy by level", |ui| {
            ui.set_min_width(ui.available_width());
            for (level, unseen) in levels {
                let end = if unseen { " (unseen)" } else { "" };
                let hint = match unseen {
                    true => "Never trained on: whether what was learnt carries over",
                    false => "Trained on, tested on other problems",
                };
                let of_level =
                    bars_from(groups, &looks, |group| Some(&group.levels.get(&level)?.1));
                bars(
                    ui,
                    &format!("Level {level}{end}"),
                    hint,
                    &of_level,
                    Unit::Share,
                );
            }
        });
    };
    if ui.available_width() >= TWO {
        beside(ui, reworded, by_level);
    } else {
        reworded(ui);
        by_level(ui);
    }
}

/// A perturbation's name in words.
fn words(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

fn bars_from<'a>(
    groups: &'a [Group],
    looks: &[Look],
    estimate: impl Fn(&'a Group) -> Option<&'a Estimate>,
) -> Vec<Bar<'a>> {
    let bar = |(group, look): (&'a Group, &Look)| {
        Some(Bar {
            name: &group.label,
            color: look.color,
            estimate: estimate(group)?,
        })
    };
    groups.iter().zip(looks).filter_map(bar).collect()
}

fn chart(ui: &mut Ui, title: &str, hint: &str, drawn: &[Bar<'_>], unit: Unit) {
    if !drawn.is_empty() {
        section(ui, title, |ui| {
            ui.set_min_width(ui.available_width());
            ui.label(RichText::new(hint).small().weak());
            bars(ui, "", hint, drawn, unit);
        });
    }
}

/// Bars under a title: name, bar with interval, number.
fn bars(ui: &mut Ui, title: &str, hint: &str, drawn: &[Bar<'_>], unit: Unit) {
    if !title.is_empty() {
        ui.label(RichText::new(title).strong().small())
            .on_hover_text(hint);
    }
    let top = |bar: &Bar<'_>| {
        let high = bar.estimate.interval.map_or(bar.estimate.mean, |i| i.high);
        high.max(bar.estimate.mean)
    };
    let limit = match unit {
        Unit::Share => 1.0,
        _ => drawn.iter().map(top).fold(1e-9, f64::max),
    };
    let width = ui.available_width().min(640.0);
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = 16.0;
        ui.spacing_mut().item_spacing.y = 3.0;
        for bar in drawn {
            draw_bar(ui, title, bar, unit, limit, width);
        }
    });
    ui.add_space(4.0);
}

fn draw_bar(ui: &mut Ui, title: &str, bar: &Bar<'_>, unit: Unit, limit: f64, width: f32) {
    let (name_width, number_width) = ((width * 0.24).clamp(50.0, 130.0), 138.0);
    let estimate = bar.estimate;
    let within = interval_text(estimate, unit);
    let text = format!("{}  {within}", shown(unit, estimate.mean));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.allocate_ui(vec2(name_width, 18.0), |ui| {
            ui.set_min_width(name_width);
            let name = RichText::new(bar.name).small();
            ui.add(egui::Label::new(name).truncate());
        });
        let bar_width = (width - name_width - number_width - 12.0).max(40.0);
        let (rect, response) = ui.allocate_exact_size(vec2(bar_width, 14.0), egui::Sense::hover());
        response.widget_info(|| {
            let words = format!("{title} {} {text}", bar.name);
            egui::WidgetInfo::labeled(egui::Role::Image, true, words.trim())
        });
        paint(ui, rect, bar, estimate.interval, limit);
        ui.label(RichText::new(&text).small());
        response.on_hover_text(format!("{}: {text}\n{}", bar.name, basis_text(estimate)));
    });
}

fn paint(ui: &Ui, rect: Rect, bar: &Bar<'_>, interval: Option<Interval>, limit: f64) {
    let painter = ui.painter_at(rect.expand(1.0));
    let x = |value: f64| rect.left() + rect.width() * (value / limit).clamp(0.0, 1.0) as f32;
    painter.rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
    let filled = Rect::from_min_max(rect.min, pos2(x(bar.estimate.mean), rect.bottom()));
    painter.rect_filled(filled, 2.0, bar.color);
    if let Some(interval) = interval.filter(|_| !is_alike(bar.estimate)) {
        let stroke = Stroke::new(1.5, ui.visuals().strong_text_color());
        let (low, high) = (x(interval.low), x(interval.high));
        painter.hline(low..=high, rect.center().y, stroke);
        for end in [low, high] {
            painter.vline(end, rect.center().y - 4.0..=rect.center().y + 4.0, stroke);
        }
    }
}

/// k and pass@k of every group, by k.
pub fn pass_points(groups: &[Group]) -> Vec<Vec<(u32, &Estimate)>> {
    let of = |group: &'_ Group| -> Vec<(u32, String)> {
        let keys = group.numbers.keys();
        let mut found: Vec<(u32, String)> = keys
            .filter_map(|key| Some((key.strip_prefix("pass@")?.parse().ok()?, key.clone())))
            .collect();
        found.sort_unstable();
        found
    };
    let with = |group| -> Vec<(u32, &Estimate)> {
        let found: Vec<(u32, String)> = of(group);
        found
            .into_iter()
            .filter_map(|(k, key)| Some((k, group.numbers.get(&key)?)))
            .collect()
    };
    groups.iter().map(with).collect()
}

fn pass_curve(ui: &mut Ui, groups: &[Group], looks: &[Look]) {
    section(ui, "pass@k", |ui| {
        ui.set_min_width(ui.available_width());
        let hint = "Chance that at least one of k samples is right. A steep rise means that the \
                    model knows more than its first try shows; a flat line that its samples are \
                    all alike";
        ui.label(RichText::new(hint).small().weak());
        let color = theme::palette(ui).faint;
        let plot = Plot::new("pass at k")
            .height(250.0)
            .grid_color(grid(ui))
            .allow_scroll(false)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_boxed_zoom(false)
            .include_y(0.0)
            .include_y(1.0)
            .x_axis_label("k, samples per problem")
            .y_axis_label("pass@k")
            .cursor_color(color)
            .y_grid_spacer(egui_plot::uniform_grid_spacer(|_| [1.0, 0.2, 0.2]))
            .y_axis_formatter(|mark, _| percent_mark(mark))
            // One line for every doubling.
            .x_grid_spacer(|input| {
                let (low, high) = (input.bounds.0.ceil() as i32, input.bounds.1.floor() as i32);
                let mark = |power: i32| GridMark {
                    value: f64::from(power),
                    step_size: 1.0,
                };
                (low.max(0)..=high.min(30)).map(mark).collect()
            })
            .x_axis_formatter(|mark, _| format!("{:.0}", mark.value.exp2()))
            .label_formatter(|position| match position {
                HoverPosition::NearDataPoint {
                    plot_name,
                    position,
                    ..
                } => Some(format!(
                    "{plot_name}\npass@{:.0}  {:.1} %",
                    position.x.exp2(),
                    100.0 * position.y
                )),
                HoverPosition::Elsewhere { .. } => None,
            });
        let drawn = plot.show(ui, |plot| {
            for (points, look) in pass_points(groups).iter().zip(looks) {
                if let Some(area) = pass_band(points, look.color) {
                    plot.add(area);
                }
            }
            for ((points, look), group) in pass_points(groups).iter().zip(looks).zip(groups) {
                let place = |&(k, estimate): &(u32, &Estimate)| {
                    PlotPoint::new(f64::from(k).log2(), estimate.mean)
                };
                let places: Vec<PlotPoint> = points.iter().map(place).collect();
                let line = Line::new(&group.label, PlotPoints::Owned(places.clone()));
                plot.line(line.color(look.color).width(2.2).style(look.style));
                let dots = egui_plot::Points::new("", PlotPoints::Owned(places));
                plot.points(dots.color(look.color).radius(3.0).allow_hover(false));
            }
        });
        drawn.response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Image, true, "pass@k over k by group")
        });
        ui.horizontal_wrapped(|ui| {
            for (group, look) in groups.iter().zip(looks) {
                ui.label(RichText::new("●").color(look.color));
                ui.add(egui::Label::new(RichText::new(&group.label).small()).truncate());
            }
        });
        let points = pass_points(groups);
        let has = |basis: Basis| points.iter().flatten().any(|(_, one)| one.basis == basis);
        let few = groups.iter().any(|group| group.members.len() == 2);
        let text = match (has(Basis::Seeds), has(Basis::Problems)) {
            (true, true) => {
                "Bands are 95 % intervals over seeds; over test problems where there is one seed"
            }
            (false, _) => "Bands are 95 % intervals over test problems: there is one seed each",
            (true, false) if few => {
                "Bands are 95 % intervals over seeds: two seeds say little, so they are wide; more seeds \
                 narrow them"
            }
            (true, false) => "Bands are 95 % intervals over seeds",
        };
        ui.label(RichText::new(text).small().weak());
    });
}

fn pass_band(points: &[(u32, &Estimate)], color: Color32) -> Option<FilledArea> {
    let mut xs = Vec::new();
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for (k, estimate) in points {
        let interval = estimate.interval?;
        xs.push(f64::from(*k).log2());
        low.push(interval.low);
        high.push(interval.high);
    }
    let area = FilledArea::new("", &xs, &low, &high);
    Some(
        area.fill_color(color.gamma_multiply(0.15))
            .allow_hover(false),
    )
}
