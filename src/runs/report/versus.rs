//! The report of several runs side by side.

use std::collections::BTreeMap;

use super::charts::{Bar, bars};
use super::decisions::balance_chart;
use super::format::{number, percent, points, short, whole};
use super::page::{document, escape, figure, grid, section, table};
use super::plot::{Axis, Chart, Line, Stroke};
use super::results::{metric_name, metric_value};
use super::series::{Point, thin, trend};
use crate::config::Method;
use crate::evaluation::Interval;
use crate::runs::compare::{Comparison, Estimate, Group};
use crate::runs::read::RunData;
use crate::training::{Phase, StepRecord};

/// Colour and dash of a group: methods keep their colours from report to report; a second group
/// of a method is dashed, and a third dotted.
fn look(groups: &[Group], index: usize) -> (&'static str, Stroke) {
    let method = groups[index].method;
    let colour = match method {
        Method::Sasr => "c-0",
        Method::Sft => "c-1",
        Method::Grpo => "c-2",
        Method::Static => "c-3",
        Method::Periodic => "c-4",
        Method::Constant => "c-5",
        Method::Cosine => "c-6",
    };
    let twins = groups[..index]
        .iter()
        .filter(|other| other.method == method)
        .count();
    let stroke = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted][twins.min(2)];
    (colour, stroke)
}

/// The page of a comparison. `runs` are the runs it was made of.
pub fn page(comparison: &Comparison, runs: &[RunData]) -> String {
    let groups = &comparison.groups;
    let members = members(groups, runs);
    let count = runs.len();
    let names: Vec<&str> = groups.iter().map(|group| group.label.as_str()).collect();
    let mut body = format!(
        "<header>\n<p class=\"kind\">SASR comparison, {count} runs</p>\n<h1>{}</h1>\n\
         <p class=\"summary\">{}</p>\n</header>\n",
        escape(&names.join(" · ")),
        escape(&verdict(comparison))
    );
    body += &section(
        "Differences",
        "Greedy accuracy on the final test, problem by problem: pairing takes the luck of easy or \
         hard problems out of the difference. Intervals come from drawing problems and seeds \
         anew (bootstrap); with several seeds, Welch's t over the seeds has to agree.",
        &sentences(comparison),
    );
    body += &section(
        "Results",
        "Means over runs with 95 % intervals: over seeds (Student's t) where there are several, \
         over problems (Wilson) where there is one.",
        &(results(groups) + &levels(groups)),
    );
    body += &section("Accuracy and diversity", "", &outcome_bars(groups));
    body += &section("Several samples per problem", "", &pass_curves(groups));
    body += &section(
        "Robustness",
        "The same problems in other words, with meaning and answer unchanged.",
        &robustness(groups),
    );
    body += &section(
        "Over the run",
        "Lines are means over seeds, bands reach from the lowest seed to the highest.",
        &histories(groups, &members),
    );
    body += &section(
        "How each run was balanced",
        "Probability of SFT over the steps; the strip beneath is orange for SFT and blue for GRPO.",
        &balances(groups, &members),
    );
    body += &section("Cost", "Means over runs.", &costs(groups));
    body += &section(
        "Settings that differ",
        "Everything else is the same in all runs, apart from name, seed, device, and what is kept.",
        &settings(comparison),
    );
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
        .filter_map(|d| Some((d, d.difference?)))
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
            .filter(|(_, difference)| keep(difference.mean, difference.significant()))
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
    let differences = comparison
        .differences
        .iter()
        .map(|d| escape(&d.sentence))
        .collect();
    let notes = comparison.notes.iter().map(|note| escape(note)).collect();
    list(differences, "") + &list(notes, "small")
}

