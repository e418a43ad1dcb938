//! State and logs through JSON, and replays.

use super::simulation::{Policy, run};
use super::*;

/// A run of 400 steps with all signals, as a log of JSON lines and the decisions made.
fn logged(config: &BalanceConfig, seed: u64) -> (Vec<LoggedStep>, Vec<Explanation>) {
    let mut controller = build(config, seed, 400);
    let (log, explanations) = run(controller.as_mut(), Policy::drifting(), 400);
    let lines = log
        .iter()
        .map(|step| serde_json::to_string(step).expect("serialises"));
    let read = lines.map(|line| serde_json::from_str(&line).expect("reads back"));
    (read.collect(), explanations)
}

fn config(mode: Mode) -> BalanceConfig {
    BalanceConfig {
        mode,
        warmup_steps: 30,
        lambda: 3.0,
        probe_every: 2,
        ..BalanceConfig::default()
    }
}

#[test]
fn a_replay_under_the_same_configuration_repeats_every_decision() {
    for mode in [Mode::Switch, Mode::Blend] {
        let (log, decided) = logged(&config(mode), 11);
        assert!(decided.iter().any(|explanation| explanation.d_pull > 0.01));
        let mut measured = log.iter().flat_map(|step| &step.measured);
        let probed = measured.any(Observation::precedes_plan);
        assert_eq!(
            probed,
            mode == Mode::Switch,
            "a blend measures in every step"
        );
        let replayed = replay(&config(mode), 11, 400, &log).expect("complete");
        assert_eq!(replayed, decided);
    }
}

#[test]
fn a_replay_with_other_weights_holds_the_signals_fixed() {
    let (log, decided) = logged(&config(Mode::Switch), 11);
    let mut less_sft = config(Mode::Switch);
    less_sft.gamma = 3.0;
    let mut no_pull = config(Mode::Switch);
    no_pull.lambda = 0.0;
    for other in [less_sft, no_pull] {
        let replayed = replay(&other, 11, 400, &log).expect("complete");
        let mut turned = 0;
        for (there, here) in replayed.iter().zip(&decided) {
            assert_eq!((there.g, there.d_pull), (here.g, here.d_pull));
            assert_eq!(there.alpha, here.alpha);
            if let (Some(there), Some(here)) = (there.log_odds, here.log_odds) {
                assert!(there <= here);
            }
            turned += usize::from(there.branch != here.branch);
        }
        assert!(turned > 0);
    }
}

#[test]
fn an_incomplete_log_is_refused() {
    let (mut log, _) = logged(&config(Mode::Switch), 11);
    log.remove(6);
    let error = replay(&config(Mode::Switch), 11, 400, &log).expect_err("step 7 is missing");
    assert_eq!(
        error,
        ReplayError::NotConsecutive {
            expected: 7,
            found: 8
        }
    );
}

#[test]
fn a_line_of_metrics_reads_as_a_logged_step() {
    let line = r#"{"step":3,"branch":"sft","loss":0.5,"sasr/measured":
        [{"signal":"sft_grad_norm","step":3,"norm":0.1},
         {"signal":"rollouts","step":3,"reward":0.5,"reward_std":0.5,"frac_reward_zero_std":0.25}]}"#;
    let step: LoggedStep = serde_json::from_str(line).expect("reads");
    assert_eq!(step.step, 3);
    assert_eq!(step.measured[0], norm(3, 0.1));
    assert!(!step.measured[0].precedes_plan());
    let bare: LoggedStep = serde_json::from_str(r#"{"step":4}"#).expect("reads");
    assert!(bare.measured.is_empty());
}

#[test]
fn a_resumed_controller_decides_as_the_uninterrupted_one() {
    for mode in [Mode::Switch, Mode::Blend] {
        let (log, decided) = logged(&config(mode), 11);
        for stop in [10, 30, 31, 200] {
            let mut first = build(&config(mode), 11, 400);
            let (before, after) = log.split_at(stop);
            for step in before {
                observe(first.as_mut(), &step.measured);
            }
            let text = serde_json::to_string(&first.state()).expect("serialises");
            let state: ControllerState = serde_json::from_str(&text).expect("reads back");
            assert_eq!(state, first.state(), "bit for bit");

            let mut second = build(&config(mode), 11, 400);
            second.restore(state);
            for (step, expected) in after.iter().zip(&decided[stop..]) {
                let (probes, rest): (Vec<_>, Vec<_>) = step
                    .measured
                    .iter()
                    .cloned()
                    .partition(Observation::precedes_plan);
                observe(second.as_mut(), &probes);
                assert_eq!(&second.plan(step.step).explanation, expected);
                observe(second.as_mut(), &rest);
            }
        }
    }
}

#[test]
fn any_finite_number_survives_json() {
    for x in numbers(6, 2000) {
        let observation = divergence(1, x);
        let text = serde_json::to_string(&observation).expect("serialises");
        let read: Observation = serde_json::from_str(&text).expect("reads back");
        assert_eq!(
            read, observation,
            "serde_json needs its float_roundtrip feature"
        );
    }
}

#[test]
fn explanations_and_plans_survive_json() {
    let (_, decided) = logged(&config(Mode::Switch), 11);
    for explanation in decided {
        let plan = Plan::new(explanation);
        let text = serde_json::to_string(&plan).expect("serialises");
        assert_eq!(
            serde_json::from_str::<Plan>(&text).expect("reads back"),
            plan
        );
    }
}
