//! What the dispatch is told and asks for, as it stands in a trace.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::errors::essence;
use super::runs::{DocumentRun, documents, settled, show_letter, show_settled};
use crate::bulk::{Answer, ErrorCause, Item};
use crate::dispatch::{Effect, Found, Input, JUDGED_BY, NameIs, Notice, Outcome, RequestId};
use crate::record::HoldingId;

/// An input of the dispatch without what its documents say.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchHeard {
    /// A holding begins.
    Begin(HoldingId),
    /// A holding is over.
    End(HoldingId),
    /// A full body.
    Submit {
        /// The worker that it comes from.
        worker: usize,
        /// The index.
        index: Arc<str>,
        /// The bytes of the body.
        bytes: usize,
        /// Its documents.
        documents: Vec<DocumentRun>,
    },
    /// The index template is acknowledged, or not.
    Prepared(Result<(), String>),
    /// What an index name stands for.
    Checked(Arc<str>, Result<NameIs, String>),
    /// What came of a request.
    Answered(RequestId, OutcomeHeard),
    /// What a look-up found.
    LookedUp(RequestId, Result<Vec<Found>, String>),
    /// Only time has passed.
    Tick,
}

/// What came of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeHeard {
    /// The items, with how many like it follow each other.
    Answer(Vec<(Item, usize)>),
    /// Another status.
    Status(u16, Option<ErrorCause>),
    /// Nothing was sent.
    NotSent(String),
    /// No usable answer.
    Unknown(String),
}

impl DispatchHeard {
    /// What the dispatch is told.
    pub fn of(input: &Input) -> Self {
        match input {
            Input::Begin(holding) => Self::Begin(*holding),
            Input::End(holding) => Self::End(*holding),
            Input::Submit(bulk) => Self::Submit {
                worker: bulk.worker,
                index: Arc::clone(&bulk.index),
                bytes: bulk.body.len(),
                documents: documents(bulk),
            },
            Input::Prepared(result) => Self::Prepared(result.clone()),
            Input::Checked(index, result) => Self::Checked(Arc::clone(index), result.clone()),
            Input::Answered(request, outcome) => Self::Answered(*request, OutcomeHeard::of(outcome)),
            Input::LookedUp(request, found) => {
                let kept = |found: &Found| match found {
                    Found::Origin(stored) => Found::Origin(origin(stored)),
                    Found::Nothing => Found::Nothing,
                    Found::Unknown(why) => Found::Unknown(why.clone()),
                };
                let found = found.as_ref().map(|found| found.iter().map(kept).collect());
                Self::LookedUp(*request, found.map_err(Clone::clone))
            }
            Input::Tick => Self::Tick,
        }
    }
}

/// Those fields of a document's origin that it is judged by.
fn origin(found: &serde_json::Value) -> serde_json::Value {
    JUDGED_BY.iter().filter_map(|field| Some(((*field).to_owned(), found.get(field)?.clone()))).collect()
}

impl OutcomeHeard {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Answer(answer) => {
                let mut runs: Vec<(Item, usize)> = Vec::new();
                for item in &answer.items {
                    let error = item.error.as_deref().map(|error| Box::new(essence(error)));
                    let item = Item { error, ..*item };
                    match runs.last_mut() {
                        Some((last, count)) if *last == item => *count += 1,
                        _ => runs.push((item, 1)),
                    }
                }
                Self::Answer(runs)
            }
            Outcome::Status(status, error) => Self::Status(*status, error.as_ref().map(essence)),
            Outcome::NotSent(why) => Self::NotSent(why.clone()),
            Outcome::Unknown(why) => Self::Unknown(why.clone()),
        }
    }

    /// As the dispatch is told.
    pub fn into_outcome(self) -> Outcome {
        match self {
            Self::Answer(runs) => {
                let items = runs.into_iter().flat_map(|(item, count)| std::iter::repeat_n(item, count)).collect();
                Outcome::Answer(Answer { items })
            }
            Self::Status(status, error) => Outcome::Status(status, error),
            Self::NotSent(why) => Outcome::NotSent(why),
            Self::Unknown(why) => Outcome::Unknown(why),
        }
    }
}

/// What is told of an effect of the dispatch. Words of Elasticsearch's are left out: they may quote a document.
pub fn dispatch_says(effect: &Effect) -> String {
    match effect {
        Effect::Prepare => "prepare".to_owned(),
        Effect::Check(index) => format!("check {index}"),
        Effect::Send { request, index, body, documents } => {
            format!("send {request} to {index}: {documents} documents, {} bytes", body.len())
        }
        Effect::LookUp { request, index, ids } => {
            let (first, last) = (ids.first(), ids.last());
            let id = |id: Option<&(String, Arc<str>)>| id.map_or(String::new(), |(id, field)| format!("{id} {field}"));
            format!("look up {request} in {index}: {} from {} to {}", ids.len(), id(first), id(last))
        }
        Effect::Settle(worker, settlements) => format!("settle {worker}: {}", show_settled(&settled(settlements))),
        Effect::Letter(letter) => show_letter(letter),
        Effect::Tell(notice) => match notice {
            Notice::Unavailable(_) => "tell unavailable".to_owned(),
            Notice::Available => "tell available".to_owned(),
            Notice::Held(index, reason, _) => format!("tell held {index}, {}", reason.as_str()),
            Notice::Released(index) => format!("tell released {index}"),
            Notice::Unneeded(index) => format!("tell unneeded {index}"),
        },
        Effect::Judged(class, count) => format!("judged {count} {class}"),
    }
}
