//! A curve with one value or many on every pixel, drawn pixel column by pixel column.
//!
//! A line that is stroked as a whole has a mitre at every turn: where a curve turns sharply within a
//! pixel or two, mitres reach far beyond the values, and strokes between them vanish. Here each
//! column is filled from the lowest to the highest place of the curve in it, and nowhere else.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use eframe::egui::{Color32, Mesh, Pos2, Rangef, Shape, Ui, pos2};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotPoint, PlotTransform};

/// A curve over rising x.
pub struct Stroke<'a> {
    base: PlotItemBase,
    points: Cow<'a, [PlotPoint]>,
    color: Color32,
    /// In points of the screen.
    width: f32,
    hover: bool,
}

impl<'a> Stroke<'a> {
    pub fn new(
        name: impl Into<String>,
        points: impl Into<Cow<'a, [PlotPoint]>>,
        color: Color32,
        width: f32,
    ) -> Self {
        Self {
            base: PlotItemBase::new(name.into()),
            points: points.into(),
            color,
            width,
            hover: true,
        }
    }

    /// Whether it answers to the pointer.
    pub fn allow_hover(mut self, hover: bool) -> Self {
        self.hover = hover;
        self
    }
}

impl PlotItem for Stroke<'_> {
    fn shapes(&self, ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let pixel = 1.0 / ui.ctx().pixels_per_point();
        let places = self.points.iter();
        let places = places.map(|point| transform.position_from_point(point));
        let (first, columns) = columns(places, transform.frame().x_range(), pixel);
        let width = self.width + if self.highlighted() { 1.0 } else { 0.0 };
        shapes.push(Shape::mesh(mesh(first, &columns, width, self.color, pixel)));
    }

    fn initialize(&mut self, _range: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        self.color
    }

    fn allow_hover(&self) -> bool {
        self.hover
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::Points(&self.points)
    }

    fn bounds(&self) -> PlotBounds {
        let mut bounds = PlotBounds::NOTHING;
        for point in self.points.iter() {
            bounds.extend_with_x(point.x);
            bounds.extend_with_y(point.y);
        }
        bounds
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}

/// The lowest and the highest place of a line in every pixel column within `range`, and the number
/// of the first of these columns. Columns that the line does not cross hold nothing.
fn columns(
    places: impl Iterator<Item = Pos2>,
    range: Rangef,
    pixel: f32,
) -> (i32, Vec<Option<Rangef>>) {
    let column = |x: f32| (x / pixel).floor() as i32;
    let (first, last) = (column(range.min), column(range.max));
    let mut columns = vec![None; (last - first + 1).clamp(0, 1 << 16) as usize];
    let mut before: Option<Pos2> = None;
    for place in places.filter(|place| place.x.is_finite() && place.y.is_finite()) {
        let (from, to) = match before.replace(place).unwrap_or(place) {
            before if before.x <= place.x => (before, place),
            before => (place, before),
        };
        let at = |x: f32| match to.x - from.x {
            width if width > 0.0 => {
                from.y + (to.y - from.y) * ((x - from.x) / width).clamp(0.0, 1.0)
            }
            _ => to.y,
        };
        for index in column(from.x).max(first)..=column(to.x).min(last) {
            let left = (index as f32 * pixel).max(from.x);
            let right = ((index + 1) as f32 * pixel).min(to.x);
            let (a, b) = match from.x < to.x {
                true => (at(left), at(right)),
                false => (from.y, to.y),
            };
            let crossed = Rangef::new(a.min(b), a.max(b));
            let Some(column) = columns.get_mut((index - first) as usize) else {
                continue;
            };
            *column = Some(match *column {
                Some(there) => union(there, crossed),
                None => crossed,
            });
        }
    }
    (first, columns)
}

fn union(a: Rangef, b: Rangef) -> Rangef {
    Rangef::new(a.min.min(b.min), a.max.max(b.max))
}

/// Fills the columns, half a `width` beyond on all sides, with soft edges.
fn mesh(first: i32, columns: &[Option<Rangef>], width: f32, color: Color32, pixel: f32) -> Mesh {
    // What is thinner than a pixel is a pixel wide and paler.
    let color = color.gamma_multiply((width / pixel).min(1.0));
    let half = width.max(pixel) / 2.0;
    // How much of the columns beside a steep part belongs to it.
    let beside = (half / pixel - 0.5).clamp(0.0, 1.0);
    let soft = pixel / 2.0;
    let mut mesh = Mesh::default();
    for (index, column) in columns.iter().enumerate() {
        let Some(column) = column else { continue };
        let of = |index: Option<usize>| index.and_then(|index| columns.get(index).copied()?);
        let near = [of(index.checked_sub(1)), of(Some(index + 1))];
        let near = near.into_iter().flatten().fold(*column, union);
        let core = Rangef::new(column.min - half, column.max + half);
        // Opaque in the core, fainter where only a neighbour is.
        let mut edges = [(0.0, 0.0); 8];
        let mut count = 0;
        let mut edge = |y: f32, share: f32| {
            edges[count] = (y, share);
            count += 1;
        };
        if beside > 0.0 && near.min < core.min - soft {
            edge(near.min - soft, 0.0);
            edge((near.min + soft).min(core.min - soft), beside);
            edge(core.min - soft, beside);
        } else {
            edge(core.min - soft, 0.0);
        }
        edge(core.min + soft, 1.0);
        edge(core.max - soft, 1.0);
        if beside > 0.0 && near.max > core.max + soft {
            edge(core.max + soft, beside);
            edge((near.max - soft).max(core.max + soft), beside);
            edge(near.max + soft, 0.0);
        } else {
            edge(core.max + soft, 0.0);
        }
        let left = (first + index as i32) as f32 * pixel;
        fill(&mut mesh, left..=left + pixel, &edges[..count], color);
    }
    mesh
}

