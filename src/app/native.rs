//! The desktop's entry: opens the window, or says why there is none.

use std::path::PathBuf;

use eframe::egui;

use super::stopper::Stopper;
use super::studio::{Script, Studio};
use super::{engine, library};

/// A window that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error(
        "no window can be opened here ({0}). Without a display, use the command line: \
         `sasr train configs/quickstart.toml` trains, `sasr --help` lists the rest"
    )]
    NoWindow(String),
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// Opens the application and returns when it is closed, by its user or by `stopper`. Runs are kept in `runs`.
///
/// # Errors
/// Where there is no display, or the system refuses a window.
pub fn open(
    runs: PathBuf,
    script: Option<Box<dyn Script>>,
    stopper: Stopper,
) -> Result<(), WindowError> {
    let viewport = egui::ViewportBuilder::default()
        .with_title("SASR Studio")
        .with_app_id("sasr-studio")
        .with_inner_size([1280.0, 820.0])
        .with_min_inner_size([1024.0, 700.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions {
        viewport,
        // What a script leaves behind must not change the user's next start.
        persist_window: script.is_none(),
        ..Default::default()
    };
    let name = if script.is_some() {
        "sasr-studio-tour"
    } else {
        "sasr-studio"
    };
    let create: eframe::AppCreator<'_> = Box::new(move |creation| {
        let context = &creation.egui_ctx;
        let engine = engine::spawn(runs.clone(), context.clone())?;
        let library = library::spawn(runs, context.clone())?;
        let storage = creation.storage.filter(|_| script.is_none());
        stopper.wakes(context);
        let mut studio = Studio::new(context, storage, engine, library).stopped_by(stopper);
        if let Some(script) = script {
            studio = studio.driven_by(script);
        }
        Ok(Box::new(studio))
    });
    eframe::run_native(name, options, create).map_err(|error| match error {
        eframe::Error::AppCreation(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => WindowError::Thread(*error),
            Err(error) => WindowError::NoWindow(error.to_string()),
        },
        error => WindowError::NoWindow(reason(&error.to_string())),
    })
}

/// The system's reason without the place in a library's source that some put before it.
fn reason(text: &str) -> String {
    let reason = match text.rsplit_once(".rs:") {
        // The line's number comes first.
        Some((_, rest)) => rest.split_once(": ").map_or(rest, |(_, reason)| reason),
        None => text,
    };
    reason.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn a_reason_does_not_tell_where_a_library_was_built() {
        let text =
            "winit EventLoopError: os error at /a/b-0.30/src/linux/mod.rs:765: no DISPLAY is set.";
        assert_eq!(reason(text), "no DISPLAY is set");
        assert_eq!(reason("glutin: no config"), "glutin: no config");
    }
}
