//! Seconds that pass, on a desktop and in a browser alike.

/// Measures from its making.
#[derive(Clone, Copy, Debug)]
pub struct Clock(web_time::Instant);

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self(web_time::Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
