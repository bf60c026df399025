//! What Elasticsearch answers to a bulk request, item by item.
//!
//! The request asks for `errors` and, per item, `status`, `result`, `error` and `failure_store` only. Anything that is not
//! such an answer is an error here, which the caller takes for "outcome unknown".

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The parameters that make an answer as short as it can be while every item is still told.
pub const FILTER_PATH: &str = "errors,items.*.status,items.*.result,items.*.error.type,items.*.error.reason,items.*.error.caused_by,items.*.failure_store";

/// A parsed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// One for each action, in the order of the request.
    pub items: Vec<Item>,
}

/// The result of one action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// The HTTP status of this action.
    pub status: u16,
    /// True for `"result": "noop"`: a pipeline inside Elasticsearch dropped the document.
    #[serde(skip_serializing_if = "is_false")]
    pub noop: bool,
    /// True if the document went to a failure store instead of its index.
    #[serde(skip_serializing_if = "is_false")]
    pub failure_store: bool,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorCause>>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// An error as Elasticsearch tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorCause {
    /// The kind, such as `mapper_parsing_exception`.
    pub kind: String,
    /// The explanation, with those of its causes.
    pub reason: String,
}

#[derive(Deserialize)]
struct RawAnswer<'a> {
    #[serde(borrow)]
    items: Vec<RawAction<'a>>,
}

#[derive(Deserialize)]
enum RawAction<'a> {
    #[serde(rename = "create", borrow)]
    Create(RawItem<'a>),
    #[serde(rename = "index", borrow)]
    Index(RawItem<'a>),
}

#[derive(Deserialize)]
struct RawItem<'a> {
    status: u16,
    #[serde(borrow, default)]
    result: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    failure_store: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

/// Reads an answer's body.
///
/// # Errors
/// The body is not JSON of the expected shape (cut short, a proxy's page, another API).
pub fn parse_answer(body: &[u8]) -> Result<Answer, serde_json::Error> {
    let raw: RawAnswer<'_> = serde_json::from_slice(body)?;
    let items = raw
        .items
        .into_iter()
        .map(|action| {
            let (RawAction::Create(item) | RawAction::Index(item)) = action;
            Item {
                status: item.status,
                noop: item.result.as_deref() == Some("noop"),
                failure_store: item.failure_store.as_deref() == Some("used"),
                error: item.error.as_ref().map(|error| Box::new(ErrorCause::from_json(error))),
            }
        })
        .collect();
    Ok(Answer { items })
}

impl ErrorCause {
    /// Reads `{"type", "reason", "caused_by"}`, or a bare string; the reasons of causes are joined with `: `.
    pub fn from_json(error: &serde_json::Value) -> Self {
        let text = |field: &str| error.get(field).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        if let Some(bare) = error.as_str() {
            return Self { kind: String::new(), reason: bare.to_owned() };
        }
        let mut reason = text("reason");
        let mut cause = error.get("caused_by");
        for _ in 0..5 {
            let Some(inner) = cause else { break };
            if let Some(more) = inner.get("reason").and_then(serde_json::Value::as_str) {
                reason.push_str(": ");
                reason.push_str(more);
            }
            cause = inner.get("caused_by");
        }
        Self { kind: text("type"), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_told() {
        let body = br#"{"took":3,"errors":true,"items":[
            {"create":{"_index":"a","result":"created","status":201}},
            {"create":{"result":"noop","status":200}},
            {"index":{"status":201,"failure_store":"used"}},
            {"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [n]",
              "caused_by":{"type":"illegal_argument_exception","reason":"For input string: \"abc\""}}}},
            {"create":{"status":429,"error":"busy"}}]}"#;
        let items = parse_answer(body).unwrap().items;
        assert_eq!(items.iter().map(|item| item.status).collect::<Vec<_>>(), [201, 200, 201, 400, 429]);
        assert_eq!((items[1].noop, items[2].failure_store), (true, true));
        let error = items[3].error.as_ref().unwrap();
        assert_eq!(error.kind, "mapper_parsing_exception");
        assert_eq!(error.reason, "failed to parse field [n]: For input string: \"abc\"");
        assert_eq!(items[4].error.as_ref().unwrap().reason, "busy");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for body in ["", "<html>", "{}", r#"{"items":[{"create":{}}]}"#, r#"{"items":[{"create":{"status":201}}"#, "[]"]
        {
            assert!(parse_answer(body.as_bytes()).is_err(), "{body}");
        }
    }
}
