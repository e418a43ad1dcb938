use super::super::{Place, ProblemKind, RunConfig};
use super::{load, message, problems};

#[test]
fn the_defaults_pass() {
    assert_eq!(RunConfig::default().check(), Ok(()));
}

/// Each text has exactly one value outside its range: that of the path.
#[test]
fn values_outside_their_range_are_refused() {
    let cases = [
        ("name", "\"\""),
        ("name", "\"a/b\""),
        ("name", "\"a\\\\b\""),
        ("name", "\"COM1\""),
        ("name", "\"nul.txt\""),
        ("name", "\"a.\""),
        ("name", "\".a\""),
        ("name", "\" a\""),
        ("name", "\"a:b\""),
        ("name", "\"a\\nb\""),
        ("seed", "-1"),
        ("seed", "9223372036854775808"),
        ("device", "\"cuda:\""),
        ("device", "\"cuda:x\""),
        ("device", "\"cuda:-1\""),
        ("device", "\"CPU\""),
        ("device", "\"tpu\""),
        ("shards", "0"),
        ("shards", "65"),
        ("max_steps", "0"),
        ("task.arithmetic.operators", "\"\""),
        ("task.arithmetic.operators", "\"+/\""),
        ("task.arithmetic.operators", "\"++\""),
        ("task.arithmetic.max_operand", "0"),
        ("task.arithmetic.max_operand", "1000"),
        ("task.arithmetic.parentheses", "1.01"),
        ("task.countdown.operators", "\"+^\""),
        ("task.countdown.max_number", "1"),
        ("task.knights_knaves.depth", "5"),
        ("task.knights_knaves.depth", "1"),
        ("task.knights_knaves.width", "1"),
        ("task.files.train", "[\"a\", \"\"]"),
        ("tokenizer.vocab_size", "259"),
        ("tokenizer.vocab_size", "200001"),
        ("model.hidden_size", "7"),
        ("model.hidden_size", "16385"),
        ("model.num_hidden_layers", "0"),
        ("model.num_attention_heads", "0"),
        ("model.rope_theta", "0.0"),
        ("model.rms_norm_eps", "0.0"),
        ("base.levels", "[-1]"),
        ("base.batch_size", "0"),
        ("sft.learning_rate", "-1e-3"),
        ("sft.learning_rate", "1.5"),
        ("sft.gradient_accumulation_steps", "0"),
        ("grpo.num_prompts", "0"),
        ("grpo.num_generations", "1"),
        ("grpo.max_completion_length", "0"),
        ("grpo.temperature", "0"),
        ("grpo.temperature", "nan"),
        ("grpo.temperature", "inf"),
        ("grpo.top_p", "0.0"),
        ("grpo.top_p", "1.1"),
        ("grpo.min_p", "1.0"),
        ("grpo.epsilon", "0.0"),
        ("grpo.beta", "-0.1"),
        ("grpo.num_iterations", "0"),
        ("grpo.reward_weights", "{ format = inf }"),
        ("optimizer.beta1", "1.0"),
        ("optimizer.beta2", "-0.1"),
        ("optimizer.epsilon", "0.0"),
        ("optimizer.max_grad_norm", "-1"),
        ("balance.gamma", "0"),
        ("balance.gamma", "-inf"),
        ("balance.lambda", "-0.5"),
        ("balance.ema", "0"),
        ("balance.ema", "1.1"),
        ("balance.p_min", "1"),
        ("balance.p_max", "0"),
        ("balance.g_warm_window", "0"),
        ("balance.static_share", "1.5"),
        ("balance.constant_p", "-0.5"),
        ("balance.period", "0"),
        ("curriculum.floor", "0"),
        ("exam.pass", "0"),
        ("exam.problems", "0"),
        ("evaluation.samples", "0"),
        ("evaluation.temperature", "0"),
        ("checkpoint.keep", "0"),
    ];
    for (expected, value) in cases {
        let text = format!("{expected} = {value}");
        let found = problems(&text, &[]);
        let [ProblemKind::OutOfRange { path, .. }] = found.as_slice() else {
            panic!("{text}: {found:?}");
        };
        assert_eq!(path, expected, "{text}");
    }
}

