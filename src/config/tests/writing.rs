use super::super::{RunConfig, describe::fields, diff, schema::Kind, schema::schema};
use super::load;

/// The default and a configuration far from it.
fn examples() -> [RunConfig; 2] {
    let text = "\
        name = \"other\"\n\
        description = \"a \\\"quoted\\\" text\\nof two lines, with é\"\n\
        seed = 9223372036854775807\n\
        [task]\n\
        kind = \"jsonl\"\n\
        files = { train = [\"a b.jsonl\", \"c\"], verifier = \"boxed\" }\n\
        [grpo]\n\
        reward_weights = { format = 0.1, \"a.b\" = -2.0 }\n\
        learning_rate = 1e-6\n\
        [balance]\n\
        kl_origin = \"base\"\n\
        gamma = 0.1\n\
        [evaluation]\n\
        unseen_levels = [7]\n";
    [RunConfig::default(), load(text, &[]).unwrap()]
}

#[test]
fn toml_round_trips_exactly_and_is_complete() {
    for config in examples() {
        let text = config.to_toml().unwrap();
        let again = load(&text, &[]).unwrap();
        assert_eq!(again, config);
        assert_eq!(again.to_toml().unwrap(), text);
        // Complete: every field but an unset one is written out.
        let table: toml::Table = toml::from_str(&text).unwrap();
        for field in fields() {
            let mut names = field.path.split('.');
            let first = table.get(names.next().unwrap());
            let found = names.try_fold(first, |value, name| Some(value?.get(name)));
            let unset = field.path == "balance.kl_origin" && config.balance.kl_origin.is_none();
            assert_eq!(found.flatten().is_some(), !unset, "{}", field.path);
        }
    }
}

#[test]
fn diff_lists_exactly_the_fields_that_differ() {
    let [a, _] = examples();
    assert_eq!(diff(&a, &a), []);
    let b = load(
        "",
        &[
            "seed=3",
            "grpo.beta=0.04",
            "balance.kl_origin=base",
            "base.levels=[1,2]",
            "grpo.reward_weights.format=2.0",
            "balance.method=grpo",
        ],
    )
    .unwrap();
    let expected = [
        ("balance.kl_origin", "unset", "\"base\""),
        ("balance.method", "\"sasr\"", "\"grpo\""),
        ("base.levels", "[1]", "[1, 2]"),
        ("grpo.beta", "0.0", "0.04"),
        ("grpo.reward_weights.format", "unset", "2.0"),
        ("seed", "0", "3"),
    ];
    let expected = expected.map(|(path, a, b)| (path.to_string(), a.to_string(), b.to_string()));
    assert_eq!(diff(&a, &b), expected);
    let reversed = expected.map(|(path, a, b)| (path, b, a));
    assert_eq!(diff(&b, &a), reversed);
}

#[test]
fn the_base_key_follows_what_decides_the_base_model_and_nothing_else() {
    let key = RunConfig::default().base_key();
    assert_eq!(key.len(), 64);
    assert!(key.bytes().all(|digit| digit.is_ascii_hexdigit()));

    let decides = |path: &str| {
        // Where files lie says nothing about what is in them; whoever caches adds that.
        let places = [
            "task.files.train",
            "task.files.test",
            "tokenizer.path",
            "model.path",
        ];
        if places.contains(&path) {
            return false;
        }
        let section = path.split('.').next().unwrap();
        match section {
            "seed" | "shards" | "task" | "tokenizer" | "model" => true,
            "base" => path != "base.cache",
            "sft" => matches!(path, "sft.max_length" | "sft.gradient_accumulation_steps"),
            "optimizer" => matches!(
                path,
                "optimizer.beta1"
                    | "optimizer.beta2"
                    | "optimizer.epsilon"
                    | "optimizer.weight_decay"
                    | "optimizer.max_grad_norm"
            ),
            _ => false,
        }
    };
    // Every field in turn is changed, in the tree: whether the result would pass the check
    // does not matter here.
    let mut changed = 0;
    for leaf in &schema().leaves {
        let value = match &leaf.kind {
            Kind::Switch => {
                let default = RunConfig::default().tree();
                let value = super::super::check::value_at(&default, &leaf.path).unwrap();
                serde_json::json!(!value.as_bool().unwrap())
            }
            Kind::Whole => 37.into(),
            Kind::Number => 0.37.into(),
            Kind::Text => "37".into(),
            Kind::Choice(choices) => choices.last().unwrap().value.clone().into(),
            Kind::WholeList | Kind::WholePair => serde_json::json!([3, 7]),
            Kind::TextList => serde_json::json!(["37"]),
            Kind::NumberMap => serde_json::json!({ "37": 0.37 }),
        };
        let mut tree = value;
        for name in leaf.path.rsplit('.') {
            tree = serde_json::json!({ name: tree });
        }
        let config: RunConfig = serde_json::from_value(tree).unwrap();
        assert_ne!(
            config,
            RunConfig::default(),
            "{} was not changed",
            leaf.path
        );
        assert_eq!(
            config.base_key() != key,
            decides(&leaf.path),
            "{}",
            leaf.path
        );
        changed += 1;
    }
    assert_eq!(changed, fields().len());
}
