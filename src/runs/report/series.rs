//! Curves over steps, thinned so that a long run's report stays small.

use crate::training::{Branch, StepRecord};

/// From this many points on, a curve is drawn as buckets.
pub const MOST_POINTS: usize = 2000;

/// Buckets of a long curve: about one for every two pixels.
pub const BUCKETS: usize = 400;

/// A point of a curve, or a bucket of points with their mean and range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

impl Point {
    pub fn exact(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            low: y,
            high: y,
        }
    }
}

/// The finite points of a curve as they are or, from [`MOST_POINTS`] on, in [`BUCKETS`] buckets of
/// equal width in x, each with its mean, minimum and maximum: no outlier is lost.
pub fn thin(points: impl IntoIterator<Item = (f64, f64)>) -> Vec<Point> {
    let points: Vec<(f64, f64)> = points
        .into_iter()
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    if points.len() < MOST_POINTS {
        return points
            .into_iter()
            .map(|(x, y)| Point::exact(x, y))
            .collect();
    }
    let first = points
        .iter()
        .map(|point| point.0)
        .fold(f64::INFINITY, f64::min);
    let last = points
        .iter()
        .map(|point| point.0)
        .fold(f64::NEG_INFINITY, f64::max);
    let width = (last - first).max(f64::MIN_POSITIVE) / BUCKETS as f64;
    let mut buckets: Vec<Vec<(f64, f64)>> = vec![Vec::new(); BUCKETS];
    for point in points {
        let bucket = ((point.0 - first) / width) as usize;
        buckets[bucket.min(BUCKETS - 1)].push(point);
    }
    buckets
        .into_iter()
        .filter(|bucket| !bucket.is_empty())
        .map(summary)
        .collect()
}

fn summary(bucket: Vec<(f64, f64)>) -> Point {
    let count = bucket.len() as f64;
    Point {
        x: bucket.iter().map(|point| point.0).sum::<f64>() / count,
        y: bucket.iter().map(|point| point.1).sum::<f64>() / count,
        low: bucket
            .iter()
            .map(|point| point.1)
            .fold(f64::INFINITY, f64::min),
        high: bucket
            .iter()
            .map(|point| point.1)
            .fold(f64::NEG_INFINITY, f64::max),
    }
}

/// Centred moving average, a fortieth of the points (at least 5) to either side: the trend of a
/// noisy curve. At the ends the window is what there is of it, so that they are not noisier than
/// the rest. None where there are too few points to need a trend.
pub fn trend(points: &[Point]) -> Option<Vec<Point>> {
    if points.len() < 40 {
        return None;
    }
    let reach = (points.len() / 40).max(5);
    let averaged = (0..points.len()).map(|i| {
        let window = &points[i.saturating_sub(reach)..points.len().min(i + reach + 1)];
        let mean = window.iter().map(|point| point.y).sum::<f64>() / window.len() as f64;
        Point::exact(points[i].x, mean)
    });
    Some(averaged.collect())
}

/// How the steps between `from` and `to` (in steps, `to` excluded) were spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub from: f64,
    pub to: f64,
    /// Of SFT; a blend counts by its p.
    pub sft: f64,
}

/// The band of branches: one cell per step, or per bucket of steps in a long run; neighbours that
/// are alike are joined.
pub fn branches(steps: &[&StepRecord]) -> Vec<Share> {
    let size = steps.len().div_ceil(BUCKETS).max(1);
    let mut cells: Vec<Share> = Vec::new();
    for bucket in steps.chunks(size) {
        let sft = bucket.iter().map(|step| sft_share(step)).sum::<f64>() / bucket.len() as f64;
        let (from, to) = (
            bucket[0].step as f64,
            bucket[bucket.len() - 1].step as f64 + 1.0,
        );
        match cells.last_mut() {
            Some(last) if last.sft == sft => last.to = to,
            _ => cells.push(Share { from, to, sft }),
        }
    }
    cells
}

/// 1 for SFT, 0 for GRPO, p for a blend.
pub fn sft_share(step: &StepRecord) -> f64 {
    match (step.branch, &step.decision) {
        (Branch::Sft, _) => 1.0,
        (Branch::Grpo, _) => 0.0,
        (Branch::Blend, Some(decision)) => decision.p,
        (Branch::Blend, None) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_curves_are_left_as_they_are() {
        let points = thin([(1.0, 2.0), (2.0, f64::NAN), (3.0, 4.0)]);
        assert_eq!(points, [Point::exact(1.0, 2.0), Point::exact(3.0, 4.0)]);
    }

    #[test]
    fn a_long_curve_keeps_its_outlier_and_its_mean() {
        let spike = 61_234;
        let points = thin((0..100_000).map(|i| (f64::from(i), f64::from(u8::from(i == spike)))));
        assert_eq!(points.len(), BUCKETS);
        assert!(points.windows(2).all(|pair| pair[0].x < pair[1].x));
        let peak: Vec<&Point> = points.iter().filter(|point| point.high == 1.0).collect();
        assert_eq!(peak.len(), 1);
        assert!((peak[0].y - 1.0 / 250.0).abs() < 1e-12 && peak[0].low == 0.0);
        assert!((peak[0].x - f64::from(spike)).abs() <= 250.0);
    }

    #[test]
    fn a_trend_follows_a_line_and_averages_noise_to_the_very_ends() {
        let line: Vec<Point> = (0..100)
            .map(|i| Point::exact(f64::from(i), f64::from(i)))
            .collect();
        let smooth = trend(&line).unwrap();
        assert_eq!(smooth.len(), 100);
        assert!(
            line.iter()
                .zip(&smooth)
                .all(|(a, b)| (a.y - b.y).abs() < 2.6)
        );
        assert!((5..95).all(|i| (line[i].y - smooth[i].y).abs() < 1e-9));
        let flip = |i: i32| Point::exact(f64::from(i), f64::from(i % 2));
        let noise = trend(&(0..100).map(flip).collect::<Vec<_>>()).unwrap();
        assert!(noise.iter().all(|point| (point.y - 0.5).abs() < 0.1));
        assert_eq!(trend(&line[..39]), None);
    }
}
