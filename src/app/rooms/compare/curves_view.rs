//! Draws the curves, what they are chosen with, and their legend.

use std::collections::BTreeSet;

use eframe::egui::{self, Rangef, RichText, Ui};
use egui_plot::{
    AxisHints, FilledArea, HoverPosition, Line, LineStyle, Plot, PlotBounds, PlotPoint, PlotPoints,
    PlotUi,
};
use serde::{Deserialize, Serialize};

use super::curves::{Axis, EXAM, Prepared, Preparing, Shape, Trace, What, about, metrics};
use super::export::CurvesCsv;
use super::look::{self, Look, looks, percent_mark, tone};
use crate::app::library::{Compared, Curves};
use crate::app::{theme, widgets};
use crate::clock::Clock;
use crate::runs::compare::Group;

/// Seconds of a frame that preparing curves may use.
const SECONDS: f64 = 0.001;

/// Points drawn per line at most: about one per pixel of a wide screen.
const POINTS: usize = 1200;

/// Width from which on everything to choose with stands in one row.
const ONE_ROW: f32 = 860.0;

/// Points of a band at most.
const BAND_POINTS: usize = 400;

/// What is drawn, and what was made ready for it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CurvesView {
    what: What,
    /// Groups that were clicked away, by label.
    hidden: BTreeSet<String>,
    #[serde(skip)]
    prepared: Option<Prepared>,
    #[serde(skip)]
    preparing: Option<Preparing>,
    #[serde(skip)]
    metrics: Vec<String>,
    /// Other lines than before are drawn: what was zoomed to is void.
    #[serde(skip)]
    is_new: bool,
    /// The part that is seen, which the user may have zoomed to.
    #[serde(skip)]
    seen: Option<PlotBounds>,
    /// The group whose entry in the legend is pointed at.
    #[serde(skip)]
    pointed: Option<usize>,
}

impl CurvesView {
    /// The runs have changed: nothing that was made from others is kept.
    pub fn forget(&mut self) {
        (self.prepared, self.preparing) = (None, None);
        self.metrics.clear();
    }

    /// The lines as they are drawn.
    pub fn prepared(&self) -> Option<&Prepared> {
        self.prepared.as_ref()
    }

    /// Begins to write the lines that are shown.
    pub fn csv(&self, groups: &[Group], curves: &[Curves]) -> Option<CurvesCsv> {
        let prepared = self.prepared.as_ref()?;
        let shown = |trace: &Trace| !self.hidden.contains(&groups[trace.group].label);
        Some(CurvesCsv::new(prepared, groups, curves, shown))
    }

    /// Draws the curves with what they are chosen with.
    pub fn show(&mut self, ui: &mut Ui, compared: &Compared) {
        self.controls(ui, compared);
        // What is seen is the plot's own to say.
        self.seen = None;
        self.seen = self.draw(ui, compared);
        if self.is_new && self.seen.is_some() {
            // The bounds of the first frame are those of what was there before.
            self.is_new = false;
            ui.ctx().request_repaint();
        }
    }

    /// Draws legend and curves: the part that was seen last, where it is drawn on another sheet.
    /// Returns the part that is seen; none where nothing is drawn.
    pub fn draw(&mut self, ui: &mut Ui, compared: &Compared) -> Option<PlotBounds> {
        let groups = &compared.comparison.groups;
        let looks = looks(ui, groups);
        self.legend(ui, groups, &looks);
        let shown = |trace: &&Trace| !self.hidden.contains(&groups[trace.group].label);
        let Some(prepared) = &self.prepared else {
            ui.spinner();
            return None;
        };
        let traces: Vec<&Trace> = prepared.traces.iter().filter(shown).collect();
        if traces.is_empty() {
            let text = match prepared.traces.is_empty() {
                true => "None of the chosen runs has this curve",
                false => "All groups are hidden: click one above to show it",
            };
            ui.label(RichText::new(text).weak());
            return None;
        }
        let drawing = Drawing {
            what: &prepared.what,
            groups,
            curves: &compared.curves,
            looks: &looks,
            pointed: self.pointed,
            part: self.seen,
        };
        Some(drawing.show(ui, &traces, self.is_new))
    }

    /// Makes the lines ready, as far as a frame allows. Those of before stay until then.
    pub fn prepare(&mut self, ui: &Ui, compared: &Compared) {
        let is_ready = self.prepared.as_ref().is_some_and(|p| p.what == self.what);
        if is_ready && self.preparing.is_none() {
            return;
        }
        let clock = Clock::start();
        let groups = &compared.comparison.groups;
        let mut work = self
            .preparing
            .take()
            .unwrap_or_else(|| Preparing::new(self.what.clone()));
        loop {
            if let Some(prepared) = work.go_on(groups, &compared.curves) {
                let before = self.prepared.replace(prepared);
                let now = self.prepared.as_ref();
                let kind = |p: &Prepared| (p.what.metric.clone(), p.what.axis, p.what.shape);
                self.is_new |= before.as_ref().map(kind) != now.map(kind);
                break;
            }
            if clock.seconds() > SECONDS {
                self.preparing = Some(work);
                break;
            }
        }
        ui.ctx().request_repaint();
    }

