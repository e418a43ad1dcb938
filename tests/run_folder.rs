//! Run folders: who may write them, what is kept in them, and what happens when the disk lies.
#![cfg(all(unix, feature = "cli"))]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{
    Ran, STEPS, Scratch, assert_same, checkpoints, interrupt, log, metrics, newest, until,
};
use serde_json::Value;

/// A run stopped by Ctrl-C at about this step.
fn stopped(scratch: &Scratch, name: &str, step: u64) -> PathBuf {
    let args = ["train", "tiny.toml", "--out", "out", "--name", name];
    let command = scratch.sasr(&[&args[..], &["--json"]].concat());
    let mut child = until(command, |event| {
        event["event"] == "step" && event["step"] == step
    });
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    scratch.path("out").join(name)
}

/// Every file below a folder, with its bytes.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

#[test]
fn a_run_folder_in_use_is_refused_and_so_is_a_run_that_is_there() {
    let scratch = Scratch::new("in-use");
    let long = ["--set", "max_steps=100000"];
    let args = ["train", "tiny.toml", "--out", "out", "--name", "run"];
    let command = scratch.sasr(&[&args[..], &long, &["--json"]].concat());
    let mut child = until(command, |event| {
        event["event"] == "step" && event["step"] == 12
    });
    let resumed = scratch.run(&["train", "--resume", "out/run"]);
    let again = scratch.run(&args);
    assert!(
        child.try_wait().unwrap().is_none(),
        "it has ended by itself"
    );
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    resumed.code(1).says(&["out/run", "in use"]);
    again.code(1).says(&["out/run", "in use"]);

    // The process has gone, its run has not.
    let before = contents(&scratch.path("out/run"));
    let again = scratch.run(&args).code(2);
    again.says(&["out/run", "already holds a run", "--resume", "--name"]);
    assert!(before == contents(&scratch.path("out/run")));
    // Neither a lost config.toml nor lost checkpoints make it anybody's folder.
    let moved = scratch.path("config.toml");
    fs::rename(scratch.path("out/run/config.toml"), moved).unwrap();
    scratch.run(&args).code(2).says(&["already holds a run"]);
    fs::remove_dir_all(scratch.path("out/run/checkpoints")).unwrap();
    scratch.run(&args).code(2).says(&["already holds a run"]);
    assert!(!metrics(&scratch.path("out/run")).is_empty());
}

#[test]
fn a_run_that_is_not_there_cannot_be_resumed() {
    let scratch = Scratch::new("not-there");
    let ran = scratch.run(&["train", "--resume", "out/none"]).code(2);
    ran.says(&["out/none", "holds no run"]);
    let run = scratch.train("run", &[]);
    let all = checkpoints(&run).join(", ");
    let args = [
        "train",
        "--resume",
        "out/run",
        "--checkpoint",
        "step-000003",
    ];
    scratch.run(&args).code(2).says(&["step-000003", &all]);
    assert!(!scratch.path("out/none").exists());
    // --name and --out belong to new runs: they would be ignored.
    let args = ["train", "--resume", "out/run", "--name", "other"];
    scratch.run(&args).code(2).says(&["--name"]);
}

#[test]
fn damage_is_named_nothing_is_destroyed_and_the_checkpoint_before_works() {
    let scratch = Scratch::new("damaged");
    let whole = scratch.train("whole", &[]);
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("model.safetensors", |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, bytes).unwrap();
        }),
        ("optimizer.safetensors", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() - 100]).unwrap();
        }),
        ("state.json", |file| fs::write(file, "").unwrap()),
        ("origin.safetensors", |file| fs::remove_file(file).unwrap()),
        ("checksums.json", |file| fs::remove_file(file).unwrap()),
    ];
    for (index, (file, harm)) in harms.into_iter().enumerate() {
        let run = stopped(&scratch, &format!("run-{index}"), 18);
        let path = run.to_str().unwrap();
        let names = checkpoints(&run);
        harm(&newest(&run).join(file));
        let before = contents(&run);
        let [.., earlier, damaged] = names.as_slice() else {
            panic!("{names:?}");
        };
        let ran = scratch.run(&["train", "--resume", path]).code(1);
        ran.says(&[damaged, file, &format!("--checkpoint {earlier}")]);
        assert!(before == contents(&run), "{file}: something was changed");

        // What was damaged is put aside, so that a kill now does not lead back to it.
        let args = ["train", "--resume", path, "--checkpoint", earlier, "--json"];
        let mut child = until(scratch.sasr(&args), |event| event["event"] == "step");
        child.kill().unwrap();
        child.wait().unwrap();
        let aside = run.join("checkpoints").join(format!("abandoned-{damaged}"));
        assert!(aside.exists());
        scratch.done(&["train", "--resume", path]);
        assert_same(&whole, &run);
    }
}

