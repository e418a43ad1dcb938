//! Reading expressions.

use std::borrow::Cow;

use super::{Expression, Factor, Term, product_of, sum_of};

/// Deepest nesting of parentheses that is read; text from a model may hold any number of them.
const MAX_DEPTH: usize = 64;

/// Most digits of a number, so that it fits 64 bits.
const MAX_DIGITS: usize = 18;

impl Expression {
    /// Reads whole numbers, `+`, `-`, `*`, `/`, parentheses and signs, with the usual precedence;
    /// the signs may be those of print and of TeX ([`plain_signs`]). White space between them is
    /// ignored. `None` where the text is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = plain_signs(text);
        let mut parser = Parser {
            rest: text.trim_ascii(),
            depth: 0,
        };
        let expression = parser.sum()?;
        parser.rest.is_empty().then_some(expression)
    }
}

impl Expression {
    /// Whether a text has words in it, two letters side by side, rather than signs and numbers
    /// alone.
    pub fn is_prose(text: &str) -> bool {
        let letters: Vec<bool> = plain_signs(text).chars().map(char::is_alphabetic).collect();
        letters.windows(2).any(|pair| pair[0] && pair[1])
    }
}

/// What models write for the plain signs.
const COMMANDS: [(&str, &str); 10] = [
    (r"\times", "*"),
    (r"\cdot", "*"),
    (r"\div", "/"),
    (r"\left", ""),
    (r"\right", ""),
    (r"\(", ""),
    (r"\)", ""),
    (r"\[", ""),
    (r"\]", ""),
    (r"\,", " "),
];

/// The text with `× · ÷ − –`, `\times`, `\cdot`, `\div` and full-width signs as `* / -`, and without
/// the `$`, `\(`, `\[`, `\left` and `\right` of TeX.
pub fn plain_signs(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii() && byte != b'\\' && byte != b'$')
    {
        return Cow::Borrowed(text);
    }
    let mut plain: String = text
        .chars()
        .filter(|sign| *sign != '$')
        .map(|sign| match sign {
            '×' | '·' | '⋅' | '∙' | '∗' | '✕' => '*',
            '÷' | '∕' | '⁄' => '/',
            '−' | '–' | '‐' | '‑' | '‒' | '﹣' => '-',
            '\u{a0}' | '\u{202f}' | '\u{2009}' => ' ',
            // Full-width forms keep the order of ASCII.
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(sign as u32 - 0xfee0).unwrap_or(sign),
            other => other,
        })
        .collect();
    for (command, sign) in COMMANDS {
        plain = plain.replace(command, sign);
    }
    Cow::Owned(plain)
}

struct Parser<'a> {
    /// What is still to be read; never begins with white space.
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    /// Takes `sign` if it is next.
    fn take(&mut self, sign: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else {
            return false;
        };
        self.rest = rest.trim_ascii_start();
        true
    }

    /// `[-] product (± product)*`
    fn sum(&mut self) -> Option<Expression> {
        let mut terms = Vec::new();
        let mut negative = self.take('-');
        loop {
            terms.push(match self.product()? {
                Expression::Number(number) if !negative => Term::number(number),
                value => Term { negative, value },
            });
            if self.take('+') {
                negative = false;
            } else if self.take('-') {
                negative = true;
            } else {
                return Some(sum_of(terms));
            }
        }
    }

    /// `atom (*|/ atom)*`
    fn product(&mut self) -> Option<Expression> {
        let mut factors = vec![Factor {
            inverted: false,
            value: self.atom()?,
        }];
        loop {
            let inverted = if self.take('*') {
                false
            } else if self.take('/') {
                true
            } else {
                return Some(product_of(factors));
            };
            factors.push(Factor {
                inverted,
                value: self.atom()?,
            });
        }
    }

    /// `(sum)`, `number` or `-number`
    fn atom(&mut self) -> Option<Expression> {
        if self.take('(') {
            if self.depth == MAX_DEPTH {
                return None;
            }
            self.depth += 1;
            let inside = self.sum()?;
            self.depth -= 1;
            return self.take(')').then_some(inside);
        }
        let negative = self.take('-');
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > MAX_DIGITS {
            return None;
        }
        let (digits, rest) = self.rest.split_at(digits);
        self.rest = rest.trim_ascii_start();
        let number: i64 = digits.parse().ok()?;
        Some(Expression::Number(if negative { -number } else { number }))
    }
}
