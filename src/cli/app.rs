//! `sasr` and `sasr app`: the window. `sasr tour`: the window without a user.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::drive::on_interrupt;
use super::{Ended, say};
use crate::app::native;
use crate::app::stopper::Stopper;
use crate::app::tour::Tour;

#[derive(Args)]
pub struct AppArgs {
    /// Folder that run folders are kept in.
    #[arg(long, default_value = "runs")]
    out: PathBuf,
}

impl Default for AppArgs {
    fn default() -> Self {
        Self { out: "runs".into() }
    }
}

pub fn run(args: AppArgs) -> anyhow::Result<Ended> {
    let stopper = Stopper::default();
    let asking = stopper.clone();
    on_interrupt(move || asking.ask());
    native::open(args.out, None, stopper)?;
    Ok(Ended::Done)
}

#[derive(Args)]
pub struct TourArgs {
    /// Folder for the pictures; the run goes into `runs` in it.
    #[arg(long, default_value = "tour")]
    out: PathBuf,
    /// Train a much shorter run.
    #[arg(long)]
    quick: bool,
}

pub fn tour(args: TourArgs) -> anyhow::Result<Ended> {
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create {}", args.out.display()))?;
    let (report, findings) = std::sync::mpsc::channel();
    let tour = Tour::new(args.out.clone(), args.quick, report);
    native::open(
        args.out.join("runs"),
        Some(Box::new(tour)),
        Stopper::default(),
    )?;
    let findings = findings
        .try_recv()
        .context("the window was closed before the tour was over")?;
    for picture in &findings.pictures {
        say!("picture  {}", picture.display());
    }
    if let Some(seconds) = findings.first_decision {
        say!("first explained decision {seconds:.0} s after the start");
    }
    say!(
        "a frame took {:.2} ms of processor time while training (95th percentile {:.2} ms)",
        findings.frame_median * 1e3,
        findings.frame_p95 * 1e3
    );
    anyhow::ensure!(
        findings.failures.is_empty(),
        "{}",
        findings.failures.join("; ")
    );
    Ok(Ended::Done)
}
