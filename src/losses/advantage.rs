//! Group-relative advantages (Shao et al. 2024, DeepSeekMath; scaling as in TRL's GRPOTrainer).

pub use crate::config::MultiObjectiveAggregation as Aggregation;
use crate::config::ScaleRewards;

/// Added to every standard deviation before dividing by it (TRL's constant).
const EPSILON: f64 = 1e-4;

/// Advantages of a generation batch and what is worth logging about its rewards.
#[derive(Clone, Debug, PartialEq)]
pub struct Advantages {
    /// One per completion, the same for all its tokens.
    pub values: Vec<f32>,
    /// The weighted sum of rewards per completion.
    pub rewards: Vec<f64>,
    /// Whether all rewards of the completion's group are equal.
    pub zero_variance: Vec<bool>,
    /// Mean reward.
    pub reward: f64,
    /// Standard deviation over the whole batch (unbiased).
    pub reward_std: f64,
    /// Share of completions in groups with equal rewards.
    pub frac_reward_zero_std: f64,
}

/// Computes advantages from `rewards`: for each completion its rewards, `None` where a reward does
/// not apply. Completions of one prompt are `group` consecutive rows; `weights` has one weight per
/// reward. A completion to which no reward applies gets advantage 0 and counts in no mean.
///
/// All standard deviations are the unbiased ones, with 1e-4 added.
pub fn advantages(
    rewards: &[Vec<Option<f64>>],
    weights: &[f64],
    group: usize,
    scale: ScaleRewards,
    aggregation: Aggregation,
) -> Advantages {
    let total = |row: &Vec<Option<f64>>| -> Option<f64> {
        let parts = row.iter().zip(weights);
        row.iter().any(Option::is_some).then(|| {
            parts
                .filter_map(|(reward, weight)| reward.map(|r| r * weight))
                .sum()
        })
    };
    let totals: Vec<Option<f64>> = rewards.iter().map(total).collect();
    let batch_std = std(&totals);
    let by_group = |values: &[Option<f64>], scaled: bool| -> Vec<Option<f64>> {
        let centre = |group: &[Option<f64>]| -> Vec<Option<f64>> {
            let (mean, std) = (mean(group), if scaled { std(group) + EPSILON } else { 1.0 });
            group
                .iter()
                .map(|value| value.map(|value| (value - mean) / std))
                .collect()
        };
        values.chunks(group).flat_map(centre).collect()
    };
    let values: Vec<Option<f64>> = match (aggregation, scale) {
        (Aggregation::NormalizeThenSum, _) => {
            let mut sums = vec![0.0; rewards.len()];
            for (index, weight) in weights.iter().enumerate() {
                let column: Vec<Option<f64>> = rewards.iter().map(|row| row[index]).collect();
                for (sum, value) in sums.iter_mut().zip(by_group(&column, true)) {
                    *sum += weight * value.unwrap_or(0.0);
                }
            }
            let present = sums.iter().zip(&totals);
            let sums: Vec<_> = present.map(|(sum, total)| total.map(|_| *sum)).collect();
            let (mean, std) = (mean(&sums), std(&sums) + EPSILON);
            sums.iter()
                .map(|sum| sum.map(|sum| (sum - mean) / std))
                .collect()
        }
        (_, ScaleRewards::Group) => by_group(&totals, true),
        (_, ScaleRewards::None) => by_group(&totals, false),
        (_, ScaleRewards::Batch) => by_group(&totals, false)
            .iter()
            .map(|value| value.map(|value| value / (batch_std + EPSILON)))
            .collect(),
    };
    let zero_variance: Vec<bool> = totals
        .chunks(group)
        .flat_map(|group| {
            let mut present = group.iter().flatten();
            let first = present.next();
            let equal = present.all(|value| Some(value) == first);
            std::iter::repeat_n(equal, group.len())
        })
        .collect();
    let zeros = zero_variance.iter().filter(|&&zero| zero).count();
    Advantages {
        values: values
            .iter()
            .map(|value| value.unwrap_or(0.0) as f32)
            .collect(),
        rewards: totals.iter().map(|total| total.unwrap_or(0.0)).collect(),
        reward: mean(&totals),
        reward_std: batch_std,
        frac_reward_zero_std: zeros as f64 / zero_variance.len().max(1) as f64,
        zero_variance,
    }
}

fn mean(values: &[Option<f64>]) -> f64 {
    let present: Vec<f64> = values.iter().flatten().copied().collect();
    present.iter().sum::<f64>() / present.len().max(1) as f64
}

/// Unbiased standard deviation; 0 of fewer than two values.
fn std(values: &[Option<f64>]) -> f64 {
    let mean = mean(values);
    let squares: Vec<f64> = values
        .iter()
        .flatten()
        .map(|value| (value - mean).powi(2))
        .collect();
    if squares.len() < 2 {
        return 0.0;
    }
    (squares.iter().sum::<f64>() / (squares.len() - 1) as f64).sqrt()
}
