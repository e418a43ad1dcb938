//! How much memory the machine has left.

use std::path::Path;

/// Bytes that programs may still take: what the machine has available, or its container allows if that is
/// less. None where that is not known: this looks where Linux says it.
pub fn free_memory() -> Option<u64> {
    let machine = crate::files::read_to_string("/proc/meminfo").ok();
    let machine = machine.as_deref().and_then(available);
    let read = |name: &str| {
        let place = Path::new("/sys/fs/cgroup").join(name);
        crate::files::read_to_string(place).ok()
    };
    let number = |name: &str| -> Option<u64> { read(name)?.trim().parse().ok() };
    let container = match (number("memory.max"), number("memory.current")) {
        (Some(most), Some(taken)) => {
            // Files that are kept at hand make room for what is needed.
            let cached = read("memory.stat").and_then(|text| cached(&text));
            Some(most.saturating_sub(taken.saturating_sub(cached.unwrap_or(0))))
        }
        _ => None,
    };
    machine.into_iter().chain(container).min()
}

fn available(meminfo: &str) -> Option<u64> {
    let mut lines = meminfo.lines();
    let line = lines.find(|line| line.starts_with("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1024 * kilobytes)
}

fn cached(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("file "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_where_linux_says_it() {
        let text = "MemTotal:       24000000 kB\nMemAvailable:   12000 kB\n";
        assert_eq!(available(text), Some(12_288_000));
        assert_eq!(available("MemTotal: 1 kB"), None);
        assert_eq!(cached("anon 7\nfile 4096\nfile_mapped 3\n"), Some(4096));
        if cfg!(target_os = "linux") {
            assert!(free_memory().is_some_and(|free| free > 1 << 20));
        }
    }
}
