use bytes::Bytes;
use serde_json::{Value, json};

mod given_up;
mod look_up;
mod refused;
mod silence;

use super::*;
use crate::backoff::Backoff;
use crate::bulk::{Answer, Batch, DocumentRef, ErrorCause, Item, Slots};
use crate::record::{Fate, HoldingId, Origin, RecordBatch, TopicPartition};

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

/// A bulk of documents, each of its own record: holding and offset. The body has the offsets, a line each.
fn bulk(index: &str, documents: &[(u64, i64)]) -> Bulk {
    let mut bulk = Bulk {
        worker: 7,
        index: index.into(),
        body: Bytes::new(),
        documents: Vec::new(),
        batches: Vec::new(),
        permit: None,
    };
    let mut body = Vec::new();
    for (batch, (holding, offset)) in documents.iter().enumerate() {
        let mut records = RecordBatch::with_capacity(origin(*holding), 1, 8);
        records.push(*offset, None, None, Some(b"x"));
        bulk.batches.push(Arc::new(Batch {
            records,
            first_seq: *offset as u64,
            permit: None,
            slots: Slots::default(),
        }));
        let start = body.len() as u32;
        bulk.documents.push(DocumentRef { batch: batch as u32, record: 0, sub: 0, start });
        body.extend_from_slice(format!("{offset}\n").as_bytes());
    }
    bulk.body = body.into();
    bulk
}

struct Bench {
    dispatch: Dispatch,
    effects: Vec<Effect>,
}

impl Bench {
    /// A dispatch that knows holdings 1 and 2 and asked for the template.
    fn unprepared() -> Self {
        let backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_millis(100) };
        let hold = Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(10) };
        let settings = Settings { concurrency: 3, backoff, hold, ..Settings::default() };
        let mut bench = Self { dispatch: Dispatch::new(settings, Chance::new(1)), effects: Vec::new() };
        let effects = bench.step(at(0), Input::Begin(HoldingId(1)));
        assert!(matches!(effects[..], [Effect::Prepare]));
        bench.step(at(0), Input::Begin(HoldingId(2)));
        bench
    }

    /// One that may send to the index `a`.
    fn new() -> Self {
        let mut bench = Self::unprepared();
        bench.step(at(0), Input::Prepared(Ok(())));
        bench
    }

    fn step(&mut self, now: Moment, input: Input) -> Vec<Effect> {
        self.dispatch.step(now, input, &mut self.effects);
        std::mem::take(&mut self.effects)
    }

    /// Submits a bulk and answers the check of its index; gives what was sent.
    fn submit(&mut self, index: &str, documents: &[(u64, i64)]) -> Vec<(RequestId, String)> {
        let mut effects = self.step(at(0), Input::Submit(bulk(index, documents)));
        if let [Effect::Check(_)] = effects[..] {
            effects = self.step(at(0), Input::Checked(index.into(), Ok(NameIs::Index)));
        }
        sent(&effects)
    }

    fn answer(&mut self, request: RequestId, statuses: &[u16]) -> Vec<Effect> {
        let items = statuses.iter().map(|status| item(*status)).collect();
        self.step(at(0), Input::Answered(request, Outcome::Answer(Answer { items })))
    }

    fn status(&mut self, now: Moment, request: RequestId, status: u16) -> Vec<Effect> {
        self.step(now, Input::Answered(request, Outcome::Status(status, None)))
    }

    /// The time that the dispatch waits for.
    fn wake(&mut self, now: Moment) -> (Moment, Vec<Effect>) {
        let at = self.dispatch.wake_at().expect("it waits for a moment");
        assert!(at > now);
        (at, self.step(at, Input::Tick))
    }
}

/// An item as Elasticsearch gives it with this status; 400 is a fault of the document.
fn item(status: u16) -> Item {
    let error = match status {
        201 => None,
        400 => Some(("mapper_parsing_exception", "failed to parse")),
        403 => Some(("cluster_block_exception", "index blocked")),
        409 => Some(("version_conflict_engine_exception", "document already exists")),
        _ => Some(("es_rejected_execution_exception", "busy")),
    };
    let error = error.map(|(kind, reason)| Box::new(ErrorCause { kind: kind.into(), reason: reason.into() }));
    Item { status, error, ..Item::default() }
}

/// The requests that were sent, with their bodies.
fn sent(effects: &[Effect]) -> Vec<(RequestId, String)> {
    let body = |body: &Bytes| String::from_utf8(body.to_vec()).unwrap();
    let sent = |effect: &Effect| match effect {
        Effect::Send { request, body: bytes, documents, .. } => {
            assert_eq!(body(bytes).lines().count(), *documents);
            Some((*request, body(bytes)))
        }
        _ => None,
    };
    effects.iter().filter_map(sent).collect()
}

