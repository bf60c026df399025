//! Conflicts, and what was asked of them.

use super::*;

#[test]
fn a_conflict_on_the_first_sending_is_looked_up() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0), (1, 1), (1, 2)])[..] else { panic!() };
    let effects = bench.answer(request, &[409, 409, 409]);
    assert!(settled(&effects).is_empty());
    assert_eq!(looked_up(&effects)[0].1.len(), 3);
    let found = vec![
        Found::Origin(own(1, 0)),
        Found::Origin(json!({"topic": "another", "partition": 1, "offset": 1})),
        Found::Nothing,
    ];
    let effects = bench.step(at(0), Input::LookedUp(request, Ok(found)));
    assert_eq!(settled(&effects), [(1, 0, Fate::Duplicate)]);
    let [(id, reason)] = &letters(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(id, "t-i-0001-000000000001");
    assert!(reason.starts_with("id_conflict: "), "{reason}");
    assert!(sent(&effects).is_empty(), "not at once: it might go round for ever");
    let (_, effects) = bench.wake(at(0));
    assert_eq!(sent(&effects)[0].1, "2\n");
}

#[test]
fn a_conflict_after_a_request_that_was_never_sent_is_looked_up() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.step(at(0), Input::Answered(request, Outcome::NotSent("refused".into())));
    let (_, effects) = bench.wake(at(0));
    let effects = bench.answer(sent(&effects)[0].0, &[409]);
    assert_eq!((settled(&effects).len(), looked_up(&effects).len()), (0, 1));
}

#[test]
fn a_look_up_that_fails_is_tried_again_and_a_second_answer_changes_nothing() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.answer(request, &[409]);
    assert!(bench.answer(request, &[201]).is_empty());
    for answer in [Err("busy".to_owned()), Ok(vec![])] {
        assert!(bench.step(at(0), Input::LookedUp(request, answer)).is_empty());
        let (_, effects) = bench.wake(at(0));
        assert_eq!(looked_up(&effects).len(), 1);
    }
    let effects = bench.step(at(0), Input::LookedUp(request, Ok(vec![Found::Origin(own(1, 0))])));
    assert_eq!(settled(&effects), [(1, 0, Fate::Duplicate)]);
    assert!(bench.step(at(0), Input::LookedUp(request, Ok(vec![Found::Origin(own(1, 0))]))).is_empty());
    assert!(bench.dispatch.is_idle());
}

#[test]
fn what_a_look_up_can_not_tell_of_keeps_nothing_else_waiting() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0), (1, 1), (1, 2)])[..] else { panic!() };
    bench.answer(request, &[409, 409, 409]);
    let away = || Found::Unknown("no shard".to_owned());
    let effects = bench.step(at(0), Input::LookedUp(request, Ok(vec![away(), Found::Origin(own(1, 1)), away()])));
    assert_eq!(settled(&effects), [(1, 1, Fate::Duplicate)]);
    let (_, effects) = bench.wake(at(0));
    let ids = ["t-i-0001-000000000000", "t-i-0001-000000000002"].map(str::to_owned);
    assert_eq!(looked_up(&effects), [(request, ids.to_vec())]);
    let found = vec![Found::Origin(own(1, 0)), Found::Origin(own(1, 2))];
    let effects = bench.step(at(0), Input::LookedUp(request, Ok(found)));
    assert_eq!(settled(&effects), [(1, 0, Fate::Duplicate), (1, 2, Fate::Duplicate)]);
    assert!(bench.dispatch.is_idle());
}

#[test]
fn a_look_up_that_failed_is_tried_again_while_its_index_is_written_to() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.answer(request, &[409]);
    bench.step(at(0), Input::LookedUp(request, Err("busy".into())));
    // There is always more to be written than may be under way.
    let mut out: VecDeque<RequestId> =
        (1..10).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| sent.0).collect();
    assert_eq!(out.len(), 3);
    for offset in 10..20 {
        let now = at(offset * 100);
        bench.step(now, Input::Submit(bulk("a", &[(1, offset as i64)])));
        let items = vec![item(201)];
        let done = Input::Answered(out.pop_front().unwrap(), Outcome::Answer(Answer { items }));
        let effects = bench.step(now, done);
        if !looked_up(&effects).is_empty() {
            return;
        }
        out.extend(sent(&effects).into_iter().map(|sent| sent.0));
    }
    panic!("it is not asked again");
}

#[test]
fn a_look_up_that_failed_is_tried_again_while_others_are_answered() {
    let mut bench = Bench::new();
    let mut out: VecDeque<RequestId> =
        (0..3).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| sent.0).collect();
    out.iter().for_each(|request| drop(bench.answer(*request, &[409])));
    let failed = out.pop_front().unwrap();
    bench.step(at(0), Input::LookedUp(failed, Err("reset".into())));
    // All is there already, so that there are always others to look up.
    for offset in 3..13 {
        let now = at(offset as u64 * 100);
        let mut effects = bench.step(now, Input::Submit(bulk("a", &[(1, offset)])));
        for (request, _) in sent(&effects) {
            let there = Outcome::Answer(Answer { items: vec![item(409)] });
            effects.extend(bench.step(now, Input::Answered(request, there)));
        }
        out.extend(looked_up(&effects).into_iter().map(|asked| asked.0));
        if out.contains(&failed) {
            return;
        }
        assert_eq!(out.len(), 3, "the others go on");
        let answered = out.pop_front().expect("three are out");
        bench.step(now, Input::LookedUp(answered, Ok(vec![Found::Origin(own(1, offset - 2))])));
    }
    panic!("it is not asked again");
}

#[test]
fn what_a_look_up_can_not_tell_of_is_not_asked_for_once_its_holding_is_over() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0), (2, 1)])[..] else { panic!() };
    bench.answer(request, &[409, 409]);
    bench.step(at(0), Input::End(HoldingId(1)));
    let away = || Found::Unknown("no shard".to_owned());
    bench.step(at(0), Input::LookedUp(request, Ok(vec![away(), away()])));
    let (_, effects) = bench.wake(at(0));
    assert_eq!(looked_up(&effects), [(request, vec!["t-i-0002-000000000001".to_owned()])]);
    // Nor are those of an answer that comes after the end.
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    bench.step(at(0), Input::End(HoldingId(1)));
    assert!(looked_up(&bench.answer(request, &[409])).is_empty() && bench.dispatch.is_idle());
}
