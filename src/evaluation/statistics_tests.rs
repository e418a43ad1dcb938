use super::*;

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() < tolerance, "{a} is not {b}");
}

/// A row of `ones` ones and then zeros.
fn row(ones: usize, length: usize) -> Vec<Option<f64>> {
    let value = |place| Some(f64::from(u8::from(place < ones)));
    (0..length).map(value).collect()
}

/// A table of one stratum with seeds 0, 1, …
fn table(rows: Vec<Vec<Option<f64>>>) -> Table {
    Table {
        seeds: (0..rows.len() as u64).collect(),
        strata: vec![1; rows.first().map_or(0, Vec::len)],
        rows,
    }
}

fn with_seeds(seeds: &[u64], table: Table) -> Table {
    Table {
        seeds: seeds.to_vec(),
        ..table
    }
}

#[test]
fn wilson_by_hand() {
    // 8 of 10 (the textbook example): 0.4902 to 0.9433.
    let interval = wilson(8, 10).unwrap();
    close(interval.low, 0.4902, 1e-4);
    close(interval.high, 0.9433, 1e-4);
    // At the ends: z²/(n + z²) = 3.8415/13.8415.
    let none = wilson(0, 10).unwrap();
    close(none.low, 0.0, 1e-12);
    close(none.high, 0.27753, 1e-5);
    close(wilson(10, 10).unwrap().low, 1.0 - 0.27753, 1e-5);
    assert_eq!(wilson(0, 0), None);
    assert_eq!(wilson(3, 2), None);
}

#[test]
fn a_t_interval_by_hand() {
    // 1, 2, 3: mean 2, std 1, t(2) = 4.3027, half 4.3027/√3 = 2.4842.
    let summary = over_seeds(&[1.0, 2.0, 3.0]).unwrap();
    close(summary.mean, 2.0, 1e-12);
    close(summary.std.unwrap(), 1.0, 1e-12);
    let interval = summary.interval.unwrap();
    close(interval.low, 2.0 - 2.4842, 1e-4);
    close(interval.high, 2.0 + 2.4842, 1e-4);
    let single = over_seeds(&[0.5]).unwrap();
    assert_eq!(
        (single.mean, single.std, single.interval),
        (0.5, None, None)
    );
    assert_eq!(over_seeds(&[]), None);
}

#[test]
fn student_t_is_that_of_the_tables() {
    for (freedom, table) in [
        (1.0, 12.7062),
        (2.0, 4.3027),
        (5.0, 2.5706),
        (30.0, 2.0423),
        (120.0, 1.9799),
    ] {
        close(student_t(freedom), table, 1e-4);
    }
}

#[test]
fn welch_by_hand() {
    // a = 1 2 3, b = 2 4 6: difference −2, shares 1/3 and 4/3, freedom 25/9 / (1/18 + 16/18) = 2.9412.
    let found = welch(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]).unwrap();
    let half = student_t(2.941_176) * (5.0f64 / 3.0).sqrt();
    close(found.interval.low, -2.0 - half, 1e-3);
    close(found.interval.high, -2.0 + half, 1e-3);
    // Student's density integrated numerically from −1.5492 to 1.5492.
    close(found.p, 0.22088, 1e-5);
    assert_eq!(welch(&[1.0], &[2.0, 3.0]), None);
}

#[test]
fn the_paired_t_by_hand() {
    // Differences 1, 2, 3: mean 2, error 1/√3, t = 3.4641 with 2 degrees of freedom: p = 0.0742.
    let found = student(&[1.0, 2.0, 3.0]).unwrap();
    close(found.p, 0.0742, 1e-4);
    close(found.interval.low, 2.0 - 2.4842, 1e-4);
    let alike = student(&[0.5, 0.5]).unwrap();
    assert_eq!((alike.p, alike.interval.low), (0.0, 0.5));
    assert_eq!(student(&[0.0, 0.0]).unwrap().p, 1.0);
    assert_eq!(student(&[1.0]), None);
}

