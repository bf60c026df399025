//! What a trace keeps of an error of Elasticsearch: its kind, and those phrases of its reason that decide what follows. The rest may
//! quote the document.

use crate::bulk::{ErrorCause, own_words};

/// Whatever a classification looks for in Elasticsearch's own words of a reason, as it looks for it.
const STATED: &[&str] = &[
    "shards",
    "limit of mapping depth",
    "number of nested documents has exceeded",
    "limit of total fields",
    "maximum shards open",
    "limit of nested",
    "data stream",
    "write index",
    "alias",
];

/// And in all of it.
const SAID: &[&str] = &[
    "flood-stage watermark",
    "[indices:",
    "on indices [",
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

/// The same error as far as anything follows from it. Own words come first: a bracket among the others would end them.
pub(super) fn essence(error: &ErrorCause) -> ErrorCause {
    let all = error.reason.to_ascii_lowercase();
    let own = own_words(&all);
    let stated = STATED.iter().filter(|phrase| own.contains(**phrase));
    let said = SAID.iter().filter(|phrase| all.contains(**phrase));
    ErrorCause { kind: error.kind.clone(), reason: stated.chain(said).copied().collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::{Item, classify_item};

    /// Every phrase that the classification looks for has to be kept.
    #[test]
    fn the_phrases_are_those_of_the_classification() {
        let source = include_str!("../bulk/classify.rs").split("#[cfg(test)]").next().unwrap();
        let mut found = 0;
        for (call, kept) in [("states(\"", STATED), ("says(\"", SAID), ("contains(\"", SAID)] {
            for rest in source.split(call).skip(1) {
                let phrase = rest.split('"').next().unwrap();
                assert!(kept.contains(&phrase), "{phrase:?} decides what follows from an error, and is not kept");
                found += 1;
            }
        }
        assert!(found >= 20, "{found} phrases: are they still found?");
    }

    #[test]
    fn what_a_document_says_is_not_kept() {
        let reason =
            "[1:20] failed to parse field [n]: limit of total fields, For input string: \"secret alias\"".to_owned();
        let error = ErrorCause { kind: "document_parsing_exception".into(), reason };
        let kept = essence(&error);
        assert_eq!((kept.kind.as_str(), kept.reason.as_str()), ("document_parsing_exception", "limit of total fields"));
    }

    #[test]
    fn what_is_kept_is_classified_alike() {
        let quoted = "failed to parse field [n]: Preview of field's value: 'limit of total fields'";
        let mapper = "mapper [alias] cannot be changed from type [long] to [text]";
        let limit = "Limit of total fields [1000] has been exceeded";
        for (kind, reason) in [
            ("document_parsing_exception", quoted),
            ("illegal_argument_exception", mapper),
            ("illegal_argument_exception", limit),
        ] {
            let error = ErrorCause { kind: kind.to_owned(), reason: reason.to_owned() };
            let class = |error: ErrorCause| {
                classify_item(&Item { status: 400, error: Some(Box::new(error)), ..Item::default() })
            };
            assert_eq!(class(essence(&error)), class(error), "{reason}");
        }
    }
}
