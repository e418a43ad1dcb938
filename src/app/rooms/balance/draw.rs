//! What is drawn into each plot.

use std::ops::RangeInclusive;

use eframe::egui::{Align2, Color32, Rangef, RichText};
use egui_plot::{
    Line, LineStyle, MarkerShape, PlotPoint, PlotPoints, PlotUi, Points, Span, Text, VLine,
};

use super::curves::Curves;
use super::graphs::{Graph, step_in_words};
use super::marks::{Mark, MarkKind};
use super::plots::Scene;
use crate::app::record::{Record, names};
use crate::app::theme::Palette;
use crate::app::widgets::Stroke;
use crate::balance::{Branch, warmup_steps};

/// Steps in view up to which every draw is shown as a dot.
const DRAWS: f64 = 900.0;

/// Points of the screen that the word for the warm-up needs.
const WARMUP_LABEL: f64 = 60.0;

/// Exams in view up to which each has a dot.
const EXAMS: usize = 120;

/// The branch band below p, in the units of p, and the band of the what-if below it.
pub const BAND: Rangef = Rangef {
    min: -0.17,
    max: -0.05,
};
pub const WHAT_IF_BAND: Rangef = Rangef {
    min: -0.33,
    max: -0.21,
};
const DIFFERENCES: f64 = -0.40;

/// Everything a plot is drawn from.
pub struct Drawing<'a> {
    pub scene: &'a Scene<'a>,
    pub curves: &'a Curves,
    pub exams: &'a [PlotPoint],
    pub marks: &'a [Mark],
    pub range: &'a RangeInclusive<f64>,
    pub colors: &'static Palette,
    /// For what is to be seen first.
    pub strong: Color32,
    /// For words beside it.
    pub text: Color32,
}

impl<'a> Drawing<'a> {
    /// Draws a plot's contents.
    pub fn draw(&self, plot: &mut PlotUi<'a>, graph: Graph) {
        let colors = self.colors;
        self.warmup(plot, graph);
        self.marks(plot, graph);
        match graph {
            Graph::Probability => self.probability(plot),
            Graph::Gradient => self.line(plot, "ratio", colors.sft, 1.5),
            Graph::Divergence => {
                self.line(plot, "D", colors.faint, 1.2);
                self.line(plot, "D_pull", colors.grpo, 1.5);
            }
            Graph::Reward => {
                self.line(plot, "reward", colors.grpo.gamma_multiply(0.22), 1.0);
                self.line(plot, "reward_std", colors.faint, 1.0);
                self.line(plot, "smooth reward", colors.grpo, 1.8);
            }
            Graph::Exam => self.exams(plot),
        }
        if let Some(step) = self.scene.selected.and(self.scene.step) {
            let line = VLine::new("", step as f64).color(self.strong);
            plot.vline(line.width(1.5).allow_hover(false));
        }
    }

    fn line(&self, plot: &mut PlotUi<'a>, name: &str, color: Color32, width: f32) {
        let stroke = Stroke::new(name, self.curves.points(name), color, width);
        plot.add(stroke.allow_hover(false));
    }

    fn warmup(&self, plot: &mut PlotUi<'_>, graph: Graph) {
        let config = &self.scene.record.config;
        let steps = warmup_steps(&config.balance, config.max_steps) as f64;
        if steps == 0.0 || steps < *self.range.start() {
            return;
        }
        let fill = self.colors.faint.gamma_multiply(0.14);
        let span = Span::new("", 0.5..=steps + 0.5).fill(fill);
        plot.span(span.border_width(0.0));
        let from = self.range.start().max(0.5);
        let per_step = plot.transform().dpos_dvalue_x().abs();
        if graph == Graph::Probability && (steps - from) * per_step >= WARMUP_LABEL {
            let at = PlotPoint::new(from, 0.92);
            let words = RichText::new(" Warm-up").small();
            let text = Text::new("", at, words).color(self.text);
            plot.text(text.anchor(Align2::LEFT_TOP).allow_hover(false));
        }
    }

    fn marks(&self, plot: &mut PlotUi<'_>, graph: Graph) {
        for mark in self.marks {
            let color = mark_color(mark.kind, self.colors).gamma_multiply(0.5);
            let line = VLine::new("", mark.step as f64).color(color).width(1.0);
            plot.vline(line.style(LineStyle::dotted_dense()).allow_hover(false));
        }
        if graph != Graph::Probability {
            return;
        }
        for (kind, shape) in [
            (MarkKind::Level, MarkerShape::Up),
            (MarkKind::Change, MarkerShape::Square),
            (MarkKind::Alarm, MarkerShape::Diamond),
        ] {
            let of_kind = self.marks.iter().filter(|mark| mark.kind == kind);
            let points: PlotPoints<'_> = of_kind.map(|mark| [mark.step as f64, 1.06]).collect();
            let points = Points::new("", points).shape(shape).radius(5.0);
            plot.points(
                points
                    .color(mark_color(kind, self.colors))
                    .allow_hover(false),
            );
        }
    }