/// What was settled: holding, number and fate.
fn settled(effects: &[Effect]) -> Vec<(u64, u64, Fate)> {
    let told = |effect: &Effect| match effect {
        Effect::Settle(worker, settlements) => {
            assert_eq!(*worker, 7);
            settlements.iter().map(|each| (each.holding.0, each.seq, each.fate)).collect()
        }
        _ => Vec::new(),
    };
    effects.iter().flat_map(told).collect()
}

fn letters(effects: &[Effect]) -> Vec<(String, String)> {
    let told = |effect: &Effect| match effect {
        Effect::Letter(letter) => Some((letter.id(), letter.rejection.reason.clone())),
        _ => None,
    };
    effects.iter().filter_map(told).collect()
}

fn looked_up(effects: &[Effect]) -> Vec<(RequestId, Vec<String>)> {
    let told = |effect: &Effect| match effect {
        Effect::LookUp { request, ids, .. } => Some((*request, ids.iter().map(|(id, _)| id.clone()).collect())),
        _ => None,
    };
    effects.iter().filter_map(told).collect()
}

fn notices(effects: &[Effect]) -> Vec<&Notice> {
    effects.iter().filter_map(|effect| if let Effect::Tell(notice) = effect { Some(notice) } else { None }).collect()
}

fn own(holding: u64, offset: i64) -> Value {
    json!({"topic": "t", "partition": holding, "offset": offset})
}

#[test]
fn nothing_is_sent_before_the_template_is_acknowledged() {
    let mut bench = Bench::unprepared();
    assert!(bench.step(at(0), Input::Submit(bulk("a", &[(1, 0)]))).is_empty());
    let effects = bench.step(at(0), Input::Prepared(Err("refused".into())));
    assert!(matches!(effects[..], [Effect::Tell(Notice::Unavailable(_))]));
    let (now, effects) = bench.wake(at(0));
    assert!(matches!(effects[..], [Effect::Prepare]));
    let effects = bench.step(now, Input::Prepared(Ok(())));
    assert!(matches!(&effects[..], [Effect::Tell(Notice::Available), Effect::Check(_)]));
    assert_eq!(sent(&bench.step(now, Input::Checked("a".into(), Ok(NameIs::Index)))).len(), 1);
}

#[test]
fn an_alias_is_held_until_the_name_is_an_index_or_free() {
    let mut bench = Bench::new();
    bench.step(at(0), Input::Submit(bulk("a", &[(1, 0)])));
    let effects = bench.step(at(0), Input::Checked("a".into(), Ok(NameIs::Other("an alias".into()))));
    assert!(matches!(notices(&effects)[..], [Notice::Held(_, HoldReason::NotConcrete, _)]));
    assert_eq!((sent(&effects), bench.dispatch.lanes()), (vec![], (0, 1)));
    let (now, effects) = bench.wake(at(0));
    assert!(matches!(effects[..], [Effect::Check(_)]));
    let effects = bench.step(now, Input::Checked("a".into(), Ok(NameIs::Index)));
    assert!(matches!(notices(&effects)[..], [Notice::Released(_)]));
    assert_eq!(sent(&effects).len(), 1);
}

#[test]
fn a_free_name_gets_one_request_and_is_checked_once_it_has_a_document() {
    let mut bench = Bench::new();
    bench.step(at(0), Input::Submit(bulk("a", &[(1, 0)])));
    let effects = bench.step(at(0), Input::Checked("a".into(), Ok(NameIs::Free)));
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert!(bench.submit("a", &[(1, 1)]).is_empty());
    let effects = bench.answer(request, &[409]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Check(_))), "whoever wrote it, there is an index now");
    assert_eq!(sent(&bench.step(at(0), Input::Checked("a".into(), Ok(NameIs::Index)))).len(), 1);
}

#[test]
fn every_item_leaves_by_its_own_door() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0), (2, 1), (1, 2)])[..] else { panic!() };
    let effects = bench.answer(request, &[201, 400, 409]);
    assert_eq!(settled(&effects), [(1, 0, Fate::Indexed)]);
    let [(id, reason)] = &letters(&effects)[..] else { panic!() };
    assert_eq!((&**id, &**reason), ("t-i-0002-000000000001", "mapper_parsing_exception: failed to parse"));
    assert_eq!(looked_up(&effects), [(request, vec!["t-i-0001-000000000002".to_owned()])]);
}

