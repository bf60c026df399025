//! What a campaign plays on: servers, topics, the proxy, the oracle, the processes.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kelp::promise;
use kelp::record::TopicPartition;
use rdkafka::message::Message as _;

use super::commits::Commits;
use super::crew::Crew;
use super::search::Search;
use super::{Options, Report};
use crate::lab::generate::Random;
use crate::lab::kafka::Kafka;
use crate::lab::kelp::Config;
use crate::lab::oracle::{self, Commit, Ends, Load, Oracle, Shared, Sight, Told, TopicKind};
use crate::lab::proxy::{Mode, Proxy};
use crate::lab::servers::RunFolder;
use crate::lab::{Result, census, kafka, wait_until};

/// Where a partition was: its topic, number and commit.
pub type Marks = Vec<(String, i32, u64)>;

/// Everything there is.
pub struct Stage<'a> {
    pub options: &'a Options,
    pub kafka: &'a mut Kafka,
    pub search: Search<'a>,
    pub check: &'a dyn Fn() -> Result<()>,
    pub name: String,
    pub topics: Vec<(String, TopicKind)>,
    pub oracle: Shared,
    pub proxy: Proxy,
    pub crew: Crew,
    pub commits: Commits,
    feeds: Vec<(String, JoinHandle<Result<()>>)>,
    loads: u64,
    /// Records that the broker kept without saying so.
    pub unacknowledged: u64,
    pub version: u64,
    pipelines: Vec<PathBuf>,
    _folder: RunFolder,
}

impl<'a> Stage<'a> {
    /// Makes the topics and starts the processes.
    pub fn new(
        options: &'a Options,
        kafka: &'a mut Kafka,
        search: Search<'a>,
        check: &'a dyn Fn() -> Result<()>,
    ) -> Result<Self> {
        let name = format!("chaos-{:08x}", options.seed as u32 ^ (options.seed >> 32) as u32);
        let kinds = [TopicKind::Plain, TopicKind::Transactional, TopicKind::Compacted];
        let topics: Vec<_> =
            (0..options.topics).map(|number| (format!("{name}-t{number}"), kinds[number % kinds.len()])).collect();
        let folder = RunFolder::new()?;
        let pipelines: Vec<_> = topics.iter().map(|(topic, _)| folder.path().join(format!("{topic}.yaml"))).collect();
        let paths: Vec<_> = pipelines.iter().map(PathBuf::as_path).collect();
        let mut config = Config::new(kafka.bootstrap(), &name, "", &paths);
        config.kafka.extend(["commit_interval: 200ms".into(), "out_of_range: beginning".into()]);
        config.elastic.push("request_timeout: 4s".into());
        config.elastic.push("bulk: {max_documents: 250, max_bytes: 256KiB, linger: 50ms}".into());
        config.more.push(format!("memory_limit: {}MiB", options.memory_limit));
        config.more.push(format!("dead_letters: {{topic: {name}.dead-letters}}"));
        let names: Vec<_> = topics.iter().map(|(topic, _)| topic.clone()).collect();
        let commits = Commits::new(kafka.bootstrap(), &name, &names, options.partitions)?;
        let proxy = Proxy::start_with(search.url(), Mode::Pass, true)?;
        let mut stage = Self {
            options,
            kafka,
            search,
            check,
            name,
            topics: topics.clone(),
            oracle: Arc::new(Oracle::default().into()),
            proxy,
            crew: Crew::new(options, config),
            commits,
            feeds: Vec::new(),
            loads: 0,
            unacknowledged: 0,
            version: 0,
            pipelines,
            _folder: folder,
        };
        topics.iter().try_for_each(|(topic, kind)| stage.make(topic, *kind))?;
        stage.write_pipelines()?;
        Ok(stage)
    }

