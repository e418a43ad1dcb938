//! Checks reasoning by cases, step by step, against what people say.
//!
//! - *Assuming* a role holds unless it contradicts directly what is decided: what was assumed before
//!   and still stands, and what was ruled out since. It is a step of size 1.
//! - *Ruling out* a role holds if nobody's roles can be chosen so that it is true, given what is
//!   decided; however far one has to look. Its size is the number of steps that the textbook's search
//!   needs for it ([`demonstration`](super::demonstration)): 1 where somebody's claim is contradicted
//!   directly, 3 where one more person has to be tried both ways, and so on.
//! - Taking a person up again opens everything that was assumed since.
//! - The *answer* must agree with what is decided at the end, and be the solution. Roles in it that
//!   were not decided are one last step of that size.

use std::collections::BTreeMap;

use super::demonstration::contradicted;
use super::statement::{Statement, solutions};
use crate::tasks::{Chain, Flaw, Reasoning, Slip};

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
        step(self.person, self.knight)
    }
}

fn step(person: usize, knight: bool) -> String {
    format!("{}={}", person + 1, super::text::role(knight))
}

/// Follows reasoning to its answer, or up to the first step that does not hold. `answer` has a role
/// for everybody; `None` where there is no answer yet.
pub fn follow(statements: &[Statement], said: &[Said], answer: Option<&[bool]>) -> Reasoning {
    let mut search = Search {
        statements,
        decided: vec![None; statements.len()],
        taken: Vec::new(),
        ruled_out: Vec::new(),
        known: BTreeMap::new(),
    };
    let mut chain = Chain::default();
    for said in said {
        match search.take(said) {
            Ok(size) => chain.push(said.step(), size),
            Err(flaw) => return chain.broken(Some(Slip::new(&said.step(), flaw))),
        }
    }
    let Some(roles) = answer else {
        return chain.broken(None);
    };
    match search.conclude(roles) {
        Ok(open) => {
            let steps: Vec<String> = open
                .iter()
                .map(|&person| step(person, roles[person]))
                .collect();
            if !steps.is_empty() {
                chain.push(steps.join(","), steps.len() as u32);
            }
            Reasoning::Holds(chain)
        }
        Err((person, flaw)) => {
            let role = roles.get(person).copied().unwrap_or_default();
            chain.broken(Some(Slip::new(&step(person, role), flaw)))
        }
    }
}

struct Search<'a> {
    statements: &'a [Statement],
    decided: Vec<Option<bool>>,
    /// The people whose role is assumed, in order.
    taken: Vec<usize>,
    /// What was ruled out, with the number of assumptions it rests on.
    ruled_out: Vec<(usize, usize, bool)>,
    /// Sizes of refutations found so far: the same is often ruled out again.
    known: BTreeMap<Vec<Option<bool>>, Option<u32>>,
}

