//! `sasr compare`: methods × seeds from the same base models.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::drive::drive;
use super::screen::Screen;
use super::{ConfigArgs, Ended, Usage, say};
use crate::config::RunConfig;
use crate::runs::folder::write_file;
use crate::runs::{Comparison, Manifest, Run, RunData, report};

#[derive(Args)]
pub struct CompareArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Methods, separated by commas.
    #[arg(
        long,
        default_value = "sasr,sft,grpo,static,constant",
        value_delimiter = ','
    )]
    methods: Vec<String>,
    /// How many seeds (0, 1, …), or the seeds themselves separated by commas.
    #[arg(long, default_value = "2")]
    seeds: String,
    /// Folder that the comparison's folder is written to.
    #[arg(long, default_value = "runs")]
    out: PathBuf,
    /// The comparison's name; the configuration's name and `-compare` without it.
    #[arg(long)]
    name: Option<String>,
    /// Print every event as a line of JSON, and the comparison as JSON at the end.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: CompareArgs) -> anyhow::Result<Ended> {
    let base = args.config.load()?;
    let seeds = seeds(&args.seeds)?;
    let name = args
        .name
        .clone()
        .unwrap_or_else(|| format!("{}-compare", base.name));
    let out = args.out.join(&name);
    let mut configs: Vec<RunConfig> = Vec::new();
    for seed in &seeds {
        for method in &args.methods {
            let mut set = args.config.set.clone();
            set.push(format!("balance.method=\"{method}\""));
            set.push(format!("seed={seed}"));
            set.push(format!("name=\"{method}-s{seed}\""));
            let config = RunConfig::load(args.config.config.as_deref(), &set)?;
            if configs.iter().any(|there| there.name == config.name) {
                let message = format!("{method} with seed {seed} is named twice");
                return Err(Usage(message).into());
            }
            configs.push(config);
        }
    }
    // Looked at before anything is trained: a run of another configuration stops the comparison.
    let mut finished = Vec::new();
    for config in &configs {
        finished.push(is_finished(&out.join(&config.name), config)?);
    }
    let mut folders = Vec::new();
    for (index, (config, finished)) in configs.iter().zip(finished).enumerate() {
        let path = out.join(&config.name);
        let mut screen = Screen::new(args.json, &format!("{}/{}", index + 1, configs.len()));
        screen.note(&config.name);
        let run = match path.join("config.toml").exists() {
            _ if finished => None,
            true => Run::resume_sharing(&path, None, &[], &args.out).await?,
            false => Some(Run::create_sharing(config.clone(), &out, &args.out).await?),
        };
        if let Some(run) = run
            && let Ended::Interrupted = drive(run, &mut screen).await?
        {
            return Ok(Ended::Interrupted);
        }
        folders.push(path);
    }
    let runs: Vec<RunData> = folders
        .iter()
        .map(|path| RunData::open(path).with_context(|| format!("cannot read {}", path.display())))
        .collect::<Result<_, _>>()?;
    let comparison = Comparison::of(&runs)?;
    let page = out.join("report.html");
    write_file(&page, report::comparison(&runs)?.as_bytes())?;
    if args.json {
        say!("{}", serde_json::to_string(&comparison)?);
    } else {
        say!("\n{}", comparison.table());
        say!("report  {}", page.display());
    }
    Ok(Ended::Done)
}

fn seeds(text: &str) -> anyhow::Result<Vec<u64>> {
    let wrong = || {
        Usage(format!(
            "--seeds {text}: give how many (2) or which (0,1,2), as whole numbers"
        ))
    };
    let numbers: Vec<u64> = text
        .split(',')
        .map(|n| n.trim().parse().map_err(|_| wrong()))
        .collect::<Result<_, _>>()?;
    match numbers.as_slice() {
        [0] => Err(wrong().into()),
        [count] if !text.contains(',') => Ok((0..*count).collect()),
        _ => Ok(numbers),
    }
}

/// Whether a run of this configuration is there and complete.
fn is_finished(path: &Path, config: &RunConfig) -> anyhow::Result<bool> {
    let there = path.join("config.toml");
    if !there.exists() {
        return Ok(false);
    }
    let found = RunConfig::load_run(path, &[])?;
    let differs = found.differs_from(config);
    if !differs.is_empty() {
        let differs: Vec<String> = differs
            .iter()
            .map(|(path, a, b)| format!("{path}: {a} there, {b} here"))
            .collect();
        let message = format!(
            "{} holds a run of another configuration ({}); choose another --name",
            path.display(),
            differs.join("; ")
        );
        return Err(Usage(message).into());
    }
    Ok(Manifest::read(path)?.finished)
}