/// A column of colour whose opacity goes from edge to edge.
fn fill(mesh: &mut Mesh, x: RangeInclusive<f32>, edges: &[(f32, f32)], color: Color32) {
    let start = mesh.vertices.len() as u32;
    for &(y, share) in edges {
        let color = color.gamma_multiply(share);
        mesh.colored_vertex(pos2(*x.start(), y), color);
        mesh.colored_vertex(pos2(*x.end(), y), color);
    }
    for row in 0..edges.len().saturating_sub(1) as u32 {
        let at = start + 2 * row;
        mesh.add_triangle(at, at + 1, at + 2);
        mesh.add_triangle(at + 2, at + 1, at + 3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(x: f32, y: f32) -> Pos2 {
        pos2(x, y)
    }

    #[test]
    fn every_column_between_the_ends_is_filled_and_none_beyond_the_values() {
        // Far more turns than pixels, and a cliff.
        let values: Vec<Pos2> = (0..1200)
            .map(|i| {
                let x = 10.3 + i as f32 * 0.6;
                let y = match i {
                    0..300 => 0.0,
                    _ => 100.0 + 40.0 * ((i * i) as f32).sin(),
                };
                place(x, y)
            })
            .collect();
        let (first, columns) = columns(values.iter().copied(), Rangef::new(0.0, 770.0), 1.0);
        let known: Vec<usize> = (0..columns.len())
            .filter(|index| columns[*index].is_some())
            .collect();
        assert_eq!((first, known[0], known[known.len() - 1]), (0, 10, 729));
        assert_eq!(known.len(), 720, "no gap");
        // Neighbours touch: a steep part does not vanish.
        for pair in known.windows(2) {
            let (a, b) = (columns[pair[0]].unwrap(), columns[pair[1]].unwrap());
            assert!(
                a.min <= b.max + 0.01 && b.min <= a.max + 0.01,
                "{a:?} {b:?}"
            );
        }
        let mesh = mesh(first, &columns, 1.6, Color32::BLACK, 1.0);
        let (low, high) = (mesh.calc_bounds().min.y, mesh.calc_bounds().max.y);
        // Half the width and a soft edge, but no mitre.
        assert!(low >= -1.31 && high <= 141.31, "{low} to {high}");
    }

    #[test]
    fn a_level_line_and_a_steep_one_are_as_wide_as_asked() {
        // Opacity summed across the line is its width.
        let level = columns(
            [place(0.0, 5.0), place(9.0, 5.0)].into_iter(),
            Rangef::new(0.0, 10.0),
            1.0,
        );
        let drawn = mesh(level.0, &level.1, 2.0, Color32::BLACK, 1.0);
        let across = &drawn.vertices[..8];
        assert_eq!((across[0].pos.y, across[0].color.a()), (3.5, 0));
        assert_eq!((across[2].pos.y, across[2].color.a()), (4.5, 255));
        assert_eq!((across[4].pos.y, across[4].color.a()), (5.5, 255));
        assert_eq!((across[6].pos.y, across[6].color.a()), (6.5, 0));

        let cliff = [
            place(0.0, 0.0),
            place(5.0, 0.0),
            place(5.9, 80.0),
            place(9.0, 80.0),
        ];
        let (first, columns) = columns(cliff.into_iter(), Rangef::new(0.0, 10.0), 1.0);
        let drawn = mesh(first, &columns, 2.0, Color32::BLACK, 1.0);
        let opacity = |column: f32| -> f32 {
            let near = |v: &&eframe::egui::epaint::Vertex| v.pos.x == column;
            let rows: Vec<(f32, f32)> = drawn
                .vertices
                .iter()
                .filter(near)
                .map(|v| (v.pos.y, f32::from(v.color.a()) / 255.0))
                .collect();
            // A column has its own left vertices and its neighbour's right ones: own come last.
            let own = &rows[rows.len() / 2..];
            own.windows(2)
                .find(|pair| (pair[0].0..=pair[1].0).contains(&40.0))
                .map_or(0.0, |pair| pair[0].1)
        };
        let total: f32 = (0..10).map(|column| opacity(column as f32)).sum();
        assert!((total - 2.0).abs() < 0.05, "{total}");
    }

    #[test]
    fn a_single_point_is_a_dot_and_nothing_is_nothing() {
        let range = Rangef::new(0.0, 10.0);
        let (_, one) = columns([place(3.5, 2.0)].into_iter(), range, 1.0);
        assert_eq!(one.iter().flatten().count(), 1);
        assert_eq!(one[3], Some(Rangef::new(2.0, 2.0)));
        let (_, none) = columns(std::iter::empty(), range, 1.0);
        assert!(none.iter().all(Option::is_none));
        assert!(mesh(0, &none, 1.0, Color32::RED, 1.0).is_empty());
    }
}
