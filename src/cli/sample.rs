//! `sasr sample`: ask a model problems of its task, or a prompt of yours.

use std::path::PathBuf;

use clap::Args;

use super::place::{model_folder, open_model, open_run, open_text};
use super::{Ended, Usage, say};
use crate::rollout::{Limits, Request, Sampling, generate};
use crate::tasks::Split;
use crate::training::Study;

#[derive(Args)]
pub struct SampleArgs {
    /// A run folder (its newest checkpoint), a checkpoint, or a Hugging Face model folder.
    model: PathBuf,
    /// Complete this text instead of a problem of the task.
    #[arg(long)]
    prompt: Option<String>,
    /// The configuration of the task, where the model does not belong to a run.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Override a field of that configuration (may be repeated).
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Level of the problems; the highest training level without it.
    #[arg(long)]
    level: Option<u32>,
    /// How many test problems.
    #[arg(long, default_value_t = 3)]
    count: u64,
    /// Completions of each.
    #[arg(long, default_value_t = 4)]
    samples: usize,
    /// Sampling temperature; 0 always takes the most probable token.
    #[arg(long, default_value_t = 1.0)]
    temperature: f64,
    /// Longest completion of a prompt, in tokens.
    #[arg(long, default_value_t = 128)]
    max_completion_length: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print one JSON line per completion.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: SampleArgs) -> anyhow::Result<Ended> {
    if !(args.temperature.is_finite() && args.temperature >= 0.0) {
        let message = format!("--temperature {}: give 0 or more", args.temperature);
        return Err(Usage(message).into());
    }
    if args.samples == 0 {
        return Err(Usage("--samples 0: give 1 or more".into()).into());
    }
    let sampling = Sampling::at(args.temperature, args.seed);
    match &args.prompt {
        Some(prompt) => complete(&args, prompt, &sampling).await,
        None => ask(&args, &sampling).await,
    }
}

async fn complete(args: &SampleArgs, prompt: &str, sampling: &Sampling) -> anyhow::Result<Ended> {
    let folder = model_folder(&args.model)?;
    let model = open_model(&folder, &burn::tensor::Device::flex())?;
    let text = open_text(&folder)?;
    let ids = text.prompt(prompt)?;
    let limits = Limits {
        max_completion_length: args.max_completion_length,
        stops: text.stops().to_vec(),
        pad: text.pad(),
    };
    let problem = crate::rng::fingerprint(prompt);
    let request = Request {
        problem,
        prompt: ids,
        samples: args.samples,
    };
    let all = generate(&model, &[request], sampling, &limits).await?;
    for completion in all.iter().flatten() {
        let shown = text.decode(&completion.tokens);
        if args.json {
            let line = serde_json::json!({
                "prompt": prompt, "completion": shown, "ids": completion.tokens,
                "logprobs": completion.logps, "finished": completion.finished,
            });
            say!("{line}");
        } else {
            say!(
                "{prompt}{shown}{}",
                if completion.finished { "" } else { " …" }
            );
        }
    }
    Ok(Ended::Done)
}

async fn ask(args: &SampleArgs, sampling: &Sampling) -> anyhow::Result<Ended> {
    let (setup, _) = open_run(&args.model, args.config.as_deref(), &args.set).await?;
    let study = Study::new(&setup.config, setup.task.clone(), setup.text.clone());
    let level = args.level.unwrap_or(setup.config.curriculum.levels[1]);
    let known = setup.task.levels();
    if !known.contains(&level) {
        let message = format!(
            "--level {level}: {} has {} to {}",
            setup.task.name(),
            known.start(),
            known.end()
        );
        return Err(Usage(message).into());
    }
    for index in 0..args.count {
        let problem = setup.task.problem(Split::Test, level, index);
        let request = study.request(&problem, args.samples)?;
        let limits = &study.limits;
        let all = generate(&setup.model, &[request], sampling, limits).await?;
        if !args.json {
            say!("\n{}   (answer: {})", problem.prompt, problem.answer);
        }
        for (sample, completion) in all.iter().flatten().enumerate() {
            let record = study.grade(&problem, sample, completion);
            if args.json {
                say!("{}", serde_json::to_string(&record)?);
            } else {
                let mark = if record.correct { "✓" } else { "✗" };
                let end = if record.finished { "" } else { " …" };
                say!(
                    "  {mark} {:>5.2}  {}{end}",
                    record.reward,
                    record.completion
                );
            }
        }
    }
    Ok(Ended::Done)
}
