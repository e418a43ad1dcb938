use super::side::Side;
use super::*;
use crate::app::Action;
use crate::app::engine::Ticket;
use crate::app::record::{Motion, RunKey};
use crate::tasks::Split;
use crate::training::CompletionRecord;
use std::collections::BTreeMap;

fn records() -> BTreeMap<RunKey, Record> {
    let record = Record::new("one".into(), RunConfig::default(), Motion::Still);
    [("one".to_owned(), record)].into()
}

fn world(records: &BTreeMap<RunKey, Record>) -> World<'_> {
    World {
        records,
        shown: records.get("one"),
        live: None,
        queue: None,
        runs: &[],
        selected: None,
        time: 0.0,
    }
}

fn asked(actions: &mut Actions) -> Vec<(Ticket, Question)> {
    let list = std::mem::take(&mut actions.list).into_iter();
    list.filter_map(|action| match action {
        Action::Engine(Request::Sample {
            ticket, question, ..
        }) => Some((ticket, question)),
        _ => None,
    })
    .collect()
}

fn sampled(ticket: Ticket, paths: &[Option<&str>]) -> Reply {
    let record = |path: &Option<&str>| CompletionRecord {
        holds: None,
        step_sizes: Vec::new(),
        step: 0,
        source: String::new(),
        split: Split::Test,
        level: 3,
        problem: 1,
        prompt: "1+2+3".into(),
        answer: "6".into(),
        sample: 0,
        completion: "=6".into(),
        finished: true,
        tokens: 1,
        reward: 1.0,
        parts: Vec::new(),
        correct: path.is_some(),
        advantage: None,
        path: path.map(Into::into),
        given: None,
        wrong_path: None,
        logprobs: Vec::new(),
        pieces: Vec::new(),
    };
    Reply::Sampled {
        ticket,
        prompt: "1+2+3".into(),
        records: paths.iter().map(record).collect(),
    }
}

#[test]
fn both_sides_are_asked_the_same_and_each_hears_its_own_answer() {
    let records = records();
    let world = world(&records);
    let mut actions = Actions::default();
    let mut room = Paths {
        spot: Spot { level: 2, index: 9 },
        seed: 5,
        ..Paths::default()
    };
    room.ask(&world, &mut actions);
    let asked = asked(&mut actions);
    let [(left, question), (right, other)] = asked.as_slice() else {
        panic!("two questions, not {}", asked.len());
    };
    assert_eq!(question, other);
    assert_eq!((question.seed, question.samples), (5, 16));
    assert_eq!(question.what, Asked::Problem { level: 2, index: 9 });
    room.hear(&sampled(*right, &[Some("3+3|6"), Some("1+5|6"), None]));
    let ways = |side: &Side| side.drawn().map(|drawn| drawn.numbers.ways);
    assert_eq!((ways(&room.left), ways(&room.right)), (None, Some(2)));
    assert_eq!(room.left.waiting(), Some(*left));
    room.hear(&Reply::Token {
        ticket: *left,
        sample: 0,
        text: "=".into(),
        probability: 0.5,
    });
    room.hear(&sampled(*left, &[Some("3+3|6")]));
    assert_eq!(ways(&room.left), Some(1));
}

#[test]
fn a_refusal_and_a_late_answer_do_no_harm() {
    let records = records();
    let world = world(&records);
    let mut actions = Actions::default();
    let mut room = Paths {
        two: false,
        ..Paths::default()
    };
    room.ask(&world, &mut actions);
    let first = asked(&mut actions);
    assert_eq!(first.len(), 1, "one model is asked alone");
    let ticket = first[0].0;
    let why = "no such checkpoint".to_owned();
    room.hear(&Reply::Refused { ticket, why });
    assert!(matches!(&room.right.outcome, Outcome::Refused(why) if why.contains("checkpoint")));
    room.ask(&world, &mut actions);
    room.hear(&sampled(ticket, &[None]));
    assert!(
        room.right.drawn().is_none(),
        "an answer to an earlier question"
    );
}

#[test]
fn settings_are_kept_and_trees_are_not() {
    let records = records();
    let world = world(&records);
    let mut actions = Actions::default();
    let mut room = Paths {
        samples: 32,
        ..Paths::default()
    };
    room.ask(&world, &mut actions);
    let kept = serde_json::to_string(&room).expect("settings");
    let back: Paths = serde_json::from_str(&kept).expect("settings");
    assert_eq!(back.samples, 32);
    assert!(back.right.waiting().is_none());
}

