//! Commits offsets without waiting, and hears what became of it.
//!
//! rust-rdkafka's asynchronous commit gives no result: librdkafka tells one only to a callback in the client's configuration,
//! which rust-rdkafka does not set, or to a queue that the commit names (seen in its sources, and tried). So commits are
//! sent here with a queue of their own.
//!
//! The queue is made and destroyed once, and keeps the client alive; an event is destroyed after what it lends is copied.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka_sys as sys;

use super::events::{ConsumerEvent, Events};
use crate::record::TopicPartition;

/// Sends commits and takes their results.
pub(super) struct Commits {
    queue: *mut sys::rd_kafka_queue_t,
    consumer: Arc<BaseConsumer<Events>>,
}

// SAFETY: a queue of librdkafka may be used from any thread.
unsafe impl Send for Commits {}

impl Commits {
    pub(super) fn new(consumer: &Arc<BaseConsumer<Events>>) -> Self {
        // SAFETY: the client lives as long as `consumer`, which is kept.
        let queue = unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) };
        Self { queue, consumer: Arc::clone(consumer) }
    }

    /// Sends a commit.
    ///
    /// # Errors
    /// Nothing was sent; there will be no result.
    pub(super) fn send(&self, list: &TopicPartitionList) -> Result<(), String> {
        let client = self.consumer.client().native_ptr();
        // SAFETY: client, list and queue are valid during the call, which copies the list; without a callback and with
        // a queue it does not wait, and the result goes to the queue.
        let error =
            unsafe { sys::rd_kafka_commit_queue(client, list.ptr(), self.queue, None, ptr::null_mut::<c_void>()) };
        if error == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(()) } else { Err(describe(error)) }
    }

    /// The result of a commit, if there is one.
    pub(super) fn result(&self) -> Option<ConsumerEvent> {
        // SAFETY: the queue is valid; the event, if there is one, is ours and is destroyed once, after its list was read.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue, 0);
            if event.is_null() {
                return None;
            }
            let whole = sys::rd_kafka_event_error(event);
            let list = sys::rd_kafka_event_topic_partition_list(event);
            let mut results = Vec::new();
            if !list.is_null() {
                for index in 0..usize::try_from((*list).cnt).unwrap_or(0) {
                    let each = &*(*list).elems.add(index);
                    let topic = CStr::from_ptr(each.topic).to_string_lossy();
                    let error = [each.err, whole]
                        .into_iter()
                        .find(|error| *error != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
                    let partition = TopicPartition::new(&*topic, each.partition);
                    results.push((partition, each.offset, error.map_or(Ok(()), |error| Err(describe(error)))));
                }
            }
            sys::rd_kafka_event_destroy(event);
            Some(ConsumerEvent::Committed(results))
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
