//! Sampling completions from a policy: prompts are read once per group, then all rows decode
//! together over a preallocated cache; finished rows leave.

mod sampling;

pub use sampling::Sampling;

use crate::model::{Decoder, ModelError, read};

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
#[derive(Clone, Debug, PartialEq)]
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

/// Values a cache may hold at a time (keys and values of all layers), before a batch is worked
/// off in parts: 1 GiB of float32.
const CACHE_VALUES: usize = 1 << 28;

/// Completes every request; the result has one list per request, in order.
///
/// A completion depends only on the weights, its prompt, `sampling` and (problem, sample index).
///
/// # Errors
/// If the device fails to give the logits.
pub async fn generate(
    decoder: &Decoder,
    requests: &[Request],
    sampling: &Sampling,
    limits: &Limits,
) -> Result<Vec<Vec<Completion>>, ModelError> {
    let spec = decoder.spec();
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
    let mut rest = requests;
    let mut all = Vec::with_capacity(requests.len());
    while !rest.is_empty() {
        let mut rows = 0;
        let fits = |request: &&Request| {
            rows += request.samples;
            rows * per_row <= CACHE_VALUES
        };
        let count = rest.iter().take_while(fits).count().max(1);
        all.extend(generate_batch(decoder, &rest[..count], sampling, limits).await?);
        rest = &rest[count..];
    }
    Ok(all)
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
) -> Result<Vec<Vec<Completion>>, ModelError> {
    let copies = requests
        .iter()
        .map(|request| request.samples)
        .max()
        .unwrap_or(0);
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

    let empty = Completion {
        tokens: Vec::new(),
        logps: Vec::new(),
        finished: false,
    };
    let mut done: Vec<Vec<Completion>> = requests
        .iter()
        .map(|request| vec![empty.clone(); request.samples])
        .collect();
    let mut active: Vec<Row> = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        active.extend((0..request.samples).map(|sample| Row {
            request: index,
            sample,
            slot: index * copies + sample,
            key: sampling.key(request.problem, sample),
            completion: empty.clone(),
        }));
    }
    // The first token of every row comes from its prompt's logits, the others from their own.
    let mut logits: Vec<f32> = Vec::new();
    let mut scratch = Vec::new();
    let mut first = true;
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
        }
        first = false;
        let written = |row: &Row| lengths[row.request] + row.completion.tokens.len();
        active.retain_mut(|row| {
            let full = row.completion.tokens.len() >= limits.max_completion_length
                || written(row) >= capacity;
            let ends = row.completion.finished || full;
            if ends {
                done[row.request][row.sample] =
                    std::mem::replace(&mut row.completion, empty.clone());
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
        logits = read(decoder.step(&tokens, &slots, &positions, &mut cache)).await?;
    }
}
