//! AdamW over all parameters, clipping by the global norm, and the learning rate's shape.

use burn::tensor::Tensor;

use super::shards::Shards;
use super::workers::Gradient;
use crate::config::{LrSchedulerType, OptimizerConfig};
use crate::kernels::{AdamWStep, adamw, adamw_all, takes_lists};
use crate::model::Parameters;

/// Moments and the number of updates.
#[derive(Clone, Debug)]
pub struct AdamW {
    pub moment1: Parameters,
    pub moment2: Parameters,
    /// Updates so far.
    pub time: u64,
}

impl AdamW {
    /// Fresh moments for `parameters`.
    pub fn new(parameters: &Parameters) -> Self {
        let zeros = parameters.zeros_like();
        Self {
            moment1: zeros.clone(),
            moment2: zeros,
            time: 0,
        }
    }

    /// One update of `parameters` along `gradient`, clipped to `max_grad_norm`. Weight decay is for
    /// matrices only.
    pub async fn step(
        &mut self,
        parameters: &mut Parameters,
        gradient: Gradient,
        learning_rate: f64,
        config: &OptimizerConfig,
        shards: &Shards,
    ) {
        self.time += 1;
        let step = AdamWStep {
            learning_rate,
            beta1: config.beta1,
            beta2: config.beta2,
            epsilon: config.epsilon,
            weight_decay: 0.0,
            time: self.time,
            grad_scale: clip_scale(gradient.norm, config.max_grad_norm),
        };
        let Some(device) = gradient.tensors.first().map(Tensor::device) else {
            return;
        };
        let whole = takes_lists(&device);
        // One tensor stands in for all that are taken out below.
        let empty = Tensor::zeros([1], &device);
        let mut jobs: Vec<([Tensor<1>; 4], AdamWStep)> = Vec::new();
        for (index, grad) in gradient.tensors.into_iter().enumerate() {
            // Taken out rather than shared, so that the update can work in place.
            let matrix = parameters.entries[index].shape.len() > 1;
            let take = |list: &mut Parameters| {
                let slot = &mut list.entries[index].tensor;
                std::mem::replace(slot, empty.clone())
            };
            let tensors = [
                take(parameters),
                grad,
                take(&mut self.moment1),
                take(&mut self.moment2),
            ];
            let weight_decay = if matrix { config.weight_decay } else { 0.0 };
            jobs.push((
                tensors,
                AdamWStep {
                    weight_decay,
                    ..step
                },
            ));
        }
        let work = async |(tensors, step): ([Tensor<1>; 4], AdamWStep)| adamw(tensors, &step);
        let updated = if whole {
            adamw_all(jobs)
        } else {
            shards.run(jobs, work).await
        };
        for (index, [parameter, moment1, moment2]) in updated.into_iter().enumerate() {
            parameters.entries[index].tensor = parameter;
            self.moment1.entries[index].tensor = moment1;
            self.moment2.entries[index].tensor = moment2;
        }
    }
}

/// What gradients are multiplied by so that their global norm is at most `max_norm` (PyTorch's
/// `clip_grad_norm_`); 0 means no clipping.
fn clip_scale(norm: f64, max_norm: f64) -> f64 {
    if max_norm == 0.0 {
        1.0
    } else {
        (max_norm / (norm + 1e-6)).min(1.0)
    }
}

/// The factor on the learning rate at `step` (from 1) of a schedule over `horizon` steps: Hugging
/// Face's `get_linear_schedule_with_warmup` and its relatives, whose counter stands at `step` − 1 when
/// step `step` is taken, with `min_lr_ratio` as the lower end. After the horizon the last factor holds.
///
/// One thing differs: their first step of a warm-up has rate 0. Here it has half of the second's, so that
/// no step is taken in vain.
pub fn schedule(config: &OptimizerConfig, step: u64, horizon: u64) -> f64 {
    let counter = step.min(horizon).saturating_sub(1);
    if counter < config.warmup_steps {
        return (counter as f64).max(0.5) / config.warmup_steps as f64;
    }
    let rest = horizon.saturating_sub(config.warmup_steps).max(1);
    let done = (counter - config.warmup_steps) as f64 / rest as f64;
    let shape = match config.lr_scheduler_type {
        LrSchedulerType::Constant => return 1.0,
        LrSchedulerType::Linear => 1.0 - done,
        LrSchedulerType::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
    };
    config.min_lr_ratio + (1.0 - config.min_lr_ratio) * shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: LrSchedulerType) -> OptimizerConfig {
        OptimizerConfig {
            lr_scheduler_type: kind,
            warmup_steps: 10,
            min_lr_ratio: 0.1,
            ..OptimizerConfig::default()
        }
    }

    #[test]
    fn schedules_are_those_of_hugging_face_and_no_step_has_rate_zero() {
        // transformers.optimization with 4 warm-up steps of 10: lr_lambda(0), lr_lambda(1), …
        let linear = [
            0.0,
            0.25,
            0.5,
            0.75,
            1.0,
            5.0 / 6.0,
            4.0 / 6.0,
            0.5,
            2.0 / 6.0,
            1.0 / 6.0,
        ];
        let cosine = |at: f64| 0.5 * (1.0 + (std::f64::consts::PI * at / 6.0).cos());
        for (kind, at) in [
            (LrSchedulerType::Constant, [1.0; 6]),
            (
                LrSchedulerType::Linear,
                std::array::from_fn(|i| linear[4 + i]),
            ),
            (
                LrSchedulerType::Cosine,
                std::array::from_fn(|i| cosine(i as f64)),
            ),
        ] {
            let config = OptimizerConfig {
                warmup_steps: 4,
                min_lr_ratio: 0.0,
                ..config(kind)
            };
            let factor = |step| schedule(&config, step, 10);
            assert_eq!(factor(1), 0.125, "half of the second step's");
            for step in 2..=10 {
                let wanted = match step - 1 {
                    counter @ 0..4 => linear[counter as usize],
                    counter => at[counter as usize - 4],
                };
                assert!((factor(step) - wanted).abs() < 1e-12, "{kind:?} {step}");
                assert!(factor(step) > 0.0);
            }
            // Extended: what held last goes on to hold.
            assert_eq!(factor(11), factor(10));
            assert_eq!(factor(500), factor(10));
        }
    }

    #[test]
    fn a_schedule_ends_at_its_lower_bound() {
        for kind in [LrSchedulerType::Linear, LrSchedulerType::Cosine] {
            let at = |step| schedule(&config(kind), step, 110);
            assert!((at(11) - 1.0).abs() < 1e-12);
            assert!((at(61) - 0.55).abs() < 1e-12, "{kind:?}");
            // One step before the end of the shape, which is never reached.
            assert!(at(110) > 0.1 && at(110) < 0.11, "{kind:?}");
        }
    }

    #[test]
    fn clipping_leaves_small_gradients_alone() {
        assert_eq!(clip_scale(0.5, 1.0), 1.0);
        assert_eq!(clip_scale(5.0, 0.0), 1.0);
        assert!((clip_scale(4.0, 1.0) - 0.25).abs() < 1e-6);
    }
}
