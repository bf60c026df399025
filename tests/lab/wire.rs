//! Kafka's protocol by hand, as far as a test has to say what no client says: a commit of an old generation, of somebody unknown, a
//! member that takes its time. Old versions of a few requests, over plain TCP, to a broker that is everything (leader and coordinator).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Result;

const PRODUCT: &str = "lab";
const SESSION_MS: i32 = 60_000;

/// Codes of errors.
pub mod code {
    /// None.
    pub const NONE: i16 = 0;
    /// The offset is not there.
    pub const OUT_OF_RANGE: i16 = 1;
    /// The generation is not the group's.
    pub const ILLEGAL_GENERATION: i16 = 22;
    /// The group does not know the member.
    pub const UNKNOWN_MEMBER: i16 = 25;
    /// The members are being gathered.
    pub const REBALANCE: i16 = 27;
}

/// What a member says who it is.
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// As the broker named it; empty before it joined.
    pub id: String,
    /// The generation that it knows.
    pub generation: i32,
    /// It deals the partitions.
    pub leads: bool,
}

/// A connection to a broker.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
}

/// Bytes that are read from their beginning.
struct Bytes(Vec<u8>, usize);

impl Bytes {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.0.get(self.1..self.1 + N).ok_or("an answer of Kafka is too short")?;
        self.1 += N;
        Ok(bytes.try_into()?)
    }

    fn short(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.take()?))
    }

    fn int(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take()?))
    }

    fn text(&mut self) -> Result<String> {
        let length = usize::try_from(self.short()?).unwrap_or(0);
        let bytes = self.0.get(self.1..self.1 + length).ok_or("an answer of Kafka is too short")?.to_vec();
        self.1 += length;
        Ok(String::from_utf8(bytes)?)
    }
}

#[derive(Default)]
struct Request(Vec<u8>);

impl Request {
    fn short(mut self, value: i16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn int(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn long(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn text(self, text: &str) -> Self {
        let mut this = self.short(text.len() as i16);
        this.0.extend(text.as_bytes());
        this
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let mut this = self.int(bytes.len() as i32);
        this.0.extend(bytes);
        this
    }
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// Nobody is there.
    pub fn connect(bootstrap: &str) -> Result<Self> {
        let stream = TcpStream::connect(bootstrap)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream })
    }

    fn send(&mut self, (key, version): (i16, i16), body: Request) -> Result<()> {
        let head = Request::default().short(key).short(version).int(1).text(PRODUCT);
        let length = i32::try_from(head.0.len() + body.0.len())?;
        Ok(self.stream.write_all(&[&length.to_be_bytes()[..], &head.0, &body.0].concat())?)
    }

    fn hear(&mut self) -> Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut bytes = vec![0; usize::try_from(i32::from_be_bytes(length))?];
        self.stream.read_exact(&mut bytes)?;
        let mut bytes = Bytes(bytes, 0);
        bytes.int()?;
        Ok(bytes)
    }

    /// Asks to be in the group, or to be in its next generation. The answer comes once all members have asked.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn ask_to_join(&mut self, group: &str, member: &Member) -> Result<()> {
        let body = Request::default().text(group).int(SESSION_MS).int(SESSION_MS).text(&member.id);
        self.send((11, 2), body.text(PRODUCT).int(1).text(PRODUCT).bytes(b""))
    }

    /// What came of it.
    ///
    /// # Errors
    /// It was refused.
    pub fn joined(&mut self) -> Result<Member> {
        let mut answer = self.hear()?;
        answer.int()?;
        let error = answer.short()?;
        let generation = answer.int()?;
        answer.text()?;
        let (leader, id) = (answer.text()?, answer.text()?);
        if error != code::NONE {
            return Err(format!("Kafka refuses a member: {error}").into());
        }
        Ok(Member { leads: leader == id, id, generation })
    }

    /// Takes its part in the division; who leads gives everybody nothing.
    ///
    /// # Errors
    /// It is refused.
    pub fn sync(&mut self, group: &str, member: &Member) -> Result<()> {
        let body = Request::default().text(group).int(member.generation).text(&member.id);
        let body = if member.leads { body.int(1).text(&member.id).bytes(b"") } else { body.int(0) };
        self.send((14, 0), body)?;
        match self.hear()?.short()? {
            code::NONE => Ok(()),
            error => Err(format!("Kafka refuses a member's part: {error}").into()),
        }
    }

    /// Says that a member is alive, and gives the error.
    ///
    /// # Errors
    /// There is no answer.
    pub fn heartbeat(&mut self, group: &str, member: &Member) -> Result<i16> {
        self.send((12, 0), Request::default().text(group).int(member.generation).text(&member.id))?;
        self.hear()?.short()
    }

    /// Leaves, and gives the error.
    ///
    /// # Errors
    /// There is no answer.
    pub fn leave(&mut self, group: &str, member: &Member) -> Result<i16> {
        self.send((13, 0), Request::default().text(group).text(&member.id))?;
        self.hear()?.short()
    }

    /// Commits an offset of a topic's first partition, and gives the error.
    ///
    /// # Errors
    /// There is no answer.
    pub fn commit(&mut self, group: &str, member: &Member, topic: &str, offset: i64) -> Result<i16> {
        let body = Request::default().text(group).int(member.generation).text(&member.id).long(-1);
        self.send((8, 2), body.int(1).text(topic).int(1).int(0).long(offset).text("kelp:i1"))?;
        let mut answer = self.hear()?;
        // How many topics and which, how many partitions and which.
        answer.int()?;
        answer.text()?;
        answer.int()?;
        answer.int()?;
        answer.short()
    }

    /// Reads a topic's first partition from an offset on, and gives the error alone.
    ///
    /// # Errors
    /// There is no answer.
    pub fn fetch(&mut self, topic: &str, offset: i64) -> Result<i16> {
        let mut body = Request::default().int(-1).int(0).int(1).int(1 << 20);
        body.0.push(0);
        self.send((1, 4), body.int(1).text(topic).int(1).int(0).long(offset).int(1 << 20))?;
        let mut answer = self.hear()?;
        // The throttle, how many topics and which, how many partitions and which.
        answer.int()?;
        answer.int()?;
        answer.text()?;
        answer.int()?;
        answer.int()?;
        answer.short()
    }
}
