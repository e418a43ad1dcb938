//! How the library's words come to the window.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::Found;

/// Is told of every word that is said, and whether more follow at once.
type Wake = dyn Fn(bool) + Send + Sync;

/// Says words to the window; every thread of the library has one.
#[derive(Clone)]
pub(in crate::app) struct Mouth {
    outbox: Sender<Found>,
    unheard: Arc<AtomicUsize>,
    wake: Arc<Wake>,
}

/// Where the words come out.
pub(in crate::app) struct Ear {
    found: Receiver<Found>,
    unheard: Arc<AtomicUsize>,
}

/// A mouth and its ear.
pub(in crate::app) fn pair(wake: impl Fn(bool) + Send + Sync + 'static) -> (Mouth, Ear) {
    let (outbox, found) = channel();
    let unheard = Arc::new(AtomicUsize::new(0));
    let mouth = Mouth {
        outbox,
        unheard: unheard.clone(),
        wake: Arc::new(wake),
    };
    (mouth, Ear { found, unheard })
}

impl Mouth {
    pub fn say(&self, found: Found) {
        let more = matches!(
            &found,
            Found::News {
                caught_up: false,
                ..
            }
        );
        self.unheard.fetch_add(1, Ordering::Relaxed);
        self.outbox.send(found).ok();
        (self.wake)(more);
    }

    /// Words that the window has not taken in yet.
    pub fn unheard(&self) -> usize {
        self.unheard.load(Ordering::Relaxed)
    }
}

impl Ear {
    /// The next word, which is taken in.
    #[cfg(not(target_family = "wasm"))]
    pub fn hear(&self) -> Option<Found> {
        let found = self.pass_on()?;
        self.heard();
        Some(found)
    }

    /// The next word, for a window elsewhere: [`Self::heard`] when it is taken in there.
    pub fn pass_on(&self) -> Option<Found> {
        self.found.try_recv().ok()
    }

    /// A word that was passed on has been taken in.
    pub fn heard(&self) {
        let less = |unheard: usize| Some(unheard.saturating_sub(1));
        self.unheard
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .ok();
    }
}
