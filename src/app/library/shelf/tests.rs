//! The library with real files, and a desktop that answers as told.

mod files;
mod listing;
mod questions;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desktop::{Chosen, Desktop};
use crate::app::library::native::spawn_with;
use crate::app::library::{Dropped, Errand, Found, Library, RunCard};
use crate::config::{Method, RunConfig};
use crate::runs::RunFolder;
use crate::tasks::Split;
use crate::training::{Branch, EvaluationRecord, Event, Phase, StepRecord};

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
        num_tokens: 0,
        seconds: 0.0,
        holds: crate::training::Judgements::default(),
        places: Vec::new(),
        samples: crate::evaluation::Tallies::default(),
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
