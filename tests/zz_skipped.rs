//! The last test program of `cargo test`: how many tests were skipped, and why.

#[path = "common/skip.rs"]
mod skip;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

#[test]
fn what_was_skipped_is_said() {
    let list = skip::list();
    let said = fs::read_to_string(&list).unwrap_or_default();
    fs::remove_file(&list).ok();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, why) in said.lines().filter_map(|line| line.split_once(": ")) {
        *reasons.entry(why).or_default() += 1;
    }
    let mut told = match said.lines().count() {
        0 => "no test was skipped\n".to_owned(),
        1 => "1 test was skipped:\n".to_owned(),
        count => format!("{count} tests were skipped:\n"),
    };
    for (why, count) in reasons {
        told.push_str(&format!("  {count} × {why}\n"));
    }
    // The harness keeps what passing tests print to itself.
    std::io::stderr().write_all(told.as_bytes()).unwrap();
}
