//! What stands around a number, and what that makes of it.

use super::tokens::{Spaced, Token};
use crate::tasks::verify::Number;

/// Words that multiply the number before them, with the power of ten.
const SCALES: [(&str, i64); 10] = [
    ("hundred", 2),
    ("thousand", 3),
    ("million", 6),
    ("billion", 9),
    ("trillion", 12),
    ("hundreds", 2),
    ("thousands", 3),
    ("millions", 6),
    ("billions", 9),
    ("trillions", 12),
];

/// The same as endings: `1.2k`.
const SHORT_SCALES: [(&str, i64); 6] = [
    ("k", 3),
    ("mn", 6),
    ("mio", 6),
    ("bn", 9),
    ("mrd", 9),
    ("tn", 12),
];

/// Words behind a number that make another one of it, though not one that can be told.
const CHANGING: [&str; 37] = [
    "dozen",
    "dozens",
    "score",
    "lakh",
    "lakhs",
    "crore",
    "crores",
    "half",
    "halves",
    "thirds",
    "fourths",
    "fifths",
    "sixths",
    "sevenths",
    "eighths",
    "ninths",
    "tenths",
    "hundredths",
    "thousandths",
    "millionths",
    "squared",
    "cubed",
    "factorial",
    "point",
    "pi",
    "mod",
    "K",
    "M",
    "B",
    "T",
    "G",
    "MM",
    "Mio",
    "Mrd",
    "ths",
    "choose",
    "modulo",
];

/// Letters that stand for a quantity where they follow a number; the others are units.
const VARIABLES: [&str; 13] = [
    "x", "y", "z", "n", "i", "j", "e", "X", "Y", "Z", "π", "θ", "φ",
];

/// Words between two numbers that make a calculation, a range or a list of them.
const JOINING: [&str; 14] = [
    "and", "or", "to", "x", "by", "of", "plus", "minus", "times", "over", "vs", "versus", "until",
    "point",
];

/// Words that stand before an argument.
const FUNCTIONS: [&str; 13] = [
    "sqrt", "log", "ln", "lg", "exp", "sin", "cos", "tan", "root", "cbrt", "mod", "lcm", "gcd",
];

const MANY_SIGNS: &str = "十百千万亿兆萬億";

fn token(tokens: &[Spaced], place: usize) -> Option<&Token> {
    tokens.get(place).map(|spaced| &spaced.token)
}

fn word(tokens: &[Spaced], place: usize) -> Option<&str> {
    match token(tokens, place)? {
        Token::Word(word) => Some(word),
        _ => None,
    }
}

fn is_number(tokens: &[Spaced], place: usize) -> bool {
    matches!(
        token(tokens, place),
        Some(Token::Number(_) | Token::Fraction)
    )
}

fn is_glued(tokens: &[Spaced], place: usize) -> bool {
    tokens.get(place).is_some_and(|spaced| spaced.glued)
}

/// Whether a token can be the left side of a multiplication or a subtraction.
fn is_operand(token: &Token) -> bool {
    matches!(
        token,
        Token::Number(_)
            | Token::Word(_)
            | Token::Command(_)
            | Token::Script { .. }
            | Token::Close
            | Token::Percent
    )
}

/// The value of the number at `start` after a look at what stands before it; `None` where that
/// makes something else of it.
pub(super) fn before(tokens: &[Spaced], start: usize, value: Number) -> Option<Number> {
    let mut first = start;
    while first > 0 && tokens[first - 1].token == Token::Open {
        first -= 1;
    }
    let Some(left) = first.checked_sub(1).map(|left| &tokens[left].token) else {
        return Some(value);
    };
    let glued = tokens[first].glued;
    // `f(5)`, `2(5)`, `x{5}`.
    if first < start && glued && is_operand(left) {
        return None;
    }
    let signed = matches!(tokens[start].token, Token::Sign(_));
    if signed {
        let sign_is_near = is_glued(tokens, start + 1);
        let fits = match left {
            Token::Line => sign_is_near,
            Token::Word(word) => {
                let bare = first == start && glued;
                !bare && sign_is_near && !FUNCTIONS.contains(&word.as_str()) && !negates(word)
            }
            Token::Sign('=' | '≈' | ':') => !is_comparison(tokens, first - 1),
            Token::Comma | Token::Open | Token::Currency => true,
            Token::Other('|' | '—' | '之') => false,
            Token::Other(_) => sign_is_near,
            _ => false,
        };
        return fits.then_some(value);
    }
    match left {
        Token::Word(word) if negates(word) => {
            let subtracted = first >= 2 && is_operand(&tokens[first - 2].token) && word == "minus";
            (!subtracted).then(|| value.negated())
        }
        Token::Word(word) => (!FUNCTIONS.contains(&word.as_str())).then_some(value),
        Token::Command(_) => None,
        // `\log_2 8`
        Token::Script { .. } if takes_argument(tokens, first - 1) => None,
        Token::Sign('=' | '≈' | ':') => (!is_comparison(tokens, first - 1)).then_some(value),
        Token::Sign(_) => None,
        Token::Script { .. } | Token::Close | Token::Dots | Token::Number(_) | Token::Percent => {
            (!glued).then_some(value)
        }
        Token::Other('—') => (!glued).then_some(value),
        Token::Other('之') => None,
        _ => Some(value),
    }
}

/// Whether the index or exponent at `place` belongs to a function.
fn takes_argument(tokens: &[Spaced], place: usize) -> bool {
    let before = place
        .checked_sub(1)
        .and_then(|before| token(tokens, before));
    match before {
        Some(Token::Command(_)) => true,
        Some(Token::Word(word)) => FUNCTIONS.contains(&word.as_str()),
        _ => false,
    }
}

