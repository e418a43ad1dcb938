//! The results in a table, the differences in words, and the settings that differ.

use eframe::egui::{self, RichText, Ui};

use super::look::{Look, Unit, basis_text, interval_text, looks, shown};
use crate::app::theme;
use crate::app::widgets::section;
use crate::evaluation::catalogue::{Metric, Part, describe, rank};
use crate::runs::Comparison;
use crate::runs::compare::{Basis, Estimate, Family, Group, PairedDifference};

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Its name in [`Group::numbers`].
    pub name: String,
    pub title: String,
    pub metric: &'static Metric,
}

/// Parts of the table.
const PARTS: [(Part, &str); 3] = [
    (Part::FirstTry, "Final test, first try"),
    (Part::Samples, "Several samples per problem"),
    (Part::Cost, "Cost, mean over runs"),
];

/// The rows that at least one group has a number for.
pub fn measures(groups: &[Group]) -> Vec<Measure> {
    let mut names: Vec<&String> = groups
        .iter()
        .flat_map(|group| group.numbers.keys())
        .collect();
    names.sort_by_key(|name| (rank(name), *name));
    names.dedup();
    let measure = |name: &String| {
        let (metric, number) = describe(name)?;
        Some(Measure {
            name: name.clone(),
            title: metric.title_with(number),
            metric,
        })
    };
    names.into_iter().filter_map(measure).collect()
}

/// Draws notes, differences and the table.
pub fn show(ui: &mut Ui, comparison: &Comparison) {
    for sentence in &comparison.head {
        ui.label(RichText::new(sentence).small().weak());
    }
    notes(ui, &comparison.notes);
    if !comparison.differences.is_empty() {
        section(ui, "Which differences are real", |ui| {
            differences(ui, comparison)
        });
    }
    section(ui, "Results", |ui| table(ui, &comparison.groups));
}

fn notes(ui: &mut Ui, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    let color = theme::palette(ui).notice;
    egui::Frame::group(ui.style())
        .stroke(egui::Stroke::new(1.5, color))
        .fill(color.gamma_multiply(0.08))
        .show(ui, |ui| {
            ui.set_width(ui.available_width().min(900.0));
            let title = "Before these numbers are believed";
            ui.label(RichText::new(title).strong().color(color));
            for note in notes {
                ui.horizontal_top(|ui| {
                    ui.label("•");
                    ui.add(egui::Label::new(note).wrap());
                });
            }
        });
}

fn differences(ui: &mut Ui, comparison: &Comparison) {
    ui.set_width(ui.available_width().min(900.0));
    let (others, main): (Vec<_>, Vec<_>) =
        (comparison.differences.iter()).partition(|paired| paired.family == Family::Other);
    sentences(ui, &main);
    if !others.is_empty() {
        let title = format!("{} differences in other numbers", others.len());
        egui::CollapsingHeader::new(title)
            .id_salt("differences in other numbers")
            .show(ui, |ui| sentences(ui, &others));
    }
    let hint = "On the final test, problem by problem and, where both ran the same seeds, seed by seed: \
                pairing takes the luck of easy or hard problems and seeds out of the difference. The \
                interval comes from drawing problems (within their levels) and seeds anew (bootstrap); with \
                several seeds, Student's t over the seeds has to agree. p-values are corrected (Holm) for \
                all comparisons in accuracy, for all in the main other numbers, and for all in the rest";
    ui.label(
        RichText::new("How this is tested")
            .small()
            .weak()
            .underline(),
    )
    .on_hover_text(hint);
}

fn sentences(ui: &mut Ui, differences: &[&PairedDifference]) {
    let colors = theme::palette(ui);
    for paired in differences {
        ui.horizontal_top(|ui| {
            let (sign, color) = match paired.difference {
                Some(_) if paired.is_significant() => ("✔", colors.right),
                Some(_) => ("≈", colors.faint),
                None => ("–", colors.faint),
            };
            ui.label(RichText::new(sign).color(color).strong());
            ui.add(egui::Label::new(&paired.sentence).wrap());
        });
    }
}

