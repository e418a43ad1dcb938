use super::*;
use crate::config::{Origin, RunConfig};
use crate::training::{Setup, Start, StepRecord};

const TINY: &str = r#"
max_steps = 12
seed = 3
[task]
demonstrations = 40
[model]
hidden_size = 16
num_hidden_layers = 1
[base]
steps = 60
learning_rate = 0.02
batch_size = 16
[curriculum]
levels = [1, 2]
start = 2
[sft]
batch_size = 6
[grpo]
num_prompts = 4
num_generations = 4
max_completion_length = 12
zero_variance = "resample"
max_resample_times = 1
beta = 0.05
[balance]
warmup_steps = 3
g_warm_window = 2
[exam]
every = 0
[evaluation]
problems = 0
[logging]
completions_every = 1
"#;

fn session(set: &[&str]) -> Session {
    let set: Vec<String> = set.iter().map(|set| set.to_string()).collect();
    let config = RunConfig::from_toml(TINY, "tiny", &set).unwrap_or_else(|error| panic!("{error}"));
    let device = pollster::block_on(crate::devices::open_for(&config)).unwrap();
    let setup = Setup::new(config, device, &|path| std::fs::read(path)).unwrap();
    Session::new(setup, Start::Fresh).unwrap()
}

fn step(session: &mut Session) -> Vec<Event> {
    pollster::block_on(session.step()).unwrap()
}

/// The SFT loss of the demonstrations a record names, made from the task anew.
fn loss_of(session: &Session, model: &crate::model::Model, record: &StepRecord) -> Option<f64> {
    let task = session.study.task.as_ref();
    let shown = record
        .batch
        .iter()
        .filter_map(|item| Some((item, item.variant?)));
    let examples: Vec<Example> = shown
        .map(|(item, variant)| {
            let problem = task.problem(crate::tasks::Split::Train, item.level, item.index);
            let text = task.demonstration(&problem, variant);
            session.study.text.example(&problem.prompt, &text).unwrap()
        })
        .collect();
    let accumulation = session.config.sft.gradient_accumulation_steps;
    let gradient = session.workers.sft(model, examples, accumulation);
    record
        .metrics
        .contains_key("sft_loss")
        .then(|| pollster::block_on(gradient).unwrap().loss)
}

#[test]
fn the_batch_names_what_a_step_was_made_of() {
    for set in [
        &["task.orders=0", "balance.gamma=3"][..],
        &["balance.mode=\"blend\"", "sft.max_length=14"],
        &["balance.method=\"grpo\"", "grpo.zero_variance=\"keep\""],
    ] {
        let mut session = session(set);
        let (mut shown, mut sampled) = (0, 0);
        let mut logged: Vec<CompletionRecord> = Vec::new();
        while !session.is_done() {
            let before = session.model.with(session.model.parameters.clone());
            for event in step(&mut session) {
                let record = match event {
                    Event::Completions { records } => {
                        logged = records;
                        continue;
                    }
                    Event::Step(record) => record,
                    _ => continue,
                };
                // The very same loss: the same texts in the same order.
                let loss = loss_of(&session, &before, &record);
                assert_eq!(loss, record.metrics.get("sft_loss").copied());
                shown += usize::from(loss.is_some());

                let groups: Vec<&BatchItem> = record
                    .batch
                    .iter()
                    .filter(|i| i.variant.is_none())
                    .collect();
                let asks = record.metrics.contains_key("reward");
                assert_eq!(groups.len(), if asks { 4 } else { 0 });
                sampled += usize::from(asks);
                if !asks {
                    continue;
                }
                assert_eq!(logged.len(), 16);
                for (item, group) in groups.iter().zip(logged.chunks(4)) {
                    let place = ProblemRef {
                        level: item.level,
                        index: item.index,
                    };
                    let problem = session.problem(&place);
                    for record in group {
                        assert_eq!((record.problem, record.level), (problem.id, problem.level));
                        assert_eq!(record.prompt, problem.prompt);
                    }
                    let rewards: Vec<f32> = group.iter().map(|record| record.reward).collect();
                    let correct: Vec<bool> = group.iter().map(|record| record.correct).collect();
                    assert_eq!((&item.rewards, &item.correct), (&rewards, &correct));
                }
            }
        }
        assert!(sampled > 0, "{set:?}");
        assert!(shown > 0 || set[0].contains("grpo"), "{set:?}");
    }
}

