//! What will happen, and when: events in the order of their time, and of their coming where that is the same.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

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
    /// Of which life, as which member.
    Unassigned(LifeId, u64, Vec<TopicPartition>),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Channel {
    /// How many a process with so many workers has.
    pub(super) fn of(workers: usize) -> usize {
        4 + 4 * workers
    }

    /// A number for each channel of a process.
    pub(super) fn number(self) -> usize {
        match self {
            Self::Group => 0,
            Self::Reloads => 1,
            Self::Commits => 2,
            Self::ReaderDispatch => 3,
            Self::ReaderWorker(worker) => 4 + 4 * worker,
            Self::WorkerReader(worker) => 5 + 4 * worker,
            Self::WorkerDispatch(worker) => 6 + 4 * worker,
            Self::DispatchWorker(worker) => 7 + 4 * worker,
        }
    }
}

/// When an event comes, in nanoseconds, then its number, then its place: in this order from the highest bits down, as one number is
/// compared far quicker than three.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    const PLACE_BITS: u32 = 24;
    const NUMBER_BITS: u32 = 40;

    fn new(at: Moment, number: u64, place: usize) -> Self {
        assert!(number >> Self::NUMBER_BITS == 0 && place >> Self::PLACE_BITS == 0, "more events than a history has");
        let nanos = u64::try_from(at.0.as_nanos()).expect("a history is shorter than 500 years");
        let rest = number << Self::PLACE_BITS | place as u64;
        Self(u128::from(nanos) << 64 | u128::from(rest))
    }

    fn at(self) -> Moment {
        Moment(Duration::from_nanos((self.0 >> 64) as u64))
    }

    fn place(self) -> usize {
        (self.0 as usize) & ((1 << Self::PLACE_BITS) - 1)
    }
}

/// Events that wait for their time. The heap has their places only: an event is large, and would be moved at each sift.
#[derive(Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Key>>,
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
        self.heap.push(Reverse(Key::new(at, self.number, place)));
    }

    pub(super) fn pop(&mut self) -> Option<(Moment, Event)> {
        loop {
            let Reverse(key) = self.heap.pop()?;
            self.free.push(key.place());
            if let Some(event) = self.events[key.place()].take() {
                return Some((key.at(), event));
            }
        }
    }

    /// Takes back all starts but the first.
    pub(super) fn keep_first_start(&mut self) {
        let mut starts: Vec<Key> = self.heap.iter().map(|Reverse(key)| *key).collect();
        starts.retain(|key| matches!(self.events[key.place()], Some(Event::Start(_))));
        starts.sort();
        for key in starts.into_iter().skip(1) {
            self.events[key.place()] = None;
        }
    }
}
