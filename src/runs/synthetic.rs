//! Runs made up for tests: plausible curves around the real controllers.

use std::collections::BTreeMap;

use rand::RngExt as _;

use super::read::RunData;
use crate::balance::{self, Observation, Rollouts};
use crate::config::{Method, RunConfig};
use crate::evaluation::{Sample, Tallies, Tally, summarise};
use crate::rng::{self, Purpose, Stream};
use crate::runs::Change;
use crate::tasks::Split;
use crate::training::{Alarm, Branch, CompletionRecord, EvaluationRecord, Phase, StepRecord};

/// A configuration with everything a comparison distinguishes set on purpose.
pub fn config(method: Method, seed: u64, steps: u64) -> RunConfig {
    let mut config = RunConfig {
        name: format!("run-{seed}"),
        seed,
        max_steps: steps,
        ..RunConfig::default()
    };
    config.balance.method = method;
    config.balance.warmup_steps = (steps / 8).max(1);
    config.exam.every = (steps / 8).max(1);
    config.evaluation.unseen_levels = vec![4];
    config.evaluation.problems = 60;
    config
}

/// How much of the task a run knows at a step, from how it was spent.
struct Learner {
    textbook: f64,
    quiz: f64,
    norm: f64,
    divergence: f64,
}

/// A complete run. `skill` moves its final accuracy.
pub fn run(config: RunConfig, skill: f64) -> RunData {
    let mut random = rng::stream(
        config.seed,
        Purpose::Problem,
        99,
        config.balance.method as u64,
    );
    let mut controller = balance::build(&config.balance, config.seed, config.max_steps);
    let mut learner = Learner {
        textbook: 0.0,
        quiz: 0.0,
        norm: 3.0,
        divergence: 0.0,
    };
    let mut data = RunData {
        name: config.name.clone(),
        manifest: serde_json::json!({ "version": "0.2.0", "device": "cpu", "parameters": 213_504 }),
        steps: Vec::new(),
        evaluations: Vec::new(),
        completions: Vec::new(),
        alarms: Vec::new(),
        changes: Vec::new(),
        notices: Vec::new(),
        config,
    };
    let mut tokens = 0;
    for number in 1..=data.config.max_steps {
        let decision = controller.plan(number).explanation;
        let mut step = step(&mut learner, decision, &data.config, &mut random);
        tokens += if step.branch == Branch::Sft {
            1100
        } else {
            6300
        };
        step.num_tokens = tokens;
        for observation in &step.measured {
            controller
                .observe(observation)
                .expect("made-up measurements are finite");
        }
        let accuracy = accuracy(&learner, data.config.max_steps, skill);
        if number % data.config.exam.every == 0 {
            for level in 1..=3 {
                data.evaluations
                    .push(exam(number, level, accuracy, &mut random));
            }
        }
        let last_warm = step.phase == Phase::Warmup && number == data.config.balance.warmup_steps;
        if last_warm && data.config.evaluation.after_warmup {
            test(&mut data, number, "after_warmup", accuracy, &mut random);
        }
        if number % (data.config.max_steps / 6).max(1) == 0 {
            data.completions
                .extend(completions(number, accuracy, &mut random));
        }
        data.steps.push(step);
    }
    let end = accuracy(&learner, data.config.max_steps, skill);
    let last = data.config.max_steps;
    test(&mut data, last, "final", end, &mut random);
    data.alarms.push(Alarm {
        step: data.config.max_steps / 2,
        kind: "zero_variance".into(),
        message: "82 % of the groups of the last 20 GRPO steps earned one reward each: the open \
                  levels are too easy or too hard; open another level or raise the temperature"
            .into(),
    });
    data
}

fn accuracy(learner: &Learner, steps: u64, skill: f64) -> f64 {
    let share = |amount: f64| amount / (amount + 0.25 * steps as f64);
    (0.05 + 0.4 * share(learner.textbook) + 0.5 * share(learner.quiz) + skill).clamp(0.0, 1.0)
}

