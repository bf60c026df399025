//! What the commands that read a configuration have in common: the file and the flags that stand above it.

use std::env;
use std::path::PathBuf;

use clap::Args;

use crate::config::{Fault, Faults, Place, Setting, Sources};

/// Where the configuration comes from.
#[derive(Args)]
pub(super) struct Settings {
    /// The configuration; without it kelp.yaml in this folder, if there is one.
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Kafka's brokers, parted by commas (kafka.bootstrap_servers).
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap_servers: Option<String>,
    /// The consumer group (kafka.group_id).
    #[arg(long, value_name = "NAME")]
    group_id: Option<String>,
    /// An Elasticsearch node; may be given several times (elasticsearch.endpoints).
    #[arg(long, value_name = "URL")]
    endpoint: Vec<String>,
    /// The folder with the pipelines, or files parted by commas (pipelines).
    #[arg(long, value_name = "PATH")]
    pipelines: Option<String>,
    /// Worker threads: auto or a number (threads).
    #[arg(long, value_name = "N")]
    threads: Option<String>,
    /// Memory for queues, batches and requests, like 512MiB (memory_limit).
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
    /// The address of /metrics, /livez and /readyz (admin.listen).
    #[arg(long, value_name = "IP:PORT")]
    admin_listen: Option<String>,
    /// Write down what happens inside, to be replayed when something looks wrong (trace.file).
    #[arg(long, value_name = "FILE")]
    trace: Option<String>,
}

impl Settings {
    /// Everything that the configuration is made from: file, environment, flags.
    ///
    /// # Errors
    /// A working folder that is gone, or variables that are no text.
    pub(super) fn sources(self) -> Result<Sources, Faults> {
        let folder = env::current_dir().map_err(|error| {
            let what = format!("the working folder cannot be found: {error}");
            Faults(vec![Fault { place: Place::File(".".to_owned()), what, hint: None }])
        })?;
        Ok(Sources { file: self.config.clone(), folder, variables: variables()?, flags: self.flags() })
    }

    fn flags(self) -> Vec<Setting> {
        let mut flags = Vec::new();
        let mut set = |flag: &'static str, path: &[&str], values: Vec<String>| {
            if !values.is_empty() {
                let path = path.iter().map(|key| (*key).to_owned()).collect();
                flags.push(Setting { path, values, place: Place::Flag(flag) });
            }
        };
        let one = |value: Option<String>| value.into_iter().collect();
        set("--bootstrap-servers", &["kafka", "bootstrap_servers"], one(self.bootstrap_servers));
        set("--group-id", &["kafka", "group_id"], one(self.group_id));
        set("--endpoint", &["elasticsearch", "endpoints"], self.endpoint);
        set("--pipelines", &["pipelines"], one(self.pipelines));
        set("--threads", &["threads"], one(self.threads));
        set("--memory-limit", &["memory_limit"], one(self.memory_limit));
        set("--admin-listen", &["admin", "listen"], one(self.admin_listen));
        set("--trace", &["trace", "file"], one(self.trace));
        flags
    }
}

/// The variables of the environment. Those that are settings have to be text; of others, what is no text is not there.
fn variables() -> Result<Vec<(String, String)>, Faults> {
    let mut variables = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        match value.into_string() {
            Ok(value) => variables.push((name, value)),
            Err(_) if name.starts_with("KELP_") => faults.push(Fault {
                place: Place::Variable(name),
                what: "is not UTF-8 text".to_owned(),
                hint: Some("set it again, or unset it".to_owned()),
            }),
            Err(_) => {}
        }
    }
    if faults.is_empty() { Ok(variables) } else { Err(Faults(faults)) }
}
