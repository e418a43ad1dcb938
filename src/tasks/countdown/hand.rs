//! Operations with the numbers at hand.

use super::answer::plain;
use crate::tasks::expression::{Expression, Factor, Rational, Term};
use crate::tasks::{Flaw, Slip};

/// With more numbers than this at hand, it takes too long to look through what can be made of them.
const LOOKED_THROUGH: usize = 5;

/// The numbers that can be used: those given and the results of operations, without those used up.
pub(super) struct Hand {
    numbers: Vec<i64>,
}

impl Hand {
    pub fn new(given: &[u32]) -> Self {
        Self {
            numbers: given.iter().map(|&number| number.into()).collect(),
        }
    }

    /// How many operations would join what is at hand into one number.
    pub fn left_to_do(&self) -> u32 {
        self.numbers.len().saturating_sub(1) as u32
    }

    /// Does a line such as `3*5=15`, which may have several operations. Its numbers leave the hand,
    /// and its result joins it. Returns the step in canonical form and its number of operations.
    pub fn operate(
        &mut self,
        line: &str,
        allows: impl Fn(&str) -> bool,
    ) -> Result<(String, u32), Slip> {
        let plain = plain(line);
        let Some((left, rest, result)) = read(&plain) else {
            return Err(Slip::new(line, Flaw::Unreadable));
        };
        let step = format!("{}={result}", left.canonical());
        let flawed = |flaw| Err(Slip::new(&step, flaw));
        if !allows(&plain) {
            return flawed(Flaw::NotAtHand);
        }
        let Some(mut numbers) = self.without(&left) else {
            return flawed(Flaw::NotAtHand);
        };
        let value = left.value();
        if value != Some(Rational::from(result)) || rest.iter().any(|side| side.value() != value) {
            return flawed(Flaw::NotEqual);
        }
        numbers.push(result);
        self.numbers = numbers;
        Ok((step, left.operations()))
    }

    /// The numbers that stay where an expression takes its own; `None` where one is not at hand.
    fn without(&self, expression: &Expression) -> Option<Vec<i64>> {
        let mut numbers = self.numbers.clone();
        // First those that can be one number only.
        let (open, certain): (Vec<_>, Vec<_>) = meanings(expression)
            .into_iter()
            .partition(|[likely, other]| likely != other);
        for pair in certain.iter().chain(&open) {
            let at_hand = |meaning: &i64| numbers.iter().position(|number| number == meaning);
            let place = pair.iter().find_map(at_hand)?;
            numbers.swap_remove(place);
        }
        Some(numbers)
    }

    /// Whether the numbers at hand lead to the target with these operators: a single one must be it.
    pub fn can_reach(&self, target: i64, operators: &[char]) -> bool {
        if let [only] = self.numbers.as_slice() {
            return *only == target;
        }
        // Problems have six numbers at most, so one operation always leaves few enough.
        if self.numbers.len() > LOOKED_THROUGH {
            return true;
        }
        let numbers = self.numbers.iter().map(|&number| Rational::from(number));
        let numbers: Vec<Rational> = numbers.collect();
        reaches(&numbers, Rational::from(target), operators)
    }
}

/// The numbers of an expression, each with the two that it may mean, the likelier first. Right
/// behind a minus a `2` is a 2 that is subtracted or a −2 that is added; anywhere else it is a 2.
fn meanings(expression: &Expression) -> Vec<[i64; 2]> {
    match expression {
        Expression::Number(number) => vec![[*number, number.saturating_abs()]],
        Expression::Product(factors) => factors
            .iter()
            .flat_map(|factor| meanings(&factor.value))
            .collect(),
        Expression::Sum(terms) => {
            let term_meanings = |(place, term): (usize, &Term)| {
                let mut all = meanings(&term.value);
                // A minus in front of a bracket belongs to no number.
                if let Some(first) = all.first_mut()
                    && term.negative
                    && begins_with_a_number(&term.value)
                {
                    let (number, opposite) = (first[0], first[0].saturating_neg());
                    // The sign that a sum begins with is the number's own.
                    *first = match place {
                        0 => [opposite, number],
                        _ => [number, opposite],
                    };
                }
                all
            };
            terms.iter().enumerate().flat_map(term_meanings).collect()
        }
    }
}

