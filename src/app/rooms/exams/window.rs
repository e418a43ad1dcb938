//! The room as a user finds it, driven through its accessible names.

use std::collections::BTreeMap;

use eframe::egui::{Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::Exams;
use super::tests::{answer, evaluation, reworded};
use crate::app::record::{Motion, Record};
use crate::app::rooms::Room;
use crate::app::{Action, Actions, World};
use crate::config::RunConfig;
use crate::training::{CompletionRecord, EvaluationRecord, Event};

struct Stage {
    room: Exams,
    record: Record,
    selected: Option<u64>,
}

/// Says an evaluation with its answers.
fn say(record: &mut Record, of: EvaluationRecord) {
    let answers = of.correct.iter().enumerate().map(|(problem, &correct)| {
        let mut answer = answer(&of.kind, of.level, correct);
        answer.step = of.step;
        answer.prompt = format!("{}-{}-{problem}", of.kind, of.level);
        answer
    });
    let records: Vec<CompletionRecord> = answers.collect();
    record.hear(Event::Completions { records });
    record.hear(Event::Evaluated(Box::new(of)));
}

/// Exams at steps 10 and 20 on two levels, and a test.
fn record() -> Record {
    let mut config = RunConfig::default();
    (config.curriculum.levels, config.curriculum.start) = ([1, 2], 1);
    let mut record = Record::new("run".into(), config, Motion::Still);
    for step in [10, 20] {
        say(
            &mut record,
            evaluation("exam", step, 1, &[true, true, true, step == 20]),
        );
        say(
            &mut record,
            evaluation("exam", step, 2, &[false, true, false, false]),
        );
    }
    let mut test = evaluation("final", 20, 2, &[true, false]);
    test.metrics.insert("pass@8".into(), 0.75);
    say(&mut record, test);
    say(
        &mut record,
        reworded(evaluation("final", 20, 2, &[false, false]), "renamed"),
    );
    record
}

fn stage(record: Record) -> Harness<'static, Stage> {
    let stage = Stage {
        room: Exams::default(),
        record,
        selected: None,
    };
    let draw = |ui: &mut Ui, stage: &mut Stage| {
        let mut actions = Actions::default();
        let world = World {
            records: &BTreeMap::new(),
            shown: Some(&stage.record),
            live: None,
            queue: None,
            runs: &[],
            selected: stage.selected,
            time: 0.0,
        };
        stage.room.show(ui, &world, &mut actions);
        for action in actions.list {
            if let Action::Select(step) = action {
                stage.selected = step;
            }
        }
    };
    Harness::builder()
        .with_size(vec2(1000.0, 700.0))
        .build_ui_state(draw, stage)
}

#[test]
fn a_cell_opens_its_answers() {
    let mut harness = stage(record());
    harness.run();
    harness.get_by_label("Exam, step 10, level 1: 75 %").click();
    harness.run();
    harness.get_by_label("4 listed, 3 right");
    harness.get_by_label("exam-1-3");
    harness.get_by_label("Wrong answers only").click();
    harness.run();
    harness.get_by_label("1 listed, 0 right");
    assert!(harness.query_by_label("exam-1-0").is_none());
    harness.get_by_label("Later").click();
    harness.run();
    harness.get_by_label("No wrong answers here.");
    harness.get_by_label("Show in all rooms").click();
    harness.run();
    assert_eq!(harness.state().selected, Some(20));
    harness.get_by_label("Level 2").click();
    harness.run();
    harness.get_by_label("3 listed, 0 right");
}

#[test]
fn the_map_says_what_opens_levels() {
    let mut harness = stage(record());
    harness.run();
    harness.get_by_label("a level opens");
    harness.get_by_label_contains("80 % right on the highest open level opens the next");
}

#[test]
fn a_test_shows_what_it_measured() {
    let mut harness = stage(record());
    harness.run();
    // The test is the newest, and its problems as they are come first.
    harness.get_by_label("2 listed, 1 right");
    harness.get_by_label("What the test measured").click();
    harness.run();
    harness.get_by_label("At least one right, pass@8");
    harness.get_by_label("75.0 %");
    harness.get_by_label("People have other names");
    harness.get_by_label("0.0 % (−50.0)");
}

#[test]
fn without_exams_the_room_says_when_they_come() {
    let empty = Record::new("run".into(), RunConfig::default(), Motion::Still);
    let mut harness = stage(empty);
    harness.run();
    harness.get_by_label("No exams yet");
    harness.get_by_label_contains("The first exam is taken at step 100");
}
