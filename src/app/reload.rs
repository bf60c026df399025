//! The thread that watches the pipeline files and, when they change or SIGHUP comes, has their new versions take over.
//!
//! The files are read and compared whole, every other second: that notices whatever way they change in, a ConfigMap's
//! symbolic links included. A change counts once two looks in a row have found the same, so that half a file is not taken
//! for a whole one. Everything is compiled, tested and prepared first; on any mistake the versions in force run on, and
//! the reason stands in the log, in `/readyz` and in a metric.
//!
//! Topics that patterns match are watched here, too: whatever changes what is read comes to the reader by one way. So are the
//! files of Kafka's user and password.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use tokio::runtime::Handle;

use super::messages::ToReader;
use super::plan::{Files, check_pipelines, read_files, routes, templates};
use super::secrets::Secrets;
use super::topics::{self, Watch};
use crate::admin::Health;
use crate::config::{self, Fault, Template};
use crate::elastic::Elastic;
use crate::kafka::{KafkaSettings, Side};
use crate::metrics::Metrics;
use crate::pipeline::{Pipeline, Routes};
use crate::reader::Reload;
use crate::record::Route;
use crate::telemetry::{Tell, Teller};
use crate::worker::Pipelines;

/// Time between looks at the files.
const LOOK: Duration = Duration::from_secs(2);
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
    /// User and password of that, where they stand in files.
    pub secrets: Secrets,
    /// For preparing new indices.
    pub elastic: Arc<Elastic>,
    /// Where requests run.
    pub runtime: Handle,
    /// The pipelines in force.
    pub pipelines: Vec<Arc<Pipeline>>,
    /// Their topics and patterns.
    pub routes: Arc<Routes>,
    /// Which pipeline each topic belongs to, and those that were read before belonged to.
    pub by_topic: Arc<Pipelines>,
    /// The topics that are subscribed to.
    pub watch: Watch,
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

/// What was found when the files were looked at.
struct Seen {
    /// By the last look.
    last: Files,
    /// What was refused for good.
    refused: Option<Files>,
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
        let mut seen = Seen { last: self.files.clone(), refused: None };
        let mut side = None;
        loop {
            let asked = match self.signals.recv_timeout(LOOK) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.secrets.look(&mut self.kafka) {
                side = None;
            }
            if asked {
                self.elastic.renew();
            }
            self.look_at_files(asked, &mut seen);
            if self.routes.has_patterns() {
                side = side.or_else(|| Side::new(&self.kafka).ok());
                let topics = side.as_ref().and_then(|side| self.watch.look(side, &self.routes, &self.teller));
                if let Some(topics) = topics {
                    self.hand_over(topics);
                }
            }
        }
    }

    fn look_at_files(&mut self, asked: bool, seen: &mut Seen) {
        // An unreadable folder is a mistake like any other; as such it is an empty set of files.
        let read = self.read();
        let found = read.clone().unwrap_or_default();
        let steady = found == std::mem::replace(&mut seen.last, found.clone());
        if !asked && (!steady || seen.refused.as_ref() == Some(&found)) {
            return;
        }
        if !asked && found == self.files {
            // Perhaps a mistake was taken back.
            seen.refused = None;
            if self.metrics.reload_refused.get() != 0 {
                tracing::info!("the pipeline files are again those in force: the refusal is over, and nothing changes");
                self.accepted();
            }
            return;
        }
        seen.refused = match read.map_err(|why| Refusal::Files(vec![why])).and_then(|files| self.reload(files)) {
            Ok(()) => None,
            Err(refusal) => self.refuse(refusal).then_some(found),
        };
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
        let routes = routes(&checked.pipelines, &self.dead_letter_topic);
        let topics = self.prepare(&routes, &templates).map_err(Refusal::Surroundings)?;
        self.routes = routes;
        self.hand_over(topics);
        self.show(&checked.pipelines);
        self.pipelines = checked.pipelines;
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

    /// Tells the reader what to read from now on, and by which pipelines.
    fn hand_over(&mut self, topics: BTreeSet<String>) {
        // The group may give partitions of a topic that is read no more until it knows.
        self.by_topic = Arc::new(topics::in_force(&self.routes, &topics, &self.by_topic));
        let changed = topics != *self.watch.subscribed();
        let names = changed.then(|| topics.iter().map(|topic| topic.as_str().into()).collect());
        let reload = Reload { routes: routes_of(&self.by_topic), topics: names };
        if self.reader.send(ToReader::Reload(reload, Arc::clone(&self.by_topic))).is_err() {
            tracing::debug!("the reader has ended already");
        }
        if changed {
            self.watch = Watch::new(topics);
        }
    }

    /// What has to be there before the first record is read and the first document is sent. Gives the topics.
    fn prepare(&self, routes: &Routes, templates: &crate::elastic::Templates) -> Result<BTreeSet<String>, String> {
        let side = Side::new(&self.kafka).map_err(|error| error.to_string())?;
        let (topics, _) = topics::prepare(&side, routes, &self.dead_letter_topic)?;
        self.runtime.block_on(self.elastic.prepare(templates))?;
        Ok(topics)
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

/// What reads each topic, for the reader.
pub fn routes_of(by_topic: &Pipelines) -> crate::reader::Routes {
    let route = |pipeline: &Pipeline| Route {
        pipeline: pipeline.name().into(),
        version: pipeline.version().into(),
        field: pipeline.origin_field().into(),
    };
    by_topic.iter().map(|(topic, pipeline)| (Arc::clone(topic), Arc::new(route(pipeline)))).collect()
}
