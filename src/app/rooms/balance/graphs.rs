//! The plots there are: what each is called, means and shows at a step.

use super::formula::plain;
use crate::app::record::{Columns, Record, names};
use crate::app::widgets::{number, percent};
use crate::balance::Branch;

/// One of the plots over steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Graph {
    Probability,
    Gradient,
    Divergence,
    Reward,
    Exam,
}

impl Graph {
    pub const ALL: [Graph; 5] = [
        Graph::Probability,
        Graph::Gradient,
        Graph::Divergence,
        Graph::Reward,
        Graph::Exam,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Graph::Probability => "p, probability of SFT",
            Graph::Gradient => "G / G_warm, what the textbook still teaches",
            Graph::Divergence => "D, drift from the origin",
            Graph::Reward => "Reward in the quiz",
            Graph::Exam => "Exam accuracy",
        }
    }

    pub fn explanation(self) -> &'static str {
        match self {
            Graph::Probability => {
                "How likely the next step is to be SFT. Before every step a number α is drawn (the \
                 dots, when you zoom in): below the line the step is SFT, from the line on GRPO. \
                 The band shows what each step was"
            }
            Graph::Gradient => {
                "The norm of the SFT gradient against what it was at the end of the warm-up: high \
                 means that the demonstrations still have much to teach"
            }
            Graph::Divergence => {
                "How far the model has moved from its origin, in nats per token. D_pull is the part \
                 that GRPO has gained and SFT has not overwritten: it pulls back to the textbook"
            }
            Graph::Reward => {
                "Mean reward of the answers sampled in GRPO steps, smoothed over the raw values. \
                 The thin line is their standard deviation: at 0 all answers earn the same and \
                 there is nothing to learn from"
            }
            Graph::Exam => {
                "Share of held-out problems solved, mean over levels. Exams decide when harder \
                 levels open; they are never trained on"
            }
        }
    }

    /// Height against the others'.
    pub fn weight(self) -> f32 {
        match self {
            Graph::Probability => 1.9,
            _ => 1.0,
        }
    }

    /// Whether a run has anything to show here.
    pub fn applies(self, record: &Record) -> bool {
        let has = |name: &str| record.columns.get(name).is_some();
        match self {
            Graph::Probability => true,
            Graph::Gradient => has(names::G_RATIO),
            Graph::Divergence => has(names::D),
            Graph::Reward => has(names::REWARD),
            Graph::Exam => record.exams().next().is_some(),
        }
    }

    /// Its value at a step in words; empty where the step has none.
    pub fn value(self, record: &Record, step: u64) -> String {
        let value = |name: &str| record.columns.value(name, step).map(f64::from);
        let shown = |name: &str, value: Option<f64>| {
            value.map_or_else(String::new, |value| format!("{name} {}", number(value)))
        };
        match self {
            Graph::Probability => shown("p", value(names::P)),
            Graph::Gradient => shown("", value(names::G_RATIO)).trim_start().to_owned(),
            Graph::Divergence => {
                let (d, pull) = (value(names::D), value(names::D_PULL));
                [shown("D", d), shown("D_pull", pull)]
                    .join("  ")
                    .trim()
                    .to_owned()
            }
            Graph::Reward => shown("", value(names::REWARD)).trim_start().to_owned(),
            Graph::Exam => {
                let newest = record.exams().filter(|exam| exam.step <= step).last();
                let at = newest.map_or(0, |exam| exam.step);
                let exams = record.exams().filter(|exam| exam.step == at);
                let accuracies: Vec<f64> = exams
                    .filter_map(|exam| exam.metrics.get("accuracy").copied())
                    .collect();
                match accuracies.len() {
                    0 => String::new(),
                    count => {
                        let mean = accuracies.iter().sum::<f64>() / count as f64;
                        format!("{} at step {at}", percent(mean))
                    }
                }
            }
        }
    }
}

/// A step in a few lines, for the tooltip.
pub fn step_in_words(columns: &Columns, step: u64) -> Option<String> {
    let row = columns.row(step)?;
    let value = |name: &str| columns.value(name, step).map(f64::from);
    let branch = match columns.branch[row] {
        Branch::Blend => "blend",
        branch => branch.label(),
    };
    let mut text = format!("Step {step} · {branch}");
    let mut line = |parts: &[(&str, Option<f64>)]| {
        let known = parts
            .iter()
            .filter_map(|(name, value)| value.map(|value| format!("{name} {}", number(value))));
        let known = known.collect::<Vec<_>>().join("   ");
        if !known.is_empty() {
            text += "\n";
            text += &known;
        }
    };
    line(&[("p", value(names::P)), ("α", value(names::ALPHA))]);
    line(&[
        ("G", value(names::G)),
        ("G / G_warm", value(names::G_RATIO)),
    ]);
    line(&[("D", value(names::D)), ("D_pull", value(names::D_PULL))]);
    line(&[("reward", value(names::REWARD)), ("loss", value("loss"))]);
    if !columns.updated[row] {
        text += "\nNo update: all groups earned the same";
    }
    Some(text)
}

