//! Tests that cannot be done on a machine say so, and are counted.

// Every test program uses its part of this.
#![allow(dead_code)]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

/// Says that the test that calls this cannot be done here, and why. The harness keeps what passing tests
/// print to itself, so that it goes into a list as well, which the last test program tells
/// (`tests/zz_skipped.rs`).
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("{test}: {why}\n");
    let list = list();
    let said = fs::read_to_string(&list).unwrap_or_default();
    if said.contains(&line) {
        return;
    }
    print!("skipped {line}");
    // Nothing depends on it.
    let file = fs::OpenOptions::new().append(true).create(true).open(list);
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .ok();
}

/// The list of one `cargo test`: all of its test programs have the same parent.
pub fn list() -> PathBuf {
    #[cfg(unix)]
    let run = std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    let run = 0;
    std::env::temp_dir().join(format!("sasr-skipped-{run}"))
}
