//! Settings that were changed while a run went on, and what was in force before each step.

use serde::{Deserialize, Serialize};

use super::read::ReadError;
use crate::config::{BalanceConfig, RunConfig};
use crate::training::Event;

/// A setting that was changed after a step was decided; values as they would be written in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The last step that was decided before it.
    pub step: u64,
    pub path: String,
    pub before: String,
    pub value: String,
}

impl Change {
    /// As `--set` would say it.
    fn set(&self) -> String {
        format!("{}={}", self.path, self.value)
    }

    /// As it stands in `changes.jsonl`.
    #[cfg(test)]
    pub(crate) fn event(&self) -> Event {
        Event::Changed {
            step: self.step,
            path: self.path.clone(),
            before: self.before.clone(),
            value: self.value.clone(),
        }
    }
}

/// The changes among the lines of `changes.jsonl`, in their order; a last line that was not written to its
/// end is left out.
///
/// # Errors
/// For any other line that cannot be read.
pub fn parse(text: &str) -> Result<Vec<Change>, ReadError> {
    let events: Vec<Event> = super::read::lines(super::read::CHANGES, text, &mut Vec::new())?;
    let change = |event| match event {
        Event::Changed {
            step,
            path,
            before,
            value,
        } => Some(Change {
            step,
            path,
            before,
            value,
        }),
        _ => None,
    };
    Ok(events.into_iter().filter_map(change).collect())
}

/// The configuration that a run began with, from its newest one and everything that was changed.
pub fn began_with(config: &RunConfig, changes: &[Change]) -> RunConfig {
    // The last one counts: the first change of every setting. All at once, since bounds that were
    // moved together may cross in between.
    let before = |change: &Change| format!("{}={}", change.path, change.before);
    let original: Vec<String> = changes.iter().rev().map(before).collect();
    let mut config = config.clone();
    overwrite(&mut config, &original);
    config
}

/// The configuration after some changes.
pub fn after(config: &RunConfig, changes: &[Change]) -> RunConfig {
    let mut config = config.clone();
    let set: Vec<String> = changes.iter().map(Change::set).collect();
    overwrite(&mut config, &set);
    config
}

/// What decided the steps after one, up to the next change.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// The last step that was decided before it; 0 for the settings a run began with.
    pub after: u64,
    pub balance: BalanceConfig,
    pub max_steps: u64,
}

/// What was in force from the beginning of a run on, from its newest configuration and everything
/// that was changed. A change whose value cannot be read is passed over.
pub fn in_force(config: &RunConfig, changes: &[Change]) -> Vec<InForce> {
    let mut config = began_with(config, changes);
    let mut all = vec![of(&config, 0)];
    let mut rest = changes;
    while let Some(first) = rest.first() {
        let together = rest.iter().take_while(|change| change.step == first.step);
        let count = together.count();
        config = after(&config, &rest[..count]);
        all.push(of(&config, first.step));
        rest = &rest[count..];
    }
    all
}

fn of(config: &RunConfig, after: u64) -> InForce {
    InForce {
        after,
        balance: config.balance.clone(),
        max_steps: config.max_steps,
    }
}

/// Sets fields as `--set` would, where they take the values.
pub fn overwrite(config: &mut RunConfig, set: &[String]) {
    if let Ok(text) = config.to_toml()
        && let Ok(changed) = RunConfig::from_toml(&text, "the run", set)
    {
        *config = changed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(step: u64, path: &str, before: &str, value: &str) -> Change {
        Change {
            step,
            path: path.into(),
            before: before.into(),
            value: value.into(),
        }
    }

    #[test]
    fn every_step_has_the_settings_it_was_decided_by() {
        let mut config = RunConfig::default();
        config.balance.gamma = 3.0;
        config.balance.lambda = 0.25;
        config.max_steps = 900;
        let changes = [
            change(100, "balance.gamma", "1.0", "2"),
            change(100, "balance.lambda", "0.5", "0.25"),
            change(300, "max_steps", "600", "900"),
            change(400, "balance.gamma", "2.0", "3"),
        ];
        let all = in_force(&config, &changes);
        let told: Vec<(u64, f64, f64, u64)> = all
            .iter()
            .map(|now| {
                let balance = &now.balance;
                (now.after, balance.gamma, balance.lambda, now.max_steps)
            })
            .collect();
        assert_eq!(
            told,
            [
                (0, 1.0, 0.5, 600),
                (100, 2.0, 0.25, 600),
                (300, 2.0, 0.25, 900),
                (400, 3.0, 0.25, 900)
            ]
        );
        assert_eq!(in_force(&config, &[]), [of(&config, 0)]);
    }
}
