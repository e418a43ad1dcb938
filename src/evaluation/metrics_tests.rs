use super::*;

fn tokens(rows: &[&[u32]]) -> Vec<Sample> {
    rows.iter()
        .map(|row| Sample {
            tokens: row.to_vec(),
            answer: None,
            correct: false,
            judged: false,
            path: None,
            step_sizes: Vec::new(),
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
fn ead_takes_in_the_orders_that_it_adjusts() {
    let samples = tokens(&[&[1, 2, 1, 3, 2, 2], &[1, 2, 3, 3]]);
    let of = |vocabulary| mean_ead(&samples, vocabulary).unwrap();
    let both = (ead(&samples, 1, 20).unwrap() + ead(&samples, 2, 20).unwrap()) / 2.0;
    close(of(20), both);
    // With a real vocabulary only the first; from there on EAD would be distinct-n.
    close(of(32_000), ead(&samples, 1, 32_000).unwrap());
    let third = ead(&samples, 3, 20).unwrap() / distinct_n(&samples, 3).unwrap();
    assert!((third - 1.0).abs() < 1e-3, "{third}");
    close(
        of(2),
        (1..=5).map(|n| ead(&samples, n, 2).unwrap()).sum::<f64>() / 5.0,
    );
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
