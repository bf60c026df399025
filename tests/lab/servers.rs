//! Both real servers of a run; the integration tests share one pair.

use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::elastic::Elastic;
use super::kafka::Kafka;
use super::{Result, home};

/// A real Kafka and a real Elasticsearch. Dropping them kills them and removes the run's folder; should the process that
/// owns them be killed, they notice and do so themselves.
#[derive(Debug)]
pub struct Servers {
    /// The broker.
    pub kafka: Kafka,
    /// The node.
    pub elastic: Elastic,
    // Last: removed after the servers are gone.
    folder: RunFolder,
}

impl Servers {
    /// Starts both, side by side, and waits until they answer: about 7 s.
    ///
    /// # Errors
    /// A server's jars cannot be had or it does not come up.
    pub fn start(kafka_settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_while(kafka_settings, || Ok(()))
    }

    /// The same, unless `check` fails meanwhile.
    ///
    /// # Errors
    /// As for [`Servers::start`], and those of `check`.
    pub fn start_while(kafka_settings: &[(&str, &str)], check: impl Fn() -> Result<()>) -> Result<Self> {
        let folder = RunFolder::new()?;
        let elastic = Elastic::start(folder.path())?;
        let kafka = Kafka::start(folder.path(), kafka_settings)?;
        let mut servers = Self { kafka, elastic, folder };
        servers.kafka.await_ready_while(&check)?;
        servers.elastic.await_ready_while(&check)?;
        Ok(servers)
    }

    /// The run's folder; removed in the end.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A run's folder, removed when dropped.
#[derive(Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes one.
    ///
    /// # Errors
    /// The disk says no.
    pub fn new() -> Result<Self> {
        home::run_folder().map(Self)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

// The one exception to "no globals": the test harness gives its tests nothing to share things with.
static SHARED: OnceLock<RwLock<Servers>> = OnceLock::new();

fn shared() -> &'static RwLock<Servers> {
    SHARED.get_or_init(|| RwLock::new(Servers::start(&[]).unwrap_or_else(|error| panic!("no servers: {error}"))))
}

/// The servers that all integration tests share, started by whoever comes first. Tests that use this run side by side:
/// each names its own topics, groups and indices.
///
/// # Panics
/// The servers do not come up.
pub fn servers() -> RwLockReadGuard<'static, Servers> {
    shared().read().unwrap_or_else(PoisonError::into_inner)
}

/// The same servers without anybody else on them: for tests that stop them, starve them or change their settings. Such
/// a test leaves them running and as they were, even if it fails.
///
/// # Panics
/// The servers do not come up.
pub fn servers_alone() -> RwLockWriteGuard<'static, Servers> {
    let mut servers = shared().write().unwrap_or_else(PoisonError::into_inner);
    // What an earlier, failed test left stopped is started again.
    for process in [servers.elastic.process().pid(), servers.kafka.process().pid()] {
        // One that has ended cannot be woken: it is started again below.
        super::unix::kill(process, libc::SIGCONT).ok();
    }
    if servers.elastic.process().expect_alive().is_err() {
        servers.elastic.start_again().unwrap_or_else(|error| panic!("no Elasticsearch: {error}"));
    }
    if servers.kafka.process().expect_alive().is_err() {
        servers.kafka.start_again().unwrap_or_else(|error| panic!("no Kafka: {error}"));
    }
    servers
}
