//! The two wordings, and how reasoning and answer are laid out and read in each.

use super::demonstration::{self, Order, search};
use super::follow::{Said, follow};
use super::statement::Statement;
use super::{grade, short, text};
use crate::config::Layout;
use crate::rng::Stream;
use crate::tasks::{Reasoning, Reward, tags};

/// What stands before the answer of a compact English completion.
pub(super) const CONCLUSION: &str = "CONCLUSION:";

/// The wording of puzzles, reasoning and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    /// The published English ([`text`]).
    English,
    /// The short formal one ([`short`]).
    Short,
}

impl Wording {
    /// The reference answer.
    pub fn answer(self, names: &[String], solution: &[bool]) -> String {
        match self {
            Self::English => text::answer(names, solution),
            Self::Short => short::answer(names, solution),
        }
    }

    /// Reasoning by cases that leads to the solution, in the canonical order or a random one.
    /// There must be a name for each statement.
    pub fn reasoning(
        self,
        names: &[String],
        statements: &[Statement],
        random: Option<&mut Stream>,
    ) -> String {
        let order = match random {
            None => Order::canonical(statements.len()),
            Some(random) => Order::random(statements.len(), random),
        };
        let steps = search(statements, order);
        match self {
            Self::English => demonstration::in_english(&steps, statements, names),
            Self::Short => demonstration::in_short(&steps, names),
        }
    }

    /// A completion with this reasoning and answer.
    pub fn completion(self, layout: Layout, reasoning: &str, answer: &str) -> String {
        match (self, layout) {
            (_, Layout::Tags) => tags::wrap(reasoning, answer),
            (Self::English, Layout::Compact) => format!("{reasoning}\n{CONCLUSION}\n{answer}"),
            (Self::Short, Layout::Compact) => format!("{reasoning};{answer}"),
        }
    }

    /// The roles that a completion's answer states, if it has one.
    pub fn roles(self, layout: Layout, names: &[String], completion: &str) -> Option<Vec<bool>> {
        self.stated(
            names,
            match (self, layout) {
                (_, Layout::Tags) => tags::answer(completion)?,
                (Self::English, Layout::Compact) => completion.rsplit_once(CONCLUSION)?.1,
                (Self::Short, Layout::Compact) => completion.rsplit_once(';')?.1,
            },
        )
    }

    fn stated(self, names: &[String], answer: &str) -> Option<Vec<bool>> {
        match self {
            Self::English => grade::stated(names, answer),
            Self::Short => grade::stated_short(names, answer),
        }
    }

    /// The reward of a completion: [`grade::tagged_reward`] or [`grade::compact_reward`].
    pub fn score(
        self,
        layout: Layout,
        names: &[String],
        solution: &[bool],
        completion: &str,
        finished: bool,
    ) -> Reward {
        match layout {
            Layout::Tags => grade::tagged_reward(solution, completion, finished, |answer| {
                self.stated(names, answer)
            }),
            Layout::Compact => {
                let roles = self.roles(layout, names, completion);
                grade::compact_reward(solution, roles.as_deref(), finished)
            }
        }
    }

    /// Whether the reasoning of a completion holds ([`follow`]); not judged where it assumes and
    /// rules out nothing, as in prose.
    pub fn judge(
        self,
        layout: Layout,
        names: &[String],
        statements: &[Statement],
        completion: &str,
        finished: bool,
    ) -> Reasoning {
        let said = self.said(names, completion);
        if said.is_empty() {
            return Reasoning::NotJudged;
        }
        // What was cut off may not be the whole answer, unless its tag is closed.
        let whole = finished || layout == Layout::Tags;
        let roles = self.roles(layout, names, completion).filter(|_| whole);
        follow(statements, &said, roles.as_deref())
    }

    fn said(self, names: &[String], reasoning: &str) -> Vec<Said> {
        match self {
            Self::English => grade::assumptions(names, reasoning),
            Self::Short => grade::assumptions_short(names, reasoning),
        }
    }
}