#[test]
fn rewards_are_those_that_the_weights_make() {
    let weighted = ["balance.method=\"grpo\"", "grpo.reward_weights.answer=2.5"];
    let mut session = session(&weighted);
    let mut seen = 0;
    let mut logged: Vec<CompletionRecord> = Vec::new();
    while !session.is_done() {
        for event in step(&mut session) {
            match event {
                Event::Completions { records } => logged = records,
                Event::Step(record) => {
                    let rewards = record.batch.iter().flat_map(|item| &item.rewards);
                    for (&reward, record) in rewards.zip(&logged) {
                        let weight = |name: &str| if name == "answer" { 2.5 } else { 1.0 };
                        let parts = record.parts.iter();
                        let expected: f32 = parts.map(|(name, x)| weight(name) * x).sum();
                        assert!((reward - expected).abs() < 1e-6);
                        seen += usize::from(reward != record.reward);
                    }
                }
                _ => {}
            }
        }
    }
    assert!(seen > 0, "no weight made a difference");
}

#[test]
fn the_kl_is_measured_from_its_origin_over_the_completions_that_are_learnt_from() {
    for (set, origin) in [
        (&["grpo.zero_variance=\"keep\""][..], Origin::Warmup),
        (&["grpo.zero_variance=\"resample\""], Origin::Warmup),
        (&["balance.origin=\"base\""], Origin::Base),
        (&["balance.kl_origin=\"base\""], Origin::Base),
    ] {
        let mut session = session(&[set, &["balance.method=\"constant\""]].concat());
        let (mut rows_seen, mut resampled) = (0, 0.0);
        while !session.is_done() {
            step(&mut session);
            let Some(Unit::Update(begun, Some(rollouts))) = &session.unit else {
                continue;
            };
            resampled += begun
                .metrics
                .get("resampled_groups")
                .copied()
                .unwrap_or(0.0);
            let examples: Vec<Example> = rollouts.rows.iter().map(|r| r.example.clone()).collect();
            let model = session.origin(origin).unwrap();
            let temperature = session.config.grpo.temperature;
            let logps = session.workers.logps(&model, &examples, temperature);
            let logps = pollster::block_on(logps).unwrap();
            for (row, expected) in rollouts.rows.iter().zip(&logps) {
                let found = row.ref_logps.as_ref().unwrap();
                assert_eq!(found.len(), expected.len());
                for (a, b) in found.iter().zip(expected) {
                    assert!((a - b).abs() < 1e-4, "{set:?}: {a} and {b}");
                }
                rows_seen += 1;
            }
        }
        assert!(rows_seen > 0, "{set:?}");
        assert_eq!(
            resampled > 0.0,
            session.config.grpo.zero_variance == ZeroVariance::Resample
        );
    }
}

#[test]
fn telling_groups_come_first_and_in_their_order() {
    let alike = [true, true, false, false, true, true, false, false];
    assert_eq!(telling_groups(&alike, 2, 0), [0usize; 0]);
    assert_eq!(telling_groups(&alike, 2, 1), [1]);
    assert_eq!(telling_groups(&alike, 2, 2), [1, 3]);
    assert_eq!(telling_groups(&alike, 2, 3), [0, 1, 3]);
    assert_eq!(telling_groups(&alike, 2, 9), [0, 1, 2, 3]);
    assert_eq!(telling_groups(&[true; 4], 2, 1), [0]);
    assert_eq!(telling_groups(&[], 2, 1), [0usize; 0]);
}
