//! What a puzzle says whoever the people are called, found by trying all ways to call them.

use crate::tasks::knights_knaves::Statement;

/// Every order of 0..people.
fn permutations(people: usize) -> Vec<Vec<usize>> {
    if people == 0 {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for shorter in permutations(people - 1) {
        for place in 0..people {
            let mut longer = shorter.clone();
            longer.insert(place, people - 1);
            found.push(longer);
        }
    }
    found
}

/// A statement with person i called `called[i]`, parts that commute in sorted order.
fn relabelled(statement: &Statement, called: &[usize]) -> String {
    let sorted = |name: &str, parts: &[&Statement]| {
        let mut texts: Vec<String> = parts.iter().map(|part| relabelled(part, called)).collect();
        texts.sort();
        format!("{name}{texts:?}")
    };
    match statement {
        Statement::Knight(person) => format!("k{}", called[*person]),
        Statement::Knave(person) => format!("n{}", called[*person]),
        Statement::Not(part) => format!("not {}", relabelled(part, called)),
        Statement::And(parts) => sorted("and", &parts.iter().collect::<Vec<_>>()),
        Statement::Or(parts) => sorted("or", &parts.iter().collect::<Vec<_>>()),
        Statement::Implies(one, other) => {
            format!(
                "if {} then {}",
                relabelled(one, called),
                relabelled(other, called)
            )
        }
        Statement::Iff(one, other) => sorted("iff", &[one, other]),
    }
}

/// What a puzzle says, by brute force: the least of its texts over all ways to call the people.
pub(super) fn by_brute_force(statements: &[Statement]) -> String {
    let told = |called: Vec<usize>| {
        let mut said: Vec<(usize, String)> = statements
            .iter()
            .zip(&called)
            .map(|(statement, speaker)| (*speaker, relabelled(statement, &called)))
            .collect();
        said.sort();
        format!("{said:?}")
    };
    permutations(statements.len())
        .into_iter()
        .map(told)
        .min()
        .unwrap_or_default()
}
