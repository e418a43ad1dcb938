use std::rc::Rc;

use super::groups::{grouped, plain, signed, why};
use super::kept::neighbours;
use super::listing::{Filter, Key, Sheet, Sort, Source, moved, one_line, weighted};
use super::strip::binned;
use crate::config::{GrpoConfig, ScaleRewards, ZeroVariance};
use crate::tasks::Split;
use crate::training::{CompletionRecord, Verdict};

/// A completion of a problem; its reward is the answer's part.
pub(super) fn completion(source: &str, problem: u64, sample: u32, reward: f32) -> CompletionRecord {
    CompletionRecord {
        holds: None,
        step_sizes: Vec::new(),
        step: 7,
        source: source.into(),
        split: Split::Train,
        level: 1 + problem as u32 % 2,
        problem,
        prompt: format!("Problem {problem}"),
        answer: "42".into(),
        sample,
        completion: format!("sample {sample}\nso {reward}"),
        finished: sample != 3,
        tokens: 10 + sample as usize,
        reward,
        parts: vec![("format".into(), 0.0), ("answer".into(), reward)],
        correct: reward > 0.5,
        advantage: None,
        path: (sample > 0).then(|| format!("path {sample}")),
        given: None,
        wrong_path: None,
        logprobs: vec![-(sample as f32), -(sample as f32)],
        pieces: Vec::new(),
    }
}

/// Two groups of four, the first mixed, and two exam answers.
fn sheet() -> Sheet {
    let mut records = Vec::new();
    for (sample, reward) in [1.0, 0.0, 0.0, 1.0].into_iter().enumerate() {
        let mut record = completion("rollout", 1, sample as u32, reward);
        record.advantage = Some(if reward > 0.5 { 0.87 } else { -0.87 });
        records.push(record);
    }
    for sample in 0..4 {
        let mut record = completion("rollout", 2, sample, 0.0);
        record.advantage = Some(0.0);
        records.push(record);
    }
    records.push(completion("exam", 4, 0, 1.0));
    records.push(completion("exam", 5, 0, 0.0));
    Sheet::new(Rc::from(records), &GrpoConfig::default())
}

fn everything() -> Filter {
    Filter {
        source: None,
        ..Filter::default()
    }
}

#[test]
fn a_filter_keeps_what_it_says() {
    let sheet = sheet();
    let rows = |filter: Filter| sheet.rows(&filter, None);
    assert_eq!(rows(everything()), (0..10).collect::<Vec<_>>());
    assert_eq!(rows(Filter::default()), (0..8).collect::<Vec<_>>());
    let exam = Filter {
        source: Some(Source::Exam),
        ..everything()
    };
    assert_eq!(rows(exam), [8, 9]);
    let right = Filter {
        verdict: Some(Verdict::Right),
        ..everything()
    };
    assert_eq!(rows(right), [0, 3, 8]);
    let mixed = Filter {
        mixed: true,
        ..everything()
    };
    assert_eq!(rows(mixed), [0, 1, 2, 3]);
    let level = Filter {
        level: Some(1),
        ..everything()
    };
    assert_eq!(rows(level), [4, 5, 6, 7, 8]);
    let text = Filter {
        text: " PATH 2 ".into(),
        ..everything()
    };
    assert_eq!(rows(text), [2, 6]);
    assert!(!Filter::default().narrows());
}

#[test]
fn rows_are_sorted_and_ties_stay_as_logged() {
    let sheet = sheet();
    let sorted = |key, descending| sheet.rows(&Filter::default(), Some(Sort { key, descending }));
    assert_eq!(sorted(Key::Advantage, true), [0, 3, 4, 5, 6, 7, 1, 2]);
    assert_eq!(sorted(Key::Reward, false), [1, 2, 4, 5, 6, 7, 0, 3]);
    assert_eq!(sorted(Key::Part(1), true)[..2], [0, 3]);
    assert_eq!(sorted(Key::Length, true)[..2], [3, 7]);
    assert_eq!(sorted(Key::Ended, false)[..2], [3, 7]);
    assert_eq!(sorted(Key::Probability, true)[..2], [0, 4]);
    assert_eq!(sorted(Key::Problem, true)[..4], [4, 5, 6, 7]);
    // What has no path comes last either way.
    assert_eq!(sorted(Key::Path, false)[6..], [0, 4]);
    assert_eq!(sorted(Key::Path, true)[6..], [0, 4]);
    // A part that does not exist changes nothing.
    assert_eq!(sorted(Key::Part(9), true), (0..8).collect::<Vec<_>>());
}

#[test]
fn clicks_on_a_header_turn_the_order_and_then_give_it_up() {
    let first = Sort::clicked(None, Key::Reward);
    assert_eq!(first.map(|sort| sort.descending), Some(true));
    let second = Sort::clicked(first, Key::Reward);
    assert_eq!(second.map(|sort| sort.descending), Some(false));
    assert_eq!(Sort::clicked(second, Key::Reward), None);
    let other = Sort::clicked(second, Key::Problem);
    assert_eq!(
        other.map(|sort| (sort.key, sort.descending)),
        Some((Key::Problem, false))
    );
}

