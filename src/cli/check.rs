//! `sasr check`: is a configuration sound, and what will it need?

use clap::Args;

use super::place::loader;
use super::{ConfigArgs, Ended, say};
use crate::config::{Method, RunConfig, fields};
use crate::training::{Event, Session, Setup, Start};

#[derive(Args)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Explain the fields whose path contains this text (all of them for an empty text).
    #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "")]
    explain: Option<String>,
    /// Print the complete configuration as TOML.
    #[arg(long)]
    resolved: bool,
}

pub fn run(args: CheckArgs) -> anyhow::Result<Ended> {
    if let Some(text) = &args.explain {
        for field in fields()
            .iter()
            .filter(|field| field.path.contains(text.as_str()))
        {
            say!("{} ({})", field.path, field.type_name,);
            say!("    {}", field.doc.replace('\n', "\n    "));
        }
        return Ok(Ended::Done);
    }
    let config = args.config.load()?;
    if args.resolved {
        say!("{}", config.to_toml()?);
        return Ok(Ended::Done);
    }
    let device = crate::devices::open(&config.device)?;
    let setup = Setup::new(config, device, &loader)?;
    let (config, spec) = (&setup.config, &setup.model.spec);
    let parameters = setup.model.parameters.count();
    setup.notices.iter().try_for_each(|notice| {
        say!("note: {notice}");
        anyhow::Ok(())
    })?;
    say!(
        "task        {}, levels {:?}",
        setup.task.name(),
        config.curriculum.levels
    );
    say!(
        "model       {parameters} parameters, {} layers, width {}, {} tokens in the vocabulary",
        spec.num_hidden_layers,
        spec.hidden_size,
        spec.vocab_size
    );
    // Weights, two moments, the origin, and a gradient for each shard, in float32.
    let copies = 1 + 2 * if config.optimizer.separate { 2 } else { 1 } + 1 + config.shards as u64;
    let weights = 4 * copies * parameters;
    let rows = config.grpo.num_prompts * config.grpo.num_generations;
    let positions = spec
        .max_position_embeddings
        .min(config.grpo.max_completion_length + 128);
    let cache = 4
        * 2
        * (rows * positions * spec.num_hidden_layers * spec.num_key_value_heads * spec.head_dim)
            as u64;
    // What a token leaves behind for the backward pass: per layer about ten vectors of the
    // residual's width and three of the feed-forward layer's.
    let per_token =
        4 * spec.num_hidden_layers * (10 * spec.hidden_size + 3 * spec.intermediate_size);
    let tokens = (rows * positions).max(config.sft.batch_size * spec.max_position_embeddings);
    let activations = (tokens * per_token) as u64;
    say!(
        "memory      about {} MB: weights and optimizer {}, cache {}, activations up to {}",
        (weights + cache.max(activations)) >> 20,
        weights >> 20,
        cache >> 20,
        activations >> 20
    );
    let (sft, grpo) = (
        seconds_per_step(config, Method::Sft)?,
        seconds_per_step(config, Method::Grpo)?,
    );
    let base = sft * config.base.batch_size as f64 / config.sft.batch_size as f64;
    let base = base * config.base.steps as f64;
    let steps = config.max_steps as f64;
    say!(
        "time        base model {base:.0} s, then {:.0} to {:.0} s for {} steps (an SFT step takes \
         {:.0} ms, a GRPO step of the untrained model, whose answers run to the limit, {:.0} ms; exams \
         and tests not counted)",
        steps * sft.min(grpo),
        steps * sft.max(grpo),
        config.max_steps,
        sft * 1e3,
        grpo * 1e3
    );
    say!("The configuration is sound.");
    Ok(Ended::Done)
}

/// Seconds a step of one kind takes here and now: the second of two, with the configured sizes.
fn seconds_per_step(config: &RunConfig, method: Method) -> anyhow::Result<f64> {
    let mut config = config.clone();
    config.balance.method = method;
    config.max_steps = 2;
    config.base.steps = 0;
    config.evaluation.problems = 0;
    config.exam.problems = 0;
    let device = crate::devices::open(&config.device)?;
    let setup = Setup::new(config, device, &loader)?;
    let mut session = Session::new(setup, Start::Fresh)?;
    let mut seconds = 0.0;
    while !session.is_done() {
        for event in pollster::block_on(session.step())? {
            if let Event::Step(record) = event {
                seconds = record.step_time;
            }
        }
    }
    Ok(seconds)
}
