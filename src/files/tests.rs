//! Files in memory against files on a disk, and what storage keeps of them.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rand::RngExt as _;

use super::storage::{Job, Stored, load};
use super::{File, OpenOptions, TryLockError};
use crate::rng::{Purpose, Stream, stream};

/// Paths; a file's bytes, none for a folder.
type Contents = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Every path below a folder, with a file's bytes.
fn all(folder: &Path) -> Contents {
    let mut found = BTreeMap::new();
    for entry in super::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if super::is_dir(&path) {
            found.insert(path.clone(), None);
            found.extend(all(&path));
        } else {
            found.insert(path.clone(), Some(super::read(&path).unwrap()));
        }
    }
    found
}

/// One of the things that programs do with files; whether it could be done.
fn act(root: &Path, random: &mut Stream) -> bool {
    let names = ["a", "a/b", "a/b/c", "d", "d/e", "f"];
    let mut draw = |most: usize| random.random_range(0..most);
    let (one, other) = (&root.join(names[draw(6)]), &root.join(names[draw(6)]));
    let bytes = &vec![b'a' + draw(26) as u8; draw(9)];
    let done = match draw(9) {
        0 => super::create_dir_all(one),
        1 => super::write(one, bytes),
        2 => OpenOptions::new()
            .append(true)
            .create(true)
            .open(one)
            .and_then(|mut file| file.write_all(bytes)),
        3 => super::rename(one, other),
        4 => super::remove_file(one),
        5 => super::remove_dir_all(one),
        6 => OpenOptions::new()
            .write(true)
            .open(one)
            .and_then(|file| file.set_len(bytes.len() as u64 / 2)),
        7 => OpenOptions::new()
            .write(true)
            .open(one)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(3))?;
                file.write_all(bytes)
            }),
        _ => super::read(one).map(|_| ()),
    };
    done.is_ok()
}

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sasr-files-{name}-{}", std::process::id()));
        std::fs::remove_dir_all(&path).ok();
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What the same acts leave, on the disk or in memory.
fn after_acts(root: &Path, seed: u64) -> (Vec<bool>, Contents) {
    let mut random = stream(seed, Purpose::Bootstrap, 0, 0);
    let mut done = Vec::new();
    for _ in 0..60 {
        done.push(act(root, &mut random));
    }
    (done, all(root))
}

#[test]
fn memory_does_what_a_disk_does() {
    let scratch = Scratch::new("twin");
    let mut succeeded = 0;
    for seed in 0..200 {
        std::fs::remove_dir_all(&scratch.0).unwrap();
        std::fs::create_dir_all(&scratch.0).unwrap();
        let disk = after_acts(&scratch.0, seed);
        let mounted = super::mount();
        super::create_dir_all(&scratch.0).unwrap();
        let memory = after_acts(&scratch.0, seed);
        drop(mounted);
        assert_eq!(memory, disk, "seed {seed}");
        succeeded += disk.0.iter().filter(|done| **done).count();
    }
    // Most of the acts must have been possible for this to say anything.
    assert!(succeeded > 2000, "{succeeded}");
}

#[test]
fn an_open_file_stays_the_same_file_and_times_never_repeat() {
    let _mounted = super::mount();
    super::create_dir_all("runs/one").unwrap();
    let mut log = OpenOptions::new();
    let mut log = log.append(true).create(true).open("runs/one/log").unwrap();
    log.write_all(b"first\n").unwrap();
    let before = super::metadata("runs/one/log").unwrap().modified().unwrap();
    super::rename("runs/one", "runs/two").unwrap();
    log.write_all(b"second\n").unwrap();
    assert_eq!(super::read("runs/two/log").unwrap(), b"first\nsecond\n");
    assert!(super::metadata("runs/two/log").unwrap().modified().unwrap() > before);
    assert_eq!(log.metadata().unwrap().len(), 13);
    let mut part = String::new();
    let mut file = File::open("./runs/../runs/two/log").unwrap();
    file.seek(SeekFrom::End(-7)).unwrap();
    file.read_to_string(&mut part).unwrap();
    assert_eq!(part, "second\n");
    assert!(file.write_all(b"x").is_err() && file.set_len(0).is_err());
    assert_eq!(
        super::canonicalize("runs/./two").unwrap(),
        Path::new("/runs/two")
    );
}

#[test]
fn locks_keep_others_out_until_the_file_is_closed() {
    let _mounted = super::mount();
    super::write(".lock", b"").unwrap();
    let open = || File::open(".lock").unwrap();
    let one = open();
    one.try_lock().unwrap();
    assert!(matches!(open().try_lock(), Err(TryLockError::WouldBlock)));
    assert!(matches!(
        open().try_lock_shared(),
        Err(TryLockError::WouldBlock)
    ));
    drop(one);
    let (one, two) = (open(), open());
    one.try_lock_shared().unwrap();
    two.try_lock_shared().unwrap();
    drop(one);
    assert!(open().try_lock().is_err());
    drop(two);
    open().try_lock().unwrap();
}

/// The storage's folder, as a browser would keep it.
pub(crate) type Disk = BTreeMap<String, Vec<u8>>;

