//! Why a step is what it is, in numbers and in a sentence.

use serde::{Deserialize, Serialize};

use super::{Branch, Measured, Phase};
use crate::config::Method;

/// Everything behind one decision. What does not apply to a method is `None` or empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The step that was decided, from 1.
    pub step: u64,
    pub method: Method,
    pub phase: Phase,
    pub branch: Branch,
    /// The rule that applied.
    pub reason: Reason,
    /// Probability of SFT (in a blend its weight); 1 or 0 where nothing was drawn.
    pub p: f64,
    /// The draw: SFT if α < p. `None` in a blend and in methods that do not draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// p before it was clamped (sasr only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_unclamped: Option<f64>,
    /// logit of `p_unclamped`: the sum of `terms` (sasr only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_odds: Option<f64>,
    /// The log-odds one by one (sasr only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<LogOddsTerm>,
    /// The bound that p was clamped to, if it was (sasr only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clamped: Option<Bound>,
    /// G: the SFT gradient norm (before clipping), averaged over SFT steps.
    #[serde(default, rename = "G", skip_serializing_if = "Option::is_none")]
    pub g: Option<f64>,
    /// Where G was last refreshed; `None` while G_warm stands for it.
    #[serde(default, rename = "G_source", skip_serializing_if = "Option::is_none")]
    pub g_source: Option<Source>,
    /// G at the end of warm-up.
    #[serde(default, rename = "G_warm", skip_serializing_if = "Option::is_none")]
    pub g_warm: Option<f64>,
    /// Divergence from the origin in nats per completion token, capped.
    #[serde(default, rename = "D", skip_serializing_if = "Option::is_none")]
    pub d: Option<f64>,
    /// Where D was last measured.
    #[serde(default, rename = "D_source", skip_serializing_if = "Option::is_none")]
    pub d_source: Option<Source>,
    /// The part of D that counts: gained in GRPO steps, not yet overwritten by SFT.
    #[serde(default, rename = "D_pull")]
    pub d_pull: f64,
    /// What would have tipped the decision; empty where there was none to tip.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tips: Vec<Tip>,
}

/// The rule that applied to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// The first `of` steps are SFT.
    Warmup { of: u64 },
    /// The method knows this branch only.
    Only,
    /// `static`: its `sft_steps` SFT steps are over.
    AfterStaticShare { sft_steps: u64 },
    /// `periodic`: step `position` (from 1) of a period; the last one is SFT.
    Period { position: u64, period: u64 },
    /// α was compared with p.
    Draw,
    /// Both branches, weighted by p.
    Blend,
}

/// One summand of logit p.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogOddsTerm {
    /// `gradient_norm`, `gamma` or `divergence`.
    pub name: String,
    /// As in the formula, e.g. `log(G / G_warm)`.
    pub symbol: String,
    pub value: f64,
    /// One sentence for people.
    pub explanation: String,
}

/// Which bound p was clamped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// p_min
    Min,
    /// p_max
    Max,
}

/// When a signal was last measured, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub step: u64,
    pub probe: bool,
}

impl From<&Measured> for Source {
    fn from(measured: &Measured) -> Self {
        Self {
            step: measured.step,
            probe: measured.probe,
        }
    }
}

/// One change that would have turned the decision, everything else as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tip {
    /// What would have had to differ.
    pub quantity: Quantity,
    /// On which side of `threshold` the decision is the other one.
    pub side: Side,
    /// Where the decision turns.
    pub threshold: f64,
    /// What it was.
    pub value: f64,
    /// One sentence for people.
    pub sentence: String,
}

/// A number that a decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantity {
    #[serde(rename = "alpha")]
    Alpha,
    #[serde(rename = "G")]
    G,
    /// D_pull, the part of the divergence that counts.
    #[serde(rename = "D")]
    D,
    #[serde(rename = "gamma")]
    Gamma,
    #[serde(rename = "lambda")]
    Lambda,
}

impl Quantity {
    /// As in the formula.
    pub fn symbol(self) -> &'static str {
        match self {
            Quantity::Alpha => "α",
            Quantity::G => "G",
            Quantity::D => "D_pull",
            Quantity::Gamma => "γ",
            Quantity::Lambda => "λ",
        }
    }
}

/// A side of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Above,
    Below,
}

