//! The values each field may have, in one table: what the check enforces is what the docs print.
//!
//! Fields that are true-or-false or one of a set of choices are not listed: their type says all.

use serde_json::Value;

/// A field's path, what it may be, and why or what to do where that is not plain.
pub(super) struct Range {
    pub path: &'static str,
    pub rule: Rule,
    pub help: &'static str,
}

/// What a value may be. No rule lets NaN or an infinity pass: in JSON they are null.
pub(super) enum Rule {
    /// A whole number, both ends included.
    Whole(u64, u64),
    /// A number in an interval.
    Number(Interval),
    /// Whole numbers, each between these, both included.
    Wholes(u64, u64),
    /// A table of numbers, each in the interval.
    Numbers(Interval),
    /// Any text.
    AnyText,
    /// Texts, none of them empty.
    Texts,
    /// A text that passes the function; the words say which do.
    Text(fn(&str) -> bool, &'static str),
}

/// From `low` to `high`, each end included or not.
pub(super) struct Interval {
    low: f64,
    high: f64,
    low_included: bool,
    high_included: bool,
}

impl Interval {
    fn contains(&self, x: f64) -> bool {
        let above = x > self.low || (self.low_included && x == self.low);
        let below = x < self.high || (self.high_included && x == self.high);
        above && below
    }

    fn words(&self) -> String {
        let low = if self.low_included {
            "at least"
        } else {
            "above"
        };
        let high = if self.high_included {
            "at most"
        } else {
            "below"
        };
        format!("a number {low} {} and {high} {}", self.low, self.high)
    }
}

impl Rule {
    /// The values allowed, in words that follow "must be".
    pub fn words(&self) -> String {
        match self {
            Rule::Whole(low, high) => format!("a whole number from {low} to {high}"),
            Rule::Number(interval) => interval.words(),
            Rule::Wholes(low, high) => format!("whole numbers from {low} to {high}"),
            Rule::Numbers(interval) => format!("for each name {}", interval.words()),
            Rule::AnyText => "any text".into(),
            Rule::Texts => "texts, none of them empty".into(),
            Rule::Text(_, words) => (*words).into(),
        }
    }

    /// Whether a value of the field's own type is allowed.
    pub fn allows(&self, value: &Value) -> bool {
        let whole = |value: &Value, low, high| {
            value
                .as_u64()
                .is_some_and(|number| (low..=high).contains(&number))
        };
        let number = |value: &Value, interval: &Interval| {
            value
                .as_f64()
                .is_some_and(|number| interval.contains(number))
        };
        let every = |test: &dyn Fn(&Value) -> bool| match value {
            Value::Array(values) => values.iter().all(test),
            Value::Object(values) => values.values().all(test),
            _ => false,
        };
        match self {
            Rule::Whole(low, high) => whole(value, *low, *high),
            Rule::Number(interval) => number(value, interval),
            Rule::Wholes(low, high) => every(&|each| whole(each, *low, *high)),
            Rule::Numbers(interval) => every(&|each| number(each, interval)),
            Rule::AnyText => value.is_string(),
            Rule::Texts => every(&|each| each.as_str().is_some_and(|text| !text.trim().is_empty())),
            Rule::Text(valid, _) => value.as_str().is_some_and(valid),
        }
    }
}

/// The range of the field at `path`, if its type alone does not say all.
pub(super) fn range_of(path: &str) -> Option<&'static Range> {
    RANGES.iter().find(|range| range.path == path)
}

const fn closed(low: f64, high: f64) -> Interval {
    Interval {
        low,
        high,
        low_included: true,
        high_included: true,
    }
}

/// `low` excluded.
const fn above(low: f64, high: f64) -> Interval {
    Interval {
        low_included: false,
        ..closed(low, high)
    }
}

/// `high` excluded.
const fn below(low: f64, high: f64) -> Interval {
    Interval {
        high_included: false,
        ..closed(low, high)
    }
}

const fn range(path: &'static str, rule: Rule, help: &'static str) -> Range {
    Range { path, rule, help }
}

