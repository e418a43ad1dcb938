//! The window, driven as a user would through its accessibility tree, with the real engine and the
//! real library on real folders.
#![cfg(feature = "app")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use sasr::app::engine::Request;
use sasr::app::record::{Motion, Record};
use sasr::app::stopper::Stopper;
use sasr::app::studio::Studio;
use sasr::app::{Action, Place, engine, library};
use sasr::balance::replay;
use sasr::config::RunConfig;
use sasr::runs::RunData;
use sasr::training::{Command, StepRecord};

/// Seconds that anything may take at most; nothing here is about speed.
const PATIENCE: u64 = 120;

type Window = Harness<'static, Studio>;

/// A folder of this test's own, away when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sasr-window-{name}-{}", std::process::id()));
        std::fs::remove_dir_all(&path).ok();
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn open(runs: &Path) -> Window {
    open_as_left(runs, None)
}

/// Opens the window with what was kept of it.
fn open_as_left(runs: &Path, memory: Option<Memory>) -> Window {
    open_with(runs, memory, Stopper::default())
}

/// The same with somebody who can close it from outside.
fn open_with(runs: &Path, memory: Option<Memory>, stopper: Stopper) -> Window {
    let runs = runs.to_path_buf();
    Harness::builder()
        .with_size(egui::vec2(1280.0, 820.0))
        .with_max_steps(64)
        .build_eframe(move |creation| {
            let context = creation.egui_ctx.clone();
            let engine = engine::spawn(runs.clone(), context.clone()).unwrap();
            let library = library::spawn(runs, context.clone()).unwrap();
            let memory = memory.as_ref().map(|memory| memory as &dyn eframe::Storage);
            Studio::new(&context, memory, engine, library).stopped_by(stopper)
        })
}

