//! The processes under test: started, stopped, killed, and asked in the end whether their counts add up.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use kelp::promise;

use super::{Options, Protocol};
use crate::lab::generate::Random;
use crate::lab::kelp::{Config, Metrics};
use crate::lab::{Kelp, Result, proxy::Proxy, wait_until};

/// What librdkafka says when the broker takes a static member for another's double.
const FENCED: &str = "Static consumer fenced by other consumer";

/// One process.
#[derive(Debug)]
pub struct Member {
    /// Its place; a process that takes another's place has the same.
    pub slot: usize,
    pub kelp: Kelp,
}

/// All of them.
#[derive(Debug)]
pub struct Crew {
    members: Vec<Member>,
    config: Config,
    binary: PathBuf,
    logs: PathBuf,
    protocol: Protocol,
    debug: Option<String>,
    limit: u64,
    /// Those that have occupied more.
    over: BTreeSet<i32>,
    /// The most memory that any process occupied, in bytes.
    pub peak: u64,
    /// How many were started.
    pub started: u64,
    /// How many static members the broker has fenced: they end, and are to be started again.
    pub fenced: u64,
    /// The places of those that nobody has started again yet.
    vacant: Vec<usize>,
    /// What was found wrong with them.
    pub violations: Vec<String>,
}

impl Crew {
    /// Nobody yet.
    pub fn new(options: &Options, config: Config) -> Self {
        Self {
            members: Vec::new(),
            config,
            binary: options.kelp.clone(),
            logs: options.logs.clone(),
            protocol: options.protocol,
            debug: options.debug.clone(),
            limit: (options.memory_limit + options.memory_allowance) << 20,
            over: BTreeSet::new(),
            peak: 0,
            started: 0,
            fenced: 0,
            vacant: Vec::new(),
            violations: Vec::new(),
        }
    }

    /// Those that run.
    pub fn members(&mut self) -> &mut [Member] {
        &mut self.members
    }

    /// Starts one in a place, by a door of its own.
    pub fn start(&mut self, slot: usize, proxy: &Proxy, random: &mut Random) -> Result<()> {
        let mut config = self.config.clone();
        let (door, url) = proxy.open()?;
        config.elasticsearch = url;
        // With one request at a time the order of submissions is exact.
        let concurrency = if random.chance(500) { 1 } else { 4 };
        config.elastic.push(format!("concurrency: {concurrency}"));
        if concurrency > 1 {
            proxy.submissions().grace(door, Duration::from_secs(2));
        }
        let session = "session.timeout.ms: 3000, heartbeat.interval.ms: 500";
        let mut refresh = "topic.metadata.refresh.interval.ms: 2000".to_owned();
        if let Some(debug) = &self.debug {
            refresh.push_str(&format!(", debug: \"{debug}\""));
            config.variables.push(("KELP_LOG".into(), "info,librdkafka=debug".into()));
        }
        config.kafka.push(match self.protocol {
            Protocol::Cooperative => format!("properties: {{{session}, {refresh}}}"),
            Protocol::Static => {
                format!("properties: {{{session}, {refresh}, group.instance.id: \"{}-{slot}\"}}", config.group)
            }
            Protocol::Kip848 => format!("properties: {{group.protocol: consumer, {refresh}}}"),
        });
        let kelp = Kelp::start(&self.binary, &self.logs, &config, &[])?;
        self.members.push(Member { slot, kelp });
        self.started += 1;
        Ok(())
    }

    /// Sends a signal to all that run.
    pub fn signal(&mut self, signal: libc::c_int) -> Result<()> {
        self.members.iter_mut().try_for_each(|member| member.kelp.process().signal(signal))
    }

    /// Starts those again that the broker has fenced, as whoever looks after them does.
    pub fn replace_fenced(&mut self, proxy: &Proxy, random: &mut Random) -> Result<()> {
        let vacant = std::mem::take(&mut self.vacant);
        for slot in vacant {
            if self.members.iter().all(|member| member.slot != slot) {
                self.start(slot, proxy, random)?;
            }
        }
        Ok(())
    }

    /// How often partitions were taken back from those that run.
    pub fn revokes(&mut self) -> u64 {
        let of = |member: &mut Member| {
            let metrics = member.kelp.metrics().ok()?;
            metrics.sum_where("kelp_rebalances_total", &[("kind", "revoke")])
        };
        self.members.iter_mut().filter_map(of).sum::<f64>() as u64
    }

    /// True if the process in this place has partitions.
    pub fn holds(&mut self, slot: usize) -> bool {
        let held = |member: &mut Member| member.kelp.metrics().ok()?.sum("kelp_partitions_held");
        self.members.iter_mut().filter(|member| member.slot == slot).filter_map(held).sum::<f64>() > 0.0
    }

    /// Places that nobody has, of so many.
    pub fn free(&self, places: usize) -> Vec<usize> {
        (0..places).filter(|slot| self.members.iter().all(|member| member.slot != *slot)).collect()
    }

