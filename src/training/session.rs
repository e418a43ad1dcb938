//! The loop. [`Session::step`] does the next unit of work; what a unit does is in the files beside
//! this one: `decisions` (probes and the plan), `rollouts`, `steps` (updates), `follow_ups` (exams and
//! tests). How settings change on the way is in `changes`, what is kept of a session in `checkpoint`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::TrainError;
use super::alarms::Alarms;
use super::checkpoint::{BASE, ORIGIN, Snapshot};
use super::event::{Command, Event, Phase};
use super::examination::{Examination, Study};
use super::follow_ups::FollowUp;
use super::lengths;
use super::optimizer::AdamW;
use super::preparing::Preparation;
use super::rollouts::Rollouts;
use super::setup::Setup;
use super::shards::Shards;
use super::steps::Begun;
use super::workers::Workers;
use crate::balance::{self, Controller};
use crate::clock::Clock;
use crate::config::{Origin, RunConfig};
use crate::curriculum::{Curriculum, Pool};
use crate::model::{Model, Parameters};

/// Where a session begins.
pub enum Start {
    /// With the model as it is set up; the base model is trained first if the configuration says so.
    Fresh,
    /// With a base model trained before: its `model.safetensors`.
    Base(Vec<u8>),
    /// Where a checkpoint stands.
    Resume(Snapshot),
}

/// A unit of work that is under way between two calls of [`Session::step`].
pub(super) enum Unit {
    Sample(Box<Begun>),
    Update(Box<Begun>, Option<Rollouts>),
    Examine(Box<Examination>),
    /// Before the first step on a graphics card.
    Prepare(Box<Preparation>),
}

/// A run: its model, its controller, its place.
pub struct Session {
    pub(super) config: RunConfig,
    pub(super) device: burn::tensor::Device,
    pub(super) study: Study,
    pub(super) workers: Workers,
    pub(super) model: Model,
    /// Parameters D (and GRPO's KL) is measured from, by what they are the origin of.
    pub(super) origins: BTreeMap<&'static str, Parameters>,
    /// One optimizer, or one for SFT and one for GRPO.
    pub(super) optimizers: Vec<AdamW>,
    pub(super) controller: Box<dyn Controller>,
    pub(super) curriculum: Curriculum,
    pub(super) demonstrations: Pool,
    pub(super) prompts: Pool,
    pub(super) alarms: Alarms,
    pub(super) phase: Phase,
    /// Update attempts made.
    pub(super) step: u64,
    /// Steps of the base model's training made.
    pub(super) base_step: u64,
    pub(super) num_tokens: u64,
    pub(super) unit: Option<Unit>,
    pub(super) follow_ups: VecDeque<FollowUp>,
    /// Gradients in a row that were not finite.
    pub(super) not_finite: u32,
    pub(super) best_exam: Option<f64>,
    /// Mean accuracy of the exam at this step.
    pub(super) exam: Option<f64>,
    pub(super) clock: Clock,
    /// Seconds of work before a resume.
    pub(super) seconds_before: f64,
    notices: Vec<String>,
    paused: bool,
    single_step: bool,
    stopping: bool,
    started: bool,
    /// Whether a card's programs are compiled before the first step.
    prepares: bool,
    pub(super) events: Vec<Event>,
}

impl Session {
    /// Makes a session ready; nothing is computed yet.
    ///
    /// # Errors
    /// Levels the task does not have, demonstrations that do not fit, a checkpoint that does not
    /// belong to the configuration.
    pub fn new(setup: Setup, start: Start) -> Result<Self, TrainError> {
        let Setup {
            mut config,
            device,
            task,
            text,
            model,
            notices,
            ..
        } = setup;
        config.settle();
        let levels = Pool::levels_of(task.as_ref(), config.curriculum.levels)?;
        let demonstrations =
            Pool::demonstrations(task.as_ref(), levels.clone(), config.task.demonstrations)?;
        let prompts = Pool::prompts(task.as_ref(), levels)?;
        let shards = Shards::new(config.shards, &device)?;
        let workers = Workers::new(shards, device.clone(), text.pad());
        let mut notices = notices;
        notices.extend(short_levels(&config, task.as_ref()));
        notices.extend(truncated_sampling(&config));
        let long = lengths::check(&config, task.as_ref(), &text, &model.spec, &demonstrations)?;
        notices.extend(long);
        let study = Study::new(&config, task, text);
        let count = if config.optimizer.separate { 2 } else { 1 };
        let phase = if config.base.steps > 0 {
            Phase::Base
        } else {
            Phase::Warmup
        };
        let mut session = Self {
            optimizers: (0..count).map(|_| AdamW::new(&model.parameters)).collect(),
            controller: balance::build(&config.balance, config.seed, config.max_steps),
            curriculum: Curriculum::new(&config.curriculum, config.exam.pass, config.seed),
            device,
            study,
            workers,
            model,
            origins: BTreeMap::new(),
            demonstrations,
            prompts,
            alarms: Alarms::default(),
            phase,
            step: 0,
            base_step: 0,
            num_tokens: 0,
            unit: None,
            follow_ups: VecDeque::new(),
            not_finite: 0,
            best_exam: None,
            exam: None,
            clock: Clock::start(),
            seconds_before: 0.0,
            notices,
            paused: false,
            single_step: false,
            stopping: false,
            started: false,
            prepares: true,
            events: Vec::new(),
            config,
        };
        match start {
            Start::Fresh => {}
            Start::Base(weights) => {
                let spec = &session.model.spec;
                session.model.parameters =
                    Parameters::from_safetensors(spec, &[weights], &session.device)?;
                session.phase = Phase::Warmup;
            }
            Start::Resume(snapshot) => session.restore(&snapshot)?,
        }
        Ok(session)
    }

