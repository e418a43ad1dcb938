//! The same run on the CPU and on a graphics card: same decisions, same completions, losses within
//! rounding. Where there is no card and no program that stands in for one, the tests say so and do
//! nothing; with `SASR_REQUIRE_GPU=1` they fail instead.

#![cfg(feature = "gpu")]

mod common;

use common::card::card;
use common::session::{records, run_until, step};
use sasr::kernels;
use sasr::training::{CARD_PROGRAMS, Command, Event, Phase, Session, Snapshot, Start, StepRecord};

/// Small, and with everything in it: base model, warm-up, both branches, probes, an exam, a test.
const TINY: &str = r#"
seed = 3
max_steps = 20
[task]
demonstrations = 40
[model]
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
[base]
steps = 40
learning_rate = 0.02
levels = [1]
batch_size = 8
[curriculum]
levels = [1, 2]
start = 1
[sft]
batch_size = 8
[grpo]
num_prompts = 3
num_generations = 4
max_completion_length = 12
beta = 0.01
[balance]
warmup_steps = 6
g_warm_window = 4
gamma = 2.0
probe_every = 3
[exam]
every = 10
problems = 8
[evaluation]
problems = 6
samples = 2
"#;

fn session(device: &str, start: Start) -> Session {
    common::session::session(TINY, &[&format!("device={device}")], start)
}

/// Everything up to and with step `last`.
fn run(session: &mut Session, last: u64) -> Vec<Event> {
    run_until(
        session,
        |event| matches!(event, Event::Step(record) if record.step == last),
    )
}

/// Rounding differs from device to device and grows with every update: a thousandth of the value
/// is ten times what twenty steps were seen to gather.
fn near(what: &str, step: u64, a: f64, b: f64) {
    assert!(
        (a - b).abs() <= 1e-3 * a.abs().max(1.0),
        "{what} of step {step}: {a} on the CPU, {b} on the card"
    );
}

fn assert_same_course(cpu: &[StepRecord], card: &[StepRecord]) {
    assert_eq!(cpu.len(), card.len());
    for (a, b) in cpu.iter().zip(card) {
        let step = a.step;
        assert_eq!(a.branch, b.branch, "the branch of step {step}");
        assert_eq!(a.updated, b.updated, "whether step {step} changed anything");
        assert_eq!(
            a.num_tokens, b.num_tokens,
            "tokens up to step {step}: the same completions"
        );
        assert_eq!(a.batch, b.batch, "problems and rewards of step {step}");
        near("loss", step, a.loss, b.loss);
        near("gradient norm", step, a.grad_norm, b.grad_norm);
        let (a, b) = (a.decision.as_ref().unwrap(), b.decision.as_ref().unwrap());
        near("p", step, a.p, b.p);
        assert_eq!(a.alpha, b.alpha);
        for (a, b) in [(a.g, b.g), (a.g_warm, b.g_warm), (a.d, b.d)] {
            assert_eq!(a.is_some(), b.is_some());
            near("a signal", step, a.unwrap_or(0.0), b.unwrap_or(0.0));
        }
    }
}

#[test]
fn a_card_takes_the_cpus_course() {
    let Some(_card) = card() else { return };
    let mut on_cpu = session("cpu", Start::Fresh);
    let mut on_card = session("gpu", Start::Fresh);
    let cpu = run(&mut on_cpu, u64::MAX);
    let card = run(&mut on_card, u64::MAX);
    let steps = records(&cpu);
    assert_same_course(&steps, &records(&card));
    let grpo = steps.iter().filter(|record| record.updated);
    assert!(
        grpo.clone()
            .any(|record| record.metrics.contains_key("grpo_loss"))
    );
    assert!(
        grpo.clone()
            .any(|record| record.metrics.contains_key("sft_loss"))
    );
    let base = |events: &[Event]| -> Vec<f64> {
        let loss = |event: &Event| match event {
            Event::BaseStep { loss, .. } => Some(*loss),
            _ => None,
        };
        events.iter().filter_map(loss).collect()
    };
    for (step, (a, b)) in base(&cpu).iter().zip(base(&card)).enumerate() {
        near("the base model's loss", step as u64 + 1, *a, b);
    }
    let started = |event: &Event| matches!(event, Event::Started { device, .. } if device == "gpu");
    assert!(
        card.iter().any(started),
        "the run says which device it is on"
    );
}

#[test]
fn a_run_moves_between_devices_by_its_checkpoint() {
    let Some(_card) = card() else { return };
    let mut whole = session("cpu", Start::Fresh);
    let expected = records(&run(&mut whole, u64::MAX));
    // Half on the card, the rest on the CPU.
    let mut first = session("gpu", Start::Fresh);
    let mut found = records(&run(&mut first, 10));
    first.handle(Command::StopAndSave).unwrap();
    while !first.is_done() {
        pollster::block_on(first.step()).unwrap();
    }
    let snapshot: Snapshot = pollster::block_on(first.snapshot()).unwrap();
    let mut second = session("cpu", Start::Resume(snapshot));
    found.extend(records(&run(&mut second, u64::MAX)));
    assert_same_course(&expected, &found);
}

