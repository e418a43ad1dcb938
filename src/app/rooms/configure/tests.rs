mod asking;
mod commands;
mod fields;
mod problems;
mod window;

use std::collections::BTreeSet;

use super::Configure;
use super::draft::{Draft, bases};
use super::fields::field_at;
use crate::config::{RunConfig, diff};

fn quickstart(edits: &[(&str, &str)]) -> Draft {
    let mut draft = Draft::default();
    for (path, text) in edits {
        assert!(field_at(path).is_some(), "{path}");
        draft.set(path, (*text).to_owned());
    }
    draft
}

fn config(draft: &Draft) -> RunConfig {
    let checked = draft.check();
    checked
        .config
        .unwrap_or_else(|| panic!("{:?}", checked.problems))
}

#[test]
fn every_preset_is_itself_and_needs_no_unsetting() {
    for base in bases() {
        let draft = Draft::of(&base.preset.config);
        assert_eq!(draft, Draft::from_preset(base.preset.file));
        let checked = draft.check();
        assert_eq!(checked.config.as_ref(), Some(&base.preset.config));
        assert!(checked.changes.is_empty() && checked.problems.count == 0);
        assert_eq!(
            checked.command,
            format!("sasr train configs/{}", base.preset.file)
        );
        // A flag cannot take away what a file says, so no preset may say these.
        assert!(base.preset.config.grpo.reward_weights.is_empty());
        assert_eq!(base.preset.config.balance.kl_origin, None);
    }
}

#[test]
fn any_configuration_can_be_opened() {
    let overrides = [
        "seed=7",
        "grpo.reward_weights={ format = 0.5, \"a b\" = 2 }",
    ];
    let more = [
        "balance.kl_origin=base",
        "description=\"a \\\"b\\\"\\n\\u007f'c' = d\"",
    ];
    let overrides: Vec<String> = overrides
        .iter()
        .chain(&more)
        .map(ToString::to_string)
        .collect();
    for base in bases() {
        let text = base.preset.config.to_toml().unwrap();
        let other = RunConfig::from_toml(&text, "", &overrides).unwrap();
        let draft = Draft::of(&other);
        assert_eq!(draft.base().preset.file, base.preset.file);
        assert_eq!(config(&draft), other);
        let checked = draft.check();
        assert_eq!(checked.changed.len(), 4, "{:?}", checked.changed);
        assert_eq!(checked.changes.len(), 5, "{:?}", checked.changes);
    }
}

#[test]
fn resetting_takes_back_one_change() {
    let mut draft = quickstart(&[("seed", "3"), ("sft.batch_size", "16")]);
    draft.reset("seed");
    assert_eq!(
        (draft.text("seed"), draft.text("sft.batch_size")),
        ("0", "16")
    );
    assert_eq!(
        draft.check().changed,
        BTreeSet::from(["sft.batch_size".to_owned()])
    );
    draft.set(
        "sft.batch_size",
        draft.preset_text("sft.batch_size").to_owned(),
    );
    assert_eq!(draft, Draft::default());
}

#[test]
fn another_kind_of_task_brings_its_defaults() {
    let shown = |draft: &Draft| {
        let paths = [
            "task.demonstrations",
            "curriculum.levels",
            "curriculum.start",
        ];
        paths.map(|path| draft.text(path).to_owned())
    };
    let of_preset = shown(&Draft::default());
    let mut draft = quickstart(&[("task.files.train", "a.jsonl"), ("task.kind", "gsm8k")]);
    let config = draft.check().config.expect("a sound configuration");
    // What the program makes of the same words.
    let words = ["task.kind=gsm8k", "task.files.train=[\"a.jsonl\"]"].map(str::to_owned);
    let text = include_str!("../../../../configs/quickstart.toml");
    let theirs = RunConfig::from_toml(text, "", &words).expect("a sound configuration");
    assert_eq!(theirs, config);
    assert_eq!(config.task.demonstrations, 0);
    // The preset's own number is another than the program's.
    draft.set("task.demonstrations", "200".into());
    let command = draft.check().command;
    assert!(command.contains("task.demonstrations=200"), "{command}");
    // Knights and knaves come from files where there are any.
    let mut knights = quickstart(&[("task.kind", "knights_knaves")]);
    assert_eq!(knights.text("task.demonstrations"), "200");
    knights.set("task.files.train", "a.jsonl".into());
    assert_eq!(knights.text("task.demonstrations"), "0");
    knights.set("task.files.train", String::new());
    assert_eq!(knights.text("task.demonstrations"), "200");
    draft.set("task.demonstrations", "12".into());
    draft.set("task.kind", "jsonl".into());
    assert_eq!(shown(&draft), ["12", "3, 3", "3"]);
    draft.reset("task.demonstrations");
    draft.set("task.kind", "arithmetic".into());
    assert_eq!(shown(&draft), of_preset);
}

