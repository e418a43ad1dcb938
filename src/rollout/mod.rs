//! Sampling completions from a policy: prompts are read once per group, then all rows decode
//! together over a preallocated cache; finished rows leave.

#[cfg(feature = "gpu")]
mod device;
mod sampling;

pub use sampling::Sampling;

use crate::model::{Decoder, DecoderSpec, Model, ModelError, read};

/// A prompt to complete.
#[derive(Clone, Debug)]
pub struct Request {
    /// Identifies the problem in the noise's key.
    pub problem: u64,
    pub prompt: Vec<u32>,
    /// How many completions.
    pub samples: usize,
}

/// A sampled completion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// The tokens, the end token included where there is one.
    pub tokens: Vec<u32>,
    /// log p of each token at the sampling temperature over the whole vocabulary.
    pub logps: Vec<f32>,
    /// Whether it ended with an end token rather than at the limit.
    pub finished: bool,
}

/// How long completions may get and how they end.
#[derive(Clone, Debug)]
pub struct Limits {
    pub max_completion_length: usize,
    /// Tokens that end a completion.
    pub stops: Vec<u32>,
    /// Fills prompts of one batch to one length; never seen by the model's output.
    pub pad: u32,
}

/// A token that was just chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// Which of the requests it answers, counted from 0.
    pub request: usize,
    /// Which of the request's completions it belongs to, counted from 0.
    pub sample: usize,
    pub token: u32,
    /// Its log p at the sampling temperature over the whole vocabulary.
    pub logp: f32,
}

/// Is told of every token as it is chosen; `false` breaks the generation off.
pub type Watch<'a> = dyn FnMut(Token) -> bool + 'a;

/// Values a cache may hold at a time (keys and values of all layers), before a batch is worked
/// off in parts: 1 GiB of float32.
const CACHE_VALUES: usize = 1 << 28;

/// Completes every request; the result has one list per request, in order.
///
/// A completion depends only on the weights, its prompt, `sampling` and (problem, sample index).
///
/// # Errors
/// If a prompt is empty or leaves no position for an answer, or the device fails to give the
/// logits.
pub async fn generate(
    model: &Model,
    requests: &[Request],
    sampling: &Sampling,
    limits: &Limits,
) -> Result<Vec<Vec<Completion>>, ModelError> {
    generate_watched(model, requests, sampling, limits, &mut |_| true).await
}

