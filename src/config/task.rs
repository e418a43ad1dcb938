//! What is learnt and from which data.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Which task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Chains of operations on small numbers, reduced one at a time. Generated.
    #[default]
    Arithmetic,
    /// Reach a target with given numbers. Generated.
    Countdown,
    /// Who tells the truth? Generated, or from the published files.
    KnightsKnaves,
    /// GSM8K jsonl files (`question`, `answer`).
    Gsm8k,
    /// MATH jsonl files (`problem`, `solution`, `level`).
    Math,
    /// Any jsonl with prompt/completion or messages.
    Jsonl,
}

impl TaskKind {
    /// The levels a task can have at most; its files may hold fewer. (For GSM8K a level is the number
    /// of calculations, for MATH the data set's own, for generic files what they say.)
    pub fn widest_levels(self) -> RangeInclusive<u32> {
        match self {
            Self::Arithmetic => 1..=12,
            Self::Countdown => 2..=6,
            Self::KnightsKnaves => 2..=8,
            Self::Gsm8k => 1..=6,
            Self::Math => 1..=5,
            Self::Jsonl => 0..=1000,
        }
    }
}

/// How a completion is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The task's shortest form, for models trained from scratch (arithmetic: `=7-9+2=-2+2=0`).
    #[default]
    Compact,
    /// `<think> … </think> <answer> … </answer>`.
    Tags,
}

/// What to do with a line of a data file that cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadLines {
    /// Stop before anything starts, naming file, line and reason.
    #[default]
    Refuse,
    /// Leave them out, and say how many and why.
    Skip,
}

/// How a generic jsonl answer is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verifier {
    /// Equal after trimming and collapsing white space.
    #[default]
    Exact,
    /// The last number, compared as a number.
    Number,
    /// The last `\boxed{…}`, normalised as the MATH data set's graders do.
    Boxed,
    /// The reference is a regular expression that must match the whole answer.
    Regex,
    /// One letter or option among several.
    Choice,
}

/// `[task]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskConfig {
    /// Default `"arithmetic"`.
    pub kind: TaskKind,
    /// Layout of completions. Default `"compact"`.
    pub layout: Layout,
    /// Seed of the generated problems; apart from the run's seed so that runs with different
    /// seeds learn from and are tested on the same problems. Default 0.
    pub seed: u64,
    /// Demonstrations per level that SFT may see; 0 means as many as there are. For a task from
    /// files, without this setting: all there are. Default 200.
    pub demonstrations: u64,
    /// Valid orders a demonstration may come in: 1 always shows the canonical one, 0 any. Different
    /// solutions of one prompt in a file are no orders: all of them are shown. Default 1.
    pub orders: u64,
    pub arithmetic: ArithmeticConfig,
    pub countdown: CountdownConfig,
    pub knights_knaves: KnightsKnavesConfig,
    pub files: FilesConfig,
}

impl Default for TaskConfig {
    fn default() -> Self {
        Self {
            kind: TaskKind::default(),
            layout: Layout::default(),
            seed: 0,
            demonstrations: 200,
            orders: 1,
            arithmetic: ArithmeticConfig::default(),
            countdown: CountdownConfig::default(),
            knights_knaves: KnightsKnavesConfig::default(),
            files: FilesConfig::default(),
        }
    }
}

impl TaskConfig {
    /// Whether the problems come from files.
    pub fn is_from_files(&self) -> bool {
        match self.kind {
            TaskKind::Gsm8k | TaskKind::Math | TaskKind::Jsonl => true,
            TaskKind::KnightsKnaves => !self.files.train.is_empty() || !self.files.test.is_empty(),
            TaskKind::Arithmetic | TaskKind::Countdown => false,
        }
    }
}

/// `[task.arithmetic]`: level = number of operations (1..=12).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArithmeticConfig {
    /// Operators, any of `+`, `-`, `*`. Default `"+-"`.
    pub operators: String,
    /// Largest operand, 1..=999; the smallest is 0. Default 9.
    pub max_operand: u32,
    /// Share (0..=1) of operations put in parentheses. Default 0.
    pub parentheses: f64,
}

impl Default for ArithmeticConfig {
    fn default() -> Self {
        Self {
            operators: "+-".into(),
            max_operand: 9,
            parentheses: 0.0,
        }
    }
}

/// `[task.countdown]`: level = how many numbers are given (2..=6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CountdownConfig {
    /// Operators, any of `+`, `-`, `*`, `/`. Default `"+-"`.
    pub operators: String,
    /// Largest given number, 2..=999. Default 9.
    pub max_number: u32,
    /// Largest target; targets are positive. Default 99.
    pub max_target: u32,
}

impl Default for CountdownConfig {
    fn default() -> Self {
        Self {
            operators: "+-".into(),
            max_number: 9,
            max_target: 99,
        }
    }
}

/// `[task.knights_knaves]`: level = number of inhabitants (2..=8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnightsKnavesConfig {
    /// Depth of a statement, 2..=4 (without nesting no puzzle has one solution). Default 2.
    pub depth: u32,
    /// Parts of an `and` or `or`, 2..=4. Default 2.
    pub width: u32,
    /// Wording: `false` is the published English, `true` a short formal one for tiny models
    /// (`A:B=k;B:!A=n?`). Default false.
    pub short: bool,
}

impl Default for KnightsKnavesConfig {
    fn default() -> Self {
        Self {
            depth: 2,
            width: 2,
            short: false,
        }
    }
}

/// `[task.files]`: for `gsm8k`, `math`, `jsonl`, and `knights_knaves` from files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilesConfig {
    /// Training files, JSON Lines or parquet. Default none.
    pub train: Vec<String>,
    /// Test files; without any, a tenth of the training problems, chosen by content. Default none.
    pub test: Vec<String>,
    /// Default `"refuse"`.
    pub bad_lines: BadLines,
    /// For `jsonl`: how answers are compared. Default `"exact"`.
    pub verifier: Verifier,
    /// For `jsonl`: key of the reference answer; without it the completion's own answer
    /// (in `<answer>`, after `####` or in `\boxed{}`) is the reference. Default empty.
    pub answer_key: String,
    /// For `jsonl`: key of the level (a whole number); without it all are level 1. Default empty.
    pub level_key: String,
}
