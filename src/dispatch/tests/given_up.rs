//! What goes to the dead letters because it was refused for long, and what does not.

use super::refused::{taken, too_many_fields};
use super::*;

fn giving_up() -> Bench {
    let mut bench = Bench::new();
    bench.dispatch.settings.blocked = Blocked { after: Duration::from_secs(60), dead_letter: true };
    bench
}

fn refused(items: Vec<Item>) -> Outcome {
    Outcome::Answer(Answer { items })
}

#[test]
fn what_was_refused_for_a_documents_own_sake_is_no_beginning_for_what_the_index_refuses() {
    let mut bench = giving_up();
    let [(mut request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    let mut now = at(0);
    while letters(&bench.step(now, Input::Answered(request, refused(vec![too_many_fields()])))).is_empty() {
        let effects;
        (now, effects) = bench.wake(now);
        request = sent(&effects)[0].0;
        assert!(now < at(90_000));
    }
    // The index is away for a moment: nobody is given up for that.
    bench.step(now, Input::Submit(bulk("a", &[(1, 1)])));
    bench.step(now, Input::Submit(bulk("a", &[(1, 2)])));
    let (now, effects) = bench.wake(now);
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    let effects = bench.step(now, Input::Answered(request, refused(vec![item(403)])));
    assert!(letters(&effects).is_empty(), "{effects:?}");
    let (now, effects) = bench.wake(now);
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(settled(&bench.step(now, Input::Answered(request, taken()))), [(1, 1, Fate::Indexed)]);
}

#[test]
fn what_was_tried_goes_together_where_the_index_takes_nothing() {
    let mut bench = giving_up();
    let first: Vec<RequestId> =
        (0..3).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| sent.0).collect();
    for request in first {
        assert!(letters(&bench.status(at(0), request, 400)).is_empty());
    }
    let mut now = at(0);
    let given_up = loop {
        let effects;
        (now, effects) = bench.wake(now);
        let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
        if now >= at(60_000) {
            // One that nobody has tried yet.
            bench.step(now, Input::Submit(bulk("a", &[(1, 3)])));
        }
        let given_up = letters(&bench.status(now, request, 400));
        if !given_up.is_empty() {
            break given_up;
        }
    };
    assert_eq!((given_up.len(), now < at(80_000)), (3, true), "{now:?} {given_up:?}");
    let (_, effects) = bench.wake(now);
    assert_eq!(sent(&effects)[0].1, "3\n", "it is tried");
}

#[test]
fn an_index_that_takes_some_and_is_busy_with_others_does_not_refuse_all() {
    let mut bench = giving_up();
    let [(request, _)] = bench.submit("a", &[(1, 0), (1, 1)])[..] else { panic!() };
    bench.step(at(0), Input::Answered(request, refused(vec![item(403), item(403)])));
    let (mut now, effects) = bench.wake(at(0));
    let mut request = sent(&effects)[0].0;
    let mut answer = vec![item(201), item(503)];
    while now < at(70_000) {
        bench.step(now, Input::Answered(request, refused(answer)));
        let effects;
        (now, effects) = bench.wake(now);
        (request, answer) = (sent(&effects)[0].0, vec![item(503)]);
    }
    let effects = bench.step(now, Input::Answered(request, refused(vec![item(403)])));
    assert!(letters(&effects).is_empty(), "it was refused just now, and before the index took the other: {effects:?}");
}
