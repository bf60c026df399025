//! The three system calls that the standard library has no safe form of.
//!
//! Proof: `kill` and `prctl` take integers only. `wait4` writes one `int` and one `rusage`, both owned by the caller for
//! the time of the call. The closure given to `pre_exec` makes one system call that is safe after a fork and touches
//! no memory of the parent.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// Sends `signal` to a process, or to a whole group where `target` is negative.
///
/// # Errors
/// What the kernel says: mostly that there is no such process.
pub fn kill(target: i32, signal: i32) -> io::Result<()> {
    if unsafe { libc::kill(target, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How a child ended and the CPU time that it used.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// User and system time together, of all its threads.
    pub cpu: Duration,
}

/// Reaps the child `pid` if it has ended; waits for that if `block`.
///
/// # Errors
/// What the kernel says: mostly that it is not a child.
pub fn wait(pid: i32, block: bool) -> io::Result<Option<Ended>> {
    let mut status = 0;
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let options = if block { 0 } else { libc::WNOHANG };
    loop {
        let reaped = unsafe { libc::wait4(pid, &mut status, options, &mut usage) };
        if reaped == 0 {
            return Ok(None);
        }
        if reaped == pid {
            let of = |t: libc::timeval| Duration::from_micros(t.tv_sec as u64 * 1_000_000 + t.tv_usec as u64);
            let cpu = of(usage.ru_utime) + of(usage.ru_stime);
            return Ok(Some(Ended { status: ExitStatus::from_raw(status), cpu }));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Makes the child end when the *thread* that started it ends, by SIGKILL.
pub fn die_with_parent(command: &mut Command) {
    unsafe {
        command.pre_exec(|| {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0 {
                Ok(())
            } else {
                Err(io::Error::last_os_error())
            }
        });
    }
}