fn with_interval(estimate: &Estimate, show: impl Fn(f64) -> String) -> String {
    match estimate.interval {
        Some(Interval { low, high }) => {
            format!("{} [{}, {}]", show(estimate.mean), show(low), show(high))
        }
        None => show(estimate.mean),
    }
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
    let share = |estimate: &Estimate| with_interval(estimate, percent);
    let plain = |estimate: &Estimate| with_interval(estimate, number);
    let mut columns = vec![numbers(groups, "accuracy", "accuracy", share)];
    columns.extend(
        sampled(groups)
            .iter()
            .map(|name| numbers(groups, name, name, share)),
    );
    columns.extend([
        numbers(
            groups,
            "distinct right paths",
            "distinct_correct_paths",
            plain,
        ),
        numbers(groups, "reworded", "accuracy_perturbed", share),
        numbers(groups, "unseen levels", "accuracy_unseen", share),
        numbers(groups, "gain since warm-up", "gain", |e| {
            with_interval(e, points)
        }),
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
                    .map(|(_, estimate)| with_interval(estimate, percent))
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
        ("distinct_correct_paths", false),
        ("correct_path_entropy", false),
        ("self_bleu", true),
    ] {
        let (title, meaning) = metric_name(name).unwrap_or_default();
        let title = title[..1].to_uppercase() + &title[1..];
        let explanation = format!("Mean over problems: {meaning}.");
        figures.push(bar_figure(groups, name, &title, &explanation, share));
    }
    grid(&figures)
}

fn pass_curves(groups: &[Group]) -> String {
    let mut chart = Chart::new(
        "pass@k by method",
        Axis::new("k, samples per problem"),
        Axis::between("pass@k", 0.0, 1.0),
    );
    let mut ks = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        let (colour, stroke) = look(groups, index);
        let mut points: Vec<(u32, Point)> = group
            .numbers
            .iter()
            .filter_map(|(name, estimate)| {
                let k: u32 = name.strip_prefix("pass@")?.parse().ok()?;
                let x = f64::from(k).log2();
                let (low, high) = estimate
                    .interval
                    .map_or((estimate.mean, estimate.mean), |interval| {
                        (interval.low, interval.high)
                    });
                Some((
                    k,
                    Point {
                        x,
                        y: estimate.mean,
                        low,
                        high,
                    },
                ))
            })
            .collect();
        points.sort_by_key(|&(k, _)| k);
        ks.extend(points.iter().map(|&(k, point)| (k, point.x)));
        let points = points.into_iter().map(|(_, point)| point).collect();
        chart.lines.push(Line {
            name: group.label.clone(),
            colour,
            stroke,
            points,
        });
    }
    if ks.len() < 2 {
        return String::new();
    }
    chart.x.ticks = Some(ks.into_iter().map(|(k, x)| (x, k.to_string())).collect());
    let passes = figure(
        "pass@k",
        "Chance that at least one of k samples is right. A steep rise means that the model knows \
         more than its first try shows; a flat line that its samples are all alike.",
        &chart.legend(),
        &chart.svg(),
    );
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
    grid(&[passes, votes])
}

fn robustness(groups: &[Group]) -> String {
    let mut names: Vec<&String> = groups
        .iter()
        .flat_map(|group| group.perturbations.keys())
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    let share = |estimate: &Estimate| with_interval(estimate, percent);
    let mut columns = vec![numbers(groups, "as they are", "accuracy", share)];
    columns.extend(names.into_iter().map(|name| {
        let cells = groups
            .iter()
            .map(|group| group.perturbations.get(name).map(share));
        (name.clone(), cells.collect())
    }));
    group_table(groups, &columns)
}

/// A curve per run becomes one line per group: the mean over its runs, and their range.
fn over_runs(
    groups: &[Group],
    members: &[Vec<&RunData>],
    curve: impl Fn(&RunData) -> Vec<(f64, f64)>,
) -> Vec<Line> {
    let line = |(index, runs): (usize, &Vec<&RunData>)| {
        let curves: Vec<Vec<(f64, f64)>> = runs.iter().map(|run| curve(run)).collect();
        let mut at: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (x, y) in curves.into_iter().flatten() {
            at.entry(x.to_bits()).or_default().push(y);
        }
        let points = at
            .into_iter()
            .map(|(x, ys)| Point {
                x: f64::from_bits(x),
                y: ys.iter().sum::<f64>() / ys.len() as f64,
                low: ys.iter().copied().fold(f64::INFINITY, f64::min),
                high: ys.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            })
            .collect();
        let (colour, stroke) = look(groups, index);
        Line {
            name: groups[index].label.clone(),
            colour,
            stroke,
            points,
        }
    };
    members.iter().enumerate().map(line).collect()
}

