//! What is listed and said, and the room driven through its accessible names.

use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::{self, Role};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::list::{Row, State, ago, differences, grouped, rows};
use super::{Start, offers};
use crate::app::engine::Request;
use crate::app::library::{Errand, Found, RunCard, SavedWhat};
use crate::app::presets;
use crate::app::record::{Motion, Record};
use crate::app::rooms::Room;
use crate::app::{Action, Actions, Place, World};
use crate::config::{Method, RunConfig};
use crate::runs::changes::Change;

fn card(key: &str, changed: u64) -> RunCard {
    RunCard {
        key: key.into(),
        name: key.rsplit('/').next().unwrap_or(key).into(),
        description: String::new(),
        method: Method::Sasr,
        seed: 0,
        task: "arithmetic".into(),
        step: 400,
        max_steps: 1600,
        finished: false,
        accuracy: Some(0.5),
        changed,
        differences: Vec::new(),
        changes: Vec::new(),
        damaged: None,
    }
}

fn world<'a>(
    records: &'a BTreeMap<String, Record>,
    runs: &'a [RunCard],
    live: Option<&'a str>,
) -> World<'a> {
    World {
        records,
        shown: None,
        live,
        queue: None,
        runs,
        selected: None,
        time: 1.0,
    }
}

#[test]
fn times_are_told_in_words() {
    let minute = 60;
    let day = 24 * 60 * minute;
    for (seconds, words) in [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (59 * minute, "59 minutes ago"),
        (60 * minute, "1 hour ago"),
        (day - 1, "23 hours ago"),
        (day, "yesterday"),
        (2 * day - 1, "yesterday"),
        (2 * day, "2 days ago"),
        (14 * day, "2 weeks ago"),
        (60 * day, "2 months ago"),
        (364 * day, "12 months ago"),
        (365 * day, "1 year ago"),
        (800 * day, "2 years ago"),
    ] {
        assert_eq!(ago(seconds), words, "{seconds}");
    }
    assert_eq!(
        [0, 999, 1000, 1234567].map(grouped),
        ["0", "999", "1,000", "1,234,567"]
    );
}

#[test]
fn runs_are_grouped_by_their_folder_newest_first() {
    let keys = ["b/one", "single", "a/x", "b/two", "other", "/far/away/run"];
    let runs: Vec<RunCard> = keys.iter().map(|key| card(key, 0)).collect();
    let group = |name: &str, runs| Row::Group {
        name: name.into(),
        runs,
    };
    let all = rows(&runs, "", &BTreeSet::new());
    let expected = [
        Row::Run(1),
        Row::Run(4),
        group("b", 2),
        Row::Run(0),
        Row::Run(3),
        group("a", 1),
        Row::Run(2),
        group("/far/away", 1),
        Row::Run(5),
    ];
    assert_eq!(all, expected);
    let folded = BTreeSet::from(["b".to_owned()]);
    let some = rows(&runs, " ", &folded);
    assert_eq!(some[2..4], [group("b", 2), group("a", 1)]);
    // What is looked for is shown even in a folder that is folded away.
    assert_eq!(rows(&runs, "TWO b/", &folded), [group("b", 1), Row::Run(3)]);
    assert!(rows(&runs, "one two", &folded).is_empty());
}

#[test]
fn the_filter_looks_at_methods_settings_and_states() {
    let mut runs = vec![card("a", 0), card("b", 0), card("c", 0)];
    runs[0].method = Method::Grpo;
    runs[1].differences = vec![("balance.gamma".into(), "1.0".into(), "2.0".into())];
    runs[2].finished = true;
    for (filter, found) in [("grpo", 0), ("gamma=2", 1), ("Finished arithmetic", 2)] {
        assert_eq!(
            rows(&runs, filter, &BTreeSet::new()),
            [Row::Run(found)],
            "{filter}"
        );
    }
    assert_eq!(differences(&runs[1]), "gamma 2.0");
    runs[1].changes = vec![Change {
        step: 300,
        path: "balance.gamma".into(),
        before: "1.5".into(),
        value: "2.0".into(),
    }];
    let told = differences(&runs[1]);
    assert_eq!(told, "gamma 2.0 · gamma 1.5 → 2.0 from step 301");
    // A run is found by what it was before, too.
    let found = rows(&runs, "changed gamma=1.5", &BTreeSet::new());
    assert_eq!(found, [Row::Run(1)]);
}

