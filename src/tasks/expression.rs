//! Expressions over whole numbers: reading, writing, exact values, one-step reductions, and a
//! normal form in which the order of commuting operands does not matter.
//!
//! A chain of additions and subtractions is one [`Expression::Sum`] of signed terms, a chain of
//! multiplications and divisions one [`Expression::Product`]; a sum or product inside its own kind
//! is one that stands in parentheses.

mod parse;
mod rational;
#[cfg(test)]
mod tests;

pub use parse::plain_signs;
pub use rational::Rational;

use std::fmt;

/// An arithmetic expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    Number(i64),
    /// Terms that are added (or, where negative, subtracted), from left to right.
    Sum(Vec<Term>),
    /// Factors that are multiplied (or, where inverted, divided by), from left to right; the first
    /// is not inverted.
    Product(Vec<Factor>),
}

/// One term of a sum: the value itself or, where `negative`, its opposite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub negative: bool,
    pub value: Expression,
}

/// One factor of a product: the value itself or, where `inverted`, its reciprocal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    pub inverted: bool,
    pub value: Expression,
}

impl Term {
    /// A whole number as a term: its sign apart from its magnitude.
    fn number(number: i64) -> Self {
        Self {
            negative: number < 0,
            value: Expression::Number(number.saturating_abs()),
        }
    }

