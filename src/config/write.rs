//! A configuration as text, the difference between two, and the key of a base model.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    RunConfig,
    check::show,
    error::{ConfigError, Place, Problem, ProblemKind},
    schema::join,
};

impl RunConfig {
    /// The complete configuration as TOML, every default written out.
    ///
    /// # Errors
    /// With the serializer's words; no configuration that passes [`RunConfig::check`] fails here.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| {
            let kind = ProblemKind::Refused {
                reason: error.to_string(),
            };
            Problem {
                place: Place::Value,
                kind,
            }
            .into()
        })
    }

    /// SHA-256 over everything here that decides the base model's bytes, in hexadecimal.
    ///
    /// Task and tokenizer are in it whole. What only later phases read is not (`grpo`, `balance`,
    /// the learning rate of `sft`, the run's schedule), so that all methods share one base model.
    /// Neither is where files lie or how the device is named: whoever caches must add what is in the files,
    /// and what the device turned out to be.
    pub fn base_key(&self) -> String {
        let mut base = json!(self.base);
        if let Value::Object(fields) = &mut base {
            // Whether it is kept does not change what it is.
            fields.remove("cache");
        }
        let (mut task, mut tokenizer, mut model) = (
            self.task.clone(),
            self.tokenizer.clone(),
            self.model.clone(),
        );
        task.files.train.clear();
        task.files.test.clear();
        tokenizer.path.clear();
        model.path.clear();
        let decisive = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "seed": self.seed,
            "shards": self.shards,
            "task": task,
            "tokenizer": tokenizer,
            "model": model,
            "base": base,
            "sft": {
                "max_length": self.sft.max_length,
                "gradient_accumulation_steps": self.sft.gradient_accumulation_steps,
            },
            "optimizer": {
                "beta1": self.optimizer.beta1,
                "beta2": self.optimizer.beta2,
                "epsilon": self.optimizer.epsilon,
                "weight_decay": self.optimizer.weight_decay,
                "max_grad_norm": self.optimizer.max_grad_norm,
            },
        });
        let mut leaves = BTreeMap::new();
        flatten("", &decisive, &mut leaves);
        // Sorted by path, so that the order of declarations is not part of the key.
        let canonical = json!(leaves).to_string();
        let digest = Sha256::digest(canonical.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What [`diff`] says of a field that has no value.
pub const UNSET: &str = "unset";

/// The fields in which two configurations differ, sorted by path, with the value of each as it
/// would be written in a file (`unset` where one has none).
pub fn diff(a: &RunConfig, b: &RunConfig) -> Vec<(String, String, String)> {
    let [mut left, mut right] = [BTreeMap::new(), BTreeMap::new()];
    flatten("", &a.tree(), &mut left);
    flatten("", &b.tree(), &mut right);
    let mut paths: Vec<&String> = left.keys().chain(right.keys()).collect();
    paths.sort();
    paths.dedup();
    let shown = |values: &BTreeMap<String, Value>, path: &String| {
        values.get(path).map_or_else(|| UNSET.into(), show)
    };
    paths
        .into_iter()
        .filter(|path| left.get(*path) != right.get(*path))
        .map(|path| (path.clone(), shown(&left, path), shown(&right, path)))
        .collect()
}

/// Every value that is not a table, by its dotted path.
fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&join(path, name), value, leaves);
            }
        }
        value => {
            leaves.insert(path.to_owned(), value.clone());
        }
    }
}
