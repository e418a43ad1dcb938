use super::super::{
    Place, Problem, ProblemKind, RunConfig, TaskKind, TokenizerKind, describe::fields,
};
use super::{load, message, problems};

#[test]
fn an_empty_text_is_the_default() {
    assert_eq!(load("", &[]), Ok(RunConfig::default()));
}

#[test]
fn values_of_the_file_and_of_flags_arrive_and_the_last_one_wins() {
    let text = "name = \"a\"\n[grpo]\nnum_prompts = 3\ntemperature = 1\n[task]\nkind = \"countdown\"\n[curriculum]\nlevels = [3, 4]\n";
    let config = load(
        text,
        &[
            "grpo.num_prompts=5",
            "grpo.num_prompts = 7",
            "device=cpu",
            "description=\"quoted = text\"",
            "exam.pass=0.5",
        ],
    )
    .unwrap();
    assert_eq!(config.name, "a");
    assert_eq!(config.grpo.num_prompts, 7);
    assert_eq!(config.grpo.temperature, 1.0);
    assert_eq!(config.task.kind, TaskKind::Countdown);
    assert_eq!(config.curriculum.levels, [3, 4]);
    assert_eq!(config.device, "cpu");
    assert_eq!(config.description, "quoted = text");
    assert_eq!(config.exam.pass, 0.5);
}

#[test]
fn a_flag_takes_bare_words_lists_tables_and_texts_that_look_like_numbers() {
    let config = load(
        "",
        &[
            "device=cuda:1",
            "name=12",
            "description=",
            "balance.method=grpo",
            "curriculum.levels=[2, 5]",
            "grpo={ num_prompts = 4, group_size = 6 }",
            "grpo.reward_weights.format=0.5",
            "evaluation.robustness=false",
        ],
    )
    .unwrap();
    assert_eq!(config.device, "cuda:1");
    assert_eq!(config.name, "12");
    assert_eq!(config.description, "");
    assert_eq!(config.curriculum.levels, [2, 5]);
    assert_eq!(
        (config.grpo.num_prompts, config.grpo.num_generations),
        (4, 6)
    );
    assert_eq!(config.grpo.reward_weights["format"], 0.5);
    assert!(!config.evaluation.robustness);
}

#[test]
fn a_field_that_is_unset_by_default_can_be_set() {
    let config = load("balance.kl_origin = \"base\"", &[]).unwrap();
    assert_eq!(config.balance.kl_origin, Some(crate::config::Origin::Base));
    let bad = message("balance.kl_origin = \"bsae\"", &[]);
    assert!(bad.contains("did you mean \"base\"?"), "{bad}");
}

#[test]
fn reward_weights_take_any_name_and_only_finite_numbers() {
    let text = "[grpo.reward_weights]\nformat = 0.5\n\"a.b\" = 2\n";
    let config = load(text, &["grpo.reward_weights.answer=3"]).unwrap();
    let weights: Vec<(&str, f64)> = config
        .grpo
        .reward_weights
        .iter()
        .map(|(name, weight)| (name.as_str(), *weight))
        .collect();
    assert_eq!(weights, [("a.b", 2.0), ("answer", 3.0), ("format", 0.5)]);

    let bad = message(
        "[grpo.reward_weights]\nformat = \"much\"\nanswer = nan\n",
        &[],
    );
    assert!(
        bad.contains("grpo.reward_weights.format = \"much\": expected a number"),
        "{bad}"
    );
    assert!(
        bad.contains("test.toml:3:1: grpo.reward_weights = nan: must be"),
        "{bad}"
    );
    let table = message("grpo.reward_weights = 3", &[]);
    assert!(table.contains("expected a table of numbers"), "{table}");
}

#[test]
fn the_alias_works_from_both_sides_and_both_spellings_at_once_are_refused() {
    let alias = load("[grpo]\ngroup_size = 5", &[]).unwrap();
    assert_eq!(alias.grpo.num_generations, 5);
    let overridden = load("[grpo]\ngroup_size = 5", &["grpo.num_generations=6"]).unwrap();
    assert_eq!(overridden.grpo.num_generations, 6);
    let overridden = load("[grpo]\nnum_generations = 5", &["grpo.group_size=6"]).unwrap();
    assert_eq!(overridden.grpo.num_generations, 6);

    let twice = ProblemKind::Twice {
        path: "grpo.num_generations".into(),
        alias: "grpo.group_size".into(),
    };
    for text in [
        "group_size = 5\nnum_generations = 5",
        "num_generations = 5\ngroup_size = 5",
    ] {
        assert_eq!(
            problems(&format!("[grpo]\n{text}"), &[]),
            std::slice::from_ref(&twice)
        );
    }
    let flags = ["grpo.group_size=5", "grpo.num_generations=5"];
    assert_eq!(problems("", &flags), [twice]);
}

