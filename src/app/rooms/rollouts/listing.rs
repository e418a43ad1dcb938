//! Which completions are listed, and in which order.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::groups::{Group, grouped};
use crate::config::GrpoConfig;
use crate::training::{CompletionRecord, Verdict};

/// What a completion was sampled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    Quiz,
    Exam,
    Test,
}

impl Source {
    pub const ALL: [Source; 3] = [Source::Quiz, Source::Exam, Source::Test];

    pub fn of(record: &CompletionRecord) -> Self {
        match record.source.as_str() {
            "rollout" => Source::Quiz,
            "exam" => Source::Exam,
            _ => Source::Test,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Source::Quiz => "Rollouts",
            Source::Exam => "Exam answers",
            Source::Test => "Test answers",
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Source::Quiz => "What the model answered in a quiz (a GRPO step), and learnt from",
            Source::Exam => "Answers of an exam: one per problem, never trained on",
            Source::Test => "Answers of the test after warm-up or at the end, which steers nothing",
        }
    }
}

/// A column to sort by. `Part` is a part of the reward by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    Problem,
    Completion,
    Verdict,
    Reward,
    Part(usize),
    Advantage,
    Length,
    Ended,
    Probability,
    Path,
}

impl Key {
    /// Whether a first click shows the largest first.
    fn largest_first(self) -> bool {
        !matches!(
            self,
            Key::Problem | Key::Completion | Key::Path | Key::Ended
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    pub key: Key,
    pub descending: bool,
}

impl Sort {
    /// What a click on a header makes of the order: sorted, then the other way round, then as
    /// logged.
    pub fn clicked(current: Option<Sort>, key: Key) -> Option<Sort> {
        let first = key.largest_first();
        match current.filter(|sort| sort.key == key) {
            None => Some(Sort {
                key,
                descending: first,
            }),
            Some(sort) if sort.descending == first => Some(Sort {
                key,
                descending: !first,
            }),
            Some(_) => None,
        }
    }
}

/// What is to be listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Looked for in problem, completion, reference answer and path, whatever the case.
    pub text: String,
    pub verdict: Option<Verdict>,
    pub level: Option<u32>,
    pub source: Option<Source>,
    /// Only groups in which not all completions earned the same.
    pub mixed: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            text: String::new(),
            verdict: None,
            level: None,
            source: Some(Source::Quiz),
            mixed: false,
        }
    }
}

impl Filter {
    /// Whether something besides the source is being left out.
    pub fn narrows(&self) -> bool {
        let Self {
            text,
            verdict,
            level,
            mixed,
            source: _,
        } = self;
        !text.trim().is_empty() || verdict.is_some() || level.is_some() || *mixed
    }
}

/// What is worked out once for each completion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// Place in [`Sheet::groups`].
    pub group: usize,
    /// The parts weighted and summed: what the advantage is made of.
    pub reward: f64,
    /// Mean probability of its tokens; none where it was not kept.
    pub probability: Option<f32>,
}

/// The completions of a step, ready to be listed.
pub struct Sheet {
    pub records: Rc<[CompletionRecord]>,
    pub entries: Vec<Entry>,
    pub groups: Vec<Group>,
    /// Names of the reward's parts.
    pub parts: Vec<String>,
    pub levels: BTreeSet<u32>,
}

impl Sheet {
    pub fn new(records: Rc<[CompletionRecord]>, grpo: &GrpoConfig) -> Self {
        let groups = grouped(&records, grpo);
        let entry = |(group, row): (usize, usize)| Entry {
            group,
            reward: weighted(&records[row], grpo),
            probability: mean_probability(&records[row].logprobs),
        };
        let rows = groups.iter().enumerate();
        let rows = rows.flat_map(|(group, of)| of.rows.clone().map(move |row| (group, row)));
        let parts = records.iter().map(|record| &record.parts);
        let parts = parts.max_by_key(|parts| parts.len());
        Self {
            entries: rows.map(entry).collect(),
            parts: parts
                .into_iter()
                .flatten()
                .map(|(name, _)| name.clone())
                .collect(),
            levels: records.iter().map(|record| record.level).collect(),
            groups,
            records,
        }
    }

