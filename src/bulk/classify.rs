//! What follows from an answer: one pure function for an item, one for a whole request.
//!
//! The default is "not done": success is 201 alone, a dead letter only for the listed faults of documents; states of the
//! cluster, and whatever is not known, hold the index and alert. Read from the Elasticsearch sources and from what other
//! shippers got wrong.

use super::answer::{ErrorCause, Item};

/// What one item of an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Written.
    Indexed,
    /// The id is there already: to be verified.
    Conflict,
    /// A pipeline inside Elasticsearch dropped it.
    DroppedByServer,
    /// Overload or a passing fault: send this item again.
    Retry,
    /// The document itself is at fault: a dead letter.
    Document,
    /// The index or the cluster is in a state that refuses it: hold the index, alert, try again slowly.
    Hold(HoldReason),
}

/// Why an index is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    /// A block, such as read-only after the flood-stage watermark.
    Blocked,
    /// The index is closed.
    Closed,
    /// The index is missing and may not be created.
    Missing,
    /// The limit of shards of the cluster is reached.
    Limit,
    /// The limit of fields of the index is reached: documents without new ones are taken.
    Fields,
    /// Not allowed.
    Security,
    /// The name is an alias or a data stream, where an id is not unique.
    NotConcrete,
    /// More new indices are wanted than may be made within an hour.
    TooManyNew,
    /// An answer that is not known.
    Unknown,
}

impl HoldReason {
    /// True if the index may take other documents all the same.
    pub fn may_be_of_documents(self) -> bool {
        matches!(self, Self::Fields | Self::Unknown)
    }

    /// The reason's name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Closed => "closed",
            Self::Missing => "missing",
            Self::Limit => "limit",
            Self::Fields => "fields",
            Self::Security => "security",
            Self::NotConcrete => "not_concrete",
            Self::TooManyNew => "too_many_new",
            Self::Unknown => "unknown",
        }
    }

    /// What the reader of a log can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Blocked => {
                "remove the block (after a full disk: free space, then index.blocks.read_only_allow_delete: null)"
            }
            Self::Closed => "open the index, or delete it",
            Self::Missing => "create the index, or allow action.auto_create_index for its name",
            Self::Limit => "raise the limit that the reason names, or delete old indices",
            Self::Fields => {
                "raise index.mapping.total_fields.limit (or the one that the reason names), or have fewer fields (pipeline: remove, or a field of type flattened)"
            }
            Self::Security => {
                "give the user the privileges create_doc, create_index, read and view_index_metadata on this index"
            }
            Self::NotConcrete => {
                "name an index that is neither an alias nor a data stream (pipeline: destination.index)"
            }
            Self::TooManyNew => {
                "see whether these indices are wanted (a field with many values in destination.index, times far apart); if so, raise elasticsearch.max_new_indices"
            }
            Self::Unknown => "see the reason; the documents are kept and sent again until it succeeds",
        }
    }
}

/// What the status of a whole request means, if it is not 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestClass {
    /// An answer with items.
    Items,
    /// Refused before anything was done, for now: all requests pause, then the same ids again.
    Refused,
    /// Not allowed: all requests pause, alert, the same ids again.
    Security,
    /// Too large: divide it.
    TooLarge,
    /// Something in the body is refused: divide it to find out what.
    BadRequest,
    /// The state of the index: hold it.
    Hold(HoldReason),
    /// Nobody knows what was done: the same ids again.
    Unknown,
}

/// Judges one item of an answer to `create`.
pub fn classify_item(item: &Item) -> Class {
    let error = item.error.as_deref();
    match item.status {
        // A failure store takes what its index would not: the record must not count as indexed.
        201 if item.failure_store => Class::Document,
        201 => Class::Indexed,
        200 if item.noop => Class::DroppedByServer,
        409 => Class::Conflict,
        403 => Class::Hold(blocked_or_forbidden(error)),
        401 => Class::Hold(HoldReason::Security),
        404 => Class::Hold(HoldReason::Missing),
        429 if is_block(error) => Class::Hold(HoldReason::Blocked),
        408 | 429 | 500 | 502 | 503 | 504 => Class::Retry,
        400 | 413 => error.map_or(Class::Hold(HoldReason::Unknown), classify_bad_request),
        _ => Class::Hold(HoldReason::Unknown),
    }
}

