//! Verifiers: how the final answer of a completion is read and compared with the reference.
//!
//! Every verifier brings an answer into a normal form; two answers agree when their normal forms
//! are equal ([`Verifier::Regex`] apart, whose reference is a pattern). The normal form is also
//! what majority votes and answer entropy count.

mod boxed;
mod choice;
mod marks;
mod number;
pub mod quantity;

pub use boxed::{last_boxed, normalise as normalise_math};
pub use marks::{
    Marked, before_hashed_number, before_hashes, hashed_number, marked, marked_answer,
};
pub use number::Number;
pub use quantity::Leading;

use super::{Reward, tags};
use crate::config::{Layout, Verifier};

/// The part of a reward that says whether the answer is right.
const ANSWER_REWARD: f32 = 1.0;
/// The part of a reward that says whether the tags stand where they should. A small reward for
/// the format alone gives a model something to learn from before its first right answer.
const FORMAT_REWARD: f32 = 0.1;

/// The parts of [`reward`] in a layout.
pub fn reward_parts(layout: Layout) -> &'static [&'static str] {
    match layout {
        Layout::Compact => &["answer"],
        Layout::Tags => &["format", "answer"],
    }
}

/// The reward of the file tasks: 1 for the right answer and, where the layout asks for tags,
/// 0.1 for having each of them once and in order.
pub fn reward(layout: Layout, completion: &str, correct: bool) -> Reward {
    let answer = ("answer", if correct { ANSWER_REWARD } else { 0.0 });
    match layout {
        Layout::Compact => Reward::from_parts(&[answer], correct),
        Layout::Tags => {
            let format = if tags::well_formed(completion) {
                FORMAT_REWARD
            } else {
                0.0
            };
            Reward::from_parts(&[("format", format), answer], correct)
        }
    }
}

/// The part of a completion in which an answer can be trusted to be whole: all of it when it is
/// `finished`, otherwise without its last line, whose end is missing. (`#### 7` may have been the
/// beginning of `#### 72`.) An answer inside closed tags or braces is whole in any case, so a last
/// line that ends with `>` or `}` is kept.
pub fn whole_lines(completion: &str, finished: bool) -> &str {
    if finished || completion.trim_end().ends_with(['>', '}']) {
        return completion;
    }
    completion.rfind('\n').map_or("", |end| &completion[..end])
}

/// The normal form of the answer that `text` gives: of the marked answer where there is one
/// ([`marked`]), otherwise of the whole text; a mathematical answer must be marked. `None` where no
/// answer can be read.
pub fn read(verifier: Verifier, text: &str) -> Option<String> {
    match (marked(verifier, text), verifier) {
        // As in GSM8K, the number stands first: `#### 10 apples for 3 children`.
        (Some(Marked::Hashed(answer)), Verifier::Number) => match quantity::leading(answer) {
            Leading::Number(number) => Some(number.to_string()),
            Leading::Unreadable | Leading::Nothing => None,
        },
        (Some(mark), _) => normal_form(verifier, mark.text()),
        (None, Verifier::Boxed) => None,
        (None, _) => normal_form(verifier, text),
    }
}

/// The normal form of an answer, or `None` where the answer is not of the verifier's kind.
pub fn normal_form(verifier: Verifier, answer: &str) -> Option<String> {
    let normal = match verifier {
        Verifier::Exact | Verifier::Regex => collapse_white_space(answer),
        Verifier::Number => quantity::last(answer)?.to_string(),
        Verifier::Boxed => normalise_math(last_boxed(answer).unwrap_or(answer)),
        Verifier::Choice => choice::normalise(answer)?,
    };
    (!normal.is_empty()).then_some(normal)
}

/// Whether an answer in normal form agrees with the reference (in normal form too; a pattern for
/// [`Verifier::Regex`], which must match the whole answer).
pub fn agrees(verifier: Verifier, reference: &str, answer: &str) -> bool {
    match verifier {
        Verifier::Regex => whole_match(reference).is_ok_and(|pattern| pattern.is_match(answer)),
        _ => reference == answer,
    }
}

/// The pattern of a [`Verifier::Regex`] reference, made to match the whole answer.
pub fn whole_match(reference: &str) -> Result<regex::Regex, regex::Error> {
    // Alone first: inside the group an unbalanced `)` would pass for the group's own.
    regex::Regex::new(reference)?;
    regex::Regex::new(&format!("^(?:{reference})$"))
}

/// The text with every run of white space made one space, and none at its ends.
pub fn collapse_white_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
