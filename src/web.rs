//! The browser's entries: the page, which draws, and the worker, which trains. Both are the same
//! module, begun twice; `web/` has the scripts that begin them.
//!
//! ```text
//! web/page.js    startPage(canvas, host) → Page       hear, lost, again        on the page's thread
//! web/worker.js  new Trainer(…)          → turn() …   put, take, jobs          in a dedicated worker
//! ```
//!
//! What passes between the two are the bytes of [`crate::app::wire`].

mod memory;
mod page;
mod trainer;

use wasm_bindgen::prelude::*;

pub use page::{Page, start_page};
pub use trainer::Trainer;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
    #[wasm_bindgen(thread_local_v2, js_namespace = ["globalThis", "location"], js_name = href)]
    static ADDRESS: String;
}

/// The page's address without its fragment and without what a test put behind `?`.
pub(crate) fn address() -> String {
    let whole = ADDRESS.with(Clone::clone);
    let end = whole.find(['#', '?']).unwrap_or(whole.len());
    whole[..end].to_owned()
}

/// Panics are said in the browser's console; in the worker that is followed by a trap, which
/// `web/worker.js` tells the page.
fn say_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        console_error(&text);
        LAST_PANIC.set(Some(crate::devices::in_plain_words(&text)));
    }));
}

std::thread_local! {
    static LAST_PANIC: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
}

/// What the program said when it broke down, if it has.
#[wasm_bindgen(js_name = lastPanic)]
pub fn last_panic() -> Option<String> {
    LAST_PANIC.take().or_else(memory::refused)
}
