//! Requests that do not come back: what they keep from going on, and what they say of the cluster.
//!
//! A shard without a primary keeps whoever writes to it waiting, for as long as a request lasts, while other indices are
//! served in milliseconds. So a lane whose oldest request has been out for much longer than usual is *silent*: it may fill the
//! limit like any other, but what it has out is not counted where another lane wants to send. Where nothing at all has been heard
//! for as long, others send one at a time: it may be the cluster that is silent.

use std::sync::Arc;
use std::time::Duration;

use super::lane::{Lane, LaneState};
use super::{Dispatch, Gate};
use crate::clock::Moment;
use crate::planted::is_planted;

/// A request is not late before this.
const LATE: Duration = Duration::from_secs(2);
/// How many usual round trips make it late.
const ROUNDS: u32 = 4;

/// What has been heard of the cluster.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// A running mean of the round trips.
    usual: Duration,
    /// When the last answer came that shows that the cluster is there.
    heard: Option<Moment>,
}

impl Silence {
    /// The cluster has answered.
    pub(super) fn hears(&mut self, now: Moment) {
        self.heard = Some(now);
    }

    /// What was answered was done after this time.
    pub(super) fn took(&mut self, took: Duration) {
        self.usual = (self.usual * 7 + took) / 8;
    }

    /// True of a request that was sent then, if it is still out.
    pub(super) fn is_late(&self, sent_at: Moment, now: Moment) -> bool {
        now >= sent_at + self.patience()
    }

    /// A request that is out for longer is late.
    fn patience(&self) -> Duration {
        LATE.max(self.usual * ROUNDS)
    }

    /// True if others were answered while a request was out, in the later half of that time: what was answered just after it was
    /// sent says nothing about a cluster that has been away since.
    pub(super) fn heard_others(&self, now: Moment, sent_at: Moment) -> bool {
        self.heard.is_some_and(|heard| heard.is_in_later_half(sent_at, now))
    }
}

/// How much may be sent now, and by whom.
pub(super) struct Room {
    /// Requests that may be out.
    limit: usize,
    /// Those that may be out of lanes that are not silent.
    beside: usize,
    /// Those that may be out if many do not come back.
    most: usize,
    silent: Vec<Arc<str>>,
    /// What is beyond the limit is not for those that hung. While it is asked whether the cluster is back, they all did.
    spares: bool,
    out: usize,
    /// Those of lanes that are not silent.
    counted: usize,
    /// Names that are asked about, whose answer is not late.
    checks: usize,
}

impl Room {
    /// Nobody may send.
    pub(super) fn is_over(&self) -> bool {
        self.out >= self.limit && (self.counted >= self.beside || self.out >= self.most)
    }

    /// There is room within the limit, for anybody.
    pub(super) fn is_free(&self) -> bool {
        self.out < self.limit
    }

    /// The index may. Beyond the limit there is room for those alone that answer, and did so when they were last asked: were it for others,
    /// many that do not answer would take all of it.
    pub(super) fn is_for(&self, index: &Arc<str>, hangs: bool) -> bool {
        let is_left_out = hangs && self.spares || self.silent.contains(index);
        self.is_free() || !is_left_out && !self.is_over()
    }

    /// While it is asked whether the cluster is back, by the name of an index.
    pub(super) fn is_asked_by_name(&self) -> bool {
        !self.spares && self.checks > 0
    }

    /// It is asked what a name stands for.
    pub(super) fn take_check(&mut self, index: &Arc<str>) {
        self.take(index);
        self.checks += 1;
    }

    /// Something is sent to the index. Gives how many are under way that matter for the time it takes.
    pub(super) fn take(&mut self, index: &Arc<str>) -> usize {
        self.out += 1;
        self.counted += usize::from(!self.silent.contains(index));
        self.counted
    }
}

impl Dispatch {
    /// Requests that may be out; nothing while the gate is closed.
    fn most_out(&self, now: Moment) -> Option<usize> {
        match self.gate {
            Gate::Open if is_planted("NoLimit") => Some(usize::MAX),
            Gate::Open => Some(self.limit.current(now)),
            Gate::Probing { .. } => Some(1),
            Gate::Preparing { .. } | Gate::Closed { .. } => None,
        }
    }

    /// Those that are out. Names that have to be checked are requests, too, however many indices there are.
    pub(super) fn all_out(&self) -> usize {
        self.requests.len() + self.checking
    }

    /// Since when the names that are asked about are.
    fn asked_since(&self) -> impl Iterator<Item = Moment> {
        let since = |lane: &Lane| if let LaneState::Checking { since } = lane.state { Some(since) } else { None };
        // Mostly there is none among many lanes.
        (self.checking > 0).then(|| self.lanes.values().filter_map(since)).into_iter().flatten()
    }

    /// Names that are asked about, whose answer is not late.
    pub(super) fn checks(&self, now: Moment) -> usize {
        self.asked_since().filter(|since| !self.silence.is_late(*since, now)).count()
    }

    /// What may be sent now; nothing while the gate is closed.
    pub(super) fn room(&self, now: Moment) -> Option<Room> {
        let limit = self.most_out(now)?;
        let mut silent: Vec<Arc<str>> = Vec::new();
        for request in self.requests.values().filter(|request| self.silence.is_late(request.sent_at, now)) {
            if !silent.contains(&request.bulk.index) {
                silent.push(Arc::clone(&request.bulk.index));
            }
        }
        let counted = self.requests.values().filter(|request| !silent.contains(&request.bulk.index)).count();
        let heard = self.silence.heard.is_some_and(|heard| !self.silence.is_late(heard, now));
        let most = self.settings.concurrency.saturating_mul(2);
        let beside = if heard { limit } else { 1 };
        let spares = self.gate == Gate::Open;
        let checks = self.checks(now);
        Some(Room { limit, beside, most, silent, spares, out: self.all_out(), counted: counted + checks, checks })
    }

    /// When the next request will be late, if something waits for that.
    pub(super) fn late_at(&self) -> Option<Moment> {
        let waits = !self.look_ups.is_empty() || self.lanes.values().any(|lane| !lane.queue.is_empty());
        if !waits || self.most_out(self.stepped).is_none_or(|limit| self.all_out() < limit) {
            return None;
        }
        let sent = self.requests.values().map(|request| request.sent_at).chain(self.asked_since());
        let late = sent.map(|since| since + self.silence.patience());
        late.filter(|at| *at > self.stepped).min()
    }
}
