//! Rollouts and gradients must not depend on how work is put together.

use burn::tensor::{Device, Tensor};
use sasr::config::{Family, GrpoConfig, LossType, ModelConfig};
use sasr::model::{DecoderSpec, Model, ModelError, Parameters};
use sasr::rollout::{Completion, Limits, Request, Sampling, Token, generate, generate_watched};
use sasr::text::Example;
use sasr::training::{PolicyRow, Shards, Workers};

fn model(family: Family) -> Model {
    let config = ModelConfig {
        family,
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 6,
        max_position_embeddings: 64,
        ..ModelConfig::default()
    };
    let device = Device::flex();
    let spec = DecoderSpec::from_config(&config, 31);
    let parameters = Parameters::random(&spec, 0.3, 5, &device);
    Model::new(spec, parameters, &device)
}

fn requests() -> Vec<Request> {
    let prompt = |row: u32| {
        (0..3 + row % 4 * 3)
            .map(|t| (row * 7 + t * 5) % 31)
            .collect()
    };
    (0..7)
        .map(|row| Request {
            problem: 1000 + u64::from(row),
            prompt: prompt(row),
            samples: 3,
        })
        .collect()
}

fn limits() -> Limits {
    Limits {
        max_completion_length: 20,
        stops: vec![1, 2],
        pad: 0,
    }
}

fn complete(model: &Model, requests: &[Request], sampling: &Sampling) -> Vec<Vec<Completion>> {
    pollster::block_on(generate(model, requests, sampling, &limits())).unwrap()
}

#[test]
fn a_completion_depends_only_on_seed_problem_and_sample() {
    for family in [Family::Llama, Family::Qwen2, Family::Qwen3] {
        let model = model(family);
        for sampling in [
            Sampling::at(0.9, 7),
            Sampling {
                top_k: 9,
                top_p: 0.9,
                ..Sampling::at(1.2, 8)
            },
        ] {
            let together = complete(&model, &requests(), &sampling);
            for (index, request) in requests().into_iter().enumerate() {
                let alone = complete(&model, std::slice::from_ref(&request), &sampling);
                assert_eq!(alone[0], together[index], "asked alone");
                // Fewer samples are the first of more.
                let fewer = Request {
                    samples: 1,
                    ..request
                };
                assert_eq!(
                    complete(&model, &[fewer], &sampling)[0][0],
                    together[index][0]
                );
            }
            let mut backwards = requests();
            backwards.reverse();
            let mut turned = complete(&model, &backwards, &sampling);
            turned.reverse();
            assert_eq!(turned, together, "asked in another order");
        }
        let other = complete(&model, &requests(), &Sampling::at(0.9, 9));
        assert_ne!(
            other,
            complete(&model, &requests(), &Sampling::at(0.9, 7)),
            "another seed"
        );
    }
}

#[test]
fn completions_end_where_they_should() {
    let model = model(Family::Llama);
    let mut ended = [0, 0];
    for completion in complete(&model, &requests(), &Sampling::at(1.0, 3))
        .iter()
        .flatten()
    {
        let stop = completion
            .tokens
            .iter()
            .position(|token| limits().stops.contains(token));
        assert_eq!(completion.finished, stop.is_some());
        match stop {
            Some(at) => assert_eq!(at + 1, completion.tokens.len(), "nothing follows the end"),
            None => assert_eq!(completion.tokens.len(), 20),
        }
        assert_eq!(completion.logps.len(), completion.tokens.len());
        ended[usize::from(completion.finished)] += 1;
    }
    assert!(ended[0] > 0 && ended[1] > 0, "both kinds occur: {ended:?}");
}

