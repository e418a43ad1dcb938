//! The results of one run: exams over the run, and the final test beside the one after warm-up.

use std::collections::{BTreeMap, BTreeSet};

use super::charts::heat_map;
use super::format::{number, percent, points};
use super::page::{figure, paragraph, table};
use crate::evaluation::catalogue::{Unit, describe, rank};
use crate::evaluation::names;
use crate::runs::outcome::{Outcome, Score, Test};
use crate::training::EvaluationRecord;

/// Columns of the heat map: of more exams, the last of each stretch is shown.
const MOST_EXAMS: usize = 30;

/// Accuracy in the exams, by level and step.
pub fn exams(evaluations: &[EvaluationRecord]) -> String {
    let exams: BTreeMap<(u32, u64), f64> = evaluations
        .iter()
        .filter(|record| record.kind == "exam" && record.perturbation.is_none())
        .filter_map(|record| {
            Some((
                (record.level, record.step),
                *record.metrics.get("accuracy")?,
            ))
        })
        .collect();
    if exams.is_empty() {
        return String::new();
    }
    let levels: BTreeSet<u32> = exams.keys().map(|&(level, _)| level).collect();
    let steps: Vec<u64> = exams
        .keys()
        .map(|&(_, step)| step)
        .collect::<BTreeSet<u64>>()
        .into_iter()
        .collect();
    let every = steps.len().div_ceil(MOST_EXAMS);
    // The last exam of each stretch, so that the final one is always there.
    let shown: Vec<u64> = steps
        .rchunks(every)
        .filter_map(|stretch| stretch.last().copied())
        .rev()
        .collect();
    let cells: Vec<Vec<Option<f64>>> = levels
        .iter()
        .map(|&level| {
            shown
                .iter()
                .map(|&step| exams.get(&(level, step)).copied())
                .collect()
        })
        .collect();
    figure(
        "Accuracy by level",
        "Percent of problems solved at the first try (greedy), by level and step, on problems the \
         model never trains on. Exams choose which levels are open, so the result is reported on \
         the separate final test.",
        &[],
        &heat_map(
            "Exam accuracy by level and step",
            &levels
                .iter()
                .map(|level| format!("level {level}"))
                .collect::<Vec<_>>(),
            &shown.iter().map(u64::to_string).collect::<Vec<_>>(),
            &cells,
            "step",
        ),
    )
}

/// The final test in tables.
pub fn final_test(outcome: &Outcome) -> String {
    let (Some(test), warm) = (&outcome.last, outcome.after_warmup.as_ref()) else {
        return String::new();
    };
    by_level(test, warm) + &faithfulness(test) + &metrics(test, warm) + &robustness(test)
}

fn by_level(test: &Test, warm: Option<&Test>) -> String {
    let mut head = vec!["", "problems", "accuracy", "95 % interval"];
    if warm.is_some() {
        head.extend(["after warm-up", "gain (points)"]);
    }
    let row = |name: String, score: &Score, before: Option<&Score>| {
        let accuracy = score.accuracy();
        let interval = score.accuracy_interval().map_or("–".into(), |interval| {
            format!("{} to {}", percent(interval.low), percent(interval.high))
        });
        let mut cells = vec![
            name,
            score.problems.to_string(),
            shown(accuracy, percent),
            interval,
        ];
        if warm.is_some() {
            let before = before.and_then(Score::accuracy);
            cells.push(shown(before, percent));
            cells.push(shown(
                accuracy.zip(before).map(|(end, start)| end - start),
                points,
            ));
        }
        cells
    };
    let mut rows: Vec<Vec<String>> = test
        .levels
        .iter()
        .map(|(level, (unseen, score))| {
            let before = warm
                .and_then(|warm| warm.levels.get(level))
                .map(|(_, score)| score);
            let note = if *unseen { " (never trained on)" } else { "" };
            row(format!("level {level}{note}"), score, before)
        })
        .collect();
    rows.push(row(
        "all trained levels".into(),
        &test.seen,
        warm.map(|warm| &warm.seen),
    ));
    if test.unseen.problems > 0 {
        let before = warm
            .map(|warm| &warm.unseen)
            .filter(|score| score.problems > 0);
        rows.push(row("all unseen levels".into(), &test.unseen, before));
    }
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    format!("<h4>Accuracy</h4>\n{}", table(&head, &rows))
}

/// How many of the right answers are right for the right reason.
fn faithfulness(test: &Test) -> String {
    let Some(share) = test.seen.metrics.get(names::FAITHFULNESS) else {
        return String::new();
    };
    paragraph(&format!(
        "Of the right answers, {} are reasoned soundly from the first step to the last; the others are right \
         although a step does not hold.",
        percent(*share)
    ))
}

/// A metric's name for people and what it means; none for one that is not known.
pub fn metric_name(name: &str) -> Option<(String, &'static str)> {
    let (metric, number) = describe(name)?;
    Some((metric.title_with(number), metric.meaning))
}

/// A metric's value as people read it.
pub fn metric_value(name: &str, value: f64) -> String {
    match describe(name).map(|(metric, _)| metric.unit) {
        Some(Unit::Share) => percent(value),
        _ => number(value),
    }
}

fn metrics(test: &Test, warm: Option<&Test>) -> String {
    let mut listed: Vec<&String> = test
        .seen
        .metrics
        .keys()
        .filter(|name| *name != "accuracy" && *name != names::FAITHFULNESS)
        .collect();
    if listed.is_empty() {
        return String::new();
    }
    listed.sort_by_key(|name| (rank(name), *name));
    let mut head = vec!["", "final test"];
    head.extend(warm.map(|_| "after warm-up"));
    head.push("what it is");
    let rows: Vec<Vec<String>> = listed
        .into_iter()
        .map(|name| {
            let (title, meaning) = metric_name(name).unwrap_or((name.clone(), ""));
            let mut row = vec![title, metric_value(name, test.seen.metrics[name])];
            if let Some(warm) = warm {
                let before = warm.seen.metrics.get(name).copied();
                row.push(shown(before, |value| metric_value(name, value)));
            }
            row.push(meaning.into());
            row
        })
        .collect();
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    format!(
        "<h4>With several samples per problem</h4>\n{}{}",
        paragraph(
            "Means over the problems of the trained levels, each over the problems that it is defined for. \
             What a number of ways grows or falls with is said beside it."
        ),
        table(&head, &rows).replacen("<table>", "<table class=\"last-text\">", 1)
    )
}

fn robustness(test: &Test) -> String {
    if test.perturbations.is_empty() {
        return String::new();
    }
    let plain = test.seen.accuracy();
    let rows: Vec<Vec<String>> = test
        .perturbations
        .iter()
        .map(|(name, score)| {
            let change = score
                .accuracy()
                .zip(plain)
                .map(|(changed, plain)| changed - plain);
            vec![
                name.clone(),
                score.problems.to_string(),
                shown(score.accuracy(), percent),
                shown(change, points),
            ]
        })
        .collect();
    let head = ["perturbation", "problems", "accuracy", "change (points)"].map(str::to_owned);
    format!(
        "<h4>Robustness</h4>\n{}{}",
        paragraph("The same problems in other words; their meaning and answer do not change."),
        table(&head, &rows)
    )
}

fn shown(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "–".into(), show)
}
