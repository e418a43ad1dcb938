//! Where reasoning goes wrong: the steps of a completion up to the first one that does not hold.
//!
//! Only for people who look. Diversity counts paths ([`Task::path`](super::Task::path)), and what
//! is broken off at a wrong step is none.

use serde::{Deserialize, Serialize};

/// How far the reasoning of a completion can be followed.
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
    /// It is not what one operation makes of the step before.
    DoesNotFollow,
    /// Its two sides are not equal.
    NotEqual,
    /// It uses a number or a sign that is not there, or not there any more.
    NotAtHand,
    /// As the answer, it misses the target or leaves numbers out.
    MissesTarget,
    /// It is taken to fit, and contradicts what somebody says.
    Contradicts,
    /// It is ruled out, and contradicts nothing.
    RuledOut,
}

impl Flaw {
    /// What is wrong, as a sentence that follows the step.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unreadable => "It cannot be read as a step",
            Self::DoesNotFollow => "One operation does not lead here from the step before",
            Self::NotEqual => "Its two sides are not equal",
            Self::NotAtHand => "It uses a number or a sign that is not at hand",
            Self::MissesTarget => {
                "It misses the target, or does not use each number once with the given signs"
            }
            Self::Contradicts => "It is assumed to fit, but contradicts what somebody says",
            Self::RuledOut => "It is ruled out, but contradicts nothing that was assumed so far",
        }
    }
}

impl WrongPath {
    /// Takes the steps one by one, up to the first that does not hold.
    pub fn follow(steps: impl IntoIterator<Item = Result<String, Slip>>) -> Self {
        let mut path = Self::default();
        for step in steps {
            match step {
                Ok(step) => path.steps.push(step),
                Err(slip) => {
                    path.slip = Some(slip);
                    break;
                }
            }
        }
        path
    }

    /// The path, if any step of it can be read: text without one is not reasoning gone wrong.
    pub fn if_readable(self) -> Option<Self> {
        let slip = self.slip.as_ref();
        let nothing = slip.is_none_or(|slip| slip.flaw == Flaw::Unreadable);
        (!self.steps.is_empty() || !nothing).then_some(self)
    }

    /// The path, if a step of it does not hold.
    pub fn if_wrong(self) -> Option<Self> {
        self.slip
            .is_some()
            .then_some(self)
            .and_then(Self::if_readable)
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

/// Steps that hold and the first wrong one with its flaw, for tests: `3+2 5 | 6 NotEqual`.
#[cfg(test)]
pub(super) fn told(path: Option<WrongPath>) -> String {
    let Some(WrongPath { steps, slip }) = path else {
        return "none".into();
    };
    let slip = slip.map_or(String::new(), |slip| {
        format!(" ✖ {} {:?}", slip.step, slip.flaw)
    });
    (steps.join(" | ") + &slip).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_ends_with_its_first_wrong_step() {
        let wrong = |step: &str| Err(Slip::new(step, Flaw::NotEqual));
        let path = WrongPath::follow([Ok("a".into()), wrong(" b \n c"), Ok("d".into())]);
        assert_eq!(told(Some(path.clone())), "a ✖ b c NotEqual");
        assert_eq!(path.clone().if_wrong(), Some(path.clone()));
        let whole = WrongPath::follow([Ok("a".into())]);
        assert_eq!(whole.clone().if_wrong(), None);
        assert_eq!(whole.clone().if_readable(), Some(whole));
        let garbage = WrongPath::follow([Err(Slip::new("?", Flaw::Unreadable))]);
        assert_eq!(garbage.if_readable(), None);
        let text = serde_json::to_string(&path).expect("JSON");
        assert_eq!(
            serde_json::from_str::<WrongPath>(&text).expect("a path"),
            path
        );
    }
}
