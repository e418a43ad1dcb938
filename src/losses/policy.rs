//! The policy-gradient loss: GRPO and its variants, with TRL's names and conventions.
//!
//! Per token, with ρ = exp(log π − log π_old) (of the token, or of the sequence's mean for GSPO)
//! and A the completion's advantage:
//!
//! - grpo, bnpo, dr_grpo, dapo: −min(ρ·A, clip(ρ, 1 − ε, 1 + ε_high)·A), with ρ in the first term
//!   bounded by δ where one is given (two-sided clipping);
//! - cispo: −sg(min(ρ, ε_high))·A·log π (MiniMax-M1, 2025);
//! - plus β·k3, k3 = exp(log π_ref − log π) − (log π_ref − log π) − 1 (Schulman 2020), times ρ where
//!   the bias correction is on;
//! - minus the entropy bonus.
//!
//! Tokens of all completions lie one after the other; how a loss type averages is a weight per
//! token ([`row_weights`]), so a batch may be split among micro-batches and shards at will.

use burn::tensor::Tensor;

use crate::config::{GrpoConfig, ImportanceSamplingLevel, LossType};

/// What the loss of some completions is computed from: n tokens of all of them in order.
pub struct PolicyInputs {
    /// log π of the model being trained, differentiable: `[n]`.
    pub logps: Tensor<1>,
    /// Entropy of the model's distribution, differentiable: `[n]`.
    pub entropy: Tensor<1>,
    /// log π_old: `[n]`; without it the policy is its own (on-policy).
    pub old_logps: Option<Tensor<1>>,
    /// log π_ref: `[n]`, needed where β ≠ 0.
    pub ref_logps: Option<Tensor<1>>,
    /// Each token's advantage: `[n]`.
    pub advantages: Tensor<1>,
    /// Each token's weight in the loss: `[n]`.
    pub weights: Tensor<1>,
    /// Each token's weight in the entropy bonus: `[n]`.
    pub entropy_weights: Tensor<1>,
    /// Tokens of each completion, in order.
    pub lengths: Vec<usize>,
}

/// A loss and what its metrics are computed from.
pub struct PolicyLoss {
    /// The weighted sum: `[1]`.
    pub loss: Tensor<1>,
    /// Per token [ρ (bounded by δ), k3 (times ρ where corrected), entropy], without autodiff: [n, 3].
    pub tokens: Tensor<2>,
}

/// Computes the loss. `temperature` has already gone into the log-probabilities.
pub fn policy_loss(inputs: PolicyInputs, config: &GrpoConfig) -> PolicyLoss {
    let PolicyInputs {
        logps,
        entropy,
        old_logps,
        ref_logps,
        advantages,
        weights,
        entropy_weights,
        lengths,
    } = inputs;
    let (low, high) = clip_bounds(config);
    let old = old_logps.unwrap_or_else(|| logps.clone().detach());
    let log_ratio = logps.clone() - old;
    let ratio = match config.importance_sampling_level {
        ImportanceSamplingLevel::Token => log_ratio.exp(),
        ImportanceSamplingLevel::Sequence => sequence_mean(log_ratio, &lengths).exp(),
    };
    let bounded = if config.delta > 0.0 {
        ratio.clone().clamp_max(config.delta)
    } else {
        ratio.clone()
    };
    let mut loss = match config.loss_type {
        LossType::Cispo => {
            let weight = ratio.clone().detach().clamp_max(high);
            weight * advantages * logps.clone()
        }
        _ => {
            let clipped = ratio.clone().clamp(low, high) * advantages.clone();
            (bounded.clone() * advantages).min_pair(clipped)
        }
    }
    .neg();
    let mut kl = logps.zeros_like();
    if let Some(reference) = ref_logps {
        let difference = reference - logps;
        kl = difference.clone().exp() - difference.sub_scalar(-1.0);
        if config.use_bias_correction_kl {
            kl = kl * ratio;
        }
        loss = loss + kl.clone().mul_scalar(config.beta);
    }
    let mut total = (loss * weights).sum();
    if config.entropy_coef != 0.0 {
        let bonus = (entropy.clone() * entropy_weights).sum();
        total = total - bonus.mul_scalar(config.entropy_coef);
    }
    let tokens = Tensor::stack(vec![bounded.inner(), kl.inner(), entropy.inner()], 1);
    PolicyLoss {
        loss: total,
        tokens,
    }
}

