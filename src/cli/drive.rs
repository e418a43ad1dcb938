//! Driving a run from the command line: turn after turn until the end or Ctrl-C, and show it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};
use std::time::{Duration, Instant};

use super::screen::Screen;
use super::{Ended, tell};
use crate::runs::Run;
use crate::training::{Command, Phase};

/// Set by Ctrl-C (and by a polite kill).
fn interrupted() -> &'static Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    static HANDLER: Once = Once::new();
    let flag = FLAG.get_or_init(Arc::default);
    HANDLER.call_once(|| {
        let flag = flag.clone();
        on_interrupt(move || flag.swap(true, Ordering::SeqCst));
    });
    flag
}

/// A second wish to end counts from here on: a closing terminal says it twice at once.
const AGAIN: Duration = Duration::from_secs(1);

/// Does something on Ctrl-C, on a polite kill and when the terminal closes. `ask` tells whether it was asked
/// before: then the program ends at once, for what is saved is saved.
pub fn on_interrupt(ask: impl Fn() -> bool + Send + 'static) {
    let mut first: Option<Instant> = None;
    let heard = move || {
        let before = ask();
        match first {
            Some(first) if before && first.elapsed() >= AGAIN => std::process::exit(130),
            Some(_) => {}
            None => first = Some(Instant::now()),
        }
    };
    if let Err(error) = listen(heard) {
        tell!("note: Ctrl-C will not save: {error}");
    }
}

#[cfg(unix)]
fn listen(mut heard: impl FnMut() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut wanted = vec![SIGINT, SIGTERM];
    // Under nohup a program goes on when its terminal closes.
    if !ignores(SIGHUP) {
        wanted.push(SIGHUP);
    }
    let mut signals = signal_hook::iterator::Signals::new(wanted)?;
    let listener = std::thread::Builder::new().name("signals".into());
    listener.spawn(move || signals.forever().for_each(|_| heard()))?;
    Ok(())
}

#[cfg(not(unix))]
fn listen(heard: impl FnMut() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(heard)
}

/// Whether the program was started with a signal ignored; only Linux says so.
#[cfg(unix)]
fn ignores(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Works until the end or until interrupted.
pub async fn drive(mut run: Run, screen: &mut Screen) -> anyhow::Result<Ended> {
    let flag = interrupted();
    let mut told = false;
    run.notes().iter().for_each(|note| screen.note(note));
    for change in run.changes() {
        screen.show(change, run.session());
    }
    while !run.is_done() {
        let mut events = Vec::new();
        if flag.load(Ordering::SeqCst) && !told {
            told = true;
            screen.note(if run.session().phase() == Phase::Base {
                "stopping: the base model's training begins anew after resuming"
            } else {
                "stopping: the step in hand is finished and a checkpoint kept …"
            });
            events = run.tell(Command::StopAndSave).await?;
        }
        events.extend(run.turn().await?);
        for event in &events {
            screen.show(event, run.session());
        }
    }
    let path = run.path().display().to_string();
    run.close()?;
    if told {
        screen.note(&format!("stopped; go on with: sasr train --resume {path}"));
        return Ok(Ended::Interrupted);
    }
    Ok(Ended::Done)
}
