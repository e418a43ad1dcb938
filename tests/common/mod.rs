//! What tests of the program share: a run that takes a quarter of a second, a folder to run it in,
//! and comparisons of what it wrote.

// Every test file is a program of its own and uses its part of this.
#![allow(dead_code)]

#[cfg(feature = "gpu")]
pub mod card;
pub mod session;
pub mod skip;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

/// Why a test that needs a full disk is skipped.
pub const NO_FULL_DEVICE: &str = "there is no /dev/full that can be written to";

/// Whether `/dev/full` is the device that is always full, and may be used.
#[cfg(unix)]
pub fn has_full_device() -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    let is_device = |there: fs::Metadata| there.file_type().is_char_device();
    fs::metadata("/dev/full").is_ok_and(is_device)
        && fs::OpenOptions::new().write(true).open("/dev/full").is_ok()
}

/// A run with everything in it: base model, warm-up, both branches with resampled groups, probes,
/// exams of several slices that fall between and onto checkpoints, a final test.
pub const TINY: &str = r#"
name = "tiny"
seed = 7
shards = 2
max_steps = 40

[task]
kind = "arithmetic"
demonstrations = 40

[model]
hidden_size = 16
num_attention_heads = 2
num_hidden_layers = 1
max_position_embeddings = 64

[base]
steps = 100
learning_rate = 0.02
warmup_steps = 4
levels = [1]
batch_size = 16

[sft]
batch_size = 16

[grpo]
num_prompts = 4
num_generations = 4
max_completion_length = 12
zero_variance = "resample"
max_resample_times = 1

[balance]
warmup_steps = 8
g_warm_window = 4
gamma = 2.0
lambda = 0.5
probe_every = 2

[curriculum]
levels = [1, 2]
start = 1

[exam]
every = 7
problems = 40

[evaluation]
problems = 8
samples = 2
unseen_levels = []

[checkpoint]
every = 5
keep = 3

[logging]
completions_every = 2
"#;

/// Steps of [`TINY`].
pub const STEPS: u64 = 40;

/// A folder of a test's own, with `tiny.toml` in it; removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("{name}-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("tiny.toml"), TINY).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// `sasr` started in this folder.
    pub fn sasr(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sasr"));
        command.current_dir(&self.0).args(args);
        command.stdin(Stdio::null());
        command
    }

    /// Runs `sasr` and says how it went.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(args, self.sasr(args).output().unwrap())
    }

    /// Runs `sasr` and expects it to succeed.
    pub fn done(&self, args: &[&str]) -> Ran {
        self.run(args).code(0)
    }

    /// Trains [`TINY`] with these fields changed into `out/<name>`, and returns the run folder.
    pub fn train(&self, name: &str, set: &[&str]) -> PathBuf {
        let mut args = vec!["train", "tiny.toml", "--out", "out", "--name", name];
        args.extend(set.iter().flat_map(|field| ["--set", field]));
        self.done(&args);
        self.path("out").join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What a failed test left is worth looking at.
        if !std::thread::panicking() {
            fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// What a command printed and how it ended.
pub struct Ran {
    args: String,
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(args: &[&str], output: Output) -> Self {
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "sasr {args:?} panicked: {err}");
        Self {
            args: args.join(" "),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err,
        }
    }

    /// Expects an exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "sasr {}\n{}\n{}",
            self.args,
            self.out,
            self.err
        );
        self
    }

    /// Expects the error to say all of this.
    #[track_caller]
    pub fn says(self, what: &[&str]) -> Self {
        for what in what {
            assert!(
                self.err.contains(what),
                "sasr {}\nnot said: {what}\n{}",
                self.args,
                self.err
            );
        }
        self
    }

    /// Standard output as one JSON value per line.
    pub fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

/// Starts `sasr … --json` and reads its events until one fits; the process goes on.
pub fn until(mut command: Command, fits: impl Fn(&Value) -> bool) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while events.read_line(&mut line).unwrap() > 0 {
        if fits(&serde_json::from_str(&line).unwrap()) {
            break;
        }
        line.clear();
    }
    // Dropping the reader closes the pipe, which must not stop a run.
    child
}

/// Sends Ctrl-C.
pub fn interrupt(child: &Child) {
    signal(child, "-INT");
}

/// Sends a signal by its name.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

/// A log's lines.
#[track_caller]
pub fn log(run: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(run.join(name)).unwrap();
    let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(line).collect()
}

/// `metrics.jsonl` without what depends on the clock.
#[track_caller]
pub fn metrics(run: &Path) -> Vec<Value> {
    let mut lines = log(run, "metrics.jsonl");
    for line in &mut lines {
        let line = line.as_object_mut().unwrap();
        assert!(line.remove("step_time").is_some());
        line.remove("timing");
    }
    lines
}

/// Names of a run's checkpoints, oldest first.
pub fn checkpoints(run: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(run.join("checkpoints")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("step-")).collect();
    names.sort();
    names
}

pub fn newest(run: &Path) -> PathBuf {
    let names = checkpoints(run);
    run.join("checkpoints").join(names.last().unwrap())
}

/// Expects two finished runs to have written the same, but for times.
#[track_caller]
pub fn assert_same(expected: &Path, actual: &Path) {
    let (a, b) = (metrics(expected), metrics(actual));
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a, b, "metrics.jsonl differs");
    }
    assert_eq!(a.len(), b.len(), "lines of metrics.jsonl");
    let evaluations = |run: &Path| {
        let mut lines = log(run, "evaluations.jsonl");
        for line in &mut lines {
            assert!(line.as_object_mut().unwrap().remove("seconds").is_some());
        }
        lines
    };
    assert_eq!(evaluations(expected), evaluations(actual));
    for name in ["completions.jsonl", "alarms.jsonl"] {
        let (a, b) = (log(expected, name), log(actual, name));
        for (line, (a, b)) in a.iter().zip(&b).enumerate() {
            assert_eq!(a, b, "{name}:{}", line + 1);
        }
        let bytes = |run: &Path| fs::read(run.join(name)).unwrap();
        assert!(bytes(expected) == bytes(actual), "{name} differs");
    }
    assert_eq!(checkpoints(expected).last(), checkpoints(actual).last());
    for name in ["model.safetensors", "optimizer.safetensors"] {
        let bytes = |run: &Path| fs::read(newest(run).join(name)).unwrap();
        assert!(bytes(expected) == bytes(actual), "{name} differs");
    }
    let manifest = fs::read_to_string(actual.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["finished"], true);
}
