//! A run folder as a zip, and back.

use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::folders::{folders, free_name, name_of};
use crate::files::{self as fs, File};
use crate::runs::read::CONFIG;

/// Why a zip cannot be made or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("cannot {action} {path}: {source}")]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("the zip is damaged: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("it holds no run (no {CONFIG} in it)")]
    NoRun,
    #[error("it names a place outside its own folder ({name}): do not trust it")]
    Outside { name: String },
    #[error(
        "unpacked it has more than {most} bytes, far more than a run of this size: if it is a run \
         nevertheless, unpack it yourself and drop the folder"
    )]
    TooLarge { most: u64 },
    #[error("it holds {files} files; a run has at most {most}")]
    TooMany { files: usize, most: usize },
}

/// What a zip may grow to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Unpacked bytes for every packed byte; logs shrink to about a tenth.
    pub ratio: u64,
    /// Unpacked bytes that are always allowed.
    pub bytes: u64,
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ratio: 60,
            bytes: 64 << 20,
            files: 100_000,
        }
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PackError {
    let path = path.to_path_buf();
    move |source| PackError::Io {
        action,
        path,
        source,
    }
}

/// Writes a run folder as a zip, under the folder's name. What begins with a dot (the lock,
/// checkpoints half written) and the zip itself are left out.
///
/// # Errors
/// If the disk refuses, or a checkpoint is removed meanwhile.
pub fn pack(run: &Path, to: impl Write + Seek) -> Result<(), PackError> {
    let mut zip = ZipWriter::new(to);
    pack_folder(&mut zip, run, &name_of(run))?;
    zip.finish()?.flush().map_err(failed("write", run))
}

fn pack_folder<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    folder: &Path,
    name: &str,
) -> Result<(), PackError> {
    let entries = fs::read_dir(folder).map_err(failed("read", folder))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| fs::is_file(path) && !name_of(path).starts_with('.'))
        .collect();
    files.sort();
    for path in files {
        let mut file = File::open(&path).map_err(failed("read", &path))?;
        let length = file.metadata().map_err(failed("read", &path))?.len();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(length > u64::from(u32::MAX / 2));
        zip.start_file(format!("{name}/{}", name_of(&path)), options)?;
        io::copy(&mut file, zip).map_err(failed("pack", &path))?;
    }
    for inner in folders(folder).map_err(failed("read", folder))? {
        pack_folder(zip, &inner, &format!("{name}/{}", name_of(&inner)))?;
    }
    Ok(())
}

/// A file in a zip, and where it goes.
struct Entry {
    index: usize,
    /// Names from the root of the zip.
    names: Vec<String>,
}

/// Unpacks a zip of one run, or of a folder of runs, into the runs folder under a name that is
/// free. Returns the run folders. Nothing is left behind where it fails.
///
/// # Errors
/// Where the zip is damaged, holds no run, names places outside, or unpacks to far more than a run
/// would; or the disk refuses.
pub fn unpack(
    zip: impl Read + Seek,
    name: &str,
    runs: &Path,
    limits: &Limits,
) -> Result<Vec<PathBuf>, PackError> {
    let mut zip = zip;
    let packed = zip
        .seek(io::SeekFrom::End(0))
        .map_err(failed("read", Path::new(name)))?;
    let mut archive = ZipArchive::new(zip)?;
    let entries = entries(&mut archive, limits)?;
    let roots = roots(&entries)?;
    // Beside its place, so that moving it there is one rename; hidden, so that it is not listed.
    fs::create_dir_all(runs).map_err(failed("create", runs))?;
    let aside = free_name(runs, &format!(".unpacking-{}", fs::process()));
    let most = limits.bytes.max(packed.saturating_mul(limits.ratio));
    let unpacked = extract(&mut archive, &entries, &roots, &aside, most)
        .and_then(|()| put(&aside, name, &roots, runs));
    // What is left of it is of no use; the reason matters more than whether this succeeds.
    fs::remove_dir_all(&aside).ok();
    unpacked
}

/// The files in a zip that are to be unpacked.
fn entries(
    archive: &mut ZipArchive<impl Read + Seek>,
    limits: &Limits,
) -> Result<Vec<Entry>, PackError> {
    if archive.len() > limits.files {
        return Err(PackError::TooMany {
            files: archive.len(),
            most: limits.files,
        });
    }
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index)?;
        let name = file.name()?.into_owned();
        let names = inside(&name).ok_or(PackError::Outside { name })?;
        let hidden = names
            .iter()
            .any(|name| name.starts_with('.') || name == "__MACOSX");
        if !file.is_dir() && !file.is_symlink() && !hidden {
            entries.push(Entry { index, names });
        }
    }
    Ok(entries)
}

/// The parts of a path that stays where it is unpacked.
fn inside(name: &str) -> Option<Vec<String>> {
    let parts = name.trim_end_matches('/').split(['/', '\\']);
    let good = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains(':') && !part.contains('\0')
    };
    parts
        .map(|part| good(part).then(|| part.to_owned()))
        .collect()
}

