//! What the engine does, one small piece of work at a time: a run under way, a queue of runs, and
//! questions in between.

mod queue;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::asking::ask;
use super::{Question, Reply, Request, Subject, Ticket};
use crate::app::in_full;
use crate::app::record::RunKey;
use crate::clock::{Clock, breathe};
use crate::config::{Origin, RunConfig};
use crate::files;
use crate::model::Model;
use crate::runs::drive::{DriveError, Run};
use crate::runs::follow::Follower;
use crate::runs::place;
use crate::training::{
    Command, Estimate, Event, Setup, Study, measure_steps, preview, preview_level,
};
use queue::Queue;

/// Events gathered before they are sent, in seconds: a message per step would be too many.
const GATHER: f64 = 0.05;

/// What was said in earlier sittings is read in one go up to this size.
const EARLIER_BYTES: usize = usize::MAX / 2;

/// A run under way.
struct Live {
    key: RunKey,
    run: Run,
    paused: bool,
    stopping: bool,
    unsent: Vec<Event>,
    sent: f64,
}

/// Hears replies.
pub type Say = Rc<dyn Fn(Reply)>;

/// Looks for a request that has come in meanwhile.
pub type Inbox<'a> = dyn FnMut() -> Option<Request> + 'a;

/// The engine's state.
pub struct Work {
    runs: PathBuf,
    say: Say,
    clock: Clock,
    live: Option<Live>,
    queue: Option<Queue>,
    /// A checkpoint opened before and its folder, so that asking again does not read it again.
    opened: Option<(PathBuf, Setup)>,
    /// What was asked while a question was being answered.
    deferred: VecDeque<Request>,
}

impl Work {
    /// An engine with its runs in a folder.
    pub fn new(runs: PathBuf, say: Say) -> Self {
        Self {
            runs,
            say,
            clock: Clock::start(),
            live: None,
            queue: None,
            opened: None,
            deferred: VecDeque::new(),
        }
    }

    /// What was asked while a question was being answered, oldest first.
    pub fn deferred(&mut self) -> Option<Request> {
        self.deferred.pop_front()
    }

    /// Whether something was asked while a question was being answered.
    pub fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// Whether [`Work::turn`] has something to do.
    pub fn is_busy(&self) -> bool {
        match &self.live {
            Some(live) => !live.paused,
            None => self.queue.is_some(),
        }
    }

    /// The next unit of work of the run under way, or the next run of the queue.
    pub async fn turn(&mut self) {
        match self.live.take() {
            Some(live) => self.go_on(live).await,
            None => self.next_of_queue().await,
        }
    }

    async fn go_on(&mut self, mut live: Live) {
        if live.run.is_done() {
            return self.end(live, None);
        }
        match live.run.turn().await {
            Ok(events) => {
                live.hear(events);
                if live.paused || self.clock.seconds() - live.sent > GATHER {
                    self.send_events(&mut live);
                }
                self.live = Some(live);
            }
            Err(error) => self.end(live, Some(error)),
        }
    }

    fn send_events(&self, live: &mut Live) {
        live.sent = self.clock.seconds();
        if !live.unsent.is_empty() {
            (self.say)(Reply::Events {
                run: live.key.clone(),
                events: std::mem::take(&mut live.unsent),
            });
        }
    }

    fn end(&mut self, mut live: Live, error: Option<DriveError>) {
        self.send_events(&mut live);
        let finished = error.is_none() && !live.stopping;
        let error = error.or_else(|| live.run.close().err());
        let broken = error.is_some();
        (self.say)(Reply::Ended {
            run: live.key,
            finished,
            error: error.map(|error| in_full(&error)),
        });
        if self.queue.is_some() && (broken || live.stopping) {
            // What is there stays; starting the comparison again goes on with it.
            self.queue = None;
            (self.say)(Reply::Queue(None));
        } else {
            self.one_more_is_done();
        }
    }

