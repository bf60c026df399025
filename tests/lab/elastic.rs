//! A real Elasticsearch on loopback.

mod client;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub use client::Client;

use super::process::Process;
use super::{Result, home, ports, wait_until};

const DEADLINE: Duration = Duration::from_secs(600);

/// The node. Dropping it kills it and removes its data. It derefs to its [`Client`].
#[derive(Debug)]
pub struct Elastic {
    folder: PathBuf,
    jars: home::Jars,
    ports: [u16; 2],
    client: Client,
    process: Process,
}

impl Elastic {
    /// Starts a node with its data in `folder`, without waiting for it.
    ///
    /// # Errors
    /// The jars cannot be had, or nothing can be started.
    pub fn start(folder: &Path) -> Result<Self> {
        let jars = home::jars("elasticsearch")?;
        let folder = folder.join("elasticsearch");
        for name in ["config", "modules", "plugins", "lib"] {
            std::fs::create_dir_all(folder.join("home").join(name))?;
        }
        let ports = ports::free()?;
        let process = spawn(&folder, &jars, ports)?;
        let client = Client::new(&format!("http://127.0.0.1:{}", ports[0]))?;
        Ok(Self { folder, jars, ports, client, process })
    }

    /// Waits until the node has elected itself and answers.
    ///
    /// # Errors
    /// It ended, or does not answer in ten minutes; with the end of its log.
    pub fn await_ready(&mut self) -> Result<()> {
        self.await_ready_while(&|| Ok(()))
    }

    /// The same, unless `check` fails meanwhile.
    ///
    /// # Errors
    /// As for [`Elastic::await_ready`], and those of `check`.
    pub fn await_ready_while(&mut self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        await_health("Elasticsearch", &self.client, &mut self.process, check)
    }

    /// The node's process, for signals (SIGSTOP, SIGCONT) and its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills the node as a power cut would. Data and port stay.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn stop(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts a stopped node on the same data and port, and waits until it answers.
    ///
    /// # Errors
    /// As for [`Elastic::start`] and [`Elastic::await_ready`].
    pub fn start_again(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = spawn(&self.folder, &self.jars, self.ports)?;
        self.await_ready()
    }
}

impl std::ops::Deref for Elastic {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Elastic {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| Ok(std::fs::remove_dir_all(&self.folder)?)) {
            eprintln!("cannot clean up after Elasticsearch: {error}");
        }
    }
}

/// Waits until a node has elected itself and answers, as long as its process is there and `check` holds.
pub(super) fn await_health(
    name: &str,
    client: &Client,
    process: &mut Process,
    check: &dyn Fn() -> Result<()>,
) -> Result<()> {
    wait_until(name, DEADLINE, || {
        check()?;
        process.expect_alive()?;
        Ok(client.get("/_cluster/health?wait_for_status=yellow&timeout=1s").ok())
    })
    .map_err(|error| format!("{error}; {}", process.tail()))?;
    Ok(())
}

fn spawn(folder: &Path, jars: &home::Jars, [http, transport]: [u16; 2]) -> Result<Process> {
    let mut java = Command::new(&jars.java);
    java.args(["-Xms256m", "-Xmx1g", "-Dlog4j2.level=INFO", "-Dlog4j2.formatMsgNoLookups=true"]);
    java.arg(format!("-Dlab.folder={}", folder.display())).args(["-cp", &jars.class_path, "Server"]);
    java.arg(format!("path.home={}", folder.join("home").display()));
    java.arg(format!("path.data={}", folder.join("data").display()));
    java.args([format!("http.port={http}"), format!("transport.port={transport}")]);
    java.args([
        "cluster.name=lab",
        "node.name=lab",
        "network.host=127.0.0.1",
        "discovery.type=single-node",
        "http.type=netty4",
        "transport.type=netty4",
        "cluster.routing.allocation.disk.threshold_enabled=false",
    ]);
    Process::start("Elasticsearch", java.current_dir(folder), &folder.join("log"))
}
