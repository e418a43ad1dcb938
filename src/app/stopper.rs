//! Closing the window from outside: Ctrl-C in the terminal it was started from, or a polite kill.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use eframe::egui;

/// Asks a window to stop its run, save and close. Clones ask the same window.
#[derive(Clone, Default)]
pub struct Stopper(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: AtomicBool,
    window: OnceLock<egui::Context>,
}

impl Stopper {
    /// Asks, and tells whether that was done before.
    pub fn ask(&self) -> bool {
        let before = self.0.asked.swap(true, Ordering::SeqCst);
        if let Some(window) = self.0.window.get() {
            // A window that nothing happens in sleeps.
            window.request_repaint();
        }
        before
    }

    /// The window that is asked.
    pub(super) fn wakes(&self, window: &egui::Context) {
        self.0.window.set(window.clone()).ok();
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }
}
