//! Having programs compiled before they are needed.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// While one is held, operations of this thread on a card also have those programs compiled that they
/// would take for larger or smaller batches.
pub(crate) struct Preparing(PhantomData<()>);

impl Preparing {
    pub(crate) fn begin() -> Self {
        ON.set(true);
        Self(PhantomData)
    }
}

impl Drop for Preparing {
    fn drop(&mut self) {
        ON.set(false);
    }
}

/// Whether this thread holds a [`Preparing`].
#[cfg(feature = "gpu")]
pub(super) fn is_on() -> bool {
    ON.get()
}
