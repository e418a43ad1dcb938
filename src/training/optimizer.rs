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

/// The factor on the learning rate at `step` (from 1) of `steps`: a linear rise over the warm-up
/// steps, then the configured shape down to `min_lr_ratio`.
pub fn schedule(config: &OptimizerConfig, step: u64, steps: u64) -> f64 {
    if step <= config.warmup_steps {
        return step as f64 / config.warmup_steps as f64;
    }
    let rest = steps.saturating_sub(config.warmup_steps).max(1);
    let done = ((step - config.warmup_steps) as f64 / rest as f64).min(1.0);
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
    fn schedules_rise_and_fall() {
        for (kind, middle, end) in [
            (LrSchedulerType::Constant, 1.0, 1.0),
            (LrSchedulerType::Linear, 0.55, 0.1),
            (LrSchedulerType::Cosine, 0.55, 0.1),
        ] {
            let at = |step| schedule(&config(kind), step, 110);
            assert!((at(1) - 0.1).abs() < 1e-12);
            assert!((at(10) - 1.0).abs() < 1e-12);
            assert!((at(60) - middle).abs() < 1e-12, "{kind:?}");
            assert!((at(110) - end).abs() < 1e-12);
            assert!(
                (at(500) - end).abs() < 1e-12,
                "an extended run stays at its end"
            );
        }
    }

    #[test]
    fn clipping_leaves_small_gradients_alone() {
        assert_eq!(clip_scale(0.5, 1.0), 1.0);
        assert_eq!(clip_scale(5.0, 0.0), 1.0);
        assert!((clip_scale(4.0, 1.0) - 0.25).abs() < 1e-6);
    }
}
