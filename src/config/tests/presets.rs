use serde_json::Value;

use super::super::{Method, RunConfig, check::value_at};

const PRESETS: [(&str, &str); 10] = [
    (
        "quickstart",
        include_str!("../../../configs/quickstart.toml"),
    ),
    (
        "published-rule",
        include_str!("../../../configs/published_rule.toml"),
    ),
    (
        "arithmetic",
        include_str!("../../../configs/arithmetic.toml"),
    ),
    (
        "lesson-balance",
        include_str!("../../../configs/lesson_balance.toml"),
    ),
    (
        "lesson-overfitting",
        include_str!("../../../configs/lesson_overfitting.toml"),
    ),
    (
        "lesson-collapse",
        include_str!("../../../configs/lesson_collapse.toml"),
    ),
    (
        "lesson-diversity",
        include_str!("../../../configs/lesson_diversity.toml"),
    ),
    ("countdown", include_str!("../../../configs/countdown.toml")),
    (
        "knights-knaves",
        include_str!("../../../configs/knights_knaves.toml"),
    ),
    ("gsm8k", include_str!("../../../configs/gsm8k.toml")),
];

fn preset(name: &str) -> RunConfig {
    let (_, text) = PRESETS.iter().find(|(known, _)| *known == name).unwrap();
    RunConfig::from_toml(text, name, &[]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_preset_loads_is_explained_and_survives_every_method() {
    for (name, text) in PRESETS {
        assert_eq!(preset(name).name, name);
        assert!(!preset(name).description.is_empty(), "{name}");
        assert!(text.starts_with("# "), "{name} has no header");
        for method in [
            "sasr", "sft", "grpo", "static", "periodic", "constant", "cosine",
        ] {
            let flag = format!("balance.method={method}");
            let config = RunConfig::from_toml(text, name, &[flag]);
            assert!(config.is_ok(), "{name} with {method}: {config:?}");
        }
    }
}

#[test]
fn presets_name_only_what_differs_from_the_defaults() {
    fn compare(preset: &str, path: &str, value: &Value, defaults: &Value) {
        if let Value::Object(fields) = value {
            for (name, value) in fields {
                compare(
                    preset,
                    &super::super::schema::join(path, name),
                    value,
                    defaults,
                );
            }
        } else {
            assert_ne!(value_at(defaults, path), Some(value), "{preset}: {path}");
        }
    }
    let defaults = RunConfig::default().tree();
    for (name, text) in PRESETS {
        let given: Value = toml::from_str(text).unwrap();
        compare(name, "", &given, &defaults);
    }
}

#[test]
fn all_files_in_the_folder_are_tested() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        crate::skip::skipped(&format!("no folder {}", folder.display()));
        return;
    };
    let files = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "toml")
        })
        .count();
    assert_eq!(files, PRESETS.len(), "list the new preset in PRESETS");
}

#[test]
fn the_published_rule_is_the_bare_ratio_on_the_quickstarts_task() {
    let published = preset("published-rule");
    let quickstart = preset("quickstart");
    let balance = &published.balance;
    assert_eq!(balance.method, Method::Sasr);
    assert_eq!(
        (
            balance.lambda,
            balance.ema,
            balance.p_min,
            balance.p_max,
            balance.gamma
        ),
        (0.0, 1.0, 0.0, 1.0, 1.0)
    );
    // Both start from one base model and ask the same problems, so their runs can be compared.
    assert_eq!(published.base_key(), quickstart.base_key());
    assert_eq!(published.curriculum, quickstart.curriculum);
    assert_eq!(published.evaluation, quickstart.evaluation);
}
