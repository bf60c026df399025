//! Commits offsets without waiting, and hears what became of it.
//!
//! rust-rdkafka's asynchronous commit gives no result: librdkafka tells one only to a callback in the client's configuration,
//! which rust-rdkafka does not set, or to a queue that the commit names (seen in its sources, and tried). So commits are
//! sent here with a queue of their own. What a result means for each partition, `round.rs` finds out.
//!
//! The queue is made and destroyed once, and keeps the client alive; an event is destroyed after what it lends is copied.
#![allow(unsafe_code)]

mod round;

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::ptr;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka_sys as sys;

use super::events::{ConsumerEvent, Events};
use crate::record::TopicPartition;
use round::Round;
pub(crate) use round::{Entry, Outcome};

/// Sends commits and takes their results.
pub(super) struct Commits {
    queue: *mut sys::rd_kafka_queue_t,
    consumer: Arc<BaseConsumer<Events>>,
    round: Round,
}

// SAFETY: a queue of librdkafka may be used from any thread.
unsafe impl Send for Commits {}

/// The answer to one request.
struct Answer {
    number: usize,
    whole: sys::rd_kafka_resp_err_t,
    each: BTreeMap<TopicPartition, sys::rd_kafka_resp_err_t>,
}

impl Commits {
    pub(super) fn new(consumer: &Arc<BaseConsumer<Events>>) -> Self {
        // SAFETY: the client lives as long as `consumer`, which is kept.
        let queue = unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) };
        Self { queue, consumer: Arc::clone(consumer), round: Round::default() }
    }

    /// Sends a commit. There is one result for all of it. That of an earlier commit, which was given up, is not told any more.
    ///
    /// # Errors
    /// Nothing was sent; there will be no result.
    pub(super) fn send(&mut self, entries: Vec<Entry>) -> Result<(), String> {
        self.round.forget();
        let number = self.round.ask(entries);
        self.request(number).inspect_err(|_| self.round.forget())
    }

    /// These are given back: see [`Round::give_back`].
    pub(super) fn give_back(&mut self, partitions: &[TopicPartition]) {
        self.round.give_back(partitions);
    }

    fn request(&self, number: usize) -> Result<(), String> {
        let entries = self.round.entries(number);
        let mut list = TopicPartitionList::with_capacity(entries.len());
        for (partition, offset, metadata) in entries {
            let mut each = list.add_partition(&partition.topic, partition.partition);
            each.set_offset(Offset::Offset(*offset)).map_err(|error| error.to_string())?;
            each.set_metadata(metadata);
        }
        let client = self.consumer.client().native_ptr();
        // SAFETY: client, list and queue are valid during the call, which copies the list; without a callback and with
        // a queue it does not wait, and the result goes to the queue. The number comes back as it is and is not looked behind.
        let error = unsafe {
            sys::rd_kafka_commit_queue(client, list.ptr(), self.queue, None, ptr::without_provenance_mut(number))
        };
        if error == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(describe(error)) }
    }

    /// The result of the commit, if there is one.
    pub(super) fn result(&mut self) -> Option<ConsumerEvent> {
        while let Some(Answer { number, whole, each }) = self.answer() {
            for number in self.round.answered(number, whole, &each, describe) {
                if let Err(why) = self.request(number) {
                    self.round.not_sent(number, &why);
                }
            }
            if let Some(outcomes) = self.round.take() {
                return Some(ConsumerEvent::Committed(outcomes));
            }
        }
        None
    }

    fn answer(&self) -> Option<Answer> {
        // SAFETY: the queue is valid; the event, if there is one, is ours and is destroyed once, after its list was read.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue, 0);
            if event.is_null() {
                return None;
            }
            let whole = sys::rd_kafka_event_error(event);
            let number = sys::rd_kafka_event_opaque(event).addr();
            let list = sys::rd_kafka_event_topic_partition_list(event);
            let mut each = BTreeMap::new();
            if !list.is_null() {
                for index in 0..usize::try_from((*list).cnt).unwrap_or(0) {
                    let one = &*(*list).elems.add(index);
                    let topic = CStr::from_ptr(one.topic).to_string_lossy();
                    each.insert(TopicPartition::new(&*topic, one.partition), one.err);
                }
            }
            sys::rd_kafka_event_destroy(event);
            Some(Answer { number, whole, each })
        }
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        // SAFETY: made by `rd_kafka_queue_new`, destroyed once; the client still lives.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) };
    }
}

fn describe(error: sys::rd_kafka_resp_err_t) -> String {
    // SAFETY: the description of an error is a static C string.
    unsafe { CStr::from_ptr(sys::rd_kafka_err2str(error)) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod mock_tests;
