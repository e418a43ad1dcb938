//! The command line: a file per subcommand. Without one, the window opens.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted and saved.

#[cfg(feature = "app")]
mod app;
mod check;
mod compare;
mod devices;
mod drive;
mod eval;
mod preview;
mod report;
mod sample;
mod score;
mod screen;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{ConfigError, RunConfig};
use crate::runs::place;

/// Trains small language models to reason with SASR: SFT as the textbook, GRPO as the quiz, and a
/// controller that decides at every step which one the model needs.
#[derive(Parser)]
#[command(name = "sasr", version, about)]
struct Cli {
    /// Without a command, the window opens.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Train a model: base model, SFT warm-up, adaptive SFT/GRPO with exams, final test.
    Train(train::TrainArgs),
    /// Train with several methods and seeds from the same base models, and compare.
    Compare(compare::CompareArgs),
    /// Test a run or a checkpoint.
    Eval(eval::EvalArgs),
    /// Ask a model problems of its task, or a prompt of yours.
    Sample(sample::SampleArgs),
    /// Print per-token log-probabilities for the lines of a JSONL file.
    Score(score::ScoreArgs),
    /// Write report.html for one run or for several together.
    Report(report::ReportArgs),
    /// Show the first batch as the model sees it, with its loss mask.
    Preview(preview::PreviewArgs),
    /// Check a configuration: sizes, memory, data; or explain its fields.
    Check(check::CheckArgs),
    /// List the devices of this build on this machine.
    Devices(devices::DevicesArgs),
    /// Open the window (as `sasr` alone does).
    #[cfg(feature = "app")]
    App(app::AppArgs),
    /// Open the window without a user: train a preset, go through the rooms, save a picture of each.
    #[cfg(feature = "app")]
    Tour(app::TourArgs),
}

/// Where a configuration comes from.
#[derive(Args, Clone)]
struct ConfigArgs {
    /// A TOML file; without one, the defaults.
    config: Option<PathBuf>,
    /// Override a field, e.g. --set grpo.num_generations=16 (may be repeated).
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
}

impl ConfigArgs {
    fn load(&self) -> Result<RunConfig, ConfigError> {
        RunConfig::load(self.config.as_deref(), &self.set)
    }
}

/// How a command ended, short of failing.
enum Ended {
    Done,
    /// Ctrl-C: stopped and saved.
    Interrupted,
}

/// Parses the command line, does what it says, and gives the exit code.
pub fn run() -> ExitCode {
    // clap itself exits with 2 on wrong usage and 0 on --help.
    let ended = match Cli::parse().command {
        Some(command) => pollster::block_on(perform(command)),
        None => open_window(),
    };
    let code = exit_code(ended);
    crate::devices::settle();
    code
}

/// Everything below waits for devices by `await`; this is the one place that blocks on it.
async fn perform(command: Command) -> anyhow::Result<Ended> {
    match command {
        Command::Train(args) => train::run(args).await,
        Command::Compare(args) => compare::run(args).await,
        Command::Eval(args) => eval::run(args).await,
        Command::Sample(args) => sample::run(args).await,
        Command::Score(args) => score::run(args).await,
        Command::Report(args) => report::run(args),
        Command::Preview(args) => preview::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Devices(args) => devices::run(args),
        #[cfg(feature = "app")]
        Command::App(args) => app::run(args),
        #[cfg(feature = "app")]
        Command::Tour(args) => app::tour(args),
    }
}

#[cfg(feature = "app")]
fn open_window() -> anyhow::Result<Ended> {
    app::run(app::AppArgs::default())
}

#[cfg(not(feature = "app"))]
fn open_window() -> anyhow::Result<Ended> {
    let message = "this build has no window; `sasr --help` lists the commands";
    Err(Usage(message.into()).into())
}

fn exit_code(ended: anyhow::Result<Ended>) -> ExitCode {
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => ExitCode::from(130),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("error: {}", in_full(&error));
            ExitCode::from(if is_wrong_input(&error) { 2 } else { 1 })
        }
    }
}

/// An error and its causes, leaving out causes that were already told.
fn in_full(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match told.as_str() {
            "" => cause,
            _ if told.contains(&cause) => told,
            _ => format!("{told}: {cause}"),
        }
    })
}

/// Configurations and arguments that cannot be meant exit with 2, everything else with 1.
fn is_wrong_input(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<ConfigError>()
            || cause.is::<Usage>()
            || cause.is::<crate::devices::DeviceError>()
            || cause
                .downcast_ref()
                .is_some_and(crate::runs::DriveError::is_wrong_input)
            || cause
                .downcast_ref()
                .is_some_and(crate::runs::FolderError::is_wrong_input)
            || cause.is::<crate::text::TextError>()
            || cause
                .downcast_ref()
                .is_some_and(crate::runs::ReadError::is_wrong_input)
            || cause
                .downcast_ref()
                .is_some_and(crate::training::TrainError::is_wrong_input)
            || cause
                .downcast_ref()
                .is_some_and(place::PlaceError::is_wrong_input)
            || cause
                .downcast_ref()
                .is_some_and(crate::model::ModelError::is_wrong_input)
    })
}

/// Whoever read our output has seen enough (`sasr sample | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// Arguments that contradict each other or name what is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Prints a line, and fails quietly where nobody listens any more.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($arg)*)?
    }};
}
use say;

/// Prints a line for people beside the output. Where nobody can read it, whatever goes on goes on:
/// `eprintln!` would panic, and lose a run for a closed terminal or a full disk.
macro_rules! tell {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stderr(), $($arg)*).ok();
    }};
}
use tell;