fn step(
    learner: &mut Learner,
    decision: balance::Explanation,
    config: &RunConfig,
    random: &mut Stream,
) -> StepRecord {
    let number = decision.step;
    let mut noise = |size: f64| size * (random.random::<f64>() - 0.5);
    let share = number as f64 / config.max_steps as f64;
    let mut metrics = BTreeMap::new();
    let mut measured = Vec::new();
    let branch = decision.branch;
    let mut updated = true;
    let (loss, grad_norm);
    if branch == Branch::Sft {
        learner.textbook += 1.0;
        learner.norm = 0.4 + 2.6 * (-learner.textbook / (0.2 * config.max_steps as f64)).exp();
        learner.divergence *= 0.9;
        loss =
            0.15 + 1.6 * (-learner.textbook / (0.15 * config.max_steps as f64)).exp() + noise(0.1);
        grad_norm = learner.norm * (1.0 + noise(0.5));
        metrics.insert("sft_loss".into(), loss);
        measured.push(Observation::SftGradNorm {
            step: number,
            norm: grad_norm,
            probe: false,
        });
    } else {
        learner.quiz += 1.0;
        learner.divergence += 1.2 / config.max_steps as f64;
        loss = noise(0.04);
        grad_norm = 0.8 + noise(0.6);
        let reward = accuracy(learner, config.max_steps, 0.0) + noise(0.2);
        let zero = (0.2 + 0.5 * share + noise(0.3)).clamp(0.0, 1.0);
        updated = zero < 0.8;
        metrics.extend([
            ("reward".to_owned(), reward),
            ("reward_std".into(), 0.3 + noise(0.1)),
            ("frac_reward_zero_std".into(), zero),
            ("entropy".into(), 0.9 * (-1.5 * share).exp() + noise(0.05)),
            ("kl".into(), learner.divergence + noise(0.02)),
            (
                "completions/mean_length".into(),
                22.0 + 9.0 * share + noise(3.0),
            ),
            (
                "completions/clipped_ratio".into(),
                (0.06 + noise(0.1)).max(0.0),
            ),
        ]);
        let nats = (learner.divergence + noise(0.03)).max(0.0);
        measured.push(Observation::Divergence {
            step: number,
            nats,
            probe: false,
            tokens: 0,
            capped: 0,
        });
        let rollouts = Rollouts {
            reward,
            reward_std: 0.3,
            frac_reward_zero_std: zero,
        };
        measured.push(Observation::Rollouts {
            step: number,
            rollouts,
        });
    }
    let sft_share = if branch == Branch::Sft { 1.0 } else { 0.0 };
    measured.push(Observation::Step {
        step: number,
        sft_share,
        updated,
        updates: 1,
        asked: sft_share < 1.0,
    });
    let timing = match branch {
        Branch::Sft => BTreeMap::from([("update".to_owned(), 0.05)]),
        _ => BTreeMap::from([
            ("rollout".to_owned(), 0.31),
            ("logps".into(), 0.06),
            ("update".into(), 0.12),
        ]),
    };
    StepRecord {
        step: number,
        phase: match decision.phase {
            balance::Phase::Warmup => Phase::Warmup,
            balance::Phase::Adaptive => Phase::Adaptive,
        },
        branch,
        updated,
        loss,
        grad_norm,
        learning_rate: if branch == Branch::Sft { 1.5e-3 } else { 6e-4 },
        num_tokens: 0,
        step_time: timing.values().sum::<f64>() + 0.01,
        timing,
        metrics,
        decision: Some(decision),
        measured,
        batch: Vec::new(),
    }
}

fn exam(step: u64, level: u32, accuracy: f64, random: &mut Stream) -> EvaluationRecord {
    record(
        step,
        "exam",
        Split::Exam,
        level,
        accuracy * 1.3 - 0.15 * f64::from(level),
        64,
        random,
    )
}

fn record(
    step: u64,
    kind: &str,
    split: Split,
    level: u32,
    accuracy: f64,
    problems: usize,
    random: &mut Stream,
) -> EvaluationRecord {
    let chance = accuracy.clamp(0.01, 0.99);
    let correct: Vec<bool> = (0..problems).map(|_| random.random_bool(chance)).collect();
    let right = correct.iter().filter(|&&right| right).count();
    EvaluationRecord {
        num_tokens: 0,
        seconds: 0.0,
        holds: crate::training::Judgements::default(),
        places: Vec::new(),
        samples: crate::evaluation::Tallies::default(),
        step,
        kind: kind.into(),
        split,
        level,
        unseen: level > 3,
        perturbation: None,
        problems,
        metrics: BTreeMap::from([("accuracy".into(), right as f64 / problems as f64)]),
        correct,
    }
}

