//! Going on with a run: what may change, what was changed by hand, and what has moved meanwhile.
#![cfg(all(unix, feature = "cli"))]

mod common;

use std::fs;
use std::path::Path;

use common::{Scratch, assert_same, checkpoints, log, metrics, signal, until};
use serde_json::{Value, json};

fn changes(run: &Path) -> Vec<Value> {
    let changed = |line: &Value| line["event"] == "changed";
    log(run, "changes.jsonl")
        .into_iter()
        .filter(changed)
        .collect()
}

fn edit(run: &Path, from: &str, to: &str) {
    edit_file(&run.join("config.toml"), from, to);
}

fn edit_file(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in\n{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn only_what_may_change_is_accepted_and_told() {
    let scratch = Scratch::new("accepted");
    let run = scratch.train("run", &["max_steps=20"]);
    let before = fs::read(run.join("metrics.jsonl")).unwrap();
    for (set, words) in [
        ("model.hidden_size=32", "model.hidden_size = 32 (it is 16)"),
        (
            "balance.origin=\"base\"",
            "balance.origin = \"base\" (it is \"warmup\")",
        ),
        ("seed=8", "seed = 8 (it is 7)"),
        ("balance.method=\"sft\"", "balance.method"),
        ("grpo.num_generations=8", "grpo.num_generations"),
        ("balance.horizon=40", "balance.horizon"),
    ] {
        let args = [
            "train",
            "--resume",
            "out/run",
            "--set",
            set,
            "--set",
            "max_steps=30",
        ];
        let ran = scratch.run(&args).code(2);
        ran.says(&[words, "cannot change that", "balance.gamma", "max_steps"]);
    }
    let shorter = ["train", "--resume", "out/run", "--set", "max_steps=10"];
    scratch
        .run(&shorter)
        .code(2)
        .says(&["max_steps = 10", "20 steps already"]);
    assert!(
        before == fs::read(run.join("metrics.jsonl")).unwrap(),
        "nothing was touched"
    );

    let args = [
        "train",
        "--resume",
        "out/run",
        "--set",
        "max_steps=30",
        "--set",
        "balance.gamma=4",
    ];
    scratch
        .done(&args)
        .says(&["balance.gamma is now 4", "max_steps is now 30"]);
    let told: Vec<(Value, Value, Value)> = changes(&run)
        .iter()
        .map(|line| {
            (
                line["step"].clone(),
                line["path"].clone(),
                line["value"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (json!(20), json!("balance.gamma"), json!("4.0")),
            (json!(20), json!("max_steps"), json!("30")),
        ]
    );
    // The report and a comparison use each value from its step on.
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(
        page.contains("balance.gamma") && page.contains("from step 21"),
        "the report is silent"
    );
    let compared = scratch.done(&["report", "out/run", "--json"]).out;
    assert!(
        compared.contains("balance.gamma = 4.0 from step 21"),
        "{compared}"
    );
}

#[test]
fn an_edited_configuration_counts_as_set_and_is_told_or_refused() {
    let scratch = Scratch::new("edited");
    let run = scratch.train("run", &["max_steps=20"]);
    edit(&run, "gamma = 2.0", "gamma = 3.5");
    edit(&run, "max_steps = 20", "max_steps = 25");
    let ran = scratch.done(&["train", "--resume", "out/run"]);
    ran.says(&[
        "balance.gamma = 3.5 is taken from config.toml, which was edited",
        "max_steps",
    ]);
    assert_eq!(metrics(&run).len(), 25);
    assert_eq!(changes(&run)[0]["value"], "3.5");
    // --set counts more.
    edit(&run, "gamma = 3.5", "gamma = 5.0");
    let args = [
        "train",
        "--resume",
        "out/run",
        "--set",
        "balance.gamma=7",
        "--set",
        "max_steps=28",
    ];
    scratch.done(&args).says(&["balance.gamma is now 7"]);
    edit(&run, "hidden_size = 16", "hidden_size = 24");
    let ran = scratch.run(&["train", "--resume", "out/run"]).code(2);
    ran.says(&["config.toml: model.hidden_size = 24 (it is 16)"]);
}

#[test]
fn going_on_from_before_a_change_says_that_it_falls_away() {
    let scratch = Scratch::new("falls-away");
    let run = scratch.train("run", &["max_steps=10"]);
    let args = [
        "train",
        "--resume",
        "out/run",
        "--set",
        "max_steps=20",
        "--set",
        "balance.gamma=9",
    ];
    scratch.done(&args);
    let first = "step-000010".to_string();
    assert!(checkpoints(&run).contains(&first));
    let back = ["train", "--resume", "out/run", "--checkpoint", &first];
    scratch.done(&back).says(&[
        "balance.gamma was set to 9.0 after step 10",
        "it is 2.0 again",
    ]);
    // From the newest checkpoint on, what was set right there stays set.
    let gamma = ["train", "--resume", "out/run", "--set", "balance.gamma=9"];
    scratch.done(&gamma);
    let on = ["train", "--resume", "out/run", "--set", "max_steps=12"];
    let told = scratch.done(&on).err;
    assert!(!told.contains("it is 2.0 again"), "{told}");
    let text = fs::read_to_string(run.join("config.toml")).unwrap();
    assert!(text.contains("gamma = 9.0"), "{text}");
    scratch.done(&back);
    // As if it had never been set.
    assert_same(&scratch.train("plain", &["max_steps=10"]), &run);
}

fn with_data(scratch: &Scratch, folder: &str) -> String {
    let lines: String = (0..40)
        .map(|n| {
            format!(
                "{{\"prompt\": \"{n}+1\", \"completion\": \"={}\"}}\n",
                n + 1
            )
        })
        .collect();
    fs::create_dir_all(scratch.path(folder)).unwrap();
    fs::write(scratch.path(folder).join("sums.jsonl"), lines).unwrap();
    String::from(
        "max_steps = 6\n[task]\nkind = \"jsonl\"\n[task.files]\ntrain = [\"sums.jsonl\"]\n\
         answer_key = \"completion\"\n[curriculum]\nlevels = [1, 1]\nstart = 1\n[model]\nhidden_size = 16\n\
         num_hidden_layers = 1\n[grpo]\nnum_prompts = 2\nnum_generations = 2\n\
         max_completion_length = 4\n[balance]\nwarmup_steps = 2\n[evaluation]\nproblems = 2\n\
         [exam]\nevery = 0\n[checkpoint]\nevery = 2",
    )
}

/// Runs `sasr` from the folder of the runs, and expects it to succeed.
fn done_in_out(scratch: &Scratch, args: &[&str]) {
    let mut elsewhere = scratch.sasr(args);
    let ran = elsewhere.current_dir(scratch.path("out")).output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn data_are_known_by_their_bytes_and_paths_lead_from_the_file_that_names_them() {
    let scratch = Scratch::new("data");
    let text = with_data(&scratch, "here");
    fs::write(scratch.path("here/c.toml"), text).unwrap();
    // Beside the configuration, wherever the program is started.
    scratch.done(&["train", "here/c.toml", "--out", "out", "--name", "run"]);
    let resume = ["train", "--resume", "run", "--set", "max_steps=8"];
    done_in_out(&scratch, &resume);

    // The same bytes under another name are the same data.
    fs::create_dir_all(scratch.path("moved")).unwrap();
    fs::rename(
        scratch.path("here/sums.jsonl"),
        scratch.path("moved/other.jsonl"),
    )
    .unwrap();
    let lost = ["train", "--resume", "out/run", "--set", "max_steps=10"];
    scratch.run(&lost).code(2).says(&["sums.jsonl"]);
    let moved = "task.files.train=[\"moved/other.jsonl\"]";
    scratch.done(&[&lost[..], &["--set", moved]].concat());
    let text = fs::read_to_string(scratch.path("out/run/config.toml")).unwrap();
    assert!(text.contains("../../moved/other.jsonl"), "{text}");

    // Others are named.
    let bytes = fs::read_to_string(scratch.path("moved/other.jsonl")).unwrap();
    fs::write(
        scratch.path("moved/other.jsonl"),
        bytes.replace("39+1", "39+2"),
    )
    .unwrap();
    let again = ["train", "--resume", "out/run", "--set", "max_steps=12"];
    let ran = scratch.run(&again).code(2);
    ran.says(&[
        "moved/other.jsonl",
        "its bytes are not those",
        "other.jsonl",
    ]);
}

#[test]
fn files_stay_what_they_were_for_and_one_that_moved_leaves_the_others_where_they_are() {
    let scratch = Scratch::new("parts");
    let text = with_data(&scratch, "here");
    let lines = fs::read_to_string(scratch.path("here/sums.jsonl")).unwrap();
    let half = lines.lines().count() / 2;
    let part = |from: usize| -> String {
        let lines = lines.lines().skip(from).take(half);
        lines.map(|line| format!("{line}\n")).collect()
    };
    fs::write(scratch.path("here/train.jsonl"), part(0)).unwrap();
    fs::write(scratch.path("here/test.jsonl"), part(half)).unwrap();
    let files = "train = [\"train.jsonl\"]\ntest = [\"test.jsonl\"]";
    let text = text.replace("train = [\"sums.jsonl\"]", files);
    fs::write(scratch.path("here/c.toml"), text).unwrap();
    scratch.done(&["train", "here/c.toml", "--out", "out", "--name", "run"]);

    // From another folder, with the file for training elsewhere and the one for the test where it was.
    fs::create_dir_all(scratch.path("moved")).unwrap();
    fs::rename(
        scratch.path("here/train.jsonl"),
        scratch.path("moved/train.jsonl"),
    )
    .unwrap();
    let moved = "task.files.train=[\"../moved/train.jsonl\"]";
    let resume = [
        "train",
        "--resume",
        "run",
        "--set",
        "max_steps=8",
        "--set",
        moved,
    ];
    done_in_out(&scratch, &resume);

    // What was for the test does not become what is taught.
    let both = "task.files.train=[\"moved/train.jsonl\",\"here/test.jsonl\"]";
    let swap = ["train", "--resume", "out/run", "--set", "max_steps=10"];
    let ran = scratch.run(&[&swap[..], &["--set", both, "--set", "task.files.test=[]"]].concat());
    ran.code(2)
        .says(&["1 data files for training and 1 for the test", "2 and 0"]);
}

/// The configuration of a run of 0.1.0: without what came later.
fn as_before_horizons(run: &Path) {
    let without = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("horizon"));
        fs::write(
            path,
            lines.map(|line| format!("{line}\n")).collect::<String>(),
        )
        .unwrap();
    };
    without(&run.join("config.toml"));
    let manifest = run.join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let mut told: Value = serde_json::from_str(&text).unwrap();
    told["version"] = "0.1.0".into();
    for newer in ["format", "sources", "test"] {
        told.as_object_mut().unwrap().remove(newer);
    }
    fs::write(manifest, told.to_string()).unwrap();
}

#[test]
fn a_run_of_0_1_0_that_was_made_longer_goes_on() {
    let scratch = Scratch::new("older");
    let run = scratch.train("run", &["max_steps=20"]);
    as_before_horizons(&run);
    edit(&run, "max_steps = 20", "max_steps = 30");
    let ran = scratch.done(&["train", "--resume", "out/run"]);
    ran.says(&["max_steps = 30 is taken from config.toml"]);
    assert_eq!(metrics(&run).len(), 30);
    // It is still known as one that was begun with 0.1.0.
    let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        (&manifest["version"], &manifest["format"]),
        (&json!("0.1.0"), &json!(2))
    );
    let compared = scratch.done(&["report", "out/run", "--json"]).out;
    assert!(compared.contains("Begun with 0.1.0"), "{compared}");
}

#[test]
fn a_folder_of_a_newer_sasr_is_left_alone() {
    let scratch = Scratch::new("newer");
    let run = scratch.train("run", &["max_steps=10"]);
    edit_file(
        &run.join("manifest.json"),
        "\"format\": 2",
        "\"format\": 99",
    );
    let resume = ["train", "--resume", "out/run", "--set", "max_steps=12"];
    scratch
        .run(&resume)
        .code(2)
        .says(&["a newer sasr", "format 99", "reads up to 2"]);
    scratch
        .run(&["report", "out/run"])
        .says(&["a newer sasr", "format 99"]);
}

/// Runs that begin with a model folder share its base model while its bytes are the same.
#[test]
fn a_base_model_is_known_by_the_bytes_of_the_model_it_begins_with() {
    let scratch = Scratch::new("bytes");
    let first = scratch.train("first", &["max_steps=10"]);
    let folder = |name: &str| first.join("checkpoints").join(name);
    let all = checkpoints(&first);
    let (older, newer) = (&all[0], &all[all.len() - 1]);
    assert_ne!(older, newer);
    let copy = |from: &str| {
        fs::remove_dir_all(scratch.path("model")).ok();
        fs::create_dir_all(scratch.path("model")).unwrap();
        for entry in fs::read_dir(folder(from)).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), scratch.path("model").join(entry.file_name())).unwrap();
        }
    };
    let begun = |name: &str| {
        let set = ["max_steps=10", "base.steps=2", "model.path=\"model\""];
        let run = scratch.train(name, &set);
        let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
        serde_json::from_str::<Value>(&manifest).unwrap()["base"].clone()
    };
    copy(older);
    let before = begun("a");
    assert_eq!(begun("b"), before);
    copy(newer);
    assert_ne!(begun("c"), before);
}

