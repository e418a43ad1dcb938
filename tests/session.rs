//! The session as whoever drives it sees it.

mod common;

use std::collections::BTreeMap;

use common::session::{records, run_until, step};
use sasr::balance::{LoggedStep, Observation, replay};
use sasr::config::RunConfig;
use sasr::training::{
    Branch, Command, EvaluationRecord, Event, Phase, Session, Setup, Start, StepRecord,
};

/// A run that takes well under a second.
const TINY: &str = r#"
max_steps = 30
[task]
demonstrations = 40
[model]
hidden_size = 16
num_hidden_layers = 1
[base]
steps = 20
batch_size = 8
[curriculum]
levels = [1, 2]
start = 1
[sft]
batch_size = 8
[grpo]
num_prompts = 3
num_generations = 4
max_completion_length = 12
[balance]
warmup_steps = 8
g_warm_window = 4
probe_every = 3
[exam]
every = 10
problems = 8
[evaluation]
problems = 6
samples = 2
[checkpoint]
every = 10
[logging]
completions_every = 1
"#;

fn session(set: &[&str]) -> Session {
    common::session::session(TINY, set, Start::Fresh)
}

/// Everything that happens until the end.
fn finish(session: &mut Session) -> Vec<Event> {
    run_until(session, |_| false)
}

#[test]
fn a_run_goes_through_its_phases_and_counts_every_step() {
    let mut session = session(&[]);
    let events = finish(&mut session);
    let phases: Vec<Phase> = events
        .iter()
        .filter_map(|event| match event {
            Event::PhaseBegan { phase, .. } => Some(*phase),
            _ => None,
        })
        .collect();
    assert_eq!(
        phases,
        [
            Phase::Base,
            Phase::Warmup,
            Phase::Adaptive,
            Phase::Evaluation
        ]
    );
    let steps = records(&events);
    let numbers: Vec<u64> = steps.iter().map(|record| record.step).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    assert!(steps[..8].iter().all(|record| record.branch == Branch::Sft));
    let count = |branch| {
        steps[8..]
            .iter()
            .filter(|record| record.branch == branch)
            .count()
    };
    assert!(
        count(Branch::Sft) > 0 && count(Branch::Grpo) > 0,
        "both branches are used"
    );
    assert!(
        steps
            .windows(2)
            .all(|pair| pair[0].num_tokens < pair[1].num_tokens)
    );
    let kinds: BTreeMap<String, usize> = events.iter().fold(BTreeMap::new(), |mut kinds, event| {
        if let Event::Evaluated(record) = event {
            *kinds.entry(record.kind.clone()).or_default() += 1;
        }
        kinds
    });
    // Two levels each; the final test also under arithmetic's two perturbations.
    assert_eq!(
        kinds,
        BTreeMap::from([
            ("after_warmup".into(), 2),
            ("exam".into(), 6),
            ("final".into(), 6)
        ])
    );
    assert!(matches!(
        events.last(),
        Some(Event::Finished { step: 30, .. })
    ));
}

#[test]
fn the_decision_in_the_log_is_the_one_taken_and_a_replay_equals_it() {
    for set in [
        vec![],
        vec!["balance.lambda=4.0", "balance.ema=0.5"],
        vec!["balance.mode=\"blend\""],
    ] {
        let mut session = session(&set);
        let (config, steps) = (session.config().clone(), records(&finish(&mut session)));
        let logged: Vec<LoggedStep> = steps
            .iter()
            .map(|record| serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap())
            .collect();
        let replayed = replay(&config.balance, config.seed, config.max_steps, &logged).unwrap();
        assert_eq!(replayed.len(), steps.len());
        for (record, replayed) in steps.iter().zip(&replayed) {
            let decision = record.decision.as_ref().unwrap();
            assert_eq!(decision, replayed);
            assert_eq!(decision.branch, record.branch);
            if let Some(alpha) = decision.alpha {
                assert_eq!(alpha < decision.p, record.branch == Branch::Sft);
            }
        }
    }
}

