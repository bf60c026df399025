//! A panic in any thread ends the whole process, with its last words in the log.
//!
//! A thread that panicked has lost track of what it had in hand, and what the others would commit may rest on it. The
//! process ends before anything is unwound; the next one starts from what was committed.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::exit_now;
use crate::exit::ExitStatus;

/// How long the last words may take. The panic may have come from within the log itself and hold what the log needs.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Makes a panic in any thread log its message, thread and place (and after them the backtrace, if `RUST_BACKTRACE` asks
/// for it and its names are found in time) and end the process at once with [`ExitStatus::Fault`].
pub fn end_on_panic() {
    end_within(LAST_WORDS);
}

fn end_within(limit: Duration) {
    let ending = AtomicBool::new(false);
    std::panic::set_hook(Box::new(move |info| {
        if ending.swap(true, Ordering::SeqCst) {
            // Another thread is saying its last words already, and ends the process when it is done.
            thread::sleep(limit);
            exit_now(ExitStatus::Fault);
        }
        let watch = thread::Builder::new().name("last words".to_owned()).spawn(move || {
            thread::sleep(limit);
            exit_now(ExitStatus::Fault);
        });
        match watch {
            Ok(_) => last_words(info),
            Err(_) => eprintln!("{info}"),
        }
        exit_now(ExitStatus::Fault)
    }));
}

fn last_words(info: &PanicHookInfo<'_>) {
    let current = thread::current();
    let thread = current.name().unwrap_or("unnamed");
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        panic = message,
        thread,
        location,
        "a fault of the program itself: ending at once, nothing more is committed; please report it"
    );
    // Last, as finding the names in a large executable can take longer than there is time.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(thread, %backtrace, "where the fault was");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    struct Committing;

    impl Drop for Committing {
        fn drop(&mut self) {
            eprintln!("a destructor ran");
        }
    }

    /// Not a test of its own: the process that the next test starts and that has to die.
    #[test]
    #[ignore = "ends the process; started by a_panic_in_a_thread_ends_the_process"]
    fn dying() {
        crate::telemetry::init(|_| None, &[]).unwrap();
        // No two seconds: the executable of the tests is large, and the machine may be busy.
        end_within(Duration::from_mins(2));
        let thread = thread::Builder::new().name("worker 3".into()).spawn(|| {
            let _committing = Committing;
            panic!("lost track of {}", 42);
        });
        thread.unwrap().join().unwrap();
        eprintln!("lived on");
    }

    #[test]
    fn a_panic_in_a_thread_ends_the_process() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "telemetry::panic::tests::dying", "--ignored", "--nocapture"])
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{stderr}");
        let lines: Vec<serde_json::Value> = stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let [line, backtrace] = &lines[..] else { panic!("{stderr}") };
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["panic"], "lost track of 42");
        assert_eq!(line["thread"], "worker 3");
        assert!(line["location"].as_str().unwrap().contains("panic.rs:"), "{line}");
        assert!(backtrace["backtrace"].as_str().unwrap().contains("dying"), "{backtrace}");
        assert!(!stderr.contains("a destructor ran") && !stderr.contains("lived on"), "{stderr}");
    }
}