#[test]
fn the_checkpoint_offered_instead_of_a_damaged_one_is_not_damaged_itself() {
    let scratch = Scratch::new("both-damaged");
    let run = stopped(&scratch, "run", 18);
    let names = checkpoints(&run);
    let [.., good, bad, newest] = names.as_slice() else {
        panic!("{names:?}");
    };
    let damage = |name: &str| {
        fs::write(run.join("checkpoints").join(name).join("config.json"), "{}").unwrap();
    };
    damage(bad);
    damage(newest);
    let ran = scratch.run(&["train", "--resume", "out/run"]).code(1);
    ran.says(&[newest, &format!("--checkpoint {good}")]);
    names.iter().for_each(|name| damage(name));
    let ran = scratch.run(&["train", "--resume", "out/run"]).code(1);
    ran.says(&[newest, "no earlier one"]);
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    if !common::has_full_device() {
        return common::skip::skipped(common::NO_FULL_DEVICE);
    }
    let scratch = Scratch::new("full");
    let whole = scratch.train("whole", &[]);
    let run = stopped(&scratch, "run", 18);
    let path = run.join("metrics.jsonl");
    let kept = fs::read(&path).unwrap();
    let checkpoint = contents(&newest(&run));
    // Everything written here fails for want of space.
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let ran = scratch.run(&["train", "--resume", "out/run"]).code(1);
    assert_eq!(ran.err.matches("No space left").count(), 1, "{}", ran.err);
    ran.says(&["cannot write", "metrics.jsonl"]);
    assert!(checkpoint == contents(&newest(&run)));
    fs::remove_file(&path).unwrap();
    fs::write(&path, kept).unwrap();
    scratch.done(&["train", "--resume", "out/run"]);
    assert_same(&whole, &run);
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let scratch = Scratch::new("unwritable");
    scratch.write("file", "not a folder");
    let ran = scratch.run(&["train", "tiny.toml", "--out", "file", "--name", "run"]);
    ran.code(1).says(&["cannot create", "file/run"]);
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_one_before() {
    let scratch = Scratch::new("limited");
    // A checkpoint larger than the logs, so that it is what the limit stops.
    let text = common::TINY.replace("hidden_size = 16", "hidden_size = 48");
    let text = text.replace("completions_every = 2", "completions_every = 0");
    scratch.write("tiny.toml", &text.replace("problems = 40", "problems = 8"));
    let whole = scratch.train("whole", &[]);
    let run = stopped(&scratch, "run", 16);
    fs::write(run.join("config.123.part"), "left by a kill").unwrap();
    fs::write(run.join("notes.part"), "left by somebody").unwrap();
    let names = checkpoints(&run);
    // No file may grow beyond 128 KB.
    let limited = "ulimit -f 256; trap '' XFSZ; exec \"$0\" train --resume out/run";
    let mut command = Command::new("sh");
    command.current_dir(scratch.path(".")).args(["-c", limited]);
    let output = command.arg(env!("CARGO_BIN_EXE_sasr")).output().unwrap();
    let ran = Ran::of(&["train", "--resume", "out/run"], output).code(1);
    ran.says(&["cannot write", "step-000020", "too large"]);
    assert_eq!(checkpoints(&run), names);
    assert_eq!(hidden(&run.join("checkpoints")), 0);
    assert!(!run.join("config.123.part").exists() && run.join("notes.part").exists());
    scratch.done(&["train", "--resume", "out/run"]);
    assert_same(&whole, &run);
}

/// Entries of a folder whose names begin with a dot.
fn hidden(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).count()
}

#[test]
fn logs_torn_by_a_crash_are_mended() {
    let scratch = Scratch::new("torn");
    let whole = scratch.train("whole", &[]);
    let run = stopped(&scratch, "run", 18);
    let path = run.join("metrics.jsonl");
    let mut torn = fs::read(&path).unwrap();
    torn.extend(b"{\"step\":19,\"phase\":\"adap");
    fs::write(&path, &torn).unwrap();
    // Readers leave the torn line out, resuming cuts it off.
    scratch.done(&["report", "out/run"]);
    scratch.done(&["train", "--resume", "out/run"]);
    assert_same(&whole, &run);

    // Shorter than at the checkpoint, which only a crash of the machine can do: the last whole
    // line is followed by the next, not by its own rest.
    let run = stopped(&scratch, "short", 18);
    let path = run.join("metrics.jsonl");
    let lines = metrics(&run).len();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
    scratch.done(&["train", "--resume", "out/short"]);
    assert_eq!(metrics(&run).len() as u64, STEPS - 1);
    assert_eq!(metrics(&run)[lines - 1]["step"], lines + 1);
}

