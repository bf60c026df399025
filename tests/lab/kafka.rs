//! A real Apache Kafka: one KRaft node on loopback, and what tests ask of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use super::process::Process;
use super::{Result, home, ports, wait_until};

const DEADLINE: Duration = Duration::from_secs(90);

/// The broker. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Kafka {
    folder: PathBuf,
    jars: home::Jars,
    bootstrap: String,
    process: Process,
}

impl Kafka {
    /// Starts a broker with its data in `folder`, without waiting for it. Further settings of the broker override ours.
    ///
    /// # Errors
    /// The jars cannot be had, or nothing can be started.
    pub fn start(folder: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let jars = home::jars("kafka")?;
        let folder = folder.join("kafka");
        std::fs::create_dir_all(&folder)?;
        let [port, controller] = ports::free()?;
        let data = folder.join("data").display().to_string();
        let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        let advertised = format!("PLAINTEXT://127.0.0.1:{port}");
        let voters = format!("1@127.0.0.1:{controller}");
        let ours = [
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("controller.quorum.voters", &voters),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", &listeners),
            ("advertised.listeners", &advertised),
            ("log.dirs", &data),
            ("auto.create.topics.enable", "false"),
            ("offsets.topic.replication.factor", "1"),
            ("offsets.topic.num.partitions", "8"),
            ("transaction.state.log.replication.factor", "1"),
            ("transaction.state.log.min.isr", "1"),
            ("transaction.state.log.num.partitions", "4"),
            ("group.initial.rebalance.delay.ms", "0"),
            // Tests that kill a member wait until the group has noticed.
            ("group.min.session.timeout.ms", "1000"),
        ];
        // In a properties file the last line of a name counts.
        let lines: Vec<_> = ours.iter().chain(settings).map(|(name, value)| format!("{name}={value}\n")).collect();
        std::fs::write(folder.join("server.properties"), lines.concat())?;
        let process = spawn(&folder, &jars)?;
        Ok(Self { folder, jars, bootstrap: format!("127.0.0.1:{port}"), process })
    }

    /// Waits until the broker answers.
    ///
    /// # Errors
    /// It ended, or does not answer in 90 s; with the end of its log.
    pub fn await_ready(&mut self) -> Result<()> {
        self.await_ready_while(&|| Ok(()))
    }

