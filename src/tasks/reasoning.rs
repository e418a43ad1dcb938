//! What can be said of the reasoning in a completion: whether it holds, in which steps, and where
//! it goes wrong.
//!
//! A chain holds where every step follows from what stands before it, whatever the size of the
//! step: its value is kept, or its truth. How much one step does, in steps of a textbook, is a
//! property of the chain and no fault. Where there is nothing to check steps against, reasoning is
//! not judged; that is neither right nor wrong.

use serde::{Deserialize, Serialize};

/// What can be said of the reasoning in a completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reasoning {
    /// There is nothing that this task could check.
    NotJudged,
    /// Every step follows, down to the answer.
    Holds(Chain),
    /// A step does not follow, or the steps end before the answer.
    Broken(WrongPath),
}

/// Steps that follow from each other, down to the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// In canonical form: two completions that reason alike have the same steps.
    pub steps: Vec<String>,
    /// How many steps of a textbook each of them does: 1 for one operation, 2 for two at once, 0
    /// for a line that only says the same in another way.
    pub sizes: Vec<u32>,
    /// What tells the chain from others, where that is not its steps one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
}

/// How far reasoning that does not hold can be followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrongPath {
    /// The steps that hold, in order, each in the canonical form that it has in a path.
    pub steps: Vec<String>,
    /// The first step that does not hold; none where the steps end before the answer is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip: Option<Slip>,
}

/// A step that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slip {
    /// In canonical form where it can be read, as it is written otherwise.
    pub step: String,
    pub flaw: Flaw,
}

/// What is wrong with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// It is no step of this task.
    Unreadable,
    /// It has another value than the step before.
    DoesNotFollow,
    /// Its two sides are not equal.
    NotEqual,
    /// It uses a number or a sign that is not there, or not there any more.
    NotAtHand,
    /// As the answer, it misses the target or leaves numbers out.
    MissesTarget,
    /// It is assumed, and contradicts what is known so far.
    Contradicts,
    /// It is ruled out, though it could be so.
    RuledOut,
    /// As the answer, it says otherwise than the steps before.
    Disagrees,
    /// As the answer, it cannot be so.
    NoSolution,
}

impl Flaw {
    /// What is wrong, as a sentence that follows the step.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "It cannot be read as a step",
            Self::DoesNotFollow => "It has another value than the step before",
            Self::NotEqual => "Its two sides are not equal",
            Self::NotAtHand => "It uses a number or a sign that is not at hand",
            Self::MissesTarget => {
                "It misses the target, or does not use each number once with the given signs"
            }
            Self::Contradicts => "It is assumed, but contradicts what is known so far",
            Self::RuledOut => "It is ruled out, but could be so",
            Self::Disagrees => "The answer says otherwise than the steps before it",
            Self::NoSolution => "The answer contradicts what somebody says",
        }
    }
}

impl Reasoning {
    /// The chain, if it holds.
    pub fn chain(&self) -> Option<&Chain> {
        match self {
            Self::Holds(chain) => Some(chain),
            Self::NotJudged | Self::Broken(_) => None,
        }
    }
}

impl Chain {
    /// Adds a step that does as much as `size` steps of a textbook.
    pub fn push(&mut self, step: String, size: u32) {
        self.steps.push(step);
        self.sizes.push(size);
    }

    /// The chain with a text of its own to tell it from others.
    pub fn told_apart_by(self, identity: String) -> Self {
        Self {
            identity: Some(identity),
            ..self
        }
    }

    /// The chain as one text, by which it is told from others: its steps joined by `|`, unless the
    /// task knows better.
    pub fn path(&self) -> String {
        match &self.identity {
            Some(identity) => identity.clone(),
            None => self.steps.join("|"),
        }
    }

    /// The chain broken off by a step that does not hold, or by its end.
    pub fn broken(self, slip: Option<Slip>) -> Reasoning {
        Reasoning::Broken(WrongPath {
            steps: self.steps,
            slip,
        })
    }
}

impl WrongPath {
    /// The path, if any step of it can be read: text without one is not reasoning gone wrong.
    pub fn if_readable(self) -> Option<Self> {
        let slip = self.slip.as_ref();
        let nothing = slip.is_none_or(|slip| slip.flaw == Flaw::Unreadable);
        (!self.steps.is_empty() || !nothing).then_some(self)
    }
}

impl Slip {
    /// White space in what is written as it stands is collapsed.
    pub fn new(step: &str, flaw: Flaw) -> Self {
        let step = super::verify::collapse_white_space(step);
        let step = match step.is_empty() {
            true => "(nothing)".into(),
            false => step,
        };
        Self { step, flaw }
    }
}

/// Reasoning in a line, for tests: `5-7 (3) -2 (1)` for a chain with the sizes of its steps,
/// `3+2 5 ✖ 6 NotEqual` for one that breaks.
#[cfg(test)]
pub(super) fn told(reasoning: &Reasoning) -> String {
    match reasoning {
        Reasoning::NotJudged => "not judged".into(),
        Reasoning::Holds(chain) => {
            let steps = chain.steps.iter().zip(&chain.sizes);
            let steps: Vec<String> = steps
                .map(|(step, size)| format!("{step} ({size})"))
                .collect();
            steps.join(" ")
        }
        Reasoning::Broken(WrongPath { steps, slip }) => {
            let slip = match slip {
                Some(slip) => format!("✖ {} {:?}", slip.step, slip.flaw),
                None => "✖ ends".into(),
            };
            let steps = steps.iter().cloned().chain([slip]);
            steps.collect::<Vec<_>>().join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_told_apart_by_its_steps_or_by_what_the_task_says() {
        let mut chain = Chain::default();
        chain.push("5-7".into(), 3);
        chain.push("-2".into(), 1);
        assert_eq!(chain.path(), "5-7|-2");
        assert_eq!(chain.clone().told_apart_by("x".into()).path(), "x");
        assert_eq!(told(&Reasoning::Holds(chain.clone())), "5-7 (3) -2 (1)");
        assert_eq!(told(&chain.broken(None)), "5-7 -2 ✖ ends");
    }

    #[test]
    fn reasoning_is_written_and_read_back() {
        let mut chain = Chain::default();
        chain.push("a".into(), 1);
        let slip = Slip::new(" b \n c", Flaw::NotEqual);
        for reasoning in [
            Reasoning::NotJudged,
            Reasoning::Holds(chain.clone()),
            Reasoning::Holds(chain.clone().told_apart_by("x".into())),
            chain.broken(Some(slip)),
        ] {
            let text = serde_json::to_string(&reasoning).expect("JSON");
            let read: Reasoning = serde_json::from_str(&text).expect("reasoning");
            assert_eq!(read, reasoning);
        }
    }

    #[test]
    fn garbage_is_no_readable_path() {
        let garbage = WrongPath {
            steps: Vec::new(),
            slip: Some(Slip::new("?", Flaw::Unreadable)),
        };
        assert_eq!(garbage.if_readable(), None);
        let one_step = WrongPath {
            steps: vec!["a".into()],
            slip: None,
        };
        assert_eq!(one_step.clone().if_readable(), Some(one_step));
    }
}
