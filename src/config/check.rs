//! Every value is checked before anything starts: each against its range, then those that have
//! to go together.
//!
//! A setting that the chosen method does not use is never a conflict, so that one configuration
//! can be run with every method.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    LossType, Method, RunConfig, TaskKind, TokenizerKind, Verifier, ZeroVariance,
    error::{ConfigError, Place, Problem, ProblemKind},
    ranges::{RANGES, range_of},
};

impl RunConfig {
    /// Checks every value and every pair of values that have to go together, and reports all
    /// that is wrong at once.
    pub fn check(&self) -> Result<(), ConfigError> {
        let tree = self.tree();
        let outside = RANGES
            .iter()
            .filter_map(|range| out_of_range(range.path, value_at(&tree, range.path)?, None));
        let mut kinds: Vec<ProblemKind> = outside.collect();
        kinds.extend(self.conflicts());
        let problem = |kind| Problem {
            place: Place::Value,
            kind,
        };
        ConfigError::unless_empty(kinds.into_iter().map(problem).collect())
    }

    /// The configuration as a JSON tree; numbers that are not finite become null.
    pub(super) fn tree(&self) -> Value {
        serde_json::to_value(self).expect("a tree of numbers, texts and lists is always JSON")
    }

    /// All groups of values that do not go together.
    pub(super) fn conflicts(&self) -> Vec<ProblemKind> {
        let mut found = Conflicts {
            tree: self.tree(),
            kinds: Vec::new(),
        };
        self.check_task(&mut found);
        self.check_levels(&mut found);
        self.check_tokenizer(&mut found);
        if self.model.path.is_empty() {
            self.check_model(&mut found);
        }
        self.check_batches(&mut found);
        self.check_grpo(&mut found);
        self.check_schedule(&mut found);
        found.kinds
    }

    fn check_task(&self, found: &mut Conflicts) {
        let files = &self.task.files;
        let given = !files.train.is_empty();
        match self.task.kind {
            TaskKind::Gsm8k | TaskKind::Math | TaskKind::Jsonl => found.unless(
                given,
                &["task.kind", "task.files.train"],
                "this task's problems come from files, and none is given",
                "name them, for example task.files.train = [\"data/train.jsonl\"]",
            ),
            TaskKind::Arithmetic | TaskKind::Countdown => found.unless(
                !given && files.test.is_empty(),
                &["task.kind", "task.files.train", "task.files.test"],
                "this task makes its own problems and would ignore the files",
                "remove the files, or set task.kind to the task they belong to",
            ),
            TaskKind::KnightsKnaves => found.unless(
                given || files.test.is_empty(),
                &["task.files.train", "task.files.test"],
                "test files without training files",
                "name task.files.train too, or neither for generated problems",
            ),
        }
        found.unless(
            !files.train.iter().any(|file| files.test.contains(file)),
            &["task.files.train", "task.files.test"],
            "a file is used both for training and for the test",
            "leave task.files.test empty to keep a tenth of the training problems for the test",
        );
        // Names that only one kind of task looks at would be ignored without a word.
        let keys = [
            ("task.files.answer_key", &files.answer_key),
            ("task.files.level_key", &files.level_key),
        ];
        for (path, key) in keys {
            found.unless(
                key.is_empty() || self.task.kind == TaskKind::Jsonl,
                &[path, "task.kind"],
                "only task.kind = \"jsonl\" looks for this key",
                "remove it, or set task.kind = \"jsonl\"",
            );
        }
        found.unless(
            files.verifier == Verifier::default() || self.task.kind == TaskKind::Jsonl,
            &["task.files.verifier", "task.kind"],
            "only task.kind = \"jsonl\" uses this verifier; the other tasks have their own",
            "remove it, or set task.kind = \"jsonl\"",
        );
    }

