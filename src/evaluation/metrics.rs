//! One graded sample; pass@k; and how alike the texts of a problem's samples are.
//!
//! Everything here is a pure function of graded samples. For one problem, n samples are drawn and
//! c of them are correct. What is counted of a problem is a [`Tally`](super::Tally).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One graded completion of a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The completion's tokens, without the end-of-sequence token.
    pub tokens: Vec<u32>,
    /// Its final answer, normalised; none where there is no answer to read.
    pub answer: Option<String>,
    /// Whether the final answer is right.
    pub correct: bool,
    /// Whether the task judges its reasoning.
    pub judged: bool,
    /// The canonical path of reasoning that holds.
    pub path: Option<String>,
    /// Textbook steps that each step of that path does.
    pub step_sizes: Vec<u32>,
}

/// Longest n-grams that [`mean_distinct`] looks at, as in Kirk et al. (ICLR 2024).
pub const DISTINCT_ORDER: usize = 5;

/// Possible n-grams up to which [`mean_ead`] takes them in.
pub const EAD_POSSIBLE: f64 = 1000.0;

/// Longest n-grams that [`self_bleu`] looks at.
pub const BLEU_ORDER: usize = 4;

/// Probability that at least one of k samples is correct, estimated without bias from n samples
/// of which c are correct: 1 − C(n−c, k) / C(n, k), as the product 1 − Π (1 − k/i) over
/// i = n−c+1 ..= n, which does not overflow (Chen et al. 2021, `estimate_pass_at_k`).
///
/// None where k is 0 or larger than n, or c larger than n.
pub fn pass_at_k(n: usize, c: usize, k: usize) -> Option<f64> {
    if k == 0 || k > n || c > n {
        return None;
    }
    if n - c < k {
        return Some(1.0);
    }
    let all_wrong: f64 = (n - c + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product();
    Some(1.0 - all_wrong)
}

/// A metric of the texts of a problem's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextMetric {
    /// [`mean_distinct`].
    DistinctN,
    /// [`mean_ead`].
    Ead,
    /// [`self_bleu`].
    SelfBleu,
}

impl TextMetric {
    pub const ALL: [Self; 3] = [Self::DistinctN, Self::Ead, Self::SelfBleu];

    /// As it is called in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::DistinctN => super::names::DISTINCT_N,
            Self::Ead => super::names::EAD,
            Self::SelfBleu => super::names::SELF_BLEU,
        }
    }

    /// Its value for some samples; `None` where they are too few or too short.
    pub fn of(self, samples: &[Sample], vocabulary: usize) -> Option<f64> {
        match self {
            Self::DistinctN => mean_distinct(samples),
            Self::Ead => mean_ead(samples, vocabulary),
            Self::SelfBleu => self_bleu(samples),
        }
    }
}

/// Distinct n-grams / all n-grams over a problem's samples (Li et al. 2016). None where no sample
/// is n tokens long. It falls with length; see [`ead`].
pub fn distinct_n(samples: &[Sample], n: usize) -> Option<f64> {
    let (distinct, total) = count_n_grams(samples, n);
    (total > 0).then(|| distinct as f64 / total as f64)
}

/// Expectation-adjusted distinct n-grams (Liu et al., ACL 2022): N / (V·(1 − ((V−1)/V)^C)), the
/// number N of distinct n-grams over the number expected if all C were drawn uniformly from the V
/// possible ones. Here V = `vocabulary`ⁿ: with n > 1 and the bare vocabulary the expectation of a
/// character-sized vocabulary would be below what is possible. None where no sample is n tokens
/// long or the vocabulary is empty.
pub fn ead(samples: &[Sample], n: usize, vocabulary: usize) -> Option<f64> {
    let (distinct, total) = count_n_grams(samples, n);
    if total == 0 || vocabulary == 0 {
        return None;
    }
    let possible = (vocabulary as f64).powf(n as f64);
    // V·(1 − (1 − 1/V)^C), written so that a V beyond 2^53 does not round the whole away.
    let expected = -possible * (total as f64 * (-1.0 / possible).ln_1p()).exp_m1();
    Some(distinct as f64 / expected)
}