#[test]
fn changes_are_the_programs_own_difference() {
    let edits = [
        ("sft.learning_rate", "2e-3"),
        ("grpo.temperature", "1e0"),
        ("balance.kl_origin", "base"),
        ("grpo.reward_weights", "format = .5"),
        ("evaluation.unseen_levels", "[4, 5]"),
    ];
    let checked = quickstart(&edits[..3]).check();
    let preset = &bases()[0].preset.config;
    let expected = diff(preset, &checked.config.unwrap());
    let said = checked.changes.iter().map(|change| {
        let change = change.clone();
        (change.path, change.there, change.here)
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
    // The temperature is written otherwise, but it is the same.
    assert_eq!(expected.len(), 2);
    assert!(
        !checked.command.contains("temperature"),
        "{}",
        checked.command
    );
    // TOML has no `.5` inside a table, and says so.
    assert!(
        !quickstart(&edits[3..4])
            .check()
            .problems
            .at("grpo.reward_weights")
            .is_empty()
    );
    let draft = quickstart(&[("grpo.reward_weights", "format = 0.5"), edits[4]]);
    let checked = draft.check();
    let paths: Vec<&str> = checked
        .changes
        .iter()
        .map(|change| &change.path[..])
        .collect();
    assert_eq!(
        paths,
        ["evaluation.unseen_levels", "grpo.reward_weights.format"]
    );
    assert!(checked.changed.contains("grpo.reward_weights"));
}

#[test]
fn another_preset_can_take_the_changes() {
    let draft = quickstart(&[("seed", "3"), ("task.arithmetic.max_operand", "9")]);
    let moved = draft.moved_to("arithmetic.toml");
    assert_eq!(moved.base().preset.file, "arithmetic.toml");
    // Its own value is no change.
    assert_eq!(moved.check().changed, BTreeSet::from(["seed".to_owned()]));
    assert_eq!(
        draft.moved_to("gone.toml").base().preset.file,
        bases()[0].preset.file
    );
}

#[test]
fn a_replaced_draft_can_be_had_back() {
    let mut room = Configure {
        draft: quickstart(&[("seed", "3")]),
        ..Configure::default()
    };
    let other = bases()[2].preset.config.clone();
    room.open(other.clone());
    assert_eq!(config(&room.draft), other);
    assert_eq!(room.before, Some(quickstart(&[("seed", "3")])));
    // What had no changes is not worth going back to.
    room.open(RunConfig::default());
    assert_eq!(room.before, None);
    assert_eq!(config(&room.draft), RunConfig::default());
}

#[test]
fn the_room_is_kept_with_what_was_typed() {
    let mut room = Configure::default();
    room.draft.set("seed", "not yet a number".into());
    let text = serde_json::to_string(&room).unwrap();
    let again: Configure = serde_json::from_str(&text).unwrap();
    assert_eq!(again.draft, room.draft);
    // What an earlier version had, and this one does not, is no change.
    let old = r#"{"draft": {"file": "gone.toml", "edits": {"sft.gone": "1"}}}"#;
    let old: Configure = serde_json::from_str(old).unwrap();
    assert!(!old.draft.has_edits());
    assert_eq!(config(&old.draft), bases()[0].preset.config);
    let empty: Configure = serde_json::from_str("{}").unwrap();
    assert_eq!(empty.draft, Draft::default());
}
