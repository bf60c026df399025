//! The thread that asks the broker what has to be known about partitions and topics. A broker that answers slowly holds up
//! the partitions that are being assigned, and none that is read already.

mod patience;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::messages::ToReader;
use crate::kafka::{Asker, Asking};
use crate::reader::{For, Resolved, WatchedTopic};
use crate::record::TopicPartition;
use patience::{ASK, Patience};

/// How often the heart beats when nobody asks.
const BEAT: Duration = Duration::from_secs(5);

/// What is asked.
pub enum Question {
    /// All that has to be known before partitions are read.
    Resolve(For, Vec<TopicPartition>),
    /// The ids of topics that are being read.
    Watch(Vec<Arc<str>>),
}

/// Answers until nobody asks any more, or the consumer is gone. `beat` is called far more often than once a minute.
pub fn run(asker: &Asker, questions: &Receiver<Question>, reader: &Sender<ToReader>, beat: &dyn Fn()) {
    let mut patience = Patience::default();
    loop {
        beat();
        let question = match questions.recv_timeout(BEAT) {
            Ok(question) => question,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // The consumer is kept no longer than for one question: leaving the group must not wait for this thread.
        let Some(asking) = asker.begin() else { return };
        let answer = match question {
            Question::Resolve(whom, partitions) => {
                let mut bounds = |there: &[TopicPartition]| {
                    patience.ask(whom, there, &mut |partition, wait| {
                        beat();
                        asking.bounds(partition, wait)
                    })
                };
                ToReader::Resolved(resolve(&asking, &partitions, &mut bounds))
            }
            Question::Watch(topics) => ToReader::Watched(watch(&asking, &topics, beat)),
        };
        if reader.send(answer).is_err() {
            return;
        }
    }
}

/// Partitions with their first offset and their end, those of which both are known.
type Bounds = Vec<(TopicPartition, (i64, i64))>;

fn resolve(
    asking: &Asking,
    partitions: &[TopicPartition],
    bounds: &mut dyn FnMut(&[TopicPartition]) -> Bounds,
) -> Result<Vec<Resolved>, String> {
    let mut topics: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
    topics.sort_unstable();
    topics.dedup();
    let topics = asking.topics(&topics, ASK)?;
    // The group gives partitions of a topic that was deleted until it has noticed, and nobody can tell the offsets of those that have no
    // leader; nothing else waits for these.
    let can_be_read = |partition: &&TopicPartition| {
        topics.get(&*partition.topic).is_some_and(|topic| !topic.leaderless.contains(&partition.partition))
    };
    let there: Vec<TopicPartition> = partitions.iter().filter(can_be_read).cloned().collect();
    let mut committed = if there.is_empty() { HashMap::new() } else { asking.committed(&there, ASK)? };
    let resolved = bounds(&there).into_iter().map(|(partition, bounds)| {
        let topic = topics.get(&*partition.topic).ok_or_else(|| format!("no id of topic {}", partition.topic))?;
        Ok(Resolved { incarnation: Arc::clone(&topic.id), committed: committed.remove(&partition), bounds, partition })
    });
    resolved.collect()
}

/// One topic at a time: one that is being deleted must not keep the others from being watched.
fn watch(asking: &Asking, topics: &[Arc<str>], beat: &dyn Fn()) -> Vec<WatchedTopic> {
    let id = |topic: &Arc<str>| match asking.topics(&[topic], ASK) {
        Ok(topics) => Some((Arc::clone(topic), topics.get(&**topic).map(|topic| Arc::clone(&topic.id)))),
        Err(why) => {
            tracing::debug!(%topic, why, "no id of a topic that is read");
            None
        }
    };
    topics.iter().inspect(|_| beat()).filter_map(id).collect()
}
