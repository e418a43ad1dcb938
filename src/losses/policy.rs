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
//! token ([`row_weights`]), so shards only add up, and so do micro-batches but for bnpo and the entropy
//! bonus.

use burn::tensor::Tensor;

use crate::config::{GrpoConfig, ImportanceSamplingLevel, LossType};
use crate::kernels::{self, PolicyTokens, Surrogate};

/// The loss of completion tokens `scored`: [n, 2], log π and entropy of the model being trained (the
/// temperature has already gone into them) → [n, 4] per token, see [`kernels::policy_loss`].
pub fn policy_loss(scored: Tensor<2>, tokens: &PolicyTokens, config: &GrpoConfig) -> Tensor<2> {
    let (low, high) = clip_bounds(config);
    let surrogate = Surrogate {
        cispo: config.loss_type == LossType::Cispo,
        by_sequence: config.importance_sampling_level == ImportanceSamplingLevel::Sequence,
        low,
        high,
        delta: config.delta,
        beta: config.beta,
        kl_times_ratio: config.use_bias_correction_kl,
        entropy_coef: config.entropy_coef,
    };
    kernels::policy_loss(scored, tokens, &surrogate)
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

/// The weight of each completion's tokens in the loss of one optimizer step. Every completion of the
/// generation batch counts in the denominators, those that add nothing to the loss included.
///
/// - `micro_batches`: completion lengths by micro-batch (0 for a completion left out by masking:
///   it still counts as a row);
/// - `num_items`: completion tokens of the whole generation batch (dapo, cispo);
/// - `max_completion_length`: the configured budget (dr_grpo).
///
/// bnpo and the entropy bonus average over the tokens of each micro-batch, and then over micro-batches:
/// that is their definition in TRL, so with them alone it matters how a batch is split.
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
    let rows = micro_batches.iter().map(Vec::len).sum::<usize>() as f64;
    let of_micro_batch = |lengths: &Vec<usize>| {
        let tokens = lengths.iter().sum::<usize>().max(1) as f64;
        let by_micro_batch = 1.0 / (tokens * accumulated);
        let weight = |length: usize| match loss_type {
            LossType::Grpo => 1.0 / (rows * length.max(1) as f64),
            LossType::Bnpo => by_micro_batch,
            LossType::DrGrpo => 1.0 / (rows * max_completion_length as f64),
            LossType::Dapo | LossType::Cispo => 1.0 / num_items.max(1.0),
        };
        lengths
            .iter()
            .map(|&length| [weight(length) as f32, by_micro_batch as f32])
            .collect()
    };
    micro_batches.iter().map(of_micro_batch).collect()
}

/// Metrics of a policy step under TRL's names, from the per-token values of [`policy_loss`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyMetrics {
    sums: std::collections::BTreeMap<&'static str, f64>,
    low_min: Option<f64>,
    high_max: Option<f64>,
    tokens: f64,
    rows: f64,
}

impl PolicyMetrics {
    /// Adds the tokens of some completions: `values` is [n, 4] row after row, as [`policy_loss`] gives
    /// them, `lengths` and `advantages` are by completion.
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
            let tokens = values[4 * start..4 * (start + length)].chunks_exact(4);
            start += length;
            let (mut lows, mut highs) = (0.0, 0.0);
            for token in tokens {
                let ratio = f64::from(token[1]);
                *self.sums.entry("kl").or_default() += f64::from(token[2]);
                *self.sums.entry("entropy").or_default() += f64::from(token[3]);
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

/// How far a policy is from its origin, over some tokens that it sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Divergence {
    /// Nats per token.
    pub nats: f64,
    pub tokens: u64,
    /// Tokens that were cut to the cap.
    pub capped: u64,
}

/// The k3 estimate of KL(π ‖ origin) per token in nats, from log-probabilities of tokens that π
/// sampled: mean of min(exp(δ) − δ − 1, `cap`) with δ = log origin − log π (Schulman 2020,
/// "Approximating KL divergence"). Never negative. A `cap` of 0 is none.
///
/// The mean of k3 is unbiased and has heavy tails: a token that π samples with probability 10⁻³ and the
/// origin with ½ is worth 493 nats, as much as all others of a batch together. With the cap the estimate is
/// slightly too low and steady.
pub fn divergence(policy: &[f32], origin: &[f32], cap: f64) -> Divergence {
    let cap = if cap > 0.0 { cap } else { f64::INFINITY };
    let (mut sum, mut capped) = (0.0, 0);
    for (&policy, &origin) in policy.iter().zip(origin) {
        let difference = f64::from(origin) - f64::from(policy);
        let k3 = difference.exp() - difference - 1.0;
        // A value that is not finite must not pass for a large one.
        let k3 = if k3.is_finite() { k3 } else { f64::NAN };
        capped += u64::from(k3 > cap);
        sum += if k3 > cap { cap } else { k3 };
    }
    Divergence {
        nats: sum / policy.len().max(1) as f64,
        tokens: policy.len() as u64,
        capped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unlikely_token_does_not_stand_for_all_others() {
        // 1999 tokens that both hold alike, and one that the origin holds 500 times likelier.
        let mut policy = vec![-1.0f32; 2000];
        let mut origin = vec![-1.01f32; 2000];
        (policy[7], origin[7]) = ((1e-3f32).ln(), 0.5f32.ln());
        let whole = divergence(&policy, &origin, 0.0);
        assert!((whole.nats - 0.2465).abs() < 1e-3, "{}", whole.nats);
        assert_eq!((whole.tokens, whole.capped), (2000, 0));
        let cut = divergence(&policy, &origin, 5.0);
        assert!(cut.nats < 0.003 && cut.capped == 1, "{cut:?}");
        assert!(cut.nats > divergence(&policy[..7], &origin[..7], 5.0).nats);
        // Where no token comes near the cap, both are k3's mean: exp(δ) − δ − 1.
        let by_hand = (-0.01f64).exp() + 0.01 - 1.0;
        for cap in [0.0, 5.0] {
            let near = divergence(&policy[..7], &origin[..7], cap).nats;
            assert!((near - by_hand).abs() < 1e-7, "{near}");
        }
        let broken = divergence(&[f32::NAN], &[0.0], 5.0);
        assert!(broken.nats.is_nan());
        let impossible = divergence(&[-1.0], &[f32::NEG_INFINITY], 5.0);
        assert!(impossible.nats.is_nan() && impossible.capped == 0);
        assert_eq!(divergence(&[], &[], 5.0), Divergence::default());
    }
}
