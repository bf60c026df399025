//! Builds everything in order: pipelines, address, Kafka's side, Elasticsearch, workers, dispatch, reader.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;

use super::asker;
use super::clock::{Clock, wall_millis};
use super::dispatch::DispatchLoop;
use super::fault_point::{FaultPoint, Place};
use super::letters::{LettersLoop, on_delivered};
use super::messages::ToReader;
use super::plan::Plan;
use super::reader::ReaderLoop;
use super::reload::{ReloadLoop, routes_of};
use super::secrets::Secrets;
use super::stall::Stalls;
use super::topics::{self, Watch};
use super::trace_file;
use super::watchdog;
use super::worker::{WorkerLoop, tell_incident};
use crate::admin::{self, Condition, Health};
use crate::backoff::{Backoff, Chance};
use crate::budget::Budget;
use crate::config::{Fault, OutOfRange, Start};
use crate::dispatch::{Dispatch, Settings as DispatchSettings};
use crate::elastic::Elastic;
use crate::kafka::{self, Consumer, KafkaSettings, LetterProducer, Side};
use crate::metrics::{HeldLanes, Metrics};
use crate::passage::to_worker;
use crate::pipeline::{Pipeline, Routes};
use crate::reader::{Reader, Settings as ReaderSettings};
use crate::record::Record;
use crate::telemetry::{Tell, Teller};
use crate::worker::{BulkLimits, Incident, PipelineTransform, Pipelines, Worker};

/// How often the ids of the topics are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(10);

/// What the main thread needs.
pub(super) struct Parts {
    pub(super) reader: ReaderLoop,
    pub(super) to_reader: Sender<ToReader>,
}

/// Why nothing was started, though the plan is sound.
pub(super) enum StartFault {
    /// A fault that is no mistake of the configuration, in words for a person.
    Own(String),
}

/// A runtime of one thread. The requests have one; signals and the administrative address another, since they have to answer when the
/// dispatch hangs, and just then.
pub(super) fn runtime(thread: &str) -> Result<Runtime, String> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name(thread).enable_all().build();
    runtime.map_err(|error| format!("the runtime of {thread} cannot be started: {error}"))
}

