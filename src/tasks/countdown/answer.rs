//! Answers as people and TeX write them.

use crate::tasks::expression::{Expression, plain_signs};
use crate::tasks::verify;

/// What a completion gives as its answer.
pub(super) struct Answer {
    pub expression: Expression,
    /// The expression in plain signs.
    pub written: String,
    /// What stands behind it after `=`.
    pub said: Vec<Expression>,
}

impl Answer {
    /// Reads an expression, which may stand in a box and have `= 22` behind it.
    pub fn read(text: &str) -> Option<Self> {
        let text = verify::last_boxed(text).unwrap_or(text);
        let text = text.trim().trim_end_matches('.');
        let mut sides = text.split('=');
        let written = plain_signs(sides.next()?).into_owned();
        Some(Self {
            expression: Expression::parse(&written)?,
            said: sides.map(Expression::parse).collect::<Option<_>>()?,
            written,
        })
    }
}
