//! A queue of runs: one configuration after the other, in a folder of their own.

use std::collections::VecDeque;
use std::path::Path;

use super::{Work, earlier};
use crate::app::engine::{QueueState, Reply};
use crate::config::RunConfig;
use crate::files;
use crate::runs::drive::{DriveError, Run};

/// Runs that are waited for.
pub(super) struct Queue {
    pub state: QueueState,
    waiting: VecDeque<RunConfig>,
}

impl Work {
    pub(super) fn begin_queue(&mut self, folder: String, configs: Vec<RunConfig>) {
        if self.busy() {
            return;
        }
        let key = |config: &RunConfig| format!("{folder}/{}", config.name);
        let state = QueueState {
            runs: configs.iter().map(key).collect(),
            folder,
            done: 0,
        };
        (self.say)(Reply::Queue(Some(state.clone())));
        let waiting = configs.into();
        self.queue = Some(Queue { state, waiting });
    }

    pub(super) async fn next_of_queue(&mut self) {
        let Some(queue) = &mut self.queue else { return };
        let Some(config) = queue.waiting.pop_front() else {
            self.queue = None;
            return (self.say)(Reply::Queue(None));
        };
        let folder = self.runs.join(&queue.state.folder);
        let key = format!("{}/{}", queue.state.folder, config.name);
        let path = folder.join(&config.name);
        if !files::exists(path.join("config.toml")) {
            let run = Run::create_sharing(config, &folder, &self.runs).await;
            return self.begin(key, run, Vec::new());
        }
        // The same configuration goes on where it stands; another one is not passed off as it.
        match RunConfig::load_run(&path, &[]) {
            Ok(there) if there.same_run(&config) => match self.resume_of_queue(&path).await {
                Ok(Some(run)) => {
                    let before = earlier(&path);
                    self.begin(key, Ok(run), before);
                }
                Ok(None) => self.one_more_is_done(),
                Err(error) => self.begin(key, Err(error), Vec::new()),
            },
            Ok(_) => {
                self.queue = None;
                (self.say)(Reply::Queue(None));
                let why = format!(
                    "{key} holds a run of another configuration: give the comparison another name"
                );
                (self.say)(Reply::Failed { why });
            }
            Err(error) => self.begin(key, Err(error.into()), Vec::new()),
        }
    }

    async fn resume_of_queue(&self, path: &Path) -> Result<Option<Run>, DriveError> {
        Run::resume_sharing(path, None, &[], &self.runs).await
    }

    /// A run of the queue is through.
    pub(super) fn one_more_is_done(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.state.done += 1;
            (self.say)(Reply::Queue(Some(queue.state.clone())));
        }
    }
}
