//! `sasr check`: is a configuration sound, and what will it need?

use clap::Args;

use super::place::loader;
use super::{ConfigArgs, Ended, say};
use crate::config::fields;
use crate::training::{Estimate, Session, Setup, Start, measure_steps};

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

pub async fn run(args: CheckArgs) -> anyhow::Result<Ended> {
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
    let device = crate::devices::open_for(&config).await?;
    let setup = Setup::new(config, device, &loader)?;
    let estimate = Estimate::of(&setup)?;
    let config = setup.config.clone();
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
        "model       {} parameters, {} layers, width {}, {} tokens in the vocabulary",
        estimate.parameters,
        estimate.num_hidden_layers,
        estimate.hidden_size,
        estimate.vocabulary
    );
    let memory = estimate.memory;
    say!(
        "memory      about {} MB: weights, moments and origins {}, then learning {}, sampling {} or \
         saving {}, other {}",
        megabytes(memory.total),
        megabytes(memory.weights),
        megabytes(memory.activations),
        megabytes(memory.cache),
        megabytes(memory.saving),
        megabytes(memory.other)
    );
    let on_cpu = crate::devices::is_cpu(&setup.device);
    let free = on_cpu.then(crate::devices::free_memory).flatten();
    let fits = |bytes| free.is_none_or(|free| bytes <= free);
    if fits(memory.weights) {
        // Refuses what training would refuse before its first step.
        Session::new(setup, Start::Fresh)?;
    }
    if let Some(free) = free.filter(|_| !fits(memory.total)) {
        say!(
            "time        not measured: about {} MB of memory are free, less than the run needs",
            megabytes(free)
        );
        say!(
            "The configuration is sound, but this machine has too little memory for it. Smaller batches \
             (sft.batch_size, grpo.num_prompts, grpo.num_generations), more \
             gradient_accumulation_steps of [sft] and [grpo], or shorter texts (sft.max_length, \
             grpo.max_completion_length) need less."
        );
        return Ok(Ended::Done);
    }
    let times = measure_steps(&config, &loader).await?;
    let (least, most) = times.range(&config);
    say!(
        "time        base model {:.0} s, then {least:.0} to {most:.0} s for {} steps (an SFT step \
         takes {:.0} ms, a GRPO step of the untrained model, whose answers run to the limit, {:.0} \
         ms; exams and tests not counted)",
        times.base(&config),
        config.max_steps,
        times.sft * 1e3,
        times.grpo * 1e3
    );
    say!("The configuration is sound.");
    Ok(Ended::Done)
}

/// In megabytes, of which even the smallest model has one.
fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}
