//! Keeps a library's complaint out of what the program says.
//!
//! Mesa's Vulkan layer asks Wayland which card draws the screen, and Wayland's library complains on standard
//! error where there is no `XDG_RUNTIME_DIR`, as on a server or in a container. Nothing is wrong there: cards
//! compute without a screen.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

/// What the complaint names.
const COMPLAINT: &str = "XDG_RUNTIME_DIR";

/// Does something while standard error is looked through: lines that complain of `XDG_RUNTIME_DIR` are left
/// out, all others come once it is done. Where the variable is set, nothing is looked through.
pub(super) fn hushed<T>(work: impl FnOnce() -> T) -> T {
    // The folder that the variable names may be gone; the complaint is the same.
    let there = std::env::var_os(COMPLAINT).is_some_and(crate::files::exists);
    if there {
        return work();
    }
    // One at a time: what is put back has to be what was there.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _caught = Caught::begin();
    work()
}

/// Standard error while it goes elsewhere; dropped, it is put back.
struct Caught {
    stderr: OwnedFd,
    aside: File,
}

impl Caught {
    /// Nothing, where the system does not allow it: then the complaint is heard.
    fn begin() -> Option<Self> {
        let aside = rustix::fs::memfd_create("stderr", rustix::fs::MemfdFlags::CLOEXEC).ok()?;
        let stderr = rustix::io::fcntl_dupfd_cloexec(std::io::stderr(), 3).ok()?;
        rustix::stdio::dup2_stderr(&aside).ok()?;
        let aside = File::from(aside);
        Some(Self { stderr, aside })
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        if rustix::stdio::dup2_stderr(&self.stderr).is_err() {
            return;
        }
        let mut said = Vec::new();
        if self
            .aside
            .rewind()
            .and_then(|()| self.aside.read_to_end(&mut said).map(drop))
            .is_ok()
        {
            // Nobody may be listening.
            std::io::stderr().write_all(&without_complaints(&said)).ok();
        }
    }
}

fn without_complaints(said: &[u8]) -> Vec<u8> {
    let lines = said.split_inclusive(|&byte| byte == b'\n');
    let fine = |line: &&[u8]| !String::from_utf8_lossy(line).contains(COMPLAINT);
    lines.filter(fine).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_complaint_is_left_out() {
        let said =
            b"error: XDG_RUNTIME_DIR is invalid or not set in the environment.\nMESA: \xff\nlast";
        assert_eq!(without_complaints(said), b"MESA: \xff\nlast");
        assert!(without_complaints(b"").is_empty());
    }
}
