//! Curves made ready for the plots, kept until they change: a run of 100,000 steps is not to be
//! gone through in every frame.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use egui_plot::PlotPoint;

use crate::app::record::RunKey;
use crate::clock::Clock;

/// Seconds per frame for bringing curves up to date that may still be shown as they are.
const BUDGET: f64 = 0.0006;

/// Steps below which every change is shown at once.
const SHORT: usize = 4000;

/// Seconds after which a longer curve is brought up to date.
const PATIENCE: f64 = 0.3;

/// What was made of one column, and from what.
struct Made<T> {
    what: Vec<T>,
    stamp: Stamp,
    at: f64,
}

/// What a curve depends on besides its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// Rises with the values.
    pub revision: u64,
    pub range: RangeInclusive<f64>,
    /// How the values are drawn: another variant is another curve.
    pub variant: u64,
}

impl Stamp {
    /// Whether points made for `old` may stand for these for a moment.
    fn is_near(&self, old: &Stamp) -> bool {
        let width = self.range.end() - self.range.start();
        let near = |a: f64, b: f64| (a - b).abs() <= 0.01 * width;
        self.variant == old.variant
            && near(*self.range.start(), *old.range.start())
            && near(*self.range.end(), *old.range.end())
    }
}

/// Points of curves, or parts of bands, of one run by name.
pub struct Curves<T = PlotPoint> {
    key: RunKey,
    curves: BTreeMap<&'static str, Made<T>>,
    now: f64,
    spent: f64,
    /// Whether a curve was left as it was for the time being.
    stale: bool,
}

impl<T> Default for Curves<T> {
    fn default() -> Self {
        Self {
            key: RunKey::new(),
            curves: BTreeMap::new(),
            now: 0.0,
            spent: 0.0,
            stale: false,
        }
    }
}

impl<T> Curves<T> {
    /// A frame begins, at `now` seconds.
    pub fn begin(&mut self, key: &str, now: f64) {
        if self.key != key {
            self.curves.clear();
            self.key = key.to_owned();
        }
        (self.now, self.spent, self.stale) = (now, 0.0, false);
    }

    /// Whether another frame is needed for everything to be up to date.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Brings a curve over `steps` steps up to date.
    pub fn prepare(
        &mut self,
        name: &'static str,
        stamp: Stamp,
        steps: usize,
        make: impl FnOnce() -> Vec<T>,
    ) {
        if let Some(curve) = self.curves.get(name) {
            if curve.stamp == stamp {
                return;
            }
            let may_wait = steps > SHORT && stamp.is_near(&curve.stamp);
            if may_wait && (self.now - curve.at < PATIENCE || self.spent > BUDGET) {
                self.stale = true;
                return;
            }
        }
        let clock = Clock::start();
        let what = make();
        self.spent += clock.seconds();
        let at = self.now;
        self.curves.insert(name, Made { what, stamp, at });
    }

    /// A curve's points.
    pub fn points(&self, name: &str) -> &[T] {
        self.curves
            .get(name)
            .map_or(&[], |curve| curve.what.as_slice())
    }
}

/// A moving average that goes on where it stood when values are added; see
/// [`crate::app::record::smoothed`].
#[derive(Default)]
pub struct Smoother {
    key: RunKey,
    weight: f32,
    sum: f32,
    norm: f32,
    /// The newest value taken in, to notice a log that was written anew.
    last: f32,
    values: Vec<f32>,
}

impl Smoother {
    /// The average over `values`, `weight` of the past in [0, 1).
    pub fn follow(&mut self, key: &str, values: &[f32], weight: f32) -> &[f32] {
        let done = self.values.len();
        let goes_on = self.key == key
            && self.weight == weight
            && done <= values.len()
            && (done == 0 || values[done - 1].to_bits() == self.last.to_bits());
        if !goes_on {
            *self = Self {
                key: key.to_owned(),
                weight,
                ..Self::default()
            };
        }
        for &value in &values[self.values.len()..] {
            self.last = value;
            let smooth = if value.is_nan() {
                f32::NAN
            } else {
                self.sum = weight * self.sum + (1.0 - weight) * value;
                self.norm = weight * self.norm + (1.0 - weight);
                self.sum / self.norm
            };
            self.values.push(smooth);
        }
        &self.values
    }

    /// The average as it stands.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::smoothed;

    fn stamp(revision: u64, to: f64) -> Stamp {
        Stamp {
            revision,
            range: 0.0..=to,
            variant: 0,
        }
    }

    fn one(y: f64) -> Vec<PlotPoint> {
        vec![PlotPoint::new(0.0, y)]
    }

    #[test]
    fn a_short_curve_follows_at_once_and_a_long_one_a_moment_later() {
        let mut curves: Curves = Curves::default();
        curves.begin("a", 0.0);
        curves.prepare("p", stamp(1, 100.0), 100, || one(1.0));
        curves.prepare("p", stamp(1, 100.0), 100, || panic!("nothing has changed"));
        curves.prepare("p", stamp(2, 100.5), 100, || one(2.0));
        assert_eq!(curves.points("p")[0].y, 2.0);
        assert!(!curves.is_stale());

        curves.prepare("p", stamp(3, 100.6), 50_000, || one(3.0));
        assert_eq!((curves.points("p")[0].y, curves.is_stale()), (2.0, true));
        curves.begin("a", 0.5);
        curves.prepare("p", stamp(3, 100.6), 50_000, || one(3.0));
        assert_eq!((curves.points("p")[0].y, curves.is_stale()), (3.0, false));
    }

    #[test]
    fn a_zoom_or_another_run_never_waits() {
        let mut curves: Curves = Curves::default();
        curves.begin("a", 0.0);
        curves.prepare("p", stamp(1, 100.0), 50_000, || one(1.0));
        curves.prepare("p", stamp(1, 50.0), 50_000, || one(2.0));
        assert_eq!(curves.points("p")[0].y, 2.0);
        curves.begin("b", 0.0);
        assert!(curves.points("p").is_empty());
    }

    #[test]
    fn smoothing_bit_by_bit_is_smoothing_at_once() {
        let values = |count: usize| -> Vec<f32> {
            let value = |i: usize| {
                if i.is_multiple_of(3) {
                    f32::NAN
                } else {
                    i as f32
                }
            };
            (0..count).map(value).collect()
        };
        let mut smoother = Smoother::default();
        for count in [1, 2, 40, 41, 90] {
            smoother.follow("a", &values(count), 0.8);
        }
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(smoother.values()), bits(&smoothed(&values(90), 0.8)));
        // Another weight, and a log that was cut and written anew, begin from the start.
        let mut other = values(60);
        other[59] = 7.0;
        assert_eq!(
            bits(smoother.follow("a", &other, 0.8)),
            bits(&smoothed(&other, 0.8))
        );
        other.push(3.0);
        other[59] = 8.0;
        assert_eq!(
            bits(smoother.follow("a", &other, 0.8)),
            bits(&smoothed(&other, 0.8))
        );
        assert_eq!(
            bits(smoother.follow("a", &other, 0.2)),
            bits(&smoothed(&other, 0.2))
        );
    }
}
