//! Which steps the plots show.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Fewest steps across a plot.
const NARROWEST: f64 = 8.0;

/// The steps in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum View {
    /// From the first step to the newest.
    #[default]
    Whole,
    /// This many steps up to the newest.
    Newest(u64),
    /// What the user zoomed or dragged to.
    Zoomed { from: f64, to: f64 },
}

impl View {
    /// The range of the x axis for a run with the steps `first` to `last`.
    pub fn range(self, first: u64, last: u64) -> RangeInclusive<f64> {
        let (start, end) = (first as f64, (last as f64).max(first as f64 + NARROWEST));
        let margin = |width: f64| 0.5 + 0.015 * width;
        match self {
            View::Zoomed { from, to } if from < end && to > start => from..=to,
            View::Newest(steps) if (steps as f64) < end - start => {
                let steps = (steps as f64).max(NARROWEST);
                end - steps..=end + margin(steps)
            }
            _ => start - margin(end - start)..=end + margin(end - start),
        }
    }

    /// The view after the user moved the axis from `before` to `after`.
    pub fn moved(
        self,
        before: &RangeInclusive<f64>,
        after: &RangeInclusive<f64>,
        (first, last): (u64, u64),
    ) -> Self {
        let (from, to) = (*after.start(), *after.end());
        let width = to - from;
        // Bounds travel through pixels, which rounds them.
        let same = |a: f64, b: f64| (a - b).abs() < 1e-6 * width.max(1.0);
        if same(from, *before.start()) && same(to, *before.end()) || width < NARROWEST {
            return self;
        }
        let whole = View::Whole.range(first, last);
        if from <= *whole.start() && to >= *whole.end() {
            return View::Whole;
        }
        View::Zoomed { from, to }
    }

    /// Zoomed by `factor` (above 1 shows less) around `center`.
    pub fn zoomed(self, factor: f64, center: f64, (first, last): (u64, u64)) -> Self {
        let before = self.range(first, last);
        let scale = |x: f64| center + (x - center) / factor;
        let after = scale(*before.start())..=scale(*before.end());
        self.moved(&before, &after, (first, last))
    }

    /// The view with `step` in it: moved only where it was outside.
    pub fn showing(self, step: u64, first: u64, last: u64) -> Self {
        let range = self.range(first, last);
        let step = step as f64;
        if range.contains(&step) {
            return self;
        }
        let half = (range.end() - range.start()) / 2.0;
        View::Zoomed {
            from: step - half,
            to: step + half,
        }
    }

    /// Whether new steps come into view by themselves.
    pub fn follows(self) -> bool {
        !matches!(self, View::Zoomed { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_newest_grow_with_the_run_and_a_zoom_stays() {
        for last in [3, 50, 100_000] {
            let range = View::Whole.range(1, last);
            assert!(range.contains(&1.0) && range.contains(&(last as f64)));
        }
        assert_eq!(*View::Newest(100).range(1, 1000).start(), 900.0);
        assert_eq!(View::Newest(100).range(1, 50), View::Whole.range(1, 50));
        let zoom = View::Zoomed {
            from: 10.0,
            to: 30.0,
        };
        assert_eq!(zoom.range(1, 100), zoom.range(1, 100_000));
        let far = View::Zoomed {
            from: 500.0,
            to: 600.0,
        };
        assert_eq!(far.range(1, 100), View::Whole.range(1, 100));
    }

    #[test]
    fn moving_the_axis_zooms_and_zooming_out_far_follows_again() {
        let steps = (1, 1000);
        let whole = View::Whole.range(1, 1000);
        assert_eq!(View::Whole.moved(&whole, &whole, steps), View::Whole);
        let near = View::Whole.zoomed(4.0, 500.0, steps);
        let range = near.range(1, 1000);
        assert!(matches!(near, View::Zoomed { .. }) && !near.follows());
        assert!((range.end() - range.start()) * 3.9 < whole.end() - whole.start());
        assert!(range.contains(&500.0));
        assert_eq!(near.zoomed(0.1, 500.0, steps), View::Whole);
        // Never to nothing.
        let nearest = (0..50).fold(near, |view, _| view.zoomed(2.0, 500.0, steps));
        let range = nearest.range(1, 1000);
        assert!(range.end() - range.start() >= NARROWEST);
    }

    #[test]
    fn a_step_outside_is_brought_into_view() {
        let zoom = View::Zoomed {
            from: 10.0,
            to: 30.0,
        };
        assert_eq!(zoom.showing(20, 1, 1000), zoom);
        let moved = zoom.showing(500, 1, 1000);
        assert_eq!(
            moved,
            View::Zoomed {
                from: 490.0,
                to: 510.0
            }
        );
        assert_eq!(View::Whole.showing(700, 1, 1000), View::Whole);
    }
}
