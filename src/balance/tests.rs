//! The rule itself: its table, its properties, its signals, its tips.

mod methods;
mod noise;
mod replaying;
mod simulation;

use rand::RngExt as _;

use super::*;
use crate::config::WarmStatistic;

/// The published rule: no divergence, no smoothing, no bounds.
fn published(gamma: f64) -> BalanceConfig {
    BalanceConfig {
        gamma,
        lambda: 0.0,
        ema: 1.0,
        p_min: 0.0,
        p_max: 1.0,
        ..BalanceConfig::default()
    }
}

fn with_method(method: Method) -> BalanceConfig {
    BalanceConfig {
        method,
        warmup_steps: 10,
        ..BalanceConfig::default()
    }
}

fn norm(step: u64, norm: f64) -> Observation {
    let probe = false;
    Observation::SftGradNorm { step, norm, probe }
}

fn probed_norm(step: u64, norm: f64) -> Observation {
    let probe = true;
    Observation::SftGradNorm { step, norm, probe }
}

fn divergence(step: u64, nats: f64) -> Observation {
    let probe = false;
    Observation::Divergence {
        step,
        nats,
        probe,
        tokens: 0,
        capped: 0,
    }
}

fn taken(step: u64, sft_share: f64) -> Observation {
    Observation::Step {
        step,
        sft_share,
        updated: true,
        updates: 1,
        asked: sft_share < 1.0,
    }
}

fn observe(controller: &mut dyn Controller, observations: &[Observation]) {
    for observation in observations {
        controller.observe(observation).expect("finite");
    }
}

/// A controller after its warm-up with the norm 2 throughout.
fn warmed_up(config: &BalanceConfig, seed: u64) -> Box<dyn Controller> {
    let mut controller = build(config, seed, 10_000);
    for step in 1..=config.warmup_steps {
        observe(controller.as_mut(), &[norm(step, 2.0), taken(step, 1.0)]);
    }
    controller
}

/// `n` made-up numbers, log-uniform over [1e-3, 1e3].
fn numbers(purpose: u64, n: usize) -> Vec<f64> {
    let mut stream = rng::stream(purpose, rng::Purpose::Bootstrap, 0, 0);
    (0..n)
        .map(|_| 10f64.powf(stream.random_range(-3.0..3.0)))
        .collect()
}

#[test]
fn the_p_table() {
    // G / G_warm, then p for γ = 0.5, 1, 2, 4 (reference/algorithms.md, 1.5).
    let table = [
        (2.0, [0.80, 0.67, 0.50, 0.33]),
        (1.0, [0.67, 0.50, 0.33, 0.20]),
        (0.5, [0.50, 0.33, 0.20, 0.11]),
        (0.25, [0.33, 0.20, 0.11, 0.06]),
        (0.1, [0.17, 0.09, 0.05, 0.02]),
    ];
    for (ratio, row) in table {
        for (gamma, expected) in [0.5, 1.0, 2.0, 4.0].into_iter().zip(row) {
            let config = published(gamma);
            let g_warm = 3.7;
            let p = Probability::of(ratio * g_warm, g_warm, 0.0, &config).p;
            assert!((p - expected).abs() <= 0.0051, "{ratio} {gamma}: {p}");
            let formula = ratio / (ratio + gamma);
            assert!((p - formula).abs() < 1e-14, "{ratio} {gamma}: {p}");

            // The same through a controller that measured these norms.
            let config = BalanceConfig {
                warmup_steps: 30,
                ..config
            };
            let mut controller = warmed_up(&config, 0);
            observe(controller.as_mut(), &[norm(31, 2.0 * ratio)]);
            let decided = controller.plan(32).explanation.p;
            assert!((decided - formula).abs() < 1e-14);
        }
    }
}