/// Builds and starts everything but the reader's thread. `None` if it was told to stop before Kafka answered.
pub(super) fn build(
    plan: Plan,
    (until_caught_up, signals): (bool, Receiver<()>),
    (runtime, aside): (&Runtime, &Runtime),
    stopped: impl Fn() -> bool,
) -> Result<Option<Parts>, StartFault> {
    let clock = Clock::start();
    let hang_after = plan.config.hang_after.as_millis() as u64;
    let Plan { config, files, pipelines, routes, templates, warnings, .. } = plan;
    let templates = Arc::new(templates);
    for Fault { place, what, hint } in &warnings {
        tracing::warn!(%place, hint, "{what}");
    }

    let trace = config.trace.as_ref().map(trace_file::begin).transpose().map_err(StartFault::Own)?;
    let metrics = Arc::new(Metrics::new());
    let health = Arc::new(Health::new(move || clock.now().0.as_millis() as u64));
    let teller = Arc::new(Teller::new());
    metrics.built_with(&kafka::library_version());
    metrics.memory_limit_bytes.set(config.memory_limit as i64);
    metrics.bulk_concurrency.set(config.elasticsearch.concurrency as i64);
    for pipeline in &pipelines {
        metrics.pipeline_in_force(pipeline.name(), pipeline.version());
    }
    let listener = aside
        .block_on(admin::bind(config.admin_listen))
        .map_err(|error| StartFault::Own(not_bound(config.admin_listen, &error)))?;
    aside.spawn(serve_admin(listener, Arc::clone(&metrics), Arc::clone(&health)));

    let mut settings = KafkaSettings {
        bootstrap_servers: config.kafka.bootstrap_servers.clone(),
        group_id: config.kafka.group_id.clone(),
        properties: config.kafka.properties.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        queue_kbytes_per_partition: 0,
    };
    let side = Side::new(&settings).map_err(|error| StartFault::Own(error.to_string()))?;
    let ready = prepare_kafka(&side, &routes, &config.dead_letter_topic, (&teller, &health), stopped)?;
    let Some((topics, partitions)) = ready else {
        return Ok(None);
    };
    let by_topic = Arc::new(topics::in_force(&routes, &topics, &Pipelines::new()));
    // An eighth of the limit is for what librdkafka fetches ahead. It counts payloads, by partition; with its own
    // bookkeeping small records take about four times that, measured.
    let kbytes = config.memory_limit / 32 / 1024 / partitions.max(1);
    settings.queue_kbytes_per_partition = kbytes.clamp(64, 16 * 1024) as u32;

    // Two fifths are ours; the rest is for the program itself, the requests' buffers and what the allocator keeps.
    let budget = Budget::new(config.memory_limit / 5 * 2);
    metrics.in_flight_limit_bytes.set(budget.limit() as i64);
    let threads = config.threads.map_or_else(|| cores().min(partitions.max(1)), Into::into);
    metrics.threads.set(threads as i64);
    let chance = Chance::new(wall_millis() as u64 ^ u64::from(std::process::id()) << 32);

    let (to_dispatch, dispatch_inbox) = unbounded_channel();
    let (to_letters, letters_inbox) = channel();
    let (to_reader, reader_inbox) = channel();
    let mut workers = Vec::with_capacity(threads);
    let mut inboxes = Vec::with_capacity(threads);
    for _ in 0..threads {
        let (worker, inbox) = to_worker();
        workers.push(worker);
        inboxes.push(inbox);
    }

    let producer = LetterProducer::new(
        &settings,
        &config.dead_letter_topic,
        on_delivered(workers.clone(), to_letters.clone(), Arc::clone(&metrics)),
    )
    .map_err(|error| StartFault::Own(format!("the producer of the dead letters: {error}")))?;
    let mut clients = vec![producer.credentials()];
    let letters = LettersLoop {
        producer,
        inbox: letters_inbox,
        budget: budget.clone(),
        metrics: Arc::clone(&metrics),
        teller: Arc::clone(&teller),
        clock,
        chance: chance.clone().fork(),
        heart: health.heart("letters", hang_after),
        state: Default::default(),
    };
    spawn("letters", move || letters.run())?;

    let bulk = config.elasticsearch.bulk;
    for (id, inbox) in inboxes.into_iter().enumerate() {
        let limits = BulkLimits {
            max_bytes: bulk.max_bytes,
            max_documents: bulk.max_documents,
            linger: bulk.linger,
            max_document_bytes: bulk.max_document_bytes,
        };
        let noted = trace.as_ref().map(|trace| trace.worker(id, &limits));
        let (counts, told) = (Arc::clone(&metrics), Arc::clone(&teller));
        let tell = move |pipeline: &Pipeline, record: &Record<'_>, incident: Incident<'_>| {
            tell_incident(&counts, &told, pipeline, record, incident)
        };
        let watching = Arc::clone(&metrics);
        let meter = move |pipeline: &Pipeline| {
            let meter = pipeline.meter(move || clock.now());
            watching.watch(pipeline, meter.counts());
            meter
        };
        let transform = PipelineTransform::new(&by_topic, meter, tell);
        let worker = WorkerLoop {
            core: Worker::new(id, transform, limits, Some(budget.clone())),
            dispatch: to_dispatch.clone(),
            reader: to_reader.clone(),
            letters: to_letters.clone(),
            metrics: Arc::clone(&metrics),
            clock,
            heart: health.heart(format!("worker {id}"), hang_after),
            fault_point: FaultPoint::new(Place::Worker),
            trace: noted,
            meters: Default::default(),
        };
        let open = budget.take(0);
        spawn(&format!("worker-{id}"), move || worker.run(&inbox, open))?;
    }

    let elastic = Elastic::new(&config.elasticsearch, Arc::clone(&metrics)).map_err(StartFault::Own)?;
    let elastic = Arc::new(elastic);
    let dispatch_settings = DispatchSettings {
        concurrency: config.elasticsearch.concurrency,
        backoff: Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) },
        blocked: config.elasticsearch.blocked,
        max_new_indices: config.elasticsearch.max_new_indices,
        ..DispatchSettings::default()
    };
    let refused = Arc::new(AtomicBool::new(true));
    let jitter = chance.clone().fork();
    let noted = trace.as_ref().map(|trace| trace.dispatch(&dispatch_settings, &jitter));
    let dispatch = DispatchLoop {
        core: Dispatch::new(dispatch_settings, jitter),
        inbox: dispatch_inbox,
        sender: to_dispatch.clone(),
        workers: workers.clone(),
        letters: to_letters.clone(),
        elastic: Arc::clone(&elastic),
        templates,
        metrics: Arc::clone(&metrics),
        health: Arc::clone(&health),
        teller: Arc::clone(&teller),
        budget: budget.clone(),
        clock,
        fault_point: FaultPoint::new(Place::Dispatch),
        held: HeldLanes::default(),
        refused: Arc::clone(&refused),
        trace: noted,
        heart: health.heart("dispatch", hang_after),
    };
    runtime.spawn(dispatch.run());

    let consumer = Consumer::new(&settings).map_err(|error| StartFault::Own(format!("the consumer: {error}")))?;
    clients.push(consumer.credentials());
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    consumer.subscribe(&names).map_err(|error| StartFault::Own(format!("subscribing: {error}")))?;
    let reader_settings = ReaderSettings {
        workers: threads,
        drain_timeout: config.kafka.drain_timeout,
        commit_interval: config.kafka.commit_interval,
        start_at_end: config.kafka.start == Start::End,
        restart_out_of_range: config.kafka.out_of_range == OutOfRange::Beginning,
        until_caught_up,
        max_uncommitted: config.kafka.max_uncommitted,
        watch_interval: WATCH_INTERVAL,
        routes: routes_of(&by_topic),
    };
    let (asker, questions) = channel();
    let (asking, answers) = (consumer.asker(), to_reader.clone());
    let heart = health.heart("asker", hang_after);
    spawn("asker", move || asker::run(&asking, &questions, &answers, &|| heart.beat(clock.now())))?;
    let reload = ReloadLoop {
        sources: config.pipelines.clone(),
        template: config.elasticsearch.template.clone(),
        dead_letter_topic: config.dead_letter_topic.clone(),
        kafka: settings.clone(),
        secrets: Secrets::new(&config.kafka.properties, clients),
        elastic,
        runtime: runtime.handle().clone(),
        pipelines,
        routes,
        by_topic,
        watch: Watch::new(topics),
        files,
        signals,
        reader: to_reader.clone(),
        metrics: Arc::clone(&metrics),
        health: Arc::clone(&health),
        teller: Arc::clone(&teller),
    };
    spawn("reload", move || reload.run())?;
    let noted = trace.as_ref().map(|trace| trace.reader(&reader_settings, &chance));
    let watched = Arc::downgrade(&health);
    spawn("watchdog", move || watchdog::run(&watched))?;
    let reader = ReaderLoop {
        asker,
        consumer,
        core: Reader::new(reader_settings, chance),
        inbox: reader_inbox,
        workers,
        dispatch: to_dispatch,
        letters: to_letters,
        budget,
        metrics,
        heart: health.heart("reader", hang_after),
        health,
        teller,
        clock,
        fault_point: FaultPoint::new(Place::Reader),
        stalls: Stalls::new(config.stuck_after.max(config.elasticsearch.request_timeout * 2 + bulk.linger)),
        refused,
        trace: noted,
    };
    Ok(Some(Parts { reader, to_reader }))
}

