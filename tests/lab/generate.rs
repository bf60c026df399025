//! A seeded access log: the same seed gives the same bytes, on every machine.
//!
//! Lines of about 200 bytes in Apache's combined format, spread evenly over three days that lie in the past, each
//! record's timestamp being its line's own time. Some lines are malformed, some records have no bytes or no value: the
//! generator knows which ([`Kind`]), so that what comes out can be held against what went in.

mod random;
mod words;

pub use random::Random;

/// Milliseconds since 1970 of the first line: 2025-06-10T00:00:00Z. Fixed, so that a seed means the same for ever.
pub const FIRST_DAY: i64 = 1_749_513_600_000;
/// How long the log goes on, in milliseconds.
pub const SPAN: i64 = 3 * 24 * 3600 * 1000;

/// What a generated record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A line in the combined format.
    Good,
    /// Text that is no line of the combined format.
    Malformed,
    /// A value without bytes.
    Empty,
    /// No value.
    Tombstone,
}

/// One record to produce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// What it is.
    pub kind: Kind,
    /// Where it goes.
    pub partition: i32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// A key, on one record in four.
    pub key: Option<String>,
    /// The value; `None` for a tombstone.
    pub payload: Option<Vec<u8>>,
}

/// How many of each kind were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Made {
    /// All of them.
    pub records: u64,
    /// Of these, malformed.
    pub malformed: u64,
    /// Of these, empty.
    pub empty: u64,
    /// Of these, tombstones.
    pub tombstones: u64,
    /// Bytes of the values.
    pub bytes: u64,
}

impl Made {
    /// Counts one record.
    pub fn count(&mut self, record: &Generated) {
        self.records += 1;
        self.bytes += record.payload.as_ref().map_or(0, |payload| payload.len() as u64);
        match record.kind {
            Kind::Good => {}
            Kind::Malformed => self.malformed += 1,
            Kind::Empty => self.empty += 1,
            Kind::Tombstone => self.tombstones += 1,
        }
    }
}

/// The records of a seed, in the order of their timestamps.
#[derive(Debug, Clone)]
pub struct Generator {
    random: Random,
    partitions: i32,
    records: u64,
    next: u64,
}

impl Generator {
    /// Makes the records of `seed` for a topic of `partitions` partitions.
    pub fn new(seed: u64, records: u64, partitions: i32) -> Self {
        Self { random: Random::new(seed), partitions, records, next: 0 }
    }
}

impl Iterator for Generator {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        if self.next == self.records {
            return None;
        }
        let random = &mut self.random;
        let timestamp = FIRST_DAY + (i128::from(self.next) * i128::from(SPAN) / i128::from(self.records)) as i64;
        self.next += 1;
        let partition = random.below(self.partitions as u64) as i32;
        let key = random.chance(250).then(|| format!("host-{:03}", random.below(400)));
        let (kind, payload) = match random.below(1000) {
            0 => (Kind::Tombstone, None),
            1 => (Kind::Empty, Some(Vec::new())),
            2..12 => (Kind::Malformed, Some(malformed(random, timestamp).into_bytes())),
            _ => (Kind::Good, Some(line(random, timestamp).into_bytes())),
        };
        Some(Generated { kind, partition, timestamp, key, payload })
    }
}

fn line(random: &mut Random, timestamp: i64) -> String {
    let address = words::address(random);
    let user = if random.chance(80) { *random.pick(words::USERS) } else { "-" };
    let time = words::time(random, timestamp);
    let method = if random.chance(850) { "GET" } else { *random.pick(words::METHODS) };
    let path = words::path(random);
    let version = random.pick(&["1.0", "1.1", "1.1", "2.0", "2.0"]);
    let status = if random.chance(900) { 200 } else { *random.pick(words::STATUSES) };
    let bytes = if status == 304 { "-".to_owned() } else { random.below(90_000).to_string() };
    let referrer = if random.chance(350) { "-".to_owned() } else { words::referrer(random) };
    let agent = random.pick(words::AGENTS);
    format!(r#"{address} - {user} [{time}] "{method} {path} HTTP/{version}" {status} {bytes} "{referrer}" "{agent}""#)
}

fn malformed(random: &mut Random, timestamp: i64) -> String {
    match random.below(4) {
        // Cut within the time: no combined line any more.
        0 => {
            let mut line = line(random, timestamp);
            line.truncate(line.find('[').map_or(0, |at| at + 8));
            line
        }
        1 => format!("worker[{}]: upstream timed out while reading a response, größer als 30 s", random.below(65_536)),
        2 => format!(r#"{{"level":"warn","msg":"log rotated","seq":{}}}"#, random.below(1 << 40)),
        _ => format!("::: {} ::: 壊れた行", words::path(random)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_for_ever() {
        let all: Vec<_> = Generator::new(7, 20_000, 8).collect();
        assert_eq!(all, Generator::new(7, 20_000, 8).collect::<Vec<_>>());
        assert_ne!(all, Generator::new(8, 20_000, 8).collect::<Vec<_>>());
        let bytes = all.iter().flat_map(|record| record.payload.iter().flatten());
        // FNV-1a, written out: a hasher of the library may change.
        let sum =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
        assert_eq!(
            sum, 0x0dd0_1ad7_48dd_33c9,
            "a change of the generator changes every measurement made with it: {sum:#x}"
        );
    }

    #[test]
    fn shares_are_about_what_is_said() {
        let mut made = Made::default();
        let records = 200_000;
        for record in Generator::new(1, records, 8) {
            made.count(&record);
            assert!((0..8).contains(&record.partition));
            assert!((FIRST_DAY..FIRST_DAY + SPAN).contains(&record.timestamp));
        }
        assert_eq!(made.records, records);
        assert!((1800..2200).contains(&made.malformed), "{made:?}");
        assert!((120..280).contains(&made.empty) && (120..280).contains(&made.tombstones), "{made:?}");
        assert!((180..220).contains(&(made.bytes / records)), "{made:?}");
    }
}