#[test]
fn groups_are_problems_that_stand_together() {
    let sheet = sheet();
    let rows: Vec<_> = sheet
        .groups
        .iter()
        .map(|group| group.rows.clone())
        .collect();
    assert_eq!(rows, [0..4, 4..8, 8..9, 9..10]);
    let group = &sheet.groups[0];
    assert!(group.mixed && !sheet.groups[1].mixed);
    assert_eq!((group.right, group.mean), (2, 0.5));
    // Squares of four halves, over three.
    assert!((group.std - (1.0f64 / 3.0).sqrt()).abs() < 1e-12);
    assert_eq!(sheet.several(&Filter::default()), [0, 1]);
    // The same problem asked twice in a step makes two groups.
    let twice: Vec<_> = [0, 1, 0, 1]
        .into_iter()
        .map(|sample| completion("rollout", 1, sample, 0.0))
        .collect();
    let groups = grouped(&twice, &GrpoConfig::default());
    assert_eq!(
        groups
            .iter()
            .map(|group| group.rows.len())
            .collect::<Vec<_>>(),
        [2, 2]
    );
}

#[test]
fn rewards_count_with_their_weights() {
    let mut grpo = GrpoConfig::default();
    let mut record = completion("rollout", 1, 0, 1.0);
    record.parts[0].1 = 0.5;
    assert_eq!(weighted(&record, &grpo), 1.5);
    grpo.reward_weights.insert("format".into(), -2.0);
    assert_eq!(weighted(&record, &grpo), 0.0);
    record.parts.clear();
    assert_eq!(weighted(&record, &grpo), 1.0);
}

#[test]
fn the_sentence_says_how_advantages_came_about() {
    let sheet = sheet();
    let mut grpo = GrpoConfig::default();
    let said = |group: usize, grpo: &GrpoConfig, batch| {
        why(&sheet.groups[group], &sheet.records, grpo, batch)
    };
    let text = said(0, &grpo, None);
    assert!(
        text.contains("mean 0.5) ÷ the group's spread 0.577"),
        "{text}"
    );
    assert!(text.contains("best earned 1 and gets +0.87"), "{text}");
    assert!(text.contains("worst earned 0 and gets −0.87"), "{text}");
    grpo.scale_rewards = ScaleRewards::None;
    let text = said(0, &grpo, None);
    assert!(
        text.contains("reward − the group's mean 0.5.") && !text.contains('÷'),
        "{text}"
    );
    grpo.scale_rewards = ScaleRewards::Batch;
    assert!(said(0, &grpo, Some(0.25)).contains("whole step's rewards 0.25."));
    let text = said(1, &grpo, None);
    assert!(text.starts_with("All 4 completions earned 0"), "{text}");
    assert!(
        text.contains("All are wrong. The group is left out"),
        "{text}"
    );
    grpo.zero_variance = ZeroVariance::Keep;
    assert!(said(1, &grpo, None).contains("without any effect"));
    grpo.beta = 0.1;
    assert!(said(1, &grpo, None).contains("KL penalty"));
    grpo.mask_truncated_completions = true;
    assert!(said(0, &grpo, None).contains("1 of them was cut off"));
    assert!(said(2, &grpo, None).contains("not learnt from"));
}

#[test]
fn steps_before_and_after_are_found() {
    let steps = [3, 5, 9];
    let at = |step| {
        let near = neighbours(&steps, step);
        (near.previous, near.shown, near.next)
    };
    assert_eq!(at(5), (Some(3), Some(5), Some(9)));
    assert_eq!(at(8), (Some(3), Some(5), Some(9)));
    assert_eq!(at(100), (Some(5), Some(9), None));
    assert_eq!(at(1), (None, Some(3), Some(5)));
    assert_eq!(neighbours(&[], 4).shown, None);
}

#[test]
fn the_strip_averages_quizzes_and_leaves_gaps() {
    let nan = f32::NAN;
    let bars = binned(&[nan, 1.0, 0.5, 0.0, nan, nan], 3);
    assert_eq!(bars, [Some(0.0), Some(0.75), None]);
    assert_eq!(binned(&[0.25], 3), [Some(0.75); 3]);
    assert!(binned(&[], 5).is_empty());
}

#[test]
fn numbers_and_lines_read_well() {
    assert_eq!(
        (plain(1.0), plain(-0.25), plain(-0.0001)),
        ("1".into(), "−0.25".into(), "0".into())
    );
    assert_eq!(
        (signed(0.5), signed(-1.207), signed(0.001)),
        ("+0.50".into(), "−1.21".into(), "0".into())
    );
    assert_eq!(one_line("a\nb", 10), "a ↵ b");
    assert_eq!(one_line("abcdef", 3), "abc…");
    assert_eq!(moved(&[4, 2, 7], Some(2), 1), Some(7));
    assert_eq!(moved(&[4, 2, 7], Some(7), 1), Some(7));
    assert_eq!(moved(&[4, 2, 7], Some(4), -1), Some(4));
    assert_eq!(moved(&[4, 2, 7], Some(99), 1), Some(4));
    assert_eq!(moved(&[], None, 1), None);
}
