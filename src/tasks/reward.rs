//! Rewards from their parts.

use super::Reward;

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
