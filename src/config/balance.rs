//! The balance between textbook and quiz.

use serde::{Deserialize, Serialize};

/// Which controller decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The adaptive rule (docs in `balance::sasr`).
    #[default]
    Sasr,
    /// SFT only.
    Sft,
    /// GRPO only, from the base model, without warm-up.
    Grpo,
    /// SFT for `static_share` of the budget, then GRPO.
    Static,
    /// One SFT step every `period` steps, GRPO otherwise.
    Periodic,
    /// SFT with the fixed probability `constant_p`.
    Constant,
    /// SFT with a probability that falls from `p_max` to `p_min` along half a cosine.
    Cosine,
}

impl Method {
    /// All of them, in the order of tables: the adaptive one first.
    pub const ALL: [Self; 7] = [
        Self::Sasr,
        Self::Sft,
        Self::Grpo,
        Self::Static,
        Self::Periodic,
        Self::Constant,
        Self::Cosine,
    ];

    /// As in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sasr => "sasr",
            Self::Sft => "sft",
            Self::Grpo => "grpo",
            Self::Static => "static",
            Self::Periodic => "periodic",
            Self::Constant => "constant",
            Self::Cosine => "cosine",
        }
    }

    /// What it does, for who meets it for the first time.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Sasr => "Decides at every step between textbook (SFT) and quiz (GRPO)",
            Self::Sft => "Textbook only",
            Self::Grpo => "Quiz only, from the base model",
            Self::Static => "Textbook first, quiz for the rest",
            Self::Periodic => "Textbook at every n-th step, quiz otherwise",
            Self::Constant => "Textbook with a fixed probability",
            Self::Cosine => "Textbook with a probability that falls along a cosine",
        }
    }

    /// Its place in [`Self::ALL`]: of its colour, too.
    pub fn place(self) -> usize {
        let mut all = Self::ALL.iter();
        all.position(|method| *method == self).unwrap_or(0)
    }
}

/// How SFT and GRPO are mixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Whole steps of one or the other.
    #[default]
    Switch,
    /// Both in every step, weighted by p.
    Blend,
}

/// How G_warm is computed from the warm-up's gradient norms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarmStatistic {
    /// Mean over the last `g_warm_window` steps.
    #[default]
    Mean,
    /// The last step's norm.
    Last,
    /// Exponential moving average with weight `ema`.
    Ema,
}

/// The policy that D (and GRPO's KL) is measured from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The policy at the end of warm-up.
    #[default]
    Warmup,
    /// The base model.
    Base,
}

/// `[balance]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BalanceConfig {
    /// Default `"sasr"`.
    pub method: Method,
    /// Default `"switch"`.
    pub mode: Mode,
    /// SFT steps of warm-up (methods sasr, periodic, cosine; the others have none). Default 100.
    pub warmup_steps: u64,
    /// γ > 0: larger means less SFT. Default 1.
    pub gamma: f64,
    /// λ ≥ 0: pull back to the textbook per nat of divergence. Default 0.5.
    pub lambda: f64,
    /// ρ in (0, 1]: weight of the newest SFT gradient norm in G; 1 is no smoothing. Default 0.1.
    pub ema: f64,
    /// Smallest p, in [0, 1). Default 0.05.
    pub p_min: f64,
    /// Largest p, in (0, 1]. Default 0.95.
    pub p_max: f64,
    /// Cap on D in nats per token. Default 1.
    pub d_cap: f64,
    /// Largest divergence of a single token that counts in D, in nats; how many were cut is logged. One
    /// token that the origin would hardly have chosen may otherwise stand for thousands. 0 is no bound.
    /// Default 5.
    pub d_token_cap: f64,
    /// Weight of the newest measurement in D, in (0, 1]; 1 is no smoothing. A probe replaces D. Default 0.3.
    pub d_ema: f64,
    /// Default `"mean"`.
    pub g_warm: WarmStatistic,
    /// Default 20.
    pub g_warm_window: usize,
    /// Measure G or D anew when no step has for this many steps; 0 never. Default 20.
    pub probe_every: u64,
    /// Problems asked in a probe's rollouts. Default 4.
    pub probe_prompts: usize,
    /// The origin of D. Default `"warmup"`.
    pub origin: Origin,
    /// The origin of GRPO's KL; without it the same as `origin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kl_origin: Option<Origin>,
    /// For `static`: share of `horizon` spent on SFT first. Default 0.5.
    pub static_share: f64,
    /// Steps that `static` and `cosine` are spread over; 0 means `max_steps` as it is when the run
    /// starts. It stays: a run that is extended goes on with GRPO (`static`) or at `p_min` (`cosine`).
    /// Default 0.
    pub horizon: u64,
    /// For `periodic`: one SFT step in this many. Default 2.
    pub period: u64,
    /// For `constant`. Default 0.5.
    pub constant_p: f64,
}

impl Default for BalanceConfig {
    fn default() -> Self {
        Self {
            method: Method::default(),
            mode: Mode::default(),
            warmup_steps: 100,
            gamma: 1.0,
            lambda: 0.5,
            ema: 0.1,
            p_min: 0.05,
            p_max: 0.95,
            d_cap: 1.0,
            d_token_cap: 5.0,
            d_ema: 0.3,
            g_warm: WarmStatistic::default(),
            g_warm_window: 20,
            probe_every: 20,
            probe_prompts: 4,
            origin: Origin::default(),
            kl_origin: None,
            static_share: 0.5,
            horizon: 0,
            period: 2,
            constant_p: 0.5,
        }
    }
}
