//! Indices that refuse, and documents that may be to blame themselves.

use super::*;

pub(super) fn taken() -> Outcome {
    Outcome::Answer(Answer { items: vec![item(201)] })
}

pub(super) fn too_many_fields() -> Item {
    let reason = "Limit of total fields [1000] has been exceeded while adding new fields [1]".into();
    let error = Some(Box::new(ErrorCause { kind: "illegal_argument_exception".into(), reason }));
    Item { status: 400, error, ..Item::default() }
}

/// A lane with a document that is refused for a reason that nobody knows, while another is taken; the first is sent again.
pub(super) fn with_a_suspect(bench: &mut Bench) -> (Moment, RequestId) {
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.status(at(0), request, 400);
    assert!(bench.submit("a", &[(1, 1)]).is_empty(), "the lane waits");
    let (now, effects) = bench.wake(at(0));
    let [(request, ref body)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(body, "1\n", "the other one comes first now");
    let effects = bench.step(now, Input::Answered(request, Outcome::Answer(Answer { items: vec![item(201)] })));
    assert_eq!(settled(&effects), [(1, 1, Fate::Indexed)]);
    assert!(notices(&effects).is_empty(), "it is held because of the first: {effects:?}");
    let [(request, ref body)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((body.as_str(), bench.dispatch.lanes()), ("0\n", (0, 1)));
    (now, request)
}

#[test]
fn what_is_refused_for_a_reason_that_nobody_knows_does_not_keep_the_index_from_others() {
    let mut bench = Bench::new();
    let (now, request) = with_a_suspect(&mut bench);
    let effects = bench.step(now, Input::Answered(request, Outcome::Answer(Answer { items: vec![item(201)] })));
    assert!(matches!(notices(&effects)[..], [Notice::Released(_)]), "{effects:?}");
    assert!(bench.dispatch.is_idle() && bench.dispatch.lanes() == (1, 0));
}

#[test]
fn a_document_above_the_limit_of_fields_stops_nobody_behind_it() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0), (1, 1)])[..] else { panic!() };
    let items = vec![too_many_fields(), item(201)];
    let effects = bench.step(at(0), Input::Answered(request, Outcome::Answer(Answer { items })));
    assert!(matches!(notices(&effects)[..], [Notice::Held(_, HoldReason::Fields, _)]), "{effects:?}");
    // The index takes others, so it is left alone.
    for offset in 2..20 {
        let [(request, ref body)] = bench.submit("a", &[(1, offset)])[..] else { panic!("{offset}") };
        assert_eq!(*body, format!("{offset}\n"));
        assert!(sent(&bench.answer(request, &[201])).is_empty());
    }
    // It is tried again by itself, and meanwhile others are under way with it.
    let (now, effects) = bench.wake(at(0));
    let [(suspect, ref body)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert!(now >= at(5000) && body == "0\n", "{now:?} {body}");
    assert_eq!((bench.submit("a", &[(1, 20)]).len(), bench.submit("a", &[(1, 21)]).len()), (1, 1));
    let items = vec![too_many_fields()];
    let effects = bench.step(now, Input::Answered(suspect, Outcome::Answer(Answer { items })));
    assert!(sent(&effects).is_empty() && notices(&effects).is_empty());
    assert_eq!(bench.submit("a", &[(1, 22)]).len(), 1);
}

#[test]
fn what_is_busy_does_not_share_the_fate_of_what_is_refused_with_it() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0), (1, 1), (1, 2)])[..] else { panic!() };
    let items = vec![too_many_fields(), item(503), item(201)];
    bench.step(at(0), Input::Answered(request, Outcome::Answer(Answer { items })));
    let (now, effects) = bench.wake(at(0));
    let [(request, ref body)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert!(now < at(1000) && body == "1\n", "{now:?} {body}");
    bench.step(now, Input::Answered(request, taken()));
    let (now, effects) = bench.wake(now);
    assert!(now >= at(5000) && sent(&effects)[0].1 == "0\n", "{now:?} {effects:?}");
}

