use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::bulk::Bulk;
use crate::bulk::document_id;
use crate::dead_letter::Rejection;

const LINGER: Duration = Duration::from_millis(100);

/// A payload names the indices of its documents, one a letter; `-` is a drop, `!` a rejection, `+` makes the next document large.
struct Letters;

impl Transform for Letters {
    fn transform(&mut self, records: &RecordBatch, index: usize, emit: &mut Emit<'_>) {
        let record = records.get(index);
        let mut large = false;
        let mut sub = 0;
        for letter in std::str::from_utf8(record.payload.unwrap()).unwrap().chars() {
            match letter {
                '-' => emit.dropped(DropReason::Pipeline),
                '!' => emit.rejected(sub, Rejection { stage: Stage::Pipeline, reason: "no".into(), index: None }),
                '+' => {
                    large = true;
                    continue;
                }
                name => emit.document(sub, &name.to_string(), |body| {
                    let id = document_id(records.origin(), record.offset, sub);
                    body.extend_from_slice(
                        format!("{id}\n{}\n", if large { "x".repeat(200) } else { String::new() }).as_bytes(),
                    );
                    Ok(())
                }),
            }
            sub += 1;
            large = false;
        }
    }
}

struct Bench {
    worker: Worker<Letters>,
    effects: Vec<Effect>,
}

fn at(millis: u64) -> Moment {
    Moment(Duration::from_millis(millis))
}

fn origin(holding: u64) -> Arc<Origin> {
    Arc::new(Origin {
        holding: HoldingId(holding),
        partition: TopicPartition::new("t", holding as i32),
        incarnation: "i".into(),
        route: Arc::default(),
    })
}

impl Bench {
    /// A worker with holdings 1 and 2, each from offset 0, whose bodies are full at 3 documents.
    fn new() -> Self {
        let limits = BulkLimits { max_bytes: 10_000, max_documents: 3, linger: LINGER, max_document_bytes: 150 };
        let mut bench = Self { worker: Worker::new(7, Letters, limits, None), effects: Vec::new() };
        for holding in [1, 2] {
            bench.step(at(0), Input::Begin { origin: origin(holding), position: 0 });
        }
        bench
    }

