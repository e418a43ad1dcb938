//! What the library does: errands as they come, and a look at the followed runs in between. What
//! may take longer than a moment (dialogs, zips, reports, comparisons) has threads of its own, where
//! there are threads.

mod cards;
mod comparing;
mod desktop;
mod folders;
mod following;
mod importing;
mod packing;
mod saving;
#[cfg(not(target_family = "wasm"))]
mod system;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use web_time::Instant;

use super::mouth::Mouth;
use super::{Demonstration, Dropped, Errand, Found};
use crate::app::in_full;
use crate::app::record::RunKey;
use crate::config::{RunConfig, TaskConfig};
use crate::files;
use crate::runs::{folder, place};
use crate::tasks::{self, Split, Task};
use crate::training::BatchItem;
use cards::Cards;
use comparing::{Asked, Comparing};
use desktop::Chosen;
pub(in crate::app) use desktop::{Desktop, Page};
use folders::{Places, is_run};
use following::Followed;
#[cfg(not(target_family = "wasm"))]
pub(in crate::app) use system::System;

/// Between two looks at runs that grow.
const BREATH: Duration = Duration::from_millis(400);

/// Between two looks at whether the window has taken in what was said.
const WAIT: Duration = Duration::from_millis(10);

/// Between two looks at the runs folder.
const LISTING: Duration = Duration::from_secs(3);

/// Words said ahead of the window at most while a log is read: what is not taken in yet costs
/// memory.
const AHEAD: usize = 4;

/// What the library is told.
pub(in crate::app) enum Word {
    Errand(Errand),
    /// A path that a dialog gave, or that came in.
    Import(PathBuf),
    /// Runs that have been put there.
    Open(Vec<PathBuf>),
}

/// The library's state.
pub(in crate::app) struct Shelf {
    places: Places,
    mouth: Mouth,
    back: Sender<Word>,
    desk: Desk,
    compare: Comparing,
    /// Whether what takes long is done on threads of its own, or here and now.
    threads: bool,
    followed: Vec<Followed>,
    cards: Cards,
    list_next: Instant,
    listing_failed: Option<String>,
    /// The task whose demonstrations were asked for last.
    task: Option<(TaskConfig, Box<dyn Task>)>,
}

/// The desktop around the program, for the threads that wait for its dialogs.
#[derive(Clone)]
struct Desk {
    desktop: Arc<dyn Desktop>,
    /// Where the last file was chosen.
    folder: Arc<Mutex<Option<PathBuf>>>,
    /// A dialog is shown.
    asking: Arc<AtomicBool>,
}

impl Shelf {
    /// A library of the runs in a folder, with threads for what takes long.
    ///
    /// # Errors
    /// If the system gives no thread.
    #[cfg(not(target_family = "wasm"))]
    pub fn with_threads(
        runs: PathBuf,
        mouth: Mouth,
        desktop: Arc<dyn Desktop>,
        back: Sender<Word>,
    ) -> std::io::Result<Self> {
        let compare = comparing::spawn(mouth.clone())?;
        let mut shelf = Self::new(runs, mouth, desktop, back);
        (shelf.compare, shelf.threads) = (compare, true);
        Ok(shelf)
    }

    /// A library of the runs in a folder that does everything here and now. What it tells itself
    /// goes to `back`.
    pub fn new(runs: PathBuf, mouth: Mouth, desktop: Arc<dyn Desktop>, back: Sender<Word>) -> Self {
        let desk = Desk {
            desktop,
            folder: Arc::default(),
            asking: Arc::default(),
        };
        Self {
            places: Places::new(runs),
            compare: Comparing::here(),
            threads: false,
            mouth,
            back,
            desk,
            followed: Vec::new(),
            cards: Cards::new(),
            list_next: Instant::now() + LISTING,
            listing_failed: None,
            task: None,
        }
    }

    /// How long nothing has to be done.
    pub fn pause(&self) -> Duration {
        let now = Instant::now();
        let due = self.followed.iter().map(|followed| followed.next);
        let pause = due.fold(BREATH, |pause, due| {
            pause.min(due.saturating_duration_since(now))
        });
        if pause < WAIT && self.is_ahead() {
            return WAIT;
        }
        pause
    }

    fn is_ahead(&self) -> bool {
        self.mouth.unheard() >= AHEAD
    }

    /// Looks at what is due: the followed runs, and from time to time the list.
    pub fn look(&mut self) {
        let mut gone = Vec::new();
        for followed in &mut self.followed {
            if self.mouth.unheard() >= AHEAD {
                break;
            }
            if followed.next <= Instant::now() && !followed.look(&self.mouth) {
                gone.push(followed.key.clone());
            }
        }
        gone.iter().for_each(|run| self.is_gone(run));
        // The run that waited longest goes first, however much the others have to say.
        self.followed.sort_by_key(|followed| followed.next);
        if self.list_next <= Instant::now() {
            self.list(false);
        }
    }

