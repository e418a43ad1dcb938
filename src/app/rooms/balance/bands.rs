//! The branch of every step as a band of colour, worked out once and painted as one mesh: what
//! [`crate::app::widgets::band`] draws, for runs of which every frame counts.

use std::ops::RangeInclusive;

use eframe::egui::{Color32, Mesh, Painter, Pos2, Rangef, Rect, Shape};
use egui_plot::{PlotPoint, PlotTransform};

use crate::balance::Branch;

/// Parts of a band at most, so that each has a pixel or two.
const PARTS: usize = 800;

/// Steps of one colour next to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Half a step before the first.
    pub from: f64,
    /// Half a step after the last.
    pub to: f64,
    pub color: Color32,
}

/// The parts of a band over `branches`, the first of which is step `first`. Where several steps
/// share a part, its colour is their mixture.
pub fn parts(
    branches: &[Branch],
    first: f64,
    range: &RangeInclusive<f64>,
    color: impl Fn(Branch) -> Color32,
) -> Vec<Part> {
    let from = (range.start() - first).floor().max(0.0) as usize;
    let to = ((range.end() - first).ceil().max(0.0) as usize + 1).min(branches.len());
    let from = from.min(to);
    let bucket = (to - from).div_ceil(PARTS).max(1);
    // Whole buckets from the first step on, so that colours do not flicker while one moves.
    let start = from - from % bucket;
    let mut parts: Vec<Part> = Vec::new();
    for at in (start..to).step_by(bucket) {
        let end = (at + bucket).min(branches.len());
        let color = mixture(&branches[at..end], &color);
        let (from, to) = (first + at as f64 - 0.5, first + end as f64 - 0.5);
        match parts.last_mut() {
            Some(last) if last.color == color => last.to = to,
            _ => parts.push(Part { from, to, color }),
        }
    }
    parts
}

fn mixture(branches: &[Branch], color: &impl Fn(Branch) -> Color32) -> Color32 {
    let of = [Branch::Sft, Branch::Grpo, Branch::Blend];
    let mut counts = [0u32; 3];
    for branch in branches {
        counts[*branch as usize] += 1;
    }
    let total = branches.len().max(1) as u32;
    let mut mixed = [0u32; 3];
    for (branch, count) in of.into_iter().zip(counts) {
        let color = color(branch);
        for (sum, part) in mixed.iter_mut().zip([color.r(), color.g(), color.b()]) {
            *sum += u32::from(part) * count;
        }
    }
    let [red, green, blue] = mixed.map(|sum| (sum / total) as u8);
    Color32::from_rgb(red, green, blue)
}

/// Paints a band at the height `y` of a plot.
pub fn paint(painter: &Painter, transform: &PlotTransform, parts: &[Part], y: Rangef) {
    let painter = painter.with_clip_rect(transform.frame().intersect(painter.clip_rect()));
    let at = |x: f64, y: f32| -> Pos2 {
        transform.position_from_point(&PlotPoint::new(x, f64::from(y)))
    };
    let mut mesh = Mesh::default();
    for part in parts {
        let rect = Rect::from_two_pos(at(part.from, y.min), at(part.to, y.max));
        mesh.add_colored_rect(rect, part.color);
    }
    painter.add(Shape::mesh(mesh));
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLORS: [Color32; 3] = [Color32::RED, Color32::BLUE, Color32::GREEN];

    fn color(branch: Branch) -> Color32 {
        COLORS[branch as usize]
    }

    #[test]
    fn neighbours_of_one_colour_are_one_part() {
        let (sft, grpo) = (Branch::Sft, Branch::Grpo);
        let parts = parts(&[sft, sft, grpo, sft], 1.0, &(-1.0..=9.0), color);
        let of = |from, to, color| Part { from, to, color };
        let wanted = [
            of(0.5, 2.5, Color32::RED),
            of(2.5, 3.5, Color32::BLUE),
            of(3.5, 4.5, Color32::RED),
        ];
        assert_eq!(parts, wanted);
    }

    #[test]
    fn a_long_band_has_few_parts_of_mixed_colour_and_does_not_flicker() {
        let branches: Vec<Branch> = (0..100_000)
            .map(|i| {
                if i % 5 == 0 {
                    Branch::Sft
                } else {
                    Branch::Grpo
                }
            })
            .collect();
        let whole = parts(&branches, 1.0, &(0.0..=100_001.0), color);
        // A fifth red, the rest blue, in every bucket alike: one part.
        assert_eq!(whole.len(), 1);
        assert_eq!((whole[0].from, whole[0].to), (0.5, 100_000.5));
        assert_eq!(whole[0].color, Color32::from_rgb(51, 0, 204));
        let mixed: Vec<Branch> = (0..100_000usize)
            .map(|i| {
                if i * i % 7 < 3 {
                    Branch::Sft
                } else {
                    Branch::Grpo
                }
            })
            .collect();
        let here = parts(&mixed, 1.0, &(40_000.0..=60_000.0), color);
        let moved = parts(&mixed, 1.0, &(40_010.0..=60_010.0), color);
        assert!(here.len() <= PARTS + 1, "{}", here.len());
        let middle = |parts: &[Part]| -> Vec<Part> {
            let inside = |part: &&Part| part.from > 41_000.0 && part.to < 59_000.0;
            parts.iter().filter(inside).copied().collect()
        };
        assert_eq!(middle(&here), middle(&moved));
        assert!(parts(&[], 1.0, &(0.0..=5.0), color).is_empty());
        assert!(parts(&mixed[..10], 1.0, &(500.0..=600.0), color).is_empty());
    }
}
