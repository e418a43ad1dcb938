use super::*;
use crate::app::record::{Motion, names};
use crate::balance::{Explanation, Observation};
use crate::config::RunConfig;
use crate::training::{Event, Phase, StepRecord};

/// A run of `steps` steps with norms and divergences made up by formula, decided by the real
/// controller, probes included.
fn run(steps: u64) -> (Record, Vec<Explanation>) {
    made_up(steps, steps, &[])
}

/// The first `until` steps of such a run.
fn run_until(steps: u64, until: u64) -> (Record, Vec<Explanation>) {
    made_up(steps, until, &[])
}

/// Such a run in which γ was doubled after step 300, and the cap on D changed at step 350.
fn changed_run(steps: u64) -> (Record, Vec<Explanation>) {
    let changes = [
        changed(300, "balance.gamma", "1.0", "2"),
        changed(350, "balance.d_cap", "1.0", "0.3"),
    ];
    made_up(steps, steps, &changes)
}

fn changed(step: u64, path: &str, before: &str, value: &str) -> Event {
    Event::Changed {
        step,
        path: path.into(),
        before: before.into(),
        value: value.into(),
    }
}

fn made_up(steps: u64, until: u64, changes: &[Event]) -> (Record, Vec<Explanation>) {
    let mut config = RunConfig {
        seed: 7,
        max_steps: steps,
        ..RunConfig::default()
    };
    config.balance.warmup_steps = 20;
    config.balance.probe_every = 3;
    let mut record = Record::new("made up".into(), config.clone(), Motion::Still);
    let mut controller = build(&config.balance, config.seed, steps);
    let mut explanations = Vec::new();
    for step in 1..=until {
        let decay = 3.0 / (1.0 + step as f64 / 40.0) + 0.3 * (step as f64 * 0.7).sin();
        let drift = 0.4 + 0.4 * (step as f64 / 60.0).sin();
        let due = controller.probes_due(step);
        let mut measured = Vec::new();
        let norm = |probe| Observation::SftGradNorm {
            step,
            norm: decay,
            probe,
        };
        let divergence = |probe| Observation::Divergence {
            step,
            nats: drift,
            probe,
            tokens: 0,
            capped: 0,
        };
        measured.extend(due.sft_grad_norm.then(|| norm(true)));
        measured.extend(due.divergence.then(|| divergence(true)));
        for observation in &measured {
            controller.observe(observation).unwrap();
        }
        let plan = controller.plan(step);
        let mut after = vec![if plan.explanation.branch == Branch::Sft {
            norm(false)
        } else {
            divergence(false)
        }];
        after.push(plan.taken(true));
        for observation in &after {
            controller.observe(observation).unwrap();
        }
        measured.extend(after);
        explanations.push(plan.explanation.clone());
        record.hear(Event::Step(Box::new(step_record(
            plan.explanation,
            measured,
        ))));
        for change in changes {
            if matches!(change, Event::Changed { step: at, .. } if *at == step) {
                record.hear(change.clone());
                let state = controller.state();
                controller = build(&record.config.balance, config.seed, steps);
                controller.restore(state);
            }
        }
    }
    (record, explanations)
}

fn step_record(decision: Explanation, measured: Vec<Observation>) -> StepRecord {
    StepRecord {
        step: decision.step,
        phase: Phase::Adaptive,
        branch: decision.branch,
        updated: true,
        loss: 1.0,
        grad_norm: 1.0,
        learning_rate: 0.001,
        num_tokens: decision.step * 100,
        step_time: 0.1,
        timing: Default::default(),
        metrics: Default::default(),
        decision: Some(decision),
        measured,
        batch: Vec::new(),
    }
}

/// Frames until the answer is complete, each of `strides` strides.
fn answer(what_if: &mut WhatIf, record: &Record, strides: usize) -> usize {
    for frame in 1..10_000 {
        let mut left = strides;
        what_if.advance_while(record, || {
            left = left.saturating_sub(1);
            left > 0
        });
        if what_if.progress(record).is_none() {
            return frame;
        }
    }
    panic!("the replay does not end");
}

#[test]
fn under_its_own_settings_a_run_is_repeated_exactly() {
    let (record, explanations) = run(600);
    let probes = |step: &LoggedStep| step.measured.iter().any(Observation::precedes_plan);
    assert!(record.measured.iter().any(probes), "a log with probes");
    let mut what_if = WhatIf::default();
    assert!(answer(&mut what_if, &record, 4) > 3, "spread over frames");
    let replay = what_if.answer().unwrap();
    assert_eq!(replay.branches, record.columns.branch);
    let p: Vec<u32> = replay.p.iter().map(|p| p.to_bits()).collect();
    let logged: Vec<u32> = explanations
        .iter()
        .map(|explanation| (explanation.p as f32).to_bits())
        .collect();
    assert_eq!(p, logged);
    assert_eq!(record.columns.get(names::P).unwrap(), replay.p);
    assert_eq!((replay.decisions, replay.differing.len()), (580, 0));
    assert_eq!(replay.mean_shift(), 0.0);
    assert!(sentence(replay).ends_with("all 580 decisions would have been the same"));
}

