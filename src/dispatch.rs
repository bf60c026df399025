//! The dispatch core: one lane for each index, what may be sent now, and what follows from each answer.
//!
//! `step(now, input) -> effects`, without input or output of its own. Requests of a lane are sent in the order in which
//! they were submitted; what has to be sent again goes alone and first. While the cluster as a whole does not answer,
//! one request at a time asks whether it is back; while an index refuses, its lane alone is held. Nothing is given up:
//! a document leaves by being settled, or as a dead letter.

mod answer;
mod lane;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use indexmap::IndexMap;

use crate::backoff::{Backoff, Chance};
use crate::bulk::{Answer, Bulk, ErrorCause, HoldReason, Settlement};
use crate::clock::Moment;
use crate::dead_letter::Letter;
use crate::record::HoldingId;

use lane::{Lane, LaneState, Queued};

/// The number of a request, of a look-up, or of both in turn.
pub type RequestId = u64;

/// How the dispatch behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Requests under way at once.
    pub concurrency: usize,
    /// Waiting between tries of the same thing.
    pub backoff: Backoff,
    /// Waiting between tries at an index that is held.
    pub hold: Backoff,
}

impl Default for Settings {
    fn default() -> Self {
        let base = Duration::from_millis(200);
        Self {
            concurrency: 4,
            backoff: Backoff { base, cap: Duration::from_secs(10) },
            hold: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) },
        }
    }
}

/// What came of a request.
#[derive(Debug)]
pub enum Outcome {
    /// HTTP 200 with a body that could be read.
    Answer(Answer),
    /// Another status.
    Status(u16, Option<ErrorCause>),
    /// The connection was refused: nothing was sent.
    NotSent(String),
    /// Sent, perhaps in part, and no usable answer.
    Unknown(String),
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameIs {
    /// An index.
    Index,
    /// Nothing yet: the first document makes it.
    Free,
    /// An alias or a data stream, as described.
    Other(String),
}

/// What a look-up found under an id: the origin field of the document, or nothing.
pub type Found = Option<serde_json::Value>;

/// What the dispatch is told.
#[derive(Debug)]
pub enum Input {
    /// A holding begins.
    Begin(HoldingId),
    /// A holding is over: nothing more is sent for it.
    End(HoldingId),
    /// A full body.
    Submit(Bulk),
    /// The index template is acknowledged, or not.
    Prepared(Result<(), String>),
    /// What an index name stands for.
    Checked(Arc<str>, Result<NameIs, String>),
    /// What came of a request.
    Answered(RequestId, Outcome),
    /// What a look-up found, in the order of its ids; the error is for a person.
    LookedUp(RequestId, Result<Vec<Found>, String>),
    /// Only time has passed.
    Tick,
}

/// What the dispatch asks its edge to do.
#[derive(Debug)]
pub enum Effect {
    /// Have the index template acknowledged.
    Prepare,
    /// Find out what an index name stands for.
    Check(Arc<str>),
    /// Send a bulk request.
    Send {
        /// The number to answer with.
        request: RequestId,
        /// The index, for the path.
        index: Arc<str>,
        /// The body.
        body: Bytes,
        /// How many documents it has.
        documents: usize,
    },
    /// Look documents up by id.
    LookUp {
        /// The number to answer with.
        request: RequestId,
        /// The index.
        index: Arc<str>,
        /// The ids, each with the name of the origin field that is wanted.
        ids: Vec<(String, Arc<str>)>,
    },
    /// Tell a worker what was settled.
    Settle(usize, Vec<Settlement>),
    /// Deliver a dead letter.
    Letter(Letter),
    /// Tell the operator.
    Tell(Notice),
    /// Items were judged; for the metrics: class and number.
    Judged(&'static str, usize),
}

/// Something that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Elasticsearch as a whole does not take requests; they are tried again.
    Unavailable(String),
    /// It takes them again.
    Available,
    /// An index refuses its documents; they are kept and tried again.
    Held(Arc<str>, HoldReason, String),
    /// It takes them again.
    Released(Arc<str>),
}

struct Request {
    bulk: Bulk,
    attempt: u32,
    order: u64,
    /// Documents (indices) that wait for a look-up.
    conflicts: Vec<usize>,
}

/// The whole cluster.
#[derive(Debug, PartialEq)]
enum Gate {
    /// The template is being acknowledged.
    Preparing {
        attempt: u32,
    },
    /// Something failed; the next try is at the moment.
    Closed {
        until: Moment,
        attempt: u32,
        prepared: bool,
    },
    /// One request is out to see whether it is back.
    Probing {
        attempt: u32,
    },
    Open,
}

/// The state of the dispatch.
pub struct Dispatch {
    settings: Settings,
    chance: Chance,
    gate: Gate,
    started: bool,
    lanes: IndexMap<Arc<str>, Lane, foldhash::fast::RandomState>,
    requests: HashMap<RequestId, Request>,
    /// Look-ups that failed and are to be tried again.
    look_ups: Vec<(Moment, RequestId)>,
    live: HashSet<HoldingId>,
    sending: usize,
    /// Names that are being asked about.
    checking: usize,
    next_request: RequestId,
    next_order: u64,
    turn: usize,
}

impl Dispatch {
    /// A dispatch without lanes; `chance` is for the jitter of its waiting.
    pub fn new(settings: Settings, chance: Chance) -> Self {
        Self {
            settings,
            chance,
            gate: Gate::Preparing { attempt: 0 },
            started: false,
            lanes: IndexMap::default(),
            requests: HashMap::new(),
            look_ups: Vec::new(),
            live: HashSet::new(),
            sending: 0,
            checking: 0,
            next_request: 0,
            next_order: 0,
            turn: 0,
        }
    }

