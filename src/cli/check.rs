//! `sasr check`: is a configuration sound, and what will it need?

use clap::Args;

use super::place::loader;
use super::{ConfigArgs, Ended, say};
use crate::config::fields;
use crate::training::Setup;

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
    let seconds = seconds_estimate(&setup);
    say!(
        "time        about {:.0} s for {} base steps and {} steps (measured on a few tokens; exams \
         and tests not counted)",
        seconds,
        config.base.steps,
        config.max_steps
    );
    say!("The configuration is sound.");
    Ok(Ended::Done)
}

/// Seconds of training, from the speed of one small forward pass here and now.
fn seconds_estimate(setup: &Setup) -> f64 {
    let (config, spec) = (&setup.config, &setup.model.spec);
    let time = 64.min(spec.max_position_embeddings);
    let ids: Vec<u32> = (0..4 * time)
        .map(|i| (i % spec.vocab_size) as u32)
        .collect();
    let decoder = setup.model.decoder();
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let clock = crate::clock::Clock::start();
        let hidden = decoder.hidden(&ids, 4, time);
        drop(decoder.logits(hidden).into_data());
        best = best.min(clock.seconds());
    }
    let forward = best / ids.len() as f64;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let speedup = config.shards.min(threads) as f64;
    // A training token costs about three forward passes; a sampled one is also decoded and scored.
    let length = 48.0_f64.min(config.grpo.max_completion_length as f64);
    let sft = (config.sft.batch_size as f64) * length * 3.0;
    let rows = (config.grpo.num_prompts * config.grpo.num_generations) as f64;
    let grpo = rows * length * 6.0;
    let base = config.base.steps as f64 * config.base.batch_size as f64 * length * 3.0;
    (base + config.max_steps as f64 * 0.5 * (sft + grpo)) * forward / speedup
}
