//! A short formal wording for tiny models.
//!
//! `A:B=k;B:!A=n?` asks who is what where A says that B is a knight and B says that A is not a
//! knave. `&`, `|`, `>` (if … then) and `~` (if and only if) join statements. The answer is
//! `A=k B=n`.

use super::statement::Statement;

/// What people are called.
pub const NAMES: [&str; 8] = ["A", "B", "C", "D", "E", "F", "G", "H"];

/// All signs of prompts and answers besides names.
pub const SIGNS: &str = "=kn!&|>~():;? ";

/// `k` or `n`.
pub fn role(knight: bool) -> &'static str {
    if knight { "k" } else { "n" }
}

/// What a statement says: `B=k~A=n`.
pub fn claim(statement: &Statement, names: &[String]) -> String {
    let name = |person: &usize| names.get(*person).map_or("?", String::as_str);
    let part = |part: &Statement| {
        let text = claim(part, names);
        if part.is_plain() {
            text
        } else {
            format!("({text})")
        }
    };
    let join =
        |parts: &[Statement], sign: &str| parts.iter().map(part).collect::<Vec<_>>().join(sign);
    match statement {
        Statement::Knight(person) => format!("{}=k", name(person)),
        Statement::Knave(person) => format!("{}=n", name(person)),
        Statement::Not(negated) => format!("!{}", part(negated)),
        Statement::And(parts) => join(parts, "&"),
        Statement::Or(parts) => join(parts, "|"),
        Statement::Implies(one, other) => format!("{}>{}", part(one), part(other)),
        Statement::Iff(one, other) => format!("{}~{}", part(one), part(other)),
    }
}

/// The puzzle, people speaking in `order`.
pub fn quiz(names: &[String], statements: &[Statement], order: &[usize]) -> String {
    let said: Vec<String> = order
        .iter()
        .filter_map(|&speaker| {
            let (name, statement) = names.get(speaker).zip(statements.get(speaker))?;
            Some(format!("{name}:{}", claim(statement, names)))
        })
        .collect();
    format!("{}?", said.join(";"))
}

/// The answer: `A=k B=n`.
pub fn answer(names: &[String], solution: &[bool]) -> String {
    let people: Vec<String> = names
        .iter()
        .zip(solution)
        .map(|(name, knight)| format!("{name}={}", role(*knight)))
        .collect();
    people.join(" ")
}
