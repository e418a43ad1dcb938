//! AdamW over a list of parameters with the kernel `adamw`, five in a launch.
//!
//! Parameters and moments are laid side by side by the first update and found so by the later ones:
//! three bindings reach them all, and WebGPU's other five are left for gradients.

use burn::tensor::Tensor;

use super::packed::{BLOCK, Layout};
use super::{GpuTensor, Launch, Shader, dims, plain_tensor, shader, tensor};
use crate::kernels::adamw::{AdamWStep, Constants};

static ADAMW: Shader = shader!("adamw");

/// Gradients of one launch.
const GRADIENTS: usize = 5;

/// Numbers that lie side by side at most, where one parameter alone does not have more: 128 MiB, half
/// the largest buffer that every WebGPU device makes.
const SIDE_BY_SIDE: usize = 1 << 25;

/// A parameter, its gradient and its moments, and the numbers of its update.
type Job = ([Tensor<1>; 4], AdamWStep);

/// See [`crate::kernels::adamw_all`].
pub(crate) fn adamw_all(jobs: Vec<Job>) -> Vec<[Tensor<1>; 3]> {
    adamw_side_by_side(jobs, SIDE_BY_SIDE)
}

/// The same with at most `limit` numbers side by side.
pub(super) fn adamw_side_by_side(jobs: Vec<Job>, limit: usize) -> Vec<[Tensor<1>; 3]> {
    let mut updated = Vec::with_capacity(jobs.len());
    let mut group = Vec::new();
    let mut numbers = 0;
    for (tensors, step) in jobs {
        let size = tensors[0].dims()[0].next_multiple_of(BLOCK);
        if numbers + size > limit && !group.is_empty() {
            updated.extend(update(std::mem::take(&mut group)));
            numbers = 0;
        }
        numbers += size;
        group.push((tensors, step));
    }
    if !group.is_empty() {
        updated.extend(update(group));
    }
    updated
}

/// Updates what lies side by side.
fn update(jobs: Vec<Job>) -> Vec<[Tensor<1>; 3]> {
    let mut lists: [Vec<GpuTensor>; 4] = Default::default();
    let mut constants = Vec::with_capacity(jobs.len());
    for (tensors, step) in jobs {
        for (list, x) in lists.iter_mut().zip(tensors) {
            list.push(tensor(x));
        }
        constants.push(Constants::new(&step));
    }
    let [parameters, grads, moments1, moments2] = lists;
    let layout = Layout::of(parameters.iter().map(|x| dims(x)[0]).collect());
    let whole = [parameters, moments1, moments2].map(|list| layout.pack(list));
    for start in (0..grads.len()).step_by(GRADIENTS) {
        let slots = start..grads.len().min(start + GRADIENTS);
        let parts = whole
            .each_ref()
            .map(|whole| layout.part(whole, slots.clone()));
        let launch = parts.iter().fold(Launch::new(&ADAMW), Launch::changed);
        let launch = launch.inputs(&grads[slots.clone()], GRADIENTS);
        let mut launch = layout.tell(launch, slots.clone(), GRADIENTS);
        for slot in 0..GRADIENTS {
            let constants = constants[slots.clone()].get(slot);
            launch = launch.real(constants.map_or(1.0, |c| c.decay));
        }
        let c = &constants[start];
        launch
            .real(c.grad_scale)
            .real(c.beta1)
            .real(c.beta2)
            .real(c.rate)
            .real(c.root)
            .real(c.epsilon)
            .dispatch(layout.blocks(slots));
    }
    let [parameters, moments1, moments2] = whole.map(|whole| layout.unpack(&whole));
    parameters
        .into_iter()
        .zip(moments1)
        .zip(moments2)
        .map(|((parameter, m), v)| [parameter, m, v].map(plain_tensor))
        .collect()
}