fn begins_with_a_number(expression: &Expression) -> bool {
    match expression {
        Expression::Number(_) => true,
        Expression::Sum(_) => false,
        Expression::Product(factors) => matches!(
            factors.first(),
            Some(Factor {
                value: Expression::Number(_),
                ..
            })
        ),
    }
}

/// Whether some way to join all the numbers is worth the target, or its opposite: a sign in front is
/// free, as it is in an answer.
fn reaches(numbers: &[Rational], target: Rational, operators: &[char]) -> bool {
    if let [only] = numbers {
        return *only == target || Rational::from(0).checked_sub(*only) == Some(target);
    }
    let mut pairs = (0..numbers.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
    pairs.any(|(one, other)| {
        let mut rest = numbers.to_vec();
        // The later of the two goes first, so that the other is still in its place.
        let pair = (rest.swap_remove(one), rest.swap_remove(other));
        results(pair, operators).any(|result| {
            rest.push(result);
            let reached = reaches(&rest, target, operators);
            rest.pop();
            reached
        })
    })
}

/// What two numbers can be joined into, but for signs in front.
fn results(
    (one, other): (Rational, Rational),
    operators: &[char],
) -> impl Iterator<Item = Rational> {
    [
        // A minus adds too: `3-(-5)`.
        ("+-", one.checked_add(other)),
        ("-", one.checked_sub(other)),
        ("*", one.checked_mul(other)),
        ("/", one.checked_div(other)),
        ("/", other.checked_div(one)),
    ]
    .into_iter()
    .filter(move |(signs, _)| signs.contains(operators))
    .filter_map(|(_, result)| result)
}

/// The first side of an equation, those between, and the whole number that it ends with. The number
/// may also stand first: `15=3*5`.
fn read(line: &str) -> Option<(Expression, Vec<Expression>, i64)> {
    let mut sides: Vec<Expression> = line
        .split('=')
        .map(Expression::parse)
        .collect::<Option<_>>()?;
    if sides.first()?.operations() == 0 {
        sides.reverse();
    }
    let result = sides.pop()?.value()?.as_integer()?;
    if sides.is_empty() || sides[0].operations() == 0 {
        return None;
    }
    Some((sides.remove(0), sides, result))
}

/// The operations of a thought, one after another. White space parts them where each part is one:
/// `3*5=15 15+7=22`; a line whose spaces stand inside an operation is one, `3 * 5 = 15`, or several,
/// each of which ends with its result.
pub(super) fn operations(thought: &str) -> Vec<String> {
    let is_one = |text: &str| read(&plain(text)).is_some();
    let lines = thought.split(['\n', ',', ';']);
    let mut found = Vec::new();
    for line in lines.map(|line| line.trim().trim_end_matches('.')) {
        let parts: Vec<&str> = line.split_whitespace().collect();
        if parts.iter().all(|part| is_one(part)) {
            found.extend(parts.iter().map(ToString::to_string));
        } else if is_one(line) {
            found.push(line.to_owned());
        } else {
            let several = behind_results(line);
            match several.iter().all(|part| is_one(part)) {
                true => found.extend(several),
                false => found.extend(parts.iter().map(ToString::to_string)),
            }
        }
    }
    found
}

/// A line parted behind every number that follows a `=`, where something else comes next.
fn behind_results(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut equal = false;
    let words: Vec<&str> = line.split_whitespace().collect();
    for (place, word) in words.iter().enumerate() {
        let part = parts.last_mut().expect("there is one");
        part.push_str(word);
        part.push(' ');
        let ends = word.ends_with(|sign: char| sign.is_ascii_digit());
        equal |= word.contains('=');
        let begins = words.get(place + 1).is_some_and(|next| {
            next.starts_with(|sign: char| sign.is_ascii_digit() || sign == '(')
        });
        if equal && ends && begins {
            parts.push(String::new());
            equal = false;
        }
    }
    parts
}
