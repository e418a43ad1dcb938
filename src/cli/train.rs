//! `sasr train`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::drive::drive;
use super::screen::Screen;
use super::{ConfigArgs, Ended, Usage, say};
use crate::runs::folder::write_file;
use crate::runs::{Comparison, Run, RunData, report};

#[derive(Args)]
pub struct TrainArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Folder that run folders are written to.
    #[arg(long, default_value = "runs", conflicts_with = "resume")]
    out: PathBuf,
    /// The run's name (overrides the configuration's).
    #[arg(long, conflicts_with = "resume")]
    name: Option<String>,
    /// Go on with this run folder from its newest checkpoint. --set may change settings, also
    /// max_steps to extend a finished run.
    #[arg(long, value_name = "RUN", conflicts_with = "config")]
    resume: Option<PathBuf>,
    /// With --resume: go on from this checkpoint instead, e.g. step-000200.
    #[arg(long, requires = "resume")]
    checkpoint: Option<String>,
    /// Print every event as a line of JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: TrainArgs) -> anyhow::Result<Ended> {
    let run = match &args.resume {
        Some(path) => {
            match Run::resume(path, args.checkpoint.as_deref(), &args.config.set).await? {
                Some(run) => run,
                None => return finished(path, args.json),
            }
        }
        None => {
            if args.config.config.is_none() && args.config.set.is_empty() {
                let message = "say what to train: sasr train configs/quickstart.toml (or --set …)";
                return Err(Usage(message.into()).into());
            }
            let mut config = args.config.load()?;
            if let Some(name) = &args.name {
                config.name.clone_from(name);
                config.check()?;
            }
            Run::create(config, &args.out).await?
        }
    };
    let path = run.path().to_path_buf();
    let mut screen = Screen::new(args.json, "");
    if let Ended::Interrupted = drive(run, &mut screen).await? {
        return Ok(Ended::Interrupted);
    }
    finished(&path, args.json)
}

/// Writes the report and says how it went.
fn finished(path: &Path, json: bool) -> anyhow::Result<Ended> {
    let data = RunData::open(path).context("cannot read the run back")?;
    let page = path.join("report.html");
    write_file(&page, report::run(&data).as_bytes())?;
    if !json {
        let table = Comparison::of(std::slice::from_ref(&data)).map(|all| all.table());
        say!("\n{}", table.unwrap_or_else(|error| error.to_string()));
        say!("run     {}", path.display());
        say!("report  {}", page.display());
    }
    Ok(Ended::Done)
}
