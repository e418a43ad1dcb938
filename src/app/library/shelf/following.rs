//! A run that is read while it may grow.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use web_time::Instant;

use super::BREATH;
use super::folders::{Held, held, is_run};
use crate::app::in_full;
use crate::app::library::Found;
use crate::app::library::mouth::Mouth;
use crate::app::record::RunKey;
use crate::config::RunConfig;
use crate::files as fs;
use crate::runs::read::{CHANGES, COMPLETIONS, CONFIG, EVALUATIONS, MANIFEST, METRICS, ReadError};
use crate::runs::{Follower, News};

/// Bytes of the logs read at a time.
const BUDGET: usize = 256 * 1024;

/// Between two looks at a run that nobody works on: it may be gone on with.
const RARELY: Duration = Duration::from_secs(2);

/// A log that has grown this recently is growing, where locks say nothing.
const RECENTLY: Duration = Duration::from_secs(10);

/// Sizes and times of a run's files.
pub type Stamp = [Option<(u64, Option<SystemTime>)>; 6];

/// A run that is being followed.
pub struct Followed {
    pub key: RunKey,
    /// When it is to be looked at again.
    pub next: Instant,
    folder: PathBuf,
    follower: Follower,
    /// What was said last of it: caught up, growing, finished.
    said: Option<(bool, bool, bool)>,
    /// The error that was said and is not mended.
    failed: Option<String>,
    stamp: Stamp,
    held: Held,
    /// When its logs last grew before our eyes.
    grew: Option<Instant>,
}

impl Followed {
    /// Opens a run; nothing is read of its logs yet.
    ///
    /// # Errors
    /// Where the configuration or the manifest cannot be read.
    pub fn open(key: RunKey, folder: &Path) -> Result<Self, ReadError> {
        Ok(Self {
            key,
            next: Instant::now(),
            follower: Follower::open(folder)?,
            folder: folder.to_path_buf(),
            said: None,
            failed: None,
            stamp: Stamp::default(),
            held: Held::Unknown,
            grew: None,
        })
    }

    pub fn config(&self) -> &RunConfig {
        self.follower.config()
    }

    /// Reads on, and says what is new. False where the run is not there any more.
    pub fn look(&mut self, mouth: &Mouth) -> bool {
        // Before reading: what was written up to the end of the work is read then.
        self.look_at_lock();
        match self.follower.poll(BUDGET) {
            Ok(news) => self.say(news, mouth),
            Err(_) if !is_run(&self.folder) => return false,
            Err(error) => {
                self.next = Instant::now() + RARELY;
                let why = format!("{} cannot be read on: {}", self.key, in_full(&error));
                if self.failed.as_ref() != Some(&why) {
                    mouth.say(Found::Failed(why.clone()));
                    self.failed = Some(why);
                }
            }
        }
        true
    }

    /// Who goes on with a run changes its files, so the lock is looked at only then, and as long
    /// as somebody holds it.
    fn look_at_lock(&mut self) {
        let stamp = stamp(&self.folder);
        if stamp != self.stamp || self.held == Held::Yes {
            self.held = held(&self.folder);
        }
        self.stamp = stamp;
    }

    fn say(&mut self, news: News, mouth: &Mouth) {
        let had_caught_up = self.said.is_some_and(|(caught_up, ..)| caught_up);
        if had_caught_up && !news.events.is_empty() {
            self.grew = Some(Instant::now());
        }
        let growing = match self.held {
            Held::Yes => true,
            Held::No => false,
            Held::Unknown => {
                !news.finished && self.grew.is_some_and(|grew| grew.elapsed() < RECENTLY)
            }
        };
        let now = Instant::now();
        self.next = match news.caught_up {
            false => now,
            true if growing => now + BREATH,
            true => now + RARELY,
        };
        self.failed = None;
        let state = Some((news.caught_up, growing, news.finished));
        let silent = news.events.is_empty()
            && !news.restarted
            && news.config.is_none()
            && news.notices.is_empty();
        if silent && self.said == state {
            return;
        }
        self.said = state;
        mouth.say(Found::News {
            run: self.key.clone(),
            restarted: news.restarted,
            events: news.events,
            config: news.config.map(Box::new),
            caught_up: news.caught_up,
            growing,
            finished: news.finished,
            notices: news.notices,
        });
    }
}

/// Sizes and times of the files that change when a run goes on.
pub fn stamp(folder: &Path) -> Stamp {
    [CONFIG, MANIFEST, METRICS, EVALUATIONS, COMPLETIONS, CHANGES].map(|file| {
        let there = fs::metadata(folder.join(file)).ok()?;
        Some((there.len(), there.modified().ok()))
    })
}
