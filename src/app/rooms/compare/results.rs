//! The results in a table, the differences in words, and the settings that differ.

use eframe::egui::{self, RichText, Ui};

use super::look::{Look, Unit, basis_text, interval_text, looks};
use crate::app::theme;
use crate::app::widgets::section;
use crate::runs::Comparison;
use crate::runs::compare::{Basis, Estimate, Group};

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name in [`Group::numbers`].
    pub name: String,
    pub title: String,
    pub hint: &'static str,
    pub unit: Unit,
    pub part: Part,
}

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Test,
    Samples,
    Cost,
}

impl Part {
    const ALL: [(Part, &'static str); 3] = [
        (Part::Test, "Final test, first try"),
        (Part::Samples, "Several samples per problem"),
        (Part::Cost, "Cost, mean over runs"),
    ];
}

/// Names of numbers, in the order of the table; an `@` stands for every number behind it.
const MEASURES: [(Part, &str, &str, &str, Unit); 19] = [
    (
        Part::Test,
        "accuracy",
        "Accuracy",
        "Share of test problems solved at the first try",
        Unit::Share,
    ),
    (
        Part::Test,
        "accuracy_unseen",
        "Unseen levels",
        "The same on levels that are never trained on",
        Unit::Share,
    ),
    (
        Part::Test,
        "accuracy_perturbed",
        "Reworded problems",
        "The same on problems in other words, with meaning and answer unchanged",
        Unit::Share,
    ),
    (
        Part::Test,
        "gain",
        "Gain (points)",
        "Accuracy at the end of the run minus accuracy at the end of warm-up",
        Unit::Points,
    ),
    (
        Part::Samples,
        "mean@",
        "mean@",
        "Share of samples that are right, on average",
        Unit::Share,
    ),
    (
        Part::Samples,
        "pass@",
        "pass@",
        "Chance that at least one of this many samples is right",
        Unit::Share,
    ),
    (
        Part::Samples,
        "maj@",
        "maj@",
        "Chance that the most frequent answer among this many samples is right",
        Unit::Share,
    ),
    (
        Part::Samples,
        "distinct_paths",
        "Distinct paths",
        "Ways of reasoning among a problem's samples",
        Unit::Plain,
    ),
    (
        Part::Samples,
        "distinct_correct_paths",
        "Distinct correct paths",
        "Ways of solving a problem among its samples",
        Unit::Plain,
    ),
    (
        Part::Samples,
        "correct_path_entropy",
        "Correct path entropy",
        "Nats; 0 if all right samples reason alike",
        Unit::Plain,
    ),
    (
        Part::Samples,
        "path_entropy",
        "Path entropy",
        "Nats; 0 if all samples reason alike, right or wrong",
        Unit::Plain,
    ),
    (
        Part::Samples,
        "answer_entropy",
        "Answer entropy",
        "Nats; 0 if all samples of a problem end in the same answer",
        Unit::Plain,
    ),
    (
        Part::Samples,
        "ead",
        "EAD",
        "Expectation-adjusted distinct n-grams: how many differ, against what chance gives for \
         samples of this length; low if they repeat each other",
        Unit::Plain,
    ),
    (
        Part::Samples,
        "self_bleu",
        "Self-BLEU",
        "How alike the samples are; 100 % if they are the same",
        Unit::Share,
    ),
    (
        Part::Cost,
        "sft_steps",
        "SFT steps",
        "Textbook steps, warm-up included",
        Unit::Whole,
    ),
    (
        Part::Cost,
        "grpo_steps",
        "GRPO steps",
        "Quiz steps",
        Unit::Whole,
    ),
    (
        Part::Cost,
        "blend_steps",
        "Blended steps",
        "Steps of both kinds at once",
        Unit::Whole,
    ),
    (
        Part::Cost,
        "tokens",
        "Tokens",
        "Prompts and completions that were processed, probes included",
        Unit::Whole,
    ),
    (
        Part::Cost,
        "seconds",
        "Time",
        "All steps; the base model's training and the tests not counted",
        Unit::Seconds,
    ),
];

/// The rows that at least one group has a number for.
pub fn measures(groups: &[Group]) -> Vec<Measure> {
    let mut found = Vec::new();
    for (part, name, title, hint, unit) in MEASURES {
        let keys = groups.iter().flat_map(|group| group.numbers.keys());
        if !name.ends_with('@') {
            if keys.into_iter().any(|key| key == name) {
                found.push(Measure {
                    name: name.into(),
                    title: title.into(),
                    hint,
                    unit,
                    part,
                });
            }
            continue;
        }
        let mut numbers: Vec<u32> = keys
            .filter_map(|key| key.strip_prefix(name)?.parse().ok())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        found.extend(numbers.into_iter().map(|number| Measure {
            name: format!("{name}{number}"),
            title: format!("{title}{number}"),
            hint,
            unit,
            part,
        }));
    }
    found
}

/// Draws notes, differences and the table.
pub fn show(ui: &mut Ui, comparison: &Comparison) {
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
    let colors = theme::palette(ui);
    for paired in &comparison.differences {
        ui.horizontal_top(|ui| {
            let (sign, color) = match paired.difference {
                Some(difference) if difference.significant() => ("✔", colors.right),
                Some(_) => ("≈", colors.faint),
                None => ("–", colors.faint),
            };
            ui.label(RichText::new(sign).color(color).strong());
            ui.add(egui::Label::new(&paired.sentence).wrap());
        });
    }
    let hint = "Greedy accuracy on the final test, problem by problem: pairing takes the luck of \
                easy or hard problems out of the difference. The interval comes from drawing \
                problems and seeds anew (bootstrap); with several seeds, Welch's t over the seeds \
                has to agree";
    ui.label(
        RichText::new("How this is tested")
            .small()
            .weak()
            .underline(),
    )
    .on_hover_text(hint);
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
            for (part, title) in Part::ALL {
                let mut of_part = measures.iter().filter(|m| m.part == part).peekable();
                if of_part.peek().is_none() {
                    continue;
                }
                ui.label(RichText::new(title).small().weak());
                ui.end_row();
                for measure in of_part {
                    ui.label(&measure.title).on_hover_text(measure.hint);
                    for group in groups {
                        cell(ui, group.numbers.get(&measure.name), measure.unit);
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
        "One seed each: 95 % intervals of accuracies are over test problems"
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
    let text = unit.text(estimate.mean);
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
        .map(|value| unit.text(*value))
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
