//! What has been measured so far.

use serde::{Deserialize, Serialize};

use super::BalanceError;
use crate::config::{BalanceConfig, Origin, WarmStatistic};

/// Gradient norms below this count as this much, so that their logarithm stays finite.
const SMALLEST_NORM: f64 = 1e-12;

/// One thing a controller is told. These are logged, and a replay reads them back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Observation {
    /// Global L2 norm of the SFT gradient (token mean), before clipping and before any weighting.
    SftGradNorm {
        step: u64,
        norm: f64,
        /// Measured by a probe before the step was planned, rather than in an SFT step.
        #[serde(default)]
        probe: bool,
    },
    /// Divergence of the policy from its origin: mean k3 estimate over the tokens of rollouts, at
    /// the sampling temperature, in nats per completion token.
    Divergence {
        step: u64,
        nats: f64,
        /// Measured by a probe before the step was planned, rather than on a GRPO step's rollouts.
        #[serde(default)]
        probe: bool,
        /// Tokens it was measured over, and how many of them were cut to `balance.d_token_cap`. (Logs of
        /// 0.1.0 do not say.)
        #[serde(default)]
        tokens: u64,
        #[serde(default)]
        capped: u64,
    },
    /// How the rollouts of a GRPO step fared.
    Rollouts {
        step: u64,
        #[serde(flatten)]
        rollouts: Rollouts,
    },
    /// A step is complete.
    Step {
        step: u64,
        /// SFT's share of what was really done, over all updates of the step: 1 for SFT, 0 for GRPO,
        /// in between for a blend (1 where its rollouts taught nothing).
        sft_share: f64,
        /// False where nothing was learnt from (every group had zero variance, every completion was
        /// masked, the gradient was not finite) and the weights stayed as they were.
        updated: bool,
        /// Updates of the weights: μ where there were rollouts to learn from. 1 where there was none.
        #[serde(default = "one")]
        updates: u64,
        /// Whether rollouts were part of the plan. (Logs of 0.1.0 do not say; there the share tells.)
        #[serde(default)]
        asked: bool,
    },
}

impl Observation {
    /// Whether this was known before the step it belongs to was planned.
    pub fn precedes_plan(&self) -> bool {
        matches!(
            self,
            Observation::SftGradNorm { probe: true, .. }
                | Observation::Divergence { probe: true, .. }
        )
    }
}

fn one() -> u64 {
    1
}

/// Rewards of a step's rollouts (TRL's metrics of these names).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollouts {
    /// Mean reward.
    pub reward: f64,
    /// Standard deviation of the reward.
    pub reward_std: f64,
    /// Share of groups whose completions all earned the same.
    pub frac_reward_zero_std: f64,
}

/// A signal's value and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub value: f64,
    /// The step whose policy (before its update) was last measured.
    pub step: u64,
    /// By a probe, rather than by the step itself.
    pub probe: bool,
}

impl Measured {
    /// Steps before `step` that did not refresh this signal since it was measured.
    fn age(&self, step: u64) -> u64 {
        let covered = if self.probe {
            self.step.saturating_sub(1)
        } else {
            self.step
        };
        step.saturating_sub(1).saturating_sub(covered)
    }
}

/// Updates made since D was last measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SinceDivergence {
    /// All of them.
    pub updates: u64,
    /// GRPO's part of them: 1 for each GRPO update, 1 − p for a blend.
    pub grpo_updates: f64,
}

impl SinceDivergence {
    /// GRPO's share of the updates, in [0, 1]; 0 if there were none.
    fn grpo_share(&self) -> f64 {
        if self.updates == 0 {
            0.0
        } else {
            self.grpo_updates / self.updates as f64
        }
    }
}

/// All that has been measured before a step is planned: the whole state of the controllers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// The last step taken; 0 before the first.
    pub steps: u64,
    /// Steps so far that had a GRPO part, updates or not.
    pub grpo_steps: u64,
    /// Gradient norms of the last `g_warm_window` warm-up steps, oldest first.
    pub warm_norms: Vec<f64>,
    /// Moving average of all of the warm-up's gradient norms.
    pub warm_ema: Option<f64>,
    /// G, once the adaptive phase has measured it; until then G_warm stands for it.
    pub g: Option<Measured>,
    /// D: the moving average of what was measured, without cap.
    pub d: Option<Measured>,
    /// The part of D that GRPO gained and SFT has not yet overwritten (see the module's docs),
    /// without cap: growth beyond the cap has to be known for what it is when D returns below.
    pub d_gained: f64,
    /// What happened since D was measured.
    pub since_d: SinceDivergence,
    /// The latest rollouts' rewards, for controllers that gate by them.
    pub rollouts: Option<Rollouts>,
}

impl Signals {
    /// G_warm: the statistic of the warm-up's gradient norms; `None` before there is one.
    /// The adaptive phase adds nothing to it, so it stays fixed.
    pub fn g_warm(&self, config: &BalanceConfig) -> Option<f64> {
        match config.g_warm {
            WarmStatistic::Last => self.warm_norms.last().copied(),
            WarmStatistic::Ema => self.warm_ema,
            WarmStatistic::Mean if self.warm_norms.is_empty() => None,
            WarmStatistic::Mean => {
                Some(self.warm_norms.iter().sum::<f64>() / self.warm_norms.len() as f64)
            }
        }
    }

    /// D, capped; `None` before it was measured.
    pub fn d(&self, config: &BalanceConfig) -> Option<f64> {
        self.d.map(|d| d.value.min(config.d_cap))
    }

