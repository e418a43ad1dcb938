//! What went wrong or is worth knowing, above the plots, until it is dismissed.

use std::collections::BTreeSet;

use eframe::egui::{self, RichText, Ui};

use crate::app::record::{Record, RunKey};
use crate::app::theme;
use crate::training::Alarm;

/// What was dismissed.
#[derive(Default)]
pub struct Dismissed {
    run: RunKey,
    /// Kinds of alarms.
    kinds: BTreeSet<String>,
    notices: BTreeSet<String>,
    error: bool,
}

/// One thing to say.
#[derive(Clone, Debug, PartialEq)]
enum Word<'a> {
    /// The run broke off.
    Error(&'a str),
    Alarm(&'a Alarm),
    Notice(&'a str),
}

impl Dismissed {
    /// What is to be said, most pressing first: why the run broke off, the newest alarm of every
    /// kind, notices.
    fn words<'a>(&self, record: &'a Record) -> Vec<Word<'a>> {
        let error = record.error.as_deref().filter(|_| !self.error);
        let mut kinds = BTreeSet::new();
        let alarms =
            record.alarms.iter().rev().filter(|alarm| {
                !self.kinds.contains(&alarm.kind) && kinds.insert(alarm.kind.as_str())
            });
        let notices = record
            .notices
            .iter()
            .filter(|notice| !self.notices.contains(*notice));
        error
            .into_iter()
            .map(Word::Error)
            .chain(alarms.map(Word::Alarm))
            .chain(notices.map(|notice| Word::Notice(notice)))
            .collect()
    }

    fn dismiss(&mut self, word: &Word<'_>) {
        match word {
            Word::Error(_) => self.error = true,
            Word::Alarm(alarm) => drop(self.kinds.insert(alarm.kind.clone())),
            Word::Notice(notice) => drop(self.notices.insert((*notice).to_owned())),
        }
    }

    /// Draws the most pressing word, and the others on demand; returns a step that was asked for.
    pub fn show(&mut self, ui: &mut Ui, record: &Record) -> Option<u64> {
        if self.run != record.key {
            *self = Self {
                run: record.key.clone(),
                ..Self::default()
            };
        }
        let words = self.words(record);
        let first = words.first()?;
        let (mut asked, mut dismissed) = (None, None);
        let color = match first {
            Word::Error(_) | Word::Alarm(_) => theme::palette(ui).wrong,
            Word::Notice(_) => theme::palette(ui).accent,
        };
        egui::Frame::group(ui.style())
            .stroke(egui::Stroke::new(1.0, color))
            .inner_margin(egui::Margin::symmetric(8, 4))
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                let room = 0.4 * ui.ctx().content_rect().height();
                egui::ScrollArea::vertical()
                    .max_height(room)
                    .show(ui, |ui| {
                        (asked, dismissed) = one(ui, first);
                        if words.len() > 1 {
                            let more = format!("{} more", words.len() - 1);
                            egui::CollapsingHeader::new(RichText::new(more).small())
                                .id_salt("more words")
                                .show(ui, |ui| {
                                    for word in &words[1..] {
                                        let (step, gone) = one(ui, word);
                                        asked = step.or(asked);
                                        dismissed = gone.or(dismissed.take());
                                    }
                                });
                        }
                    });
            });
        if let Some(word) = dismissed {
            self.dismiss(&word);
        }
        asked
    }
}

/// Draws one word; returns a step that was asked for, and the word if it was dismissed.
fn one<'a>(ui: &mut Ui, word: &Word<'a>) -> (Option<u64>, Option<Word<'a>>) {
    let (mut asked, mut dismissed) = (None, None);
    ui.with_layout(egui::Layout::right_to_left(egui::Align::TOP), |ui| {
        if ui
            .small_button("Dismiss")
            .on_hover_text(match word {
                Word::Alarm(_) => "Hides alarms of this kind; the marks in the plots stay",
                _ => "Hides this",
            })
            .clicked()
        {
            dismissed = Some(word.clone());
        }
        ui.with_layout(egui::Layout::top_down(egui::Align::LEFT), |ui| {
            let colors = theme::palette(ui);
            ui.horizontal_wrapped(|ui| match word {
                Word::Error(why) => {
                    let text = RichText::new("The run broke off")
                        .strong()
                        .color(colors.wrong);
                    ui.label(text);
                    ui.label(format!(
                        "{why} Its last checkpoint is kept: resume it from the Start room"
                    ));
                }
                Word::Alarm(alarm) => {
                    let name = RichText::new(kind_in_words(&alarm.kind));
                    ui.label(name.strong().color(colors.wrong));
                    let link = ui.link(format!("step {}", alarm.step));
                    if link.on_hover_text("Looks at that step").clicked() {
                        asked = Some(alarm.step);
                    }
                    ui.label(&alarm.message);
                }
                Word::Notice(notice) => drop(ui.label(*notice)),
            });
        });
    });
    (asked, dismissed)
}

/// An alarm's kind as people say it.
fn kind_in_words(kind: &str) -> String {
    match kind {
        "overfitting" => "Overfitting".to_owned(),
        "collapse" => "Collapse".to_owned(),
        "zero_variance" => "Little to learn from the quiz".to_owned(),
        "regression" => "The exam fell".to_owned(),
        "drift" => "Far from its origin".to_owned(),
        "stale" => "Stale signals".to_owned(),
        "not_finite" => "Numbers out of range".to_owned(),
        "truncation" => "Answers cut off".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::record::Motion;
    use crate::config::RunConfig;

    fn alarm(step: u64, kind: &str) -> Alarm {
        Alarm {
            step,
            kind: kind.into(),
            message: format!("{kind} at {step}"),
        }
    }

    #[test]
    fn the_newest_alarm_of_every_kind_is_said_until_dismissed() {
        let mut record = Record::new("a".into(), RunConfig::default(), Motion::Still);
        record.alarms = vec![alarm(5, "stale"), alarm(9, "collapse"), alarm(12, "stale")];
        record.notices = vec!["a notice".into()];
        let mut dismissed = Dismissed::default();
        let (stale, collapse) = (alarm(12, "stale"), alarm(9, "collapse"));
        let notice = Word::Notice("a notice");
        assert_eq!(
            dismissed.words(&record),
            [Word::Alarm(&stale), Word::Alarm(&collapse), notice.clone()]
        );
        dismissed.dismiss(&Word::Alarm(&stale));
        record.alarms.push(alarm(20, "stale"));
        assert_eq!(
            dismissed.words(&record),
            [Word::Alarm(&collapse), notice.clone()]
        );
        record.error = Some("out of memory".into());
        assert_eq!(dismissed.words(&record)[0], Word::Error("out of memory"));
        dismissed.dismiss(&notice);
        assert_eq!(dismissed.words(&record).len(), 2);
    }
}
