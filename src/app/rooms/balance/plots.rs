//! The plots over steps, one under the other, with one x axis.

use std::ops::RangeInclusive;

use eframe::egui::{self, Color32, Rangef, RichText, Ui};
use egui_plot::{AxisHints, HoverPosition, Plot, PlotPoint};
use serde::{Deserialize, Serialize};

use super::bands::{Part, paint, parts};
use super::curves::{Curves, Smoother, Stamp};
use super::draw::{BAND, Drawing, WHAT_IF_BAND, tooltip};
use super::graphs::{Graph, decades, few, halves, step_label, value_label};
use super::marks::Marks;
use super::view::View;
use super::whatif::Replay;
use crate::app::record::{Record, RunKey, names};
use crate::app::theme::{self, Palette};
use crate::app::widgets::thinned;
use crate::config::Mode;

/// Points per curve: the lowest and the highest for about every pixel or two.
const POINTS: usize = 1200;

/// Marks drawn at most.
const MARKS: usize = 200;

/// Height of a plot's title.
const TITLE: f32 = 17.0;

/// Height of the step axis.
const AXIS: f32 = 18.0;

/// Width of the value axes, the same for all so that steps stand above each other.
const VALUES: f32 = 44.0;

/// Room to the right of the plots, for the last step's label.
const MARGIN: f32 = 12.0;

/// The plots' view state.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct Plots {
    pub view: View,
    /// Weight of the past in the reward's average, in [0, 1).
    pub smoothing: f32,
    /// G / G_warm on a logarithmic axis.
    pub logarithmic: bool,
    #[serde(skip)]
    curves: Curves,
    #[serde(skip)]
    bands: Curves<Part>,
    #[serde(skip)]
    reward: Smoother,
    #[serde(skip)]
    reward_std: Smoother,
    #[serde(skip)]
    marks: Marks,
    #[serde(skip)]
    exams: (RunKey, usize, Vec<PlotPoint>),
    /// What was selected before the last click, for a double click means the view.
    #[serde(skip)]
    before_click: Option<u64>,
}

impl Default for Plots {
    fn default() -> Self {
        Self {
            view: View::Whole,
            smoothing: 0.9,
            logarithmic: true,
            curves: Curves::default(),
            bands: Curves::default(),
            reward: Smoother::default(),
            reward_std: Smoother::default(),
            marks: Marks::default(),
            exams: Default::default(),
            before_click: None,
        }
    }
}

/// What the plots are drawn from.
pub struct Scene<'a> {
    pub record: &'a Record,
    pub selected: Option<u64>,
    /// The step in view.
    pub step: Option<u64>,
    /// The what-if, where it is being looked at.
    pub replay: Option<&'a Replay>,
    /// Seconds since the window opened.
    pub time: f64,
}