#[test]
fn log_probabilities_while_sampling_equal_those_of_a_training_forward() {
    for family in [Family::Llama, Family::Qwen2, Family::Qwen3] {
        let model = model(family);
        for temperature in [0.7, 1.0] {
            let sampling = Sampling {
                top_k: 12,
                ..Sampling::at(temperature, 11)
            };
            let requests = requests();
            let all = complete(&model, &requests, &sampling);
            let mut worst = 0.0f32;
            for (request, completions) in requests.iter().zip(&all) {
                for completion in completions {
                    let ids = [request.prompt.as_slice(), &completion.tokens].concat();
                    let decoder = model.tracked();
                    let rows: Vec<usize> = (request.prompt.len() - 1..ids.len() - 1).collect();
                    let targets: Vec<usize> = completion
                        .tokens
                        .iter()
                        .map(|&token| token as usize)
                        .collect();
                    let hidden = decoder.hidden(&ids, 1, ids.len());
                    let scored = decoder.token_logprobs(hidden, &rows, &targets, temperature);
                    let scored: Vec<f32> = scored.into_data().iter::<f32>().collect();
                    for (pair, logp) in scored.chunks_exact(2).zip(&completion.logps) {
                        worst = worst.max((pair[0] - logp).abs());
                    }
                }
            }
            assert!(worst < 1e-4, "{family:?} at {temperature}: {worst}");
        }
    }
}

/// Completes the requests while `going_on` is true of the tokens so far, and returns these.
fn watched(
    model: &Model,
    sampling: &Sampling,
    limits: &Limits,
    going_on: impl Fn(&[Token]) -> bool,
) -> (Vec<Vec<Completion>>, Vec<Token>) {
    let mut seen = Vec::new();
    let mut watch = |token| {
        seen.push(token);
        going_on(&seen)
    };
    let requests = requests();
    let all = generate_watched(model, &requests, sampling, limits, &mut watch);
    (pollster::block_on(all).unwrap(), seen)
}

/// Completions put together from tokens as they were told.
fn put_together(tokens: &[Token]) -> Vec<Vec<Completion>> {
    let none = |request: &Request| vec![Completion::default(); request.samples];
    let mut all: Vec<Vec<Completion>> = requests().iter().map(none).collect();
    for token in tokens {
        let completion = &mut all[token.request][token.sample];
        assert!(!completion.finished, "nothing follows the end");
        completion.tokens.push(token.token);
        completion.logps.push(token.logp);
        completion.finished = limits().stops.contains(&token.token);
    }
    all
}

#[test]
fn whoever_watches_sees_every_token_and_changes_none() {
    let model = model(Family::Qwen3);
    for sampling in [Sampling::at(0.9, 7), Sampling::greedy()] {
        let (all, seen) = watched(&model, &sampling, &limits(), |_| true);
        assert_eq!(all, complete(&model, &requests(), &sampling));
        assert_eq!(all, put_together(&seen));
    }
}

#[test]
fn a_generation_that_is_broken_off_returns_what_was_seen() {
    let model = model(Family::Llama);
    let sampling = Sampling::at(1.0, 3);
    let whole = complete(&model, &requests(), &sampling);
    // At the very first token, in the middle of a round, and between rounds.
    for count in [1, 10, 21, 130] {
        let (part, seen) = watched(&model, &sampling, &limits(), |seen| seen.len() < count);
        assert_eq!(seen.len(), count);
        assert_eq!(part, put_together(&seen));
        let mut cut = 0;
        for (part, whole) in part.iter().flatten().zip(whole.iter().flatten()) {
            assert!(whole.tokens.starts_with(&part.tokens));
            assert!(whole.logps.starts_with(&part.logps));
            assert_eq!(part.finished, whole.finished && part == whole);
            cut += usize::from(part != whole);
        }
        assert!(cut > 0, "there was something to break off");
    }
}

#[test]
fn whoever_watches_need_not_know_of_batches() {
    let model = model(Family::Llama);
    let sampling = Sampling::at(1.0, 3);
    // Room is set aside for so long completions that every request is worked off by itself.
    let long = Limits {
        max_completion_length: 2_000_000,
        ..limits()
    };
    let (all, seen) = watched(&model, &sampling, &long, |_| true);
    assert_eq!(all, put_together(&seen));
    let order: Vec<usize> = seen.iter().map(|token| token.request).collect();
    assert!(order.is_sorted() && order.last() == Some(&6), "{order:?}");
    let third = order.partition_point(|&request| request < 2) + 1;
    let (part, seen) = watched(&model, &sampling, &long, |seen| seen.len() < third);
    assert_eq!(part[..2], all[..2]);
    assert_eq!(part, put_together(&seen));
    assert_eq!(part[2][0].tokens, all[2][0].tokens[..1]);
    assert_eq!(part[6], vec![Completion::default(); 3]);
}

