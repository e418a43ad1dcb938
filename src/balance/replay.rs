//! What would have been decided, from the log of what was measured.

use serde::{Deserialize, Serialize};

use super::{BalanceError, Controller, Explanation, Observation, build};
use crate::config::BalanceConfig;

/// What a replay needs of one step; a line of `metrics.jsonl` reads as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedStep {
    /// Counts update attempts from 1.
    pub step: u64,
    /// Everything the controller was told in this step, probes included, in order.
    #[serde(default, rename = "sasr/measured")]
    pub measured: Vec<Observation>,
}

/// A log that cannot be replayed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReplayError {
    /// Steps are missing, doubled or out of order.
    #[error(
        "the log goes on with step {found} where step {expected} was expected; \
         a replay needs every step from the first on, once and in order"
    )]
    NotConsecutive { expected: u64, found: u64 },
    /// A logged measurement cannot be used.
    #[error("the log of step {step} cannot be replayed: {source}")]
    Observation { step: u64, source: BalanceError },
}

/// Decides every logged step again under `config`, and says why.
///
/// The measured signals are held fixed, and so is what each step really did: a replay with another
/// γ or λ shows what would have been decided *at the logged policies*, not what a run under them
/// would have become, since other decisions would have led to other policies and other
/// measurements. Under the log's own configuration, seed and budget it repeats every p, α and
/// branch exactly. (Where settings were changed while the run went on, it answers for `config`
/// throughout.) With λ > 0, a log made under λ = 0 counts D as 0 where it holds no divergence.
pub fn replay(
    config: &BalanceConfig,
    seed: u64,
    max_steps: u64,
    log: &[LoggedStep],
) -> Result<Vec<Explanation>, ReplayError> {
    let mut controller = build(config, seed, max_steps);
    let mut explanations = Vec::with_capacity(log.len());
    for (expected, logged) in (1..).zip(log) {
        let step = logged.step;
        if step != expected {
            return Err(ReplayError::NotConsecutive {
                expected,
                found: step,
            });
        }
        let (before, after): (Vec<_>, Vec<_>) = logged
            .measured
            .iter()
            .partition(|observation| observation.precedes_plan());
        tell(controller.as_mut(), step, before)?;
        explanations.push(controller.plan(step).explanation);
        tell(controller.as_mut(), step, after)?;
    }
    Ok(explanations)
}

fn tell(
    controller: &mut dyn Controller,
    step: u64,
    observations: Vec<&Observation>,
) -> Result<(), ReplayError> {
    observations.into_iter().try_for_each(|observation| {
        controller
            .observe(observation)
            .map_err(|source| ReplayError::Observation { step, source })
    })
}