#[test]
fn every_method_runs_and_takes_the_branches_it_stands_for() {
    for (method, sft) in [
        ("sft", Some(30)),
        ("grpo", Some(0)),
        ("static", Some(15)),
        ("periodic", None),
        ("constant", None),
        ("cosine", None),
    ] {
        let mut session = session(&[&format!("balance.method=\"{method}\"")]);
        let steps = records(&finish(&mut session));
        let taken = steps
            .iter()
            .filter(|record| record.branch == Branch::Sft)
            .count();
        match sft {
            Some(sft) => assert_eq!(taken, sft, "{method}"),
            None => assert!(taken > 0 && taken < 30, "{method}: {taken}"),
        }
    }
}

#[test]
fn pausing_single_steps_and_resuming_change_nothing_in_the_result() {
    let mut plain = session(&[]);
    let undisturbed = records(&finish(&mut plain));
    let mut session = session(&[]);
    let mut events = Vec::new();
    while session.steps_done() < 5 {
        events.extend(step(&mut session));
    }
    events.extend(session.handle(Command::Pause).unwrap());
    let before = session.steps_done();
    for _ in 0..5 {
        events.extend(step(&mut session));
    }
    assert_eq!(session.steps_done(), before, "nothing is done while paused");
    session.handle(Command::SingleStep).unwrap();
    for _ in 0..20 {
        events.extend(step(&mut session));
    }
    assert_eq!(
        session.steps_done(),
        before + 1,
        "a single step is one step"
    );
    session.handle(Command::Resume).unwrap();
    events.extend(finish(&mut session));
    let strip = |records: Vec<StepRecord>| -> Vec<StepRecord> {
        let plain = |mut record: StepRecord| {
            record.step_time = 0.0;
            record.timing.clear();
            record
        };
        records.into_iter().map(plain).collect()
    };
    assert_eq!(strip(records(&events)), strip(undisturbed));
}

#[test]
fn a_pause_waits_for_the_step_in_hand() {
    let quiet = ["exam.every=100", "evaluation.after_warmup=false"];
    let mut session = session(&quiet);
    // Up to the middle of a GRPO step: its decision is made and nothing else.
    loop {
        let before = session.steps_done();
        if step(&mut session).is_empty() && before >= 9 {
            break;
        }
    }
    let before = session.steps_done();
    session.handle(Command::Pause).unwrap();
    for _ in 0..8 {
        step(&mut session);
    }
    assert_eq!(session.steps_done(), before + 1);
}

#[test]
fn a_horizon_of_nothing_is_that_of_all_steps() {
    let mut session = session(&[]);
    while session.steps_done() < 5 {
        step(&mut session);
    }
    let set = |value: &str| Command::Set {
        path: "optimizer.horizon".into(),
        value: value.into(),
    };
    session.handle(set("7")).unwrap();
    let events = session.handle(set("0")).unwrap();
    let steps = session.config().max_steps;
    assert_eq!(session.config().optimizer.horizon, steps);
    let Some(Event::Changed { before, value, .. }) = events.first() else {
        panic!("{events:?}")
    };
    assert_eq!((&**before, value.clone()), ("7", steps.to_string()));
}

