use super::*;
use crate::runs::synthetic;

fn grid() -> Vec<RunData> {
    let methods = [Method::Grpo, Method::Sasr, Method::Sft];
    methods
        .into_iter()
        .flat_map(|method| (1..=3).map(move |seed| synthetic::of(method, seed, 160)))
        .collect()
}

#[test]
fn runs_are_grouped_by_method_and_the_adaptive_one_comes_first() {
    let comparison = Comparison::of(&grid()).unwrap();
    let labels: Vec<&str> = comparison
        .groups
        .iter()
        .map(|group| group.label.as_str())
        .collect();
    assert_eq!(labels, ["sasr", "sft", "grpo"]);
    assert!(
        comparison
            .groups
            .iter()
            .all(|group| group.outcomes.len() == 3)
    );
    assert_eq!(comparison.groups[0].members, [3, 4, 5]);
    assert_eq!(comparison.config_differences.len(), 1);
    assert_eq!(comparison.config_differences[0].path, "balance.method");
    let in_accuracy = (comparison.differences.iter()).filter(|d| d.metric == "accuracy");
    assert_eq!(in_accuracy.count(), 2);
}

#[test]
fn runs_with_other_settings_are_never_put_together() {
    let mut runs = grid();
    for seed in 1..=2 {
        let mut config = synthetic::config(Method::Sasr, seed, 160);
        config.balance.gamma = 2.0;
        // The same name as another run: names do not decide what belongs together.
        config.name = format!("sasr-seed{seed}");
        runs.push(synthetic::run(config, 0.0));
    }
    let comparison = Comparison::of(&runs).unwrap();
    let groups = &comparison.groups;
    assert_eq!(groups.len(), 4);
    assert_eq!(
        (groups[0].label.as_str(), groups[0].outcomes.len()),
        ("sasr", 3)
    );
    assert_eq!(
        (groups[1].label.as_str(), groups[1].outcomes.len()),
        ("sasr (balance.gamma = 2.0)", 2)
    );
    for group in groups {
        for &member in &group.members {
            let alike = [&runs[member].config, &group.config].map(comparable);
            assert_eq!(alike[0], alike[1]);
        }
    }
    let gamma = comparison
        .config_differences
        .iter()
        .find(|d| d.path == "balance.gamma")
        .unwrap();
    assert_eq!(gamma.values, ["1.0", "2.0", "1.0", "1.0"]);
}

#[test]
fn names_seeds_devices_and_what_is_kept_may_differ_within_a_group() {
    let mut runs = vec![
        synthetic::of(Method::Sasr, 1, 80),
        synthetic::of(Method::Sasr, 2, 80),
    ];
    runs[1].config.device = "gpu".into();
    runs[1].config.checkpoint.keep = 5;
    runs[1].config.description = "another".into();
    assert_eq!(Comparison::of(&runs).unwrap().groups.len(), 1);
    runs[1].config.sft.learning_rate *= 2.0;
    let comparison = Comparison::of(&runs).unwrap();
    assert_eq!(comparison.groups.len(), 2);
    assert!(
        comparison
            .notes
            .iter()
            .any(|note| note.contains("sft.learning_rate"))
    );
}

#[test]
fn the_same_run_twice_and_no_run_are_refused() {
    let run = synthetic::of(Method::Sasr, 1, 40);
    let twice = Comparison::of(&[run.clone(), run]);
    let expected = CompareError::Twice {
        first: "sasr-seed1".into(),
        second: "sasr-seed1".into(),
        seed: 1,
    };
    assert_eq!(twice, Err(expected));
    assert_eq!(Comparison::of(&[]), Err(CompareError::NoRuns));
}

