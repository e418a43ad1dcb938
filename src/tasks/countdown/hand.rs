//! Operations with the numbers at hand.

use crate::tasks::expression::{Expression, Rational, plain_signs};
use crate::tasks::{Flaw, Slip};

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
        let plain = plain_signs(line);
        let Some((left, rest, result)) = read(&plain) else {
            return Err(Slip::new(line, Flaw::Unreadable));
        };
        let step = format!("{}={result}", left.canonical());
        let flawed = |flaw| Err(Slip::new(&step, flaw));
        if !allows(&plain) {
            return flawed(Flaw::NotAtHand);
        }
        let mut numbers = self.numbers.clone();
        for number in left.numbers() {
            // As in the answer, a sign may belong to the number or stand before it.
            let same = |other: &i64| other.unsigned_abs() == number.unsigned_abs();
            match numbers.iter().position(same) {
                Some(place) => numbers.swap_remove(place),
                None => return flawed(Flaw::NotAtHand),
            };
        }
        let value = left.value();
        if value != Some(Rational::from(result)) || rest.iter().any(|side| side.value() != value) {
            return flawed(Flaw::NotEqual);
        }
        numbers.push(result);
        self.numbers = numbers;
        Ok((step, left.operations()))
    }
}

/// The first side of an equation, those between, and the whole number that it ends with.
fn read(line: &str) -> Option<(Expression, Vec<Expression>, i64)> {
    let mut sides: Vec<Expression> = line
        .split('=')
        .map(Expression::parse)
        .collect::<Option<_>>()?;
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
    let is_one = |text: &str| read(&plain_signs(text)).is_some();
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