#[test]
fn an_unknown_key_is_answered_with_the_field_that_was_meant() {
    let cases: [(&str, &[&str]); 10] = [
        ("grpo.gruop_size = 3", &["grpo.num_generations"]),
        ("grpo.num_generation = 3", &["grpo.num_generations"]),
        ("gamma = 2", &["balance.gamma"]),
        ("sft.lamda = 2", &["balance.lambda"]),
        ("grpo.group_sizes = 3", &["grpo.num_generations"]),
        ("group_size = 3", &["grpo.num_generations"]),
        (
            "learning_rate = 1e-3",
            &[
                "base.learning_rate",
                "sft.learning_rate",
                "grpo.learning_rate",
            ],
        ),
        ("[blance]\ngamma = 2", &["balance"]),
        ("[grpo.reward_weight]\nformat = 2", &["grpo.reward_weights"]),
        ("zzz = 1", &[]),
    ];
    for (text, expected) in cases {
        let found = problems(text, &[]);
        let [ProblemKind::UnknownKey { nearest, .. }] = found.as_slice() else {
            panic!("{text}: {found:?}");
        };
        assert_eq!(nearest, expected, "{text}");
    }
}

#[test]
fn keys_of_an_unknown_section_are_looked_up_one_by_one() {
    let found = problems("[xyzw]\ngamma = 2\nnum_prompts = 3", &[]);
    let nearest: Vec<&[String]> = found
        .iter()
        .map(|kind| match kind {
            ProblemKind::UnknownKey { nearest, .. } => nearest.as_slice(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(nearest, [["balance.gamma"], ["grpo.num_prompts"]]);
}

#[test]
fn messages_name_the_place_the_key_and_the_way_out() {
    assert_eq!(
        message("name = \"a\"\n\n[grpo]\n  gruop_size = 3", &[]),
        "test.toml:4:3: unknown key `grpo.gruop_size`: did you mean `grpo.num_generations` \
         (also written `grpo.group_size`)?"
    );
    assert_eq!(
        message("", &["gamma=2"]),
        "--set gamma=2: unknown key `gamma`: did you mean `balance.gamma`?"
    );
    assert_eq!(
        message("", &["grpo.num_generations=1"]),
        "--set grpo.num_generations=1: grpo.num_generations = 1: must be a whole number from 2 to \
         4096; advantages compare the completions of one problem with each other: take 8 or more"
    );
    assert_eq!(
        message("balance.method = \"sars\"", &[]),
        "test.toml:1:9: balance.method = \"sars\": expected one of \"sasr\", \"sft\", \"grpo\", \
         \"static\", \"periodic\", \"constant\", \"cosine\"; did you mean \"sasr\"?"
    );
}

#[test]
fn broken_toml_is_shown_with_its_line() {
    let error = load("name = \"a\"\n[grpo]\n  gamma 1\n", &[]).unwrap_err();
    let [Problem { place, kind }] = error.problems.as_slice() else {
        panic!("{error}");
    };
    assert!(matches!(place, Place::File { line: 3, .. }), "{error}");
    assert!(
        matches!(kind, ProblemKind::Syntax { line, .. } if line == "gamma 1"),
        "{error}"
    );
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    // The same key twice is TOML's own rule.
    assert!(matches!(
        problems("seed = 1\nseed = 2", &[]).as_slice(),
        [ProblemKind::Syntax { .. }]
    ));
}

#[test]
fn every_kind_of_field_refuses_other_types() {
    let cases = [
        ("seed = \"a\"", "seed", "a whole number"),
        ("seed = 1.5", "seed", "a whole number"),
        ("seed = 1979-05-27", "seed", "a whole number"),
        ("seed = 99999999999999999999999", "seed", "a whole number"),
        ("name = 3", "name", "a text in quotes"),
        ("grpo.temperature = \"hot\"", "grpo.temperature", "a number"),
        (
            "grpo.temperature = { a = 1 }",
            "grpo.temperature",
            "a number",
        ),
        ("base.cache = 1", "base.cache", "true or false"),
        (
            "base.levels = 1",
            "base.levels",
            "a list of whole numbers such as [1, 2]",
        ),
        (
            "base.levels = [1, 2.5]",
            "base.levels",
            "a list of whole numbers such as [1, 2]",
        ),
        (
            "curriculum.levels = [1]",
            "curriculum.levels",
            "two whole numbers such as [1, 3]",
        ),
        (
            "curriculum.levels = [1, 2, 3]",
            "curriculum.levels",
            "two whole numbers such as [1, 3]",
        ),
        (
            "task.files.train = \"a\"",
            "task.files.train",
            "a list of texts such as [\"a.jsonl\", \"b.jsonl\"]",
        ),
        (
            "task.files.train = [1]",
            "task.files.train",
            "a list of texts such as [\"a.jsonl\", \"b.jsonl\"]",
        ),
        ("grpo = 3", "grpo", "a section, written [grpo]"),
        (
            "[[grpo]]\nnum_prompts = 1",
            "grpo",
            "a section, written [grpo]",
        ),
    ];
    for (text, expected_path, expected_type) in cases {
        let found = problems(text, &[]);
        let [ProblemKind::WrongType { path, expected, .. }] = found.as_slice() else {
            panic!("{text}: {found:?}");
        };
        assert_eq!(
            (path.as_str(), expected.as_str()),
            (expected_path, expected_type),
            "{text}"
        );
    }
}

#[test]
fn the_value_is_shown_as_it_was_written() {
    let long = format!("name = [{}]", "1, ".repeat(100));
    assert!(message(&long, &[]).contains("1, 1…: expected a text"));
    let hexadecimal = message("shards = 0xFF", &[]);
    assert!(
        hexadecimal.contains("shards = 0xFF: must be"),
        "{hexadecimal}"
    );
}

#[test]
fn a_flag_that_is_no_assignment_is_refused() {
    for flag in [
        "grpo.num_prompts",
        "=3",
        "grpo..num_prompts=3",
        "base.levels=[1,",
    ] {
        let found = problems("", &[flag]);
        assert!(
            matches!(found.as_slice(), [ProblemKind::Override { .. }]),
            "{flag}: {found:?}"
        );
    }
    // A value is one value: nothing can be smuggled in behind it.
    let found = problems("", &["seed=1\ngrpo.beta=2"]);
    assert!(
        matches!(found.as_slice(), [ProblemKind::WrongType { .. }]),
        "{found:?}"
    );
}

#[test]
fn all_problems_are_reported_at_once_one_a_line() {
    let text = "\
        shards = 0\n\
        [grpo]\n\
        gruop_size = 3\n\
        temperature = \"hot\"\n\
        loss_type = \"gropo\"\n\
        [model]\n\
        hidden_size = 30\n\
        num_attention_heads = 4\n";
    let error = message(text, &["gamma=1", "nonsense", "balance.ema=inf"]);
    let places: Vec<&str> = error
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "test.toml:1:1",
            "test.toml:3:1",
            "test.toml:4:1",
            "test.toml:5:1",
            "--set gamma=1",
            "--set nonsense",
            "--set balance.ema=inf",
            "test.toml:7:1",
        ],
        "{error}"
    );
}

#[test]
fn a_conflict_that_may_come_from_a_reported_problem_is_not_reported_too() {
    // The task meant is gsm8k, with which the file would be right.
    let found = problems(
        "task.kind = \"gsm8\"\ntask.files.train = [\"a.jsonl\"]",
        &[],
    );
    assert!(
        matches!(found.as_slice(), [ProblemKind::UnknownChoice { .. }]),
        "{found:?}"
    );
    let found = problems(
        "task.kid = \"gsm8k\"\ntask.files.train = [\"a.jsonl\"]",
        &[],
    );
    assert!(
        matches!(found.as_slice(), [ProblemKind::UnknownKey { .. }]),
        "{found:?}"
    );
}

#[test]
fn a_pretrained_model_brings_its_tokenizer_unless_told_otherwise() {
    let config = load("model.path = \"m\"", &[]).unwrap();
    assert_eq!(config.tokenizer.kind, TokenizerKind::File);
    assert!(matches!(
        problems("model.path = \"m\"\ntokenizer.kind = \"char\"", &[]).as_slice(),
        [ProblemKind::Conflict { .. }]
    ));
}

#[test]
fn every_field_can_be_set_to_its_own_default() {
    for field in fields() {
        if field.default == "unset" {
            continue;
        }
        let flag = format!("{}={}", field.path, field.default);
        assert_eq!(load("", &[&flag]), Ok(RunConfig::default()), "{flag}");
    }
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn a_file_is_read_and_a_missing_one_is_named() {
    let path = std::env::temp_dir().join(format!("sasr-config-{}.toml", std::process::id()));
    std::fs::write(&path, "seed = 7\n").unwrap();
    let loaded = RunConfig::load(Some(&path), &["shards=3".into()]);
    std::fs::remove_file(&path).unwrap();
    let loaded = loaded.unwrap();
    assert_eq!((loaded.seed, loaded.shards), (7, 3));

    let missing = RunConfig::load(Some(&path), &[]).unwrap_err().to_string();
    assert!(
        missing.starts_with(&format!("{}: cannot read the file", path.display())),
        "{missing}"
    );
    assert_eq!(RunConfig::load(None, &["seed=7".into()]).unwrap().seed, 7);
}
