//! Decimal numbers in text, compared exactly.

use std::fmt;

/// A decimal number in lowest form (no sign on zero, no leading zeros, no trailing zeros after
/// the point), so that equal numbers have equal text: `1,000.50` is `1000.5`, `72.0` is `72`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(String);

impl Decimal {
    /// Reads a number that fills the whole text. Currency and percent signs and thousands commas
    /// are dropped, and a full stop at the end, as the published GSM8K graders do.
    pub fn parse(text: &str) -> Option<Self> {
        let kept: String = text
            .chars()
            .filter(|character| !matches!(character, ',' | '$' | '€' | '£' | '%'))
            .map(|character| if character == '−' { '-' } else { character })
            .collect();
        let kept = kept.trim();
        let (negative, digits) = match kept.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, kept.strip_prefix('+').unwrap_or(kept)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let mut lowest = String::new();
        if negative && !(whole.is_empty() && fraction.is_empty()) {
            lowest.push('-');
        }
        lowest.push_str(if whole.is_empty() { "0" } else { whole });
        if !fraction.is_empty() {
            lowest.push('.');
            lowest.push_str(fraction);
        }
        Some(Self(lowest))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The last number in a text. A minus sign counts as the number's own unless it stands right after
/// something that could be subtracted from (`7-2` ends in 2, `is -2` in −2). `None` where there is no number,
/// or where the last one is the denominator of a fraction (`3/4` is not a decimal number).
pub fn last_number(text: &str) -> Option<Decimal> {
    let text = text.replace('−', "-");
    let end = text.rfind(|character: char| character.is_ascii_digit())? + 1;
    let mut start = text[..end]
        .rfind(|character: char| !(character.is_ascii_digit() || matches!(character, '.' | ',')))
        .map_or(0, |before| {
            before
                + text[before..]
                    .chars()
                    .next()
                    .map_or(0, |character| character.len_utf8())
        });
    // "left,3" or "so .5": commas in front belong to the sentence.
    start += text[start..end].len() - text[start..end].trim_start_matches(',').len();
    let before = text[..start].trim_end_matches('$');
    if before.ends_with('/') {
        return None;
    }
    let negative = before.strip_suffix('-').is_some_and(|rest| {
        !rest.ends_with(|previous: char| previous.is_alphanumeric() || previous == ')')
    });
    let sign = if negative { "-" } else { "" };
    Decimal::parse(&format!("{sign}{}", &text[start..end]))
}
