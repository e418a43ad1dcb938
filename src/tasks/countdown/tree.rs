//! Ways to join numbers into one, two at a time.

use std::fmt;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use serde::{Deserialize, Serialize};

use crate::rng::Stream;

/// A number, or two parts joined by an operator. Every part is worth a positive whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tree {
    Number(i64),
    Join(Box<Tree>, char, Box<Tree>),
}

/// The result of one operation, if it is a positive whole number.
fn apply(left: i64, operator: char, right: i64) -> Option<i64> {
    match operator {
        '+' => left.checked_add(right),
        '-' => left.checked_sub(right),
        '*' => left.checked_mul(right),
        '/' if right > 0 && left % right == 0 => Some(left / right),
        _ => None,
    }
    .filter(|result| *result > 0)
}

impl Tree {
    /// Joins all `numbers` in a random order with random `operators`, so that every result on the
    /// way is a positive whole number, and returns the tree with its value. `None` where the draw
    /// ran into a pair that no operator joins.
    pub(super) fn draw(
        numbers: &[u32],
        operators: &[char],
        random: &mut Stream,
    ) -> Option<(Self, i64)> {
        let mut parts: Vec<(Self, i64)> = numbers
            .iter()
            .map(|&number| (Self::Number(number.into()), number.into()))
            .collect();
        while parts.len() > 1 {
            let (one, one_value) = parts.swap_remove(random.random_range(0..parts.len()));
            let (other, other_value) = parts.swap_remove(random.random_range(0..parts.len()));
            // One way for each operator: the larger part comes first where the order matters.
            let swapped = |operator| matches!(operator, '-' | '/') && one_value < other_value;
            let ways: Vec<(char, i64)> = operators
                .iter()
                .filter_map(|&operator| {
                    let value = if swapped(operator) {
                        apply(other_value, operator, one_value)
                    } else {
                        apply(one_value, operator, other_value)
                    };
                    Some((operator, value?))
                })
                .collect();
            let &(operator, value) = ways.choose(random)?;
            let (left, right) = if swapped(operator) {
                (other, one)
            } else {
                (one, other)
            };
            parts.push((Self::Join(Box::new(left), operator, Box::new(right)), value));
        }
        parts.pop()
    }

    /// Swaps the operands of about half the additions and multiplications.
    pub(super) fn commute(&mut self, random: &mut Stream) {
        if let Self::Join(left, operator, right) = self {
            if matches!(operator, '+' | '*') && random.random_bool(0.5) {
                std::mem::swap(left, right);
            }
            left.commute(random);
            right.commute(random);
        }
    }

    /// Every operation that can be done next, as text such as `3*5=15`, with the tree it leaves,
    /// from left to right.
    pub(super) fn steps(&self) -> Vec<(String, Self)> {
        let Self::Join(left, operator, right) = self else {
            return Vec::new();
        };
        if let (Self::Number(one), Self::Number(other)) = (&**left, &**right) {
            return apply(*one, *operator, *other)
                .map(|value| {
                    (
                        format!("{one}{operator}{other}={value}"),
                        Self::Number(value),
                    )
                })
                .into_iter()
                .collect();
        }
        let in_left = left.steps().into_iter().map(|(text, reduced)| {
            (
                text,
                Self::Join(Box::new(reduced), *operator, right.clone()),
            )
        });
        let in_right = right
            .steps()
            .into_iter()
            .map(|(text, reduced)| (text, Self::Join(left.clone(), *operator, Box::new(reduced))));
        in_left.chain(in_right).collect()
    }

    /// Whether it must stand in parentheses beside `operator`, on the given side.
    fn needs_parentheses(&self, operator: char, on_the_right: bool) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Join(_, '+' | '-', _) => {
                matches!(operator, '*' | '/') || (operator == '-' && on_the_right)
            }
            Self::Join(..) => operator == '/' && on_the_right,
        }
    }
}

impl fmt::Display for Tree {
    /// The expression with no more parentheses than it needs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Join(left, operator, right) => {
                let side = |part: &Self, on_the_right| {
                    if part.needs_parentheses(*operator, on_the_right) {
                        format!("({part})")
                    } else {
                        part.to_string()
                    }
                };
                write!(out, "{}{operator}{}", side(left, false), side(right, true))
            }
        }
    }
}
