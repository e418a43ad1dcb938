//! What only a desktop has: dialogs, the bin, the file manager.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Nobody closes a dialog this fast: it was never shown.
const BLINK: Duration = Duration::from_millis(250);

/// What came of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    Path(PathBuf),
    /// It was closed.
    Nothing,
    /// There is nothing here that shows dialogs.
    NoService,
}

/// The desktop around the program.
pub trait Desktop: Send + Sync {
    /// Asks for a file to open; returns when the user has chosen.
    fn ask_open(&self, folder: Option<&Path>) -> Chosen;

    /// Asks where to write a file, with a suggested name.
    fn ask_save(&self, name: &str, folder: Option<&Path>) -> Chosen;

    /// Moves a file or folder to the bin.
    ///
    /// # Errors
    /// In the system's words; nothing was changed then.
    fn bin(&self, path: &Path) -> Result<(), String>;

    /// Shows a folder in the file manager.
    ///
    /// # Errors
    /// In the system's words.
    fn reveal(&self, folder: &Path) -> Result<(), String>;
}

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
