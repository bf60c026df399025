//! Asks the broker for the ids of topics, and which of their partitions have no leader (DescribeTopics), which rust-rdkafka does not know.
//!
//! An id tells a topic from another of the same name that was there before. No id is invented: `0` stands for the broker's
//! definite answer that the topic has none; a topic that is not there is left out; everything else is an error.
//!
//! Every object that librdkafka gives is held by an [`Owned`], which destroys it once; what is borrowed from the event is
//! read before the event is dropped.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;

/// Something of librdkafka's, with what destroys it.
struct Owned<T> {
    pointer: *mut T,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Result<Self, String> {
        if pointer.is_null() { Err("librdkafka has no memory".to_owned()) } else { Ok(Self { pointer, destroy }) }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer is not null, was given to us by the function that `destroy` belongs to, and dies once.
        unsafe { (self.destroy)(self.pointer) };
    }
}

/// What the broker says of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its id in a short form, `0` if it has none.
    pub id: Arc<str>,
    /// Partitions that have no leader now: nobody could tell their offsets.
    pub leaderless: Vec<i32>,
}

const NO_ERROR: sys::rd_kafka_resp_err_t = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

/// What the broker says of each topic; topics that are not there, by the broker's word, are left out.
///
/// # Errors
/// In words for a person; for one topic that has no definite answer, all fail.
///
/// # Safety
/// `client` points to a client that lives until this returns.
pub(super) unsafe fn topics(
    client: *mut sys::rd_kafka_t,
    topics: &[&str],
    timeout: Duration,
) -> Result<HashMap<String, Described>, String> {
    let names: Vec<CString> = topics
        .iter()
        .map(|topic| CString::new(*topic).map_err(|_| format!("{topic:?} is no name of a topic")))
        .collect::<Result<_, _>>()?;
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: the client is live by contract; the names live until the end of this function, and librdkafka copies them;
    // the places for answers are ours. Objects that are borrowed from the event are not used after it.
    unsafe {
        let queue = Owned::new(sys::rd_kafka_queue_new(client), sys::rd_kafka_queue_destroy)?;
        let collection = Owned::new(
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            sys::rd_kafka_TopicCollection_destroy,
        )?;
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options =
            Owned::new(sys::rd_kafka_AdminOptions_new(client, operation), sys::rd_kafka_AdminOptions_destroy)?;
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let mut why: [c_char; 256] = [0; 256];
        let set = sys::rd_kafka_AdminOptions_set_request_timeout(options.pointer, millis, why.as_mut_ptr(), why.len());
        if set != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(text(why.as_ptr()));
        }
        sys::rd_kafka_DescribeTopics(client, collection.pointer, options.pointer, queue.pointer);
        let event = sys::rd_kafka_queue_poll(queue.pointer, millis.saturating_add(1000));
        if event.is_null() {
            return Err(format!("the broker did not describe the topics within {timeout:?}"));
        }
        let event = Owned::new(event, sys::rd_kafka_event_destroy)?;
        if sys::rd_kafka_event_error(event.pointer) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(text(sys::rd_kafka_event_error_string(event.pointer)));
        }
        let result = sys::rd_kafka_event_DescribeTopics_result(event.pointer);
        if result.is_null() {
            return Err("librdkafka answered something else than a description of topics".to_owned());
        }
        let mut count = 0;
        let descriptions = sys::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let mut topics = HashMap::with_capacity(count);
        for index in 0..count {
            let description = *descriptions.add(index);
            let name = text(sys::rd_kafka_TopicDescription_name(description));
            let error = sys::rd_kafka_TopicDescription_error(description);
            let code = if error.is_null() { NO_ERROR } else { sys::rd_kafka_error_code(error) };
            if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART {
                continue;
            }
            if code != NO_ERROR {
                return Err(format!("topic {name}: {}", text(sys::rd_kafka_error_string(error))));
            }
            let id = sys::rd_kafka_TopicDescription_topic_id(description);
            if id.is_null() {
                return Err(format!("topic {name}: librdkafka gave no answer about its id"));
            }
            let most = sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
            let least = sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
            topics.insert(name, Described { id: short(most, least), leaderless: leaderless(description) });
        }
        Ok(topics)
    }
}

/// # Safety
/// The description is one that librdkafka gave, and lives until this returns.
unsafe fn leaderless(description: *const sys::rd_kafka_TopicDescription_t) -> Vec<i32> {
    let mut count = 0;
    // SAFETY: as the caller says; librdkafka gives as many partitions as it counts, or null for none, and they live as long as the description.
    unsafe {
        let partitions = sys::rd_kafka_TopicDescription_partitions(description, &mut count);
        let count = if partitions.is_null() { 0 } else { count };
        let without = (0..count)
            .map(|index| *partitions.add(index))
            .filter(|partition| sys::rd_kafka_TopicPartitionInfo_leader(*partition).is_null());
        without.map(|partition| sys::rd_kafka_TopicPartitionInfo_partition(partition)).collect()
    }
}

/// 48 bits of an id, which is random, as 12 hexadecimal digits; `0` for the id that stands for none.
fn short(most: u64, least: u64) -> Arc<str> {
    if (most, least) == (0, 0) {
        return "0".into();
    }
    // The first and the last bits: those in between have the id's version and variant.
    format!("{:012x}", (most >> 16 ^ least) & 0xffff_ffff_ffff).into()
}

/// # Safety
/// `text` is null or a C string.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_no_id_at_all_is_zero() {
        assert_eq!(&*short(0, 0), "0");
        assert_eq!(short(0, 1).len(), 12);
        assert_ne!(short(1 << 16, 0), short(2 << 16, 0));
        assert_eq!(short(u64::MAX, 0).len(), 12);
    }
}