    fn controls(&mut self, ui: &mut Ui, compared: &Compared) {
        if self.metrics.is_empty() {
            self.metrics = metrics(&compared.curves);
        }
        if ui.available_width() >= ONE_ROW {
            ui.horizontal(|ui| {
                self.choose_metric(ui);
                ui.separator();
                self.choose_shape(ui);
            });
        } else {
            ui.horizontal(|ui| self.choose_metric(ui));
            ui.horizontal(|ui| self.choose_shape(ui));
        }
    }

    fn choose_metric(&mut self, ui: &mut Ui) {
        let what = &mut self.what;
        let label = ui.label("Curve");
        let combo = egui::ComboBox::from_id_salt("metric")
            .selected_text(about(&what.metric).0)
            .width(150.0)
            .height(360.0)
            .show_ui(ui, |ui| {
                for metric in &self.metrics {
                    let (title, _, hint) = about(metric);
                    let mut entry = ui.selectable_label(what.metric == *metric, title);
                    if !hint.is_empty() {
                        entry = entry.on_hover_text(hint);
                    }
                    if entry.clicked() {
                        what.metric.clone_from(metric);
                    }
                }
            });
        combo
            .response
            .labelled_by(label.id)
            .on_hover_text("What is drawn");
        ui.label("over");
        for axis in Axis::ALL {
            ui.selectable_value(&mut what.axis, axis, axis.title());
        }
    }

    fn choose_shape(&mut self, ui: &mut Ui) {
        let what = &mut self.what;
        ui.selectable_value(&mut what.shape, Shape::Mean, "mean of seeds")
            .on_hover_text(
                "Mean over a group's seeds; the band reaches from the lowest seed to the highest. \
                 It ends where the first seed ends",
            );
        ui.selectable_value(&mut what.shape, Shape::Seeds, "each seed")
            .on_hover_text("A line per run; the paler, the later its seed");
        ui.separator();
        let label = ui.label("Smoothing");
        ui.spacing_mut().slider_width = 90.0;
        ui.add(egui::Slider::new(&mut what.smoothing, 0.0..=0.99).fixed_decimals(2))
            .labelled_by(label.id)
            .on_hover_text("Weight of the past in a moving average; 0 shows every value");
    }

    fn legend(&mut self, ui: &mut Ui, groups: &[Group], looks: &[Look]) {
        let mut pointed = None;
        ui.horizontal_wrapped(|ui| {
            for (index, (group, look)) in groups.iter().zip(looks).enumerate() {
                let is_hidden = self.hidden.contains(&group.label);
                let seeds = super::count(group.members.len(), "seed");
                let faint = theme::palette(ui).faint;
                let color = if is_hidden { faint } else { look.color };
                let mut name = RichText::new(format!("{} ({seeds})", group.label));
                if is_hidden {
                    name = name.strikethrough().weak();
                }
                let button =
                    egui::Button::selectable(!is_hidden, (RichText::new("●").color(color), name));
                let entry = ui.add(button.truncate());
                let label = format!("{} ({seeds})", group.label);
                entry.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::CheckBox, true, !is_hidden, &label)
                });
                let hint = if is_hidden {
                    "Click to show"
                } else {
                    "Click to hide"
                };
                let entry = entry.on_hover_text(format!("{}\n{hint}", group.label));
                if entry.hovered() {
                    pointed = Some(index);
                }
                if entry.clicked() && !self.hidden.remove(&group.label) {
                    self.hidden.insert(group.label.clone());
                }
            }
        });
        self.pointed = pointed;
    }
}

/// What is drawn with.
struct Drawing<'a> {
    what: &'a What,
    groups: &'a [Group],
    curves: &'a [Curves],
    looks: &'a [Look],
    pointed: Option<usize>,
    /// The part to show, where it is not left to the plot.
    part: Option<PlotBounds>,
}

