use std::collections::BTreeMap;

use eframe::egui::Color32;

use super::answers::listed;
use super::grid::{Cell, Grid, Sitting, Spot, fitting, openings, rule, sittings, zoom};
use super::map::ink_on;
use crate::config::RunConfig;
use crate::tasks::Split;
use crate::training::{CompletionRecord, EvaluationRecord};

pub(super) fn evaluation(kind: &str, step: u64, level: u32, correct: &[bool]) -> EvaluationRecord {
    let right = correct.iter().filter(|&&correct| correct).count();
    let accuracy = right as f64 / correct.len() as f64;
    EvaluationRecord {
        num_tokens: 0,
        seconds: 0.0,
        holds: crate::training::Judgements::default(),
        places: Vec::new(),
        samples: crate::evaluation::Tallies::default(),
        step,
        kind: kind.into(),
        split: Split::Exam,
        level,
        unseen: level > 2,
        perturbation: None,
        problems: correct.len(),
        metrics: BTreeMap::from([("accuracy".into(), accuracy)]),
        correct: correct.to_vec(),
    }
}

pub(super) fn reworded(mut record: EvaluationRecord, how: &str) -> EvaluationRecord {
    record.perturbation = Some(how.into());
    record
}

pub(super) fn answer(kind: &str, level: u32, correct: bool) -> CompletionRecord {
    CompletionRecord {
        holds: None,
        step_sizes: Vec::new(),
        step: 100,
        source: kind.into(),
        split: Split::Test,
        level,
        problem: 0,
        prompt: String::new(),
        answer: String::new(),
        sample: 0,
        completion: String::new(),
        finished: true,
        tokens: 1,
        reward: 0.0,
        parts: Vec::new(),
        correct,
        advantage: None,
        path: None,
        given: None,
        wrong_path: None,
        logprobs: Vec::new(),
        pieces: Vec::new(),
    }
}

fn spot(kind: &str, step: u64, level: u32) -> Spot {
    Spot {
        kind: kind.into(),
        step,
        level,
    }
}

/// `count` exams of two levels, every 10 steps: level 1 right in three of four, level 2 in none.
fn exams(count: u64) -> Vec<EvaluationRecord> {
    let of = |number: u64| {
        let step = 10 * number;
        [
            evaluation("exam", step, 1, &[true, true, false, true]),
            evaluation("exam", step, 2, &[false; 4]),
        ]
    };
    (1..=count).flat_map(of).collect()
}

#[test]
fn a_grid_grows_with_the_log_and_begins_anew_with_another() {
    let all = exams(5);
    let mut grid = Grid::default();
    assert!(grid.follow(&all[..4]));
    assert!(!grid.follow(&all[..4]));
    assert!(grid.follow(&all));
    let mut at_once = Grid::default();
    at_once.follow(&all);
    assert_eq!(grid, at_once);
    assert_eq!(grid.exams.len(), 5);
    assert_eq!(
        grid.cell(&spot("exam", 30, 1)).map(|cell| cell.right),
        Some(3)
    );
    assert_eq!(grid.around(30), (Some(20), Some(40)));
    assert_eq!(grid.around(50), (Some(40), None));
    assert_eq!(grid.newest(), Some(spot("exam", 50, 2)));
    // A run that goes on from an earlier checkpoint says less.
    assert!(grid.follow(&all[..3]));
    assert_eq!(grid.exams.len(), 2);
    assert_eq!(grid.cell(&spot("exam", 20, 2)), None);
}

#[test]
fn tests_have_columns_of_their_own_and_rewordings_none() {
    let mut all = exams(1);
    all.push(evaluation("final", 10, 1, &[true, false]));
    all.push(reworded(
        evaluation("final", 10, 1, &[false, false]),
        "renamed",
    ));
    all.push(evaluation("final", 10, 3, &[false, true]));
    let mut grid = Grid::default();
    grid.follow(&all);
    assert_eq!(grid.tests.len(), 1);
    assert_eq!(
        grid.cell(&spot("final", 10, 1)).map(|cell| cell.right),
        Some(1)
    );
    assert!(grid.unseen.contains(&3) && !grid.unseen.contains(&1));
    // Opened first: the test, at its hardest level that is trained on.
    assert_eq!(grid.newest(), Some(spot("final", 10, 1)));
}

#[test]
fn bins_add_up_and_stay_in_place() {
    let mut grid = Grid::default();
    grid.follow(&exams(5));
    let bins = grid.binned(2);
    let steps: Vec<_> = bins.iter().map(|bin| (bin.first, bin.last)).collect();
    assert_eq!(steps, [(10, 20), (30, 40), (50, 50)]);
    let cell = Cell {
        right: 6,
        problems: 8,
        exams: 2,
    };
    assert_eq!(bins[0].cells[&1], cell);
    assert_eq!(bins[2].cells[&1].exams, 1);
    assert_eq!(bins[0].cells[&2].right, 0);
    grid.follow(&exams(6));
    assert_eq!(grid.binned(2)[..2], bins[..2]);
    assert_eq!(grid.binned(1).len(), 6);
}

