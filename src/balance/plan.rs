//! What a step is to do.

use serde::{Deserialize, Serialize};

use super::{Explanation, Observation};
use crate::curriculum::ProblemRef;

/// Where a controller stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// SFT before the first decision.
    Warmup,
    /// A decision before every step.
    Adaptive,
}

/// Which kind of step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// The textbook alone.
    Sft,
    /// The quiz alone.
    Grpo,
    /// Both, weighted.
    Blend,
}

/// A step's loss terms, and why these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is learnt from; weights add up to 1 in the methods built in.
    pub terms: Vec<Term>,
    /// Why.
    pub explanation: Explanation,
}

/// One loss with its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    pub loss: LossTerm,
    /// Factor on the gradient (and, in a blend, on the learning rate).
    pub weight: f64,
    /// What the loss is computed on.
    pub problems: Which,
    /// How the tokens of demonstrations are weighted; `None` weighs them alike.
    pub token_weighting: Option<TokenWeighting>,
}

/// Which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossTerm {
    /// Negative log-likelihood of demonstrations.
    Sft,
    /// The clipped surrogate on rollouts.
    Grpo,
}

/// Which problems a loss is computed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The next batch of training demonstrations.
    Demonstrations,
    /// The next training problems of the unlocked levels.
    Unlocked,
    /// These: for methods that gate problem by problem (HPT, ReLIFT).
    These(Vec<ProblemRef>),
}

/// A factor on each demonstration token's loss, from its probability π under the policy and without
/// gradient (reference: CHORD, arXiv 2508.11408; LUFFY, arXiv 2504.14945).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenWeighting {
    /// CHORD-φ: π·(1 − π), most for tokens the policy is unsure of.
    Phi,
    /// LUFFY's policy shaping: γ·π / (π + γ)², the slope of π / (π + γ) over log π.
    Shaped { gamma: f64 },
}

impl Plan {
    /// The plan that carries out an explained decision.
    pub(super) fn new(explanation: Explanation) -> Self {
        let sft = |weight| Term {
            loss: LossTerm::Sft,
            weight,
            problems: Which::Demonstrations,
            token_weighting: None,
        };
        let grpo = |weight| Term {
            loss: LossTerm::Grpo,
            weight,
            problems: Which::Unlocked,
            token_weighting: None,
        };
        let terms = match explanation.branch {
            Branch::Sft => vec![sft(1.0)],
            Branch::Grpo => vec![grpo(1.0)],
            Branch::Blend => vec![sft(explanation.p), grpo(1.0 - explanation.p)],
        };
        Self { terms, explanation }
    }

    /// SFT's part of the plan, in [0, 1].
    pub fn sft_share(&self) -> f64 {
        let (mut sft, mut all) = (0.0, 0.0);
        for term in &self.terms {
            all += term.weight;
            if term.loss == LossTerm::Sft {
                sft += term.weight;
            }
        }
        if all > 0.0 { sft / all } else { 0.0 }
    }

    /// Whether rollouts are part of the plan.
    pub fn asks(&self) -> bool {
        self.terms.iter().any(|term| term.loss == LossTerm::Grpo)
    }

    /// The observation that this plan was carried out as it stands, in one update; `updated` is false
    /// where the weights stayed as they were.
    pub fn taken(&self, updated: bool) -> Observation {
        self.carried_out(u64::from(updated), self.sft_share())
    }

    /// The observation that this plan was carried out in `updates` updates, of which SFT really had
    /// the share `sft_share`: GRPO's part falls away where its rollouts taught nothing, and with μ > 1
    /// it has updates of its own.
    pub fn carried_out(&self, updates: u64, sft_share: f64) -> Observation {
        Observation::Step {
            step: self.explanation.step,
            sft_share: match updates {
                0 => self.sft_share(),
                _ => sft_share,
            },
            updated: updates > 0,
            updates: updates.max(1),
            asked: self.asks(),
        }
    }
}
