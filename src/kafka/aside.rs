//! Clients beside the member of the group, which fetch partitions of topics that were made again, and of those that begin anew
//! while they are held.
//!
//! librdkafka expects the leader epochs of a partition to grow only. Those of a topic that was made again begin at 0: a
//! client that knows higher ones from the old topic ignores what it is told about the new one's leaders, and asks with the
//! old epoch, which the broker does not know, for ever and without a word (measured, and seen in the sources, up to 2.15).
//! Giving the partition back and taking it again changes nothing; only a client that has not seen the old topic reads the
//! new one. Such a client fetches, and that is all: it joins no group and commits nothing.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaResult;

use super::credentials;
use super::events::Events;
use super::settings::{self, KafkaSettings};

/// A client, and which making of each topic it has fetched first.
pub(super) struct Fetcher {
    client: Arc<BaseConsumer<Events>>,
    first: HashMap<Arc<str>, Arc<str>>,
}

impl Fetcher {
    pub(super) fn new(client: Arc<BaseConsumer<Events>>) -> Self {
        Self { client, first: HashMap::new() }
    }

    /// True if it knows no other making of the topic; it is the first one from now on. Where the broker gives no ids to
    /// topics, nothing is known.
    pub(super) fn may_fetch(&mut self, topic: &Arc<str>, incarnation: &Arc<str>) -> bool {
        may_fetch(&mut self.first, topic, incarnation)
    }
}

fn may_fetch(first: &mut HashMap<Arc<str>, Arc<str>>, topic: &Arc<str>, incarnation: &Arc<str>) -> bool {
    **incarnation == *"0" || first.entry(Arc::clone(topic)).or_insert_with(|| Arc::clone(incarnation)) == incarnation
}

/// What clients are made of, and those that were made of it: a user or a password that changes is one for both.
pub(super) struct Known(Mutex<(KafkaSettings, Vec<Weak<BaseConsumer<Events>>>)>);

impl Known {
    fn make(&self) -> KafkaResult<Arc<BaseConsumer<Events>>> {
        // The lock is held until the client is known: no change may come in between and miss it.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let client = BaseConsumer::from_config_and_context(&settings::aside(&known.0), Events::default())?;
        let client = Arc::new(client);
        known.1.retain(|one| one.strong_count() > 0);
        known.1.push(Arc::downgrade(&client));
        Ok(client)
    }

    /// From the next connection on all clients are this user with this password.
    ///
    /// # Errors
    /// librdkafka refuses them; in words for a person, without the password.
    pub(super) fn set(&self, user: &CStr, password: &CStr) -> Result<(), String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, text) in [("sasl.username", user), ("sasl.password", password)] {
            let text = text.to_str().map_err(|error| error.to_string())?;
            known.0.properties.insert(name.to_owned(), text.to_owned());
        }
        let live: Vec<_> = known.1.iter().filter_map(Weak::upgrade).collect();
        // Should one of them be given up meanwhile, it is closed here, and nobody waits for that.
        drop(known);
        live.iter().try_for_each(|client| credentials::set_for(client, user, password))
    }
}

/// The clients that only fetch.
pub(super) struct Aside {
    known: Arc<Known>,
    fetchers: Vec<Fetcher>,
}

impl Aside {
    pub(super) fn new(settings: KafkaSettings) -> Self {
        Self { known: Arc::new(Known(Mutex::new((settings, Vec::new())))), fetchers: Vec::new() }
    }

    /// What has to be told of a new user or password.
    pub(super) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    pub(super) fn clients(&self) -> impl Iterator<Item = &Arc<BaseConsumer<Events>>> {
        self.fetchers.iter().map(|fetcher| &fetcher.client)
    }

    /// A client that has seen no other making of the topic.
    ///
    /// # Errors
    /// There is none, and none can be made.
    pub(super) fn client_for(
        &mut self,
        topic: &Arc<str>,
        incarnation: &Arc<str>,
    ) -> KafkaResult<Arc<BaseConsumer<Events>>> {
        let fits = |fetcher: &mut Fetcher| fetcher.may_fetch(topic, incarnation).then(|| Arc::clone(&fetcher.client));
        if let Some(client) = self.fetchers.iter_mut().find_map(fits) {
            return Ok(client);
        }
        let mut fetcher = Fetcher::new(self.known.make()?);
        fetcher.may_fetch(topic, incarnation);
        let client = Arc::clone(&fetcher.client);
        self.fetchers.push(fetcher);
        tracing::info!(%topic, %incarnation, clients = self.fetchers.len(), "a partition is fetched by a client beside the member of the group");
        Ok(client)
    }

    /// Closes those that are not in use any more. That may take a moment, and nobody waits for it.
    pub(super) fn keep(&mut self, used: impl Fn(&Arc<BaseConsumer<Events>>) -> bool) {
        for fetcher in self.fetchers.extract_if(.., |fetcher| !used(&fetcher.client)) {
            // If there is no thread for it, it is closed here and now.
            if let Err(error) = thread::Builder::new().name("close".into()).spawn(move || drop(fetcher)) {
                tracing::debug!(%error, "no thread to close a client");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_fetches_one_making_of_a_topic_only() {
        let mut first = HashMap::new();
        let mut may = |topic: &str, incarnation: &str| may_fetch(&mut first, &topic.into(), &incarnation.into());
        assert!(may("t", "a") && may("u", "b") && may("t", "a"));
        assert!(!may("t", "b") && !may("u", "a"), "made again");
        assert!(may("t", "a"), "what a broker says late is still the first");
        assert!(may("v", "0") && may("v", "c") && may("v", "0") && !may("v", "d"), "no id says nothing");
    }

    #[test]
    fn a_client_that_only_fetches_is_shared_by_topics_and_closed_when_it_fetches_nothing() {
        let settings = KafkaSettings {
            bootstrap_servers: "127.0.0.1:1".into(),
            group_id: "g".into(),
            properties: [("group.protocol", "consumer"), ("group.instance.id", "i")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            queue_kbytes_per_partition: 256,
        };
        let mut aside = Aside::new(settings);
        let mut client = |topic: &str, incarnation: &str| aside.client_for(&topic.into(), &incarnation.into()).unwrap();
        let one = client("t", "b");
        assert!(Arc::ptr_eq(&one, &client("u", "b")) && Arc::ptr_eq(&one, &client("t", "b")));
        let other = client("t", "c");
        assert!(!Arc::ptr_eq(&one, &other));
        aside.keep(|client| Arc::ptr_eq(client, &other));
        assert_eq!(aside.clients().count(), 1);
    }
}