    /// The same session that does not compile a card's programs first: they are compiled where each is
    /// needed, within the first steps.
    pub fn unprepared(mut self) -> Self {
        self.prepares = false;
        self
    }

    /// Does the next unit of work: a step of the base model, a decision with its SFT step, the
    /// rollouts or the update of a GRPO step, a slice of an exam; on a graphics card before all of
    /// them some of the programs they need. Does nothing while paused and after the end.
    ///
    /// # Errors
    /// A device that fails, or gradients that stay not finite.
    pub async fn step(&mut self) -> Result<Vec<Event>, TrainError> {
        if !self.started {
            self.started = true;
            self.announce();
            if self.prepares && self.begin_preparing() {
                // Said before anything is waited for.
                return Ok(std::mem::take(&mut self.events));
            }
        }
        // Whoever pauses waits for the step in hand: its seconds are not those of the pause.
        let in_hand = matches!(self.unit, Some(Unit::Sample(_) | Unit::Update(..)));
        if self.phase == Phase::Done || (self.paused && !in_hand) {
            return Ok(std::mem::take(&mut self.events));
        }
        match self.unit.take() {
            // A step that has begun is finished before anything else.
            Some(Unit::Sample(begun)) => self.sample(begun).await?,
            Some(Unit::Update(begun, rollouts)) => self.update(begun, rollouts).await?,
            // Whoever stops a run keeps what follows the step for later.
            _ if self.stopping => self.stop(),
            Some(Unit::Examine(examination)) => self.examine(examination).await?,
            Some(Unit::Prepare(preparation)) => self.prepare(preparation).await?,
            None => match self.follow_ups.front().copied() {
                Some(FollowUp::Checkpoint) => {
                    self.follow_ups.pop_front();
                    let best = self.exam.is_some() && self.exam == self.best_exam;
                    self.events.push(Event::CheckpointDue {
                        step: self.step,
                        best,
                    });
                }
                Some(follow_up) => self.open_examination(follow_up),
                None if self.phase == Phase::Base => self.base_step().await?,
                None if self.step < self.config.max_steps => self.decide().await?,
                None => self.finish(),
            },
        }
        Ok(std::mem::take(&mut self.events))
    }

    /// Tells the session something. Pausing and stopping wait for the step in hand.
    ///
    /// # Errors
    /// A setting that cannot be changed, or a value it cannot take; nothing is changed then.
    pub fn handle(&mut self, command: Command) -> Result<Vec<Event>, TrainError> {
        let step = self.step;
        match command {
            Command::Pause => {
                self.paused = true;
                self.events.push(Event::Paused { step });
            }
            Command::Resume => {
                (self.paused, self.single_step) = (false, false);
                self.events.push(Event::Resumed { step });
            }
            Command::SingleStep => (self.paused, self.single_step) = (false, true),
            Command::StopAndSave => (self.stopping, self.paused) = (true, false),
            Command::Set { path, value } => self.change(path, value)?,
            Command::Extend { max_steps } => self.extend(max_steps),
        }
        Ok(std::mem::take(&mut self.events))
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Where the run stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Update attempts made so far.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// The configuration in force.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The model as it is now.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What asking and grading needs besides the model.
    pub fn study(&self) -> &Study {
        &self.study
    }

    /// What is worth knowing before it begins, until it has been said.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The tokenizer.
    pub fn text(&self) -> &crate::text::Text {
        &self.study.text
    }

    fn announce(&mut self) {
        self.events.push(Event::Started {
            parameters: self.model.parameters.count(),
            vocabulary: self.study.text.vocabulary(),
            device: crate::devices::name(&self.device).into(),
            steps: self.config.max_steps,
            notices: std::mem::take(&mut self.notices),
        });
        if self.phase == Phase::Warmup && self.step >= self.warmup_steps() {
            self.phase = Phase::Adaptive;
        }
        self.events.push(Event::PhaseBegan {
            phase: self.phase,
            step: self.step,
        });
    }

    /// SFT steps before the first decision.
    pub(super) fn warmup_steps(&self) -> u64 {
        balance::warmup_steps(&self.config.balance, self.config.max_steps)
    }

    /// Books a finished step and what follows it.
    pub(super) fn step_is_done(&mut self) {
        self.book_follow_ups();
        if self.single_step {
            (self.paused, self.single_step) = (true, false);
            self.events.push(Event::Paused { step: self.step });
        }
    }

    fn finish(&mut self) {
        self.phase = Phase::Done;
        self.events.push(Event::Finished {
            step: self.step,
            seconds: self.seconds(),
        });
    }

    /// Ends at once, keeping a checkpoint; what follows the step is done after resuming. The base
    /// model's training is not kept midway: it starts anew, to the same result.
    fn stop(&mut self) {
        if self.phase != Phase::Base {
            self.events.push(Event::CheckpointDue {
                step: self.step,
                best: false,
            });
        }
        self.finish();
    }

    /// Seconds of work, those before a resume included.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds_before + self.clock.seconds()
    }

