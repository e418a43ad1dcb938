use super::{config, quickstart};
use crate::app::engine::{Reply, Request};
use crate::app::rooms::Room;
use crate::app::rooms::configure::draft::Draft;
use crate::app::rooms::configure::{Configure, essence, estimate};
use crate::app::{Action, Actions};
use crate::training::{Estimate, Memory, StepTimes};

fn tickets(actions: &mut Actions) -> Vec<u64> {
    let asked = std::mem::take(&mut actions.list).into_iter();
    let ticket = |action| match action {
        Action::Engine(Request::Estimate { ticket, .. } | Request::Preview { ticket, .. }) => {
            Some(ticket)
        }
        _ => None,
    };
    asked.filter_map(ticket).collect()
}

#[test]
fn only_the_answer_to_the_newest_question_is_taken() {
    let (mut room, mut actions) = (Configure::default(), Actions::default());
    let draft = quickstart(&[("model.hidden_size", "32")]);
    let (first, second) = (config(&Draft::default()), config(&draft));
    room.estimate.ask(&essence(&first), &first, &mut actions);
    room.estimate.ask(&essence(&first), &first, &mut actions);
    room.data.ask(&essence(&first), &first, &mut actions);
    let asked = tickets(&mut actions);
    assert_eq!(asked.len(), 2, "the same is asked once");
    room.estimate.ask(&essence(&second), &second, &mut actions);
    let broken = actions
        .list
        .iter()
        .any(|action| matches!(action, Action::Engine(Request::Break(old)) if *old == asked[0]));
    assert!(broken);
    let newest = tickets(&mut actions)[0];

    let refused = |ticket| Reply::Refused {
        ticket,
        why: format!("no {ticket}"),
    };
    room.hear(&refused(asked[0]));
    assert!(room.estimate.known().is_none());
    room.hear(&refused(newest));
    assert_eq!(room.estimate.known(), Some(Err(format!("no {newest}"))));
    let estimate = Estimate {
        parameters: 5,
        num_hidden_layers: 1,
        hidden_size: 8,
        vocabulary: 9,
        memory: Memory {
            weights: 1,
            cache: 2,
            activations: 3,
            saving: 2,
            other: 0,
            total: 4,
        },
    };
    room.estimate.ask(&essence(&first), &first, &mut actions);
    let ticket = tickets(&mut actions)[0];
    room.hear(&Reply::Estimated {
        ticket,
        estimate: estimate.clone(),
        times: Some(StepTimes {
            sft: 1.0,
            grpo: 1.0,
        }),
    });
    assert_eq!(room.estimate.known(), Some(Ok(estimate)));
}

#[test]
fn a_name_or_more_steps_ask_nothing_anew() {
    let change = |path, text| essence(&config(&quickstart(&[(path, text)])));
    let plain = essence(&config(&Draft::default()));
    assert_eq!(change("name", "other"), plain);
    assert_eq!(change("max_steps", "9000"), plain);
    assert_ne!(change("seed", "1"), plain);
    assert_ne!(change("model.hidden_size", "32"), plain);
}

#[test]
fn numbers_are_written_for_people() {
    assert_eq!(estimate::grouped(1_234_567), "1,234,567");
    assert_eq!([estimate::grouped(0), estimate::grouped(999)], ["0", "999"]);
    assert_eq!(estimate::bytes(4_200_000), "4.2 MB");
    assert_eq!(
        [estimate::bytes(500), estimate::bytes(3_500_000_000)],
        ["0.5 kB", "3.5 GB"]
    );
    assert_eq!(
        [estimate::duration(0.0123), estimate::duration(4.56)],
        ["12 ms", "4.6 s"]
    );
    assert_eq!(estimate::duration(119.7), "2 min 0 s");
    assert_eq!(estimate::duration(7300.0), "2 h 2 min");
}
