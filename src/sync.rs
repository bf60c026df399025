//! The atomic numbers and channels that the threads of the service share. With the feature `shuttle` they are shuttle's, so that its
//! schedulers decide which thread goes on at each of their uses (`threads`); then nothing that uses them works outside of it.

#[cfg(feature = "shuttle")]
pub use shuttle::sync::{atomic, mpsc};
#[cfg(not(feature = "shuttle"))]
pub use std::sync::{atomic, mpsc};

use std::time::Duration;

use mpsc::{Receiver, RecvTimeoutError};

/// Waits for a message, at most for `wait`. `due` says whether something is to be done when that is over; if nothing is, whoever
/// waits in vain would wait for ever.
///
/// # Errors
/// Nothing came in time, or nobody is left who could send.
#[cfg(not(feature = "shuttle"))]
pub fn hear<T>(inbox: &Receiver<T>, wait: Duration, _due: bool) -> Result<T, RecvTimeoutError> {
    inbox.recv_timeout(wait)
}

/// Time is not shuttle's: where something is due it comes at once, if no message is there; where nothing is, only a message helps.
#[cfg(feature = "shuttle")]
pub fn hear<T>(inbox: &Receiver<T>, _wait: Duration, due: bool) -> Result<T, RecvTimeoutError> {
    use mpsc::TryRecvError;
    match inbox.try_recv() {
        Ok(message) => Ok(message),
        Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
        Err(TryRecvError::Empty) if due => {
            shuttle::thread::yield_now();
            Err(RecvTimeoutError::Timeout)
        }
        Err(TryRecvError::Empty) => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}