fn negates(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "minus" | "negative")
}

/// Whether the sign at `place` ends a comparison that is written with two: `>=`, `!=`.
fn is_comparison(tokens: &[Spaced], place: usize) -> bool {
    let before = place
        .checked_sub(1)
        .and_then(|before| token(tokens, before));
    is_glued(tokens, place)
        && matches!(
            before,
            Some(Token::Sign('<' | '>' | '≥' | '≠') | Token::Other('!'))
        )
}

/// Where the number begins that is joined to the one that ends before `end`: by an operator, a
/// comma, a word, or by nothing at all. `None` where none is.
pub(super) fn joined(tokens: &[Spaced], end: usize) -> Option<usize> {
    let after = behind_brackets(tokens, end);
    let begins = |place: usize| {
        let mut place = place;
        while token(tokens, place) == Some(&Token::Open) {
            place += 1;
        }
        let start = place;
        while matches!(
            token(tokens, place),
            Some(Token::Currency | Token::Sign('-' | '+'))
        ) {
            place += 1;
        }
        is_number(tokens, place).then_some(start)
    };
    match token(tokens, after)? {
        Token::Number(_) | Token::Fraction => {
            let near = after == end || is_glued(tokens, after);
            near.then_some(after)
        }
        Token::Currency => is_number(tokens, after + 1).then_some(after),
        Token::Sign('-' | '+') if is_number(tokens, after + 1) => Some(after + 1),
        Token::Sign('-' | '+' | '×' | '÷' | '/' | '<' | '>' | '≥' | '≠' | '±') => {
            begins(after + 1)
        }
        // A time or a ratio; but `Step 5: 3 apples`.
        Token::Sign(':') => {
            let alike = is_glued(tokens, after) == is_glued(tokens, after + 1);
            begins(after + 1).filter(|_| alike)
        }
        Token::Comma => begins(after + 1),
        Token::Word(first) => {
            let first = first.as_str();
            let two = matches!(
                (first, word(tokens, after + 1)),
                ("out", Some("of")) | ("divided" | "multiplied", Some("by"))
            );
            match (JOINING.contains(&first), two) {
                (true, _) => begins(after + 1),
                (false, true) => begins(after + 2),
                (false, false) => None,
            }
        }
        _ => None,
    }
}

/// The place behind the closing brackets that stand right behind a number.
fn behind_brackets(tokens: &[Spaced], end: usize) -> usize {
    let closes =
        |place: usize| token(tokens, place) == Some(&Token::Close) && is_glued(tokens, place);
    (end..).find(|&place| !closes(place)).unwrap_or(end)
}

/// The value of the number that ends before `end` after a look at what follows; `None` where that
/// makes something else of it.
pub(super) fn behind(tokens: &[Spaced], end: usize, value: Number) -> Option<Number> {
    let after = behind_brackets(tokens, end);
    let glued = is_glued(tokens, after);
    let next = after + 1;
    let is_variable =
        |place: usize| word(tokens, place).is_some_and(|word| VARIABLES.contains(&word));
    let continues = |place: usize| {
        is_variable(place) || matches!(token(tokens, place), Some(Token::Open | Token::Command(_)))
    };
    let stays = match token(tokens, after) {
        Some(Token::Word(_)) => return behind_word(tokens, after, value),
        // `5 \text{ million}`
        Some(Token::Open) if !glued && word(tokens, next).is_some() => {
            return behind_word(tokens, next, value);
        }
        Some(Token::Open | Token::Number(_) | Token::Script { .. }) => !glued,
        Some(Token::Command(_) | Token::Fraction) => false,
        Some(Token::Sign('/')) => !continues(next),
        // `12-year-old`, and a dash between two thoughts.
        Some(Token::Sign('-')) => {
            let scale = word(tokens, next).is_some_and(|word| scale(word).is_some());
            !continues(next) && !scale
        }
        Some(Token::Sign('=' | '≈' | ':')) => true,
        Some(Token::Sign(_)) => false,
        // `0.333…` is cut off; `72…` is only said slowly.
        Some(Token::Dots) => value.is_whole(),
        Some(Token::Other(sign)) => !MANY_SIGNS.contains(*sign),
        _ => true,
    };
    stays.then_some(value)
}

fn scale(word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    let known = SCALES.iter().find(|(known, _)| *known == word);
    known.map(|(_, exponent)| *exponent)
}

/// A word behind a number: a unit, an ending, a multiple.
fn behind_word(tokens: &[Spaced], place: usize, value: Number) -> Option<Number> {
    let written = word(tokens, place)?;
    let glued = is_glued(tokens, place);
    let short = SHORT_SCALES
        .iter()
        .find(|(ending, _)| glued && *ending == written);
    let exponent = short
        .map(|(_, exponent)| *exponent)
        .or_else(|| scale(written));
    if let Some(exponent) = exponent {
        return behind(tokens, place + 1, value.shifted(exponent)?);
    }
    let lower = written.to_lowercase();
    let changes = CHANGING.contains(&written) || CHANGING.contains(&lower.as_str());
    if changes || VARIABLES.contains(&written) {
        return None;
    }
    // `5 and a half`, `5 and one third`
    let part = |place: usize| {
        word(tokens, place)
            .is_some_and(|word| matches!(word, "half" | "third" | "quarter" | "fourth"))
    };
    let a_part_more = lower == "and" && (part(place + 1) || part(place + 2));
    (!a_part_more).then_some(value)
}