    /// Does what is asked. `inbox` is looked at where an answer takes long, for a word to break off.
    pub async fn take(&mut self, request: Request, inbox: &mut Inbox<'_>) {
        match request {
            Request::Train { config } => self.train(*config).await,
            Request::Resume {
                run,
                checkpoint,
                set,
            } => self.resume(&run, checkpoint.as_deref(), &set).await,
            Request::Tell(command) => self.tell(command).await,
            Request::Queue { folder, configs } => self.begin_queue(folder, configs),
            Request::CancelQueue => {
                self.queue = None;
                (self.say)(Reply::Queue(None));
                self.tell(Command::StopAndSave).await;
            }
            Request::Sample {
                ticket,
                subject,
                question,
            } => {
                let answer = self.sample(ticket, &subject, &question, inbox).await;
                self.answer(ticket, answer);
            }
            Request::Preview {
                ticket,
                config,
                level,
                count,
            } => {
                let answer = set_up(*config).await.and_then(|setup| {
                    let previews = match level {
                        Some((level, start)) => preview_level(&setup, level, start, count),
                        None => preview(&setup, count),
                    };
                    let previews = previews.map_err(|error| in_full(&error))?;
                    Ok(Reply::Previewed { ticket, previews })
                });
                self.answer(ticket, answer);
            }
            Request::Estimate {
                ticket,
                config,
                measure,
            } => {
                let answer = estimate(ticket, *config, measure).await;
                self.answer(ticket, answer);
            }
            // What it was about is over: breaking off is looked for while sampling.
            Request::Break(_) => {}
            Request::Quit => self.quit().await,
        }
    }

    fn answer(&self, ticket: Ticket, answer: Result<Reply, String>) {
        (self.say)(answer.unwrap_or_else(|why| Reply::Refused { ticket, why }));
    }

    /// Stops and saves the run under way.
    pub async fn quit(&mut self) {
        self.queue = None;
        self.tell(Command::StopAndSave).await;
        while self.live.is_some() {
            self.turn().await;
            breathe().await;
        }
    }

    fn busy(&self) -> bool {
        if let Some(live) = &self.live {
            let why = format!(
                "{} is being trained: stop it before starting another run",
                live.key
            );
            (self.say)(Reply::Failed { why });
        }
        self.live.is_some()
    }

    async fn train(&mut self, mut config: RunConfig) {
        if self.busy() {
            return;
        }
        config.name = free_name(&self.runs, &config.name);
        let key = config.name.clone();
        let run = Run::create(config, &self.runs).await;
        self.begin(key, run, Vec::new());
    }

    async fn resume(&mut self, key: &str, checkpoint: Option<&str>, set: &[String]) {
        if self.busy() {
            return;
        }
        let path = self.path(key);
        match Run::resume_sharing(&path, checkpoint, set, &self.runs).await {
            Ok(Some(run)) => {
                let before = earlier(&path);
                self.begin(key.into(), Ok(run), before);
            }
            Ok(None) => (self.say)(Reply::Failed {
                why: format!("{key} is finished: extend it to train on"),
            }),
            Err(error) => (self.say)(Reply::Failed {
                why: format!("{key} cannot be resumed: {}", in_full(&error)),
            }),
        }
    }

    fn begin(&mut self, key: RunKey, run: Result<Run, DriveError>, before: Vec<Event>) {
        match run {
            Ok(run) => {
                (self.say)(Reply::Began {
                    run: key.clone(),
                    config: Box::new(run.session().config().clone()),
                    before,
                });
                self.live = Some(Live {
                    key,
                    run,
                    paused: false,
                    stopping: false,
                    unsent: Vec::new(),
                    sent: self.clock.seconds(),
                });
            }
            Err(error) => {
                self.queue = None;
                (self.say)(Reply::Queue(None));
                (self.say)(Reply::Failed {
                    why: format!("{key} cannot be started: {}", in_full(&error)),
                });
            }
        }
    }

