//! User and password of a client that runs: they can be changed without making it anew, which would lose the group's partitions.
//!
//! librdkafka takes them for PLAIN and SCRAM, and uses them when it connects the next time.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafka;
use rdkafka_sys as sys;

use super::events::Events;

/// A way to change what a client says who it is; it does not keep the client alive.
pub struct Credentials(Box<Set>);

/// Is told user and password.
type Set = dyn Fn(&CStr, &CStr) -> Result<(), String> + Send;

impl Credentials {
    /// `set` is told user and password.
    pub(super) fn new(set: impl Fn(&CStr, &CStr) -> Result<(), String> + Send + 'static) -> Self {
        Self(Box::new(set))
    }

    /// From the next connection on the client is this user with this password.
    ///
    /// # Errors
    /// librdkafka refuses them; in words for a person, without the password.
    pub fn set(&self, user: &str, password: &str) -> Result<(), String> {
        let text = |text: &str| CString::new(text).map_err(|_| "there is a zero byte in it".to_owned());
        (self.0)(&text(user)?, &text(password)?)
    }
}

/// From the next connection on the consumer is this user with this password.
pub(super) fn set_for(consumer: &BaseConsumer<Events>, user: &CStr, password: &CStr) -> Result<(), String> {
    // SAFETY: the client lives as long as `consumer`, which is borrowed until the call returns.
    unsafe { set(consumer.client().native_ptr(), user, password) }
}

/// What the consumer has as user and password.
#[cfg(test)]
pub(super) fn of(consumer: &BaseConsumer<Events>) -> [String; 2] {
    [c"sasl.username", c"sasl.password"].map(|name| {
        let (mut text, mut size) = ([0; 64], 64);
        // SAFETY: the client lives as long as `consumer`, and its configuration as long as it; the text has the size that is told.
        unsafe {
            let config = sys::rd_kafka_conf(consumer.client().native_ptr());
            let found = sys::rd_kafka_conf_get(config, name.as_ptr(), text.as_mut_ptr(), &mut size);
            assert_eq!(found, sys::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK);
            CStr::from_ptr(text.as_ptr()).to_str().unwrap().to_owned()
        }
    })
}

/// # Safety
/// The client is valid until this returns.
pub(super) unsafe fn set(client: *mut RDKafka, user: &CStr, password: &CStr) -> Result<(), String> {
    // SAFETY: the client is valid; both texts end with a zero and are copied.
    let error = unsafe { sys::rd_kafka_sasl_set_credentials(client, user.as_ptr(), password.as_ptr()) };
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the error is ours until it is destroyed, and its text lives as long as it.
    unsafe {
        let told = CStr::from_ptr(sys::rd_kafka_error_string(error)).to_string_lossy().into_owned();
        sys::rd_kafka_error_destroy(error);
        Err(told)
    }
}
