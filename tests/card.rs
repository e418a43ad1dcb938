//! The same run on the CPU and on a graphics card: same decisions, same completions, losses within
//! rounding. Where there is no card and no program that stands in for one, the tests say so and do
//! nothing; with `SASR_REQUIRE_GPU=1` they fail instead.

#![cfg(feature = "gpu")]

use sasr::config::RunConfig;
use sasr::training::{Command, Event, Session, Setup, Snapshot, Start, StepRecord};

/// Waits until the card computes nothing any more: a software driver that is unloaded at the end of
/// the process in the middle of its work crashes it.
fn settle() {
    let card = pollster::block_on(sasr::devices::open("gpu")).unwrap();
    card.sync().expect("everything was computed");
}

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

/// Whether a card can be opened; says why not.
fn there_is_a_card() -> bool {
    match pollster::block_on(sasr::devices::open("gpu")) {
        Ok(_) => true,
        Err(error) if std::env::var_os("SASR_REQUIRE_GPU").is_none() => {
            println!("skipped: {error}");
            false
        }
        Err(error) => panic!("SASR_REQUIRE_GPU is set, but {error}"),
    }
}

fn session(device: &str, start: Start) -> Session {
    let set = vec![format!("device={device}")];
    let config = RunConfig::from_toml(TINY, "tiny", &set).unwrap_or_else(|error| panic!("{error}"));
    let device = pollster::block_on(sasr::devices::open_for(&config)).unwrap();
    let setup = Setup::new(config, device, &|path| std::fs::read(path)).unwrap();
    Session::new(setup, start).unwrap()
}

/// Everything up to and with step `last`.
fn run(session: &mut Session, last: u64) -> Vec<Event> {
    let mut all = Vec::new();
    for _ in 0..10_000 {
        let events = pollster::block_on(session.step()).unwrap_or_else(|error| panic!("{error}"));
        let there = |event: &Event| matches!(event, Event::Step(record) if record.step == last);
        let reached = events.iter().any(there);
        all.extend(events);
        if reached || session.is_done() {
            return all;
        }
    }
    panic!("the session does not end");
}

fn steps(events: &[Event]) -> Vec<StepRecord> {
    let record = |event: &Event| match event {
        Event::Step(record) => Some((**record).clone()),
        _ => None,
    };
    events.iter().filter_map(record).collect()
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
    if !there_is_a_card() {
        return;
    }
    let mut on_cpu = session("cpu", Start::Fresh);
    let mut on_card = session("gpu", Start::Fresh);
    let cpu = run(&mut on_cpu, u64::MAX);
    let card = run(&mut on_card, u64::MAX);
    let steps = steps(&cpu);
    assert_same_course(&steps, &self::steps(&card));
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
    settle();
}

#[test]
fn a_run_moves_between_devices_by_its_checkpoint() {
    if !there_is_a_card() {
        return;
    }
    let mut whole = session("cpu", Start::Fresh);
    let expected = steps(&run(&mut whole, u64::MAX));
    // Half on the card, the rest on the CPU.
    let mut first = session("gpu", Start::Fresh);
    let mut found = steps(&run(&mut first, 10));
    first.handle(Command::StopAndSave).unwrap();
    while !first.is_done() {
        pollster::block_on(first.step()).unwrap();
    }
    let snapshot: Snapshot = pollster::block_on(first.snapshot()).unwrap();
    let mut second = session("cpu", Start::Resume(snapshot));
    found.extend(steps(&run(&mut second, u64::MAX)));
    assert_same_course(&expected, &found);
    settle();
}