impl Plots {
    /// Draws the plots into all the room there is; a step that was clicked (or, after a double
    /// click, what was selected before) comes back.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene) -> Option<Option<u64>> {
        let columns = &scene.record.columns;
        let steps = (columns.first(), columns.last());
        let range = self.view.range(steps.0, steps.1);
        self.prepare(scene, &range);
        self.prepare_bands(scene, &range, theme::palette(ui));
        if self.curves.is_stale() || self.bands.is_stale() {
            ui.ctx().request_repaint();
        }
        let graphs = || {
            Graph::ALL
                .into_iter()
                .filter(|graph| graph.applies(scene.record))
        };
        let weights: f32 = graphs().map(Graph::weight).sum();
        let room = ui.available_height() - AXIS - graphs().count() as f32 * TITLE;
        ui.spacing_mut().item_spacing.y = 0.0;
        let last = graphs().last();
        let (mut view, mut clicked) = (self.view, None);
        for graph in graphs() {
            let axis = last == Some(graph);
            let height = (room * graph.weight() / weights).max(36.0);
            let height = height + if axis { AXIS } else { 0.0 };
            title(ui, graph, scene);
            let response = self.graph(ui, graph, (height, axis), scene, &range);
            let (moved, click) = interact(ui, &response, self.view, steps, &range);
            if moved != self.view {
                view = moved;
            }
            clicked = click.or(clicked);
        }
        self.view = view;
        match clicked? {
            Click::Step(step) => {
                self.before_click = scene.selected;
                Some(Some(step))
            }
            Click::Double => {
                self.view = View::Whole;
                Some(self.before_click)
            }
        }
    }

    /// Brings curves, marks and exams up to date.
    fn prepare(&mut self, scene: &Scene, range: &RangeInclusive<f64>) {
        let Scene { record, replay, .. } = scene;
        let columns = &record.columns;
        let column = |name: &str| columns.get(name).unwrap_or(&[]);
        let key = &record.key;
        self.curves.begin(key, scene.time);
        self.marks.follow(record);
        if self.exams.0 != *key || self.exams.1 != record.evaluations.len() {
            let point = |(step, accuracy)| PlotPoint::new(step as f64, accuracy);
            let points = record.exam_curve().into_iter().map(point).collect();
            self.exams = (key.clone(), record.evaluations.len(), points);
        }
        let smoothing = self.smoothing.clamp(0.0, 0.999);
        self.reward.follow(key, column(names::REWARD), smoothing);
        self.reward_std.follow(key, column("reward_std"), smoothing);
        let smooth = u64::from(smoothing.to_bits());
        let replayed = replay.map_or(&[][..], |replay| &replay.p);
        let logarithmic = self.logarithmic;
        let first = columns.first() as f64;
        let curves: [(&'static str, &[f32], u64); 8] = [
            ("p", column(names::P), 0),
            ("what-if", replayed, tried(*replay)),
            ("ratio", column(names::G_RATIO), u64::from(logarithmic)),
            ("D", column(names::D), 0),
            ("D_pull", column(names::D_PULL), 0),
            ("reward", column(names::REWARD), 0),
            ("smooth reward", self.reward.values(), smooth),
            ("reward_std", self.reward_std.values(), smooth),
        ];
        for (name, values, variant) in curves {
            let stamp = Stamp {
                revision: record.revision,
                range: range.clone(),
                variant,
            };
            self.curves.prepare(name, stamp, values.len(), || {
                let points = thinned(values, None, first, range.clone(), POINTS);
                if name == "ratio" && logarithmic {
                    powers(points)
                } else {
                    points
                }
            });
        }
    }

    fn prepare_bands(
        &mut self,
        scene: &Scene,
        range: &RangeInclusive<f64>,
        colors: &'static Palette,
    ) {
        let Scene { record, replay, .. } = scene;
        self.bands.begin(&record.key, scene.time);
        let first = record.columns.first() as f64;
        // Light and dark have colours of their own.
        let variant = u64::from(u32::from_le_bytes(colors.sft.to_array()));
        let replayed = replay.map_or(&[][..], |replay| &replay.branches);
        for (name, branches, variant) in [
            ("branches", record.columns.branch.as_slice(), variant),
            ("what-if", replayed, variant ^ tried(*replay)),
        ] {
            let stamp = Stamp {
                revision: record.revision,
                range: range.clone(),
                variant,
            };
            self.bands.prepare(name, stamp, branches.len(), || {
                parts(branches, first, range, |branch| colors.branch(branch))
            });
        }
    }

    /// Paints the bands into the plot of p, and the step in view over them.
    fn paint_bands(&self, ui: &Ui, scene: &Scene, plot: &egui_plot::PlotResponse<()>) {
        let (painter, transform) = (ui.painter(), &plot.transform);
        paint(painter, transform, self.bands.points("branches"), BAND);
        if scene.replay.is_some() {
            let parts = self.bands.points("what-if");
            paint(painter, transform, parts, WHAT_IF_BAND);
        }
        let frame = transform.frame();
        if scene.replay.is_some() {
            for (name, band) in [("as it was", BAND), ("what if", WHAT_IF_BAND)] {
                let y = transform.position_from_point_y(f64::from(band.center()));
                let font = egui::FontId::proportional(9.5);
                let at = egui::pos2(frame.left() - 3.0, y);
                let align = egui::Align2::RIGHT_CENTER;
                painter.text(at, align, name, font, ui.visuals().weak_text_color());
            }
        }
        let line = |x: f32, width: f32, color: Color32| {
            if frame.x_range().contains(x) {
                painter.vline(x, frame.y_range(), egui::Stroke::new(width, color));
            }
        };
        if let Some(step) = scene.selected.and(scene.step) {
            let x = transform.position_from_point_x(step as f64);
            line(x, 1.5, ui.visuals().strong_text_color());
        }
        if let Some(pointer) = plot.response.hover_pos() {
            line(pointer.x, 1.0, ui.visuals().weak_text_color());
        }
    }

    fn graph(
        &self,
        ui: &mut Ui,
        graph: Graph,
        (height, axis): (f32, bool),
        scene: &Scene,
        range: &RangeInclusive<f64>,
    ) -> egui_plot::PlotResponse<()> {
        let drawing = Drawing {
            scene,
            curves: &self.curves,
            exams: &self.exams.2,
            marks: self.marks.within(*range.start(), *range.end(), MARKS),
            range,
            colors: theme::palette(ui),
            strong: ui.visuals().strong_text_color(),
            text: ui.visuals().weak_text_color(),
        };
        let marks = drawing.marks;
        // A mark answers to a pointer within some pixels.
        let width = f64::from(ui.available_width().max(50.0));
        let reach = (range.end() - range.start()) / width * 5.0;
        let words = move |hover: &HoverPosition<'_>| {
            let (HoverPosition::Elsewhere { position }
            | HoverPosition::NearDataPoint { position, .. }) = hover;
            tooltip(scene.record, marks, position.x, reach)
        };
        let plot = self
            .frame(ui, graph, axis)
            .width(ui.available_width() - MARGIN)
            .height(height)
            .label_formatter(words);
        let response = plot.show(ui, |plot| {
            plot.set_plot_bounds_x(range.clone());
            drawing.draw(plot, graph);
        });
        if graph == Graph::Probability {
            self.paint_bands(ui, scene, &response);
        }
        response.response.widget_info(|| {
            let name = format!("{}: click a step to look at it", graph.title());
            egui::WidgetInfo::labeled(egui::Role::Label, true, name)
        });
        response
    }

    /// An empty plot with its axes and manners.
    fn frame<'a>(&self, ui: &Ui, graph: Graph, axis: bool) -> Plot<'a> {
        let logarithmic = graph == Graph::Gradient && self.logarithmic;
        // Labels of steps need some room.
        let apart = f64::from(56.0 / ui.available_width().max(112.0));
        let small = egui::TextStyle::Small.resolve(ui.style());
        let steps = AxisHints::new_x()
            .tick_label_font(small.clone())
            .label_spacing(Rangef::new(30.0, 45.0))
            .formatter(|mark, _| step_label(mark.value));
        let values = AxisHints::new_y()
            .tick_label_font(small)
            .min_thickness(VALUES)
            .label_spacing(Rangef::new(13.0, 20.0))
            .formatter(move |mark, _| value_label(graph, logarithmic, mark.value));
        let plot = Plot::new(("balance", graph))
            .show_axes([axis, true])
            .custom_x_axes(vec![steps])
            .custom_y_axes(vec![values])
            .grid_color(ui.visuals().weak_text_color().gamma_multiply(0.45))
            .allow_zoom([true, false])
            .allow_drag([true, false])
            .allow_scroll([true, false])
            .allow_axis_zoom_drag([true, false])
            .allow_boxed_zoom(false)
            .allow_double_click_reset(false)
            .show_y(false)
            .x_grid_spacer(move |input| few(input.bounds, apart))
            .link_cursor(ui.scope_id().with("steps"), [true, false])
            .set_margin_fraction(egui::vec2(0.0, 0.08));
        match graph {
            Graph::Probability | Graph::Exam => plot.y_grid_spacer(|_| halves()),
            Graph::Gradient if logarithmic => plot.y_grid_spacer(|input| decades(input.bounds)),
            _ => plot
                .include_y(0.0)
                .include_y(0.01)
                .y_grid_spacer(|input| few(input.bounds, 0.3)),
        }
    }
}

