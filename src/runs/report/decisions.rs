//! The balance over a run, and a few of its decisions explained one by one.

use super::format::{number, percent};
use super::page::{Key, escape, figure, grid};
use super::plot::{Axis, Chart, Dots, Line, Rule, Stroke};
use super::series::{self, Point, branches, trend};
use crate::balance::Explanation;
use crate::config::Method;
use crate::runs::Change;
use crate::training::{Branch, Phase, StepRecord};

/// Draws are shown one by one in runs of up to this many decisions.
const MOST_DRAWS: usize = 1000;

/// A branch's name and colour.
pub fn branch_name(branch: Branch) -> (&'static str, &'static str) {
    match branch {
        Branch::Sft => ("SFT", "c-sft"),
        Branch::Grpo => ("GRPO", "c-grpo"),
        Branch::Blend => ("blend", "c-blend"),
    }
}

/// The steps of a run, and what was set otherwise between them.
#[derive(Clone, Copy)]
pub struct History<'a> {
    pub steps: &'a [&'a StepRecord],
    pub changes: &'a [Change],
}

impl History<'_> {
    /// Markers at the end of warm-up, and where settings were changed.
    pub fn rules(&self) -> Vec<Rule> {
        let warm = self.steps.iter().rfind(|step| step.phase == Phase::Warmup);
        let goes_on = self.steps.iter().any(|step| step.phase == Phase::Adaptive);
        let rule = |step: &&StepRecord| Rule {
            x: step.step as f64 + 0.5,
            label: "end of warm-up".into(),
        };
        let mut rules: Vec<Rule> = warm.filter(|_| goes_on).map(rule).into_iter().collect();
        for together in self.changes.chunk_by(|a, b| a.step == b.step) {
            let name = |change: &Change| {
                let name = change.path.rsplit('.').next().unwrap_or(&change.path);
                format!("{name} → {}", change.value)
            };
            let names: Vec<String> = together.iter().map(name).collect();
            rules.push(Rule {
                x: together[0].step as f64 + 0.5,
                label: names.join(", "),
            });
        }
        rules
    }
}

fn decided<'a>(steps: &[&'a StepRecord]) -> Vec<(&'a StepRecord, &'a Explanation)> {
    steps
        .iter()
        .filter(|step| step.phase == Phase::Adaptive)
        .filter_map(|step| Some((*step, step.decision.as_ref()?)))
        .collect()
}

/// The chart of p with the draws in it and the branches beneath.
pub fn balance_chart(history: History<'_>, width: f64, height: f64) -> Chart {
    let steps = history.steps;
    let decided = decided(steps);
    let p = series::thin(decided.iter().map(|(step, why)| (step.step as f64, why.p)));
    let mut chart = Chart::new(
        "Probability of SFT over the steps, with the branch of every step beneath",
        Axis::new("step"),
        Axis::between("p (probability of SFT)", 0.0, 1.0),
    );
    (chart.width, chart.height) = (width, height);
    chart.lines.push(line("p", "c-p", Stroke::Solid, p));
    chart.strip = branches(steps);
    chart.rules = history.rules();
    chart
}

/// What p was, what was drawn, and the signals it was computed from.
pub fn balance(history: History<'_>) -> String {
    let steps = history.steps;
    if steps.is_empty() {
        return String::new();
    }
    let decided = decided(steps);
    let mut chart = balance_chart(history, 1140.0, 330.0);
    let drawn: Vec<_> = decided
        .iter()
        .filter(|(_, why)| why.alpha.is_some())
        .collect();
    if drawn.len() <= MOST_DRAWS {
        for (branch, name) in [
            (Branch::Sft, "α, SFT drawn"),
            (Branch::Grpo, "α, GRPO drawn"),
        ] {
            let points = drawn
                .iter()
                .filter(|(step, _)| step.branch == branch)
                .filter_map(|(step, why)| Some((step.step as f64, why.alpha?)))
                .collect();
            let colour = branch_name(branch).1;
            chart.dots.push(Dots {
                name: name.into(),
                colour,
                points,
            });
        }
    }
    let mut keys = chart.legend();
    keys.push(Key::new("box c-sft", "SFT step (strip)"));
    keys.push(Key::new("box c-grpo", "GRPO step (strip)"));
    let explanation = if drawn.is_empty() {
        "The strip shows what each step was: blue for the textbook (SFT), orange for the quiz \
         (GRPO)."
    } else {
        "Before each step a number α between 0 and 1 is drawn. If it falls below p, the step is \
         SFT (blue), otherwise GRPO (orange). The strip shows what each step was; in long runs, \
         the share of each."
    };
    let title = "p, the probability of an SFT step";
    figure(title, explanation, &keys, &chart.svg()) + &signals(history, &decided)
}

