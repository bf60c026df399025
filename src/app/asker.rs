//! The thread that asks the broker what has to be known about partitions and topics. A broker that answers slowly holds up
//! the partitions that are being assigned, and none that is read already.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use super::messages::ToReader;
use crate::kafka::{Asker, Asking};
use crate::reader::Resolved;
use crate::record::TopicPartition;

/// How long the broker may take to answer.
const ASK: Duration = Duration::from_secs(10);

/// What is asked.
pub enum Question {
    /// All that has to be known before partitions are read.
    Resolve(Vec<TopicPartition>),
    /// The ids of topics that are being read.
    Watch(Vec<Arc<str>>),
}

/// Answers until nobody asks any more, or the consumer is gone.
pub fn run(asker: &Asker, questions: &Receiver<Question>, reader: &Sender<ToReader>) {
    while let Ok(question) = questions.recv() {
        // The consumer is kept no longer than for one question: leaving the group must not wait for this thread.
        let Some(asking) = asker.begin() else { return };
        let answer = match question {
            Question::Resolve(partitions) => ToReader::Resolved(resolve(&asking, &partitions)),
            Question::Watch(topics) => ToReader::Watched(watch(&asking, &topics)),
        };
        if reader.send(answer).is_err() {
            return;
        }
    }
}

fn resolve(asking: &Asking, partitions: &[TopicPartition]) -> Result<Vec<Resolved>, String> {
    let mut topics: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
    topics.sort_unstable();
    topics.dedup();
    let ids = asking.topic_ids(&topics, ASK)?;
    // The group gives partitions of a topic that was deleted until it has noticed; nothing else waits for these.
    let there: Vec<TopicPartition> =
        partitions.iter().filter(|partition| ids.contains_key(&*partition.topic)).cloned().collect();
    let committed = if there.is_empty() { HashMap::new() } else { asking.committed(&there, ASK)? };
    let mut resolved = Vec::with_capacity(there.len());
    for partition in &there {
        let incarnation = ids.get(&*partition.topic).ok_or_else(|| format!("no id of topic {}", partition.topic))?;
        resolved.push(Resolved {
            partition: partition.clone(),
            incarnation: Arc::clone(incarnation),
            committed: committed.get(partition).cloned(),
            bounds: asking.bounds(partition, ASK)?,
        });
    }
    Ok(resolved)
}

/// One topic at a time: one that is being deleted must not keep the others from being watched.
fn watch(asking: &Asking, topics: &[Arc<str>]) -> Vec<(Arc<str>, Arc<str>)> {
    let id = |topic: &Arc<str>| match asking.topic_ids(&[topic], ASK) {
        Ok(ids) => ids.get(&**topic).map(|id| (Arc::clone(topic), Arc::clone(id))),
        Err(why) => {
            tracing::debug!(%topic, why, "no id of a topic that is read");
            None
        }
    };
    topics.iter().filter_map(id).collect()
}
