//! The sampling part of a GRPO step: ask, complete, grade, measure D.

use super::TrainError;
use super::event::{BatchItem, CompletionRecord, Event};
use super::session::{Session, Unit};
use super::steps::Begun;
use super::workers::PolicyRow;
use crate::balance::{self, Observation};
use crate::config::{Denominators, ZeroVariance};
use crate::curriculum::ProblemRef;
use crate::losses::{Advantages, advantages};
use crate::text::Example;

/// Graded completions of a GRPO step: whole groups, one after the other.
pub(super) struct Rollouts {
    /// All that count in the denominators, whether anything is learnt from them or not.
    pub rows: Vec<PolicyRow>,
}

/// Completions of one attempt, before advantages.
struct Graded {
    /// One per group.
    places: Vec<ProblemRef>,
    examples: Vec<Example>,
    logps: Vec<Vec<f32>>,
    records: Vec<CompletionRecord>,
}

impl Session {
    /// The sampling part of a GRPO step: ask, complete, grade, measure D.
    pub(super) async fn sample(&mut self, mut begun: Box<Begun>) -> Result<(), TrainError> {
        let started = self.clock.seconds();
        let step = self.step + 1;
        let config = self.config.grpo.clone();
        let mut graded = self.ask(step, 0, config.num_prompts).await?;
        let all = self.advantages(&graded.records);
        self.log_rollouts(&mut begun, &graded, &all);
        let rollouts = balance::Rollouts {
            reward: all.reward,
            reward_std: all.reward_std,
            frac_reward_zero_std: all.frac_reward_zero_std,
        };
        self.observe(
            Observation::Rollouts { step, rollouts },
            &mut begun.measured,
        )?;
        begun
            .timing
            .insert("rollout".into(), self.clock.seconds() - started);

        let mut reference = self.measure_divergence(&mut begun, step, &graded).await?;

        let mut kept = all;
        if config.zero_variance == ZeroVariance::Resample {
            let started = self.clock.seconds();
            let resampled;
            (graded, kept, resampled) = self.resample(step, graded, kept).await?;
            begun
                .metrics
                .insert("resampled_groups".into(), resampled as f64);
            if resampled > 0 {
                // Measured over completions that are no longer the step's.
                reference = None;
            }
            *begun.timing.entry("rollout".into()).or_default() += self.clock.seconds() - started;
        }
        self.log_completions(step, &graded, &kept);
        begun.batch.extend(self.groups(&graded, &kept));
        if config.beta != 0.0 && reference.is_none() {
            let started = self.clock.seconds();
            reference = self.reference(&graded).await?;
            *begun.timing.entry("logps".into()).or_default() += self.clock.seconds() - started;
        }
        let rows = self.policy_rows(graded, &kept, reference);
        self.unit = Some(Unit::Update(begun, Some(Rollouts { rows })));
        Ok(())
    }

    /// D over the rollouts of a step, where somebody needs it: the controller, the KL (which is measured
    /// over the same log-probabilities where both have one origin; they are returned then), or now and then
    /// whoever watches. What only the last asked for is not charged to the run.
    async fn measure_divergence(
        &mut self,
        begun: &mut Begun,
        step: u64,
        graded: &Graded,
    ) -> Result<Option<Vec<Vec<f32>>>, TrainError> {
        let shared = self.config.grpo.beta != 0.0 && self.kl_shares_origin();
        let decides = self.controller.uses().divergence;
        let every = self.config.logging.divergence_every;
        let grpo_steps = self.controller.signals().grpo_steps;
        let shown = every > 0 && grpo_steps.is_multiple_of(every);
        if !(decides || shared || shown) {
            return Ok(None);
        }
        let started = self.clock.seconds();
        let mut reference = None;
        if let Some((found, logps)) = self.divergence(&graded.examples, &graded.logps).await? {
            self.observe(found.observation(step, false), &mut begun.measured)?;
            reference = shared.then_some(logps);
        }
        let seconds = self.clock.seconds() - started;
        if decides || shared {
            begun.timing.insert("logps".into(), seconds);
        } else {
            begun.book_apart(seconds);
        }
        Ok(reference)
    }

