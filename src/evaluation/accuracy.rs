//! The one definition of accuracy over several levels.

/// The share of all problems that were answered right, from each level's problems and accuracy: every
/// problem counts alike, whatever level it is of. That is the mean of an exam (in curves, reports and
/// alarms, and for the choice of the best checkpoint) and of a test. `None` without problems.
pub fn pooled_accuracy(levels: impl IntoIterator<Item = (usize, f64)>) -> Option<f64> {
    let (right, problems) = levels.into_iter().fold((0.0, 0), |sum, level| {
        let (problems, accuracy) = level;
        (sum.0 + accuracy * problems as f64, sum.1 + problems)
    });
    (problems > 0).then(|| right / problems as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_counts_alike() {
        assert_eq!(pooled_accuracy([(64, 0.5), (16, 1.0)]), Some(0.6));
        assert_eq!(pooled_accuracy([(3, 1.0), (0, 0.0)]), Some(1.0));
        assert_eq!(pooled_accuracy([]), None);
        assert_eq!(pooled_accuracy([(0, 0.0)]), None);
    }
}
