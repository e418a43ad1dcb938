use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{
    RunConfig,
    check::value_at,
    describe::{fields, sections},
    ranges::{RANGES, Rule},
    schema::{Kind, join, schema},
};

/// Paths of all values of a tree; a path in `tables` counts as one value.
fn paths(prefix: &str, value: &Value, tables: &[&str], found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if !tables.contains(&prefix) => {
            for (name, value) in fields {
                paths(&join(prefix, name), value, tables, found);
            }
        }
        _ => {
            found.insert(prefix.to_owned());
        }
    }
}

#[test]
fn the_fields_read_from_the_source_are_those_serde_writes() {
    let mut written = BTreeSet::new();
    let tree = RunConfig::default().tree();
    paths("", &tree, &["grpo.reward_weights"], &mut written);
    // The only field that is absent by default.
    written.insert("balance.kl_origin".into());
    let read: BTreeSet<String> = fields().into_iter().map(|field| field.path).collect();
    assert_eq!(read, written);
    assert_eq!(read.len(), fields().len(), "a path is listed twice");

    let optional: Vec<&str> = schema()
        .leaves
        .iter()
        .filter(|leaf| leaf.optional)
        .map(|leaf| leaf.path.as_str())
        .collect();
    assert_eq!(optional, ["balance.kl_origin"]);
}

#[test]
fn every_field_and_section_is_documented() {
    for field in fields() {
        assert!(!field.doc.is_empty(), "{}", field.path);
    }
    for section in sections() {
        let heading = format!("`[{}]`", section.path);
        assert!(
            section.doc.starts_with(&heading),
            "{}: {}",
            section.path,
            section.doc
        );
    }
    let one = fields()
        .into_iter()
        .find(|field| field.path == "sft.max_length")
        .unwrap();
    assert_eq!(
        one.doc,
        "Longest demonstration with its prompt, in tokens; longer ones are left out and counted. \
         0 means the model's max_position_embeddings. Default 0."
    );
}

#[test]
fn documented_defaults_are_the_defaults() {
    let tree = RunConfig::default().tree();
    for field in fields() {
        let Some(value) = value_at(&tree, &field.path) else {
            continue;
        };
        let documented = documented_default(&field.doc)
            .unwrap_or_else(|| panic!("{}: no default in `{}`", field.path, field.doc));
        let expected = match (documented.as_str(), value) {
            ("empty", Value::String(_)) => json!(""),
            ("empty" | "none", Value::Array(_)) => json!([]),
            ("empty", Value::Object(_)) => json!({}),
            (text, _) => serde_json::from_str(text)
                .unwrap_or_else(|error| panic!("{}: `{text}`: {error}", field.path)),
        };
        let equal = match (expected.as_f64(), value.as_f64()) {
            (Some(expected), Some(value)) => expected == value,
            _ => expected == *value,
        };
        assert!(equal, "{}: documented {expected}, is {value}", field.path);
    }
}

/// What follows the last "Default" (or "default") of a doc comment, up to the end of its clause.
fn documented_default(doc: &str) -> Option<String> {
    let start = doc.rfind("efault ")? + "efault ".len();
    let rest = &doc[start..];
    if let Some(quoted) = rest.strip_prefix('`') {
        return Some(quoted.split('`').next()?.to_owned());
    }
    let end = rest.find([',', ';', ' ']).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches('.').to_owned())
}

#[test]
fn every_field_whose_type_does_not_say_all_has_a_range_and_no_other_path_has() {
    let needs: Vec<&str> = schema()
        .leaves
        .iter()
        .filter(|leaf| !matches!(leaf.kind, Kind::Switch | Kind::Choice(_)))
        .map(|leaf| leaf.path.as_str())
        .collect();
    let have: Vec<&str> = RANGES.iter().map(|range| range.path).collect();
    assert_eq!(have, needs, "both in the order of declaration");
}

#[test]
fn choices_are_those_serde_accepts() {
    let mut tried = 0;
    for field in fields() {
        for choice in &field.choices {
            let mut tree = json!(choice.value);
            for name in field.path.rsplit('.') {
                tree = json!({ name: tree });
            }
            let config = RunConfig::deserialize(&tree);
            assert!(
                config.is_ok(),
                "{} = {}: {config:?}",
                field.path,
                choice.value
            );
            assert_eq!(
                value_at(&config.unwrap().tree(), &field.path),
                Some(&json!(choice.value))
            );
            tried += 1;
        }
    }
    // Six tasks are the first enum, seven methods another: the list cannot be empty by mistake.
    assert!(tried > 40, "{tried}");
    let unknown = json!({ "balance": { "method": "other" } });
    assert!(RunConfig::deserialize(unknown).is_err());
}

#[test]
fn fields_describe_type_default_range_and_alias() {
    let field = |path: &str| {
        fields()
            .into_iter()
            .find(|field| field.path == path)
            .unwrap()
    };
    let generations = field("grpo.num_generations");
    assert_eq!(generations.alias.as_deref(), Some("grpo.group_size"));
    assert_eq!(generations.default, "8");
    assert_eq!(generations.type_name, "a whole number");
    assert_eq!(generations.allowed, "a whole number from 2 to 4096");
    let top_p = field("grpo.top_p");
    assert_eq!(top_p.allowed, "a number above 0 and at most 1");
    let origin = field("balance.kl_origin");
    assert_eq!(origin.default, "unset");
    assert_eq!(origin.allowed, "one of \"warmup\", \"base\"");
    assert_eq!(origin.choices[1].doc, "The base model.");
    let loss = field("grpo.loss_type");
    let values: Vec<&str> = loss
        .choices
        .iter()
        .map(|choice| choice.value.as_str())
        .collect();
    assert_eq!(values, ["grpo", "bnpo", "dr_grpo", "dapo", "cispo"]);
    assert_eq!(
        fields()
            .iter()
            .filter(|field| field.alias.is_some())
            .count(),
        1
    );
}

#[test]
fn unsigned_ranges_fit_their_types_on_every_machine() {
    // `usize` has 32 bits in the browser, `u32` everywhere; only seeds and steps are `u64`.
    let wide = ["seed", "task.seed"];
    for range in RANGES {
        if let Rule::Whole(_, high) | Rule::Wholes(_, high) = range.rule {
            let fits = high <= u64::from(u32::MAX) || wide.contains(&range.path);
            assert!(fits, "{}", range.path);
        }
    }
}