#[test]
fn p_is_inside_rises_with_g_and_d_falls_with_gamma_and_knows_no_scale() {
    let (g, g_warm, gamma) = (numbers(1, 300), numbers(2, 300), numbers(3, 300));
    for ((&g, &g_warm), &gamma) in g.iter().zip(&g_warm).zip(&gamma) {
        let mut config = published(gamma);
        config.lambda = 0.5;
        let p = |g, g_warm, d, config: &BalanceConfig| Probability::of(g, g_warm, d, config).p;
        let here = p(g, g_warm, 0.3, &config);
        assert!(0.0 < here && here < 1.0);
        assert!(p(1.01 * g, g_warm, 0.3, &config) > here);
        assert!(p(g, 1.01 * g_warm, 0.3, &config) < here);
        assert!(p(g, g_warm, 0.31, &config) > here);
        assert!((p(64.0 * g, 64.0 * g_warm, 0.3, &config) - here).abs() < 1e-15);
        assert!((p(0.3 * g, 0.3 * g_warm, 0.3, &config) - here).abs() < 1e-12);
        let neutral = p(g, g, 0.0, &config);
        assert!((neutral - 1.0 / (1.0 + gamma)).abs() < 1e-14);
        config.gamma *= 1.01;
        assert!(p(g, g_warm, 0.3, &config) < here);
    }
    // Inside even where rounding would end on 0 or 1.
    for ratio in [1e-300, 1e300] {
        let p = Probability::of(ratio, 1.0, 0.0, &published(1e-200)).p;
        assert!(0.0 < p && p < 1.0, "{p}");
    }
}

#[test]
fn extreme_gamma_leaves_one_branch() {
    for (gamma, only) in [(1e-12, Branch::Sft), (1e12, Branch::Grpo)] {
        let config = published(gamma);
        let controller = warmed_up(&config, 5);
        for step in 101..1101 {
            assert_eq!(controller.plan(step).explanation.branch, only);
        }
    }
}

#[test]
fn p_is_clamped_and_says_so() {
    let config = BalanceConfig::default();
    let low = Probability::of(1e-3, 1.0, 0.0, &config);
    assert_eq!((low.p, low.clamped), (0.05, Some(Bound::Min)));
    let high = Probability::of(1e3, 1.0, 0.0, &config);
    assert_eq!((high.p, high.clamped), (0.95, Some(Bound::Max)));
    let inside = Probability::of(1.0, 1.0, 0.0, &config);
    assert_eq!((inside.p, inside.clamped), (0.5, None));
    assert!(low.unclamped < 0.01 && high.unclamped > 0.99);
}

#[test]
fn warm_up_is_sft_and_fixes_g_warm() {
    for (statistic, expected) in [
        (WarmStatistic::Mean, (8.0 + 16.0 + 32.0) / 3.0),
        (WarmStatistic::Last, 32.0),
        // 1, then half of the old and half of the new each time.
        (
            WarmStatistic::Ema,
            0.5 * 32.0 + 0.25 * 16.0 + 0.125 * 8.0 + 0.0625 * 4.0 + 0.03125 * 2.0 + 0.03125 * 1.0,
        ),
    ] {
        let config = BalanceConfig {
            g_warm: statistic,
            g_warm_window: 3,
            ema: 0.5,
            warmup_steps: 6,
            lambda: 0.0,
            ..BalanceConfig::default()
        };
        let mut controller = build(&config, 0, 100);
        for step in 1..=6 {
            let plan = controller.plan(step);
            assert_eq!(plan.explanation.phase, Phase::Warmup);
            assert_eq!(plan.explanation.branch, Branch::Sft);
            assert!(plan.explanation.sentence().contains("warm-up"));
            assert_eq!(controller.probes_due(step), Probes::default());
            let norm = norm(step, 2f64.powi(step as i32 - 1));
            observe(controller.as_mut(), &[norm, taken(step, 1.0)]);
        }
        let first = controller.plan(7).explanation;
        assert_eq!(first.phase, Phase::Adaptive);
        assert_eq!((first.g_warm, first.g), (Some(expected), Some(expected)));
        assert!((first.p - 0.5).abs() < 1e-15);

        observe(controller.as_mut(), &[norm(7, 1.0)]);
        let second = controller.plan(8).explanation;
        assert_eq!(second.g_warm, Some(expected));
        assert_eq!(second.g, Some(0.5 * expected + 0.5));
    }
}

