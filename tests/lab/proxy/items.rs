//! The items of a bulk: their ids, and refusing some of them without passing these on.

use serde_json::{Value, json};

use crate::lab::Result;

/// Lines of an action and its document, with the action's id.
pub fn each(body: &[u8]) -> impl Iterator<Item = Result<(String, &[u8], &[u8])>> {
    let mut lines = body.split_inclusive(|byte| *byte == b'\n');
    std::iter::from_fn(move || {
        let (action, document) = (lines.next()?, lines.next()?);
        let id = || -> Result<String> {
            let parsed: Value = serde_json::from_slice(action)?;
            Ok(parsed["create"]["_id"].as_str().ok_or("an action that is no create with an id")?.to_owned())
        };
        Some(id().map(|id| (id, action, document)))
    })
}

/// The body without the items that are refused; and for each item its refusal, if there is one.
pub fn part(body: &[u8], mut refuse: impl FnMut(&str) -> Option<u16>) -> Result<(Vec<u8>, Vec<Option<Value>>)> {
    let (mut passed, mut refusals) = (Vec::new(), Vec::new());
    for item in each(body) {
        let (id, action, document) = item?;
        match refuse(&id) {
            Some(status) => refusals.push(Some(refusal(status))),
            None => {
                refusals.push(None);
                passed.extend_from_slice(action);
                passed.extend_from_slice(document);
            }
        }
    }
    Ok((passed, refusals))
}

/// Puts the refusals into an answer at their places.
pub fn merge(answer: &[u8], refusals: Vec<Option<Value>>) -> Result<Vec<u8>> {
    let mut answer: Value = serde_json::from_slice(answer)?;
    let mut given = answer["items"].take().as_array().cloned().unwrap_or_default().into_iter();
    let items = refusals.into_iter().map(|refusal| refusal.or_else(|| given.next()));
    answer["items"] = items.collect::<Option<Vec<_>>>().ok_or("too few items")?.into();
    answer["errors"] = true.into();
    Ok(answer.to_string().into_bytes())
}

fn refusal(status: u16) -> Value {
    let error = match status {
        400 => json!({"type": "document_parsing_exception", "reason": "[1:1] failed to parse: refused by the proxy"}),
        403 => json!({"type": "cluster_block_exception",
            "reason": "index [refused] blocked by: [FORBIDDEN/8/index write (api)];"}),
        429 => json!({"type": "es_rejected_execution_exception", "reason": "rejected execution by the proxy"}),
        _ => json!({"type": "refused_by_proxy", "reason": "refused"}),
    };
    json!({"create": {"status": status, "error": error}})
}

/// An id's topic and incarnation, partition and offset; `None` if it is no id of ours.
pub fn place(id: &str) -> Option<(&str, i32, u64)> {
    let mut parts = id.rsplitn(3, '-');
    let (offset, partition) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((parts.next()?, partition, offset))
}

/// True for ids whose documents are refused for ever by a proxy that poisons.
pub fn is_poisoned(id: &str) -> bool {
    place(id).is_some_and(|(.., offset)| offset % 1009 == 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_items_stand_at_their_places() {
        let lines = |id: &str| format!("{{\"create\":{{\"_id\":\"{id}\"}}}}\n{{\"n\":\"{id}\"}}\n");
        let body = ["t-a-0001-000007", "t-a-0001-000008", "t-a-0002-001016"].map(lines).concat();
        let (passed, refusals) = part(body.as_bytes(), |id| is_poisoned(id).then_some(400)).unwrap();
        assert_eq!(String::from_utf8(passed).unwrap(), lines("t-a-0001-000008"));
        let answer = br#"{"took":1,"errors":false,"items":[{"create":{"status":201}}]}"#;
        let merged: Value = serde_json::from_slice(&merge(answer, refusals).unwrap()).unwrap();
        let statuses: Vec<_> = (0..3).map(|at| merged["items"][at]["create"]["status"].as_u64()).collect();
        assert_eq!(statuses, [Some(400), Some(201), Some(400)]);
        assert_eq!(place("web-access-a1b2-0003-000000000042"), Some(("web-access-a1b2", 3, 42)));
        assert_eq!(place("kQx7"), None);
    }
}
