//! The other charts: bars with error bars, heat maps, and a bar of parts.

use super::format;
use super::page::{Key, escape};
use super::plot::put;
use crate::evaluation::Interval;

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    pub name: String,
    pub colour: &'static str,
    pub value: f64,
    pub interval: Option<Interval>,
    /// The value as written beside the bar.
    pub text: String,
}

/// Horizontal bars from 0, one beneath the other, with their names above and error bars. The axis
/// ends at `end`, or beyond the longest bar where there is none.
pub fn bars(alt: &str, bars: &[Bar], end: Option<f64>) -> String {
    const WIDTH: f64 = 560.0;
    const ROW: f64 = 42.0;
    const LENGTH: f64 = 400.0;
    let reach = bars
        .iter()
        .map(|bar| bar.interval.map_or(bar.value, |i| i.high.max(bar.value)));
    let end = end.unwrap_or_else(|| reach.fold(0.0, f64::max));
    let at = |value: f64| {
        if end > 0.0 {
            LENGTH * (value / end).clamp(0.0, 1.0)
        } else {
            0.0
        }
    };
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">\n",
        ROW * bars.len() as f64 + 4.0,
        escape(alt)
    );
    for (row, bar) in bars.iter().enumerate() {
        let top = ROW * row as f64;
        let (name, middle) = (escape(&bar.name), top + 28.0);
        put(
            &mut out,
            format_args!(
                "<text class=\"tick\" x=\"2\" y=\"{}\">{name}</text>\n",
                top + 14.0
            ),
        );
        put(
            &mut out,
            format_args!(
                "<rect class=\"bar {}\" x=\"2\" y=\"{}\" width=\"{:.1}\" height=\"16\"/>\n",
                bar.colour,
                top + 20.0,
                at(bar.value)
            ),
        );
        let mut tip = at(bar.value);
        if let Some(Interval { low, high }) = bar.interval {
            let (low, high) = (2.0 + at(low), 2.0 + at(high));
            tip = tip.max(high);
            put(
                &mut out,
                format_args!(
                    "<path class=\"error\" d=\"M{low:.1} {middle}H{high:.1}\
                     M{low:.1} {}v10M{high:.1} {}v10\"/>\n",
                    middle - 5.0,
                    middle - 5.0
                ),
            );
        }
        put(
            &mut out,
            format_args!(
                "<text class=\"value\" x=\"{:.1}\" y=\"{}\">{}</text>\n",
                tip + 12.0,
                middle + 4.0,
                escape(&bar.text)
            ),
        );
    }
    out.push_str("</svg>\n");
    out
}

/// A heat map of shares: rows from below, columns from the left, empty cells where nothing was
/// measured. Numbers are percent.
pub fn heat_map(
    alt: &str,
    rows: &[String],
    columns: &[String],
    cells: &[Vec<Option<f64>>],
    x_label: &str,
) -> String {
    const WIDTH: f64 = 1140.0;
    const LEFT: f64 = 92.0;
    const ROW: f64 = 34.0;
    let column = (WIDTH - LEFT - 8.0) / columns.len().max(1) as f64;
    let bottom = ROW * rows.len() as f64 + 6.0;
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">\n",
        bottom + 42.0,
        escape(alt)
    );
    for (row, (name, cells)) in rows.iter().zip(cells).enumerate() {
        let top = bottom - ROW * (row + 1) as f64;
        put(
            &mut out,
            format_args!(
                "<text class=\"tick end\" x=\"{}\" y=\"{}\">{}</text>\n",
                LEFT - 8.0,
                top + 21.0,
                escape(name)
            ),
        );
        for (index, cell) in cells.iter().enumerate() {
            let Some(share) = cell else { continue };
            let left = LEFT + column * index as f64;
            put(
                &mut out,
                format_args!(
                    "<rect class=\"heat\" x=\"{left:.1}\" y=\"{top}\" width=\"{:.1}\" \
                     height=\"{}\" fill-opacity=\"{:.2}\"/>\n",
                    column - 2.0,
                    ROW - 2.0,
                    0.06 + 0.94 * share.clamp(0.0, 1.0)
                ),
            );
            if column >= 26.0 {
                let class = if *share > 0.7 {
                    "heat-high"
                } else {
                    "heat-low"
                };
                put(
                    &mut out,
                    format_args!(
                        "<text class=\"{class} middle\" x=\"{:.1}\" y=\"{}\">{:.0}</text>\n",
                        left + column / 2.0 - 1.0,
                        top + 20.0,
                        100.0 * share
                    ),
                );
            }
        }
    }
    // As many column names as there is room for.
    let every = (56.0 / column).ceil().max(1.0) as usize;
    for (index, name) in columns.iter().enumerate().step_by(every) {
        put(
            &mut out,
            format_args!(
                "<text class=\"tick middle\" x=\"{:.1}\" y=\"{}\">{}</text>\n",
                LEFT + column * (index as f64 + 0.5),
                bottom + 16.0,
                escape(name)
            ),
        );
    }
    put(
        &mut out,
        format_args!(
            "<text class=\"label middle\" x=\"{}\" y=\"{}\">{}</text>\n</svg>\n",
            (LEFT + WIDTH) / 2.0,
            bottom + 35.0,
            escape(x_label)
        ),
    );
    out
}