    /// Takes one input, and appends what is to be done to `effects`.
    pub fn step(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        if !self.started {
            self.started = true;
            effects.push(Effect::Prepare);
        }
        match input {
            Input::Begin(holding) => {
                self.live.insert(holding);
            }
            Input::End(holding) => {
                self.live.remove(&holding);
                let live = &self.live;
                for lane in self.lanes.values_mut() {
                    lane.forget(live);
                }
            }
            Input::Submit(mut bulk) => {
                // It may have been on its way when its holding ended.
                if !lane::cut_to_live(&mut bulk, &self.live) {
                    return;
                }
                let lane = self.lanes.entry(Arc::clone(&bulk.index)).or_default();
                lane.queue.push_back(Queued { bulk, attempt: 0, order: self.next_order });
                self.next_order += 1;
            }
            Input::Prepared(Ok(())) => {
                if !matches!(self.gate, Gate::Preparing { .. }) {
                    return;
                }
                self.gate = Gate::Open;
                effects.push(Effect::Tell(Notice::Available));
            }
            Input::Prepared(Err(why)) => self.close(now, false, why, effects),
            Input::Checked(index, result) => self.checked(now, &index, result, effects),
            Input::Answered(request, outcome) => self.answered(now, request, outcome, effects),
            Input::LookedUp(request, found) => self.looked_up(now, request, found, effects),
            Input::Tick => {}
        }
        self.pump(now, effects);
    }

    /// When the dispatch wants to be told the time again, if nothing else comes before.
    /// Moments that have passed do not count: what is due then waits for an answer, not for time.
    pub fn wake_at(&self, now: Moment) -> Option<Moment> {
        if let Gate::Closed { until, .. } = self.gate {
            return Some(until);
        }
        let look_ups = self.look_ups.iter().map(|(at, _)| *at);
        let lanes = self.lanes.values().filter(|lane| !lane.queue.is_empty()).filter_map(Lane::wake_at);
        look_ups.chain(lanes).filter(|at| *at > now).min()
    }

    /// True if nothing is waiting or under way.
    pub fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.lanes.values().all(|lane| lane.queue.is_empty())
    }

    /// How many lanes are open, and how many are held.
    pub fn lanes(&self) -> (usize, usize) {
        let held = self.lanes.values().filter(|lane| lane.is_held()).count();
        (self.lanes.len() - held, held)
    }

