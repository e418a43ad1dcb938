//! What is around the program: a desktop has dialogs, the bin, the file manager; a page has none of
//! them.

use std::path::{Path, PathBuf};

use crate::files;

/// What came of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    target_family = "wasm",
    expect(dead_code, reason = "a page shows no dialogs to its worker")
)]
pub enum Chosen {
    Path(PathBuf),
    /// It was closed.
    Nothing,
    /// There is nothing here that shows dialogs.
    NoService,
    /// The page around the worker saves the file.
    Page,
}

/// What is around the program.
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

    /// Whether what is in the bin can be taken out again.
    fn keeps_bin(&self) -> bool {
        true
    }

    /// Shows a folder in the file manager.
    ///
    /// # Errors
    /// In the system's words.
    fn reveal(&self, folder: &Path) -> Result<(), String>;
}

/// A browser's page, from its worker: the page asks for files itself and saves what it is given.
pub struct Page;

impl Desktop for Page {
    fn ask_open(&self, _folder: Option<&Path>) -> Chosen {
        Chosen::Nothing
    }

    fn ask_save(&self, _name: &str, _folder: Option<&Path>) -> Chosen {
        Chosen::Page
    }

    fn bin(&self, path: &Path) -> Result<(), String> {
        files::remove_dir_all(path).map_err(|error| error.to_string())
    }

    fn keeps_bin(&self) -> bool {
        false
    }

    fn reveal(&self, _folder: &Path) -> Result<(), String> {
        Err("a browser keeps runs where no file manager shows them: save it as a zip".into())
    }
}