    /// Does what it is told.
    pub fn take(&mut self, word: Word) {
        match word {
            Word::Errand(errand) => self.run(errand),
            Word::Import(path) => self.import(&path),
            Word::Open(paths) => self.open_all(&paths),
        }
    }

    fn run(&mut self, errand: Errand) {
        match errand {
            Errand::List => self.list(true),
            Errand::Open(run) => {
                self.open(&run);
            }
            Errand::Close(run) => self.close(&run),
            Errand::Rename { run, name } => {
                let renamed = self.rename(&run, &name);
                self.say_if_failed(renamed);
            }
            Errand::Delete(run) => {
                let deleted = self.delete(&run);
                self.say_if_failed(deleted);
            }
            Errand::Configure(run) => {
                self.mouth
                    .say(match RunConfig::load_run(&self.places.path(&run), &[]) {
                        Ok(config) => Found::Config(Box::new(config.unsettled())),
                        Err(error) => Found::Failed(error.to_string()),
                    });
            }
            Errand::Reveal(run) => {
                let shown = self.desk.desktop.reveal(&self.places.path(&run));
                self.say_if_failed(shown.map_err(|why| {
                    let path = self.places.path(&run);
                    format!("The folder {} cannot be shown: {why}", path.display())
                }));
            }
            Errand::Import(Dropped::Path(path)) => self.import(Path::new(&path)),
            Errand::Import(Dropped::Bytes { name, bytes }) => self.import_bytes(name, bytes),
            Errand::Choose => self.choose(),
            Errand::Save(saved) => self.save(saved),
            Errand::Compare { ticket, runs } => {
                let path = |run: RunKey| (run.clone(), self.places.path(&run));
                let runs = runs.into_iter().map(path).collect();
                self.compare.ask(Asked { ticket, runs }, &self.mouth);
            }
            Errand::Demonstrations {
                ticket,
                config,
                items,
            } => {
                let found = match self.demonstrations(&config, &items) {
                    Ok(demonstrations) => Found::Demonstrations {
                        ticket,
                        demonstrations,
                    },
                    Err(why) => Found::Refused { ticket, why },
                };
                self.mouth.say(found);
            }
            Errand::Checkpoints { ticket, run } => {
                let found = match checkpoints(&self.places.path(&run)) {
                    Ok(names) => Found::Checkpoints { ticket, names },
                    Err(why) => Found::Refused { ticket, why },
                };
                self.mouth.say(found);
            }
            Errand::Missing { ticket, files } => {
                let missing = |file: &String| !files::is_file(file);
                let files = files.into_iter().filter(missing).collect();
                self.mouth.say(Found::Missing { ticket, files });
            }
            // The thread ends before it comes here.
            Errand::Quit => {}
        }
    }

    fn say_if_failed(&self, done: Result<(), String>) {
        if let Err(why) = done {
            self.mouth.say(Found::Failed(why));
        }
    }

    /// Says what runs there are: when asked, or when something changed.
    fn list(&mut self, asked: bool) {
        self.list_next = Instant::now() + LISTING;
        match self.cards.look(self.places.runs()) {
            Ok(changed) => {
                self.listing_failed = None;
                if asked || changed {
                    self.mouth.say(Found::Runs(self.cards.list()));
                }
            }
            Err(error) => {
                let folder = self.places.runs().display();
                let why = format!("The runs folder {folder} cannot be read: {error}");
                if asked || self.listing_failed.as_ref() != Some(&why) {
                    self.mouth.say(Found::Failed(why.clone()));
                }
                self.listing_failed = Some(why);
            }
        }
    }

    /// Opens a run and follows it from its first step. False where it cannot be opened.
    fn open(&mut self, run: &str) -> bool {
        self.close(run);
        match Followed::open(run.into(), &self.places.path(run)) {
            Ok(followed) => {
                self.mouth.say(Found::Opened {
                    run: run.into(),
                    config: Box::new(followed.config().clone()),
                });
                self.followed.push(followed);
                true
            }
            Err(_) if !is_run(&self.places.path(run)) => {
                self.is_gone(run);
                false
            }
            Err(error) => {
                let why = format!("{run} cannot be opened: {}", in_full(&error));
                self.mouth.say(Found::Failed(why));
                false
            }
        }
    }

