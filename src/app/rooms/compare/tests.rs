mod curves;
mod picture;
mod queue;

use std::collections::{BTreeMap, BTreeSet};

use super::chooser::{Row, chosen_of, rows, split};
use super::export::{field, results};
use super::look::{Unit, grouped, shown, twins};
use super::reading::{Reading, State};
use super::results::measures;
use super::*;
use crate::app::Action;
use crate::app::library::{Compared, Curves, RunCard};
use crate::app::record::{Columns, Record, RunKey};
use crate::config::Method;
use crate::runs::{Comparison, RunData, RunFiles};
use crate::training::{Branch, EvaluationRecord, Phase, StepRecord};

/// A window with these runs in which nothing goes on.
fn idle<'a>(records: &'a BTreeMap<RunKey, Record>, runs: &'a [RunCard]) -> World<'a> {
    World {
        records,
        shown: None,
        live: None,
        queue: None,
        runs,
        selected: None,
        time: 0.0,
    }
}

fn card(key: &str, method: Method, seed: u64) -> RunCard {
    RunCard {
        key: key.into(),
        name: split(key).1.into(),
        description: String::new(),
        method,
        seed,
        task: "arithmetic".into(),
        step: 10,
        max_steps: 10,
        finished: true,
        accuracy: Some(0.5),
        changed: 1,
        differences: Vec::new(),
        changes: Vec::new(),
        damaged: None,
    }
}

fn step(number: u64, reward: Option<f64>) -> StepRecord {
    StepRecord {
        step: number,
        phase: Phase::Adaptive,
        branch: if reward.is_some() {
            Branch::Grpo
        } else {
            Branch::Sft
        },
        updated: true,
        loss: number as f64,
        grad_norm: 1.0,
        learning_rate: 0.1,
        num_tokens: 100 * number,
        step_time: 0.5,
        timing: BTreeMap::new(),
        metrics: reward
            .map(|reward| ("reward".to_owned(), reward))
            .into_iter()
            .collect(),
        decision: None,
        measured: Vec::new(),
        batch: Vec::new(),
    }
}

/// A run of `steps` steps whose final test has these answers.
fn run(method: Method, seed: u64, steps: u64, correct: &[bool]) -> RunData {
    let method = method.name();
    let config = format!("seed = {seed}\nmax_steps = 200\n[balance]\nmethod = \"{method}\"\n");
    let files = RunFiles {
        config: &config,
        ..RunFiles::default()
    };
    let mut data = RunData::parse(&format!("{method}-s{seed}"), &files).unwrap();
    data.steps = (1..=steps)
        .map(|n| step(n, (n % 2 == 0).then_some(0.5)))
        .collect();
    let share = correct.iter().filter(|&&right| right).count() as f64 / correct.len() as f64;
    let metrics = [("accuracy", share), ("pass@2", share), ("pass@10", 1.0)];
    data.evaluations.push(EvaluationRecord {
        num_tokens: 0,
        seconds: 0.0,
        holds: crate::training::Judgements::default(),
        places: Vec::new(),
        samples: crate::evaluation::Tallies::default(),
        step: steps,
        kind: "final".into(),
        split: crate::tasks::Split::Test,
        level: 1,
        unseen: false,
        perturbation: None,
        problems: correct.len(),
        metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
        correct: correct.to_vec(),
    });
    data
}

fn curves(key: &str, data: &RunData) -> Curves {
    let mut columns = Columns::default();
    data.steps.iter().for_each(|step| columns.push(step));
    Curves {
        run: key.into(),
        config: data.config.clone(),
        columns,
        exams: vec![(0, 0.1), (4, 0.5), (8, 0.7)],
    }
}

/// Runs side by side, with the keys that they are chosen by.
fn compared(runs: &[(Method, u64, u64)]) -> (BTreeSet<RunKey>, Compared) {
    let data: Vec<RunData> = runs
        .iter()
        .map(|&(method, seed, steps)| run(method, seed, steps, &[true, false, true, seed == 0]))
        .collect();
    let keys: Vec<RunKey> = data.iter().map(|data| format!("x/{}", data.name)).collect();
    let compared = Compared {
        comparison: Comparison::of(&data).unwrap(),
        curves: keys
            .iter()
            .zip(&data)
            .map(|(key, data)| curves(key, data))
            .collect(),
    };
    (keys.into_iter().collect(), compared)
}

fn three() -> (BTreeSet<RunKey>, Compared) {
    compared(&[
        (Method::Sasr, 0, 20),
        (Method::Sasr, 1, 16),
        (Method::Sft, 0, 20),
    ])
}