    /// Keeps the parameters that D and KL are measured from, when their time has come: before
    /// step `next`.
    pub(super) fn settle_origins(&mut self, next: u64) {
        let balance = &self.config.balance;
        let base = [Some(balance.origin), balance.kl_origin].contains(&Some(Origin::Base));
        if next == 1 && base {
            self.origins.insert(BASE, self.model.parameters.clone());
        }
        if next > self.warmup_steps() && !self.origins.contains_key(ORIGIN) {
            self.origins.insert(ORIGIN, self.model.parameters.clone());
        }
    }

    /// The model that an origin names, once there is one.
    pub fn origin(&self, origin: Origin) -> Option<Model> {
        let name = match origin {
            Origin::Warmup => ORIGIN,
            Origin::Base => BASE,
        };
        self.origins
            .get(name)
            .map(|parameters| self.model.with(parameters.clone()))
    }

    /// A problem by its place in the training set.
    pub(super) fn problem(&self, place: &crate::curriculum::ProblemRef) -> crate::tasks::Problem {
        let task: &Arc<dyn crate::tasks::Task> = &self.study.task;
        task.problem(crate::tasks::Split::Train, place.level, place.index)
    }
}

/// Completions of truncated sampling are none of the policy's own, so a divergence measured over them is
/// none of the policy's either. Said where it decides something.
fn truncated_sampling(config: &RunConfig) -> Option<String> {
    let (grpo, balance) = (&config.grpo, &config.balance);
    let truncated = [
        (grpo.top_k > 0, format!("grpo.top_k = {}", grpo.top_k)),
        (grpo.top_p < 1.0, format!("grpo.top_p = {}", grpo.top_p)),
        (grpo.min_p > 0.0, format!("grpo.min_p = {}", grpo.min_p)),
    ];
    let by: Vec<String> = truncated
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, set)| set)
        .collect();
    let pulls = balance.method == crate::config::Method::Sasr && balance.lambda > 0.0;
    let used = match (pulls, grpo.beta != 0.0) {
        (true, true) => "balance.lambda and grpo.beta",
        (true, false) => "balance.lambda",
        (false, true) => "grpo.beta",
        (false, false) => return None,
    };
    (!by.is_empty()).then(|| {
        format!(
            "{}: sampling leaves tokens out, so the divergence that {used} works with is not the \
             policy's own. Sample without truncation, or set {used} to 0",
            by.join(", ")
        )
    })
}

/// Levels whose exam or test set is smaller than asked for, since the task has no more different problems.
fn short_levels(config: &RunConfig, task: &dyn crate::tasks::Task) -> Vec<String> {
    use crate::curriculum::{exam_problems, test_problems};
    let (exam, evaluation) = (&config.exam, &config.evaluation);
    let [low, high] = config.curriculum.levels;
    // Levels without training problems are passed over, and told by `tasks::limits`.
    let trained = |level: &u32| task.len(crate::tasks::Split::Train, *level) != Some(0);
    let training: Vec<u32> = (low..=high).filter(trained).collect();
    let tested = if evaluation.levels.is_empty() {
        &training
    } else {
        &evaluation.levels
    };
    let mut notices = Vec::new();
    for &level in training.iter().filter(|_| exam.every > 0) {
        let found = exam_problems(task, level, exam.problems).len();
        notices.extend(match found {
            0 if level < high => Some(format!(
                "level {level} has no exam problems: it cannot be examined, so the next level opens at \
                 the first exam"
            )),
            0 => Some(format!(
                "level {level} has no exam problems: exams say nothing about it"
            )),
            found if found < exam.problems => Some(format!(
                "level {level} has {found} different exam problems, fewer than the {} of \
                 exam.problems: all of them are asked",
                exam.problems
            )),
            _ => None,
        });
    }
    for &level in tested.iter().chain(&evaluation.unseen_levels) {
        let found = test_problems(task, level, evaluation.problems).len();
        if found == 0 && evaluation.problems > 0 {
            notices.push(format!(
                "level {level} has no test problems: it is not tested"
            ));
        } else if found < evaluation.problems {
            notices.push(format!(
                "level {level} has {found} different test problems, fewer than the {} of \
                 evaluation.problems: all of them are asked",
                evaluation.problems
            ));
        }
    }
    notices
}
