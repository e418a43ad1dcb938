//! Numbers in a text, read with everything around them that changes their value, or not at all.
//!
//! A wrong answer called right is worse than a right one that cannot be read. So a number whose
//! neighbours make another value of it is read whole, or is unreadable; never a part of it.
//!
//! | in the text | read as |
//! |---|---|
//! | `72`, `72.0`, `072`, `72.`, `(72)`, `{72}`, `**72**`, `７２` | 72 |
//! | `1,234` `1 234` `1'234` `1_234` `1\,234` `1{,}234` `1.234.567` `1,234.5` `1.234,5` | whole |
//! | `1,2` `12,34` `1.2.3`: a list, a decimal comma, a version | unreadable |
//! | `$5` `5$` `€ 5` `5 €` `US$5` `5%` `5\%` `90^\circ` | the number: signs of currency, percent and degree are dropped, as in the GSM8K graders |
//! | `-5` `−5` `–5` `-$5` `negative 5`; `- 5` at the start or behind `=`, `(` or `:` | −5 |
//! | `- 5` behind a word or at the start of a later line (a dash? an entry of a list?) | unreadable |
//! | `1.5e3` `1E-7` `10^3` `1.5 × 10^3` `1.5\times10^{3}` | whole |
//! | `3/4` `\frac{3}{4}` `\frac34` `¾` `3 1/2` `1½` `1\frac12` | whole: 0.75, 3.5; `1/3` stays `1/3` |
//! | `2 million` `3 thousand` `5 hundred` `1.2k` `4bn` | multiplied |
//! | `1 million 500 thousand` `3 hundred and 50` `2 hours 30 minutes` `5 feet 6` `3 dozen 2`: compounds | unreadable |
//! | `2M` `5B` `3 dozen` `2 thirds` `5 and a half` `5万` | unreadable |
//! | `72 clips` `5 m` `5 m^2` `18 dollars` `5 km/h` `12-year-old` `5th` | the number: what follows is a unit |
//! | `5x` `2\pi` `3i` `5 + x`: a coefficient or a term | unreadable |
//! | `7-2` `3 + 4` `2*3` `10:30` `2^5` `3 of 4` `3 to 5` `3 and 4` `3, 4` `1 2 3` `555-1234`: a calculation, a range, a list | unreadable |
//! | `\sqrt{16}` `f(5)` `x^{5}` `±5` `≥ 5` `0.333…` `0x1F` | unreadable |
//! | `x_2` `H2O` `v1.2`: names | no number |
//!
//! `=` parts: of `3 + 4 = 7` the 7 is read. Words part too: of `3 apples and 4 pears` the last
//! number is 4, of `question 3 is 5` it is 5. `5!` is taken for a 5 at the end of a sentence.

mod context;
mod literal;
mod plain;
mod term;
#[cfg(test)]
mod tests;
mod tokens;

use self::term::term;
use self::tokens::{Spaced, Token, tokens};
use super::Number;

/// The last number in a text. `None` where there is no number or where the last one cannot be read
/// whole.
pub fn last(text: &str) -> Option<Number> {
    let tokens = tokens(&plain::plain(text));
    let mut last = None;
    let mut place = 0;
    while place < tokens.len() {
        match expression(&tokens, place) {
            Some((value, end)) => {
                last = Some(value);
                place = end;
            }
            None => place += 1,
        }
    }
    last.flatten()
}

/// What a text begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leading {
    /// A number, which may have a unit.
    Number(Number),
    /// Digits that cannot be read whole.
    Unreadable,
    /// No number; or a heading with one, `2. Add them`.
    Nothing,
}

/// The number that a text begins with; brackets may stand around it.
pub fn leading(text: &str) -> Leading {
    let tokens = tokens(&plain::plain(text));
    let opened = tokens
        .iter()
        .take_while(|spaced| spaced.token == Token::Open)
        .count();
    match expression(&tokens, opened) {
        None => Leading::Nothing,
        Some((_, end)) if opened == 0 && counts_a_heading(&tokens[end..]) => Leading::Nothing,
        Some((Some(number), _)) => Leading::Number(number),
        Some((None, _)) => Leading::Unreadable,
    }
}

/// The number that fills a whole text, but for a full stop at its end.
pub fn whole(text: &str) -> Option<Number> {
    let tokens = tokens(&plain::plain(text));
    let (number, end) = expression(&tokens, 0)?;
    let rest = &tokens[end..];
    let full_stop = matches!(
        rest,
        [Spaced {
            token: Token::Other('.'),
            glued: true
        }]
    );
    number.filter(|_| rest.is_empty() || full_stop)
}

/// Whether what follows a number makes it the number of a heading: `. Add them`, `) Add them`,
/// `: Add them`, `st step`.
fn counts_a_heading(rest: &[Spaced]) -> bool {
    let [mark, word, ..] = rest else { return false };
    let marks = match &mark.token {
        Token::Other('.') | Token::Close | Token::Sign(':') => true,
        Token::Word(ending) => matches!(ending.as_str(), "st" | "nd" | "rd" | "th"),
        _ => false,
    };
    marks && mark.glued && matches!(word.token, Token::Word(_)) && !word.glued
}

/// A number, or several that operators, commas or words join into something that is no number. Its
/// value with the place behind it; `None` where no number begins.
fn expression(tokens: &[Spaced], start: usize) -> Option<(Option<Number>, usize)> {
    let first = term(tokens, start)?;
    let mut end = first.end;
    let mut joined = false;
    while let Some(next) = context::joined(tokens, end).and_then(|next| term(tokens, next)) {
        joined = true;
        end = next.end;
    }
    let value = first
        .value
        .filter(|_| !joined)
        .and_then(|value| context::before(tokens, start, value))
        .and_then(|value| context::behind(tokens, end, value));
    Some((value, end))
}
