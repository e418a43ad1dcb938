//! Reading expressions.

use super::{Expression, Factor, Term, product_of, sum_of};

/// Deepest nesting of parentheses that is read; text from a model may hold any number of them.
const MAX_DEPTH: usize = 64;

/// Most digits of a number, so that it fits 64 bits.
const MAX_DIGITS: usize = 18;

impl Expression {
    /// Reads whole numbers, `+`, `-`, `*`, `/`, parentheses and signs, with the usual precedence.
    /// White space between them is ignored. `None` where the text is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser {
            rest: text.trim_ascii(),
            depth: 0,
        };
        let expression = parser.sum()?;
        parser.rest.is_empty().then_some(expression)
    }
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
