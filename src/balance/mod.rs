//! The controllers: what to learn from next, the textbook (SFT) or the quiz (GRPO), and why.
//!
//! A [`Controller`] is a pure state machine. It is told what was measured ([`Observation`]), keeps
//! it in [`Signals`], and answers before every step with a [`Plan`]: loss terms with weights,
//! and an [`Explanation`] that names every number behind the decision. No model, file or clock is
//! involved, so a run's decisions can be tested, replayed ([`replay()`]) and drawn by themselves.
//!
//! # One step
//!
//! ```text
//! due = controller.probes_due(t)      // measure what has gone stale, and observe it
//! plan = controller.plan(t)           // decide
//! …take the step…                     // observe gradient norm, divergence, rewards
//! controller.observe(plan.taken(updated))
//! ```
//!
//! Steps count update attempts from 1, warm-up included. A gradient norm and a divergence that step
//! t measures (or a probe before it) both belong to the policy as step t found it, before its update.
//!
//! # The adaptive rule
//!
//! `sasr` starts with `warmup_steps` of SFT, whose gradient norms (global L2, before clipping) give
//! G_warm. From then on, before every step,
//!
//! ```text
//! logit p = log(G / G_warm) − log γ + λ·D_pull,   p clamped to [p_min, p_max]
//! α ~ U(0, 1) from a stream of its own:            SFT if α < p, otherwise GRPO
//! ```
//!
//! G is the newest SFT gradient norm, averaged over SFT steps with weight ρ (`ema`). With λ = 0,
//! ρ = 1, p_min = 0 and p_max = 1 this is p = G / (G + γ·G_warm): the published gradient-norm rule
//! as it is understood here (SASR, arXiv 2505.13026). The paper's abstract says that gradient
//! norm and divergence from the original distribution steer the mix; the text of its algorithm
//! could not be checked, so the formula is our reading and none of its numbers are repeated here.
//!
//! In `blend` mode every step is both: SFT weighs p, GRPO 1 − p, and no α is drawn. G is then read
//! from the SFT gradient before it is weighted.
//!
//! # Which part of the divergence pulls
//!
//! D is how far the policy is from its origin, in nats per completion token. Drifting in GRPO should
//! call for the textbook. But SFT that memorises moves the policy away from the origin as well: if
//! all of D pulled, SFT would raise D, D would raise p, and p would stay at p_max for good. So
//! the growth of D under GRPO and under SFT is kept apart, and only GRPO's part pulls:
//!
//! - between two measurements of D, its change is divided equally among the updates made in between,
//!   and the share of the GRPO updates is added to D_pull (a decrease is taken off likewise);
//!   D_pull stays within 0 and D, and the cap is put on last;
//! - every SFT update takes the share ρ off D_pull: what GRPO had moved is being overwritten by the
//!   textbook. G forgets over SFT steps at the same rate, so both signals have one horizon, 1/ρ
//!   SFT steps, and with ρ = 1 an SFT step wipes out what GRPO had gained before it.
//!
//! Rollouts measure D when a GRPO step starts, so an interval between two measurements is one GRPO
//! update followed by the SFT updates until the next GRPO step, and equal shares are the simplest
//! split that needs no further measurement. The forgetting is what makes the lock impossible:
//! while nothing but SFT runs, D_pull shrinks geometrically whatever D does. (Without the
//! forgetting D_pull could not fall in a run whose D never does.) Both D and D_pull
//! are part of every explanation. In blend mode an update counts as p SFT and 1 − p GRPO.
//!
//! # Warm-up and origin
//!
//! | method                       | warm-up                          | origin of D ("warmup")  |
//! |------------------------------|----------------------------------|-------------------------|
//! | `sasr`, `periodic`, `cosine` | `warmup_steps` of SFT            | policy after warm-up    |
//! | `static`                     | its SFT share of the budget      | policy after that share |
//! | `sft`, `grpo`, `constant`    | none                             | the base model          |
//!
//! `static` counts its SFT share as warm-up because that is what its GRPO half departs from, as in
//! any SFT-then-RL pipeline.

mod baselines;
mod explanation;
mod plan;
mod replay;
mod sasr;
mod signals;
#[cfg(test)]
mod tests;

pub use explanation::{Bound, Explanation, LogOddsTerm, Quantity, Reason, Side, Source, Tip};
pub use plan::{Branch, LossTerm, Phase, Plan, Term, TokenWeighting, Which};
pub use replay::{LoggedStep, ReplayError, replay};
pub use sasr::Probability;
pub use signals::{Measured, Observation, Rollouts, Signals, SinceDivergence};

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::config::{BalanceConfig, Method, Mode};
use crate::rng;

/// Decides before every step what the step learns from.
pub trait Controller: Send {
    /// The plan for `step` (from 1), from what has been observed so far.
    fn plan(&self, step: u64) -> Plan;

    /// Takes in a measurement, or the fact that a step was taken. A value that is not finite is
    /// refused and leaves the controller as it was.
    fn observe(&mut self, observation: &Observation) -> Result<(), BalanceError>;

    /// What has to be measured anew before `step` is planned, because no step has for too long.
    fn probes_due(&self, step: u64) -> Probes;

    /// The signals this controller decides by.
    fn uses(&self) -> Uses;

    /// What has been observed so far.
    fn signals(&self) -> &Signals;

    /// Everything a checkpoint needs to go on deciding as if never interrupted.
    fn state(&self) -> ControllerState {
        ControllerState {
            signals: self.signals().clone(),
        }
    }

    /// Goes on from a state. The configuration may differ from the one the state was made under:
    /// to change γ while a run goes on, build a controller with the new configuration and restore.
    fn restore(&mut self, state: ControllerState);
}