#[test]
fn an_item_that_is_refused_for_now_is_sent_again_alone_and_before_what_waits() {
    let mut bench = Bench::new();
    let [(first, _)] = bench.submit("a", &[(1, 0), (1, 1), (1, 2)])[..] else { panic!() };
    let effects = bench.answer(first, &[201, 429, 201]);
    assert_eq!(settled(&effects).len(), 2);
    assert!(bench.submit("a", &[(1, 3)]).is_empty(), "the lane waits");
    let (_, effects) = bench.wake(at(0));
    let [(again, body)] = &sent(&effects)[..] else { panic!("one at a time: {effects:?}") };
    assert_eq!(body, "1\n");
    let effects = bench.answer(*again, &[201]);
    assert_eq!((settled(&effects), &*sent(&effects)[0].1), (vec![(1, 1, Fate::Indexed)], "3\n"));
}

#[test]
fn requests_that_come_back_keep_the_order_in_which_they_were_submitted() {
    let mut bench = Bench::new();
    let requests: Vec<RequestId> =
        (0..3).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| sent.0).collect();
    bench.submit("a", &[(1, 3)]);
    for request in [requests[1], requests[0], requests[2]] {
        assert!(sent(&bench.status(at(0), request, 429)).is_empty());
    }
    let (mut now, effects) = bench.wake(at(0));
    let mut order = Vec::new();
    let mut probes = sent(&effects);
    assert_eq!(probes.len(), 1, "one probe at a time");
    while let Some((request, body)) = probes.pop() {
        order.push(body);
        now = now + Duration::from_millis(1);
        let items = vec![item(201)];
        let effects = bench.step(now, Input::Answered(request, Outcome::Answer(Answer { items })));
        let mut more = sent(&effects);
        more.reverse();
        probes.splice(0..0, more);
    }
    assert_eq!(order, ["0\n", "1\n", "2\n", "3\n"]);
    assert!(bench.dispatch.is_idle());
}

#[test]
fn while_the_cluster_is_closed_one_probe_at_a_time_asks_of_all_indices() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    let effects = bench.step(at(0), Input::Answered(request, Outcome::NotSent("refused".into())));
    assert!(matches!(notices(&effects)[..], [Notice::Unavailable(_)]));
    for index in ["b", "c"] {
        assert!(bench.step(at(0), Input::Submit(bulk(index, &[(1, 1)]))).is_empty());
    }
    let (mut now, mut effects) = bench.wake(at(0));
    // Whichever comes first, a check or a request: there is one, until it is answered.
    for _ in 0..20 {
        assert_eq!(effects.len(), 1, "{effects:?}");
        match effects.remove(0) {
            Effect::Check(index) => effects = bench.step(now, Input::Checked(index, Ok(NameIs::Index))),
            Effect::Send { request, .. } => {
                let closed = bench.status(now, request, 503);
                assert!(matches!(notices(&closed)[..], [Notice::Unavailable(_)]));
                assert!(sent(&closed).is_empty());
                (now, effects) = bench.wake(now);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_first_success_opens_the_cluster_again() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.status(at(0), request, 401);
    bench.submit("a", &[(1, 1)]);
    bench.submit("a", &[(1, 2)]);
    let (_, effects) = bench.wake(at(0));
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    let effects = bench.answer(request, &[201]);
    assert!(matches!(notices(&effects)[..], [Notice::Available]));
    assert_eq!(sent(&effects).len(), 2);
}

#[test]
fn states_of_the_index_hold_its_lane_alone_with_the_reason() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0), (1, 1)])[..] else { panic!() };
    let effects = bench.answer(request, &[201, 403]);
    assert_eq!(settled(&effects).len(), 1);
    assert!(matches!(notices(&effects)[..], [Notice::Held(_, HoldReason::Blocked, _)]));
    assert_eq!(bench.submit("b", &[(1, 2)]).len(), 1, "another index goes on");
    let (now, effects) = bench.wake(at(0));
    assert!(now >= at(5_000));
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    let effects = bench.answer(request, &[201]);
    assert!(matches!(notices(&effects)[..], [Notice::Released(_)]));

    let reasons = [
        (404, "index_not_found_exception", "no such index", HoldReason::Missing),
        (400, "index_closed_exception", "closed", HoldReason::Closed),
        (403, "security_exception", "unauthorized", HoldReason::Security),
        (400, "validation_exception", "maximum normal shards open", HoldReason::Limit),
        (418, "teapot", "?", HoldReason::Unknown),
    ];
    for (status, kind, reason, expected) in reasons {
        let mut bench = Bench::new();
        let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
        let error = Some(Box::new(ErrorCause { kind: kind.into(), reason: reason.into() }));
        let items = vec![Item { status, error, ..Item::default() }];
        let effects = bench.step(at(0), Input::Answered(request, Outcome::Answer(Answer { items })));
        let [Notice::Held(_, told, why)] = notices(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!((*told, why.contains(reason), letters(&effects).len()), (expected, true, 0));
    }
}