    async fn tell(&mut self, command: Command) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        match command {
            Command::Resume | Command::SingleStep => live.paused = false,
            Command::StopAndSave => (live.paused, live.stopping) = (false, true),
            _ => {}
        }
        match live.run.tell(command).await {
            Ok(events) => live.hear(events),
            Err(error) => (self.say)(Reply::Failed {
                why: in_full(&error),
            }),
        }
        self.send_events(&mut live);
        self.live = Some(live);
    }

    fn path(&self, key: &str) -> PathBuf {
        self.runs.join(key)
    }

    async fn sample(
        &mut self,
        ticket: Ticket,
        subject: &Subject,
        question: &Question,
        inbox: &mut Inbox<'_>,
    ) -> Result<Reply, String> {
        let (study, model) = match subject {
            Subject::Live => {
                let live = self.live.as_ref().ok_or("no run is under way")?;
                let session = live.run.session();
                (session.study().clone(), session.model().clone())
            }
            Subject::Checkpoint { run, checkpoint } => {
                let setup = self.open(run, checkpoint.as_deref()).await?;
                let study = Study::new(&setup.config, setup.task.clone(), setup.text.clone());
                (study, setup.model.clone())
            }
            Subject::Origin { run } => self.origin(run).await?,
        };
        let deferred = &mut self.deferred;
        let mut goes_on = || {
            while let Some(request) = inbox() {
                match request {
                    Request::Break(unwanted) if unwanted == ticket => return false,
                    Request::Quit => {
                        deferred.push_back(Request::Quit);
                        return false;
                    }
                    other => deferred.push_back(other),
                }
            }
            true
        };
        ask(ticket, &study, &model, question, &*self.say, &mut goes_on).await
    }

    /// The policy that a run's adaptive phase departed from, and how to ask it.
    async fn origin(&mut self, run: &str) -> Result<(Study, Model), String> {
        if let Some(live) = self.live.as_ref().filter(|live| live.key == run) {
            let session = live.run.session();
            let origin = session.origin(Origin::Warmup);
            let origin = origin.ok_or("the warm-up is not over yet: ask again when it is")?;
            return Ok((session.study().clone(), origin));
        }
        let folder = place::model_folder(&self.path(run)).map_err(|error| in_full(&error))?;
        let setup = self.open(run, None).await?;
        let study = Study::new(&setup.config, setup.task.clone(), setup.text.clone());
        let origin = place::open_origin(&folder, &setup.model, &setup.device);
        Ok((study, origin.map_err(|error| in_full(&error))?))
    }

    async fn open(&mut self, run: &str, checkpoint: Option<&str>) -> Result<&Setup, String> {
        let path = self.path(run);
        let place = match checkpoint {
            Some(name) => path.join("checkpoints").join(name),
            // The newest may be another one than before.
            None => place::model_folder(&path).map_err(|error| in_full(&error))?,
        };
        let known = self
            .opened
            .as_ref()
            .is_some_and(|(there, _)| *there == place);
        if !known {
            let opened = place::open_run(&place, None, &[]).await;
            let (setup, _) = opened.map_err(|error| in_full(&error))?;
            self.opened = Some((place, setup));
        }
        let opened = self.opened.as_ref().map(|(_, setup)| setup);
        opened.ok_or_else(|| "the checkpoint was not opened".into())
    }
}

impl Live {
    fn hear(&mut self, events: Vec<Event>) {
        for event in &events {
            match event {
                Event::Paused { .. } => self.paused = true,
                Event::Resumed { .. } => self.paused = false,
                _ => {}
            }
        }
        self.unsent.extend(events);
    }
}

async fn set_up(config: RunConfig) -> Result<Setup, String> {
    let device = crate::devices::open_for(&config).await;
    let device = device.map_err(|error| in_full(&error))?;
    Setup::new(config, device, &place::loader).map_err(|error| in_full(&error))
}

async fn estimate(ticket: Ticket, config: RunConfig, measure: bool) -> Result<Reply, String> {
    let times = if measure {
        let measured = measure_steps(&config, &place::loader).await;
        Some(measured.map_err(|error| in_full(&error))?)
    } else {
        None
    };
    let setup = set_up(config).await?;
    Ok(Reply::Estimated {
        ticket,
        estimate: Estimate::of(&setup).map_err(|error| in_full(&error))?,
        times,
    })
}

/// What a run's folder tells about it.
fn earlier(path: &Path) -> Vec<Event> {
    let read = Follower::open(path).and_then(|mut follower| follower.poll(EARLIER_BYTES));
    // Where it cannot be read, the run goes on without its past being drawn.
    read.map(|news| news.events).unwrap_or_default()
}

/// The name, or with the first number that is not taken.
fn free_name(runs: &Path, name: &str) -> String {
    let taken = |name: &str| files::exists(runs.join(name));
    if !taken(name) {
        return name.into();
    }
    (2..)
        .map(|number| format!("{name}-{number}"))
        .find(|name| !taken(name))
        .unwrap_or_else(|| name.into())
}