    fn step(&mut self, now: Moment, input: Input) -> Vec<Effect> {
        self.worker.step(now, input, &mut self.effects);
        // What is handed over here is let go of at once.
        for effect in &self.effects {
            match effect {
                Effect::Submit(bulk) => bulk.documents.iter().for_each(|document| bulk.batch(document).slots.free(1)),
                Effect::Letter(letter) => letter.batch.slots.free(1),
                _ => {}
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// Gives records with offsets from `first` on.
    fn records(&mut self, now: Moment, holding: u64, first: i64, payloads: &[&str]) -> Vec<Effect> {
        let mut records = RecordBatch::with_capacity(origin(holding), payloads.len(), 64);
        for (offset, payload) in (first..).zip(payloads) {
            records.push(offset, Some(1000 + offset), None, Some(payload.as_bytes()));
        }
        self.step(now, Input::Records { records, permit: None })
    }

    fn settle(&mut self, holding: u64, seqs: &[u64]) -> Vec<Effect> {
        let settlement = |seq: &u64| Settlement { holding: HoldingId(holding), seq: *seq, fate: Fate::Indexed };
        self.step(at(0), Input::Settled(seqs.iter().map(settlement).collect()))
    }
}

/// The bodies that were submitted, as index and offsets.
fn submitted(effects: &[Effect]) -> Vec<(String, Vec<i64>)> {
    let bulks = effects.iter().filter_map(|effect| if let Effect::Submit(bulk) = effect { Some(bulk) } else { None });
    let offsets = |bulk: &Bulk| {
        bulk.documents.iter().map(|document| bulk.batch(document).records.offset(document.record as usize)).collect()
    };
    bulks.map(|bulk| (bulk.index.to_string(), offsets(bulk))).collect()
}

fn committable(effects: &[Effect]) -> Vec<i64> {
    effects
        .iter()
        .filter_map(|effect| if let Effect::Committable(moved) = effect { Some(moved.offset) } else { None })
        .collect()
}

fn drained(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Drained(_)))
}

#[test]
fn a_full_body_leaves_at_once_and_what_is_over_waits() {
    let mut bench = Bench::new();
    let effects = bench.records(at(0), 1, 0, &["a", "a", "a", "a", "b"]);
    assert_eq!(submitted(&effects), [("a".to_owned(), vec![0, 1, 2])]);
    assert!(bench.worker.open_bytes() > 0);
}

#[test]
fn a_body_leaves_when_its_oldest_document_has_waited_for_the_linger_time() {
    let mut bench = Bench::new();
    bench.records(at(0), 1, 0, &["a"]);
    bench.records(at(60), 1, 1, &["a", "b"]);
    assert_eq!(bench.worker.wake_at(), Some(at(100)));
    assert_eq!(submitted(&bench.step(at(99), Input::Tick)), []);
    assert_eq!(submitted(&bench.step(at(100), Input::Tick)), [("a".to_owned(), vec![0, 1])]);
    assert_eq!(bench.worker.wake_at(), Some(at(160)));
    assert_eq!(submitted(&bench.step(at(160), Input::Tick)), [("b".to_owned(), vec![2])]);
    assert_eq!(bench.worker.wake_at(), Some(at(30_000)), "then only the audit is due");
}

#[test]
fn a_drain_sends_what_is_waiting_and_is_told_once_all_is_settled() {
    let mut bench = Bench::new();
    bench.records(at(0), 1, 0, &["a", "b"]);
    bench.records(at(0), 2, 0, &["c"]);
    let effects = bench.step(at(1), Input::Drain(HoldingId(1)));
    assert_eq!(submitted(&effects), [("a".to_owned(), vec![0]), ("b".to_owned(), vec![1])]);
    assert!(!drained(&effects));
    assert!(!drained(&bench.settle(1, &[1])));
    let effects = bench.settle(1, &[0]);
    assert_eq!((committable(&effects), drained(&effects)), (vec![2], true));
}

#[test]
fn a_holding_without_records_is_drained_at_once() {
    let mut bench = Bench::new();
    assert!(drained(&bench.step(at(0), Input::Drain(HoldingId(1)))));
}

#[test]
fn the_position_is_committable_once_everything_before_it_is_settled() {
    let mut bench = Bench::new();
    bench.records(at(0), 1, 0, &["a"]);
    bench.step(at(100), Input::Tick);
    assert!(committable(&bench.step(at(0), Input::Position { holding: HoldingId(1), position: 5 })).is_empty());
    assert_eq!(committable(&bench.settle(1, &[0])), [5]);
    assert_eq!(committable(&bench.step(at(0), Input::Position { holding: HoldingId(1), position: 6 })), [6]);
}

#[test]
fn a_holding_that_is_over_leaves_the_bodies_and_settles_nothing() {
    let mut bench = Bench::new();
    bench.records(at(0), 1, 0, &["a"]);
    bench.records(at(0), 2, 0, &["a"]);
    let effects = bench.step(at(1), Input::End(HoldingId(1)));
    assert!(matches!(&effects[..], [Effect::Forgotten { topic, records: 1 }] if &**topic == "t"), "{effects:?}");
    assert!(bench.settle(1, &[0]).is_empty());
    let effects = bench.step(at(100), Input::Tick);
    let [Effect::Submit(bulk)] = &effects[..] else { panic!("one body: {effects:?}") };
    assert_eq!(&bulk.body[..], b"t-i-0002-000000000000\n\n");
    assert_eq!((bulk.worker, bulk.batches.len(), bulk.documents[0].start), (7, 1, 0));
    assert!(bench.records(at(200), 1, 1, &["a"]).is_empty(), "records that were still on their way");
}

#[test]
fn a_document_that_is_too_large_becomes_a_letter_and_leaves_no_trace_in_the_body() {
    let mut bench = Bench::new();
    let effects = bench.records(at(0), 1, 0, &["a+ab", "+c"]);
    let letters: Vec<&Letter> = effects
        .iter()
        .filter_map(|effect| if let Effect::Letter(letter) = effect { Some(letter) } else { None })
        .collect();
    let told: Vec<_> =
        letters.iter().map(|letter| (letter.id(), letter.stage(), letter.rejection.index.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("t-i-0001-000000000000-0001".to_owned(), Stage::Encode, Some("a")),
            ("t-i-0001-000000000001".to_owned(), Stage::Encode, Some("c")),
        ]
    );
    let settled = letters[1].settlement();
    let effects = bench.step(at(100), Input::Tick);
    assert_eq!(submitted(&effects), [("a".to_owned(), vec![0]), ("b".to_owned(), vec![0])]);
    // The record is settled when its two documents and its letter are.
    bench.step(at(0), Input::Settled(vec![settled]));
    assert!(committable(&bench.settle(1, &[0, 0])).is_empty());
    assert_eq!(committable(&bench.step(at(0), Input::Settled(vec![letters[0].settlement()]))), [2]);
    assert_eq!(bench.worker.counts(HoldingId(1)).unwrap().dead_lettered, 2);
}

#[test]
fn drops_are_settled_at_once_and_rejections_when_their_letter_is_delivered() {
    let mut bench = Bench::new();
    let effects = bench.records(at(0), 1, 0, &["-", "!", "-"]);
    assert_eq!(committable(&effects), [1]);
    let tally =
        effects.iter().find_map(|effect| if let Effect::Counted(tally) = effect { Some(tally) } else { None }).unwrap();
    assert_eq!((tally.counts.received, tally.counts.dropped, tally.dropped[3]), (3, 2, 2));
    let letter = effects
        .iter()
        .find_map(|effect| if let Effect::Letter(letter) = effect { Some(letter) } else { None })
        .unwrap();
    assert_eq!(committable(&bench.step(at(0), Input::Settled(vec![letter.settlement()]))), [3]);
    assert_eq!(bench.worker.in_flight(), 0);
}

#[test]
fn a_contradiction_is_a_fault() {
    let mut bench = Bench::new();
    bench.records(at(0), 1, 4, &["a"]);
    let again = bench.records(at(0), 1, 4, &["a"]);
    assert!(matches!(again[..], [Effect::Fault(_, Contradiction::OffsetWentBack { .. })]));
    let unknown = bench.settle(1, &[3]);
    assert!(matches!(unknown[..], [Effect::Fault(_, Contradiction::NotInFlight(3))]));
    let nothing = bench.records(at(0), 1, 5, &[""]);
    assert!(nothing.iter().any(|effect| matches!(effect, Effect::Fault(_, Contradiction::Units(_)))));
}

fn mismatches(effects: &[Effect]) -> Vec<HoldingId> {
    let told = |effect: &Effect| if let Effect::Mismatch(holding, _) = effect { Some(*holding) } else { None };
    effects.iter().filter_map(told).collect()
}

/// A worker whose bodies are kept by whoever they are given to.
fn stepping(bench: &mut Bench, now: Moment, input: Input) -> Vec<Effect> {
    bench.worker.step(now, input, &mut bench.effects);
    std::mem::take(&mut bench.effects)
}

#[test]
fn a_record_that_is_settled_while_a_document_of_it_is_in_flight_stops_its_partition() {
    let mut bench = Bench::new();
    let mut records = RecordBatch::with_capacity(origin(1), 1, 8);
    records.push(0, None, None, Some(b"ab"));
    stepping(&mut bench, at(0), Input::Records { records, permit: None });
    let bulks = stepping(&mut bench, at(0), Input::Drain(HoldingId(1)));
    assert_eq!(submitted(&bulks).len(), 2);
    let [Effect::Submit(_), Effect::Submit(other)] = &bulks[..] else { panic!("{bulks:?}") };
    let settlement = Settlement { holding: HoldingId(1), seq: 0, fate: Fate::Indexed };
    // The outcome of one document is told twice, and that of the other never.
    let effects = stepping(&mut bench, at(1), Input::Settled(vec![settlement, settlement]));
    assert_eq!((mismatches(&effects), committable(&effects), drained(&effects)), (vec![HoldingId(1)], vec![], false));
    assert_eq!(other.documents.len(), 1);
}

#[test]
fn a_document_that_nobody_has_is_missed_by_the_second_audit() {
    let mut bench = Bench::new();
    let mut records = RecordBatch::with_capacity(origin(1), 1, 8);
    records.push(0, None, None, Some(b"a"));
    stepping(&mut bench, at(0), Input::Records { records, permit: None });
    drop(stepping(&mut bench, at(0), Input::Drain(HoldingId(1))));
    let audit = bench.worker.wake_at().expect("there is something to audit");
    assert!(mismatches(&bench.step(audit, Input::Tick)).is_empty(), "it may be on its way");
    let audit = bench.worker.wake_at().unwrap();
    assert_eq!(mismatches(&bench.step(audit, Input::Tick)), [HoldingId(1)]);
}

#[test]
fn an_audit_tells_of_its_holdings_in_order() {
    // The holdings of a worker have no order of their own, so one worker alone could be in order by chance.
    for _ in 0..20 {
        let mut bench = Bench::new();
        for holding in [2, 1] {
            let mut records = RecordBatch::with_capacity(origin(holding), 1, 8);
            records.push(0, None, None, Some(b"a"));
            stepping(&mut bench, at(0), Input::Records { records, permit: None });
            drop(stepping(&mut bench, at(0), Input::Drain(HoldingId(holding))));
        }
        let mut audit = || {
            let audit = bench.worker.wake_at().expect("there is something to audit");
            mismatches(&bench.step(audit, Input::Tick))
        };
        assert_eq!((audit(), audit()), (vec![], vec![HoldingId(1), HoldingId(2)]));
    }
}

#[test]
fn a_ledger_that_grows_takes_of_the_share_of_its_holding() {
    let mut bench = Bench::new();
    let budget = Budget::new(1 << 30);
    let (stuck, other) = (budget.part(), budget.part());
    let mut give = |holding: u64, part: &Budget, first: i64| {
        let mut records = RecordBatch::with_capacity(origin(holding), 1000, 0);
        (first..first + 1000).for_each(|offset| records.push(offset, None, None, Some(b"-")));
        if first == 0 {
            records = RecordBatch::with_capacity(origin(holding), 1, 0);
            records.push(0, None, None, Some(b"a"));
        }
        let permit = Some(part.take(records.footprint()));
        bench.step(at(0), Input::Records { records, permit });
    };
    // Behind a document that does not settle all else is dropped.
    for first in (0..100_000).step_by(1000) {
        give(1, &stuck, first);
    }
    give(2, &other, 1000);
    let full = stuck.used();
    assert!(full > 99_000 * 24, "{full}");
    assert!(other.used() < full / 100, "{}", other.used());
    bench.settle(1, &[0]);
    bench.worker.step(at(200), Input::Tick, &mut bench.effects);
    bench.effects.clear();
    assert!(stuck.used() < full / 100, "{} of {full}", stuck.used());
    bench.step(at(0), Input::End(HoldingId(1)));
    assert_eq!(stuck.used(), 0);
}
