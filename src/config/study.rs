//! Curriculum, exams, evaluation, and what is kept of a run.

use serde::{Deserialize, Serialize};

/// `[curriculum]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CurriculumConfig {
    /// Levels there are for training, lowest and highest. For a task from files, without this
    /// setting: all that the files have, written as the widest range there is. Levels in between that
    /// have no training problems are passed over. Default `[1, 3]`.
    pub levels: [u32; 2],
    /// Highest level open at the start. For a task from files, without this setting: all are.
    /// Default 3.
    pub start: u32,
    /// Smallest weight of an open level, relative to the largest possible (0.25). Default 0.1.
    pub floor: f64,
    /// Rollouts per level that the success rate is taken over. Default 256.
    pub window: usize,
}

impl Default for CurriculumConfig {
    fn default() -> Self {
        Self {
            levels: [1, 3],
            start: 3,
            floor: 0.1,
            window: 256,
        }
    }
}

impl CurriculumConfig {
    /// Keeps to the levels that a task from files has, where the whole range of its kind is asked
    /// for; a narrower one is taken at its word.
    pub fn keep_to(
        &mut self,
        has: std::ops::RangeInclusive<u32>,
        widest: std::ops::RangeInclusive<u32>,
    ) {
        if self.levels == [*widest.start(), *widest.end()] {
            self.levels = [*has.start(), *has.end()];
            self.start = self.start.clamp(*has.start(), *has.end());
        }
    }
}

/// `[exam]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExamConfig {
    /// Steps between exams; 0 means none. Default 100.
    pub every: u64,
    /// Problems per level. Default 64.
    pub problems: usize,
    /// Accuracy on the highest open level that opens the next. Default 0.8.
    pub pass: f64,
}

impl Default for ExamConfig {
    fn default() -> Self {
        Self {
            every: 100,
            problems: 64,
            pass: 0.8,
        }
    }
}

/// `[evaluation]`: the final test, on problems that steered nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Problems per level; 0 means no evaluation. Default 200.
    pub problems: usize,
    /// Levels tested; empty means all training levels. Default empty.
    pub levels: Vec<u32>,
    /// Levels never trained on, for generalisation. Default empty.
    pub unseen_levels: Vec<u32>,
    /// Samples per problem (n of mean@n and pass@k). Default 8.
    pub samples: usize,
    /// Temperature of the samples. Default 1.
    pub temperature: f64,
    /// Measure accuracy under each perturbation. Default true.
    pub robustness: bool,
    /// Also test where the adaptive phase begins, so that the report can show the gain. Default true.
    pub after_warmup: bool,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            problems: 200,
            levels: Vec::new(),
            unseen_levels: Vec::new(),
            samples: 8,
            temperature: 1.0,
            robustness: true,
            after_warmup: true,
        }
    }
}

/// `[checkpoint]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Steps between checkpoints; 0 means only at the end. Default 100.
    pub every: u64,
    /// Checkpoints kept besides the best by exam; at least 1. Default 2.
    pub keep: usize,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every: 100,
            keep: 2,
        }
    }
}

/// `[logging]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoggingConfig {
    /// Write all sampled completions every this many GRPO steps; 0 never any. Default 10.
    pub completions_every: u64,
    /// Groups whose completions are written at the GRPO steps in between, so that every step can be
    /// looked at: the first whose rewards differ, otherwise the first; 0 none. Default 1.
    pub completions_groups: usize,
    /// GRPO steps between two measurements of D where neither the controller nor the KL needs it; 0 never.
    /// What they take is not charged to the run. Default 10.
    pub divergence_every: u64,
}

impl Default for LoggingConfig {
    fn default() -> Self {
        Self {
            completions_every: 10,
            completions_groups: 1,
            divergence_every: 10,
        }
    }
}