/// The folders in a zip that are runs: those with the configuration nearest to its root.
fn roots(entries: &[Entry]) -> Result<Vec<Vec<String>>, PackError> {
    let parents = entries.iter().filter_map(|entry| {
        let (last, parent) = entry.names.split_last()?;
        (last == CONFIG).then(|| parent.to_vec())
    });
    let mut parents: Vec<Vec<String>> = parents.collect();
    let depth = parents.iter().map(Vec::len).min().ok_or(PackError::NoRun)?;
    parents.retain(|parent| parent.len() == depth);
    parents.sort();
    parents.dedup();
    Ok(parents)
}

/// Unpacks each root's files into a numbered folder.
fn extract(
    archive: &mut ZipArchive<impl Read + Seek>,
    entries: &[Entry],
    roots: &[Vec<String>],
    to: &Path,
    most: u64,
) -> Result<(), PackError> {
    let mut left = most;
    for (number, root) in roots.iter().enumerate() {
        let folder = to.join(number.to_string());
        fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
        for entry in entries {
            let Some(names) = entry.names.strip_prefix(root.as_slice()) else {
                continue;
            };
            let path = names
                .iter()
                .fold(folder.clone(), |path, name| path.join(name));
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(failed("create", parent))?;
            }
            let mut file = File::create(&path).map_err(failed("write", &path))?;
            // One byte more than allowed tells; the sizes a zip declares may be made up.
            let mut bytes = archive.by_index(entry.index)?.take(left.saturating_add(1));
            let written = io::copy(&mut bytes, &mut file).map_err(failed("unpack", &path))?;
            left = left
                .checked_sub(written)
                .ok_or(PackError::TooLarge { most })?;
        }
    }
    Ok(())
}

/// Moves what was unpacked to its places: one run by its own name, several in a folder of the
/// zip's name.
fn put(
    aside: &Path,
    zip: &str,
    roots: &[Vec<String>],
    runs: &Path,
) -> Result<Vec<PathBuf>, PackError> {
    let stem = name_of(&Path::new(zip).with_extension(""));
    let own = |root: &Vec<String>| root.last().cloned().unwrap_or_else(|| stem.clone());
    let (folder, names): (PathBuf, Vec<String>) = match roots {
        [root] => (runs.to_path_buf(), vec![own(root)]),
        roots => (free_name(runs, &stem), roots.iter().map(own).collect()),
    };
    fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
    let mut places = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let place = free_name(&folder, name);
        let from = aside.join(number.to_string());
        fs::rename(&from, &place).map_err(failed("write", &place))?;
        places.push(place);
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn zip_of(files: &[(&str, &[u8])]) -> Cursor<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = SimpleFileOptions::default();
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap()
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sasr-zip-{name}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        folder
    }

    #[test]
    fn names_that_lead_outside_are_refused_and_nothing_is_written() {
        let runs = folder("outside").join("runs");
        for bad in [
            "../evil",
            "a/../../evil",
            "/evil",
            "..\\evil",
            "C:\\evil",
            "a//b",
        ] {
            let zip = zip_of(&[("run/config.toml", b""), (bad, b"x")]);
            let error = unpack(zip, "a.zip", &runs, &Limits::default()).unwrap_err();
            assert!(matches!(error, PackError::Outside { .. }), "{bad}: {error}");
        }
        assert!(!runs.exists() && !runs.with_file_name("evil").exists());
    }

    #[test]
    fn what_grows_too_much_is_given_up_and_cleared_away() {
        let runs = folder("large");
        let zip = || zip_of(&[("run/config.toml", b"seed = 1"), ("run/x", &[0; 100_000])]);
        let limits = |bytes, ratio| Limits {
            ratio,
            bytes,
            files: 10,
        };
        let error = unpack(zip(), "a.zip", &runs, &limits(1000, 2)).unwrap_err();
        assert!(matches!(error, PackError::TooLarge { .. }), "{error}");
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
        let places = unpack(zip(), "a.zip", &runs, &limits(100_008, 2)).unwrap();
        assert_eq!(places, [runs.join("run")]);
        fs::remove_dir_all(&runs).unwrap();
    }

    #[test]
    fn several_runs_are_put_into_a_folder_of_the_name_of_the_zip() {
        let runs = folder("several");
        let files: [(&str, &[u8]); 4] = [
            ("x/sasr/config.toml", b"seed = 1"),
            ("x/sasr/deep/config.toml", b"not a run of its own"),
            ("x/sft/config.toml", b"seed = 2"),
            ("x/.lock", b""),
        ];
        let unpack = || unpack(zip_of(&files), "both.zip", &runs, &Limits::default()).unwrap();
        assert_eq!(
            unpack(),
            ["both/sasr", "both/sft"].map(|run| runs.join(run))
        );
        assert_eq!(
            unpack(),
            ["both-2/sasr", "both-2/sft"].map(|run| runs.join(run))
        );
        assert!(runs.join("both/sasr/deep/config.toml").exists());
        fs::remove_dir_all(&runs).unwrap();
        // Without a folder of its own, the zip's name is the run's.
        let flat = zip_of(&[("config.toml", b"")]);
        let places = super::unpack(flat, "flat.zip", &runs, &Limits::default()).unwrap();
        assert_eq!(places, [runs.join("flat")]);
        let none = zip_of(&[("notes.txt", b"")]);
        let error = super::unpack(none, "none.zip", &runs, &Limits::default()).unwrap_err();
        assert!(matches!(error, PackError::NoRun), "{error}");
        fs::remove_dir_all(&runs).unwrap();
    }
}
