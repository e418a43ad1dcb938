//! Losses: token log-probabilities weighted and summed.
//!
//! Both branches start from the same log-probabilities (`Decoder::token_logprobs`). SFT is
//! −Σ log π / tokens; the policy gradient and its variants are in [`policy_loss`].

mod advantage;
mod policy;

pub use advantage::{Advantages, Aggregation, advantages};
pub use policy::{Divergence, PolicyMetrics, clip_bounds, divergence, policy_loss, row_weights};
