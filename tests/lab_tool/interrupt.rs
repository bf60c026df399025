//! Ctrl-C and SIGTERM: the first lets the command stop what it started, the second or 10 s more end it at once. Even
//! then nothing is left behind: servers notice that their owner is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::lab::Result;

/// Tells whether the user has had enough.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts to watch, on a thread of its own.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn watch() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let interrupt = Self(Arc::new(AtomicBool::new(false)));
        let flag = interrupt.clone();
        let mut signals = runtime.block_on(async {
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            kinds.into_iter().map(signal).collect::<std::io::Result<Vec<_>>>()
        })?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let [int, term, hup] = &mut signals[..] else { return };
                let mut next =
                    async || tokio::select! { _ = int.recv() => {}, _ = term.recv() => {}, _ = hup.recv() => {} };
                next().await;
                flag.0.store(true, Ordering::Relaxed);
                eprintln!("\nstopping");
                tokio::select! { () = next() => {}, () = tokio::time::sleep(Duration::from_secs(10)) => {} }
                std::process::exit(130);
            });
        });
        Ok(interrupt)
    }

    /// True after the first signal.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails after the first signal.
    ///
    /// # Errors
    /// "interrupted".
    pub fn check(&self) -> Result<()> {
        if self.is_set() { Err("interrupted".into()) } else { Ok(()) }
    }

    /// Waits for the first signal, or until `watch` fails; it is called five times a second.
    ///
    /// # Errors
    /// Those of `watch`.
    pub fn wait(&self, mut watch: impl FnMut() -> Result<()>) -> Result<()> {
        while !self.is_set() {
            watch()?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}
