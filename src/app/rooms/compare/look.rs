//! What a group looks like, and how its numbers are written.

use eframe::egui::{Align, Color32, Layout, Ui};
use egui_plot::{GridMark, LineStyle};

use crate::app::theme;
use crate::config::Method;
use crate::evaluation::Interval;
pub use crate::evaluation::catalogue::Unit;
use crate::runs::compare::{Basis, Estimate, Group};

/// Colours and dash of a group's lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    pub color: Color32,
    /// The same for words, which need more contrast.
    pub text: Color32,
    pub style: LineStyle,
}

/// The looks of groups, in their order. A method has its colour, whatever else is shown; where a method
/// comes more than once, its groups are told apart by their dash.
pub fn looks(ui: &Ui, groups: &[Group]) -> Vec<Look> {
    let methods: Vec<Method> = groups.iter().map(|group| group.method).collect();
    let look = |(&method, twin): (&Method, usize)| Look {
        color: theme::method(ui, method),
        text: theme::method_text(ui, method),
        style: match twin {
            0 => LineStyle::Solid,
            1 => LineStyle::dashed_loose(),
            2 => LineStyle::dotted_dense(),
            more => LineStyle::Dashed {
                length: 3.0 + 4.0 * more as f32,
            },
        },
    };
    methods.iter().zip(twins(&methods)).map(look).collect()
}

/// How many groups of the same method come before each.
pub fn twins(methods: &[Method]) -> Vec<usize> {
    let before = |(index, method): (usize, &Method)| {
        methods[..index]
            .iter()
            .filter(|other| *other == method)
            .count()
    };
    methods.iter().enumerate().map(before).collect()
}

/// The colour of a plot's grid: it is not to be seen before the curves.
pub fn grid(ui: &Ui) -> Color32 {
    ui.visuals().weak_text_color().gamma_multiply(0.45)
}

/// Two parts beside each other. Unlike `ui.columns` they do not stretch words to their width.
pub fn beside(ui: &mut Ui, left: impl FnOnce(&mut Ui), right: impl FnOnce(&mut Ui)) {
    let from_left = Layout::top_down(Align::Min);
    ui.columns_const(|[first, second]| {
        first.with_layout(from_left, left);
        second.with_layout(from_left, right);
    });
}

/// A seed's tone of its group's colour: the first is full, the others paler.
pub fn tone(color: Color32, rank: usize, seeds: usize) -> Color32 {
    let share = rank as f32 / seeds.max(1) as f32;
    color.gamma_multiply(1.0 - 0.65 * share)
}

/// A number as people read it.
pub fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => format!("{:.1} %", 100.0 * value),
        Unit::Points => format!("{:+.1}", 100.0 * value),
        Unit::Plain => format!("{value:.2}"),
        Unit::Whole => grouped(value),
        Unit::Seconds => seconds(value),
    }
}

/// A number's unit in a file's header; values are written as they are.
pub fn in_files(unit: Unit) -> &'static str {
    match unit {
        Unit::Share => "share",
        Unit::Points => "difference of shares",
        Unit::Plain => "mean per problem",
        Unit::Whole => "count",
        Unit::Seconds => "s",
    }
}

/// Whether all seeds gave the same value: the interval is then empty, and says nothing.
pub fn is_alike(estimate: &Estimate) -> bool {
    let is_empty = |interval: Interval| interval.high - interval.low <= 0.0;
    estimate.basis == Basis::Seeds && estimate.interval.is_some_and(is_empty)
}

/// The ends of an interval, as people read them; empty without one.
pub fn interval_text(estimate: &Estimate, unit: Unit) -> String {
    if is_alike(estimate) {
        return "seeds alike".into();
    }
    let Some(interval) = estimate.interval else {
        return String::new();
    };
    let end = |value: f64| shown(unit, value).trim_end_matches(" %").to_owned();
    format!("{} to {}", end(interval.low), end(interval.high))
}

/// What an interval is over, in words.
pub fn basis_text(estimate: &Estimate) -> String {
    let count = estimate.values.len();
    match (estimate.basis, estimate.interval) {
        (Basis::Seeds, Some(_)) if is_alike(estimate) => {
            "All seeds gave this value, by chance: how sure it is cannot be told from them".into()
        }
        (Basis::Seeds, Some(_)) => format!("95 % interval over {count} seeds (Student's t)"),
        (Basis::Problems, Some(_)) => {
            "95 % interval over test problems: there is one seed, so how much another would have \
             changed is not known"
                .into()
        }
        _ => "One seed: nothing is known of how sure this is".into(),
    }
}

/// A whole number with its thousands set apart.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A stretch of time as people say it.
pub fn seconds(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.1} s")
    } else if value < 120.0 {
        format!("{value:.0} s")
    } else if value < 7200.0 {
        format!("{:.0} min", value / 60.0)
    } else {
        format!("{:.1} h", value / 3600.0)
    }
}

/// A share at an axis, in percent.
pub fn percent_mark(mark: GridMark) -> String {
    format!("{:.0} %", 100.0 * mark.value)
}
