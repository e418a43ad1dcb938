//! A session's state as bytes: what a checkpoint folder holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::alarms::Alarms;
use super::event::Phase;
use super::session::FollowUp;
use crate::balance::ControllerState;
use crate::curriculum::CurriculumState;

/// `state.json`: where a run stands, beside its tensors. Random streams are functions of the seed
/// and these counters, so none of their states is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub version: String,
    pub phase: Phase,
    /// Update attempts made.
    pub step: u64,
    pub num_tokens: u64,
    /// Seconds of work so far.
    pub seconds: f64,
    /// Updates of the optimizer, and of the one for GRPO where they are separate.
    pub updates: Vec<u64>,
    pub controller: ControllerState,
    pub curriculum: CurriculumState,
    pub alarms: Alarms,
    /// Mean exam accuracy of the best checkpoint so far.
    pub best_exam: Option<f64>,
    /// Mean accuracy of the exam at this step, if there was one.
    pub exam: Option<f64>,
    /// Gradients in a row that were not finite.
    pub not_finite: u32,
    /// What follows this step before the next one.
    pub follow_ups: Vec<FollowUp>,
    /// The configuration in force, live changes included (TOML).
    pub config: String,
}

/// A checkpoint: named files and their bytes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub step: u64,
    /// `model.safetensors`, `config.json`, the tokenizer's files, `optimizer.safetensors`,
    /// `origin.safetensors` where there is an origin, `state.json`.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Snapshot {
    /// One file's bytes.
    ///
    /// # Errors
    /// If the checkpoint does not have it.
    pub fn file(&self, name: &str) -> Result<&Vec<u8>, super::TrainError> {
        self.files
            .get(name)
            .ok_or_else(|| super::TrainError::Checkpoint {
                what: format!("has no {name}; choose an earlier one"),
            })
    }

    /// The state.
    ///
    /// # Errors
    /// If `state.json` is missing or cannot be read.
    pub fn state(&self) -> Result<State, super::TrainError> {
        serde_json::from_slice(self.file("state.json")?).map_err(|error| {
            super::TrainError::Checkpoint {
                what: format!("state.json cannot be read: {error}"),
            }
        })
    }
}
