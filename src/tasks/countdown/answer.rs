//! Answers as people and TeX write them.

use crate::tasks::expression::{Expression, plain_signs};
use crate::tasks::verify;

/// What a completion gives as its answer.
pub(super) struct Answer {
    pub expression: Expression,
    /// The expression in plain signs.
    pub written: String,
    /// What else the expression is said to be equal to.
    pub said: Vec<Expression>,
}

impl Answer {
    /// Reads an expression, which may stand in a box, and have `= 22` behind it or `22 =` in front.
    pub fn read(text: &str) -> Option<Self> {
        let text = verify::last_boxed(text).unwrap_or(text);
        let text = plain(text.trim().trim_end_matches('.'));
        let sides = text.split('=');
        let mut sides: Vec<(&str, Expression)> = sides
            .map(|side| Some((side, Expression::parse(side)?)))
            .collect::<Option<_>>()?;
        let calculates = |(_, side): &(&str, Expression)| side.operations() > 0;
        let place = sides.iter().position(calculates).unwrap_or(0);
        let (written, expression) = sides.remove(place);
        Some(Self {
            expression,
            written: written.to_owned(),
            said: sides.into_iter().map(|(_, side)| side).collect(),
        })
    }
}

/// The text in plain signs. An `x` between two operands is read as times: `3 x 5` is `3*5`.
pub(super) fn plain(text: &str) -> String {
    let text = plain_signs(text);
    let signs = text.char_indices().map(|(place, sign)| {
        let times = matches!(sign, 'x' | 'X')
            && ends_operand(&text[..place])
            && begins_operand(&text[place + 1..]);
        if times { '*' } else { sign }
    });
    signs.collect()
}

fn ends_operand(text: &str) -> bool {
    let text = text.trim_ascii_end();
    text.ends_with(|sign: char| sign.is_ascii_digit() || sign == ')')
}

fn begins_operand(text: &str) -> bool {
    let text = text.trim_ascii_start();
    text.starts_with(|sign: char| sign.is_ascii_digit() || matches!(sign, '(' | '-'))
}
