//! The curves of several runs in one chart: pass@k, exams and rewards, and each run's balance.

use std::collections::BTreeMap;

use super::decisions::{History, balance_chart};
use super::page::{figure, grid, small_grid};
use super::plot::{Axis, Chart, Line, Stroke};
use super::series::{Point, thin, trend};
use crate::config::Method;
use crate::runs::compare::Group;
use crate::runs::read::RunData;
use crate::training::{Phase, StepRecord, exam_means};

/// Colour and dash of a group: a method has its colour in every report; a second group of a method is
/// dashed, and a third dotted.
pub fn look(groups: &[Group], index: usize) -> (&'static str, Stroke) {
    let method = groups[index].method;
    let colour = match method {
        Method::Sasr => "m-sasr",
        Method::Sft => "m-sft",
        Method::Grpo => "m-grpo",
        Method::Static => "m-static",
        Method::Periodic => "m-periodic",
        Method::Constant => "m-constant",
        Method::Cosine => "m-cosine",
    };
    let twins = groups[..index]
        .iter()
        .filter(|other| other.method == method)
        .count();
    let stroke = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted][twins.min(2)];
    (colour, stroke)
}

/// pass@k over k, a line per group.
pub fn pass_curves(groups: &[Group]) -> String {
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
    figure(
        "pass@k",
        "Chance that at least one of k samples is right. A steep rise means that the model knows \
         more than its first try shows; a flat line that its samples are all alike.",
        &chart.legend(),
        &chart.svg(),
    )
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
    let means = exam_means(&run.evaluations).into_iter();
    means.map(|(step, mean)| (step as f64, mean)).collect()
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

/// Exams, reward, entropy and length over the steps.
pub fn histories(groups: &[Group], members: &[Vec<&RunData>]) -> String {
    let mut figures = Vec::new();
    let budgets = groups.iter().map(|group| group.config.max_steps);
    let budget = budgets.max().unwrap_or(1) as f64;
    let mut add = |title: &str, explanation: &str, unit: &str, lines: Vec<Line>, range| {
        let mut chart = Chart::new(title, Axis::new("step"), Axis::new(unit));
        chart.lines = lines;
        chart.x.range = Some((0.0, budget));
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

/// Each run's p and branches, as small multiples.
pub fn balances(groups: &[Group], members: &[Vec<&RunData>]) -> String {
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
            let history = History {
                steps: &steps,
                changes: &run.changes,
            };
            let mut chart = balance_chart(history, 370.0, 170.0);
            // Small multiples: the trend is enough.
            for line in &mut chart.lines {
                let p = thin(line.points.iter().map(|point| (point.x, point.y)));
                line.points = trend(&p).unwrap_or(p);
            }
            chart.y = Axis::between("p", 0.0, 1.0);
            let title = format!("{}, seed {}", group.label, run.config.seed);
            figures.push(figure(&title, &run.name, &[], &chart.svg()));
        }
    }
    small_grid(&figures)
}