/// Draws frames until something holds.
fn until(window: &mut Window, what: &str, holds: impl Fn(&Window) -> bool) {
    let begun = Instant::now();
    loop {
        window.step();
        if holds(window) {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(PATIENCE),
            "waited {PATIENCE} s for {what}; seen: {:?}",
            texts(window)
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every label and value in the tree.
fn texts(window: &Window) -> Vec<String> {
    let all = window.root().children_recursive();
    all.filter_map(|node| {
        node.accesskit_node()
            .label()
            .or(node.accesskit_node().value())
    })
    .collect()
}

fn shows(window: &Window, text: &str) -> bool {
    texts(window).iter().any(|label| label.contains(text))
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.step();
    window.step();
}

/// Clicks the button of that name in the room, not the one in the list of rooms.
fn click_in_room(window: &mut Window, label: &str) {
    let buttons = window.query_all_by_label(label);
    buttons.last().expect("a button of that name").click();
    window.run_steps(2);
}

/// Replaces the text of a field.
fn write(window: &mut Window, label: &str, text: &str) {
    window.get_by_label(label).focus();
    window.step();
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.step();
    window.get_by_label(label).type_text(text);
    window.run_steps(4);
}

fn record<'a>(window: &'a Window, run: &str) -> Option<&'a Record> {
    window.state().records().get(run)
}

fn is_finished(window: &Window, run: &str) -> bool {
    record(window, run).is_some_and(|record| record.finished && record.motion == Motion::Still)
}

/// A run of seconds.
fn tiny(name: &str, steps: u64) -> RunConfig {
    let text = format!(
        "name = \"{name}\"
        max_steps = {steps}
        [task.arithmetic]
        max_operand = 5
        [model]
        hidden_size = 16
        num_hidden_layers = 1
        num_attention_heads = 2
        [base]
        steps = 0
        [sft]
        batch_size = 4
        [grpo]
        num_prompts = 2
        num_generations = 4
        max_completion_length = 24
        [balance]
        warmup_steps = 4
        [curriculum]
        levels = [1, 1]
        start = 1
        [exam]
        every = 6
        problems = 4
        [evaluation]
        problems = 4
        samples = 2
        [checkpoint]
        every = 5"
    );
    RunConfig::from_toml(&text, "test", &[]).unwrap()
}

fn train(window: &mut Window, config: RunConfig) {
    let name = config.name.clone();
    window.state_mut().act(Action::Train(Box::new(config)));
    until(window, "the run to be finished", |window| {
        is_finished(window, &name)
    });
}

fn log(runs: &Path, run: &str) -> Vec<StepRecord> {
    RunData::open(&runs.join(run)).unwrap().steps
}

#[test]
fn a_run_configured_in_the_form_is_trained_to_its_end_and_decisions_are_as_logged() {
    let folder = Folder::new("form");
    let mut window = open(&folder.0);
    let config = Box::new(tiny("formed", 14));
    window.state_mut().act(Action::Configure(config.clone()));
    window.run_steps(4);
    click_in_room(&mut window, "Start");
    until(&mut window, "the run to be finished", |window| {
        is_finished(window, "formed")
    });
    assert_eq!(window.state().place(), Place::Balance);
    let steps = log(&folder.0, "formed");
    assert_eq!(steps.len(), 14);

    let seen = record(&window, "formed").unwrap();
    assert_eq!(seen.config, config.clone().settled());
    let again = replay(
        &config.balance,
        config.seed,
        config.max_steps,
        &seen.measured,
    )
    .unwrap();
    for (logged, replayed) in steps.iter().zip(&again) {
        assert_eq!(
            logged.decision.as_ref(),
            Some(replayed),
            "step {}",
            logged.step
        );
        let shown = seen.step_record(logged.step).unwrap();
        assert_eq!(&shown, logged);
    }

    // The card of a step says that step's numbers.
    for logged in steps.iter().filter(|step| step.step > 4) {
        window.state_mut().act(Action::Select(Some(logged.step)));
        window.run_steps(3);
        let decision = logged.decision.as_ref().unwrap();
        assert!(shows(&window, &decision.sentence()), "{:?}", texts(&window));
        let p = format!("{:.3}", decision.p);
        assert!(
            shows(&window, &p),
            "p = {p} is not shown at step {}",
            logged.step
        );
    }
}

#[test]
fn a_wrong_value_is_marked_in_the_programs_words_and_nothing_can_be_started() {
    let folder = Folder::new("wrong");
    let mut window = open(&folder.0);
    let config = Box::new(tiny("wrong", 10));
    window.state_mut().act(Action::Configure(config));
    window.run_steps(4);
    let can_start = |window: &Window| {
        let start = window.query_all_by_label("Start").last().unwrap();
        !start.accesskit_node().is_disabled()
    };
    assert!(can_start(&window));
    write(&mut window, "Max steps (max_steps)", "0");
    assert!(!can_start(&window));
    let error = RunConfig::from_toml("max_steps = 0", "", &[]).unwrap_err();
    let sasr::config::ProblemKind::OutOfRange { allowed, .. } = &error.problems[0].kind else {
        panic!("{error}");
    };
    assert!(shows(&window, allowed), "{allowed}: {:?}", texts(&window));
    write(&mut window, "Max steps (max_steps)", "12");
    assert!(can_start(&window), "{:?}", texts(&window));
    click_in_room(&mut window, "Start");
    until(&mut window, "the run to be finished", |window| {
        is_finished(window, "wrong")
    });
    assert_eq!(log(&folder.0, "wrong").len(), 12);
}

#[test]
fn runs_are_compared_with_their_own_numbers_and_settings() {
    let folder = Folder::new("compare");
    let mut window = open(&folder.0);
    let mut configs = vec![tiny("one", 12), tiny("two", 12), tiny("three", 12)];
    configs[1].balance.method = sasr::config::Method::Sft;
    configs[2].balance.method = sasr::config::Method::Grpo;
    configs[1].grpo.learning_rate = 0.00123;
    for config in &configs {
        train(&mut window, config.clone());
    }
    window.state_mut().act(Action::Go(Place::Compare));
    until(&mut window, "the list of runs", |window| {
        configs
            .iter()
            .all(|config| window.query_by_label(&config.name).is_some())
    });
    // The run that is shown is chosen at first.
    until(&mut window, "the run shown", |window| {
        shows(window, "1 run in 1 group")
    });
    // Two of the three; the third must not show up among the results.
    click(&mut window, "three");
    click(&mut window, "one");
    click(&mut window, "two");
    click(&mut window, "Results");
    let accuracy = |name: &str| {
        let run = RunData::open(&folder.0.join(name)).unwrap();
        let comparison = sasr::runs::Comparison::of(&[run]).unwrap();
        let mean = comparison.groups[0].numbers["accuracy"].mean;
        format!("{:.1} %", 100.0 * mean)
    };
    until(&mut window, "the results", |window| {
        shows(window, "2 runs in 2 groups")
    });
    // Each number stands where the list of runs shows it, and among the results.
    for name in ["one", "two"] {
        until(&mut window, "the accuracy", |window| {
            shows(window, &accuracy(name))
        });
    }
    click(&mut window, "Settings");
    until(&mut window, "the settings that differ", |window| {
        shows(window, "grpo.learning_rate") && shows(window, "0.00123")
    });
    let grpo_alone = |window: &Window| texts(window).iter().any(|text| text == "\"grpo\"");
    assert!(!grpo_alone(&window), "{:?}", texts(&window));
    click(&mut window, "three");
    until(&mut window, "three groups", |window| {
        shows(window, "3 runs in 3 groups") && grpo_alone(window)
    });
}

#[test]
fn a_checkpoint_answers_a_problem_and_its_paths_are_drawn() {
    let folder = Folder::new("ask");
    let mut window = open(&folder.0);
    train(&mut window, tiny("asked", 12));
    window.state_mut().act(Action::Go(Place::Ask));
    window.run_steps(3);
    click(&mut window, "Ask");
    until(&mut window, "the answers", |window| {
        shows(window, "Show the answer")
    });
    window.state_mut().act(Action::Go(Place::Paths));
    window.run_steps(3);
    click(&mut window, "Sample");
    until(&mut window, "both trees", |window| {
        texts(window)
            .iter()
            .filter(|text| text.contains("of 16"))
            .count()
            >= 2
    });
}

#[test]
fn a_run_is_paused_stepped_stopped_resumed_and_extended() {
    let folder = Folder::new("resume");
    let mut window = open(&folder.0);
    window
        .state_mut()
        .act(Action::Train(Box::new(tiny("halting", 400))));
    until(&mut window, "ten steps", |window| {
        record(window, "halting").is_some_and(|record| record.step() >= 10)
    });
    click(&mut window, "Pause");
    until(&mut window, "the pause", |window| {
        record(window, "halting").unwrap().motion == Motion::Here { paused: true }
    });
    let paused_at = record(&window, "halting").unwrap().step();
    click(&mut window, "Single step");
    until(&mut window, "one more step", |window| {
        let record = record(window, "halting").unwrap();
        record.step() == paused_at + 1 && record.motion == Motion::Here { paused: true }
    });
    // Nothing goes on by itself.
    for _ in 0..20 {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(record(&window, "halting").unwrap().step(), paused_at + 1);
    click(&mut window, "Stop and save");
    until(&mut window, "the end", |window| {
        record(window, "halting").unwrap().motion == Motion::Still
    });
    assert!(!record(&window, "halting").unwrap().finished);
    let stopped_at = log(&folder.0, "halting").len();
    assert!(stopped_at < 400);

    let set = vec![format!("max_steps={}", stopped_at + 7)];
    window.state_mut().act(Action::Engine(Request::Resume {
        run: "halting".into(),
        checkpoint: None,
        set,
    }));
    until(&mut window, "the resumed run to be finished", |window| {
        is_finished(window, "halting")
    });
    let steps = log(&folder.0, "halting");
    assert_eq!(steps.len(), stopped_at + 7);
    let seen = record(&window, "halting").unwrap();
    assert_eq!(
        seen.columns.first(),
        1,
        "what was said before the stop is shown"
    );
    assert_eq!(seen.step(), steps.len() as u64);
    let losses: Vec<f32> = steps.iter().map(|step| step.loss as f32).collect();
    assert_eq!(seen.columns.get("loss").unwrap(), losses);
}

#[test]
fn a_live_setting_is_changed_and_a_wrong_one_refused_in_words() {
    let folder = Folder::new("live");
    let mut window = open(&folder.0);
    window
        .state_mut()
        .act(Action::Train(Box::new(tiny("changing", 60))));
    until(&mut window, "six steps", |window| {
        record(window, "changing").is_some_and(|record| record.step() >= 6)
    });
    let tell = |path: &str, value: &str| {
        let (path, value) = (path.to_owned(), value.to_owned());
        Action::Engine(Request::Tell(Command::Set { path, value }))
    };
    window.state_mut().act(tell("balance.gamma", "3.5"));
    window.state_mut().act(tell("model.hidden_size", "32"));
    until(&mut window, "the refusal", |window| {
        shows(window, "cannot be changed while a run goes on")
    });
    until(&mut window, "the run to be finished", |window| {
        is_finished(window, "changing")
    });
    let run = RunData::open(&folder.0.join("changing")).unwrap();
    assert_eq!(run.config.balance.gamma, 3.5);
    assert_eq!(
        record(&window, "changing").unwrap().config.balance.gamma,
        3.5
    );
    let last = run.steps.last().unwrap().decision.clone().unwrap();
    let gamma = last.terms.iter().find(|term| term.name == "gamma").unwrap();
    assert!((gamma.value + 3.5f64.ln()).abs() < 1e-12);
}

#[test]
fn a_run_of_the_command_line_is_followed_while_it_grows() {
    let folder = Folder::new("follow");
    let config = tiny("followed", 120);
    let file = folder.0.join("followed.toml");
    std::fs::write(&file, config.to_toml().unwrap()).unwrap();
    let runs = folder.0.join("runs");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sasr"))
        .args([
            "train",
            file.to_str().unwrap(),
            "--out",
            runs.to_str().unwrap(),
            "--json",
        ])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // It is written last: before that, the folder holds no run yet.
    while !runs.join("followed/config.toml").exists() {
        assert!(
            child
                .try_wait()
                .unwrap()
                .is_none_or(|status| status.success())
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut window = open(&runs);
    window.state_mut().act(Action::Show("followed".into()));
    until(&mut window, "the followed run's end", |window| {
        record(window, "followed").is_some_and(|record| record.finished)
    });
    assert!(child.wait().unwrap().success());
    let seen = record(&window, "followed").unwrap();
    let steps = log(&runs, "followed");
    assert_eq!(seen.step(), 120);
    let grad_norms: Vec<f32> = steps.iter().map(|step| step.grad_norm as f32).collect();
    assert_eq!(seen.columns.get("grad_norm").unwrap(), grad_norms);
    let evaluations = RunData::open(&runs.join("followed")).unwrap().evaluations;
    assert_eq!(seen.evaluations, evaluations);
}

#[test]
fn a_run_that_cannot_be_started_says_why() {
    let folder = Folder::new("refused");
    let mut window = open(&folder.0);
    let mut config = tiny("refused", 10);
    config.sft.max_length = 3;
    window.state_mut().act(Action::Train(Box::new(config)));
    until(&mut window, "the reason", |window| {
        shows(window, "sft.max_length")
    });
    assert!(!folder.0.join("refused").exists());
}

#[test]
fn closing_while_a_run_is_on_asks_and_can_stop_and_save() {
    let folder = Folder::new("closing");
    let mut window = open(&folder.0);
    window
        .state_mut()
        .act(Action::Train(Box::new(tiny("closing", 100_000))));
    until(&mut window, "some steps", |window| {
        record(window, "closing").is_some_and(|record| record.step() >= 8)
    });
    let root = egui::ViewportId::ROOT;
    let viewport = window.input_mut().viewports.get_mut(&root).unwrap();
    viewport.events.push(egui::ViewportEvent::Close);
    window.step();
    let commands = |window: &Window| window.output().viewport_output[&root].commands.clone();
    assert!(commands(&window).contains(&egui::ViewportCommand::CancelClose));
    let viewport = window.input_mut().viewports.get_mut(&root).unwrap();
    viewport.events.clear();
    window.run_steps(2);
    click(&mut window, "Keep training");
    let before = record(&window, "closing").unwrap().step();
    until(&mut window, "the training to go on", |window| {
        record(window, "closing").unwrap().step() > before
    });
    let viewport = window.input_mut().viewports.get_mut(&root).unwrap();
    viewport.events.push(egui::ViewportEvent::Close);
    window.step();
    let viewport = window.input_mut().viewports.get_mut(&root).unwrap();
    viewport.events.clear();
    window.run_steps(2);
    click(&mut window, "Stop, save and close");
    until(&mut window, "the window to close", |window| {
        commands(window).contains(&egui::ViewportCommand::Close)
    });
    // What was done is kept, and can be gone on with.
    let steps = log(&folder.0, "closing").len();
    assert!(steps > 8);
    let checkpoint = format!("checkpoints/step-{steps:06}");
    assert!(folder.0.join("closing").join(checkpoint).is_dir());
}

#[test]
fn a_polite_kill_stops_and_saves_without_a_question() {
    let folder = Folder::new("killed");
    let stopper = Stopper::default();
    let mut window = open_with(&folder.0, None, stopper.clone());
    let training = Action::Train(Box::new(tiny("killed", 100_000)));
    window.state_mut().act(training);
    until(&mut window, "some steps", |window| {
        record(window, "killed").is_some_and(|record| record.step() >= 8)
    });
    assert!(!stopper.ask());
    let root = egui::ViewportId::ROOT;
    until(&mut window, "the window to close", |window| {
        let commands = &window.output().viewport_output[&root].commands;
        commands.contains(&egui::ViewportCommand::Close)
    });
    let steps = log(&folder.0, "killed").len();
    let checkpoint = format!("checkpoints/step-{steps:06}");
    assert!(folder.0.join("killed").join(checkpoint).is_dir());
    // Where nothing is to be saved, it closes at once.
    let stopper = Stopper::default();
    let mut window = open_with(&folder.0, None, stopper.clone());
    window.step();
    stopper.ask();
    window.step();
    let commands = &window.output().viewport_output[&root].commands;
    assert!(commands.contains(&egui::ViewportCommand::Close));
    assert!(stopper.ask(), "it was asked before");
}

/// What eframe keeps on the disk.
#[derive(Default)]
struct Memory(std::collections::HashMap<String, String>);

impl eframe::Storage for Memory {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }
    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }
    fn flush(&mut self) {}
}

#[test]
fn the_next_start_is_as_the_last_was_left() {
    let folder = Folder::new("kept");
    let mut window = open(&folder.0);
    train(&mut window, tiny("kept", 8));
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num5);
    window.run_steps(2);
    assert_eq!(window.state().place(), Place::Exams);
    let mut memory = Memory::default();
    eframe::App::save(window.state_mut(), &mut memory);
    drop(window);

    let mut window = open_as_left(&folder.0, Some(memory));
    assert_eq!(window.state().place(), Place::Exams);
    until(&mut window, "the run that was open", |window| {
        record(window, "kept").is_some_and(|record| record.step() == 8)
    });
    assert_eq!(window.state().place(), Place::Exams);
}

#[test]
fn a_run_that_is_gone_since_the_last_start_is_let_go() {
    let folder = Folder::new("gone");
    let mut window = open(&folder.0);
    train(&mut window, tiny("stays", 6));
    train(&mut window, tiny("goes", 6));
    assert_eq!(window.state().shown_run(), Some("goes"));
    let mut memory = Memory::default();
    eframe::App::save(window.state_mut(), &mut memory);
    drop(window);
    std::fs::remove_dir_all(folder.0.join("goes")).unwrap();

    let mut window = open_as_left(&folder.0, Some(memory));
    until(&mut window, "the run that is there", |window| {
        record(window, "stays").is_some_and(|record| record.step() == 6)
    });
    until(&mut window, "a word about the other", |window| {
        let words = window.state().words();
        words
            .iter()
            .any(|word| word.starts_with("goes is not there any more"))
    });
    assert_eq!(window.state().shown_run(), Some("stays"));
    // And one that goes while it is open.
    std::fs::remove_dir_all(folder.0.join("stays")).unwrap();
    until(&mut window, "the run to be let go", |window| {
        window.state().records().is_empty()
    });
    assert_eq!(window.state().shown_run(), None);
}

#[test]
fn a_run_changed_on_the_way_is_reopened_and_decided_again_as_it_was() {
    let folder = Folder::new("again");
    let mut window = open(&folder.0);
    let mut config = tiny("changed", 400);
    config.balance.gamma = 0.5;
    window.state_mut().act(Action::Train(Box::new(config)));
    let tell = |command| Action::Engine(Request::Tell(command));
    let gamma = |value: &str| {
        tell(Command::Set {
            path: "balance.gamma".into(),
            value: value.into(),
        })
    };
    let step = |window: &Window| record(window, "changed").map_or(0, Record::step);
    until(&mut window, "some decisions", |window| step(window) >= 12);
    window.state_mut().act(gamma("20"));
    until(&mut window, "more decisions", |window| step(window) >= 40);
    window.state_mut().act(tell(Command::StopAndSave));
    until(&mut window, "the stop", |window| {
        record(window, "changed").unwrap().motion == Motion::Still
    });
    window.state_mut().act(Action::Engine(Request::Resume {
        run: "changed".into(),
        checkpoint: None,
        set: vec!["max_steps=500".into()],
    }));
    let stopped = step(&window);
    until(&mut window, "steps after it", |window| {
        step(window) > stopped + 8
    });
    window.state_mut().act(gamma("1"));
    let changed = step(&window);
    until(&mut window, "the last decisions", |window| {
        step(window) > changed + 12
    });
    window.state_mut().act(tell(Command::StopAndSave));
    until(&mut window, "the second stop", |window| {
        record(window, "changed").unwrap().motion == Motion::Still
    });
    drop(window);

    let steps = log(&folder.0, "changed").len();
    let mut window = open(&folder.0);
    window.state_mut().act(Action::Show("changed".into()));
    window.state_mut().act(Action::Go(Place::Balance));
    until(&mut window, "the whole log", |window| {
        record(window, "changed")
            .is_some_and(|record| record.measured.len() == steps && !record.reading)
    });
    assert_eq!(record(&window, "changed").unwrap().in_force().len(), 4);
    click(&mut window, "What if…");
    // Of the steps after the warm-up.
    let same = format!("all {} decisions would have been the same", steps - 4);
    until(&mut window, &same, |window| shows(window, &same));
}

#[test]
fn without_a_display_the_program_says_so_and_names_the_command_line() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sasr"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("no window") && said.contains("sasr train") && !said.contains(".rs"),
        "{said}"
    );
}
