//! Drawing puzzles, as the published generator draws them.

use rand::RngExt as _;

use super::statement::{Statement, solutions};
use crate::rng::Stream;

/// What limits the statements of a puzzle.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nesting of statements; 1 allows nothing but "X is a knight" and "X is a knave".
    pub depth: u32,
    /// Most parts of an `and` or `or`, at least 2.
    pub width: u32,
}

/// A statement of each of `people` people, with the one solution there is; `None` where the
/// statements drawn have none or several.
pub fn puzzle(
    people: usize,
    limits: Limits,
    random: &mut Stream,
) -> Option<(Vec<Statement>, Vec<bool>)> {
    let statements: Vec<Statement> = (0..people)
        .map(|speaker| statement(people, speaker, limits, limits.depth, random))
        .collect();
    let [solution] = <[Vec<bool>; 1]>::try_from(solutions(&statements)).ok()?;
    Some((statements, solution))
}

/// What `speaker` says, nested at most `depth` deep.
fn statement(
    people: usize,
    speaker: usize,
    limits: Limits,
    depth: u32,
    random: &mut Stream,
) -> Statement {
    let kind = random.random_range(0..6);
    if depth <= 1 || kind == 0 {
        return leaf(people, speaker, random);
    }
    let mut part = |random: &mut Stream| statement(people, speaker, limits, depth - 1, random);
    match kind {
        1 => Statement::Not(Box::new(part(random))),
        2 | 3 => {
            let count = random.random_range(2..=limits.width.max(2)) as usize;
            let parts = distinct(count, &mut part, random);
            if kind == 2 {
                Statement::And(parts)
            } else {
                Statement::Or(parts)
            }
        }
        _ => {
            let mut parts = distinct(2, &mut part, random).into_iter().map(Box::new);
            let (one, other) = parts
                .next()
                .zip(parts.next())
                .expect("two parts were drawn");
            if kind == 4 {
                Statement::Implies(one, other)
            } else {
                Statement::Iff(one, other)
            }
        }
    }
}

/// "X is a knight" or "X is a knave", but nobody calls themselves a knave: no one can say that.
fn leaf(people: usize, speaker: usize, random: &mut Stream) -> Statement {
    loop {
        let person = random.random_range(0..people);
        if random.random_bool(0.5) {
            return Statement::Knight(person);
        }
        if person != speaker {
            return Statement::Knave(person);
        }
    }
}

/// `count` draws without their duplicates; drawn again until at least two parts are left.
fn distinct(
    count: usize,
    draw: &mut impl FnMut(&mut Stream) -> Statement,
    random: &mut Stream,
) -> Vec<Statement> {
    loop {
        let mut parts: Vec<Statement> = Vec::new();
        for _ in 0..count {
            let part = draw(random);
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        if parts.len() >= 2 {
            return parts;
        }
    }
}
