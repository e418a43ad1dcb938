//! Choosing the next token: Gumbel-max over logits / T with noise from a counter-based generator.
//!
//! arg max (logits/T + g), g = −ln(−ln u), is a draw from softmax(logits/T). The uniform u of each
//! token is a hash of (seed, problem, sample, position, token) in 32-bit integers, so a completion
//! depends on nothing else: not on its neighbours in the batch, not on the device.

use crate::kernels::simd::{exp, ln, max, sum_of, vectorized};
use crate::rng::{hash32, mix32};

/// How tokens are chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the most probable token.
    pub temperature: f64,
    /// Keep the k most probable tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep the smallest set of tokens whose probability reaches this; 1 keeps all.
    pub top_p: f64,
    /// Keep tokens at least this probable relative to the most probable; 0 keeps all.
    pub min_p: f64,
    /// Part of the noise's key.
    pub seed: u64,
}

impl Sampling {
    /// Always the most probable token.
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed: 0,
        }
    }

    /// The whole distribution at a temperature.
    pub fn at(temperature: f64, seed: u64) -> Self {
        Self {
            temperature,
            seed,
            ..Self::greedy()
        }
    }

    /// The noise key of one completion: (seed, problem, sample).
    pub fn key(&self, problem: u64, sample: usize) -> u32 {
        let words = [
            self.seed as u32,
            (self.seed >> 32) as u32,
            problem as u32,
            (problem >> 32) as u32,
            sample as u32,
        ];
        words.into_iter().fold(0x5a5a_1234, mix32)
    }

    /// What logits are multiplied by: 1/T, or 1 where the temperature is 0.
    pub(super) fn inverse(&self) -> f32 {
        if self.temperature == 0.0 {
            1.0
        } else {
            (1.0 / self.temperature) as f32
        }
    }

    /// Chooses the token after `logits` at `position` of the completion with noise key `key`.
    ///
    /// Returns the token and its log-probability: log softmax(logits / T) over the whole vocabulary,
    /// before truncation (T = 1 where the temperature is 0).
    pub fn choose(
        &self,
        logits: &[f32],
        key: u32,
        position: usize,
        noisy: &mut Vec<f32>,
    ) -> (u32, f32) {
        let greedy = self.temperature == 0.0;
        let inverse = self.inverse();
        let key = mix32(key, position as u32);
        noisy.clear();
        noisy.extend(logits.iter().map(|logit| logit * inverse));
        let log_sum = vectorized(|| {
            let top = max(noisy);
            top + sum_of(noisy, |value| exp(value - top)).ln()
        });
        if !greedy {
            let floor = self.floor(noisy, log_sum);
            vectorized(|| {
                for (token, value) in noisy.iter_mut().enumerate() {
                    let noise = gumbel(hash32(key ^ hash32(token as u32)));
                    *value = if *value >= floor {
                        *value + noise
                    } else {
                        f32::NEG_INFINITY
                    };
                }
            });
        }
        let best = arg_max(noisy);
        (best as u32, logits[best] * inverse - log_sum)
    }

    /// The smallest scaled logit that truncation keeps.
    fn floor(&self, scaled: &[f32], log_sum: f32) -> f32 {
        let mut floor = f32::NEG_INFINITY;
        if self.min_p > 0.0 {
            floor = max(scaled) + (self.min_p as f32).ln();
        }
        let sorting = (self.top_k > 0 && self.top_k < scaled.len()) || self.top_p < 1.0;
        if sorting {
            let mut sorted = scaled.to_vec();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            if self.top_k > 0 && self.top_k < sorted.len() {
                floor = floor.max(sorted[self.top_k - 1]);
            }
            if self.top_p < 1.0 {
                let mut mass = 0.0;
                let reached = sorted.iter().position(|&value| {
                    mass += f64::from((value - log_sum).exp());
                    mass >= self.top_p
                });
                floor = floor.max(sorted[reached.unwrap_or(sorted.len() - 1)]);
            }
        }
        floor
    }
}

/// −ln(−ln u) with u in (0, 1) from the top 24 bits of a hash.
#[inline(always)]
fn gumbel(hash: u32) -> f32 {
    let u = ((hash >> 8) as f32 + 0.5) * (1.0 / 16_777_216.0);
    -ln(-ln(u))
}

/// The first of the largest values.
fn arg_max(values: &[f32]) -> usize {
    let top = vectorized(|| max(values));
    values.iter().position(|&value| value == top).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(sampling: &Sampling, logits: &[f32], n: usize) -> Vec<f64> {
        let mut counts = vec![0.0; logits.len()];
        let mut scratch = Vec::new();
        for sample in 0..n {
            let key = sampling.key(17, sample);
            counts[sampling.choose(logits, key, 3, &mut scratch).0 as usize] += 1.0 / n as f64;
        }
        counts
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        let logits = [1.0f32, 0.0, -1.0, 2.0, 0.5];
        for temperature in [0.5, 1.0, 2.0] {
            let frequencies = draw(&Sampling::at(temperature, 5), &logits, 40_000);
            let weights: Vec<f64> = logits
                .iter()
                .map(|l| (f64::from(*l) / temperature).exp())
                .collect();
            let total: f64 = weights.iter().sum();
            for (frequency, weight) in frequencies.iter().zip(&weights) {
                // 40,000 draws: four standard errors are at most 0.01.
                assert!((frequency - weight / total).abs() < 0.01, "{frequencies:?}");
            }
        }
    }

    #[test]
    fn truncation_keeps_what_it_says() {
        let logits = [0.0f32, 3.0, 1.0, 2.0];
        let all = Sampling::at(1.0, 1);
        let support = |sampling: Sampling| -> Vec<usize> {
            let frequencies = draw(&sampling, &logits, 4000);
            (0..4).filter(|&token| frequencies[token] > 0.0).collect()
        };
        assert_eq!(support(all.clone()), [0, 1, 2, 3]);
        assert_eq!(
            support(Sampling {
                top_k: 2,
                ..all.clone()
            }),
            [1, 3]
        );
        // Probabilities: .032, .644, .087, .237.
        assert_eq!(
            support(Sampling {
                top_p: 0.6,
                ..all.clone()
            }),
            [1]
        );
        assert_eq!(
            support(Sampling {
                top_p: 0.7,
                ..all.clone()
            }),
            [1, 3]
        );
        assert_eq!(
            support(Sampling {
                min_p: 0.3,
                ..all.clone()
            }),
            [1, 3]
        );
        assert_eq!(
            support(Sampling {
                top_k: 3,
                top_p: 0.99,
                min_p: 0.1,
                ..all
            }),
            [1, 2, 3]
        );
    }

    #[test]
    fn log_probability_is_over_the_whole_vocabulary() {
        let logits = [0.0f32, 3.0, 1.0, 2.0];
        let sampling = Sampling {
            top_k: 1,
            ..Sampling::at(0.5, 1)
        };
        let (token, logp) = sampling.choose(&logits, 7, 0, &mut Vec::new());
        let sum: f32 = logits.iter().map(|l| (l * 2.0).exp()).sum();
        assert_eq!(token, 1);
        assert!((logp - (6.0 - sum.ln())).abs() < 1e-5);
    }

    #[test]
    fn greedy_takes_the_first_of_equals() {
        let mut scratch = Vec::new();
        assert_eq!(
            Sampling::greedy()
                .choose(&[1.0, 2.0, 2.0], 1, 0, &mut scratch)
                .0,
            1
        );
    }
}
