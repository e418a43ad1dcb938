//! One AdamW update (Loshchilov & Hutter 2019) and the norm it is clipped by.

use burn::tensor::{Device, Tensor};

use super::cpu::{self, contiguous, values};
use super::family::Family;
use super::simd::{sum_of, vectorized};
#[cfg(feature = "gpu")]
use super::wgpu;

/// The numbers of one update.
#[derive(Clone, Copy, Debug)]
pub struct AdamWStep {
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
    /// Updates so far, this one included (for the bias correction).
    pub time: u64,
    /// What gradients are multiplied by before use (clipping).
    pub grad_scale: f64,
}

/// Whether [`adamw_all`] and [`squares`] do a whole list at once on this device. Elsewhere their
/// work is dealt to threads one tensor at a time.
pub fn takes_lists(device: &Device) -> bool {
    !matches!(Family::of(device), Family::Cpu | Family::Other)
}

/// [`adamw`] for a list of parameters, whose steps differ in weight decay at most. Tensors that
/// nobody else holds are changed where they lie.
pub fn adamw_all(jobs: Vec<([Tensor<1>; 4], AdamWStep)>) -> Vec<[Tensor<1>; 3]> {
    #[cfg(feature = "gpu")]
    if jobs
        .first()
        .is_some_and(|([parameter, ..], _)| takes_lists(&parameter.device()))
    {
        return wgpu::adamw_all(jobs);
    }
    let update = |(tensors, step)| adamw(tensors, &step);
    jobs.into_iter().map(update).collect()
}

/// Numbers whose sum is Σ x² over a list of tensors, in float32 → `[k]`; k is at least 1.
pub fn squares(tensors: &[Tensor<1>]) -> Tensor<1> {
    #[cfg(feature = "gpu")]
    if tensors.first().is_some_and(|x| takes_lists(&x.device())) {
        return wgpu::squares(tensors);
    }
    Tensor::cat(tensors.iter().cloned().map(sum_of_squares).collect(), 0)
}

/// Updates a parameter and its two moments from its gradient; all four have one shape. Follows
/// PyTorch's AdamW: decay first, then θ ← θ − lr·(m/c₁) / (√(v/c₂) + ε), cᵢ = 1 − βᵢᵗ.
pub fn adamw<const D: usize>(
    [parameter, grad, moment1, moment2]: [Tensor<D>; 4],
    step: &AdamWStep,
) -> [Tensor<D>; 3] {
    if !cpu::is_cpu(&parameter.device()) {
        return adamw_portable([parameter, grad, moment1, moment2], step);
    }
    let [mut parameter, grad, mut moment1, mut moment2] =
        [parameter, grad, moment1, moment2].map(|x| contiguous(cpu::cpu_tensor(x)));
    let c = Constants::new(step);
    {
        let grad = values(&grad);
        let parameter = parameter.storage_mut::<f32>();
        let moment1 = moment1.storage_mut::<f32>();
        let moment2 = moment2.storage_mut::<f32>();
        vectorized(|| {
            let moments = moment1.iter_mut().zip(moment2.iter_mut());
            for ((p, (m, v)), &g) in parameter.iter_mut().zip(moments).zip(grad) {
                let g = g * c.grad_scale;
                *m = c.beta1 * *m + (1.0 - c.beta1) * g;
                *v = c.beta2 * *v + (1.0 - c.beta2) * g * g;
                *p = *p * c.decay - c.rate * *m / (v.sqrt() * c.root + c.epsilon);
            }
        });
    }
    [parameter, moment1, moment2].map(cpu::plain_tensor)
}

/// The same from burn's operations, for every device.
pub fn adamw_portable<const D: usize>(
    [parameter, grad, moment1, moment2]: [Tensor<D>; 4],
    step: &AdamWStep,
) -> [Tensor<D>; 3] {
    let c = Constants::new(step);
    let grad = grad.mul_scalar(c.grad_scale);
    let moment1 = moment1.mul_scalar(c.beta1) + grad.clone().mul_scalar(1.0 - c.beta1);
    let moment2 = moment2.mul_scalar(c.beta2) + (grad.clone() * grad).mul_scalar(1.0 - c.beta2);
    let divisor = moment2
        .clone()
        .sqrt()
        .mul_scalar(c.root)
        .add_scalar(c.epsilon);
    let change = moment1.clone().mul_scalar(c.rate) / divisor;
    [parameter.mul_scalar(c.decay) - change, moment1, moment2]
}

/// The step's numbers as they enter the loop.
pub(super) struct Constants {
    pub grad_scale: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub decay: f32,
    pub rate: f32,
    pub root: f32,
    pub epsilon: f32,
}

impl Constants {
    pub(super) fn new(step: &AdamWStep) -> Self {
        let correction = |beta: f64| 1.0 - beta.powf(step.time as f64);
        Self {
            grad_scale: step.grad_scale as f32,
            beta1: step.beta1 as f32,
            beta2: step.beta2 as f32,
            decay: (1.0 - step.learning_rate * step.weight_decay) as f32,
            rate: (step.learning_rate / correction(step.beta1)) as f32,
            root: (1.0 / correction(step.beta2).sqrt()) as f32,
            epsilon: step.epsilon as f32,
        }
    }
}

/// Σ x² over a tensor in float32 → `[1]`.
pub fn sum_of_squares<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    match Family::of(&x.device()) {
        Family::Cpu => {}
        #[cfg(feature = "gpu")]
        Family::Wgpu => return wgpu::sum_of_squares(x),
        Family::Other => return (x.clone() * x).sum(),
    }
    let x = contiguous(cpu::cpu_tensor(x));
    let values = values(&x);
    // In blocks, so that rounding does not grow with the tensor.
    let sum: f32 = values
        .chunks(4096)
        .map(|block| vectorized(|| sum_of(block, |x| x * x)))
        .sum();
    cpu::plain_tensor(cpu::from_vec(vec![sum], &[1]))
}