#[test]
fn a_runs_state_is_what_is_known_of_it() {
    let mut run = card("run", 1000);
    let mut records = BTreeMap::new();
    let state = |run: &RunCard, records: &BTreeMap<String, Record>, live, now| {
        State::of(run, &world(records, &[], live), now)
    };
    assert_eq!(state(&run, &records, None, 1005), State::Elsewhere);
    assert_eq!(state(&run, &records, None, 1100), State::Stopped);
    assert_eq!(state(&run, &records, Some("run"), 1100), State::Training);
    for (motion, expected) in [
        (Motion::Followed, State::Elsewhere),
        (Motion::Here { paused: false }, State::Training),
        (Motion::Here { paused: true }, State::Paused),
        // Just stopped here: nobody else works on it.
        (Motion::Still, State::Stopped),
    ] {
        let record = Record::new("run".into(), RunConfig::default(), motion);
        records.insert("run".into(), record);
        assert_eq!(state(&run, &records, None, 1005), expected);
    }
    run.finished = true;
    assert_eq!(state(&run, &records, None, 1005), State::Finished);
    run.damaged = Some("torn".into());
    assert_eq!(state(&run, &records, None, 1005), State::Damaged);
}

#[test]
fn presets_have_titles_and_say_what_they_are() {
    let presets = presets::all();
    let titles: Vec<String> = presets.iter().map(offers::title).collect();
    assert_eq!(titles[0], "Quickstart");
    assert!(titles.contains(&"GSM8K".to_owned()), "{titles:?}");
    assert_eq!(offers::about(&presets[0].config), "Arithmetic, level 3");
    let gsm8k = presets.iter().find(|preset| preset.needs_files).unwrap();
    assert_eq!(offers::files(gsm8k).count(), 2);
}

/// The room with runs, and everything it asked for.
struct Stage {
    room: Start,
    runs: Vec<RunCard>,
    live: Option<String>,
    actions: Actions,
}

fn harness(runs: Vec<RunCard>, live: Option<&str>) -> Harness<'static, Stage> {
    let stage = Stage {
        room: Start::default(),
        runs,
        live: live.map(str::to_owned),
        actions: Actions::default(),
    };
    let show = |ui: &mut egui::Ui, stage: &mut Stage| {
        let records = BTreeMap::new();
        let world = world(&records, &stage.runs, stage.live.as_deref());
        stage.room.show(ui, &world, &mut stage.actions);
    };
    let mut harness = Harness::builder()
        .with_size(egui::vec2(900.0, 1400.0))
        .build_ui_state(show, stage);
    harness.run();
    harness
}

/// What was asked for since the last look.
fn taken(harness: &mut Harness<'static, Stage>) -> Vec<Action> {
    harness.run();
    std::mem::take(&mut harness.state_mut().actions.list)
}

fn click(harness: &mut Harness<'static, Stage>, label: &str) -> Vec<Action> {
    taken(harness);
    harness.get_by_label(label).click();
    taken(harness)
}

#[test]
fn start_trains_the_first_preset_at_once() {
    let mut harness = harness(Vec::new(), None);
    let actions = click(&mut harness, "Start");
    let Some(Action::Train(config)) = actions.first() else {
        panic!("nothing is trained");
    };
    assert_eq!(**config, presets::all()[0].config);
    let actions = click(&mut harness, "Configure Countdown");
    let Some(Action::Configure(config)) = actions.first() else {
        panic!("nothing is configured");
    };
    assert_eq!(config.name, "countdown");
    assert!(harness.query_by_label("No runs yet").is_some());
}