    /// Asks `count` problems and grades their completions.
    async fn ask(&mut self, step: u64, attempt: u64, count: usize) -> Result<Graded, TrainError> {
        let places = self.curriculum.prompts(&self.prompts, step, attempt, count);
        let problems: Vec<_> = places.iter().map(|place| self.problem(place)).collect();
        let samples = self.config.grpo.num_generations;
        let mut requests = Vec::with_capacity(problems.len());
        for problem in &problems {
            requests.push(self.study.request(problem, samples)?);
        }
        let prompts: Vec<Vec<u32>> = requests
            .iter()
            .map(|request| request.prompt.clone())
            .collect();
        let sampling = self.sampling(step, attempt);
        let completions = self
            .workers
            .generate(&self.model, requests, &sampling, &self.study.limits)
            .await?;
        let mut graded = Graded {
            places,
            examples: Vec::new(),
            logps: Vec::new(),
            records: Vec::new(),
        };
        for ((problem, prompt), completions) in problems.iter().zip(prompts).zip(completions) {
            let mut right = 0;
            for (index, completion) in completions.into_iter().enumerate() {
                let mut record = self.study.judge(problem, index, &completion);
                record.step = step;
                record.source = "rollout".into();
                right += u64::from(record.correct);
                graded.records.push(record);
                let ids = [prompt.as_slice(), &completion.tokens].concat();
                self.num_tokens += ids.len() as u64;
                graded.examples.push(Example {
                    ids,
                    prompt: prompt.len(),
                });
                graded.logps.push(completion.logps);
            }
            self.curriculum
                .record_rollouts(problem.level, right, samples as u64);
        }
        Ok(graded)
    }

    fn advantages(&self, records: &[CompletionRecord]) -> Advantages {
        let config = &self.config.grpo;
        let names = records
            .first()
            .map(|record| record.parts.iter().map(|part| &part.0));
        let weight = |name: &String| config.reward_weights.get(name).copied().unwrap_or(1.0);
        let weights: Vec<f64> = names.into_iter().flatten().map(weight).collect();
        let rewards: Vec<Vec<Option<f64>>> = records
            .iter()
            .map(|record| {
                record
                    .parts
                    .iter()
                    .map(|part| Some(f64::from(part.1)))
                    .collect()
            })
            .collect();
        let (group, scale) = (config.num_generations, config.scale_rewards);
        advantages(
            &rewards,
            &weights,
            group,
            scale,
            config.multi_objective_aggregation,
        )
    }

    /// Replaces groups without variance by other problems' groups, at most `max_resample_times`;
    /// and how many were replaced.
    async fn resample(
        &mut self,
        step: u64,
        mut graded: Graded,
        mut all: Advantages,
    ) -> Result<(Graded, Advantages, usize), TrainError> {
        let group = self.config.grpo.num_generations;
        let mut resampled = 0;
        for attempt in 1..=self.config.grpo.max_resample_times as u64 {
            let dead: Vec<usize> = all
                .zero_variance
                .chunks(group)
                .enumerate()
                .filter(|(_, group)| group.first() == Some(&true))
                .map(|(index, _)| index)
                .collect();
            if dead.is_empty() {
                break;
            }
            resampled += dead.len();
            let mut fresh = self.ask(step, attempt, dead.len()).await?;
            for index in dead {
                let rows = index * group..(index + 1) * group;
                if fresh.records.len() < group {
                    break;
                }
                graded.places[index] = fresh.places.remove(0);
                graded
                    .examples
                    .splice(rows.clone(), fresh.examples.drain(..group));
                graded
                    .logps
                    .splice(rows.clone(), fresh.logps.drain(..group));
                graded.records.splice(rows, fresh.records.drain(..group));
            }
            all = self.advantages(&graded.records);
        }
        Ok((graded, all, resampled))
    }

    /// Whether GRPO's KL is measured from the same model as D.
    fn kl_shares_origin(&self) -> bool {
        let balance = &self.config.balance;
        balance
            .kl_origin
            .is_none_or(|origin| origin == balance.origin)
    }

    /// The groups as a step's record names them.
    fn groups(&self, graded: &Graded, all: &Advantages) -> Vec<BatchItem> {
        let group = self.config.grpo.num_generations;
        let rewards = all.rewards.chunks(group);
        let records = graded.records.chunks(group);
        let item =
            |((place, rewards), records): ((&ProblemRef, &[f64]), &[CompletionRecord])| BatchItem {
                level: place.level,
                index: place.index,
                variant: None,
                rewards: rewards.iter().map(|&reward| reward as f32).collect(),
                correct: records.iter().map(|record| record.correct).collect(),
            };
        let places = graded.places.iter();
        places.zip(rewards).zip(records).map(item).collect()
    }

    /// log π_ref of every completion token.
    async fn reference(&self, graded: &Graded) -> Result<Option<Vec<Vec<f32>>>, TrainError> {
        let balance = &self.config.balance;
        let origin = balance.kl_origin.unwrap_or(balance.origin);
        let Some(model) = self.origin(origin) else {
            return Ok(None);
        };
        let temperature = self.config.grpo.temperature;
        Ok(Some(
            self.workers
                .logps(&model, &graded.examples, temperature)
                .await?,
        ))
    }