#[test]
fn g_rests_between_sft_steps_and_a_probe_replaces_it() {
    let config = BalanceConfig::default();
    let mut controller = warmed_up(&config, 0);
    observe(controller.as_mut(), &[norm(101, 1.0), taken(101, 1.0)]);
    let averaged = controller.plan(102).explanation.g;
    assert_eq!(averaged, Some(0.9 * 2.0 + 0.1 * 1.0));
    for step in 102..121 {
        assert!(!controller.probes_due(step).sft_grad_norm, "{step}");
        observe(
            controller.as_mut(),
            &[divergence(step, 0.2), taken(step, 0.0)],
        );
        assert_eq!(controller.plan(step + 1).explanation.g, averaged);
    }
    // Steps 102 to 121 make twenty GRPO steps.
    observe(
        controller.as_mut(),
        &[divergence(121, 0.2), taken(121, 0.0)],
    );
    let due = controller.probes_due(122);
    assert!(due.sft_grad_norm && !due.divergence);
    observe(controller.as_mut(), &[probed_norm(122, 0.25)]);
    let explanation = controller.plan(122).explanation;
    assert_eq!(explanation.g, Some(0.25));
    let source = explanation.g_source.expect("measured");
    assert_eq!((source.step, source.probe), (122, true));
    for step in 122..142 {
        assert!(!controller.probes_due(step).sft_grad_norm, "{step}");
        observe(
            controller.as_mut(),
            &[divergence(step, 0.2), taken(step, 0.0)],
        );
    }
    assert!(controller.probes_due(142).sft_grad_norm);
}

#[test]
fn only_signals_that_are_used_are_probed() {
    for (lambda, probe_every, expected) in [(0.5, 20, true), (0.0, 20, false), (0.5, 0, false)] {
        let config = BalanceConfig {
            lambda,
            probe_every,
            ..BalanceConfig::default()
        };
        let mut controller = warmed_up(&config, 0);
        assert_eq!(controller.uses().divergence, lambda > 0.0);
        for step in 101..=120 {
            assert!(!controller.probes_due(step).divergence);
            observe(controller.as_mut(), &[norm(step, 1.0), taken(step, 1.0)]);
        }
        let due = controller.probes_due(121);
        assert_eq!((due.divergence, due.sft_grad_norm), (expected, false));
    }
    for method in [Method::Sft, Method::Grpo, Method::Static, Method::Constant] {
        let controller = build(&with_method(method), 0, 100);
        assert!((1..=100).all(|step| controller.probes_due(step) == Probes::default()));
    }
}

#[test]
fn without_warm_up_the_first_probe_stands_in() {
    let config = BalanceConfig {
        warmup_steps: 0,
        probe_every: 0,
        ..BalanceConfig::default()
    };
    let mut controller = build(&config, 0, 100);
    assert!(controller.probes_due(1).sft_grad_norm);
    observe(controller.as_mut(), &[probed_norm(1, 7.0)]);
    assert!(!controller.probes_due(1).sft_grad_norm);
    let explanation = controller.plan(1).explanation;
    assert_eq!((explanation.g, explanation.g_warm), (Some(7.0), Some(7.0)));
    assert_eq!(explanation.phase, Phase::Adaptive);
}

#[test]
fn measurements_that_are_not_finite_are_refused() {
    let mut controller = warmed_up(&BalanceConfig::default(), 0);
    let before = controller.state();
    for observation in [
        norm(101, f64::NAN),
        probed_norm(101, f64::INFINITY),
        divergence(101, f64::INFINITY),
    ] {
        let error = controller.observe(&observation).expect_err("not finite");
        assert!(error.to_string().starts_with("step 101: the "), "{error}");
    }
    assert_eq!(controller.state(), before);
    observe(controller.as_mut(), &[norm(101, 0.0), divergence(102, 5.0)]);
    let explanation = controller.plan(103).explanation;
    assert!(explanation.log_odds.is_some_and(f64::is_finite));
    assert_eq!(explanation.d, Some(1.0), "capped");
}

