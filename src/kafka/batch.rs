//! Takes batches of messages from a partition's queue.
//!
//! rust-rdkafka has no batch call; a message at a time costs about twice the time, measured. So this file calls
//! librdkafka itself. What it relies on, from librdkafka's documentation and sources:
//! - One instance of the batch call at a time per consumer: [`PartitionQueue::take`] takes `&mut self`, and all queues
//!   live in the one `Consumer`, which is used by one thread.
//! - A message's `err` is looked at before anything else: errors of a partition come as messages whose payload is
//!   the error's text.
//! - Every message that the call gave is destroyed exactly once: [`Messages`] does so when it is dropped.
//! - Queues are destroyed before the consumer: each keeps the consumer alive.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::Offset;
use rdkafka_sys as sys;

use super::events::Events;
use crate::record::{RecordBatch, TopicPartition};

/// So many messages at a time are thrown away.
const DISCARDED: usize = 1000;
/// How long a seek may take; librdkafka's own thread answers, which waits for nobody.
const SEEK: Duration = Duration::from_secs(1);

/// What came of taking a batch.
#[derive(Debug, Default)]
pub struct Taken {
    /// Records that were put into the batch.
    pub records: usize,
    /// The bytes of their keys and values.
    pub bytes: usize,
    /// An error of the partition, which came after these records.
    pub fault: Option<PartitionFault>,
}

/// An error of a partition.
#[derive(Debug, PartialEq, Eq)]
pub struct PartitionFault {
    /// What follows from it.
    pub kind: FaultKind,
    /// librdkafka's name of it.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// What follows from an error of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The offset is not there (any more).
    OutOfRange,
    /// A record cannot be read. librdkafka would pass it over: nothing after it may be taken.
    Corrupt,
    /// librdkafka goes on by itself.
    Passing,
}

/// The queue of one partition, which leads nowhere but here.
pub(super) struct PartitionQueue {
    queue: *mut sys::rd_kafka_queue_t,
    messages: Vec<*mut sys::rd_kafka_message_t>,
    /// Where an error has moved the client's position away from, until it is taken back.
    moved: Option<i64>,
    /// The client that fetches the partition, kept alive for as long as the queue.
    consumer: Arc<BaseConsumer<Events>>,
}

// SAFETY: a queue of librdkafka may be used from any thread; it is used by one at a time, as taking needs `&mut self`.
unsafe impl Send for PartitionQueue {}

impl PartitionQueue {
    /// Takes the partition's queue out of the consumer's main queue. To be called before the partition is assigned: a
    /// message that has reached the main queue would break the order.
    pub(super) fn split(consumer: &Arc<BaseConsumer<Events>>, partition: &TopicPartition) -> Option<Self> {
        let topic = CString::new(&*partition.topic).ok()?;
        // SAFETY: the client pointer is valid while `consumer` lives; the topic is a C string that outlives the call.
        let queue = unsafe {
            sys::rd_kafka_queue_get_partition(consumer.client().native_ptr(), topic.as_ptr(), partition.partition)
        };
        if queue.is_null() {
            return None;
        }
        // SAFETY: the queue was just made; forwarding it to nothing is what the documentation gives for splitting.
        unsafe { sys::rd_kafka_queue_forward(queue, ptr::null_mut()) };
        Some(Self { queue, messages: Vec::new(), moved: None, consumer: Arc::clone(consumer) })
    }

    /// The client that fetches the partition.
    pub(super) fn client(&self) -> &Arc<BaseConsumer<Events>> {
        &self.consumer
    }

    /// False while an error has moved the client's position past a record that nobody has read.
    pub(super) fn is_in_place(&self) -> bool {
        self.moved.is_none()
    }

    /// Takes the client back to where an error has moved it away from, if one has. True if it is where it should be.
    pub(super) fn put_back(&mut self, partition: &TopicPartition) -> bool {
        let Some(offset) = self.moved else { return true };
        match self.consumer.seek(&partition.topic, partition.partition, Offset::Offset(offset), SEEK) {
            Ok(()) => self.moved = None,
            Err(error) => {
                tracing::debug!(%error, %partition, offset, "the client is not back yet where an error came up")
            }
        }
        self.is_in_place()
    }

