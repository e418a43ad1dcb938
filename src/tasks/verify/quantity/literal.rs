//! A number as it is written: digits, what parts them, point and exponent.

use super::plain::HARD_SPACE;
use super::tokens::{is_digit, is_letter};

/// A number as it is written, or digits that no way of writing numbers explains.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Read {
        whole: String,
        fraction: String,
        exponent: i64,
    },
    Unreadable,
}

/// Reads a number with its thousands separators, point and exponent, and tells its length. `text`
/// begins with a digit or with a point before one.
pub(super) fn literal(text: &[char]) -> (Literal, usize) {
    let mut groups: Vec<String> = vec![String::new()];
    let mut separators: Vec<char> = Vec::new();
    let mut end = 0;
    while let Some(&sign) = text.get(end) {
        if sign.is_ascii_digit() {
            groups.last_mut().expect("one at least").push(sign);
        } else if is_digit(text.get(end + 1)) && separates(sign, &text[end..], &groups, &separators)
        {
            separators.push(if sign == '’' { '\'' } else { sign });
            groups.push(String::new());
        } else {
            break;
        }
        end += 1;
    }
    let parts = whole_and_fraction(&groups, &separators);
    let (exponent, length) = exponent(&text[end..]);
    let literal = match (parts, exponent) {
        (Some((whole, fraction)), Some(exponent)) => Literal::Read {
            whole,
            fraction,
            exponent,
        },
        _ => Literal::Unreadable,
    };
    (literal, end + length)
}

/// Whether a sign between two digits may be inside one number. A plain space is only where it looks
/// like a thousands separator and nothing else: `1 234`, but not `1 2` or `2024 300`.
fn separates(sign: char, rest: &[char], groups: &[String], separators: &[char]) -> bool {
    match sign {
        '.' | ',' | '\'' | '’' | '_' => true,
        ' ' | HARD_SPACE | '~' => {
            let digits = rest[1..]
                .iter()
                .take_while(|sign| sign.is_ascii_digit())
                .count();
            let first = &groups[0];
            digits == 3
                && (1..=3).contains(&first.len())
                && !first.starts_with('0')
                && separators.iter().all(|known| *known == sign)
        }
        _ => false,
    }
}

/// Groups of digits as what stands before and behind the point; `None` where the separators cannot
/// be explained: `1,2` may be a list, `1.2.3` is a version.
fn whole_and_fraction(groups: &[String], separators: &[char]) -> Option<(String, String)> {
    let thousands = |groups: &[String]| {
        let first = &groups[0];
        let short = (1..=3).contains(&first.len()) && !first.starts_with('0');
        (short && groups[1..].iter().all(|group| group.len() == 3)).then(|| groups.concat())
    };
    let all_are = |separators: &[char]| separators.iter().all(|sign| *sign == separators[0]);
    let (last, others) = match separators.split_last() {
        None => return Some((groups[0].clone(), String::new())),
        Some(split) => split,
    };
    let fraction = groups.last()?;
    let before = &groups[..groups.len() - 1];
    match (last, others) {
        ('.', []) => Some((groups[0].clone(), fraction.clone())),
        // `1,234.5`, and with the signs exchanged.
        ('.', [',' | ' ' | '\'' | '_' | '~' | HARD_SPACE, ..]) if all_are(others) => {
            Some((thousands(before)?, fraction.clone()))
        }
        (',', ['.' | ' ' | '\'' | HARD_SPACE, ..]) if all_are(others) => {
            Some((thousands(before)?, fraction.clone()))
        }
        _ if all_are(separators) => Some((thousands(groups)?, String::new())),
        _ => None,
    }
}

/// The exponent behind a number's digits (0 where there is none) with its length; `None` where
/// letters and digits follow that are no exponent, as in `0x1F`.
fn exponent(text: &[char]) -> (Option<i64>, usize) {
    let glued = text
        .iter()
        .take_while(|sign| is_letter(**sign) || sign.is_numeric())
        .count();
    let sign =
        usize::from(glued == 1 && matches!(text.get(1), Some('-' | '+')) && is_digit(text.get(2)));
    let marked = matches!(text.first(), Some('e' | 'E'));
    let digits = text
        .iter()
        .skip(1 + sign)
        .take_while(|sign| sign.is_ascii_digit())
        .count();
    let end = 1 + sign + digits;
    if marked && digits > 0 {
        let whole = !text.get(end).is_some_and(|sign| {
            sign.is_alphanumeric() || *sign == '.' && is_digit(text.get(end + 1))
        });
        let value: String = text[1..end].iter().filter(|sign| **sign != '+').collect();
        return (value.parse().ok().filter(|_| whole), end.max(glued));
    }
    let digits_among_letters = text[..glued].iter().any(|sign| sign.is_numeric());
    match digits_among_letters {
        true => (None, glued),
        false => (Some(0), 0),
    }
}
