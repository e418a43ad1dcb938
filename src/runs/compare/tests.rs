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
