//! The composition root: builds the edges and the cores, joins them, waits for a signal, drains.
//!
//! Threads: the reader, the workers, the dead letters, a small tokio runtime for the dispatch and its requests, and another for signals
//! and the administrative address. Everything that passes between them is bounded by the memory limit: what is read is only
//! read while there is room for it.

mod asker;
mod clock;
mod dispatch;
mod fault_point;
mod lag;
mod letters;
mod messages;
mod plan;
mod progress;
mod reader;
mod reload;
mod secrets;
mod stall;
mod start;
mod topics;
mod trace_file;
mod watchdog;
mod worker;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::ExitStatus;
use crate::metrics::Metrics;
use crate::reader::Ending;

pub use clock::wall_millis;
pub use plan::{Checked, Files, Plan, check_pipelines, plan, read_files};

use messages::ToReader;
use start::{Parts, StartFault};

/// What the main thread waits for.
enum Event {
    /// SIGTERM or SIGINT.
    Signal(&'static str),
    /// The reader is done.
    Ended(Ending),
}

/// How it came to an end.
enum End {
    /// In order, or at the reader's deadline.
    Ended(Ending),
    /// In order, by a signal, where it should have caught up first.
    BeforeCaughtUp,
    /// By a second signal.
    AtOnce(&'static str),
    /// A thread did not come to its end.
    Hanging,
}

/// Runs the service until it is told to stop, or until it has caught up.
pub fn run(plan: Plan, until_caught_up: bool) -> ExitStatus {
    let timeout = plan.config.shutdown_timeout;
    let (events, inbox) = channel();
    let runtimes = start::runtime("dispatch").and_then(|runtime| Ok((runtime, start::runtime("admin")?)));
    let (runtime, aside) = match runtimes {
        Ok(runtimes) => runtimes,
        Err(why) => return fail(&StartFault::Own(why)),
    };
    let (hang_ups, signals) = channel();
    if let Err(why) = listen(&aside, &events, &hang_ups) {
        return fail(&StartFault::Own(why));
    }
    let stopped = || matches!(inbox.try_recv(), Ok(Event::Signal(_)));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pipelines = plan.pipelines.len(), "kelp starts");
    let Parts { reader, to_reader } = match start::build(plan, (until_caught_up, signals), (&runtime, &aside), stopped)
    {
        Ok(Some(parts)) => parts,
        Ok(None) => {
            // Who wanted everything that there was has nothing of it.
            let status = if until_caught_up { ExitStatus::Unsettled } else { ExitStatus::Done };
            tracing::info!(exit = status.code(), "stopped before anything was read");
            return status;
        }
        Err(fault) => return fail(&fault),
    };
    let metrics = Arc::clone(&reader.metrics);
    let spawned = thread::Builder::new().name("reader".into()).spawn(move || {
        let (ending, consumer) = reader.run();
        // Leaving the group tells the others at once; a broker that is gone must not hold the end up.
        consumer.close(Duration::from_secs(5));
        if events.send(Event::Ended(ending)).is_err() {
            tracing::debug!("the end was not waited for");
        }
    });
    if let Err(error) = spawned {
        return fail(&StartFault::Own(format!("the reader's thread cannot be started: {error}")));
    }
    let end = match wait(&inbox, &to_reader, timeout) {
        (End::Ended(Ending::Complete), true) if until_caught_up => End::BeforeCaughtUp,
        (end, _) => end,
    };
    // Threads that still wait for it would panic if it went before the process does.
    std::mem::forget((runtime, aside));
    conclude(&end, &metrics)
}

/// Waits for the reader's end, and passes signals on. Says whether there was a signal.
fn wait(inbox: &Receiver<Event>, to_reader: &Sender<ToReader>, timeout: Duration) -> (End, bool) {
    let mut deadline: Option<Instant> = None;
    loop {
        let event = match deadline {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        match event {
            Ok(Event::Ended(ending)) => return (End::Ended(ending), deadline.is_some()),
            Ok(Event::Signal(name)) if deadline.is_none() => {
                tracing::info!(signal = name, timeout = ?timeout, "stopping: settling what is in flight; a second signal stops at once");
                // The reader keeps the deadline; a little more is for leaving the group.
                deadline = Some(Instant::now() + timeout + Duration::from_secs(6));
                if to_reader.send(ToReader::Shutdown(timeout)).is_err() {
                    tracing::debug!("the reader has ended already");
                }
            }
            Ok(Event::Signal(name)) => return (End::AtOnce(name), true),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return (End::Hanging, deadline.is_some());
            }
        }
    }
}

/// Says how it ended, and what became of what was received: the last line of the log.
fn conclude(end: &End, metrics: &Metrics) -> ExitStatus {
    let of = |fate| metrics.records(Some(fate));
    let (received, indexed, duplicate) = (metrics.records(None), of("indexed"), of("duplicate"));
    let (dropped, dead_lettered) = (of("dropped"), of("dead_lettered"));
    let status = if matches!(end, End::Ended(Ending::Complete)) { ExitStatus::Done } else { ExitStatus::Unsettled };
    let why = match end {
        End::Ended(Ending::Complete) => Ending::Complete.to_string(),
        End::Ended(ending) => format!("{ending}; run it again to go on"),
        End::BeforeCaughtUp => {
            "by a signal before it had caught up; all that was received is settled; run it again to go on".to_owned()
        }
        End::AtOnce(signal) => format!("at once, by a second signal ({signal}); run it again to go on"),
        End::Hanging => "the deadline passed and a thread still hangs; run it again to go on".to_owned(),
    };
    let exit = status.code();
    if status == ExitStatus::Done {
        tracing::info!(exit, received, indexed, duplicate, dropped, dead_lettered, "stopped: {why}");
    } else {
        tracing::warn!(exit, received, indexed, duplicate, dropped, dead_lettered, "stopped: {why}");
    }
    status
}

fn fail(fault: &StartFault) -> ExitStatus {
    let StartFault::Own(why) = fault;
    tracing::error!(why, "cannot start");
    ExitStatus::Fault
}

/// Passes signals on: those that end the process to the main thread, SIGHUP to the thread that loads pipelines again.
fn listen(runtime: &Runtime, events: &Sender<Event>, hang_ups: &Sender<()>) -> Result<(), String> {
    let end = |name| {
        let events = events.clone();
        move || events.send(Event::Signal(name)).is_ok()
    };
    let hang_ups = hang_ups.clone();
    on_signal(runtime, SignalKind::terminate(), end("SIGTERM"))?;
    on_signal(runtime, SignalKind::interrupt(), end("SIGINT"))?;
    on_signal(runtime, SignalKind::hangup(), move || hang_ups.send(()).is_ok())
}

fn on_signal(runtime: &Runtime, kind: SignalKind, tell: impl Fn() -> bool + Send + 'static) -> Result<(), String> {
    let _entered = runtime.enter();
    let mut signals =
        signal(kind).map_err(|error| format!("signal {} cannot be listened to: {error}", kind.as_raw_value()))?;
    runtime.spawn(async move {
        while signals.recv().await.is_some() {
            if !tell() {
                return;
            }
        }
    });
    Ok(())
}