/// The two signals: G relative to G_warm, and D.
fn signals(history: History<'_>, decided: &[(&StepRecord, &Explanation)]) -> String {
    let curve = |value: &dyn Fn(&Explanation) -> Option<f64>| {
        series::thin(
            decided
                .iter()
                .filter_map(|(step, why)| Some((step.step as f64, value(why)?))),
        )
    };
    let ratio = curve(&|why| Some(why.g? / why.g_warm?));
    let measured = curve(&|why| why.d);
    let pull = curve(&|why| (!why.terms.is_empty()).then_some(why.d_pull));
    let mut gradient = Chart::new(
        "SFT gradient norm relative to the end of warm-up",
        Axis::new("step"),
        Axis::new("G / G_warm"),
    );
    gradient
        .lines
        .push(line("G / G_warm", "c-sft", Stroke::Solid, ratio));
    let mut divergence = Chart::new(
        "Divergence from the origin",
        Axis::new("step"),
        Axis::new("nats per token"),
    );
    for (name, colour, points) in [
        ("D", "c-6", measured),
        ("D_pull, the part that counts", "c-grpo", pull),
    ] {
        divergence.lines.extend(noisy(name, colour, points));
    }
    let mut figures = Vec::new();
    for (mut chart, title, explanation) in [
        (
            gradient,
            "G / G_warm, how much the textbook still teaches",
            "Size of the SFT gradient compared with the end of warm-up. Below 1 the demonstrations \
             are better known than then, which lowers p.",
        ),
        (
            divergence,
            "D, how far the model has moved",
            "Divergence from the policy it started the adaptive phase as. What GRPO has added to \
             it (D_pull) raises p, pulling back to the textbook.",
        ),
    ] {
        if chart.is_empty() {
            continue;
        }
        chart.x.range = span(history.steps);
        chart.rules = history.rules();
        figures.push(figure(title, explanation, &chart.legend(), &chart.svg()));
    }
    grid(&figures)
}

/// From the first step to behind the last.
pub fn span(steps: &[&StepRecord]) -> Option<(f64, f64)> {
    let (first, last) = (steps.first()?.step as f64, steps.last()?.step as f64);
    (last > first).then_some((first, last + 1.0))
}

/// A noisy curve: its trend, with the single values (or the buckets' range) behind it.
pub fn noisy(name: &str, colour: &'static str, points: Vec<Point>) -> Vec<Line> {
    match trend(&points) {
        Some(trend) => vec![
            line(name, colour, Stroke::Faint, points),
            line(name, colour, Stroke::Solid, trend),
        ],
        None => vec![line(name, colour, Stroke::Solid, points)],
    }
}

fn line(name: &str, colour: &'static str, stroke: Stroke, points: Vec<Point>) -> Line {
    Line {
        name: name.into(),
        colour,
        stroke,
        points,
    }
}

