//! A log that is read from where it was left.

use std::borrow::Cow;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use super::read::ReadError;
use crate::files::{self as fs, File};

/// Bytes read at a time.
const CHUNK: usize = 1 << 14;

/// Bytes before the place of reading that must still be there when it goes on. A log that was cut
/// back and has grown again since differs in them: every step has its own time.
const SEAM: usize = 1 << 14;

/// One log and how far it was read.
pub(super) struct Tail {
    pub file: &'static str,
    /// How long the file was when it was last looked at, and when it had been changed.
    length: u64,
    changed: Option<SystemTime>,
    /// Bytes read so far.
    position: u64,
    /// Whole lines passed so far.
    lines: usize,
    /// Bytes read and not passed yet begin here in `pending`.
    start: usize,
    pending: Vec<u8>,
    /// The last bytes before `position`.
    seam: Vec<u8>,
}

impl Tail {
    pub fn new(file: &'static str) -> Self {
        Self {
            file,
            length: 0,
            changed: None,
            position: 0,
            lines: 0,
            start: 0,
            pending: Vec::new(),
            seam: Vec::new(),
        }
    }

    /// Finds out how long the log is now; a file that is not there is empty. False where it no
    /// longer begins with what was read.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn look(&mut self, folder: &Path) -> Result<bool, ReadError> {
        let (length, changed) = match fs::metadata(folder.join(self.file)) {
            Ok(there) => (there.len(), there.modified().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (0, None),
            Err(source) => return Err(self.failed(folder, source)),
        };
        let untouched = length == self.length && changed == self.changed && changed.is_some();
        (self.length, self.changed) = (length, changed);
        if untouched || length < self.position || self.seam.is_empty() {
            return Ok(length >= self.position);
        }
        let from = self.position - self.seam.len() as u64;
        let there = self.bytes(folder, from, self.seam.len())?;
        Ok(there == self.seam)
    }

    /// Begins anew, with the length it had when it was last looked at.
    pub fn restart(&mut self) {
        *self = Self {
            length: self.length,
            changed: self.changed,
            ..Self::new(self.file)
        };
    }

    /// Whether all that was there has been read.
    pub fn at_end(&self) -> bool {
        self.position >= self.length
    }

    /// Reads on, at most `most` bytes, and says how many.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&mut self, folder: &Path, most: usize) -> Result<usize, ReadError> {
        let left = usize::try_from(self.length - self.position).unwrap_or(usize::MAX);
        let bytes = self.bytes(folder, self.position, most.min(CHUNK).min(left))?;
        if bytes.is_empty() {
            // Cut back since it was looked at.
            self.length = self.position;
        }
        self.position += bytes.len() as u64;
        self.pending.drain(..std::mem::take(&mut self.start));
        self.pending.extend(&bytes);
        self.seam.extend(&bytes);
        let surplus = self.seam.len().saturating_sub(SEAM);
        self.seam.drain(..surplus);
        Ok(bytes.len())
    }

    /// The next whole line of what was read.
    pub fn line(&self) -> Option<Cow<'_, str>> {
        let pending = &self.pending[self.start..];
        let end = pending.iter().position(|&byte| byte == b'\n')?;
        Some(String::from_utf8_lossy(&pending[..end]))
    }

    /// The number of that line, counted from 1.
    pub fn number(&self) -> usize {
        self.lines + 1
    }

    /// Goes on to the line after it.
    pub fn pass(&mut self) {
        let pending = &self.pending[self.start..];
        if let Some(end) = pending.iter().position(|&byte| byte == b'\n') {
            self.start += end + 1;
            self.lines += 1;
        }
    }

    /// What was read of a line without an end, if anything; it is not read again.
    pub fn take_rest(&mut self) -> Option<String> {
        let rest = String::from_utf8_lossy(&self.pending[self.start..]).into_owned();
        self.start = self.pending.len();
        (!rest.trim().is_empty()).then_some(rest)
    }

    fn bytes(&self, folder: &Path, from: u64, most: usize) -> Result<Vec<u8>, ReadError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(folder.join(self.file))?;
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::with_capacity(most);
            file.take(most as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| self.failed(folder, source))
    }

    fn failed(&self, folder: &Path, source: io::Error) -> ReadError {
        ReadError::File {
            path: folder.join(self.file).display().to_string(),
            source,
        }
    }
}
