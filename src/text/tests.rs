//! Tests of tokenizers built from tasks, read from files, and of chat templates.

mod built;
mod files;
mod qwen3;
mod template;

use std::ops::RangeInclusive;

use super::{Text, TextError, TokenizerFiles};
use crate::config::{TokenizerConfig, TokenizerKind};
use crate::tasks::{Perturbation, Problem, Reward, Split, Task};

/// A task whose sample is `texts` and which asks and demonstrates nothing else.
struct Texts(Vec<String>);

impl Texts {
    fn new(texts: &[&str]) -> Self {
        Self(texts.iter().map(ToString::to_string).collect())
    }
}

impl Task for Texts {
    fn name(&self) -> &'static str {
        "texts"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        1..=1
    }

    fn len(&self, _: Split, _: u32) -> Option<u64> {
        Some(self.0.len() as u64)
    }

    fn problem(&self, split: Split, level: u32, index: u64) -> Problem {
        let prompt = self.0[index as usize % self.0.len()].clone();
        Problem {
            id: index,
            split,
            level,
            index,
            prompt,
            answer: String::new(),
            payload: serde_json::Value::Null,
        }
    }

    fn demonstration(&self, problem: &Problem, _: u64) -> String {
        problem.prompt.clone()
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        &[]
    }

    fn score(&self, _: &Problem, _: &str, _: bool) -> Reward {
        Reward {
            total: 0.0,
            parts: Vec::new(),
            correct: false,
        }
    }

    fn path(&self, _: &Problem, _: &str) -> Option<String> {
        None
    }

    fn answer(&self, _: &Problem, _: &str) -> Option<String> {
        None
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        &[]
    }

    fn perturb(&self, _: &Problem, _: &str, _: u64) -> Option<Problem> {
        None
    }

    fn vocabulary_sample(&self) -> Vec<String> {
        self.0.clone()
    }
}

fn kind(kind: TokenizerKind) -> TokenizerConfig {
    TokenizerConfig {
        kind,
        ..TokenizerConfig::default()
    }
}

/// What a checkpoint folder gives back of the files that `text` writes.
fn reread(text: &Text) -> TokenizerFiles {
    let mut files = TokenizerFiles::default();
    for (name, bytes) in text.files() {
        match name.as_str() {
            "tokenizer.json" => files.tokenizer_json = bytes,
            "tokenizer_config.json" => files.tokenizer_config_json = Some(bytes),
            "chat_template.jinja" => files.chat_template = String::from_utf8(bytes).ok(),
            other => panic!("{other} is not expected"),
        }
    }
    files
}

/// The bytes of a file in the shared folder; `None`, with a line that says so, where it is missing.
fn shared(path: &str) -> Option<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let bytes = std::fs::read(root.join(path)).ok();
    if bytes.is_none() {
        crate::skip::skipped(&format!("../shared/{path} is not there"));
    }
    bytes
}