    fn check_levels(&self, found: &mut Conflicts) {
        let [lowest, highest] = self.curriculum.levels;
        found.unless(
            lowest <= highest,
            &["curriculum.levels"],
            "the lowest level comes first",
            "write it as [lowest, highest]",
        );
        found.unless(
            lowest > highest || (lowest..=highest).contains(&self.curriculum.start),
            &["curriculum.start", "curriculum.levels"],
            "training starts at a level that is not trained",
            "set curriculum.start to one of the levels",
        );
        found.unless(
            self.exam.every > 0 || self.curriculum.start >= highest,
            &["exam.every", "curriculum.start", "curriculum.levels"],
            "without exams the levels above curriculum.start never open",
            "set exam.every above 0, or curriculum.start to the highest level",
        );
        found.unless(
            self.base.steps == 0 || !self.base.levels.is_empty(),
            &["base.steps", "base.levels"],
            "the base model has no levels to learn from",
            "name some, or set base.steps = 0",
        );

        let mut trained: BTreeSet<u32> = BTreeSet::new();
        // A range beyond what its field allows is reported already; it must only not fill memory.
        trained.extend((lowest..=highest).take(10_000));
        if self.base.steps > 0 {
            trained.extend(&self.base.levels);
        }
        let lists: [(&str, &[u32]); 3] = [
            ("base.levels", &self.base.levels),
            ("evaluation.levels", &self.evaluation.levels),
            ("evaluation.unseen_levels", &self.evaluation.unseen_levels),
        ];
        for (path, levels) in lists {
            let distinct: BTreeSet<&u32> = levels.iter().collect();
            found.unless(
                distinct.len() == levels.len(),
                &[path],
                "a level is listed twice",
                "list each level once",
            );
        }
        found.unless(
            self.evaluation
                .levels
                .iter()
                .all(|level| trained.contains(level)),
            &["evaluation.levels", "curriculum.levels", "base.levels"],
            "a level is to be tested that is never trained on",
            "list it under evaluation.unseen_levels, so that results keep the two apart",
        );
        found.unless(
            self.evaluation
                .unseen_levels
                .iter()
                .all(|level| !trained.contains(level)),
            &[
                "evaluation.unseen_levels",
                "curriculum.levels",
                "base.levels",
            ],
            "an unseen level is trained on",
            "choose unseen levels outside curriculum.levels and base.levels",
        );

        let known = self.task.kind.widest_levels();
        let whole_curriculum = ("curriculum.levels", &self.curriculum.levels[..]);
        for (path, levels) in lists.iter().chain([&whole_curriculum]) {
            let used = *path != "base.levels" || self.base.steps > 0;
            found.unless(
                !used || levels.iter().all(|level| known.contains(level)),
                &[path, "task.kind"],
                "the task has no such level",
                &format!("its levels are {} to {}", known.start(), known.end()),
            );
        }
    }

    fn check_tokenizer(&self, found: &mut Conflicts) {
        let tokenizer = &self.tokenizer;
        let from_file = tokenizer.kind == TokenizerKind::File;
        found.unless(
            self.model.path.is_empty() || from_file,
            &["tokenizer.kind", "model.path"],
            "a pretrained model knows its own tokens only",
            "set tokenizer.kind = \"file\" to use the model folder's tokenizer",
        );
        found.unless(
            !from_file || !tokenizer.path.is_empty() || !self.model.path.is_empty(),
            &["tokenizer.kind", "tokenizer.path", "model.path"],
            "there is no file to read the tokenizer from",
            "give tokenizer.path or model.path, or set tokenizer.kind = \"bpe\"",
        );
        found.unless(
            from_file || tokenizer.path.is_empty(),
            &["tokenizer.kind", "tokenizer.path"],
            "the file would be ignored",
            "set tokenizer.kind = \"file\", or remove tokenizer.path",
        );
        found.unless(
            from_file || !tokenizer.chat_template,
            &["tokenizer.kind", "tokenizer.chat_template"],
            "only a tokenizer from a file has a chat template",
            "set tokenizer.kind = \"file\", or tokenizer.chat_template = false",
        );
        found.unless(
            tokenizer.chat_template || tokenizer.system_prompt.is_empty(),
            &["tokenizer.system_prompt", "tokenizer.chat_template"],
            "a system message needs a chat template",
            "set tokenizer.chat_template = true, or remove the message",
        );
    }

    /// Sizes of a model built from scratch.
    fn check_model(&self, found: &mut Conflicts) {
        let model = &self.model;
        // Zero heads are refused by their range; here they must only not divide.
        let heads = model.num_attention_heads.max(1);
        if model.head_dim == 0 {
            let divides = model.hidden_size.is_multiple_of(heads);
            found.unless(
                divides,
                &["model.hidden_size", "model.num_attention_heads"],
                "the heads do not share hidden_size evenly",
                "make hidden_size a multiple of the heads, or give model.head_dim",
            );
            found.unless(
                !divides || (model.hidden_size / heads).is_multiple_of(2),
                &["model.hidden_size", "model.num_attention_heads"],
                "hidden_size / heads is odd, but rotary positions turn pairs of dimensions",
                "choose sizes whose quotient is even",
            );
        } else {
            found.unless(
                model.head_dim.is_multiple_of(2),
                &["model.head_dim"],
                "rotary positions turn pairs of dimensions",
                "choose an even number",
            );
        }
        found.unless(
            model.num_key_value_heads == 0 || heads.is_multiple_of(model.num_key_value_heads),
            &["model.num_key_value_heads", "model.num_attention_heads"],
            "each key-value head serves the same number of heads",
            "choose a divisor of num_attention_heads, or 0 for as many",
        );
        found.unless(
            self.grpo.max_completion_length < model.max_position_embeddings,
            &[
                "grpo.max_completion_length",
                "model.max_position_embeddings",
            ],
            "prompt and completion together must fit the model's positions",
            "shorten the completions or give the model more positions",
        );
        found.unless(
            self.sft.max_length <= model.max_position_embeddings,
            &["sft.max_length", "model.max_position_embeddings"],
            "demonstrations may be longer than the model's positions",
            "lower sft.max_length, or set it to 0",
        );
    }