fn asked(actions: &mut Actions) -> Vec<(u64, Vec<RunKey>)> {
    let list = std::mem::take(&mut actions.list);
    let errand = |action| match action {
        Action::Library(Errand::Compare { ticket, runs }) => Some((ticket, runs)),
        _ => None,
    };
    list.into_iter().filter_map(errand).collect()
}

fn answer(ticket: u64, compared: &Compared) -> Found {
    Found::Compared {
        ticket,
        compared: Box::new(compared.clone()),
    }
}

#[test]
fn cards_are_grouped_by_the_folder_they_are_in() {
    let mut cards = [
        card("alone", Method::Sasr, 0),
        card("y/sft-s1", Method::Sft, 1),
        card("x/sasr-s0", Method::Sasr, 0),
        card("y/sft-s0", Method::Sft, 0),
        card("x/grpo-s0", Method::Grpo, 0),
    ];
    cards[4].damaged = Some("metrics.jsonl:3: not JSON".into());
    let inside = |card| Row::Run { card, inside: true };
    let folder = |name, members| Row::Folder { name, members };
    let expected = [
        folder("y", vec![3, 1]),
        inside(3),
        inside(1),
        folder("x", vec![2]),
        inside(2),
        inside(4),
        Row::Damage(4),
        Row::Singles,
        Row::Run {
            card: 0,
            inside: false,
        },
    ];
    assert_eq!(rows(&cards, "", &BTreeSet::new()), expected);
    // Folded, and filtered by method and folder.
    let folded = BTreeSet::from(["y".to_owned()]);
    assert_eq!(rows(&cards, "SFT", &folded), [folder("y", vec![3, 1])]);
    assert_eq!(
        rows(&cards, "x sasr", &folded),
        [folder("x", vec![2]), inside(2)]
    );
    assert_eq!(rows(&cards, "nothing", &folded), []);
    // After "seed" a number is the seed, wherever else its digit stands.
    cards[3].description = "seeds of 2017".into();
    cards[1].description = "seed 0 was worse".into();
    let all = BTreeSet::new();
    let found = rows(&cards, "sft seed 0", &all);
    assert_eq!(found, [folder("y", vec![3]), inside(3)]);
    let chosen = BTreeSet::from(["y/sft-s0".to_owned(), "x/sasr-s0".to_owned()]);
    assert_eq!(chosen_of(&cards, &[3, 1], &chosen), 1);
}

#[test]
fn only_the_newest_answer_about_the_chosen_runs_counts() {
    let (chosen, right) = three();
    let (mut reading, mut actions) = (Reading::default(), Actions::default());
    assert!(reading.ask(&chosen, &[], &mut actions));
    assert!(!reading.ask(&chosen, &[], &mut actions));
    let first = asked(&mut actions);
    assert_eq!(first[0].1, chosen.iter().cloned().collect::<Vec<_>>());

    // The choice changes before the answer is there.
    let (fewer, other) = compared(&[(Method::Sasr, 0, 20), (Method::Sft, 0, 20)]);
    assert!(reading.ask(&fewer, &[], &mut actions));
    let second = asked(&mut actions);
    assert_ne!(second[0].0, first[0].0);
    reading.hear(&answer(first[0].0, &right));
    assert!(reading.compared().is_none());
    // Under the right ticket, but about other runs.
    reading.hear(&answer(second[0].0, &right));
    assert!(matches!(reading.state(), State::Refused(_)));

    reading.again(&[], &mut actions);
    let third = asked(&mut actions);
    reading.hear(&answer(third[0].0, &other));
    assert_eq!(reading.compared().unwrap().curves.len(), 2);
    // An old answer and an old refusal change nothing any more.
    reading.hear(&answer(first[0].0, &right));
    let ticket = second[0].0;
    let why = "gone".to_owned();
    reading.hear(&Found::Refused { ticket, why });
    assert_eq!(reading.compared().unwrap().curves.len(), 2);
    // Nothing chosen: nothing shown, and nothing asked.
    assert!(reading.ask(&BTreeSet::new(), &[], &mut actions));
    assert!(reading.compared().is_none() && asked(&mut actions).is_empty());
}

#[test]
fn an_answer_whose_groups_are_of_other_runs_is_refused() {
    let (chosen, mut wrong) = three();
    wrong.curves[0].config.seed = 7;
    let (mut reading, mut actions) = (Reading::default(), Actions::default());
    reading.ask(&chosen, &[], &mut actions);
    let ticket = asked(&mut actions)[0].0;
    reading.hear(&answer(ticket, &wrong));
    assert!(reading.compared().is_none());
}