    /// The rows that pass a filter, in order.
    pub fn rows(&self, filter: &Filter, sort: Option<Sort>) -> Vec<usize> {
        let text = filter.text.trim().to_lowercase();
        let pass = |&row: &usize| {
            let record = &self.records[row];
            filter
                .verdict
                .is_none_or(|verdict| record.verdict() == verdict)
                && filter.level.is_none_or(|level| record.level == level)
                && filter
                    .source
                    .is_none_or(|source| Source::of(record) == source)
                && (!filter.mixed || self.groups[self.entries[row].group].mixed)
                && (text.is_empty() || holds(record, &text))
        };
        let mut rows: Vec<usize> = (0..self.records.len()).filter(pass).collect();
        if let Some(Sort { key, descending }) = sort {
            rows.sort_by(|&a, &b| self.compare(a, b, key, descending));
        }
        rows
    }

    /// Groups of several completions that pass a filter's source and level.
    pub fn several(&self, filter: &Filter) -> Vec<usize> {
        let text = filter.text.trim().to_lowercase();
        let pass = |&index: &usize| {
            let group = &self.groups[index];
            let record = &self.records[group.rows.start];
            group.rows.len() > 1
                && filter.level.is_none_or(|level| record.level == level)
                && (!filter.mixed || group.mixed)
                && (text.is_empty() || holds(record, &text))
        };
        (0..self.groups.len()).filter(pass).collect()
    }

    fn compare(&self, a: usize, b: usize, key: Key, descending: bool) -> Ordering {
        let (first, second) = (&self.records[a], &self.records[b]);
        let order = match key {
            Key::Problem => first.prompt.cmp(&second.prompt),
            Key::Completion => first.completion.cmp(&second.completion),
            Key::Verdict => first.verdict().cmp(&second.verdict()),
            Key::Ended => first.finished.cmp(&second.finished),
            Key::Length => first.tokens.cmp(&second.tokens),
            Key::Reward => self.entries[a].reward.total_cmp(&self.entries[b].reward),
            Key::Path => {
                return last_if_none(
                    first.path.as_deref(),
                    second.path.as_deref(),
                    descending,
                    Ord::cmp,
                );
            }
            Key::Part(index) => {
                return floats(part(first, index), part(second, index), descending);
            }
            Key::Advantage => return floats(first.advantage, second.advantage, descending),
            Key::Probability => {
                let probability = |row: usize| self.entries[row].probability;
                return floats(probability(a), probability(b), descending);
            }
        };
        if descending { order.reverse() } else { order }
    }
}

/// A part of a reward by its place.
pub fn part(record: &CompletionRecord, index: usize) -> Option<f32> {
    record.parts.get(index).map(|(_, value)| *value)
}

/// The reward that counts: its parts, each times its weight.
pub fn weighted(record: &CompletionRecord, grpo: &GrpoConfig) -> f64 {
    if record.parts.is_empty() {
        return f64::from(record.reward);
    }
    let weight = |name: &str| grpo.reward_weights.get(name).copied().unwrap_or(1.0);
    let parts = record.parts.iter();
    parts
        .map(|(name, value)| weight(name) * f64::from(*value))
        .sum()
}

/// Mean of the tokens' probabilities.
pub fn mean_probability(logprobs: &[f32]) -> Option<f32> {
    let sum: f32 = logprobs.iter().map(|logprob| logprob.exp()).sum();
    (!logprobs.is_empty()).then(|| sum / logprobs.len() as f32)
}

/// A text on one line, cut to what a cell can show.
pub fn one_line(text: &str, characters: usize) -> String {
    let mut line: String = text.trim().chars().take(characters + 1).collect();
    if line.chars().count() > characters {
        line.pop();
        line.push('…');
    }
    line.replace('\n', " ↵ ")
}

/// The row `by` places further down a list than the current one; the first without one.
pub fn moved(rows: &[usize], current: Option<usize>, by: isize) -> Option<usize> {
    let at = current.and_then(|current| rows.iter().position(|&row| row == current));
    let to = at.map_or(0, |at| at.saturating_add_signed(by));
    rows.get(to).or(rows.last()).copied()
}

fn holds(record: &CompletionRecord, text: &str) -> bool {
    let path = record.path.as_deref().unwrap_or_default();
    [&record.prompt, &record.completion, &record.answer, path]
        .iter()
        .any(|field| field.to_lowercase().contains(text))
}

fn floats(a: Option<f32>, b: Option<f32>, descending: bool) -> Ordering {
    last_if_none(a, b, descending, f32::total_cmp)
}

/// What is not there comes last, whichever way the rest is sorted.
fn last_if_none<T>(
    a: Option<T>,
    b: Option<T>,
    descending: bool,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => compare(&b, &a),
        (Some(a), Some(b)) => compare(&a, &b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
