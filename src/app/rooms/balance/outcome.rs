//! What came of a finished run, in one line above its plots.

use eframe::egui::{RichText, Ui};

use crate::app::record::{Record, RunKey};
use crate::app::widgets::percent;
use crate::app::{Action, Actions, Place, theme};
use crate::runs::outcome::Test;

/// The line of the run in view. Its tests may have thousands of answers, so they are summed up when the
/// run has said something new and not in every frame.
#[derive(Default)]
pub struct Outcome {
    /// The run and its revision: a run that is told anew may have as many evaluations as before.
    made_from: (RunKey, u64),
    words: Option<String>,
}

impl Outcome {
    fn follow(&mut self, record: &Record) -> Option<&str> {
        if self.made_from.0 != record.key || self.made_from.1 != record.revision {
            self.made_from = (record.key.clone(), record.revision);
            self.words = words(record);
        }
        self.words.as_deref()
    }
}

/// Draws the line, where the final test was taken.
pub fn show(ui: &mut Ui, outcome: &mut Outcome, record: &Record, actions: &mut Actions) {
    if !record.finished {
        return;
    }
    let Some(words) = outcome.follow(record) else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        let color = theme::palette(ui).right;
        ui.label(RichText::new(words).strong().color(color))
            .on_hover_text(
                "Share of test problems solved at the first try (greedy), over the levels that are \
                 trained on. The model has never seen these problems, and no decision rests on them",
            );
        if ui.link("Level by level").clicked() {
            actions.push(Action::Go(Place::Exams));
        }
        if ui.link("Which ways it takes").clicked() {
            actions.push(Action::Go(Place::Paths));
        }
    });
}

/// Where the run came from and what it came to.
fn words(record: &Record) -> Option<String> {
    let accuracy = |kind| {
        let test = Test::latest(&record.evaluations, kind)?;
        Some((test.seen.accuracy()?, test))
    };
    let (end, test) = accuracy("final")?;
    let mut words = match accuracy("after_warmup") {
        Some((start, _)) => format!(
            "{} after the warm-up → {} on the final test",
            percent(start),
            percent(end)
        ),
        None => format!("{} on the final test", percent(end)),
    };
    if let Some(unseen) = test.unseen.accuracy() {
        words += &format!(", {} on levels never trained on", percent(unseen));
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::Motion;
    use crate::config::RunConfig;
    use crate::tasks::Split;
    use crate::training::{EvaluationRecord, Event};

    fn evaluated(kind: &str, level: u32, unseen: bool, accuracy: f64) -> Event {
        Event::Evaluated(Box::new(EvaluationRecord {
            num_tokens: 0,
            seconds: 0.0,
            holds: crate::training::Judgements::default(),
            places: Vec::new(),
            samples: crate::evaluation::Tallies::default(),
            step: 10,
            kind: kind.into(),
            split: Split::Test,
            level,
            unseen,
            perturbation: None,
            problems: 100,
            metrics: [("accuracy".to_owned(), accuracy)].into(),
            correct: Vec::new(),
        }))
    }

    #[test]
    fn the_result_says_where_the_run_came_from() {
        let mut outcome = Outcome::default();
        let mut words = |record: &Record| outcome.follow(record).map(str::to_owned);
        let mut record = Record::new("a".into(), RunConfig::default(), Motion::Still);
        assert_eq!(words(&record), None);
        record.hear(evaluated("final", 2, false, 0.9));
        record.hear(evaluated("final", 3, false, 0.8));
        assert_eq!(words(&record).unwrap(), "85.0 % on the final test");
        record.hear(evaluated("after_warmup", 3, false, 0.17));
        record.hear(evaluated("final", 4, true, 0.25));
        assert_eq!(
            words(&record).unwrap(),
            "17.0 % after the warm-up → 85.0 % on the final test, 25.0 % on levels never trained on"
        );
        // Told anew, with as many tests as before.
        record.restart();
        for level in 1..=4 {
            record.hear(evaluated("final", level, false, 0.5));
        }
        assert_eq!(words(&record).unwrap(), "50.0 % on the final test");
        let other = Record::new("b".into(), RunConfig::default(), Motion::Still);
        assert_eq!(words(&other), None);
    }
}
