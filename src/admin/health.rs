//! Whether the process is alive, and whether it is at work.
//!
//! Alive means that every thread's heart has beaten lately and no partition is stuck inside; a process that is not should be
//! started again. Ready means
//! that every condition holds; a process that is not is only waiting, and says for what. Elasticsearch being away
//! makes it unready, never dead: starting it again would help nobody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use serde_json::{Value, json};

use crate::clock::Moment;

/// Something that has to hold for the process to be at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// A broker is connected and the group's coordinator is known.
    Kafka,
    /// The group has given this process its partitions (which may be none).
    Assigned,
    /// Elasticsearch has acknowledged the index template.
    Template,
    /// Elasticsearch answers.
    Elasticsearch,
    /// The process is taking in records, not draining before its end.
    Intake,
    /// What is in flight is what the ledgers say.
    Ledger,
}

impl Condition {
    /// Every condition, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Kafka, Self::Assigned, Self::Template, Self::Elasticsearch, Self::Intake, Self::Ledger];

    /// The condition's name in `/readyz`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Assigned => "assigned",
            Self::Template => "template",
            Self::Elasticsearch => "elasticsearch",
            Self::Intake => "intake",
            Self::Ledger => "ledger",
        }
    }
}

/// What is known of threads and conditions. Times are milliseconds of one monotonic clock.
pub struct Health {
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Why each condition of [`Condition::ALL`] does not hold; `None` where it does.
    conditions: RwLock<[Option<String>; Condition::ALL.len()]>,
    hearts: RwLock<Vec<Weak<Beats>>>,
    /// What should be known and keeps nobody from working, by name.
    notes: RwLock<BTreeMap<&'static str, String>>,
    /// The partitions that are stuck by a fault of ours, and what is known of each.
    stuck: Partitions,
    /// Those of which nothing arrives though they have lag.
    silent: Partitions,
}

/// Partitions, and what is known of each.
type Partitions = RwLock<BTreeMap<String, String>>;

#[derive(Debug)]
struct Beats {
    name: String,
    limit: u64,
    last: AtomicU64,
    /// What the thread is at.
    at: Mutex<Option<String>>,
}

/// A heart as it is seen from outside. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// The thread.
    pub name: String,
    /// Time since its last beat.
    pub age: u64,
    /// How long that may be.
    pub limit: u64,
    /// What the thread is at, if it said so.
    pub at: Option<String>,
}

impl Pulse {
    /// True if it should have beaten since.
    pub fn is_late(&self) -> bool {
        self.age > self.limit
    }
}

/// A thread's heart. It is alive as long as it beats at least every so often; dropped, it no longer counts.
#[derive(Debug)]
pub struct Heart(Arc<Beats>);

impl Heart {
    /// Says that the thread is alive at `now`.
    pub fn beat(&self, now: Moment) {
        self.0.last.fetch_max(now.0.as_millis() as u64, Ordering::Relaxed);
    }

