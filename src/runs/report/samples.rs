//! Completions worth reading.

use std::collections::BTreeMap;

use super::format::number;
use super::page::escape;
use crate::training::CompletionRecord;

/// Longest text shown of a prompt or completion, in characters.
const LONGEST: usize = 1500;

/// Early and late, right and wrong completions, and two ways to solve one problem if they were
/// seen.
pub fn samples(completions: &[CompletionRecord]) -> String {
    let of = |correct: bool| {
        let mut found: Vec<&CompletionRecord> = completions
            .iter()
            .filter(|sample| sample.correct == correct)
            .collect();
        // The latest first, and of those the most rewarded (right) or the least (wrong).
        found.sort_by(|a, b| {
            let rewards = a.reward.total_cmp(&b.reward);
            b.step
                .cmp(&a.step)
                .then(if correct { rewards.reverse() } else { rewards })
        });
        found
    };
    let (right, wrong) = (of(true), of(false));
    let mut chosen: Vec<(&str, &CompletionRecord)> = Vec::new();
    for (title, sample) in [
        ("Early and wrong", wrong.last()),
        ("Early and right", right.last()),
        ("Late and right", right.first()),
        ("Late and wrong", wrong.first()),
    ] {
        if let Some(&sample) = sample
            && !chosen.iter().any(|(_, other)| std::ptr::eq(*other, sample))
        {
            chosen.push((title, sample));
        }
    }
    if let Some((one, other)) = two_ways(&right) {
        chosen.push(("One problem, one way", one));
        chosen.push(("The same problem, another way", other));
    }
    let cards: String = chosen
        .into_iter()
        .map(|(title, sample)| card(title, sample))
        .collect();
    match cards.is_empty() {
        true => cards,
        false => format!("<div class=\"cards\">\n{cards}</div>\n"),
    }
}

/// Two right completions of one problem in one step that take different paths: the latest such.
fn two_ways<'a>(
    right: &[&'a CompletionRecord],
) -> Option<(&'a CompletionRecord, &'a CompletionRecord)> {
    let mut first: BTreeMap<(u64, u64), &CompletionRecord> = BTreeMap::new();
    right
        .iter()
        .filter(|sample| sample.path.is_some())
        .find_map(|sample| {
            let known = *first.entry((sample.step, sample.problem)).or_insert(sample);
            (known.path != sample.path).then_some((known, *sample))
        })
}

fn card(title: &str, sample: &CompletionRecord) -> String {
    let verdict = sample.verdict();
    let (class, colour) = match verdict.is_right() {
        true => ("good", "c-right"),
        false => ("bad", "c-wrong"),
    };
    let verdict = format!("{} {}", verdict.sign(), verdict.words());
    let mut facts = vec![format!("reward {}", number(f64::from(sample.reward)))];
    if sample.parts.len() > 1 {
        let parts: Vec<String> = sample
            .parts
            .iter()
            .map(|(name, value)| format!("{name} {}", number(f64::from(*value))))
            .collect();
        facts[0] += &format!(" ({})", parts.join(", "));
    }
    if let Some(advantage) = sample.advantage {
        facts.push(format!("advantage {}", number(f64::from(advantage))));
    }
    let end = if sample.finished { "" } else { ", cut off" };
    facts.push(format!("{} tokens{end}", sample.tokens));
    let path = match &sample.path {
        Some(path) => format!(
            "<p class=\"small\">Path: {}</p>\n",
            escape(&shortened(path))
        ),
        None => String::new(),
    };
    format!(
        "<article class=\"card {colour}\">\n<p class=\"kind\">{title}: step {}, level {}, {}</p>\n\
         <p class=\"small\">Problem</p>\n<pre>{}</pre>\n\
         <p class=\"small\">Completion</p>\n<pre>{}</pre>\n\
         <p><span class=\"tag {class}\">{verdict}</span> The right answer is {}; {}.</p>\n{path}\
         </article>\n",
        sample.step,
        sample.level,
        escape(&sample.source),
        escape(&shortened(&sample.prompt)),
        escape(&shortened(&sample.completion)),
        escape(&shortened(&sample.answer)),
        escape(&facts.join(", ")),
    )
}

/// The text's beginning and end, where it is too long to show.
fn shortened(text: &str) -> String {
    let count = text.chars().count();
    if count <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST / 2).collect();
    let tail: String = text.chars().skip(count - LONGEST / 2).collect();
    format!(
        "{head}\n[… {} characters left out …]\n{tail}",
        count - LONGEST / 2 * 2
    )
}
