//! `RunConfig`: the one definition behind the TOML file, `--set path=value` and, later, the form.
//!
//! Every field is optional in a file and has the default documented where it is declared. Names
//! are TRL's where TRL has one. Unknown keys and values out of range are refused before anything
//! starts, with the field's path, the value, what is allowed and what to do.

mod balance;
mod changing;
mod check;
mod describe;
mod error;
mod learning;
mod load;
mod model;
mod nearest;
mod of_run;
mod ranges;
mod schema;
mod study;
mod task;
#[cfg(test)]
mod tests;
mod write;

pub use balance::*;
pub use changing::{CHANGEABLE, MayChange, live_settings, may_change};
pub use describe::{Field, fields, sections};
pub use error::{ConfigError, Place, Problem, ProblemKind};
pub use learning::*;
pub use model::*;
pub use schema::{Choice, Section};
pub use study::*;
pub use task::*;
pub use write::{UNSET, diff};

use serde::{Deserialize, Serialize};

/// Everything that decides what a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The run's name, and its folder's name under the output folder. Default `"run"`.
    pub name: String,
    /// One sentence about what this configuration is for. Default empty.
    pub description: String,
    /// Seed of every random stream of the run. Default 0.
    pub seed: u64,
    /// `"auto"`, `"cpu"`, `"gpu[:i]"` or `"cuda[:i]"`; `sasr devices` lists them. Default `"auto"`.
    pub device: String,
    /// Parts a batch is split into for data-parallel work on the CPU, each on its own thread.
    /// Results depend on this number, not on the machine's cores. 1..=64, default 2.
    pub shards: usize,
    /// Update attempts in all, warm-up included: the budget every method gets. Default 800.
    pub max_steps: u64,
    pub task: TaskConfig,
    pub tokenizer: TokenizerConfig,
    pub model: ModelConfig,
    pub base: BaseConfig,
    pub sft: SftConfig,
    pub grpo: GrpoConfig,
    pub optimizer: OptimizerConfig,
    pub balance: BalanceConfig,
    pub curriculum: CurriculumConfig,
    pub exam: ExamConfig,
    pub evaluation: EvaluationConfig,
    pub checkpoint: CheckpointConfig,
    pub logging: LoggingConfig,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            name: "run".into(),
            description: String::new(),
            seed: 0,
            device: "auto".into(),
            shards: 2,
            max_steps: 800,
            task: TaskConfig::default(),
            tokenizer: TokenizerConfig::default(),
            model: ModelConfig::default(),
            base: BaseConfig::default(),
            sft: SftConfig::default(),
            grpo: GrpoConfig::default(),
            optimizer: OptimizerConfig::default(),
            balance: BalanceConfig::default(),
            curriculum: CurriculumConfig::default(),
            exam: ExamConfig::default(),
            evaluation: EvaluationConfig::default(),
            checkpoint: CheckpointConfig::default(),
            logging: LoggingConfig::default(),
        }
    }
}

impl RunConfig {
    /// Fixes what counts from the run's start: horizons that are left open become `max_steps`, so that
    /// extending the run moves neither its schedule nor a phase that has passed.
    pub fn settle(&mut self) {
        for horizon in [&mut self.optimizer.horizon, &mut self.balance.horizon] {
            if *horizon == 0 {
                *horizon = self.max_steps;
            }
        }
    }

    /// The opposite: horizons that are `max_steps` follow it again, for another run with the same settings.
    pub fn unsettled(mut self) -> Self {
        for horizon in [&mut self.optimizer.horizon, &mut self.balance.horizon] {
            if *horizon == self.max_steps {
                *horizon = 0;
            }
        }
        self
    }

    /// Gives settings whose defaults are those of generated tasks the defaults of a task from files, where
    /// the task is one: all demonstrations, all levels, all of them open. What `is_given` stays.
    pub fn fit_files(&mut self, is_given: impl Fn(&str) -> bool) {
        if !self.task.is_from_files() {
            return;
        }
        if !is_given("task.demonstrations") {
            self.task.demonstrations = 0;
        }
        if !is_given("curriculum.levels") {
            let widest = self.task.kind.widest_levels();
            // Without a key for the level all problems have the same one.
            let same = self.task.kind == TaskKind::Jsonl && self.task.files.level_key.is_empty();
            self.curriculum.levels = match same {
                true => [1, 1],
                false => [*widest.start(), *widest.end()],
            };
        }
        if !is_given("curriculum.start") {
            self.curriculum.start = self.curriculum.levels[1];
        }
    }

    /// The configuration as a run of it has it: [`Self::settle`]d.
    pub fn settled(mut self) -> Self {
        self.settle();
        self
    }
}
