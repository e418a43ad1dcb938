//! What a run has said so far, made ready for drawing: fed with the same events whether the run is
//! trained here, followed from its folder, or opened after its end.

mod columns;
mod journal;

pub use crate::runs::changes::{Change, InForce};
pub use columns::{Column, Columns, names, smoothed};
pub use journal::Journal;

use crate::balance::LoggedStep;
use crate::config::RunConfig;
use crate::runs::changes;
use crate::training::{
    Alarm, CompletionRecord, EvaluationRecord, Event, Phase, StepRecord, exam_means,
};

/// Compressed bytes of completions kept in memory; the run folder has them all.
const COMPLETIONS_KEPT: usize = 64 << 20;

/// Where a run is: its folder within the runs folder, or a path of its own.
pub type RunKey = String;

/// Who moves a run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Trained by this program; `paused` waits for the user.
    Here { paused: bool },
    /// Watched: somebody else may be writing it.
    Followed,
    /// Ended, or nobody works on it any more.
    Still,
}

/// How far a longer piece of work is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub what: String,
    pub done: u64,
    pub total: u64,
}

/// One run as the rooms see it.
pub struct Record {
    pub key: RunKey,
    pub config: RunConfig,
    pub motion: Motion,
    /// Its log is being read, and there is more in it.
    pub reading: bool,
    pub phase: Phase,
    pub columns: Columns,
    /// What a controller was told, step by step, for what-if replays.
    pub measured: Vec<LoggedStep>,
    pub evaluations: Vec<EvaluationRecord>,
    pub alarms: Vec<Alarm>,
    /// Settings that were changed on the way.
    pub changes: Vec<Change>,
    /// What was in force, from the beginning on: kept in step with `config` and `changes`.
    in_force: Vec<InForce>,
    /// Levels that opened: step, level.
    pub opened: Vec<(u64, u32)>,
    pub notices: Vec<String>,
    /// Loss of every step of the base model's training, where it was seen.
    pub base_loss: Vec<f32>,
    pub base_steps: u64,
    /// Seconds that these steps took.
    pub base_seconds: f64,
    /// An exam or test under way.
    pub progress: Option<Progress>,
    pub device: String,
    pub parameters: u64,
    /// Whether the run came to its end.
    pub finished: bool,
    /// Why it broke off, if it did.
    pub error: Option<String>,
    /// Rises with every change; what is drawn may be kept until it does.
    pub revision: u64,
    steps: std::cell::RefCell<Journal>,
    completions: std::cell::RefCell<Journal>,
}

impl Record {
    pub fn new(key: RunKey, config: RunConfig, motion: Motion) -> Self {
        Self {
            key,
            in_force: changes::in_force(&config, &[]),
            config,
            motion,
            reading: false,
            phase: Phase::Warmup,
            columns: Columns::default(),
            measured: Vec::new(),
            evaluations: Vec::new(),
            alarms: Vec::new(),
            changes: Vec::new(),
            opened: Vec::new(),
            notices: Vec::new(),
            base_loss: Vec::new(),
            base_steps: 0,
            base_seconds: 0.0,
            progress: None,
            device: String::new(),
            parameters: 0,
            finished: false,
            error: None,
            revision: 0,
            steps: Journal::default().into(),
            completions: Journal::limited(COMPLETIONS_KEPT).into(),
        }
    }

    /// Forgets everything said: the run is being told from the beginning again.
    pub fn restart(&mut self) {
        let revision = self.revision + 1;
        let (key, config, motion) = (self.key.clone(), self.config.clone(), self.motion.clone());
        *self = Self {
            revision,
            reading: self.reading,
            ..Self::new(key, config, motion)
        };
    }

    /// The newest step.
    pub fn step(&self) -> u64 {
        self.columns.last()
    }

    /// Whether the run is being trained by this program.
    pub fn is_here(&self) -> bool {
        matches!(self.motion, Motion::Here { .. })
    }

    /// Whether somebody is working on the run at this moment.
    pub fn moves(&self) -> bool {
        matches!(
            self.motion,
            Motion::Here { paused: false } | Motion::Followed
        )
    }

    /// Everything about a step, as it was logged.
    pub fn step_record(&self, step: u64) -> Option<StepRecord> {
        let lines = self.steps.borrow_mut().at(step);
        // A step that was written anew after a resume stands twice; the later one counts.
        serde_json::from_str(lines.last()?).ok()
    }

