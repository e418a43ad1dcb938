//! What is written to files: one header row with units, one value or point per line (RFC 4180).

use std::fmt::Write as _;

use super::curves::{Prepared, Trace, about};
use super::look::{Unit, in_files};
use super::results::measures;
use crate::app::library::Curves;
use crate::runs::Comparison;
use crate::runs::compare::{Basis, Estimate, Group};

/// Lines of a file written in one frame.
const LINES: usize = 4000;

/// A text as a field: in quotes where it would be taken for something else.
pub fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The drawn curves on their way into a file.
pub struct CurvesCsv {
    text: String,
    /// The lines that are written, by their place, with what stands before each point.
    traces: Vec<(usize, String)>,
    trace: usize,
    row: usize,
}

impl CurvesCsv {
    /// Begins: the header, and the lines that are shown.
    pub fn new(
        prepared: &Prepared,
        groups: &[Group],
        curves: &[Curves],
        shown: impl Fn(&Trace) -> bool,
    ) -> Self {
        let (title, unit, _) = about(&prepared.what.metric);
        let value = match unit {
            "" => title.to_owned(),
            unit => format!("{title} ({unit})"),
        };
        let smoothed = match prepared.what.smoothing {
            weight if weight > 0.0 => format!("{value}, smoothed by {weight:.2}"),
            _ => value,
        };
        let text = format!(
            "group,run,seed,{},{},lowest seed,highest seed\r\n",
            prepared.what.axis.title(),
            field(&smoothed)
        );
        let start = |(place, trace): (usize, &Trace)| {
            let group = field(&groups.get(trace.group)?.label);
            let start = match trace.run.and_then(|run| curves.get(run)) {
                Some(run) => format!("{group},{},{}", field(&run.run), run.config.seed),
                None => format!("{group},mean of {},", trace.seeds),
            };
            Some((place, start))
        };
        let traces = prepared.traces.iter().enumerate();
        Self {
            text,
            traces: traces
                .filter(|(_, trace)| shown(trace))
                .filter_map(start)
                .collect(),
            trace: 0,
            row: 0,
        }
    }

    /// Writes on for a frame; true when all is written.
    pub fn go_on(&mut self, prepared: &Prepared) -> bool {
        for _ in 0..LINES {
            let Some((place, start)) = self.traces.get(self.trace) else {
                return true;
            };
            let trace = prepared.traces.get(*place);
            let point = trace.and_then(|trace| {
                let points = &trace.points;
                Some((trace, points.xs.get(self.row)?, points.ys.get(self.row)?))
            });
            let Some((trace, x, y)) = point else {
                (self.trace, self.row) = (self.trace + 1, 0);
                continue;
            };
            let band = trace.low.get(self.row).zip(trace.high.get(self.row));
            // Writing to a string does not fail.
            match band {
                Some((low, high)) => write!(self.text, "{start},{x},{y},{low},{high}\r\n").ok(),
                None => write!(self.text, "{start},{x},{y},,\r\n").ok(),
            };
            self.row += 1;
        }
        false
    }

    /// The whole file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

/// The results as a file: a line per group and number.
pub fn results(comparison: &Comparison) -> String {
    let mut text = String::from(
        "group,method,seeds,measure,unit,mean,95 % low,95 % high,interval over,values by run\r\n",
    );
    let measures = measures(&comparison.groups);
    for group in &comparison.groups {
        for measure in &measures {
            if let Some(estimate) = group.numbers.get(&measure.name) {
                line(
                    &mut text,
                    group,
                    &measure.name,
                    measure.metric.unit,
                    estimate,
                );
            }
        }
        for (level, (unseen, estimate)) in &group.levels {
            let end = if *unseen { " (unseen)" } else { "" };
            let name = format!("accuracy level {level}{end}");
            line(&mut text, group, &name, Unit::Share, estimate);
        }
        for (name, estimate) in &group.perturbations {
            let name = format!("accuracy reworded {name}");
            line(&mut text, group, &name, Unit::Share, estimate);
        }
    }
    text
}

fn line(text: &mut String, group: &Group, name: &str, unit: Unit, estimate: &Estimate) {
    let (low, high) = match estimate.interval {
        Some(interval) => (interval.low.to_string(), interval.high.to_string()),
        None => Default::default(),
    };
    let over = match (estimate.basis, estimate.interval) {
        (Basis::Seeds, Some(_)) => "seeds",
        (Basis::Problems, Some(_)) => "problems",
        _ => "",
    };
    let values: Vec<String> = estimate.values.iter().map(f64::to_string).collect();
    let seeds: Vec<String> = group
        .outcomes
        .iter()
        .map(|outcome| outcome.seed.to_string())
        .collect();
    let fields = [
        &group.label,
        group.method.name(),
        &seeds.join(" "),
        name,
        in_files(unit),
        &estimate.mean.to_string(),
        &low,
        &high,
        over,
        &values.join(" "),
    ];
    text.push_str(&fields.map(field).join(","));
    text.push_str("\r\n");
}
