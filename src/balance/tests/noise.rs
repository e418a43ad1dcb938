//! D is an estimate with heavy tails: one token that the origin would hardly have chosen may stand for
//! hundreds. What the rule does must not hang on whether it was among the few that were looked at.

use super::*;
use crate::losses;

/// Completion tokens that D is measured over.
const TOKENS: usize = 600;

/// How often a token is one that the policy hardly ever samples and the origin likes: δ = log(½ / 10⁻³).
const OUTLIERS: f64 = 0.0003;

/// D over tokens of which nearly all differ a little from the origin's, in nats per token.
fn measured(step: u64, seed: u64, cap: f64, outliers: f64) -> Observation {
    let mut random = crate::rng::stream(seed, crate::rng::Purpose::Problem, step, 7);
    let delta = |_| -> f32 {
        // Its k3 has the mean 0.02.
        let usual = if random.random_bool(0.5) { 0.2 } else { -0.2 };
        match random.random_bool(outliers) {
            true => 500f32.ln(),
            false => usual,
        }
    };
    let origin: Vec<f32> = (0..TOKENS).map(delta).collect();
    let found = losses::divergence(&[0.0; TOKENS], &origin, cap);
    Observation::Divergence {
        step,
        nats: found.nats,
        probe: false,
        tokens: found.tokens,
        capped: found.capped,
    }
}

/// p at every step of a run whose policy stays where it is, G and D alike: GRPO steps and SFT steps take
/// turns.
fn probabilities(config: &BalanceConfig, seed: u64, outliers: f64) -> Vec<f64> {
    let mut controller = build(config, seed, 2000);
    let mut all = Vec::new();
    for step in 1..=1000u64 {
        let plan = controller.plan(step);
        let grpo = step > config.warmup_steps && step.is_multiple_of(2);
        if step > config.warmup_steps {
            all.push(plan.explanation.p);
        }
        let seen = match grpo {
            true => measured(step, seed, config.d_token_cap, outliers),
            false => norm(step, 1.0),
        };
        observe(
            controller.as_mut(),
            &[seen, taken(step, f64::from(u8::from(!grpo)))],
        );
    }
    all
}

#[test]
fn heavy_tails_of_d_do_not_steer() {
    let robust = BalanceConfig {
        warmup_steps: 20,
        lambda: 4.0,
        ..BalanceConfig::default()
    };
    let raw = BalanceConfig {
        d_token_cap: 0.0,
        d_ema: 1.0,
        ..robust.clone()
    };
    // How far p is from what it would be if no such token had been sampled.
    let apart = |config: &BalanceConfig, seed: u64| {
        let (noisy, quiet) = (
            probabilities(config, seed, OUTLIERS),
            probabilities(config, seed, 0.0),
        );
        let apart: Vec<f64> = noisy
            .iter()
            .zip(&quiet)
            .map(|(a, b)| (a - b).abs())
            .collect();
        let most = apart.iter().copied().fold(0.0, f64::max);
        (apart.iter().sum::<f64>() / apart.len() as f64, most)
    };
    for seed in 0..3 {
        let (mean, most) = apart(&raw, seed);
        assert!(
            mean > 0.05 && most > 0.3,
            "the fault is there: {mean} {most}"
        );
        let (mean, most) = apart(&robust, seed);
        assert!(mean < 0.005 && most < 0.02, "{mean} {most}");
    }
}

/// Averaging hides no drift: it comes a few measurements later.
#[test]
fn growth_of_d_is_seen_all_the_same() {
    let config = BalanceConfig {
        warmup_steps: 20,
        ..BalanceConfig::default()
    };
    let mut controller = build(&config, 0, 2000);
    observe(
        controller.as_mut(),
        &(1..=20).map(|step| norm(step, 1.0)).collect::<Vec<_>>(),
    );
    for step in 21..=60 {
        let nats = 0.02 * (step - 20) as f64;
        observe(
            controller.as_mut(),
            &[divergence(step, nats), taken(step, 0.0)],
        );
    }
    let signals = controller.signals();
    let (d, pull) = (signals.d(&config).unwrap(), signals.d_pull(&config));
    // 0.8 at the last measurement; the average lags behind by 0.02 · (1 − ρ) / ρ.
    let lag = 0.02 * (1.0 - config.d_ema) / config.d_ema;
    assert!((d - (0.8 - lag)).abs() < 1e-3, "{d}");
    // Before the first measurement nothing had been updated; all the rest grew under GRPO.
    assert!((pull - (d - 0.02)).abs() < 1e-9, "{pull} of {d}");
    // A probe replaces what is old.
    observe(
        controller.as_mut(),
        &[Observation::Divergence {
            step: 61,
            nats: 0.3,
            probe: true,
            tokens: 100,
            capped: 0,
        }],
    );
    assert_eq!(controller.signals().d(&config), Some(0.3));
}
