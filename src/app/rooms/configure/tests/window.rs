use std::collections::BTreeMap;

use eframe::egui::{Key, Modifiers, accesskit::Role, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::{config, quickstart};
use crate::app::engine::Request;
use crate::app::library::{Errand, SavedWhat};
use crate::app::rooms::Room;
use crate::app::rooms::configure::Configure;
use crate::app::rooms::configure::draft::{Draft, bases};
use crate::app::{Action, Actions, World};
use crate::config::RunConfig;

/// The room with what it asked for, and what it is told.
#[derive(Default)]
struct Shown {
    room: Configure,
    actions: Actions,
    live: Option<&'static str>,
    time: f64,
}

fn window(draft: Draft) -> Harness<'static, Shown> {
    let mut shown = Shown::default();
    shown.room.draft = draft;
    let mut harness = Harness::builder().with_size([900.0, 560.0]).build_ui_state(
        |ui, shown: &mut Shown| {
            let records = BTreeMap::new();
            let world = World {
                records: &records,
                shown: None,
                live: shown.live,
                queue: None,
                runs: &[],
                selected: None,
                time: shown.time,
            };
            shown.room.show(ui, &world, &mut shown.actions);
        },
        shown,
    );
    harness.run();
    harness
}

/// Replaces what stands in a field.
fn write(harness: &mut Harness<'_, Shown>, name: &str, text: &str) {
    harness.get_by_label(name).focus();
    harness.run();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.get_by_label(name).type_text(text);
    harness.run();
}

fn is_enabled(harness: &Harness<'_, Shown>, name: &str) -> bool {
    !harness.get_by_label(name).accesskit_node().is_disabled()
}

/// A field that is drawn further down.
const BELOW: &str = "(grpo.max_completion_length)";
const GENERATIONS: &str = "Number of generations (grpo.num_generations)";

#[test]
fn a_wrong_value_is_marked_and_keeps_the_run_from_starting() {
    let mut harness = window(Draft::default());
    assert!(is_enabled(&harness, "Start"));
    let below = |harness: &Harness<'_, Shown>| harness.get_by_label_contains(BELOW).rect();
    // Writing brings the field into view; from then on nothing may move.
    write(&mut harness, GENERATIONS, "8");
    let before = (below(&harness), harness.get_by_label(GENERATIONS).rect());
    write(&mut harness, GENERATIONS, "1");
    // What is wrong moves nothing: the next click would land in another field.
    let now = (below(&harness), harness.get_by_label(GENERATIONS).rect());
    assert_eq!(now, before);
    // In the row, and in full below.
    let reason = "must be a whole number from 2 to 4096; advantages";
    assert!(harness.query_all_by_label_contains(reason).count() > 0);
    harness.get_by_label_contains("One thing is to be corrected");
    assert!(!is_enabled(&harness, "Start") && !is_enabled(&harness, "Save TOML…"));
    harness.get_by_label("Start").click();
    harness.run();
    assert!(harness.state().actions.list.is_empty());

    write(&mut harness, GENERATIONS, "16");
    assert!(harness.query_by_label_contains("must be a whole").is_none());
    let line = "sasr train configs/quickstart.toml --set grpo.num_generations=16";
    let command = harness.get_by_role_and_label(Role::MultilineTextInput, "Command line");
    assert_eq!(command.value().as_deref(), Some(line));
    harness.get_by_label("Copy command line").click();
    harness.get_by_label("Save TOML…").click();
    harness.get_by_label("Start").click();
    harness.run();
    let expected = config(&quickstart(&[("grpo.num_generations", "16")]));
    let mut done = 0;
    for action in &harness.state().actions.list {
        match action {
            Action::Copy(text) => assert_eq!(text, line),
            Action::Train(config) => assert_eq!(**config, expected),
            Action::Library(Errand::Save(saved)) => {
                assert_eq!(saved.name, "quickstart.toml");
                let SavedWhat::Bytes(bytes) = &saved.what else {
                    panic!("{saved:?}");
                };
                let text = String::from_utf8(bytes.clone()).unwrap();
                assert_eq!(RunConfig::from_toml(&text, "", &[]).unwrap(), expected);
            }
            _ => panic!("something else was asked for"),
        }
        done += 1;
    }
    assert_eq!(done, 3);
}

#[test]
fn a_change_can_be_taken_back_at_its_field() {
    let mut harness = window(quickstart(&[("max_steps", "900"), ("seed", "4")]));
    harness.get_by_label("was 1600");
    harness.get_by_label("Reset max_steps").click();
    harness.run();
    assert_eq!(harness.state().room.draft, quickstart(&[("seed", "4")]));
    harness.get_by_label("Undo the change of seed").click();
    harness.run();
    assert_eq!(harness.state().room.draft, Draft::default());
}

#[test]
fn arrow_keys_change_a_number() {
    let mut harness = window(Draft::default());
    harness.get_by_label(GENERATIONS).focus();
    harness.run();
    harness.key_press(Key::ArrowUp);
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert_eq!(
        harness.state().room.draft.text("grpo.num_generations"),
        "10"
    );
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    harness.run();
    assert_eq!(
        harness.state().room.draft.text("grpo.num_generations"),
        "20"
    );
}