    /// A run's folder was moved or deleted by somebody else.
    fn is_gone(&mut self, run: &str) {
        self.close(run);
        let from = run.into();
        self.mouth.say(Found::Moved { from, to: None });
        let place = self.places.path(run);
        let done = format!("{run} is not there any more ({})", place.display());
        self.mouth.say(Found::Done(done));
    }

    fn close(&mut self, run: &str) {
        self.followed.retain(|followed| followed.key != run);
    }

    fn rename(&mut self, run: &str, name: &str) -> Result<(), String> {
        let key = self.places.rename(run, name)?;
        if key != run {
            self.close(run);
            let (from, to) = (run.into(), Some(key));
            self.mouth.say(Found::Moved { from, to });
            self.list(true);
        }
        Ok(())
    }

    fn delete(&mut self, run: &str) -> Result<(), String> {
        let path = self.places.owned(run)?;
        self.desk.desktop.bin(&path).map_err(|why| {
            format!("{run} cannot be moved to the bin and stays where it is: {why}")
        })?;
        self.close(run);
        let from = run.into();
        self.mouth.say(Found::Moved { from, to: None });
        let done = match self.desk.desktop.keeps_bin() {
            true => format!("{run} is in the bin"),
            false => format!("{run} is deleted"),
        };
        self.mouth.say(Found::Done(done));
        self.list(true);
        Ok(())
    }

    fn demonstrations(
        &mut self,
        config: &RunConfig,
        items: &[BatchItem],
    ) -> Result<Vec<Demonstration>, String> {
        if self
            .task
            .as_ref()
            .is_none_or(|(known, _)| *known != config.task)
        {
            let built = tasks::build(&config.task, &place::loader);
            let built = built.map_err(|error| in_full(&error))?;
            self.task = Some((config.task.clone(), built.task));
        }
        let Some((_, task)) = &self.task else {
            return Ok(Vec::new());
        };
        let levels = task.levels();
        let shown = items.iter().filter_map(|item| Some((item, item.variant?)));
        shown
            .map(|(item, variant)| {
                if !levels.contains(&item.level) {
                    let level = item.level;
                    let (first, last) = (levels.start(), levels.end());
                    return Err(format!(
                        "the log names level {level}, the task has levels {first} to {last}: the \
                         configuration is not the one the run was made with"
                    ));
                }
                let problem = task.problem(Split::Train, item.level, item.index);
                Ok(Demonstration {
                    level: item.level,
                    text: task.demonstration(&problem, variant),
                    prompt: problem.prompt,
                })
            })
            .collect()
    }

    /// Asks for a file on a thread of its own; what is chosen comes back as a word.
    fn choose(&self) {
        let (back, desk, mouth) = (self.back.clone(), self.desk.clone(), self.mouth.clone());
        self.aside("library-choose", move || {
            let ask = |desktop: &dyn Desktop, folder: Option<&Path>| desktop.ask_open(folder);
            match desk.ask(&mouth, ask) {
                Chosen::Path(path) => {
                    back.send(Word::Import(path)).ok();
                }
                Chosen::Nothing | Chosen::Page => {}
                Chosen::NoService => mouth.say(Found::NoDialog),
            }
        });
    }

    /// Does something on a thread of its own, or here where there is none.
    fn aside(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        if !self.threads {
            return work();
        }
        let spawned = std::thread::Builder::new().name(name.into()).spawn(work);
        if let Err(error) = spawned {
            let why = format!("The system gives no thread ({error}): close other programs");
            self.mouth.say(Found::Failed(why));
        }
    }
}

impl Desk {
    /// Shows a dialog, one at a time, beginning where the last file was chosen.
    fn ask(
        &self,
        mouth: &Mouth,
        ask: impl FnOnce(&dyn Desktop, Option<&Path>) -> Chosen,
    ) -> Chosen {
        if self.asking.swap(true, Ordering::Relaxed) {
            mouth.say(Found::Done("A file dialog is open already".into()));
            return Chosen::Nothing;
        }
        let folder = self.folder.lock().ok().and_then(|folder| folder.clone());
        let chosen = ask(&*self.desktop, folder.as_deref());
        self.asking.store(false, Ordering::Relaxed);
        if let Chosen::Path(path) = &chosen
            && let Ok(mut folder) = self.folder.lock()
        {
            *folder = path.parent().map(Path::to_path_buf);
        }
        chosen
    }
}

/// Names of a run's checkpoints, oldest first; none where it has not written any.
fn checkpoints(run: &Path) -> Result<Vec<String>, String> {
    if !files::exists(run.join("checkpoints")) {
        return Ok(Vec::new());
    }
    folder::checkpoints(run).map_err(|error| in_full(&error))
}
