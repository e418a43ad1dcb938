//! Drawing a tree in a pane that can be moved and zoomed.

use eframe::egui::emath::TSTransform;
use eframe::egui::epaint::CubicBezierShape;
use eframe::egui::{
    self, Align2, Color32, FontId, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui,
    Vec2, vec2,
};

use super::faces::{FOOT, Face, HEAD};
use super::layout;
use super::tree::{Kind, Node, Tree};
use crate::app::theme::{self, Palette};

/// The smallest zoom a tree is shown at unasked: below it, letters cannot be read.
const READABLE: f32 = 0.72;
const ZOOM: std::ops::RangeInclusive<f32> = 0.1..=3.0;
/// Room left at the sides of a tree that fits.
const MARGIN: f32 = 10.0;
/// Width of an edge that all samples take.
const WIDEST: f32 = 14.0;
/// How much remains of what is not on the chosen way.
const FADED: f32 = 0.3;

/// How a tree is looked at: from its own coordinates to those of its pane.
#[derive(Default)]
pub struct View {
    seen: Option<TSTransform>,
    /// Moved by the user: it stays even if the pane changes its size.
    moved: bool,
    pane: Vec2,
}

/// A tree as it is drawn.
pub struct Picture {
    pub tree: Tree,
    pub faces: Vec<Face>,
    rects: Vec<Rect>,
}

impl Picture {
    pub fn new(tree: Tree, faces: Vec<Face>) -> Self {
        let sizes: Vec<Vec2> = faces.iter().map(|face| face.size).collect();
        let rects = layout::place(&tree, &sizes);
        Self { tree, faces, rects }
    }

    /// Draws the tree in what room there is, `height` high, and lets the user choose a node.
    pub fn show(
        &self,
        ui: &mut Ui,
        side: &str,
        height: f32,
        view: &mut View,
        selected: &mut Option<usize>,
    ) {
        let size = vec2(ui.available_width(), height.max(60.0));
        let (pane, _) = ui.allocate_exact_size(size, Sense::hover());
        let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(pane));
        ui.set_clip_rect(pane.intersect(ui.clip_rect()));
        let ui = &mut ui;
        ui.painter()
            .rect_filled(pane, 4.0, ui.visuals().extreme_bg_color);
        let id = ui.scope_id().with((side, "tree"));
        let mut back = ui.interact(pane, id, Sense::DRAG | Sense::CLICK);
        if back.clicked() {
            *selected = None;
        }
        let mut seen = self.seen(pane, view, *selected);
        let scene = egui::Scene::new().zoom_range(ZOOM).scroll_zooms(true);
        scene.register_pan_and_zoom(ui, &mut back, &mut seen);
        self.edges(ui, seen, *selected);
        for index in 0..self.tree.nodes.len() {
            let rect = seen * self.rects[index];
            let response = self.node(ui, id.with(index), index, rect, seen.scaling, *selected);
            if response.clicked() {
                *selected = (*selected != Some(index)).then_some(index);
            }
            // A click is where one looks already; the keyboard may go anywhere.
            if response.gained_focus() && !response.clicked() {
                let local = TSTransform::from_translation(-pane.min.to_vec2()) * seen;
                let local = brought_in(local, self.rects[index], pane.size());
                seen = TSTransform::from_translation(pane.min.to_vec2()) * local;
            }
        }
        if back.changed() {
            view.moved = true;
        }
        view.seen = Some(TSTransform::from_translation(-pane.min.to_vec2()) * seen);
        self.zoom_buttons(ui, side, pane, view);
    }

    /// From the tree's coordinates to the window's.
    fn seen(&self, pane: Rect, view: &mut View, selected: Option<usize>) -> TSTransform {
        let resized = view.pane != pane.size();
        view.pane = pane.size();
        let chosen = selected.and_then(|chosen| self.rects.get(chosen));
        if resized && let (Some(seen), Some(&chosen)) = (view.seen, chosen) {
            // The samples opened below: what they belong to stays in sight.
            view.seen = Some(brought_in(seen, chosen, pane.size()));
        } else if resized && !view.moved {
            view.seen = None;
        }
        let bounds = layout::bounds(&self.rects);
        let root = self.rects.first().map_or(0.0, |root| root.center().y);
        let seen = view
            .seen
            .unwrap_or_else(|| fit(bounds, root, pane.size(), READABLE));
        TSTransform::from_translation(pane.min.to_vec2()) * seen
    }

    fn edges(&self, ui: &Ui, seen: TSTransform, selected: Option<usize>) {
        let colors = theme::palette(ui);
        let painter = ui.painter();
        let total = self
            .tree
            .nodes
            .first()
            .map_or(1, |root| root.samples.len().max(1));
        for (index, node) in self.tree.nodes.iter().enumerate() {
            let Some(parent) = node.parent else { continue };
            let from = seen * self.rects[parent].right_center();
            let to = seen * self.rects[index].left_center();
            if !painter
                .clip_rect()
                .intersects(Rect::from_two_pos(from, to).expand(WIDEST))
            {
                continue;
            }
            let width = WIDEST * node.samples.len() as f32 / total as f32;
            let faded = selected.is_some_and(|chosen| !self.tree.shares(chosen, index));
            let strength = if faded { FADED * 0.6 } else { 0.75 };
            let color = color_of(node, colors).gamma_multiply(strength);
            let stroke = Stroke::new((width * seen.scaling).max(1.0), color);
            painter.add(curve(from, to, stroke));
        }
    }

    fn node(
        &self,
        ui: &Ui,
        id: egui::Id,
        index: usize,
        rect: Rect,
        zoom: f32,
        selected: Option<usize>,
    ) -> Response {
        let (node, face) = (&self.tree.nodes[index], &self.faces[index]);
        let response = ui.interact(rect, id, Sense::click());
        let chosen = selected == Some(index);
        response.widget_info(|| {
            egui::WidgetInfo::selected(egui::Role::Button, true, chosen, &face.words)
        });
        if ui.is_rect_visible(rect) {
            let faded = selected.is_some_and(|chosen| !self.tree.shares(chosen, index));
            let strength = if faded { FADED } else { 1.0 };
            let lit = chosen || response.hovered() || response.has_focus();
            paint(ui, node, face, rect, zoom, (strength, lit));
        }
        response.on_hover_text(&face.words)
    }

    fn zoom_buttons(&self, ui: &mut Ui, side: &str, pane: Rect, view: &mut View) {
        let corner = pane.shrink(4.0);
        let layout = egui::Layout::right_to_left(egui::Align::Min);
        let mut ui = ui.new_child(
            egui::UiBuilder::new()
                .max_rect(corner)
                .layout(layout)
                .id_salt((side, "zoom")),
        );
        ui.spacing_mut().item_spacing.x = 2.0;
        let mut button = |sign: &str, what: &str| {
            let name = match side {
                "" => what.to_owned(),
                side => format!("{what}, {}", side.to_lowercase()),
            };
            let response = ui.small_button(sign).on_hover_text(what);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
            response.clicked()
        };
        if button("Fit", "Fit the whole tree") {
            let bounds = layout::bounds(&self.rects);
            view.seen = Some(fit(bounds, bounds.center().y, pane.size(), *ZOOM.start()));
            view.moved = true;
        }
        for (sign, what, factor) in [("+", "Zoom in", 1.25), ("−", "Zoom out", 0.8)] {
            if button(sign, what)
                && let Some(seen) = view.seen
            {
                view.seen = Some(zoomed(seen, pane.size() / 2.0, factor));
                view.moved = true;
            }
        }
    }
}