#[test]
fn a_hidden_problem_is_listed_with_a_way_to_it() {
    let mut harness = window(quickstart(&[("task.kind", "gsm8k")]));
    let field = "Files train (task.files.train)";
    assert!(harness.query_by_label(field).is_none());
    harness
        .get_by_role_and_label(Role::Link, "task.files.train")
        .click();
    harness.run();
    assert!(harness.get_by_label(field).is_focused());
    harness.get_by_label(field).type_text("a.jsonl");
    harness.run();
    let draft = &harness.state().room.draft;
    assert_eq!(draft.text("task.files.train"), "a.jsonl");
}

#[test]
fn the_settings_can_be_sent_to_a_comparison() {
    let mut harness = window(quickstart(&[("max_steps", "190")]));
    harness.get_by_label("Compare methods…").click();
    harness.run();
    let expected = config(&quickstart(&[("max_steps", "190")]));
    let list = &harness.state().actions.list;
    assert!(matches!(&list[..], [Action::Compare(config)] if **config == expected));
}

#[test]
fn a_search_finds_what_is_hidden() {
    let mut harness = window(Draft::default());
    assert!(harness.query_by_label_contains("grpo.delta").is_none());
    write(&mut harness, "Search settings", "two-sided");
    write(&mut harness, "GRPO delta (grpo.delta)", "9");
    assert!(harness.query_by_label(GENERATIONS).is_none());
    assert_eq!(
        harness.state().room.draft,
        quickstart(&[("grpo.delta", "9")])
    );
}

#[test]
fn choices_are_chosen_from_a_list() {
    let mut harness = window(Draft::default());
    harness.get_by_label("Task kind (task.kind)").click();
    harness.run();
    harness.get_by_label("countdown").click();
    harness.run();
    assert_eq!(harness.state().room.draft.text("task.kind"), "countdown");
}

#[test]
fn another_preset_asks_about_the_changes() {
    let choose = |harness: &mut Harness<'_, Shown>, answer: &str| {
        harness.get_by_label("Preset").click();
        harness.run();
        harness.get_by_label("countdown").click();
        harness.run();
        if !answer.is_empty() {
            harness.get_by_label(answer).click();
            harness.run();
        }
    };
    let changed = quickstart(&[("seed", "4")]);
    let countdown = Draft::from_preset("countdown.toml");

    let mut harness = window(Draft::default());
    choose(&mut harness, "");
    assert_eq!(harness.state().room.draft, countdown);

    let mut harness = window(changed.clone());
    choose(&mut harness, "Cancel");
    assert_eq!(harness.state().room.draft, changed);
    choose(&mut harness, "Keep my changes");
    assert_eq!(
        harness.state().room.draft,
        changed.moved_to("countdown.toml")
    );

    let mut harness = window(changed.clone());
    choose(&mut harness, "Drop my changes");
    assert_eq!(harness.state().room.draft, countdown);
    harness.get_by_label("Undo").click();
    harness.run();
    assert_eq!(harness.state().room.draft, changed);
}

#[test]
fn no_second_run_is_started() {
    let mut harness = window(Draft::default());
    harness.state_mut().live = Some("first");
    harness.run();
    harness.get_by_label_contains("first is being trained");
    assert!(!is_enabled(&harness, "Start"));
}

#[test]
fn the_engine_is_asked_when_a_change_has_rested() {
    let mut harness = window(Draft::default());
    let asked = |harness: &mut Harness<'_, Shown>| -> Vec<RunConfig> {
        let actions = std::mem::take(&mut harness.state_mut().actions.list);
        let config = |action| match action {
            Action::Engine(Request::Preview { config, .. }) => Some(*config),
            _ => None,
        };
        actions.into_iter().filter_map(config).collect()
    };
    harness.get_by_label("Data").click();
    harness.run_steps(3);
    assert_eq!(asked(&mut harness), [bases()[0].preset.config.clone()]);
    let changed = quickstart(&[("seed", "4")]);
    harness.state_mut().time = 10.0;
    harness.state_mut().room.draft = changed.clone();
    harness.run_steps(2);
    harness.state_mut().time = 10.5;
    harness.run_steps(2);
    assert!(asked(&mut harness).is_empty());
    harness.state_mut().time = 10.7;
    harness.run_steps(2);
    assert_eq!(asked(&mut harness), [config(&changed)]);
    // What is wrong is never asked about.
    harness.state_mut().room.draft.set("seed", "x".into());
    harness.run_steps(2);
    harness.state_mut().time = 20.0;
    harness.run_steps(2);
    assert!(asked(&mut harness).is_empty());
}

#[test]
fn dragging_its_name_changes_a_number() {
    let mut harness = window(Draft::default());
    let name = harness.get_by_label("Max steps").rect();
    let start = name.left_center() + vec2(4.0, 0.0);
    harness.drag_at(start);
    harness.run();
    harness.hover_at(start + vec2(10.0, 0.0));
    harness.run();
    harness.hover_at(start + vec2(20.0, 0.0));
    harness.run();
    harness.drop_at(start + vec2(20.0, 0.0));
    harness.run();
    // Three whole steps of a hundred; what is left over is not rounded up.
    assert_eq!(harness.state().room.draft.text("max_steps"), "1900");
}

#[test]
fn the_tab_key_goes_from_field_to_field() {
    let mut harness = window(Draft::default());
    harness.get_by_label("Name (name)").focus();
    harness.run();
    for next in [
        "Max steps (max_steps)",
        "Seed (seed)",
        "Task kind (task.kind)",
    ] {
        harness.key_press(Key::Tab);
        harness.run();
        assert!(harness.get_by_label(next).is_focused(), "{next}");
    }
}