/// A controller's state. Numbers survive JSON bit for bit (serde_json with `float_roundtrip`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ControllerState {
    /// What has been observed so far.
    pub signals: Signals,
}

/// Which measurements are due. Each replaces the value it refreshes, and its cost counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// One SFT batch from the reserved stream: gradient norm measured, nothing applied.
    pub sft_grad_norm: bool,
    /// A few rollouts, for the divergence from the origin.
    pub divergence: bool,
}

/// Which signals steer a controller. The others may be measured too, for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// G.
    pub sft_grad_norm: bool,
    /// D.
    pub divergence: bool,
}

/// An observation that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BalanceError {
    /// A measurement that is infinite or not a number.
    #[error(
        "step {step}: the {what} is {value}, not a finite number; \
         lower the learning rate, or go on from the last checkpoint"
    )]
    NotFinite {
        /// What was measured.
        what: &'static str,
        /// The step it was measured at.
        step: u64,
        /// The value.
        value: f64,
    },
}

/// The controller that `config` asks for. `seed` keys the stream of α; `max_steps` is the budget,
/// warm-up included, over which `static` and `cosine` spread where `balance.horizon` is left open (in a
/// run it is not). It has no influence on α.
///
/// The configuration is taken to be within the ranges its fields document.
pub fn build(config: &BalanceConfig, seed: u64, max_steps: u64) -> Box<dyn Controller> {
    match config.method {
        Method::Sasr => Box::new(sasr::Sasr::new(config, seed, max_steps)),
        Method::Sft
        | Method::Grpo
        | Method::Static
        | Method::Periodic
        | Method::Constant
        | Method::Cosine => Box::new(baselines::Baseline::new(config, seed, max_steps)),
    }
}

/// SFT steps at the start of a run, before the first decision; 0 for methods without warm-up. In a run
/// this is fixed at its start, whatever `max_steps` becomes.
pub fn warmup_steps(config: &BalanceConfig, max_steps: u64) -> u64 {
    let horizon = horizon(config, max_steps);
    match config.method {
        Method::Sasr | Method::Periodic | Method::Cosine => config.warmup_steps.min(horizon),
        Method::Static => (config.static_share * horizon as f64).round() as u64,
        Method::Sft | Method::Grpo | Method::Constant => 0,
    }
}

/// The steps that `static` and `cosine` are spread over.
fn horizon(config: &BalanceConfig, max_steps: u64) -> u64 {
    match config.horizon {
        0 => max_steps,
        fixed => fixed,
    }
}

/// The controller's draw for `step`: uniform on [0, 1), the same whatever happened before.
pub fn alpha(seed: u64, step: u64) -> f64 {
    rng::stream(seed, rng::Purpose::Alpha, step, 0).random()
}

/// What every controller knows: its configuration and what it has observed.
#[derive(Clone, Debug)]
struct Desk {
    config: BalanceConfig,
    seed: u64,
    horizon: u64,
    warmup_steps: u64,
    signals: Signals,
}

impl Desk {
    fn new(config: &BalanceConfig, seed: u64, max_steps: u64) -> Self {
        Self {
            config: config.clone(),
            seed,
            horizon: horizon(config, max_steps),
            warmup_steps: warmup_steps(config, max_steps),
            signals: Signals::default(),
        }
    }

    fn observe(&mut self, observation: &Observation) -> Result<(), BalanceError> {
        self.signals
            .observe(observation, &self.config, self.warmup_steps)
    }

    /// An explanation that holds what is known before `step` is decided.
    fn explain(&self, step: u64, phase: Phase, reason: Reason) -> Explanation {
        let signals = &self.signals;
        let g_warm = signals.g_warm(&self.config);
        Explanation {
            step,
            method: self.config.method,
            phase,
            branch: Branch::Sft,
            reason,
            p: 1.0,
            alpha: None,
            p_unclamped: None,
            log_odds: None,
            terms: Vec::new(),
            clamped: None,
            g: signals.g.as_ref().map(|g| g.value).or(g_warm),
            g_source: signals.g.as_ref().map(Source::from),
            g_warm,
            d: signals.d(&self.config),
            d_source: signals.d.as_ref().map(Source::from),
            d_pull: signals.d_pull(&self.config),
            tips: Vec::new(),
        }
    }

    /// A whole step of one kind that no draw decided.
    fn whole_step(&self, step: u64, phase: Phase, reason: Reason, branch: Branch) -> Plan {
        let mut explanation = self.explain(step, phase, reason);
        explanation.branch = branch;
        explanation.p = if branch == Branch::Sft { 1.0 } else { 0.0 };
        Plan::new(explanation)
    }

    /// The warm-up's plan, while the warm-up lasts.
    fn warmup_plan(&self, step: u64) -> Option<Plan> {
        let of = self.warmup_steps;
        (step <= of)
            .then(|| self.whole_step(step, Phase::Warmup, Reason::Warmup { of }, Branch::Sft))
    }

    /// SFT with probability (or, in blend mode, weight) `p`.
    fn mixed_step(&self, step: u64, p: f64) -> Plan {
        let (reason, alpha, branch) = match self.config.mode {
            Mode::Blend => (Reason::Blend, None, Branch::Blend),
            Mode::Switch => {
                let alpha = alpha(self.seed, step);
                let branch = if alpha < p { Branch::Sft } else { Branch::Grpo };
                (Reason::Draw, Some(alpha), branch)
            }
        };
        let mut explanation = self.explain(step, Phase::Adaptive, reason);
        explanation.p = p;
        explanation.alpha = alpha;
        explanation.branch = branch;
        if let Some(alpha) = alpha {
            explanation.tips.extend(Tip::alpha(alpha, p));
        }
        Plan::new(explanation)
    }
}
