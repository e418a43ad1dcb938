//! How the model learns: the base, the textbook (SFT), the quiz (GRPO) and the optimizer.

use serde::{Deserialize, Serialize};

/// `[base]`: training of the base model on easier levels, before any method starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BaseConfig {
    /// SFT steps; 0 leaves the model as it is. Not part of `max_steps`. Default 0.
    pub steps: u64,
    /// Levels to learn from, in equal shares. Default `[1]`.
    pub levels: Vec<u32>,
    /// Demonstrations per batch. Default 64.
    pub batch_size: usize,
    /// Default 3e-3.
    pub learning_rate: f64,
    /// Steps of linear warm-up. Default 50.
    pub warmup_steps: u64,
    /// Valid orders a demonstration may come in: 1 the canonical one, 0 any. Default 0.
    pub orders: u64,
    /// Keep the base model in the output folder's cache and start from it next time. Default true.
    pub cache: bool,
}

impl Default for BaseConfig {
    fn default() -> Self {
        Self {
            steps: 0,
            levels: vec![1],
            batch_size: 64,
            learning_rate: 3e-3,
            warmup_steps: 50,
            orders: 0,
            cache: true,
        }
    }
}

/// `[sft]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SftConfig {
    /// Demonstrations per step. Default 32.
    pub batch_size: usize,
    /// Default 1.5e-3.
    pub learning_rate: f64,
    /// Longest demonstration with its prompt, in tokens; longer ones are left out and counted.
    /// 0 means the model's max_position_embeddings. Default 0.
    pub max_length: usize,
    /// Micro-batches a step is split into (per shard). Default 1.
    pub gradient_accumulation_steps: usize,
}

impl Default for SftConfig {
    fn default() -> Self {
        Self {
            batch_size: 32,
            learning_rate: 1.5e-3,
            max_length: 0,
            gradient_accumulation_steps: 1,
        }
    }
}

/// Aggregation and clipping of the policy-gradient loss (TRL's `loss_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossType {
    /// Mean over sequences of the mean over tokens.
    Grpo,
    /// Sum over tokens / active tokens of the micro-batch.
    Bnpo,
    /// Sum over tokens / (rows × max_completion_length).
    DrGrpo,
    /// Sum over tokens / completion tokens of the whole generation batch.
    #[default]
    Dapo,
    /// Clipped importance weights on the log-likelihood (weights detached), aggregated as dapo.
    Cispo,
}

/// Level of the importance ratio; `sequence` is GSPO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceSamplingLevel {
    #[default]
    Token,
    Sequence,
}

/// What the advantage is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleRewards {
    /// The group's standard deviation.
    #[default]
    Group,
    /// The generation batch's standard deviation.
    Batch,
    /// Nothing.
    None,
}

/// How the parts of a reward become one advantage (TRL's `multi_objective_aggregation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MultiObjectiveAggregation {
    /// Weighted sum, then normalised.
    #[default]
    SumThenNormalize,
    /// Each part normalised in its group, then weighted, summed and normalised over the batch
    /// (GDPO), whatever `scale_rewards` says.
    NormalizeThenSum,
}

/// What to do with groups whose completions all earn the same reward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZeroVariance {
    /// They add nothing to the update, not even their KL.
    #[default]
    Skip,
    /// Ask other problems instead, at most `max_resample_times` times; what is still without variance
    /// then adds nothing. Replaced groups count in `num_tokens` only.
    Resample,
    /// Train on them (with β = 0 their advantage is 0).
    Keep,
}

/// Which completions the loss is averaged over, where groups without variance are left out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denominators {
    /// All of the generation batch, as in TRL: a group without variance adds nothing and still counts.
    #[default]
    Batch,
    /// Those that are learnt from: the fewer groups have variance, the more each of them weighs.
    Live,
}