    /// Every micro-batch of every shard has at least one row. The parts need not be equal:
    /// losses are sums over tokens, divided once for the whole batch.
    fn check_batches(&self, found: &mut Conflicts) {
        let fits = |rows: usize, parts: usize| parts <= rows.div_ceil(self.shards.max(1)).max(1);
        let help = "lower gradient_accumulation_steps or enlarge the batch";
        found.unless(
            fits(self.sft.batch_size, self.sft.gradient_accumulation_steps),
            &[
                "sft.gradient_accumulation_steps",
                "sft.batch_size",
                "shards",
            ],
            "there are more micro-batches than demonstrations in a shard",
            help,
        );
        let completions = self
            .grpo
            .num_prompts
            .saturating_mul(self.grpo.num_generations);
        found.unless(
            fits(completions, self.grpo.gradient_accumulation_steps),
            &[
                "grpo.gradient_accumulation_steps",
                "grpo.num_prompts",
                "grpo.num_generations",
                "shards",
            ],
            "there are more micro-batches than completions in a shard",
            help,
        );
    }

    fn check_grpo(&self, found: &mut Conflicts) {
        let grpo = &self.grpo;
        let high = if grpo.epsilon_high == 0.0 {
            grpo.epsilon
        } else {
            grpo.epsilon_high
        };
        if grpo.loss_type == LossType::Cispo {
            found.unless(
                high >= 1.0,
                &["grpo.loss_type", "grpo.epsilon_high", "grpo.epsilon"],
                "cispo cuts the importance ratio itself, which is 1 on-policy, at epsilon_high",
                "set grpo.epsilon_high to at least 1; a usual value is 5",
            );
        } else {
            found.unless(
                grpo.delta == 0.0 || grpo.delta > 1.0 + high,
                &["grpo.delta", "grpo.epsilon_high", "grpo.epsilon"],
                "the two-sided bound lies inside the clip range",
                "set grpo.delta above 1 + the upper clip bound, or to 0 for none",
            );
        }
        found.unless(
            grpo.zero_variance != ZeroVariance::Resample || grpo.max_resample_times > 0,
            &["grpo.zero_variance", "grpo.max_resample_times"],
            "resampling is asked for but never allowed",
            "set grpo.max_resample_times to at least 1, or grpo.zero_variance = \"skip\"",
        );
    }

    fn check_schedule(&self, found: &mut Conflicts) {
        let balance = &self.balance;
        let warms_up = matches!(
            balance.method,
            Method::Sasr | Method::Periodic | Method::Cosine
        );
        found.unless(
            !warms_up || balance.warmup_steps < self.max_steps,
            &["balance.warmup_steps", "max_steps", "balance.method"],
            "the warm-up takes the whole budget",
            "raise max_steps or lower balance.warmup_steps",
        );
        found.unless(
            balance.method != Method::Sasr || balance.warmup_steps > 0,
            &["balance.warmup_steps", "balance.method"],
            "the adaptive rule compares with the gradient norm of its warm-up",
            "set balance.warmup_steps to at least 1, or choose another method",
        );
        // A NaN bound is refused by its range, so only a true inversion is reported here.
        found.unless(
            !matches!(
                balance.p_min.partial_cmp(&balance.p_max),
                Some(std::cmp::Ordering::Greater)
            ),
            &["balance.p_min", "balance.p_max"],
            "the smallest p is above the largest",
            "exchange the two",
        );
        let settled = self.clone().settled();
        found.unless(
            self.optimizer.warmup_steps < settled.optimizer.horizon,
            &["optimizer.warmup_steps", "optimizer.horizon", "max_steps"],
            "the learning rate would never reach its value",
            "lower optimizer.warmup_steps",
        );
    }
}

/// The problem of a value outside its field's range, if it is; `written` is its source text.
pub(super) fn out_of_range(
    path: &str,
    value: &Value,
    written: Option<&str>,
) -> Option<ProblemKind> {
    let range = range_of(path)?;
    if range.rule.allows(value) {
        return None;
    }
    Some(ProblemKind::OutOfRange {
        path: path.to_owned(),
        value: written.map_or_else(|| show(value), str::to_owned),
        allowed: range.rule.words(),
        help: range.help.to_owned(),
    })
}

/// The value at a dotted path of a tree; `None` for an optional field without a value.
pub(super) fn value_at<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(tree, |value, name| value.get(name))
}

/// A value as it would be written in the file.
pub(super) fn show(value: &Value) -> String {
    match value {
        // Only a number can be null: JSON has no NaN and no infinities.
        Value::Null => "not a finite number".into(),
        Value::Array(values) => {
            let each: Vec<String> = values.iter().map(show).collect();
            format!("[{}]", each.join(", "))
        }
        other => other.to_string(),
    }
}

/// Collects conflicts with the values of the fields concerned.
struct Conflicts {
    tree: Value,
    kinds: Vec<ProblemKind>,
}

impl Conflicts {
    fn unless(&mut self, holds: bool, paths: &[&str], message: &str, help: &str) {
        if holds {
            return;
        }
        let field = |path: &&str| {
            let value = value_at(&self.tree, path).map_or_else(|| "unset".into(), show);
            (path.to_string(), value)
        };
        self.kinds.push(ProblemKind::Conflict {
            fields: paths.iter().map(field).collect(),
            message: message.to_owned(),
            help: help.to_owned(),
        });
    }
}
