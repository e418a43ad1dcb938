//! `sasr eval`: the test, for a run or a checkpoint.

use std::path::PathBuf;

use clap::Args;

use super::place::open_run;
use super::{Ended, say};
use crate::training::{Event, Examination, Shards, Study, Workers};

#[derive(Args)]
pub struct EvalArgs {
    /// A run folder (its newest checkpoint), a checkpoint, or a Hugging Face model folder.
    model: PathBuf,
    /// The configuration of the task, where the model does not belong to a run.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Override a field, e.g. --set evaluation.samples=16 (may be repeated).
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Print one JSON line per level and perturbation.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: EvalArgs) -> anyhow::Result<Ended> {
    let (setup, folder) = open_run(&args.model, args.config.as_deref(), &args.set).await?;
    let config = &setup.config;
    let study = Study::new(config, setup.task.clone(), setup.text.clone());
    let shards = Shards::new(config.shards, &setup.device)?;
    let workers = Workers::new(shards, setup.device.clone(), setup.text.pad());
    let robustness = config.evaluation.robustness;
    let mut test = Examination::test(config, setup.task.as_ref(), "eval", 0, robustness);
    if !args.json {
        say!("{}", folder.display());
    }
    while !test.is_finished() {
        let events = test.advance(&setup.model, &workers, &study).await?;
        for event in events {
            let Event::Evaluated(record) = event else {
                continue;
            };
            if args.json {
                say!("{}", serde_json::to_string(&record)?);
                continue;
            }
            let unseen = if record.unseen {
                " (never trained on)"
            } else {
                ""
            };
            let reworded = record.perturbation.as_deref().unwrap_or("as they are");
            say!(
                "\nlevel {}{unseen}, {reworded}, {} problems",
                record.level,
                record.problems
            );
            for (name, value) in &record.metrics {
                say!("  {name:<24} {value:.4}");
            }
        }
    }
    Ok(Ended::Done)
}
