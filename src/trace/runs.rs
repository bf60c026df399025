//! Settlements and documents by runs: most of a step concerns records of one holding that follow each other.

use serde::{Deserialize, Serialize};

use crate::bulk::{Bulk, Settlement};
use crate::dead_letter::Letter;
use crate::record::{Fate, HoldingId};

/// Records of a holding that follow each other and were settled alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledRun(
    /// The holding.
    pub HoldingId,
    /// The first record's number in its ledger.
    pub u64,
    /// How many there are.
    pub u64,
    /// What became of each.
    pub Fate,
);

/// Documents, one of each of some records of a holding that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRun(
    /// The holding.
    pub HoldingId,
    /// The first record's number in its ledger.
    pub u64,
    /// How many there are.
    pub u64,
    /// Which document of each.
    pub u32,
);

/// Settlements by runs, in order.
pub fn settled(settlements: &[Settlement]) -> Vec<SettledRun> {
    let mut runs: Vec<SettledRun> = Vec::new();
    for Settlement { holding, seq, fate } in settlements {
        match runs.last_mut() {
            Some(run) if (run.0, run.1 + run.2, run.3) == (*holding, *seq, *fate) => run.2 += 1,
            _ => runs.push(SettledRun(*holding, *seq, 1, *fate)),
        }
    }
    runs
}

impl SettledRun {
    /// One by one.
    pub fn each(self) -> impl Iterator<Item = Settlement> {
        let Self(holding, first, count, fate) = self;
        (first..first + count).map(move |seq| Settlement { holding, seq, fate })
    }
}

/// The documents of a bulk by runs, in order.
pub fn documents(bulk: &Bulk) -> Vec<DocumentRun> {
    let mut runs: Vec<DocumentRun> = Vec::new();
    for document in &bulk.documents {
        let batch = bulk.batch(document);
        let (holding, seq) = (batch.records.origin().holding, batch.first_seq + u64::from(document.record));
        match runs.last_mut() {
            Some(run) if (run.0, run.1 + run.2, run.3) == (holding, seq, document.sub) => run.2 += 1,
            _ => runs.push(DocumentRun(holding, seq, 1, document.sub)),
        }
    }
    runs
}

/// Runs of documents in words: `h1:17+500` for the first documents of 500 records from number 17 on.
fn show_documents(runs: &[DocumentRun]) -> String {
    let show = |DocumentRun(holding, first, count, sub): &DocumentRun| match sub {
        0 => format!("{holding}:{first}+{count}"),
        sub => format!("{holding}:{first}+{count}.{sub}"),
    };
    runs.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// A body for an index, in words: of how many bytes, and of which documents.
pub(super) fn show_submit(index: &str, bytes: usize, runs: &[DocumentRun]) -> String {
    format!("submit to {index}, {bytes} bytes: {}", show_documents(runs))
}

/// A letter in words: of which record and document, and where it was rejected.
pub(super) fn show_letter(letter: &Letter) -> String {
    format!("letter {}:{}.{} {:?}", letter.holding(), letter.settlement().seq, letter.sub, letter.stage())
}

pub(super) fn show_settled(runs: &[SettledRun]) -> String {
    let show = |SettledRun(holding, first, count, fate): &SettledRun| format!("{holding}:{first}+{count} {fate:?}");
    runs.iter().map(show).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_give_back_what_they_were_made_of() {
        let settle = |holding, seq, fate| Settlement { holding: HoldingId(holding), seq, fate };
        let all = [
            settle(1, 5, Fate::Indexed),
            settle(1, 6, Fate::Indexed),
            settle(1, 6, Fate::Indexed),
            settle(1, 7, Fate::Duplicate),
            settle(2, 8, Fate::Duplicate),
        ];
        let runs = settled(&all);
        assert_eq!(runs.len(), 4);
        assert_eq!(runs.into_iter().flat_map(SettledRun::each).collect::<Vec<_>>(), all);
    }
}
