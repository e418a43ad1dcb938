//! The graphics card of the tests, or the program that stands in for one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;

/// A card for one test at a time.
pub struct Card {
    pub device: Device,
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Drop for Card {
    fn drop(&mut self) {
        sasr::devices::settle();
    }
}

/// The card; `None`, said why, where there is none. With `SASR_REQUIRE_GPU=1` in the environment that
/// is a failure.
pub fn card() -> Option<Card> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    match pollster::block_on(sasr::devices::open("gpu")) {
        Ok(device) => Some(Card {
            device,
            _one_at_a_time,
        }),
        Err(error) => {
            let required = std::env::var("SASR_REQUIRE_GPU").is_ok_and(|value| value == "1");
            assert!(!required, "SASR_REQUIRE_GPU is set, but {error}");
            super::skip::skipped(&error.to_string());
            None
        }
    }
}