#[test]
fn settings_that_were_changed_on_the_way_are_changed_at_their_steps() {
    let (record, explanations) = changed_run(600);
    let gammas: Vec<f64> = record
        .in_force()
        .iter()
        .map(|settings| settings.balance.gamma)
        .collect();
    assert_eq!(gammas, [1.0, 2.0, 2.0]);
    let mut what_if = WhatIf::default();
    answer(&mut what_if, &record, 4);
    let replay = what_if.answer().unwrap();
    assert_eq!(record.columns.get(names::P).unwrap(), replay.p);
    assert_eq!((replay.decisions, replay.differing.len()), (580, 0));
    let text = sentence(replay);
    assert!(
        text.starts_with("With γ as it was changed on the way"),
        "{text}"
    );
    assert!(text.ends_with("all 580 decisions would have been the same"));

    // The run's own newest values, tried throughout, answer otherwise.
    what_if.tried.gamma = Some(2.0);
    answer(&mut what_if, &record, 4);
    let replay = what_if.answer().unwrap();
    assert!(replay.differing.iter().all(|&row| row < 300));
    assert!(replay.to_grpo > 5 && replay.to_grpo == replay.differing.len());
    assert_eq!(explanations.len(), 600);
}

#[test]
fn a_change_while_the_answer_grows_is_taken_in() {
    let (whole, _) = changed_run(400);
    let (mut record, _) = run_until(400, 300);
    let mut what_if = WhatIf::default();
    answer(&mut what_if, &record, 4);
    for change in &whole.changes {
        record.hear(changed(
            change.step,
            &change.path,
            &change.before,
            &change.value,
        ));
    }
    for step in 301..=400 {
        let more = whole.step_record(step).unwrap();
        record.hear(Event::Step(Box::new(more)));
    }
    answer(&mut what_if, &record, 4);
    let replay = what_if.answer().unwrap();
    assert_eq!((replay.p.len(), replay.differing.len()), (400, 0));
}

#[test]
fn other_settings_answer_as_the_replay_at_once_does() {
    let (record, explanations) = run(600);
    let mut what_if = WhatIf::default();
    what_if.tried.gamma = Some(4.0);
    what_if.tried.lambda = Some(0.0);
    answer(&mut what_if, &record, 3);
    let config = what_if.tried.over(&record.config.balance);
    let wanted = crate::balance::replay(&config, 7, 600, &record.measured).unwrap();
    let replay = what_if.answer().unwrap();
    let branches: Vec<Branch> = wanted
        .iter()
        .map(|explanation| explanation.branch)
        .collect();
    assert_eq!(replay.branches, branches);
    let differs = |row: &usize| wanted[*row].branch != explanations[*row].branch;
    let differing: Vec<usize> = (0..600).filter(differs).collect();
    assert!(differing.len() > 20, "{}", differing.len());
    assert_eq!(replay.differing, differing);
    // More γ, less SFT.
    assert!(replay.to_grpo == differing.len() && replay.mean_shift() < 0.0);
}

#[test]
fn new_steps_go_on_and_new_settings_replace_a_complete_answer_at_once() {
    let (whole, _) = run(400);
    let (mut record, _) = run(200);
    let mut what_if = WhatIf::default();
    answer(&mut what_if, &record, 4);
    let early = what_if.answer().unwrap().p.clone();
    record.config.max_steps = 400;
    for step in 201..=400 {
        let more = whole.step_record(step).unwrap();
        record.hear(Event::Step(Box::new(more)));
    }
    answer(&mut what_if, &record, 4);
    assert_eq!(what_if.answer().unwrap().p[..200], early);
    assert_eq!(what_if.answer().unwrap().differing.len(), 0);

    what_if.tried.gamma = Some(0.2);
    what_if.advance_while(&record, || false);
    assert_eq!(what_if.progress(&record), Some((STRIDE, 400)));
    assert_eq!(
        what_if.answer().unwrap().config.gamma,
        1.0,
        "the complete one stays"
    );
    answer(&mut what_if, &record, 4);
    assert_eq!(what_if.answer().unwrap().config.gamma, 0.2);
}

#[test]
fn a_log_written_anew_begins_anew_and_one_with_gaps_says_so() {
    let (mut record, _) = run(300);
    let mut what_if = WhatIf::default();
    answer(&mut what_if, &record, 4);
    let (other, _) = run(280);
    record.measured = other.measured.clone();
    record.columns = other.columns.clone();
    answer(&mut what_if, &record, 4);
    assert_eq!(what_if.answer().unwrap().branches.len(), 280);

    record.measured.remove(100);
    record.key = "gap".into();
    answer(&mut what_if, &record, 4);
    let why = what_if.answer().unwrap().error.clone().unwrap();
    assert!(
        why.contains("step 102 where step 101 was expected"),
        "{why}"
    );
}

#[test]
fn only_the_adaptive_method_is_asked() {
    let mut config = BalanceConfig::default();
    assert_eq!(not_applicable(&config), None);
    config.method = Method::Grpo;
    assert!(not_applicable(&config).is_some());
}