#[test]
fn a_preset_without_its_files_says_which_and_cannot_start() {
    let mut harness = harness(Vec::new(), None);
    let asked = taken(&mut harness);
    let ticket = asked.iter().find_map(|action| match action {
        Action::Library(Errand::Missing { ticket, files }) => {
            assert_eq!(files.len(), 2);
            Some(*ticket)
        }
        _ => None,
    });
    let files = vec!["data/gsm8k/test.jsonl".to_owned()];
    let found = Found::Missing {
        ticket: ticket.unwrap(),
        files,
    };
    harness.state_mut().room.found(&found);
    harness.run();
    let note = harness.query_by_label_contains("Missing data/gsm8k/test.jsonl");
    assert!(note.is_some());
    assert!(click(&mut harness, "Start GSM8K").is_empty());
    assert!(!click(&mut harness, "Start Countdown").is_empty());
}

#[test]
fn a_run_is_opened_resumed_and_exported() {
    let mut harness = harness(vec![card("both/one", 0)], None);
    let actions = click(&mut harness, "Open both/one");
    assert!(matches!(&actions[0], Action::Show(run) if run == "both/one"));
    assert!(matches!(actions[1], Action::Go(Place::Balance)));
    let actions = click(&mut harness, "Resume both/one");
    assert!(
        matches!(&actions[0], Action::Engine(Request::Resume { run, .. }) if run == "both/one")
    );
    click(&mut harness, "More about both/one");
    let actions = click(&mut harness, "Export zip…");
    let Some(Action::Library(Errand::Save(saved))) = actions.first() else {
        panic!("nothing is saved");
    };
    assert_eq!(saved.name, "one.zip");
    assert!(matches!(&saved.what, SavedWhat::Zip(run) if run == "both/one"));
}

#[test]
fn while_a_run_is_on_it_can_be_watched_and_nothing_else_starts() {
    let mut harness = harness(vec![card("now", 0), card("then", 0)], Some("now"));
    assert!(harness.query_by_label("Start").is_none());
    assert!(harness.query_by_label("Resume now").is_none());
    assert!(click(&mut harness, "Resume then").is_empty());
    assert!(click(&mut harness, "Start Countdown").is_empty());
    let actions = click(&mut harness, "Watch");
    assert!(matches!(&actions[0], Action::Show(run) if run == "now"));
}

#[test]
fn a_run_is_renamed_in_its_line() {
    let mut harness = harness(vec![card("one", 0)], None);
    click(&mut harness, "More about one");
    click(&mut harness, "Rename…");
    let field = harness.get_by_role_and_label(Role::TextInput, "New name");
    field.click();
    field.type_text("/two");
    harness.run();
    assert!(
        click(&mut harness, "Rename").is_empty(),
        "a folder's name has no slash"
    );
    harness
        .get_by_role_and_label(Role::TextInput, "New name")
        .focus();
    (0..7).for_each(|_| harness.key_press(egui::Key::Backspace));
    harness.run();
    harness
        .get_by_role_and_label(Role::TextInput, "New name")
        .type_text("two");
    let actions = click(&mut harness, "Rename");
    let [Action::Library(Errand::Rename { run, name })] = actions.as_slice() else {
        panic!("nothing is renamed");
    };
    assert_eq!((run.as_str(), name.as_str()), ("one", "two"));
    assert!(harness.query_by_label("New name").is_none());
}

#[test]
fn a_run_is_only_binned_after_a_question() {
    let mut harness = harness(vec![card("one", 0)], None);
    for (answer, binned) in [("Keep it", 0), ("Move to bin", 1)] {
        click(&mut harness, "More about one");
        assert!(click(&mut harness, "Delete…").is_empty());
        let actions = click(&mut harness, answer);
        assert_eq!(actions.len(), binned);
        assert!(
            actions.iter().all(
                |action| matches!(action, Action::Library(Errand::Delete(run)) if run == "one")
            )
        );
        assert!(harness.query_by_label(answer).is_none());
    }
}

#[test]
fn a_file_can_be_chosen() {
    let mut harness = harness(Vec::new(), None);
    let actions = click(&mut harness, "Open…");
    assert!(matches!(actions[0], Action::Library(Errand::Choose)));
}
