//! Every method's schedule, blends, and the stream of α.

use super::*;

/// The steps' branches as a string, for a run whose norms are `1 / step`.
fn schedule(config: &BalanceConfig, seed: u64, max_steps: u64, steps: u64) -> String {
    let mut controller = build(config, seed, max_steps);
    let mut letters = String::new();
    for step in 1..=steps {
        let plan = controller.plan(step);
        letters.push(match plan.explanation.branch {
            Branch::Sft => 'S',
            Branch::Grpo => 'G',
            Branch::Blend => 'B',
        });
        if plan.sft_share() > 0.0 {
            observe(controller.as_mut(), &[norm(step, 1.0 / step as f64)]);
        }
        observe(controller.as_mut(), &[plan.taken(true)]);
    }
    letters
}

#[test]
fn every_method_keeps_its_schedule() {
    let of = |method| schedule(&with_method(method), 3, 40, 40);
    assert_eq!(of(Method::Sft), "S".repeat(40));
    assert_eq!(of(Method::Grpo), "G".repeat(40));
    assert_eq!(of(Method::Static), "S".repeat(20) + &"G".repeat(20));
    assert_eq!(of(Method::Periodic), "S".repeat(10) + &"GS".repeat(15));
    let mut every_third = with_method(Method::Periodic);
    every_third.period = 3;
    assert_eq!(
        schedule(&every_third, 3, 40, 40),
        "S".repeat(10) + &"GGS".repeat(10)
    );
    assert!(of(Method::Cosine).starts_with(&"S".repeat(10)));
    assert!(of(Method::Sasr).starts_with(&"S".repeat(10)));
    assert!(schedule(&with_method(Method::Constant), 3, 40, 10).contains('G'));

    let share = |config: &BalanceConfig, steps: u64| {
        let letters = schedule(config, 3, steps, steps);
        letters.matches('S').count() as f64 / steps as f64
    };
    let mut constant = with_method(Method::Constant);
    constant.constant_p = 0.3;
    assert!((share(&constant, 4000) - 0.3).abs() < 0.03);
    // The mean of half a cosine from 0.95 to 0.05.
    assert!((share(&with_method(Method::Cosine), 4000) - 0.5).abs() < 0.03);
}

#[test]
fn cosine_falls_from_p_max_to_p_min() {
    let controller = build(&with_method(Method::Cosine), 0, 111);
    let p: Vec<f64> = (11..=111)
        .map(|step| controller.plan(step).explanation.p)
        .collect();
    assert!((p[0] - 0.95).abs() < 1e-12);
    assert!((p[50] - 0.5).abs() < 1e-12);
    assert!((p[100] - 0.05).abs() < 1e-12);
    assert!(p.windows(2).all(|pair| pair[1] < pair[0]));
    assert!((controller.plan(500).explanation.p - 0.05).abs() < 1e-12);
}

#[test]
fn phases_and_p_stay_where_they_are_when_the_budget_grows() {
    let branches = |config: &BalanceConfig, max_steps: u64| -> Vec<(Branch, f64)> {
        let mut controller = build(config, 0, max_steps);
        let plan = |step| {
            let plan = controller.plan(step);
            observe(controller.as_mut(), &[plan.taken(true)]);
            (plan.explanation.branch, plan.explanation.p)
        };
        (1..=60).map(plan).collect()
    };
    for method in [
        Method::Static,
        Method::Cosine,
        Method::Periodic,
        Method::Sasr,
    ] {
        // What a run does at its start: the horizon is fixed.
        let run = |max_steps| crate::config::RunConfig {
            max_steps,
            balance: with_method(method),
            ..Default::default()
        };
        let mut settled = run(40).settled();
        let before = branches(&settled.balance, settled.max_steps);
        settled.max_steps = 400;
        assert_eq!(branches(&settled.balance, settled.max_steps), before);
        assert_eq!(
            warmup_steps(&settled.balance, 400),
            warmup_steps(&settled.balance, 40)
        );
        let longer = run(400).settled();
        let differs = branches(&longer.balance, 400) != before;
        let spreads = matches!(method, Method::Static | Method::Cosine);
        assert_eq!(differs, spreads, "{method:?}");
    }
}

#[test]
fn a_blend_weighs_both_losses_and_draws_nothing() {
    let config = BalanceConfig {
        mode: Mode::Blend,
        ..published(1.0)
    };
    let mut controller = warmed_up(&config, 0);
    observe(controller.as_mut(), &[norm(101, 0.5)]);
    let plan = controller.plan(102);
    let p = 0.5 / 2.5;
    let weights: Vec<(LossTerm, f64)> = plan.terms.iter().map(|t| (t.loss, t.weight)).collect();
    assert_eq!(weights[0].0, LossTerm::Sft);
    assert_eq!(weights[1].0, LossTerm::Grpo);
    assert!((weights[0].1 - p).abs() < 1e-15 && (weights[1].1 - (1.0 - p)).abs() < 1e-15);
    assert!((plan.sft_share() - p).abs() < 1e-15);
    assert_eq!(plan.explanation.branch, Branch::Blend);
    assert!(plan.explanation.alpha.is_none() && plan.explanation.tips.is_empty());
    assert!(plan.explanation.sentence().contains("20 % SFT"));
}

#[test]
fn alpha_depends_on_seed_and_step_alone() {
    let sasr =
        |seed, max_steps, steps| schedule(&with_method(Method::Sasr), seed, max_steps, steps);
    assert_eq!(sasr(7, 400, 400), sasr(7, 400, 400));
    assert_ne!(sasr(7, 400, 400), sasr(8, 400, 400));
    assert_eq!(sasr(7, 400, 400), sasr(7, 900, 900)[..400]);

    // The key is part of the log's meaning: a replay draws α again.
    let keyed: f64 = rng::stream(7, rng::Purpose::Alpha, 5, 0).random();
    assert_eq!(alpha(7, 5), keyed);
    let draws: Vec<f64> = (0..10_000).map(|step| alpha(1, step)).collect();
    assert!(draws.iter().all(|alpha| (0.0..1.0).contains(alpha)));
    let mean = draws.iter().sum::<f64>() / 1e4;
    assert!((mean - 0.5).abs() < 0.01, "{mean}");

    let (a, b) = (
        warmed_up(&with_method(Method::Sasr), 4),
        build(&with_method(Method::Constant), 4, 50),
    );
    for step in 11..50 {
        assert_eq!(a.plan(step).explanation.alpha, Some(alpha(4, step)));
        assert_eq!(b.plan(step).explanation.alpha, Some(alpha(4, step)));
    }
}
