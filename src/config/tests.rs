//! Tests of the configuration, by duty.

mod checking;
mod fields;
mod loading;
mod presets;
mod writing;

use super::{ConfigError, ProblemKind, RunConfig};

/// Loads a text, called `test.toml`, with `--set` texts.
fn load(text: &str, overrides: &[&str]) -> Result<RunConfig, ConfigError> {
    let overrides: Vec<String> = overrides.iter().map(|text| text.to_string()).collect();
    RunConfig::from_toml(text, "test.toml", &overrides)
}

/// The problems of a text that must not load.
fn problems(text: &str, overrides: &[&str]) -> Vec<ProblemKind> {
    let error = load(text, overrides).expect_err("it must be refused");
    error
        .problems
        .into_iter()
        .map(|problem| problem.kind)
        .collect()
}

/// The message of a text that must not load.
fn message(text: &str, overrides: &[&str]) -> String {
    load(text, overrides)
        .expect_err("it must be refused")
        .to_string()
}
