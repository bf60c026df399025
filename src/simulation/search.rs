//! Elasticsearch: per index a map from id to document, `create` only, and every way to fail that leaves the sender guessing.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;
use serde_json::{Value, json};

use crate::backoff::Chance;
use crate::bulk::{Answer, ErrorCause, Item, parse_answer};
use crate::dispatch::{Found, NameIs, Outcome};

/// Why a request came to nothing.
pub(super) const LOST: &str = "requests lost on their way";
/// Why nothing is known of a request that was done.
pub(super) const ANSWER_LOST: &str = "answers lost on their way";
/// Why nothing is known of a request though bytes came back.
pub(super) const NO_ANSWER: &str = "answers that are none";

/// Why nothing is known of a request to an index whose shard is without a primary.
pub(super) const NO_SHARD: &str = "requests that a shard does not answer";

/// One document of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) id: &'a str,
    pub(super) version: &'a str,
    /// Where its action line begins in the body.
    pub(super) start: usize,
    fault: &'a str,
    /// As JSON.
    origin: &'a str,
}

/// By a text, hashed alike in every process: what depends on the order in such a map would not be told by the seed else.
pub(super) type ByText<T> = HashMap<String, T, FixedState>;

/// What is stored under an id.
#[derive(Debug)]
pub(super) struct Stored {
    /// As JSON.
    pub(super) origin: Box<str>,
    /// It was there before the history began.
    pub(super) foreign: bool,
}

/// What comes of a request, and whether it is done only after that is told.
pub(super) struct Reaction {
    pub(super) outcome: Outcome,
    pub(super) applied_late: bool,
    /// How many the request has.
    pub(super) documents: usize,
}

/// The cluster.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) indices: ByText<ByText<Stored>>,
    pub(super) down: bool,
    pub(super) held: BTreeSet<String>,
    /// Indices that answer nothing, for as long as a request lasts.
    pub(super) silent: BTreeSet<String>,
    pub(super) aliases: BTreeSet<String>,
    /// Documents that a request may have.
    pub(super) accepted: usize,
}

/// Reads a body back into its documents.
pub(super) fn parse(body: &[u8]) -> Vec<Line<'_>> {
    let text = std::str::from_utf8(body).expect("a body is text");
    let mut parsed = Vec::with_capacity(8);
    let (mut start, mut rest) = (0, text);
    while let (Some(action), Some(document)) = (line(&mut rest), line(&mut rest)) {
        let id = action.strip_prefix("{\"create\":{\"_id\":\"").and_then(|rest| rest.strip_suffix("\"}}\n"));
        let (fault, rest) = field(document, "{\"fault\":\"");
        let (version, rest) = field(rest, ",\"version\":\"");
        let (_, rest) = field(rest, ",\"padding\":\"");
        let origin = rest.strip_prefix(",\"kafka\":").expect("a document has an origin");
        parsed.push(Line {
            id: id.expect("an action line comes first"),
            version,
            start,
            fault,
            origin: origin.strip_suffix("}\n").expect("a document ends"),
        });
        start += action.len() + document.len();
    }
    parsed
}

/// The next line with its end, if there is one; the last may lack the end.
fn line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let end = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
    let (line, after) = rest.split_at(end);
    *rest = after;
    Some(line).filter(|line| !line.is_empty())
}

/// The value of a field, and what follows it.
fn field<'a>(text: &'a str, start: &str) -> (&'a str, &'a str) {
    let rest = text.strip_prefix(start).expect("a document has its fields in order");
    let end = memchr::memchr(b'"', rest.as_bytes()).expect("a field has an end");
    (&rest[..end], &rest[end + 1..])
}

fn cause(kind: &str, reason: &str) -> ErrorCause {
    ErrorCause { kind: kind.to_owned(), reason: reason.to_owned() }
}

fn failed(status: u16, kind: &str, reason: &str) -> Item {
    Item { status, error: Some(Box::new(cause(kind, reason))), ..Item::default() }
}

/// What becomes of an answer on its way as bytes: whole, cut off, with other bytes in it, or not an answer at all.
fn garbled(items: &[Item], chance: &mut Chance) -> Outcome {
    let item = |item: &Item| {
        let error = item.error.as_ref().map(|error| json!({"type": error.kind, "reason": error.reason}));
        let result = if item.noop { "noop" } else { "created" };
        match error {
            Some(error) => json!({"create": {"status": item.status, "error": error}}),
            None => json!({"create": {"status": item.status, "result": result}}),
        }
    };
    let items: Vec<Value> = items.iter().map(item).collect();
    let mut text = json!({"errors": true, "items": items}).to_string().into_bytes();
    let at = chance.below(text.len() as u64) as usize;
    match chance.below(4) {
        0 => text.truncate(at),
        1 => text.insert(at, 0xFF),
        2 => text = b"<html>upstream connect error</html>".to_vec(),
        _ => {}
    }
    match parse_answer(&text) {
        Ok(answer) => Outcome::Answer(answer),
        Err(error) => Outcome::Unknown(format!("{NO_ANSWER}: {error}")),
    }
}

