//! `sasr score`: per-token log-probabilities under a model.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Deserialize;

use super::place::{model_folder, open_model, open_text};
use super::{Ended, say};
use crate::text::Example;
use crate::training::{Shards, Workers};

#[derive(Args)]
pub struct ScoreArgs {
    /// A run folder (its newest checkpoint), a checkpoint, or a Hugging Face model folder.
    model: PathBuf,
    /// Lines of {"ids": [..]} or {"prompt": "..", "completion": ".."}.
    file: PathBuf,
    /// Divides the logits.
    #[arg(long, default_value_t = 1.0)]
    temperature: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Ids { ids: Vec<u32> },
    Text { prompt: String, completion: String },
}

/// Lines scored together.
const LINES: usize = 64;

pub async fn run(args: ScoreArgs) -> anyhow::Result<Ended> {
    if !(args.temperature.is_finite() && args.temperature > 0.0) {
        let message = format!("--temperature {}: give more than 0", args.temperature);
        return Err(super::Usage(message).into());
    }
    let device = burn::tensor::Device::flex();
    let folder = model_folder(&args.model)?;
    let model = open_model(&folder, &device)?;
    // Opened by the first line of text: lines of ids need no tokenizer.
    let mut text = None;
    let file = std::fs::read_to_string(&args.file)
        .map_err(|error| super::Usage(format!("cannot read {}: {error}", args.file.display())))?;
    let mut examples = Vec::new();
    for (number, line) in file
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let place = || format!("{}:{}", args.file.display(), number + 1);
        let parsed: Line = serde_json::from_str(line).with_context(|| {
            format!(
                "{}: not of the form {{\"ids\": [..]}} or {{\"prompt\": \"..\", \
                 \"completion\": \"..\"}}",
                place()
            )
        })?;
        let example = match parsed {
            Line::Ids { ids } => Example { ids, prompt: 1 },
            Line::Text { prompt, completion } => {
                if text.is_none() {
                    text = Some(open_text(&folder)?);
                }
                let text = text.as_ref().expect("it was just opened");
                text.example(&prompt, &completion).with_context(place)?
            }
        };
        let spec = &model.spec;
        anyhow::ensure!(
            (2..=spec.max_position_embeddings).contains(&example.ids.len()),
            "{}: {} tokens; a line needs 2 to {}",
            place(),
            example.ids.len(),
            spec.max_position_embeddings
        );
        if let Some(id) = example
            .ids
            .iter()
            .find(|id| **id as usize >= spec.vocab_size)
        {
            anyhow::bail!("{}: token {id} is not below {}", place(), spec.vocab_size);
        }
        examples.push(example);
    }
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Padding fills what is never scored, so any token does.
    let workers = Workers::new(Shards::new(threads, &device)?, device, 0);
    for examples in examples.chunks(LINES) {
        let logps = workers.logps(&model, examples, args.temperature).await?;
        for (example, logps) in examples.iter().zip(logps) {
            let sum: f64 = logps.iter().copied().map(f64::from).sum();
            let scored = &example.ids[example.prompt.max(1)..];
            say!(
                "{}",
                serde_json::json!({ "ids": scored, "logprobs": logps, "sum": sum })
            );
        }
    }
    Ok(Ended::Done)
}
