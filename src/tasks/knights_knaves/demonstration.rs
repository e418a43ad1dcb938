//! Reasoning by cases: a depth-first search over the people, written down.
//!
//! People are taken one after another. Each is assumed to be one thing; if some claim can no
//! longer be as it must be (true for a knight, false for a knave), the other thing is tried; if
//! both fail, the person before is reconsidered.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use super::statement::Statement;
use super::{short, text};
use crate::rng::Stream;

/// One step of the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Assuming this of the person contradicts nothing so far.
    Fits { person: usize, knight: bool },
    /// Assuming this of the person contradicts the claim of `speaker`, who is assumed to be a
    /// knight or not.
    Contradiction {
        person: usize,
        knight: bool,
        speaker: usize,
        speaker_knight: bool,
    },
    /// Nothing is left to try for `exhausted`, so the person before them is taken up again.
    Reconsider {
        exhausted: Vec<usize>,
        person: usize,
    },
}

/// In which order the search goes.
#[derive(Clone, Debug)]
pub struct Order {
    /// The people in the order they are taken.
    people: Vec<usize>,
    /// What is tried first of each person.
    first: Vec<bool>,
    /// Whether those whom the latest speaker mentions are taken next, in the order of mention.
    follow_mentions: bool,
}

impl Order {
    /// The published order: whom the latest speaker mentions comes next, knight is tried first.
    pub fn canonical(people: usize) -> Self {
        Self {
            people: (0..people).collect(),
            first: vec![true; people],
            follow_mentions: true,
        }
    }

    /// A random order of people, and for each a random first thing to try.
    pub fn random(people: usize, random: &mut Stream) -> Self {
        let mut order: Vec<usize> = (0..people).collect();
        order.shuffle(random);
        let first = (0..people).map(|_| random.random_bool(0.5)).collect();
        Self {
            people: order,
            first,
            follow_mentions: false,
        }
    }
}

/// Searches in the given order until all people fit, and returns the steps.
pub fn search(statements: &[Statement], order: Order) -> Vec<Step> {
    let Order {
        mut people,
        first,
        follow_mentions,
    } = order;
    let mut decided: Vec<Option<bool>> = vec![None; statements.len()];
    // What is still to be tried of each person, the next one last.
    let untried: Vec<Vec<bool>> = first.iter().map(|first| vec![!first, *first]).collect();
    let mut left = untried.clone();
    let mut steps = Vec::new();
    let mut place = 0;
    while place < people.len() {
        let person = people[place];
        let Some(knight) = left[person].pop() else {
            let mut exhausted = Vec::new();
            // Go back to the nearest person of whom something is left to try.
            loop {
                let person = people[place];
                if !left[person].is_empty() {
                    steps.push(Step::Reconsider { exhausted, person });
                    break;
                }
                left[person] = untried[person].clone();
                decided[person] = None;
                exhausted.push(person);
                if place == 0 {
                    // Everything has been tried: the puzzle has no solution.
                    return steps;
                }
                place -= 1;
            }
            continue;
        };
        decided[person] = Some(knight);
        match contradicted(statements, &decided) {
            Some((speaker, speaker_knight)) => {
                steps.push(Step::Contradiction {
                    person,
                    knight,
                    speaker,
                    speaker_knight,
                });
            }
            None => {
                steps.push(Step::Fits { person, knight });
                place += 1;
                if follow_mentions {
                    let mentioned = statements[person].people();
                    people[place..].sort_by_key(|later| {
                        mentioned
                            .iter()
                            .position(|known| known == later)
                            .unwrap_or(usize::MAX)
                    });
                }
            }
        }
    }
    steps
}

/// The first decided speaker whose claim can no longer be as it must be.
pub(super) fn contradicted(
    statements: &[Statement],
    decided: &[Option<bool>],
) -> Option<(usize, bool)> {
    statements
        .iter()
        .zip(decided)
        .enumerate()
        .find_map(|(speaker, (said, role))| {
            let knight = (*role)?;
            (!said.can_be(knight, decided)).then_some((speaker, knight))
        })
}

/// The steps in the published English sentences.
pub fn in_english(steps: &[Step], statements: &[Statement], names: &[String]) -> String {
    let mut lines = vec![
        "Let's think step by step, by considering whether each person is lying and if that leads \
         to contradiction."
            .to_string(),
    ];
    let claim_of = |speaker: usize, knight: bool, whose: &str| {
        let kind = if knight { "claim" } else { "false claim" };
        (
            kind.to_string() + whose,
            text::claim(&statements[speaker], names),
        )
    };
    for step in steps {
        lines.push(match step {
            Step::Fits { person, knight } => {
                let (kind, claim) = claim_of(*person, *knight, "");
                let (name, role) = (&names[*person], text::role(*knight));
                format!(
                    "Assume {name} is a {role}. No contradiction is found in their {kind} that \
                     {claim}."
                )
            }
            Step::Contradiction {
                person,
                knight,
                speaker,
                speaker_knight,
            } => {
                let whose = if speaker == person {
                    "their own"
                } else {
                    &names[*speaker]
                };
                let (kind, claim) = claim_of(*speaker, *speaker_knight, &format!(" of {whose}"));
                let (name, role) = (&names[*person], text::role(*knight));
                format!(
                    "{name} cannot be a {role}, because this would contradict the {kind} that \
                     {claim}."
                )
            }
            Step::Reconsider { exhausted, person } => {
                let exhausted: Vec<&str> = exhausted
                    .iter()
                    .map(|&person| names[person].as_str())
                    .collect();
                format!(
                    "We have exhausted all possibilities for {}, so let us go back and reconsider \
                     {}.",
                    text::enumerated(&exhausted),
                    names[*person],
                )
            }
        });
    }
    lines.push("This leads to a feasible solution.".into());
    lines.join("\n")
}

/// The steps in the short wording: `A=k+` fits, `B=k!A` contradicts the claim of A.
pub fn in_short(steps: &[Step], names: &[String]) -> String {
    let lines: Vec<String> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Fits { person, knight } => {
                Some(format!("{}={}+", names[*person], short::role(*knight)))
            }
            Step::Contradiction {
                person,
                knight,
                speaker,
                ..
            } => {
                let role = short::role(*knight);
                Some(format!("{}={role}!{}", names[*person], names[*speaker]))
            }
            Step::Reconsider { .. } => None,
        })
        .collect();
    lines.join(" ")
}
