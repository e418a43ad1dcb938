//! Line charts as SVG: axes, ticks, lines with bands, dots, markers, and a strip under the axis.
//!
//! Colours are CSS classes (`c-sft`, `c-0` …), so that a chart follows the page into dark mode and
//! onto paper. The page's script finds lines by `data-name` and reads their values back from the
//! path through the axis ranges in `data-x` and `data-y`.

use std::fmt::Write as _;

use super::page::{Key, escape};
use super::series::{Point, Share};

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    Solid,
    Dashed,
    Dotted,
    /// The raw values behind a trend: thin and pale, and not in the legend.
    Faint,
}

/// One curve. Where its points are buckets, or a mean with a range, the range is a band.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: String,
    /// A colour's class.
    pub colour: &'static str,
    pub stroke: Stroke,
    pub points: Vec<Point>,
}

/// Dots without a line between them.
#[derive(Clone, Debug)]
pub struct Dots {
    pub name: String,
    pub colour: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// A vertical line with a word.
#[derive(Clone, Debug)]
pub struct Rule {
    pub x: f64,
    pub label: String,
}

/// An axis.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// Its ends; taken from the data where there are none.
    pub range: Option<(f64, f64)>,
    /// Where ticks stand and what they say; round numbers where there are none.
    pub ticks: Option<Vec<(f64, String)>>,
}

impl Axis {
    pub fn new(label: &str) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    pub fn between(label: &str, low: f64, high: f64) -> Self {
        Self {
            label: label.into(),
            range: Some((low, high)),
            ticks: None,
        }
    }
}

/// A line chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// For those who cannot see it.
    pub alt: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
    pub dots: Vec<Dots>,
    pub rules: Vec<Rule>,
    /// Shares of SFT over x, drawn beneath.
    pub strip: Vec<Share>,
    /// In units of the drawing, about pixels.
    pub width: f64,
    pub height: f64,
}

const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 40.0;
const STRIP: f64 = 20.0;

impl Chart {
    /// An empty chart of half the page's width.
    pub fn new(alt: &str, x: Axis, y: Axis) -> Self {
        Self {
            alt: alt.into(),
            x,
            y,
            lines: Vec::new(),
            dots: Vec::new(),
            rules: Vec::new(),
            strip: Vec::new(),
            width: 560.0,
            height: 240.0,
        }
    }

    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.points.is_empty())
            && self.dots.iter().all(|dots| dots.points.is_empty())
    }

    /// One entry for every line that is not faint, and for every kind of dot.
    pub fn legend(&self) -> Vec<Key> {
        let stroke = |stroke| match stroke {
            Stroke::Dashed => "line dashed",
            Stroke::Dotted => "line dotted",
            _ => "line",
        };
        let lines = self
            .lines
            .iter()
            .filter(|line| line.stroke != Stroke::Faint && !line.points.is_empty())
            .map(|line| {
                Key::new(
                    &format!("{} {}", stroke(line.stroke), line.colour),
                    &line.name,
                )
            });
        let dots = self
            .dots
            .iter()
            .filter(|dots| !dots.points.is_empty())
            .map(|dots| Key::new(&format!("dot {}", dots.colour), &dots.name));
        lines.chain(dots).collect()
    }

    /// The drawing.
    pub fn svg(&self) -> String {
        let frame = Frame::of(self);
        let mut out = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" \
             data-x=\"{} {} {} {}\" data-y=\"{} {} {} {}\">\n",
            self.width,
            self.height,
            escape(&self.alt),
            frame.x.0,
            frame.x.1,
            frame.left,
            frame.right,
            frame.y.0,
            frame.y.1,
            frame.bottom,
            frame.top,
        );
        frame.draw_axes(self, &mut out);
        for line in &self.lines {
            frame.draw_band(line, &mut out);
        }
        for line in &self.lines {
            frame.draw_line(line, &mut out);
        }
        for dots in &self.dots {
            let path: String = dots
                .points
                .iter()
                .map(|&(x, y)| format!("M{:.1} {:.1}h0", frame.at_x(x), frame.at_y(y)))
                .collect();
            put(
                &mut out,
                format_args!("<path class=\"dots {}\" d=\"{path}\"/>\n", dots.colour),
            );
        }
        frame.draw_rules(&self.rules, &mut out);
        frame.draw_strip(&self.strip, &mut out);
        out.push_str("</svg>\n");
        out
    }
}

