//! What shards compute: gradients of the two losses, log-probabilities, completions.

use burn::tensor::{Device, Tensor, Transaction};

use super::TrainError;
use super::shards::Shards;
use crate::config::GrpoConfig;
use crate::kernels::{PolicyTokens, sft_loss, squares, sum_of_squares, takes_lists};
use crate::losses::{PolicyMetrics, policy_loss, row_weights};
use crate::model::{Decoder, Model, ModelError, read, read_all};
use crate::rollout::{Completion, Limits, Request, Sampling, generate};
use crate::text::{Batch, Example, deal};

/// The gradient of a step's loss, summed over shards.
pub struct Gradient {
    /// One flat tensor per parameter, in the parameters' order.
    pub tensors: Vec<Tensor<1>>,
    /// Global L2 norm in float32 sums, before any clipping.
    pub norm: f64,
    pub loss: f64,
    /// Tokens that went through the model, prompts included, padding not.
    pub tokens: u64,
}

/// A completion of a generation batch.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// Prompt and completion.
    pub example: Example,
    pub advantage: f32,
    /// log π_old per completion token; `None` where the policy is its own.
    pub old_logps: Option<Vec<f32>>,
    /// log π_ref per completion token, where β ≠ 0.
    pub ref_logps: Option<Vec<f32>>,
    /// Left out of the loss (a truncated completion, where those are masked): it counts as a row
    /// without tokens.
    pub masked: bool,
    /// Adds nothing to the loss (a completion of a group without variance), and still counts in the
    /// denominators with all its tokens.
    pub skipped: bool,
}

impl PolicyRow {
    /// Whether anything is learnt from it.
    pub fn is_learnt(&self) -> bool {
        !self.masked && !self.skipped
    }

    /// Tokens that count in the denominators.
    fn completion(&self) -> usize {
        if self.masked {
            0
        } else {
            self.example.ids.len() - self.example.prompt
        }
    }
}

/// A row with its weights in the loss and in the entropy bonus.
type WeightedRow = (PolicyRow, [f32; 2]);

/// Runs a model's work in shards.
pub struct Workers {
    shards: Shards,
    device: Device,
    /// Fills rows of one batch to one length.
    pad: u32,
}

/// One shard's part of a gradient.
struct Part {
    tensors: Vec<Tensor<1>>,
    /// Of each micro-batch, still on the device; the loss is the sum of the first columns.
    losses: Vec<Tensor<2>>,
}

impl Workers {
    pub fn new(shards: Shards, device: Device, pad: u32) -> Self {
        Self {
            shards,
            device,
            pad,
        }
    }

    /// How many shards there are.
    pub fn shards(&self) -> &Shards {
        &self.shards
    }

