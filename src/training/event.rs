//! What a session says and what it is told: the one set of messages that is drawn live, written to
//! the run folder, printed with `--json` and sent between a page and its worker.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::balance::Branch;
use crate::balance::{Explanation, Observation};
use crate::evaluation::{Tallies, pooled_accuracy};
use crate::tasks::{Split, WrongPath};

/// What [`Event::Progress`] is about while a graphics card's programs are compiled, before the first
/// step of a session.
pub const CARD_PROGRAMS: &str = "card_programs";

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Training the base model on easier levels (before the budget starts).
    Base,
    /// SFT before the first decision.
    Warmup,
    /// A decision before every step.
    Adaptive,
    /// The final test.
    Evaluation,
    /// Nothing left to do.
    Done,
}

/// One line of `metrics.jsonl`: one update attempt. TRL's names; what TRL has not is under `sasr/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Counts update attempts from 1, warm-up included. Steps of the base model count apart.
    pub step: u64,
    pub phase: Phase,
    pub branch: Branch,
    /// False where there was nothing to learn from (every group had zero variance, every completion was
    /// masked) or the gradient was not finite: weights and optimizer stayed as they were.
    pub updated: bool,
    /// Loss of the step (SFT: nats per token; GRPO: the surrogate, near 0 by construction); with several
    /// updates that of the last, as are the norm and the rate.
    pub loss: f64,
    /// Global L2 norm of the gradient before clipping.
    pub grad_norm: f64,
    pub learning_rate: f64,
    /// Tokens that training has processed since the run's start: prompts and completions of demonstrations
    /// and rollouts, those of probes and of groups that were replaced included. Exams and tests have
    /// counters of their own ([`EvaluationRecord::num_tokens`]).
    pub num_tokens: u64,
    /// Seconds this step took (0 in a browser without clocks), without `display`.
    pub step_time: f64,
    /// Seconds of its parts: `rollout`, `logps`, `update`, `probe`; and `display`, what was measured for
    /// whoever watches alone and is not charged to the run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timing: BTreeMap<String, f64>,
    /// `reward`, `reward_std`, `frac_reward_zero_std`, `rewards/{part}/mean`, `entropy`, `kl`,
    /// `completions/mean_length`, `completions/clipped_ratio`, `clip_ratio/…`, `sft_loss`, `sft_too_long`
    /// (demonstrations of the batch that were left out for their length), …
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
    /// How the controller decided; none in the base phase.
    #[serde(default, rename = "sasr", skip_serializing_if = "Option::is_none")]
    pub decision: Option<Explanation>,
    /// What was measured in this step, for the controller and for replays.
    #[serde(
        default,
        rename = "sasr/measured",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub measured: Vec<Observation>,
    /// What the step was made of: the demonstrations it learnt from and the groups it sampled
    /// (after resampling). With the configuration it says every text and reward of the step.
    #[serde(default, rename = "sasr/batch", skip_serializing_if = "Vec::is_empty")]
    pub batch: Vec<BatchItem>,
}

/// A training problem in a step's batch: a demonstration that was shown (it has a `variant`) or a
/// group that was sampled (it has `rewards`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchItem {
    pub level: u32,
    /// Place in the training split at this level; see [`crate::tasks::Task::problem`].
    pub index: u64,
    /// The order the demonstration came in; see [`crate::tasks::Task::demonstration`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<u64>,
    /// Total reward of each completion of the group in order, weighted by `grpo.reward_weights`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewards: Vec<f32>,
    /// Whether each completion's answer is right, in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correct: Vec<bool>,
}

