//! Curves over steps, thinned to what a screen can show.

use eframe::egui::{Color32, Rangef};
use egui_plot::{PlotPoint, PlotPoints, PlotUi};

use crate::balance::Branch;

/// A curve over steps.
pub struct Line<'a> {
    pub name: &'a str,
    /// One value per step; NaN leaves a gap.
    pub values: &'a [f32],
    /// Where each value stands; steps from `first` on where it is `None`.
    pub xs: Option<&'a [f64]>,
    pub first: f64,
    pub color: Color32,
    pub width: f32,
}

/// Points kept per curve and plot: about one per pixel of a wide screen.
const POINTS: usize = 1200;

/// Draws curves, showing of each no more points than a screen has.
pub fn lines<'a>(plot: &mut PlotUi<'a>, curves: &[Line<'_>]) {
    let bounds = plot.plot_bounds();
    // Zooming out by a little must not show an end.
    let range = bounds.range_x();
    for curve in curves {
        let points = thinned(curve.values, curve.xs, curve.first, range.clone(), POINTS);
        plot.line(
            egui_plot::Line::new(curve.name, PlotPoints::Owned(points))
                .color(curve.color)
                .width(curve.width),
        );
    }
}

/// The points of `values` within `range` (and one beyond on each side). Where there are more than
/// `limit`, only the smallest and the largest of every bucket are kept, so that no spike is lost.
pub fn thinned(
    values: &[f32],
    xs: Option<&[f64]>,
    first: f64,
    range: std::ops::RangeInclusive<f64>,
    limit: usize,
) -> Vec<PlotPoint> {
    let (from, to) = match xs {
        Some(xs) => (
            xs.partition_point(|x| x < range.start()),
            xs.partition_point(|x| x <= range.end()),
        ),
        None => (
            (range.start() - first).floor().max(0.0) as usize,
            (range.end() - first + 1.0).ceil().max(0.0) as usize,
        ),
    };
    let to = to.saturating_add(1).min(values.len());
    let from = from.saturating_sub(1).min(to);
    let point = |index: usize| {
        let x = xs.map_or(first + index as f64, |xs| xs[index]);
        PlotPoint::new(x, f64::from(values[index]))
    };
    let known = |index: &usize| !values[*index].is_nan();
    let count = to - from;
    if count <= limit {
        return (from..to).filter(known).map(point).collect();
    }
    let bucket = count.div_ceil(limit / 2);
    let mut points = Vec::with_capacity(limit + 2);
    // Whole buckets from the first value on, so that a curve does not flicker while it moves.
    for start in (from - from % bucket..to).step_by(bucket) {
        let indices = || (start.max(from)..(start + bucket).min(to)).filter(known);
        let by_value = |a: &usize, b: &usize| values[*a].total_cmp(&values[*b]);
        let (Some(low), Some(high)) = (indices().min_by(by_value), indices().max_by(by_value))
        else {
            continue;
        };
        points.push(point(low.min(high)));
        if low != high {
            points.push(point(low.max(high)));
        }
    }
    points
}

/// Draws the branch of every step as a band between `y.min` and `y.max`. Where several steps share
/// a pixel, its colour is their mixture.
pub fn band(
    plot: &mut PlotUi<'_>,
    branches: &[Branch],
    first: f64,
    y: Rangef,
    color: impl Fn(Branch) -> Color32,
) {
    let bounds = plot.plot_bounds();
    let from = (bounds.min()[0] - first).floor().max(0.0) as usize;
    let to = ((bounds.max()[0] - first).ceil().max(0.0) as usize + 1).min(branches.len());
    let from = from.min(to);
    let bucket = (to - from).div_ceil(POINTS / 2).max(1);
    // Neighbours of one colour become one rectangle.
    let mut open: Option<(usize, usize, Color32)> = None;
    let mut parts = Vec::new();
    for start in (from..to).step_by(bucket) {
        let end = (start + bucket).min(to);
        let color = mixture(&branches[start..end], &color);
        match &mut open {
            Some((_, last, same)) if *same == color => *last = end,
            _ => parts.extend(open.replace((start, end, color))),
        }
    }
    parts.extend(open);
    for (start, end, color) in parts {
        let (x0, x1) = (first + start as f64 - 0.5, first + end as f64 - 0.5);
        let (y0, y1) = (f64::from(y.min), f64::from(y.max));
        let corners = vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
        plot.polygon(
            egui_plot::Polygon::new("", corners)
                .fill_color(color)
                .stroke((0.0, Color32::TRANSPARENT))
                .allow_hover(false),
        );
    }
}

fn mixture(branches: &[Branch], color: &impl Fn(Branch) -> Color32) -> Color32 {
    let [mut red, mut green, mut blue] = [0.0f32; 3];
    for &branch in branches {
        let color = color(branch);
        red += f32::from(color.r());
        green += f32::from(color.g());
        blue += f32::from(color.b());
    }
    let count = branches.len().max(1) as f32;
    Color32::from_rgb(
        (red / count) as u8,
        (green / count) as u8,
        (blue / count) as u8,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_extremes_and_the_order() {
        let mut values: Vec<f32> = (0..100_000).map(|i| (i as f32 * 0.01).sin()).collect();
        values[77_777] = 50.0;
        values[12_345] = -50.0;
        values[500] = f32::NAN;
        let points = thinned(&values, None, 1.0, 0.0..=100_001.0, 1000);
        assert!(points.len() <= 1002, "{}", points.len());
        assert!(points.windows(2).all(|pair| pair[0].x < pair[1].x));
        assert!(
            points
                .iter()
                .any(|point| point.y == 50.0 && point.x == 77_778.0)
        );
        assert!(
            points
                .iter()
                .any(|point| point.y == -50.0 && point.x == 12_346.0)
        );
    }

    #[test]
    fn a_range_shows_what_is_in_it_and_one_beyond() {
        let values: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let points = thinned(&values, None, 1.0, 10.0..=12.0, 1000);
        let xs: Vec<f64> = points.iter().map(|point| point.x).collect();
        assert!(
            xs.starts_with(&[9.0]) && xs.contains(&12.0) && xs.len() <= 7,
            "{xs:?}"
        );
        let seconds: Vec<f64> = (0..100).map(|i| i as f64 * 0.5).collect();
        let points = thinned(&values, Some(&seconds), 0.0, 10.0..=11.0, 1000);
        let xs: Vec<f64> = points.iter().map(|point| point.x).collect();
        assert_eq!(xs, [9.5, 10.0, 10.5, 11.0, 11.5]);
        assert!(thinned(&[], None, 1.0, 0.0..=1.0, 10).is_empty());
        assert!(thinned(&values, None, 1.0, 500.0..=600.0, 10).len() <= 1);
    }
}
