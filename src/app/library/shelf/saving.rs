//! Files for the user: asked for, then written whole or not at all.

use std::io::{BufWriter, Cursor};
use std::path::{Path, PathBuf};

use super::desktop::{Chosen, Desktop};
use super::{Shelf, packing};
use crate::app::in_full;
use crate::app::library::{Found, Saved, SavedWhat};
use crate::files::{self as fs, File};
use crate::runs::folder::write_file;
use crate::runs::{RunData, report};

/// Files go into this folder beside the runs where no dialog asks for another.
const EXPORTS: &str = "exports";

/// What is to be written, with the runs' folders instead of their keys.
enum Content {
    Bytes(Vec<u8>),
    Zip(PathBuf),
    Report(Vec<PathBuf>),
}

impl Shelf {
    /// Asks where to, then writes, both aside; or gives the bytes to the page.
    pub(super) fn save(&self, saved: Saved) {
        let content = match saved.what {
            SavedWhat::Bytes(bytes) => Content::Bytes(bytes),
            SavedWhat::Zip(run) => Content::Zip(self.places.path(&run)),
            SavedWhat::Report(runs) => {
                Content::Report(runs.iter().map(|run| self.places.path(run)).collect())
            }
        };
        let (desk, mouth, name) = (self.desk.clone(), self.mouth.clone(), saved.name);
        let exports = self.places.runs().join(EXPORTS);
        self.aside("library-save", move || {
            let ask =
                |desktop: &dyn Desktop, folder: Option<&Path>| desktop.ask_save(&name, folder);
            let path = match desk.ask(&mouth, ask) {
                Chosen::Path(path) => with_extension_of(path, &name),
                Chosen::Nothing => return,
                Chosen::Page => return mouth.say(download(name, content)),
                // Nobody can be asked: it goes where exports are found again.
                Chosen::NoService => match in_exports(&exports, &name) {
                    Ok(path) => path,
                    Err(why) => return mouth.say(Found::Failed(why)),
                },
            };
            let found = match write(&path, content) {
                Ok(()) => Found::Done(format!("Saved as {}", path.display())),
                Err(why) => Found::Failed(format!("{} is not saved: {why}", path.display())),
            };
            mouth.say(found);
        });
    }
}

/// A file in the folder of exports that replaces none.
fn in_exports(folder: &Path, name: &str) -> Result<PathBuf, String> {
    fs::create_dir_all(folder).map_err(|error| {
        format!(
            "{name} is not saved: no file dialog can be shown here, and {} cannot be made: {error}",
            folder.display()
        )
    })?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) => (stem, format!(".{extension}")),
        None => (name, String::new()),
    };
    let numbered = (2..).map(|number| folder.join(format!("{stem}-{number}{extension}")));
    let mut names = std::iter::once(folder.join(name)).chain(numbered);
    Ok(names.find(|path| !fs::exists(path)).unwrap_or_default())
}

/// Where the user left the extension out, the suggested one.
fn with_extension_of(path: PathBuf, name: &str) -> PathBuf {
    match (path.extension(), Path::new(name).extension()) {
        (None, Some(extension)) => path.with_extension(extension),
        _ => path,
    }
}

fn write(path: &Path, content: Content) -> Result<(), String> {
    let bytes = match content {
        Content::Zip(run) => return write_zip(path, &run),
        content => bytes_of(content)?,
    };
    write_file(path, &bytes).map_err(|error| in_full(&error))
}

/// A file for the page to save.
fn download(name: String, content: Content) -> Found {
    match bytes_of(content) {
        Ok(bytes) => Found::Download { name, bytes },
        Err(why) => Found::Failed(format!("{name} is not saved: {why}")),
    }
}

fn bytes_of(content: Content) -> Result<Vec<u8>, String> {
    match content {
        Content::Bytes(bytes) => Ok(bytes),
        Content::Zip(run) => {
            let mut zip = Cursor::new(Vec::new());
            packing::pack(&run, &mut zip).map_err(|error| in_full(&error))?;
            Ok(zip.into_inner())
        }
        Content::Report(runs) => Ok(report_of(&runs)?.into_bytes()),
    }
}

/// A zip may be larger than memory: written aside, then renamed.
fn write_zip(path: &Path, run: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Hidden: a zip that is saved into the run's folder must not pack itself.
    let aside = path.with_file_name(format!(".{name}.{}.part", fs::process()));
    let written = File::create(&aside)
        .map_err(|error| error.to_string())
        .and_then(|file| packing::pack(run, BufWriter::new(file)).map_err(|error| in_full(&error)))
        .and_then(|()| fs::rename(&aside, path).map_err(|error| error.to_string()));
    if written.is_err() {
        fs::remove_file(&aside).ok();
    }
    written
}

/// The page of a run, or of several together.
fn report_of(runs: &[PathBuf]) -> Result<String, String> {
    let open = |path: &PathBuf| {
        RunData::open(path).map_err(|error| format!("{}: {}", path.display(), in_full(&error)))
    };
    let runs: Vec<RunData> = runs.iter().map(open).collect::<Result<_, _>>()?;
    match runs.as_slice() {
        [run] => Ok(report::run(run)),
        runs => report::comparison(runs).map_err(|error| error.to_string()),
    }
}
