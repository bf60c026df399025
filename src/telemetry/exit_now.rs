//! The end of the process at once: no destructors, no exit handlers, no other thread waited for.
//!
//! After a fault of its own nothing may be committed any more. `std::process::exit` runs the exit handlers of the C
//! libraries while their threads still work, which can hang or crash; `std::process::abort` gives no exit code of
//! our own. So this is `_exit`.
#![allow(unsafe_code)]

use crate::exit::ExitStatus;

/// Ends the process at once with this status.
pub fn exit_now(status: ExitStatus) -> ! {
    // SAFETY: `_exit` takes a plain number, has no precondition, may be called from any thread at any time (it is
    // async-signal-safe), and does not return, so no Rust value is used after it.
    unsafe { libc::_exit(i32::from(status.code())) }
}
