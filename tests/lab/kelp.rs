//! The real binary, driven from outside: configured by a file, watched by `/metrics`, ended by signals.

mod metrics;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

pub use metrics::Metrics;

use super::process::{Process, Usage};
use super::{Result, ports, unix, wait_until};

/// What goes into `kelp.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Kafka's `host:port`.
    pub bootstrap: String,
    /// The consumer group.
    pub group: String,
    /// Elasticsearch's `http://host:port`, several parted by commas.
    pub elasticsearch: String,
    /// Files or a folder.
    pub pipelines: Vec<PathBuf>,
    /// Further lines of the section `kafka`, each without indentation.
    pub kafka: Vec<String>,
    /// Further lines of the section `elasticsearch`, each without indentation.
    pub elastic: Vec<String>,
    /// Variables of its environment.
    pub variables: Vec<(String, String)>,
    /// Further lines at the top level, each as it is to stand in the file (`memory_limit: 64MiB`).
    pub more: Vec<String>,
}

impl Config {
    /// Where to read from, where to write to, by which pipelines; everything else is the default.
    pub fn new(bootstrap: &str, group: &str, elasticsearch: &str, pipelines: &[&Path]) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            group: group.into(),
            elasticsearch: elasticsearch.into(),
            pipelines: pipelines.iter().map(|path| path.to_path_buf()).collect(),
            kafka: Vec::new(),
            elastic: Vec::new(),
            variables: Vec::new(),
            more: Vec::new(),
        }
    }

    /// The file's text, with an admin port of its own.
    fn text(&self, admin: u16) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let endpoints: Vec<_> = self.elasticsearch.split(',').map(quoted).collect();
        let mut lines = vec![
            "kafka:".to_owned(),
            format!("  bootstrap_servers: {}", quoted(&self.bootstrap)),
            format!("  group_id: {}", quoted(&self.group)),
        ];
        lines.extend(self.kafka.iter().map(|line| format!("  {line}")));
        lines.extend(["elasticsearch:".to_owned(), format!("  endpoints: [{}]", endpoints.join(", "))]);
        lines.extend(self.elastic.iter().map(|line| format!("  {line}")));
        let pipelines: Vec<_> = self.pipelines.iter().map(|path| quoted(&path.display().to_string())).collect();
        lines.push(format!("pipelines: [{}]", pipelines.join(", ")));
        lines.push(format!("admin: {{listen: \"127.0.0.1:{admin}\"}}"));
        lines.extend(self.more.iter().cloned());
        lines.join("\n") + "\n"
    }
}

/// One running or ended `kelp run`. Dropping it kills it; it also dies with the thread that started it.
#[derive(Debug)]
pub struct Kelp {
    process: Process,
    admin: String,
    http: reqwest::blocking::Client,
}

impl Kelp {
    /// Writes `<folder>/<group>-<port>.yaml` and starts `kelp run -c` on it with further arguments. The log stands beside it.
    /// Nothing of the environment that begins with `KELP_` is passed on but the configuration's own variables.
    ///
    /// # Errors
    /// The disk says no, or the binary is not there.
    pub fn start(binary: &Path, folder: &Path, config: &Config, arguments: &[&str]) -> Result<Self> {
        let [admin] = ports::free()?;
        let file = folder.join(format!("{}-{admin}.yaml", config.group));
        std::fs::write(&file, config.text(admin))?;
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KELP_")) {
            command.env_remove(name);
        }
        command.envs(config.variables.iter().map(|(name, value)| (name, value)));
        command.args(["run", "-c"]).arg(&file).args(arguments);
        unix::die_with_parent(&mut command);
        let process = Process::start("kelp", &mut command, &file.with_extension("log"))?;
        let http = reqwest::blocking::Client::builder().timeout(Duration::from_secs(5)).no_proxy().build()?;
        Ok(Self { process, admin: format!("http://127.0.0.1:{admin}"), http })
    }

    /// Where its admin interface listens: `http://host:port`.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// Its process: pid, log, signals, usage.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Everything that it wrote to stdout and stderr so far.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn output(&self) -> Result<String> {
        self.process.output()
    }

    /// What `/metrics` says now.
    ///
    /// # Errors
    /// It does not answer.
    pub fn metrics(&self) -> Result<Metrics> {
        Ok(Metrics::parse(&self.http.get(format!("{}/metrics", self.admin)).send()?.error_for_status()?.text()?))
    }

    /// The status code of a path of the admin interface (`/livez`, `/readyz`).
    ///
    /// # Errors
    /// It does not answer.
    pub fn probe(&self, path: &str) -> Result<u16> {
        Ok(self.http.get(format!("{}{path}", self.admin)).send()?.status().as_u16())
    }

    /// The body of a path of the admin interface.
    ///
    /// # Errors
    /// It does not answer.
    pub fn body(&self, path: &str) -> Result<String> {
        Ok(self.http.get(format!("{}{path}", self.admin)).send()?.text()?)
    }

    /// Waits until `/metrics` answers and `condition` holds for it.
    ///
    /// # Errors
    /// Kelp ended, or `deadline` passed; with the log's end.
    pub fn wait_metrics(
        &mut self,
        what: &str,
        deadline: Duration,
        condition: impl Fn(&Metrics) -> bool,
    ) -> Result<Metrics> {
        let waited = wait_until(what, deadline, || {
            self.process.expect_alive()?;
            Ok(self.metrics().ok().filter(&condition))
        });
        waited.map_err(|error| format!("{error}; {}", self.process.tail()).into())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It still runs after `deadline`.
    pub fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.process.wait(deadline)
    }

    /// Waits for its end and demands an exit code.
    ///
    /// # Errors
    /// It still runs after `deadline`, or ended otherwise; with the log's end.
    pub fn expect_exit(&mut self, code: i32, deadline: Duration) -> Result<()> {
        let status = self.wait(deadline)?;
        if status.code() == Some(code) {
            return Ok(());
        }
        Err(format!("kelp ended with {status} instead of exit code {code}; {}", self.process.tail()).into())
    }

    /// SIGTERM.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.signal(libc::SIGTERM)
    }

    /// SIGKILL, and reaps it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Peak memory and CPU time.
    pub fn usage(&mut self) -> Usage {
        self.process.usage()
    }
}