/// TOML's integers end here, so a larger seed could not be written to `config.toml`.
const MAX_SEED: u64 = i64::MAX as u64;
const MAX_STEPS: u64 = 1_000_000_000;
const MAX_COUNT: u64 = 1_000_000;
const MAX_TOKENS: u64 = 1_048_576;
const MAX_BATCH: u64 = 65_536;
const MAX_LEVEL: u64 = 1000;
const RATE: Rule = Rule::Number(closed(0.0, 1.0));
const SHARE: Rule = Rule::Number(closed(0.0, 1.0));
const STEPS: Rule = Rule::Whole(0, MAX_STEPS);
const BATCH: Rule = Rule::Whole(1, MAX_BATCH);
const TEMPERATURE: Rule = Rule::Number(above(0.0, 100.0));
const TEMPERATURE_HELP: &str = "for nearly greedy samples take a small value such as 0.01";
const RATE_HELP: &str = "typical: 1e-6 for pretrained models, 1e-4 to 3e-3 for tiny ones";

pub(super) static RANGES: &[Range] = &[
    range(
        "name",
        Rule::Text(
            is_folder_name,
            "a folder name that every system takes: 1 to 100 characters, none of <>:\"/\\|?* or \
             control characters, no dot or space at either end, not reserved (con, nul, com1 …)",
        ),
        "use letters, digits, - and _",
    ),
    range("description", Rule::AnyText, ""),
    range("seed", Rule::Whole(0, MAX_SEED), ""),
    range(
        "device",
        Rule::Text(
            is_device,
            "\"auto\", \"cpu\", \"gpu\", \"cuda\", or \"gpu:N\" or \"cuda:N\" with N the card's number",
        ),
        "\"auto\" fits every machine",
    ),
    range(
        "shards",
        Rule::Whole(1, 64),
        "take about the number of CPU cores",
    ),
    range("max_steps", Rule::Whole(1, MAX_STEPS), ""),
    range("task.seed", Rule::Whole(0, MAX_SEED), ""),
    range("task.demonstrations", Rule::Whole(0, MAX_STEPS), ""),
    range("task.orders", Rule::Whole(0, MAX_COUNT), ""),
    range(
        "task.arithmetic.operators",
        Rule::Text(
            |text| is_operators(text, "+-*"),
            "one or more of + - *, each once",
        ),
        "for example \"+-\"",
    ),
    range("task.arithmetic.max_operand", Rule::Whole(1, 999), ""),
    range("task.arithmetic.parentheses", SHARE, ""),
    range(
        "task.countdown.operators",
        Rule::Text(
            |text| is_operators(text, "+-*/"),
            "one or more of + - * /, each once",
        ),
        "for example \"+-\"",
    ),
    range("task.countdown.max_number", Rule::Whole(2, 999), ""),
    range("task.countdown.max_target", Rule::Whole(1, 999_999), ""),
    range(
        "task.knights_knaves.depth",
        Rule::Whole(2, 4),
        "without nested statements no puzzle has exactly one solution",
    ),
    range("task.knights_knaves.width", Rule::Whole(2, 4), ""),
    range("task.files.train", Rule::Texts, "give each file's path"),
    range("task.files.test", Rule::Texts, "give each file's path"),
    range("task.files.answer_key", Rule::AnyText, ""),
    range("task.files.level_key", Rule::AnyText, ""),
    range(
        "tokenizer.vocab_size",
        Rule::Whole(260, 200_000),
        "256 bytes and the special tokens come first",
    ),
    range("tokenizer.path", Rule::AnyText, ""),
    range("tokenizer.system_prompt", Rule::AnyText, ""),
    range("model.path", Rule::AnyText, ""),
    range("model.hidden_size", Rule::Whole(8, 16_384), ""),
    range("model.intermediate_size", Rule::Whole(0, 131_072), ""),
    range("model.num_hidden_layers", Rule::Whole(1, 256), ""),
    range("model.num_attention_heads", Rule::Whole(1, 256), ""),
    range("model.num_key_value_heads", Rule::Whole(0, 256), ""),
    range("model.head_dim", Rule::Whole(0, 1024), ""),
    range(
        "model.max_position_embeddings",
        Rule::Whole(8, MAX_TOKENS),
        "",
    ),
    range(
        "model.rope_theta",
        Rule::Number(above(1.0, 1e12)),
        "the usual value is 10000",
    ),
    range(
        "model.rms_norm_eps",
        Rule::Number(above(0.0, 0.1)),
        "the usual value is 1e-6",
    ),
    range(
        "model.initializer_range",
        Rule::Number(closed(0.0, 1.0)),
        "",
    ),
    range("base.steps", STEPS, ""),
    range("base.levels", Rule::Wholes(0, MAX_LEVEL), ""),
    range("base.batch_size", BATCH, ""),
    range("base.learning_rate", RATE, RATE_HELP),
    range("base.warmup_steps", STEPS, ""),
    range("base.orders", Rule::Whole(0, MAX_COUNT), ""),
    range("sft.batch_size", BATCH, ""),
    range("sft.learning_rate", RATE, RATE_HELP),
    range("sft.max_length", Rule::Whole(0, MAX_TOKENS), ""),
    range(
        "sft.gradient_accumulation_steps",
        BATCH,
        "1 does not split the batch",
    ),
    range("grpo.num_prompts", BATCH, ""),
    range(
        "grpo.num_generations",
        Rule::Whole(2, 4096),
        "advantages compare the completions of one problem with each other: take 8 or more",
    ),
    range("grpo.max_completion_length", Rule::Whole(1, MAX_TOKENS), ""),
    range("grpo.temperature", TEMPERATURE, TEMPERATURE_HELP),
    range(
        "grpo.top_k",
        Rule::Whole(0, MAX_TOKENS),
        "0 keeps all tokens",
    ),
    range(
        "grpo.top_p",
        Rule::Number(above(0.0, 1.0)),
        "1 keeps all tokens",
    ),
    range(
        "grpo.min_p",
        Rule::Number(below(0.0, 1.0)),
        "0 keeps all tokens",
    ),
    range("grpo.learning_rate", RATE, RATE_HELP),
    range(
        "grpo.epsilon",
        Rule::Number(above(0.0, 1.0)),
        "the usual value is 0.2",
    ),
    range(
        "grpo.epsilon_high",
        Rule::Number(closed(0.0, 100.0)),
        "0 takes grpo.epsilon",
    ),
    range(
        "grpo.delta",
        Rule::Number(closed(0.0, 1000.0)),
        "0 means no bound",
    ),
    range(
        "grpo.beta",
        Rule::Number(closed(0.0, 100.0)),
        "0 means no KL penalty",
    ),
    range(
        "grpo.reward_weights",
        Rule::Numbers(closed(-1000.0, 1000.0)),
        "",
    ),
    range("grpo.num_iterations", Rule::Whole(1, 64), "1 is on-policy"),
    range(
        "grpo.gradient_accumulation_steps",
        BATCH,
        "1 does not split the batch",
    ),
    range(
        "grpo.entropy_coef",
        Rule::Number(closed(0.0, 10.0)),
        "0 means no bonus",
    ),
    range("grpo.max_resample_times", Rule::Whole(0, 100), ""),
    range(
        "optimizer.beta1",
        Rule::Number(below(0.0, 1.0)),
        "the usual value is 0.9",
    ),
    range(
        "optimizer.beta2",
        Rule::Number(below(0.0, 1.0)),
        "usual values are 0.95 to 0.999",
    ),
    range(
        "optimizer.epsilon",
        Rule::Number(above(0.0, 0.1)),
        "the usual value is 1e-8",
    ),
    range(
        "optimizer.weight_decay",
        Rule::Number(closed(0.0, 10.0)),
        "",
    ),
    range(
        "optimizer.max_grad_norm",
        Rule::Number(closed(0.0, 1e6)),
        "0 means no clipping",
    ),
    range("optimizer.warmup_steps", STEPS, ""),
    range("optimizer.horizon", STEPS, "0 takes max_steps"),
    range("optimizer.min_lr_ratio", SHARE, ""),
    range("balance.warmup_steps", STEPS, ""),
    range(
        "balance.gamma",
        Rule::Number(above(0.0, 1e6)),
        "1 weighs both alike",
    ),
    range(
        "balance.lambda",
        Rule::Number(closed(0.0, 1000.0)),
        "0 ignores the divergence",
    ),
    range(
        "balance.ema",
        Rule::Number(above(0.0, 1.0)),
        "1 is no smoothing",
    ),
    range(
        "balance.p_min",
        Rule::Number(below(0.0, 1.0)),
        "0 is no lower bound",
    ),
    range(
        "balance.p_max",
        Rule::Number(above(0.0, 1.0)),
        "1 is no upper bound",
    ),
    range("balance.d_cap", Rule::Number(closed(0.0, 100.0)), ""),
    range(
        "balance.d_token_cap",
        Rule::Number(closed(0.0, 1000.0)),
        "0 is no bound",
    ),
    range(
        "balance.d_ema",
        Rule::Number(above(0.0, 1.0)),
        "1 is no smoothing",
    ),
    range("balance.g_warm_window", Rule::Whole(1, MAX_COUNT), ""),
    range("balance.probe_every", STEPS, ""),
    range("balance.probe_prompts", Rule::Whole(1, 4096), ""),
    range("balance.static_share", SHARE, ""),
    range("balance.horizon", STEPS, "0 takes max_steps"),
    range(
        "balance.period",
        Rule::Whole(1, MAX_STEPS),
        "1 makes every step SFT",
    ),
    range("balance.constant_p", SHARE, ""),
    range("curriculum.levels", Rule::Wholes(0, MAX_LEVEL), ""),
    range("curriculum.start", Rule::Whole(0, MAX_LEVEL), ""),
    range(
        "curriculum.floor",
        Rule::Number(above(0.0, 1.0)),
        "with 0 a level that nobody solves yet would never be drawn",
    ),
    range("curriculum.window", Rule::Whole(1, MAX_COUNT), ""),
    range("exam.every", STEPS, ""),
    range(
        "exam.problems",
        Rule::Whole(1, MAX_COUNT),
        "exam.every = 0 turns exams off",
    ),
    range("exam.pass", Rule::Number(above(0.0, 1.0)), ""),
    range("evaluation.problems", Rule::Whole(0, MAX_COUNT), ""),
    range("evaluation.levels", Rule::Wholes(0, MAX_LEVEL), ""),
    range("evaluation.unseen_levels", Rule::Wholes(0, MAX_LEVEL), ""),
    range("evaluation.samples", Rule::Whole(1, 4096), ""),
    range("evaluation.temperature", TEMPERATURE, TEMPERATURE_HELP),
    range("checkpoint.every", STEPS, ""),
    range("checkpoint.keep", Rule::Whole(1, MAX_COUNT), ""),
    range("logging.completions_every", STEPS, ""),
    range("logging.completions_groups", Rule::Whole(0, 4096), ""),
    range("logging.divergence_every", STEPS, "0 never measures it"),
];

