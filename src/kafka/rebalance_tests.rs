//! Rebalances on librdkafka's mock cluster, whose coordinator fails when it is told to: members join, leave and are lost
//! while records flow, and whatever a revoke has committed, the next owner goes on there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::{Consumer, ConsumerEvent, KafkaSettings};
use crate::record::{HoldingId, Origin, RecordBatch, Route, TopicPartition};

const TOPIC: &str = "t";
/// A topic that is subscribed to and not there at first.
const LATER: &str = "u";
const GROUP: &str = "g";
const PARTITIONS: i32 = 6;
/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// The members' session timeout in milliseconds. The mock cluster takes about as long for each rebalance.
const SESSION: &str = "3000";

struct Cluster {
    mock: MockCluster<'static, DefaultProducerContext>,
    producer: BaseProducer,
    written: i64,
}

impl Cluster {
    fn new() -> Self {
        let mock = MockCluster::new(2).unwrap();
        mock.create_topic(TOPIC, PARTITIONS, 1).unwrap();
        mock.coordinator(MockCoordinator::Group(GROUP.into()), 1).unwrap();
        let producer = ClientConfig::new().set("bootstrap.servers", mock.bootstrap_servers()).create().unwrap();
        Self { mock, producer, written: 0 }
    }

    /// Writes so many records to each partition.
    fn write(&mut self, each: i64) {
        for partition in 0..PARTITIONS {
            for _ in 0..each {
                let record = BaseRecord::<(), str>::to(TOPIC).payload("a record").partition(partition);
                self.producer.send(record).map_err(|(error, _)| error).unwrap();
            }
        }
        self.producer.flush(LONG).unwrap();
        self.written += each;
    }

    fn member(&self) -> Member {
        let properties = [
            ("session.timeout.ms", SESSION),
            ("heartbeat.interval.ms", "100"),
            ("topic.metadata.refresh.interval.ms", "200"),
        ];
        let consumer = Consumer::new(&KafkaSettings {
            bootstrap_servers: self.mock.bootstrap_servers(),
            group_id: GROUP.into(),
            properties: properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            queue_kbytes_per_partition: 256,
        })
        .unwrap();
        consumer.subscribe(&[TOPIC, LATER]).unwrap();
        Member {
            consumer: Some(consumer),
            next: BTreeMap::new(),
            giving: Vec::new(),
            busy: false,
            restarts: None,
            fatal: None,
        }
    }
}

/// What became of everything.
#[derive(Debug, Default)]
struct Sight {
    /// How often each record was taken.
    taken: BTreeMap<(i32, i64), u64>,
    /// What the coordinator has taken as committed.
    commits: BTreeMap<TopicPartition, i64>,
    /// Partitions that were given back without their commit, or that were lost: a busy machine may let a session pass.
    uncommitted: BTreeSet<TopicPartition>,
    /// Partitions given back in order.
    committed: u64,
    /// Errors of partitions.
    faults: u64,
}

struct Member {
    /// `None` once it is closed.
    consumer: Option<Consumer>,
    /// What is held, and the next offset of each.
    next: BTreeMap<TopicPartition, i64>,
    /// What is given back once it is committed.
    giving: Vec<TopicPartition>,
    /// Revokes are not served: what is in flight takes long.
    busy: bool,
    /// Since when what is held was not begun anew, where that is done all the time.
    restarts: Option<Instant>,
    /// What the client does not live with.
    fatal: Option<String>,
}

impl Drop for Member {
    /// Nobody waits for it: what hangs must not hide what has failed.
    fn drop(&mut self) {
        self.consumer.take().into_iter().for_each(|consumer| consumer.close(Duration::from_secs(5)));
    }
}

impl Member {
    fn consumer(&mut self) -> &mut Consumer {
        self.consumer.as_mut().expect("it is closed in the end only")
    }

