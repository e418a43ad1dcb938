//! What the steps of the presets cost.

use std::path::Path;

use burn::tensor::Device;
use sasr::config::RunConfig;
use sasr::training::{Event, Session, Setup, Start};

use crate::cost::Cost;
use crate::peak::Peak;
use crate::work::matrices;

/// Those that need no data, each with shapes of its own.
const PRESETS: [&str; 8] = [
    "quickstart",
    "arithmetic",
    "countdown",
    "knights_knaves",
    "lesson_balance",
    "lesson_overfitting",
    "lesson_collapse",
    "lesson_diversity",
];

/// A preset without exams and tests, trained by one of the two losses alone.
fn setup(name: &str, method: &str, device: &Device) -> Setup {
    let file = format!("configs/{name}.toml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
    let text = std::fs::read_to_string(path).expect("a preset");
    let changes = [
        &format!("balance.method={method}"),
        // Not before the end: with none at all levels could not open.
        "exam.every=1000",
        "evaluation.problems=0",
        "evaluation.after_warmup=false",
        "checkpoint.every=0",
    ];
    let config = RunConfig::from_toml(&text, &file, &changes.map(str::to_owned));
    let config = config.expect("a preset with these changes");
    Setup::new(config, device.clone(), &|path| std::fs::read(path)).expect("a preset's setup")
}

/// The next events of a session.
fn events(session: &mut Session) -> Vec<Event> {
    pollster::block_on(session.step()).expect("the session goes on")
}

/// The base model's weights, trained on the CPU.
fn base_model(name: &str) -> Option<Vec<u8>> {
    let device = pollster::block_on(sasr::devices::open("cpu")).expect("the CPU");
    let setup = setup(name, "sft", &device);
    if setup.config.base.steps == 0 {
        return None;
    }
    let mut session = Session::new(setup, Start::Fresh).expect("a session");
    while !events(&mut session).contains(&Event::BaseReady) {}
    let weights = session.model().parameters.to_safetensors();
    Some(pollster::block_on(weights).expect("the weights"))
}

/// A run in the making, and the tokens of its last step.
struct Run {
    session: Session,
    seen: u64,
    tokens: u64,
}

impl Run {
    fn new(setup: Setup, base: Option<Vec<u8>>) -> Self {
        let start = base.map_or(Start::Fresh, Start::Base);
        Self {
            session: Session::new(setup, start).expect("a session"),
            seen: 0,
            tokens: 0,
        }
    }

    /// Until the next step is made and the device is done.
    fn step(&mut self) {
        loop {
            for event in events(&mut self.session) {
                if let Event::Step(record) = event {
                    self.tokens = record.num_tokens - self.seen;
                    self.seen = record.num_tokens;
                    self.session
                        .model()
                        .device()
                        .sync()
                        .expect("the device works");
                    return;
                }
            }
        }
    }
}

/// A table of all presets on a device.
pub fn presets(device: &Device, repeats: usize, peak: &Peak) {
    println!(
        "\n| preset | steps of | first, s | launches | ours | ms | steps/s | tokens/s | MB bound | {} |",
        Peak::COLUMNS
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for name in PRESETS {
        let base = base_model(name);
        // Reading a token forwards costs 2 operations a number of a matrix; to learn from it 6.
        for (method, a_token) in [("sft", 6.0), ("grpo", 8.0)] {
            let mut run = Run::new(setup(name, method, device), base.clone());
            let cost = Cost::of(repeats, || run.step());
            let operations = a_token * matrices(run.session.model()) * run.tokens as f64;
            println!(
                "| {name} | {method} | {:.1} | {} | {} | {:.1} | {:.2} | {:.0} | {:.1} | {} |",
                cost.first,
                cost.launches(),
                cost.ours,
                1e3 * cost.seconds,
                1.0 / cost.seconds,
                run.tokens as f64 / cost.seconds,
                cost.bytes as f64 / 1e6,
                peak.shares(cost.bytes as f64, operations, cost.seconds)
            );
        }
    }
}