    /// The term as one whole number, if it is one.
    fn as_number(&self) -> Option<i64> {
        match self.value {
            Expression::Number(number) if self.negative => number.checked_neg(),
            Expression::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl Expression {
    /// The exact value; `None` on division by zero or where a number leaves 128 bits.
    pub fn value(&self) -> Option<Rational> {
        match self {
            Self::Number(number) => Some(Rational::from(*number)),
            Self::Sum(terms) => terms.iter().try_fold(Rational::from(0), |sum, term| {
                let value = term.value.value()?;
                if term.negative {
                    sum.checked_sub(value)
                } else {
                    sum.checked_add(value)
                }
            }),
            Self::Product(factors) => {
                factors
                    .iter()
                    .try_fold(Rational::from(1), |product, factor| {
                        let value = factor.value.value()?;
                        if factor.inverted {
                            product.checked_div(value)
                        } else {
                            product.checked_mul(value)
                        }
                    })
            }
        }
    }

    /// The numbers in it, from left to right.
    pub fn numbers(&self) -> Vec<i64> {
        match self {
            Self::Number(number) => vec![*number],
            Self::Sum(terms) => terms.iter().flat_map(|term| term.value.numbers()).collect(),
            Self::Product(factors) => factors
                .iter()
                .flat_map(|factor| factor.value.numbers())
                .collect(),
        }
    }

    /// How many operations it has: one less than numbers. Signs are none.
    pub fn operations(&self) -> u32 {
        self.numbers().len() as u32 - 1
    }

    /// A bound on every number that can appear while the expression is reduced, in any order;
    /// `None` where it leaves 64 bits. For expressions without division.
    pub fn magnitude(&self) -> Option<i64> {
        match self {
            // Zeros count as ones: `0*9*9` may pass through 81.
            Self::Number(number) => number.checked_abs().map(|magnitude| magnitude.max(1)),
            Self::Sum(terms) => terms
                .iter()
                .try_fold(0i64, |sum, term| sum.checked_add(term.value.magnitude()?)),
            Self::Product(factors) => factors.iter().try_fold(1i64, |product, factor| {
                product.checked_mul(factor.value.magnitude()?)
            }),
        }
    }

    /// Every expression that one operation leads to, ordered by the operation's place from left
    /// to right.
    ///
    /// An operation is ready when it joins two neighbouring numbers of one sum or one product:
    /// `7-9+2` leads to `-2+2` and to `7-7`. Divisions are not reduced.
    pub fn reductions(&self) -> Vec<Expression> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Sum(terms) => reduce_chain(terms, |term| &mut term.value, join_terms, sum_of),
            Self::Product(factors) => reduce_chain(
                factors,
                |factor| &mut factor.value,
                join_factors,
                product_of,
            ),
        }
    }

    /// The same expression with signs in one place only, so that `2-5` and `2+(-5)`, or `-3*5` and
    /// `3*(-5)`, become equal. The order of operands stays.
    pub fn with_signs_in_front(&self) -> Expression {
        let (negative, value) = self.normal(false);
        signed(negative, value)
    }

    /// A text that is the same for all expressions that differ only in the order of commuting
    /// operands and in parentheses that change nothing: `7+3*5` and `(5*3)+7` are both `7+3*5`.
    pub fn canonical(&self) -> String {
        let (negative, value) = self.normal(true);
        signed(negative, value).to_string()
    }

    /// Whether it is 0 or a product with a zero in it: these have no sign.
    fn is_plainly_zero(&self) -> bool {
        match self {
            Self::Number(number) => *number == 0,
            Self::Sum(_) => false,
            Self::Product(factors) => factors.iter().any(|factor| factor.value.is_plainly_zero()),
        }
    }

    /// Sign and magnitude, signs pulled in front; with `commute`, also flattened and sorted.
    fn normal(&self, commute: bool) -> (bool, Expression) {
        match self {
            Self::Number(number) => (*number < 0, Self::Number(number.saturating_abs())),
            Self::Sum(terms) => {
                let mut flat: Vec<Term> = Vec::new();
                for term in terms {
                    let (sign, value) = term.value.normal(commute);
                    let negative = sign != term.negative;
                    match value {
                        Self::Sum(inner) if commute => {
                            flat.extend(inner.into_iter().map(|term| Term {
                                negative: term.negative != negative,
                                value: term.value,
                            }))
                        }
                        value => {
                            let negative = negative && !value.is_plainly_zero();
                            flat.push(Term { negative, value });
                        }
                    }
                }
                if commute {
                    flat.sort_by_cached_key(|term| (term.negative, term.value.to_string()));
                }
                match <[Term; 1]>::try_from(flat) {
                    Ok([only]) => (only.negative, only.value),
                    Err(flat) => (false, Self::Sum(flat)),
                }
            }
            Self::Product(factors) => {
                let mut negative = false;
                let mut flat: Vec<Factor> = Vec::new();
                for factor in factors {
                    let (sign, value) = factor.value.normal(commute);
                    negative ^= sign;
                    match value {
                        Self::Product(inner) if commute => {
                            flat.extend(inner.into_iter().map(|part| Factor {
                                inverted: part.inverted != factor.inverted,
                                value: part.value,
                            }));
                        }
                        value => flat.push(Factor {
                            inverted: factor.inverted,
                            value,
                        }),
                    }
                }
                negative &= flat.iter().all(|factor| !factor.value.is_plainly_zero());
                if commute {
                    flat.sort_by_cached_key(|factor| (factor.inverted, factor.value.to_string()));
                }
                (negative, Self::Product(flat))
            }
        }
    }
}

/// `value` or its opposite.
fn signed(negative: bool, value: Expression) -> Expression {
    match value {
        value if !negative => value,
        Expression::Number(number) => Expression::Number(number.saturating_neg()),
        value => Expression::Sum(vec![Term { negative, value }]),
    }
}

/// The sum of `terms`, which is plainly the term where there is one only.
fn sum_of(mut terms: Vec<Term>) -> Expression {
    match (terms.len(), terms.pop()) {
        (1, Some(only)) => signed(only.negative, only.value),
        (_, last) => {
            terms.extend(last);
            Expression::Sum(terms)
        }
    }
}

/// The product of `factors`, which is plainly the factor where there is one only.
fn product_of(mut factors: Vec<Factor>) -> Expression {
    match (factors.len(), factors.pop()) {
        (1, Some(only)) => only.value,
        (_, last) => {
            factors.extend(last);
            Expression::Product(factors)
        }
    }
}

fn join_terms(left: &Term, right: &Term) -> Option<Term> {
    Some(Term::number(
        left.as_number()?.checked_add(right.as_number()?)?,
    ))
}

fn join_factors(left: &Factor, right: &Factor) -> Option<Factor> {
    match (left, right) {
        (
            Factor {
                inverted: false,
                value: Expression::Number(left),
            },
            Factor {
                inverted: false,
                value: Expression::Number(right),
            },
        ) => Some(Factor {
            inverted: false,
            value: Expression::Number(left.checked_mul(*right)?),
        }),
        _ => None,
    }
}

/// One-step reductions of a chain: inside one of its links, or of two neighbours into one.
fn reduce_chain<Link: Clone>(
    links: &[Link],
    value: impl Fn(&mut Link) -> &mut Expression,
    join: impl Fn(&Link, &Link) -> Option<Link>,
    chain: impl Fn(Vec<Link>) -> Expression,
) -> Vec<Expression> {
    let mut found = Vec::new();
    for (place, link) in links.iter().enumerate() {
        for inner in value(&mut link.clone()).reductions() {
            let mut reduced = links.to_vec();
            *value(&mut reduced[place]) = inner;
            found.push(chain(reduced));
        }
        if let Some(next) = links.get(place + 1)
            && let Some(joined) = join(link, next)
        {
            let mut reduced = links.to_vec();
            reduced.splice(place..=place + 1, [joined]);
            found.push(chain(reduced));
        }
    }
    found
}

impl fmt::Display for Expression {
    /// Without spaces; a negative number that is not the first of a sum, and every one in a
    /// product, stands in parentheses.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Sum(terms) => {
                for (place, term) in terms.iter().enumerate() {
                    match (place, term.negative) {
                        (_, true) => write!(out, "-")?,
                        (0, false) => {}
                        (_, false) => write!(out, "+")?,
                    }
                    match &term.value {
                        Self::Sum(_) => write!(out, "({})", term.value)?,
                        Self::Number(number) if *number < 0 && (place > 0 || term.negative) => {
                            write!(out, "({number})")?;
                        }
                        value => write!(out, "{value}")?,
                    }
                }
                Ok(())
            }
            Self::Product(factors) => {
                for (place, factor) in factors.iter().enumerate() {
                    match (place, factor.inverted) {
                        (0, _) => {}
                        (_, true) => write!(out, "/")?,
                        (_, false) => write!(out, "*")?,
                    }
                    match &factor.value {
                        Self::Number(number) if *number >= 0 => write!(out, "{number}")?,
                        value => write!(out, "({value})")?,
                    }
                }
                Ok(())
            }
        }
    }
}
