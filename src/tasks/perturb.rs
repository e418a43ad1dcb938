//! Rewordings that keep the meaning, for problems whose text comes from files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rand::seq::SliceRandom as _;
use regex::{Captures, Regex};

use super::{Perturbation, Problem};
use crate::rng::{Purpose, stream};

/// Other first names in question and solution.
pub const RENAMED: Perturbation = Perturbation {
    name: "renamed",
    description: "People have other first names.",
};

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
#[rustfmt::skip]
const NAMES: [&[&str]; 2] = [
    &[
        "Alice", "Amanda", "Amy", "Andrea", "Angela", "Ann", "Anna", "Anne", "Annie", "Ashley",
        "Barbara", "Becky", "Bella", "Betty", "Brenda", "Brittany", "Carla", "Carly", "Carrie",
        "Cindy", "Claire", "Diane", "Donna", "Dorothy", "Emily", "Emma", "Erin", "Gina",
        "Hannah", "Helen", "Jane", "Janet", "Janice", "Jen", "Jenna", "Jennifer", "Jenny",
        "Jessica", "Jill", "Julia", "Julie", "Karen", "Kate", "Katie", "Kendra", "Kylie",
        "Laura", "Leila", "Linda", "Lisa", "Lucy", "Madeline", "Mandy", "Maria", "Martha",
        "Mary", "Megan", "Melanie", "Melissa", "Michelle", "Monica", "Nancy", "Natalia", "Nina",
        "Olivia", "Rachel", "Rebecca", "Sally", "Samantha", "Sandra", "Sara", "Sarah", "Sophie",
        "Stacy", "Susan", "Susie", "Tiffany", "Tina", "Wendy",
    ],
    &[
        "Aaron", "Adam", "Alan", "Albert", "Andrew", "Andy", "Anthony", "Barry", "Ben", "Billy",
        "Bob", "Bobby", "Brandon", "Brian", "Bruce", "Bryan", "Caleb", "Carl", "Carlos",
        "Charlie", "Daniel", "Danny", "Dave", "David", "Diego", "Eric", "Fred", "Gary",
        "George", "Gerald", "Greg", "Harry", "Henry", "Jacob", "Jake", "James", "Jason", "Jeff",
        "Jeremy", "Jerome", "Jerry", "Jim", "Jimmy", "Joe", "Joey", "John", "Johnny", "Jose",
        "Joseph", "Josh", "Juan", "Justin", "Kevin", "Kyle", "Larry", "Leo", "Luke", "Marcus",
        "Mario", "Matt", "Matthew", "Michael", "Mike", "Nathan", "Nick", "Oliver", "Patrick",
        "Paul", "Pete", "Peter", "Randy", "Richard", "Rick", "Robert", "Roger", "Ryan", "Sam",
        "Samuel", "Sean", "Simon", "Steve", "Steven", "Thomas", "Tim", "Toby", "Tom", "Tommy",
        "Tony", "Trevor", "Tyler", "Walter", "William",
    ],
];

static CAPITALISED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[A-Z][a-z]+\b").expect("a valid pattern"));

/// Replacements for the known first names in `question`, drawn from names that occur neither there
/// nor in `solution`; `None` where the question has no known name.
pub fn other_names(
    id: u64,
    variant: u64,
    question: &str,
    solution: &str,
) -> Option<BTreeMap<&'static str, &'static str>> {
    let occurs = |name: &str, text: &str| {
        CAPITALISED
            .find_iter(text)
            .any(|word| word.as_str() == name)
    };
    let mut names = BTreeMap::new();
    for (group, counter) in NAMES.into_iter().zip(0..) {
        let present = group.iter().filter(|name| occurs(name, question));
        let mut absent: Vec<&str> = group
            .iter()
            .filter(|name| !occurs(name, question) && !occurs(name, solution))
            .copied()
            .collect();
        absent.shuffle(&mut stream(id, Purpose::Perturbation, variant, counter));
        names.extend(present.copied().zip(absent));
    }
    (!names.is_empty()).then_some(names)
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
    Problem {
        prompt,
        ..problem.clone()
    }
}

/// All words that [`reworded`] brings in.
pub fn wrapper_vocabulary() -> String {
    WRAPPERS.join("\n").replace("{}", "")
}

/// All words that [`other_names`] brings in.
pub fn name_vocabulary() -> String {
    NAMES.concat().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_by_names_of_the_same_pronoun_that_are_new() {
        let (question, solution) = ("Anna gave Bob's dog to Annabel.", "Tom and Anna.");
        for variant in 0..50 {
            let names = other_names(1, variant, question, solution).expect("two known names");
            assert_eq!(names.keys().copied().collect::<Vec<_>>(), ["Anna", "Bob"]);
            assert!(NAMES[0].contains(&names["Anna"]) && NAMES[1].contains(&names["Bob"]));
            assert!(names["Anna"] != "Anna" && !["Bob", "Tom"].contains(&names["Bob"]));
            let renamed = rename(question, &names);
            let expected = format!("{} gave {}'s dog to Annabel.", names["Anna"], names["Bob"]);
            assert_eq!(renamed, expected);
        }
    }

    #[test]
    fn a_name_in_the_solution_alone_is_no_reason_to_rename() {
        assert_eq!(other_names(1, 0, "How many?", "Anna has 2."), None);
    }

    #[test]
    fn names_can_be_exchanged() {
        let names = BTreeMap::from([("Anna", "Lisa"), ("Lisa", "Anna")]);
        assert_eq!(rename("Anna, Lisa, Anna", &names), "Lisa, Anna, Lisa");
    }
}