#[test]
fn a_run_that_begins_anew_spreads_its_schedules_over_the_steps_it_then_has() {
    let scratch = Scratch::new("anew");
    let run = scratch.train("run", &["max_steps=10"]);
    for checkpoint in checkpoints(&run) {
        fs::remove_dir_all(run.join("checkpoints").join(checkpoint)).unwrap();
    }
    scratch.done(&["train", "--resume", "out/run", "--set", "max_steps=20"]);
    let text = fs::read_to_string(run.join("config.toml")).unwrap();
    assert_eq!(text.matches("horizon = 20").count(), 2, "{text}");
}

#[test]
fn a_checkpoint_is_no_run_and_its_run_is_named() {
    let scratch = Scratch::new("checkpoint");
    let run = scratch.train("run", &["max_steps=10"]);
    let newest = checkpoints(&run).pop().unwrap();
    let place = format!("out/run/checkpoints/{newest}");
    let hint = format!("--resume out/run --checkpoint {newest}");
    let ran = scratch.run(&["train", "--resume", &place]).code(2);
    ran.says(&["holds no run", &hint]);
}

#[test]
fn another_tokenizer_under_the_same_name_is_refused() {
    let scratch = Scratch::new("tokenizer");
    let run = scratch.train("first", &["max_steps=10"]);
    let newest = checkpoints(&run).pop().unwrap();
    let from = run.join("checkpoints").join(newest).join("tokenizer.json");
    fs::create_dir_all(scratch.path("words")).unwrap();
    fs::copy(&from, scratch.path("words/tokenizer.json")).unwrap();
    scratch.train(
        "run",
        &[
            "max_steps=10",
            "tokenizer.kind=\"file\"",
            "tokenizer.path=\"words\"",
        ],
    );
    let text = fs::read_to_string(&from).unwrap();
    // As many tokens, two of which have changed places.
    let swapped = text
        .replace("\"3\"", "\"#\"")
        .replace("\"4\"", "\"3\"")
        .replace("\"#\"", "\"4\"");
    assert_ne!(text, swapped);
    fs::write(scratch.path("words/tokenizer.json"), swapped).unwrap();
    let resume = ["train", "--resume", "out/run", "--set", "max_steps=12"];
    scratch
        .run(&resume)
        .code(2)
        .says(&["tokenizer.json", "not those that the run began with"]);
}

