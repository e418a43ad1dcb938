//! Renaming, the bin, saving, and what is dropped.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::super::desktop::Chosen;
use super::{Rig, config, files};
use crate::app::library::{Dropped, Errand, Found, Saved, SavedWhat};
use crate::config::{Method, RunConfig};

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
    rig.finished("walnut", config("walnut", Method::Sasr, 0), 20);
    rig.finished("quince", config("quince", Method::Sft, 0), 20);
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
    for (runs, both) in [(vec!["walnut"], false), (vec!["walnut", "quince"], true)] {
        rig.library.send(Errand::Save(Saved {
            name: "report.html".into(),
            what: SavedWhat::Report(runs.iter().map(|run| run.to_string()).collect()),
        }));
        rig.done();
        let page = fs::read_to_string(&report).unwrap();
        assert!(page.contains("<html") && page.contains("walnut"), "{page}");
        assert_eq!(page.contains("quince"), both);
    }
}

#[test]
fn without_dialogs_files_are_exported_and_a_closed_dialog_does_nothing() {
    let mut rig = Rig::new("dialog");
    let save = || {
        Errand::Save(Saved {
            name: "x.csv".into(),
            what: SavedWhat::Bytes(vec![1]),
        })
    };
    rig.library.send(Errand::Choose);
    rig.wait(|found| matches!(found, Found::NoDialog).then_some(()));
    // It is written where it is found again, and says where; nothing is replaced.
    for name in ["x.csv", "x-2.csv"] {
        rig.library.send(save());
        let path = rig.runs.join("exports").join(name);
        assert_eq!(rig.done(), format!("Saved as {}", path.display()));
        assert_eq!(fs::read(path).unwrap(), [1]);
    }
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