#[test]
fn values_at_the_ends_of_their_ranges_pass() {
    for text in [
        "shards = 64",
        "seed = 9223372036854775807",
        "device = \"cuda\"",
        "device = \"cuda:12\"",
        "name = \"run 1.2 – größer\"",
        "name = \"com10\"",
        "name = \"console\"",
        "grpo.num_generations = 2",
        "grpo.top_p = 1",
        "grpo.min_p = 0",
        "balance.ema = 1",
        "balance.p_min = 0\nbalance.p_max = 1",
        "balance.p_min = 0.5\nbalance.p_max = 0.5",
        "balance.lambda = 0",
        "task.arithmetic.operators = \"*-+\"",
        "optimizer.beta1 = 0",
        "curriculum.levels = [3, 3]",
        "balance.warmup_steps = 799",
        "sft.batch_size = 1",
    ] {
        assert!(load(text, &[]).is_ok(), "{text}: {:?}", load(text, &[]));
    }
}

/// Each text has exactly one conflict, which names the fields on the right.
#[test]
fn values_that_do_not_go_together_are_refused() {
    let cases: &[(&str, &str)] = &[
        ("task.kind = \"gsm8k\"", "task.kind task.files.train"),
        ("task.kind = \"math\"", "task.kind task.files.train"),
        ("task.kind = \"jsonl\"", "task.kind task.files.train"),
        (
            "task.files.train = [\"a\"]",
            "task.kind task.files.train task.files.test",
        ),
        (
            "task.kind = \"jsonl\"\ntask.files.train = [\"a\"]\ntask.files.test = [\"a\"]",
            "task.files.train task.files.test",
        ),
        (
            "task.kind = \"knights_knaves\"\ncurriculum.levels = [2, 3]\ntask.files.test = [\"a\"]",
            "task.files.train task.files.test",
        ),
        ("task.kind = \"countdown\"", "curriculum.levels task.kind"),
        // Keys that another kind of task would ignore.
        (
            "task.kind = \"gsm8k\"\ntask.files.train = [\"a\"]\ntask.files.answer_key = \"x\"",
            "task.files.answer_key task.kind",
        ),
        (
            "task.files.level_key = \"x\"",
            "task.files.level_key task.kind",
        ),
        (
            "task.kind = \"math\"\ntask.files.train = [\"a\"]\ntask.files.verifier = \"number\"",
            "task.files.verifier task.kind",
        ),
        (
            "task.kind = \"jsonl\"\ntask.files.train = [\"a\"]\ncurriculum.start = 2",
            "curriculum.start curriculum.levels",
        ),
        ("curriculum.levels = [2, 13]", "curriculum.levels task.kind"),
        (
            "task.kind = \"gsm8k\"\ntask.files.train = [\"a\"]\ncurriculum.levels = [1, 7]",
            "curriculum.levels task.kind",
        ),
        (
            "task.kind = \"math\"\ntask.files.train = [\"a\"]\ncurriculum.levels = [1, 6]",
            "curriculum.levels task.kind",
        ),
        ("curriculum.levels = [3, 2]", "curriculum.levels"),
        ("curriculum.start = 4", "curriculum.start curriculum.levels"),
        (
            "exam.every = 0\ncurriculum.start = 2",
            "exam.every curriculum.start curriculum.levels",
        ),
        ("base.steps = 5\nbase.levels = []", "base.steps base.levels"),
        ("base.levels = [1, 1]", "base.levels"),
        (
            "base.steps = 5\nbase.levels = [13]",
            "base.levels task.kind",
        ),
        (
            "evaluation.levels = [4]",
            "evaluation.levels curriculum.levels base.levels",
        ),
        (
            "evaluation.unseen_levels = [4, 3]",
            "evaluation.unseen_levels curriculum.levels base.levels",
        ),
        (
            "base.steps = 5\nbase.levels = [5]\nevaluation.unseen_levels = [5]",
            "evaluation.unseen_levels curriculum.levels base.levels",
        ),
        (
            "evaluation.unseen_levels = [13]",
            "evaluation.unseen_levels task.kind",
        ),
        (
            "tokenizer.kind = \"file\"",
            "tokenizer.kind tokenizer.path model.path",
        ),
        (
            "tokenizer.path = \"t.json\"",
            "tokenizer.kind tokenizer.path",
        ),
        (
            "tokenizer.chat_template = true",
            "tokenizer.kind tokenizer.chat_template",
        ),
        (
            "tokenizer.system_prompt = \"hi\"",
            "tokenizer.system_prompt tokenizer.chat_template",
        ),
        (
            "model.hidden_size = 63",
            "model.hidden_size model.num_attention_heads",
        ),
        (
            "model.hidden_size = 66",
            "model.hidden_size model.num_attention_heads",
        ),
        ("model.head_dim = 7", "model.head_dim"),
        (
            "model.num_attention_heads = 4\nmodel.num_key_value_heads = 3",
            "model.num_key_value_heads model.num_attention_heads",
        ),
        (
            "grpo.max_completion_length = 256",
            "grpo.max_completion_length model.max_position_embeddings",
        ),
        (
            "sft.max_length = 257",
            "sft.max_length model.max_position_embeddings",
        ),
        (
            "sft.gradient_accumulation_steps = 17",
            "sft.gradient_accumulation_steps sft.batch_size shards",
        ),
        (
            "grpo.gradient_accumulation_steps = 49",
            "grpo.gradient_accumulation_steps grpo.num_prompts grpo.num_generations shards",
        ),
        (
            "grpo.loss_type = \"cispo\"",
            "grpo.loss_type grpo.epsilon_high grpo.epsilon",
        ),
        (
            "grpo.delta = 1.2",
            "grpo.delta grpo.epsilon_high grpo.epsilon",
        ),
        (
            "grpo.zero_variance = \"resample\"\ngrpo.max_resample_times = 0",
            "grpo.zero_variance grpo.max_resample_times",
        ),
        (
            "balance.warmup_steps = 800",
            "balance.warmup_steps max_steps balance.method",
        ),
        (
            "balance.warmup_steps = 0",
            "balance.warmup_steps balance.method",
        ),
        ("balance.p_min = 0.96", "balance.p_min balance.p_max"),
        (
            "optimizer.warmup_steps = 800",
            "optimizer.warmup_steps optimizer.horizon max_steps",
        ),
    ];
    for (text, expected) in cases {
        let found = problems(text, &[]);
        let [ProblemKind::Conflict { fields, .. }] = found.as_slice() else {
            panic!("{text}: {found:?}");
        };
        let paths: Vec<&str> = fields.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths.join(" "), *expected, "{text}");
    }
}

