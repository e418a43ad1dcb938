//! One number from tokens: digits, a fraction, a mixed number, a power of ten; with its sign.

use super::literal::Literal;
use super::tokens::{Spaced, Token};
use crate::tasks::verify::Number;

/// A number between its sign and its currency or percent sign.
pub(super) struct Term {
    /// `None` where it cannot be read.
    pub value: Option<Number>,
    /// The place behind it.
    pub end: usize,
}

fn token(tokens: &[Spaced], place: usize) -> Option<&Token> {
    tokens.get(place).map(|spaced| &spaced.token)
}

/// The number that begins at `start`, if one does. A sign is taken as its own; whether it is one is
/// for [`super::context::before`] to say.
pub(super) fn term(tokens: &[Spaced], start: usize) -> Option<Term> {
    let mut place = start;
    let (mut negative, mut signs, mut currencies) = (false, 0, 0);
    loop {
        match token(tokens, place)? {
            Token::Sign(sign @ ('-' | '+')) if signs == 0 => {
                (negative, signs) = (*sign == '-', 1);
            }
            Token::Currency if currencies == 0 => currencies += 1,
            Token::Number(_) | Token::Fraction => break,
            _ => return None,
        }
        place += 1;
    }
    let Term { value, mut end } = unsigned(tokens, place);
    while matches!(token(tokens, end), Some(Token::Percent | Token::Currency)) {
        // The currency of the number that comes next: `$5 $3`.
        let of_the_next =
            matches!(token(tokens, end + 1), Some(Token::Number(_))) && !tokens[end].glued;
        if of_the_next {
            break;
        }
        end += 1;
    }
    let value = value.map(|value| if negative { value.negated() } else { value });
    Some(Term { value, end })
}

/// The value of a single group of digits.
fn digits(token: Option<&Token>) -> Option<Number> {
    match token? {
        Token::Number(Literal::Read {
            whole,
            fraction,
            exponent,
        }) => Number::from_digits(whole, fraction, *exponent),
        _ => None,
    }
}

fn unsigned(tokens: &[Spaced], place: usize) -> Term {
    if token(tokens, place) == Some(&Token::Fraction) {
        return written_fraction(tokens, place);
    }
    let value = digits(token(tokens, place));
    let alone = Term {
        value: value.clone(),
        end: place + 1,
    };
    let Some(value) = value else { return alone };
    power_of_ten(tokens, place, &value)
        .or_else(|| slash_fraction(tokens, place))
        .or_else(|| mixed(tokens, place, &value))
        .unwrap_or(alone)
}

/// `10^3`, `1.5 × 10^3`.
fn power_of_ten(tokens: &[Spaced], place: usize, value: &Number) -> Option<Term> {
    let ten = |place: usize| {
        let base = token(tokens, place)?;
        let is_ten = matches!(base, Token::Number(Literal::Read { whole, fraction, exponent: 0 }) if whole == "10" && fraction.is_empty());
        let Some(Token::Script {
            raised: true,
            content,
        }) = token(tokens, place + 1).filter(|_| is_ten)
        else {
            return None;
        };
        content.trim_start_matches('+').parse::<i64>().ok()
    };
    if let Some(exponent) = ten(place) {
        let value = Number::from_digits("1", "", exponent);
        return Some(Term {
            value,
            end: place + 2,
        });
    }
    let times = match token(tokens, place + 1)? {
        Token::Sign('×') => true,
        Token::Word(word) => word == "x",
        _ => false,
    };
    let exponent = ten(place + 2).filter(|_| times)?;
    Some(Term {
        value: value.shifted(exponent),
        end: place + 4,
    })
}

/// `3/4`; not `3/4/2024`.
fn slash_fraction(tokens: &[Spaced], place: usize) -> Option<Term> {
    let slash = |place| token(tokens, place) == Some(&Token::Sign('/'));
    let number = |place| matches!(token(tokens, place), Some(Token::Number(_)));
    if !slash(place + 1) || !number(place + 2) || (slash(place + 3) && number(place + 4)) {
        return None;
    }
    let (over, under) = (
        digits(token(tokens, place)),
        digits(token(tokens, place + 2)),
    );
    Some(Term {
        value: over.zip(under).and_then(|(over, under)| over.over(&under)),
        end: place + 3,
    })
}

/// `3 1/2`, `3\frac12`: a whole number and a proper fraction.
fn mixed(tokens: &[Spaced], place: usize, whole: &Number) -> Option<Term> {
    let next = place + 1;
    let fraction = match token(tokens, next)? {
        Token::Fraction => written_fraction(tokens, next),
        Token::Number(_) if !tokens[next].glued => slash_fraction(tokens, next)?,
        _ => return None,
    };
    let proper = fraction.value.filter(|fraction| {
        let text = fraction.to_string();
        whole.is_whole() && (text.starts_with("0.") || is_proper(&text))
    });
    Some(Term {
        value: proper.and_then(|fraction| whole.plus(&fraction)),
        end: fraction.end,
    })
}

/// Whether a fraction such as `1/3` is positive and below one.
fn is_proper(fraction: &str) -> bool {
    let parts = fraction.split_once('/');
    parts.is_some_and(
        |(over, under)| match (over.parse::<i64>(), under.parse::<i64>()) {
            (Ok(over), Ok(under)) => (0..under).contains(&over),
            _ => false,
        },
    )
}

/// `\frac{3}{4}`, `\frac34`, `\frac3{4}`. Where its parts are no numbers, or cannot be found, the
/// whole is unreadable.
fn written_fraction(tokens: &[Spaced], place: usize) -> Term {
    let mut place = place + 1;
    if let Some(Token::Number(Literal::Read {
        whole,
        fraction,
        exponent: 0,
    })) = token(tokens, place)
        && whole.len() == 2
        && fraction.is_empty()
        && token(tokens, place + 1) != Some(&Token::Open)
    {
        let (over, under) = whole.split_at(1);
        let part = |digit: &str| Number::from_digits(digit, "", 0);
        let value = part(over)
            .zip(part(under))
            .and_then(|(over, under)| over.over(&under));
        return Term {
            value,
            end: place + 1,
        };
    }
    let mut parts = Vec::new();
    for _ in 0..2 {
        let part = argument(tokens, place);
        place = part.end;
        parts.push(part.value);
    }
    let value = match parts.as_slice() {
        [Some(over), Some(under)] => over.over(under),
        _ => None,
    };
    Term { value, end: place }
}

/// An argument of a command: in braces, or a single token.
fn argument(tokens: &[Spaced], place: usize) -> Term {
    if token(tokens, place) != Some(&Token::Open) {
        return Term {
            value: digits(token(tokens, place)),
            end: (place + 1).min(tokens.len()),
        };
    }
    let mut depth = 0;
    let close = tokens[place..].iter().position(|spaced| {
        match spaced.token {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let Some(length) = close else {
        return Term {
            value: None,
            end: tokens.len(),
        };
    };
    let end = place + length;
    let inside = term(tokens, place + 1).filter(|inside| inside.end == end);
    Term {
        value: inside.and_then(|inside| inside.value),
        end: end + 1,
    }
}
