//! Curves of groups and of single runs, drawn and written.

use super::super::curves::{
    Axis, Band, EXAM, Points, Prepared, Preparing, Shape, Trace, What, metrics,
};
use super::super::export::CurvesCsv;
use super::*;

fn prepare(compared: &Compared, what: What) -> Prepared {
    let mut work = Preparing::new(what);
    loop {
        if let Some(done) = work.go_on(&compared.comparison.groups, &compared.curves) {
            return done;
        }
    }
}

#[test]
fn a_mean_over_seeds_goes_as_far_as_all_of_them() {
    let points = |xs: &[f64], ys: &[f32]| Points {
        xs: xs.to_vec(),
        ys: ys.to_vec(),
    };
    let long = points(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0, 3.0, 40.0]);
    let short = points(&[1.0, 3.0], &[3.0, 7.0]);
    let band = Band::over(&[long.clone(), short, Points::default()]);
    assert_eq!(band.mean.xs, [1.0, 2.0, 3.0]);
    assert_eq!(band.mean.ys, [2.0, 3.5, 5.0]);
    assert_eq!(band.low, [1.0, 2.0, 3.0]);
    assert_eq!(band.high, [3.0, 5.0, 7.0]);
    let apart = points(&[9.0], &[1.0]);
    assert_eq!(Band::over(&[long, apart]), Band::default());
    assert_eq!(Band::over(&[]), Band::default());
}

#[test]
fn a_mean_of_long_runs_is_taken_over_stretches() {
    let of = |count: usize, y: f32| Points {
        xs: (1..=count).map(|x| x as f64).collect(),
        ys: vec![y; count],
    };
    let band = Band::over(&[of(10_000, 1.0), of(8_000, 2.0)]);
    assert_eq!(band.mean.xs.len(), 400);
    assert!(band.mean.xs.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(band.mean.xs[399] <= 8_000.0 && band.mean.xs[399] > 7_900.0);
    assert!(band.mean.ys.iter().all(|y| (y - 1.5).abs() < 1e-6));
    // A run that is short in points fills the stretches between them.
    let sparse = Points {
        xs: vec![1.0, 8_000.0],
        ys: vec![0.0, 4.0],
    };
    let band = Band::over(&[of(10_000, 1.0), sparse]);
    assert!(band.low[0] < 0.1 && (band.high[399] - 4.0).abs() < 0.1);
}

#[test]
fn curves_stand_at_steps_tokens_or_seconds() {
    let (_, compared) = three();
    let run = &compared.curves[0];
    let what = |metric: &str, axis| What {
        metric: metric.into(),
        axis,
        ..What::default()
    };
    let reward = Points::of(run, &what("reward", Axis::Step));
    assert_eq!(
        reward.xs,
        (1..=10).map(|n| 2.0 * f64::from(n)).collect::<Vec<_>>()
    );
    assert!(reward.ys.iter().all(|y| *y == 0.5));
    let exams = Points::of(run, &what(EXAM, Axis::Tokens));
    assert_eq!(
        (exams.xs, exams.ys),
        (vec![0.0, 400.0, 800.0], vec![0.1, 0.5, 0.7])
    );
    let loss = Points::of(run, &what("loss", Axis::Time));
    assert_eq!((loss.xs[0], loss.xs[19]), (0.5, 10.0));
    let found = metrics(&compared.curves);
    assert_eq!(found[..3], [EXAM, "reward", "loss"]);
    assert!(found.contains(&"learning_rate".to_owned()));
}

#[test]
fn a_group_is_one_line_or_one_per_seed() {
    let (_, compared) = three();
    let together = prepare(&compared, What::default());
    let lines: Vec<_> = together
        .traces
        .iter()
        .map(|t| (t.group, t.run, t.seeds))
        .collect();
    assert_eq!(lines, [(0, None, 2), (1, Some(2), 1)]);
    let what = What {
        shape: Shape::Seeds,
        ..What::default()
    };
    let apart = prepare(&compared, what);
    let lines: Vec<_> = apart
        .traces
        .iter()
        .map(|t| (t.group, t.run, t.rank))
        .collect();
    assert_eq!(lines, [(0, Some(0), 0), (0, Some(1), 1), (1, Some(2), 0)]);
}

fn written(compared: &Compared, prepared: &Prepared, hidden: usize) -> String {
    let groups = &compared.comparison.groups;
    let shown = |trace: &Trace| trace.group != hidden;
    let mut csv = CurvesCsv::new(prepared, groups, &compared.curves, shown);
    while !csv.go_on(prepared) {}
    String::from_utf8(csv.into_bytes()).unwrap()
}

#[test]
fn the_drawn_curves_are_written_with_their_units() {
    let (_, compared) = three();
    let what = What {
        shape: Shape::Seeds,
        axis: Axis::Tokens,
        ..What::default()
    };
    let text = written(&compared, &prepare(&compared, what), 0);
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    let head = "group,run,seed,tokens,Exam accuracy (share),lowest seed,highest seed";
    assert_eq!(lines[0], head);
    assert_eq!(
        lines[1..],
        [
            "sft,x/sft-s0,0,0,0.1,,",
            "sft,x/sft-s0,0,400,0.5,,",
            "sft,x/sft-s0,0,800,0.7,,"
        ]
    );
    let text = written(&compared, &prepare(&compared, What::default()), 1);
    assert!(
        text.contains("\r\nsasr,mean of 2,,4,0.5,0.5,0.5\r\n"),
        "{text}"
    );
}
