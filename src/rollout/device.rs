//! The same rollouts with everything between prompt and completion on a graphics card: tokens are
//! chosen where their logits are, and the host hears of them a few at a time.

use super::sampling::Sampling;
use super::{Completion, Limits, Request, Token, Watch, nothing_yet};
use crate::kernels::decoding::Choice;
use crate::model::{Batch, Decoder, DecoderSpec, Model, ModelError, RowState, Stepper};

/// Tokens of every row between two looks of the host. A look waits for the card and back (about a
/// millisecond natively, several in a browser), as long as a few steps of a small model; a row that
/// ends in between is carried along for up to seven steps more. Eight keeps both small.
const TOKENS_PER_LOOK: usize = 8;

/// Values one buffer may hold: the 128 MiB that every WebGPU device can bind.
const BUFFER_VALUES: usize = 1 << 25;

/// A row that is still being written.
struct Row {
    request: usize,
    sample: usize,
    state: RowState,
}

/// Whether [`generate`] serves this model.
pub(super) fn serves(model: &Model) -> bool {
    Stepper::serves(&model.spec, &model.device())
}

/// As [`super::generate_watched`], for prompts that fit.
pub(super) async fn generate(
    model: &Model,
    requests: &[Request],
    sampling: &Sampling,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<Vec<Vec<Completion>>, ModelError> {
    let mut all: Vec<Vec<Completion>> = requests.iter().map(nothing_yet).collect();
    if limits.max_completion_length == 0 {
        return Ok(all);
    }
    let decoder = model.decoder();
    let stepper = Stepper::new(&decoder, &limits.stops);
    let samples = |(index, request): (usize, &Request)| {
        (0..request.samples).map(move |sample| (index, sample))
    };
    let wanted: Vec<(usize, usize)> = requests.iter().enumerate().flat_map(samples).collect();
    let mut rest = wanted.as_slice();
    while !rest.is_empty() {
        let part;
        (part, rest) = rest.split_at(batch_size(&model.spec, requests, rest, limits));
        let mut job = Job {
            requests,
            sampling,
            limits,
            watch,
            all: &mut all,
        };
        if !job.run(&decoder, &stepper, part).await? {
            break;
        }
    }
    Ok(all)
}

/// How many of the rows (request and sample), one at least, are worked off together: as many as
/// the cache and every single buffer have room for.
fn batch_size(
    spec: &DecoderSpec,
    requests: &[Request],
    rows: &[(usize, usize)],
    limits: &Limits,
) -> usize {
    let key_width = spec.num_key_value_heads * spec.head_dim;
    let (mut longest, mut prompts, mut last) = (0, 0, None);
    let mut count = 0;
    for &(request, _) in rows {
        let prompt = requests[request].prompt.len();
        longest = longest.max(prompt);
        prompts += usize::from(last != Some(request));
        last = Some(request);
        let room = room(spec, longest, limits);
        let widest = (room * key_width)
            .max(spec.vocab_size)
            .max(spec.intermediate_size);
        let cache = 2 * room * key_width * spec.num_hidden_layers;
        let read = prompts * longest * spec.intermediate_size;
        let fits = (count + 1) * widest <= BUFFER_VALUES
            && (count + 1) * cache <= super::CACHE_VALUES
            && read <= BUFFER_VALUES;
        if !fits {
            break;
        }
        count += 1;
    }
    count.max(1)
}

/// Positions a slot has, for prompts of up to `longest` tokens.
fn room(spec: &DecoderSpec, longest: usize, limits: &Limits) -> usize {
    (longest.saturating_add(limits.max_completion_length)).min(spec.max_position_embeddings)
}

/// What a part of the rows is worked off with.
struct Job<'a, 'w> {
    requests: &'a [Request],
    sampling: &'a Sampling,
    limits: &'a Limits,
    watch: &'a mut Watch<'w>,
    all: &'a mut [Vec<Completion>],
}

impl Job<'_, '_> {
    /// Writes the completions of some rows; false if `watch` broke off.
    async fn run(
        &mut self,
        decoder: &Decoder,
        stepper: &Stepper,
        part: &[(usize, usize)],
    ) -> Result<bool, ModelError> {
        let (mut batch, mut rows) = self.open(decoder, stepper, part);
        let choice = self.sampling.choice();
        let mut token = 0;
        loop {
            let most = rows.iter().map(|row| row.state.limit).max().unwrap_or(0);
            let count = TOKENS_PER_LOOK.min(most - token);
            let sheet = batch.sheet(count);
            for place in 0..count {
                if token + place > 0 {
                    batch.step(token + place - 1);
                }
                batch.choose(token + place, place, &sheet, &choice);
            }
            token += count;
            let chosen = sheet.read().await?;
            if !self.hear(&rows, &chosen) {
                return Ok(false);
            }
            let active: Vec<usize> = (0..rows.len())
                .filter(|&at| self.goes_on(&rows[at]))
                .collect();
            if active.is_empty() {
                return Ok(true);
            }
            // Rows that ended cost as much as others in all but attention; putting the others
            // together costs two small uploads. Both stay small when a quarter has to be gone.
            if 4 * active.len() <= 3 * rows.len() {
                let mut place = 0;
                rows.retain(|_| {
                    place += 1;
                    active.binary_search(&(place - 1)).is_ok()
                });
                let states: Vec<RowState> = rows.iter().map(|row| row.state).collect();
                batch.keep(&active, &states);
            }
        }
    }

    /// Reads the prompts of some rows, each once.
    fn open<'s>(
        &self,
        decoder: &Decoder,
        stepper: &'s Stepper,
        part: &[(usize, usize)],
    ) -> (Batch<'s>, Vec<Row>) {
        let mut asked: Vec<usize> = part.iter().map(|&(request, _)| request).collect();
        asked.dedup();
        let prompts: Vec<&[u32]> = asked
            .iter()
            .map(|&request| self.requests[request].prompt.as_slice())
            .collect();
        let lengths: Vec<usize> = prompts.iter().map(|prompt| prompt.len()).collect();
        let time = lengths.iter().copied().max().unwrap_or(0);
        let mut ids = vec![self.limits.pad; prompts.len() * time];
        for (prompt, row) in prompts.iter().zip(ids.chunks_exact_mut(time)) {
            row[..prompt.len()].copy_from_slice(prompt);
        }
        let room = room(decoder.spec(), time, self.limits);
        let mut continues = Vec::with_capacity(part.len());
        let mut rows = Vec::with_capacity(part.len());
        for (slot, &(request, sample)) in part.iter().enumerate() {
            let prompt = asked.partition_point(|&asked| asked < request);
            continues.push(prompt);
            let length = lengths[prompt];
            let state = RowState {
                slot,
                prompt: length,
                limit: self.limits.max_completion_length.min(room - length),
                key: self.sampling.key(self.requests[request].problem, sample),
            };
            rows.push(Row {
                request,
                sample,
                state,
            });
        }
        let states: Vec<RowState> = rows.iter().map(|row| row.state).collect();
        let batch = stepper.read(decoder, &ids, &lengths, &continues, &states, room);
        (batch, rows)
    }

    /// Takes down what was chosen, all rows' first tokens first; false if `watch` broke off.
    fn hear(&mut self, rows: &[Row], chosen: &[(u32, f32)]) -> bool {
        for tokens in chosen.chunks_exact(rows.len()) {
            for (row, &(token, logp)) in rows.iter().zip(tokens) {
                if !self.goes_on(row) {
                    continue;
                }
                let completion = &mut self.all[row.request][row.sample];
                completion.tokens.push(token);
                completion.logps.push(logp);
                completion.finished = self.limits.stops.contains(&token);
                let going_on = (self.watch)(Token {
                    request: row.request,
                    sample: row.sample,
                    token,
                    logp,
                });
                if !going_on {
                    return false;
                }
            }
        }
        true
    }

    /// Whether a row's completion has not ended.
    fn goes_on(&self, row: &Row) -> bool {
        let completion = &self.all[row.request][row.sample];
        !completion.finished && completion.tokens.len() < row.state.limit
    }
}

impl Sampling {
    /// The same in a kernel's numbers.
    fn choice(&self) -> Choice {
        let greedy = self.temperature == 0.0;
        Choice {
            inverse: self.inverse(),
            greedy,
            top_k: self.top_k,
            top_p: self.top_p as f32,
            min_p: if self.min_p > 0.0 {
                (self.min_p as f32).ln()
            } else {
                f32::NEG_INFINITY
            },
        }
    }
}

#[cfg(test)]
mod tests;