    fn policy_rows(
        &self,
        graded: Graded,
        all: &Advantages,
        reference: Option<Vec<Vec<f32>>>,
    ) -> Vec<PolicyRow> {
        let config = &self.config.grpo;
        let mut reference = reference.map(Vec::into_iter);
        let mut rows = Vec::new();
        let sampled = graded
            .examples
            .into_iter()
            .zip(graded.logps)
            .zip(graded.records);
        for (index, ((example, logps), record)) in sampled.enumerate() {
            let ref_logps = reference.as_mut().and_then(Iterator::next);
            let skipped = all.zero_variance[index] && config.zero_variance != ZeroVariance::Keep;
            if skipped && config.denominators == Denominators::Live {
                continue;
            }
            rows.push(PolicyRow {
                example,
                advantage: all.values[index],
                // With one update per generation batch the policy is its own old policy.
                old_logps: (config.num_iterations > 1).then_some(logps),
                ref_logps,
                masked: config.mask_truncated_completions && !record.finished,
                skipped,
            });
        }
        rows
    }

    fn log_rollouts(&self, begun: &mut Begun, graded: &Graded, all: &Advantages) {
        let metrics = &mut begun.metrics;
        metrics.insert("reward".into(), all.reward);
        metrics.insert("reward_std".into(), all.reward_std);
        metrics.insert("frac_reward_zero_std".into(), all.frac_reward_zero_std);
        let records = &graded.records;
        let mean = |value: &dyn Fn(&CompletionRecord) -> f64| {
            records.iter().map(value).sum::<f64>() / records.len().max(1) as f64
        };
        metrics.insert(
            "accuracy".into(),
            mean(&|record| f64::from(u8::from(record.correct))),
        );
        for (index, (name, _)) in records
            .first()
            .iter()
            .flat_map(|r| r.parts.iter().enumerate())
        {
            let part = |record: &CompletionRecord| f64::from(record.parts[index].1);
            let average = mean(&part);
            let squares = mean(&|record| (part(record) - average).powi(2));
            let n = records.len() as f64;
            metrics.insert(format!("rewards/{name}/mean"), average);
            let std = (squares * n / (n - 1.0).max(1.0)).sqrt();
            metrics.insert(format!("rewards/{name}/std"), std);
        }
        let lengths = |terminated: bool| -> Vec<f64> {
            let counted = records
                .iter()
                .filter(|record| record.finished || !terminated);
            counted.map(|record| record.tokens as f64).collect()
        };
        for (kind, lengths) in [("", lengths(false)), ("terminated_", lengths(true))] {
            let n = lengths.len().max(1) as f64;
            let name = |what: &str| format!("completions/{what}_{kind}length");
            metrics.insert(name("mean"), lengths.iter().sum::<f64>() / n);
            metrics.insert(
                name("min"),
                lengths.iter().copied().reduce(f64::min).unwrap_or(0.0),
            );
            metrics.insert(
                name("max"),
                lengths.iter().copied().reduce(f64::max).unwrap_or(0.0),
            );
        }
        let clipped = mean(&|record| f64::from(u8::from(!record.finished)));
        metrics.insert("completions/clipped_ratio".into(), clipped);
    }

    /// Says the completions of the step: all of them, or at the steps in between some groups.
    fn log_completions(&mut self, step: u64, graded: &Graded, all: &Advantages) {
        let logging = &self.config.logging;
        let every = logging.completions_every;
        if every == 0 {
            return;
        }
        let group = self.config.grpo.num_generations;
        let groups: Vec<usize> = if self.controller.signals().grpo_steps.is_multiple_of(every) {
            (0..graded.places.len()).collect()
        } else {
            telling_groups(&all.zero_variance, group, logging.completions_groups)
        };
        let record = |index: usize| {
            let mut record = graded.records[index].clone();
            record.step = step;
            record.advantage = Some(all.values[index]);
            let example = &graded.examples[index];
            let tokens = &example.ids[example.prompt..];
            self.study
                .spell_out(&mut record, tokens, &graded.logps[index]);
            record
        };
        let rows = groups
            .into_iter()
            .flat_map(|place| place * group..(place + 1) * group);
        let records: Vec<CompletionRecord> = rows.map(record).collect();
        if !records.is_empty() {
            self.events.push(Event::Completions { records });
        }
    }
}

/// The first `count` groups whose rewards differ, filled up with the first of the others; in the
/// batch's order.
fn telling_groups(zero_variance: &[bool], group: usize, count: usize) -> Vec<usize> {
    let groups = zero_variance.chunks(group);
    let alike: Vec<bool> = groups.map(|rows| rows.iter().all(|&zero| zero)).collect();
    let mut chosen: Vec<usize> = (0..alike.len()).collect();
    chosen.sort_by_key(|&index| alike[index]);
    chosen.truncate(count);
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
#[path = "rollouts_tests.rs"]
mod tests;
