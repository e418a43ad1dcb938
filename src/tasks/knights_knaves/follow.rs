//! Checks reasoning by cases, step by step, against what people say.

use super::demonstration::contradicted;
use super::statement::Statement;
use crate::tasks::{Flaw, Slip, WrongPath};

/// A role that a completion assumes of somebody, or rules out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    pub person: usize,
    pub knight: bool,
    /// Whether it is assumed and found to fit, rather than ruled out.
    pub fits: bool,
}

impl Said {
    /// As it stands in a path: `2=knave`, people counted from 1.
    pub fn step(&self) -> String {
        format!("{}={}", self.person + 1, super::text::role(self.knight))
    }
}

/// Follows reasoning up to the first step that does not hold: what is assumed must contradict
/// nobody who was decided before, and what is ruled out must contradict somebody. Taking a person
/// up again opens everything that was assumed since.
pub fn follow(statements: &[Statement], said: impl Iterator<Item = Said>) -> WrongPath {
    let mut decided: Vec<Option<bool>> = vec![None; statements.len()];
    let mut taken: Vec<usize> = Vec::new();
    WrongPath::follow(said.map(|said| {
        let Said { person, fits, .. } = said;
        if let Some(place) = taken.iter().position(|&earlier| earlier == person) {
            for later in taken.drain(place..) {
                decided[later] = None;
            }
        }
        let Some(role) = decided.get_mut(person) else {
            return Err(Slip::new(&said.step(), Flaw::Unreadable));
        };
        *role = Some(said.knight);
        match (fits, contradicted(statements, &decided).is_some()) {
            (true, true) => return Err(Slip::new(&said.step(), Flaw::Contradicts)),
            (false, false) => return Err(Slip::new(&said.step(), Flaw::RuledOut)),
            (true, false) => taken.push(person),
            (false, true) => decided[person] = None,
        }
        Ok(said.step())
    }))
}

#[cfg(test)]
mod tests {
    use super::super::Wording;
    use super::*;
    use crate::tasks::slip;

    /// A says that B is a knave, B that both are knights: A is a knight and B a knave.
    fn statements() -> [Statement; 2] {
        let both = vec![Statement::Knight(0), Statement::Knight(1)];
        [Statement::Knave(1), Statement::And(both)]
    }

    #[test]
    fn a_wrong_path_ends_with_the_first_step_that_does_not_hold() {
        let names = ["A", "B"].map(String::from);
        for (completion, wanted) in [
            ("A=k+ B=k!A B=n+;A=k B=n", "none"),
            // The other case first, and back.
            ("A=n+ B=n!A B=k!B A=k+ B=n+;A=k B=n", "none"),
            ("A=k!A A=n+;A=n B=n", "✖ 1=knight RuledOut"),
            ("A=k+ B=k+;A=k B=k", "1=knight ✖ 2=knight Contradicts"),
            (
                "A=n+ B=n!A B=k!B A=k+ B=n!A;A=k B=k",
                "1=knave | 2=knave | 2=knight | 1=knight ✖ 2=knave RuledOut",
            ),
            // The steps hold, the answer does not follow from them: the path shows that.
            ("A=k+ B=n+;A=n B=n", "none"),
            ("A B=;k", "none"),
        ] {
            let path = Wording::Short.wrong_path(&names, &statements(), completion);
            assert_eq!(slip::told(path), wanted, "{completion}");
        }
        let names = ["Zoey", "Liam"].map(String::from);
        let text = "Assume Zoey is a knight. Liam cannot be a knave, because …";
        let path = Wording::English.wrong_path(&names, &statements(), text);
        assert_eq!(slip::told(path), "1=knight ✖ 2=knave RuledOut");
    }
}
