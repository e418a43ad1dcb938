//! Rewards from their parts.

use std::collections::BTreeMap;

use super::{Reward, Task, TaskError};

impl Reward {
    /// A reward whose total is the sum of its named parts.
    pub fn from_parts(parts: &[(&str, f32)], correct: bool) -> Self {
        Self {
            total: parts.iter().map(|(_, value)| value).sum(),
            parts: parts
                .iter()
                .map(|(name, value)| ((*name).to_string(), *value))
                .collect(),
            correct,
        }
    }
}

/// Refuses weights (`grpo.reward_weights`) of parts that the task's reward does not have: they would
/// change nothing.
pub fn check_weights(task: &dyn Task, weights: &BTreeMap<String, f64>) -> Result<(), TaskError> {
    let parts = task.reward_parts();
    let unknown = weights
        .iter()
        .find(|(name, _)| !parts.contains(&name.as_str()));
    let Some((name, value)) = unknown else {
        return Ok(());
    };
    let likeness = |part: &&&str| strsim::jaro_winkler(&part.to_lowercase(), &name.to_lowercase());
    let nearest = parts
        .iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    Err(TaskError::RewardWeight {
        name: name.clone(),
        value: *value,
        task: task.name(),
        parts: parts.join(", "),
        nearest: nearest.copied().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layout, TaskConfig};
    use crate::tasks::build;

    fn check(layout: Layout, name: &str) -> Result<(), String> {
        let config = TaskConfig {
            layout,
            ..TaskConfig::default()
        };
        let built = build(&config, &|_| Err(std::io::ErrorKind::NotFound.into()));
        let task = built.expect("it is built").task;
        let weights = BTreeMap::from([("answer".to_owned(), 2.0), (name.to_owned(), 5.0)]);
        check_weights(&*task, &weights).map_err(|error| error.to_string())
    }

    #[test]
    fn a_weight_must_name_a_part_of_the_reward() {
        assert_eq!(check(Layout::Compact, "answer"), Ok(()));
        assert_eq!(check(Layout::Tags, "format"), Ok(()));
        assert_eq!(
            check(Layout::Tags, "anser")
                .as_ref()
                .map_err(String::as_str),
            Err(
                "grpo.reward_weights.anser = 5: the reward of the task arithmetic has no such part; \
                 its parts are format, answer; the nearest is answer"
            )
        );
        // The short layout rewards the answer alone.
        let error = check(Layout::Compact, "format").expect_err("refused");
        assert!(
            error.ends_with("its parts are answer; the nearest is answer"),
            "{error}"
        );
    }
}