    fn turn(&mut self, sight: &mut Sight) {
        for event in self.consumer().poll(Duration::from_millis(1)) {
            match event {
                ConsumerEvent::Assign(_) | ConsumerEvent::Revoke { .. } if self.busy => {}
                ConsumerEvent::Assign(partitions) => self.assign(&partitions, sight),
                ConsumerEvent::Revoke { partitions, lost: true } => {
                    sight.uncommitted.extend(partitions.iter().cloned());
                    self.give(&partitions);
                }
                ConsumerEvent::Revoke { partitions, lost: false } => self.commit(partitions, sight),
                ConsumerEvent::Committed(results) => {
                    let giving = std::mem::take(&mut self.giving);
                    sight.committed += giving.len() as u64;
                    for (partition, offset, result) in results {
                        if result.is_ok() {
                            sight.commits.insert(partition, offset);
                        } else {
                            sight.committed -= 1;
                            sight.uncommitted.insert(partition);
                        }
                    }
                    self.give(&giving);
                }
                ConsumerEvent::Fatal(why) => self.fatal = Some(why),
                ConsumerEvent::Statistics(_) | ConsumerEvent::Reach(_) | ConsumerEvent::Error { .. } => {}
            }
        }
        let consumer = self.consumer.as_mut().expect("it is closed in the end only");
        if let Some(since) = &mut self.restarts
            && since.elapsed() > Duration::from_millis(100)
        {
            *since = Instant::now();
            let held = self.next.iter().filter(|(partition, _)| !self.giving.contains(partition));
            let list: Vec<_> = held.map(|(partition, next)| (partition.clone(), *next, "a".into())).collect();
            consumer.restart(&list).unwrap();
        }
        for (partition, next) in &mut self.next {
            if self.giving.contains(partition) {
                continue;
            }
            let origin = Origin {
                holding: HoldingId(1),
                partition: partition.clone(),
                incarnation: "a".into(),
                route: Arc::<Route>::default(),
            };
            let mut batch = RecordBatch::with_capacity(Arc::new(origin), 0, 0);
            sight.faults += u64::from(consumer.take(partition, 10, &mut batch).fault.is_some());
            for offset in (0..batch.len()).map(|index| batch.offset(index)) {
                assert_eq!(offset, *next, "{partition} is read in order, and from its commit on");
                *next += 1;
                *sight.taken.entry((partition.partition, offset)).or_default() += 1;
            }
        }
    }

    fn assign(&mut self, partitions: &[TopicPartition], sight: &Sight) {
        let at = |partition: &TopicPartition| sight.commits.get(partition).copied().unwrap_or(0);
        let list: Vec<_> = partitions.iter().map(|partition| (partition.clone(), at(partition), "a".into())).collect();
        self.consumer().assign(&list).unwrap();
        self.next.extend(list.into_iter().map(|(partition, offset, _)| (partition, offset)));
    }

    fn commit(&mut self, partitions: Vec<TopicPartition>, sight: &mut Sight) {
        let entry = |partition: &TopicPartition| Some((partition.clone(), *self.next.get(partition)?, "kelp:a".into()));
        let entries: Vec<_> = partitions.iter().filter_map(entry).collect();
        if entries.is_empty() || self.consumer().commit(entries).is_err() {
            sight.uncommitted.extend(partitions.iter().cloned());
            self.give(&partitions);
        } else {
            self.giving = partitions;
        }
    }

    fn give(&mut self, partitions: &[TopicPartition]) {
        self.consumer().unassign(partitions).unwrap();
        self.next.retain(|partition, _| !partitions.contains(partition));
    }
}

/// Lets all members run until `done`.
fn run(members: &mut [Member], sight: &mut Sight, what: &str, done: impl Fn(&[Member], &Sight) -> bool) {
    let begin = Instant::now();
    while !done(members, sight) {
        let held: Vec<_> = members.iter().map(|member| member.next.len()).collect();
        assert!(begin.elapsed() < LONG, "{what}: {held:?}, {} taken", sight.taken.len());
        let fatal = members.iter().find_map(|member| member.fatal.as_ref());
        assert!(fatal.is_none() || members.iter().any(|member| member.busy), "{what}: {fatal:?}");
        members.iter_mut().for_each(|member| member.turn(sight));
    }
}

/// The partitions are divided among so many members, and everything that was written was taken.
fn settle(cluster: &Cluster, members: &mut [Member], sight: &mut Sight, what: &str) {
    let all = usize::try_from(cluster.written * i64::from(PARTITIONS)).unwrap();
    run(members, sight, what, |members, sight| {
        let held: Vec<_> = members.iter().map(|member| member.next.len()).collect();
        let fair = held.iter().all(|held| *held == PARTITIONS as usize / members.len());
        fair && members.iter().all(|member| member.giving.is_empty()) && sight.taken.len() == all
    });
}

impl Sight {
    /// Where no commit is missing, each record was taken once.
    fn expect_once(&self) {
        let again = |((partition, _), times): &(&(i32, i64), &u64)| {
            **times != 1 && !self.uncommitted.iter().any(|without| without.partition == *partition)
        };
        let again: Vec<_> = self.taken.iter().filter(again).collect();
        assert!(again.is_empty(), "{again:?}, commits {:?}, without {:?}", self.commits, self.uncommitted);
    }
}

#[test]
fn members_come_and_go_and_each_record_is_taken_once() {
    let mut cluster = Cluster::new();
    let mut sight = Sight::default();
    let mut members = vec![cluster.member()];
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "one member");
    for count in [2, 3] {
        members.push(cluster.member());
        cluster.write(50);
        settle(&cluster, &mut members, &mut sight, &format!("{count} members"));
    }
    assert!(sight.committed > 0, "nothing was given back in order, but {:?}", sight.uncommitted);
    sight.expect_once();
}

