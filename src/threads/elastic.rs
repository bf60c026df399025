//! An Elasticsearch that answers in any order, loses answers, and refuses items for now; and the oracle of what is settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::mpsc::{Receiver, Sender};

use super::others::{ToDispatch, in_any_order};
use crate::bulk::{Answer, Item};
use crate::dispatch::{Found, Input, NameIs, Outcome, RequestId};

/// What is asked of it.
pub(super) enum Asked {
    Check(Arc<str>),
    Bulk(RequestId, bytes::Bytes),
    LookUp(RequestId, Vec<String>),
    Stop,
}

/// What is settled, for whoever checks.
#[derive(Clone, Default)]
pub(super) struct Oracle(Arc<Mutex<Known>>);

#[derive(Default)]
pub(super) struct Known {
    /// Every document, by id, with its origin.
    pub(super) stored: BTreeMap<String, serde_json::Value>,
    pub(super) letters: BTreeSet<String>,
}

impl Oracle {
    /// No thread is changed while it is held: it is not shuttle's.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn run(inbox: &Receiver<Asked>, dispatch: &Sender<ToDispatch>, oracle: &Oracle) {
    let asked = |asked| if let Asked::Stop = asked { None } else { Some(asked) };
    // Whoever asked may have come to its end.
    in_any_order(inbox, asked, |asked| dispatch.send(ToDispatch::Input(answer(asked, oracle))).is_ok());
}

fn answer(asked: Asked, oracle: &Oracle) -> Input {
    let chance = thread_rng().gen_range(0..8);
    match asked {
        Asked::Check(index) => Input::Checked(index, Ok(NameIs::Index)),
        Asked::Bulk(request, _) if chance == 0 => Input::Answered(request, Outcome::NotSent("away".to_owned())),
        Asked::Bulk(request, body) => {
            let text = String::from_utf8_lossy(&body);
            let lines: Vec<&str> = text.lines().collect();
            let mut known = oracle.known();
            let items = lines.chunks(2).enumerate().map(|(number, lines)| {
                let status = match known.stored.contains_key(lines[0]) {
                    true => 409,
                    false if chance == 1 && number % 2 == 0 => 429,
                    false => 201,
                };
                if status == 201 {
                    let origin = serde_json::from_str(lines[1]).expect("the second line is the origin");
                    known.stored.insert(lines[0].to_owned(), origin);
                }
                Item { status, ..Item::default() }
            });
            let items = items.collect();
            // It was done, and nobody is told.
            let lost = chance == 2;
            let outcome = if lost { Outcome::Unknown("lost".to_owned()) } else { Outcome::Answer(Answer { items }) };
            Input::Answered(request, outcome)
        }
        Asked::LookUp(request, ids) => {
            let known = oracle.known();
            let found: Vec<Found> =
                ids.iter().map(|id| known.stored.get(id).cloned().map_or(Found::Nothing, Found::Origin)).collect();
            Input::LookedUp(request, Ok(found))
        }
        Asked::Stop => Input::Tick,
    }
}
