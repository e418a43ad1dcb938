//! The adaptive rule: SFT with a probability that follows the SFT gradient norm and the divergence.

use super::{
    BalanceError, Bound, Branch, Controller, ControllerState, Desk, LogOddsTerm, Observation, Plan,
    Probes, Quantity, Side, Signals, Tip, Uses,
};
use crate::config::BalanceConfig;

/// `method = "sasr"`.
pub(super) struct Sasr {
    desk: Desk,
}

impl Sasr {
    pub(super) fn new(config: &BalanceConfig, seed: u64, max_steps: u64) -> Self {
        Self {
            desk: Desk::new(config, seed, max_steps),
        }
    }
}

impl Controller for Sasr {
    fn plan(&self, step: u64) -> Plan {
        let desk = &self.desk;
        if let Some(plan) = desk.warmup_plan(step) {
            return plan;
        }
        // Nothing but a failed measurement can leave G_warm unknown; the ratio is then taken as 1.
        let g_warm = desk.signals.g_warm(&desk.config).unwrap_or(1.0);
        let g = desk.signals.g.map_or(g_warm, |g| g.value);
        let d_pull = desk.signals.d_pull(&desk.config);
        let probability = Probability::of(g, g_warm, d_pull, &desk.config);

        let mut plan = desk.mixed_step(step, probability.p);
        let explanation = &mut plan.explanation;
        if let Some(alpha) = explanation.alpha {
            explanation.tips.extend(probability.tips(alpha));
        }
        explanation.p_unclamped = Some(probability.unclamped);
        explanation.log_odds = Some(probability.log_odds);
        explanation.clamped = probability.clamped;
        explanation.terms = probability.terms();
        plan
    }

    fn observe(&mut self, observation: &Observation) -> Result<(), BalanceError> {
        self.desk.observe(observation)
    }

    fn probes_due(&self, step: u64) -> Probes {
        let Desk {
            config,
            signals,
            warmup_steps,
            ..
        } = &self.desk;
        let adaptive = step > *warmup_steps;
        Probes {
            sft_grad_norm: adaptive && signals.g_is_stale(step, config, *warmup_steps),
            divergence: adaptive
                && self.uses().divergence
                && signals.d_is_stale(step, config, *warmup_steps),
        }
    }

    fn uses(&self) -> Uses {
        Uses {
            sft_grad_norm: true,
            divergence: self.desk.config.lambda > 0.0,
        }
    }

    fn signals(&self) -> &Signals {
        &self.desk.signals
    }

    fn restore(&mut self, state: ControllerState) {
        self.desk.signals = state.signals;
    }
}

/// p and how it came about: `logit p = log(G / G_warm) − log γ + λ·D`, clamped to [p_min, p_max].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probability {
    /// G.
    pub g: f64,
    /// G_warm.
    pub g_warm: f64,
    /// The divergence that counts, in nats per completion token.
    pub d: f64,
    /// γ.
    pub gamma: f64,
    /// λ.
    pub lambda: f64,
    /// [p_min, p_max].
    pub bounds: [f64; 2],
    /// Cap on D.
    pub d_cap: f64,
    /// logit of `unclamped`.
    pub log_odds: f64,
    /// p before the bounds, within (0, 1).
    pub unclamped: f64,
    /// p.
    pub p: f64,
    /// The bound that took effect.
    pub clamped: Option<Bound>,
}

impl Probability {
    /// p for positive norms `g` and `g_warm` and a divergence `d`.
    pub fn of(g: f64, g_warm: f64, d: f64, config: &BalanceConfig) -> Self {
        let (gamma, lambda) = (config.gamma, config.lambda);
        let log_odds = gradient_term(g, g_warm) + gamma_term(gamma) + lambda * d;
        // The nearest numbers inside (0, 1) stand for what rounding would put on its ends.
        let unclamped =
            (1.0 / (1.0 + (-log_odds).exp())).clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0);
        let (p, clamped) = if unclamped < config.p_min {
            (config.p_min, Some(Bound::Min))
        } else if unclamped > config.p_max {
            (config.p_max, Some(Bound::Max))
        } else {
            (unclamped, None)
        };
        Self {
            g,
            g_warm,
            d,
            gamma,
            lambda,
            bounds: [config.p_min, config.p_max],
            d_cap: config.d_cap,
            log_odds,
            unclamped,
            p,
            clamped,
        }
    }

    /// The summands of the log-odds.
    fn terms(&self) -> Vec<LogOddsTerm> {
        let term = |name: &str, symbol: &str, value: f64, explanation: &str| LogOddsTerm {
            name: name.to_string(),
            symbol: symbol.to_string(),
            value,
            explanation: explanation.to_string(),
        };
        vec![
            term(
                LogOddsTerm::GRADIENT_NORM,
                "log(G / G_warm)",
                gradient_term(self.g, self.g_warm),
                "The larger the SFT gradient, the more the textbook still has to teach.",
            ),
            term(
                LogOddsTerm::GAMMA,
                "−log γ",
                gamma_term(self.gamma),
                "A larger γ asks for less SFT.",
            ),
            term(
                LogOddsTerm::DIVERGENCE,
                "λ·D_pull",
                self.lambda * self.d,
                "What GRPO has drifted from the origin pulls back to the textbook.",
            ),
        ]
    }

    /// What, other than α, would have turned the decision, each alone. Where α lies beyond a bound
    /// of p, nothing would have.
    fn tips(&self, alpha: f64) -> Vec<Tip> {
        let [p_min, p_max] = self.bounds;
        if alpha <= 0.0 || alpha < p_min || alpha >= p_max {
            return Vec::new();
        }
        let (more, less, instead) = if alpha < self.p {
            (Side::Below, Side::Above, Branch::Grpo)
        } else {
            (Side::Above, Side::Below, Branch::Sft)
        };
        // The decision turns where the log-odds equal logit(α). Each quantity's threshold closes
        // the gap by itself: more of G, D and λ means more SFT, more γ less.
        let gap = (alpha / (1.0 - alpha)).ln() - self.log_odds;
        let tip =
            |quantity, value, side, threshold| Tip::new(quantity, value, side, threshold, instead);
        let mut tips = vec![
            tip(Quantity::G, self.g, more, self.g * gap.exp()),
            tip(Quantity::Gamma, self.gamma, less, self.gamma * (-gap).exp()),
        ];
        if self.lambda > 0.0 {
            let threshold = self.d + gap / self.lambda;
            if (0.0..self.d_cap).contains(&threshold) {
                tips.push(tip(Quantity::D, self.d, more, threshold));
            }
        }
        if self.d > 0.0 {
            let threshold = self.lambda + gap / self.d;
            if threshold >= 0.0 {
                tips.push(tip(Quantity::Lambda, self.lambda, more, threshold));
            }
        }
        tips
    }
}

/// log(G / G_warm)
fn gradient_term(g: f64, g_warm: f64) -> f64 {
    (g / g_warm).ln()
}

/// −log γ (0, not −0, at γ = 1)
fn gamma_term(gamma: f64) -> f64 {
    0.0 - gamma.ln()
}