/// Why the administrative address cannot be had, and what to do: a second process on a machine is the usual case.
fn not_bound(address: SocketAddr, error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process has it, perhaps a Kelp: give each its own with --admin-listen or admin.listen, 127.0.0.1:0 for any"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; 0.0.0.0 stands for all that it has",
        io::ErrorKind::PermissionDenied => "ports below 1024 are for privileged users",
        _ => "set admin.listen or --admin-listen",
    };
    format!("admin.listen {address}: {error} ({hint})")
}

/// Waits for the topics, sees to the topic of the dead letters, and gives the topics and the number of their partitions.
fn prepare_kafka(
    side: &Side,
    routes: &Routes,
    dead_letters: &str,
    (teller, health): (&Teller, &Health),
    stopped: impl Fn() -> bool,
) -> Result<Option<(BTreeSet<String>, usize)>, StartFault> {
    loop {
        match topics::prepare(side, routes, dead_letters) {
            Ok(ready) => {
                health.fails(Condition::Assigned, "waiting for partitions from the group");
                return Ok(Some(ready));
            }
            Err(why) => {
                health.fails(Condition::Assigned, why.as_str());
                if let Tell::Now { suppressed } = teller.note(&why) {
                    tracing::warn!(why, suppressed, "kafka is not ready for this; trying again");
                }
            }
        }
        for _ in 0..10 {
            if stopped() {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

async fn serve_admin(listener: tokio::net::TcpListener, metrics: Arc<Metrics>, health: Arc<Health>) {
    if let Err(error) = admin::serve(listener, metrics, health).await {
        tracing::error!(%error, "the administrative address failed; going on without it");
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StartFault> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map(|_| ()).map_err(|error| StartFault::Own(format!("the thread {name} cannot be started: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_told_with_what_to_do() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let runtime = runtime("admin").unwrap();
        let error = runtime.block_on(admin::bind(address)).unwrap_err();
        let told = not_bound(address, &error);
        assert!(told.starts_with(&format!("admin.listen {address}: Address already in use")), "{told}");
        assert!(told.contains("another process has it") && told.contains("--admin-listen"), "{told}");
    }
}
