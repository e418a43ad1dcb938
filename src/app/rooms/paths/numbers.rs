//! How diverse some samples are, in numbers and in a sentence.

use crate::evaluation::Counts;
use crate::training::{CompletionRecord, Verdict};

/// Diversity of the samples of one problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    pub samples: usize,
    pub right: usize,
    /// Different paths.
    pub ways: usize,
    /// Different paths that lead to a right answer.
    pub right_ways: usize,
    /// Entropy of the paths in nats; none where no path can be read.
    pub entropy: Option<f64>,
    /// Samples of which no step can be read.
    pub unread: usize,
    /// Samples that stumble over a step.
    pub slipped: usize,
    /// Right answers whose steps do not hold.
    pub unfaithful: usize,
}

impl Numbers {
    pub fn of(records: &[CompletionRecord]) -> Self {
        let path = |record: &'_ CompletionRecord| record.path.clone();
        let right = || records.iter().filter(|record| record.correct);
        let all: Vec<String> = records.iter().filter_map(path).collect();
        let correct: Vec<String> = right().filter_map(path).collect();
        let ways = Counts::of(all.iter().map(String::as_str));
        let right_ways = Counts::of(correct.iter().map(String::as_str));
        Self {
            samples: records.len(),
            right: right().count(),
            ways: ways.distinct() as usize,
            right_ways: right_ways.distinct() as usize,
            entropy: ways.entropy(),
            unread: records
                .iter()
                .filter(|record| record.path.is_none() && record.wrong_path.is_none())
                .count(),
            unfaithful: records
                .iter()
                .filter(|record| record.verdict() == Verdict::Unfaithful)
                .count(),
            slipped: records
                .iter()
                .filter(|record| {
                    let path = record.wrong_path.as_ref();
                    path.is_some_and(|path| path.slip.is_some())
                })
                .count(),
        }
    }
}

/// Both sides in a sentence.
pub fn compared(left: &Numbers, right: &Numbers) -> String {
    let ways = match (left.right_ways, right.right_ways) {
        (0, 0) => "Neither side shows steps that hold down to the right answer".into(),
        (one, other) if one == other => format!("Both use {}", correct_ways(one)),
        (0, other) => format!("Right uses {}, left none", correct_ways(other)),
        (one, 0) => format!("Left uses {}, right none", correct_ways(one)),
        (one, other) => format!("Left uses {}, right {other}", correct_ways(one)),
    };
    let times = |side: &Numbers| format!("{} of {}", side.right, side.samples);
    let rates = if left.right * right.samples == right.right * left.samples {
        format!("both answer correctly equally often ({})", times(left))
    } else {
        format!(
            "left answers correctly {} times, right {}",
            times(left),
            times(right)
        )
    };
    format!("{ways}; {rates}.")
}

/// One side in a sentence.
pub fn told(side: &Numbers) -> String {
    format!(
        "{} of {} samples are correct, by {}.",
        side.right,
        side.samples,
        match side.right_ways {
            0 => "no steps that hold".into(),
            ways => correct_ways(ways),
        }
    )
}

fn correct_ways(ways: usize) -> String {
    match ways {
        1 => "1 correct way".into(),
        ways => format!("{ways} different correct ways"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::{Flaw, Slip, Split, WrongPath};

    fn record(path: Option<&str>, correct: bool) -> CompletionRecord {
        CompletionRecord {
            holds: None,
            step_sizes: Vec::new(),
            step: 0,
            source: String::new(),
            split: Split::Test,
            level: 1,
            problem: 1,
            prompt: String::new(),
            answer: String::new(),
            sample: 0,
            completion: String::new(),
            finished: true,
            tokens: 1,
            reward: 0.0,
            parts: Vec::new(),
            correct,
            advantage: None,
            path: path.map(Into::into),
            given: None,
            wrong_path: None,
            logprobs: Vec::new(),
            pieces: Vec::new(),
        }
    }

    #[test]
    fn numbers_count_ways_and_what_cannot_be_read() {
        let numbers = Numbers::of(&[
            record(Some("a|1"), true),
            record(Some("b|1"), true),
            record(Some("a|1"), true),
            record(Some("b|1"), true),
            record(None, true),
            record(None, false),
        ]);
        let entropy = numbers.entropy.expect("paths");
        assert!((entropy - 2f64.ln()).abs() < 1e-12);
        let wanted = Numbers {
            samples: 6,
            right: 5,
            ways: 2,
            right_ways: 2,
            entropy: Some(entropy),
            unread: 2,
            slipped: 0,
            unfaithful: 0,
        };
        assert_eq!(numbers, wanted);
        let mut broken = record(None, true);
        broken.holds = Some(false);
        let counted = Numbers::of(&[broken, record(Some("a"), true)]);
        assert_eq!((counted.right, counted.unfaithful), (2, 1));
        let mut slip = record(None, false);
        slip.wrong_path = Some(WrongPath {
            steps: vec!["a".into()],
            slip: Some(Slip::new("b", Flaw::DoesNotFollow)),
        });
        let with_a_slip = Numbers::of(&[record(Some("a|1"), true), slip]);
        let counted = (with_a_slip.ways, with_a_slip.slipped, with_a_slip.unread);
        assert_eq!(counted, (1, 1, 0), "what goes wrong is no way");
        let wrong = Numbers::of(&[record(Some("a|2"), false), record(None, false)]);
        assert_eq!(
            (wrong.ways, wrong.right_ways, wrong.entropy),
            (1, 0, Some(0.0))
        );
        assert_eq!(Numbers::of(&[]), Numbers::default());
    }

    fn side(right_ways: usize, right: usize, samples: usize) -> Numbers {
        Numbers {
            samples,
            right,
            right_ways,
            ..Numbers::default()
        }
    }

    #[test]
    fn a_sentence_says_who_is_more_diverse_and_who_is_right_more_often() {
        assert_eq!(
            compared(&side(5, 10, 16), &side(1, 14, 16)),
            "Left uses 5 different correct ways, right 1; left answers correctly 10 of 16 times, \
             right 14 of 16."
        );
        assert_eq!(
            compared(&side(1, 4, 8), &side(1, 8, 16)),
            "Both use 1 correct way; both answer correctly equally often (4 of 8)."
        );
        assert!(compared(&side(0, 0, 8), &side(3, 4, 8)).starts_with("Right uses 3 different"));
        assert!(compared(&side(2, 0, 8), &side(0, 4, 8)).contains("ways, right none"));
        assert!(compared(&side(0, 0, 8), &side(0, 1, 8)).starts_with("Neither"));
        assert_eq!(
            told(&side(0, 1, 8)),
            "1 of 8 samples are correct, by no steps that hold."
        );
    }
}