/// One line of `completions.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompletionRecord {
    pub step: u64,
    /// `rollout`, `exam` or `evaluation`.
    pub source: String,
    pub split: Split,
    pub level: u32,
    pub problem: u64,
    pub prompt: String,
    pub answer: String,
    pub sample: u32,
    pub completion: String,
    /// Ended with an end-of-sequence token rather than at the length limit.
    pub finished: bool,
    pub tokens: usize,
    pub reward: f32,
    pub parts: Vec<(String, f32)>,
    pub correct: bool,
    /// Advantage within its group; none outside GRPO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advantage: Option<f32>,
    /// Whether the reasoning holds, step by step; none where the task does not judge it (and in logs of
    /// 0.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// The canonical path of reasoning that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Textbook steps that each step of the path does: 1 each in a demonstration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub step_sizes: Vec<u32>,
    /// The answer it gives, as the task compares answers; none where it gives none (and in logs of 0.1.0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// How far reasoning that does not hold can be followed, where any of it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong_path: Option<WrongPath>,
    /// log p of each sampled token at the sampling temperature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logprobs: Vec<f32>,
    /// The text of each sampled token, as many as `logprobs`; see [`crate::text::Text::token`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<String>,
}

impl CompletionRecord {
    /// What the answer came to.
    pub fn verdict(&self) -> Verdict {
        match (self.correct, self.holds) {
            (false, _) => Verdict::Wrong,
            (true, Some(false)) => Verdict::Unfaithful,
            (true, _) => Verdict::Right,
        }
    }
}

/// What an answer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Wrong,
    /// The answer is right, but the steps before it do not lead there.
    Unfaithful,
    /// By steps that hold, or that nobody judges.
    Right,
}

impl Verdict {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::Right, Self::Unfaithful, Self::Wrong];

    /// A sign for it, which needs no colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Right => "✔",
            Self::Unfaithful => "✔⚠",
            Self::Wrong => "✖",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Unfaithful => "right, steps broken",
            Self::Wrong => "wrong",
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Right => "The final answer is right",
            Self::Unfaithful => {
                "The final answer is right, but the steps before it do not hold: they do not lead to it"
            }
            Self::Wrong => "The final answer is wrong, or there is none",
        }
    }

    /// Whether the answer is right.
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

impl From<bool> for Verdict {
    /// Of an answer whose steps are not known.
    fn from(correct: bool) -> Self {
        if correct { Self::Right } else { Self::Wrong }
    }
}

/// One line of `evaluations.jsonl`: an exam or a test, one level (or one perturbation of it).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    pub step: u64,
    /// `exam`, `after_warmup`, `final`, or what `sasr eval` was told.
    pub kind: String,
    pub split: Split,
    pub level: u32,
    /// Whether the level is never trained on.
    #[serde(default)]
    pub unseen: bool,
    /// The perturbation applied to the problems; none for the problems as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perturbation: Option<String>,
    pub problems: usize,
    /// Tokens that were processed for it, prompts and completions, and the seconds it took. (Not known of
    /// runs of 0.1.0, which added the completions to the training's tokens.)
    #[serde(default)]
    pub num_tokens: u64,
    #[serde(default)]
    pub seconds: f64,
    /// `accuracy` (greedy), and with samples those of [`crate::evaluation::metric_names`].
    pub metrics: BTreeMap<String, f64>,
    /// Of reworded problems: which of the level's problems these are, counted from 0. Empty where all are
    /// there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<usize>,
    /// Greedy correctness problem by problem, in the order of the set: for paired comparisons
    /// and confidence intervals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correct: Vec<bool>,
    /// Whether the reasoning of these answers holds, in the same order.
    #[serde(default, skip_serializing_if = "Judgements::is_empty")]
    pub holds: Judgements,
    /// What came of the samples, problem by problem in the same order: what the metrics over samples are
    /// made of.
    #[serde(default, skip_serializing_if = "Tallies::is_empty")]
    pub samples: Tallies,
}

impl EvaluationRecord {
    /// Which of the level's problems one of these is: a reworded problem has the place of the one it was
    /// made from.
    pub fn place(&self, problem: usize) -> usize {
        self.places.get(problem).copied().unwrap_or(problem)
    }
}

/// For each of some answers whether its reasoning holds, or that the task does not judge it. In files a
/// letter each: `h`olds, `b`roken, `-` not judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgements(pub Vec<Option<bool>>);

impl Judgements {
    /// Those of some answers; nothing if none of them is judged.
    pub fn of_answers(all: Vec<Option<bool>>) -> Self {
        match all.iter().all(Option::is_none) {
            true => Self::default(),
            false => Self(all),
        }
    }

