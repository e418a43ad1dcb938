mod picture;

use std::collections::{BTreeMap, BTreeSet};

use super::chooser::{Row, chosen_of, rows, split};
use super::curves::{Axis, Band, EXAM, Points, Prepared, Preparing, Shape, What, metrics};
use super::export::{CurvesCsv, field, results};
use super::launch::plan::{plan, seconds_of_run};
use super::launch::progress::{seconds_left, share_done};
use super::look::{Unit, grouped, places};
use super::reading::{Reading, State};
use super::results::measures;
use super::saving::stem;
use super::*;
use crate::app::Action;
use crate::app::library::{Compared, Curves, RunCard};
use crate::app::record::{Columns, Record, RunKey};
use crate::config::{Method, RunConfig};
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
    let method = crate::runs::compare::method_name(method);
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

fn prepare(compared: &Compared, what: What) -> Prepared {
    let mut work = Preparing::new(what);
    loop {
        if let Some(done) = work.go_on(&compared.comparison.groups, &compared.curves) {
            return done;
        }
    }
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
fn queued_runs_are_named_and_set_as_the_command_line_does() {
    let text = include_str!("../../../../configs/quickstart.toml");
    let base = RunConfig::from_toml(text, "quickstart.toml", &[]).unwrap();
    let configs = plan(&base, &[Method::Sasr, Method::Grpo], 2).unwrap();
    let mut expected = Vec::new();
    for seed in 0..2 {
        for method in ["sasr", "grpo"] {
            let set = [
                format!("balance.method=\"{method}\""),
                format!("seed={seed}"),
                format!("name=\"{method}-s{seed}\""),
            ];
            expected.push(RunConfig::from_toml(text, "quickstart.toml", &set).unwrap());
        }
    }
    assert_eq!(configs, expected);
    let names: Vec<&str> = configs.iter().map(|config| config.name.as_str()).collect();
    assert_eq!(names, ["sasr-s0", "grpo-s0", "sasr-s1", "grpo-s1"]);
    let mut wrong = base;
    wrong.max_steps = 0;
    let error = plan(&wrong, &[Method::Sasr], 1).unwrap_err();
    assert!(error.to_string().contains("max_steps"), "{error}");
}

#[test]
fn times_come_from_runs_of_the_same_configuration_only() {
    let data = run(Method::Sft, 3, 40, &[true]);
    let run = curves("x/sft-s3", &data);
    let mut base = data.config.clone();
    (base.name, base.seed, base.max_steps) = ("other".into(), 0, 100);
    base.balance.method = Method::Sasr;
    let time = |base: &RunConfig, method| {
        seconds_of_run(base, method, std::iter::once((&run.config, &run.columns)))
    };
    assert!((time(&base, Method::Sft).unwrap() - 50.0).abs() < 1e-9);
    assert_eq!(time(&base, Method::Grpo), None);
    base.grpo.num_prompts += 1;
    assert_eq!(time(&base, Method::Sft), None);
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
    let shown = |trace: &curves::Trace| trace.group != hidden;
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
    ];
    assert_eq!(names, expected);
}

#[test]
fn methods_keep_their_colours_unless_one_comes_twice() {
    assert_eq!(places(&[Method::Sasr, Method::Grpo]), [(0, 0), (2, 0)]);
    assert_eq!(
        places(&[Method::Sasr, Method::Sasr, Method::Grpo]),
        [(0, 0), (1, 0), (2, 0)]
    );
    let many = places(&[Method::Sasr; 9]);
    let distinct: BTreeSet<(usize, usize)> = many.iter().copied().collect();
    assert_eq!(distinct.len(), 9);
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!(grouped(1_234_567.0), "1\u{202f}234\u{202f}567");
    assert_eq!(Unit::Share.text(0.625), "62.5 %");
    assert_eq!(Unit::Points.text(-0.031), "-3.1");
    assert_eq!(Unit::Seconds.text(300.0), "5 min");
}

#[test]
fn a_queue_that_ends_is_chosen_when_its_runs_are_listed() {
    let (mut room, mut actions) = (Compare::default(), Actions::default());
    let cards = [
        card("x/sasr-s0", Method::Sasr, 0),
        card("old", Method::Sft, 0),
    ];
    let queue = QueueState {
        folder: "x".into(),
        runs: vec!["x/sasr-s0".into(), "x/sasr-s1".into()],
        done: 1,
    };
    assert_eq!(share_done(&queue, 0.5), 0.75);
    let records = BTreeMap::new();
    let world = idle(&records, &cards);
    room.chosen.insert("old".into());
    room.hear(&Reply::Queue(Some(queue)));
    room.choose_what_the_queue_made(&world, &mut actions);
    assert!(actions.list.is_empty());
    room.hear(&Reply::Queue(None));
    room.choose_what_the_queue_made(&world, &mut actions);
    assert!(matches!(actions.list[..], [Action::Library(Errand::List)]));
    room.choose_what_the_queue_made(&world, &mut actions);
    assert!(room.chosen.contains("old"));
    room.found(&Found::Runs(cards.to_vec()));
    room.choose_what_the_queue_made(&world, &mut actions);
    // The run that was never begun is not among them.
    assert_eq!(room.chosen, BTreeSet::from(["x/sasr-s0".to_owned()]));
    assert_eq!(stem(&room.chosen), "x");
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

#[test]
fn a_queue_tells_how_long_it_still_takes() {
    let queue = QueueState {
        folder: "x".into(),
        runs: vec!["x/a".into(), "x/b".into(), "x/c".into()],
        done: 1,
    };
    let config = run(Method::Sft, 0, 1, &[true]).config;
    let mut record = Record::new("x/b".into(), config, crate::app::record::Motion::Still);
    assert_eq!(seconds_left(&queue, &record), None);
    for number in 1..=40 {
        record.hear(crate::training::Event::Step(Box::new(step(number, None))));
    }
    // Half a second a step: 160 more of this run, 200 of the next.
    let left = seconds_left(&queue, &record).unwrap();
    assert!((left - 180.0).abs() < 1e-6, "{left}");
}

#[test]
fn a_comparison_starts_from_the_form_with_steps_of_its_own() {
    let mut room = Compare::default();
    let config = run(Method::Grpo, 0, 1, &[true]).config;
    room.launch_from(config.clone());
    let kept = serde_json::to_string(&room).unwrap();
    let again: Compare = serde_json::from_str(&kept).unwrap();
    let records = BTreeMap::new();
    let world = idle(&records, &[]);
    assert_eq!(again.launch.base(&world), Some(config.clone()));
    room.launch.steps = Some(77);
    let expected = RunConfig {
        max_steps: 77,
        ..config
    };
    assert_eq!(room.launch.base(&world), Some(expected));
}
