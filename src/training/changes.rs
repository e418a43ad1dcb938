//! What is changed while a run goes on: settings, and how many steps it has.

use super::TrainError;
use super::event::{Event, Phase};
use super::follow_ups::FollowUp;
use super::session::{Session, Unit};
use crate::balance;
use crate::config::{self, MayChange, RunConfig};

impl Session {
    /// The configuration with one setting replaced, as `--set` would.
    fn overridden(&self, path: &str, value: &str) -> Result<RunConfig, TrainError> {
        let text = self.config.to_toml()?;
        Ok(RunConfig::from_toml(
            &text,
            "the run's configuration",
            &[format!("{path}={value}")],
        )?)
    }

    /// Changes one of the settings that may change while a run goes on ([`config::CHANGEABLE`]).
    ///
    /// # Errors
    /// Another setting, or a value it cannot take; nothing is changed then.
    pub(super) fn change(&mut self, path: String, value: String) -> Result<(), TrainError> {
        if config::may_change(&path) != Some(MayChange::Live) {
            let allowed: Vec<&str> = config::live_settings().collect();
            return Err(TrainError::NotLive {
                path,
                allowed: allowed.join(", "),
            });
        }
        // A horizon of 0 is that of all steps, as at the start.
        let config = self.overridden(&path, &value)?.settled();
        let changes = config::diff(&self.config, &config);
        let changed = changes.into_iter().find(|(changed, ..)| *changed == path);
        let (before, value) = match changed {
            Some((_, before, now)) => (before, now),
            None => (value.clone(), value),
        };
        self.config = config;
        self.rebuild_controller();
        self.events.push(Event::Changed {
            step: self.decided(),
            path,
            before,
            value,
        });
        Ok(())
    }

    /// The last step that was decided: the one in hand, or the last that was made.
    fn decided(&self) -> u64 {
        match self.unit {
            Some(Unit::Sample(_) | Unit::Update(..)) => self.step + 1,
            Some(Unit::Examine(_) | Unit::Prepare(_)) | None => self.step,
        }
    }

    /// Goes on to step `max_steps`; does nothing where the run goes as far already.
    pub(super) fn extend(&mut self, max_steps: u64) {
        if max_steps <= self.config.max_steps {
            return;
        }
        let before = std::mem::replace(&mut self.config.max_steps, max_steps).to_string();
        self.follow_ups
            .retain(|follow_up| *follow_up != FollowUp::Final);
        if let Some(Unit::Examine(_)) = self.unit {
            self.unit = None;
        }
        if self.phase != Phase::Base {
            self.phase = if self.step < self.warmup_steps() {
                Phase::Warmup
            } else {
                Phase::Adaptive
            };
        }
        self.rebuild_controller();
        let value = max_steps.to_string();
        self.events.push(Event::Changed {
            step: self.decided(),
            path: "max_steps".into(),
            before,
            value,
        });
    }

    /// A controller for the configuration as it is now, which knows what the old one knew.
    fn rebuild_controller(&mut self) {
        let state = self.controller.state();
        let config = &self.config;
        self.controller = balance::build(&config.balance, config.seed, config.max_steps);
        self.controller.restore(state);
    }
}
