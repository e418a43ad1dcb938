//! What keeps a tree in memory from one start of the page to the next: a flat folder of numbered
//! files in the browser's storage, and an index of what they are.
//!
//! ```text
//! f17       the bytes of content 17
//! index-0   paths and the numbers of their contents; the newer whole one of the two counts
//! index-1
//! ```
//!
//! [`Storage::take`] says what has to be done to the storage, in this order: what no index knows is
//! removed (once, after a kill), then come bytes of new contents and at the end of old ones, then
//! the index, then what is not needed any more. So a checkpoint, whose files are all new, is there
//! from one write of the index on, and whatever of the list was done when the tab was killed, even
//! half a write, [`load`] finds the tree as it was before or after.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::memory::{Content, Entry, Tree, held, with};

const INDEXES: [&str; 2] = ["index-0", "index-1"];

/// Something to be done to a file of the storage's folder. They are to be done in their order, each
/// only after the one before was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Puts bytes at a place, where the file ends then. The file is made if it is not there.
    Write {
        file: String,
        at: u64,
        bytes: Vec<u8>,
    },
    /// Removes the file, if it is there.
    Remove { file: String },
}

/// A file of the storage's folder.
#[derive(Clone, Debug)]
pub struct Stored {
    pub file: String,
    pub bytes: Vec<u8>,
    /// When it was written last, since 1970, where the storage says.
    pub changed: Option<Duration>,
}

/// A storage that was not written by this program, or not as [`Storage::take`] says.
#[derive(Debug, thiserror::Error)]
#[error(
    "the browser's storage of this page is damaged: {files} files are there and no whole index says \
     what they are. Remove this site's data in the browser's settings to begin anew"
)]
pub struct Damaged {
    pub files: usize,
}

/// The index: what paths lead to.
#[derive(Default, Serialize, Deserialize)]
struct Index {
    /// Counts the indexes written.
    generation: u64,
    /// The number of the last content.
    last: u64,
    /// Path, content (none for a folder), microseconds since 1970.
    entries: Vec<(String, Option<u64>, u64)>,
}

impl Index {
    fn encode(&self) -> io::Result<Vec<u8>> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        let mut bytes = checksum(&text).into_bytes();
        bytes.push(b'\n');
        bytes.extend(text);
        Ok(bytes)
    }

    /// None where it was not written to its end.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|&byte| byte == b'\n')?;
        let (sum, text) = (&bytes[..end], &bytes[end + 1..]);
        (checksum(text).as_bytes() == sum).then_some(())?;
        serde_json::from_slice(text).ok()
    }
}

fn checksum(bytes: &[u8]) -> String {
    let sum = sha2::Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn name_of(number: u64) -> String {
    format!("f{number}")
}

/// The storage's state: which index was written last.
#[derive(Default)]
pub struct Storage {
    generation: u64,
    /// Files that no index names: what was written when the tab was killed.
    stray: Vec<String>,
}

/// Makes this thread's tree what a storage holds.
///
/// # Errors
/// Where there are files and no whole index.
pub fn load(stored: Vec<Stored>) -> Result<Storage, Damaged> {
    let count = stored.len();
    let mut files: BTreeMap<String, Stored> = BTreeMap::new();
    files.extend(
        stored
            .into_iter()
            .map(|stored| (stored.file.clone(), stored)),
    );
    let indexes = INDEXES.map(|name| files.remove(name));
    let decoded = indexes.iter().flatten();
    let whole = decoded.filter_map(|stored| Index::decode(&stored.bytes));
    let Some(index) = whole.max_by_key(|index| index.generation) else {
        // Killed before the first index was whole: nothing was kept yet.
        if indexes.iter().flatten().count() == 2 {
            return Err(Damaged { files: count });
        }
        with(|tree| *tree = Tree::default());
        return Ok(Storage::with_stray(0, files));
    };
    let mut tree = Tree {
        last: index.last,
        ..Tree::default()
    };
    for (path, number, changed) in index.entries {
        let mut changed = Duration::from_micros(changed);
        let entry = match number {
            None => Entry::Folder { changed },
            Some(number) => {
                // What is empty was never written.
                let stored = files.remove(&name_of(number));
                let filed = stored.is_some();
                let (bytes, later) = stored.map_or_else(Default::default, |stored| {
                    (stored.bytes, stored.changed.unwrap_or_default())
                });
                changed = changed.max(later);
                let length = bytes.len();
                let mut content = Content::new(number, bytes, changed);
                (content.filed, content.kept, content.clean) = (filed, length, length);
                Entry::File(Arc::new(Mutex::new(content)))
            }
        };
        tree.is_after(changed);
        tree.entries.insert(path, entry);
    }
    with(|there| *there = tree);
    Ok(Storage::with_stray(index.generation, files))
}

impl Storage {
    fn with_stray(generation: u64, left: BTreeMap<String, Stored>) -> Self {
        let stray = left.into_keys().collect();
        Self { generation, stray }
    }

    /// What has to be done to the storage so that it holds this thread's tree; nothing where it
    /// does. To be asked between units of work: a tree in the middle of one is not kept.
    ///
    /// # Errors
    /// If the index cannot be written down.
    pub fn take(&mut self) -> io::Result<Vec<Job>> {
        with(|tree| self.take_of(tree))
    }

    /// The storage refused a job (it is full, say): all is written again by the next [`Self::take`].
    pub fn failed(&mut self) {
        with(|tree| {
            for entry in tree.entries.values() {
                if let Entry::File(content) = entry {
                    held(content).clean = 0;
                }
            }
            tree.moved = true;
        });
    }

    fn take_of(&mut self, tree: &mut Tree) -> io::Result<Vec<Job>> {
        // Before anything else: the numbers of stray files are given to new contents.
        let stray = std::mem::take(&mut self.stray).into_iter();
        let mut jobs: Vec<Job> = stray.map(|file| Job::Remove { file }).collect();
        let mut index = Index {
            last: tree.last,
            ..Index::default()
        };
        for (path, entry) in &tree.entries {
            let (number, changed) = match entry {
                Entry::Folder { changed } => (None, *changed),
                Entry::File(content) => {
                    let mut content = held(content);
                    let (length, clean) = (content.bytes.len(), content.clean);
                    if clean < length || content.kept > length {
                        jobs.push(Job::Write {
                            file: name_of(content.number),
                            at: clean as u64,
                            bytes: content.bytes[clean..].to_vec(),
                        });
                        content.filed = true;
                        (content.kept, content.clean) = (length, length);
                    }
                    (Some(content.number), content.changed)
                }
            };
            if tree.moved {
                let changed = u64::try_from(changed.as_micros()).unwrap_or(u64::MAX);
                index.entries.push((path.clone(), number, changed));
            }
        }
        if std::mem::take(&mut tree.moved) {
            self.generation += 1;
            index.generation = self.generation;
            let file = INDEXES[(self.generation % 2) as usize].to_owned();
            let bytes = index.encode()?;
            jobs.push(Job::Write { file, at: 0, bytes });
        }
        let gone = std::mem::take(&mut tree.gone).into_iter().map(name_of);
        jobs.extend(gone.map(|file| Job::Remove { file }));
        Ok(jobs)
    }
}
