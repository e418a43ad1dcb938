//! The published English wording of puzzles and answers.

use super::statement::Statement;

/// What people can be called.
pub const NAMES: [&str; 51] = [
    "Abigail",
    "Aiden",
    "Alexander",
    "Amelia",
    "Aria",
    "Aurora",
    "Ava",
    "Avery",
    "Benjamin",
    "Charlotte",
    "Chloe",
    "Daniel",
    "David",
    "Elizabeth",
    "Ella",
    "Emily",
    "Emma",
    "Ethan",
    "Evelyn",
    "Grace",
    "Harper",
    "Henry",
    "Isabella",
    "Jack",
    "Jackson",
    "Jacob",
    "James",
    "Joseph",
    "Liam",
    "Lily",
    "Logan",
    "Lucas",
    "Luke",
    "Mason",
    "Matthew",
    "Mia",
    "Michael",
    "Noah",
    "Oliver",
    "Olivia",
    "Owen",
    "Penelope",
    "Riley",
    "Samuel",
    "Scarlett",
    "Sebastian",
    "Sofia",
    "Sophia",
    "Victoria",
    "William",
    "Zoey",
];

/// Ways to say that `{n}` claims `{c}`.
pub const TEMPLATES: [&str; 18] = [
    "{n} said that {c}.",
    "{n} told you that {c}.",
    "{n} said, \"{c}.\"",
    "{n} stated, \"{c}\".",
    "According to {n}, \"{c}\".",
    "In {n}'s words: \"{c}\".",
    "{n} remarked, \"{c}\".",
    "\"{c},\" {n} declared.",
    "{n} was heard saying, \"{c}\".",
    "{n} expressed that {c}.",
    "\"{c}\" - {n}.",
    "As {n} put it, \"{c}\".",
    "{n} asserted: \"{c}\".",
    "\"{c},\" {n} mentioned.",
    "{n} commented, \"{c}\".",
    "In a statement by {n}: \"{c}\".",
    "{n} noted, \"{c}\".",
    "\"{c},\" {n} claimed.",
];

/// `knight` or `knave`.
pub fn role(knight: bool) -> &'static str {
    if knight { "knight" } else { "knave" }
}

/// What a statement says: `Zoey is a knight if and only if David is a knave`.
///
/// Statements nested deeper than the published ones get parentheses.
pub fn claim(statement: &Statement, names: &[String]) -> String {
    let name = |person: &usize| names.get(*person).map_or("nobody", String::as_str);
    let part = |part: &Statement| {
        let text = claim(part, names);
        if part.is_plain() {
            text
        } else {
            format!("({text})")
        }
    };
    let join =
        |parts: &[Statement], word: &str| parts.iter().map(part).collect::<Vec<_>>().join(word);
    match statement {
        Statement::Knight(person) => format!("{} is a knight", name(person)),
        Statement::Knave(person) => format!("{} is a knave", name(person)),
        Statement::Not(negated) => match &**negated {
            Statement::Knight(person) => format!("{} is not a knight", name(person)),
            Statement::Knave(person) => format!("{} is not a knave", name(person)),
            other => format!("it is not the case that {}", part(other)),
        },
        Statement::And(parts) => join(parts, " and "),
        Statement::Or(parts) => join(parts, " or "),
        Statement::Implies(one, other) => format!("If {} then {}", part(one), part(other)),
        Statement::Iff(one, other) => format!("{} if and only if {}", part(one), part(other)),
    }
}

/// `Ava`, `Ava{two}Liam`, `Ava, Liam, and Zoey`, …
fn listed(names: &[&str], two: &str) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_string(),
        [one, other] => format!("{one}{two}{other}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}

/// Names in a sentence: `Ava`, `Ava and Liam`, `Ava, Liam, and Zoey`.
pub fn enumerated(names: &[&str]) -> String {
    listed(names, " and ")
}

/// The puzzle in words. `order` is the order in which people speak, and `templates[i]` the place
/// in [`TEMPLATES`] of what introduces person i's statement.
pub fn quiz(
    names: &[String],
    statements: &[Statement],
    templates: &[usize],
    order: &[usize],
) -> String {
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut sentences = vec![format!(
        "A very special island is inhabited only by knights and knaves. Knights always tell the \
         truth, and knaves always lie. You meet {} inhabitants: {}.",
        names.len(),
        // The published text keeps the comma between two people.
        listed(&people, ", and "),
    )];
    for &speaker in order {
        if let (Some(name), Some(said)) = (names.get(speaker), statements.get(speaker)) {
            let template = templates.get(speaker).copied().unwrap_or(0) % TEMPLATES.len();
            let sentence = TEMPLATES[template].replace("{n}", name);
            sentences.push(sentence.replace("{c}", &claim(said, names)));
        }
    }
    sentences.push("So who is a knight and who is a knave?".into());
    sentences.join(" ")
}

/// The answer, one numbered line a person: `(1) Zoey is a knight`.
pub fn answer(names: &[String], solution: &[bool]) -> String {
    let lines: Vec<String> = names
        .iter()
        .zip(solution)
        .enumerate()
        .map(|(place, (name, knight))| format!("({}) {name} is a {}", place + 1, role(*knight)))
        .collect();
    lines.join("\n")
}

/// How to lay out the completion, for the end of a prompt that wants tags.
pub const INSTRUCTIONS: &str = "Think step by step inside <think> </think>. Then say inside \
    <answer> </answer> who each inhabitant is, one a line and nothing else, for example \
    <answer>(1) Zoey is a knight\n(2) Oliver is a knave</answer>.";
