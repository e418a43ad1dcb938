//! `sasr report`: the page for one run, or for several together.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{Ended, say};
use crate::runs::folder::write_file;
use crate::runs::problems::problems_csv;
use crate::runs::{Comparison, RunData, report};

#[derive(Args)]
pub struct ReportArgs {
    /// One run folder, or several to compare.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// The file to write; report.html in the first run's folder without it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print the comparison's table as JSON instead of writing a page.
    #[arg(long)]
    json: bool,
    /// Write what came of every problem of every exam and test as a table (CSV) instead of a page.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "out"])]
    problems: Option<PathBuf>,
}

pub fn run(args: ReportArgs) -> anyhow::Result<Ended> {
    let runs: Vec<RunData> = args
        .runs
        .iter()
        .map(|path| RunData::open(path).with_context(|| format!("cannot read {}", path.display())))
        .collect::<Result<_, _>>()?;
    if args.json {
        say!("{}", serde_json::to_string(&Comparison::of(&runs)?)?);
        return Ok(Ended::Done);
    }
    if let Some(path) = args.problems {
        let mut table = Vec::new();
        problems_csv(&runs, &mut table)?;
        write_file(&path, &table)?;
        say!("{}", path.display());
        return Ok(Ended::Done);
    }
    let page = match runs.as_slice() {
        [run] => report::run(run),
        runs => report::comparison(runs)?,
    };
    let path = args.out.unwrap_or_else(|| args.runs[0].join("report.html"));
    write_file(&path, page.as_bytes())?;
    say!("{}", path.display());
    Ok(Ended::Done)
}
