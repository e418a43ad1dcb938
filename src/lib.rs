//! placeholder
pub mod balance;
pub mod clock;
pub mod config;
pub mod curriculum;
pub mod evaluation;
pub mod kernels;
pub mod losses;
pub mod model;
pub mod rng;
pub mod rollout;
pub mod tasks;
pub mod text;
pub mod training;
