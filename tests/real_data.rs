//! The published data sets, whole: every row is read, every published solution is graded as right
//! and a wrong one is not. Skipped, with a line that says so, where the data is not there.

#[path = "common/skip.rs"]
mod skip;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sasr::config::{BadLines, FilesConfig, Layout, TaskConfig, TaskKind};
use sasr::tasks::build::{Built, build};
use sasr::tasks::knights_knaves::{Statement, solutions};
use sasr::tasks::{Problem, Split, Task, reading};

/// The folder of a data set, if it is there.
fn data(set: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    skip::skipped(&format!("../shared/data/{set} is not there"));
    None
}

fn load(folder: &Path, kind: TaskKind, layout: Layout, train: &[&str], test: &[&str]) -> Built {
    let names = |files: &[&str]| files.iter().map(ToString::to_string).collect();
    let files = FilesConfig {
        train: names(train),
        test: names(test),
        bad_lines: BadLines::Refuse,
        ..FilesConfig::default()
    };
    let config = TaskConfig {
        kind,
        layout,
        files,
        ..TaskConfig::default()
    };
    build(&config, &|file| std::fs::read(folder.join(file))).expect("the published files are good")
}

fn problems(task: &dyn Task, split: Split) -> Vec<Problem> {
    let level = |level| {
        let count = task.len(split, level).expect("files run dry");
        (0..count).map(move |index| task.problem(split, level, index))
    };
    task.levels().flat_map(level).collect()
}

/// Problems per split; no two of them may ask the same.
fn disjoint_counts(task: &dyn Task) -> [usize; 3] {
    let sets = [Split::Train, Split::Exam, Split::Test].map(|split| problems(task, split));
    let questions: BTreeSet<String> = sets
        .iter()
        .flatten()
        .map(|problem| {
            problem
                .prompt
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase()
        })
        .collect();
    let counts = sets.map(|set| set.len());
    assert_eq!(questions.len(), counts.iter().sum::<usize>());
    counts
}

fn all_problems(task: &dyn Task) -> Vec<Problem> {
    [Split::Train, Split::Exam, Split::Test]
        .into_iter()
        .flat_map(|split| problems(task, split))
        .collect()
}

#[test]
fn gsm8k_is_read_whole_and_split_without_overlap() {
    let Some(folder) = data("gsm8k") else { return };
    let built = load(
        &folder,
        TaskKind::Gsm8k,
        Layout::Compact,
        &["train.jsonl"],
        &["test.jsonl"],
    );
    assert!(built.notices.is_empty(), "{:?}", built.notices);
    assert_eq!(built.task.levels(), 1..=6);
    let [train, exam, test] = disjoint_counts(&*built.task);
    assert_eq!((train + exam, test), (7473, 1319));
    assert!((650..850).contains(&exam), "{exam}");
    let [(train_file, train_sum), (test_file, test_sum)] = &built.fingerprints[..] else {
        panic!("two files")
    };
    assert_eq!(
        (train_file.as_str(), test_file.as_str()),
        ("train.jsonl", "test.jsonl")
    );
    assert_eq!((train_sum.len(), test_sum.len()), (64, 64));
    assert_ne!(train_sum, test_sum);
}

#[test]
fn gsm8k_demonstrations_earn_everything_and_with_another_number_nothing() {
    let Some(folder) = data("gsm8k") else { return };
    for (layout, full) in [(Layout::Compact, 1.0), (Layout::Tags, 1.1)] {
        let built = load(
            &folder,
            TaskKind::Gsm8k,
            layout,
            &["train.jsonl"],
            &["test.jsonl"],
        );
        let task = &built.task;
        let mut with_path = 0;
        for problem in all_problems(&**task) {
            let demonstration = task.demonstration(&problem, 0);
            let reward = task.score(&problem, &demonstration, true);
            assert!(reward.correct && reward.total == full, "{demonstration}");
            assert_eq!(
                task.answer(&problem, &demonstration).as_ref(),
                Some(&problem.answer)
            );
            with_path += usize::from(task.path(&problem, &demonstration).is_some());

            // A digit in front makes another number of any.
            let wrong = match layout {
                Layout::Compact => {
                    let (steps, answer) = demonstration.rsplit_once("#### ").expect("an answer");
                    format!("{steps}#### 1{}", answer.trim_start_matches('-'))
                }
                Layout::Tags => {
                    let answer = problem.answer.trim_start_matches('-');
                    let (steps, _) = demonstration.rsplit_once("<answer>").expect("an answer");
                    format!("{steps}<answer>1{answer}</answer>")
                }
            };
            let reward = task.score(&problem, &wrong, true);
            assert!(
                !reward.correct && reward.total <= full - 1.0 + 1e-6,
                "{wrong}"
            );
        }
        // 113 solutions mark no calculation. All marked ones are true; of 457 the answer is no result,
        // as they do the last step in words.
        assert_eq!(with_path, 8792 - 113 - 457);
    }
}

