//! Remembers that memory was refused. On this target an allocation that fails ends in a bare trap,
//! which says no more than "unreachable".

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a page of WebAssembly's memory.
const PAGE: usize = 65_536;

/// Bytes of the newest allocation that failed; 0 while none has since [`forget`].
static REFUSED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Remembering = Remembering;

struct Remembering;

/// What could not be had, in words.
pub fn refused() -> Option<String> {
    let bytes = REFUSED.swap(0, Ordering::Relaxed);
    let megabytes = |bytes: usize| bytes / 1_000_000;
    let used = core::arch::wasm32::memory_size(0) * PAGE;
    (bytes > 0).then(|| {
        format!(
            "no memory for a piece of {} MB beside the {} MB that are taken",
            megabytes(bytes),
            megabytes(used)
        )
    })
}

/// What was refused so far was done without: it is not to be blamed for a later failure.
pub fn forget() {
    REFUSED.store(0, Ordering::Relaxed);
}

fn noted(given: *mut u8, bytes: usize) -> *mut u8 {
    if given.is_null() {
        REFUSED.store(bytes, Ordering::Relaxed);
    }
    given
}

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Remembering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        noted(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        noted(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        noted(unsafe { System.realloc(old, layout, size) }, size)
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { System.dealloc(old, layout) }
    }
}
