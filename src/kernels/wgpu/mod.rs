//! How a fused operation reaches graphics cards: WGSL kernels from `shaders/`, launched on burn's
//! own buffers and in its own order.
//!
//! A kernel is one file of plain WGSL. Numbers fixed for a model (widths, head sizes) are constants
//! that [`Launch::constant`] puts in front of the text, so they cost nothing at run time and each
//! set of them is compiled once. Numbers that change from batch to batch follow the tensors as one
//! uniform struct, in the order of [`Launch::number`] and [`Launch::real`]; burn keeps the uniform
//! of a set of numbers it has seen, so a repeated shape uploads nothing.
//!
//! What a kernel has to keep to:
//! - its entry point is `main`, its bindings are numbered from 0 in the order of the launch, the
//!   uniform comes last, and every binding is used;
//! - `// const NAME: u32 = 64u;` in its head names each constant, with an example;
//! - nothing outside checks bounds and workgroup memory starts with any content;
//! - workgroups are counted as `id.y * count.x + id.x` (`workgroup_id`, `num_workgroups`), and
//!   there may be more of them than were asked for.

mod adamw;
mod attention;
mod embedding;
mod feed_forward;
mod launch;
mod linear;
mod logprob;
mod matmul;
mod norm;
mod packed;
mod policy;
mod rope;
mod squares;
mod sums;
mod swiglu;
mod tensors;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use adamw::adamw_all;
pub(crate) use embedding::embedding;
pub(crate) use launch::{Launch, Shader, bytes_bound, dispatches, programs, shader};
pub(crate) use linear::linear_transposed;
pub(crate) use logprob::token_logprobs;
pub(crate) use policy::policy_loss;
pub(crate) use rope::rope;
pub(crate) use squares::{squares, sum_of_squares};
pub(crate) use sums::sum_rows;
pub(crate) use tensors::{apply, dims, empty, int_tensor, plain_tensor, reshaped, tensor};

use burn::backend::Wgpu;
pub(crate) use burn::backend::wgpu::CubeTensor as GpuTensor;

use super::node;

/// An input of an operation on a graphics card.
pub(crate) type Input = node::Input<Wgpu>;
