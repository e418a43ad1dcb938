//! The room as a user finds it, driven through its accessible names.

use std::collections::BTreeMap;

use eframe::egui::{Ui, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::tests::completion;
use super::{Rollouts, View};
use crate::app::record::{Motion, Record};
use crate::app::rooms::Room;
use crate::app::{Action, Actions, World};
use crate::balance::Branch;
use crate::config::RunConfig;
use crate::training::{Event, Phase, StepRecord};

struct Stage {
    room: Rollouts,
    record: Option<Record>,
    selected: Option<u64>,
    copied: Vec<String>,
}

fn step(step: u64, branch: Branch) -> StepRecord {
    StepRecord {
        step,
        phase: Phase::Adaptive,
        branch,
        updated: true,
        loss: 0.0,
        grad_norm: 0.0,
        learning_rate: 0.0,
        num_tokens: 0,
        step_time: 0.0,
        timing: BTreeMap::new(),
        metrics: BTreeMap::from([("frac_reward_zero_std".into(), 0.5)]),
        decision: None,
        measured: Vec::new(),
        batch: Vec::new(),
    }
}

/// Quizzes at steps 2 and 4 with one group each, and textbook steps between them.
fn record() -> Record {
    let mut record = Record::new("run".into(), RunConfig::default(), Motion::Still);
    for number in 1..=5 {
        let quiz = number % 2 == 0;
        let branch = if quiz { Branch::Grpo } else { Branch::Sft };
        record.hear(Event::Step(Box::new(step(number, branch))));
        if quiz {
            let sample = |sample: u32| {
                let mut record = completion("rollout", number, sample, (sample % 2) as f32);
                record.step = number;
                record.advantage = Some(if sample.is_multiple_of(2) {
                    -0.87
                } else {
                    0.87
                });
                record
            };
            let records = (0..4).map(sample).collect();
            record.hear(Event::Completions { records });
        }
    }
    record
}

fn stage(record: Option<Record>, room: Rollouts) -> Harness<'static, Stage> {
    let stage = Stage {
        room,
        record,
        selected: None,
        copied: Vec::new(),
    };
    let draw = |ui: &mut Ui, stage: &mut Stage| {
        let mut actions = Actions::default();
        let world = World {
            records: &BTreeMap::new(),
            shown: stage.record.as_ref(),
            live: None,
            queue: None,
            runs: &[],
            selected: stage.selected,
            time: 0.0,
        };
        stage.room.show(ui, &world, &mut actions);
        for action in actions.list {
            match action {
                Action::Select(step) => stage.selected = step,
                Action::Copy(text) => stage.copied.push(text),
                _ => {}
            }
        }
    };
    Harness::builder()
        .with_size(vec2(1000.0, 700.0))
        .build_ui_state(draw, stage)
}

#[test]
fn the_nearest_step_with_completions_is_shown_and_others_are_a_click_away() {
    let mut harness = stage(Some(record()), Rollouts::default());
    harness.run();
    harness.get_by_label("Step 4");
    harness.get_by_label("GRPO, newest with completions");
    harness.get_by_label("Previous").click();
    harness.run();
    assert_eq!(harness.state().selected, Some(2));
    harness.get_by_label("Step 2");
    harness.state_mut().selected = Some(3);
    harness.run();
    harness.get_by_label("Step 2");
    harness.get_by_label("GRPO, nearest before step 3");
    harness.get_by_label("Newest").click();
    harness.run();
    assert_eq!(harness.state().selected, None);
}

#[test]
fn a_row_opens_its_completion() {
    let mut harness = stage(Some(record()), Rollouts::default());
    harness.run();
    harness.get_by_label("tokens").click();
    harness.run();
    // The longest comes first, and is not open yet.
    let rows: Vec<_> = harness.get_all_by_label("Problem 4").collect();
    assert!(rows.len() >= 4, "{}", rows.len());
    rows[0].click();
    harness.run();
    harness.get_by_label("Copy text").click();
    harness.run();
    assert_eq!(harness.state().copied, ["sample 3\nso 1"]);
    // The next quiz does not take away what is being read.
    assert_eq!(harness.state().selected, Some(4));
    let record = harness.state_mut().record.as_mut().unwrap();
    record.hear(Event::Step(Box::new(step(6, Branch::Grpo))));
    let mut news = completion("rollout", 6, 0, 1.0);
    news.step = 6;
    record.hear(Event::Completions {
        records: vec![news],
    });
    harness.run();
    harness.get_by_label("Step 4");
    harness.get_by_label("Close").click();
    harness.run();
    assert!(harness.query_by_label("Copy text").is_none());
}

#[test]
fn a_group_stands_side_by_side_with_its_reasons() {
    let room = Rollouts {
        view: View::Group,
        ..Rollouts::default()
    };
    let mut harness = stage(Some(record()), room);
    harness.run();
    harness.get_by_label("mean reward 0.5");
    harness.get_by_label("standard deviation 0.577");
    harness.get_by_label_contains("The best earned 1 and gets +0.87");
    assert_eq!(harness.get_all_by_label("advantage").count(), 4);
}

#[test]
fn without_completions_the_room_says_how_to_get_some() {
    let mut harness = stage(None, Rollouts::default());
    harness.run();
    harness.get_by_label("No run to look at");
    let empty = Record::new("run".into(), RunConfig::default(), Motion::Still);
    let mut harness = stage(Some(empty), Rollouts::default());
    harness.run();
    harness.get_by_label("No completions yet");
    let mut config = RunConfig::default();
    config.logging.completions_every = 0;
    let silent = Record::new("run".into(), config, Motion::Still);
    let mut harness = stage(Some(silent), Rollouts::default());
    harness.run();
    harness.get_by_label_contains("logging.completions_every is 0");
}