/// Shows all of `bounds` in a pane where that needs no zoom below `smallest`; otherwise its left
/// end, with `root` half-way down. Never enlarges.
fn fit(bounds: Rect, root: f32, pane: Vec2, smallest: f32) -> TSTransform {
    let room = (pane - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
    let scale = (room / bounds.size())
        .min_elem()
        .clamp(smallest.min(1.0), 1.0);
    let size = bounds.size() * scale;
    let left = (pane.x - size.x).max(2.0 * MARGIN) / 2.0;
    let top = match size.y <= pane.y {
        true => (pane.y - size.y) / 2.0 - bounds.top() * scale,
        false => pane.y / 2.0 - root * scale,
    };
    TSTransform::new(vec2(left - bounds.left() * scale, top), scale)
}

/// Moved no further than it takes to show all of `rect` in the pane.
fn brought_in(seen: TSTransform, rect: Rect, pane: Vec2) -> TSTransform {
    let rect = (seen * rect).expand(MARGIN);
    let into = |low: f32, high: f32, end: f32| {
        if low < 0.0 {
            -low
        } else {
            (end - high).min(0.0)
        }
    };
    let way = vec2(
        into(rect.left(), rect.right(), pane.x),
        into(rect.top(), rect.bottom(), pane.y),
    );
    TSTransform::from_translation(way) * seen
}

/// Zoomed by a factor around a place in the pane.
fn zoomed(seen: TSTransform, around: Vec2, factor: f32) -> TSTransform {
    let factor = (seen.scaling * factor).clamp(*ZOOM.start(), *ZOOM.end()) / seen.scaling;
    TSTransform::from_translation(around)
        * TSTransform::from_scaling(factor)
        * TSTransform::from_translation(-around)
        * seen
}

fn color_of(node: &Node, colors: &Palette) -> Color32 {
    match node.kind {
        Kind::End(verdict) => colors.verdict(verdict.is_right()),
        Kind::Wrong(_) => colors.wrong,
        Kind::Unread => colors.faint,
        Kind::Root | Kind::Step => colors.share(node.share()),
    }
}

fn curve(from: Pos2, to: Pos2, stroke: Stroke) -> CubicBezierShape {
    let bend = vec2((to.x - from.x) * 0.5, 0.0);
    let points = [from, from + bend, to - bend, to];
    CubicBezierShape::from_points_stroke(points, false, Color32::TRANSPARENT, stroke)
}

fn broken_frame(rect: Rect, stroke: Stroke, zoom: f32) -> Vec<egui::Shape> {
    let rect = rect.shrink(stroke.width / 2.0);
    let corners = [
        rect.left_top(),
        rect.right_top(),
        rect.right_bottom(),
        rect.left_bottom(),
        rect.left_top(),
    ];
    egui::Shape::dashed_line(&corners, stroke, 6.0 * zoom, 4.0 * zoom)
}

fn paint(ui: &Ui, node: &Node, face: &Face, rect: Rect, zoom: f32, (strength, lit): (f32, bool)) {
    let painter: &Painter = ui.painter();
    let colors = theme::palette(ui);
    let color = color_of(node, colors).gamma_multiply(strength);
    let round = match node.kind {
        Kind::End(_) => rect.height() / 2.0,
        _ => 5.0 * zoom,
    };
    // A ground of its own, so that edges behind do not shine through.
    painter.rect_filled(rect, round, ui.visuals().panel_fill);
    painter.rect_filled(rect, round, color.gamma_multiply(0.22));
    let stroke = match lit {
        true => Stroke::new(2.5, colors.accent),
        false => Stroke::new(1.2, color),
    };
    match node.kind {
        // Not by colour alone: the frame of a wrong step is broken.
        Kind::Wrong(_) if !lit => painter.extend(broken_frame(rect, stroke, zoom)),
        _ => {
            painter.rect_stroke(rect, round, stroke, StrokeKind::Inside);
        }
    }
    // Half sizes are enough; each size of letters is drawn into a texture once.
    let size = |letters: f32| (letters * zoom * 2.0).round() / 2.0;
    if size(HEAD) < 4.0 {
        return;
    }
    let text = ui.visuals().strong_text_color().gamma_multiply(strength);
    let head = match node.kind {
        Kind::End { .. } | Kind::Wrong(_) => color_of(node, colors).gamma_multiply(strength),
        _ => text,
    };
    let line = |share: f32| egui::pos2(rect.center().x, rect.top() + share * rect.height());
    let font = match node.kind {
        Kind::Unread => FontId::proportional(size(HEAD)),
        _ => FontId::monospace(size(HEAD)),
    };
    painter.text(line(0.31), Align2::CENTER_CENTER, &face.head, font, head);
    let font = FontId::proportional(size(FOOT));
    let weak = ui.visuals().text_color().gamma_multiply(strength);
    painter.text(line(0.72), Align2::CENTER_CENTER, &face.foot, font, weak);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(seen: TSTransform, bounds: Rect, pane: Vec2) -> bool {
        Rect::from_min_size(Pos2::ZERO, pane).contains_rect(seen * bounds)
    }

    #[test]
    fn a_small_tree_is_shown_whole_in_the_middle_and_not_enlarged() {
        let bounds = Rect::from_min_size(Pos2::new(0.0, 4.0), vec2(200.0, 100.0));
        let pane = vec2(400.0, 300.0);
        let seen = fit(bounds, 50.0, pane, READABLE);
        assert_eq!(seen.scaling, 1.0);
        assert_eq!((seen * bounds).center(), Pos2::new(200.0, 150.0));
    }

    #[test]
    fn a_large_tree_begins_at_its_root_until_all_of_it_is_asked_for() {
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(3000.0, 2000.0));
        let pane = vec2(400.0, 300.0);
        let seen = fit(bounds, 700.0, pane, READABLE);
        assert_eq!(seen.scaling, READABLE);
        let root = seen * Pos2::new(0.0, 700.0);
        assert!(
            (root - Pos2::new(MARGIN, 150.0)).length() < 1e-3,
            "{root:?}"
        );
        let whole = fit(bounds, 1000.0, pane, *ZOOM.start());
        assert!(inside(whole, bounds, pane));
        assert!(whole.scaling > 0.12);
    }

    #[test]
    fn what_is_out_of_sight_is_brought_in_and_what_is_seen_stays() {
        let pane = vec2(400.0, 300.0);
        let seen = TSTransform::new(vec2(30.0, 20.0), 0.8);
        let size = vec2(60.0, 30.0);
        let at = |x: f32, y: f32| Rect::from_min_size(Pos2::new(x, y), size);
        assert_eq!(brought_in(seen, at(100.0, 100.0), pane), seen);
        for rect in [
            at(-300.0, 50.0),
            at(900.0, 50.0),
            at(50.0, 900.0),
            at(50.0, -99.0),
        ] {
            assert!(inside(brought_in(seen, rect, pane), rect, pane), "{rect:?}");
        }
    }

    #[test]
    fn zooming_keeps_what_is_in_the_middle_and_stays_within_its_limits() {
        let seen = TSTransform::new(vec2(20.0, -10.0), 0.8);
        let around = vec2(200.0, 150.0);
        let middle = seen.inverse() * around.to_pos2();
        let near = zoomed(seen, around, 1.25);
        assert!((near.scaling - 1.0).abs() < 1e-6);
        assert!((near * middle - around.to_pos2()).length() < 1e-3);
        let far = (0..40).fold(seen, |seen, _| zoomed(seen, around, 0.8));
        assert!((far.scaling - ZOOM.start()).abs() < 1e-5);
    }
}
