//! Fills textured triangles as a graphics card would: a pixel belongs to the triangle that its middle
//! lies in, and where two triangles meet, to one of them.

use eframe::egui::{Color32, ColorImage, Mesh, Rect, epaint::Vertex};

/// Corners are moved to a grid of this many places to a pixel, where edges are exact in whole
/// numbers.
const GRID: f32 = 256.0;

/// Draws a mesh over what is there. `clip` is in points, of which one has `scale` pixels.
pub fn mesh(image: &mut ColorImage, mesh: &Mesh, texture: &ColorImage, clip: Rect, scale: f32) {
    let bounds = |low: f32, high: f32, end: usize| {
        let place = |points: f32| ((points * scale).round().max(0.0) as usize).min(end);
        place(low)..place(high)
    };
    let columns = bounds(clip.left(), clip.right(), image.size[0]);
    let rows = bounds(clip.top(), clip.bottom(), image.size[1]);
    for corners in mesh.indices.chunks_exact(3) {
        let corners =
            [corners[0], corners[1], corners[2]].map(|index| mesh.vertices.get(index as usize));
        if let [Some(a), Some(b), Some(c)] = corners
            && let Some(triangle) = Triangle::new([a, b, c], scale)
        {
            triangle.fill(image, texture, (&columns, &rows));
        }
    }
}

struct Triangle<'a> {
    corners: [&'a Vertex; 3],
    /// On the grid, turning one way.
    places: [[i64; 2]; 3],
    /// Twice the area.
    area: i64,
}

impl<'a> Triangle<'a> {
    /// None without an area.
    fn new(mut corners: [&'a Vertex; 3], scale: f32) -> Option<Self> {
        let place = |corner: &Vertex| {
            [corner.pos.x, corner.pos.y].map(|at| (at * scale * GRID).round() as i64)
        };
        let mut places = corners.map(place);
        let mut area = side(places[0], places[1], places[2]);
        if area < 0 {
            corners.swap(1, 2);
            places.swap(1, 2);
            area = -area;
        }
        (area > 0).then_some(Self {
            corners,
            places,
            area,
        })
    }

    fn fill(
        &self,
        image: &mut ColorImage,
        texture: &ColorImage,
        (columns, rows): (&std::ops::Range<usize>, &std::ops::Range<usize>),
    ) {
        let grid = GRID as i64;
        let within = |axis: usize, allowed: &std::ops::Range<usize>| {
            let ends = self.places.map(|place| place[axis]);
            let pixel = |at: i64| at.div_euclid(grid).max(0) as usize;
            let low = ends.into_iter().min().map_or(0, pixel);
            let high = ends.into_iter().max().map_or(0, pixel) + 1;
            low.max(allowed.start)..high.min(allowed.end)
        };
        let width = image.size[0];
        let columns = within(0, columns);
        for row in within(1, rows) {
            for column in columns.clone() {
                let middle = [column, row].map(|at| at as i64 * grid + grid / 2);
                if let Some(weights) = self.weights(middle) {
                    let pixel = &mut image.pixels[row * width + column];
                    *pixel = over(self.color(weights, texture), *pixel);
                }
            }
        }
    }

    /// How near a place is to each corner; none outside.
    fn weights(&self, at: [i64; 2]) -> Option<[f32; 3]> {
        let mut weights = [0.0; 3];
        for (corner, weight) in weights.iter_mut().enumerate() {
            let (from, to) = (self.places[(corner + 1) % 3], self.places[(corner + 2) % 3]);
            let inside = side(from, to, at);
            // On an edge that two triangles share, in opposite directions, one has it.
            let owned = from[1] > to[1] || (from[1] == to[1] && from[0] < to[0]);
            if inside < 0 || (inside == 0 && !owned) {
                return None;
            }
            *weight = inside as f32 / self.area as f32;
        }
        Some(weights)
    }

    /// Colour of the corners times that of the texture, 0 to 255 and multiplied by its opacity.
    fn color(&self, weights: [f32; 3], texture: &ColorImage) -> [f32; 4] {
        let mix = |of: &dyn Fn(&Vertex) -> f32| -> f32 {
            let parts = self.corners.iter().zip(weights);
            parts.map(|(corner, weight)| of(corner) * weight).sum()
        };
        let texel = sample(
            texture,
            mix(&|corner| corner.uv.x),
            mix(&|corner| corner.uv.y),
        );
        std::array::from_fn(|channel| {
            mix(&|corner| f32::from(corner.color.to_array()[channel])) * texel[channel] / 255.0
        })
    }
}

/// On which side of the line from `from` to `to` a place lies, times twice the triangle's area.
fn side(from: [i64; 2], to: [i64; 2], at: [i64; 2]) -> i64 {
    (to[0] - from[0]) * (at[1] - from[1]) - (to[1] - from[1]) * (at[0] - from[0])
}

/// The texture's colour at a place from 0 to 1, between its four nearest texels.
fn sample(texture: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = texture.size;
    let split = |at: f32, size: usize| {
        let at = (at * size as f32 - 0.5).clamp(0.0, (size - 1) as f32);
        let low = at.floor();
        (low as usize, (low as usize + 1).min(size - 1), at - low)
    };
    let ((left, right, x), (top, bottom, y)) = (split(u, width), split(v, height));
    let texel = |column: usize, row: usize| texture.pixels[row * width + column].to_array();
    let corners = [
        texel(left, top),
        texel(right, top),
        texel(left, bottom),
        texel(right, bottom),
    ];
    let weights = [(1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y];
    std::array::from_fn(|channel| {
        let parts = corners.iter().zip(weights);
        parts
            .map(|(corner, weight)| f32::from(corner[channel]) * weight)
            .sum()
    })
}

/// One colour over another, as a window blends them.
fn over(front: [f32; 4], behind: Color32) -> Color32 {
    let behind = behind.to_array();
    let left = 1.0 - front[3] / 255.0;
    let [r, g, b, a] = std::array::from_fn(|channel| {
        (front[channel] + f32::from(behind[channel]) * left).round() as u8
    });
    Color32::from_rgba_premultiplied(r, g, b, a)
}
