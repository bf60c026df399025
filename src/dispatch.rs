//! The dispatch core: one lane for each index, what may be sent now, and what follows from each answer.
//!
//! `step(now, input) -> effects`, without input or output of its own. Requests of a lane are sent in the order in which
//! they were submitted; what has to be sent again goes alone and first, and what is refused for a reason that nobody knows last. While the cluster as a whole does not answer,
//! one request at a time asks whether it is back; while an index refuses, its lane alone is held. Nothing is given up:
//! a document leaves by being settled, or as a dead letter.

mod answer;
mod blocked;
mod items;
mod lane;
mod limit;
mod look_up;
mod messages;
mod silence;
mod turns;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::backoff::Chance;
use crate::bulk::{Bulk, HoldReason};
use crate::clock::Moment;

use lane::{Lane, LaneState, Live, Queued, Suspect};
use limit::Limit;
pub use look_up::JUDGED_BY;
pub use messages::{Blocked, Effect, Found, Input, NameIs, Notice, Outcome, RequestId, Settings};
use silence::Silence;

/// A request that is out.
struct Request {
    bulk: Bulk,
    attempt: u32,
    order: u64,
    suspect: Option<Suspect>,
    sent_at: Moment,
    /// How many were out with it, without those that do not come back.
    under_way: usize,
    /// It looks its documents up, which were all in the way of others.
    looks_up: bool,
}

impl Request {
    /// As it waits to be sent once more.
    fn again(self) -> Queued {
        Queued { bulk: self.bulk, attempt: self.attempt + 1, order: self.order, suspect: self.suspect }
    }
}

/// Those that are out.
type Requests = HashMap<RequestId, Request, foldhash::fast::RandomState>;

/// A look-up that waits.
struct LookUp {
    at: Moment,
    id: RequestId,
    bulk: Bulk,
    attempt: u32,
    order: u64,
}

/// Time between looks at an index that may not be made yet.
const RECHECK: Duration = Duration::from_secs(60);
/// A lane that had nothing to do for this long is closed.
const IDLE: Duration = Duration::from_secs(600);
const HOUR: Duration = Duration::from_secs(3600);

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
    requests: Requests,
    /// Look-ups that wait for their time, or for room.
    look_ups: Vec<LookUp>,
    live: Live,
    limit: Limit,
    silence: Silence,
    /// When indices were made, within the last hour.
    made: VecDeque<Moment>,
    swept: Moment,
    /// The time of the last step.
    stepped: Moment,
    /// Names that are being asked about.
    checking: usize,
    next_request: RequestId,
    next_order: u64,
    /// The lane that had its turn last, by [`turns::Turn`].
    turns: [usize; 2],
    /// Look-ups come before lanes the next time that there is room.
    look_ups_first: bool,
}

impl Dispatch {
    /// A dispatch without lanes; `chance` is for the jitter of its waiting.
    pub fn new(settings: Settings, chance: Chance) -> Self {
        Self {
            limit: Limit::new(settings.concurrency),
            settings,
            chance,
            gate: Gate::Preparing { attempt: 0 },
            started: false,
            lanes: IndexMap::default(),
            requests: HashMap::default(),
            look_ups: Vec::new(),
            live: Live::default(),
            silence: Silence::default(),
            made: VecDeque::new(),
            swept: Moment::default(),
            stepped: Moment::default(),
            checking: 0,
            next_request: 0,
            next_order: 0,
            turns: [0; 2],
            look_ups_first: true,
        }
    }

