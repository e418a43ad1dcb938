//! Before the first step on a graphics card: its programs.
//!
//! A card compiles a program when it is first launched, which slow drivers take seconds for. So a
//! session begins with small pieces of the work that it will do, and says after each how far it is.
//! They are computed from demonstrations of a probe's stream over copies of the weights and thrown
//! away: no weight, no draw and no count of the run knows of them.

use std::collections::VecDeque;

use super::TrainError;
use super::event::{CARD_PROGRAMS, Event, Phase};
use super::optimizer::AdamW;
use super::session::{Session, Unit};
use super::steps::mix;
use super::workers::PolicyRow;
use crate::balance::LossTerm;
use crate::config::{Method, Mode};
use crate::kernels::Preparing;
use crate::model::read;
use crate::rollout::{Limits, Request};
use crate::text::Example;

/// Completion tokens from which a larger batch takes no other programs.
const TOKENS: usize = 2048;

/// Completion tokens of the smallest batch.
const FEWEST: usize = 8;

/// Numbers of a batch's states from which a larger one takes no other programs of burn's, which adds
/// up gradients that meet.
const STATES: usize = 4096;

/// Tokens that are sampled: one from the prompt, others from a step each.
const SAMPLED: usize = 3;

/// Rows that are sampled together.
const ROWS: usize = 64;

/// A piece of the run's work that takes programs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    /// The forward pass.
    Forward,
    /// A gradient of `rows` demonstrations, some more or fewer: `share` of their tokens.
    Sft {
        rows: usize,
        micro_batches: usize,
        share: f64,
    },
    Update,
    Decoding,
    /// A gradient of a GRPO step whose micro-batches have about so many completion tokens.
    Policy {
        tokens: usize,
    },
}

/// What is left to prepare.
pub(super) struct Preparation {
    pieces: VecDeque<Piece>,
    total: u64,
    examples: Vec<Example>,
}

impl Session {
    /// Whether there are programs to compile; the first of them come with the next unit.
    pub(super) fn begin_preparing(&mut self) -> bool {
        if crate::devices::is_cpu(&self.device) {
            return false;
        }
        let pieces = self.pieces();
        let rows = |piece: &Piece| match piece {
            Piece::Sft { rows, .. } => *rows,
            _ => 1,
        };
        let rows = pieces.iter().map(rows).max().unwrap_or(1);
        let next = self.step + 1;
        let places = self
            .curriculum
            .probe_demonstrations(&self.demonstrations, next, rows);
        // Whether any fits is told where they are needed.
        let Ok((mut examples, _)) = self.examples(&places, next, self.config.task.orders) else {
            return false;
        };
        examples.retain(|example| completion(example) > 0 && example.prompt > 0);
        if examples.is_empty() {
            return false;
        }
        let preparation = Preparation {
            total: pieces.len() as u64,
            pieces,
            examples,
        };
        self.events.push(preparation.progress());
        self.unit = Some(Unit::Prepare(Box::new(preparation)));
        true
    }

    /// What this run will do.
    fn pieces(&self) -> VecDeque<Piece> {
        let config = &self.config;
        let (base, sft) = (self.phase == Phase::Base, &config.sft);
        if !base && self.step >= config.max_steps {
            // An exam or the test is all that is left.
            return [Piece::Decoding].into();
        }
        let mut pieces = VecDeque::from([Piece::Forward]);
        let mut batches = Vec::new();
        if base {
            batches.push((config.base.batch_size, 1));
        }
        batches.push((sft.batch_size, sft.gradient_accumulation_steps.max(1)));
        batches.dedup();
        // burn's programs for small batches differ by their order of magnitude: both sides of the middle.
        for (rows, micro_batches) in batches {
            pieces.extend([0.75, 1.33].map(|share| Piece::Sft {
                rows,
                micro_batches,
                share,
            }));
        }
        pieces.extend([Piece::Update, Piece::Decoding]);
        if config.balance.method != Method::Sft {
            // Of a step there may be one short group left to learn from, or all at full length.
            let grpo = &config.grpo;
            let most = grpo.num_prompts * grpo.num_generations * grpo.max_completion_length;
            let most = most / grpo.gradient_accumulation_steps.max(1);
            let most = most.clamp(1, TOKENS);
            let doubled = |tokens: &usize| Some(2 * tokens);
            let width = self.model.spec.hidden_size;
            let small = |&n: &usize| n < most && n * width < STATES;
            let sizes = std::iter::successors(Some(FEWEST), doubled).take_while(small);
            let policy = |tokens| Piece::Policy { tokens };
            pieces.extend(sizes.chain([most]).map(policy));
        }
        pieces
    }

    /// Does the next piece.
    pub(super) async fn prepare(
        &mut self,
        mut preparation: Box<Preparation>,
    ) -> Result<(), TrainError> {
        if let Some(piece) = preparation.pieces.pop_front() {
            let _both_sizes = Preparing::begin();
            self.do_piece(piece, &preparation.examples).await?;
            self.events.push(preparation.progress());
        }
        if preparation.pieces.is_empty() {
            crate::devices::tidy(&self.device);
        } else {
            self.unit = Some(Unit::Prepare(preparation));
        }
        Ok(())
    }