impl Search {
    /// A request arrives. `failing` is the chance in a hundred that something is wrong.
    pub(super) fn arrive(&mut self, index: &str, body: &[u8], failing: u64, chance: &mut Chance) -> Reaction {
        let lines = parse(body);
        let documents = lines.len();
        let reaction = |outcome| Reaction { outcome, applied_late: false, documents };
        if self.down {
            let refused = chance.hits(1, 2);
            let why = "down".to_owned();
            return reaction(if refused { Outcome::NotSent(why) } else { Outcome::Unknown(why) });
        }
        if self.silent.contains(index) {
            return reaction(Outcome::Unknown(NO_SHARD.to_owned()));
        }
        if chance.hits(failing, 100) {
            return self.fail(index, &lines, failing, chance);
        }
        if lines.len() > self.accepted || lines.iter().any(|line| line.fault == "huge") {
            return reaction(Outcome::Status(413, None));
        }
        if lines.iter().any(|line| line.fault == "malformed") {
            // Now and then nobody knows the reason.
            let unlisted = chance.hits(failing, 100);
            let kind = match lines.len() {
                1 if !unlisted => "document_parsing_exception",
                _ => "illegal_argument_exception",
            };
            return reaction(Outcome::Status(400, Some(cause(kind, "malformed"))));
        }
        if self.held.contains(index) && chance.hits(1, 3) {
            let blocked = cause("cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)]");
            return reaction(Outcome::Status(403, Some(blocked)));
        }
        reaction(Outcome::Answer(Answer { items: self.apply(index, &lines, failing, chance) }))
    }

    fn fail(&mut self, index: &str, lines: &[Line<'_>], failing: u64, chance: &mut Chance) -> Reaction {
        let mut applied_late = false;
        let outcome = match chance.below(10) {
            0 => Outcome::Unknown(LOST.to_owned()),
            1 => {
                self.apply(index, lines, failing, chance);
                Outcome::Unknown(ANSWER_LOST.to_owned())
            }
            2 => {
                applied_late = true;
                Outcome::Unknown("answered by a proxy before it was done".to_owned())
            }
            3 => Outcome::Status(429, None),
            4 => Outcome::Status(401, None),
            5 => {
                if chance.hits(1, 2) {
                    self.apply(index, lines, failing, chance);
                }
                Outcome::Status([500, 502, 503, 504][chance.below(4) as usize], None)
            }
            6 | 7 => {
                let mut items = self.apply(index, lines, failing, chance);
                if chance.hits(1, 3) {
                    items.truncate(chance.below(items.len() as u64) as usize);
                } else if chance.hits(1, 2) {
                    items.remove(chance.below(items.len() as u64) as usize);
                } else {
                    items.push(Item { status: 201, ..Item::default() });
                }
                Outcome::Answer(Answer { items })
            }
            8 => garbled(&self.apply(index, lines, failing, chance), chance),
            _ => Outcome::NotSent("connection refused".to_owned()),
        };
        Reaction { outcome, applied_late, documents: lines.len() }
    }

    /// Does a request, item by item.
    pub(super) fn apply(&mut self, index: &str, lines: &[Line<'_>], failing: u64, chance: &mut Chance) -> Vec<Item> {
        lines.iter().map(|line| self.create(index, line, failing, chance)).collect()
    }

    fn create(&mut self, index: &str, line: &Line<'_>, failing: u64, chance: &mut Chance) -> Item {
        if line.fault == "huge" || line.fault == "malformed" {
            return failed(400, "document_parsing_exception", "refused");
        }
        if self.held.contains(index) {
            return match chance.below(5) {
                0 => failed(403, "cluster_block_exception", "blocked by: [FORBIDDEN/8/index write (api)]"),
                1 => failed(400, "index_closed_exception", "closed"),
                2 => failed(404, "index_not_found_exception", "no such index"),
                3 => failed(400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded"),
                _ => failed(418, "never_heard_of", "?"),
            };
        }
        if chance.hits(failing, 200) {
            return failed([429, 500, 503][chance.below(3) as usize], "es_rejected_execution_exception", "busy");
        }
        // A document with fields that the index has no room for; the others have none.
        if failing > 0 && line.id.ends_with(['3', '8']) && chance.hits(1, 2) {
            return failed(400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded");
        }
        if line.fault == "noop" {
            return Item { status: 200, noop: true, ..Item::default() };
        }
        if line.fault == "mapping" {
            return failed(400, "mapper_parsing_exception", "failed to parse field [n] of type [long]");
        }
        if !self.indices.contains_key(index) {
            self.indices.insert(index.to_owned(), ByText::default());
        }
        let documents = self.indices.get_mut(index).expect("it was made just now");
        if documents.contains_key(line.id) {
            return failed(409, "version_conflict_engine_exception", "document already exists");
        }
        documents.insert(line.id.to_owned(), Stored { origin: line.origin.into(), foreign: false });
        Item { status: 201, ..Item::default() }
    }

    /// What a name stands for.
    pub(super) fn check(&self, index: &str, failing: u64, chance: &mut Chance) -> Result<NameIs, String> {
        if self.down || self.silent.contains(index) && chance.hits(1, 4) || chance.hits(failing, 200) {
            return Err("down".to_owned());
        }
        Ok(if self.aliases.contains(index) {
            NameIs::Other("an alias".to_owned())
        } else if self.indices.contains_key(index) {
            NameIs::Index
        } else {
            NameIs::Free
        })
    }

    /// The origins stored under ids.
    pub(super) fn look_up(
        &self,
        index: &str,
        ids: &[String],
        failing: u64,
        chance: &mut Chance,
    ) -> Result<Vec<Found>, String> {
        if self.down || chance.hits(failing, 100) {
            return Err("down".to_owned());
        }
        let documents = self.indices.get(index);
        let origin = |stored: &Stored| serde_json::from_str(&stored.origin).expect("an origin is JSON");
        let mut found = |id: &String| match documents.and_then(|documents| documents.get(id)) {
            // The shard of this document alone is away.
            _ if chance.hits(failing, 100) => Found::Unknown("no shard".to_owned()),
            Some(stored) => Found::Origin(origin(stored)),
            None => Found::Nothing,
        };
        Ok(ids.iter().map(&mut found).collect())
    }
}