/// Where data lies on the drawing.
struct Frame {
    x: (f64, f64),
    y: (f64, f64),
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn of(chart: &Chart) -> Self {
        let points = || chart.lines.iter().flat_map(|line| &line.points);
        let dots = || chart.dots.iter().flat_map(|dots| &dots.points);
        let strip = chart.strip.iter().flat_map(|cell| [cell.from, cell.to]);
        let xs = points()
            .map(|p| p.x)
            .chain(dots().map(|p| p.0))
            .chain(strip);
        let ys = points()
            .flat_map(|p| [p.low, p.high])
            .chain(dots().map(|p| p.1));
        let strip = if chart.strip.is_empty() { 0.0 } else { STRIP };
        Self {
            x: chart.x.range.unwrap_or_else(|| ends(xs, false)),
            y: chart.y.range.unwrap_or_else(|| ends(ys, true)),
            left: LEFT,
            right: chart.width - RIGHT,
            top: TOP,
            bottom: chart.height - BOTTOM - strip,
        }
    }

    fn at_x(&self, x: f64) -> f64 {
        let share = ((x - self.x.0) / (self.x.1 - self.x.0)).clamp(0.0, 1.0);
        self.left + share * (self.right - self.left)
    }

    fn at_y(&self, y: f64) -> f64 {
        let share = ((y - self.y.0) / (self.y.1 - self.y.0)).clamp(0.0, 1.0);
        self.bottom - share * (self.bottom - self.top)
    }

    fn draw_axes(&self, chart: &Chart, out: &mut String) {
        let strip = if chart.strip.is_empty() { 0.0 } else { STRIP };
        let (left, right, bottom) = (self.left, self.right, self.bottom);
        let y_ticks = chart.y.ticks.clone().unwrap_or_else(|| ticks(self.y, 5));
        for (value, text) in y_ticks {
            let y = self.at_y(value);
            put(
                out,
                format_args!("<path class=\"grid-line\" d=\"M{left} {y:.1}H{right}\"/>\n"),
            );
            let (x, y) = (left - 6.0, y + 4.0);
            put(
                out,
                format_args!(
                    "<text class=\"tick end\" x=\"{x}\" y=\"{y:.1}\">{}</text>\n",
                    escape(&text)
                ),
            );
        }
        put(
            out,
            format_args!("<path class=\"axis\" d=\"M{left} {bottom}H{right}\"/>\n"),
        );
        let count = if chart.width > 800.0 { 10 } else { 6 };
        let x_ticks = chart
            .x
            .ticks
            .clone()
            .unwrap_or_else(|| ticks(self.x, count));
        for (value, text) in x_ticks {
            let (x, y) = (self.at_x(value), bottom + strip + 16.0);
            put(
                out,
                format_args!("<path class=\"axis\" d=\"M{x:.1} {bottom}v4\"/>\n"),
            );
            put(
                out,
                format_args!(
                    "<text class=\"tick middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n",
                    escape(&text)
                ),
            );
        }
        let (x, y) = ((left + right) / 2.0, bottom + strip + 33.0);
        put(
            out,
            format_args!(
                "<text class=\"label middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n",
                escape(&chart.x.label)
            ),
        );
        let y = (self.top + bottom) / 2.0;
        put(
            out,
            format_args!(
                "<text class=\"label middle\" transform=\"translate(13 {y:.1}) rotate(-90)\">\
                 {}</text>\n",
                escape(&chart.y.label)
            ),
        );
    }

    fn draw_band(&self, line: &Line, out: &mut String) {
        if line.points.iter().all(|point| point.low == point.high) {
            return;
        }
        let corner = |x: f64, y: f64| format!("{:.1} {:.1}", self.at_x(x), self.at_y(y));
        let upper = line.points.iter().map(|point| corner(point.x, point.high));
        let lower = line
            .points
            .iter()
            .rev()
            .map(|point| corner(point.x, point.low));
        let path = upper.chain(lower).collect::<Vec<_>>().join("L");
        put(
            out,
            format_args!("<path class=\"band {}\" d=\"M{path}Z\"/>\n", line.colour),
        );
    }