/// The same, telling `watch` of every token. Within a completion tokens come in their order;
/// completions that are written together take turns.
///
/// Where `watch` breaks off, the completions are those so far, perhaps without a token: the token
/// it was told of last is the last there is, and what had not ended by then is unfinished.
///
/// # Errors
/// As for [`generate`].
pub async fn generate_watched(
    model: &Model,
    requests: &[Request],
    sampling: &Sampling,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<Completion>>, ModelError> {
    let most = model.spec.max_position_embeddings.saturating_sub(1);
    let mut lengths = requests.iter().map(|request| request.prompt.len());
    if let Some(tokens) = lengths.find(|length| !(1..=most).contains(length)) {
        return Err(ModelError::Prompt { tokens, most });
    }
    #[cfg(feature = "gpu")]
    if device::serves(model) {
        return device::generate(model, requests, sampling, limits, watch).await;
    }
    let decoder = model.decoder().for_decoding();
    let mut all = Vec::with_capacity(requests.len());
    let mut going_on = true;
    while going_on && all.len() < requests.len() {
        let rest = &requests[all.len()..];
        let part = &rest[..batch_size(&model.spec, rest, limits)];
        let first = all.len();
        let mut tell = |token: Token| {
            let request = first + token.request;
            going_on = watch(Token { request, ..token });
            going_on
        };
        all.extend(generate_batch(&decoder, part, sampling, limits, &mut tell).await?);
    }
    all.extend(requests[all.len()..].iter().map(nothing_yet));
    Ok(all)
}

/// How many of the requests, one at least, are worked off together.
fn batch_size(spec: &DecoderSpec, requests: &[Request], limits: &Limits) -> usize {
    let longest = requests
        .iter()
        .map(|request| request.prompt.len())
        .max()
        .unwrap_or(0);
    let per_row = 2
        * (longest + limits.max_completion_length)
        * spec.num_hidden_layers
        * spec.num_key_value_heads
        * spec.head_dim;
    let mut rows = 0;
    let fits = |request: &&Request| {
        rows += request.samples;
        rows * per_row <= CACHE_VALUES
    };
    requests.iter().take_while(fits).count().max(1)
}

/// A request's completions before any of their tokens.
fn nothing_yet(request: &Request) -> Vec<Completion> {
    vec![Completion::default(); request.samples]
}

/// A row that is still being written.
struct Row {
    request: usize,
    sample: usize,
    slot: usize,
    key: u32,
    completion: Completion,
}

async fn generate_batch(
    decoder: &Decoder,
    requests: &[Request],
    sampling: &Sampling,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<Completion>>, ModelError> {
    let copies = requests
        .iter()
        .map(|request| request.samples)
        .max()
        .unwrap_or(0);
    if copies == 0 || limits.max_completion_length == 0 {
        return Ok(requests.iter().map(nothing_yet).collect());
    }
    let lengths: Vec<usize> = requests
        .iter()
        .map(|request| request.prompt.len())
        .collect();
    let time = lengths.iter().copied().max().unwrap_or(0);
    let mut ids = vec![limits.pad; requests.len() * time];
    for (request, row) in requests.iter().zip(ids.chunks_exact_mut(time)) {
        row[..request.prompt.len()].copy_from_slice(&request.prompt);
    }
    let room = decoder.spec().max_position_embeddings;
    let capacity = (time + limits.max_completion_length).min(room);
    let (logits, mut cache) = decoder.prefill(&ids, &lengths, copies, capacity);
    let prompt_logits = read(logits).await?;
    let vocabulary = decoder.spec().vocab_size;

    let mut done: Vec<Vec<Completion>> = requests.iter().map(nothing_yet).collect();
    let mut active: Vec<Row> = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        active.extend((0..request.samples).map(|sample| Row {
            request: index,
            sample,
            slot: index * copies + sample,
            key: sampling.key(request.problem, sample),
            completion: Completion::default(),
        }));
    }
    // The first token of every row comes from its prompt's logits, the others from their own.
    let mut logits: Vec<f32> = Vec::new();
    let mut scratch = Vec::new();
    let mut first = true;
    let mut going_on = true;
    loop {
        for (index, row) in active.iter_mut().enumerate() {
            let logits = if first {
                &prompt_logits[row.request * vocabulary..(row.request + 1) * vocabulary]
            } else {
                &logits[index * vocabulary..(index + 1) * vocabulary]
            };
            let position = row.completion.tokens.len();
            let (token, logp) = sampling.choose(logits, row.key, position, &mut scratch);
            row.completion.tokens.push(token);
            row.completion.logps.push(logp);
            row.completion.finished = limits.stops.contains(&token);
            going_on = watch(Token {
                request: row.request,
                sample: row.sample,
                token,
                logp,
            });
            if !going_on {
                break;
            }
        }
        first = false;
        let written = |row: &Row| lengths[row.request] + row.completion.tokens.len();
        active.retain_mut(|row| {
            let full = row.completion.tokens.len() >= limits.max_completion_length
                || written(row) >= capacity;
            let ends = row.completion.finished || full || !going_on;
            if ends {
                done[row.request][row.sample] = std::mem::take(&mut row.completion);
            }
            !ends
        });
        if active.is_empty() {
            return Ok(done);
        }
        let last = |row: &Row| row.completion.tokens[row.completion.tokens.len() - 1];
        let tokens: Vec<u32> = active.iter().map(last).collect();
        let slots: Vec<usize> = active.iter().map(|row| row.slot).collect();
        let positions: Vec<usize> = active.iter().map(|row| written(row) - 1).collect();
        // In a browser a word to break off can only be heard where the loop gives way.
        crate::clock::breathe().await;
        logits = read(decoder.step(&tokens, &slots, &positions, &mut cache)).await?;
    }
}
