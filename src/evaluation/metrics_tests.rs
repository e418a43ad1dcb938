use super::*;

/// A sample from `answer/path/correct?`, with one token per byte of the answer.
fn sample(answer: &str, path: &str, correct: bool) -> Sample {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Sample {
        tokens: answer.bytes().map(u32::from).collect(),
        answer: given(answer),
        path: given(path),
        correct,
    }
}

fn tokens(rows: &[&[u32]]) -> Vec<Sample> {
    rows.iter()
        .map(|row| Sample {
            tokens: row.to_vec(),
            answer: None,
            path: None,
            correct: false,
        })
        .collect()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

#[test]
fn pass_at_k_counts_the_subsets_with_a_correct_sample() {
    for n in 1..=9usize {
        for c in 0..=n {
            for k in 1..=n {
                // The first c of n samples are correct; a subset is a bit mask.
                let subsets: Vec<u32> = (0..1u32 << n)
                    .filter(|mask| mask.count_ones() as usize == k)
                    .collect();
                let hits = subsets
                    .iter()
                    .filter(|&&mask| mask & ((1 << c) - 1) != 0)
                    .count();
                close(
                    pass_at_k(n, c, k).unwrap(),
                    hits as f64 / subsets.len() as f64,
                );
            }
        }
    }
}

#[test]
fn pass_at_k_is_the_mean_for_one_and_stays_finite_for_many() {
    close(pass_at_k(8, 3, 1).unwrap(), 3.0 / 8.0);
    let many = pass_at_k(20_000, 1, 10_000).unwrap();
    assert!((many - 0.5).abs() < 1e-9, "{many}");
    assert_eq!(pass_at_k(4, 2, 5), None);
    assert_eq!(pass_at_k(4, 2, 0), None);
    assert_eq!(pass_at_k(4, 5, 2), None);
}

#[test]
fn pass_at_k_grows_with_k_and_with_c() {
    for c in 1..12 {
        for k in 1..12 {
            let here = pass_at_k(12, c, k).unwrap();
            assert!(pass_at_k(12, c, k + 1).unwrap() >= here);
            assert!(pass_at_k(12, c + 1, k).unwrap() >= here);
        }
    }
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
            maj_at_n(&samples).unwrap(),
            majority_by_enumeration(&samples),
        );
    }
}

#[test]
fn a_tie_counts_its_share() {
    let two = [sample("7", "", true), sample("8", "", false)];
    close(maj_at_n(&two).unwrap(), 0.5);
    let three = [
        sample("7", "", true),
        sample("8", "", false),
        sample("9", "", false),
    ];
    close(maj_at_n(&three).unwrap(), 1.0 / 3.0);
    assert_eq!(maj_at_n(&[sample("", "", false)]), Some(0.0));
    assert_eq!(maj_at_n(&[]), None);
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
    close(answer_entropy(&samples).unwrap(), -a * a.ln() - b * b.ln());
    close(path_entropy(&samples).unwrap(), 1.5 * 2f64.ln());
    close(correct_path_entropy(&samples).unwrap(), 2f64.ln());
    assert_eq!(distinct_paths(&samples), 3);
    assert_eq!(distinct_correct_paths(&samples), 2);
    assert_eq!(answer_entropy(&[sample("", "", false)]), None);
    let alone = answer_entropy(&[sample("1", "", true)]).unwrap();
    assert!(alone == 0.0 && alone.is_sign_positive());
}

#[test]
fn distinct_n_counts_by_hand() {
    // Unigrams 1 2 1 | 1 2: 2 of 5. Bigrams 12 21 | 12: 2 of 3. Trigrams 121: 1 of 1.
    let samples = tokens(&[&[1, 2, 1], &[1, 2]]);
    close(distinct_n(&samples, 1).unwrap(), 2.0 / 5.0);
    close(distinct_n(&samples, 2).unwrap(), 2.0 / 3.0);
    close(distinct_n(&samples, 3).unwrap(), 1.0);
    assert_eq!(distinct_n(&samples, 4), None);
    assert_eq!(distinct_n(&samples, 0), None);
    close(
        mean_distinct(&samples).unwrap(),
        (2.0 / 5.0 + 2.0 / 3.0 + 1.0) / 3.0,
    );
}