#[test]
fn tasks_differ_by_their_problems_not_by_how_much_is_learnt_from() {
    let mut records = records();
    let other = Record::new("two".into(), RunConfig::default(), Motion::Still);
    records.insert("two".into(), other);
    let side = |run: &str| {
        let mut side = Side::default();
        side.chosen.run = Some(run.into());
        side
    };
    let change = |records: &mut BTreeMap<RunKey, Record>, change: fn(&mut RunConfig)| {
        change(&mut records.get_mut("two").expect("a run").config);
    };
    change(&mut records, |config| config.task.demonstrations = 7);
    assert!(!differ(&side("one"), &side("two"), &world(&records)));
    change(&mut records, |config| config.task.seed = 7);
    assert!(differ(&side("one"), &side("two"), &world(&records)));
}

#[test]
fn the_room_can_be_used_by_names_alone() {
    use egui_kittest::kittest::Queryable as _;

    let records = records();
    let state = (Paths::default(), Actions::default());
    let mut harness = egui_kittest::Harness::builder()
        .with_size(egui::vec2(900.0, 560.0))
        .build_ui_state(
            |ui, (room, actions): &mut (Paths, Actions)| room.show(ui, &world(&records), actions),
            state,
        );
    harness.get_by_label("Next problem").click();
    harness.run();
    harness.get_by_label("Sample").click();
    harness.run_steps(3);
    let (room, actions) = harness.state_mut();
    assert_eq!(room.spot.index, 1);
    let tickets: Vec<Ticket> = asked(actions).iter().map(|(ticket, _)| *ticket).collect();
    let paths = [Some("3+3|6"), Some("1+5|6"), Some("3+3|6"), None];
    room.hear(&sampled(tickets[0], &paths));
    room.hear(&sampled(tickets[1], &paths[..1]));
    harness.run();
    harness.get_by_label_contains("Left uses 2 different correct ways, right 1");
    harness
        .get_by_label_contains("1+5\n1 of 4 samples come through here")
        .click();
    harness.run();
    let (room, _) = harness.state();
    assert!(
        room.left
            .drawn()
            .is_some_and(|drawn| drawn.selected.is_some())
    );
    harness.get_by_label("Close the samples, left").click();
    harness.get_by_label("Fit the whole tree, right").click();
    harness.run();
    let (room, _) = harness.state();
    assert!(
        room.left
            .drawn()
            .is_some_and(|drawn| drawn.selected.is_none())
    );
}

#[test]
fn wrong_answers_are_shown_up_to_the_step_that_went_wrong() {
    use crate::tasks::{Flaw, Slip, WrongPath};
    use egui_kittest::kittest::Queryable as _;

    let records = records();
    let room = Paths {
        two: false,
        ..Paths::default()
    };
    let mut harness = egui_kittest::Harness::builder()
        .with_size(egui::vec2(900.0, 560.0))
        .build_ui_state(
            |ui, (room, actions): &mut (Paths, Actions)| room.show(ui, &world(&records), actions),
            (room, Actions::default()),
        );
    harness.get_by_label("Sample").click();
    harness.run_steps(3);
    let (room, actions) = harness.state_mut();
    let ticket = asked(actions)[0].0;
    let mut reply = sampled(ticket, &[Some("3+3|6"), None, None]);
    if let Reply::Sampled { records, .. } = &mut reply {
        records[1].completion = "=3+3=7".into();
        records[1].wrong_path = Some(WrongPath {
            steps: vec!["3+3".into()],
            slip: Some(Slip::new("7", Flaw::DoesNotFollow)),
        });
    }
    room.hear(&reply);
    harness.run();
    harness.get_by_label_contains("3+3\n2 of 3 samples come through here; 1 of 2 right");
    harness
        .get_by_label_contains("The first wrong step: 7\nIt has another value than the step before")
        .click();
    harness.run();
    harness.get_by_label("⚠ go wrong at a step");
    harness.get_by_label("unreadable");
    harness.get_by_label("3+3 › ⚠ 7");
}