#[test]
fn the_bootstrap_over_problems_has_the_width_of_the_binomial() {
    // 60 of 100: the standard error is √(0.24/100) = 0.049.
    let there = table(vec![row(60, 100)]);
    let interval = bootstrap(&there, 3).unwrap();
    close(interval.low, 0.6 - Z * 0.049, 0.012);
    close(interval.high, 0.6 + Z * 0.049, 0.012);
    assert_eq!(
        interval,
        bootstrap(&there, 3).unwrap(),
        "a seed gives one result"
    );
    let fine: Vec<Option<f64>> = (0..100).map(|i| Some(f64::from(i).sin())).collect();
    let of = |seed| bootstrap(&table(vec![fine.clone()]), seed).unwrap();
    assert_ne!(of(3), of(4));
}

#[test]
fn seeds_that_differ_widen_the_bootstrap() {
    let width = |ones: [usize; 3]| {
        let rows = ones.map(|ones| row(ones, 100)).to_vec();
        let interval = bootstrap(&table(rows), 1).unwrap();
        interval.high - interval.low
    };
    assert!(width([40, 60, 80]) > 1.5 * width([60, 60, 60]));
    assert_eq!(bootstrap(&table(vec![row(1, 2), row(1, 3)]), 1), None);
    assert_eq!(bootstrap(&table(vec![]), 1), None);
    assert_eq!(bootstrap(&table(vec![vec![]]), 1), None);
    assert_eq!(bootstrap(&table(vec![vec![None, None]]), 1), None);
}

/// Half of the problems are of a level that is always right, half of one that never is: drawn within
/// levels, nothing varies.
#[test]
fn problems_are_drawn_within_their_levels() {
    let mut there = table(vec![row(50, 100)]);
    let plain = bootstrap(&there, 1).unwrap();
    assert!(plain.high - plain.low > 0.15);
    there.strata = (0..100).map(|place| u64::from(place >= 50)).collect();
    let within = bootstrap(&there, 1).unwrap();
    assert_eq!((within.low, within.high), (0.5, 0.5));
}

#[test]
fn pairing_sees_what_two_separate_intervals_would_not() {
    // b fails on ten problems that a solves, and is otherwise the same.
    let (a, b) = (table(vec![row(60, 100)]), table(vec![row(50, 100)]));
    let difference = paired_difference(&a, &b, 1).unwrap();
    close(difference.mean, 0.1, 1e-12);
    assert_eq!((difference.problems, difference.over_seeds), (100, None));
    assert!(difference.p < 0.01);
    let (low, high) = (
        bootstrap(&a, 1).unwrap().low,
        bootstrap(&b, 1).unwrap().high,
    );
    assert!(low < high, "unpaired, the intervals overlap: {low} {high}");
}

/// The same seeds are good and bad for both: only their differences are steady.
#[test]
fn seeds_that_both_ran_are_paired() {
    let seeds = [18, 40, 55, 70, 90];
    let a = table(seeds.map(|ones| row(ones + 3, 100)).to_vec());
    let b = table(seeds.map(|ones| row(ones, 100)).to_vec());
    let paired = paired_difference(&a, &b, 1).unwrap();
    assert!(paired.paired && paired.p < 0.01, "{paired:?}");
    // In another order they are the same seeds.
    let mut turned = b.clone();
    turned.seeds.reverse();
    turned.rows.reverse();
    assert_eq!(paired_difference(&a, &turned, 1).unwrap(), paired);
    // Other seeds hide the difference, as they should.
    let others = with_seeds(&[5, 6, 7, 8, 9], b);
    let unpaired = paired_difference(&a, &others, 1).unwrap();
    close(unpaired.mean, paired.mean, 1e-12);
    assert!(!unpaired.paired && unpaired.p > 0.3, "{unpaired:?}");
}

/// Undefined under one of both is left out of both.
#[test]
fn only_problems_that_both_have_a_value_for_count() {
    let a = table(vec![vec![Some(0.5), None, Some(1.0), Some(0.25)]]);
    let b = table(vec![vec![Some(0.25), Some(9.0), None, Some(0.25)]]);
    let difference = paired_difference(&a, &b, 1).unwrap();
    close(difference.mean, 0.125, 1e-12);
    assert_eq!(difference.problems, 2);
    let other_seed = with_seeds(&[7], b);
    let unpaired = paired_difference(&a, &other_seed, 1).unwrap();
    assert_eq!((unpaired.mean, unpaired.problems), (0.125, 2));
    let never = table(vec![vec![None, Some(1.0), None, None]]);
    assert_eq!(paired_difference(&a, &never, 1), None);
}