#[test]
fn an_answer_with_the_wrong_number_of_items_is_unknown_and_a_later_conflict_is_looked_up() {
    let mut bench = Bench::new();
    let [(request, ref body)] = bench.submit("a", &[(1, 0), (1, 1)])[..] else { panic!() };
    let effects = bench.answer(request, &[201]);
    assert!(settled(&effects).is_empty());
    assert!(matches!(notices(&effects)[..], [Notice::Unavailable(_)]));
    let (_, effects) = bench.wake(at(0));
    let [(again, ref same)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(body, same);
    let effects = bench.answer(again, &[409, 429]);
    assert!(settled(&effects).is_empty());
    assert_eq!(looked_up(&effects), [(again, vec!["t-i-0001-000000000000".to_owned()])]);
    let effects = bench.step(at(0), Input::LookedUp(again, Ok(vec![Found::Origin(own(1, 0))])));
    assert_eq!(settled(&effects), [(1, 0, Fate::Duplicate)]);
    let (_, effects) = bench.wake(at(0));
    assert_eq!(sent(&effects)[0].1, "1\n");
}

#[test]
fn nothing_is_sent_looked_up_or_rejected_for_a_holding_that_is_over() {
    let mut bench = Bench::new();
    let [(looked, _)] = bench.submit("a", &[(1, 0), (2, 10)])[..] else { panic!() };
    bench.answer(looked, &[409, 409]);
    let [(out, _)] = bench.submit("a", &[(1, 1), (2, 11)])[..] else { panic!() };
    let [(refused, _)] = bench.submit("a", &[(1, 2), (2, 12)])[..] else { panic!() };
    bench.status(at(0), refused, 429);
    bench.submit("a", &[(1, 3), (2, 13)]);
    bench.submit("a", &[(1, 4)]);
    bench.step(at(0), Input::LookedUp(looked, Err("busy".into())));
    bench.step(at(0), Input::End(HoldingId(1)));
    let effects = bench.answer(out, &[400, 400]);
    assert_eq!(letters(&effects).iter().map(|letter| &*letter.0).collect::<Vec<_>>(), ["t-i-0002-000000000011"]);
    let rest = sent(&effects);
    assert_eq!(rest.iter().map(|sent| &*sent.1).collect::<Vec<_>>(), ["12\n", "13\n"]);
    // A look-up counts among the requests under way: it waits for room.
    for (request, _) in rest {
        bench.answer(request, &[201]);
    }
    let (_, effects) = bench.wake(at(0));
    assert_eq!(looked_up(&effects), [(looked, vec!["t-i-0002-000000000010".to_owned()])]);
}

#[test]
fn a_request_that_is_too_large_or_malformed_is_divided_until_one_document_is_to_blame() {
    for (status, kind) in [(413, ""), (400, "document_parsing_exception")] {
        let mut bench = Bench::new();
        let mut out = bench.submit("a", &[(1, 0), (1, 1), (1, 2), (1, 3)]);
        let (mut indexed, mut rejected) = (Vec::new(), Vec::new());
        while let Some((request, body)) = out.pop() {
            let bad = body.contains('2');
            let outcome = if bad {
                Outcome::Status(status, Some(ErrorCause { kind: kind.into(), reason: "no".into() }))
            } else {
                Outcome::Answer(Answer { items: body.lines().map(|_| item(201)).collect() })
            };
            let effects = bench.step(at(0), Input::Answered(request, outcome));
            indexed.extend(settled(&effects).into_iter().map(|settled| settled.1));
            rejected.extend(letters(&effects).into_iter().map(|letter| letter.0));
            out.extend(sent(&effects));
        }
        indexed.sort_unstable();
        assert_eq!((indexed, rejected), (vec![0, 1, 3], vec!["t-i-0001-000000000002".to_owned()]), "{status}");
        assert!(bench.dispatch.is_idle());
    }
}

#[test]
fn a_single_document_that_is_refused_for_no_known_reason_is_held_and_kept() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    let effects = bench.status(at(0), request, 400);
    assert!(letters(&effects).is_empty());
    assert!(matches!(notices(&effects)[..], [Notice::Held(_, HoldReason::Unknown, _)]));
    assert_eq!(sent(&bench.wake(at(0)).1).len(), 1);
}

