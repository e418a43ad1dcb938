use super::*;

/// A sample from `answer/path/correct?`, with one token per byte of the answer. What has no path does not
/// hold.
fn sample(answer: &str, path: &str, correct: bool) -> Sample {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Sample {
        tokens: answer.bytes().map(u32::from).collect(),
        answer: given(answer),
        correct,
        judged: true,
        path: given(path),
        step_sizes: path.bytes().map(|_| 1).collect(),
    }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

fn tally(samples: &[Sample]) -> Tally {
    Tally::of(samples, 16)
}

fn value(samples: &[Sample], name: &str) -> Option<f64> {
    tally(samples).value(name)
}

/// maj@n by drawing the winner from an urn of every tied answer, one ticket each.
fn majority_by_enumeration(samples: &[Sample]) -> f64 {
    let answers: Vec<&String> = samples.iter().filter_map(|s| s.answer.as_ref()).collect();
    let votes = |answer: &String| answers.iter().filter(|&&other| other == answer).count();
    let Some(most) = answers.iter().map(|answer| votes(answer)).max() else {
        return 0.0;
    };
    let mut urn: Vec<&String> = Vec::new();
    for answer in answers.iter().filter(|answer| votes(answer) == most) {
        if !urn.contains(answer) {
            urn.push(answer);
        }
    }
    let right = |answer: &String| {
        samples
            .iter()
            .any(|s| s.correct && s.answer.as_ref() == Some(answer))
    };
    urn.iter().filter(|answer| right(answer)).count() as f64 / urn.len() as f64
}

#[test]
fn the_majority_agrees_with_enumeration_over_every_vote_of_five() {
    // Every way five samples can answer "", "a" (right), "b" or "c".
    for code in 0..4usize.pow(5) {
        let samples: Vec<Sample> = (0..5)
            .map(|i| match code / 4usize.pow(i) % 4 {
                0 => sample("", "", false),
                1 => sample("a", "", true),
                2 => sample("b", "", false),
                _ => sample("c", "", false),
            })
            .collect();
        close(
            value(&samples, "maj@5").unwrap(),
            majority_by_enumeration(&samples),
        );
    }
}

#[test]
fn a_tie_counts_its_share() {
    let two = [sample("7", "", true), sample("8", "", false)];
    close(value(&two, "maj@2").unwrap(), 0.5);
    let three = [
        sample("7", "", true),
        sample("8", "", false),
        sample("9", "", false),
    ];
    close(value(&three, "maj@3").unwrap(), 1.0 / 3.0);
    assert_eq!(value(&[sample("", "", false)], "maj@1"), Some(0.0));
    assert_eq!(value(&[], "maj@0"), None);
    // Of another number of samples it would be another number.
    assert_eq!(value(&two, "maj@3"), None);
    assert_eq!(
        (value(&two, "mean@1"), value(&two, "mean@2")),
        (None, Some(0.5))
    );
}

#[test]
fn entropies_are_in_nats_and_leave_out_what_is_missing() {
    let samples = [
        sample("1", "p", true),
        sample("1", "q", true),
        sample("2", "p", false),
        sample("", "r", false),
    ];
    // Answers 2/3 and 1/3; paths p twice, q and r once; correct paths p and q once each.
    let (a, b) = (2.0f64 / 3.0, 1.0f64 / 3.0);
    close(
        value(&samples, names::ANSWER_ENTROPY).unwrap(),
        -a * a.ln() - b * b.ln(),
    );
    close(
        value(&samples, names::PATH_ENTROPY).unwrap(),
        1.5 * 2f64.ln(),
    );
    close(
        value(&samples, names::CORRECT_PATH_ENTROPY).unwrap(),
        2f64.ln(),
    );
    assert_eq!(value(&samples, names::DISTINCT_PATHS), Some(3.0));
    assert_eq!(value(&samples, names::DISTINCT_CORRECT_PATHS), Some(2.0));
    assert_eq!(value(&[sample("", "", false)], names::ANSWER_ENTROPY), None);
    let alone = value(&[sample("1", "", true)], names::ANSWER_ENTROPY).unwrap();
    assert!(alone == 0.0 && alone.is_sign_positive());
}

#[test]
fn a_summary_holds_the_means_under_their_names() {
    let right = sample("4", "p", true);
    let other = sample("4", "q", true);
    let wrong = sample("5", "p", false);
    let problems = [
        vec![right.clone(), other, wrong.clone(), wrong.clone()],
        vec![wrong.clone(), wrong.clone(), wrong.clone(), wrong],
    ];
    let summary = summarise(
        &problems
            .iter()
            .map(|samples| tally(samples))
            .collect::<Vec<_>>(),
    );
    close(summary["mean@4"], 0.25);
    close(summary["pass@1"], 0.25);
    close(summary["pass@2"], (1.0 - 1.0 / 6.0) / 2.0);
    close(summary["pass@4"], 0.5);
    close(summary["maj@4"], 0.25);
    close(summary["cons_pass_gap"], 0.25);
    close(summary["answer_entropy"], 2f64.ln() / 2.0);
    close(summary["effective_answers"], 1.5);
    close(summary["distinct_paths"], 1.5);
    close(summary["distinct_correct_paths"], 1.0);
    // Only the first problem has correct samples to take an entropy over.
    close(summary["correct_path_entropy"], 2f64.ln());
    assert!(!summary.contains_key("pass@8"));
    for name in ["path_entropy", "distinct_n", "ead", "self_bleu"] {
        assert!(summary.contains_key(name), "{name}");
    }
    assert!(summary.values().all(|value| value.is_finite()));
}

#[test]
fn nothing_sampled_gives_an_empty_summary() {
    assert!(summarise(&[]).is_empty());
    assert!(summarise(&[tally(&[])]).is_empty());
}

#[test]
fn diversity_of_correct_paths_does_not_grow_with_accuracy() {
    let half = |path: &str| sample("4", path, true);
    // Of four and of eight correct samples the same share takes each way.
    let few = [
        half("p"),
        half("p"),
        half("q"),
        half("q"),
        sample("5", "", false),
    ];
    let many: Vec<Sample> = few[..4].iter().chain(&few[..4]).cloned().collect();
    let simpson = |samples: &[Sample]| value(samples, names::CORRECT_PATH_SIMPSON).unwrap();
    close(simpson(&few), 1.0 - 4.0 / 12.0);
    close(simpson(&many), 1.0 - 24.0 / 56.0);
    close(value(&few, names::RAREFIED_CORRECT_PATHS).unwrap(), 2.0);
    // C(4, 4) / C(8, 4) of all draws of four miss one of the two ways.
    close(
        value(&many, names::RAREFIED_CORRECT_PATHS).unwrap(),
        2.0 - 2.0 / 70.0,
    );
    // Fewer than two correct samples say nothing of it.
    assert_eq!(value(&few[3..], names::CORRECT_PATH_SIMPSON), None);
    assert_eq!(value(&few[..3], names::RAREFIED_CORRECT_PATHS), None);
}

#[test]
fn right_for_the_wrong_reason_is_counted_apart() {
    let samples = [
        sample("4", "p", true),
        // Right, and its reasoning does not hold.
        sample("4", "", true),
        sample("5", "", false),
    ];
    close(value(&samples, names::SAMPLED_FAITHFULNESS).unwrap(), 0.5);
    assert_eq!(value(&samples, names::DISTINCT_CORRECT_PATHS), Some(1.0));
    assert_eq!(value(&samples[2..], names::SAMPLED_FAITHFULNESS), None);
    assert_eq!(value(&samples[1..], names::DISTINCT_PATHS), Some(0.0));
    // Where the task judges no reasoning there is no number, rather than 0.
    let unjudged = samples.map(|sample| Sample {
        judged: false,
        path: None,
        ..sample
    });
    for name in [
        names::SAMPLED_FAITHFULNESS,
        names::DISTINCT_PATHS,
        names::DISTINCT_CORRECT_PATHS,
        names::PATH_ENTROPY,
        names::CORRECT_PATH_SIMPSON,
        names::STEP_SIZE,
    ] {
        assert_eq!(value(&unjudged, name), None, "{name}");
    }
}

#[test]
fn the_size_of_steps_is_measured() {
    let mut samples = [sample("4", "p", true), sample("4", "q", true)];
    samples[0].step_sizes = vec![1, 1, 1];
    samples[1].step_sizes = vec![2, 1];
    close(value(&samples, names::STEP_SIZE).unwrap(), 6.0 / 5.0);
}

#[test]
fn tallies_are_written_as_columns_and_read_back() {
    let tallies = Tallies(vec![
        tally(&[sample("4", "p", true), sample("4", "q", true)]),
        tally(&[sample("", "", false), sample("11", "", false)]),
        tally(&[sample("7", "r", false), sample("8", "r", false)]),
    ]);
    let json = serde_json::to_value(&tallies).unwrap();
    assert_eq!(json["correct"], serde_json::json!([2, 0, 0]));
    assert_eq!(json["correct_paths"], serde_json::json!(["1x2", "", ""]));
    assert_eq!(json["texts"]["self_bleu"][0], 1.0);
    let read = |value: &serde_json::Value| {
        serde_json::from_value::<Tallies>(value.clone()).map_err(|error| error.to_string())
    };
    assert_eq!(read(&json).unwrap(), tallies);
    // A column that is not there counts as 0; one of another length is damaged.
    let mut less = json.clone();
    less.as_object_mut().unwrap().remove("steps");
    assert_eq!(read(&less).unwrap().0[0].steps, 0);
    less["judged"] = serde_json::json!([2]);
    assert!(read(&less).unwrap_err().contains("`judged`"));
    // About this much for a problem of a large test with many samples.
    let many: Vec<Sample> = (0..64)
        .map(|i| sample(&format!("{}", i % 40), &format!("{}", i % 23), i % 3 == 0))
        .collect();
    let large = Tallies(vec![tally(&many); 100]);
    let bytes = serde_json::to_vec(&large).unwrap().len();
    assert!(bytes < 100 * 100, "{bytes}");
}