    fn draw_line(&self, line: &Line, out: &mut String) {
        if line.points.is_empty() {
            return;
        }
        let path = line
            .points
            .iter()
            .map(|point| format!("{:.1} {:.1}", self.at_x(point.x), self.at_y(point.y)))
            .collect::<Vec<_>>()
            .join("L");
        // A single point is drawn as a dot: a line of no length with round ends.
        let end = if line.points.len() == 1 { "h0" } else { "" };
        let class = match line.stroke {
            Stroke::Solid => "line",
            Stroke::Dashed => "line dashed",
            Stroke::Dotted => "line dotted",
            Stroke::Faint => "line faint",
        };
        put(
            out,
            format_args!(
                "<path class=\"{class} {}\" data-name=\"{}\" d=\"M{path}{end}\"/>\n",
                line.colour,
                escape(&line.name)
            ),
        );
    }

    fn draw_rules(&self, rules: &[Rule], out: &mut String) {
        for rule in rules
            .iter()
            .filter(|rule| (self.x.0..=self.x.1).contains(&rule.x))
        {
            let x = self.at_x(rule.x);
            let (top, bottom) = (self.top, self.bottom);
            put(
                out,
                format_args!("<path class=\"rule\" d=\"M{x:.1} {top}V{bottom}\"/>\n"),
            );
            // On the side that has room for the word.
            let right_half = x > (self.left + self.right) / 2.0;
            let (anchor, x) = if right_half {
                ("end", x - 4.0)
            } else {
                ("start", x + 4.0)
            };
            put(
                out,
                format_args!(
                    "<text class=\"tick {anchor}\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>\n",
                    top - 4.0,
                    escape(&rule.label)
                ),
            );
        }
    }

    /// Each cell is a column: SFT's share from below, GRPO's above it.
    fn draw_strip(&self, strip: &[Share], out: &mut String) {
        let (top, height) = (self.bottom + 6.0, STRIP - 8.0);
        for cell in strip {
            let (x, end) = (self.at_x(cell.from), self.at_x(cell.to));
            let width = (end - x).max(0.2);
            let sft = cell.sft * height;
            for (class, y, height) in [
                ("c-grpo", top, height - sft),
                ("c-sft", top + height - sft, sft),
            ] {
                if height > 0.0 {
                    put(
                        out,
                        format_args!(
                            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" \
                             width=\"{width:.2}\" height=\"{height:.1}\"/>\n"
                        ),
                    );
                }
            }
        }
    }
}

/// Appends formatted markup.
pub(super) fn put(out: &mut String, markup: std::fmt::Arguments) {
    out.write_fmt(markup)
        .expect("writing to a string does not fail");
}

/// The range of the values, never empty. With `room`, a little more than that, and from 0 where the
/// values come near it.
fn ends(values: impl Iterator<Item = f64>, room: bool) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    if low > high {
        return (0.0, 1.0);
    }
    if low == high {
        let half = if low == 0.0 { 1.0 } else { 0.1 * low.abs() };
        return (low - half, high + half);
    }
    if !room {
        return (low, high);
    }
    let margin = 0.06 * (high - low);
    let bottom = if low >= 0.0 && low < 0.4 * high {
        0.0
    } else {
        low - margin
    };
    let top = if high <= 0.0 && high > 0.4 * low {
        0.0
    } else {
        high + margin
    };
    (bottom, top)
}

/// About `count` round numbers between two ends, with what to write at them.
fn ticks((low, high): (f64, f64), count: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / count as f64;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|round| round * magnitude)
        .find(|&step| step >= rough * 0.999)
        .unwrap_or(10.0 * magnitude);
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    let (first, last) = (
        (low / step - 1e-9).ceil() as i64,
        (high / step + 1e-9).floor() as i64,
    );
    (first..=last)
        .map(|index| {
            let value = index as f64 * step;
            let text = match step {
                _ if index == 0 => "0".into(),
                step if step >= 1000.0 => super::format::whole(value),
                step if step < 1e-3 => format!("{value:.1e}").replace(".0e", "e"),
                _ => format!("{value:.decimals$}"),
            };
            (value, text.replace('-', "−"))
        })
        .collect()
}

#[cfg(test)]
#[path = "plot_tests.rs"]
mod tests;