    async fn do_piece(&self, piece: Piece, examples: &[Example]) -> Result<(), TrainError> {
        let (workers, model) = (&self.workers, &self.model);
        match piece {
            Piece::Forward => {
                let temperature = self.config.grpo.temperature;
                workers.logps(model, &examples[..1], temperature).await?;
            }
            Piece::Sft {
                rows,
                micro_batches,
                share,
            } => {
                let tokens: usize = examples.iter().take(rows).map(completion).sum();
                let tokens = (tokens as f64 * share) as usize;
                let tokens = tokens.min(micro_batches * TOKENS);
                let examples = about(examples, tokens, rows);
                workers.sft(model, examples, micro_batches).await?;
            }
            Piece::Update => self.update_copies(examples).await?,
            Piece::Decoding => self.decode_some(examples).await?,
            Piece::Policy { tokens } => {
                let config = &self.config.grpo;
                let room = self.model.spec.max_position_embeddings;
                let long = |example: &Example| {
                    let prompt = &example.ids[..example.prompt];
                    let most = room.saturating_sub(prompt.len()).max(1);
                    let length = config.max_completion_length.clamp(1, most);
                    let tokens = example.ids.iter().cycle().take(length);
                    Example {
                        ids: prompt.iter().chain(tokens).copied().collect(),
                        prompt: prompt.len(),
                    }
                };
                let longest: Vec<Example> = examples.iter().map(long).collect();
                let tokens = tokens * config.gradient_accumulation_steps.max(1);
                let most = config.num_prompts * config.num_generations;
                let rows = about(&longest, tokens, most).into_iter().enumerate();
                let rows = rows.map(|(index, example)| self.policy_row(index, example));
                workers.policy(model, rows.collect(), config).await?;
            }
        }
        Ok(())
    }

    /// A row as GRPO steps of this configuration have them.
    fn policy_row(&self, index: usize, example: Example) -> PolicyRow {
        let config = &self.config.grpo;
        let logps = vec![-1.0; completion(&example)];
        PolicyRow {
            example,
            advantage: if index.is_multiple_of(2) { 1.0 } else { -1.0 },
            old_logps: (config.num_iterations > 1).then(|| logps.clone()),
            ref_logps: (config.beta != 0.0).then_some(logps),
            masked: false,
            skipped: false,
        }
    }

    /// An update of copies of the weights.
    async fn update_copies(&self, examples: &[Example]) -> Result<(), TrainError> {
        let gradient = async || {
            let examples = examples[..1].to_vec();
            self.workers.sft(&self.model, examples, 1).await
        };
        let mut gradient_of_step = gradient().await?;
        if self.config.balance.mode == Mode::Blend {
            let both = vec![
                (LossTerm::Sft, 0.5, gradient_of_step),
                (LossTerm::Grpo, 0.5, gradient().await?),
            ];
            gradient_of_step = mix(both).await?;
        }
        let mut weights = self.model.parameters.clone();
        let (config, shards) = (&self.config.optimizer, self.workers.shards());
        AdamW::new(&weights)
            .step(&mut weights, gradient_of_step, 0.0, config, shards)
            .await;
        // Nothing else waits until it is done.
        if let Some(last) = weights.entries.pop() {
            read(last.tensor).await?;
        }
        Ok(())
    }

    /// The first tokens of a few completions.
    async fn decode_some(&self, examples: &[Example]) -> Result<(), TrainError> {
        let config = &self.config.grpo;
        let samples = config.num_generations.clamp(1, ROWS);
        let prompts = (ROWS / samples).clamp(1, config.num_prompts.max(1));
        let request = |(index, example): (usize, &Example)| Request {
            problem: index as u64,
            prompt: example.ids[..example.prompt].to_vec(),
            samples,
        };
        let requests = examples.iter().take(prompts).enumerate().map(request);
        let limits = &self.study.limits;
        let limits = Limits {
            max_completion_length: limits.max_completion_length.min(SAMPLED),
            ..limits.clone()
        };
        let sampling = self.sampling(self.step + 1, 0);
        self.workers
            .generate(&self.model, requests.collect(), &sampling, &limits)
            .await?;
        Ok(())
    }
}

impl Preparation {
    fn progress(&self) -> Event {
        Event::Progress {
            what: CARD_PROGRAMS.into(),
            done: self.total - self.pieces.len() as u64,
            total: self.total,
        }
    }
}

/// Tokens of a completion.
fn completion(example: &Example) -> usize {
    example.ids.len() - example.prompt
}

/// Examples, one after the other and again, until their completions have `tokens` tokens; one at
/// least. Of the last one a part of the completion counts as prompt. No more than `rows`, so that a
/// card needs no more memory than for the run itself: what is missing then is taken from the prompts.
fn about(examples: &[Example], tokens: usize, rows: usize) -> Vec<Example> {
    let mut left = tokens.max(1);
    let mut all = Vec::new();
    for example in examples.iter().cycle().take(rows.max(1)) {
        if left == 0 {
            break;
        }
        let mut example = example.clone();
        let taken = completion(&example).min(left);
        example.prompt = example.ids.len() - taken;
        left -= taken;
        all.push(example);
    }
    for example in &mut all {
        // A completion begins after one token at least.
        let more = left.min(example.prompt.saturating_sub(1));
        example.prompt -= more;
        left -= more;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_tokens_as_asked_for() {
        let example = |ids: usize, prompt| Example {
            ids: vec![1; ids],
            prompt,
        };
        let examples = [example(5, 2), example(9, 5)];
        let lengths = |tokens, rows| -> Vec<usize> {
            let found = about(&examples, tokens, rows);
            assert!(found.iter().all(|e| e.ids.len() == 5 || e.ids.len() == 9));
            found.iter().map(completion).collect()
        };
        assert_eq!(lengths(0, 9), [1]);
        assert_eq!(lengths(3, 9), [3]);
        assert_eq!(lengths(7, 9), [3, 4]);
        assert_eq!(lengths(12, 9), [3, 4, 3, 2]);
        // Never more rows than the run has: the prompts give what is missing, but for one token each.
        assert_eq!(lengths(9, 2), [4, 5]);
        assert_eq!(lengths(100, 2), [4, 8]);
    }
}
