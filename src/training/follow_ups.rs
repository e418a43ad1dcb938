//! What follows a step before the next one: exams, checkpoints, tests.

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::event::{Event, Phase};
use super::examination::Examination;
use super::session::{Session, Unit};

/// What follows a step before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUp {
    /// The test where the adaptive phase begins.
    AfterWarmup,
    Exam,
    Checkpoint,
    /// The test at the end.
    Final,
}

impl Session {
    /// Books what follows the step that was just made.
    pub(super) fn book_follow_ups(&mut self) {
        let due = |every: u64| every > 0 && self.step.is_multiple_of(every);
        let last = self.step == self.config.max_steps;
        let warmup = self.warmup_steps();
        let evaluation = &self.config.evaluation;
        self.exam = None;
        if self.step == warmup && evaluation.after_warmup && evaluation.problems > 0 {
            self.follow_ups.push_back(FollowUp::AfterWarmup);
        }
        if due(self.config.exam.every) && self.config.exam.problems > 0 {
            self.follow_ups.push_back(FollowUp::Exam);
        }
        if due(self.config.checkpoint.every) || last {
            self.follow_ups.push_back(FollowUp::Checkpoint);
        }
        if last && evaluation.problems > 0 {
            self.follow_ups.push_back(FollowUp::Final);
        }
    }

    /// Begins the exam or the test that is next.
    pub(super) fn open_examination(&mut self, follow_up: FollowUp) {
        // What training kept room for is not what answering needs, and the other way round.
        crate::devices::tidy(&self.device);
        let (config, task) = (&self.config, self.study.task.as_ref());
        let examination = match follow_up {
            FollowUp::AfterWarmup => {
                Examination::test(config, task, "after_warmup", self.step, false)
            }
            FollowUp::Final => {
                self.phase = Phase::Evaluation;
                self.events.push(Event::PhaseBegan {
                    phase: self.phase,
                    step: self.step,
                });
                let robustness = config.evaluation.robustness;
                Examination::test(config, task, "final", self.step, robustness)
            }
            FollowUp::Exam | FollowUp::Checkpoint => Examination::exam(config, task, self.step),
        };
        self.unit = Some(Unit::Examine(Box::new(examination)));
    }

    /// A slice of an examination, and at its end what comes of it.
    pub(super) async fn examine(
        &mut self,
        mut examination: Box<Examination>,
    ) -> Result<(), TrainError> {
        let events = examination
            .advance(&self.model, &self.workers, &self.study)
            .await?;
        self.events.extend(events);
        if !examination.is_finished() {
            self.unit = Some(Unit::Examine(examination));
            return Ok(());
        }
        crate::devices::tidy(&self.device);
        if self.follow_ups.pop_front() == Some(FollowUp::Exam) {
            self.take_exam_results(&examination);
        }
        Ok(())
    }

    /// Opens levels, raises alarms, and asks for a checkpoint of the best model so far.
    fn take_exam_results(&mut self, exam: &Examination) {
        let step = self.step;
        for opened in self.curriculum.exam_results(&exam.accuracies()) {
            self.events.push(Event::LevelOpened {
                step,
                level: opened.level,
            });
        }
        self.exam = exam.mean();
        let Some(mean) = self.exam else { return };
        self.events
            .extend(self.alarms.exam(step, mean).into_iter().map(Event::Alarm));
        if self.best_exam.is_none_or(|best| mean > best) {
            self.best_exam = Some(mean);
            // The best so far is worth keeping even where no checkpoint was due.
            if self.follow_ups.front() != Some(&FollowUp::Checkpoint) {
                self.follow_ups.push_front(FollowUp::Checkpoint);
            }
        }
    }
}