#[test]
fn any_number_of_exams_fits_when_zoomed_out() {
    for exams in [0, 1, 20, 150, 151, 10_000, 1_000_000] {
        let zoom = zoom(fitting(exams, 900.0));
        assert!(
            exams.div_ceil(zoom.per) as f32 * zoom.width <= 900.0,
            "{exams}"
        );
    }
    assert_eq!(fitting(10, 900.0), 0);
    assert_eq!(zoom(fitting(150, 900.0)).per, 1);
    assert_eq!(zoom(fitting(151, 900.0)).per, 2);
}

#[test]
fn a_level_is_open_from_the_column_after_its_exam() {
    let ends = [10, 20, 30];
    assert_eq!(openings(&[(20, 2), (30, 3)], &ends), [(2, 2), (3, 3)]);
    // Two exams in a column: within it.
    assert_eq!(openings(&[(10, 2)], &[20, 40]), [(2, 1)]);
}

#[test]
fn openings_follow_from_the_exams() {
    let mut config = RunConfig::default();
    (config.curriculum.levels, config.curriculum.start) = ([1, 3], 1);
    config.exam.pass = 0.75;
    let mut grid = Grid::default();
    grid.follow(&exams(2));
    // Level 1 passes at once and opens level 2, which is never passed.
    assert_eq!(grid.opened(&config, &[]), [(10, 2)]);
    assert_eq!(
        grid.opened(&config, &[(20, 2), (40, 3)]),
        [(20, 2), (40, 3)]
    );
    config.exam.pass = 0.8;
    assert_eq!(grid.opened(&config, &[]), []);
}

#[test]
fn the_rule_says_what_opens_what() {
    let mut config = RunConfig::default();
    config.curriculum.levels = [1, 3];
    config.curriculum.start = 1;
    let text = rule(&config, &[]);
    assert!(
        text.contains("Every 100 steps an exam asks 64 problems"),
        "{text}"
    );
    assert!(
        text.contains("Level 1 is open; 80 % right on level 1 opens level 2"),
        "{text}"
    );
    assert!(rule(&config, &[(50, 2)]).contains("on level 2 opens level 3"));
    assert!(rule(&config, &[(50, 2), (80, 3)]).contains("all are open now"));
    config.curriculum.start = 3;
    assert!(rule(&config, &[]).contains("open from the start"));
    config.exam.every = 0;
    assert_eq!(rule(&config, &[]), "This run takes no exams.");
}

#[test]
fn a_cell_says_how_sure_it_is() {
    let cell = Cell {
        right: 8,
        problems: 10,
        exams: 1,
    };
    assert_eq!(
        cell.words(),
        "8 of 10 problems right: 80.0 % (95 % interval 49 to 94 %)"
    );
    let together = Cell { exams: 2, ..cell };
    assert!(together.words().contains("in 2 exams together"));
}

#[test]
fn answers_are_told_apart_by_how_their_problems_were_said() {
    let plain = evaluation("final", 100, 1, &[true, false]);
    let renamed = reworded(evaluation("final", 100, 1, &[false, true]), "renamed");
    let evaluations = [&plain, &renamed];
    let mut records = vec![answer("rollout", 1, true), answer("final", 2, true)];
    records.extend([true, false, false, true].map(|right| answer("final", 1, right)));
    let spot = spot("final", 100, 1);
    let rows = |how: Option<&str>, wrong| {
        let how = how.map(str::to_owned);
        listed(&records, &spot, &evaluations, &how, wrong).0
    };
    assert_eq!(rows(None, false), [2, 3]);
    assert_eq!(rows(None, true), [3]);
    assert_eq!(rows(Some("renamed"), false), [4, 5]);
    assert_eq!(rows(Some("unknown"), false), [2, 3]);
    // Where log and answers do not agree, all are listed.
    let odd = evaluation("final", 100, 1, &[false, false]);
    let (rows, ways) = listed(&records, &spot, &[&odd, &renamed], &None, false);
    assert_eq!((rows, ways.len()), (vec![2, 3, 4, 5], 0));
}

#[test]
fn sittings_must_use_up_all_answers() {
    let plain = evaluation("final", 100, 1, &[true, false]);
    let answers = [true, false, true].map(|right| answer("final", 1, right));
    let all: Vec<&CompletionRecord> = answers.iter().collect();
    assert_eq!(sittings(&[&plain], &all), None);
    let whole = Sitting {
        perturbation: None,
        rows: 0..2,
    };
    assert_eq!(sittings(&[&plain], &all[..2]), Some(vec![whole]));
    assert_eq!(sittings(&[&plain], &all[..1]), None);
}

#[test]
fn numbers_stand_out_on_their_cells() {
    assert_eq!(ink_on(Color32::from_rgb(240, 228, 66)), Color32::BLACK);
    assert_eq!(ink_on(Color32::from_rgb(0, 60, 90)), Color32::WHITE);
}
