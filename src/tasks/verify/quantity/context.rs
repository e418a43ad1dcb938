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

/// What a smaller part may follow, without the `s` of many: `2 hours 30 minutes`, `3 dozen 2`. Not
/// just any word: `question 3 is 5`.
const UNITS: [&str; 65] = [
    "year",
    "yr",
    "month",
    "week",
    "wk",
    "day",
    "hour",
    "hr",
    "h",
    "minute",
    "min",
    "second",
    "sec",
    "s",
    "mile",
    "mi",
    "yard",
    "yd",
    "foot",
    "feet",
    "ft",
    "inch",
    "inches",
    "km",
    "kilometer",
    "kilometre",
    "m",
    "meter",
    "metre",
    "cm",
    "centimeter",
    "centimetre",
    "mm",
    "millimeter",
    "millimetre",
    "ton",
    "tonne",
    "kg",
    "kilogram",
    "kilo",
    "g",
    "gram",
    "pound",
    "lb",
    "ounce",
    "oz",
    "stone",
    "gallon",
    "quart",
    "pint",
    "cup",
    "liter",
    "litre",
    "l",
    "ml",
    "dollar",
    "euro",
    "cent",
    "penny",
    "pence",
    "degree",
    "deg",
    "dozen",
    "lakh",
    "crore",
];

/// Signs that are such units: degrees, feet and minutes of arc.
const UNIT_SIGNS: [char; 4] = ['°', '′', '\'', '’'];

/// Letters that stand for a quantity where they follow a number; the others are units.
const VARIABLES: [&str; 13] = [
    "x", "y", "z", "n", "i", "j", "e", "X", "Y", "Z", "π", "θ", "φ",
];

/// Words between two numbers that make a calculation, a range or a list of them.
const JOINING: [&str; 16] = [
    "and", "or", "to", "x", "by", "of", "plus", "minus", "times", "over", "vs", "versus", "until",
    "point", "choose", "modulo",
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
        // `one million 500`; but `one million (1,000,000)`.
        Token::Word(word) if first == start && scale(word).is_some() => None,
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
/// comma, a word, a unit (`5 feet 6`), or by nothing at all. `None` where none is.
pub(super) fn joined(tokens: &[Spaced], end: usize) -> Option<usize> {
    let (after, bracketed) = behind_scales(tokens, end);
    if let Some(next) = behind_unit(tokens, after)
        && is_number(tokens, next)
    {
        return Some(next);
    }
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
            let near = !bracketed || is_glued(tokens, after);
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

/// The place behind the scales (`2 hundred thousand`) and closing brackets that belong to the number
/// that ends before `end`, and whether a bracket stands last.
fn behind_scales(tokens: &[Spaced], end: usize) -> (usize, bool) {
    let mut place = end;
    loop {
        let after = behind_brackets(tokens, place);
        match scaled(tokens, after) {
            Some((_, next)) => place = next,
            None => return (after, after > place),
        }
    }
}

/// The power of ten that a word at `place` multiplies the number before it by, and the place behind
/// the word.
fn scaled(tokens: &[Spaced], place: usize) -> Option<(i64, usize)> {
    let (at, end) = bare_or_braced(tokens, place)?;
    let written = word(tokens, at)?;
    let short = SHORT_SCALES
        .iter()
        .find(|(ending, _)| is_glued(tokens, at) && *ending == written);
    let exponent = short.map(|(_, exponent)| *exponent);
    Some((exponent.or_else(|| scale(written))?, end))
}

/// The place behind a unit at `place` that a smaller one may follow.
fn behind_unit(tokens: &[Spaced], place: usize) -> Option<usize> {
    if let Token::Other(sign) = token(tokens, place)? {
        let unit = UNIT_SIGNS.contains(sign) || MANY_SIGNS.contains(*sign);
        return (unit && is_glued(tokens, place)).then_some(place + 1);
    }
    let (at, end) = bare_or_braced(tokens, place)?;
    let written = word(tokens, at)?;
    let lower = written.to_lowercase();
    let one = lower.strip_suffix('s').unwrap_or(&lower);
    // `2M 500`
    let short = is_glued(tokens, at) && changes(written);
    let unit = short || UNITS.contains(&lower.as_str()) || UNITS.contains(&one);
    unit.then_some(end)
}

/// Where the word at `place` is, which may stand in braces (`5 \text{ million}`), and the place
/// behind it and its braces.
fn bare_or_braced(tokens: &[Spaced], place: usize) -> Option<(usize, usize)> {
    match token(tokens, place)? {
        Token::Word(_) => Some((place, place + 1)),
        Token::Open if !is_glued(tokens, place) => {
            word(tokens, place + 1)?;
            let closed = token(tokens, place + 2) == Some(&Token::Close);
            Some((place + 1, place + 2 + usize::from(closed)))
        }
        _ => None,
    }
}

/// The value of the number that ends before `end` after a look at what follows; `None` where that
/// makes something else of it.
pub(super) fn behind(tokens: &[Spaced], end: usize, mut value: Number) -> Option<Number> {
    let mut after = behind_brackets(tokens, end);
    while let Some((exponent, next)) = scaled(tokens, after) {
        value = value.shifted(exponent)?;
        after = behind_brackets(tokens, next);
    }
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

/// Whether a word behind a number makes one of it that cannot be told.
fn changes(word: &str) -> bool {
    CHANGING.contains(&word) || CHANGING.contains(&word.to_lowercase().as_str())
}

/// A word behind a number: a unit, an ending, a multiple.
fn behind_word(tokens: &[Spaced], place: usize, value: Number) -> Option<Number> {
    let written = word(tokens, place)?;
    if changes(written) || VARIABLES.contains(&written) {
        return None;
    }
    let lower = written.to_lowercase();
    // `5 and a half`, `5 and one third`
    let part = |place: usize| {
        word(tokens, place)
            .is_some_and(|word| matches!(word, "half" | "third" | "quarter" | "fourth"))
    };
    let a_part_more = lower == "and" && (part(place + 1) || part(place + 2));
    (!a_part_more).then_some(value)
}