#[test]
fn what_waits_for_its_time_is_sent_again_though_the_name_was_something_else_meanwhile() {
    let mut bench = Bench::new();
    bench.step(at(0), Input::Submit(bulk("b", &[(1, 0), (1, 1)])));
    let effects = bench.step(at(0), Input::Checked("b".into(), Ok(NameIs::Free)));
    let items = vec![too_many_fields(), item(201)];
    let effects = bench.step(at(0), Input::Answered(sent(&effects)[0].0, Outcome::Answer(Answer { items })));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Check(_))), "{effects:?}");
    bench.step(at(0), Input::Checked("b".into(), Ok(NameIs::Other("an alias".into()))));
    bench.dispatch.settings.hold.base = Duration::from_secs(60);
    let (now, effects) = bench.wake(at(0));
    assert!(matches!(effects[..], [Effect::Check(_)]), "{effects:?}");
    let mut now = now;
    let mut effects = bench.step(now, Input::Checked("b".into(), Ok(NameIs::Index)));
    while sent(&effects).is_empty() {
        (now, effects) = bench.wake(now);
    }
    assert_eq!(sent(&effects)[0].1, "0\n");
}

#[test]
fn an_index_that_takes_nothing_for_a_reason_that_nobody_knows_is_asked_by_one_request_at_a_time() {
    let mut bench = Bench::new();
    let first: Vec<RequestId> =
        (0..3).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| sent.0).collect();
    for request in first {
        bench.status(at(0), request, 400);
    }
    let mut now = at(0);
    let mut tries = 0;
    while now < at(100_000) {
        let effects;
        (now, effects) = bench.wake(now);
        let out = sent(&effects);
        assert!(out.len() <= 1, "{out:?}");
        for (request, _) in out {
            tries += 1;
            assert!(sent(&bench.status(now, request, 400)).is_empty());
        }
    }
    assert!((10..=21).contains(&tries), "{tries}");
}

#[test]
fn without_a_document_the_template_asks_whether_the_cluster_is_back() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.step(at(0), Input::Answered(request, Outcome::Unknown("no answer in time".into())));
    bench.step(at(0), Input::End(HoldingId(1)));
    let (now, effects) = bench.wake(at(0));
    assert!(matches!(effects[..], [Effect::Prepare]), "{effects:?}");
    bench.step(now, Input::Prepared(Err("away".into())));
    let (now, effects) = bench.wake(now);
    assert!(matches!(effects[..], [Effect::Prepare]) && bench.dispatch.is_refused(), "{effects:?}");
    let effects = bench.step(now, Input::Prepared(Ok(())));
    assert!(matches!(notices(&effects)[..], [Notice::Available]), "{effects:?}");
    assert!(!bench.dispatch.is_refused(), "nothing waits for the index that did not answer");
}

#[test]
fn what_is_refused_together_counts_once() {
    for (status, wait) in [(429, 100), (403, 10_000)] {
        let mut bench = Bench::new();
        bench.dispatch.settings.backoff.cap = Duration::from_secs(10);
        bench.dispatch.settings.hold.cap = Duration::from_secs(300);
        let refused = || Outcome::Answer(Answer { items: vec![item(status)] });
        let out: Vec<RequestId> =
            (0..3).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| sent.0).collect();
        assert_eq!(out.len(), 3);
        // Not all at once, and the last long after it could have been tried again.
        let mut now = at(0);
        let mut again = Vec::new();
        for (times, request) in (0..).zip(out) {
            now = at(times * 2 * wait);
            again.extend(sent(&bench.step(now, Input::Answered(request, refused()))));
        }
        assert_eq!(bench.dispatch.lanes["a"].refusals, 1, "{status}");
        if again.is_empty() {
            let (then, effects) = bench.wake(now);
            now = then;
            again = sent(&effects);
        }
        // Once more is twice as long.
        let [(request, _)] = again[..] else { panic!("one at a time: {again:?}") };
        assert!(sent(&bench.step(now, Input::Answered(request, refused()))).is_empty());
        let (next, _) = bench.wake(now);
        assert!(next.since(now) >= Duration::from_millis(wait), "{now:?} {next:?}");
    }
}