#[test]
fn a_folder_that_is_renamed_while_it_trains_is_followed_and_named() {
    let scratch = Scratch::new("renamed");
    let args = [
        "train",
        "tiny.toml",
        "--out",
        "out",
        "--name",
        "run",
        "--json",
    ];
    let long = [
        &args[..],
        &["--set", "max_steps=100000", "--set", "checkpoint.every=0"],
    ]
    .concat();
    let mut command = scratch.sasr(&long);
    command.stderr(std::process::Stdio::piped());
    let mut child = until_told(command, 12);
    fs::rename(scratch.path("out/run"), scratch.path("out/other")).unwrap();
    let ended = child.wait_with_output_of();
    assert_eq!(ended.0, Some(1));
    for words in [
        "out/run was renamed to out/other",
        "saved there",
        "--resume out/other",
    ] {
        assert!(ended.1.contains(words), "{words}: {}", ended.1);
    }
    assert!(!scratch.path("out/run").exists(), "a half folder was made");
    let steps = metrics(&scratch.path("out/other")).len();
    assert!(steps >= 12);
    let more = format!("max_steps={}", steps + 3);
    scratch.done(&["train", "--resume", "out/other", "--set", &more]);
    assert_eq!(metrics(&scratch.path("out/other")).len(), steps + 3);
}