#[test]
fn ead_divides_by_the_expected_number() {
    // V = 4, C = 5: expected 4·(1 − 0.75⁵) = 3.05078125. Bigrams: V = 16, C = 3.
    let samples = tokens(&[&[1, 2, 1], &[1, 2]]);
    close(ead(&samples, 1, 4).unwrap(), 2.0 / 3.050_781_25);
    let expected = 16.0 * (1.0 - (15.0f64 / 16.0).powi(3));
    close(ead(&samples, 2, 4).unwrap(), 2.0 / expected);
    // One possible token: one is expected. A huge vocabulary: every draw is expected to be new.
    close(ead(&tokens(&[&[0, 0]]), 1, 1).unwrap(), 1.0);
    close(ead(&tokens(&[&[1, 2, 3, 4, 5]]), 5, 151_936).unwrap(), 1.0);
    assert_eq!(ead(&samples, 1, 0), None);
}

#[test]
fn ead_of_uniform_text_does_not_fall_with_length_as_distinct_does() {
    use rand::RngExt as _;
    let mut random = crate::rng::stream(1, crate::rng::Purpose::Problem, 0, 0);
    let mut text = |length: usize| {
        tokens(&[&(0..length)
            .map(|_| random.random_range(0..50u32))
            .collect::<Vec<_>>()])
    };
    let (short, long) = (text(40), text(400));
    assert!(distinct_n(&long, 1).unwrap() < 0.3 * distinct_n(&short, 1).unwrap());
    let ratio = ead(&long, 1, 50).unwrap() / ead(&short, 1, 50).unwrap();
    assert!((0.8..1.25).contains(&ratio), "{ratio}");
}

#[test]
fn self_bleu_is_one_for_copies_and_nought_for_strangers() {
    close(
        self_bleu(&tokens(&[&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5]])).unwrap(),
        1.0,
    );
    close(self_bleu(&tokens(&[&[1, 2, 3], &[4, 5, 6]])).unwrap(), 0.0);
    close(self_bleu(&tokens(&[&[], &[]])).unwrap(), 1.0);
    close(self_bleu(&tokens(&[&[], &[1]])).unwrap(), 0.0);
    assert_eq!(self_bleu(&tokens(&[&[1]])), None);
}

#[test]
fn self_bleu_by_hand() {
    // y1 = 1 2 3 4, y2 = 1 2 5.
    // y1 | y2: 1-grams 2/4; 2-grams (1+1)/(3+1); 3-grams (0+1)/(2+1); 4-grams (0+1)/(1+1); longer
    // than its reference, so no penalty. y2 | y1: 2/3; (1+1)/(2+1); (0+1)/(1+1); exp(1 − 4/3).
    let first = (0.5f64 * 0.5 * (1.0 / 3.0) * 0.5).powf(0.25);
    let second = ((2.0f64 / 3.0) * (2.0 / 3.0) * 0.5).cbrt() * (-1.0f64 / 3.0).exp();
    let value = self_bleu(&tokens(&[&[1, 2, 3, 4], &[1, 2, 5]])).unwrap();
    close(value, (first + second) / 2.0);
}

#[test]
fn repeated_tokens_match_only_as_often_as_a_reference_has_them() {
    // 1-grams of 1 1 1 against 1 2 3: one match of three.
    let value = self_bleu(&tokens(&[&[1, 1, 1], &[1, 2, 3]])).unwrap();
    let both = ((1.0f64 / 3.0) * (1.0 / 3.0) * 0.5).cbrt();
    close(value, both);
}

#[test]
fn a_summary_holds_the_means_under_their_names() {
    let right = sample("4", "p", true);
    let other = sample("4", "q", true);
    let wrong = sample("5", "p", false);
    let problems = vec![
        vec![right.clone(), other, wrong.clone(), wrong.clone()],
        vec![wrong.clone(), wrong.clone(), wrong.clone(), wrong],
    ];
    let summary = summarise(&problems, &[1, 2, 4, 8], 16);
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
    assert!(summarise(&[], &[1], 16).is_empty());
    assert!(summarise(&[vec![]], &[1], 16).is_empty());
}
