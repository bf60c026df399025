//! What goes to the dead letters because it was refused for long, and what does not.

use super::refused::{taken, too_many_fields, with_a_suspect};
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
fn only_what_was_refused_goes_to_the_dead_letters_where_others_are_taken() {
    let mut bench = giving_up();
    let (mut now, mut suspect) = with_a_suspect(&mut bench);
    for offset in 2.. {
        let effects = bench.status(now, suspect, 400);
        if let [(id, reason)] = &letters(&effects)[..] {
            assert!(id.ends_with("000000000000") && reason.contains("unknown"), "{id} {reason}");
            assert!(matches!(notices(&effects)[..], [Notice::Released(_)]), "{effects:?}");
            break;
        }
        assert!(now < at(60_000));
        // Others need not wait for its next try.
        let effects = bench.step(now, Input::Submit(bulk("a", &[(1, offset)])));
        let [(request, ref body)] = sent(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!(*body, format!("{offset}\n"));
        assert!(sent(&bench.step(now, Input::Answered(request, taken()))).is_empty());
        let effects;
        (now, effects) = bench.wake(now);
        let [(request, ref body)] = sent(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!(body, "0\n");
        suspect = request;
    }
    assert!(now >= at(60_000) && now <= at(70_000), "{now:?}");
    assert!(bench.dispatch.is_idle());
}

#[test]
fn what_waits_for_an_index_that_is_held_for_long_goes_to_the_dead_letters_where_that_is_the_policy() {
    let mut bench = giving_up();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.answer(request, &[403]);
    bench.submit("a", &[(1, 1)]);
    let mut now = at(0);
    let given_up = loop {
        let effects;
        (now, effects) = bench.wake(now);
        let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
        let answer = Outcome::Answer(Answer { items: vec![item(403)] });
        let given_up = letters(&bench.step(now, Input::Answered(request, answer)));
        if !given_up.is_empty() {
            break given_up;
        }
        assert!(now < at(60_000));
    };
    assert!(now >= at(60_000) && given_up.len() == 2 && given_up[0].1.contains("blocked"), "{now:?} {given_up:?}");
    // The next one finds out whether it still refuses.
    assert!(bench.step(now, Input::Submit(bulk("a", &[(1, 2)]))).is_empty());
    let (now, effects) = bench.wake(now);
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    let effects = bench.step(now, Input::Answered(request, taken()));
    assert!(matches!(notices(&effects)[..], [Notice::Released(_)]) && bench.dispatch.is_idle());
}

#[test]
fn nothing_is_given_up_that_was_not_refused_again_after_the_time() {
    let mut bench = giving_up();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.answer(request, &[403]);
    bench.submit("a", &[(1, 1)]);
    // The process, or the cluster, was away.
    let late = at(200_000);
    let effects = bench.step(late, Input::Tick);
    assert!(letters(&effects).is_empty(), "{effects:?}");
    let [(request, _)] = sent(&effects)[..] else { panic!("{effects:?}") };
    let effects = bench.step(late, Input::Answered(request, taken()));
    assert!(letters(&effects).is_empty() && matches!(notices(&effects)[..], [Notice::Released(_)]), "{effects:?}");

    let mut bench = giving_up();
    let (now, suspect) = with_a_suspect(&mut bench);
    bench.status(now, suspect, 400);
    let effects = bench.step(late, Input::Tick);
    assert!(letters(&effects).is_empty() && sent(&effects).len() == 1, "{effects:?}");
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

#[test]
fn what_waits_for_a_name_that_is_no_index_goes_to_the_dead_letters_though_elasticsearch_was_away_meanwhile() {
    let mut bench = giving_up();
    let alias = || Ok(NameIs::Other("an alias".into()));
    bench.step(at(0), Input::Submit(bulk("a", &[(1, 0)])));
    bench.step(at(0), Input::Checked("a".into(), alias()));
    let (mut now, mut was_away, mut told) = (at(0), false, Vec::new());
    loop {
        let effects;
        (now, effects) = bench.wake(now);
        assert!(now < at(90_000), "nothing is given up");
        if !matches!(effects[..], [Effect::Check(_)]) {
            continue;
        }
        let is_away = !std::mem::replace(&mut was_away, true);
        let answer = if is_away { Err("connection refused".into()) } else { alias() };
        let effects = bench.step(now, Input::Checked("a".into(), answer));
        told.extend(notices(&effects).into_iter().map(|notice| matches!(notice, Notice::Available)));
        if !letters(&effects).is_empty() {
            break;
        }
    }
    assert_eq!((told, bench.dispatch.is_idle()), (vec![false, true], true), "it was away, and is there again");
}