/// The branch if one quantity were different.
fn decide(explanation: &Explanation, config: &BalanceConfig, quantity: Quantity, x: f64) -> Branch {
    let mut config = config.clone();
    let mut g = explanation.g.expect("measured");
    let g_warm = explanation.g_warm.expect("measured");
    let mut d = explanation.d_pull;
    let mut alpha = explanation.alpha.expect("drawn");
    match quantity {
        Quantity::Alpha => alpha = x,
        Quantity::G => g = x,
        Quantity::D => d = x,
        Quantity::Gamma => config.gamma = x,
        Quantity::Lambda => config.lambda = x,
    }
    if alpha < Probability::of(g, g_warm, d, &config).p {
        Branch::Sft
    } else {
        Branch::Grpo
    }
}

#[test]
fn tips_are_exact() {
    let mut seen: Vec<(Quantity, Branch)> = Vec::new();
    let (norms, gammas) = (numbers(4, 400), numbers(5, 400));
    for (seed, (&g, &gamma)) in norms.iter().zip(&gammas).enumerate() {
        let config = BalanceConfig {
            gamma: gamma.powf(0.5),
            lambda: 1.5,
            warmup_steps: 5,
            ..BalanceConfig::default()
        };
        let mut controller = warmed_up(&config, seed as u64);
        let pulled = [
            taken(6, 0.0),
            divergence(7, 0.4),
            probed_norm(8, g.powf(0.5)),
        ];
        observe(controller.as_mut(), &pulled);
        let explanation = controller.plan(8).explanation;
        assert_eq!(explanation.d_pull, 0.4);
        for tip in &explanation.tips {
            let margin = 1e-9 * tip.threshold.abs().max(1e-3);
            let (past, before) = match tip.side {
                Side::Above => (tip.threshold + margin, tip.threshold - margin),
                Side::Below => (tip.threshold - margin, tip.threshold + margin),
            };
            let branch_at = |x| decide(&explanation, &config, tip.quantity, x);
            if tip.quantity == Quantity::D {
                assert!((0.0..config.d_cap).contains(&tip.threshold), "within reach");
            }
            assert_eq!(branch_at(tip.value), explanation.branch);
            assert_eq!(branch_at(before), explanation.branch, "{tip:?}");
            assert_ne!(branch_at(past), explanation.branch, "{tip:?}");
            assert!(tip.sentence.contains(branch_at(past).label()));
            seen.push((tip.quantity, explanation.branch));
        }
        // Beyond the bounds of p only another draw could have tipped it.
        let alpha = explanation.alpha.expect("drawn");
        let tippable = (config.p_min..config.p_max).contains(&alpha);
        assert_eq!(explanation.tips.len() > 1, tippable);
    }
    for quantity in [
        Quantity::Alpha,
        Quantity::G,
        Quantity::D,
        Quantity::Gamma,
        Quantity::Lambda,
    ] {
        for branch in [Branch::Sft, Branch::Grpo] {
            assert!(
                seen.contains(&(quantity, branch)),
                "{quantity:?} {branch:?}"
            );
        }
    }
}

#[test]
fn an_explanation_adds_up_and_reads_as_a_sentence() {
    let config = BalanceConfig {
        lambda: 2.0,
        ..BalanceConfig::default()
    };
    let mut controller = warmed_up(&config, 0);
    observe(
        controller.as_mut(),
        &[
            probed_norm(101, 1.0),
            taken(101, 0.0),
            divergence(102, 0.25),
        ],
    );
    let explanation = controller.plan(102).explanation;
    let values: Vec<f64> = explanation.terms.iter().map(|term| term.value).collect();
    assert_eq!(values, [0.5f64.ln(), 0.0, 0.5]);
    assert_eq!(explanation.log_odds, Some(values.iter().sum()));
    let p = 1.0 / (1.0 + (-values.iter().sum::<f64>()).exp());
    assert!((explanation.p - p).abs() < 1e-15);
    let expected = format!(
        "{}, because the draw α = {:.3} {} p = 0.452: the SFT gradient norm is 50 % of what it was \
         after warm-up, and the 0.250 nats gained in GRPO steps add 0.500 to the log-odds.",
        if alpha(0, 102) < p { "SFT" } else { "GRPO" },
        alpha(0, 102),
        if alpha(0, 102) < p {
            "fell below"
        } else {
            "did not fall below"
        },
    );
    assert_eq!(explanation.sentence(), expected);
}
