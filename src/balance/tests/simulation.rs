//! The controller in a closed loop with a policy in closed form: λ must not lock p into SFT.

use super::*;

/// A policy reduced to two numbers, and what an update does to them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// SFT gradient norm: SFT brings it down by 2 % of the way to 0.02 per update, GRPO lets it
    /// return by 0.5 % of the way to 1.
    g: f64,
    /// Divergence from the origin in nats per token.
    d: f64,
    /// SFT moves `d` by this share of the way to `sft_limit`.
    sft_rate: f64,
    sft_limit: f64,
    /// GRPO adds this to `d`.
    grpo_drift: f64,
}

impl Policy {
    /// SFT learns its demonstrations by heart and ends far from the origin; GRPO hardly drifts.
    fn memorising() -> Self {
        Self {
            g: 1.0,
            d: 0.0,
            sft_rate: 0.005,
            sft_limit: 2.0,
            grpo_drift: 0.001,
        }
    }

    /// GRPO drifts; SFT comes back to the origin.
    pub(super) fn drifting() -> Self {
        Self {
            g: 1.0,
            d: 0.0,
            sft_rate: 0.05,
            sft_limit: 0.0,
            grpo_drift: 0.02,
        }
    }

    /// An update of which `sft_share` is SFT.
    fn update(&mut self, sft_share: f64) {
        let grpo_share = 1.0 - sft_share;
        self.g += sft_share * 0.02 * (0.02 - self.g) + grpo_share * 0.005 * (1.0 - self.g);
        self.d +=
            sft_share * self.sft_rate * (self.sft_limit - self.d) + grpo_share * self.grpo_drift;
    }
}

/// Runs a controller on a policy. Measurements are made as a session makes them: G in SFT steps, D
/// on the rollouts of GRPO steps, both by probes where they are due.
pub(super) fn run(
    controller: &mut dyn Controller,
    mut policy: Policy,
    steps: u64,
) -> (Vec<LoggedStep>, Vec<Explanation>) {
    let (mut log, mut explanations) = (Vec::new(), Vec::new());
    for step in 1..=steps {
        let mut measured = Vec::new();
        let due = controller.probes_due(step);
        if due.sft_grad_norm {
            measured.push(probed_norm(step, policy.g));
        }
        if due.divergence {
            let (nats, probe) = (policy.d, true);
            measured.push(Observation::Divergence {
                step,
                nats,
                probe,
                tokens: 0,
                capped: 0,
            });
        }
        observe(controller, &measured);
        let plan = controller.plan(step);
        let probes = measured.len();
        for term in &plan.terms {
            measured.push(match term.loss {
                LossTerm::Sft => norm(step, policy.g),
                LossTerm::Grpo => divergence(step, policy.d),
            });
        }
        measured.push(plan.taken(true));
        observe(controller, &measured[probes..]);
        policy.update(plan.sft_share());
        if plan.explanation.phase == Phase::Warmup {
            // The origin is the policy at the end of warm-up.
            policy.d = 0.0;
        }
        log.push(LoggedStep { step, measured });
        explanations.push(plan.explanation);
    }
    (log, explanations)
}

/// The rule as the formula reads if D's growth under SFT and under GRPO is not kept apart.
struct AllOfDPulls {
    rule: Box<dyn Controller>,
    config: BalanceConfig,
}

impl Controller for AllOfDPulls {
    fn plan(&self, step: u64) -> Plan {
        let mut decided = self.rule.plan(step).explanation;
        if let (Some(alpha), Some(g), Some(g_warm)) = (decided.alpha, decided.g, decided.g_warm) {
            let d = decided.d.unwrap_or(0.0);
            let probability = Probability::of(g, g_warm, d, &self.config);
            decided.p = probability.p;
            decided.clamped = probability.clamped;
            decided.branch = if alpha < decided.p {
                Branch::Sft
            } else {
                Branch::Grpo
            };
        }
        Plan::new(decided)
    }

    fn observe(&mut self, observation: &Observation) -> Result<(), BalanceError> {
        self.rule.observe(observation)
    }

    fn probes_due(&self, step: u64) -> Probes {
        self.rule.probes_due(step)
    }

    fn uses(&self) -> Uses {
        self.rule.uses()
    }

    fn signals(&self) -> &Signals {
        self.rule.signals()
    }

    fn restore(&mut self, state: ControllerState) {
        self.rule.restore(state);
    }
}

const STEPS: u64 = 3000;

/// What is decided in the second half of a run.
fn second_half(controller: &mut dyn Controller, policy: Policy) -> Vec<Explanation> {
    let (_, mut explanations) = run(controller, policy, STEPS);
    explanations.split_off(explanations.len() / 2)
}