/// One or more of the `known` signs, each at most once.
fn is_operators(text: &str, known: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|sign| known.contains(sign))
        && text.chars().all(|sign| text.matches(sign).count() == 1)
}

/// `auto`, `cpu`, `gpu`, `cuda`, `gpu:N` or `cuda:N`.
fn is_device(text: &str) -> bool {
    let is_card = |number: &str| {
        (1..=3).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    matches!(text, "auto" | "cpu" | "gpu" | "cuda")
        || ["gpu:", "cuda:"]
            .iter()
            .any(|family| text.strip_prefix(family).is_some_and(is_card))
}

/// Whether Windows, macOS and Linux all take `name` as a folder's name, and show it.
fn is_folder_name(name: &str) -> bool {
    // Windows reserves these with any extension: `nul.txt` is the null device too.
    let stem = name
        .split('.')
        .next()
        .unwrap_or(name)
        .trim_end()
        .to_ascii_lowercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device)
            .is_some_and(|number| matches!(number.as_bytes(), [b'1'..=b'9']))
    };
    let reserved = matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || numbered("com")
        || numbered("lpt");
    let length_fits = (1..=100).contains(&name.chars().count()) && name.len() <= 200;
    let ends_fit = !name.starts_with(['.', ' ']) && !name.ends_with(['.', ' ']);
    let signs_fit = !name.contains(|sign: char| sign.is_control() || "<>:\"/\\|?*".contains(sign));
    length_fits && ends_fit && signs_fit && !reserved
}
