//! Where an answer is marked in a text: in `<answer>`, behind `####`, in `\boxed{}`.
//!
//! Which mark counts depends on the verifier, and a mark that holds no answer of its kind does not
//! hide another one. `####` is also a Markdown heading (`#### Step 2`, `#### 2 Add them`): for numbers
//! it marks an answer where a number stands right behind it and no box follows, or on the last line;
//! for everything else on the last line of a text.

use super::quantity::{self, Leading};
use super::{boxed, tags};
use crate::config::Verifier;

/// What an answer is marked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marked<'a> {
    /// The content of the last `<answer>` block.
    Tagged(&'a str),
    /// The rest of the line behind `####`.
    Hashed(&'a str),
    /// The content of the last `\boxed{}`.
    Boxed(&'a str),
}

impl<'a> Marked<'a> {
    /// The marked text.
    pub fn text(self) -> &'a str {
        match self {
            Self::Tagged(text) | Self::Hashed(text) | Self::Boxed(text) => text,
        }
    }
}

/// The answer that a text marks for a verifier.
///
/// | verifier | looked for, in this order |
/// |---|---|
/// | boxed | a box behind the thought, `<answer>`, any box, `####` on the last line |
/// | number | `<answer>`, the last `####` before a number that no box follows, a box |
/// | others | `<answer>`, `####` on the last line, a box |
pub fn marked(verifier: Verifier, text: &str) -> Option<Marked<'_>> {
    let tagged = || tags::answer(text).map(Marked::Tagged);
    let in_box = |text| boxed::last_boxed(text).map(Marked::Boxed);
    let hashed = || {
        let counts = |line: &Hashes<'_>| match verifier {
            Verifier::Number => line.marks_a_number(),
            _ => line.last,
        };
        let line = hashes(text).filter(counts).last();
        line.map(|line| Marked::Hashed(line.answer))
    };
    match verifier {
        Verifier::Boxed => in_box(tags::behind_thought(text))
            .or_else(tagged)
            .or_else(|| in_box(text))
            .or_else(hashed),
        _ => tagged().or_else(hashed).or_else(|| in_box(text)),
    }
}

/// The answer that a text marks, whatever kind it is of.
pub fn marked_answer(text: &str) -> Option<&str> {
    let number = marked(Verifier::Number, text).filter(|mark| !matches!(mark, Marked::Boxed(_)));
    number
        .or_else(|| marked(Verifier::Exact, text))
        .map(Marked::text)
}

/// The number behind the last `####` that has one, as GSM8K marks it. `None` where there is no such
/// line, [`Leading::Unreadable`] where digits stand there that are not one number.
pub fn hashed_number(text: &str) -> Option<(Leading, &str)> {
    hashes(text)
        .map(|line| (quantity::leading(line.answer), line.answer))
        .filter(|(leading, _)| *leading != Leading::Nothing)
        .last()
}

/// The text in front of the line that marks the number.
pub fn before_hashed_number(text: &str) -> Option<&str> {
    let numbers = hashes(text).filter(|line| quantity::leading(line.answer) != Leading::Nothing);
    numbers.last().map(|line| &text[..line.start])
}

/// The text in front of a `####` on the last line, or in front of the one that marks a number.
pub fn before_hashes(text: &str) -> Option<&str> {
    let number = hashes(text).filter(Hashes::marks_a_number).last();
    let line = number.or_else(|| hashes(text).filter(|line| line.last).last());
    line.map(|line| &text[..line.start])
}

/// A `####` and what follows it on its line.
struct Hashes<'a> {
    start: usize,
    answer: &'a str,
    /// Whether nothing but white space follows the line.
    last: bool,
    /// Whether a box follows the line.
    boxed: bool,
}

impl Hashes<'_> {
    /// Whether it marks a number, rather than the heading of a part: `#### 2 Add them`, with the
    /// answer in a box further down.
    fn marks_a_number(&self) -> bool {
        (self.last || !self.boxed) && quantity::leading(self.answer) != Leading::Nothing
    }
}

/// The `####` of a text that something follows on the same line. Fewer or more `#` are another sign.
fn hashes(text: &str) -> impl Iterator<Item = Hashes<'_>> {
    text.match_indices("####").filter_map(|(start, sign)| {
        let end = start + sign.len();
        let longer = text[..start].ends_with('#') || text[end..].starts_with('#');
        let line = text[end..].split('\n').next().unwrap_or_default();
        let answer = line.trim();
        let rest = &text[end + line.len()..];
        (!longer && !answer.is_empty()).then(|| Hashes {
            start,
            answer,
            last: rest.trim().is_empty(),
            boxed: boxed::last_boxed(rest).is_some(),
        })
    })
}
