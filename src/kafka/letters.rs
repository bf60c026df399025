//! The producer of the dead letters: idempotent, acknowledged by all replicas in sync, and never giving up by itself.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::credentials::{self, Credentials};
use super::events::log;
use super::settings::{self, KafkaSettings};

/// A letter on its way; `token` comes back with what became of it.
#[derive(Debug)]
pub struct OutgoingLetter<T> {
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value.
    pub payload: Option<Vec<u8>>,
    /// Names and values, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Whatever the sender needs to know it by.
    pub token: Box<T>,
}

/// Why a letter was not delivered.
#[derive(Debug, Clone)]
pub struct LetterFault {
    /// What Kafka says.
    pub text: String,
    /// True if this producer will not deliver anything any more.
    pub fatal: bool,
}

struct Context<T, F> {
    on_delivered: F,
    token: std::marker::PhantomData<fn(T)>,
}

impl<T, F: Send + Sync> ClientContext for Context<T, F> {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the producer of the dead letters reports an error");
    }

    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, text: &str) {
        log(level, facility, text);
    }
}

impl<T: Send + Sync + 'static, F: Fn(Box<T>, Result<(), LetterFault>) + Send + Sync> ProducerContext for Context<T, F> {
    type DeliveryOpaque = Box<T>;

    fn delivery(&self, result: &DeliveryResult<'_>, token: Box<T>) {
        let result = result.as_ref().map(|_| ()).map_err(|(error, _)| LetterFault {
            text: error.to_string(),
            fatal: error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal),
        });
        (self.on_delivered)(token, result);
    }
}

type OnDelivered<T> = Box<dyn Fn(Box<T>, Result<(), LetterFault>) + Send + Sync>;

/// Delivers letters; `T` is what they are known by.
pub struct LetterProducer<T: Send + Sync + 'static> {
    producer: Arc<ThreadedProducer<Context<T, OnDelivered<T>>>>,
    topic: String,
}

impl<T: Send + Sync + 'static> LetterProducer<T> {
    /// `on_delivered` is called, on a thread of the producer's, with what became of each letter.
    ///
    /// # Errors
    /// librdkafka refuses the configuration.
    pub fn new(
        settings: &KafkaSettings,
        topic: &str,
        on_delivered: impl Fn(Box<T>, Result<(), LetterFault>) + Send + Sync + 'static,
    ) -> KafkaResult<Self> {
        let on_delivered: OnDelivered<T> = Box::new(on_delivered);
        let context = Context { on_delivered, token: std::marker::PhantomData };
        let producer = ThreadedProducer::from_config_and_context(&settings::producer(settings), context)?;
        Ok(Self { producer: Arc::new(producer), topic: topic.to_owned() })
    }

    /// A way to change user and password.
    #[allow(unsafe_code)]
    pub fn credentials(&self) -> Credentials {
        let producer = Arc::downgrade(&self.producer);
        Credentials::new(move |user, password| match producer.upgrade() {
            // SAFETY: the client lives as long as `producer`, which is kept until the call returns.
            Some(producer) => unsafe { credentials::set(producer.client().native_ptr(), user, password) },
            None => Ok(()),
        })
    }

    /// Hands a letter over.
    ///
    /// # Errors
    /// There is no room, or librdkafka refuses it: the token comes back with the reason.
    pub fn send(&self, letter: OutgoingLetter<T>) -> Result<(), (Box<T>, LetterFault)> {
        let mut headers = OwnedHeaders::new_with_capacity(letter.headers.len());
        for (key, value) in &letter.headers {
            headers = headers.insert(Header { key, value: value.as_ref() });
        }
        let mut record: BaseRecord<'_, [u8], [u8], Box<T>> =
            BaseRecord::with_opaque_to(&self.topic, letter.token).headers(headers);
        record.key = letter.key.as_deref();
        record.payload = letter.payload.as_deref();
        self.producer.send(record).map_err(|(error, record)| {
            let fatal = error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal);
            (record.delivery_opaque, LetterFault { text: error.to_string(), fatal })
        })
    }

    /// Waits until everything handed over is delivered, for up to `timeout`.
    ///
    /// # Errors
    /// Something is still waiting.
    pub fn flush(&self, timeout: Duration) -> KafkaResult<()> {
        self.producer.flush(timeout)
    }
}
