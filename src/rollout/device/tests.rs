//! Rollouts on a graphics card against those on the CPU.

use burn::tensor::{Device, Tensor, TensorData};

use super::*;
use crate::config::{Family, ModelConfig};
use crate::kernels::decoding::{self, Desk, ROW};
use crate::kernels::wgpu;
use crate::kernels::wgpu::tests::{gpu, noise};
use crate::model::Parameters;
use crate::rollout::{generate, generate_watched};

/// Chooses from the same logits on the card and on the host.
fn compare(logits: &[f32], vocabulary: usize, sampling: &Sampling, device: &Device) {
    let rows = logits.len() / vocabulary;
    let on_card = |values: &[f32], shape: [usize; 2]| {
        let data = TensorData::new(values.to_vec(), shape);
        wgpu::tensor(Tensor::<2>::from_data(data, device))
    };
    let table = noise(vocabulary * 5, 77, 1.0);
    let embed = on_card(&table, [vocabulary, 5]);
    let hidden = decoding::buffer(rows, 5, &embed);
    let stops = decoding::ints(vec![1, 2], [1, 2], &embed);
    let states = (0..rows).flat_map(|row| {
        let limit = if row % 3 == 0 { 5 } else { 6 };
        [row as i32, 0, limit, sampling.key(9, row) as i32, 0]
    });
    let state = decoding::ints(states.collect(), [rows, ROW], &embed);
    let chosen = decoding::empty_ints([2, rows, 2], &embed);
    let desk = Desk {
        embed: &embed,
        stops: &stops,
        stop_count: 2,
        state: &state,
        chosen: &chosen,
        hidden: &hidden,
    };
    let logits_there = on_card(logits, [rows, vocabulary]);
    decoding::choose(&logits_there, &desk, &sampling.choice(), [rows, 4, 1]);

    let words = |tensor: wgpu::GpuTensor| -> Vec<i64> {
        let tensor = Tensor::<1, burn::tensor::Int>::from_primitive::<burn::backend::Wgpu>(tensor);
        tensor.into_data().iter::<i64>().collect()
    };
    let chosen = words(chosen);
    let states = words(state);
    let hidden = wgpu::plain_tensor::<2>(hidden).into_data();
    let hidden: Vec<f32> = hidden.iter::<f32>().collect();
    let mut scratch = Vec::new();
    for (row, logits) in logits.chunks_exact(vocabulary).enumerate() {
        let key = sampling.key(9, row);
        let (token, logp) = sampling.choose(logits, key, 4, &mut scratch);
        let pair = &chosen[(rows + row) * 2..][..2];
        let what = format!("{sampling:?}, {vocabulary} tokens, row {row}");
        assert_eq!(pair[0], i64::from(token), "{what}");
        let there = f32::from_bits(pair[1] as u32);
        let scale = logp.abs().max(1.0);
        assert!(
            (there - logp).abs() < 1e-4 * scale,
            "{what}: {there} {logp}"
        );
        let ends = token == 1 || token == 2 || row % 3 == 0;
        assert_eq!(states[row * ROW + 4], i64::from(ends), "{what}");
        let token = token as usize;
        assert_eq!(
            hidden[row * 8..row * 8 + 5],
            table[token * 5..token * 5 + 5]
        );
    }
}

#[test]
fn tokens_are_chosen_as_on_the_host() {
    let Some((device, _guard)) = gpu() else {
        return;
    };
    let with = |temperature, top_k, top_p, min_p| Sampling {
        temperature,
        top_k,
        top_p,
        min_p,
        seed: 0x1234_5678_9abc,
    };
    for sampling in [
        with(0.0, 0, 1.0, 0.0),
        with(0.7, 0, 1.0, 0.0),
        with(1.0, 0, 1.0, 0.0),
        with(1.0, 1, 1.0, 0.0),
        with(0.7, 5, 1.0, 0.0),
        with(1.3, 4000, 1.0, 0.0),
        with(1.0, 0, 0.8, 0.0),
        with(1.0, 0, 1.0, 0.1),
        with(0.9, 12, 0.7, 0.05),
    ] {
        for (vocabulary, rows, scale) in
            [(1, 3, 1.0), (17, 64, 3.0), (151, 64, 4.0), (5003, 9, 6.0)]
        {
            let logits = noise(vocabulary * rows, vocabulary as u32, scale);
            compare(&logits, vocabulary, &sampling, &device);
        }
    }
}

#[test]
fn extreme_logits_are_chosen_from_as_on_the_host() {
    let Some((device, _guard)) = gpu() else {
        return;
    };
    let vocabulary = 67;
    let mut logits = noise(vocabulary * 4, 3, 1.0);
    // One far above, one far below, ties, and zeros of both signs.
    logits[20] = 3e4;
    logits[67] = -1e30;
    logits[2 * 67 + 5..2 * 67 + 9].fill(2.5);
    logits[3 * 67..].fill(0.0);
    logits[3 * 67 + 8] = -0.0;
    for (temperature, top_k, top_p) in [(0.0, 0, 1.0), (1.0, 0, 1.0), (0.7, 3, 1.0), (1.0, 0, 0.5)]
    {
        let sampling = Sampling {
            top_k,
            top_p,
            ..Sampling::at(temperature, 5)
        };
        compare(&logits, vocabulary, &sampling, &device);
    }
}

/// A small random model, and the same on the card.
fn models(family: Family, device: &Device) -> [Model; 2] {
    let config = ModelConfig {
        family,
        hidden_size: 22,
        intermediate_size: 50,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 6,
        max_position_embeddings: 64,
        ..ModelConfig::default()
    };
    let spec = DecoderSpec::from_config(&config, 31);
    [&Device::flex(), device].map(|device| {
        let parameters = Parameters::random(&spec, 0.3, 5, device);
        Model::new(spec.clone(), parameters, device)
    })
}

