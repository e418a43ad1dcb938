//! Driving a run from the command line: turn after turn until the end or Ctrl-C, and show it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock};

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

/// Does something on Ctrl-C and on a polite kill. `ask` tells whether it was asked before: then the program
/// ends at once, for what is saved is saved.
pub fn on_interrupt(ask: impl Fn() -> bool + Send + 'static) {
    let handler = ctrlc::set_handler(move || {
        if ask() {
            std::process::exit(130);
        }
    });
    if let Err(error) = handler {
        tell!("note: Ctrl-C will not save: {error}");
    }
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
