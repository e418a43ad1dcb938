//! `sasr preview`: the first batch as the model sees it, with its loss mask.

use std::io::IsTerminal as _;

use clap::Args;

use super::place::loader;
use super::{ConfigArgs, Ended, say};
use crate::training::{Piece, Setup, preview};

#[derive(Args)]
pub struct PreviewArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// How many demonstrations.
    #[arg(long, default_value_t = 4)]
    count: usize,
}

pub async fn run(args: PreviewArgs) -> anyhow::Result<Ended> {
    let config = args.config.load()?;
    let device = crate::devices::open_for(&config).await?;
    let setup = Setup::new(config, device, &loader)?;
    let colour = std::io::stdout().is_terminal();
    setup.notices.iter().try_for_each(|notice| {
        say!("note: {notice}");
        anyhow::Ok(())
    })?;
    say!("What SFT learns from: ▸ marks tokens in the loss, · those that are only read.\n");
    for shown in preview(&setup, args.count)? {
        let learnt = shown.pieces.iter().filter(|piece| piece.learnt).count();
        say!(
            "level {}, problem {}, {} tokens ({learnt} in the loss), answer {}, reward {}",
            shown.problem.level,
            shown.problem.index,
            shown.pieces.len(),
            shown.problem.answer,
            shown.reward.total
        );
        let marked = |piece: &Piece| marked(piece, colour);
        say!(
            "  {}\n",
            shown.pieces.iter().map(marked).collect::<String>()
        );
    }
    Ok(Ended::Done)
}

/// A token behind its mark.
fn marked(Piece { text, learnt }: &Piece, colour: bool) -> String {
    let mark = if *learnt { '▸' } else { '·' };
    match (colour, learnt) {
        (true, true) => format!("\x1b[32m{mark}{text}\x1b[0m"),
        (true, false) => format!("\x1b[2m{mark}{text}\x1b[0m"),
        (false, _) => format!("{mark}{text}"),
    }
}