    /// The gradient of −Σ log π / tokens over the completions of `examples`, worked off in
    /// `micro_batches` parts per shard.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn sft(
        &self,
        model: &Model,
        examples: Vec<Example>,
        micro_batches: usize,
    ) -> Result<Gradient, TrainError> {
        let tokens = examples
            .iter()
            .map(|example| example.ids.len() as u64)
            .sum();
        let targets: usize = examples
            .iter()
            .map(|example| example.ids.len() - example.prompt)
            .sum();
        let weight = 1.0 / targets.max(1) as f32;
        let jobs = deal(examples, self.shards.count(), |example| example.ids.len());
        let work = async |examples: Vec<Example>| {
            let mut part: Option<Part> = None;
            for examples in chunks(&examples, micro_batches) {
                let batch = Batch::new(examples, self.pad);
                let decoder = model.tracked();
                let hidden = decoder.hidden(&batch.ids, batch.rows, batch.width);
                let scored = decoder.token_logprobs(hidden, &batch.positions, &batch.targets, 1.0);
                let next = Part::of(&decoder, sft_loss(scored, weight));
                part = Some(Part::add(part, next));
            }
            part
        };
        let parts = self.shards.run(jobs, work).await;
        Ok(self.sum(model, parts, tokens).await?.0)
    }

    /// The gradient of the policy loss over `rows`, the whole generation batch, split into
    /// `gradient_accumulation_steps` micro-batches as TRL does; and its metrics, which are those of the
    /// rows that are learnt from. Zeros where nothing is.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn policy(
        &self,
        model: &Model,
        rows: Vec<PolicyRow>,
        config: &GrpoConfig,
    ) -> Result<(Gradient, PolicyMetrics), TrainError> {
        let learnt = rows.iter().filter(|row| row.is_learnt());
        let tokens = learnt.map(|row| row.example.ids.len() as u64).sum();
        let lengths: Vec<usize> = rows.iter().map(PolicyRow::completion).collect();
        let accumulation = config.gradient_accumulation_steps.max(1);
        let size = rows.len().div_ceil(accumulation).max(1);
        let micro: Vec<Vec<usize>> = lengths.chunks(size).map(<[usize]>::to_vec).collect();
        let items = lengths.iter().sum::<usize>() as f64;
        let budget = config.max_completion_length;
        let weights = row_weights(config.loss_type, &micro, items, budget);
        let weighted: Vec<WeightedRow> = rows
            .into_iter()
            .zip(weights.into_iter().flatten())
            .collect();
        // A job is the rows of one shard, micro-batch by micro-batch.
        let mut jobs: Vec<Vec<Vec<WeightedRow>>> = Vec::new();
        jobs.resize_with(self.shards.count(), Vec::new);
        for micro in weighted.chunks(size) {
            let kept: Vec<_> = micro
                .iter()
                .filter(|(row, _)| row.is_learnt())
                .cloned()
                .collect();
            let dealt = deal(kept, self.shards.count(), |(row, _)| row.example.ids.len());
            for (job, rows) in jobs.iter_mut().zip(dealt) {
                if !rows.is_empty() {
                    job.push(rows);
                }
            }
        }
        let work = async |micro_batches: Vec<Vec<WeightedRow>>| {
            let mut part: Option<Part> = None;
            for rows in &micro_batches {
                part = Some(Part::add(part, self.policy_part(model, rows, config)));
            }
            (part, micro_batches)
        };
        let done = self.shards.run(jobs, work).await;
        let (parts, micro_batches): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        let (gradient, values) = self.sum(model, parts, tokens).await?;
        let mut metrics = PolicyMetrics::default();
        for (rows, values) in micro_batches.iter().flatten().zip(values) {
            let lengths: Vec<usize> = rows.iter().map(|(row, _)| row.completion()).collect();
            let advantages: Vec<f32> = rows.iter().map(|(row, _)| row.advantage).collect();
            metrics.add(&values, &lengths, &advantages, config);
        }
        Ok((gradient, metrics))
    }

    fn policy_part(&self, model: &Model, rows: &[WeightedRow], config: &GrpoConfig) -> Part {
        let batch = Batch::new(rows.iter().map(|(row, _)| &row.example), self.pad);
        let by_token = |value: &dyn Fn(&WeightedRow) -> f32| -> Vec<f32> {
            let repeated = |row: &WeightedRow| std::iter::repeat_n(value(row), row.0.completion());
            rows.iter().flat_map(repeated).collect()
        };
        let joined = |values: &dyn Fn(&PolicyRow) -> Option<&Vec<f32>>| {
            let all: Option<Vec<&Vec<f32>>> = rows.iter().map(|(row, _)| values(row)).collect();
            Some(all?.into_iter().flatten().copied().collect())
        };
        let tokens = PolicyTokens {
            old_logps: joined(&|row| row.old_logps.as_ref()),
            ref_logps: if config.beta == 0.0 {
                None
            } else {
                joined(&|row| row.ref_logps.as_ref())
            },
            advantages: by_token(&|(row, _)| row.advantage),
            weights: by_token(&|(_, weights)| weights[0]),
            entropy_weights: by_token(&|(_, weights)| weights[1]),
            lengths: batch.lengths.clone(),
        };
        let decoder = model.tracked();
        let hidden = decoder.hidden(&batch.ids, batch.rows, batch.width);
        let scored =
            decoder.token_logprobs(hidden, &batch.positions, &batch.targets, config.temperature);
        Part::of(&decoder, policy_loss(scored, &tokens, config))
    }

    /// log π of every completion token at a temperature, row by row, in the rows' order.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn logps(
        &self,
        model: &Model,
        examples: &[Example],
        temperature: f64,
    ) -> Result<Vec<Vec<f32>>, TrainError> {
        let numbered: Vec<(usize, &Example)> = examples.iter().enumerate().collect();
        let jobs = deal(numbered, self.shards.count(), |(_, example)| {
            example.ids.len()
        });
        let pad = self.pad;
        let work = async |rows: Vec<(usize, &Example)>| {
            let decoder = model.decoder();
            let mut all = Vec::with_capacity(rows.len());
            for rows in rows.chunks(ROWS_AT_A_TIME) {
                let batch = Batch::new(rows.iter().map(|(_, example)| *example), pad);
                let hidden = decoder.hidden(&batch.ids, batch.rows, batch.width);
                let scored =
                    decoder.token_logprobs(hidden, &batch.positions, &batch.targets, temperature);
                let values = read(scored).await?;
                let mut logps = values.chunks_exact(2).map(|pair| pair[0]);
                for (&(index, _), &length) in rows.iter().zip(&batch.lengths) {
                    all.push((index, logps.by_ref().take(length).collect()));
                }
            }
            Ok::<Vec<(usize, Vec<f32>)>, ModelError>(all)
        };
        let mut logps = vec![Vec::new(); examples.len()];
        for part in self.shards.run(jobs, work).await {
            for (index, values) in part? {
                logps[index] = values;
            }
        }
        Ok(logps)
    }

    /// Completes every request, in order; see [`generate`].
    ///
    /// # Errors
    /// If a prompt does not fit into the model, or the device fails.
    pub async fn generate(
        &self,
        model: &Model,
        requests: Vec<Request>,
        sampling: &Sampling,
        limits: &Limits,
    ) -> Result<Vec<Vec<Completion>>, TrainError> {
        let count = requests.len();
        let numbered: Vec<(usize, Request)> = requests.into_iter().enumerate().collect();
        // A completion does not depend on the others, so only as many parts as run side by side: on a
        // graphics card all rows then share every launch.
        let jobs = deal(numbered, self.shards.at_once(), |(_, request)| {
            request.prompt.len()
        });
        let work = async |numbered: Vec<(usize, Request)>| {
            let (indices, requests): (Vec<usize>, Vec<Request>) = numbered.into_iter().unzip();
            let completions = generate(model, &requests, sampling, limits).await?;
            Ok::<_, ModelError>((indices, completions))
        };
        let mut all = vec![Vec::new(); count];
        for part in self.shards.run(jobs, work).await {
            let (indices, completions) = part?;
            for (index, completions) in indices.into_iter().zip(completions) {
                all[index] = completions;
            }
        }
        Ok(all)
    }

    /// Adds the shards' parts in their order and measures the norm; zeros where there are none. Beside
    /// the gradient: the values of each micro-batch's loss, row after row. All is read at once, so that
    /// a card is waited for once.
    async fn sum(
        &self,
        model: &Model,
        parts: Vec<Option<Part>>,
        tokens: u64,
    ) -> Result<(Gradient, Vec<Vec<f32>>), TrainError> {
        let mut losses: Vec<Tensor<2>> = Vec::new();
        let mut columns: Vec<Vec<Tensor<1>>> = Vec::new();
        columns.resize_with(model.parameters.entries.len(), Vec::new);
        for part in parts.into_iter().flatten() {
            losses.extend(part.losses);
            for (column, tensor) in columns.iter_mut().zip(part.tensors) {
                column.push(tensor);
            }
        }
        let zeros = model.parameters.entries.iter().map(|entry| &entry.tensor);
        let jobs: Vec<(Vec<Tensor<1>>, &Tensor<1>)> = columns.into_iter().zip(zeros).collect();
        let whole = takes_lists(&self.device);
        let add = async |(column, like): (Vec<Tensor<1>>, &Tensor<1>)| {
            let total = column.into_iter().reduce(|total, part| total + part);
            let total = total.unwrap_or_else(|| like.zeros_like());
            let square = (!whole).then(|| sum_of_squares(total.clone()));
            (square, total)
        };
        let (each, tensors): (Vec<_>, Vec<_>) =
            self.shards.run(jobs, add).await.into_iter().unzip();
        let squares = if whole {
            squares(&tensors)
        } else {
            Tensor::cat(each.into_iter().flatten().collect(), 0)
        };
        let columns = losses.iter().map(|loss| loss.dims()[1]);
        let columns: Vec<usize> = columns.collect();
        let mut all = Transaction::default().register(squares);
        for loss in losses {
            all = all.register(loss);
        }
        let mut all = read_all(all).await?.into_iter();
        let norm = root_of_sum(all.next().unwrap_or_default());
        let values: Vec<Vec<f32>> = all.collect();
        let first = |(values, &columns): (&Vec<f32>, &usize)| -> f64 {
            values.iter().step_by(columns).copied().map(f64::from).sum()
        };
        let gradient = Gradient {
            tensors,
            norm,
            loss: values.iter().zip(&columns).map(first).sum(),
            tokens,
        };
        Ok((gradient, values))
    }
}