#[test]
fn a_folder_that_is_removed_while_it_trains_ends_the_run_with_words() {
    let scratch = Scratch::new("removed");
    let args = [
        "train",
        "tiny.toml",
        "--out",
        "out",
        "--name",
        "run",
        "--json",
    ];
    let long = [&args[..], &["--set", "max_steps=100000"]].concat();
    let mut command = scratch.sasr(&long);
    command.stderr(std::process::Stdio::piped());
    let mut child = until_told(command, 12);
    fs::rename(scratch.path("out/run"), scratch.path("elsewhere")).unwrap();
    let ended = child.wait_with_output_of();
    assert_eq!(ended.0, Some(1));
    assert!(
        ended.1.contains("out/run is not there any more"),
        "{}",
        ended.1
    );
    assert!(!scratch.path("out/run").exists());
    scratch.done(&["train", "--resume", "elsewhere", "--set", "max_steps=40"]);
}

#[test]
fn a_polite_kill_saves_as_ctrl_c_does() {
    let scratch = Scratch::new("term");
    let args = [
        "train",
        "tiny.toml",
        "--out",
        "out",
        "--name",
        "run",
        "--json",
    ];
    let mut child = until(scratch.sasr(&args), |event| {
        event["event"] == "step" && event["step"] == 13
    });
    // A closing terminal says it twice at once: the second is not yet impatience.
    signal(&child, "-TERM");
    signal(&child, "-HUP");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    scratch.done(&["train", "--resume", "out/run"]);
    assert_same(&scratch.train("whole", &[]), &scratch.path("out/run"));
}