impl Search<'_> {
    /// Takes a step and returns its size, or what is wrong with it.
    fn take(&mut self, said: &Said) -> Result<u32, Flaw> {
        let &Said {
            person,
            knight,
            fits,
        } = said;
        if person >= self.decided.len() {
            return Err(Flaw::Unreadable);
        }
        if let Some(place) = self.taken.iter().position(|&earlier| earlier == person) {
            for later in self.taken.drain(place..) {
                self.decided[later] = None;
            }
            self.ruled_out.retain(|(rests_on, ..)| *rests_on <= place);
        }
        let mut with = self.decided.clone();
        with[person] = Some(knight);
        if !fits {
            let size = self.refuted(&with, person).ok_or(Flaw::RuledOut)?;
            self.ruled_out.push((self.taken.len(), person, knight));
            return Ok(size);
        }
        let excluded =
            |(_, other, role): &(usize, usize, bool)| (*other, *role) == (person, knight);
        if contradicted(self.statements, &with).is_some() || self.ruled_out.iter().any(excluded) {
            return Err(Flaw::Contradicts);
        }
        self.decided = with;
        self.taken.push(person);
        Ok(1)
    }

    /// How many steps the textbook's search needs to find that nothing goes with what is decided;
    /// `None` where something does. `last` was decided last.
    fn refuted(&mut self, decided: &[Option<bool>], last: usize) -> Option<u32> {
        if contradicted(self.statements, decided).is_some() {
            return Some(1);
        }
        if let Some(known) = self.known.get(decided) {
            return *known;
        }
        let size = self.both_ways(decided, last);
        self.known.insert(decided.to_vec(), size);
        size
    }

    /// The next person can be neither a knight nor a knave: whom the last one mentions comes first.
    fn both_ways(&mut self, decided: &[Option<bool>], last: usize) -> Option<u32> {
        let is_open = |person: &usize| decided.get(*person) == Some(&None);
        let mentioned = self.statements[last].people().into_iter().find(is_open);
        let next = mentioned.or_else(|| (0..decided.len()).find(is_open))?;
        let mut size = 1u32;
        for knight in [true, false] {
            let mut with = decided.to_vec();
            with[next] = Some(knight);
            size = size.saturating_add(self.refuted(&with, next)?);
        }
        Some(size)
    }

    /// The people whose roles only the answer tells, if it is right; otherwise a person of whom it
    /// is wrong, and how.
    fn conclude(&self, roles: &[bool]) -> Result<Vec<usize>, (usize, Flaw)> {
        let people = self.decided.iter().zip(roles).enumerate();
        for (person, (decided, role)) in people {
            if decided.is_some_and(|decided| decided != *role) {
                return Err((person, Flaw::Disagrees));
            }
        }
        let excluded = |(_, person, role): &&(usize, usize, bool)| roles.get(*person) == Some(role);
        if let Some((_, person, _)) = self.ruled_out.iter().find(excluded) {
            return Err((*person, Flaw::Disagrees));
        }
        if solutions(self.statements) != [roles] {
            let decided: Vec<Option<bool>> = roles.iter().copied().map(Some).collect();
            let liar = contradicted(self.statements, &decided);
            return Err((liar.map_or(0, |(speaker, _)| speaker), Flaw::NoSolution));
        }
        let open = |person: &usize| self.decided[*person].is_none();
        Ok((0..roles.len()).filter(open).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Wording;
    use super::*;
    use crate::config::Layout;
    use crate::tasks::reasoning::told;

    fn read(text: &str) -> Vec<Statement> {
        Statement::parse_all(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// A says that B is a knave, B that both are knights: A is a knight and B a knave.
    fn two() -> Vec<Statement> {
        read("(('lying', 1), ('and', ('telling-truth', 0), ('telling-truth', 1)))")
    }

    fn judged(statements: &[Statement], completion: &str) -> String {
        let names: Vec<String> = ["A", "B", "C", "D"][..statements.len()]
            .iter()
            .map(ToString::to_string)
            .collect();
        told(&Wording::Short.judge(Layout::Compact, &names, statements, completion, true))
    }

    #[test]
    fn a_chain_breaks_with_the_first_step_that_does_not_hold() {
        for (completion, wanted) in [
            (
                "A=k+ B=k!A B=n+;A=k B=n",
                "1=knight (1) 2=knight (1) 2=knave (1)",
            ),
            // The other case first, and back.
            (
                "A=n+ B=n!A B=k!B A=k+ B=n+;A=k B=n",
                "1=knave (1) 2=knave (1) 2=knight (1) 1=knight (1) 2=knave (1)",
            ),
            ("A=k!A A=n+;A=n B=n", "✖ 1=knight RuledOut"),
            ("A=k+ B=k+;A=k B=k", "1=knight ✖ 2=knight Contradicts"),
            (
                "A=n+ B=n!A B=k!B A=k+ B=n!A;A=k B=k",
                "1=knave 2=knave 2=knight 1=knight ✖ 2=knave RuledOut",
            ),
            // The answer says otherwise than the steps.
            ("A=k+ B=n+;A=n B=n", "1=knight 2=knave ✖ 1=knave Disagrees"),
            (
                "A=k+ B=k!A;A=k B=k",
                "1=knight 2=knight ✖ 2=knight Disagrees",
            ),
            // No answer.
            ("A=k+ B=n+", "1=knight 2=knave ✖ ends"),
            ("A B=;k", "not judged"),
            (";A=k B=n", "not judged"),
        ] {
            assert_eq!(judged(&two(), completion), wanted, "{completion}");
        }
    }

    #[test]
    fn roles_that_only_the_answer_tells_are_a_last_step() {
        assert_eq!(judged(&two(), "A=k+;A=k B=n"), "1=knight (1) 2=knave (1)");
        assert_eq!(
            judged(&two(), "A=k+;A=k B=k"),
            "1=knight ✖ 1=knight NoSolution"
        );
        // A role that was only ruled out is not decided.
        assert_eq!(
            judged(&two(), "A=k+ B=k!A;A=k B=n"),
            "1=knight (1) 2=knight (1) 2=knave (1)"
        );
    }

    #[test]
    fn what_was_ruled_out_cannot_be_assumed_while_its_reasons_stand() {
        assert_eq!(
            judged(&two(), "A=n!B A=n+;A=n B=n"),
            "1=knave ✖ 1=knave Contradicts",
        );
        // B is ruled out under a knave A; under a knight A that says nothing.
        assert_eq!(
            judged(&two(), "A=n+ B=n!A A=k+ B=n+;A=k B=n"),
            "1=knave (1) 2=knave (1) 1=knight (1) 2=knave (1)",
        );
    }

    #[test]
    fn ruling_out_may_look_ahead_and_its_size_says_how_far() {
        // A cannot be a knave: B could be neither. Directly nothing is contradicted.
        assert_eq!(
            judged(&two(), "A=n!B A=k+ B=n+;A=k B=n"),
            "1=knave (3) 1=knight (1) 2=knave (1)"
        );
        // Three people: A: C is a knave. B: A is a knight. C: B is a knave and A is a knave.
        let three =
            read("(('lying', 2), ('telling-truth', 0), ('and', ('lying', 1), ('lying', 0)))");
        assert_eq!(solutions(&three).len(), 2);
        assert_eq!(judged(&three, "A=k!A;A=k B=k C=n"), "✖ 1=knight RuledOut");
    }

    #[test]
    fn a_refutation_is_as_large_as_the_search_the_textbook_writes() {
        use super::super::demonstration::{Order, Step, search};
        use super::super::generate::{Limits, puzzle};
        use crate::rng::{Purpose, stream};
        let limits = Limits { depth: 2, width: 2 };
        let mut larger = 0;
        for seed in 0..60 {
            let random = &mut stream(seed, Purpose::Problem, 0, 0);
            let Some((statements, solution)) = puzzle(3, limits, random) else {
                continue;
            };
            // The first person's wrong role is refuted whole by the canonical search, if it tries it.
            let steps = search(&statements, Order::canonical(3));
            let wrong = !solution[0];
            let tried = matches!(steps[0], Step::Fits { person: 0, knight } if knight == wrong);
            if !tried {
                continue;
            }
            let end = steps
                .iter()
                .rposition(|step| matches!(step, Step::Reconsider { person: 0, .. }));
            let Some(end) = end else { continue };
            let count = steps[..end]
                .iter()
                .filter(|step| !matches!(step, Step::Reconsider { .. }));
            let said = Said {
                person: 0,
                knight: wrong,
                fits: false,
            };
            let Reasoning::Holds(chain) = follow(&statements, &[said], Some(&solution)) else {
                panic!("{statements:?}")
            };
            assert_eq!(chain.sizes[0] as usize, count.count(), "{statements:?}");
            larger += usize::from(chain.sizes[0] > 1);
        }
        assert!(larger > 3, "{larger}");
    }

    #[test]
    fn english_is_followed_too() {
        let names = ["Zoey", "Liam"].map(String::from);
        let judged = |layout, text: &str, finished| {
            told(&Wording::English.judge(layout, &names, &two(), text, finished))
        };
        let text = "Assume Zoey is a knight. Liam cannot be a knave, because …";
        assert_eq!(
            judged(Layout::Compact, text, true),
            "1=knight ✖ 2=knave RuledOut"
        );
        let right = "Assume Zoey is a knight. Assume Liam is a knave.\nCONCLUSION:\n\
                     (1) Zoey is a knight\n(2) Liam is a knave";
        assert_eq!(
            judged(Layout::Compact, right, true),
            "1=knight (1) 2=knave (1)"
        );
        // Cut off: the answer may not be whole.
        assert_eq!(
            judged(Layout::Compact, right, false),
            "1=knight 2=knave ✖ ends"
        );
        let prose = "Zoey tells the truth, so Liam lies.\nCONCLUSION:\n(1) Zoey is a knight\n\
                     (2) Liam is a knave";
        assert_eq!(judged(Layout::Compact, prose, true), "not judged");
    }
}
