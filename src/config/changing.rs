//! Which settings of a run may change after it has started. Everything else is what the run *is*: its
//! numbers could not be compared, or its state not be read, if that changed.

/// When a setting may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayChange {
    /// While the run goes on, and when it is gone on with.
    Live,
    /// Only when the run is gone on with.
    OnResume,
}

/// The one list, for live changes and for resuming.
pub const CHANGEABLE: [(&str, MayChange); 23] = [
    ("balance.gamma", MayChange::Live),
    ("balance.lambda", MayChange::Live),
    ("balance.p_min", MayChange::Live),
    ("balance.p_max", MayChange::Live),
    ("balance.d_cap", MayChange::Live),
    ("balance.probe_every", MayChange::Live),
    ("sft.learning_rate", MayChange::Live),
    ("grpo.learning_rate", MayChange::Live),
    ("grpo.temperature", MayChange::Live),
    ("optimizer.horizon", MayChange::Live),
    ("exam.every", MayChange::Live),
    ("checkpoint.every", MayChange::Live),
    ("logging.completions_every", MayChange::Live),
    ("logging.completions_groups", MayChange::Live),
    ("logging.divergence_every", MayChange::Live),
    // While a run goes on this is a command of its own (extend).
    ("max_steps", MayChange::OnResume),
    ("name", MayChange::OnResume),
    ("description", MayChange::OnResume),
    // Where and how it is computed; results may differ in their last digits.
    ("device", MayChange::OnResume),
    ("shards", MayChange::OnResume),
    ("checkpoint.keep", MayChange::OnResume),
    // Files may have moved: their bytes have to be the same.
    ("task.files.train", MayChange::OnResume),
    ("task.files.test", MayChange::OnResume),
];

/// When the setting at `path` may change; `None` where it never may.
pub fn may_change(path: &str) -> Option<MayChange> {
    let mut all = CHANGEABLE.iter();
    all.find(|(known, _)| *known == path).map(|(_, when)| *when)
}

/// Settings that may change while a run goes on.
pub fn live_settings() -> impl Iterator<Item = &'static str> {
    let live = |&&(_, when): &&(&'static str, MayChange)| when == MayChange::Live;
    CHANGEABLE.iter().filter(live).map(|(path, _)| *path)
}