#[test]
fn runs_that_went_on_are_told_of() {
    let (chosen, compared) = three();
    let mut cards: Vec<RunCard> = chosen.iter().map(|key| card(key, Method::Sft, 0)).collect();
    let (mut reading, mut actions) = (Reading::default(), Actions::default());
    reading.ask(&chosen, &cards, &mut actions);
    let ticket = asked(&mut actions)[0].0;
    reading.hear(&answer(ticket, &compared));
    assert!(!reading.is_outdated(&cards));
    cards[1].changed = 2;
    assert!(reading.is_outdated(&cards));
}

#[test]
fn results_are_written_one_number_per_line() {
    let (_, compared) = three();
    let text = results(&compared.comparison);
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    let columns = lines[0].split(',').count();
    assert!(
        lines.iter().all(|line| line.split(',').count() == columns),
        "{text}"
    );
    let accuracy: Vec<&str> = lines[1].split(',').collect();
    assert_eq!(
        accuracy[..6],
        ["sasr", "sasr", "0 1", "accuracy", "share", "0.625"]
    );
    assert_eq!(accuracy[8..], ["seeds", "0.75 0.5"]);
    let sft = lines
        .iter()
        .find(|line| line.starts_with("sft,sft,0,accuracy,"))
        .unwrap();
    assert!(sft.contains(",problems,0.75"), "{sft}");
    assert!(text.contains("sft,sft,0,accuracy level 1,share,0.75,"));
    assert_eq!(
        field("sasr (a = 1, b = \"x\")"),
        "\"sasr (a = 1, b = \"\"x\"\")\""
    );
    assert_eq!(field("sasr"), "sasr");
}

#[test]
fn measures_are_those_that_were_measured_by_rising_k() {
    let (_, compared) = three();
    let names: Vec<String> = measures(&compared.comparison.groups)
        .into_iter()
        .map(|measure| measure.name)
        .collect();
    let expected = [
        "accuracy",
        "pass@2",
        "pass@10",
        "sft_steps",
        "grpo_steps",
        "tokens",
        "seconds",
        "evaluation_tokens",
    ];
    assert_eq!(names, expected);
}

#[test]
fn groups_of_one_method_are_told_apart_by_their_dash_alone() {
    assert_eq!(twins(&[Method::Sasr, Method::Grpo]), [0, 0]);
    let methods = [Method::Sasr, Method::Grpo, Method::Sasr, Method::Sasr];
    assert_eq!(twins(&methods), [0, 0, 1, 2]);
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!(grouped(1_234_567.0), "1\u{202f}234\u{202f}567");
    assert_eq!(shown(Unit::Share, 0.625), "62.5 %");
    assert_eq!(shown(Unit::Points, -0.031), "-3.1");
    assert_eq!(shown(Unit::Seconds, 300.0), "5 min");
}

#[test]
fn the_run_shown_is_chosen_at_first_and_runs_from_elsewhere_can_be() {
    let mut room = Compare::default();
    let cards = [card("x/sasr-s0", Method::Sasr, 0)];
    let record = |key: &str| {
        let config = run(Method::Sft, 3, 4, &[true]).config;
        let mut record = Record::new(key.into(), config, crate::app::record::Motion::Still);
        for number in 1..=4 {
            record.hear(crate::training::Event::Step(Box::new(step(number, None))));
        }
        record
    };
    let elsewhere = "/elsewhere/run".to_owned();
    let records = BTreeMap::from([
        (elsewhere.clone(), record(&elsewhere)),
        ("x/sasr-s0".to_owned(), record("x/sasr-s0")),
    ]);
    let world = World {
        shown: records.get(&elsewhere),
        ..idle(&records, &cards)
    };
    let all = room.cards(&world).into_owned();
    let keys: Vec<&str> = all.iter().map(|card| card.key.as_str()).collect();
    assert_eq!(keys, ["x/sasr-s0", "/elsewhere/run"]);
    assert_eq!(
        (all[1].method, all[1].seed, all[1].step),
        (Method::Sft, 3, 4)
    );
    room.offer_shown(&world, &all);
    assert_eq!(room.chosen, BTreeSet::from([elsewhere.clone()]));
    // A list of the runs folder does not take it away.
    room.found(&Found::Runs(cards.to_vec()));
    assert!(room.chosen.contains(&elsewhere));
    // Who chooses none is not offered it again.
    room.chosen.clear();
    room.offer_shown(&world, &all);
    assert!(room.chosen.is_empty());
}