/// Cards for the first decision, the highest and the lowest p, the least likely draw, and the last.
pub fn cards(steps: &[&StepRecord]) -> String {
    let decided = decided(steps);
    let chance = |why: &Explanation, branch| {
        if branch == Branch::Sft {
            why.p
        } else {
            1.0 - why.p
        }
    };
    let by = |value: &dyn Fn(usize) -> f64| {
        (0..decided.len()).min_by(|&a, &b| value(a).total_cmp(&value(b)))
    };
    let drawn = |index: usize| decided[index].1.alpha.is_some();
    let surprise = by(&|index| {
        let (step, why) = decided[index];
        if drawn(index) {
            chance(why, step.branch)
        } else {
            1.0
        }
    });
    let mut chosen: Vec<(usize, &str)> = Vec::new();
    for (index, title) in [
        (decided.first().map(|_| 0), "The first decision"),
        (by(&|index| -decided[index].1.p), "The highest p"),
        (by(&|index| decided[index].1.p), "The lowest p"),
        (
            surprise.filter(|&index| drawn(index)),
            "The least likely draw",
        ),
        (decided.len().checked_sub(1), "The last decision"),
    ] {
        if let Some(index) = index
            && !chosen.iter().any(|(other, _)| *other == index)
        {
            chosen.push((index, title));
        }
    }
    // Where p says nothing, one decision explains them all.
    if decided
        .iter()
        .all(|(_, why)| why.alpha.is_none() && why.method != Method::Sasr)
    {
        chosen.truncate(1);
    }
    chosen.sort_unstable();
    let cards: String = chosen
        .into_iter()
        .map(|(index, title)| card(title, decided[index].0, decided[index].1))
        .collect();
    match cards.is_empty() {
        true => cards,
        false => format!("<div class=\"cards\">\n{cards}</div>\n"),
    }
}

fn card(title: &str, step: &StepRecord, why: &Explanation) -> String {
    let (name, colour) = branch_name(step.branch);
    let mut out = format!(
        "<article class=\"card {colour}\">\n<p class=\"kind\">{title}</p>\n\
         <h3>Step {}: {name}</h3>\n<p>{}</p>\n",
        step.step,
        escape(&why.sentence())
    );
    if let Some(alpha) = why.alpha {
        out.push_str(&draw(why.p, alpha));
    }
    if !why.terms.is_empty() {
        let row = |symbol: &str, value: f64, text: &str| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n",
                escape(symbol),
                format!("{value:+.3}").replace('-', "−"),
                escape(text)
            )
        };
        let terms: String = why
            .terms
            .iter()
            .map(|term| row(&term.symbol, term.value, &term.explanation))
            .collect();
        let sum = match (why.log_odds, why.p_unclamped) {
            (Some(odds), Some(p)) => row(
                "logit p",
                odds,
                &format!("the sum; as a probability {}", percent(p)),
            ),
            _ => String::new(),
        };
        out.push_str(&format!("<table><tbody>\n{terms}{sum}</tbody></table>\n"));
    }
    let tips: String = why
        .tips
        .iter()
        .map(|tip| format!("<li>{}</li>\n", escape(&tip.sentence)))
        .collect();
    if !tips.is_empty() {
        out.push_str(&format!("<ul>\n{tips}</ul>\n"));
    }
    out + "</article>\n"
}

/// The draw as a picture: SFT's part of the line from 0 to 1, GRPO's part, and where α fell.
fn draw(p: f64, alpha: f64) -> String {
    const WIDTH: f64 = 520.0;
    let (split, mark) = (p * WIDTH, alpha * WIDTH);
    let anchor = |at: f64| if at > 0.8 * WIDTH { "end" } else { "start" };
    format!(
        "<svg class=\"draw\" viewBox=\"-4 0 {} 58\" role=\"img\" aria-label=\"p is {}, α is {}\">\n\
         <rect class=\"c-sft\" x=\"0\" y=\"20\" width=\"{split:.1}\" height=\"14\"/>\n\
         <rect class=\"c-grpo\" x=\"{split:.1}\" y=\"20\" width=\"{:.1}\" height=\"14\"/>\n\
         <path class=\"error\" d=\"M{mark:.1} 14V40\"/>\n\
         <text class=\"{}\" x=\"{split:.1}\" y=\"12\">p = {}</text>\n\
         <text class=\"{}\" x=\"{mark:.1}\" y=\"54\">α = {}</text>\n</svg>\n",
        WIDTH + 8.0,
        number(p),
        number(alpha),
        WIDTH - split,
        anchor(split),
        number(p),
        anchor(mark),
        number(alpha),
    )
}
