//! Accuracy and diversity over several samples per problem.
//!
//! Everything here is a pure function of graded samples. For one problem, n samples are drawn and
//! c of them are correct. What is a mean over problems is averaged by [`summarise`].

use std::collections::{BTreeMap, BTreeSet};

/// One graded completion of a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The completion's tokens, without the end-of-sequence token.
    pub tokens: Vec<u32>,
    /// Its final answer, normalised; none where there is no answer to read.
    pub answer: Option<String>,
    /// Its canonical reasoning path; none where no path can be read.
    pub path: Option<String>,
    /// Whether the final answer is right.
    pub correct: bool,
}

/// Longest n-grams that [`mean_distinct`] and [`mean_ead`] look at, as in Kirk et al. (ICLR 2024).
pub const DISTINCT_ORDER: usize = 5;

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

/// Share of correct samples; none without samples.
pub fn mean_at_n(samples: &[Sample]) -> Option<f64> {
    (!samples.is_empty()).then(|| correct_count(samples) as f64 / samples.len() as f64)
}

/// Whether the answer most samples agree on is correct (self-consistency). Samples without an
/// answer do not vote. Where several answers have the most votes, each is chosen with equal
/// probability, so the value is the share of correct ones among them. None without samples; 0 if
/// nobody votes.
///
/// An answer is correct if any sample that gives it is: the answer is what is voted on, and a
/// sample may fail for its form alone.
pub fn maj_at_n(samples: &[Sample]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let mut votes: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for sample in samples {
        if let Some(answer) = &sample.answer {
            let (count, correct) = votes.entry(answer).or_default();
            *count += 1;
            *correct |= sample.correct;
        }
    }
    let most = votes.values().map(|&(count, _)| count).max().unwrap_or(0);
    let tied: Vec<bool> = votes
        .values()
        .filter(|(count, _)| *count == most)
        .map(|&(_, correct)| correct)
        .collect();
    let right = tied.iter().filter(|&&correct| correct).count();
    Some(if tied.is_empty() {
        0.0
    } else {
        right as f64 / tied.len() as f64
    })
}

/// Entropy, in nats, of how often each final answer is given. Samples without an answer are left
/// out, so that failing to answer does not look like diversity; none if no sample has an answer.
/// The exponential of this is the effective number of answers.
pub fn answer_entropy(samples: &[Sample]) -> Option<f64> {
    entropy(samples.iter().filter_map(|sample| sample.answer.as_deref()))
}

/// How many different reasoning paths the samples take.
pub fn distinct_paths(samples: &[Sample]) -> usize {
    samples
        .iter()
        .filter_map(|sample| sample.path.as_deref())
        .collect::<BTreeSet<_>>()
        .len()
}

/// How many different reasoning paths lead to a correct answer: the "distinct reasoning paths" of
/// rejection-sampling fine-tuning (Yuan et al. 2023).
pub fn distinct_correct_paths(samples: &[Sample]) -> usize {
    correct(samples)
        .filter_map(|sample| sample.path.as_deref())
        .collect::<BTreeSet<_>>()
        .len()
}

/// Entropy, in nats, of how often each path is taken; none if no sample has a path.
pub fn path_entropy(samples: &[Sample]) -> Option<f64> {
    entropy(samples.iter().filter_map(|sample| sample.path.as_deref()))
}

/// Entropy, in nats, of how often each path is taken by correct samples; none if there is none.
pub fn correct_path_entropy(samples: &[Sample]) -> Option<f64> {
    entropy(correct(samples).filter_map(|sample| sample.path.as_deref()))
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

/// [`ead`] averaged over n = 1 ..= [`DISTINCT_ORDER`], as far as samples are long enough.
pub fn mean_ead(samples: &[Sample], vocabulary: usize) -> Option<f64> {
    mean((1..=DISTINCT_ORDER).filter_map(|n| ead(samples, n, vocabulary)))
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

/// Means over problems of everything above, under the names of
/// [`EvaluationRecord::metrics`](crate::training::EvaluationRecord::metrics): `mean@n`, `maj@n`,
/// `pass@k` for each k in `ks` up to n, `cons_pass_gap` (pass@n − maj@n: what a perfect choice
/// among the samples would gain over the vote), `answer_entropy`, `effective_answers`,
/// `distinct_paths`, `distinct_correct_paths`, `path_entropy`, `correct_path_entropy`,
/// `distinct_n`, `ead` and `self_bleu`.
///
/// n is the number of samples per problem (the smallest, where they differ). A problem for which a
/// metric is not defined (an entropy without samples to take it over) is left out of that metric's
/// mean; a metric defined for no problem is left out of the result. The counts of distinct paths
/// are defined for every problem: none found counts as 0.
pub fn summarise(
    problems: &[Vec<Sample>],
    ks: &[usize],
    vocabulary: usize,
) -> BTreeMap<String, f64> {
    let mut metrics = BTreeMap::new();
    let Some(n) = problems.iter().map(Vec::len).min().filter(|&n| n > 0) else {
        return metrics;
    };
    let over = |metric: &dyn Fn(&[Sample]) -> Option<f64>| {
        mean(problems.iter().filter_map(|samples| metric(samples)))
    };
    let pass = |k: usize| over(&|samples| pass_at_k(samples.len(), correct_count(samples), k));
    let mut put = |name: String, value: Option<f64>| {
        if let Some(value) = value {
            metrics.insert(name, value);
        }
    };

    put(format!("mean@{n}"), over(&mean_at_n));
    let majority = over(&maj_at_n);
    put(format!("maj@{n}"), majority);
    for &k in ks.iter().filter(|&&k| k <= n) {
        put(format!("pass@{k}"), pass(k));
    }
    put(
        "cons_pass_gap".into(),
        pass(n)
            .zip(majority)
            .map(|(pass, majority)| pass - majority),
    );
    put("answer_entropy".into(), over(&answer_entropy));
    put(
        "effective_answers".into(),
        over(&|samples| answer_entropy(samples).map(f64::exp)),
    );
    put(
        "distinct_paths".into(),
        over(&|samples| Some(distinct_paths(samples) as f64)),
    );
    put(
        "distinct_correct_paths".into(),
        over(&|samples| Some(distinct_correct_paths(samples) as f64)),
    );
    put("path_entropy".into(), over(&path_entropy));
    put("correct_path_entropy".into(), over(&correct_path_entropy));
    put("distinct_n".into(), over(&mean_distinct));
    put("ead".into(), over(&|samples| mean_ead(samples, vocabulary)));
    put("self_bleu".into(), over(&self_bleu));
    metrics
}

fn correct(samples: &[Sample]) -> impl Iterator<Item = &Sample> {
    samples.iter().filter(|sample| sample.correct)
}

fn correct_count(samples: &[Sample]) -> usize {
    correct(samples).count()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| {
        (sum + value, count + 1)
    });
    (count > 0).then(|| sum / count as f64)
}

/// −Σ p ln p of the items' frequencies, in nats.
fn entropy<'a>(items: impl Iterator<Item = &'a str>) -> Option<f64> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    let total = counts.values().sum::<usize>() as f64;
    let sum: f64 = counts
        .values()
        .map(|&count| count as f64 / total)
        .map(|p| p * p.ln())
        .sum();
    // Adding 0 turns the −0 of a single item into 0.
    (!counts.is_empty()).then_some(0.0 - sum)
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
