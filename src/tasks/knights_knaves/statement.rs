//! What people say about each other, when it holds, and who can be what.
//!
//! A puzzle is one statement per person: person i says statement i. A knight's statement holds and
//! a knave's does not. The grammar is that of the published generator (Xie et al., *On
//! Memorization of Large Language Models in Logical Reasoning*).

use std::fmt;

use crate::rng::fingerprint;

/// Most people in a puzzle; [`solutions`] tries all 2^people assignments.
pub const MAX_PEOPLE: usize = 16;

/// A statement about people, who are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// This person is a knight.
    Knight(usize),
    /// This person is a knave.
    Knave(usize),
    Not(Box<Statement>),
    And(Vec<Statement>),
    Or(Vec<Statement>),
    /// If the first holds, so does the second.
    Implies(Box<Statement>, Box<Statement>),
    /// Both hold or neither does.
    Iff(Box<Statement>, Box<Statement>),
}

impl Statement {
    /// Whether the statement holds, where `knights[i]` says whether person i is a knight. Nothing
    /// is true of a person who is not there.
    pub fn holds(&self, knights: &[bool]) -> bool {
        match self {
            Self::Knight(person) => knights.get(*person) == Some(&true),
            Self::Knave(person) => knights.get(*person) == Some(&false),
            Self::Not(part) => !part.holds(knights),
            Self::And(parts) => parts.iter().all(|part| part.holds(knights)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(knights)),
            Self::Implies(one, other) => !one.holds(knights) || other.holds(knights),
            Self::Iff(one, other) => one.holds(knights) == other.holds(knights),
        }
    }

    /// Whether the statement can still turn out `wanted` when only some people are decided.
    pub fn can_be(&self, wanted: bool, decided: &[Option<bool>]) -> bool {
        let open: Vec<usize> = self
            .people()
            .into_iter()
            .filter(|&person| decided.get(person) == Some(&None))
            .collect();
        let mut knights: Vec<bool> = decided.iter().map(|role| role == &Some(true)).collect();
        (0..1u32 << open.len()).any(|choice| {
            for (bit, &person) in open.iter().enumerate() {
                knights[person] = choice >> bit & 1 == 1;
            }
            self.holds(&knights) == wanted
        })
    }

    /// The people it mentions, each once, in the order of mention.
    pub fn people(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.visit(&mut |person| {
            if !found.contains(&person) {
                found.push(person);
            }
        });
        found
    }

    /// Whether it is about one person only and joins nothing, such as "A is not a knave".
    pub(super) fn is_plain(&self) -> bool {
        match self {
            Self::Knight(_) | Self::Knave(_) => true,
            Self::Not(part) => matches!(**part, Self::Knight(_) | Self::Knave(_)),
            _ => false,
        }
    }

    fn visit(&self, see: &mut impl FnMut(usize)) {
        match self {
            Self::Knight(person) | Self::Knave(person) => see(*person),
            Self::Not(part) => part.visit(see),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.visit(see)),
            Self::Implies(one, other) | Self::Iff(one, other) => {
                one.visit(see);
                other.visit(see);
            }
        }
    }

    /// The statement with people replaced by `label`, parts that commute in sorted order.
    fn shape(&self, label: &impl Fn(usize) -> String) -> String {
        let sorted = |parts: &mut dyn Iterator<Item = &Statement>| {
            let mut texts: Vec<String> = parts.map(|part| part.shape(label)).collect();
            texts.sort_unstable();
            texts.join(",")
        };
        match self {
            Self::Knight(person) => format!("k{}", label(*person)),
            Self::Knave(person) => format!("n{}", label(*person)),
            Self::Not(part) => format!("not({})", part.shape(label)),
            Self::And(parts) => format!("and({})", sorted(&mut parts.iter())),
            Self::Or(parts) => format!("or({})", sorted(&mut parts.iter())),
            Self::Implies(one, other) => {
                format!("if({},{})", one.shape(label), other.shape(label))
            }
            Self::Iff(one, other) => {
                format!("iff({})", sorted(&mut [&**one, &**other].into_iter()))
            }
        }
    }
}

/// Every way the people can be knights (`true`) and knaves so that each statement holds exactly
/// where its speaker is a knight. Empty for more than [`MAX_PEOPLE`] people.
pub fn solutions(statements: &[Statement]) -> Vec<Vec<bool>> {
    let people = statements.len();
    if people > MAX_PEOPLE {
        return Vec::new();
    }
    (0..1u32 << people)
        .map(|choice| {
            (0..people)
                .map(|person| choice >> person & 1 == 1)
                .collect::<Vec<bool>>()
        })
        .filter(|knights| {
            statements
                .iter()
                .zip(knights)
                .all(|(said, knight)| said.holds(knights) == *knight)
        })
        .collect()
}

/// A fingerprint of what the puzzle says, whoever the people are called and in whatever order they
/// speak.
///
/// People are told apart as in Weisfeiler–Lehman refinement: each person's colour is the shape of
/// what they say, with the colours of the people they mention put in for their names, refined as
/// often as there are people. Puzzles that differ can share an id only if this cannot tell their
/// people apart; then they share a split as well, which does no harm.
pub fn id(statements: &[Statement]) -> u64 {
    let mut colours = vec![0; statements.len()];
    for _ in 0..statements.len() {
        colours = statements
            .iter()
            .enumerate()
            .map(|(speaker, said)| {
                let label = |person: usize| match colours.get(person) {
                    Some(_) if person == speaker => "self".to_string(),
                    Some(colour) => format!("{colour:x}"),
                    None => "nobody".to_string(),
                };
                fingerprint(&said.shape(&label))
            })
            .collect();
    }
    colours.sort_unstable();
    fingerprint(&format!("knights_knaves {colours:x?}"))
}

impl fmt::Display for Statement {
    /// The published form, a Python tuple: `('and', ('lying', 0), ('telling-truth', 1))`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |out: &mut fmt::Formatter<'_>, sign: &str, parts: &[Statement]| {
            write!(out, "('{sign}'")?;
            parts.iter().try_for_each(|part| write!(out, ", {part}"))?;
            write!(out, ")")
        };
        match self {
            Self::Knight(person) => write!(out, "('telling-truth', {person})"),
            Self::Knave(person) => write!(out, "('lying', {person})"),
            Self::Not(part) => write!(out, "('not', {part})"),
            Self::And(parts) => several(out, "and", parts),
            Self::Or(parts) => several(out, "or", parts),
            Self::Implies(one, other) => write!(out, "('->', {one}, {other})"),
            Self::Iff(one, other) => write!(out, "('<=>', {one}, {other})"),
        }
    }
}
