//! placeholder
pub mod config;
pub mod kernels;
pub mod losses;
pub mod model;
pub mod rng;
pub mod rollout;
