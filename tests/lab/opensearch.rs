//! A real OpenSearch 3 on loopback, for those who ask for one: not every run needs it.

use std::path::Path;
use std::process::Command;

use super::elastic::{Client, await_health};
use super::process::Process;
use super::servers::RunFolder;
use super::{Result, home, ports};

/// The node. Dropping it kills it and removes its data. It derefs to its [`Client`].
#[derive(Debug)]
pub struct OpenSearch {
    client: Client,
    jars: home::Jars,
    port: u16,
    // Before its folder: it is killed first.
    process: Process,
    folder: RunFolder,
}

impl OpenSearch {
    /// Starts a node, and waits until it answers. `None` if there is no JDK that it runs on.
    ///
    /// # Errors
    /// The jars cannot be had, or it does not come up.
    pub fn start() -> Result<Option<Self>> {
        if !home::has_java(21) {
            return Ok(None);
        }
        let jars = home::jars_on("opensearch", 21)?;
        let folder = RunFolder::new()?;
        let [port] = ports::free()?;
        let process = spawn(&jars, folder.path(), port)?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"))?;
        let mut node = Self { client, jars, port, process, folder };
        node.await_ready()?;
        Ok(Some(node))
    }

    fn await_ready(&mut self) -> Result<()> {
        await_health("OpenSearch", &self.client, &mut self.process, &|| Ok(()))
    }

    /// The node's process, for signals and its log.
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
    /// As for [`OpenSearch::start`].
    pub fn start_again(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = spawn(&self.jars, self.folder.path(), self.port)?;
        self.await_ready()
    }
}

impl std::ops::Deref for OpenSearch {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

fn spawn(jars: &home::Jars, folder: &Path, port: u16) -> Result<Process> {
    let folder = folder.join("opensearch");
    std::fs::create_dir_all(&folder)?;
    let mut java = Command::new(&jars.java);
    java.args(["-Xms256m", "-Xmx768m", "--add-modules", "jdk.incubator.vector"]);
    java.arg(format!("-Dlab.folder={}", folder.display()));
    java.args(["-cp", &jars.class_path, "Server"]).arg(folder.join("node")).arg(port.to_string());
    Process::start("OpenSearch", java.current_dir(&folder), &folder.with_extension("log"))
}