#[test]
fn estimates_are_means_over_runs_and_levels() {
    let runs = grid();
    let comparison = Comparison::of(&runs).unwrap();
    let sft = &comparison.groups[1];
    let by_hand: Vec<f64> = sft
        .members
        .iter()
        .map(|&member| {
            let finals = runs[member].evaluations.iter().filter(|record| {
                record.kind == "final" && !record.unseen && record.perturbation.is_none()
            });
            let correct: Vec<bool> = finals.flat_map(|record| record.correct.clone()).collect();
            correct.iter().filter(|&&right| right).count() as f64 / correct.len() as f64
        })
        .collect();
    let accuracy = &sft.numbers["accuracy"];
    assert_eq!(accuracy.basis, Basis::Seeds);
    assert_eq!(accuracy.values.len(), 3);
    for (value, expected) in accuracy.values.iter().zip(&by_hand) {
        assert!((value - expected).abs() < 1e-12, "{value} {expected}");
    }
    assert!((accuracy.mean - by_hand.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    assert!(accuracy.interval.unwrap().contains(accuracy.mean));
    assert_eq!(sft.numbers["sft_steps"].mean, 160.0);
    assert_eq!(sft.numbers["grpo_steps"].mean, 0.0);
    assert_eq!(sft.numbers["tokens"].mean, 160.0 * 1100.0);
    assert_eq!(sft.levels.len(), 4);
    assert!(sft.levels[&4].0 && !sft.levels[&3].0);
    assert_eq!(
        sft.perturbations.keys().collect::<Vec<_>>(),
        ["renamed", "shuffled"]
    );
    assert!(sft.numbers.contains_key("mean@8") && sft.numbers.contains_key("pass@4"));
}

#[test]
fn a_large_difference_is_significant_and_none_is_not() {
    let run = |method, seed, skill| {
        let mut config = synthetic::config(method, seed, 80);
        config.name = format!("{method:?}-{seed}");
        synthetic::run(config, skill)
    };
    let runs: Vec<RunData> = (1..=3)
        .flat_map(|seed| {
            [
                run(Method::Sasr, seed, 0.2),
                run(Method::Sft, seed, -0.3),
                // The same learner as sasr's first, on the same made-up answers.
                RunData {
                    config: RunConfig {
                        balance: crate::config::BalanceConfig {
                            method: Method::Constant,
                            ..synthetic::config(Method::Sasr, seed, 80).balance
                        },
                        ..synthetic::config(Method::Sasr, seed, 80)
                    },
                    ..run(Method::Sasr, seed, 0.2)
                },
            ]
        })
        .collect();
    let comparison = Comparison::of(&runs).unwrap();
    let [sft, constant] = &comparison.differences[..2] else {
        panic!("two differences")
    };
    assert!(sft.is_significant() && sft.difference.unwrap().paired);
    assert!(
        sft.sentence
            .contains("better than sft on the same 180 problems, seed by seed over 3 seeds"),
        "{}",
        sft.sentence
    );
    assert!(
        sft.sentence
            .contains("Significant, over problems and over seeds (p = ")
    );
    assert_eq!(constant.difference.unwrap().mean, 0.0);
    assert!(
        constant.sentence.contains("as good as"),
        "{}",
        constant.sentence
    );
    assert!(constant.sentence.contains("Not significant"));
}

#[test]
fn methods_tested_on_other_problems_are_not_paired() {
    let mut runs = vec![
        synthetic::of(Method::Sasr, 1, 80),
        synthetic::of(Method::Sft, 1, 80),
    ];
    runs[1].config.task.seed = 5;
    let comparison = Comparison::of(&runs).unwrap();
    assert_eq!(comparison.differences[0].difference, None);
    assert!(
        comparison.differences[0]
            .sentence
            .contains("tested on different problems")
    );
    runs[1].config.task.seed = 0;
    runs[1].config.task.demonstrations = 20;
    assert!(
        Comparison::of(&runs).unwrap().differences[0]
            .difference
            .is_some()
    );
}

#[test]
fn problems_are_the_same_where_their_fingerprints_are() {
    let mut runs = vec![
        synthetic::of(Method::Sasr, 1, 80),
        synthetic::of(Method::Sft, 1, 80),
    ];
    let asked = |seen: &str, renamed: &str| serde_json::json!({ "seen": seen, "unseen": "u", "perturbations": { "renamed": renamed } });
    for run in &mut runs {
        run.manifest["test"] = asked("s", "r");
    }
    // Where the problems are known, no setting says otherwise.
    runs[1].config.task.seed = 5;
    let paired = |runs: &[RunData], metric: &str| {
        let all = Comparison::of(runs).unwrap().differences;
        let of = all
            .into_iter()
            .find(|difference| difference.metric == metric);
        of.is_some_and(|paired| paired.difference.is_some())
    };
    let all = [
        "accuracy",
        "accuracy_perturbed",
        "accuracy_unseen",
        "pass@8",
    ];
    assert_eq!(all.map(|metric| paired(&runs, metric)), [true; 4]);
    runs[1].manifest["test"] = asked("s", "other");
    assert_eq!(
        all.map(|metric| paired(&runs, metric)),
        [true, false, true, true]
    );
    runs[1].manifest["test"] = asked("other", "r");
    assert_eq!(
        all.map(|metric| paired(&runs, metric)),
        [false, true, true, false]
    );
}

#[test]
fn runs_of_0_1_0_are_named_and_paired_where_settings_and_files_agree() {
    let mut runs = vec![
        synthetic::of(Method::Sasr, 1, 80),
        synthetic::of(Method::Sft, 1, 80),
    ];
    for run in &mut runs {
        run.manifest["version"] = "0.1.0".into();
        run.manifest["data"] = serde_json::json!([["data/train.jsonl", "aa"]]);
        run.config.task.files.train = vec!["data/train.jsonl".into()];
    }
    let said = |runs: &[RunData], words: &str| {
        let comparison = Comparison::of(runs).unwrap();
        comparison.notes.iter().any(|note| note.contains(words))
    };
    assert!(said(&runs, "Begun with 0.1.0") && said(&runs, "Paired because settings"));
    // The same name, and other problems in it.
    runs[1].manifest["data"] = serde_json::json!([["data/train.jsonl", "bb"]]);
    let comparison = Comparison::of(&runs).unwrap();
    assert_eq!(comparison.differences[0].difference, None);
    assert!(!said(&runs, "Paired because settings"));
}

#[test]
fn runs_that_learnt_from_other_bytes_are_no_seeds_of_one_group() {
    let mut runs = vec![
        synthetic::of(Method::Sasr, 1, 80),
        synthetic::of(Method::Sasr, 2, 80),
    ];
    for (run, sum) in runs.iter_mut().zip(["aaaa", "bbbb"]) {
        run.manifest["data"] = serde_json::json!([["train.jsonl", sum]]);
        run.config.task.files.train = vec!["train.jsonl".into()];
    }
    let comparison = Comparison::of(&runs).unwrap();
    let labels: Vec<&str> = comparison
        .groups
        .iter()
        .map(|group| &*group.label)
        .collect();
    assert_eq!(labels, ["sasr", "sasr (data bbbb)"]);
    assert!(
        comparison
            .head
            .iter()
            .any(|line| line.contains("train.jsonl bbbb"))
    );
}

#[test]
fn a_problem_that_is_reworded_twice_is_one_problem() {
    let run = synthetic::of(Method::Sasr, 1, 80);
    let one = |names: &[&str]| {
        let mut run = run.clone();
        run.evaluations.retain(|record| match &record.perturbation {
            Some(name) => names.contains(&name.as_str()),
            None => true,
        });
        // Both wordings are answered alike.
        let plain: Vec<Vec<bool>> = (run.evaluations.iter())
            .filter(|record| record.perturbation.is_none())
            .map(|record| record.correct.clone())
            .collect();
        let reworded = run
            .evaluations
            .iter_mut()
            .filter(|r| r.perturbation.is_some());
        reworded.for_each(|record| {
            record
                .correct
                .clone_from(&plain[0][..record.problems].to_vec())
        });
        Comparison::of(&[run]).unwrap().groups[0].numbers["accuracy_perturbed"].clone()
    };
    let (once, twice) = (one(&["renamed"]), one(&["renamed", "shuffled"]));
    assert_eq!(once.mean, twice.mean);
    assert_eq!(once.interval, twice.interval);
    assert_eq!(twice.basis, Basis::Problems);
}

#[test]
fn accuracies_of_one_seed_have_wilsons_interval_even_where_all_is_right() {
    let mut run = synthetic::of(Method::Sasr, 1, 80);
    for record in run.evaluations.iter_mut().filter(|record| record.unseen) {
        record.correct.fill(true);
        record.metrics.insert("accuracy".into(), 1.0);
    }
    let comparison = Comparison::of(&[run]).unwrap();
    let unseen = &comparison.groups[0].numbers["accuracy_unseen"];
    let interval = unseen.interval.unwrap();
    assert_eq!(unseen.mean, 1.0);
    assert!(
        interval.high > 0.9999 && interval.low < 0.99,
        "{interval:?}"
    );
}

#[test]
fn every_number_of_problems_is_compared_and_families_are_corrected_apart() {
    let comparison = Comparison::of(&grid()).unwrap();
    let of = |family: Family| -> Vec<&PairedDifference> {
        let all = comparison.differences.iter();
        all.filter(|paired| paired.family == family).collect()
    };
    assert_eq!(of(Family::Accuracy).len(), 2);
    let others: std::collections::BTreeSet<&str> = of(Family::Other)
        .iter()
        .map(|paired| &*paired.metric)
        .collect();
    for metric in [
        "pass@1",
        "pass@4",
        "distinct_correct_paths",
        "answer_entropy",
        "self_bleu",
    ] {
        assert!(others.contains(metric), "{metric}: {others:?}");
    }
    for family in [Family::Accuracy, Family::Main, Family::Other] {
        let of_family = of(family);
        let least = of_family.iter().map(|paired| paired.difference.unwrap().p);
        let least = least.fold(1.0, f64::min);
        let corrected = of_family
            .iter()
            .filter_map(|paired| paired.p)
            .fold(1.0, f64::min);
        let expected = (least * of_family.len() as f64).min(1.0);
        assert!((corrected - expected).abs() < 1e-12, "{family:?}");
    }
}

#[test]
fn numbers_of_other_sample_counts_are_not_compared() {
    let mut runs = vec![
        synthetic::of(Method::Sasr, 1, 80),
        synthetic::of(Method::Sft, 1, 80),
    ];
    runs[1].config.evaluation.samples = 4;
    for run in &mut runs {
        run.manifest["test"] = serde_json::json!({ "seen": "s", "unseen": "u" });
    }
    let comparison = Comparison::of(&runs).unwrap();
    let compared: Vec<&str> = comparison.differences.iter().map(|d| &*d.metric).collect();
    assert!(compared.contains(&"pass@4") && compared.contains(&"correct_path_simpson"));
    assert!(!compared.contains(&"self_bleu") && !compared.contains(&"distinct_correct_paths"));
}

#[test]
fn seeds_that_both_ran_are_paired_though_others_are_missing() {
    let mut runs = grid();
    runs.retain(|run| run.config.balance.method != Method::Sft || run.config.seed != 3);
    let comparison = Comparison::of(&runs).unwrap();
    let paired = comparison
        .differences
        .iter()
        .find(|d| d.second == "sft")
        .unwrap();
    assert!(paired.difference.unwrap().paired);
    assert!(
        paired.sentence.contains("seed by seed over 2 seeds"),
        "{}",
        paired.sentence
    );
    assert!(
        comparison
            .notes
            .iter()
            .any(|note| note.contains("seeds that both ran"))
    );
}

#[test]
fn unfinished_runs_are_named_and_left_out_of_the_results() {
    let mut runs = vec![
        synthetic::of(Method::Sasr, 1, 80),
        synthetic::of(Method::Sasr, 2, 80),
    ];
    runs[1].evaluations.retain(|record| record.kind != "final");
    let comparison = Comparison::of(&runs).unwrap();
    assert!(comparison.notes[0].contains("sasr-seed2"));
    let accuracy = &comparison.groups[0].numbers["accuracy"];
    assert_eq!(
        (accuracy.values.len(), accuracy.basis),
        (1, Basis::Problems)
    );
    let sampled = &comparison.groups[0].numbers["mean@8"];
    assert!(sampled.basis == Basis::Problems && sampled.interval.is_some());
    assert_eq!(comparison.groups[0].numbers["tokens"].values.len(), 2);
}

#[test]
fn the_table_is_aligned_and_holds_the_numbers() {
    let comparison = Comparison::of(&grid()).unwrap();
    let table = comparison.table();
    let first: Vec<&str> = table
        .lines()
        .skip_while(|line| !line.starts_with("Final test"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(first.len(), 5, "{table}");
    let width = |line: &&str| line.chars().count();
    assert!(
        first
            .windows(2)
            .all(|pair| width(&pair[0]) == width(&pair[1])),
        "{table}"
    );
    let mean = comparison.groups[0].numbers["accuracy"].mean;
    assert!(first[2].contains("sasr") && first[2].contains(&format!("{:.1} [", 100.0 * mean)));
    assert!(table.contains(&comparison.differences[0].sentence));
    assert!(table.contains("level 4 (unseen)"));
}

#[test]
fn a_comparison_is_json() {
    let comparison = Comparison::of(&grid()).unwrap();
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(json["groups"][0]["method"], "sasr");
    let mean = json["groups"][0]["numbers"]["accuracy"]["mean"]
        .as_f64()
        .unwrap();
    assert_eq!(mean, comparison.groups[0].numbers["accuracy"].mean);
}