impl Drawing<'_> {
    fn show(&self, ui: &mut Ui, traces: &[&Trace], is_new: bool) -> PlotBounds {
        let (title, unit, _) = about(&self.what.metric);
        let y_title = match unit {
            "" => title.to_owned(),
            unit => format!("{title} ({unit})"),
        };
        let axis = self.what.axis.title();
        let is_share = self.what.metric == EXAM;
        let whole = extent(traces);
        let mut plot = Plot::new("compared curves")
            .height(ui.available_height().max(220.0))
            .allow_scroll(false)
            .grid_color(look::grid(ui))
            .custom_x_axes(vec![
                // Each line of the grid has its number where there is room.
                AxisHints::new_x()
                    .label(axis)
                    .label_spacing(Rangef::new(35.0, 50.0)),
            ])
            .y_axis_label(y_title)
            .include_x(*whole.start())
            .include_x(*whole.end())
            .label_formatter(move |position| match position {
                HoverPosition::NearDataPoint {
                    plot_name,
                    position,
                    ..
                } => {
                    let y = if is_share {
                        widgets::percent(position.y)
                    } else {
                        widgets::number(position.y)
                    };
                    Some(format!(
                        "{plot_name}\n{axis} {:.0}\n{title} {y}",
                        position.x
                    ))
                }
                HoverPosition::Elsewhere { .. } => None,
            });
        if is_share {
            plot = plot
                .include_y(0.0)
                .include_y(1.0)
                .y_axis_formatter(|mark, _| percent_mark(mark));
        }
        if is_new {
            plot = plot.reset();
        }
        let drawn = plot.show(ui, |plot| {
            if let Some(part) = self.part {
                plot.set_plot_bounds(part);
            }
            let range = match plot.auto_bounds().x {
                true => f64::NEG_INFINITY..=f64::INFINITY,
                false => plot.plot_bounds().range_x(),
            };
            for trace in traces {
                self.band(plot, trace);
            }
            for trace in traces {
                self.line(plot, trace, &range, &whole);
            }
        });
        drawn.response.widget_info(|| {
            let text = format!("{title} over {axis}");
            egui::WidgetInfo::labeled(egui::Role::Image, true, text)
        });
        *drawn.transform.bounds()
    }

    fn band(&self, plot: &mut PlotUi<'_>, trace: &Trace) {
        if trace.low.is_empty() {
            return;
        }
        let color = self.looks[trace.group].color.gamma_multiply(0.2);
        let every = trace.low.len().div_ceil(BAND_POINTS).max(1);
        let pick = |values: &[f32]| -> Vec<f64> {
            let values = values.iter().step_by(every);
            values.map(|&value| f64::from(value)).collect()
        };
        let xs: Vec<f64> = trace.points.xs.iter().step_by(every).copied().collect();
        let area = FilledArea::new("", &xs, &pick(&trace.low), &pick(&trace.high));
        plot.add(area.fill_color(color).allow_hover(false));
    }

    fn line(
        &self,
        plot: &mut PlotUi<'_>,
        trace: &Trace,
        range: &std::ops::RangeInclusive<f64>,
        whole: &std::ops::RangeInclusive<f64>,
    ) {
        let look = &self.looks[trace.group];
        let wide = (range.end() - range.start()) * 8.0 > whole.end() - whole.start();
        let points = match &trace.coarse {
            Some(coarse) if wide => coarse,
            _ => &trace.points,
        };
        // A dashed line is stroked as a whole: more turns than every other point would tear it.
        let limit = match look.style {
            LineStyle::Solid => POINTS,
            _ => (plot.transform().frame().width() / 2.0) as usize,
        };
        let shown: Vec<PlotPoint> =
            widgets::thinned(&points.ys, Some(&points.xs), 0.0, range.clone(), limit);
        let is_pointed = self.pointed == Some(trace.group);
        let width = match (is_pointed, trace.run) {
            (true, _) => 3.5,
            (false, None) => 2.2,
            (false, Some(_)) => 1.6,
        };
        let color = match self.pointed {
            Some(other) if other != trace.group => look.color.gamma_multiply(0.35),
            _ => tone(look.color, trace.rank, trace.seeds),
        };
        let few = shown.len() <= 40;
        if few || look.style != LineStyle::Solid {
            let line = Line::new(self.name(trace), PlotPoints::Owned(shown.clone()));
            plot.line(line.color(color).width(width).style(look.style));
        } else {
            let stroke = widgets::Stroke::new(self.name(trace), shown.clone(), color, width);
            plot.add(stroke);
        }
        if few {
            let points = egui_plot::Points::new("", PlotPoints::Owned(shown));
            plot.points(points.color(color).radius(width + 0.8).allow_hover(false));
        }
    }

    fn name(&self, trace: &Trace) -> String {
        let label = &self.groups[trace.group].label;
        match trace.run.and_then(|run| self.curves.get(run)) {
            Some(run) => format!("{label}, seed {}", run.config.seed),
            None => format!("{label}, mean of {} seeds", trace.seeds),
        }
    }
}

/// From the smallest x to the largest.
fn extent(traces: &[&Trace]) -> std::ops::RangeInclusive<f64> {
    let first = traces.iter().filter_map(|trace| trace.points.xs.first());
    let last = traces.iter().filter_map(|trace| trace.points.xs.last());
    let low = first.copied().fold(f64::INFINITY, f64::min);
    let high = last.copied().fold(f64::NEG_INFINITY, f64::max);
    low..=high
}