#[test]
fn what_is_not_used_does_not_conflict() {
    for text in [
        "model.path = \"m\"\nmodel.hidden_size = 63\ngrpo.max_completion_length = 5000",
        "model.head_dim = 32\nmodel.hidden_size = 63",
        "balance.method = \"grpo\"\nbalance.warmup_steps = 5000",
        "balance.method = \"constant\"\nbalance.warmup_steps = 0",
        "balance.method = \"periodic\"\nbalance.warmup_steps = 0",
        "base.levels = [5]\nevaluation.unseen_levels = [5]",
        "grpo.loss_type = \"cispo\"\ngrpo.epsilon_high = 5.0",
        "grpo.delta = 2.0",
        "task.kind = \"jsonl\"\ntask.files.train = [\"a\"]\ncurriculum.levels = [0, 1000]\ncurriculum.start = 0",
        "sft.gradient_accumulation_steps = 16",
        "grpo.gradient_accumulation_steps = 7",
    ] {
        assert!(load(text, &[]).is_ok(), "{text}: {:?}", load(text, &[]));
    }
}

#[test]
fn a_conflict_shows_the_values_and_stands_where_the_first_one_was_given() {
    assert_eq!(
        message("max_steps = 50", &["balance.warmup_steps=60"]),
        "--set balance.warmup_steps=60: balance.warmup_steps = 60, max_steps = 50, balance.method = \
         \"sasr\": the warm-up takes the whole budget; raise max_steps or lower \
         balance.warmup_steps"
    );
    assert_eq!(
        message("max_steps = 50", &[]),
        "test.toml:1:1: balance.warmup_steps = 100, max_steps = 50, balance.method = \"sasr\": the \
         warm-up takes the whole budget; raise max_steps or lower balance.warmup_steps"
    );
}