    /// D_pull: the part of D that counts, capped.
    pub fn d_pull(&self, config: &BalanceConfig) -> f64 {
        self.d_gained.min(config.d_cap)
    }

    /// Whether neither a step nor a probe has measured G for `probe_every` steps. Without any
    /// warm-up norm the first probe is needed at once: it stands in for G_warm.
    pub(super) fn g_is_stale(&self, step: u64, config: &BalanceConfig, warmup_steps: u64) -> bool {
        self.g_warm(config).is_none() || is_stale(self.g.as_ref(), step, config, warmup_steps)
    }

    /// Whether neither rollouts nor a probe have measured D for `probe_every` steps.
    pub(super) fn d_is_stale(&self, step: u64, config: &BalanceConfig, warmup_steps: u64) -> bool {
        is_stale(self.d.as_ref(), step, config, warmup_steps)
    }

    pub(super) fn observe(
        &mut self,
        observation: &Observation,
        config: &BalanceConfig,
        warmup_steps: u64,
    ) -> Result<(), BalanceError> {
        match *observation {
            Observation::SftGradNorm { step, norm, probe } => {
                let norm = finite("SFT gradient norm", step, norm)?.max(SMALLEST_NORM);
                self.observe_norm(step, norm, probe, config, warmup_steps);
            }
            Observation::Divergence {
                step, nats, probe, ..
            } => {
                let nats = finite("divergence from the origin", step, nats)?;
                self.observe_divergence(step, nats, probe, config, warmup_steps);
            }
            Observation::Rollouts { step, rollouts } => {
                finite("mean reward", step, rollouts.reward)?;
                finite(
                    "standard deviation of the reward",
                    step,
                    rollouts.reward_std,
                )?;
                finite(
                    "share of zero-variance groups",
                    step,
                    rollouts.frac_reward_zero_std,
                )?;
                self.rollouts = Some(rollouts);
            }
            Observation::Step {
                step,
                sft_share,
                updated,
                updates,
                asked,
            } => {
                let sft_share = finite("share of SFT", step, sft_share)?;
                self.steps = step;
                self.grpo_steps += u64::from(asked || sft_share < 1.0);
                if updated && step > warmup_steps {
                    self.observe_updates(updates, sft_share, config);
                }
            }
        }
        Ok(())
    }

    fn observe_norm(
        &mut self,
        step: u64,
        norm: f64,
        probe: bool,
        config: &BalanceConfig,
        warmup_steps: u64,
    ) {
        let warming_up = step <= warmup_steps;
        let g_warm = self.g_warm(config);
        if warming_up || g_warm.is_none() {
            self.warm_norms.push(norm);
            let surplus = self
                .warm_norms
                .len()
                .saturating_sub(config.g_warm_window.max(1));
            self.warm_norms.drain(..surplus);
            self.warm_ema = Some(average(self.warm_ema, norm, config.ema));
        }
        if !warming_up {
            // A probe replaces the value; a step's norm is averaged into it.
            let value = if probe {
                norm
            } else {
                average(self.g.map(|g| g.value).or(g_warm), norm, config.ema)
            };
            self.g = Some(Measured { value, step, probe });
        }
    }

    fn observe_divergence(
        &mut self,
        step: u64,
        nats: f64,
        probe: bool,
        config: &BalanceConfig,
        warmup_steps: u64,
    ) {
        // k3 is never negative but for rounding. One measurement rests on few tokens, so it is averaged
        // with those before it, and only then compared with them: noise is no growth. A probe stands for
        // itself: what was before it is old.
        let nats = nats.max(0.0);
        let value = match self.d {
            Some(before) if !probe => average(Some(before.value), nats, config.d_ema),
            _ => nats,
        };
        // Where training departs from the origin itself, D starts from 0. Where the base model is
        // the origin but a warm-up came first, the first measurement has nothing to compare with.
        let starts_at_origin = config.origin == Origin::Warmup || warmup_steps == 0;
        let previous = self
            .d
            .map(|d| d.value)
            .or(starts_at_origin.then_some(0.0))
            .unwrap_or(value);
        let gained = self.since_d.grpo_share() * (value - previous);
        self.d_gained = (self.d_gained + gained).clamp(0.0, value);
        self.d = Some(Measured { value, step, probe });
        self.since_d = SinceDivergence::default();
    }

    fn observe_updates(&mut self, updates: u64, sft_share: f64, config: &BalanceConfig) {
        self.since_d.updates += updates;
        self.since_d.grpo_updates += updates as f64 * (1.0 - sft_share);
        // An update of SFT takes ρ off, one of which SFT is a part that part of ρ.
        let sft_updates = (updates as f64 * sft_share).min(1.0);
        self.d_gained *= 1.0 - config.ema * sft_updates;
    }
}

/// Whether `signal` has not been refreshed for `probe_every` steps; one that was never measured
/// counts as known at the end of warm-up.
fn is_stale(
    signal: Option<&Measured>,
    step: u64,
    config: &BalanceConfig,
    warmup_steps: u64,
) -> bool {
    let at_hand_over = Measured {
        value: 0.0,
        step: warmup_steps,
        probe: false,
    };
    let age = signal.unwrap_or(&at_hand_over).age(step);
    config.probe_every > 0 && age >= config.probe_every
}

/// One step of an exponential moving average in which the newest value weighs `weight`.
fn average(previous: Option<f64>, newest: f64, weight: f64) -> f64 {
    match previous {
        Some(previous) => (1.0 - weight) * previous + weight * newest,
        None => newest,
    }
}

fn finite(what: &'static str, step: u64, value: f64) -> Result<f64, BalanceError> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(BalanceError::NotFinite { what, step, value })
    }
}
