//! `kelp run`: the service itself.

use std::env;
use std::path::PathBuf;

use clap::Args;

use crate::app;
use crate::config::{self, Config, Fault, Faults, Place, Setting, Sources};
use crate::exit::ExitStatus;
use crate::telemetry;

const EXAMPLES: &str = "\
What is set here stands above KELP_… variables, which stand above the file.
A variable is named after the keys in the file, with two underscores between:
  KELP_ELASTICSEARCH__ENDPOINTS=https://es-1:9200,https://es-2:9200

Examples:
  kelp run
  kelp run -c /etc/kelp/kelp.yaml --memory-limit 1GiB
  kelp run --bootstrap-servers kafka-1:9092,kafka-2:9092 --endpoint https://es:9200";

/// Run the service: take records, index them, commit what is settled.
///
/// SIGTERM or Ctrl-C ends it in order: no more intake, settle what is in flight, commit, leave the group. A second one
/// ends it at once; nothing is lost by it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration; without it kelp.yaml in this folder, if there is one.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End with 0 once everything that was in the partitions when they were assigned is settled and committed.
    #[arg(long)]
    until_caught_up: bool,
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
}

impl Arguments {
    pub(super) fn run(self) -> ExitStatus {
        let until_caught_up = self.until_caught_up;
        let log = set_up_log();
        match (self.config(), log) {
            (Ok(config), Ok(())) => {
                telemetry::end_on_panic();
                app::run(config, until_caught_up)
            }
            (config, log) => {
                for faults in [config.err(), log.err()].into_iter().flatten() {
                    eprintln!("{faults}");
                }
                ExitStatus::Usage
            }
        }
    }

    fn config(self) -> Result<Config, Faults> {
        let folder = env::current_dir().map_err(|error| {
            one(Place::File(".".to_owned()), format!("the working folder cannot be found: {error}"))
        })?;
        let file = self.config.clone();
        config::load(&Sources { file, folder, variables: variables()?, flags: self.flags() })
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
        flags
    }
}

fn set_up_log() -> Result<(), Faults> {
    telemetry::init(|name| env::var(name).ok()).map_err(|(name, what)| one(Place::Variable(name.to_owned()), what))
}

/// The variables with the prefix, each of which has to be text.
fn variables() -> Result<Vec<(String, String)>, Faults> {
    let mut variables = Vec::new();
    let mut faults = Vec::new();
    for (name, value) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if !name.starts_with("KELP_") {
            continue;
        }
        match value.into_string() {
            Ok(value) => variables.push((name, value)),
            Err(_) => faults.push(Fault {
                place: Place::Variable(name),
                what: "is not UTF-8 text".to_owned(),
                hint: Some("set it again, or unset it".to_owned()),
            }),
        }
    }
    if faults.is_empty() { Ok(variables) } else { Err(Faults(faults)) }
}

fn one(place: Place, what: String) -> Faults {
    Faults(vec![Fault { place, what, hint: None }])
}