fn table(ui: &mut Ui, groups: &[Group]) {
    let looks = looks(ui, groups);
    let measures = measures(groups);
    ui.label(RichText::new(over(groups)).small().weak());
    egui::Grid::new("results of groups")
        .striped(true)
        .spacing([12.0, 4.0])
        .show(ui, |ui| {
            head(ui, groups, &looks);
            for (part, title) in PARTS {
                let mut of_part = measures.iter().filter(|m| m.metric.part == part).peekable();
                if of_part.peek().is_none() {
                    continue;
                }
                ui.label(RichText::new(title).small().weak());
                ui.end_row();
                for measure in of_part {
                    ui.label(&measure.title)
                        .on_hover_text(measure.metric.meaning);
                    for group in groups {
                        cell(ui, group.numbers.get(&measure.name), measure.metric.unit);
                    }
                    ui.end_row();
                }
            }
        });
}

fn head(ui: &mut Ui, groups: &[Group], looks: &[Look]) {
    ui.label("");
    for (group, look) in groups.iter().zip(looks) {
        ui.vertical(|ui| {
            ui.set_max_width(220.0);
            let name = RichText::new(&group.label).strong().color(look.text);
            ui.add(egui::Label::new(name).truncate())
                .on_hover_text(&group.label);
            let seeds = super::count(group.members.len(), "seed");
            ui.label(RichText::new(seeds).small().weak())
                .on_hover_text(hint_over(group));
        });
    }
    ui.end_row();
}

/// What intervals are over, in a few words.
fn over(groups: &[Group]) -> &'static str {
    let is_over = |basis: &[Basis]| {
        let mut all = groups.iter().filter_map(basis_of);
        all.all(|one| basis.contains(&one))
    };
    if is_over(&[Basis::Seeds]) {
        "Means over seeds, with 95 % intervals over seeds"
    } else if is_over(&[Basis::Problems, Basis::Single]) {
        "One seed each: 95 % intervals are over test problems"
    } else {
        "95 % intervals over seeds; where there is one seed, over test problems"
    }
}

fn basis_of(group: &Group) -> Option<Basis> {
    Some(group.numbers.get("accuracy")?.basis)
}

fn hint_over(group: &Group) -> String {
    let accuracy = group.numbers.get("accuracy");
    accuracy.map_or_else(|| "None of its runs has come to its end".into(), basis_text)
}

/// A number with its interval, and on hover what that is over and the value of every run.
fn cell(ui: &mut Ui, estimate: Option<&Estimate>, unit: Unit) {
    let Some(estimate) = estimate else {
        ui.label(RichText::new("–").weak())
            .on_hover_text("Not measured in these runs");
        return;
    };
    let cost = matches!(unit, Unit::Whole | Unit::Seconds);
    let text = shown(unit, estimate.mean);
    let response = ui
        .horizontal(|ui| {
            let value = ui.label(RichText::new(text).strong());
            match interval_text(estimate, unit) {
                interval if interval.is_empty() || cost => value,
                interval => value.union(ui.label(RichText::new(interval).small().weak())),
            }
        })
        .inner;
    let values: Vec<String> = estimate
        .values
        .iter()
        .map(|value| shown(unit, *value))
        .collect();
    let each = format!("Run by run: {}", values.join(", "));
    response.on_hover_text(match cost {
        true => each,
        false => format!("{}\n{each}", basis_text(estimate)),
    });
}

/// Draws the settings in which the groups differ.
pub fn settings(ui: &mut Ui, comparison: &Comparison) {
    let groups = &comparison.groups;
    let differences = &comparison.config_differences;
    if differences.is_empty() {
        let text = match groups.len() {
            1 => "There is one group: its runs differ in nothing but their seed",
            _ => "The groups differ in nothing but their name",
        };
        ui.label(text);
        return;
    }
    let looks = looks(ui, groups);
    egui::Grid::new("settings that differ")
        .striped(true)
        .spacing([18.0, 5.0])
        .show(ui, |ui| {
            ui.label(RichText::new("Setting").weak());
            for (group, look) in groups.iter().zip(&looks) {
                let name = RichText::new(&group.label).strong().color(look.text);
                ui.scope(|ui| {
                    ui.set_max_width(220.0);
                    ui.add(egui::Label::new(name).truncate())
                        .on_hover_text(&group.label);
                });
            }
            ui.end_row();
            for difference in differences {
                ui.label(RichText::new(&difference.path).monospace());
                for value in &difference.values {
                    ui.label(RichText::new(value).monospace());
                }
                ui.end_row();
            }
        });
    ui.add_space(6.0);
    let text = "Everything else is the same in all runs, apart from name, seed, device, and what \
                is kept of a run";
    ui.label(RichText::new(text).weak());
}
