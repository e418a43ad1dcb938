use super::*;
use crate::config::RunConfig;
use crate::training::{Command, Setup, Start};

/// Starts at the adaptive phase; every answer is one token long, so none is right and none ends.
const ALL_WRONG: &str = r#"
max_steps = 6
seed = 3
[task]
demonstrations = 40
[model]
hidden_size = 16
num_hidden_layers = 1
[curriculum]
levels = [1, 2]
start = 2
[sft]
batch_size = 6
[grpo]
num_prompts = 3
num_generations = 4
max_completion_length = 1
learning_rate = 0.004
[balance]
method = "constant"
mode = "blend"
constant_p = 0.25
[exam]
every = 0
[evaluation]
problems = 0
"#;

fn session(text: &str, set: &[&str]) -> Session {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    let config = RunConfig::from_toml(text, "tiny", &set).unwrap_or_else(|error| panic!("{error}"));
    let device = pollster::block_on(crate::devices::open_for(&config)).unwrap();
    let setup = Setup::new(config, device, &|path| std::fs::read(path)).unwrap();
    Session::new(setup, Start::Fresh).unwrap()
}

/// All that the session says of its next step.
fn next(session: &mut Session) -> StepRecord {
    for _ in 0..100 {
        for event in pollster::block_on(session.step()).unwrap() {
            if let Event::Step(record) = event {
                return *record;
            }
        }
    }
    panic!("no step")
}

fn weights(session: &Session) -> Vec<Vec<f32>> {
    pollster::block_on(session.model.parameters.read()).unwrap()
}

/// What was booked of a step: SFT's share, whether it updated anything, and how often.
fn booked(record: &StepRecord) -> (f64, bool, u64) {
    let step = record
        .measured
        .iter()
        .find_map(|observation| match observation {
            Observation::Step {
                sft_share,
                updated,
                updates,
                ..
            } => Some((*sft_share, *updated, *updates)),
            _ => None,
        });
    step.expect("every step is booked")
}

#[test]
fn a_blend_whose_rollouts_teach_nothing_is_an_sft_step() {
    let mut blended = session(ALL_WRONG, &[]);
    let record = next(&mut blended);
    assert_eq!(record.metrics["frac_reward_zero_std"], 1.0);
    // Weights that add up to 1: the whole gradient and the whole rate.
    assert_eq!(record.grad_norm, record.metrics["sft_grad_norm"]);
    assert_eq!(record.learning_rate, blended.config.sft.learning_rate);
    assert_eq!(record.loss, record.metrics["sft_loss"]);
    assert_eq!(booked(&record), (1.0, true, 1));
    assert_eq!(blended.controller.signals().grpo_steps, 1, "it was asked");
    // The very update of an SFT step on the same batch.
    let mut textbook = session(
        ALL_WRONG,
        &["balance.method=\"sft\"", "balance.mode=\"switch\""],
    );
    next(&mut textbook);
    assert_eq!(weights(&blended), weights(&textbook));
}

#[test]
fn a_blend_with_several_updates_books_what_was_done() {
    let some_right = [
        "grpo.max_completion_length=12",
        "base.steps=60",
        "base.learning_rate=0.02",
        "base.batch_size=16",
        "grpo.num_iterations=3",
    ];
    let mut session = session(ALL_WRONG, &some_right);
    let mut seen = 0;
    for _ in 0..6 {
        let record = next(&mut session);
        if record.metrics["frac_reward_zero_std"] == 1.0 {
            continue;
        }
        seen += 1;
        // One update is a quarter SFT; the two after it are GRPO alone, with all of its rate.
        let (sft_share, updated, updates) = booked(&record);
        assert!((sft_share - 0.25 / 3.0).abs() < 1e-12, "{sft_share}");
        assert!(updated && updates == 3);
        assert_eq!(record.learning_rate, 0.004);
        assert_eq!(record.grad_norm, record.metrics["grpo_grad_norm"]);
    }
    assert!(seen > 0, "no group had variance");
    assert_eq!(session.optimizers[0].time, 3 * seen + (6 - seen));
}

#[test]
fn a_step_whose_completions_are_all_masked_leaves_weights_and_moments() {
    // Rewards differ by the format's part, but every completion runs to the limit.
    let masked = [
        "balance.method=\"grpo\"",
        "balance.mode=\"switch\"",
        "grpo.mask_truncated_completions=true",
        "grpo.zero_variance=\"keep\"",
        "optimizer.weight_decay=0.1",
    ];
    let mut session = session(ALL_WRONG, &masked);
    // Moments that would move the weights by themselves.
    let set = Command::Set {
        path: "grpo.learning_rate".into(),
        value: "0.01".into(),
    };
    session.handle(set).unwrap();
    let moments = session.optimizers[0].moment1.clone();
    let noise = moments.entries.iter().map(|entry| entry.tensor.ones_like());
    for (entry, tensor) in session.optimizers[0].moment1.entries.iter_mut().zip(noise) {
        entry.tensor = tensor;
    }
    let before = weights(&session);
    let record = next(&mut session);
    assert_eq!(record.metrics["completions/clipped_ratio"], 1.0);
    assert!(!record.updated);
    assert_eq!(booked(&record), (0.0, false, 1));
    assert_eq!(weights(&session), before);
    assert_eq!(session.optimizers[0].time, 0);
}

#[test]
fn a_batch_that_lost_demonstrations_says_how_many() {
    let mut session = session(
        ALL_WRONG,
        &[
            "balance.method=\"sft\"",
            "balance.mode=\"switch\"",
            "sft.max_length=9",
        ],
    );
    let mut lost = 0.0;
    for _ in 0..6 {
        let record = next(&mut session);
        let too_long = record.metrics.get("sft_too_long").copied().unwrap_or(0.0);
        assert_eq!(record.batch.len() as f64, 6.0 - too_long);
        lost += too_long;
    }
    assert!(lost > 0.0, "all of them fit");
}
