//! What a trace keeps of an error of Elasticsearch: its kind, and those phrases of its reason that decide what follows. The rest may
//! quote the document.

use crate::bulk::ErrorCause;

/// Whatever a classification looks for in a reason, as it looks for it.
const PHRASES: &[&str] = &[
    "flood-stage watermark",
    "[indices:",
    "on indices [",
    "shards",
    "limit of mapping depth",
    "number of nested documents has exceeded",
    "limit of total fields",
    "maximum shards open",
    "limit of nested",
    "data stream",
    "write index",
    "alias",
    "immense term",
    "mapper [",
    "can't merge",
    "can't get text",
    "document contains",
    "object mapping",
    "can't find the metadata",
    "field name cannot",
    "cannot be changed from type",
];

/// The same error as far as anything follows from it.
pub(super) fn essence(error: &ErrorCause) -> ErrorCause {
    let lower = error.reason.to_ascii_lowercase();
    let said = PHRASES.iter().filter(|phrase| lower.contains(**phrase));
    ErrorCause { kind: error.kind.clone(), reason: said.copied().collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every phrase that the classification looks for has to be kept.
    #[test]
    fn the_phrases_are_those_of_the_classification() {
        let source = include_str!("../bulk/classify.rs").split("#[cfg(test)]").next().unwrap();
        let mut found = 0;
        for call in ["says(\"", "contains(\""] {
            for rest in source.split(call).skip(1) {
                let phrase = rest.split('"').next().unwrap();
                assert!(PHRASES.contains(&phrase), "{phrase:?} decides what follows from an error, and is not kept");
                found += 1;
            }
        }
        assert!(found >= 20, "{found} phrases: are they still found?");
    }

    #[test]
    fn what_a_document_says_is_not_kept() {
        let reason = "[1:20] failed to parse field [n]: For input string: \"secret\"; limit of total fields".to_owned();
        let error = ErrorCause { kind: "document_parsing_exception".into(), reason };
        let kept = essence(&error);
        assert_eq!((kept.kind.as_str(), kept.reason.as_str()), ("document_parsing_exception", "limit of total fields"));
    }
}
