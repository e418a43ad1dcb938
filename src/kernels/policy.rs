//! The losses of single tokens, from their log-probabilities. Which losses there are and what they
//! mean is said in [`crate::losses`]; here are their formulas and gradients.

use burn::tensor::{Device, Tensor, TensorData};

use super::family::Family;
#[cfg(feature = "gpu")]
use super::wgpu;

/// How the loss of a token comes about. With ρ = exp(log π − log π_old), A its advantage and k3 its
/// divergence from the reference:
///
/// loss = −min(min(ρ, delta)·A, clip(ρ, low, high)·A) + beta·k3, or
/// loss = −sg(min(ρ, high))·A·log π + beta·k3 where `cispo`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surrogate {
    pub cispo: bool,
    /// ρ is one for all tokens of a completion: exp of the mean of log π − log π_old.
    pub by_sequence: bool,
    pub low: f64,
    pub high: f64,
    /// No bound where it is not above 0.
    pub delta: f64,
    pub beta: f64,
    /// k3 is multiplied by ρ.
    pub kl_times_ratio: bool,
    /// Weight of the entropy, which is rewarded.
    pub entropy_coef: f64,
}

impl Surrogate {
    /// −log π of tokens whose advantage is 1: what SFT is.
    #[cfg(feature = "gpu")]
    fn imitation() -> Self {
        Self {
            cispo: true,
            high: 1.0,
            ..Self::default()
        }
    }
}

/// What is known of the n tokens of some completions, one after the other.
#[derive(Clone, Debug, Default)]
pub struct PolicyTokens {
    /// log π_old: `[n]`; without it the policy is its own (on-policy).
    pub old_logps: Option<Vec<f32>>,
    /// log π_ref: `[n]`, needed where β ≠ 0.
    pub ref_logps: Option<Vec<f32>>,
    /// Each token's advantage: `[n]`.
    pub advantages: Vec<f32>,
    /// Each token's weight in the loss: `[n]`.
    pub weights: Vec<f32>,
    /// Each token's weight in the entropy bonus: `[n]`.
    pub entropy_weights: Vec<f32>,
    /// Tokens of each completion, in order.
    pub lengths: Vec<usize>,
}

/// scored: [n, 2], log π and entropy of each token, differentiable → [n, 4]: its part of the loss
/// (weights and the entropy bonus included), ρ (bounded by delta), k3 (times ρ where corrected), its
/// entropy. The loss is the sum of the first column; only that one is differentiated, so that
/// `backward` of the whole is the loss's.
pub fn policy_loss(scored: Tensor<2>, tokens: &PolicyTokens, by: &Surrogate) -> Tensor<2> {
    #[cfg(feature = "gpu")]
    if Family::of(&scored.device()) == Family::Wgpu {
        return wgpu::policy_loss(scored, tokens, by);
    }
    policy_loss_portable(scored, tokens, by)
}

/// −`weight` · Σ log π over the tokens of scored: [n, 2] (see [`policy_loss`]) → a matrix whose first
/// column's sum it is; only that one is differentiated.
pub fn sft_loss(scored: Tensor<2>, weight: f32) -> Tensor<2> {
    #[cfg(feature = "gpu")]
    if Family::of(&scored.device()) == Family::Wgpu {
        let n = scored.dims()[0];
        let tokens = PolicyTokens {
            advantages: vec![1.0; n],
            weights: vec![weight; n],
            entropy_weights: vec![0.0; n],
            // Cut so that many work at it.
            lengths: (0..n)
                .step_by(64)
                .map(|start| (n - start).min(64))
                .collect(),
            ..PolicyTokens::default()
        };
        return wgpu::policy_loss(scored, &tokens, &Surrogate::imitation());
    }
    let logps = scored.narrow(1, 0, 1);
    logps.sum().mul_scalar(-weight).unsqueeze()
}

/// [`policy_loss`] from burn's operations, for every device.
pub fn policy_loss_portable(scored: Tensor<2>, tokens: &PolicyTokens, by: &Surrogate) -> Tensor<2> {
    let device = scored.device();
    let given = |values: &Vec<f32>| vector(values.clone(), &device);
    let [n, _] = scored.dims();
    let column = |index| scored.clone().narrow(1, index, 1).reshape([n]);
    let (logps, entropy): (Tensor<1>, Tensor<1>) = (column(0), column(1));
    let advantages = given(&tokens.advantages);
    let old = tokens.old_logps.as_ref().map(given);
    let old = old.unwrap_or_else(|| logps.clone().detach());
    let log_ratio = logps.clone() - old;
    let ratio = if by.by_sequence {
        sequence_mean(log_ratio, &tokens.lengths).exp()
    } else {
        log_ratio.exp()
    };
    let bounded = if by.delta > 0.0 {
        ratio.clone().clamp_max(by.delta)
    } else {
        ratio.clone()
    };
    let mut loss = if by.cispo {
        let weight = ratio.clone().detach().clamp_max(by.high);
        weight * advantages * logps.clone()
    } else {
        let clipped = ratio.clone().clamp(by.low, by.high) * advantages.clone();
        (bounded.clone() * advantages).min_pair(clipped)
    }
    .neg();
    let mut kl = logps.zeros_like();
    if let Some(reference) = tokens.ref_logps.as_ref().map(given) {
        let difference = reference - logps;
        kl = difference.clone().exp() - difference.sub_scalar(-1.0);
        if by.kl_times_ratio {
            kl = kl * ratio;
        }
        loss = loss + kl.clone().mul_scalar(by.beta);
    }
    let mut part = loss * given(&tokens.weights);
    if by.entropy_coef != 0.0 {
        let bonus = entropy.clone() * given(&tokens.entropy_weights);
        part = part - bonus.mul_scalar(by.entropy_coef);
    }
    Tensor::stack(
        vec![part, bounded.detach(), kl.detach(), entropy.detach()],
        1,
    )
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

fn vector(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let size = values.len();
    Tensor::from_data(TensorData::new(values, [size]), device)
}
