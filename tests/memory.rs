//! `sasr check`'s memory against what runs on the CPU take.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod common;

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::Scratch;

const CONFIG: &str = r#"
max_steps = 12
shards = 2
[model]
hidden_size = 64
num_hidden_layers = 2
[sft]
batch_size = 16
[grpo]
num_prompts = 4
num_generations = 4
max_completion_length = 24
[balance]
warmup_steps = 4
g_warm_window = 2
[base]
steps = 0
[curriculum]
levels = [1, 2]
start = 2
[exam]
every = 0
[evaluation]
problems = 16
samples = 2
[checkpoint]
every = 6
"#;

/// The most memory that a process has had so far, in bytes.
fn peak(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes = line.split_whitespace().nth(1)?.parse::<f64>().ok()?;
    Some(1024.0 * kilobytes)
}

/// Peak memory of a run less that of the program before it reads its configuration.
fn taken(scratch: &Scratch, set: &[&str]) -> f64 {
    let mut args = vec!["train", "/dev/stdin", "--out", "out", "--name", "run"];
    args.extend(set.iter().flat_map(|set| ["--set", set]));
    let mut command = scratch.sasr(&args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    sleep(Duration::from_millis(300));
    let before = peak(child.id()).unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(CONFIG.as_bytes()).unwrap();
    drop(input);
    let mut most = before;
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        most = peak(child.id()).map_or(most, |peak| peak.max(most));
        sleep(Duration::from_millis(2));
    };
    assert!(ended.success());
    fs::remove_dir_all(scratch.path("out")).unwrap();
    most - before
}

/// What `sasr check` says that a run will need, in bytes.
fn estimated(scratch: &Scratch, set: &[&str]) -> f64 {
    let config = scratch.write("memory.toml", CONFIG);
    let mut args = vec!["check", config.to_str().unwrap()];
    args.extend(set.iter().flat_map(|set| ["--set", set]));
    let told = scratch.done(&args).out;
    let megabytes = told
        .split("about ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    1e6 * megabytes.unwrap().parse::<f64>().unwrap()
}

/// The rest of the machine decides as well when an allocator gives back what it does not need: the run is
/// repeated before a difference counts.
#[test]
fn the_estimate_is_what_a_run_takes() {
    let scratch = Scratch::new("memory");
    let wide = ["model.hidden_size=256", "model.num_hidden_layers=4"];
    let cases: [(&str, Vec<&str>); 4] = [
        ("small", vec![]),
        ("saving", wide.to_vec()),
        (
            "learning",
            [&wide[..], &["sft.batch_size=128", "balance.method=\"sft\""]].concat(),
        ),
        ("one shard", [&wide[..], &["shards=1"]].concat()),
    ];
    for (name, set) in cases {
        let estimated = estimated(&scratch, &set);
        let mut ratios: Vec<f64> = Vec::new();
        let fits = |ratio: &f64| (ratio - 1.0).abs() <= 0.15;
        while ratios.len() < 3 && !ratios.last().is_some_and(fits) {
            ratios.push(estimated / taken(&scratch, &set));
        }
        println!(
            "{name}: {:.0} MB, {ratios:.2?} of what runs took",
            estimated / 1e6
        );
        assert!(ratios.last().is_some_and(fits), "{name}: {ratios:.2?}");
    }
}