fn test(data: &mut RunData, step: u64, kind: &str, accuracy: f64, random: &mut Stream) {
    let problems = data.config.evaluation.problems;
    for level in 1..=4 {
        let chance = accuracy * 1.3 - 0.15 * f64::from(level);
        let mut plain = record(step, kind, Split::Test, level, chance, problems, random);
        let sampled: Vec<Tally> = plain
            .correct
            .iter()
            .map(|&right| Tally::of(&samples(right, random), 20))
            .collect();
        plain.metrics.extend(summarise(&sampled));
        plain.samples = Tallies(sampled);
        data.evaluations.push(plain);
        for (name, cost) in [("renamed", 0.02), ("shuffled", 0.09)] {
            let mut other = record(
                step,
                kind,
                Split::Test,
                level,
                chance - cost,
                problems,
                random,
            );
            other.perturbation = Some(name.into());
            data.evaluations.push(other);
        }
    }
}

fn samples(right: bool, random: &mut Stream) -> Vec<Sample> {
    (0..8)
        .map(|_| {
            let correct = random.random_bool(if right { 0.85 } else { 0.15 });
            let path = random.random_range(0..3u32);
            let answer = if correct {
                7
            } else {
                random.random_range(0..6u32)
            };
            Sample {
                tokens: vec![1, path, 2 + path, 4, answer],
                answer: Some(answer.to_string()),
                correct,
                judged: true,
                // A quarter of the right answers have reasoning that does not hold.
                path: (correct && random.random_bool(0.75)).then(|| format!("path {path}")),
                step_sizes: vec![1, 1],
            }
        })
        .collect()
}

fn completions(step: u64, accuracy: f64, random: &mut Stream) -> Vec<CompletionRecord> {
    (0..6u32)
        .map(|sample| {
            let correct = random.random_bool(accuracy.clamp(0.2, 0.8));
            let order = sample % 2;
            let completion = match (correct, order) {
                (true, 0) => "=7-9+2=-2+2=0",
                (true, _) => "=7-9+2=7-7=0",
                (false, _) => "=7-9+2=16+2=18",
            };
            CompletionRecord {
                holds: None,
                step_sizes: Vec::new(),
                step,
                source: "rollout".into(),
                split: Split::Train,
                level: 2,
                problem: 7,
                prompt: "7-9+2".into(),
                answer: "0".into(),
                sample,
                completion: completion.into(),
                finished: true,
                tokens: completion.len(),
                reward: f32::from(u8::from(correct)),
                parts: vec![("answer".into(), f32::from(u8::from(correct)))],
                correct,
                advantage: Some(if correct { 0.71 } else { -1.12 }),
                path: Some(format!("order {order}")),
                given: None,
                wrong_path: None,
                logprobs: Vec::new(),
                pieces: Vec::new(),
            }
        })
        .collect()
}

/// A finished run of a method with its default skill.
pub fn of(method: Method, seed: u64, steps: u64) -> RunData {
    let mut config = config(method, seed, steps);
    config.name = format!("{}-seed{seed}", method.name());
    run(config, 0.0)
}

/// The files of a run, as the run folder holds them.
pub struct Files {
    pub config: String,
    pub manifest: String,
    pub metrics: String,
    pub evaluations: String,
    pub completions: String,
    pub alarms: String,
    pub changes: String,
}

impl Files {
    pub fn of(run: &RunData) -> Self {
        fn lines<T: serde::Serialize>(records: &[T]) -> String {
            let line = |record| serde_json::to_string(record).expect("records are JSON") + "\n";
            records.iter().map(line).collect()
        }
        Self {
            config: run.config.to_toml().expect("the configuration is TOML"),
            manifest: run.manifest.to_string(),
            metrics: lines(&run.steps),
            evaluations: lines(&run.evaluations),
            completions: lines(&run.completions),
            alarms: lines(&run.alarms),
            changes: lines(&run.changes.iter().map(Change::event).collect::<Vec<_>>()),
        }
    }

    pub fn borrow(&self) -> super::read::RunFiles<'_> {
        super::read::RunFiles {
            config: &self.config,
            manifest: &self.manifest,
            metrics: &self.metrics,
            evaluations: &self.evaluations,
            completions: &self.completions,
            alarms: &self.alarms,
            changes: &self.changes,
        }
    }
}
