//! Rewordings that keep the meaning, for problems whose text comes from files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rand::seq::SliceRandom as _;
use regex::{Captures, Regex};

use super::{Perturbation, Problem};
use crate::rng::{Purpose, stream};

/// Other first names in question and solution.
pub const RENAMED: Perturbation =
    Perturbation { name: "renamed", description: "People have other first names." };

/// A neutral sentence around the question.
pub const REWORDED: Perturbation = Perturbation {
    name: "reworded",
    description: "A neutral sentence stands before or after the question.",
};

/// Sentences to put around a question `{}`.
const WRAPPERS: [&str; 6] = [
    "Question: {}",
    "{}\nGive the answer.",
    "Please solve this problem. {}",
    "Here is a question for you. {}",
    "{} What is the answer?",
    "Read carefully, then answer. {}",
];

/// First names by the pronoun they go with, so that `she` stays right. Names that are words, places
/// or months too (Mark, Grace, Jordan, April) are left out: replacing those could change a meaning.
const NAMES: [&[&str]; 2] = [
    &[
        "Alice", "Amanda", "Amy", "Andrea", "Angela", "Anna", "Barbara", "Betty", "Brenda",
        "Carla", "Cindy", "Diane", "Donna", "Dorothy", "Emily", "Emma", "Hannah", "Helen",
        "Jane", "Janet", "Jenna", "Jennifer", "Jenny", "Jessica", "Julia", "Julie", "Karen",
        "Katie", "Laura", "Linda", "Lisa", "Lucy", "Maria", "Martha", "Mary", "Megan", "Melissa",
        "Michelle", "Monica", "Nancy", "Natalia", "Nina", "Olivia", "Rachel", "Rebecca", "Sally",
        "Samantha", "Sandra", "Sarah", "Sophie", "Stacy", "Susan", "Tina", "Wendy",
    ],
    &[
        "Aaron", "Adam", "Alan", "Albert", "Andrew", "Anthony", "Ben", "Billy", "Bob", "Brandon",
        "Brian", "Bruce", "Carl", "Carlos", "Daniel", "David", "Eric", "Fred", "Gary", "George",
        "Gerald", "Greg", "Harry", "Henry", "Jacob", "James", "Jason", "Jeff", "Jeremy",
        "Jerry", "Jim", "Joe", "John", "Joseph", "Josh", "Juan", "Justin", "Kevin", "Kyle", "Luke",
        "Michael", "Mike", "Nathan", "Oliver", "Patrick", "Paul", "Peter", "Richard", "Robert",
        "Ryan", "Samuel", "Simon", "Steve", "Thomas", "Tim", "Toby", "Tom", "Tony", "William",
    ],
];

static CAPITALISED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[A-Z][a-z]+\b").expect("a valid pattern"));

/// Replacements for the known first names in `texts`, drawn from names that occur in none of them;
/// `None` where there is no known name.
pub fn other_names(
    id: u64,
    variant: u64,
    texts: &[&str],
) -> Option<BTreeMap<&'static str, &'static str>> {
    let mut names = BTreeMap::new();
    for (group, counter) in NAMES.into_iter().zip(0..) {
        names.extend(draw_names(id, (variant, counter), group, texts));
    }
    (!names.is_empty()).then_some(names)
}

/// Pairs each name of `group` that occurs in `texts` with one that does not.
fn draw_names(
    id: u64,
    (variant, counter): (u64, u64),
    group: &[&'static str],
    texts: &[&str],
) -> Vec<(&'static str, &'static str)> {
    let occurs = |name: &&&str| {
        texts.iter().any(|text| CAPITALISED.find_iter(text).any(|word| word.as_str() == **name))
    };
    let (present, mut absent): (Vec<_>, Vec<_>) = group.iter().partition(|name| occurs(name));
    absent.shuffle(&mut stream(id, Purpose::Perturbation, variant, counter));
    present.into_iter().copied().zip(absent.into_iter().copied()).collect()
}

/// The text with every name replaced, all at once (so that names can be exchanged).
pub fn rename(text: &str, names: &BTreeMap<&str, &str>) -> String {
    let other = |word: &Captures<'_>| names.get(&word[0]).unwrap_or(&&word[0]).to_string();
    CAPITALISED.replace_all(text, other).into_owned()
}

/// The problem with a neutral sentence around its question.
pub fn reworded(problem: &Problem, variant: u64) -> Problem {
    let choice = problem.id.wrapping_add(variant) % WRAPPERS.len() as u64;
    let prompt = WRAPPERS[choice as usize].replacen("{}", &problem.prompt, 1);
    Problem { prompt, ..problem.clone() }
}

/// All words that [`reworded`] brings in.
pub fn wrapper_vocabulary() -> String {
    WRAPPERS.join("\n").replace("{}", "")
}

/// All words that [`other_names`] brings in.
pub fn name_vocabulary() -> String {
    NAMES.concat().join(" ")
}
