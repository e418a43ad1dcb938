use super::sitting::{Exchange, Sitting, State};
use super::*;
use crate::tasks::Split;
use crate::training::CompletionRecord;

fn question(samples: usize) -> Question {
    Question {
        what: Asked::Problem { level: 3, index: 7 },
        samples,
        temperature: 1.0,
        max_completion_length: 8,
        seed: 0,
    }
}

fn token(ticket: u64, sample: usize, text: &str, probability: f32) -> Reply {
    Reply::Token {
        ticket,
        sample,
        text: text.into(),
        probability,
    }
}

fn sampled(ticket: u64, verdicts: &[bool]) -> Reply {
    let record = |(sample, &correct): (usize, &bool)| CompletionRecord {
        holds: None,
        step_sizes: Vec::new(),
        step: 0,
        source: String::new(),
        split: Split::Test,
        level: 3,
        problem: 1,
        prompt: "1+2".into(),
        answer: "3".into(),
        sample: sample as u32,
        completion: "=3".into(),
        finished: true,
        tokens: 3,
        reward: 1.0,
        parts: Vec::new(),
        correct,
        advantage: None,
        path: None,
        given: None,
        wrong_path: None,
        logprobs: Vec::new(),
        pieces: Vec::new(),
    };
    Reply::Sampled {
        ticket,
        prompt: "1+2".into(),
        records: verdicts.iter().enumerate().map(record).collect(),
    }
}

fn sitting(tickets: &[u64]) -> Sitting {
    let mut sitting = Sitting::default();
    for &ticket in tickets {
        sitting.ask(Exchange::new(ticket, "a run".into(), question(2)));
    }
    sitting
}

fn texts(sitting: &mut Sitting) -> Vec<String> {
    let answers = &sitting.in_view().expect("a question").answers;
    let text = |answer: &sitting::Answer| {
        answer
            .tokens
            .iter()
            .map(|(text, _)| text.as_str())
            .collect()
    };
    answers.iter().map(text).collect()
}

#[test]
fn tokens_grow_the_card_of_their_sample_and_question() {
    let mut sitting = sitting(&[4, 5]);
    for (ticket, sample, text) in [
        (5, 1, "="),
        (5, 0, "1"),
        (4, 0, "x"),
        (5, 1, "3"),
        (9, 0, "y"),
    ] {
        sitting.hear(&token(ticket, sample, text, 0.5));
    }
    // A sample that was not asked for has no card.
    sitting.hear(&token(5, 2, "z", 0.5));
    assert_eq!(texts(&mut sitting), ["1", "=3"]);
    sitting.viewed = Some(0);
    assert_eq!(texts(&mut sitting), ["x", ""]);
    assert_eq!(sitting.exchanges[1].tokens(), 3);
}

#[test]
fn graded_answers_replace_what_streamed() {
    let mut sitting = sitting(&[4]);
    sitting.hear(&token(4, 0, "=", 0.5));
    assert_eq!(sitting.running(), Some(4));
    assert_eq!(sitting.exchanges[0].reference(), None);
    sitting.hear(&sampled(4, &[true, false]));
    let exchange = sitting.in_view().expect("a question");
    assert_eq!(exchange.state, State::Done);
    assert_eq!(exchange.result(), "1 of 2 right");
    assert_eq!(
        (exchange.title().as_str(), exchange.reference()),
        ("1+2", Some("3"))
    );
    assert!(!exchange.revealed, "the answer is hidden at first");
    assert_eq!(exchange.tokens(), 0);
    assert_eq!(sitting.running(), None);
}

#[test]
fn stopping_keeps_what_was_written_and_takes_no_more() {
    let mut sitting = sitting(&[4]);
    sitting.hear(&token(4, 0, "=", 0.5));
    sitting.stop();
    sitting.hear(&token(4, 0, "3", 0.5));
    let why = "stopped".into();
    sitting.hear(&Reply::Refused { ticket: 4, why });
    assert_eq!(texts(&mut sitting), ["=", ""]);
    assert_eq!(sitting.exchanges[0].state, State::Stopped);
    assert_eq!(sitting.exchanges[0].result(), "stopped");
    sitting.hear(&sampled(4, &[true]));
    assert_eq!(sitting.exchanges[0].result(), "1 of 1 right");
}

#[test]
fn a_refusal_is_told_where_it_was_asked() {
    let mut sitting = sitting(&[4, 5]);
    let why = "the prompt is too long".to_owned();
    sitting.hear(&Reply::Refused {
        ticket: 4,
        why: why.clone(),
    });
    assert_eq!(sitting.exchanges[0].state, State::Refused(why));
    assert_eq!(sitting.exchanges[1].state, State::Running);
}