impl Tip {
    /// α falls on one side of p or the other: SFT below, GRPO from p on.
    /// `None` where no α could have been on the other side.
    pub(super) fn alpha(alpha: f64, p: f64) -> Option<Self> {
        let (side, instead) = if alpha < p {
            (Side::Above, Branch::Grpo)
        } else {
            (Side::Below, Branch::Sft)
        };
        (0.0 < p && p < 1.0).then(|| Self::new(Quantity::Alpha, alpha, side, p, instead))
    }

    /// `quantity` is at `value`; on `side` of `threshold` the step is `instead`.
    pub(super) fn new(
        quantity: Quantity,
        value: f64,
        side: Side,
        threshold: f64,
        instead: Branch,
    ) -> Self {
        let sentence = format!(
            "With {} {} {} this step would have been {}; it was {}.",
            quantity.symbol(),
            match side {
                Side::Above => "above",
                Side::Below => "below",
            },
            short(threshold),
            instead.label(),
            short(value),
        );
        Self {
            quantity,
            side,
            threshold,
            value,
            sentence,
        }
    }
}

impl Branch {
    /// As people write it.
    pub fn label(self) -> &'static str {
        match self {
            Branch::Sft => "SFT",
            Branch::Grpo => "GRPO",
            Branch::Blend => "a blend",
        }
    }
}

impl Explanation {
    /// The decision in one plain sentence.
    pub fn sentence(&self) -> String {
        let branch = self.branch.label();
        match self.reason {
            Reason::Warmup { of } => {
                format!(
                    "SFT, because step {} is one of the {of} warm-up steps.",
                    self.step
                )
            }
            Reason::Only => format!("{branch}, because this method knows nothing else."),
            Reason::AfterStaticShare { sft_steps } => {
                format!("GRPO, because the first {sft_steps} steps, spent on SFT, are over.")
            }
            Reason::Period { position, period } => match self.branch {
                Branch::Sft => format!("SFT, because every {period} steps one is SFT."),
                _ => format!(
                    "GRPO, because this is step {position} of a period of {period}, \
                     and only the last one is SFT."
                ),
            },
            Reason::Draw => {
                let relation = match self.branch {
                    Branch::Sft => "fell below",
                    _ => "did not fall below",
                };
                let alpha = self.alpha.map(short).unwrap_or_default();
                format!(
                    "{branch}, because the draw α = {alpha} {relation} p = {}{}.",
                    short(self.p),
                    self.grounds()
                )
            }
            Reason::Blend => format!(
                "A blend of {:.0} % SFT and {:.0} % GRPO, because p = {}{}.",
                100.0 * self.p,
                100.0 * (1.0 - self.p),
                short(self.p),
                self.grounds()
            ),
        }
    }

    /// What p rests on, as the end of a sentence; empty where p is simply set.
    fn grounds(&self) -> String {
        if self.terms.is_empty() {
            return String::new();
        }
        let bound = match self.clamped {
            Some(Bound::Min) => " (its lower bound)",
            Some(Bound::Max) => " (its upper bound)",
            None => "",
        };
        let gradient = match (self.g, self.g_warm) {
            (Some(g), Some(g_warm)) => format!(
                "the SFT gradient norm is {} of what it was after warm-up",
                percent(g / g_warm)
            ),
            _ => "the SFT gradient norm has not been measured yet".to_string(),
        };
        let pull = self
            .terms
            .iter()
            .filter(|term| term.name == LogOddsTerm::DIVERGENCE && term.value > 0.0)
            .map(|term| {
                format!(
                    ", and the {} nats gained in GRPO steps add {} to the log-odds",
                    short(self.d_pull),
                    short(term.value)
                )
            })
            .collect::<String>();
        format!("{bound}: {gradient}{pull}")
    }
}

impl LogOddsTerm {
    /// Name of log(G / G_warm).
    pub const GRADIENT_NORM: &'static str = "gradient_norm";
    /// Name of −log γ.
    pub const GAMMA: &'static str = "gamma";
    /// Name of λ·D_pull.
    pub const DIVERGENCE: &'static str = "divergence";
}

/// Three decimals, or scientific where those would say nothing.
fn short(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e4).contains(&size) {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    }
}

/// A share in whole percent, with decimals where it is small.
fn percent(share: f64) -> String {
    if share >= 0.1 {
        format!("{:.0} %", 100.0 * share)
    } else {
        format!("{:.2} %", 100.0 * share)
    }
}