    /// Takes one input, and appends what is to be done to `effects`.
    pub fn step(&mut self, now: Moment, input: Input, effects: &mut Vec<Effect>) {
        self.stepped = now;
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
                self.forget_look_ups();
            }
            Input::Submit(bulk) => {
                // It may have been on its way when its holding ended.
                if let Some(bulk) = lane::cut_to_live(bulk, &self.live) {
                    let lane = self.lanes.entry(Arc::clone(&bulk.index)).or_default();
                    lane.queue.push_back(Queued { bulk, attempt: 0, order: self.next_order, suspect: None });
                    self.next_order += 1;
                }
            }
            Input::Prepared(Ok(())) => {
                if matches!(self.gate, Gate::Preparing { .. }) {
                    self.silence.hears(now);
                    self.gate = Gate::Open;
                    effects.push(Effect::Tell(Notice::Available));
                }
            }
            Input::Prepared(Err(why)) => self.close(now, false, why, effects),
            Input::Checked(index, result) => self.checked(now, &index, result, effects),
            Input::Answered(request, outcome) => self.answered(now, request, outcome, effects),
            Input::LookedUp(request, found) => self.looked_up(now, request, found, effects),
            Input::Tick => {}
        }
        self.pump(now, effects);
        self.give_up_blocked(now, effects);
        self.sweep(now, effects);
    }

    /// When the dispatch wants to be told the time again, if nothing else comes before.
    /// Moments before its last step do not count: what was due then waits for an answer, not for time. Those since do: a process
    /// may be stopped between a step and this question.
    pub fn wake_at(&self) -> Option<Moment> {
        if let Gate::Closed { until, .. } = self.gate {
            return Some(until);
        }
        let look_ups = self.look_ups.iter().map(|look_up| look_up.at);
        let waiting = self.lanes.values().filter(|lane| !lane.queue.is_empty());
        let lanes = waiting.filter_map(|lane| lane.wake_at(self.stepped));
        look_ups.chain(lanes).chain(self.late_at()).filter(|at| *at > self.stepped).min()
    }

    /// True if nothing is waiting or under way.
    pub fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.look_ups.is_empty() && self.lanes.values().all(|lane| lane.queue.is_empty())
    }

    /// True if Elasticsearch, or one of its indices that something waits for, does not take what it is given, or did not when it was last asked.
    pub fn is_refused(&self) -> bool {
        let asks = |lane: &Lane| !lane.queue.is_empty() || lane.sending > 0;
        let refused = |lane: &Lane| asks(lane) && (lane.refusals > 0 || lane.hangs || lane.held().is_some());
        self.gate != Gate::Open
            || self.lanes.values().any(refused)
            || self.look_ups.iter().any(|each| each.attempt > 0)
            || self.requests.values().any(|each| each.attempt > 0)
    }

    /// How many lanes are open, and how many are held.
    pub fn lanes(&self) -> (usize, usize) {
        let held = self.lanes.values().filter(|lane| lane.held().is_some()).count();
        (self.lanes.len() - held, held)
    }

    /// Requests under way, look-ups included, and how many may be.
    pub fn under_way(&self, now: Moment) -> (usize, usize) {
        (self.requests.len(), self.limit.current(now))
    }

    fn close(&mut self, now: Moment, prepared: bool, why: String, effects: &mut Vec<Effect>) {
        // While the template is not acknowledged again, no other failure makes it so.
        let prepared = prepared && !matches!(self.gate, Gate::Preparing { .. });
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

    /// The cluster has answered.
    fn reopen(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        self.silence.hears(now);
        if let Gate::Closed { prepared: true, .. } | Gate::Probing { .. } = self.gate {
            self.gate = Gate::Open;
            effects.push(Effect::Tell(Notice::Available));
        }
    }

    fn checked(&mut self, now: Moment, index: &Arc<str>, result: Result<NameIs, String>, effects: &mut Vec<Effect>) {
        let delay = self.settings.hold.delay(0, self.chance.bits());
        let Some(lane) = self.lanes.get_mut(index) else { return };
        let LaneState::Checking { since } = lane.state else { return };
        self.checking -= 1;
        let is_late = self.silence.is_late(since, now);
        lane.hangs = is_late && result.is_err();
        match result {
            Ok(NameIs::Index) => lane.becomes(LaneState::Concrete, index, effects),
            Ok(NameIs::Free) => {
                self.made.retain(|at| now < *at + HOUR);
                let most = self.settings.max_new_indices;
                if lane.may_be_made || self.made.len() < most {
                    if !std::mem::replace(&mut lane.may_be_made, true) {
                        self.made.push_back(now);
                    }
                    lane.becomes(LaneState::Free, index, effects);
                } else {
                    let why = format!("{most} indices were made within the last hour, and this would be one more");
                    // Room comes by time alone, or by somebody who makes the index.
                    let room_at = self.made.front().map_or(now, |first| *first + HOUR);
                    lane.state = LaneState::Unchecked { at: room_at.min(now + RECHECK).max(now + delay) };
                    lane.hold((now, since), index, (HoldReason::TooManyNew, &why), effects);
                    self.reopen_by_name(now, effects);
                }
            }
            Ok(NameIs::Other(what)) => {
                lane.state = LaneState::Unchecked { at: now + delay };
                lane.hold((now, since), index, (HoldReason::NotConcrete, &what), effects);
                self.reopen_by_name(now, effects);
            }
            Err(why) => {
                lane.state = LaneState::Unchecked { at: now + delay };
                if !(is_late && self.silence.heard_others(now, since)) {
                    self.close(now, true, why, effects);
                }
            }
        }
    }

    /// The cluster has said what a name is. Whether it takes documents is for them to find out, where any may be sent.
    fn reopen_by_name(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        let may_be_sent = |lane: &Lane| !lane.queue.is_empty() && lane.is_checked();
        if self.look_ups.is_empty() && self.requests.is_empty() && !self.lanes.values().any(may_be_sent) {
            self.reopen(now, effects);
        }
    }

    /// Closes lanes that have had nothing to do for long: every day has its own.
    fn sweep(&mut self, now: Moment, effects: &mut Vec<Effect>) {
        if now < self.swept + IDLE / 10 {
            return;
        }
        self.swept = now;
        let busy: HashSet<&Arc<str>> = self
            .requests
            .values()
            .map(|request| &request.bulk.index)
            .chain(self.look_ups.iter().map(|look_up| &look_up.bulk.index))
            .collect();
        self.lanes.retain(|index, lane| {
            let idle = lane.queue.is_empty() && !lane.is_asked_about() && !busy.contains(index);
            let closes = idle && now >= lane.used + IDLE;
            if closes && lane.held().is_some() {
                effects.push(Effect::Tell(Notice::Unneeded(Arc::clone(index))));
            }
            !closes
        });
    }
}

#[cfg(test)]
mod tests;