/// Does a job, or where `torn` says, only the beginning of it.
pub(crate) fn perform(disk: &mut Disk, job: &Job, torn: Option<usize>) {
    match job {
        Job::Write { file, at, bytes } => {
            let written = torn.map_or(bytes.len(), |torn| torn.min(bytes.len()));
            let there = disk.entry(file.clone()).or_default();
            let end = *at as usize + written;
            // What was there before is cut off only at the end.
            there.resize(there.len().max(end), 0);
            there[*at as usize..end].copy_from_slice(&bytes[..written]);
            if torn.is_none() {
                there.truncate(end);
            }
        }
        Job::Remove { file } => {
            if torn.is_none() {
                disk.remove(file);
            }
        }
    }
}

/// What a page finds when it starts.
pub(crate) fn stored(disk: &Disk) -> Vec<Stored> {
    let stored = |(file, bytes): (&String, &Vec<u8>)| Stored {
        file: file.clone(),
        bytes: bytes.clone(),
        changed: None,
    };
    disk.iter().map(stored).collect()
}

/// Whether a tree has the paths of another, and its bytes where they were not being written.
fn is_like(seen: &Contents, tree: &Contents, after: &Contents) -> bool {
    let later: Vec<&Vec<u8>> = after.values().flatten().collect();
    let fits = |path: &PathBuf, bytes: &[u8]| {
        let here = tree.get(path).and_then(Option::as_ref);
        let written = |(at, byte): (usize, &u8)| {
            let is = |other: &Vec<u8>| other.get(at) == Some(byte);
            here.is_some_and(is) || later.iter().any(|other| is(other))
        };
        bytes.iter().enumerate().all(written)
    };
    let whole = |(path, bytes): (&PathBuf, &Option<Vec<u8>>)| {
        bytes.as_ref().is_none_or(|bytes| fits(path, bytes))
    };
    seen.keys().eq(tree.keys()) && seen.iter().all(whole)
}

#[test]
fn storage_holds_the_tree_before_or_after_wherever_it_is_killed() {
    let root = Path::new("");
    for seed in 0..60 {
        let mounted = super::mount();
        let mut random = stream(seed, Purpose::Bootstrap, 1, 0);
        let mut storage = load(Vec::new()).unwrap();
        let mut disk = Disk::new();
        for _ in 0..25 {
            let before = all(root);
            for _ in 0..4 {
                act(root, &mut random);
            }
            let after = all(root);
            let jobs = storage.take().unwrap();
            // Killed in the middle of one of the jobs, seen by another page.
            let killed = random.random_range(0..=jobs.len());
            let torn = random.random_range(0..4);
            let mut other = disk.clone();
            for (index, job) in jobs.iter().enumerate().take(killed + 1) {
                perform(&mut other, job, (index == killed).then_some(torn));
            }
            let seen = std::thread::spawn(move || {
                let _mounted = super::mount();
                let mut storage = load(stored(&other)).unwrap();
                let tree = all(root);
                // What is left over is cleared away, and not what is written since.
                let mut random = stream(seed, Purpose::Bootstrap, 2, 0);
                for _ in 0..4 {
                    act(root, &mut random);
                }
                for job in storage.take().unwrap() {
                    perform(&mut other, &job, None);
                }
                let gone_on = all(root);
                load(stored(&other)).unwrap();
                assert_eq!(all(root), gone_on, "seed {seed}");
                let files = gone_on.values().flatten().count();
                assert!(other.len() <= files + 2, "{:?}", other.keys());
                tree
            });
            let seen = seen.join().unwrap();
            assert!(
                is_like(&seen, &before, &after) || seen == after,
                "seed {seed}"
            );

            jobs.iter().for_each(|job| perform(&mut disk, job, None));
            let kept = disk.clone();
            let seen = std::thread::spawn(move || {
                let _mounted = super::mount();
                load(stored(&kept)).unwrap();
                all(root)
            });
            assert_eq!(seen.join().unwrap(), after, "seed {seed}");
            assert!(storage.take().unwrap().is_empty());
        }
        drop(mounted);
    }
}

#[test]
fn appending_writes_what_is_new_and_a_refused_job_is_done_again() {
    let _mounted = super::mount();
    let mut storage = load(Vec::new()).unwrap();
    super::write("log", b"one").unwrap();
    let mut disk = Disk::new();
    for job in storage.take().unwrap() {
        perform(&mut disk, &job, None);
    }
    let mut log = OpenOptions::new();
    let mut log = log.append(true).open("log").unwrap();
    log.write_all(b"two").unwrap();
    let jobs = storage.take().unwrap();
    let [Job::Write { at: 3, bytes, .. }] = jobs.as_slice() else {
        panic!("{jobs:?}");
    };
    assert_eq!(bytes, b"two");
    // The storage was full.
    storage.failed();
    for job in storage.take().unwrap() {
        perform(&mut disk, &job, None);
    }
    load(stored(&disk)).unwrap();
    assert_eq!(super::read("log").unwrap(), b"onetwo");
    // Both indexes destroyed: that is not passed off as an empty storage.
    for name in ["index-0", "index-1"] {
        disk.insert(name.into(), b"nonsense".to_vec());
    }
    let error = load(stored(&disk)).err().unwrap();
    assert!(error.to_string().contains("damaged"), "{error}");
}