    /// Says what the thread is at until it says something else.
    pub fn is_at(&self, what: Option<String>) {
        *self.0.at.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

impl Health {
    /// Nothing holds yet, but for the intake, and Kafka, which is at fault only if it was asked for and does not answer. `clock` gives the time that the hearts beat by.
    pub fn new(clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let waiting = |what: &str| Some(format!("waiting for {what}"));
        let conditions = [
            None,
            waiting("partitions from the group"),
            waiting("elasticsearch to acknowledge the template"),
            waiting("the first answer from elasticsearch"),
            None,
            None,
        ];
        Self {
            clock: Box::new(clock),
            conditions: RwLock::new(conditions),
            hearts: RwLock::default(),
            notes: RwLock::default(),
            stuck: RwLock::default(),
            silent: RwLock::default(),
        }
    }

    /// The time by the clock that it was made with.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Makes a heart that has to beat every `limit` milliseconds; it has just beaten.
    pub fn heart(&self, name: impl Into<String>, limit: u64) -> Heart {
        let beats =
            Arc::new(Beats { name: name.into(), limit, last: AtomicU64::new(self.now()), at: Mutex::default() });
        let mut hearts = self.hearts.write().unwrap_or_else(PoisonError::into_inner);
        hearts.retain(|heart| heart.strong_count() > 0);
        hearts.push(Arc::downgrade(&beats));
        Heart(beats)
    }

    /// Says that a condition holds.
    pub fn holds(&self, condition: Condition) {
        self.set(condition, None);
    }

    /// Says that a condition does not hold, and why.
    pub fn fails(&self, condition: Condition, reason: impl Into<String>) {
        self.set(condition, Some(reason.into()));
    }

    /// Notes something that should be known though it keeps nobody from working; `None` takes it back.
    pub fn note(&self, name: &'static str, text: Option<String>) {
        note(&self.notes, name, text);
    }

    fn set(&self, condition: Condition, state: Option<String>) {
        let mut conditions = self.conditions.write().unwrap_or_else(PoisonError::into_inner);
        conditions[condition as usize] = state;
    }

    /// Says that a partition is stuck by a fault of ours, so that only a new start helps; `None` takes it back.
    pub fn stuck(&self, partition: String, why: Option<String>) {
        note(&self.stuck, partition, why);
    }

    /// Says that nothing arrives of a partition that has lag, which no new start helps; `None` takes it back.
    pub fn silent(&self, partition: String, why: Option<String>) {
        note(&self.silent, partition, why);
    }

    /// Every heart as it is at `now`.
    pub fn pulses(&self, now: u64) -> Vec<Pulse> {
        let hearts = self.hearts.read().unwrap_or_else(PoisonError::into_inner);
        let pulse = |heart: Arc<Beats>| Pulse {
            name: heart.name.clone(),
            age: now.saturating_sub(heart.last.load(Ordering::Relaxed)),
            limit: heart.limit,
            at: heart.at.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        hearts.iter().filter_map(Weak::upgrade).map(pulse).collect()
    }

    /// Whether every heart has beaten within its limit before `now` and no partition is stuck; each heart's age in
    /// milliseconds, and which partitions are stuck or silent, and why.
    pub fn liveness(&self, now: u64) -> (bool, Value) {
        let pulses = self.pulses(now);
        let stuck = self.stuck.read().unwrap_or_else(PoisonError::into_inner);
        let live = stuck.is_empty() && !pulses.iter().any(Pulse::is_late);
        let show = |pulse: &Pulse| {
            let Pulse { name, age, limit, at } = pulse;
            let mut shown = json!({"name": name, "ok": !pulse.is_late(), "age_ms": age, "limit_ms": limit});
            if let Some(at) = at {
                shown["at"] = json!(at);
            }
            shown
        };
        let mut body = json!({"live": live, "hearts": pulses.iter().map(show).collect::<Vec<_>>()});
        let silent = self.silent.read().unwrap_or_else(PoisonError::into_inner);
        for (name, partitions) in [("stuck", &stuck), ("silent", &silent)] {
            if !partitions.is_empty() {
                body[name] = partitions.iter().map(|(name, why)| json!({"partition": name, "reason": why})).collect();
            }
        }
        (live, body)
    }

    /// Each condition, and whether it holds.
    pub fn conditions(&self) -> [(Condition, bool); Condition::ALL.len()] {
        let conditions = self.conditions.read().unwrap_or_else(PoisonError::into_inner);
        Condition::ALL.map(|condition| (condition, conditions[condition as usize].is_none()))
    }

    /// Whether every condition holds, and why those that do not don't.
    pub fn readiness(&self) -> (bool, Value) {
        let conditions = self.conditions.read().unwrap_or_else(PoisonError::into_inner);
        let ready = conditions.iter().all(Option::is_none);
        let shown: Vec<Value> = Condition::ALL
            .iter()
            .zip(conditions.iter())
            .map(|(condition, state)| match state {
                None => json!({"name": condition.as_str(), "ok": true}),
                Some(reason) => json!({"name": condition.as_str(), "ok": false, "reason": reason}),
            })
            .collect();
        let notes = self.notes.read().unwrap_or_else(PoisonError::into_inner);
        let mut body = json!({"ready": ready, "conditions": shown});
        if !notes.is_empty() {
            body["notes"] = notes.iter().map(|(name, text)| json!({"name": name, "text": text})).collect();
        }
        (ready, body)
    }
}

/// Notes a text by what it is about; `None` takes it back.
fn note<K: Ord>(notes: &RwLock<BTreeMap<K, String>>, about: K, text: Option<String>) {
    let mut notes = notes.write().unwrap_or_else(PoisonError::into_inner);
    match text {
        Some(text) => drop(notes.insert(about, text)),
        None => drop(notes.remove(&about)),
    }
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health").field("conditions", &self.conditions).field("hearts", &self.hearts).finish()
    }
}