/// How far the preparation is, as it is said.
fn progress(events: &[Event]) -> Vec<(u64, u64)> {
    let progress = |event: &Event| match event {
        Event::Progress { what, done, total } if what == CARD_PROGRAMS => Some((*done, *total)),
        _ => None,
    };
    events.iter().filter_map(progress).collect()
}

/// Heads of another width than elsewhere, so that no other test has launched these programs.
const OTHER_HEADS: [&str; 2] = ["device=gpu", "model.hidden_size=24"];

#[test]
fn a_cards_programs_are_compiled_before_the_first_step() {
    let Some(_card) = card() else { return };
    let mut session = common::session::session(TINY, &OTHER_HEADS, Start::Fresh);
    let before = kernels::programs();
    let first = step(&mut session);
    assert_eq!(
        kernels::programs(),
        before,
        "first it is said what is to come"
    );
    assert!(matches!(first[0], Event::Started { .. }));
    let (done, total) = progress(&first)[0];
    assert!(done == 0 && total > 1);
    let mut compiled = Vec::new();
    for done in 1..=total {
        let events = step(&mut session);
        assert_eq!(progress(&events), [(done, total)], "a unit for each piece");
        assert_eq!(events.len(), 1);
        compiled.push(kernels::programs());
    }
    // Those without constants may be another test's; the last pieces take no others of ours.
    let pieces = std::iter::once(&before).chain(&compiled);
    let rises = pieces.clone().zip(pieces.skip(1)).filter(|(a, b)| b > a);
    assert!(rises.count() >= 3, "{before} programs, then {compiled:?}");
    let ready = kernels::programs();
    let rest = run(&mut session, u64::MAX);
    assert_eq!(progress(&rest), []);
    let steps = records(&rest);
    let has = |name: &str| steps.iter().any(|step| step.metrics.contains_key(name));
    assert!(
        has("grpo_loss") && has("sft_loss"),
        "both branches were taken"
    );
    assert_eq!(kernels::programs(), ready, "nothing was compiled later on");
}

#[test]
fn preparing_changes_no_number() {
    let Some(_card) = card() else { return };
    let numbers = |session: Session| {
        let mut session = session;
        let mut events = run(&mut session, u64::MAX);
        for event in &mut events {
            match event {
                Event::Step(record) => {
                    record.step_time = 0.0;
                    record.timing.clear();
                }
                Event::BaseStep { step_time, .. } => *step_time = 0.0,
                Event::Finished { seconds, .. } => *seconds = 0.0,
                Event::Evaluated(record) => record.seconds = 0.0,
                _ => {}
            }
        }
        let prepared = !progress(&events).is_empty();
        let about = |event: &Event| match event {
            Event::Progress { what, .. } => what != CARD_PROGRAMS,
            _ => true,
        };
        events.retain(about);
        (prepared, events)
    };
    let (prepared, expected) = numbers(session("gpu", Start::Fresh).unprepared());
    assert!(!prepared);
    let (prepared, found) = numbers(session("gpu", Start::Fresh));
    assert!(prepared);
    assert_eq!(expected, found);
}

#[test]
fn what_is_prepared_is_what_is_left_to_do() {
    let Some(_card) = card() else { return };
    let pieces = |session: &mut Session| progress(&step(session)).first().map(|(_, all)| *all);
    assert_eq!(pieces(&mut session("cpu", Start::Fresh)), None);
    let mut first = session("gpu", Start::Fresh);
    let all = pieces(&mut first).unwrap();
    run(&mut first, 10);
    first.handle(Command::StopAndSave).unwrap();
    run(&mut first, u64::MAX);
    let snapshot = pollster::block_on(first.snapshot()).unwrap();
    let mut resumed = session("gpu", Start::Resume(snapshot));
    assert!(
        pieces(&mut resumed).unwrap() > 1,
        "a resumed run prepares too"
    );
    // Whoever stops meanwhile is heard at once.
    resumed.handle(Command::StopAndSave).unwrap();
    step(&mut resumed);
    assert_eq!(resumed.phase(), Phase::Done);
    let set = ["device=gpu", "balance.method=sft"];
    let mut only_sft = common::session::session(TINY, &set, Start::Fresh);
    assert!(
        pieces(&mut only_sft).unwrap() < all,
        "no policy, no programs of it"
    );
}

#[cfg(all(unix, feature = "cli"))]
#[test]
fn a_program_that_is_interrupted_waits_for_its_card() {
    let Some(_card) = card() else { return };
    let scratch = common::Scratch::new("card");
    let args = [
        "train",
        "tiny.toml",
        "--out",
        "out",
        "--set",
        "device=gpu",
        "--json",
    ];
    let mut child = common::until(scratch.sasr(&args), |event| event["event"] == "base_step");
    common::interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130), "it did not crash");
}
