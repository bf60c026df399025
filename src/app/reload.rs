//! The thread that watches the pipeline files and, when they change or SIGHUP comes, has their new versions take over.
//!
//! The files are read and compared whole, every other second: that notices whatever way they change in, a ConfigMap's
//! symbolic links included. A change counts once two looks in a row have found the same, so that half a file is not taken
//! for a whole one. Everything is compiled, tested and prepared first; on any mistake the versions in force run on, and
//! the reason stands in the log, in `/readyz` and in a metric.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::runtime::Handle;

use super::messages::ToReader;
use super::plan::{Files, check_pipelines, read_files, templates};
use crate::admin::Health;
use crate::config::{self, Fault, Template};
use crate::elastic::Elastic;
use crate::kafka::{KafkaSettings, Side};
use crate::metrics::Metrics;
use crate::pipeline::Pipeline;
use crate::reader::{Reload, Routes};
use crate::record::Route;
use crate::telemetry::{Tell, Teller};
use crate::worker::Pipelines;

/// Time between looks at the files.
const LOOK: Duration = Duration::from_secs(2);
/// How long the broker may take to answer.
const ASK: Duration = Duration::from_secs(5);
/// The note in `/readyz`.
const NOTE: &str = "pipelines";

/// Everything that the thread has.
pub struct ReloadLoop {
    /// Where the files are.
    pub sources: config::Pipelines,
    /// The index template.
    pub template: Template,
    /// The topic that no pipeline may read.
    pub dead_letter_topic: String,
    /// For looking at new topics.
    pub kafka: KafkaSettings,
    /// For preparing new indices.
    pub elastic: Arc<Elastic>,
    /// Where requests run.
    pub runtime: Handle,
    /// The pipelines in force.
    pub pipelines: Vec<Arc<Pipeline>>,
    /// Which pipeline each topic belongs to, and those that were read before belonged to.
    pub by_topic: Arc<Pipelines>,
    /// Their files.
    pub files: Files,
    /// SIGHUP.
    pub signals: Receiver<()>,
    /// Where a new version is announced.
    pub reader: Sender<ToReader>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is noted.
    pub health: Arc<Health>,
    /// What was told.
    pub teller: Arc<Teller>,
}

/// Why the new files are not in force.
enum Refusal {
    /// The files themselves: nothing changes until they do.
    Files(Vec<String>),
    /// Kafka or Elasticsearch: it is tried again.
    Surroundings(String),
}

impl ReloadLoop {
    /// Runs until the process ends.
    pub fn run(mut self) {
        // Both results are shown from the start.
        for result in ["ok", "refused"] {
            self.metrics.reloads.with_label_values(&[result]).inc_by(0);
        }
        // What was found by the last look, and what was refused for good.
        let (mut seen, mut refused) = (self.files.clone(), None);
        loop {
            let asked = match self.signals.recv_timeout(LOOK) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // An unreadable folder is a mistake like any other; as such it is an empty set of files.
            let read = self.read();
            let found = read.clone().unwrap_or_default();
            let steady = found == std::mem::replace(&mut seen, found.clone());
            if !asked && (!steady || refused.as_ref() == Some(&found)) {
                continue;
            }
            if !asked && found == self.files {
                // Perhaps a mistake was taken back.
                if refused.take().is_some() {
                    self.accepted();
                }
                continue;
            }
            refused = match read.map_err(|why| Refusal::Files(vec![why])).and_then(|files| self.reload(files)) {
                Ok(()) => None,
                Err(refusal) => self.refuse(refusal).then_some(found),
            };
        }
    }

