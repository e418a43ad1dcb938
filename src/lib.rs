//! placeholder
pub mod balance;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod cli;
pub mod clock;
pub mod config;
pub mod curriculum;
pub mod devices;
pub mod evaluation;
pub mod kernels;
pub mod losses;
pub mod model;
pub mod rng;
pub mod rollout;
pub mod runs;
pub mod tasks;
pub mod text;
pub mod training;