#[test]
fn a_checkpoint_half_replaced_or_half_written_is_put_right() {
    let scratch = Scratch::new("half");
    let whole = scratch.train("whole", &[]);
    let run = stopped(&scratch, "run", 18);
    let folder = run.join("checkpoints");
    let names = checkpoints(&run);
    // Killed between setting the old one aside and putting the new one in its place; and while
    // writing another, and while removing a third.
    let last = names.last().unwrap();
    fs::rename(folder.join(last), folder.join(format!(".{last}.old"))).unwrap();
    for name in [".step-000030.part", ".step-000002.gone"] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("model.safetensors"), "half").unwrap();
    }
    let steps = metrics(&run).len();
    let ran = scratch.done(&["train", "--resume", "out/run", "--json"]);
    let first = ran
        .json()
        .into_iter()
        .find(|event| event["event"] == "step");
    assert_eq!(first.unwrap()["step"], steps + 1);
    assert_same(&whole, &run);
    assert_eq!(hidden(&folder), 0);
}

#[test]
fn the_last_checkpoints_and_the_best_are_kept() {
    let scratch = Scratch::new("kept");
    for keep in [1, 2, 4] {
        let name = format!("keep-{keep}");
        let run = scratch.train(&name, &[&format!("checkpoint.keep={keep}")]);
        let mut exams: Vec<(u64, f64)> = Vec::new();
        for line in log(&run, "evaluations.jsonl") {
            if line["kind"] == "exam" {
                let step = line["step"].as_u64().unwrap();
                let accuracy = line["metrics"]["accuracy"].as_f64().unwrap();
                match exams.last_mut() {
                    // The mean of two levels.
                    Some(last) if last.0 == step => last.1 = (last.1 + accuracy) / 2.0,
                    _ => exams.push((step, accuracy)),
                }
            }
        }
        let best = exams.iter().copied();
        let best = best.reduce(|best, exam| if exam.1 > best.1 { exam } else { best });
        let best = best.unwrap().0;
        assert!(best < 25, "the best exam is to be among those let go of");
        let last = (1..=STEPS / 5).rev().take(keep).map(|n| 5 * n);
        let mut expected: Vec<u64> = last.chain([best]).collect();
        expected.sort_unstable();
        let expected: Vec<String> = expected.iter().map(|n| format!("step-{n:06}")).collect();
        assert_eq!(checkpoints(&run), expected, "keep {keep}");
    }
}

#[test]
fn a_checkpoint_is_a_model_folder_that_another_run_starts_from() {
    let scratch = Scratch::new("model");
    let run = scratch.train("run", &[]);
    let checkpoint = newest(&run);
    let json = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(checkpoint.join(name)).unwrap()).unwrap()
    };
    let config = json("config.json");
    assert_eq!(config["model_type"], "llama");
    assert_eq!(config["architectures"][0], "LlamaForCausalLM");
    assert_eq!(config["hidden_size"], 16);
    assert!(json("tokenizer.json")["model"]["vocab"].is_object());
    assert!(json("tokenizer_config.json")["tokenizer_class"].is_string());
    assert!(!json("generation_config.json")["eos_token_id"].is_null());
    let bytes = fs::read(checkpoint.join("model.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    for name in [
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.q_proj.weight",
        "model.layers.0.mlp.down_proj.weight",
        "model.layers.0.post_attention_layernorm.weight",
        "model.norm.weight",
    ] {
        assert!(tensors.tensor(name).is_ok(), "no {name}");
    }
    // transformers looks for this before it reads a file.
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let format = header.metadata().as_ref().and_then(|all| all.get("format"));
    assert_eq!(format.map(String::as_str), Some("pt"));

    let path = format!("model.path=\"{}\"", checkpoint.display());
    let set = [path.as_str(), "tokenizer.kind=\"file\"", "base.steps=0"];
    let next = scratch.train("next", &set);
    let (first, last) = (&metrics(&run)[0], &metrics(&run)[39]);
    let begun = &metrics(&next)[0];
    assert_ne!(first["loss"], begun["loss"]);
    assert_eq!(last["step"], STEPS);
    // The same weights: what the one run's test measured at its end, the other's would begin with.
    let eval = |place: &Path| {
        let place = place.to_str().unwrap();
        let ran = scratch.done(&["eval", place, "--json", "--config", "tiny.toml"]);
        let timeless = |line: &str| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            assert!(record["seconds"].take().as_f64().unwrap() > 0.0);
            record
        };
        ran.out.lines().map(timeless).collect::<Vec<_>>()
    };
    assert_eq!(eval(&run), eval(&checkpoint));
    assert_ne!(eval(&run), eval(&next));
}

#[test]
fn a_run_that_failed_before_its_first_checkpoint_can_be_mended_and_begun_anew() {
    let scratch = Scratch::new("mended");
    // About half of the demonstrations fit: soon there is a batch of one that does not.
    let small = "base.batch_size=1";
    let args = ["train", "tiny.toml", "--out", "out", "--name", "run"];
    let set = ["--set", small, "--set", "sft.max_length=6"];
    let ran = scratch.run(&[&args[..], &set].concat());
    ran.code(2).says(&["fits into 6 tokens", "sft.max_length"]);
    let mend = ["train", "--resume", "out/run", "--set", "sft.max_length=0"];
    scratch.done(&mend);
    assert_same(&scratch.train("whole", &[small]), &scratch.path("out/run"));
}
