//! The methods that adapt to nothing: what the adaptive rule has to be compared with.

use super::{
    BalanceError, Branch, Controller, ControllerState, Desk, Observation, Phase, Plan, Probes,
    Reason, Signals, Uses,
};
use crate::config::{BalanceConfig, Method};

/// `sft`, `grpo`, `static`, `periodic`, `constant` and `cosine`. They use no signal and need no
/// probe; what is measured anyway is kept for their explanations.
pub(super) struct Baseline {
    desk: Desk,
}

impl Baseline {
    pub(super) fn new(config: &BalanceConfig, seed: u64, max_steps: u64) -> Self {
        Self {
            desk: Desk::new(config, seed, max_steps),
        }
    }

    /// GRPO, once the method's share of SFT is over.
    fn static_plan(&self, step: u64) -> Plan {
        let sft_steps = self.desk.warmup_steps;
        let reason = Reason::AfterStaticShare { sft_steps };
        self.desk
            .whole_step(step, Phase::Adaptive, reason, Branch::Grpo)
    }

    /// Of every `period` steps after warm-up, the last one is SFT.
    fn periodic_plan(&self, step: u64) -> Plan {
        let desk = &self.desk;
        let period = desk.config.period.max(1);
        let position = (step - desk.warmup_steps - 1) % period + 1;
        let branch = if position == period {
            Branch::Sft
        } else {
            Branch::Grpo
        };
        let reason = Reason::Period { position, period };
        desk.whole_step(step, Phase::Adaptive, reason, branch)
    }

    /// p falls from p_max at the first step after warm-up to p_min at the last of the horizon, and stays:
    /// `p_min + ½ (p_max − p_min) (1 + cos πx)`, x from 0 to 1.
    fn cosine_p(&self, step: u64) -> f64 {
        let desk = &self.desk;
        let done = (step - desk.warmup_steps - 1) as f64;
        let last = desk.horizon.saturating_sub(desk.warmup_steps + 1).max(1) as f64;
        let x = (done / last).min(1.0);
        let (p_min, p_max) = (desk.config.p_min, desk.config.p_max);
        p_min + 0.5 * (p_max - p_min) * (1.0 + (std::f64::consts::PI * x).cos())
    }
}

impl Controller for Baseline {
    fn plan(&self, step: u64) -> Plan {
        let desk = &self.desk;
        if let Some(plan) = desk.warmup_plan(step) {
            return plan;
        }
        match desk.config.method {
            Method::Sft => desk.whole_step(step, Phase::Adaptive, Reason::Only, Branch::Sft),
            Method::Static => self.static_plan(step),
            Method::Periodic => self.periodic_plan(step),
            Method::Constant => desk.mixed_step(step, desk.config.constant_p),
            Method::Cosine => desk.mixed_step(step, self.cosine_p(step)),
            _ => desk.whole_step(step, Phase::Adaptive, Reason::Only, Branch::Grpo),
        }
    }

    fn observe(&mut self, observation: &Observation) -> Result<(), BalanceError> {
        self.desk.observe(observation)
    }

    fn probes_due(&self, _step: u64) -> Probes {
        Probes::default()
    }

    fn uses(&self) -> Uses {
        Uses {
            sft_grad_norm: false,
            divergence: false,
        }
    }

    fn signals(&self) -> &Signals {
        &self.desk.signals
    }

    fn restore(&mut self, state: ControllerState) {
        self.desk.signals = state.signals;
    }
}
