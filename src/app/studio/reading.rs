//! A run whose log is being read: how far that is, so that nobody takes it for training.

use crate::app::library::RunCard;
use crate::app::record::Record;

/// How much of a run's log is taken in, and that in words; nothing once all of it is.
pub(super) fn of(record: &Record, runs: &[RunCard]) -> Option<(f32, String)> {
    if !record.reading {
        return None;
    }
    let step = record.step();
    let card = runs.iter().find(|card| card.key == record.key);
    // Where it is not listed, its log may be shorter than the steps configured.
    Some(match card.filter(|card| card.step > 0) {
        Some(card) => {
            let share = (step as f32 / card.step as f32).min(1.0);
            (share, format!("Reading the log, {:.0} %", 100.0 * share))
        }
        None => (0.0, format!("Reading the log, step {step}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::Motion;
    use crate::config::RunConfig;

    #[test]
    fn a_log_that_is_read_says_so_and_a_run_that_trains_does_not() {
        let mut record = Record::new("far".into(), RunConfig::default(), Motion::Still);
        assert_eq!(of(&record, &[]), None);
        record.reading = true;
        let (share, words) = of(&record, &[]).unwrap();
        assert_eq!((share, words.as_str()), (0.0, "Reading the log, step 0"));
    }
}