/// `[grpo]`, with TRL's names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpoConfig {
    /// Problems asked per step. Default 12.
    pub num_prompts: usize,
    /// Completions per problem (G), at least 2. Default 8.
    #[serde(alias = "group_size")]
    pub num_generations: usize,
    /// Longest completion in tokens. Default 64.
    pub max_completion_length: usize,
    /// Sampling temperature, above 0. Default 1.
    pub temperature: f64,
    /// Keep the k most probable tokens; 0 keeps all. Default 0.
    pub top_k: usize,
    /// Keep the smallest set whose probability reaches this; 1 keeps all. Default 1.
    pub top_p: f64,
    /// Keep tokens at least this probable relative to the most probable; 0 keeps all. Default 0.
    pub min_p: f64,
    /// Default 6e-4.
    pub learning_rate: f64,
    /// Default `"dapo"`.
    pub loss_type: LossType,
    /// Default `"token"`.
    pub importance_sampling_level: ImportanceSamplingLevel,
    /// Lower clip bound ε. Default 0.2.
    pub epsilon: f64,
    /// Upper clip bound; 0 means `epsilon`. For cispo the bound itself. Default 0.
    pub epsilon_high: f64,
    /// Upper bound of the ratio in the unclipped term (two-sided clipping); 0 means none. Default 0.
    pub delta: f64,
    /// Weight of the KL penalty (k3). Default 0.
    pub beta: f64,
    /// Multiply the KL estimate by the importance ratio. Default false.
    pub use_bias_correction_kl: bool,
    /// Default `"group"`.
    pub scale_rewards: ScaleRewards,
    /// Weights of the reward's parts by name; parts not named weigh 1. Default empty.
    pub reward_weights: std::collections::BTreeMap<String, f64>,
    /// Default `"sum_then_normalize"`.
    pub multi_objective_aggregation: MultiObjectiveAggregation,
    /// Updates per generation batch (μ). Default 1.
    pub num_iterations: usize,
    /// Micro-batches a generation batch is split into (per shard). Default 1.
    pub gradient_accumulation_steps: usize,
    /// Leave completions that were cut off out of the loss. Default false.
    pub mask_truncated_completions: bool,
    /// Weight of the entropy bonus. Default 0.
    pub entropy_coef: f64,
    /// Default `"skip"`.
    pub zero_variance: ZeroVariance,
    /// Default `"batch"`.
    pub denominators: Denominators,
    /// Default 3.
    pub max_resample_times: usize,
}

impl Default for GrpoConfig {
    fn default() -> Self {
        Self {
            num_prompts: 12,
            num_generations: 8,
            max_completion_length: 64,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            learning_rate: 6e-4,
            loss_type: LossType::default(),
            importance_sampling_level: ImportanceSamplingLevel::default(),
            epsilon: 0.2,
            epsilon_high: 0.0,
            delta: 0.0,
            beta: 0.0,
            use_bias_correction_kl: false,
            scale_rewards: ScaleRewards::default(),
            reward_weights: std::collections::BTreeMap::new(),
            multi_objective_aggregation: MultiObjectiveAggregation::default(),
            num_iterations: 1,
            gradient_accumulation_steps: 1,
            mask_truncated_completions: false,
            entropy_coef: 0.0,
            zero_variance: ZeroVariance::default(),
            denominators: Denominators::default(),
            max_resample_times: 3,
        }
    }
}

/// Shape of the learning rate over the run (TRL's `lr_scheduler_type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LrSchedulerType {
    #[default]
    Constant,
    /// To `min_lr_ratio` in a straight line.
    Linear,
    /// To `min_lr_ratio` along half a cosine.
    Cosine,
}

/// `[optimizer]`: AdamW, one for SFT and GRPO unless `separate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Default 0.9.
    pub beta1: f64,
    /// Default 0.99.
    pub beta2: f64,
    /// Default 1e-8.
    pub epsilon: f64,
    /// Decoupled weight decay, on matrices only (not on norms and biases). Default 0.
    pub weight_decay: f64,
    /// Global L2 norm to which gradients are clipped; 0 means no clipping. Default 1.
    pub max_grad_norm: f64,
    /// Default `"constant"`.
    pub lr_scheduler_type: LrSchedulerType,
    /// Update attempts over which the rate rises from 0. Default 0.
    pub warmup_steps: u64,
    /// Steps that the schedule is spread over; 0 means `max_steps` as it is when the run starts. When a
    /// run is extended the last rate holds, unless this is changed too. Default 0.
    pub horizon: u64,
    /// Where the schedule ends, as a share of the rate. Default 0.
    pub min_lr_ratio: f64,
    /// Separate AdamW moments for SFT and for GRPO. Default false.
    pub separate: bool,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            lr_scheduler_type: LrSchedulerType::default(),
            warmup_steps: 0,
            horizon: 0,
            min_lr_ratio: 0.0,
            separate: false,
        }
    }
}
