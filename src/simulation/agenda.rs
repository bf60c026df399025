//! What will happen, and when: events in the order of their time, and of their coming where that is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::broker::{CommitRequest, LifeId};
use super::life::Core;
use crate::clock::Moment;
use crate::dead_letter::Letter;
use crate::record::TopicPartition;
use crate::{dispatch, reader, worker};

/// What happens next.
pub(super) enum Event {
    Reader(LifeId, reader::Input),
    Worker(LifeId, usize, worker::Input),
    Dispatch(LifeId, dispatch::Input),
    Wake(LifeId, Core),
    Poll(LifeId),
    /// A process that was stopped goes on.
    Thaw(LifeId),
    /// The group has not heard of a process for too long.
    Expel(LifeId),
    /// Requests on their way to the broker.
    Resolve(LifeId, Vec<TopicPartition>),
    Watch(LifeId, Vec<Arc<str>>),
    Commit(CommitRequest),
    Unassigned(LifeId, Vec<TopicPartition>),
    Join(LifeId),
    /// A member learns that its session timed out.
    Learn(LifeId, Vec<TopicPartition>),
    /// A topic that was deleted is made again.
    There(Arc<str>),
    /// The broker notices that a process is gone.
    Expire(LifeId),
    Start(usize),
    /// Requests on their way to Elasticsearch.
    Prepare(LifeId),
    Check(LifeId, Arc<str>),
    Bulk(LifeId, dispatch::RequestId, Arc<str>, bytes::Bytes),
    Late(Arc<str>, bytes::Bytes),
    LookUp(LifeId, dispatch::RequestId, Arc<str>, Vec<String>),
    Letter(LifeId, Letter),
    /// Something befalls the group, the cluster; and then nothing more.
    Mischief,
    Weather,
    Calm,
}

impl Event {
    /// The process in which it happens, for what does not happen while that is stopped.
    pub(super) fn inside(&self) -> Option<LifeId> {
        match self {
            Self::Reader(life, _)
            | Self::Worker(life, ..)
            | Self::Dispatch(life, _)
            | Self::Wake(life, _)
            | Self::Poll(life)
            | Self::Join(life)
            | Self::Learn(life, _) => Some(*life),
            _ => None,
        }
    }

    /// A number for each kind of event.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Reader(..) => 1,
            Self::Worker(..) => 2,
            Self::Dispatch(..) => 3,
            Self::Wake(..) => 4,
            Self::Poll(..) => 5,
            Self::Bulk(..) | Self::Late(..) | Self::LookUp(..) => 6,
            Self::Commit(..) => 7,
            Self::Letter(..) => 8,
            Self::Mischief | Self::Weather | Self::Calm => 9,
            _ => 10,
        }
    }
}

/// Between whom messages keep their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Group,
    Reloads,
    Commits,
    ReaderWorker(usize),
    ReaderDispatch,
    WorkerReader(usize),
    WorkerDispatch(usize),
    DispatchWorker(usize),
}

/// Events that wait for their time. The heap has their places only: an event is large, and would be moved at each sift.
#[derive(Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<(Moment, u64, usize)>>,
    events: Vec<Option<Event>>,
    free: Vec<usize>,
    number: u64,
}

impl Agenda {
    /// How many events there were.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn push(&mut self, at: Moment, event: Event) {
        self.number += 1;
        let place = match self.free.pop() {
            Some(place) => {
                self.events[place] = Some(event);
                place
            }
            None => {
                self.events.push(Some(event));
                self.events.len() - 1
            }
        };
        self.heap.push(Reverse((at, self.number, place)));
    }

    pub(super) fn pop(&mut self) -> Option<(Moment, Event)> {
        loop {
            let Reverse((at, _, place)) = self.heap.pop()?;
            self.free.push(place);
            if let Some(event) = self.events[place].take() {
                return Some((at, event));
            }
        }
    }

    /// Takes back all starts but the first.
    pub(super) fn keep_first_start(&mut self) {
        let mut starts: Vec<(Moment, u64, usize)> = self.heap.iter().map(|Reverse(key)| *key).collect();
        starts.retain(|(_, _, place)| matches!(self.events[*place], Some(Event::Start(_))));
        starts.sort();
        for (_, _, place) in starts.into_iter().skip(1) {
            self.events[place] = None;
        }
    }
}