#[test]
fn live_settings_change_what_follows_and_nothing_else_can_be_changed() {
    let mut session = session(&[]);
    while session.steps_done() < 10 {
        step(&mut session);
    }
    let set = |path: &str, value: &str| Command::Set {
        path: path.into(),
        value: value.into(),
    };
    let error = session
        .handle(set("model.hidden_size", "32"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("model.hidden_size") && error.contains("balance.gamma"),
        "{error}"
    );
    let error = session
        .handle(set("balance.gamma", "-1"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("balance.gamma"), "{error}");
    assert_eq!(
        session.config().balance.gamma,
        1.0,
        "a refused value changes nothing"
    );
    // A tiny γ makes the textbook certain (up to p_max).
    session.handle(set("balance.gamma", "1e-9")).unwrap();
    session.handle(set("balance.p_max", "1")).unwrap();
    let steps = records(&finish(&mut session));
    assert!(steps.len() >= 19);
    assert!(steps[1..].iter().all(|record| record.branch == Branch::Sft));
}

#[test]
fn a_finished_run_can_be_extended() {
    let mut session = session(&["evaluation.problems=0"]);
    finish(&mut session);
    session.handle(Command::Extend { max_steps: 36 }).unwrap();
    assert!(!session.is_done());
    let steps = records(&finish(&mut session));
    assert_eq!(
        steps.iter().map(|record| record.step).collect::<Vec<_>>(),
        [31, 32, 33, 34, 35, 36]
    );
}

#[test]
fn extending_during_the_base_model_leaves_the_base_model_whole() {
    let base = |events: &[Event]| {
        let steps = events.iter();
        steps
            .filter(|event| matches!(event, Event::BaseStep { .. }))
            .count()
    };
    let mut session = session(&["evaluation.problems=0"]);
    let first = run_until(&mut session, |event| {
        matches!(event, Event::BaseStep { .. })
    });
    session.handle(Command::Extend { max_steps: 33 }).unwrap();
    let rest = finish(&mut session);
    assert_eq!(base(&first) + base(&rest), 20);
    assert!(rest.iter().any(|event| matches!(event, Event::BaseReady)));
    assert_eq!(records(&rest).len(), 33);
}

#[test]
fn groups_without_variance_leave_weights_alone_and_count_as_attempts() {
    // Untrained and with one-token completions, every answer is wrong.
    let set = [
        "base.steps=0",
        "balance.method=\"grpo\"",
        "grpo.max_completion_length=1",
        "exam.problems=4",
    ];
    let mut session = session(&set);
    let before = pollster::block_on(session.model().parameters.read()).unwrap();
    let steps = records(&finish(&mut session));
    assert_eq!(steps.len(), 30);
    for record in &steps {
        assert!(!record.updated);
        assert_eq!(record.metrics["frac_reward_zero_std"], 1.0);
    }
    assert_eq!(
        pollster::block_on(session.model().parameters.read()).unwrap(),
        before
    );
}

#[test]
fn resampling_is_tried_and_capped() {
    let set = [
        "base.steps=0",
        "balance.method=\"grpo\"",
        "grpo.max_completion_length=1",
        "max_steps=3",
        "grpo.zero_variance=\"resample\"",
        "grpo.max_resample_times=2",
    ];
    let steps = records(&finish(&mut session(&set)));
    for record in &steps {
        // Three prompts, all without variance, asked anew twice.
        assert_eq!(record.metrics["resampled_groups"], 6.0);
        assert!(!record.updated);
    }
}

#[test]
fn probes_refresh_stale_signals_and_are_paid_for() {
    // γ so large that SFT is drawn only at p_min = 0: G would never be refreshed.
    let set = [
        "balance.gamma=1e6",
        "balance.p_min=0",
        "balance.probe_every=4",
    ];
    let steps = records(&finish(&mut session(&set)));
    let probed: Vec<u64> = steps
        .iter()
        .filter(|record| record.timing.contains_key("probe"))
        .map(|r| r.step)
        .collect();
    assert!(probed.len() >= 4, "{probed:?}");
    assert!(
        probed.windows(2).all(|pair| pair[1] - pair[0] == 4),
        "{probed:?}"
    );
}

#[test]
fn an_exam_passed_opens_the_next_level() {
    let mut session = session(&[
        "exam.pass=0.000001",
        "exam.problems=64",
        "model.hidden_size=64",
        "base.steps=300",
        "base.batch_size=64",
    ]);
    let events = finish(&mut session);
    let opened = events
        .iter()
        .any(|event| matches!(event, Event::LevelOpened { step: 10, level: 2 }));
    assert!(opened);
    let levels = |range: std::ops::Range<u64>| -> std::collections::BTreeSet<u32> {
        events
            .iter()
            .filter_map(|event| match event {
                Event::Completions { records } if records[0].source == "rollout" => Some(records),
                _ => None,
            })
            .flatten()
            .filter(|record| range.contains(&record.step))
            .map(|record| record.level)
            .collect()
    };
    assert_eq!(levels(0..11), [1].into());
    assert_eq!(levels(11..31), [1, 2].into());
}

#[test]
fn events_and_commands_survive_json() {
    let mut session = session(&[]);
    for event in finish(&mut session) {
        let text = serde_json::to_string(&event).unwrap();
        let back: Event =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(back, event);
    }
    let command = Command::Set {
        path: "balance.gamma".into(),
        value: "2".into(),
    };
    let text = serde_json::to_string(&command).unwrap();
    assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
}

/// The rollouts said at each GRPO step, by step.
fn rollouts(events: &[Event]) -> BTreeMap<u64, Vec<sasr::training::CompletionRecord>> {
    let said = |event: &Event| match event {
        Event::Completions { records } if records[0].source == "rollout" => {
            Some((records[0].step, records.clone()))
        }
        _ => None,
    };
    events.iter().filter_map(said).collect()
}

#[test]
fn completions_are_said_as_often_as_configured() {
    for (every, groups) in [(3, 1), (3, 2), (3, 0), (0, 2), (4, 100)] {
        let every_set = format!("logging.completions_every={every}");
        let groups_set = format!("logging.completions_groups={groups}");
        let mut session = session(&["balance.method=\"grpo\"", &every_set, &groups_set]);
        let events = finish(&mut session);
        let said = rollouts(&events);
        let expected: BTreeMap<u64, usize> = (1..=30)
            .map(|step| match (step - 1) % every.max(1) {
                _ if every == 0 => (step, 0),
                // Three prompts, four completions each.
                0 => (step, 12),
                _ => (step, 4 * groups.min(3)),
            })
            .filter(|&(_, count)| count > 0)
            .collect();
        let counts: BTreeMap<u64, usize> = said.iter().map(|(s, all)| (*s, all.len())).collect();
        assert_eq!(counts, expected, "every {every}, {groups} groups");
        let steps = records(&events);
        for (step, said) in said.into_iter().filter(|(_, said)| said.len() == 4) {
            // A group whose rewards differ, if there is any.
            let differ = |rewards: &[f32]| rewards.iter().any(|reward| *reward != rewards[0]);
            let batch = &steps[step as usize - 1].batch;
            let rewards: Vec<f32> = said.iter().map(|record| record.reward).collect();
            let chosen = batch.iter().find(|item| differ(&item.rewards));
            assert_eq!(chosen.unwrap_or(&batch[0]).rewards, rewards);
        }
    }
}

#[test]
fn a_rollouts_pieces_are_its_tokens_and_no_others_are_spelt_out() {
    let mut session = session(&[]);
    let events = finish(&mut session);
    let mut rollouts = 0;
    for event in &events {
        let Event::Completions { records } = event else {
            continue;
        };
        for record in records {
            assert_eq!(record.pieces.len(), record.logprobs.len());
            if record.source != "rollout" {
                assert!(record.pieces.is_empty());
                continue;
            }
            rollouts += 1;
            assert_eq!(record.pieces.len(), record.tokens);
            // One character each, special tokens by name.
            let special = |piece: &&String| piece.len() > 1;
            let text = record.pieces.iter().filter(|piece| !special(piece));
            let text: String = text.map(String::as_str).collect();
            assert_eq!(text, record.completion);
            let last = record.pieces.last().unwrap();
            assert!(!record.finished || special(&last), "{record:?}");
        }
    }
    assert!(rollouts > 0);
}

/// The tokens that a step processed.
fn tokens_by_step(steps: &[StepRecord]) -> Vec<u64> {
    let totals: Vec<u64> = steps.iter().map(|record| record.num_tokens).collect();
    let before = std::iter::once(&0).chain(&totals);
    totals
        .iter()
        .zip(before)
        .map(|(now, before)| now - before)
        .collect()
}

fn evaluations(events: &[Event]) -> Vec<EvaluationRecord> {
    let record = |event: &Event| match event {
        Event::Evaluated(record) => Some((**record).clone()),
        _ => None,
    };
    events.iter().filter_map(record).collect()
}

#[test]
fn exams_and_tests_are_charged_to_no_method() {
    // The curriculum is open from the start, so that exams steer nothing.
    for method in ["sasr", "grpo", "static"] {
        let method = format!("balance.method=\"{method}\"");
        let with = ["curriculum.start=2", &method];
        let events = finish(&mut session(&with));
        let without = [&with[..], &["exam.every=0", "evaluation.problems=0"]].concat();
        let bare = records(&finish(&mut session(&without)));
        let steps = records(&events);
        assert_eq!(tokens_by_step(&steps), tokens_by_step(&bare), "{method}");
        let asked = evaluations(&events);
        assert!(asked.len() >= 8 && asked.iter().all(|record| record.num_tokens > 0));
        // A prompt counts with each of its completions: once greedily, twice sampled.
        let per_problem = |record: &EvaluationRecord| record.num_tokens / record.problems as u64;
        let [exam, last] = ["exam", "final"].map(|kind| {
            let mut of_kind = asked.iter().filter(|record| record.kind == kind);
            of_kind
                .find(|record| record.perturbation.is_none())
                .unwrap()
        });
        assert!(per_problem(last) >= 2 * per_problem(exam), "{method}");
    }
}

#[test]
fn d_is_measured_where_somebody_needs_it_and_charged_to_who_does() {
    let measured = |record: &StepRecord| {
        let is_d =
            |observation: &Observation| matches!(observation, Observation::Divergence { .. });
        record.measured.iter().any(is_d)
    };
    let of = |set: &[&str]| {
        let all = [
            &[
                "balance.method=\"grpo\"",
                "exam.every=0",
                "curriculum.start=2",
            ],
            set,
        ]
        .concat();
        records(&finish(&mut session(&all)))
    };
    let counts = |steps: &[StepRecord]| {
        let timed = |name: &str| steps.iter().filter(|s| s.timing.contains_key(name)).count();
        let measured = steps.iter().filter(|step| measured(step)).count();
        [measured, timed("logps"), timed("display")]
    };
    // For display alone: now and then, and apart from the step's own time.
    let shown = of(&[]);
    assert_eq!(counts(&shown), [3, 0, 3]);
    for step in shown
        .iter()
        .filter(|step| step.timing.contains_key("display"))
    {
        let own: f64 = step.timing["rollout"] + step.timing["update"];
        assert!(step.step_time < own + step.timing["display"]);
    }
    assert_eq!(counts(&of(&["logging.divergence_every=0"])), [0, 0, 0]);
    // The KL is measured from the same origin: what it needs gives D as well.
    assert_eq!(counts(&of(&["grpo.beta=0.1"])), [30, 30, 0]);
    let sasr = |lambda: &str| {
        let set = ["balance.method=\"sasr\"", lambda, "balance.probe_every=0"];
        let steps = of(&set);
        let grpo = steps
            .iter()
            .filter(|step| step.branch == Branch::Grpo)
            .count();
        (counts(&steps), grpo)
    };
    let (counted, grpo) = sasr("balance.lambda=1");
    assert_eq!(counted, [grpo, grpo, 0]);
    let (counted, _) = sasr("balance.lambda=0");
    assert_eq!(counted[1], 0);
    assert!(counted[0] <= 2 && counted[0] == counted[2]);
}

/// The learning rates and branches of a run of 20 steps that is extended by 10.
fn extended(set: &[&str]) -> Vec<(Branch, f64)> {
    let all = [
        &["max_steps=20", "evaluation.problems=0"],
        &["exam.every=0", "curriculum.start=2"],
        set,
    ]
    .concat();
    let mut session = session(&all);
    let mut events = finish(&mut session);
    session.handle(Command::Extend { max_steps: 30 }).unwrap();
    events.extend(finish(&mut session));
    let seen = |record: &StepRecord| (record.branch, record.learning_rate);
    records(&events).iter().map(seen).collect()
}

#[test]
fn extending_holds_the_last_rate_and_goes_back_to_no_phase() {
    let method = [
        "balance.method=\"static\"",
        "optimizer.lr_scheduler_type=\"linear\"",
    ];
    // Every step updates, so that every step has a rate.
    let keep = [
        "grpo.zero_variance=\"keep\"",
        "grpo.learning_rate=1e-3",
        "sft.learning_rate=1e-3",
    ];
    let steps = extended(&[&method[..], &keep].concat());
    let rate = |step: u64| 1e-3 * (1.0 - (step - 1) as f64 / 20.0);
    for (step, (branch, found)) in (1..).zip(&steps) {
        let wanted = if step <= 10 {
            Branch::Sft
        } else {
            Branch::Grpo
        };
        assert_eq!(*branch, wanted, "step {step}");
        assert!(
            (found - rate(step.min(20))).abs() < 1e-12,
            "step {step}: {found}"
        );
        assert!(*found > 0.0);
    }
    assert_eq!(steps.len(), 30);
}

#[test]
fn a_new_horizon_spreads_the_schedule_anew() {
    let set = [
        "balance.method=\"sft\"",
        "optimizer.lr_scheduler_type=\"linear\"",
        "sft.learning_rate=1e-3",
    ];
    let mut session = session(&[&["max_steps=20", "evaluation.problems=0"], &set[..]].concat());
    assert_eq!(session.config().optimizer.horizon, 20);
    while session.steps_done() < 10 {
        step(&mut session);
    }
    let command = Command::Set {
        path: "optimizer.horizon".into(),
        value: "40".into(),
    };
    let told = session.handle(command).unwrap();
    assert!(matches!(&told[..], [Event::Changed { step: 10, before, .. }] if before == "20"));
    let rest = records(&finish(&mut session));
    assert!((rest[0].learning_rate - 1e-3 * 0.75).abs() < 1e-12);
}

#[test]
fn a_level_without_exam_problems_is_told_and_passed() {
    // Level 1 has a single problem, which goes to the training set.
    let mut rows = String::from(r#"{"prompt": "0+0=", "completion": "0", "level": 1}"#);
    for number in 1..80 {
        let row = format!(
            "\n{{\"prompt\": \"{number}+1=\", \"completion\": \"{}\", \"level\": 2}}",
            number + 1
        );
        rows.push_str(&row);
    }
    let set = [
        "task.kind=\"jsonl\"",
        "task.files.train=[\"sums.jsonl\"]",
        "task.files.answer_key=\"completion\"",
        "task.files.level_key=\"level\"",
        "task.demonstrations=0",
        "evaluation.problems=0",
    ]
    .map(str::to_owned);
    let config = RunConfig::from_toml(TINY, "tiny", &set).unwrap();
    let device = pollster::block_on(sasr::devices::open_for(&config)).unwrap();
    let setup = Setup::new(config, device, &|_| Ok(rows.clone().into_bytes())).unwrap();
    let mut session = Session::new(setup, Start::Fresh).unwrap();
    let told =
        "level 1 has no exam problems: it cannot be examined, so the next level opens at the first";
    assert!(
        session
            .notices()
            .iter()
            .any(|notice| notice.starts_with(told)),
        "{:?}",
        session.notices()
    );
    let events = finish(&mut session);
    let opens = |event: &Event| matches!(event, Event::LevelOpened { level: 2, .. });
    assert!(events.iter().any(opens), "level 2 never opens");
}

#[test]
fn truncated_sampling_beside_a_d_that_decides_is_warned_of() {
    let told = |set: &[&str]| {
        let session = session(set);
        let mut notices = session.notices().iter();
        notices
            .find(|notice| notice.contains("sampling leaves tokens out"))
            .cloned()
    };
    let found = told(&["grpo.top_k=5", "grpo.top_p=0.9"]).unwrap();
    for part in ["grpo.top_k = 5", "grpo.top_p = 0.9", "balance.lambda"] {
        assert!(found.contains(part), "{found}");
    }
    assert!(told(&["grpo.min_p=0.1", "balance.lambda=0", "grpo.beta=0.1"]).is_some());
    assert_eq!(told(&["grpo.top_k=5", "balance.lambda=0"]), None);
    assert_eq!(told(&["grpo.top_k=5", "balance.method=\"grpo\""]), None);
    assert_eq!(told(&[]), None);
}
