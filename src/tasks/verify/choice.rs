//! Multiple choice: one letter, or the option's own text.

use regex::Regex;
use std::sync::LazyLock;

/// A letter alone or in front of its option: `B`, `(b)`, `B.`, `B) Paris`, `B: Paris`.
static LEADING_LETTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:\(([A-Za-z])\)|([A-Za-z])[.):](?:\s|$)|([A-Za-z])$)").expect("a valid pattern")
});

/// A letter named as the answer inside a sentence: `the answer is (B)`, `Answer: B`, `option C`.
static NAMED_LETTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i:answer|option|choice)(?i:\s+is)?\s*:?\s*\(?([A-Z])(?:[).,:;!\s]|$)")
        .expect("a valid pattern")
});

/// A second letter right behind the first: `A or B`, `(A), (B)`, `A/B`. Without a bracket it is one
/// in upper case only: of `B, a noble gas` the `a` is a word.
static ANOTHER_LETTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[).:]?\s*(?:(?:,|/|&|;|and\b|or\b)\s*)+\(?(?:[A-Za-z]\)|[A-Z](?:[.,:;!\s]|$))")
        .expect("a valid pattern")
});

/// The normal form of a choice: its letter in upper case where one can be read, else the option's
/// text in lower case with white space collapsed and without a full stop. `None` where several
/// letters are named.
pub fn normalise(answer: &str) -> Option<String> {
    let answer = super::collapse_white_space(answer);
    let leading = LEADING_LETTER
        .captures(&answer)
        .and_then(|found| found.iter().skip(1).flatten().next());
    let named = || {
        NAMED_LETTER
            .captures_iter(&answer)
            .last()
            .and_then(|found| found.get(1))
    };
    let several = |end: usize| ANOTHER_LETTER.is_match(&answer[end..]);
    match leading.or_else(named) {
        Some(letter) if several(letter.end()) => None,
        Some(letter) => Some(letter.as_str().to_uppercase()),
        None => Some(answer.trim_end_matches('.').to_lowercase()),
    }
}