    /// The same, unless `check` fails meanwhile.
    ///
    /// # Errors
    /// As for [`Kafka::await_ready`], and those of `check`.
    pub fn await_ready_while(&mut self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let mut config = self.client();
        config.set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg).set("group.id", "lab");
        let probe: BaseConsumer = config.create()?;
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition("lab", 0);
        wait_until("Kafka", DEADLINE, || {
            check()?;
            self.process.expect_alive()?;
            // The first question about a group makes the broker create the topic of offsets: later ones find it there.
            Ok(probe.committed_offsets(list.clone(), Duration::from_millis(500)).ok())
        })
        .map_err(|error| format!("{error}; {}", self.process.tail()))?;
        Ok(())
    }

    /// `host:port`, for `bootstrap.servers`.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The broker's process, for signals (SIGSTOP, SIGCONT) and its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Stops the broker in order, or kills it if that takes more than 30 s. Data and port stay.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn stop(&mut self) -> Result<()> {
        self.process.terminate(Duration::from_secs(30))
    }

    /// Starts a stopped broker on the same data and port, and waits until it answers.
    ///
    /// # Errors
    /// As for [`Kafka::start`] and [`Kafka::await_ready`].
    pub fn start_again(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = spawn(&self.folder, &self.jars)?;
        self.await_ready()
    }

    /// A client's configuration that points to this broker.
    pub fn client(&self) -> ClientConfig {
        client(&self.bootstrap)
    }

    /// Makes a topic that keeps its records however old they are, and waits until it can be used.
    ///
    /// # Errors
    /// The broker refuses: it exists already, mostly.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        create_topic(&self.bootstrap, name, partitions, &[])
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let deleted = block_on(admin.delete_topics(&[name], &AdminOptions::new()))??;
        deleted.into_iter().try_for_each(|one| one.map(drop).map_err(|(name, code)| refused(&name, code)))?;
        Ok(())
    }

    /// Deletes the records of a partition below an offset, as retention does.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn delete_records(&self, topic: &str, partition: i32, below: i64) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition_offset(topic, partition, rdkafka::Offset::Offset(below))?;
        let deleted = block_on(admin.delete_records(&list, &AdminOptions::new()))??;
        deleted.elements().iter().try_for_each(|one| one.error())?;
        Ok(())
    }

    /// The file with the first records of a partition, for tests that spoil it while the broker is stopped.
    pub fn segment(&self, topic: &str, partition: i32) -> PathBuf {
        self.folder.join("data").join(format!("{topic}-{partition}")).join(format!("{:020}.log", 0))
    }

    /// The end of each partition: the last stable offset, below which all transactions are over.
    ///
    /// # Errors
    /// The broker does not answer in 10 s.
    pub fn ends(&self, topic: &str, partitions: i32) -> Result<Vec<i64>> {
        let consumer: BaseConsumer = self.client().set("group.id", "lab").create()?;
        let end = |partition| Ok(consumer.fetch_watermarks(topic, partition, Duration::from_secs(10))?.1);
        (0..partitions).map(end).collect()
    }

    /// The offsets that a group has committed for the partitions of a topic; `None` where it has none.
    ///
    /// # Errors
    /// The broker does not answer in 10 s.
    pub fn committed(&self, group: &str, topic: &str, partitions: i32) -> Result<Vec<Option<i64>>> {
        let consumer: BaseConsumer = self.client().set("group.id", group).create()?;
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let list = consumer.committed_offsets(list, Duration::from_secs(10))?;
        let of = |offset| if let rdkafka::Offset::Offset(offset) = offset { Some(offset) } else { None };
        Ok(list.elements().iter().map(|element| of(element.offset())).collect())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| Ok(std::fs::remove_dir_all(&self.folder)?)) {
            eprintln!("cannot clean up after Kafka: {error}");
        }
    }
}

/// A client's configuration that points to a broker.
pub fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("broker.address.family", "v4");
    config
}

/// Makes a topic that keeps its records however old they are, with further settings of the topic.
///
/// # Errors
/// The broker refuses: it exists already, mostly.
pub fn create_topic(bootstrap: &str, name: &str, partitions: i32, settings: &[(&str, &str)]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client(bootstrap).create()?;
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    for (name, value) in settings {
        topic = topic.set(name, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    let created = block_on(admin.create_topics(&[topic], &options))??;
    created.into_iter().try_for_each(|one| one.map(drop).map_err(|(name, code)| refused(&name, code)))?;
    wait_until("the new topic's leaders", Duration::from_secs(30), || {
        let metadata = admin.inner().fetch_metadata(Some(name), Duration::from_secs(10))?;
        let topic = metadata.topics().first();
        let led = topic.map_or(0, |topic| topic.partitions().iter().filter(|one| one.leader() >= 0).count());
        Ok((led == usize::try_from(partitions)?).then_some(()))
    })
}

fn refused(topic: &str, code: RDKafkaErrorCode) -> String {
    format!("Kafka refuses for topic {topic}: {code}")
}

fn block_on<F: Future>(future: F) -> Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

fn spawn(folder: &Path, jars: &home::Jars) -> Result<Process> {
    let mut java = Command::new(&jars.java);
    java.args(["-Xms128m", "-Xmx512m", "-Dlog4j2.level=INFO"]);
    java.arg(format!("-Dlab.folder={}", folder.display()));
    java.args(["-cp", &jars.class_path, "Server", "server.properties", "S2VscExhYm9yYXRvcnkxMg"]);
    Process::start("Kafka", java.current_dir(folder), &folder.join("log"))
}