/// Judges the status of a whole request. `error` is the body's error, if it has one.
pub fn classify_request(status: u16, error: Option<&ErrorCause>) -> RequestClass {
    match status {
        200 => RequestClass::Items,
        401 | 407 => RequestClass::Security,
        403 if is_block(error) => RequestClass::Hold(HoldReason::Blocked),
        403 if error.is_some_and(is_about_index) => RequestClass::Hold(HoldReason::Security),
        403 => RequestClass::Security,
        413 => RequestClass::TooLarge,
        400 => match error.map(classify_bad_request) {
            Some(Class::Hold(reason)) if !reason.may_be_of_documents() => RequestClass::Hold(reason),
            Some(_) | None => RequestClass::BadRequest,
        },
        404 => RequestClass::Hold(HoldReason::Missing),
        429 => RequestClass::Refused,
        _ => RequestClass::Unknown,
    }
}

fn is_block(error: Option<&ErrorCause>) -> bool {
    error.is_some_and(|error| error.kind == "cluster_block_exception" || error.reason.contains("flood-stage watermark"))
}

/// A refusal of Elasticsearch's own security that names the privilege on indices: other indices may be allowed. Anything else
/// (a proxy, a key that has expired) concerns all requests.
fn is_about_index(error: &ErrorCause) -> bool {
    error.kind == "security_exception" && (error.reason.contains("[indices:") || error.reason.contains("on indices ["))
}

fn blocked_or_forbidden(error: Option<&ErrorCause>) -> HoldReason {
    if is_block(error) { HoldReason::Blocked } else { HoldReason::Security }
}

/// A 400 is the document's fault only if its kind is listed, and the reason does not name a state of the cluster.
fn classify_bad_request(error: &ErrorCause) -> Class {
    let reason = error.reason.to_ascii_lowercase();
    let says = |text: &str| reason.contains(text);
    // A state of the index, or of the cluster, is believed only where the document does not say it.
    let own = own_words(&reason);
    let states = |text: &str| own.contains(text);
    match error.kind.as_str() {
        "index_closed_exception" => Class::Hold(HoldReason::Closed),
        "index_not_found_exception" => Class::Hold(HoldReason::Missing),
        "cluster_block_exception" => Class::Hold(HoldReason::Blocked),
        "validation_exception" if states("shards") => Class::Hold(HoldReason::Limit),
        // How deep one document is nested is its own affair: an index that has a place for others has none for it.
        "illegal_argument_exception" | "mapper_parsing_exception" | "document_parsing_exception"
            if states("limit of mapping depth") || states("number of nested documents has exceeded") =>
        {
            Class::Document
        }
        "illegal_argument_exception" | "mapper_parsing_exception" | "document_parsing_exception"
            if states("limit of total fields") || states("limit of nested") =>
        {
            Class::Hold(HoldReason::Fields)
        }
        "illegal_argument_exception" if states("maximum shards open") => Class::Hold(HoldReason::Limit),
        "mapper_parsing_exception"
        | "document_parsing_exception"
        | "strict_dynamic_mapping_exception"
        | "mapper_exception"
        | "parsing_exception"
        | "x_content_parse_exception"
        | "json_parse_exception"
        | "invalid_type_name_exception" => Class::Document,
        // The kinds below cover both documents and settings: only the reasons that speak of the document count.
        "illegal_argument_exception"
            if says("immense term")
                || says("mapper [")
                || says("can't merge")
                || says("can't get text")
                || says("document contains")
                || says("object mapping")
                || says("can't find the metadata")
                || says("field name cannot")
                || says("cannot be changed from type") =>
        {
            Class::Document
        }
        "illegal_argument_exception" if states("data stream") || states("write index") || states("alias") => {
            Class::Hold(HoldReason::NotConcrete)
        }
        "max_bytes_length_exceeded_exception" => Class::Document,
        _ => Class::Hold(HoldReason::Unknown),
    }
}