    fn reload(&mut self, files: Files) -> Result<(), Refusal> {
        let checked = check_pipelines(&files, Path::new(""), Some(&self.dead_letter_topic));
        let told = |fault: &Fault| fault.to_string();
        if !checked.faults.is_empty() {
            return Err(Refusal::Files(checked.faults.iter().map(told).collect()));
        }
        if checked.pipelines.is_empty() {
            return Err(Refusal::Files(vec!["no pipeline file (*.yaml) was found".to_owned()]));
        }
        let templates =
            templates(&self.template, &checked.pipelines).map_err(|fault| Refusal::Files(vec![told(&fault)]))?;
        let topics = topics_of(&checked.pipelines);
        let before = topics_of(&self.pipelines);
        self.prepare(&topics, &templates).map_err(Refusal::Surroundings)?;
        // The group may give partitions of a topic that is read no more until it knows.
        let mut by_topic = Pipelines::clone(&self.by_topic);
        for pipeline in &checked.pipelines {
            by_topic.extend(pipeline.topics().iter().map(|topic| (topic.as_str().into(), Arc::clone(pipeline))));
        }
        let by_topic = Arc::new(by_topic);
        let topics = (topics != before).then(|| topics.into_iter().collect());
        let reload = Reload { routes: routes(&by_topic), topics };
        if self.reader.send(ToReader::Reload(reload, Arc::clone(&by_topic))).is_err() {
            tracing::debug!("the reader has ended already");
        }
        self.show(&checked.pipelines);
        self.pipelines = checked.pipelines;
        self.by_topic = by_topic;
        self.files = files;
        self.accepted();
        self.metrics.reloads.with_label_values(&["ok"]).inc();
        let versions: Vec<String> =
            self.pipelines.iter().map(|pipeline| format!("{} {}", pipeline.name(), pipeline.version())).collect();
        tracing::info!(
            pipelines = versions.join(", "),
            "the pipelines were loaded again: each partition takes its new version over once what it has read is settled"
        );
        Ok(())
    }

    /// What has to be there before the first record is read and the first document is sent.
    fn prepare(&self, topics: &BTreeSet<Arc<str>>, templates: &crate::elastic::Templates) -> Result<(), String> {
        let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
        let side = Side::new(&self.kafka).map_err(|error| error.to_string())?;
        side.partitions(&topics, ASK)?;
        side.ensure_dead_letters(&self.dead_letter_topic, &topics, ASK)?;
        self.runtime.block_on(self.elastic.prepare(templates))
    }

    /// Tells why; true if only other files can help.
    fn refuse(&self, refusal: Refusal) -> bool {
        let (lines, lasting) = match refusal {
            Refusal::Files(lines) => (lines, true),
            Refusal::Surroundings(why) => (vec![why], false),
        };
        let why = lines.join("; ");
        if lasting || matches!(self.teller.note(&why), Tell::Now { .. }) {
            self.metrics.reloads.with_label_values(&["refused"]).inc();
            for line in &lines {
                tracing::error!(why = line, "the pipelines are not loaded again: those before stay in force");
            }
        }
        self.metrics.reload_refused.set(1);
        self.health.note(NOTE, Some(format!("the files have changed and are not in force: {why}")));
        lasting
    }

    fn accepted(&self) {
        self.metrics.reload_refused.set(0);
        self.health.note(NOTE, None);
    }

    /// Shows the versions in force, and no more those of pipelines that are gone.
    fn show(&self, pipelines: &[Arc<Pipeline>]) {
        for gone in self.pipelines.iter().filter(|old| !pipelines.iter().any(|new| new.name() == old.name())) {
            let labels = [gone.name(), gone.version()];
            if let Err(error) = self.metrics.pipeline_info.remove_label_values(&labels) {
                tracing::debug!(%error, "no series to remove");
            }
        }
        for pipeline in pipelines {
            self.metrics.pipeline_in_force(pipeline.name(), pipeline.version());
        }
    }

    fn read(&self) -> Result<Files, String> {
        let paths = self.sources.files().map_err(|(path, error)| format!("{}: {error}", path.display()))?;
        let (files, faults) = read_files(&paths, Path::new(""));
        match faults.first() {
            Some(fault) => Err(fault.to_string()),
            None => Ok(files),
        }
    }
}

fn topics_of(pipelines: &[Arc<Pipeline>]) -> BTreeSet<Arc<str>> {
    pipelines.iter().flat_map(|pipeline| pipeline.topics()).map(|topic| topic.as_str().into()).collect()
}

/// What reads each topic, for the reader.
pub fn routes(by_topic: &Pipelines) -> Routes {
    let route = |pipeline: &Pipeline| Route {
        pipeline: pipeline.name().into(),
        version: pipeline.version().into(),
        field: pipeline.origin_field().into(),
    };
    by_topic.iter().map(|(topic, pipeline)| (Arc::clone(topic), Arc::new(route(pipeline)))).collect()
}