/// Nobody can read what goes wrong or how far it is: the run goes on.
#[test]
fn a_closed_or_full_stderr_loses_nothing() {
    let scratch = Scratch::new("stderr");
    let whole = scratch.train("whole", &[]);
    let train = |name: &str| format!("train tiny.toml --out out --name {name}");
    let sasr = env!("CARGO_BIN_EXE_sasr");
    for (name, shell) in [
        (
            "closed",
            format!("{sasr} {} 2>&1 | head -3", train("closed")),
        ),
        ("full", format!("{sasr} {} 2>/dev/full", train("full"))),
        ("gone", format!("{sasr} {} 2>&-", train("gone"))),
        (
            "killed",
            format!("{sasr} {} 2> >(head -c 10 >/dev/null)", train("killed")),
        ),
    ] {
        if name == "full" && !common::has_full_device() {
            common::skip::skipped(common::NO_FULL_DEVICE);
            continue;
        }
        let script = format!("set -o pipefail; {shell}");
        let mut bash = std::process::Command::new("bash");
        let ran = bash
            .args(["-c", &script])
            .current_dir(scratch.path(""))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!said.contains("panicked"), "{name}: {said}");
        assert!(ran.status.success(), "{name}: {:?} {said}", ran.status);
        assert_same(&whole, &scratch.path("out").join(name));
    }
    // Errors, too, have nobody to tell.
    for wrong in [
        "check nowhere.toml",
        "eval nowhere",
        "compare nowhere.toml",
        "report nowhere",
    ] {
        let script = format!("{sasr} {wrong} 2>/dev/full");
        let mut bash = std::process::Command::new("bash");
        let ran = bash
            .args(["-c", &script])
            .current_dir(scratch.path(""))
            .output()
            .unwrap();
        assert_eq!(ran.status.code(), Some(2), "{wrong}");
    }
}

/// A process whose events are read until it has made so many steps, and then no more.
struct Told {
    child: std::process::Child,
    rest: std::thread::JoinHandle<()>,
}

impl Told {
    /// Its exit code, and what it said to stderr.
    fn wait_with_output_of(&mut self) -> (Option<i32>, String) {
        use std::io::Read as _;
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.child.kill().ok();
        assert!(self.rest.is_finished() || self.child.wait().is_ok());
    }
}

fn until_told(mut command: std::process::Command, step: u64) -> Told {
    use std::io::{BufRead as _, BufReader};
    command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["event"] == "step" && event["step"] == step {
            break;
        }
    }
    let rest = std::thread::spawn(move || lines.for_each(drop));
    Told { child, rest }
}