#[test]
fn a_configuration_built_by_code_is_checked_in_the_same_way() {
    let mut config = RunConfig::default();
    config.grpo.temperature = f64::NAN;
    config.balance.p_max = f64::INFINITY;
    config.seed = u64::MAX;
    config.shards = 0;
    config.model.num_attention_heads = 0;
    config.balance.p_min = 0.99;
    config.curriculum.levels = [0, u32::MAX];
    let error = config.check().unwrap_err();
    assert!(
        error
            .problems
            .iter()
            .all(|problem| problem.place == Place::Value)
    );
    let text = error.to_string();
    for expected in [
        "seed = 18446744073709551615: must be a whole number from 0 to 9223372036854775807",
        "shards = 0: must be a whole number from 1 to 64",
        "grpo.temperature = not a finite number: must be a number above 0 and at most 100",
        "balance.p_max = not a finite number: must be",
        "model.num_attention_heads = 0: must be",
        "curriculum.levels = [0, 4294967295]: must be",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(expected)),
            "{expected}\n\n{text}"
        );
    }
}

#[test]
fn a_task_from_files_has_the_levels_of_its_files_unless_told_otherwise() {
    let curriculum = |text: &str| {
        let files = format!("task.files.train = [\"a\"]\n{text}");
        let config = load(&files, &[]).unwrap();
        (config.curriculum.levels, config.curriculum.start)
    };
    // The smallest configuration: one kind, one file.
    assert_eq!(curriculum("task.kind = \"jsonl\""), ([1, 1], 1));
    assert_eq!(curriculum("task.kind = \"gsm8k\""), ([1, 6], 6));
    assert_eq!(curriculum("task.kind = \"math\""), ([1, 5], 5));
    assert_eq!(curriculum("task.kind = \"knights_knaves\""), ([2, 8], 8));
    let keyed = "task.kind = \"jsonl\"\ntask.files.level_key = \"level\"";
    assert_eq!(curriculum(keyed), ([0, 1000], 1000));
    assert_eq!(
        curriculum("task.kind = \"gsm8k\"\ncurriculum.levels = [2, 4]"),
        ([2, 4], 4)
    );
    assert_eq!(
        curriculum("task.kind = \"gsm8k\"\ncurriculum.start = 1"),
        ([1, 6], 1)
    );
    // The whole range stands for what the files have; a narrower one is taken at its word.
    let mut config = load(
        keyed
            .replacen("task.", "task.files.train = [\"a\"]\ntask.", 1)
            .as_str(),
        &[],
    )
    .unwrap()
    .curriculum;
    config.keep_to(3..=5, 0..=1000);
    assert_eq!((config.levels, config.start), ([3, 5], 5));
    config.keep_to(1..=2, 0..=1000);
    assert_eq!((config.levels, config.start), ([3, 5], 5));
    // Generated tasks keep theirs.
    let config = load("", &[]).unwrap();
    assert_eq!(
        (config.curriculum.levels, config.curriculum.start),
        ([1, 3], 3)
    );
}

#[test]
fn demonstrations_are_limited_for_generated_tasks_only() {
    let limit = |text: &str| load(text, &[]).unwrap().task.demonstrations;
    assert_eq!(limit(""), 200);
    assert_eq!(limit("task.demonstrations = 0"), 0);
    assert_eq!(limit("task.demonstrations = 7"), 7);
    let files = "task.kind = \"jsonl\"\ntask.files.train = [\"a\"]\n";
    assert_eq!(limit(files), 0);
    assert_eq!(limit(&format!("{files}task.demonstrations = 200")), 200);
    let puzzles = "task.kind = \"knights_knaves\"\ncurriculum.levels = [2, 3]\n";
    assert_eq!(limit(puzzles), 200);
    assert_eq!(limit(&format!("{puzzles}task.files.train = [\"a\"]")), 0);
}
