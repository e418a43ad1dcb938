use super::*;
use crate::app::Action;
use crate::app::record::Motion;
use crate::config::RunConfig;
use crate::tasks::Split;
use crate::training::{Branch, Phase};

fn item(level: u32, index: u64, correct: &[bool]) -> BatchItem {
    BatchItem {
        level,
        index,
        variant: None,
        rewards: correct
            .iter()
            .map(|&correct| f32::from(u8::from(correct)))
            .collect(),
        correct: correct.to_vec(),
    }
}

fn completions(level: u32, problem: u64, correct: &[bool]) -> Vec<CompletionRecord> {
    let one = |(sample, &correct): (usize, &bool)| CompletionRecord {
        holds: None,
        step_sizes: Vec::new(),
        step: 1,
        source: "rollout".into(),
        split: Split::Train,
        level,
        problem,
        prompt: format!("problem {problem}"),
        answer: "1".into(),
        sample: sample as u32,
        completion: "1".into(),
        finished: true,
        tokens: 1,
        reward: 0.0,
        parts: Vec::new(),
        correct,
        advantage: None,
        path: None,
        given: None,
        wrong_path: None,
        logprobs: Vec::new(),
        pieces: Vec::new(),
    };
    correct.iter().enumerate().map(one).collect()
}

fn step(batch: Vec<BatchItem>) -> StepRecord {
    StepRecord {
        step: 1,
        phase: Phase::Adaptive,
        branch: Branch::Grpo,
        updated: true,
        loss: 0.0,
        grad_norm: 1.0,
        learning_rate: 0.001,
        num_tokens: 1,
        step_time: 0.1,
        timing: Default::default(),
        metrics: Default::default(),
        decision: None,
        measured: Vec::new(),
        batch,
    }
}

#[test]
fn advantages_are_those_of_trl() {
    // 5 of 8 right: mean 0.625, unbiased deviation 0.5175, as in a run's completions.jsonl.
    let correct = [false, true, true, false, false, true, true, true];
    let batch = [item(3, 1, &correct), item(3, 2, &[true; 8])];
    let groups = batch_advantages(&batch, &GrpoConfig::default());
    let wanted = [-1.2073815f32, 0.7244289];
    for (advantage, correct) in groups[0].iter().zip(correct) {
        assert!(
            (advantage - wanted[usize::from(correct)]).abs() < 1e-6,
            "{advantage}"
        );
    }
    assert_eq!(groups[1], [0.0; 8]);
    let by_parts = GrpoConfig {
        multi_objective_aggregation: MultiObjectiveAggregation::NormalizeThenSum,
        ..GrpoConfig::default()
    };
    assert_eq!(
        batch_advantages(&batch, &by_parts),
        vec![Vec::<f32>::new(); 2]
    );
}

#[test]
fn kept_answers_find_their_group() {
    let (mixed, all, none) = ([true, false], [true, true], [false, false]);
    let batch = [
        item(3, 1, &all),
        item(3, 2, &mixed),
        item(4, 3, &mixed),
        item(4, 4, &none),
    ];
    let mut kept = completions(4, 77, &mixed);
    kept.extend(completions(4, 78, &none));
    let groups = kept_groups(&batch, &kept, None);
    let found: Vec<usize> = groups.iter().map(Vec::len).collect();
    assert_eq!(found, [0, 0, 2, 2]);
    assert_eq!(groups[3][0].problem, 78);
    // With known prompts, a group that looks alike is not taken for another.
    let text = |problem: u64| Demonstration {
        level: 3,
        prompt: format!("problem {problem}"),
        text: String::new(),
    };
    let batch = [item(3, 1, &mixed), item(3, 2, &mixed)];
    let kept = completions(3, 2, &mixed);
    let groups = kept_groups(&batch, &kept, Some(&[text(1), text(2)]));
    assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn missing_texts_name_the_setting() {
    let batch = [item(3, 1, &[true, false]), item(3, 2, &[true, true])];
    let kept = completions(3, 9, &[true, false]);
    let groups = kept_groups(&batch, &kept, None);
    let mut logging = LoggingConfig::default();
    let note = note_on_texts(&batch, &groups, &logging).unwrap();
    assert!(note.contains("1 of these 2 groups") && note.contains("logging.completions_groups"));
    assert_eq!(note_on_texts(&batch[..1], &groups[..1], &logging), None);
    logging.completions_every = 0;
    let note = note_on_texts(&batch, &groups, &logging).unwrap();
    assert!(note.contains("completions_every is 0"));
}

#[test]
fn texts_are_asked_for_once_and_only_their_answer_counts() {
    let record = Record::new("a".into(), RunConfig::default(), Motion::Still);
    let opened = step(vec![item(3, 1, &[true]), item(3, 2, &[false])]);
    let (mut batch, mut actions) = (Batch::default(), Actions::default());
    batch.ask(&record, &opened, 1.0, &mut actions);
    batch.ask(&record, &opened, 5.0, &mut actions);
    let [Action::Library(Errand::Demonstrations { ticket, items, .. })] = &actions.list[..] else {
        panic!("one question");
    };
    assert!(
        items
            .iter()
            .all(|item| item.variant == Some(0) && item.rewards.is_empty())
    );
    let answer = |ticket| Found::Demonstrations {
        ticket,
        demonstrations: vec![],
    };
    batch.found(&answer(ticket + 1));
    assert!(batch.texts(&record, 1).is_none());
    batch.found(&answer(*ticket));
    assert!(batch.texts(&record, 1).is_some() && batch.texts(&record, 2).is_none());
}

#[test]
fn a_batch_is_summed_up() {
    let demonstration = BatchItem {
        variant: Some(0),
        ..item(3, 1, &[])
    };
    let group = item(3, 1, &[true, false]);
    assert_eq!(summary(&[]), "What it learnt from");
    assert_eq!(
        summary(&[demonstration.clone(), demonstration, group]),
        "What it learnt from: 2 demonstrations and 1 groups of 2 answers"
    );
}
