//! The report of several runs side by side.

use std::collections::BTreeMap;

use super::charts::{Bar, bars};
use super::format::{number, percent_within, points, short, whole, within};
use super::overlays::{balances, histories, look, pass_curves};
use super::page::{Parts, details, document, escape, figure, grid, paragraph, table};
use super::results::{metric_name, metric_value};
use crate::evaluation::names;
use crate::runs::compare::{Comparison, Estimate, Family, Group};
use crate::runs::read::RunData;

/// The page of a comparison. `runs` are the runs it was made of.
pub fn page(comparison: &Comparison, runs: &[RunData]) -> String {
    let groups = &comparison.groups;
    let members = members(groups, runs);
    let labels: Vec<&str> = groups.iter().map(|group| group.label.as_str()).collect();
    let mut body = format!(
        "<header>\n<p class=\"kind\">SASR comparison: {}</p>\n<h1>{} ways to train, {} runs</h1>\n\
         <p class=\"summary\">{}</p>\n</header>\n",
        escape(&labels.join(", ")),
        groups.len(),
        runs.len(),
        escape(&verdict(comparison))
    );
    let mut parts = Parts::default();
    let head: String = comparison.head.iter().map(|line| paragraph(line)).collect();
    body += &head;
    parts.add(
        "Differences",
        "On the final test, problem by problem and, where both ran the same seeds, seed by seed: pairing \
         takes the luck of easy or hard problems and seeds out of the difference. Intervals come from \
         drawing problems (within their levels) and seeds anew (bootstrap); with several seeds, Student's t \
         over the seeds has to agree. p-values are corrected for all comparisons in accuracy, and for all in the other numbers (Holm).",
        &sentences(comparison),
    );
    parts.add(
        "Results",
        "Means over runs with 95 % intervals: over seeds (Student's t) where there are several, \
         over problems where there is one.",
        &(results(groups) + &levels(groups)),
    );
    parts.add("Accuracy and diversity", "", &outcome_bars(groups));
    parts.add("Several samples per problem", "", &samples(groups));
    parts.add(
        "Robustness",
        "The same problems in other words, with meaning and answer unchanged.",
        &robustness(groups),
    );
    parts.add(
        "Over the run",
        "Lines are means over seeds, bands reach from the lowest seed to the highest.",
        &histories(groups, &members),
    );
    parts.add(
        "How each run was balanced",
        "Probability of SFT over the steps; the strip beneath is blue for SFT and orange for GRPO.",
        &balances(groups, &members),
    );
    parts.add("Cost", "Means over runs.", &costs(groups));
    parts.add(
        "Settings that differ",
        "Everything else is the same in all runs, apart from name, seed, device, and what is kept.",
        &settings(comparison),
    );
    body += &parts.finish();
    document("SASR comparison", &body)
}

/// Each group's runs, in the order of its outcomes.
fn members<'a>(groups: &[Group], runs: &'a [RunData]) -> Vec<Vec<&'a RunData>> {
    let of = |group: &Group| {
        group
            .members
            .iter()
            .filter_map(|&index| runs.get(index))
            .collect()
    };
    groups.iter().map(of).collect()
}