/// [`distinct_n`] averaged over n = 1 ..= [`DISTINCT_ORDER`], as far as samples are long enough.
pub fn mean_distinct(samples: &[Sample]) -> Option<f64> {
    mean((1..=DISTINCT_ORDER).filter_map(|n| distinct_n(samples, n)))
}

/// [`ead`] averaged over the n for which it differs from [`distinct_n`]: those with at most
/// [`EAD_POSSIBLE`] possible n-grams, and 1. Beyond, all that is drawn is expected to be new, and the
/// expectation adjusts nothing. With 20 tokens that is n = 1 and 2, with a real vocabulary n = 1.
pub fn mean_ead(samples: &[Sample], vocabulary: usize) -> Option<f64> {
    let means_something = |n: usize| n == 1 || (vocabulary as f64).powf(n as f64) <= EAD_POSSIBLE;
    let orders = (1..=DISTINCT_ORDER).filter(|&n| means_something(n));
    mean(orders.filter_map(|n| ead(samples, n, vocabulary)))
}

/// How alike a problem's samples are, 0 to 1: the mean BLEU of each sample with the others as
/// references (Zhu et al. 2018, Texygen). It needs no corpus, and at least two samples.
///
/// BLEU takes n-grams up to [`BLEU_ORDER`] (or the sample's length, if that is shorter) with equal
/// weights, and the brevity penalty against the reference closest in length. Precisions of n > 1
/// are smoothed by adding one to matches and to total (Lin & Och 2004), so identical samples give
/// exactly 1 and samples that share no token exactly 0.
pub fn self_bleu(samples: &[Sample]) -> Option<f64> {
    if samples.len() < 2 {
        return None;
    }
    let counts: Vec<Vec<BTreeMap<&[u32], usize>>> = samples
        .iter()
        .map(|sample| {
            (1..=BLEU_ORDER)
                .map(|n| n_gram_counts(&sample.tokens, n))
                .collect()
        })
        .collect();
    mean((0..samples.len()).map(|i| bleu_against_others(samples, &counts, i)))
}

fn bleu_against_others(
    samples: &[Sample],
    counts: &[Vec<BTreeMap<&[u32], usize>>],
    i: usize,
) -> f64 {
    let length = samples[i].tokens.len();
    let others = || (0..samples.len()).filter(|&j| j != i);
    let reference_length = others()
        .map(|j| samples[j].tokens.len())
        .min_by_key(|&other| (other.abs_diff(length), other))
        .expect("self-BLEU is taken over at least two samples");
    if length == 0 {
        return if reference_length == 0 { 1.0 } else { 0.0 };
    }
    let order = BLEU_ORDER.min(length);
    let mut log_precision = 0.0;
    for n in 1..=order {
        let matches: usize = counts[i][n - 1]
            .iter()
            .map(|(gram, &count)| {
                let allowed = others().filter_map(|j| counts[j][n - 1].get(gram)).max();
                count.min(allowed.copied().unwrap_or(0))
            })
            .sum();
        let added = usize::from(n > 1);
        let precision = (matches + added) as f64 / (length + 1 - n + added) as f64;
        log_precision += precision.ln() / order as f64;
    }
    let brevity = (1.0 - reference_length as f64 / length as f64).min(0.0);
    (brevity + log_precision).exp()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| {
        (sum + value, count + 1)
    });
    (count > 0).then(|| sum / count as f64)
}

fn n_gram_counts(tokens: &[u32], n: usize) -> BTreeMap<&[u32], usize> {
    let mut counts = BTreeMap::new();
    for gram in tokens.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    counts
}

/// Distinct and all n-grams over the samples together; none for n = 0.
fn count_n_grams(samples: &[Sample], n: usize) -> (usize, usize) {
    if n == 0 {
        return (0, 0);
    }
    let grams: Vec<&[u32]> = samples
        .iter()
        .flat_map(|sample| sample.tokens.windows(n))
        .collect();
    (grams.iter().collect::<BTreeSet<_>>().len(), grams.len())
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
