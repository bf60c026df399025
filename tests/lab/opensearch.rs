//! A real OpenSearch 3 on loopback, for those who ask for one: not every run needs it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::elastic::Client;
use super::process::Process;
use super::servers::RunFolder;
use super::{Result, home, ports, wait_until};

const DEADLINE: Duration = Duration::from_secs(120);

/// The node. Dropping it kills it and removes its data. It derefs to its [`Client`].
#[derive(Debug)]
pub struct OpenSearch {
    client: Client,
    // Before its folder: it is killed first.
    _process: Process,
    _folder: RunFolder,
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
        let node: PathBuf = folder.path().join("opensearch");
        std::fs::create_dir_all(&node)?;
        let mut process = spawn(&jars, &node, port)?;
        let client = Client::new(&format!("http://127.0.0.1:{port}"))?;
        wait_until("OpenSearch", DEADLINE, || {
            process.expect_alive()?;
            Ok(client.get("/_cluster/health?wait_for_status=yellow&timeout=1s").ok())
        })
        .map_err(|error| format!("{error}; {}", process.tail()))?;
        Ok(Some(Self { client, _process: process, _folder: folder }))
    }
}

impl std::ops::Deref for OpenSearch {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

fn spawn(jars: &home::Jars, folder: &Path, port: u16) -> Result<Process> {
    let mut java = Command::new(&jars.java);
    java.args(["-Xms256m", "-Xmx768m", "--add-modules", "jdk.incubator.vector"]);
    java.arg(format!("-Dlab.folder={}", folder.display()));
    java.args(["-cp", &jars.class_path, "Server"]).arg(folder.join("node")).arg(port.to_string());
    Process::start("OpenSearch", java.current_dir(folder), &folder.with_extension("log"))
}