fn verdict(comparison: &Comparison) -> String {
    let tested: Vec<_> = comparison
        .differences
        .iter()
        .filter(|paired| paired.metric == "accuracy")
        .filter_map(|paired| Some((paired, paired.difference?)))
        .collect();
    if tested.is_empty() {
        return "There are no two groups to compare on the same test problems.".into();
    }
    let name = |first: &str, list: Vec<&str>| match list.is_empty() {
        true => String::new(),
        false => format!("{first} {}", list.join(", ")),
    };
    let which = |keep: &dyn Fn(f64, bool) -> bool| -> Vec<&str> {
        tested
            .iter()
            .filter(|(paired, difference)| keep(difference.mean, paired.is_significant()))
            .map(|(paired, _)| paired.second.as_str())
            .collect()
    };
    let parts: Vec<String> = [
        name(
            "significantly better than",
            which(&|mean, sure| sure && mean > 0.0),
        ),
        name(
            "significantly worse than",
            which(&|mean, sure| sure && mean < 0.0),
        ),
        name("not distinguishable from", which(&|_, sure| !sure)),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect();
    format!(
        "In greedy accuracy, {} is {}.",
        comparison.reference().label,
        parts.join("; ")
    )
}

fn sentences(comparison: &Comparison) -> String {
    let list = |items: Vec<String>, class: &str| match items.is_empty() {
        true => String::new(),
        false => {
            let items: String = items
                .iter()
                .map(|item| format!("<li>{item}</li>\n"))
                .collect();
            format!("<ul class=\"plain {class}\">\n{items}</ul>\n")
        }
    };
    let of = |other: bool| -> Vec<String> {
        let all = comparison.differences.iter();
        let of = all.filter(|d| (d.family == Family::Other) == other);
        of.map(|d| escape(&d.sentence)).collect()
    };
    let others = of(true);
    let others = match others.len() {
        0 => String::new(),
        count => details(
            &format!("{count} differences in other numbers"),
            &list(others, "small"),
        ),
    };
    let notes = comparison.notes.iter().map(|note| escape(note)).collect();
    list(of(false), "") + &others + &list(notes, "small")
}

/// A share in percent with its interval.
fn share(estimate: &Estimate) -> String {
    percent_within(estimate.mean, estimate.interval)
}

/// A row per group and a column per number that at least one group has.
fn group_table(groups: &[Group], columns: &[(String, Vec<Option<String>>)]) -> String {
    let columns: Vec<_> = columns
        .iter()
        .filter(|(_, cells)| cells.iter().any(Option::is_some))
        .collect();
    if columns.is_empty() {
        return String::new();
    }
    let head: Vec<String> = ["method", "runs"]
        .into_iter()
        .map(str::to_owned)
        .chain(columns.iter().map(|(title, _)| title.clone()))
        .collect();
    let rows: Vec<Vec<String>> = groups
        .iter()
        .enumerate()
        .map(|(index, group)| {
            let cells = columns.iter().map(|(_, cells)| cells[index].clone());
            [group.label.clone(), group.outcomes.len().to_string()]
                .into_iter()
                .chain(cells.map(|cell| cell.unwrap_or_else(|| "–".into())))
                .collect()
        })
        .collect();
    table(&head, &rows)
}

/// A column of [`group_table`] from a named number.
fn numbers(
    groups: &[Group],
    title: &str,
    name: &str,
    show: impl Fn(&Estimate) -> String,
) -> (String, Vec<Option<String>>) {
    (
        title.to_owned(),
        groups
            .iter()
            .map(|group| group.numbers.get(name).map(&show))
            .collect(),
    )
}

/// The names of `mean@n`, `pass@n` and `maj@n`, as the first group that has them calls them.
fn sampled(groups: &[Group]) -> Vec<String> {
    ["mean@", "pass@", "maj@"]
        .into_iter()
        .filter_map(|prefix| groups.iter().find_map(|group| group.sampled_name(prefix)))
        .map(str::to_owned)
        .collect()
}

fn results(groups: &[Group]) -> String {
    let plain = |estimate: &Estimate| within(number(estimate.mean), estimate.interval, number);
    let gain = |estimate: &Estimate| within(points(estimate.mean), estimate.interval, points);
    let mut columns = vec![numbers(groups, "accuracy", "accuracy", share)];
    columns.extend(
        sampled(groups)
            .iter()
            .map(|name| numbers(groups, name, name, share)),
    );
    columns.extend([
        numbers(
            groups,
            "two right samples differ",
            names::CORRECT_PATH_SIMPSON,
            share,
        ),
        numbers(
            groups,
            "paths among 4 right",
            names::RAREFIED_CORRECT_PATHS,
            plain,
        ),
        numbers(
            groups,
            "right for the right reason",
            names::SAMPLED_FAITHFULNESS,
            share,
        ),
        numbers(groups, "reworded", "accuracy_perturbed", share),
        numbers(groups, "unseen levels", "accuracy_unseen", share),
        numbers(groups, "gain since warm-up", "gain", gain),
    ]);
    group_table(groups, &columns)
}

fn levels(groups: &[Group]) -> String {
    let mut levels: BTreeMap<u32, bool> = BTreeMap::new();
    for (level, (unseen, _)) in groups.iter().flat_map(|group| &group.levels) {
        levels.insert(*level, *unseen);
    }
    if levels.len() < 2 {
        return String::new();
    }
    let columns: Vec<_> = levels
        .into_iter()
        .map(|(level, unseen)| {
            let title = format!("level {level}{}", if unseen { " (unseen)" } else { "" });
            let cell = |group: &Group| {
                group
                    .levels
                    .get(&level)
                    .map(|(_, estimate)| share(estimate))
            };
            (title, groups.iter().map(cell).collect())
        })
        .collect();
    format!(
        "<h4>Accuracy by level</h4>\n{}",
        group_table(groups, &columns)
    )
}

/// Bars of one number over the groups.
fn bar_figure(groups: &[Group], name: &str, title: &str, explanation: &str, share: bool) -> String {
    let drawn: Vec<Bar> = groups
        .iter()
        .enumerate()
        .filter_map(|(index, group)| {
            let estimate = group.numbers.get(name)?;
            Some(Bar {
                name: group.label.clone(),
                colour: look(groups, index).0,
                value: estimate.mean,
                interval: estimate.interval,
                text: metric_value(name, estimate.mean),
            })
        })
        .collect();
    if drawn.is_empty() {
        return String::new();
    }
    let end = share.then_some(1.0);
    figure(title, explanation, &[], &bars(title, &drawn, end))
}

fn outcome_bars(groups: &[Group]) -> String {
    let mut figures = vec![bar_figure(
        groups,
        "accuracy",
        "Accuracy",
        "Share of test problems solved at the first try. Error bars are 95 % intervals.",
        true,
    )];
    for (name, share) in [
        (names::CORRECT_PATH_SIMPSON, true),
        (names::RAREFIED_CORRECT_PATHS, false),
        (names::SAMPLED_FAITHFULNESS, true),
        (names::SELF_BLEU, true),
    ] {
        let (title, meaning) = metric_name(name).unwrap_or_default();
        let explanation = format!("{meaning}.");
        figures.push(bar_figure(groups, name, &title, &explanation, share));
    }
    grid(&figures)
}

fn samples(groups: &[Group]) -> String {
    let name = groups
        .iter()
        .find_map(|group| group.sampled_name("maj@"))
        .unwrap_or_default();
    let votes = bar_figure(
        groups,
        name,
        &format!("Majority vote, {name}"),
        "Share of problems whose most frequent answer among the samples is right.",
        true,
    );
    grid(&[pass_curves(groups), votes])
}

fn robustness(groups: &[Group]) -> String {
    let mut reworded: Vec<&String> = groups
        .iter()
        .flat_map(|group| group.perturbations.keys())
        .collect();
    reworded.sort();
    reworded.dedup();
    if reworded.is_empty() {
        return String::new();
    }
    let mut columns = vec![numbers(groups, "as they are", "accuracy", share)];
    columns.extend(reworded.into_iter().map(|name| {
        let cells = groups
            .iter()
            .map(|group| group.perturbations.get(name).map(share));
        (name.clone(), cells.collect())
    }));
    group_table(groups, &columns)
}

fn costs(groups: &[Group]) -> String {
    let count = |estimate: &Estimate| whole(estimate.mean);
    let columns = [
        numbers(groups, "SFT steps", "sft_steps", count),
        numbers(groups, "GRPO steps", "grpo_steps", count),
        numbers(groups, "blended steps", "blend_steps", count),
        numbers(groups, "training tokens", "tokens", |estimate| {
            short(estimate.mean)
        }),
        numbers(groups, "seconds", "seconds", |estimate| {
            number(estimate.mean)
        }),
        numbers(
            groups,
            "tokens of exams and tests",
            "evaluation_tokens",
            |estimate| short(estimate.mean),
        ),
    ];
    group_table(groups, &columns)
}

fn settings(comparison: &Comparison) -> String {
    if comparison.config_differences.is_empty() {
        return String::new();
    }
    let head: Vec<String> = ["setting".to_owned()]
        .into_iter()
        .chain(comparison.groups.iter().map(|group| group.label.clone()))
        .collect();
    let rows: Vec<Vec<String>> = comparison
        .config_differences
        .iter()
        .map(|difference| {
            let path = [difference.path.clone()];
            path.into_iter()
                .chain(difference.values.iter().cloned())
                .collect()
        })
        .collect();
    table(&head, &rows)
}
