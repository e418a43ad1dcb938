//! The library with real files, and a desktop that answers as told.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desktop::{Chosen, Desktop};
use crate::app::library::native::spawn_with;
use crate::app::library::{Dropped, Errand, Found, Library, RunCard, Saved, SavedWhat};
use crate::config::{Method, RunConfig};
use crate::runs::RunFolder;
use crate::tasks::{self, Split};
use crate::training::{BatchItem, Branch, EvaluationRecord, Event, Phase, StepRecord};

/// Answers dialogs with what it was given last.
struct Fake {
    answer: Mutex<Chosen>,
    /// Where binned folders go; none refuses.
    bin: Option<PathBuf>,
}

impl Desktop for Fake {
    fn ask_open(&self, _folder: Option<&Path>) -> Chosen {
        self.answer.lock().unwrap().clone()
    }

    fn ask_save(&self, _name: &str, _folder: Option<&Path>) -> Chosen {
        self.answer.lock().unwrap().clone()
    }

    fn bin(&self, path: &Path) -> Result<(), String> {
        let bin = self.bin.as_ref().ok_or("the bin is full")?;
        fs::rename(path, bin.join(path.file_name().unwrap())).map_err(|error| error.to_string())
    }

    fn reveal(&self, _folder: &Path) -> Result<(), String> {
        Err("there is no file manager".into())
    }
}

/// A library, its folder and its desktop.
struct Rig {
    place: PathBuf,
    runs: PathBuf,
    desktop: Arc<Fake>,
    library: Box<dyn Library>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.library.send(Errand::Quit);
        fs::remove_dir_all(&self.place).ok();
    }
}

impl Rig {
    fn new(name: &str) -> Self {
        Self::with_bin(name, true)
    }

    fn with_bin(name: &str, bin: bool) -> Self {
        let place = std::env::temp_dir().join(format!("sasr-shelf-{name}-{}", std::process::id()));
        fs::remove_dir_all(&place).ok();
        let (runs, bin_folder) = (place.join("runs"), place.join("bin"));
        fs::create_dir_all(&runs).unwrap();
        fs::create_dir_all(&bin_folder).unwrap();
        let desktop = Arc::new(Fake {
            answer: Mutex::new(Chosen::NoService),
            bin: bin.then_some(bin_folder),
        });
        let context = eframe::egui::Context::default();
        let library = spawn_with(runs.clone(), context, desktop.clone()).unwrap();
        Self {
            place,
            runs,
            desktop,
            library,
        }
    }

    /// A finished run of `steps` steps with a final test.
    fn run(&self, key: &str, config: RunConfig, steps: u64) -> RunFolder {
        let path = self.runs.join(key);
        let mut folder = RunFolder::create(&path, &config, &manifest(false)).unwrap();
        (1..=steps).for_each(|number| folder.record(&step(number)).unwrap());
        folder.record(&evaluated(steps, "final", 0.75)).unwrap();
        folder
    }

    fn finished(&self, key: &str, config: RunConfig, steps: u64) {
        self.run(key, config, steps)
            .write_manifest(&manifest(true))
            .unwrap();
    }

    fn answer(&self, chosen: Chosen) {
        *self.desktop.answer.lock().unwrap() = chosen;
    }