    /// Copies up to `max` messages that are there into the batch, without waiting. An error that speaks of an offset ends it: what comes
    /// after it is read again once the client is put back, and is thrown away until then. That the offset is not there any more is told in
    /// any case: librdkafka seeks no more where that is so.
    pub(super) fn take(&mut self, max: usize, into: &mut RecordBatch) -> Taken {
        // SAFETY: the queue is valid until drop, and `self` is borrowed as mutable.
        let messages = unsafe { Messages::consume(self.queue, &mut self.messages, max.max(1)) };
        let mut taken = Taken::default();
        // SAFETY: as below; only lengths are read.
        let bytes = messages.0.iter().map(|message| unsafe { (**message).len + (**message).key_len }).sum();
        into.reserve(messages.0.len(), bytes);
        for message in messages.0 {
            // SAFETY: librdkafka gave valid messages, which live until `messages` is dropped.
            let message = unsafe { &**message };
            if message.err != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                let (fault, offset) = (fault(message), message.offset);
                // It comes again, unless the client is not put back any more.
                if self.moved.is_some() && fault.kind != FaultKind::OutOfRange {
                    continue;
                }
                let passes = fault.kind == FaultKind::Passing;
                // Of several errors the first is told; but none that passes must hide that the partition cannot be read on.
                if taken.fault.is_none() || !passes {
                    taken.fault = Some(fault);
                }
                if passes && offset >= 0 {
                    let next = into.len().checked_sub(1).map_or(offset, |last| into.offset(last) + 1);
                    self.moved = Some(offset.max(next));
                }
                if !passes {
                    break;
                }
                continue;
            }
            if self.moved.is_none() {
                copy(message, into, &mut taken);
            }
        }
        taken
    }

    /// Throws away what is there. librdkafka keeps some errors for whoever reads the partition next, though they are about another position.
    pub(super) fn discard(&mut self) {
        // SAFETY: as in `take`.
        while unsafe { Messages::consume(self.queue, &mut self.messages, DISCARDED) }.0.len() == DISCARDED {}
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: made by `rd_kafka_queue_get_partition`, destroyed once; the consumer still lives.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) };
    }
}

/// Messages that are destroyed when this is dropped.
struct Messages<'a>(&'a [*mut sys::rd_kafka_message_t]);

impl<'a> Messages<'a> {
    /// Up to `max` messages that are there, without waiting.
    ///
    /// # Safety
    /// The queue is valid, and no other such call is under way for its consumer.
    unsafe fn consume(
        queue: *mut sys::rd_kafka_queue_t,
        into: &'a mut Vec<*mut sys::rd_kafka_message_t>,
        max: usize,
    ) -> Self {
        into.resize(max, ptr::null_mut());
        // SAFETY: the array has as many places as is said; the rest is the caller's.
        let count = unsafe { sys::rd_kafka_consume_batch_queue(queue, 0, into.as_mut_ptr(), into.len()) };
        Self(&into[..usize::try_from(count).unwrap_or(0)])
    }
}

impl Drop for Messages<'_> {
    fn drop(&mut self) {
        for message in self.0 {
            // SAFETY: each came from the batch call and is destroyed once.
            unsafe { sys::rd_kafka_message_destroy(*message) };
        }
    }
}

fn fault(message: &sys::rd_kafka_message_t) -> PartitionFault {
    // SAFETY: the name of an error is a static C string.
    let name = unsafe { CStr::from_ptr(sys::rd_kafka_err2name(message.err)) }.to_string_lossy().into_owned();
    // SAFETY: the payload of an error is its text, of the length given.
    let text = unsafe { bytes(message.payload, message.len) }.unwrap_or_default();
    let text = String::from_utf8_lossy(text).into_owned();
    use sys::rd_kafka_resp_err_t::{
        RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR__BAD_COMPRESSION, RD_KAFKA_RESP_ERR__BAD_MSG,
        RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
    };
    let kind = match message.err {
        RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET | RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE => FaultKind::OutOfRange,
        RD_KAFKA_RESP_ERR__BAD_MSG
        | RD_KAFKA_RESP_ERR__BAD_COMPRESSION
        | RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED
        | RD_KAFKA_RESP_ERR_INVALID_MSG => FaultKind::Corrupt,
        _ => FaultKind::Passing,
    };
    PartitionFault { kind, name, text }
}

fn copy(message: &sys::rd_kafka_message_t, into: &mut RecordBatch, taken: &mut Taken) {
    let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    // SAFETY: the message is valid, and `kind` is a place for the answer.
    let timestamp = unsafe { sys::rd_kafka_message_timestamp(message, &mut kind) };
    // SAFETY: key and payload are null, or point to as many bytes as is said, for as long as the message lives.
    let (key, payload) = unsafe { (bytes(message.key, message.key_len), bytes(message.payload, message.len)) };
    into.push(message.offset, Some(timestamp).filter(|timestamp| *timestamp >= 0), key, payload);
    taken.records += 1;
    taken.bytes += key.map_or(0, <[u8]>::len) + payload.map_or(0, <[u8]>::len);
    let mut headers = ptr::null_mut();
    // SAFETY: the message is valid; the headers stay its own.
    let found = unsafe { sys::rd_kafka_message_headers(message, &mut headers) };
    if found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || headers.is_null() {
        return;
    }
    for index in 0.. {
        let mut name: *const c_char = ptr::null();
        let mut value: *const c_void = ptr::null();
        let mut size = 0;
        // SAFETY: the headers are valid, and the three are places for the answer.
        let found = unsafe { sys::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut size) };
        if found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return;
        }
        // SAFETY: the name is a C string and the value null or of `size` bytes, for as long as the message lives.
        let (name, value) = unsafe { (CStr::from_ptr(name), bytes(value, size)) };
        into.push_header(name.to_bytes(), value);
    }
}

/// # Safety
/// `start` is null, or points to `length` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller says.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), length) })
}
