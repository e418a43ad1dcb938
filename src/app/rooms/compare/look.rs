//! What a group looks like, and how its numbers are written.

use eframe::egui::{Align, Color32, Layout, Ui};
use egui_plot::{GridMark, LineStyle};

use crate::app::theme;
use crate::config::Method;
use crate::evaluation::Interval;
use crate::runs::compare::{Basis, Estimate, Group};

/// All methods, in the order of tables: the adaptive one first.
pub const METHODS: [Method; 7] = [
    Method::Sasr,
    Method::Sft,
    Method::Grpo,
    Method::Static,
    Method::Periodic,
    Method::Constant,
    Method::Cosine,
];

/// What a method does, for who meets it for the first time.
pub fn method_hint(method: Method) -> &'static str {
    match method {
        Method::Sasr => "Decides at every step between textbook (SFT) and quiz (GRPO)",
        Method::Sft => "Textbook only",
        Method::Grpo => "Quiz only, from the base model",
        Method::Static => "Textbook first, quiz for the rest",
        Method::Periodic => "Textbook at every n-th step, quiz otherwise",
        Method::Constant => "Textbook with a fixed probability",
        Method::Cosine => "Textbook with a probability that falls along a cosine",
    }
}

/// Colours and dash of a group's lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    pub color: Color32,
    /// The same for words, which need more contrast.
    pub text: Color32,
    pub style: LineStyle,
}

/// The looks of groups, in their order.
pub fn looks(ui: &Ui, groups: &[Group]) -> Vec<Look> {
    let methods: Vec<Method> = groups.iter().map(|group| group.method).collect();
    let place = places(&methods);
    let look = |&(color, dash): &(usize, usize)| Look {
        color: theme::series(ui, color),
        text: theme::series_text(ui, color),
        style: [
            LineStyle::Solid,
            LineStyle::dashed_loose(),
            LineStyle::dotted_dense(),
        ][dash],
    };
    place.iter().map(look).collect()
}

/// Colour and dash of each group. A method keeps its colour from one comparison to the next;
/// where a method comes more than once, colours are given in turn, so that its groups differ.
pub fn places(methods: &[Method]) -> Vec<(usize, usize)> {
    let twins = (1..methods.len()).any(|index| methods[..index].contains(&methods[index]));
    let place = |(index, method): (usize, &Method)| {
        if twins {
            let count = theme::SERIES.len();
            (index % count, (index / count).min(2))
        } else {
            (METHODS.iter().position(|m| m == method).unwrap_or(index), 0)
        }
    };
    methods.iter().enumerate().map(place).collect()
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

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share, in percent.
    Share,
    /// A difference of shares, in points.
    Points,
    Plain,
    Whole,
    Seconds,
}

impl Unit {
    /// A value as people read it.
    pub fn text(self, value: f64) -> String {
        match self {
            Unit::Share => format!("{:.1} %", 100.0 * value),
            Unit::Points => format!("{:+.1}", 100.0 * value),
            Unit::Plain => format!("{value:.2}"),
            Unit::Whole => grouped(value),
            Unit::Seconds => seconds(value),
        }
    }

    /// Its unit in a file's header; values are written as they are.
    pub fn in_files(self) -> &'static str {
        match self {
            Unit::Share => "share",
            Unit::Points => "difference of shares",
            Unit::Plain => "mean per problem",
            Unit::Whole => "count",
            Unit::Seconds => "s",
        }
    }
}

/// An estimate's interval without what cannot be: an interval over a few seeds is symmetric, and
/// may reach beyond.
pub fn interval(estimate: &Estimate, unit: Unit) -> Option<Interval> {
    let interval = estimate.interval?;
    Some(match unit {
        Unit::Share => interval.within(0.0, 1.0),
        Unit::Points => interval.within(-1.0, 1.0),
        Unit::Plain | Unit::Whole | Unit::Seconds => interval.within(0.0, f64::INFINITY),
    })
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
    let Some(interval) = interval(estimate, unit) else {
        return String::new();
    };
    let end = |value: f64| unit.text(value).trim_end_matches(" %").to_owned();
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
            "95 % interval over test problems (Wilson): there is one seed, so how much another \
             would have changed is not known"
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