#[test]
fn a_prompt_that_does_not_fit_is_an_error() {
    let model = model(Family::Llama);
    for (tokens, fits) in [(0, false), (1, true), (63, true), (64, false)] {
        let request = Request {
            problem: 1,
            prompt: vec![3; tokens],
            samples: 2,
        };
        let requests = [requests().remove(0), request];
        let (sampling, limits) = (Sampling::greedy(), limits());
        let all = generate(&model, &requests, &sampling, &limits);
        match pollster::block_on(all) {
            Ok(all) => assert!(fits && !all[1][0].tokens.is_empty(), "{tokens}"),
            Err(error) => {
                assert!(!fits && error.is_wrong_input(), "{tokens}: {error}");
                let expected = (tokens, 63);
                assert!(
                    matches!(error, ModelError::Prompt { tokens, most } if (tokens, most) == expected)
                );
            }
        }
    }
}

#[test]
fn who_asks_for_nothing_gets_nothing() {
    let model = model(Family::Qwen2);
    let nothing = Limits {
        max_completion_length: 0,
        ..limits()
    };
    let request = |samples| Request {
        problem: 1,
        prompt: vec![3; 16],
        samples,
    };
    let ask = |samples, limits: &Limits| {
        let (requests, sampling) = ([request(samples)], Sampling::greedy());
        pollster::block_on(generate(&model, &requests, &sampling, limits)).unwrap()
    };
    assert_eq!(
        ask(2, &nothing),
        [[Completion::default(), Completion::default()]]
    );
    assert_eq!(ask(0, &limits()), [[]; 1]);
}

fn workers(shards: usize) -> Workers {
    let device = Device::flex();
    Workers::new(Shards::new(shards, &device).unwrap(), device, 0)
}

fn lists(tensors: &[Tensor<1>]) -> Vec<f32> {
    tensors
        .iter()
        .flat_map(|t| t.clone().into_data().iter::<f32>().collect::<Vec<_>>())
        .collect()
}

fn assert_close(a: &[f32], b: &[f32], what: &str) {
    let scale = b.iter().fold(1e-3f32, |top, x| top.max(x.abs()));
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 2e-5 * scale, "{what}: {a} against {b}");
    }
}

fn examples() -> Vec<Example> {
    let row = |n: u32| Example {
        ids: (0..4 + n % 5 * 4).map(|t| (n * 11 + t * 3) % 31).collect(),
        prompt: 1 + (n % 3) as usize,
    };
    (0..11).map(row).collect()
}

#[test]
fn sft_gradients_do_not_depend_on_padding_micro_batches_or_shards() {
    let model = model(Family::Qwen3);
    let whole = pollster::block_on(workers(1).sft(&model, examples(), 1)).unwrap();
    // One row at a time, put together by hand: no padding at all.
    let tokens = |e: &Example| (e.ids.len() - e.prompt) as f32;
    let total: f32 = examples().iter().map(tokens).sum();
    let mut sum: Vec<f32> = Vec::new();
    let mut loss = 0.0;
    for example in examples() {
        let share = tokens(&example) / total;
        let one = pollster::block_on(workers(1).sft(&model, vec![example], 1)).unwrap();
        loss += f64::from(share) * one.loss;
        let part: Vec<f32> = lists(&one.tensors).iter().map(|x| x * share).collect();
        sum = if sum.is_empty() {
            part
        } else {
            sum.iter().zip(&part).map(|(a, b)| a + b).collect()
        };
    }
    assert_close(
        &lists(&whole.tensors),
        &sum,
        "whole batch against single rows",
    );
    assert!((whole.loss - loss).abs() < 1e-5);
    for (shards, micro) in [(2, 1), (3, 2), (16, 1)] {
        let split = pollster::block_on(workers(shards).sft(&model, examples(), micro)).unwrap();
        assert_close(&lists(&split.tensors), &sum, "shards and micro-batches");
        assert!((split.norm / whole.norm - 1.0).abs() < 1e-4);
    }
}