/// The interval ratios are clipped to; for cispo the upper end is the bound itself.
pub fn clip_bounds(config: &GrpoConfig) -> (f64, f64) {
    let high = if config.epsilon_high > 0.0 {
        config.epsilon_high
    } else {
        config.epsilon
    };
    match config.loss_type {
        LossType::Cispo => (0.0, high),
        _ => (1.0 - config.epsilon, 1.0 + high),
    }
}

/// Each token's sequence mean, differentiable through all tokens of the sequence: [n] → [n].
fn sequence_mean(x: Tensor<1>, lengths: &[usize]) -> Tensor<1> {
    let mut start = 0;
    let mut means = Vec::with_capacity(lengths.len());
    for &length in lengths.iter().filter(|&&length| length > 0) {
        let mean = x.clone().narrow(0, start, length).mean();
        means.push(mean.expand([length]));
        start += length;
    }
    Tensor::cat(means, 0)
}

/// The weight of each completion's tokens in the loss of one optimizer step.
///
/// - `micro_batches`: completion lengths by micro-batch (0 for a completion left out by masking:
///   it still counts as a row);
/// - `num_items`: completion tokens of the whole generation batch (dapo, cispo);
/// - `max_completion_length`: the configured budget (dr_grpo).
///
/// Returns for each completion of each micro-batch [weight in the loss, weight in the entropy
/// bonus], the same for all its tokens.
pub fn row_weights(
    loss_type: LossType,
    micro_batches: &[Vec<usize>],
    num_items: f64,
    max_completion_length: usize,
) -> Vec<Vec<[f32; 2]>> {
    let accumulated = micro_batches.len() as f64;
    let of_micro_batch = |lengths: &Vec<usize>| {
        let rows = lengths.len() as f64;
        let tokens = lengths.iter().sum::<usize>().max(1) as f64;
        let weight = |length: usize| match loss_type {
            LossType::Grpo => 1.0 / (rows * length.max(1) as f64 * accumulated),
            LossType::Bnpo => 1.0 / (tokens * accumulated),
            LossType::DrGrpo => 1.0 / (rows * max_completion_length as f64 * accumulated),
            LossType::Dapo | LossType::Cispo => 1.0 / num_items.max(1.0),
        };
        let entropy = 1.0 / (tokens * accumulated);
        lengths
            .iter()
            .map(|&length| [weight(length) as f32, entropy as f32])
            .collect()
    };
    micro_batches.iter().map(of_micro_batch).collect()
}

/// Metrics of a policy step under TRL's names, from the per-token values of [`PolicyLoss`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyMetrics {
    sums: std::collections::BTreeMap<&'static str, f64>,
    low_min: Option<f64>,
    high_max: Option<f64>,
    tokens: f64,
    rows: f64,
}

