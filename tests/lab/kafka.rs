//! A real Apache Kafka: one KRaft node on loopback, and what tests ask of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::authority::Authority;
use super::process::Process;
use super::{Result, home, ports, wait_until};

const DEADLINE: Duration = Duration::from_secs(90);

/// The broker. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Kafka {
    folder: PathBuf,
    jars: home::Jars,
    bootstrap: String,
    /// Further listeners, which ask who comes: `host:port` of one for passwords and of one for certificates.
    guarded: Option<[String; 2]>,
    users: Vec<String>,
    process: Process,
}

/// What the guarded listeners need.
pub struct Guarded<'a> {
    /// Signs the broker's certificate, and those that the listener for certificates takes.
    pub authority: &'a Authority,
    /// Users of SCRAM-SHA-256, with their passwords.
    pub users: &'a [(&'a str, &'a str)],
}

impl Kafka {
    /// Starts a broker with its data in `folder`, without waiting for it. Further settings of the broker override ours.
    ///
    /// # Errors
    /// The jars cannot be had, or nothing can be started.
    pub fn start(folder: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        Self::start_with(folder, settings, None)
    }

    /// Starts a broker that has two more listeners: one with TLS and SASL/SCRAM, one with TLS and certificates of clients.
    ///
    /// # Errors
    /// As for [`Kafka::start`].
    pub fn start_guarded(folder: &Path, guarded: &Guarded<'_>) -> Result<Self> {
        Self::start_with(folder, &[], Some(guarded))
    }

    fn start_with(folder: &Path, settings: &[(&str, &str)], guarded: Option<&Guarded<'_>>) -> Result<Self> {
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
        let mut more = Vec::new();
        let mut addresses = None;
        if let Some(guarded) = guarded {
            let [password, certificate] = ports::free()?.map(|port| format!("127.0.0.1:{port}"));
            let both = format!("PASSWORD://{password},CERTIFICATE://{certificate}");
            more = guarded_settings(&folder, guarded.authority)?;
            more.push(("listeners".into(), format!("{listeners},{both}")));
            more.push(("advertised.listeners".into(), format!("{advertised},{both}")));
            addresses = Some([password, certificate]);
        }
        // In a properties file the last line of a name counts.
        let lines = ours.iter().chain(settings).map(|(name, value)| format!("{name}={value}\n"));
        let lines: Vec<_> = lines.chain(more.iter().map(|(name, value)| format!("{name}={value}\n"))).collect();
        std::fs::write(folder.join("server.properties"), lines.concat())?;
        let users = guarded.map_or(&[][..], |guarded| guarded.users).iter();
        let users = users.flat_map(|(name, password)| {
            ["--add-scram".into(), format!("SCRAM-SHA-256=[name={name},password={password}]")]
        });
        let users: Vec<String> = users.collect();
        let process = spawn(&folder, &jars, &users)?;
        Ok(Self { folder, jars, bootstrap: format!("127.0.0.1:{port}"), guarded: addresses, users, process })
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

    /// `host:port` of the listener for passwords and of that for certificates.
    ///
    /// # Panics
    /// The broker was not started with them.
    pub fn guarded(&self) -> &[String; 2] {
        self.guarded.as_ref().expect("a broker with guarded listeners")
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
        self.process = spawn(&self.folder, &self.jars, &self.users)?;
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

    /// Gives a topic more partitions, and waits until they can be used.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn add_partitions(&self, name: &str, partitions: i32) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let more = NewPartitions::new(name, usize::try_from(partitions)?);
        let added = block_on(admin.create_partitions(&[more], &AdminOptions::new()))??;
        added.into_iter().try_for_each(|one| one.map(drop).map_err(|(name, code)| refused(&name, code)))?;
        await_leaders(&admin, name, partitions)
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
        // The broker that is asked may have ceased to be the group's coordinator just now, or not have become it yet.
        let patience = Duration::from_secs(10);
        let list = wait_until("the group's coordinator", patience, || {
            match consumer.committed_offsets(list.clone(), patience) {
                Err(KafkaError::MetadataFetch(
                    RDKafkaErrorCode::NotCoordinator
                    | RDKafkaErrorCode::CoordinatorNotAvailable
                    | RDKafkaErrorCode::CoordinatorLoadInProgress,
                )) => Ok(None),
                told => Ok(Some(told?)),
            }
        })?;
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
    await_leaders(&admin, name, partitions)
}

fn await_leaders(admin: &AdminClient<DefaultClientContext>, name: &str, partitions: i32) -> Result<()> {
    wait_until("the topic's leaders", Duration::from_secs(30), || {
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

/// Settings of the two guarded listeners; the certificates are written into the folder.
fn guarded_settings(folder: &Path, authority: &Authority) -> Result<Vec<(String, String)>> {
    let identity = authority.sign("broker")?;
    let (own, trusted) = (folder.join("broker.pem"), folder.join("authority.pem"));
    std::fs::write(&own, format!("{}{}", identity.key, identity.certificate))?;
    std::fs::write(&trusted, authority.pem())?;
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(vec![
        set(
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_SSL,CERTIFICATE:SSL",
        ),
        set("ssl.keystore.type", "PEM"),
        set("ssl.keystore.location", &own.display().to_string()),
        set("ssl.truststore.type", "PEM"),
        set("ssl.truststore.location", &trusted.display().to_string()),
        set("listener.name.certificate.ssl.client.auth", "required"),
        set("listener.name.password.sasl.enabled.mechanisms", "SCRAM-SHA-256"),
        set(
            "listener.name.password.scram-sha-256.sasl.jaas.config",
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        ),
    ])
}

fn spawn(folder: &Path, jars: &home::Jars, users: &[String]) -> Result<Process> {
    let mut java = Command::new(&jars.java);
    java.args(["-Xms128m", "-Xmx512m", "-Dlog4j2.level=INFO"]);
    java.arg(format!("-Dlab.folder={}", folder.display()));
    java.args(["-cp", &jars.class_path, "Server", "server.properties", "S2VscExhYm9yYXRvcnkxMg"]).args(users);
    Process::start("Kafka", java.current_dir(folder), &folder.join("log"))
}