#[test]
fn old_questions_go_and_clearing_spares_the_one_under_way() {
    let mut sitting = sitting(&(0..80).collect::<Vec<u64>>());
    assert_eq!(sitting.exchanges.len(), 50);
    assert_eq!(sitting.exchanges[0].ticket, 30);
    for ticket in 0..79 {
        sitting.hear(&sampled(ticket, &[true]));
    }
    sitting.clear();
    let left: Vec<u64> = sitting
        .exchanges
        .iter()
        .map(|exchange| exchange.ticket)
        .collect();
    assert_eq!(left, [79]);
}

#[test]
fn settings_are_kept_and_answers_are_not() {
    let mut ask = Ask {
        samples: 9,
        temperature: 0.5,
        text: "2+2".into(),
        ..Ask::default()
    };
    ask.sitting = sitting(&[1]);
    let kept = serde_json::to_string(&ask).expect("settings");
    let back: Ask = serde_json::from_str(&kept).expect("settings");
    assert_eq!(
        (back.samples, back.temperature, back.text.as_str()),
        (9, 0.5, "2+2")
    );
    assert!(back.sitting.exchanges.is_empty());
}

#[test]
fn another_problem_is_another_one() {
    let mut spot = Spot { level: 3, index: 0 };
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let next = another(spot);
        assert_ne!(next, spot.index);
        spot.index = next;
        seen.insert(next);
    }
    assert!(seen.len() > 15);
}

#[test]
fn a_frame_shows_so_many_tokens_and_no_sample_waits_for_ever() {
    let mut exchange = Exchange::new(4, "a run".into(), question(8));
    for answer in &mut exchange.answers {
        answer.tokens = vec![("x".into(), 0.5); 200];
    }
    let laid = |exchange: &Exchange| -> Vec<usize> {
        exchange.answers.iter().map(|answer| answer.laid).collect()
    };
    assert!(exchange.catch_up());
    assert_eq!(laid(&exchange), [200, 200, 200, 0, 0, 0, 0, 0]);
    // More tokens for those that are shown already do not push the others out.
    exchange.answers[0].tokens.push(("y".into(), 0.5));
    assert!(exchange.catch_up());
    assert_eq!(laid(&exchange), [200, 200, 200, 200, 200, 200, 0, 0]);
    assert!(!exchange.catch_up());
    assert_eq!(laid(&exchange), [201, 200, 200, 200, 200, 200, 200, 200]);
    assert!(!exchange.catch_up());
}

#[test]
fn the_room_can_be_used_by_names_alone() {
    use crate::app::Action;
    use crate::app::record::Motion;
    use crate::config::RunConfig;
    use egui_kittest::kittest::Queryable as _;

    let record = Record::new("one".into(), RunConfig::default(), Motion::Still);
    let records = [("one".to_owned(), record)].into();
    let state = (Ask::default(), Actions::default());
    let mut harness = egui_kittest::Harness::builder()
        .with_size(egui::vec2(900.0, 560.0))
        .build_ui_state(
            |ui, (room, actions): &mut (Ask, Actions)| {
                let world = World {
                    records: &records,
                    shown: records.get("one"),
                    live: None,
                    queue: None,
                    runs: &[],
                    selected: None,
                    time: 0.0,
                };
                room.show(ui, &world, actions);
            },
            state,
        );
    harness.get_by_label("Ask").click();
    harness.run_steps(3);
    let (room, actions) = harness.state_mut();
    let ticket = room.sitting.running().expect("a question under way");
    let sent = actions.list.iter().any(|action| {
        matches!(action, Action::Engine(Request::Sample { ticket: sent, .. }) if *sent == ticket)
    });
    assert!(sent);
    room.hear(&token(ticket, 0, "=7", 0.5));
    harness.run_steps(3);
    harness.get_by_label_contains("=7");
    harness.get_by_label("Stop").click();
    harness.run_steps(3);
    let (room, actions) = harness.state_mut();
    let stopped = |action: &Action| matches!(action, Action::Engine(Request::Break(broken)) if *broken == ticket);
    assert!(actions.list.iter().any(stopped));
    room.hear(&sampled(ticket, &[true, false]));
    harness.run_steps(3);
    harness.get_by_label("1 of 2 right");
    harness.get_by_label("Show the answer").click();
    harness.run_steps(3);
    harness.get_by_label("3");
}