/// One bar cut into parts, and its legend with each part's share.
pub fn parts(alt: &str, parts: &[(&str, &'static str, f64)]) -> (Vec<Key>, String) {
    const WIDTH: f64 = 1140.0;
    let total: f64 = parts.iter().map(|part| part.2).sum();
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} 34\" role=\"img\" aria-label=\"{}\">\n",
        escape(alt)
    );
    let mut left = 0.0;
    let mut keys = Vec::new();
    for &(name, colour, value) in parts.iter().filter(|part| part.2 > 0.0) {
        let share = value / total;
        put(
            &mut out,
            format_args!(
                "<rect class=\"bar {colour}\" x=\"{left:.1}\" y=\"2\" width=\"{:.1}\" \
                 height=\"28\"/>\n",
                (share * WIDTH - 1.5).max(0.5)
            ),
        );
        left += share * WIDTH;
        let text = format!(
            "{name}: {} ({})",
            format::duration(value),
            format::percent(share)
        );
        keys.push(Key::new(&format!("box {colour}"), &text));
    }
    out.push_str("</svg>\n");
    (keys, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bar = |value, interval| Bar {
            name: "a < b".into(),
            colour: "c-0",
            value,
            interval,
            text: format::percent(value),
        };
        let drawn = bars(
            "two",
            &[
                bar(0.5, None),
                bar(
                    0.25,
                    Some(Interval {
                        low: 0.1,
                        high: 0.4,
                    }),
                ),
            ],
            Some(1.0),
        );
        assert!(drawn.contains("width=\"200.0\"") && drawn.contains("width=\"100.0\""));
        assert!(drawn.contains("M42.0 70H162.0") && drawn.contains("a &lt; b"));
        assert_eq!(drawn.matches("class=\"error\"").count(), 1);
        assert!(bars("nothing", &[bar(0.0, None)], None).contains("width=\"0.0\""));
    }

    #[test]
    fn a_heat_map_leaves_out_what_was_not_measured() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let drawn = heat_map(
            "exam",
            &names(&["level 1", "level 2"]),
            &names(&["100", "200"]),
            &[vec![Some(0.5), Some(1.0)], vec![None, Some(0.0)]],
            "step",
        );
        assert_eq!(drawn.matches("class=\"heat\"").count(), 3);
        assert!(drawn.contains("fill-opacity=\"0.53\"") && drawn.contains(">100</text>"));
    }

    #[test]
    fn parts_fill_the_bar() {
        let (keys, drawn) = parts(
            "time",
            &[
                ("rollout", "c-0", 30.0),
                ("update", "c-1", 10.0),
                ("probe", "c-2", 0.0),
            ],
        );
        assert_eq!(keys[0].name, "rollout: 30 s (75.0\u{a0}%)");
        assert_eq!(keys.len(), 2);
        assert!(drawn.contains("x=\"855.0\""));
    }
}
