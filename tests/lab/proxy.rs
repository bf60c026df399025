//! Stands in front of Elasticsearch and spoils what goes through: by one mode for all bulk requests, or by faults that a
//! seed chooses request by request.
//!
//! Each process under test gets a *door* (a port) of its own, so that the log of submissions knows who sent what. What
//! is spoiled never looks like a good answer of Elasticsearch to something that it did not do: a client that reads
//! answers carefully can always tell.

mod answer;
mod doors;
mod faults;
mod items;
mod serve;
mod submissions;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;

pub use faults::{Fault, Weather};
pub use items::{is_poisoned, place};
pub use submissions::{Order, Submissions};

use super::Result;
use doors::Doors;

/// What is done with a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// It is carried out and answered.
    Pass,
    /// Nothing is carried out; whatever is asked, the answer is 200 and a page for people.
    Page,
    /// A bulk is answered with this status and not carried out.
    Refuse(u16),
    /// A bulk is carried out, and the connection ends without an answer.
    Lose,
    /// Of the documents that were not seen before, every third is answered with 429 or 503 by turns, and not passed on.
    RefuseItems,
    /// Every document of a bulk is answered with 429, and nothing is passed on.
    RefuseAllItems,
    /// Some requests meet a fault, chosen by a seed.
    Weather(Weather),
}

#[derive(Debug)]
struct State {
    target: String,
    http: reqwest::Client,
    /// The mode and how many bulk requests it has been applied to.
    mode: Mutex<(Mode, u64)>,
    /// Ids that [`Mode::RefuseItems`] has met.
    seen: Mutex<HashSet<String>>,
    refused_items: AtomicU64,
    faults: Mutex<faults::Counts>,
    submissions: Submissions,
    poison: bool,
}

/// A running proxy. Dropping it closes it.
#[derive(Debug)]
pub struct Proxy {
    state: Arc<State>,
    doors: Doors,
    url: String,
    // Holds the threads that serve.
    _runtime: Runtime,
}

impl Proxy {
    /// Listens on a free port, in front of `target` (`http://host:port`).
    ///
    /// # Errors
    /// There is no port.
    pub fn start(target: &str, mode: Mode) -> Result<Self> {
        Self::start_with(target, mode, false)
    }

    /// The same; with `poison`, every document whose offset is 7 modulo 1009 is refused for ever as one that cannot be
    /// parsed, so that there are dead letters.
    ///
    /// # Errors
    /// There is no port.
    pub fn start_with(target: &str, mode: Mode, poison: bool) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let state = Arc::new(State {
            target: target.into(),
            http,
            mode: Mutex::new((mode, 0)),
            seen: Mutex::default(),
            refused_items: AtomicU64::new(0),
            faults: Mutex::default(),
            submissions: Submissions::default(),
            poison,
        });
        let mut proxy =
            Self { doors: Doors::new(runtime.handle(), &state), state, url: String::new(), _runtime: runtime };
        proxy.url = proxy.open()?.1;
        Ok(proxy)
    }

    /// `http://host:port` of the first door.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Opens a further door, and gives its number and its `http://host:port`.
    ///
    /// # Errors
    /// There is no port.
    pub fn open(&self) -> Result<(usize, String)> {
        self.doors.open()
    }

    /// Refuses connections and breaks off those that there are, until [`Proxy::admit`].
    pub fn refuse(&self) {
        self.doors.shut();
        self.state.faults.lock().expect("counting does not panic").add(Fault::Refused);
    }

    /// Takes connections again.
    ///
    /// # Errors
    /// A port was taken by somebody else meanwhile.
    pub fn admit(&self) -> Result<()> {
        self.doors.reopen()
    }

    /// Changes what is done from now on.
    pub fn set(&self, mode: Mode) {
        *self.state.mode.lock().expect("nothing panics with it") = (mode, 0);
    }

    /// How many bulk requests the mode has been applied to.
    pub fn applied(&self) -> u64 {
        self.state.mode.lock().expect("nothing panics with it").1
    }

    /// How many items were refused alone.
    pub fn refused_items(&self) -> u64 {
        self.state.refused_items.load(Ordering::Relaxed)
    }

    /// How often each fault was carried out so far.
    pub fn faults(&self) -> std::collections::BTreeMap<Fault, u64> {
        self.state.faults.lock().expect("counting does not panic").all()
    }

    /// What was submitted, and in which order.
    pub fn submissions(&self) -> &Submissions {
        &self.state.submissions
    }
}