/// Tells the answers of one what-if from those of another.
fn tried(replay: Option<&Replay>) -> u64 {
    replay.map_or(0, |replay| {
        let (gamma, lambda) = (replay.config.gamma, replay.config.lambda);
        gamma.to_bits().rotate_left(1) ^ lambda.to_bits() ^ replay.p.len() as u64
    })
}

/// The points' values as powers of ten; there is none of 0.
fn powers(mut points: Vec<PlotPoint>) -> Vec<PlotPoint> {
    points.retain(|point| point.y > 0.0);
    points
        .iter_mut()
        .for_each(|point| point.y = point.y.log10());
    points
}

/// What a click meant.
enum Click {
    Step(u64),
    Double,
}

/// The view after what the user did in one plot, and what was clicked.
fn interact(
    ui: &Ui,
    plot: &egui_plot::PlotResponse<()>,
    view: View,
    steps: (u64, u64),
    range: &RangeInclusive<f64>,
) -> (View, Option<Click>) {
    let response = &plot.response;
    let at = |pos: egui::Pos2| plot.transform.value_from_position(pos).x;
    let mut view = view.moved(range, &plot.transform.bounds().range_x(), steps);
    if response.contains_pointer()
        && let Some(pointer) = response.hover_pos()
    {
        let wheel = ui.input(|input| input.smooth_scroll_delta.y);
        if wheel != 0.0 {
            view = view.zoomed(f64::from(wheel * 0.004).exp(), at(pointer), steps);
        }
    }
    if response.double_clicked() {
        return (view, Some(Click::Double));
    }
    let click = response
        .interact_pointer_pos()
        .filter(|_| response.clicked());
    let step = click.map(|pos| (at(pos).round().max(0.0) as u64).clamp(steps.0, steps.1));
    (view, step.map(Click::Step))
}