    /// Waits for a word of a kind; others before it are passed over.
    fn wait<T>(&mut self, mut pick: impl FnMut(&Found) -> Option<T>) -> T {
        let begun = Instant::now();
        let mut heard = Vec::new();
        loop {
            match self.library.receive() {
                Some(found) => {
                    if let Some(picked) = pick(&found) {
                        return picked;
                    }
                    heard.push(format!("{found:?}").chars().take(300).collect::<String>());
                }
                None if begun.elapsed() > Duration::from_secs(30) => {
                    panic!("not said; instead: {heard:#?}")
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn failure(&mut self) -> String {
        self.wait(|found| match found {
            Found::Failed(why) => Some(why.clone()),
            _ => None,
        })
    }

    fn done(&mut self) -> String {
        self.wait(|found| match found {
            Found::Done(what) => Some(what.clone()),
            Found::Failed(why) => panic!("{why}"),
            _ => None,
        })
    }

    fn list(&mut self) -> Vec<RunCard> {
        self.library.send(Errand::List);
        self.wait(|found| match found {
            Found::Runs(cards) => Some(cards.clone()),
            _ => None,
        })
    }

    fn import(&mut self, path: &Path) {
        let path = path.to_string_lossy().into_owned();
        self.library.send(Errand::Import(Dropped::Path(path)));
    }

    /// What is said of a run until `enough`: steps, and the last state.
    fn follow(&mut self, mut enough: impl FnMut(&Told) -> bool) -> Told {
        let mut told = Told::default();
        self.wait(|found| {
            let Found::News {
                restarted,
                events,
                caught_up,
                growing,
                finished,
                ..
            } = found
            else {
                return None;
            };
            if *restarted {
                told.steps.clear();
            }
            told.words += 1;
            told.steps
                .extend(events.iter().filter_map(|event| match event {
                    Event::Step(record) => Some(record.step),
                    _ => None,
                }));
            (told.caught_up, told.growing, told.finished) = (*caught_up, *growing, *finished);
            enough(&told).then(|| std::mem::take(&mut told))
        })
    }
}

#[derive(Default, Debug)]
struct Told {
    words: usize,
    steps: Vec<u64>,
    caught_up: bool,
    growing: bool,
    finished: bool,
}

fn manifest(finished: bool) -> Value {
    json!({ "version": "0.1.0", "seed": 0, "started_unix": 1, "finished": finished })
}

fn config(name: &str, method: Method, seed: u64) -> RunConfig {
    let mut config = RunConfig {
        name: name.into(),
        seed,
        max_steps: 20,
        ..RunConfig::default()
    };
    config.balance.method = method;
    config.balance.warmup_steps = 4;
    config
}

fn step(number: u64) -> Event {
    Event::Step(Box::new(StepRecord {
        step: number,
        phase: Phase::Adaptive,
        branch: if number.is_multiple_of(2) {
            Branch::Grpo
        } else {
            Branch::Sft
        },
        updated: true,
        loss: 1.0 / number as f64,
        grad_norm: 1.0,
        learning_rate: 1e-3,
        num_tokens: 100 * number,
        step_time: 0.5,
        timing: Default::default(),
        metrics: [("reward".to_owned(), 0.5)].into(),
        decision: None,
        measured: Vec::new(),
        batch: Vec::new(),
    }))
}

fn evaluated(step: u64, kind: &str, accuracy: f64) -> Event {
    Event::Evaluated(Box::new(EvaluationRecord {
        step,
        kind: kind.into(),
        split: Split::Test,
        level: 1,
        unseen: false,
        perturbation: None,
        problems: 4,
        metrics: [("accuracy".to_owned(), accuracy)].into(),
        correct: vec![true, true, true, false],
    }))
}

/// Every file of a folder with its bytes, hidden ones left out.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn collect(folder: &Path, name: &str, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{name}/{}", path.file_name().unwrap().to_string_lossy());
            if path.is_dir() {
                collect(&path, &name, files);
            } else if !name.contains("/.") {
                files.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    collect(folder, "", &mut found);
    found.sort();
    found
}

#[test]
fn the_list_tells_of_every_run_what_came_of_it() {
    let mut rig = Rig::new("list");
    rig.finished("alone", config("alone", Method::Sasr, 3), 20);
    rig.finished("both/sft-s1", config("sft-s1", Method::Sft, 1), 12);
    let mut exam = rig.run("both/open", config("open", Method::Grpo, 2), 5);
    exam.record(&evaluated(9, "exam", 0.25)).unwrap();
    fs::create_dir_all(rig.runs.join("damaged")).unwrap();
    fs::write(rig.runs.join("damaged/config.toml"), "max_stepps = 1").unwrap();
    fs::create_dir_all(rig.runs.join(".base/hidden")).unwrap();
    fs::write(rig.runs.join(".base/hidden/config.toml"), "").unwrap();

    let cards = rig.list();
    let mut keys: Vec<&str> = cards.iter().map(|card| card.key.as_str()).collect();
    assert!(
        cards
            .windows(2)
            .all(|pair| pair[0].changed >= pair[1].changed)
    );
    keys.sort_unstable();
    assert_eq!(keys, ["alone", "both/open", "both/sft-s1", "damaged"]);
    let card = |key: &str| cards.iter().find(|card| card.key == key).unwrap();
    let alone = card("alone");
    assert_eq!((alone.step, alone.max_steps, alone.seed), (20, 20, 3));
    assert_eq!((alone.finished, alone.accuracy), (true, Some(0.75)));
    assert_eq!(alone.task, "arithmetic");
    let paths: Vec<&str> = alone
        .differences
        .iter()
        .map(|(path, ..)| path.as_str())
        .collect();
    assert!(
        paths.contains(&"max_steps") && !paths.contains(&"seed"),
        "{paths:?}"
    );
    let open = card("both/open");
    assert_eq!(
        (open.name.as_str(), open.method, open.step),
        ("open", Method::Grpo, 5)
    );
    assert_eq!((open.finished, open.accuracy), (false, Some(0.25)));
    let why = card("damaged").damaged.clone().unwrap();
    assert!(why.contains("max_stepps"), "{why}");
}

#[test]
fn a_list_is_said_again_when_a_run_comes() {
    let mut rig = Rig::new("again");
    assert!(rig.list().is_empty());
    rig.finished("new", config("new", Method::Sasr, 0), 3);
    let cards = rig.wait(|found| match found {
        Found::Runs(cards) => Some(cards.clone()),
        _ => None,
    });
    assert_eq!(cards[0].key, "new");
}

#[test]
fn a_growing_run_is_followed_to_its_end_and_beyond() {
    let mut rig = Rig::new("grow");
    let mut folder = rig.run("run", config("run", Method::Sasr, 0), 3);
    rig.library.send(Errand::Open("run".into()));
    let opened = rig.wait(|found| match found {
        Found::Opened { run, config } => Some((run.clone(), config.max_steps)),
        _ => None,
    });
    assert_eq!(opened, ("run".into(), 20));
    let told = rig.follow(|told| told.caught_up);
    assert_eq!(
        (told.steps, told.growing, told.finished),
        (vec![1, 2, 3], true, false)
    );
    folder.record(&step(4)).unwrap();
    let told = rig.follow(|told| told.steps.contains(&4));
    assert_eq!((told.steps, told.growing), (vec![4], true));
    folder.write_manifest(&manifest(true)).unwrap();
    drop(folder);
    let told = rig.follow(|told| told.finished && !told.growing);
    assert!(told.steps.is_empty());
    // Somebody goes on with it.
    let stopped = RunFolder::find(&rig.runs.join("run"), None).unwrap();
    let (mut folder, _) = stopped.go_on(&config("run", Method::Sasr, 0)).unwrap();
    folder.record(&step(1)).unwrap();
    let told = rig.follow(|told| told.growing && told.steps == [1]);
    assert!(told.caught_up);
    // After the word to close it nothing more is said of it.
    rig.library.send(Errand::Close("run".into()));
    rig.list();
    folder.record(&step(2)).unwrap();
    std::thread::sleep(Duration::from_millis(900));
    while let Some(found) = rig.library.receive() {
        assert!(!matches!(found, Found::News { .. }), "{found:?}");
    }
}

#[test]
fn a_long_log_comes_in_pieces() {
    let mut rig = Rig::new("long");
    rig.finished("run", config("run", Method::Sasr, 0), 6000);
    rig.library.send(Errand::Open("run".into()));
    let told = rig.follow(|told| told.finished && told.caught_up);
    assert!(told.words > 3, "{}", told.words);
    assert!(told.steps.iter().copied().eq(1..=6000));
}

#[test]
fn a_damaged_line_is_said_once_and_read_past_when_mended() {
    let mut rig = Rig::new("line");
    rig.finished("run", config("run", Method::Sasr, 0), 2);
    let log = rig.runs.join("run/metrics.jsonl");
    let good = fs::read_to_string(&log).unwrap();
    fs::write(&log, format!("{good}not a step\n")).unwrap();
    rig.library.send(Errand::Open("run".into()));
    let why = rig.failure();
    assert!(
        why.starts_with("run cannot be read on: metrics.jsonl:3"),
        "{why}"
    );
    std::thread::sleep(Duration::from_millis(2500));
    while let Some(found) = rig.library.receive() {
        assert!(!matches!(found, Found::Failed(_)), "{found:?}");
    }
    fs::write(&log, good).unwrap();
    let told = rig.follow(|told| told.finished);
    assert!(told.caught_up);
    rig.library.send(Errand::Open("nowhere".into()));
    let why = rig.failure();
    assert!(why.starts_with("nowhere cannot be opened"), "{why}");
}

#[test]
fn a_run_is_renamed_unless_it_is_worked_on_or_the_name_does_not_do() {
    let mut rig = Rig::new("rename");
    rig.finished("both/other", config("other", Method::Sft, 1), 3);
    let mut original = config("one", Method::Grpo, 7);
    original.description = "kept".into();
    let folder = rig.run("both/one", original.clone(), 3);
    let rename = |name: &str| Errand::Rename {
        run: "both/one".into(),
        name: name.into(),
    };
    rig.library.send(rename("two"));
    assert!(rig.failure().contains("being trained"));
    drop(folder);
    for (name, reason) in [
        ("other", "already"),
        ("a/b", "name"),
        ("", "name"),
        ("con", "name"),
    ] {
        rig.library.send(rename(name));
        let why = rig.failure();
        assert!(why.contains(reason), "{name}: {why}");
    }
    assert!(rig.runs.join("both/one/config.toml").exists());
    rig.library.send(rename(" two "));
    let moved = rig.wait(|found| match found {
        Found::Moved { from, to } => Some((from.clone(), to.clone())),
        _ => None,
    });
    assert_eq!(moved, ("both/one".into(), Some("both/two".into())));
    let renamed = RunConfig::load(Some(&rig.runs.join("both/two/config.toml")), &[]).unwrap();
    original.name = "two".into();
    assert_eq!(renamed, original);
    assert!(!rig.runs.join("both/one").exists());
    assert!(rig.list().iter().any(|card| card.key == "both/two"));
}

#[test]
fn a_run_is_moved_to_the_bin_or_stays() {
    let mut rig = Rig::new("bin");
    let folder = rig.run("run", config("run", Method::Sasr, 0), 1);
    rig.library.send(Errand::Delete("run".into()));
    assert!(rig.failure().contains("being trained"));
    drop(folder);
    rig.library.send(Errand::Delete("run".into()));
    let gone = rig.wait(|found| match found {
        Found::Moved { from, to: None } => Some(from.clone()),
        _ => None,
    });
    assert_eq!(gone, "run");
    assert_eq!(rig.done(), "run is in the bin");
    assert!(rig.place.join("bin/run/config.toml").exists() && !rig.runs.join("run").exists());
    rig.library.send(Errand::Reveal("run".into()));
    assert!(rig.failure().contains("there is no file manager"));

    let mut rig = Rig::with_bin("full", false);
    rig.finished("run", config("run", Method::Sasr, 0), 1);
    rig.library.send(Errand::Delete("run".into()));
    let why = rig.failure();
    assert!(
        why.contains("the bin is full") && why.contains("stays"),
        "{why}"
    );
    assert!(rig.runs.join("run/config.toml").exists());
}

#[test]
fn a_zipped_run_comes_back_byte_for_byte() {
    let mut rig = Rig::new("zip");
    rig.finished("folder/run", config("run", Method::Sasr, 0), 50);
    let run = rig.runs.join("folder/run");
    let checkpoint = run.join("checkpoints/step-000050");
    fs::create_dir_all(&checkpoint).unwrap();
    fs::create_dir_all(run.join("checkpoints/.step-000060.part")).unwrap();
    fs::write(checkpoint.join("model.safetensors"), [0, 255, 10, 13, 26]).unwrap();
    fs::write(run.join("checkpoints/.step-000060.part/half"), b"half").unwrap();
    let zip = rig.place.join("kept");
    rig.answer(Chosen::Path(zip.clone()));
    let save = || {
        Errand::Save(Saved {
            name: "run.zip".into(),
            what: SavedWhat::Zip("folder/run".into()),
        })
    };
    rig.library.send(save());
    let zip = zip.with_extension("zip");
    assert_eq!(rig.done(), format!("Saved as {}", zip.display()));
    for expected in ["run", "run-2"] {
        rig.import(&zip);
        let opened = rig.wait(|found| match found {
            Found::Opened { run, .. } => Some(run.clone()),
            Found::Failed(why) => panic!("{why}"),
            _ => None,
        });
        assert_eq!(opened, expected);
        let (before, after) = (files(&run), files(&rig.runs.join(expected)));
        assert_eq!(before, after);
        assert!(
            after
                .iter()
                .any(|(name, _)| name.ends_with("model.safetensors"))
        );
        assert!(
            !rig.runs
                .join(expected)
                .join("checkpoints/.step-000060.part")
                .exists()
        );
    }
    // A folder that is not there leaves nothing half written.
    rig.answer(Chosen::Path(rig.place.join("no/such/folder/x.zip")));
    rig.library.send(save());
    assert!(rig.failure().contains("is not saved"));
    let hidden = |path: PathBuf| path.file_name().unwrap().to_string_lossy().starts_with('.');
    let left = fs::read_dir(&rig.place).unwrap();
    assert!(!left.into_iter().any(|entry| hidden(entry.unwrap().path())));
}

#[test]
fn bytes_and_reports_are_written_where_the_user_says() {
    let mut rig = Rig::new("save");
    rig.finished("a", config("a", Method::Sasr, 0), 20);
    rig.finished("b", config("b", Method::Sft, 0), 20);
    let path = rig.place.join("out.csv");
    rig.answer(Chosen::Path(path.clone()));
    rig.library.send(Errand::Save(Saved {
        name: "table.csv".into(),
        what: SavedWhat::Bytes(b"1,2".to_vec()),
    }));
    rig.done();
    assert_eq!(fs::read(&path).unwrap(), b"1,2");
    let report = rig.place.join("report.html");
    rig.answer(Chosen::Path(report.clone()));
    for runs in [vec!["a"], vec!["a", "b"]] {
        rig.library.send(Errand::Save(Saved {
            name: "report.html".into(),
            what: SavedWhat::Report(runs.iter().map(|run| run.to_string()).collect()),
        }));
        rig.done();
        let page = fs::read_to_string(&report).unwrap();
        assert!(page.contains("<html") && page.contains("sasr"), "{page}");
        assert_eq!(
            page.contains("sft"),
            page.contains("sft") && !runs.is_empty()
        );
    }
}

#[test]
fn without_dialogs_it_says_so_and_a_closed_dialog_does_nothing() {
    let mut rig = Rig::new("dialog");
    let save = || {
        Errand::Save(Saved {
            name: "x.csv".into(),
            what: SavedWhat::Bytes(vec![1]),
        })
    };
    rig.library.send(Errand::Choose);
    let why = rig.failure();
    assert!(why.contains("drop the file"), "{why}");
    rig.library.send(save());
    let why = rig.failure();
    assert!(why.starts_with("x.csv is not saved"), "{why}");
    rig.answer(Chosen::Nothing);
    rig.library.send(Errand::Choose);
    rig.library.send(save());
    rig.list();
    std::thread::sleep(Duration::from_millis(200));
    assert!(rig.library.receive().is_none());
    // What is chosen is opened.
    let file = rig.place.join("mine.toml");
    fs::write(&file, "seed = 41").unwrap();
    rig.answer(Chosen::Path(file));
    rig.library.send(Errand::Choose);
    let seed = rig.wait(|found| match found {
        Found::Config(config) => Some(config.seed),
        _ => None,
    });
    assert_eq!(seed, 41);
}

#[test]
fn what_is_dropped_is_opened_where_it_is_or_refused() {
    let mut rig = Rig::new("drop");
    let outside = rig.place.join("elsewhere");
    fs::create_dir_all(&outside).unwrap();
    rig.finished("one", config("one", Method::Sasr, 0), 2);
    rig.finished("inside", config("inside", Method::Sasr, 1), 2);
    fs::rename(rig.runs.join("one"), outside.join("one")).unwrap();
    let whole = outside.join("one").to_string_lossy().into_owned();
    for (dropped, key) in [
        (outside.join("one"), whole.clone()),
        (outside.clone(), whole.clone()),
        (outside.join("one/manifest.json"), whole.clone()),
        (rig.runs.join("inside"), "inside".to_owned()),
    ] {
        rig.import(&dropped);
        let opened = rig.wait(|found| match found {
            Found::Opened { run, .. } => Some(run.clone()),
            Found::Failed(why) => panic!("{why}"),
            _ => None,
        });
        assert_eq!(opened, key);
        assert_eq!(rig.done(), format!("{key} is open"));
    }
    rig.library.send(Errand::Import(Dropped::Bytes {
        name: "mine.toml".into(),
        bytes: b"max_stepps = 4".to_vec(),
    }));
    assert!(rig.failure().contains("max_stepps"));
    fs::write(rig.place.join("photo.png"), b"x").unwrap();
    fs::write(rig.place.join("bad.zip"), b"x").unwrap();
    fs::create_dir_all(rig.place.join("empty")).unwrap();
    for (name, why) in [
        ("photo.png", "a zipped run (.zip) can"),
        ("bad.zip", "damaged"),
        ("empty", "holds no run"),
        ("gone", "is not there"),
    ] {
        rig.import(&rig.place.join(name));
        let said = rig.failure();
        assert!(said.contains(why), "{name}: {said}");
    }
}

#[test]
fn runs_are_compared_and_read_anew_when_they_changed() {
    let mut rig = Rig::new("compare");
    rig.finished("a", config("a", Method::Sasr, 0), 20);
    rig.finished("b", config("b", Method::Sft, 0), 20);
    let mut compare = |ticket, runs: &[&str]| {
        let runs = runs.iter().map(|run| run.to_string()).collect();
        rig.library.send(Errand::Compare { ticket, runs });
        rig.wait(|found| match found {
            Found::Compared {
                ticket: of,
                compared,
            } if *of == ticket => Some(Ok(compared.clone())),
            Found::Refused { ticket: of, why } if *of == ticket => Some(Err(why.clone())),
            _ => None,
        })
    };
    let compared = compare(1, &["b", "a"]).unwrap();
    let labels: Vec<&str> = compared
        .comparison
        .groups
        .iter()
        .map(|g| g.label.as_str())
        .collect();
    assert_eq!(labels, ["sasr", "sft"]);
    let curves = &compared.curves;
    assert_eq!((curves[0].run.as_str(), curves[1].run.as_str()), ("b", "a"));
    assert_eq!(curves[0].config.balance.method, Method::Sft);
    assert_eq!(
        (curves[0].columns.len(), curves[0].columns.tokens[19]),
        (20, 2000.0)
    );
    assert_eq!(curves[1].columns.value("loss", 4), Some(0.25));
    let cost = &compared.comparison.groups[0].outcomes[0].cost;
    assert_eq!(
        (cost.sft_steps, cost.grpo_steps, cost.tokens),
        (10, 10, 2000)
    );
    assert_eq!(cost.seconds, 10.0);
    let why = compare(2, &["a", "nowhere"]).unwrap_err();
    assert!(why.starts_with("nowhere:"), "{why}");
    let why = compare(3, &[]).unwrap_err();
    assert!(why.contains("no runs"), "{why}");

    let log = rig.runs.join("a/metrics.jsonl");
    let mut text = fs::read_to_string(&log).unwrap();
    let Event::Step(record) = step(21) else {
        unreachable!()
    };
    text.push_str(&serde_json::to_string(&record).unwrap());
    fs::write(&log, text).unwrap();
    let mut compare = |ticket, runs: &[&str]| {
        let runs = runs.iter().map(|run| run.to_string()).collect();
        rig.library.send(Errand::Compare { ticket, runs });
        rig.wait(|found| match found {
            Found::Compared {
                ticket: of,
                compared,
            } if *of == ticket => Some(compared.clone()),
            _ => None,
        })
    };
    let curves = compare(4, &["a", "b"]).curves;
    assert_eq!((curves[0].columns.len(), curves[1].columns.len()), (21, 20));
}

#[test]
fn demonstrations_are_those_the_steps_learnt_from() {
    let mut rig = Rig::new("demonstrations");
    let config = crate::app::presets::all().remove(0).config;
    let item = |index, variant| BatchItem {
        level: 3,
        index,
        variant,
        rewards: Vec::new(),
        correct: Vec::new(),
    };
    let mut ask = |items: Vec<BatchItem>| {
        rig.library.send(Errand::Demonstrations {
            ticket: 5,
            config: Box::new(config.clone()),
            items,
        });
        rig.wait(|found| match found {
            Found::Demonstrations { demonstrations, .. } => Some(Ok(demonstrations.clone())),
            Found::Refused { ticket: 5, why } => Some(Err(why.clone())),
            _ => None,
        })
    };
    let shown = ask(vec![item(217, Some(0)), item(3, None), item(181, Some(1))]).unwrap();
    let task = tasks::build(&config.task, &|path| fs::read(path))
        .unwrap()
        .task;
    assert_eq!(shown.len(), 2);
    for (demonstration, (index, variant)) in shown.iter().zip([(217, 0), (181, 1)]) {
        let problem = task.problem(Split::Train, 3, index);
        assert_eq!(demonstration.prompt, problem.prompt);
        assert_eq!(demonstration.text, task.demonstration(&problem, variant));
        assert!(task.score(&problem, &demonstration.text, true).correct);
    }
    let mut far = item(1, Some(0));
    far.level = 4000;
    let why = ask(vec![far]).unwrap_err();
    assert!(why.contains("level 4000"), "{why}");
}

#[test]
fn checkpoints_and_missing_files_are_told() {
    let mut rig = Rig::new("checkpoints");
    rig.finished("run", config("run", Method::Sasr, 0), 1);
    for name in [
        "step-000200",
        "step-001000",
        ".step-001200.part",
        "abandoned-step-000400",
    ] {
        fs::create_dir_all(rig.runs.join("run/checkpoints").join(name)).unwrap();
    }
    for (run, expected) in [
        ("run", vec!["step-000200", "step-001000"]),
        ("none", vec![]),
    ] {
        let run = run.into();
        rig.library.send(Errand::Checkpoints { ticket: 8, run });
        let names = rig.wait(|found| match found {
            Found::Checkpoints { ticket: 8, names } => Some(names.clone()),
            _ => None,
        });
        assert_eq!(names, expected);
    }
    let there = rig
        .runs
        .join("run/config.toml")
        .to_string_lossy()
        .into_owned();
    let not = rig.runs.join("train.jsonl").to_string_lossy().into_owned();
    let files = vec![there, not.clone()];
    rig.library.send(Errand::Missing { ticket: 9, files });
    let missing = rig.wait(|found| match found {
        Found::Missing { ticket: 9, files } => Some(files.clone()),
        _ => None,
    });
    assert_eq!(missing, [not]);
}
