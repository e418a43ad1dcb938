//! Fused operations: one name each, a portable reference from burn's own operations that runs on
//! every device and is the fast versions' oracle, and a fast version for the CPU.
//!
//! burn's operations on the CPU each read and write whole tensors; a transformer's small ones
//! (norms, activations, softmax, rotations) then cost more than its matrix products. The versions
//! here do each in one pass, with hand-written gradients, compiled for the machine's vector
//! instructions at run time. On graphics cards every one of burn's operations is a launch of its
//! own, which costs a small model more than the arithmetic; there one kernel does each
//! (`wgpu`, `shaders/`).

mod adamw;
mod attention;
mod cpu;
mod decode;
#[cfg(feature = "gpu")]
pub(crate) mod decoding;
mod embedding;
mod family;
mod feed_forward;
mod linear;
mod logprob;
mod node;
mod norm;
mod policy;
mod preparing;
mod rope;
pub(crate) mod simd;
mod swiglu;
#[cfg(test)]
mod tests;
#[cfg(feature = "gpu")]
pub(crate) mod wgpu;

pub use adamw::{
    AdamWStep, adamw, adamw_all, adamw_portable, squares, sum_of_squares, takes_lists,
};
pub use attention::{causal_attention, causal_attention_portable};
pub use decode::LayerCache;
pub use embedding::{embedding, embedding_portable};
#[cfg(feature = "gpu")]
pub(crate) use family::Family;
#[cfg(feature = "gpu")]
pub use family::prefer_portable;
pub use feed_forward::{feed_forward, feed_forward_parts};
pub use linear::{linear, linear_onto, linear_portable, linear_transposed, transposed};
pub use logprob::{token_logprobs, token_logprobs_portable};
pub use norm::{rms_norm, rms_norm_portable};
pub use policy::{PolicyTokens, Surrogate, policy_loss, policy_loss_portable, sft_loss};
pub(crate) use preparing::Preparing;
pub use rope::{rope, rope_portable};
pub use swiglu::{swiglu, swiglu_portable};

/// Bytes of all tensors that launches of our kernels for graphics cards were given since the program
/// started, each counted once a launch: an estimate of the memory they move. What a kernel reads more
/// than once counts once, what it passes over counts too.
pub fn bytes_bound() -> u64 {
    #[cfg(feature = "gpu")]
    return wgpu::bytes_bound();
    #[cfg(not(feature = "gpu"))]
    return 0;
}

/// How many programs of ours graphics cards have compiled since the program started: a kernel counts
/// once for each set of its constants, on each card. A program is compiled when its first launch is
/// carried out, so launches that nobody has waited for may not be counted yet.
pub fn programs() -> usize {
    #[cfg(feature = "gpu")]
    return wgpu::programs();
    #[cfg(not(feature = "gpu"))]
    return 0;
}

/// How often one of our kernels for graphics cards was launched since the program started.
pub fn dispatches() -> u64 {
    #[cfg(feature = "gpu")]
    return wgpu::dispatches();
    #[cfg(not(feature = "gpu"))]
    return 0;
}
