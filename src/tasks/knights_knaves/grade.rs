//! Reading answers and assumptions from completions, and the reward.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use regex::Regex;

use super::follow::Said;
use crate::tasks::{Reward, tags};

/// What comes after a name: ` is a knight`, ` cannot be a knave`.
static SAID_ROLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\s+(?:(is)|can(?:not|'t| not)\s+be)\s+a\s+(?:(knight)|knave)\b")
        .expect("the expression is well formed")
});

/// A short statement of a role, with the sign that marks it as an assumption: `A=k+`.
static SHORT_ROLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"([[:alnum:]]+)=(?:(k)|n)\b([+!]?)").expect("the expression is well formed")
});

/// Words that make `NAME is a knight` an assumption.
const ASSUMING: [&str; 4] = ["assume", "assuming", "suppose", "supposing"];

/// Where the name with which `text` ends begins, ignoring case; it must be a whole word.
fn name_start(text: &str, name: &str) -> Option<usize> {
    let mut before = text.char_indices().rev();
    let mut start = text.len();
    for wanted in name.chars().rev() {
        let (place, found) = before.next()?;
        if !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        start = place;
    }
    match before.next() {
        Some((_, letter)) if letter.is_alphanumeric() || letter == '_' => None,
        _ => Some(start),
    }
}

/// The person whose name `text` ends with, and where the name begins. Where one name ends with
/// another (`Mary Ann`, `Ann`), the longer one is meant.
fn named_last(names: &[String], text: &str) -> Option<(usize, usize)> {
    names
        .iter()
        .enumerate()
        .filter_map(|(person, name)| Some((person, name_start(text, name)?)))
        .min_by_key(|&(_, start)| start)
}

/// Gathers one role per person, the first said of each; `None` where someone is left out, or where
/// there is nobody to speak of.
fn complete(people: usize, said: impl Iterator<Item = (usize, bool)>) -> Option<Vec<bool>> {
    if people == 0 {
        return None;
    }
    let mut roles = vec![None; people];
    for (person, knight) in said {
        if let Some(role) = roles.get_mut(person) {
            role.get_or_insert(knight);
        }
    }
    roles.into_iter().collect()
}

/// The roles an English answer states, or `None` where it is not an answer: each name must be
/// followed by `is a knight` or `is a knave`, and the words knight and knave must stand in it as
/// often as there are people (Logic-RL, `verl/utils/reward_score/kk.py`).
pub fn stated(names: &[String], answer: &str) -> Option<Vec<bool>> {
    let lower = answer.to_lowercase();
    if lower.matches("knight").count() + lower.matches("knave").count() != names.len() {
        return None;
    }
    let said = SAID_ROLE.captures_iter(answer).filter_map(|found| {
        found.get(1)?;
        let (person, _) = named_last(names, &answer[..found.get(0)?.start()])?;
        Some((person, found.get(2).is_some()))
    });
    complete(names.len(), said)
}

/// The roles a short answer such as `A=k B=n` states, or `None` where it is not an answer: each
/// name exactly once.
pub fn stated_short(names: &[String], answer: &str) -> Option<Vec<bool>> {
    let said: Vec<(usize, bool)> = SHORT_ROLE
        .captures_iter(answer)
        .map(|found| Some((position(names, &found[1])?, found.get(2).is_some())))
        .collect::<Option<_>>()?;
    if said.len() != names.len() {
        return None;
    }
    complete(names.len(), said.into_iter())
}

fn position(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|other| other == name)
}

/// What an English text assumes or rules out of whom, in order.
pub fn assumptions(names: &[String], reasoning: &str) -> Vec<Said> {
    let said = SAID_ROLE.captures_iter(reasoning).filter_map(|found| {
        let before = &reasoning[..found.get(0)?.start()];
        let (person, start) = named_last(names, before)?;
        let assumed = || {
            let mut words = before[..start].split_whitespace().rev();
            let word = words
                .next()
                .filter(|word| !word.eq_ignore_ascii_case("that"));
            word.or_else(|| words.next()).is_some_and(|word| {
                ASSUMING
                    .iter()
                    .any(|other| word.eq_ignore_ascii_case(other))
            })
        };
        let fits = found.get(1).is_some();
        let knight = found.get(2).is_some();
        (!fits || assumed()).then_some(Said {
            person,
            knight,
            fits,
        })
    });
    said.collect()
}

/// What a text in the short wording assumes (`A=k+`) or rules out (`B=k!A`) of whom, in order.
pub fn assumptions_short(names: &[String], reasoning: &str) -> Vec<Said> {
    let said = SHORT_ROLE.captures_iter(reasoning).filter_map(|found| {
        let marked = !found[3].is_empty();
        marked.then_some(Said {
            person: position(names, &found[1])?,
            knight: found.get(2).is_some(),
            fits: &found[3] == "+",
        })
    });
    said.collect()
}

/// The parts of the rewards below.
pub const REWARD_PARTS: [&str; 2] = ["format", "answer"];

/// The reward of Logic-RL for a completion with tags: format +1 where all four tags stand in it
/// once and in order, else −1; answer +2 where it is right, −1.5 where it is wrong, −2 where there
/// is none, the format is broken, or the completion did not end by itself.
///
/// `stated` reads the roles from what the last `<answer>` block holds.
pub fn tagged_reward(
    solution: &[bool],
    completion: &str,
    finished: bool,
    stated: impl Fn(&str) -> Option<Vec<bool>>,
) -> Reward {
    let formatted = tags::well_formed(completion);
    let roles = tags::answer(completion)
        .and_then(stated)
        .filter(|_| formatted && finished);
    let correct = roles.as_deref() == Some(solution);
    let answer = match roles {
        Some(_) if correct => 2.0,
        Some(_) => -1.5,
        None => -2.0,
    };
    let format = if formatted { 1.0 } else { -1.0 };
    Reward::from_parts(&[("format", format), ("answer", answer)], correct)
}

/// The reward of a compact completion: 1 for the right roles of a completion that ended by itself
/// and a tenth for any roles that can be read.
pub fn compact_reward(solution: &[bool], roles: Option<&[bool]>, finished: bool) -> Reward {
    let correct = finished && roles == Some(solution);
    let format = if roles.is_some() { 0.1 } else { 0.0 };
    let answer = if correct { 1.0 } else { 0.0 };
    Reward::from_parts(&[("format", format), ("answer", answer)], correct)
}