impl PolicyMetrics {
    /// Adds the tokens of some completions: `values` is [n, 3] row after row, `lengths` and
    /// `advantages` are by completion.
    pub fn add(
        &mut self,
        values: &[f32],
        lengths: &[usize],
        advantages: &[f32],
        config: &GrpoConfig,
    ) {
        let (low, high) = clip_bounds(config);
        let cispo = config.loss_type == LossType::Cispo;
        let mut start = 0;
        for (&length, &advantage) in lengths.iter().zip(advantages) {
            if length == 0 {
                continue;
            }
            let tokens = values[3 * start..3 * (start + length)].chunks_exact(3);
            start += length;
            let (mut lows, mut highs) = (0.0, 0.0);
            for token in tokens {
                let ratio = f64::from(token[0]);
                *self.sums.entry("kl").or_default() += f64::from(token[1]);
                *self.sums.entry("entropy").or_default() += f64::from(token[2]);
                lows += f64::from(u8::from(ratio < low && advantage < 0.0));
                highs += f64::from(u8::from(ratio > high && advantage > 0.0));
            }
            // At the sequence level all tokens of a row share one ratio, and rows are counted.
            if config.importance_sampling_level == ImportanceSamplingLevel::Sequence {
                lows /= length as f64;
                highs /= length as f64;
            }
            let share = match config.importance_sampling_level {
                ImportanceSamplingLevel::Token => length as f64,
                ImportanceSamplingLevel::Sequence => 1.0,
            };
            *self.sums.entry("low").or_default() += lows;
            *self.sums.entry("high").or_default() += highs;
            let (row_low, row_high) = (lows / share, highs / share);
            self.low_min = Some(self.low_min.map_or(row_low, |least| least.min(row_low)));
            self.high_max = Some(self.high_max.map_or(row_high, |most| most.max(row_high)));
            self.tokens += length as f64;
            self.rows += 1.0;
        }
        if cispo {
            // The lower bound does not exist for cispo.
            self.sums.insert("low", 0.0);
        }
    }

    /// Adds what other shards counted.
    pub fn merge(&mut self, other: Self) {
        for (name, sum) in other.sums {
            *self.sums.entry(name).or_default() += sum;
        }
        let least = [self.low_min, other.low_min]
            .into_iter()
            .flatten()
            .reduce(f64::min);
        let most = [self.high_max, other.high_max]
            .into_iter()
            .flatten()
            .reduce(f64::max);
        (self.low_min, self.high_max) = (least, most);
        self.tokens += other.tokens;
        self.rows += other.rows;
    }

    /// `entropy`, `kl` (where β ≠ 0) and the clip ratios.
    pub fn finish(&self, config: &GrpoConfig) -> std::collections::BTreeMap<String, f64> {
        let mut metrics = std::collections::BTreeMap::new();
        if self.tokens == 0.0 {
            return metrics;
        }
        let sum = |name: &str| self.sums.get(name).copied().unwrap_or(0.0);
        metrics.insert("entropy".into(), sum("entropy") / self.tokens);
        if config.beta != 0.0 {
            metrics.insert("kl".into(), sum("kl") / self.tokens);
        }
        let count = match config.importance_sampling_level {
            ImportanceSamplingLevel::Token => self.tokens,
            ImportanceSamplingLevel::Sequence => self.rows,
        };
        if config.loss_type == LossType::Cispo {
            metrics.insert("cispo_clip_ratio".into(), sum("high") / count);
            return metrics;
        }
        metrics.insert("clip_ratio/low_mean".into(), sum("low") / count);
        metrics.insert("clip_ratio/high_mean".into(), sum("high") / count);
        metrics.insert(
            "clip_ratio/region_mean".into(),
            (sum("low") + sum("high")) / count,
        );
        metrics.insert("clip_ratio/low_min".into(), self.low_min.unwrap_or(0.0));
        metrics.insert("clip_ratio/high_max".into(), self.high_max.unwrap_or(0.0));
        metrics
    }
}

/// The k3 estimate of KL(π ‖ origin) per token in nats, from log-probabilities of tokens that π
/// sampled: mean of exp(δ) − δ − 1 with δ = log origin − log π (Schulman 2020, "Approximating KL
/// divergence"). Never negative.
pub fn k3_mean(policy: &[f32], origin: &[f32]) -> f64 {
    let k3 = |(&policy, &origin): (&f32, &f32)| {
        let difference = f64::from(origin) - f64::from(policy);
        difference.exp() - difference - 1.0
    };
    policy.iter().zip(origin).map(k3).sum::<f64>() / policy.len().max(1) as f64
}
