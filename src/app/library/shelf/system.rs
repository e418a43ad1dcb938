//! The desktop that a native program runs on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::desktop::{Chosen, Desktop};

/// Nobody closes a dialog this fast: it was never shown.
const BLINK: Duration = Duration::from_millis(250);

/// The real one.
pub struct System;

impl Desktop for System {
    fn ask_open(&self, folder: Option<&Path>) -> Chosen {
        let dialog = dialog(folder)
            .set_title("Open a configuration or a run")
            .add_filter(
                "Configuration, run or zipped run",
                &["toml", "zip", "json", "jsonl"],
            )
            .add_filter("All files", &["*"]);
        shown(|| dialog.pick_file())
    }

    fn ask_save(&self, name: &str, folder: Option<&Path>) -> Chosen {
        let dialog = dialog(folder).set_title("Save").set_file_name(name);
        shown(|| dialog.save_file())
    }

    fn bin(&self, path: &Path) -> Result<(), String> {
        trash::delete(path).map_err(|error| error.to_string())
    }

    fn reveal(&self, folder: &Path) -> Result<(), String> {
        if !folder.is_dir() {
            return Err("it is not there any more".into());
        }
        opener::open(folder).map_err(|error| super::in_full(&error))
    }
}

fn dialog(folder: Option<&Path>) -> rfd::FileDialog {
    let dialog = rfd::FileDialog::new();
    match folder {
        Some(folder) => dialog.set_directory(folder),
        None => dialog,
    }
}

/// Where no portal and no other program shows a dialog, asking ends at once with nothing.
fn shown(ask: impl FnOnce() -> Option<PathBuf>) -> Chosen {
    let begun = Instant::now();
    match ask() {
        Some(path) => Chosen::Path(path),
        None if begun.elapsed() < BLINK => Chosen::NoService,
        None => Chosen::Nothing,
    }
}
