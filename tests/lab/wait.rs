//! Waiting for a condition under a deadline, instead of sleeping and hoping.

use std::time::{Duration, Instant};

use super::Result;

/// Polls `condition` every 20 ms until it gives a value. After `deadline` it fails, naming `what` was awaited.
///
/// # Errors
/// The deadline passed, or the condition failed for good (`Err`).
pub fn wait_until<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        if start.elapsed() >= deadline {
            return Err(format!("waited {} s in vain for {what}", deadline.as_secs_f32()).into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