    /// Whether there is nothing to be said: no answers, or none that the task judges.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of the answer at a place; none where it is not judged.
    pub fn of(&self, place: usize) -> Option<bool> {
        self.0.get(place).copied().flatten()
    }
}

impl Serialize for Judgements {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let letter = |judged: &Option<bool>| match judged {
            Some(true) => 'h',
            Some(false) => 'b',
            None => '-',
        };
        to.serialize_str(&self.0.iter().map(letter).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Judgements {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let read = |letter| match letter {
            'h' => Ok(Some(true)),
            'b' => Ok(Some(false)),
            '-' => Ok(None),
            other => Err(serde::de::Error::custom(format!(
                "`{other}` among h, b and -"
            ))),
        };
        Ok(Self(text.chars().map(read).collect::<Result<_, _>>()?))
    }
}

/// Accuracy of every exam over all its levels, by step (see [`pooled_accuracy`]): what curves, reports and
/// alarms show, and what the best checkpoint is chosen by.
pub fn exam_means(evaluations: &[EvaluationRecord]) -> Vec<(u64, f64)> {
    let mut exams: BTreeMap<u64, Vec<(usize, f64)>> = BTreeMap::new();
    let plain = |record: &&EvaluationRecord| record.kind == "exam" && record.perturbation.is_none();
    for record in evaluations.iter().filter(plain) {
        if let Some(&accuracy) = record.metrics.get("accuracy") {
            let levels = exams.entry(record.step).or_default();
            levels.push((record.problems, accuracy));
        }
    }
    let mean = |(step, levels)| Some((step, pooled_accuracy(levels)?));
    exams.into_iter().filter_map(mean).collect()
}

/// What is wrong with a run, in plain words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    pub step: u64,
    /// `overfitting`, `regression`, `collapse`, `drift`, `zero_variance`, `stale`, `not_finite`,
    /// `truncation`.
    pub kind: String,
    /// What was seen, with its numbers, and what to try.
    pub message: String,
}

/// What a session says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// First of all: what will run.
    Started {
        parameters: u64,
        vocabulary: usize,
        device: String,
        steps: u64,
        notices: Vec<String>,
    },
    /// A phase begins.
    PhaseBegan {
        phase: Phase,
        step: u64,
    },
    /// A base step or an update attempt is complete.
    Step(Box<StepRecord>),
    /// A step of the base model's training is complete.
    BaseStep {
        step: u64,
        steps: u64,
        loss: f64,
        grad_norm: f64,
        num_tokens: u64,
        step_time: f64,
    },
    /// Completions worth keeping.
    Completions {
        records: Vec<CompletionRecord>,
    },
    /// An exam or a test is complete at one level.
    Evaluated(Box<EvaluationRecord>),
    /// How far a longer piece of work is: an exam, the final test, [`CARD_PROGRAMS`].
    Progress {
        what: String,
        done: u64,
        total: u64,
    },
    /// A level opens.
    LevelOpened {
        step: u64,
        level: u32,
    },
    /// A good moment to keep a checkpoint; `best` where the exam is the best so far.
    CheckpointDue {
        step: u64,
        best: bool,
    },
    /// The base model is ready to be cached.
    BaseReady,
    Alarm(Alarm),
    /// A setting was changed: live, or when the run was gone on with. `step` is the last one that
    /// was decided before it; the values are as they would be written in a file.
    Changed {
        step: u64,
        path: String,
        before: String,
        value: String,
    },
    Paused {
        step: u64,
    },
    Resumed {
        step: u64,
    },
    /// The run is over.
    Finished {
        step: u64,
        seconds: f64,
    },
}

/// What a session can be told while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Do nothing until `Resume` or `SingleStep`.
    Pause,
    Resume,
    /// One update attempt, then pause.
    SingleStep,
    /// Finish the step in hand, keep a checkpoint and end.
    StopAndSave,
    /// Change one of the live settings ([`crate::config::CHANGEABLE`]), as `--set` would.
    Set {
        path: String,
        value: String,
    },
    /// More steps than configured.
    Extend {
        max_steps: u64,
    },
}
