//! Every subcommand from outside: what it prints, what it refuses, how it exits.
#![cfg(all(unix, feature = "cli"))]

mod common;

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use common::{STEPS, Scratch, checkpoints, interrupt, log, metrics, newest, until};
use serde_json::Value;

const COMMANDS: [&str; 9] = [
    "train", "compare", "eval", "sample", "score", "report", "preview", "check", "devices",
];

/// The commands of builds with a window. What opens one is tested in `window.rs`.
#[cfg(feature = "app")]
const WINDOW_COMMANDS: &[&str] = &["app", "tour"];
#[cfg(not(feature = "app"))]
const WINDOW_COMMANDS: &[&str] = &[];

#[test]
fn every_command_explains_itself() {
    let scratch = Scratch::new("help");
    let help = scratch.done(&["--help"]).out;
    for command in COMMANDS.iter().chain(WINDOW_COMMANDS) {
        assert!(
            help.contains(&format!("  {command} ")),
            "{command}:\n{help}"
        );
        let own = scratch.done(&[command, "--help"]).out;
        assert!(own.contains("Usage: sasr"), "{own}");
        scratch.run(&[command, "--no-such-option"]).code(2);
    }
    scratch.run(&["trian"]).code(2).says(&["train"]);
    assert!(scratch.done(&["--version"]).out.starts_with("sasr "));
}

#[test]
fn wrong_configurations_exit_with_2_and_say_what_to_do() {
    let scratch = Scratch::new("wrong");
    let set = |set: &[&str]| {
        let mut args = vec!["train", "tiny.toml", "--out", "out"];
        args.extend(set.iter().flat_map(|field| ["--set", field]));
        scratch.run(&args).code(2)
    };
    set(&["grpo.num_generation=4"]).says(&["grpo.num_generation", "grpo.num_generations"]);
    set(&["sft.batch_size=0", "balance.gamma=-1.0"]).says(&["sft.batch_size", "balance.gamma"]);
    set(&["grpo.loss_type=\"grop\""]).says(&["grpo.loss_type", "grpo", "dr_grpo"]);
    set(&["max_steps=many"]).says(&["max_steps"]);
    set(&["max_steps"]).says(&["max_steps"]);
    set(&["device=\"tpu\""]).says(&["device", "tpu", "cpu"]);
    set(&["name=\"../elsewhere\""]).says(&["name"]);
    scratch.run(&["train"]).code(2).says(&["what to train"]);
    let ran = scratch.run(&["train", "missing.toml"]).code(2);
    ran.says(&["missing.toml"]);
    scratch.write("torn.toml", "max_steps = [1");
    let ran = scratch.run(&["train", "torn.toml"]).code(2);
    ran.says(&["torn.toml", "1"]);
    let ran = scratch
        .run(&["train", "tiny.toml", "--name", "a/b"])
        .code(2);
    ran.says(&["name"]);
    assert!(!scratch.path("out").exists() && !scratch.path("runs").exists());
    assert!(!scratch.path("elsewhere").exists());
    for command in ["eval", "sample", "report"] {
        let ran = scratch.run(&[command, "nowhere"]);
        ran.code(2).says(&["nowhere"]);
    }
}

#[test]
fn missing_data_and_models_are_named() {
    let scratch = Scratch::new("missing");
    let files = "task.files.train=[\"there/is/none.jsonl\"]";
    let args = ["check", "--set", "task.kind=\"gsm8k\"", "--set", files];
    let ran = scratch.run(&args);
    ran.code(2).says(&["there/is/none.jsonl"]);
    let args = ["check", "--set", "model.path=\"no-model\"", "--set"];
    let ran = scratch.run(&[&args[..], &["tokenizer.kind=\"file\""]].concat());
    ran.code(2).says(&["no-model"]);
}