#[test]
fn a_coordinator_that_is_lost_in_a_revoke_costs_repeats_and_no_record() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE as GONE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR as MOVED,
    };
    let mut cluster = Cluster::new();
    let mut sight = Sight::default();
    let mut members = vec![cluster.member()];
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "one member");
    // The first commit of the revoke, the joining and the syncing meet a coordinator that is one no more; then it is
    // another broker.
    members.push(cluster.member());
    for key in [RDKafkaApiKey::OffsetCommit, RDKafkaApiKey::SyncGroup, RDKafkaApiKey::Heartbeat] {
        cluster.mock.request_errors(key, &[MOVED, GONE]);
    }
    cluster.mock.coordinator(MockCoordinator::Group(GROUP.into()), 2).unwrap();
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "another coordinator");
    // It is away for longer than a session.
    cluster.mock.broker_down(2).unwrap();
    let begin = Instant::now();
    run(&mut members, &mut sight, "away", |_, _| begin.elapsed() > Duration::from_secs(4));
    cluster.mock.broker_up(2).unwrap();
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "the coordinator back");
    sight.expect_once();
}

/// An error of a partition moves the client's position past a record that nobody has read; a rebalance would go on there.
#[test]
fn an_error_of_a_partition_costs_no_record() {
    let mut cluster = Cluster::new();
    let mut sight = Sight::default();
    let mut members = vec![cluster.member()];
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "one member");
    cluster.mock.request_errors(RDKafkaApiKey::Fetch, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN; 4]);
    run(&mut members, &mut sight, "errors", |_, sight| sight.faults > 0);
    for count in [2, 3] {
        members.push(cluster.member());
        settle(&cluster, &mut members, &mut sight, &format!("{count} members"));
    }
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "records after the errors");
    sight.expect_once();
}

/// The group hears nothing of partitions that begin anew, wherever it is in a rebalance.
#[test]
fn partitions_begin_anew_under_rebalances_and_each_record_is_taken_once() {
    let mut cluster = Cluster::new();
    let mut sight = Sight::default();
    let mut members = Vec::new();
    for count in [1, 2, 3] {
        members.push(cluster.member());
        members.iter_mut().for_each(|member| member.restarts = Some(Instant::now()));
        cluster.write(50);
        settle(&cluster, &mut members, &mut sight, &format!("{count} members"));
    }
    assert!(sight.committed > 0, "nothing was given back in order, but {:?}", sight.uncommitted);
    sight.expect_once();
    // What comes back is fetched again by the member of the group, which was told to leave it alone.
    members.truncate(1);
    members[0].restarts = None;
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "one member again");
}

/// What the group has given, and nobody has answered for, is given back before a member leaves: the group would wait for the answer.
#[test]
fn a_member_leaves_at_once_though_it_holds_nothing() {
    let mut cluster = Cluster::new();
    let mut sight = Sight::default();
    let mut members = vec![cluster.member()];
    // Before it is known what to answer; and after it was answered that it is nothing.
    for answers in [false, true] {
        let mut member = cluster.member();
        let begin = Instant::now();
        'given: loop {
            assert!(begin.elapsed() < LONG, "nothing is given");
            members.iter_mut().for_each(|member| member.turn(&mut sight));
            for event in member.consumer().poll(Duration::from_millis(1)) {
                if let ConsumerEvent::Assign(_) = event {
                    if answers {
                        member.consumer().assign(&[]).unwrap();
                    }
                    break 'given;
                }
            }
        }
        let begin = Instant::now();
        member.consumer.take().into_iter().for_each(|consumer| consumer.close(LONG));
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}, answers {answers}", begin.elapsed());
    }
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "one member");
}

/// A client that joins anew in the middle of a rebalance takes no part in any later one: whoever has it has to know.
#[test]
fn a_topic_that_comes_while_partitions_are_given_back_puts_the_client_out_of_step() {
    let mut cluster = Cluster::new();
    let mut sight = Sight::default();
    let mut members = vec![cluster.member()];
    cluster.write(50);
    settle(&cluster, &mut members, &mut sight, "one member");
    members[0].busy = true;
    members.push(cluster.member());
    run(&mut members, &mut sight, "a revoke", |members, _| {
        members[0].consumer.as_ref().is_some_and(Consumer::is_revoking)
    });
    cluster.mock.create_topic(LATER, 1, 1).unwrap();
    run(&mut members, &mut sight, "out of step", |members, _| members[0].fatal.is_some());
}