#[test]
fn equal_methods_do_not_differ_and_swapping_turns_the_sign() {
    let a = table(vec![row(30, 60), row(33, 60), row(28, 60)]);
    let same = paired_difference(&a, &a, 1).unwrap();
    assert!(same.mean == 0.0 && same.p == 1.0);
    for seeds in [[0, 1, 2], [3, 4, 5]] {
        let b = with_seeds(&seeds, table(vec![row(10, 60), row(12, 60), row(11, 60)]));
        let there = paired_difference(&a, &b, 1).unwrap();
        let back = paired_difference(&b, &a, 1).unwrap();
        close(there.mean, -back.mean, 1e-12);
        assert!(there.p < 0.05 && back.p < 0.05);
        let [low, high] = [there, back].map(|d| d.over_seeds.unwrap());
        close(low.low, -high.high, 1e-9);
    }
    assert_eq!(paired_difference(&a, &table(vec![row(1, 50)]), 1), None);
}

#[test]
fn a_difference_must_convince_both_intervals() {
    // Two seeds each, far apart: the problems agree, the seeds do not.
    let a = table(vec![row(90, 100), row(50, 100)]);
    let b = table(vec![row(40, 100), row(45, 100)]);
    let difference = paired_difference(&a, &b, 1).unwrap();
    assert!(difference.over_seeds.unwrap().contains(0.0));
    assert!(difference.p > 0.05);
}

#[test]
fn intervals_of_differences_stay_within_what_is_possible() {
    // Two seeds: Student's t with one degree of freedom goes far beyond.
    let a = table(vec![row(100, 100), row(60, 100)]);
    let b = table(vec![row(10, 100), row(5, 100)]);
    let wide = paired_difference(&a, &b, 1).unwrap();
    assert!(wide.over_seeds.unwrap().high > 1.0);
    let seeds = wide.within(0.0, 1.0).over_seeds.unwrap();
    assert!(seeds.low >= -1.0 && seeds.high <= 1.0);
}

#[test]
fn holm_by_hand() {
    // 0.01·4, then max(0.04, 0.02·3), then max(0.06, 0.03·2), then max(0.06, 0.9·1).
    let corrected = holm(&[0.9, 0.01, 0.03, 0.02]);
    for (found, wanted) in corrected.iter().zip([0.9, 0.04, 0.06, 0.06]) {
        close(*found, wanted, 1e-12);
    }
    assert_eq!(holm(&[0.7, 0.8]), [1.0, 1.0]);
    assert!(holm(&[]).is_empty());
}

/// Of comparisons without any difference, at most about one in twenty families shows one.
#[test]
fn families_of_true_ties_rarely_show_a_difference() {
    let mut false_alarms = 0;
    for round in 0..40 {
        let mut random = rng::stream(round, Purpose::Problem, 1, 1);
        let mut coin = || Some(f64::from(u8::from(random.random_bool(0.5))));
        let reference = table(vec![(0..60).map(|_| coin()).collect()]);
        let p: Vec<f64> = (0..6)
            .map(|_| {
                let other = table(vec![(0..60).map(|_| coin()).collect()]);
                paired_difference(&reference, &other, round).unwrap().p
            })
            .collect();
        false_alarms += usize::from(holm(&p).iter().any(|&p| p <= 0.05));
    }
    assert!(false_alarms <= 6, "{false_alarms} of 40");
}

#[test]
fn quantiles_are_interpolated() {
    let sorted = [0.0, 1.0, 2.0, 3.0];
    close(quantile(&sorted, 0.5), 1.5, 1e-12);
    close(quantile(&sorted, 0.0), 0.0, 1e-12);
    close(quantile(&sorted, 1.0), 3.0, 1e-12);
}
