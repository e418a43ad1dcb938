//! What is dropped or chosen: a configuration, a run folder, a folder of runs, a zip.

use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use super::folders::{folders, is_run, name_of};
use super::packing::{self, Limits};
use super::{Shelf, Word};
use crate::app::in_full;
use crate::app::library::Found;
use crate::config::RunConfig;
use crate::files::{self as fs, File};
use crate::runs::folder::write_file;
use crate::runs::read::CONFIG;

/// Runs opened at once at most.
const OPENED_AT_ONCE: usize = 40;

impl Shelf {
    pub(super) fn import(&mut self, path: &Path) {
        let path = run_of_file(path).unwrap_or_else(|| path.to_path_buf());
        let name = name_of(&path);
        if fs::is_dir(&path) {
            return self.import_folder(&path);
        }
        match extension(&name).as_str() {
            "toml" => match fs::read(&path) {
                Ok(bytes) => self.import_config(&name, &bytes),
                Err(error) => self.refuse(format!("{name} cannot be read: {error}")),
            },
            "zip" => match File::open(&path) {
                Ok(file) => self.unpack(name, file),
                Err(error) => self.refuse(format!("{name} cannot be read: {error}")),
            },
            _ if !fs::exists(&path) => self.refuse(format!("{} is not there", path.display())),
            _ => self.refuse(unknown(&name)),
        }
    }

    pub(super) fn import_bytes(&mut self, name: String, bytes: Vec<u8>) {
        match extension(&name).as_str() {
            "toml" => self.import_config(&name, &bytes),
            "zip" => self.unpack(name, Cursor::new(bytes)),
            "jsonl" => self.keep_data(&name, &bytes),
            _ => self.refuse(unknown(&name)),
        }
    }

    /// Keeps a data file beside the runs, where a configuration can name it: a page's files have no
    /// other place.
    fn keep_data(&self, name: &str, bytes: &[u8]) {
        let folder = self.places.runs().with_file_name("data");
        let place = folder.join(name_of(Path::new(name)));
        let kept = fs::create_dir_all(&folder).map_err(|error| error.to_string());
        let kept = kept.and_then(|()| write_file(&place, bytes).map_err(|error| in_full(&error)));
        match kept {
            Ok(()) => self.mouth.say(Found::Done(format!(
                "The data file is kept: a configuration names it {}",
                place.display()
            ))),
            Err(why) => self.refuse(format!("{name} cannot be kept: {why}")),
        }
    }

    fn refuse(&self, why: String) {
        self.mouth.say(Found::Failed(why));
    }

    fn import_config(&self, name: &str, bytes: &[u8]) {
        match RunConfig::from_toml(&String::from_utf8_lossy(bytes), name, &[]) {
            Ok(config) => self.mouth.say(Found::Config(Box::new(config))),
            Err(error) => self.refuse(format!("This configuration cannot be used\n{error}")),
        }
    }

    fn import_folder(&mut self, folder: &Path) {
        if is_run(folder) {
            return self.open_all(&[folder.to_path_buf()]);
        }
        let runs: Vec<PathBuf> = match folders(folder) {
            Ok(inner) => inner.into_iter().filter(|folder| is_run(folder)).collect(),
            Err(error) => {
                return self.refuse(format!("{} cannot be read: {error}", folder.display()));
            }
        };
        match runs.len() {
            0 => self.refuse(format!(
                "{} holds no run (no {CONFIG} in it or in a folder in it): drop a run's folder, or \
                 a folder of runs",
                folder.display()
            )),
            1..=OPENED_AT_ONCE => self.open_all(&runs),
            count => self.refuse(format!(
                "{} holds {count} runs; {OPENED_AT_ONCE} can be opened at once: drop the folders \
                 of those you want to see",
                folder.display()
            )),
        }
    }

    /// Opens run folders where they are, and says so.
    pub(super) fn open_all(&mut self, paths: &[PathBuf]) {
        let keys: Vec<String> = paths.iter().map(|path| self.places.key(path)).collect();
        let opened: Vec<&String> = keys.iter().filter(|key| self.open(key)).collect();
        match opened.as_slice() {
            [] => return,
            [one] => self.mouth.say(Found::Done(format!("{one} is open"))),
            several => {
                let count = several.len();
                self.mouth
                    .say(Found::Done(format!("{count} runs are open")));
            }
        }
        self.list(false);
    }

    /// Unpacks a zip into the runs folder, aside: its runs come back as a word.
    fn unpack(&self, name: String, zip: impl Read + Seek + Send + 'static) {
        let (mouth, back) = (self.mouth.clone(), self.back.clone());
        let runs = self.places.runs().to_path_buf();
        self.aside("library-unpack", move || {
            match packing::unpack(zip, &name, &runs, &Limits::default()) {
                Ok(paths) => {
                    back.send(Word::Open(paths)).ok();
                }
                Err(error) => mouth.say(Found::Failed(format!(
                    "{name} cannot be opened: {}",
                    in_full(&error)
                ))),
            }
        });
    }
}

/// The run folder that a manifest or a log lies in: file dialogs choose files.
fn run_of_file(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let of_run = matches!(extension(&name_of(path)).as_str(), "json" | "jsonl");
    (of_run && fs::is_file(path) && is_run(folder)).then(|| folder.to_path_buf())
}

fn extension(name: &str) -> String {
    let extension = Path::new(name).extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

fn unknown(name: &str) -> String {
    format!(
        "{name} cannot be opened: a configuration (.toml), a run folder, a folder of runs or a \
         zipped run (.zip) can"
    )
}
