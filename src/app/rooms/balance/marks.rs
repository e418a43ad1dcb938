//! What happened at single steps: levels that opened, alarms, settings that were changed.

use crate::app::record::{Record, RunKey};

/// Something that happened at a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub step: u64,
    pub kind: MarkKind,
    /// For the tooltip.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    Level,
    Alarm,
    Change,
}

/// The marks of a run, by step.
#[derive(Default)]
pub struct Marks {
    made_from: (RunKey, [usize; 3]),
    list: Vec<Mark>,
}

impl Marks {
    /// Brings the marks up to date.
    pub fn follow(&mut self, record: &Record) {
        let counts = [
            record.opened.len(),
            record.alarms.len(),
            record.changes.len(),
        ];
        if self.made_from.0 == record.key && self.made_from.1 == counts {
            return;
        }
        self.made_from = (record.key.clone(), counts);
        self.list = of(record);
    }

    /// Those with a step in `from..=to`, at most `limit`.
    pub fn within(&self, from: f64, to: f64, limit: usize) -> &[Mark] {
        let start = self.list.partition_point(|mark| (mark.step as f64) < from);
        let end = self.list.partition_point(|mark| mark.step as f64 <= to);
        &self.list[start..end.min(start + limit).max(start)]
    }
}

fn of(record: &Record) -> Vec<Mark> {
    let levels = record.opened.iter().map(|&(step, level)| Mark {
        step,
        kind: MarkKind::Level,
        text: format!("Level {level} opens"),
    });
    let alarms = record.alarms.iter().map(|alarm| Mark {
        step: alarm.step,
        kind: MarkKind::Alarm,
        text: alarm.message.clone(),
    });
    let changes = record.changes.iter().map(|change| Mark {
        step: change.step,
        kind: MarkKind::Change,
        text: format!(
            "{} changed from {} to {}",
            change.path, change.before, change.value
        ),
    });
    let mut marks: Vec<Mark> = levels.chain(alarms).chain(changes).collect();
    marks.sort_by_key(|mark| mark.step);
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::Motion;
    use crate::config::RunConfig;
    use crate::training::{Alarm, Event};

    #[test]
    fn marks_are_sorted_and_follow_the_record() {
        let mut record = Record::new("a".into(), RunConfig::default(), Motion::Still);
        record.opened = vec![(50, 2), (400, 3)];
        record.hear(Event::Changed {
            step: 60,
            path: "balance.gamma".into(),
            before: "1.0".into(),
            value: "2".into(),
        });
        let mut marks = Marks::default();
        marks.follow(&record);
        record.alarms.push(Alarm {
            step: 55,
            kind: "stale".into(),
            message: "Stale".into(),
        });
        marks.follow(&record);
        let steps = |marks: &[Mark]| marks.iter().map(|mark| mark.step).collect::<Vec<_>>();
        assert_eq!(steps(marks.within(0.0, 1e9, 10)), [50, 55, 60, 400]);
        assert_eq!(steps(marks.within(51.0, 60.0, 10)), [55, 60]);
        assert_eq!(steps(marks.within(0.0, 1e9, 2)), [50, 55]);
        assert!(marks.within(500.0, 600.0, 2).is_empty());
        assert_eq!(marks.within(400.0, 400.0, 2)[0].text, "Level 3 opens");
        let change = &marks.within(60.0, 60.0, 1)[0].text;
        assert_eq!(change, "balance.gamma changed from 1.0 to 2");
    }
}
