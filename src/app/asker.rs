//! The thread that asks the broker what has to be known about partitions and topics. A broker that answers slowly holds up
//! the partitions that are being assigned, and none that is read already.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::messages::ToReader;
use crate::kafka::{Asker, Asking};
use crate::reader::Resolved;
use crate::record::TopicPartition;

/// How often the heart beats when nobody asks.
const BEAT: Duration = Duration::from_secs(5);
/// How long the broker may take to answer.
const ASK: Duration = Duration::from_secs(10);
/// How long it is waited for the offsets of a partition where those of another have not come in that time.
const ASK_MORE: Duration = Duration::from_secs(1);

/// What is asked.
pub enum Question {
    /// All that has to be known before partitions are read.
    Resolve(Vec<TopicPartition>),
    /// The ids of topics that are being read.
    Watch(Vec<Arc<str>>),
}

/// Answers until nobody asks any more, or the consumer is gone. `beat` is called far more often than once a minute.
pub fn run(asker: &Asker, questions: &Receiver<Question>, reader: &Sender<ToReader>, beat: &dyn Fn()) {
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
            Question::Resolve(partitions) => ToReader::Resolved(resolve(&asking, &partitions, beat)),
            Question::Watch(topics) => ToReader::Watched(watch(&asking, &topics, beat)),
        };
        if reader.send(answer).is_err() {
            return;
        }
    }
}

fn resolve(asking: &Asking, partitions: &[TopicPartition], beat: &dyn Fn()) -> Result<Vec<Resolved>, String> {
    let mut topics: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
    topics.sort_unstable();
    topics.dedup();
    let ids = asking.topic_ids(&topics, ASK)?;
    // The group gives partitions of a topic that was deleted until it has noticed; nothing else waits for these.
    let there: Vec<TopicPartition> =
        partitions.iter().filter(|partition| ids.contains_key(&*partition.topic)).cloned().collect();
    let committed = if there.is_empty() { HashMap::new() } else { asking.committed(&there, ASK)? };
    let mut resolved = Vec::with_capacity(there.len());
    let mut patience = ASK;
    for partition in &there {
        let incarnation = ids.get(&*partition.topic).ok_or_else(|| format!("no id of topic {}", partition.topic))?;
        beat();
        match asking.bounds(partition, patience) {
            Ok(bounds) => resolved.push(Resolved {
                partition: partition.clone(),
                incarnation: Arc::clone(incarnation),
                committed: committed.get(partition).cloned(),
                bounds,
            }),
            // A partition without a leader must not hold up the others, nor the group.
            Err(why) => {
                tracing::debug!(%partition, why, "no offsets of a partition");
                patience = ASK_MORE;
            }
        }
    }
    Ok(resolved)
}

/// One topic at a time: one that is being deleted must not keep the others from being watched.
fn watch(asking: &Asking, topics: &[Arc<str>], beat: &dyn Fn()) -> Vec<(Arc<str>, Arc<str>)> {
    let id = |topic: &Arc<str>| match asking.topic_ids(&[topic], ASK) {
        Ok(ids) => ids.get(&**topic).map(|id| (Arc::clone(topic), Arc::clone(id))),
        Err(why) => {
            tracing::debug!(%topic, why, "no id of a topic that is read");
            None
        }
    };
    topics.iter().inspect(|_| beat()).filter_map(id).collect()
}