#[test]
fn more_new_indices_than_may_be_made_within_an_hour_are_held() {
    let mut bench = Bench::new();
    bench.dispatch.settings.max_new_indices = 2;
    bench.dispatch.limit = Limit::new(50);
    let mut free = |now, index: &str| {
        bench.step(now, Input::Submit(bulk(index, &[(1, 0)])));
        let effects = bench.step(now, Input::Checked(index.into(), Ok(NameIs::Free)));
        (sent(&effects).len(), notices(&effects).into_iter().cloned().collect::<Vec<_>>())
    };
    assert_eq!((free(at(0), "a").0, free(at(1), "b").0), (1, 1));
    let (requests, told) = free(at(2), "c");
    assert!(requests == 0 && matches!(&told[..], [Notice::Held(_, HoldReason::TooManyNew, _)]), "{told:?}");
    // One that is there already needs none.
    let effects = bench.step(at(3), Input::Submit(bulk("d", &[(1, 0)])));
    assert!(matches!(effects[..], [Effect::Check(_)]));
    assert_eq!(sent(&bench.step(at(3), Input::Checked("d".into(), Ok(NameIs::Index)))).len(), 1);
    // An hour later there may be others.
    let later = at(3_600_001);
    assert!(matches!(bench.step(later, Input::Tick)[..], [Effect::Check(_)]));
    let effects = bench.step(later, Input::Checked("c".into(), Ok(NameIs::Free)));
    assert!(matches!(notices(&effects)[..], [Notice::Released(_)]));
}

#[test]
fn a_lane_that_has_nothing_to_do_is_closed() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.step(at(700_000), Input::Tick);
    assert_eq!(bench.dispatch.lanes(), (1, 0), "something is under way");
    bench.answer(request, &[201]);
    bench.step(at(800_000), Input::Tick);
    assert_eq!(bench.dispatch.lanes(), (0, 0));
}

#[test]
fn elasticsearch_refuses_as_long_as_anything_has_to_be_sent_again() {
    let mut bench = Bench::new();
    assert!(!bench.dispatch.is_refused());
    bench.submit("a", &[(1, 1)]);
    assert!(!bench.dispatch.is_refused(), "it has not answered yet");
    bench.answer(0, &[429]);
    assert!(bench.dispatch.is_refused());
    let (now, effects) = bench.wake(at(0));
    assert!(bench.dispatch.is_refused(), "nobody knows whether it is taken now: {effects:?}");
    bench.step(now, Input::Answered(1, Outcome::Answer(Answer { items: vec![item(201)] })));
    assert!(!bench.dispatch.is_refused());
}

#[test]
fn what_is_refused_as_too_much_lowers_the_concurrency() {
    let mut bench = Bench::new();
    let limit = |bench: &Bench| bench.dispatch.under_way(at(0)).1;
    let [(request, _)] = bench.submit("a", &[(1, 0), (1, 1)])[..] else { panic!() };
    assert_eq!(limit(&bench), 3);
    // An item, though the other was taken.
    bench.answer(request, &[201, 429]);
    assert_eq!(limit(&bench), 2);
    let (now, effects) = bench.wake(at(0));
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    // A fault of the document is none of the cluster's.
    bench.step(now, Input::Answered(request, Outcome::Answer(Answer { items: vec![item(400)] })));
    assert_eq!(limit(&bench), 2);
    // Nor is a shard that is away.
    let [(request, _)] = bench.submit("a", &[(1, 3)])[..] else { panic!() };
    bench.step(now, Input::Answered(request, Outcome::Answer(Answer { items: vec![item(503)] })));
    assert_eq!(limit(&bench), 2);
    let (now, effects) = bench.wake(now);
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    bench.step(now, Input::Answered(request, Outcome::Answer(Answer { items: vec![item(201)] })));
    // A whole request.
    let [(request, _)] = bench.submit("a", &[(1, 2)])[..] else { panic!() };
    bench.status(now, request, 429);
    assert_eq!(limit(&bench), 1);
}

#[test]
fn what_came_due_is_done_though_all_that_comes_is_for_a_holding_that_is_over() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.answer(request, &[429]);
    let due = bench.dispatch.wake_at().expect("it waits for its turn");
    let effects = bench.step(due + Duration::from_millis(1), Input::Submit(bulk("a", &[(9, 1)])));
    assert_eq!(sent(&effects).len(), 1, "{effects:?}");
}
