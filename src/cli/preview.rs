//! `sasr preview`: the first batch as the model sees it, with its loss mask.

use std::io::IsTerminal as _;

use clap::Args;

use super::place::loader;
use super::{ConfigArgs, Ended, say};
use crate::curriculum::{Curriculum, Pool};
use crate::tasks::Split;
use crate::training::Setup;

#[derive(Args)]
pub struct PreviewArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How many demonstrations.
    #[arg(long, default_value_t = 4)]
    count: usize,
}

pub fn run(args: PreviewArgs) -> anyhow::Result<Ended> {
    let config = args.config.load()?;
    let device = crate::devices::open(&config.device)?;
    let setup = Setup::new(config, device, &loader)?;
    let config = &setup.config;
    let levels = config.curriculum.levels[0]..=config.curriculum.levels[1];
    let pool = Pool::demonstrations(setup.task.as_ref(), levels, config.task.demonstrations)?;
    let mut curriculum = Curriculum::new(&config.curriculum, config.exam.pass, config.seed);
    let colour = std::io::stdout().is_terminal();
    setup.notices.iter().try_for_each(|notice| {
        say!("note: {notice}");
        anyhow::Ok(())
    })?;
    say!("What SFT learns from: ▸ marks tokens in the loss, · those that are only read.\n");
    for place in curriculum.demonstrations(&pool, 1, args.count) {
        let problem = setup.task.problem(Split::Train, place.level, place.index);
        let completion = setup.task.demonstration(&problem, 0);
        let example = setup.text.example(&problem.prompt, &completion)?;
        let reward = setup.task.score(&problem, &completion, true);
        say!(
            "level {}, problem {}, {} tokens ({} in the loss), answer {}, reward {}",
            problem.level,
            place.index,
            example.ids.len(),
            example.ids.len() - example.prompt,
            problem.answer,
            reward.total
        );
        let mut line = String::new();
        for (index, &id) in example.ids.iter().enumerate() {
            let token = setup.text.token(id).replace('\n', "⏎");
            let learnt = index >= example.prompt;
            let mark = if learnt { '▸' } else { '·' };
            match (colour, learnt) {
                (true, true) => line += &format!("\x1b[32m{mark}{token}\x1b[0m"),
                (true, false) => line += &format!("\x1b[2m{mark}{token}\x1b[0m"),
                (false, _) => line += &format!("{mark}{token}"),
            }
        }
        say!("  {line}\n");
    }
    Ok(Ended::Done)
}