    /// Makes a topic, perhaps again.
    pub fn make(&mut self, topic: &str, kind: TopicKind) -> Result<()> {
        let compaction = [
            ("cleanup.policy", "compact"),
            ("segment.ms", "2000"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("max.compaction.lag.ms", "1000"),
        ];
        let settings = if kind == TopicKind::Compacted { &compaction[..] } else { &[] };
        let (bootstrap, partitions) = (self.kafka.bootstrap().to_owned(), self.options.partitions);
        // A topic of this name may still be on its way out.
        wait_until("the topic to be made", self.options.patience, || {
            match kafka::create_topic(&bootstrap, topic, partitions, settings) {
                Err(error) if error.to_string().contains("already exists") => Ok(None),
                other => other.map(Some),
            }
        })?;
        oracle::lock(&self.oracle).made(topic, partitions);
        Ok(())
    }

    /// Writes the pipelines, a little different each time.
    pub fn write_pipelines(&mut self) -> Result<()> {
        self.version += 1;
        for ((topic, _), file) in self.topics.iter().zip(&self.pipelines) {
            let text = format!(
                "description: version {}\nsource: {{topics: [{topic}], codec: plain}}\nprocessors:\n\
                 - grok: {{field: message, patterns: [\"%{{COMBINEDAPACHELOG}}\"]}}\n\
                 - date: {{field: timestamp, formats: [\"dd/MMM/yyyy:HH:mm:ss Z\"]}}\n\
                 - remove: {{field: timestamp}}\n\
                 - set: {{field: made_by, value: {}}}\n\
                 - convert: {{field: response, type: integer, ignore_missing: true}}\n\
                 destination: {{index: \"{topic}-%{{+yyyy.MM.dd}}\"}}\n",
                self.version, self.version
            );
            std::fs::write(file, text)?;
        }
        Ok(())
    }

    /// Begins to produce so many records to each topic.
    pub fn feed(&mut self, records: u64, random: &mut Random) {
        for (topic, kind) in self.topics.clone() {
            self.feed_one(&topic, kind, (None, records), random);
        }
    }

    /// Begins to produce to one topic, or to one partition of it; after what is being produced to it already.
    pub fn feed_one(&mut self, topic: &str, kind: TopicKind, (only, records): (Option<i32>, u64), random: &mut Random) {
        self.loads += 1;
        let making = oracle::lock(&self.oracle).makings(topic).len() - 1;
        let load = Load {
            bootstrap: self.kafka.bootstrap().to_owned(),
            topic: topic.to_owned(),
            making,
            kind,
            partitions: self.options.partitions,
            only,
            records,
            seed: random.next(),
            number: self.loads,
        };
        let own = self.feeds.iter().position(|(name, _)| name == topic);
        let before = own.map(|at| self.feeds.swap_remove(at).1);
        let oracle = Arc::clone(&self.oracle);
        let feeder = std::thread::spawn(move || {
            before.map_or(Ok(()), |before| before.join().expect("a feeder does not panic"))?;
            oracle::feed(&oracle, load)
        });
        self.feeds.push((topic.to_owned(), feeder));
    }

    /// Waits until everything is produced.
    pub fn fed(&mut self) -> Result<()> {
        self.feeds.drain(..).try_for_each(|(_, feeder)| feeder.join().expect("a feeder does not panic"))
    }

    /// Starts processes until there are as many as there should be.
    pub fn man(&mut self, random: &mut Random) -> Result<()> {
        for slot in self.crew.free(self.options.processes) {
            self.crew.start(slot, &self.proxy, random)?;
        }
        Ok(())
    }

    /// Looks at all processes, and starts those again that the broker has fenced.
    pub fn look_after(&mut self) -> Result<()> {
        self.crew.look_at_all()?;
        self.crew.replace_fenced(&self.proxy, &mut Random::new(self.options.seed))
    }

    /// Kills all processes at once.
    pub fn kill_all(&mut self) -> Result<()> {
        while !self.crew.members().is_empty() {
            self.crew.kill(0)?;
        }
        Ok(())
    }

    /// Waits until some documents were submitted for the first time, or a while has passed without any.
    pub fn progress(&self, documents: u64) -> Result<()> {
        let goal = self.proxy.submissions().order().first + documents;
        let begin = Instant::now();
        wait_until("progress", self.options.patience, || {
            (self.check)()?;
            let there = self.proxy.submissions().order().first >= goal;
            Ok((there || begin.elapsed() > Duration::from_secs(8)).then_some(()))
        })
    }

    /// The partitions that have something to do, and how far they are.
    pub fn marks(&self) -> Result<Marks> {
        let commits = wait_until("the commits", self.options.patience, || Ok(self.commits.read().ok()))?;
        let oracle = oracle::lock(&self.oracle);
        let mut marks = Marks::new();
        for (topic, _, accounts) in oracle.present() {
            for (partition, account) in accounts.iter().enumerate() {
                let own = |commit: &&Commit| commit.topic == topic && commit.partition == partition as i32;
                let at = commits.iter().find(own).map_or(0, |commit| commit.offset);
                if at < account.end() {
                    marks.push((topic.to_owned(), partition as i32, at));
                }
            }
        }
        Ok(marks)
    }

    /// Waits until all of these have moved on; gives the time since `begin`, or what has not moved.
    pub fn recovered(&mut self, marks: &Marks, begin: Instant) -> Result<std::result::Result<Duration, String>> {
        let mut open = marks.clone();
        let patience = self.options.patience;
        let waited = wait_until("work to go on", patience, || {
            (self.check)()?;
            self.look_after()?;
            let Ok(commits) = self.commits.read() else { return Ok(None) };
            let moved = |(topic, partition, at): &(String, i32, u64)| {
                commits.iter().any(|one| one.topic == *topic && one.partition == *partition && one.offset > *at)
            };
            open.retain(|mark| !moved(mark));
            Ok(open.is_empty().then(|| begin.elapsed()))
        });
        (self.check)()?;
        Ok(waited.map_err(|error| format!("{error}: {open:?}")))
    }

    /// Waits until everything that there is is committed; gives how long it took, or what is not.
    pub fn caught_up(&mut self) -> Result<std::result::Result<Duration, String>> {
        let begin = Instant::now();
        let mut ends = Ends::new();
        let mut behind = Vec::new();
        let patience = self.options.patience;
        let waited = wait_until("everything to be committed", patience, || {
            (self.check)()?;
            self.look_after()?;
            let Ok(commits) = self.commits.read() else { return Ok(None) };
            // A transaction that was ended is marked as such a little later: what was the end may be none.
            let is_past =
                |one: &Commit| ends.get(&(one.topic.clone(), one.partition)).is_none_or(|end| one.offset > *end);
            if commits.is_empty() || commits.iter().any(is_past) {
                ends = self.ends()?;
            }
            let late = |((topic, number), end): (&(String, i32), &u64)| {
                let own = commits.iter().find(|one| one.topic == *topic && one.partition == *number);
                let partition = TopicPartition::new(topic.as_str(), *number);
                let committed = own.map(|one| one.offset as i64).or((*end == 0).then_some(0));
                promise::reaches_the_end(&partition, committed, *end as i64).err()
            };
            behind = ends.iter().filter_map(late).collect();
            Ok(behind.is_empty().then(|| begin.elapsed()))
        });
        (self.check)()?;
        Ok(waited.map_err(|error| format!("{error}: {}", behind.join(", "))))
    }

    /// The end of each partition of each topic.
    fn ends(&self) -> Result<Ends> {
        let mut ends = Ends::new();
        for (topic, _) in &self.topics {
            for (partition, end) in self.commits.ends(topic)?.into_iter().enumerate() {
                ends.insert((topic.clone(), partition as i32), end);
            }
        }
        Ok(ends)
    }

    /// Lets the oracle know what the broker has kept without saying so, which a broker that is killed may do. Nobody may
    /// be producing.
    pub fn complete(&mut self) -> Result<()> {
        for (topic, _) in &self.topics {
            let making = oracle::lock(&self.oracle).makings(topic).len() - 1;
            census::each(self.kafka.bootstrap(), topic, |message| {
                let drop = message.payload().is_none_or(<[u8]>::is_empty);
                let timestamp = message.timestamp().to_millis().ok_or("a record without a timestamp")?;
                let told = Told { timestamp, drop, key: None, open: false };
                let place = (message.offset(), &told);
                let new = oracle::lock(&self.oracle).complete(topic, making, message.partition(), place);
                self.unacknowledged += u64::from(new);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// What there is, what is committed, and where the partitions end; the commits are read first.
    pub fn look(&mut self) -> Result<(Vec<Commit>, Ends, Sight)> {
        self.complete()?;
        let commits = wait_until("the commits", self.options.patience, || Ok(self.commits.read().ok()))?;
        let letters = format!("{}.dead-letters", self.name);
        let letters = (self.kafka.bootstrap(), letters.as_str());
        let sight = Sight::take(&self.oracle, &self.search, &format!("{}-t*", self.name), letters)?;
        Ok((commits, self.ends()?, sight))
    }

    /// Ends the processes and tells the report what only the end shows.
    pub fn end(mut self, report: &mut Report) -> Result<()> {
        self.proxy.set(Mode::Pass);
        self.fed()?;
        self.crew.look_at_all()?;
        while !self.crew.members().is_empty() {
            self.crew.terminate(0)?;
        }
        report.ended(&mut self.crew, &self.proxy, self.unacknowledged);
        for (topic, _) in &self.topics {
            self.kafka.delete_topic(topic)?;
        }
        for index in self.search.indices(&format!("{}-t*", self.name))? {
            self.search.delete(&format!("/{index}"))?;
        }
        Ok(())
    }
}