/// What a reason says without what it quotes: names and values in brackets, and all from the first quotation mark on. A document's
/// fields and values are its own words, and may be any.
pub(crate) fn own_words(reason: &str) -> String {
    let quoted = ["\"", ": '", "preview of field"].iter().filter_map(|mark| reason.find(mark)).min();
    let mut depth = 0_usize;
    let mut own = String::with_capacity(reason.len());
    for char in reason[..quoted.unwrap_or(reason.len())].chars() {
        match char {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => own.push(char),
            _ => {}
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(status: u16, kind: &str, reason: &str) -> Item {
        let error = Some(Box::new(ErrorCause { kind: kind.into(), reason: reason.into() }));
        Item { status, error: error.filter(|_| !kind.is_empty()), ..Item::default() }
    }

    #[test]
    fn items() {
        use Class::*;
        let flood = "index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];";
        let table = [
            (item(201, "", ""), Indexed),
            (Item { failure_store: true, ..item(201, "", "") }, Document),
            (Item { noop: true, ..item(200, "", "") }, DroppedByServer),
            (item(200, "", ""), Hold(HoldReason::Unknown)),
            (item(202, "", ""), Hold(HoldReason::Unknown)),
            (item(409, "version_conflict_engine_exception", "[a]: document already exists"), Conflict),
            (item(429, "es_rejected_execution_exception", "rejected execution"), Retry),
            (item(429, "cluster_block_exception", flood), Hold(HoldReason::Blocked)),
            (
                item(403, "cluster_block_exception", "index [a] blocked by: [FORBIDDEN/8/index write (api)];"),
                Hold(HoldReason::Blocked),
            ),
            (item(403, "security_exception", "action is unauthorized"), Hold(HoldReason::Security)),
            (item(401, "security_exception", "missing"), Hold(HoldReason::Security)),
            (item(500, "exception", "x"), Retry),
            (item(502, "", ""), Retry),
            (item(503, "unavailable_shards_exception", "primary shard is not active"), Retry),
            (item(504, "", ""), Retry),
            (item(404, "index_not_found_exception", "no such index [a]"), Hold(HoldReason::Missing)),
            (item(400, "index_closed_exception", "closed"), Hold(HoldReason::Closed)),
            (item(400, "mapper_parsing_exception", "failed to parse field [n] of type [long]"), Document),
            (item(400, "document_parsing_exception", "[1:8] failed to parse field [n]"), Document),
            (item(400, "strict_dynamic_mapping_exception", "mapping set to strict"), Document),
            (
                item(400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded"),
                Hold(HoldReason::Fields),
            ),
            (
                item(400, "illegal_argument_exception", "Limit of mapping depth [20] has been exceeded due to [a]"),
                Document,
            ),
            (
                item(
                    400,
                    "document_parsing_exception",
                    "failed: Limit of total fields [10] has been exceeded while adding new fields [1]",
                ),
                Hold(HoldReason::Fields),
            ),
            (
                item(
                    400,
                    "validation_exception",
                    "this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open",
                ),
                Hold(HoldReason::Limit),
            ),
            (
                item(400, "illegal_argument_exception", "Document contains at least one immense term in field=\"a\""),
                Document,
            ),
            (
                item(400, "illegal_argument_exception", "mapper [a] cannot be changed from type [long] to [text]"),
                Document,
            ),
            (item(400, "illegal_argument_exception", "something else"), Hold(HoldReason::Unknown)),
            (
                item(400, "illegal_argument_exception", "no write index is defined for alias [a]"),
                Hold(HoldReason::NotConcrete),
            ),
            (
                item(
                    400,
                    "illegal_argument_exception",
                    "only write ops with an op_type of create are allowed in data streams",
                ),
                Hold(HoldReason::NotConcrete),
            ),
            (item(400, "", ""), Hold(HoldReason::Unknown)),
            (item(418, "teapot", ""), Hold(HoldReason::Unknown)),
            (item(0, "", ""), Hold(HoldReason::Unknown)),
        ];
        for (item, class) in table {
            assert_eq!(classify_item(&item), class, "{item:?}");
        }
    }

    #[test]
    fn what_a_document_says_does_not_hold_its_index() {
        for (kind, reason) in [
            ("illegal_argument_exception", "mapper [alias] cannot be changed from type [long] to [text]"),
            (
                "illegal_argument_exception",
                "mapper [data stream.write index] cannot be changed from type [long] to [text]",
            ),
            (
                "illegal_argument_exception",
                "Document contains at least one immense term in field=\"user.alias\" (whose UTF8 encoding is longer than the max length 32766)",
            ),
            (
                "document_parsing_exception",
                "[1:9] failed to parse field [n] of type [long] in document with id 'a'. Preview of field's value: 'Limit of total fields [1000] has been exceeded': For input string: \"Limit of total fields [1000] has been exceeded\"",
            ),
            (
                "mapper_parsing_exception",
                "failed to parse field [t] of type [date] in document with id 'a': failed to parse date field [this cluster has maximum shards open] with format [strict]",
            ),
        ] {
            assert_eq!(classify_item(&item(400, kind, reason)), Class::Document, "{reason}");
        }
        let unknown = item(400, "illegal_argument_exception", "field [alias] is not what it was: 'no write index'");
        assert_eq!(classify_item(&unknown), Class::Hold(HoldReason::Unknown));
    }

    #[test]
    fn only_201_is_ever_a_success() {
        for status in (0..=1000).filter(|status| *status != 201) {
            assert_ne!(classify_item(&item(status, "", "")), Class::Indexed, "{status}");
        }
    }

    #[test]
    fn requests() {
        use RequestClass::*;
        let shards = ErrorCause { kind: "validation_exception".into(), reason: "maximum normal shards open".into() };
        let closed = ErrorCause { kind: "index_closed_exception".into(), reason: "closed".into() };
        let malformed = ErrorCause {
            kind: "illegal_argument_exception".into(),
            reason: "Malformed action/metadata line [1]".into(),
        };
        let security = |reason: &str| ErrorCause { kind: "security_exception".into(), reason: reason.into() };
        let expired = security("token expired");
        let unauthorized = security("action [indices:data/write/bulk] is unauthorized for user [u] on indices [a]");
        let blocked = ErrorCause { kind: "cluster_block_exception".into(), reason: "blocked by: [FORBIDDEN/8]".into() };
        for (status, error, class) in [
            (200, None, Items),
            (201, None, Unknown),
            (400, None, BadRequest),
            (400, Some(&malformed), BadRequest),
            (400, Some(&shards), Hold(HoldReason::Limit)),
            (400, Some(&closed), Hold(HoldReason::Closed)),
            (401, None, Security),
            (403, None, Security),
            (403, Some(&expired), Security),
            (403, Some(&unauthorized), Hold(HoldReason::Security)),
            (403, Some(&blocked), Hold(HoldReason::Blocked)),
            (404, None, Hold(HoldReason::Missing)),
            (413, None, TooLarge),
            (429, None, Refused),
            (500, None, Unknown),
            (502, None, Unknown),
            (503, None, Unknown),
            (504, None, Unknown),
        ] {
            assert_eq!(classify_request(status, error), class, "{status} {error:?}");
        }
    }
}
