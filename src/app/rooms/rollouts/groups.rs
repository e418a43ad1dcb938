//! Completions of one problem in one quiz, and why their advantages are what they are.

use std::ops::Range;

use super::listing::weighted;
use crate::config::{GrpoConfig, MultiObjectiveAggregation, ScaleRewards, ZeroVariance};
use crate::training::CompletionRecord;

/// Completions of one problem that stand together in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub rows: Range<usize>,
    /// Mean of the rewards.
    pub mean: f64,
    /// Their standard deviation (n − 1), which GRPO divides by; 0 of a single one.
    pub std: f64,
    pub lowest: f64,
    pub highest: f64,
    pub right: usize,
    /// Whether not all earned the same.
    pub mixed: bool,
}

/// Divides completions into groups: a new one begins with another problem, or where the count of
/// its samples begins anew.
pub fn grouped(records: &[CompletionRecord], grpo: &GrpoConfig) -> Vec<Group> {
    let together = |a: &CompletionRecord, b: &CompletionRecord| {
        (a.problem, a.level, &a.source, &a.prompt) == (b.problem, b.level, &b.source, &b.prompt)
            && a.sample < b.sample
    };
    let mut start = 0;
    let part = |part: &[CompletionRecord]| {
        let rows = start..start + part.len();
        start = rows.end;
        Group::of(rows, part, grpo)
    };
    records.chunk_by(together).map(part).collect()
}

impl Group {
    fn of(rows: Range<usize>, records: &[CompletionRecord], grpo: &GrpoConfig) -> Self {
        let rewards: Vec<f64> = records.iter().map(|r| weighted(r, grpo)).collect();
        let count = rewards.len().max(1) as f64;
        let mean = rewards.iter().sum::<f64>() / count;
        let squares: f64 = rewards.iter().map(|reward| (reward - mean).powi(2)).sum();
        let lowest = rewards.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            rows,
            mean,
            std: (squares / (count - 1.0).max(1.0)).sqrt(),
            lowest,
            highest,
            right: records.iter().filter(|record| record.correct).count(),
            mixed: lowest < highest,
        }
    }

    /// The group's name in a list.
    pub fn title(&self, records: &[CompletionRecord]) -> String {
        let prompt = records.get(self.rows.start).map(|r| r.prompt.as_str());
        let prompt = super::listing::one_line(prompt.unwrap_or_default(), 60);
        format!("{prompt}  ({} of {} right)", self.right, self.rows.len())
    }
}

/// Why the group's advantages are what they are. `batch_std` is the spread of all rewards of the
/// step, where it was logged.
pub fn why(
    group: &Group,
    records: &[CompletionRecord],
    grpo: &GrpoConfig,
    batch_std: Option<f64>,
) -> String {
    let of = records.get(group.rows.clone()).unwrap_or_default();
    if of.iter().all(|record| record.advantage.is_none()) {
        return "These answers were not learnt from, so they have no advantages.".into();
    }
    let mut text = if group.mixed {
        measured(group, of, grpo, batch_std)
    } else {
        alike(group, grpo)
    };
    let cut_off = of.iter().filter(|record| !record.finished).count();
    if group.mixed && grpo.mask_truncated_completions && cut_off > 0 {
        text += &format!(
            " {cut_off} of them {} cut off and left out of the loss, whatever the advantage.",
            if cut_off == 1 { "was" } else { "were" }
        );
    }
    text
}

fn alike(group: &Group, grpo: &GrpoConfig) -> String {
    let (count, reward) = (group.rows.len(), plain(group.mean));
    let outcome = match grpo.zero_variance {
        ZeroVariance::Skip => "The group is left out of the update".to_owned(),
        ZeroVariance::Resample => format!(
            "After up to {} tries with other problems it was kept here, but left out of the update",
            grpo.max_resample_times
        ),
        ZeroVariance::Keep if grpo.beta != 0.0 => {
            "It stays in the update, where only the KL penalty moves the model".to_owned()
        }
        ZeroVariance::Keep => "It stays in the update without any effect".to_owned(),
    };
    let verdict = match group.right {
        0 => "All are wrong",
        right if right == count => "All are right",
        _ => "Right and wrong alike",
    };
    format!(
        "All {count} completions earned {reward}, so none was better than the others and the \
         quiz teaches nothing here. {verdict}. {outcome}."
    )
}

fn measured(
    group: &Group,
    of: &[CompletionRecord],
    grpo: &GrpoConfig,
    batch_std: Option<f64>,
) -> String {
    let mean = plain(group.mean);
    if grpo.multi_objective_aggregation == MultiObjectiveAggregation::NormalizeThenSum {
        return "Each part of the reward is compared with the group's mean of that part and \
                divided by its spread; the parts are then weighted, summed, and compared with \
                the whole step in the same way."
            .into();
    }
    let rule = match grpo.scale_rewards {
        ScaleRewards::Group => format!(
            "Advantage = (reward − the group's mean {mean}) ÷ the group's spread {}",
            plain(group.std)
        ),
        ScaleRewards::Batch => format!(
            "Advantage = (reward − the group's mean {mean}) ÷ the spread of the whole step's rewards{}",
            batch_std
                .map(|std| format!(" {}", plain(std)))
                .unwrap_or_default()
        ),
        ScaleRewards::None => format!("Advantage = reward − the group's mean {mean}"),
    };
    let advantage = |reward: f64| {
        let same = |record: &&CompletionRecord| (weighted(record, grpo) - reward).abs() < 1e-9;
        of.iter().find(same).and_then(|record| record.advantage)
    };
    let said = |reward: f64| {
        let advantage = advantage(reward).map_or_else(String::new, |advantage| {
            format!(" and gets {}", signed(f64::from(advantage)))
        });
        format!("{}{advantage}", plain(reward))
    };
    format!(
        "{rule}. The best earned {}, the worst earned {}. What lies above the mean becomes more \
         probable, what lies below becomes less so.",
        said(group.highest),
        said(group.lowest)
    )
}

/// A number without needless zeros, with a proper minus sign.
pub fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text == "-0" { "0" } else { text };
    text.replace('-', "−")
}

/// A number with its sign.
pub fn signed(value: f64) -> String {
    let text = format!("{value:+.2}");
    match text.as_str() {
        "+0.00" | "-0.00" => "0".to_owned(),
        _ => text.replace('-', "−"),
    }
}

/// What a part of a reward is for.
pub fn meaning(part: &str) -> &'static str {
    match part {
        "answer" => "Points for the final answer",
        "format" => "Points for answering in the form that was asked for",
        _ => "A part of the task's reward",
    }
}
