//! Which split a problem belongs to, decided by its content alone.

use super::Split;

impl Split {
    /// All splits, in the order training, exam, test.
    pub const ALL: [Split; 3] = [Split::Train, Split::Exam, Split::Test];

    /// The split of the problem with this [`Problem::id`](super::Problem::id): a tenth of all
    /// problems is for tests, a tenth for exams, the rest for training.
    pub fn of(id: u64) -> Self {
        match id % 10 {
            0 => Split::Test,
            1 => Split::Exam,
            _ => Split::Train,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_for_tests_and_a_tenth_for_exams() {
        let count = |split| {
            (0..10_000)
                .filter(|number: &u64| {
                    Split::of(crate::rng::fingerprint(&number.to_string())) == split
                })
                .count()
        };
        let [train, exam, test] = Split::ALL.map(count);
        assert_eq!(train + exam + test, 10_000);
        assert!((900..1100).contains(&exam), "{exam}");
        assert!((900..1100).contains(&test), "{test}");
    }
}
