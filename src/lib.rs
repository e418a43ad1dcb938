//! SASR Studio: training small and medium language models to reason, with supervised fine-tuning
//! (SFT) as the textbook, GRPO as the quiz, and a controller that decides at every step which of
//! the two the model needs.
//!
//! # The map of the house
//!
//! Dependencies point downwards in this list; the algorithm knows nothing of files, windows or
//! threads, and front ends know nothing of tensors.
//!
//! | room | what it is for |
//! |---|---|
//! | [`rng`], [`clock`] | random streams without state; seconds, giving way |
//! | [`files`] | the one way to files: on a disk, or in a browser's memory and storage |
//! | [`config`] | [`config::RunConfig`]: the one definition behind file, flags and form |
//! | [`tasks`] | what is learnt: problems, demonstrations, rewards, canonical paths |
//! | [`text`] | tokenizer, chat template, batches |
//! | [`kernels`] | fused operations: the portable reference and the fast versions behind one name |
//! | [`model`] | the decoder, its weights, Hugging Face folders |
//! | [`rollout`] | sampling completions from a policy |
//! | [`losses`] | the policy gradient, advantages |
//! | [`balance`] | the controllers: from signals to a plan and its explanation |
//! | [`curriculum`] | levels, and which problems come next |
//! | [`evaluation`] | accuracy, pass@k, diversity, confidence intervals |
//! | [`training`] | [`training::Session`], the loop: one small unit of work at a time |
//! | [`runs`] | the run folder: write, read, compare, report |
//! | [`devices`] | which device there is |
//! | [`palette`] | the colours that mean something, for window, page and report |
//! | `app` | the window, the same for the desktop and the browser (feature `app`) |
//! | `cli` | a file per subcommand |
//! | `web` | the browser's entries: the page and the worker |
//!
//! # Driving a session
//!
//! ```
//! use sasr::config::RunConfig;
//! use sasr::training::{Event, Session, Setup, Start};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = RunConfig::from_toml(
//!     "max_steps = 4\n[model]\nhidden_size = 16\n[balance]\nwarmup_steps = 2\n[evaluation]\nproblems = 0",
//!     "example",
//!     &[],
//! )?;
//! let device = pollster::block_on(sasr::devices::open_for(&config))?;
//! let setup = Setup::new(config, device, &|path| std::fs::read(path))?;
//! let mut session = Session::new(setup, Start::Fresh)?;
//! while !session.is_done() {
//!     for event in pollster::block_on(session.step())? {
//!         if let Event::Step(step) = event {
//!             println!("{}", step.decision.expect("every step is decided").sentence());
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

// These panic where nobody listens, and take a run with them; see `cli::say` and `cli::tell`.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

#[cfg(feature = "app")]
pub mod app;
pub mod balance;
#[cfg(all(feature = "cli", not(target_family = "wasm")))]
pub mod cli;
pub mod clock;
pub mod config;
pub mod curriculum;
pub mod devices;
pub mod evaluation;
pub mod files;
pub mod kernels;
pub mod losses;
pub mod model;
pub mod palette;
pub mod rng;
pub mod rollout;
pub mod runs;
pub mod tasks;
pub mod text;
pub mod training;

#[cfg(test)]
#[path = "../tests/common/skip.rs"]
mod skip;

#[cfg(all(feature = "app", target_family = "wasm"))]
pub mod web;