fn share(explanations: &[Explanation], of: impl Fn(&Explanation) -> bool) -> f64 {
    explanations.iter().filter(|e| of(e)).count() as f64 / explanations.len() as f64
}

fn config(gamma: f64, lambda: f64) -> BalanceConfig {
    BalanceConfig {
        gamma,
        lambda,
        warmup_steps: 50,
        ..BalanceConfig::default()
    }
}

#[test]
fn lambda_does_not_lock_p_into_sft() {
    for seed in 0..5 {
        let config = config(1.0, 8.0);
        let rule = build(&config, seed, STEPS);
        let mut plain = AllOfDPulls { rule, config };
        let locked = second_half(&mut plain, Policy::memorising());
        assert!(
            locked.iter().all(|e| e.clamped == Some(Bound::Max)),
            "with all of D the lock is real"
        );

        let mut rule = build(&plain.config, seed, STEPS);
        let free = second_half(rule.as_mut(), Policy::memorising());
        let inside = share(&free, |e| e.clamped.is_none());
        let sft = share(&free, |e| e.branch == Branch::Sft);
        let furthest = free.iter().filter_map(|e| e.d).fold(0.0, f64::max);
        assert!(inside > 0.95, "{inside}");
        assert!((0.1..0.6).contains(&sft), "{sft}");
        // Not for want of divergence: all of it would have locked p here as well.
        assert_eq!(furthest, plain.config.d_cap);
    }
}

#[test]
fn drift_under_grpo_still_calls_for_the_textbook() {
    for seed in 0..5 {
        let sft = |lambda| {
            let mut rule = build(&config(10.0, lambda), seed, STEPS);
            let explanations = second_half(rule.as_mut(), Policy::drifting());
            share(&explanations, |e| e.branch == Branch::Sft)
        };
        let (without, with) = (sft(0.0), sft(4.0));
        assert!(with > 1.25 * without, "{without} {with}");
        assert!(with < 0.9, "{with}");
    }
}

#[test]
fn d_pull_counts_the_growth_under_grpo_and_forgets_under_sft() {
    let config = BalanceConfig {
        d_ema: 1.0,
        ..config(1.0, 1.0)
    };
    let mut controller = warmed_up(&config, 0);
    let mut pull = |observations: &[Observation]| {
        observe(controller.as_mut(), observations);
        controller.signals().d_pull(&config)
    };
    // Nothing has moved yet.
    assert_eq!(pull(&[divergence(51, 0.0)]), 0.0);
    // One GRPO update alone: all of the growth is its own.
    assert_eq!(pull(&[taken(51, 0.0), divergence(52, 0.25)]), 0.25);
    // A GRPO step without an update moves nothing: the difference is noise.
    let idle = Observation::Step {
        step: 52,
        sft_share: 0.0,
        updated: false,
        updates: 1,
        asked: true,
    };
    assert_eq!(pull(&[idle, divergence(53, 0.35)]), 0.25);
    // One GRPO and three SFT updates: three times a tenth forgotten, a quarter of the growth added.
    let mixed = [
        taken(53, 0.0),
        taken(54, 1.0),
        taken(55, 1.0),
        taken(56, 1.0),
    ];
    assert!((pull(&mixed) - 0.25 * 0.729).abs() < 1e-15);
    let after = 0.25 * 0.729 + 0.25 * (0.65 - 0.35);
    assert!((pull(&[divergence(57, 0.65)]) - after).abs() < 1e-15);
    // SFT alone, measured by a probe: no growth counts, whatever D does.
    let sft_only = [taken(57, 1.0), divergence(58, 0.9)];
    assert!((pull(&sft_only) - after * 0.9).abs() < 1e-15);
    // Never more than D itself.
    assert_eq!(pull(&[taken(58, 1.0), divergence(59, 0.01)]), 0.01);
    // A decrease under GRPO is taken off.
    assert_eq!(pull(&[taken(59, 0.0), divergence(60, 0.0)]), 0.0);
}

#[test]
fn d_starts_from_zero_unless_the_base_model_is_the_origin_of_a_warmed_up_policy() {
    for (origin, warmup_steps, expected) in [
        (crate::config::Origin::Warmup, 50, 0.3),
        (crate::config::Origin::Base, 50, 0.0),
        (crate::config::Origin::Base, 0, 0.3),
    ] {
        let config = BalanceConfig {
            origin,
            warmup_steps,
            ..config(1.0, 1.0)
        };
        let mut controller = warmed_up(&config, 0);
        let step = warmup_steps + 1;
        observe(
            controller.as_mut(),
            &[taken(step, 0.0), divergence(step + 1, 0.3)],
        );
        assert_eq!(controller.signals().d_pull(&config), expected);
    }
}