    fn probability(&self, plot: &mut PlotUi<'a>) {
        let Scene { record, replay, .. } = self.scene;
        let colors = self.colors;
        let first = record.columns.first() as f64;
        let bottom = if replay.is_some() { -0.46 } else { -0.22 };
        plot.set_plot_bounds_y(bottom..=1.13);
        if let Some(replay) = replay {
            self.line(plot, "what-if", colors.sasr, 1.2);
            let points = differences(&replay.differing, first, self.range);
            let points = Points::new("", PlotPoints::Owned(points)).shape(MarkerShape::Up);
            plot.points(points.radius(2.5).color(colors.notice).allow_hover(false));
        }
        self.line(plot, "p", self.strong, 1.6);
        if self.range.end() - self.range.start() <= DRAWS {
            for branch in [Branch::Sft, Branch::Grpo] {
                let dots = PlotPoints::Owned(draws(record, branch, self.range));
                let color = colors.branch(branch).gamma_multiply(0.6);
                let dots = Points::new("", dots).radius(1.6).color(color);
                plot.points(dots.allow_hover(false));
            }
        }
    }

    fn exams(&self, plot: &mut PlotUi<'a>) {
        plot.set_plot_bounds_y(-0.05..=1.08);
        let from = self
            .exams
            .partition_point(|exam| exam.x < *self.range.start());
        let to = self
            .exams
            .partition_point(|exam| exam.x <= *self.range.end());
        let near = &self.exams[from.saturating_sub(1)..(to + 1).min(self.exams.len())];
        let color = self.colors.right;
        let line = Line::new("exam", PlotPoints::Borrowed(near)).color(color);
        plot.line(line.width(1.5).allow_hover(false));
        if near.len() <= EXAMS {
            let dots = Points::new("exam", PlotPoints::Borrowed(near)).color(color);
            plot.points(dots.radius(2.5).allow_hover(false));
        }
    }
}

fn mark_color(kind: MarkKind, colors: &Palette) -> Color32 {
    match kind {
        MarkKind::Level => colors.right,
        MarkKind::Alarm => colors.wrong,
        MarkKind::Change => colors.accent,
    }
}

/// A step and what happened near it, for a pointer at `x` that reaches `reach` steps far.
pub fn tooltip(record: &Record, marks: &[Mark], x: f64, reach: f64) -> Option<String> {
    let step = x.round().max(0.0) as u64;
    let mut text = step_in_words(&record.columns, step)?;
    let near = marks
        .iter()
        .filter(|mark| (mark.step as f64 - x).abs() <= reach.max(0.5));
    for mark in near.take(3) {
        text += &format!("\nStep {}: {}", mark.step, mark.text);
    }
    Some(text)
}

/// The draws of the steps of one branch within `range`.
fn draws(record: &Record, branch: Branch, range: &RangeInclusive<f64>) -> Vec<PlotPoint> {
    let columns = &record.columns;
    let Some(alphas) = columns.get(names::ALPHA) else {
        return Vec::new();
    };
    let first = columns.first();
    let from = (range.start() - first as f64).max(0.0) as usize;
    let to = ((range.end() - first as f64).max(0.0) as usize + 1).min(alphas.len());
    (from.min(to)..to)
        .filter(|&row| columns.branch[row] == branch && !alphas[row].is_nan())
        .map(|row| PlotPoint::new((first + row as u64) as f64, f64::from(alphas[row])))
        .collect()
}

/// Marks under the steps decided otherwise; where they crowd, one stands for several.
fn differences(rows: &[usize], first: f64, range: &RangeInclusive<f64>) -> Vec<PlotPoint> {
    let from = rows.partition_point(|&row| first + (row as f64) < *range.start());
    let to = rows.partition_point(|&row| first + row as f64 <= *range.end());
    let apart = (range.end() - range.start()) / 400.0;
    let mut points: Vec<PlotPoint> = Vec::new();
    for &row in &rows[from..to] {
        let x = first + row as f64;
        if points.last().is_none_or(|last| x - last.x >= apart) {
            points.push(PlotPoint::new(x, DIFFERENCES));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_that_crowd_are_drawn_as_one() {
        let rows: Vec<usize> = (0..100_000).step_by(3).collect();
        let points = differences(&rows, 1.0, &(0.0..=100_001.0));
        assert!((300..=401).contains(&points.len()), "{}", points.len());
        let points = differences(&rows, 1.0, &(10.0..=22.0));
        let xs: Vec<f64> = points.iter().map(|point| point.x).collect();
        assert_eq!(xs, [10.0, 13.0, 16.0, 19.0, 22.0]);
    }
}