    /// One of those that run, by chance; `None` if nobody does.
    pub fn any(&self, random: &mut Random) -> Option<usize> {
        let count = self.members.len() as u64;
        (count > 0).then(|| random.below(count) as usize)
    }

    /// Kills one (-9); gives its place.
    pub fn kill(&mut self, at: usize) -> Result<usize> {
        self.look(at)?;
        let mut member = self.members.remove(at);
        self.left(member.slot);
        member.kelp.kill()?;
        Ok(member.slot)
    }

    /// Ends one in order; gives its place. With unsettled work it may say so (75).
    pub fn terminate(&mut self, at: usize) -> Result<usize> {
        self.look(at)?;
        let mut member = self.members.remove(at);
        if self.left(member.slot) {
            return Ok(member.slot);
        }
        member.kelp.terminate()?;
        let status = member.kelp.wait(Duration::from_secs(60));
        match status {
            Ok(status) if matches!(status.code(), Some(0 | 75)) => {}
            Ok(status) if self.is_fenced(status, &member.kelp.process().tail()) => self.fenced += 1,
            Ok(status) => {
                self.violations.push(format!("a process ended with {status}; {}", member.kelp.process().tail()))
            }
            Err(error) => {
                self.violations.push(format!("a process did not end: {error}"));
                member.kelp.kill()?;
            }
        }
        Ok(member.slot)
    }

    /// True if the broker has fenced it. A broker that was killed may know a static member by the name that it had before,
    /// and takes it for its own double then.
    fn is_fenced(&self, status: ExitStatus, tail: &str) -> bool {
        self.protocol == Protocol::Static && status.code() == Some(70) && tail.contains(FENCED)
    }

    /// Its place is somebody else's business now. True if it had been fenced.
    fn left(&mut self, slot: usize) -> bool {
        let before = self.vacant.len();
        self.vacant.retain(|vacant| *vacant != slot);
        self.vacant.len() < before
    }

    /// Takes note of a process's memory, and of an end of its own.
    fn look(&mut self, at: usize) -> Result<()> {
        let process = self.members[at].kelp.process();
        let memory = process.usage().peak_memory;
        self.peak = self.peak.max(memory);
        let pid = process.pid();
        if memory > self.limit && self.over.insert(pid) {
            self.violations.push(format!("process {pid} occupied {} MiB of {}", memory >> 20, self.limit >> 20));
        }
        if let Some(status) = process.try_wait()? {
            let tail = process.tail();
            if self.is_fenced(status, &tail) {
                if !self.vacant.contains(&self.members[at].slot) {
                    self.fenced += 1;
                    self.vacant.push(self.members[at].slot);
                }
                return Ok(());
            }
            self.violations.push(format!("a process ended by itself: {status}; {tail}"));
        }
        Ok(())
    }

    /// Looks at all; those that have ended by themselves are no longer among them.
    pub fn look_at_all(&mut self) -> Result<()> {
        for at in (0..self.members.len()).rev() {
            self.look(at)?;
            if self.members[at].kelp.process().try_wait()?.is_some() {
                self.members.remove(at);
            }
        }
        Ok(())
    }

    /// Demands that the counts of each process add up, when all is settled.
    pub fn add_up(&mut self, patience: Duration) -> Result<()> {
        for member in &mut self.members {
            let mut last = String::new();
            let fits = wait_until("the counts to add up", patience, || {
                member.kelp.process().expect_alive()?;
                let Ok(metrics) = member.kelp.metrics() else { return Ok(None) };
                let sum = Counts::of(&metrics);
                last = format!("{sum:?}");
                Ok(sum.add_up().then_some(()))
            });
            if let Err(error) = fits {
                self.violations.push(format!("place {}: {error}: {last}", member.slot));
            }
        }
        Ok(())
    }
}

/// What a process says about its records.
#[derive(Debug)]
struct Counts {
    received: f64,
    settled: f64,
    in_flight: f64,
    given_up: f64,
    /// Partitions that are not read on.
    stopped: f64,
}

impl Counts {
    fn of(metrics: &Metrics) -> Self {
        let sum = |name: &str| metrics.sum(name).unwrap_or_default();
        Self {
            received: sum("kelp_records_received_total"),
            settled: sum("kelp_records_settled_total"),
            in_flight: sum("kelp_in_flight_records"),
            given_up: sum("kelp_records_given_up_total"),
            stopped: sum("kelp_partition_stopped"),
        }
    }

    fn add_up(&self) -> bool {
        let Self { received, settled, in_flight, given_up, stopped } = self;
        let [received, settled, given_up, in_flight] =
            [received, settled, given_up, in_flight].map(|count| *count as u64);
        in_flight == 0 && *stopped == 0.0 && promise::accounted(received, settled, given_up, in_flight).is_ok()
    }
}