#[test]
fn policy_gradients_do_not_depend_on_shards() {
    let model = model(Family::Llama);
    for loss_type in LOSSES {
        let config = GrpoConfig {
            loss_type,
            gradient_accumulation_steps: 2,
            ..GrpoConfig::default()
        };
        let rows = || -> Vec<PolicyRow> {
            let row = |(index, example): (usize, Example)| PolicyRow {
                advantage: (index as f32 - 5.0) / 3.0,
                old_logps: None,
                ref_logps: None,
                masked: index == 4,
                skipped: false,
                example,
            };
            examples().into_iter().enumerate().map(row).collect()
        };
        let run =
            |shards| pollster::block_on(workers(shards).policy(&model, rows(), &config)).unwrap();
        let (one, metrics) = run(1);
        assert!(one.norm > 0.0);
        for shards in [2, 5] {
            let (many, many_metrics) = run(shards);
            assert_close(&lists(&many.tensors), &lists(&one.tensors), "shards");
            let (a, b) = (metrics.finish(&config), many_metrics.finish(&config));
            for (name, value) in &a {
                assert!(
                    (value - b[name]).abs() < 1e-9,
                    "{loss_type:?} {name}: {value} against {}",
                    b[name]
                );
            }
        }
    }
}

const LOSSES: [LossType; 5] = [
    LossType::Grpo,
    LossType::Bnpo,
    LossType::DrGrpo,
    LossType::Dapo,
    LossType::Cispo,
];

fn rows(advantage: impl Fn(usize) -> f32, skipped: impl Fn(usize) -> bool) -> Vec<PolicyRow> {
    let row = |(index, example): (usize, Example)| PolicyRow {
        advantage: advantage(index),
        old_logps: None,
        ref_logps: None,
        masked: index == 4,
        skipped: skipped(index),
        example,
    };
    examples().into_iter().enumerate().map(row).collect()
}

fn gradient(model: &Model, rows: Vec<PolicyRow>, config: &GrpoConfig) -> Vec<f32> {
    let (gradient, _) = pollster::block_on(workers(2).policy(model, rows, config)).unwrap();
    lists(&gradient.tensors)
}

/// Eleven rows make unequal micro-batches: where the loss is a mean over the whole batch, none of its rows
/// weighs more for that.
#[test]
fn policy_gradients_do_not_depend_on_micro_batches_but_for_bnpo() {
    let model = model(Family::Llama);
    let all = || rows(|index| (index as f32 - 5.0) / 3.0, |_| false);
    for loss_type in LOSSES {
        let config = |gradient_accumulation_steps| GrpoConfig {
            loss_type,
            gradient_accumulation_steps,
            ..GrpoConfig::default()
        };
        let whole = gradient(&model, all(), &config(1));
        for steps in [2, 3, 4, 11] {
            let split = gradient(&model, all(), &config(steps));
            if loss_type == LossType::Bnpo {
                // TRL's bnpo averages over each micro-batch: it has to differ here.
                assert_ne!(whole, split);
            } else {
                assert_close(&split, &whole, &format!("{loss_type:?} in {steps}"));
            }
        }
    }
}

/// In TRL a group without variance has advantage 0 and stays in the batch. Leaving its rows out of the
/// computation must not change what the others weigh.
#[test]
fn groups_without_variance_add_nothing_and_still_count() {
    let model = model(Family::Llama);
    let dead = |index: usize| (3..6).contains(&index) || index >= 9;
    let live = |index: usize| match dead(index) {
        true => 0.0,
        false => (index as f32 - 4.0) / 3.0,
    };
    for loss_type in LOSSES {
        for gradient_accumulation_steps in [1, 3] {
            let config = GrpoConfig {
                loss_type,
                gradient_accumulation_steps,
                ..GrpoConfig::default()
            };
            let kept = gradient(&model, rows(live, |_| false), &config);
            let skipped = gradient(&model, rows(live, dead), &config);
            assert_close(&skipped, &kept, &format!("{loss_type:?}"));
            // Without them in the denominators (`grpo.denominators = "live"`) the others weigh more.
            let mut alone = rows(live, dead);
            alone.retain(|row| !row.skipped);
            let norm = |values: &[f32]| values.iter().map(|x| x * x).sum::<f32>().sqrt();
            let more = norm(&gradient(&model, alone, &config)) / norm(&kept);
            assert!(more > 1.2, "{loss_type:?}: {more}");
        }
    }
}

#[test]
fn nothing_to_learn_from_is_a_gradient_of_zeros() {
    let model = model(Family::Llama);
    let none = gradient(&model, rows(|_| 1.0, |_| true), &GrpoConfig::default());
    assert!(none.iter().all(|&value| value == 0.0));
}