/// Marks of a logarithmic axis within `bounds` (powers of ten): 1, 2 and 5 of every decade.
pub fn decades(bounds: (f64, f64)) -> Vec<egui_plot::GridMark> {
    let (from, to) = (
        bounds.0.max(-12.0).floor() as i32,
        bounds.1.min(12.0).ceil() as i32,
    );
    (from..=to)
        .flat_map(|decade| {
            [(1.0f64, 1.0), (2.0, 0.3), (5.0, 0.3)].map(|(digit, step_size)| egui_plot::GridMark {
                value: f64::from(decade) + digit.log10(),
                step_size,
            })
        })
        .filter(|mark| (bounds.0..=bounds.1).contains(&mark.value))
        .collect()
}

/// Marks at 0, 0.5 and 1, for shares and probabilities.
pub fn halves() -> Vec<egui_plot::GridMark> {
    [(0.0, 1.0), (0.5, 0.5), (1.0, 1.0)]
        .map(|(value, step_size)| egui_plot::GridMark { value, step_size })
        .to_vec()
}

/// Marks at round numbers that are at least `apart` of the axis away from each other.
pub fn few(bounds: (f64, f64), apart: f64) -> Vec<egui_plot::GridMark> {
    let span = (bounds.1 - bounds.0).max(1e-9);
    let least = apart * span;
    let decade = 10f64.powf(least.log10().floor());
    let fits = |digit: &&f64| **digit * decade >= least;
    let digits = [1.0, 2.0, 5.0, 10.0];
    let step_size = decade * digits.iter().find(fits).copied().unwrap_or(10.0);
    let first = (bounds.0 / step_size).ceil() as i64;
    (first..first + 50)
        .map(|index| index as f64 * step_size)
        .take_while(|value| *value <= bounds.1)
        .map(|value| egui_plot::GridMark { value, step_size })
        .collect()
}

/// A value on a plot's axis; empty where it means nothing.
pub fn value_label(graph: Graph, logarithmic: bool, value: f64) -> String {
    let short = |value: f64| match value.abs() {
        size if size >= 10_000.0 || (size < 0.001 && size > 0.0) => format!("{value:.0e}"),
        _ => plain((value * 1e4).round() / 1e4),
    };
    let is_share = (-1e-9..1.000001).contains(&value);
    match graph {
        Graph::Probability | Graph::Exam if !is_share => String::new(),
        Graph::Exam => format!("{:.0} %", 100.0 * value),
        _ if logarithmic => short(10f64.powf(value)),
        _ => short(value),
    }
}

/// A step on the axis; there are none in between.
pub fn step_label(value: f64) -> String {
    let whole = value >= 0.0 && (value - value.round()).abs() < 1e-6;
    if whole {
        format!("{value:.0}")
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_is_marked_at_1_2_and_5() {
        let values: Vec<String> = decades((-1.1, 0.8))
            .iter()
            .map(|mark| format!("{:.1}", 10f64.powf(mark.value)))
            .collect();
        assert_eq!(values, ["0.1", "0.2", "0.5", "1.0", "2.0", "5.0"]);
    }

    #[test]
    fn marks_are_round_and_as_far_apart_as_asked() {
        let values = |from, to, apart| -> Vec<f64> {
            let marks = few((from, to), apart);
            marks.iter().map(|mark| mark.value).collect()
        };
        assert_eq!(values(-0.05, 1.08, 0.3), [0.0, 0.5, 1.0]);
        assert_eq!(values(-20.0, 460.0, 0.25), [0.0, 200.0, 400.0]);
        let steps = values(-20.0, 1620.0, 0.1);
        assert_eq!(
            steps,
            (0..=8).map(|i| 200.0 * f64::from(i)).collect::<Vec<_>>()
        );
        assert_eq!(values(0.0, 0.0, 0.3), [0.0]);
    }

    #[test]
    fn labels_stand_where_they_mean_something() {
        assert_eq!(value_label(Graph::Probability, false, -0.2), "");
        assert_eq!(value_label(Graph::Probability, false, 0.5), "0.5");
        assert_eq!(value_label(Graph::Exam, false, 0.8), "80 %");
        assert_eq!(value_label(Graph::Gradient, true, -1.0), "0.1");
        assert_eq!(step_label(12.0), "12");
        assert_eq!(step_label(12.5), "");
    }
}
