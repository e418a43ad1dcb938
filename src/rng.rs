//! Random streams that need no state.
//!
//! Every random choice in a run is a pure function of *(seed, what it is for, a few counters)*, so
//! a resumed run draws what the uninterrupted one would have drawn, and no generator's state has
//! to be saved. Two generators serve two needs:
//!
//! - [`stream`] opens a ChaCha8 stream for host-side choices (problems, orders, initial weights);
//! - [`hash32`] is a counter-based generator on 32-bit integers alone, the same arithmetic on every
//!   device, for Gumbel noise while sampling (see `rollout::sampling`).

use rand::SeedableRng as _;

/// What a random stream is for. The number is part of the key, so it must never be reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The text of a problem.
    Problem = 1,
    /// The order of steps in a demonstration.
    Demonstration = 2,
    /// A perturbation of a problem.
    Perturbation = 3,
    /// Which demonstrations are in an SFT batch.
    SftBatch = 4,
    /// Which demonstrations are in a probe's batch.
    ProbeBatch = 5,
    /// Which problems are asked in a GRPO step.
    Prompts = 6,
    /// The controller's α.
    Alpha = 7,
    /// Initial weights.
    Weights = 8,
    /// Which demonstrations are in a batch of the base model's training.
    BaseBatch = 9,
    /// Bootstrap resampling in reports.
    Bootstrap = 10,
    /// Which problems a probe's rollouts ask.
    ProbePrompts = 11,
}

/// The generator behind [`stream`].
pub type Stream = rand::rngs::ChaCha8Rng;

/// Opens the stream for `purpose` keyed by `seed` and up to two counters.
pub fn stream(seed: u64, purpose: Purpose, a: u64, b: u64) -> Stream {
    let mut key = [0u8; 32];
    for (slot, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, a, b]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    Stream::from_seed(key)
}

/// A 32-bit integer hash with full avalanche (two rounds of multiply–xorshift, constants of the
/// `lowbias32` family: <https://nullprogram.com/blog/2018/07/31/>).
pub const fn hash32(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Folds one more word into a running key.
pub const fn mix32(key: u32, word: u32) -> u32 {
    hash32(key.rotate_left(5) ^ hash32(word ^ 0x9e37_79b9))
}

/// A stable 64-bit fingerprint of text: the first eight bytes of its SHA-256.
pub fn fingerprint(text: &str) -> u64 {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text.as_bytes());
    u64::from_le_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
}