#[test]
fn training_prints_its_events_as_json() {
    let scratch = Scratch::new("events");
    let args = ["train", "tiny.toml", "--out", "out", "--json"];
    let ran = scratch.done(&args);
    let events = ran.json();
    let kind = |event: &Value| event["event"].as_str().unwrap().to_string();
    assert_eq!(kind(&events[0]), "started");
    assert_eq!(kind(events.last().unwrap()), "finished");
    let steps = events.iter().filter(|event| kind(event) == "step");
    let steps: Vec<u64> = steps.map(|event| event["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, (1..=STEPS).collect::<Vec<_>>());
    // What is printed is what is written.
    let evaluated = events.iter().filter(|event| kind(event) == "evaluated");
    let evaluated: Vec<&Value> = evaluated.map(|event| &event["metrics"]).collect();
    let written = log(&scratch.path("out/tiny"), "evaluations.jsonl");
    let written: Vec<&Value> = written.iter().map(|line| &line["metrics"]).collect();
    assert_eq!(evaluated, written);
    assert!(scratch.path("out/tiny/report.html").exists());
}

#[test]
fn nobody_listening_neither_panics_nor_ends_a_run() {
    let scratch = Scratch::new("closed");
    let run = scratch.train("run", &[]);
    let args: [&[&str]; 5] = [
        &[
            "train",
            "tiny.toml",
            "--out",
            "out",
            "--name",
            "closed",
            "--json",
        ],
        &["sample", "out/run", "--count", "20", "--json"],
        &["eval", "out/run"],
        &["check", "--explain"],
        &["preview", "tiny.toml", "--count", "64"],
    ];
    for args in args {
        let mut command = scratch.sasr(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        let mut errors = child.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {said}");
        assert!(
            !said.contains("panicked") && !said.contains("error"),
            "{said}"
        );
    }
    assert_eq!(metrics(&scratch.path("out/closed")), metrics(&run));
}

/// Lines of ids from a fixture, and the expected log-probabilities of each.
fn scored(fixture: &Path) -> (String, Vec<Vec<f64>>) {
    let bytes = fs::read(fixture.join("expected.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let words = |name: &str| -> Vec<[u8; 4]> {
        let data = file.tensor(name).unwrap().data().chunks_exact(4);
        data.map(|word| word.try_into().unwrap()).collect()
    };
    let width = file.tensor("input_ids").unwrap().shape()[1];
    let (ids, mask) = (words("input_ids"), words("attention_mask"));
    let logps = words("token_logprobs");
    let (mut lines, mut expected) = (String::new(), Vec::new());
    for row in 0..ids.len() / width {
        let real = (0..width).filter(|column| i32::from_le_bytes(mask[row * width + column]) == 1);
        let real: Vec<usize> = real.collect();
        let row_ids: Vec<i32> = real
            .iter()
            .map(|column| i32::from_le_bytes(ids[row * width + column]))
            .collect();
        lines += &format!("{{\"ids\": {row_ids:?}}}\n");
        // token_logprobs[b, t] is that of the token after t.
        let row_logps = real[..real.len() - 1]
            .iter()
            .map(|column| f64::from(f32::from_le_bytes(logps[row * (width - 1) + column])));
        expected.push(row_logps.collect());
    }
    (lines, expected)
}

#[test]
fn scores_are_those_of_transformers() {
    let scratch = Scratch::new("score");
    for name in ["llama-tiny", "qwen2-tiny", "qwen3-tiny"] {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hf");
        let fixture = fixture.join(name);
        let (lines, expected) = scored(&fixture);
        assert!(expected.len() > 1);
        scratch.write("lines.jsonl", &lines);
        let ran = scratch.done(&["score", fixture.to_str().unwrap(), "lines.jsonl"]);
        let all = ran.json();
        assert_eq!(all.len(), expected.len());
        for (line, expected) in all.iter().zip(&expected) {
            let logps = line["logprobs"].as_array().unwrap();
            assert_eq!(logps.len(), expected.len());
            for (a, b) in logps.iter().zip(expected) {
                let a = a.as_f64().unwrap();
                assert!((a - b).abs() < 1e-4, "{name}: {a} for {b}");
            }
            let sum: f64 = expected.iter().sum();
            assert!((line["sum"].as_f64().unwrap() - sum).abs() < 1e-3);
        }
        let ran = scratch.run(&["score", fixture.to_str().unwrap(), "none.jsonl"]);
        ran.code(2).says(&["none.jsonl"]);
        scratch.write("lines.jsonl", "{\"ids\": [1, 2]}\n{\"ids\": [1, 99999]}\n");
        let ran = scratch.run(&["score", fixture.to_str().unwrap(), "lines.jsonl"]);
        ran.code(1).says(&["lines.jsonl:2", "99999"]);
        scratch.write(
            "lines.jsonl",
            "{\"prompt\": \"a\", \"completion\": \"b\"}\n",
        );
        let ran = scratch.run(&["score", fixture.to_str().unwrap(), "lines.jsonl"]);
        ran.code(2).says(&["tokenizer.json"]);
    }
}

#[test]
fn a_trained_run_is_tested_asked_and_scored() {
    let scratch = Scratch::new("trained");
    let run = scratch.train("run", &[]);
    // The test of the last checkpoint is the run's final test.
    let records = scratch.done(&["eval", "out/run", "--json"]).json();
    let finals = log(&run, "evaluations.jsonl").into_iter();
    let finals: Vec<Value> = finals.filter(|line| line["kind"] == "final").collect();
    assert_eq!(records.len(), finals.len());
    for (a, b) in records.iter().zip(&finals) {
        assert_eq!(a["metrics"], b["metrics"]);
        assert_eq!(a["perturbation"], b["perturbation"]);
    }
    let told = scratch.done(&["eval", "out/run"]).out;
    assert!(
        told.contains("level 1") && told.contains("accuracy"),
        "{told}"
    );
    let fewer = [
        "eval",
        "out/run",
        "--json",
        "--set",
        "evaluation.problems=3",
    ];
    assert_eq!(scratch.done(&fewer).json()[0]["problems"], 3);

    let sample = |args: &[&str]| scratch.done(&[&["sample", "out/run"], args].concat());
    let first = sample(&["--json", "--seed", "5"]);
    assert_eq!(first.out, sample(&["--json", "--seed", "5"]).out);
    assert_ne!(first.out, sample(&["--json", "--seed", "6"]).out);
    assert_eq!(first.json().len(), 12);
    let greedy = sample(&[
        "--json",
        "--temperature",
        "0",
        "--samples",
        "2",
        "--count",
        "1",
    ]);
    let greedy = greedy.json();
    assert_eq!(greedy[0]["completion"], greedy[1]["completion"]);
    let own = sample(&["--prompt", "3+4=", "--json", "--samples", "1"]).json();
    assert_eq!(own[0]["prompt"], "3+4=");
    scratch
        .run(&["sample", "out/run", "--samples", "0"])
        .code(2);
    scratch
        .run(&["sample", "out/run", "--temperature", "-1"])
        .code(2);
    let ran = scratch.run(&["sample", "out/run", "--level", "77"]).code(2);
    ran.says(&["77", "1 to"]);
    let ran = scratch.run(&["sample", "out/run", "--prompt", "Ω"]);
    ran.code(2).says(&["Ω"]);
    let long = "1+".repeat(40);
    let ran = scratch.run(&["sample", "out/run", "--prompt", &long]);
    ran.code(2).says(&["80 tokens", "1 to 63"]);
    let ran = scratch.run(&["sample", "out/run", "--prompt", ""]);
    ran.code(2).says(&["0 tokens"]);

    // Sampled tokens score what they were sampled with, by ids and by text.
    let ids = &own[0]["ids"];
    let line = serde_json::json!({ "prompt": "3+4=", "completion": own[0]["completion"] });
    scratch.write("lines.jsonl", &format!("{line}\n"));
    let scores = scratch.done(&["score", newest(&run).to_str().unwrap(), "lines.jsonl"]);
    let scores = scores.json();
    for (index, id) in ids.as_array().unwrap().iter().enumerate() {
        assert_eq!(&scores[0]["ids"][index], id);
        let (a, b) = (&scores[0]["logprobs"][index], &own[0]["logprobs"][index]);
        assert!(
            (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-4,
            "{a} for {b}"
        );
    }
}

#[test]
fn a_damaged_checkpoint_is_neither_tested_nor_asked() {
    let scratch = Scratch::new("damaged-model");
    let run = scratch.train("run", &["max_steps=10", "base.steps=10"]);
    let names = checkpoints(&run);
    let [.., before, last] = names.as_slice() else {
        panic!("two checkpoints are kept: {names:?}");
    };
    let (offered, last) = (before, run.join("checkpoints").join(last));
    let eval = ["eval", "out/run", "--set", "evaluation.problems=2"];
    let ask = ["sample", "out/run", "--count", "1"];
    let complete = ["sample", "out/run", "--prompt", "3+4="];
    let fails = |what: &[&str]| {
        for args in [&eval[..], &ask, &complete] {
            scratch.run(args).code(1).says(what);
        }
    };
    let change = |name: &str| {
        let mut bytes = fs::read(last.join(name)).unwrap();
        let end = bytes.len() - 1;
        bytes[end] ^= 1;
        fs::write(last.join(name), &bytes).unwrap();
    };
    // What only training needs is none of theirs.
    change("optimizer.safetensors");
    scratch.done(&eval);

    change("model.safetensors");
    fails(&["damaged: model.safetensors", "whole:", offered]);
    let given = last.to_str().unwrap();
    let args = ["score", given, "tiny.toml"];
    scratch.run(&args).code(1).says(&["model.safetensors"]);
    change("model.safetensors");
    change("tokenizer.json");
    fails(&["damaged: tokenizer.json"]);
    change("tokenizer.json");
    fs::rename(last.join("generation_config.json"), last.join("kept")).unwrap();
    fails(&["damaged: generation_config.json cannot be read"]);
    fs::rename(last.join("kept"), last.join("generation_config.json")).unwrap();
    scratch.done(&complete);
    // A checkpoint that is damaged as well is not offered.
    for name in &names[..names.len() - 1] {
        let folder = run.join("checkpoints").join(name);
        fs::write(folder.join("config.json"), "{}").unwrap();
    }
    change("model.safetensors");
    fails(&["damaged: model.safetensors", "no earlier one"]);
    // Nobody knows what the bytes should be.
    fs::remove_file(last.join("checksums.json")).unwrap();
    scratch.done(&complete);
}

#[test]
fn models_that_cannot_be_opened_say_why() {
    let scratch = Scratch::new("places");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hf/llama-tiny");
    let fixture = fixture.to_str().unwrap();
    for command in ["eval", "sample"] {
        let ran = scratch.run(&[command, fixture]).code(2);
        ran.says(&["llama-tiny does not belong to a run", "--config"]);
        fs::create_dir_all(scratch.path("young/checkpoints")).unwrap();
        let ran = scratch.run(&[command, "young"]).code(2);
        ran.says(&["young has no complete checkpoint"]);
        fs::create_dir_all(scratch.path("empty")).unwrap();
        let ran = scratch.run(&[command, "empty"]).code(2);
        ran.says(&["empty is neither a run folder nor a model folder"]);
        let ran = scratch.run(&[command, fixture, "--config", "none.toml"]);
        ran.code(2).says(&["none.toml"]);
        let set = ["--config", "tiny.toml", "--set", "grpo.num_generation=2"];
        let ran = scratch.run(&[&[command, fixture], &set[..]].concat());
        ran.code(2).says(&["grpo.num_generations"]);
        let ran = scratch.run(&[command, fixture, "--config", "tiny.toml"]);
        ran.code(2).says(&["tokenizer.json"]);
    }
    // Weights that are cut short are nobody's wrong input.
    let model = scratch.path("torn");
    fs::create_dir_all(&model).unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(Path::new(fixture).join(name), model.join(name)).unwrap();
    }
    fs::write(model.join("model.safetensors"), "torn").unwrap();
    let ran = scratch.run(&["sample", "torn", "--prompt", "1"]).code(1);
    ran.says(&["cannot open the model in torn"]);
}

#[test]
fn demonstrations_that_cannot_fit_are_noticed_before_training() {
    let scratch = Scratch::new("too-long");
    let set = ["train", "tiny.toml", "--out", "out", "--set"];
    let ran = scratch.run(&[&set[..], &["sft.max_length=4"]].concat());
    ran.code(2)
        .says(&["sft.max_length = 4", "level", "set sft.max_length to"]);
    assert!(!scratch.path("out/tiny").exists());
    // Here it is only the base model that has nothing to learn from.
    let grpo = [
        "--set",
        "balance.method=\"grpo\"",
        "--set",
        "base.levels=[2]",
    ];
    let check = ["check", "tiny.toml", "--set", "sft.max_length=7"];
    let ran = scratch.run(&[&check[..], &grpo].concat()).code(2);
    ran.says(&["sft.max_length = 7", "base.levels, level 2"]);
}

#[test]
fn check_preview_and_devices_tell_what_will_happen() {
    let scratch = Scratch::new("check");
    let told = scratch.done(&["check", "tiny.toml"]).out;
    for what in ["4400 parameters", "memory", "MB", "sound"] {
        assert!(told.contains(what), "{what}:\n{told}");
    }
    let told = scratch.done(&["check", "--explain", "grpo.beta"]).out;
    assert!(
        told.contains("grpo.beta (") && !told.contains("sft."),
        "{told}"
    );
    assert!(
        scratch
            .done(&["check", "--explain"])
            .out
            .contains("sft.batch_size")
    );
    let resolved = scratch.done(&["check", "tiny.toml", "--resolved"]).out;
    scratch.write("resolved.toml", &resolved);
    let again = scratch.done(&["check", "resolved.toml", "--resolved"]).out;
    assert_eq!(resolved, again);
    scratch
        .run(&["check", "tiny.toml", "--set", "sft.bach_size=2"])
        .code(2)
        .says(&["batch_size"]);

    let told = scratch.done(&["preview", "tiny.toml", "--count", "2"]).out;
    assert_eq!(told.matches("in the loss), answer").count(), 2, "{told}");
    assert!(
        told.contains("▸") && told.contains("·") && told.contains("reward 1"),
        "{told}"
    );
    assert!(!told.contains("\x1b["), "colours without a terminal");

    assert!(scratch.done(&["devices"]).out.contains("cpu"));
    assert_eq!(
        scratch.done(&["devices", "--json"]).json()[0]["device"],
        "cpu"
    );
}

#[test]
fn reports_are_written_for_one_run_and_for_several() {
    let scratch = Scratch::new("report");
    let a = scratch.train("a", &[]);
    scratch.train("b", &["seed=8"]);
    fs::remove_file(a.join("report.html")).unwrap();
    let told = scratch.done(&["report", "out/a"]).out;
    assert!(told.contains("report.html"));
    let page = fs::read_to_string(a.join("report.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("src=\"http"));
    scratch.done(&["report", "out/a", "out/b", "--out", "both.html"]);
    assert!(
        fs::read_to_string(scratch.path("both.html"))
            .unwrap()
            .contains("<svg")
    );
    assert!(scratch.done(&["report", "out/a", "out/b", "--json"]).json()[0].is_object());
    scratch.done(&["report", "out/a", "out/b", "--problems", "problems.csv"]);
    let table = fs::read_to_string(scratch.path("problems.csv")).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    let names: Vec<&str> = lines[0].split(',').collect();
    assert_eq!(names[..5], ["run", "method", "seed", "kind", "step"]);
    let problems = |run: &str| -> u64 {
        let records = log(&scratch.path("out").join(run), "evaluations.jsonl");
        records
            .iter()
            .map(|record| record["problems"].as_u64().unwrap())
            .sum()
    };
    assert_eq!(lines.len() as u64, 1 + problems("a") + problems("b"));
    let of_test = |line: &&&str| line.starts_with("a,sasr,7,after_warmup,");
    let tested = lines.iter().find(of_test).expect("a test of run a");
    let cells: Vec<&str> = tested.split(',').collect();
    let at = |name| cells[names.iter().position(|other| *other == name).unwrap()];
    assert!(at("samples").parse::<u32>().unwrap() > 0 && at("problem") == "0");
    let ran = scratch.run(&["report", "out/a", "--out", "no/such/folder/page.html"]);
    ran.code(1)
        .says(&["cannot write", "no/such/folder/page.html"]);
}

#[test]
fn a_comparison_trains_what_is_missing_and_nothing_twice() {
    let scratch = Scratch::new("compare");
    let set = ["--set", "max_steps=16", "--set", "evaluation.problems=4"];
    let args = [
        "compare",
        "tiny.toml",
        "--methods",
        "sasr,sft",
        "--seeds",
        "2",
        "--out",
        "out",
    ];
    let args = [&args[..], &set].concat();
    let told = scratch.done(&args).out;
    assert!(told.contains("sasr") && told.contains("sft"), "{told}");
    let out = scratch.path("out/tiny-compare");
    let written = |name: &str| fs::metadata(out.join(name)).unwrap().modified().unwrap();
    let runs = ["sasr-s0", "sasr-s1", "sft-s0", "sft-s1"];
    let logs: Vec<String> = runs
        .iter()
        .map(|run| format!("{run}/metrics.jsonl"))
        .collect();
    let before: Vec<_> = logs.iter().map(|log| written(log)).collect();
    assert!(out.join("report.html").exists());

    // Only the run that is gone is trained again, to the same numbers.
    let kept = metrics(&out.join("sft-s1"));
    fs::remove_dir_all(out.join("sft-s1")).unwrap();
    let table = scratch.done(&[&args[..], &["--json"]].concat()).json();
    let groups = table.last().unwrap()["groups"].as_array().unwrap();
    let labels: Vec<&Value> = groups.iter().map(|group| &group["label"]).collect();
    assert_eq!(labels, ["sasr", "sft"]);
    let after: Vec<_> = logs.iter().map(|log| written(log)).collect();
    assert_eq!(before[..3], after[..3]);
    assert_ne!(before[3], after[3]);
    assert_eq!(kept, metrics(&out.join("sft-s1")));
    // All methods of a seed began with the same base model.
    let base = |run: &str| -> Value {
        let manifest = fs::read(out.join(run).join("manifest.json")).unwrap();
        serde_json::from_slice::<Value>(&manifest).unwrap()["base"].clone()
    };
    assert_eq!(base("sasr-s0"), base("sft-s0"));
    assert_ne!(base("sasr-s0"), base("sasr-s1"));

    // Another configuration is refused before anything is trained.
    fs::remove_dir_all(out.join("sasr-s0")).unwrap();
    let ran = scratch.run(&[&args[..], &["--set", "sft.batch_size=4"]].concat());
    ran.code(2).says(&["sft.batch_size", "16", "4", "--name"]);
    assert!(!out.join("sasr-s0").exists());
    for wrong in [
        ["--seeds", "0"],
        ["--seeds", "x"],
        ["--methods", "sasr,magic"],
    ] {
        let ran = scratch.run(&[&args[..3], &args[5..], &wrong].concat());
        assert_eq!(ran.code, Some(2), "{wrong:?}: {}", ran.err);
    }
    let ran = scratch.run(&["compare", "tiny.toml", "--methods", "sft,sft"]);
    ran.code(2).says(&["sft", "twice"]);
}

#[test]
fn a_comparison_of_levels_from_a_file_is_known_again() {
    let scratch = Scratch::new("compare-levels");
    let line = |n: u32| {
        let level = 1 + n % 3;
        format!(
            "{{\"prompt\": \"{n}+1\", \"completion\": \"={}\", \"level\": {level}}}\n",
            n + 1
        )
    };
    fs::write(
        scratch.path("sums.jsonl"),
        (0..60).map(line).collect::<String>(),
    )
    .unwrap();
    let text = "name = \"levels\"\nmax_steps = 4\n[task]\nkind = \"jsonl\"\n[task.files]\ntrain = [\"sums.jsonl\"]\n\
                answer_key = \"completion\"\nlevel_key = \"level\"\n[model]\nhidden_size = 16\n\
                num_hidden_layers = 1\n[grpo]\nnum_prompts = 2\nnum_generations = 2\n\
                max_completion_length = 4\n[balance]\nwarmup_steps = 2\n[evaluation]\nproblems = 2\n\
                [exam]\nevery = 0\n";
    fs::write(scratch.path("levels.toml"), text).unwrap();
    let args = ["compare", "levels.toml", "--methods", "sft", "--out", "out"];
    scratch.done(&args);
    let log = scratch.path("out/levels-compare/sft-s0/metrics.jsonl");
    let written = fs::metadata(&log).unwrap().modified().unwrap();
    scratch.done(&args);
    assert_eq!(fs::metadata(&log).unwrap().modified().unwrap(), written);
}

#[test]
fn a_comparison_that_was_interrupted_goes_on() {
    let scratch = Scratch::new("compare-stopped");
    let args = [
        "compare",
        "tiny.toml",
        "--methods",
        "sasr,sft",
        "--seeds",
        "1",
    ];
    let args = [
        &args[..],
        &["--out", "out", "--set", "max_steps=20", "--json"],
    ]
    .concat();
    let runs = std::cell::Cell::new(0);
    let mut child = until(scratch.sasr(&args), |event| {
        // The second run, a few steps in.
        runs.set(runs.get() + usize::from(event["event"] == "started"));
        runs.get() == 2 && event["event"] == "step" && event["step"] == 6
    });
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let out = scratch.path("out/tiny-compare");
    assert!(metrics(&out.join("sft-s0")).len() < 20);
    scratch.done(&args);
    for run in ["sasr-s0", "sft-s0"] {
        assert_eq!(metrics(&out.join(run)).len(), 20, "{run}");
    }
}
