//! What a transform made of records, without a byte of it: which documents, of which indices, how long, what was dropped and
//! what rejected. It is noted for traces, and a transform that makes the same again is all that a replay needs.

use serde::{Deserialize, Serialize};

use crate::record::{DropReason, Stage};

/// What was made of the records of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The indices, in the order in which they were first named.
    pub indices: Vec<String>,
    /// What each record became.
    pub records: Vec<MadeUnits>,
}

/// What one record became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MadeUnits {
    /// The usual: one document of this many bytes, with sub-document number 0, of the first of the indices.
    One(usize),
    /// Anything else, in order.
    Some(Vec<MadeUnit>),
}

/// One thing that a record became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MadeUnit {
    /// A document: its number among those of the record, its index by number, its bytes, both lines counted.
    #[serde(rename = "d")]
    Document(u32, usize, usize),
    /// Dropped by a rule.
    #[serde(rename = "x")]
    Dropped(DropReason),
    /// Rejected: the number of the document, and where.
    #[serde(rename = "r")]
    Rejected(u32, Stage),
}

impl Made {
    /// Notes a document of record `record` (from 0 in its batch): number, index and bytes.
    pub(super) fn document(&mut self, record: usize, (sub, index, bytes): (u32, &str, usize)) {
        let at = self.indices.iter().position(|known| known == index).unwrap_or_else(|| {
            self.indices.push(index.to_owned());
            self.indices.len() - 1
        });
        if self.records.len() == record && (sub, at) == (0, 0) {
            self.records.push(MadeUnits::One(bytes));
        } else {
            self.unit(record, MadeUnit::Document(sub, at, bytes));
        }
    }

    /// Notes anything that record `record` became.
    pub(super) fn unit(&mut self, record: usize, unit: MadeUnit) {
        if self.records.len() <= record {
            self.records.resize_with(record + 1, || MadeUnits::Some(Vec::new()));
        }
        let units = &mut self.records[record];
        if let MadeUnits::One(bytes) = *units {
            *units = MadeUnits::Some(vec![MadeUnit::Document(0, 0, bytes)]);
        }
        if let MadeUnits::Some(units) = units {
            units.push(unit);
        }
    }

    /// What record `record` became, in order, each document with the name of its index; nothing if there is no such record.
    pub fn of(&self, record: usize) -> impl Iterator<Item = (MadeUnit, &str)> {
        let one = match self.records.get(record) {
            Some(MadeUnits::One(bytes)) => Some(MadeUnit::Document(0, 0, *bytes)),
            Some(MadeUnits::Some(_)) | None => None,
        };
        let some = match self.records.get(record) {
            Some(MadeUnits::Some(units)) => &units[..],
            Some(MadeUnits::One(_)) | None => &[],
        };
        let index = |unit: &MadeUnit| match unit {
            MadeUnit::Document(_, index, _) => self.indices.get(*index).map_or("", String::as_str),
            MadeUnit::Dropped(_) | MadeUnit::Rejected(..) => "",
        };
        one.into_iter().chain(some.iter().copied()).map(move |unit| (unit, index(&unit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_is_told_in_one_number_and_everything_comes_back() {
        let mut made = Made::default();
        made.document(0, (0, "a", 100));
        made.document(1, (0, "a", 120));
        made.document(1, (1, "b", 7));
        made.unit(2, MadeUnit::Dropped(DropReason::Tombstone));
        made.document(3, (0, "b", 9));
        made.unit(4, MadeUnit::Rejected(0, Stage::Codec));
        let text = serde_json::to_string(&made).unwrap();
        assert_eq!(
            text,
            r#"{"indices":["a","b"],"records":[100,[{"d":[0,0,120]},{"d":[1,1,7]}],[{"x":"Tombstone"}],[{"d":[0,1,9]}],[{"r":[0,"Codec"]}]]}"#
        );
        let again: Made = serde_json::from_str(&text).unwrap();
        assert_eq!(again, made);
        let second: Vec<_> = again.of(1).collect();
        assert_eq!(second, [(MadeUnit::Document(0, 0, 120), "a"), (MadeUnit::Document(1, 1, 7), "b")]);
        assert_eq!((again.of(0).count(), again.of(5).count()), (1, 0));
    }
}