    /// Requests under way, look-ups not counted.
    pub fn sending(&self) -> usize {
        self.sending
    }

    fn close(&mut self, now: Moment, prepared: bool, why: String, effects: &mut Vec<Effect>) {
        let attempt = match self.gate {
            Gate::Closed { attempt, until, prepared: before } => {
                // Answers of requests that were out already do not lengthen the wait.
                self.gate = Gate::Closed { attempt, until, prepared: before && prepared };
                return;
            }
            Gate::Probing { attempt } | Gate::Preparing { attempt } => attempt + 1,
            Gate::Open => 0,
        };
        let delay = self.settings.backoff.delay(attempt, self.chance.bits());
        self.gate = Gate::Closed { until: now + delay, attempt, prepared };
        effects.push(Effect::Tell(Notice::Unavailable(why)));
    }

    fn reopen(&mut self, effects: &mut Vec<Effect>) {
        if let Gate::Closed { prepared: true, .. } | Gate::Probing { .. } = self.gate {
            self.gate = Gate::Open;
            effects.push(Effect::Tell(Notice::Available));
        }
    }

    fn checked(&mut self, now: Moment, index: &Arc<str>, result: Result<NameIs, String>, effects: &mut Vec<Effect>) {
        let delay = self.settings.hold.delay(0, self.chance.bits());
        let Some(lane) = self.lanes.get_mut(index).filter(|lane| lane.state == LaneState::Checking) else { return };
        self.checking -= 1;
        match result {
            Ok(NameIs::Index) => lane.concrete(effects, index),
            Ok(NameIs::Free) => lane.free(),
            Ok(NameIs::Other(what)) => {
                lane.state = LaneState::Unchecked { at: now + delay };
                lane.hold(index, HoldReason::NotConcrete, &what, effects);
            }
            Err(why) => {
                lane.state = LaneState::Unchecked { at: now + delay };
                self.close(now, true, why, effects);
            }
        }
    }

    /// Sends what may be sent.
    fn pump(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if let Gate::Closed { until, attempt, prepared } = self.gate
            && now >= until
        {
            self.gate = if prepared { Gate::Probing { attempt } } else { Gate::Preparing { attempt } };
            if !prepared {
                effects.push(Effect::Prepare);
            }
        }
        let room = match self.gate {
            Gate::Open => self.settings.concurrency,
            Gate::Probing { .. } => 1,
            Gate::Preparing { .. } | Gate::Closed { .. } => return,
        };
        self.look_again(now, effects);
        let count = self.lanes.len();
        let mut idle = 0;
        let probes = self.gate != Gate::Open;
        while idle < count && self.sending < room && !(probes && self.checking > 0) {
            self.turn = (self.turn + 1) % count;
            let turn = self.turn;
            let (index, lane) = self.lanes.get_index_mut(turn).expect("the turn is below the number of lanes");
            let index = Arc::clone(index);
            match lane.next(now, &self.live) {
                lane::Next::Nothing => idle += 1,
                lane::Next::Check => {
                    self.checking += 1;
                    effects.push(Effect::Check(index));
                    idle += 1;
                }
                lane::Next::Send(queued) => {
                    idle = 0;
                    self.send(index, queued, effects);
                }
            }
        }
    }

    fn send(&mut self, index: Arc<str>, queued: Queued, effects: &mut Vec<Effect>) {
        let request = self.next_request;
        self.next_request += 1;
        self.sending += 1;
        let Queued { bulk, attempt, order } = queued;
        effects.push(Effect::Send { request, index, body: bulk.body.clone(), documents: bulk.documents.len() });
        self.requests.insert(request, Request { bulk, attempt, order, conflicts: Vec::new() });
    }

    fn look_again(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let due: Vec<RequestId> =
            self.look_ups.extract_if(.., |(at, _)| *at <= now).map(|(_, request)| request).collect();
        for request in due {
            self.look_up(request, effects);
        }
    }
}

#[cfg(test)]
mod tests;