#[test]
fn gsm8k_perturbed_problems_keep_their_answers() {
    let Some(folder) = data("gsm8k") else { return };
    let built = load(
        &folder,
        TaskKind::Gsm8k,
        Layout::Compact,
        &["test.jsonl"],
        &[],
    );
    let task = &built.task;
    let (mut renamed, mut all) = (0, 0);
    for problem in all_problems(&**task) {
        for perturbation in task.perturbations() {
            let Some(other) = task.perturb(&problem, perturbation.name, 1) else {
                continue;
            };
            assert_ne!(other.prompt, problem.prompt);
            assert_eq!((other.id, &other.answer), (problem.id, &problem.answer));
            let demonstration = task.demonstration(&other, 0);
            assert!(
                task.score(&other, &demonstration, true).correct,
                "{demonstration}"
            );
            assert_eq!(
                task.path(&other, &demonstration),
                task.path(&problem, &task.demonstration(&problem, 0))
            );
            renamed += usize::from(perturbation.name == "renamed");
        }
        all += 1;
    }
    println!("{renamed} of {all} have a known first name");
    assert!(renamed * 4 > all, "{renamed} of {all}");
}

const PUZZLES: [(&str, usize, u64); 3] = [
    ("train_3ppl.parquet", 3, 900),
    ("test_3ppl.parquet", 3, 100),
    ("test_5ppl.parquet", 5, 100),
];

#[test]
fn the_solver_agrees_with_every_published_puzzle() {
    let Some(folder) = data("kk") else { return };
    for (file, people, count) in PUZZLES {
        let bytes = std::fs::read(folder.join(file)).expect("it can be read");
        let rows = reading::rows(file, &bytes).expect("a good file");
        assert_eq!(rows.len() as u64, count, "{file}");
        for (number, row) in rows {
            let row = row.expect("a good row");
            let text = reading::text(&row, "statements").expect("statements");
            let statements = Statement::parse_all(text).expect("they parse");
            assert_eq!(statements.len(), people);
            let published = reading::flags(&row, "solution").expect("a solution");
            assert_eq!(solutions(&statements), [published], "{file}:{number}");
        }
    }
}

#[test]
fn published_reasoning_about_puzzles_earns_everything() {
    let Some(folder) = data("kk") else { return };
    for (layout, full) in [(Layout::Tags, 3.0), (Layout::Compact, 1.1)] {
        let tests = ["test_3ppl.parquet", "test_5ppl.parquet"];
        let built = load(
            &folder,
            TaskKind::KnightsKnaves,
            layout,
            &["train_3ppl.parquet"],
            &tests,
        );
        for notice in &built.notices {
            println!("{notice}");
        }
        let task = &built.task;
        let [train, exam, test] = disjoint_counts(&**task);
        println!("{train} for training, {exam} for exams, {test} for tests");
        assert_eq!(task.levels(), 3..=5);
        assert_eq!(task.len(Split::Train, 4), Some(0));
        assert_eq!(task.len(Split::Test, 5), Some(100));
        let mut paths = BTreeSet::new();
        for problem in all_problems(&**task) {
            for variant in [0, 1] {
                let demonstration = task.demonstration(&problem, variant);
                let reward = task.score(&problem, &demonstration, true);
                assert!(reward.correct && reward.total == full, "{demonstration}");
                paths.insert(task.path(&problem, &demonstration).expect("a path"));
                // One person more or less truthful.
                let (front, role) = demonstration.rsplit_once("is a kn").expect("an answer");
                let flipped = if role.starts_with("ight") {
                    "ave"
                } else {
                    "ight"
                };
                let rest = role.trim_start_matches("ight").trim_start_matches("ave");
                let wrong = format!("{front}is a kn{flipped}{rest}");
                let reward = task.score(&problem, &wrong, true);
                assert!(!reward.correct && reward.total < full - 0.5, "{wrong}");
            }
            let renamed = task
                .perturb(&problem, "renamed", 0)
                .expect("all names are known");
            let demonstration = task.demonstration(&renamed, 0);
            assert_eq!(
                task.score(&renamed, &demonstration, true).total,
                full,
                "{demonstration}"
            );
        }
        println!("{} different paths", paths.len());
    }
}

#[test]
fn the_published_solution_text_is_the_reference_answer() {
    let Some(folder) = data("kk") else { return };
    for (file, ..) in PUZZLES {
        let bytes = std::fs::read(folder.join(file)).expect("it can be read");
        let built = load(&folder, TaskKind::KnightsKnaves, Layout::Tags, &[file], &[]);
        let answers: BTreeSet<String> = all_problems(&*built.task)
            .into_iter()
            .map(|problem| problem.answer)
            .collect();
        let published: BTreeSet<String> = reading::rows(file, &bytes)
            .expect("a good file")
            .into_iter()
            .map(|(_, row)| {
                let row = row.expect("a good row");
                reading::text(&row, "solution_text_format")
                    .expect("it is there")
                    .to_owned()
            })
            .collect();
        assert!(
            answers.is_subset(&published) && !answers.is_empty(),
            "{file}"
        );
    }
}