    /// The completions kept of a step, of every source.
    pub fn completions(&self, step: u64) -> Vec<CompletionRecord> {
        let lines = self.completions.borrow_mut().at(step);
        let parse = |line: &String| serde_json::from_str::<Vec<CompletionRecord>>(line).ok();
        lines.iter().filter_map(parse).flatten().collect()
    }

    /// Steps of which completions are kept, rising.
    pub fn completion_steps(&self) -> Vec<u64> {
        self.completions.borrow().steps()
    }

    /// Completions that had to be forgotten (they are in the run folder).
    pub fn completions_forgotten(&self) -> u64 {
        self.completions.borrow().forgotten()
    }

    /// Takes in what was said.
    pub fn hear(&mut self, event: Event) {
        self.revision += 1;
        match event {
            Event::Started {
                parameters,
                device,
                steps,
                notices,
                ..
            } => {
                (self.parameters, self.device) = (parameters, device);
                self.config.max_steps = steps;
                self.in_force = changes::in_force(&self.config, &self.changes);
                for notice in notices {
                    self.notice(notice);
                }
            }
            Event::PhaseBegan { phase, .. } => self.phase = phase,
            Event::Step(record) => self.hear_step(&record),
            Event::BaseStep {
                loss,
                steps,
                step_time,
                ..
            } => {
                self.phase = Phase::Base;
                self.base_steps = steps;
                self.base_seconds += step_time;
                self.base_loss.push(loss as f32);
            }
            Event::Completions { records } => {
                // Where an exam of a resumed run was broken off before, lines may stand out of order.
                if let Some(first) = records.first()
                    && let Ok(line) = serde_json::to_vec(&records)
                {
                    self.completions.borrow_mut().push(first.step, &line);
                }
            }
            Event::Evaluated(record) => self.evaluations.push(*record),
            Event::Progress { what, done, total } => {
                self.progress = (done < total).then_some(Progress { what, done, total });
            }
            Event::LevelOpened { step, level } => self.opened.push((step, level)),
            Event::Alarm(alarm) => self.alarms.push(alarm),
            Event::Changed {
                step,
                path,
                before,
                value,
            } => self.hear_change(Change {
                step,
                path,
                before,
                value,
            }),
            Event::Paused { .. } => self.set_paused(true),
            Event::Resumed { .. } => self.set_paused(false),
            Event::Finished { .. } => {
                (self.phase, self.progress) = (Phase::Done, None);
            }
            Event::CheckpointDue { .. } | Event::BaseReady => {}
        }
    }

    fn hear_step(&mut self, record: &StepRecord) {
        self.columns.push(record);
        self.phase = record.phase;
        let keep = self
            .measured
            .partition_point(|step| step.step < record.step);
        self.measured.truncate(keep);
        self.measured.push(LoggedStep {
            step: record.step,
            measured: record.measured.clone(),
        });
        if let Ok(line) = serde_json::to_vec(record) {
            self.steps.borrow_mut().push(record.step, &line);
        }
    }

    fn hear_change(&mut self, change: Change) {
        let set = format!("{}={}", change.path, change.value);
        changes::overwrite(&mut self.config, &[set]);
        self.changes.push(change);
        self.in_force = changes::in_force(&self.config, &self.changes);
    }

    /// The configuration in force, where it is known from elsewhere than what was said.
    pub fn set_config(&mut self, config: RunConfig) {
        self.config = config;
        self.in_force = changes::in_force(&self.config, &self.changes);
        self.revision += 1;
    }

    /// The settings that decided the run's steps, from the beginning on: each held from the step
    /// after `after` to the next.
    pub fn in_force(&self) -> &[InForce] {
        &self.in_force
    }

    /// Takes a word to the user, as a sentence and once.
    pub fn notice(&mut self, notice: String) {
        let mut letters = notice.chars();
        let sentence: String = match letters.next() {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => return,
        };
        if !self.notices.contains(&sentence) {
            self.notices.push(sentence);
        }
    }

    fn set_paused(&mut self, now: bool) {
        if let Motion::Here { paused } = &mut self.motion {
            *paused = now;
        }
    }

    /// Levels of the exams, rising, and the steps they were taken at.
    pub fn exams(&self) -> impl Iterator<Item = &EvaluationRecord> {
        self.evaluations
            .iter()
            .filter(|record| record.kind == "exam")
    }

    /// Accuracy of the exam at every step that had one.
    pub fn exam_curve(&self) -> Vec<(u64, f64)> {
        exam_means(&self.evaluations)
    }
}