/// Prompts of several lengths, one of which leaves little room.
fn requests() -> Vec<Request> {
    let lengths = [3, 9, 6, 1, 52, 12];
    let prompt = |(row, &length): (usize, &usize)| Request {
        problem: 1000 + row as u64,
        prompt: (0..length)
            .map(|t| ((row * 7 + t * 5) % 31) as u32)
            .collect(),
        samples: if row == 2 { 5 } else { 3 },
    };
    lengths.iter().enumerate().map(prompt).collect()
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

/// Completions must be the same token by token. At this size the noise decides by far more than
/// rounding can change; should a device ever differ, then at a near tie, and the message shows where.
fn assert_same(card: &[Vec<Completion>], host: &[Vec<Completion>]) {
    assert_eq!(card.len(), host.len());
    for (request, (card, host)) in card.iter().zip(host).enumerate() {
        assert_eq!(card.len(), host.len());
        for (sample, (card, host)) in card.iter().zip(host).enumerate() {
            let what = format!("request {request} sample {sample}");
            assert_eq!(card.tokens, host.tokens, "{what}");
            assert_eq!(card.finished, host.finished, "{what}");
            assert_eq!(card.logps.len(), host.logps.len(), "{what}");
            for (a, b) in card.logps.iter().zip(&host.logps) {
                assert!((a - b).abs() < 1e-4, "{what}: {a} against {b}");
            }
        }
    }
}

#[test]
fn completions_are_those_of_the_cpu() {
    let Some((device, _guard)) = gpu() else {
        return;
    };
    for family in [Family::Llama, Family::Qwen2, Family::Qwen3] {
        let [host, card] = models(family, &device);
        assert!(serves(&card) && !serves(&host));
        for sampling in [
            Sampling::greedy(),
            Sampling::at(0.9, 7),
            Sampling {
                top_k: 9,
                top_p: 0.9,
                ..Sampling::at(1.2, 8)
            },
        ] {
            let expected = complete(&host, &requests(), &sampling);
            let all = complete(&card, &requests(), &sampling);
            assert_same(&all, &expected);
        }
        let ended = complete(&host, &requests(), &Sampling::at(0.9, 7));
        let lengths: Vec<usize> = ended.iter().flatten().map(|c| c.tokens.len()).collect();
        assert!(lengths.iter().any(|&length| length < 8), "{lengths:?}");
        assert!(lengths.contains(&20), "{lengths:?}");
        assert!(ended[4].iter().all(|c| c.tokens.len() <= 12), "{lengths:?}");
    }
}

#[test]
fn a_completion_on_the_card_depends_only_on_seed_problem_and_sample() {
    let Some((device, _guard)) = gpu() else {
        return;
    };
    let [_, card] = models(Family::Qwen3, &device);
    let sampling = Sampling::at(1.0, 3);
    let together = complete(&card, &requests(), &sampling);
    for (index, request) in requests().into_iter().enumerate() {
        let fewer = Request {
            samples: 2,
            ..request
        };
        let alone = complete(&card, &[fewer], &sampling);
        // Prompts are read by matrix products whose order of additions may follow the batch's size,
        // so log-probabilities may differ by rounding.
        assert_same(&alone, &[together[index][..2].to_vec()]);
    }
    let mut backwards = requests();
    backwards.reverse();
    let mut turned = complete(&card, &backwards, &sampling);
    turned.reverse();
    assert_same(&turned, &together);
}

#[test]
fn whoever_watches_a_card_sees_every_token_and_may_break_off() {
    let Some((device, _guard)) = gpu() else {
        return;
    };
    let [_, card] = models(Family::Llama, &device);
    let sampling = Sampling::at(1.0, 3);
    let whole = complete(&card, &requests(), &sampling);
    for most in [1, 10, 33, 120, usize::MAX] {
        let mut seen = Vec::new();
        let mut watch = |token| {
            seen.push(token);
            seen.len() < most
        };
        let (requests, limits) = (requests(), limits());
        let part = generate_watched(&card, &requests, &sampling, &limits, &mut watch);
        let part = pollster::block_on(part).unwrap();
        let tokens: usize = whole.iter().flatten().map(|c| c.tokens.len()).sum();
        assert_eq!(seen.len(), most.min(tokens));
        let mut together: Vec<Vec<Completion>> = requests.iter().map(nothing_yet).collect();
        for token in seen {
            let completion = &mut together[token.request][token.sample];
            completion.tokens.push(token.token);
            completion.logps.push(token.logp);
            completion.finished = limits.stops.contains(&token.token);
        }
        assert_eq!(part, together);
        for (part, whole) in part.iter().flatten().zip(whole.iter().flatten()) {
            assert!(whole.tokens.starts_with(&part.tokens));
            assert!(whole.logps.starts_with(&part.logps));
            assert_eq!(part.finished, whole.finished && part == whole);
        }
    }
}

#[test]
fn a_batch_has_room_in_every_buffer() {
    let spec = |vocab_size, max_position_embeddings| {
        let config = ModelConfig {
            max_position_embeddings,
            ..ModelConfig::default()
        };
        DecoderSpec::from_config(&config, vocab_size)
    };
    let requests = requests();
    let rows: Vec<(usize, usize)> = (0..600).map(|row| (row / 100, row % 100)).collect();
    let size = |spec: &DecoderSpec| batch_size(spec, &requests, &rows, &limits());
    assert_eq!(size(&spec(100, 64)), 600);
    // 151,936 logits a row: 220 rows are 128 MiB.
    assert_eq!(size(&spec(151_936, 64)), 220);
    // A row that is too large by itself is tried all the same.
    assert_eq!(size(&spec(1 << 26, 64)), 1);
}
