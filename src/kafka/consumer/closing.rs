//! How a consumer leaves its group, or goes without a word where its place is kept.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::Consumer;
use crate::kafka::events::{ConsumerEvent, Events};

impl Consumer {
    /// Leaves the group and closes. If that takes longer than `deadline`, because the broker is gone, it is left to a thread
    /// that nobody waits for.
    pub fn close(self, deadline: Duration) {
        let (sender, closed) = channel();
        let leave = move || {
            let started = Instant::now();
            self.leave(deadline);
            if sender.send(started.elapsed()).is_err() {
                tracing::debug!("leaving the group took too long to be waited for");
            }
        };
        if let Err(error) = thread::Builder::new().name("leave".into()).spawn(leave) {
            tracing::warn!(%error, "the group is not left in order; its members notice after the session timeout");
            return;
        }
        match closed.recv_timeout(deadline) {
            Ok(took) => tracing::debug!(?took, "left the group"),
            Err(_) => tracing::warn!(
                ?deadline,
                "leaving the group takes too long; its members notice after the session timeout"
            ),
        }
    }

    fn leave(mut self, deadline: Duration) {
        let until = Instant::now() + deadline;
        // Closed as it is, it tells the group nothing: the partitions wait for the next process of the same name until the session is over.
        if !self.is_static {
            self.consumer.unsubscribe();
            let assigned = |consumer: &BaseConsumer<Events>| consumer.assignment().is_ok_and(|list| list.count() > 0);
            self.give_back(until, |consumer| consumer.queues.is_empty() && !assigned(&consumer.consumer));
        }
        // There may still be a revoke of nothing, whose answer the group waits for.
        match self.consumer.close_queue() {
            Ok(()) => self.give_back(until, |consumer| consumer.consumer.closed()),
            Err(error) => tracing::debug!(%error, "the consumer cannot be closed"),
        }
    }

    /// Serves the last revokes: everything is settled, or given up, before this is called.
    fn give_back(&mut self, until: Instant, is_done: impl Fn(&Self) -> bool) {
        while Instant::now() < until && !is_done(self) {
            for event in self.poll(Duration::from_millis(20)) {
                if let ConsumerEvent::Revoke { partitions, .. } = event
                    && let Err(error) = self.unassign(&partitions)
                {
                    tracing::debug!(%error, "partitions could not be given back at the end");
                }
            }
        }
    }
}