fn title(ui: &mut Ui, graph: Graph, scene: &Scene) {
    let size = egui::vec2(ui.available_width(), TITLE);
    let row = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(size, row, |ui| {
        ui.set_height(TITLE);
        ui.add_space(VALUES);
        let text = RichText::new(graph.title()).small().strong();
        ui.add(egui::Label::new(text).selectable(false))
            .on_hover_text(graph.explanation());
        legend(ui, graph, scene);
        let value = scene.step.map(|step| graph.value(scene.record, step));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_space(MARGIN);
            ui.label(RichText::new(value.unwrap_or_default()).small().weak());
        });
    });
}

/// What the colours of a plot mean, in words.
fn legend(ui: &mut Ui, graph: Graph, scene: &Scene) {
    let colors = theme::palette(ui);
    let blend = scene.record.config.balance.mode == Mode::Blend;
    let entries: &[(Color32, &str)] = match graph {
        Graph::Probability if blend => &[(colors.sft, "SFT"), (colors.blend, "SFT and GRPO")],
        Graph::Probability => &[(colors.sft, "SFT (textbook)"), (colors.grpo, "GRPO (quiz)")],
        Graph::Divergence => &[(colors.faint, "D"), (colors.grpo, "D_pull")],
        Graph::Reward => &[(colors.grpo, "mean"), (colors.faint, "spread")],
        Graph::Gradient | Graph::Exam => &[],
    };
    for (color, words) in entries {
        ui.add_space(2.0);
        let (rect, _) = ui.allocate_exact_size(egui::vec2(9.0, 9.0), egui::Sense::hover());
        ui.painter().rect_filled(rect, 2.0, *color);
        ui.small(*words);
    }
}