/// Accuracy of each exam, over its levels.
fn exam_curve(run: &RunData) -> Vec<(f64, f64)> {
    let mut exams: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for record in run
        .evaluations
        .iter()
        .filter(|r| r.kind == "exam" && r.perturbation.is_none())
    {
        if let Some(accuracy) = record.metrics.get("accuracy") {
            let (sum, problems) = exams.entry(record.step).or_default();
            *sum += accuracy * record.problems as f64;
            *problems += record.problems as f64;
        }
    }
    exams
        .into_iter()
        .filter(|(_, (_, problems))| *problems > 0.0)
        .map(|(step, (sum, problems))| (step as f64, sum / problems))
        .collect()
}

/// A metric in sixty stretches of the budget, so that runs with GRPO steps at different moments
/// can be averaged.
fn stretches(run: &RunData, name: &str) -> Vec<(f64, f64)> {
    const STRETCHES: u64 = 60;
    let width = run.config.max_steps.div_ceil(STRETCHES).max(1);
    let mut sums: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for step in run.steps.iter().filter(|step| step.phase != Phase::Base) {
        if let Some(value) = step.metrics.get(name).filter(|value| value.is_finite()) {
            let (sum, count) = sums.entry(step.step.saturating_sub(1) / width).or_default();
            *sum += value;
            *count += 1.0;
        }
    }
    let centre = |stretch: u64| (stretch as f64 + 0.5) * width as f64;
    sums.into_iter()
        .map(|(stretch, (sum, count))| (centre(stretch), sum / count))
        .collect()
}

fn histories(groups: &[Group], members: &[Vec<&RunData>]) -> String {
    let mut figures = Vec::new();
    let mut add = |title: &str, explanation: &str, unit: &str, lines: Vec<Line>, range| {
        let mut chart = Chart::new(title, Axis::new("step"), Axis::new(unit));
        chart.lines = lines;
        chart.y.range = range;
        if !chart.is_empty() {
            figures.push(figure(title, explanation, &chart.legend(), &chart.svg()));
        }
    };
    add(
        "Exam accuracy",
        "Share of held-out problems solved at the first try, over all levels of each exam.",
        "accuracy",
        over_runs(groups, members, exam_curve),
        Some((0.0, 1.0)),
    );
    for (name, title, explanation, unit) in [
        (
            "reward",
            "Reward",
            "Mean reward of sampled completions, in GRPO steps.",
            "reward",
        ),
        (
            "entropy",
            "Entropy",
            "How undecided the model is about the next token; near 0 it always says the same.",
            "nats per token",
        ),
        (
            "completions/mean_length",
            "Completion length",
            "Mean length of sampled completions.",
            "tokens",
        ),
    ] {
        let lines = over_runs(groups, members, |run| stretches(run, name));
        add(title, explanation, unit, lines, None);
    }
    grid(&figures)
}

fn balances(groups: &[Group], members: &[Vec<&RunData>]) -> String {
    let mut figures = Vec::new();
    for (group, runs) in groups.iter().zip(members) {
        for run in runs {
            let steps: Vec<&StepRecord> = run
                .steps
                .iter()
                .filter(|step| step.phase != Phase::Base)
                .collect();
            if steps.is_empty() {
                continue;
            }
            let mut chart = balance_chart(&steps, 560.0, 190.0);
            // Small multiples: the trend is enough.
            for line in &mut chart.lines {
                let p = thin(line.points.iter().map(|point| (point.x, point.y)));
                line.points = trend(&p).unwrap_or(p);
            }
            let title = format!("{}, seed {}", group.label, run.config.seed);
            figures.push(figure(&title, &run.name, &[], &chart.svg()));
        }
    }
    grid(&figures)
}

fn costs(groups: &[Group]) -> String {
    let count = |estimate: &Estimate| whole(estimate.mean);
    let columns = [
        numbers(groups, "SFT steps", "sft_steps", count),
        numbers(groups, "GRPO steps", "grpo_steps", count),
        numbers(groups, "blended steps", "blend_steps", count),
        numbers(groups, "tokens", "tokens", |estimate| short(estimate.mean)),
        numbers(groups, "seconds", "seconds", |estimate| {
            number(estimate.mean)
        }),
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