/// Rows scored at a time where nothing is differentiated.
const ROWS_AT_A_TIME: usize = 64;

impl Part {
    /// The gradient of a micro-batch's loss.
    fn of(decoder: &Decoder, loss: Tensor<2>) -> Self {
        let mut grads = loss.backward();
        Self {
            tensors: decoder.gradients(&mut grads),
            losses: vec![loss.inner()],
        }
    }

    fn add(total: Option<Self>, part: Self) -> Self {
        let Some(mut total) = total else {
            return part;
        };
        let tensors = total.tensors.into_iter().zip(part.tensors);
        total.tensors = tensors.map(|(a, b)| a + b).collect();
        total.losses.extend(part.losses);
        total
    }
}

/// `items` in `parts` runs of about equal length.
fn chunks<T>(items: &[T], parts: usize) -> impl Iterator<Item = &[T]> {
    items.chunks(items.len().div_ceil(parts.max(1)).max(1))
}

/// The L2 norm of all tensors together.
///
/// # Errors
/// If the device fails.
pub async fn global_norm(tensors: &[Tensor<1>]) -> Result<f64, ModelError> {
    Ok(root_of_sum(read(squares(tensors)).await?))
}

fn root_of_sum(squares: Vec<f32>) -> f64 {
    squares.into_iter().map(f64::from).sum::<f64>().sqrt()
}
