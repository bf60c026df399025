//! Partitions that begin anew: out of range, or of a topic that was made again.

use super::*;

#[test]
fn an_offset_out_of_range_stops_that_partition_once() {
    let mut bench = Bench::holding(|_| {});
    let told = Effect::Tell(Notice::OutOfRange(part(0), OutOfRange::Stopped));
    assert_eq!(bench.step(at(0), Input::OutOfRange(part(0))), [told]);
    assert_eq!(bench.step(at(1), Input::OutOfRange(part(0))), []);
    assert_eq!(bench.moved(at(2), 1, 12), [commit(&[(0, 12)])], "what was read of it still counts");
}

#[test]
fn an_offset_out_of_range_goes_on_at_the_beginning_once_what_was_read_is_settled() {
    let mut bench = Bench::holding(|settings| settings.restart_out_of_range = true);
    let effects = bench.step(at(0), Input::OutOfRange(part(0)));
    assert_eq!(effects, [drain(1)]);
    assert_eq!(bench.step(at(0), Input::OutOfRange(part(0))), []);
    let effects = bench.drained(at(1), 1);
    assert_eq!(effects, [end(1), Effect::Resolve(For::Us, parts(&[0]))], "the group hears nothing of it");
    // A commit above the end would be out of range again.
    let effects = bench.step(at(2), Input::Resolved(Ok(vec![known_with(0, (99, "kelp:i"))])));
    assert_eq!((starts(&effects), reasons(&effects)), (vec![(3, 0, 10, 0)], vec!["out_of_range"]));
    assert!(effects.contains(&restarted(0)));
}

fn restarted(skipped: i64) -> Effect {
    Effect::Tell(Notice::OutOfRange(part(0), OutOfRange::Restarted { skipped }))
}

#[test]
fn what_retention_took_is_counted_from_the_last_commit() {
    for (committed, skipped) in [(Some((12, "kelp:i")), 28), (None, 30)] {
        let mut bench = Bench::holding(|settings| settings.restart_out_of_range = true);
        bench.step(at(0), Input::OutOfRange(part(0)));
        bench.drained(at(1), 1);
        let known = committed.map_or_else(|| known(0), |committed| known_with(0, committed));
        let effects = bench.step(at(2), Input::Resolved(Ok(vec![Resolved { bounds: (40, 50), ..known }])));
        assert!(effects.contains(&restarted(skipped)), "{effects:?}");
        assert_eq!(starts(&effects), [(3, 0, 40, 0)]);
    }
}

#[test]
fn a_commit_below_the_beginning_goes_on_there_by_option_only() {
    for (restart, position) in [(true, 10), (false, 5)] {
        let mut bench = Bench::with(|settings| settings.restart_out_of_range = restart);
        let effects = bench.assign(at(0), vec![known_with(0, (5, "kelp:i"))]);
        assert_eq!(starts(&effects), [(1, 0, position, 0)]);
        assert_eq!(effects.contains(&restarted(5)), restart);
    }
}

#[test]
fn a_partition_that_is_leaving_is_not_begun_again_when_its_offset_is_out_of_range() {
    let mut bench = Bench::holding(|settings| settings.restart_out_of_range = true);
    bench.revoke(at(0), &[0], false);
    assert_eq!(bench.step(at(1), Input::OutOfRange(part(0))), []);
    assert_eq!(bench.drained(at(2), 1), [end(1), Effect::Unassign(parts(&[0]))]);
    assert!(bench.reader.is_assigned());

    let mut bench = Bench::holding(|settings| settings.restart_out_of_range = true);
    bench.step(at(0), Input::Shutdown(at(9000)));
    assert_eq!(bench.step(at(1), Input::OutOfRange(part(0))), []);
}

/// Its partition 0 is out of range and about to begin anew.
fn about_to_restart() -> Bench {
    let mut bench = Bench::holding(|settings| settings.restart_out_of_range = true);
    assert_eq!(bench.step(at(0), Input::OutOfRange(part(0))), [drain(1)]);
    bench
}

#[test]
fn what_the_group_takes_back_does_not_begin_anew() {
    // While what was read settles.
    let mut bench = about_to_restart();
    assert_eq!(bench.revoke(at(1), &[0], false), [drain(1)]);
    assert_eq!(bench.drained(at(2), 1), [end(1), Effect::Unassign(parts(&[0]))], "the one answer");
    assert!(bench.reader.is_assigned());
    // It may come again, and is not out of range any more.
    assert_eq!(starts(&bench.assign(at(3), vec![known_with(0, (15, "kelp:i"))])), [(3, 0, 15, 0)]);
    // While the broker is asked about it.
    let mut bench = about_to_restart();
    bench.drained(at(1), 1);
    assert_eq!(bench.revoke(at(2), &[0], false), []);
    let answer = Input::Resolved(Ok(vec![known(0)]));
    let effects = bench.step(at(3), answer);
    assert_eq!(starts(&effects), []);
    assert!(effects.contains(&Effect::Unassign(parts(&[0]))), "{effects:?}");
    // While the broker does not answer.
    let mut bench = about_to_restart();
    bench.drained(at(1), 1);
    bench.step(at(2), Input::Resolved(Err("no answer".into())));
    assert_eq!(bench.revoke(at(3), &[0], true), [Effect::Unassign(parts(&[0]))]);
    assert_eq!(bench.tick(at(9000)), []);
}

#[test]
fn the_group_does_not_wait_for_what_begins_anew() {
    let mut bench = about_to_restart();
    assert_eq!(bench.revoke(at(1), &[1], false), [drain(2)]);
    // It steps back, and goes on where it was.
    assert_eq!(bench.drained(at(2), 2), [end(2), Effect::Unassign(parts(&[1]))]);
    assert_eq!(bench.drained(at(3), 1), [end(1), Effect::Resolve(For::Us, parts(&[0]))]);
    // The broker has no answer: the group is first again.
    bench.step(at(4), Input::Resolved(Err("no answer".into())));
    assert_eq!(bench.step(at(5), Input::Assigned(parts(&[1]))), [Effect::Resolve(For::TheGroup, parts(&[1]))]);
    let effects = bench.step(at(6), Input::Resolved(Ok(vec![known(1)])));
    assert_eq!(starts(&effects), [(3, 1, 10, 0)]);
    assert_eq!(effects.last(), Some(&Effect::Resolve(For::Us, parts(&[0]))));
    let effects = bench.step(at(7), Input::Resolved(Ok(vec![known(0)])));
    assert_eq!(starts(&effects), [(4, 0, 10, 1)]);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Restart(_))), "{effects:?}");
}

#[test]
fn a_topic_that_was_made_again_is_begun_anew_once_what_was_read_of_the_old_one_is_settled() {
    let mut bench = Bench::holding(|_| {});
    bench.moved(at(1), 1, 15);
    // No answer, no id, and the same id change nothing.
    for ids in [vec![], vec![("t".into(), Some("0".into()))], vec![("t".into(), Some("i".into()))]] {
        assert_eq!(bench.step(at(2), Input::Watched(ids)), []);
    }
    let effects = bench.step(at(3), Input::Watched(vec![("t".into(), Some("j".into()))]));
    assert!(effects.contains(&Effect::Tell(Notice::TopicReplaced(part(0)))), "{effects:?}");
    assert!(effects.contains(&drain(1)) && effects.contains(&drain(2)));
    bench.moved(at(3), 1, 17);
    bench.drained(at(3), 1);
    // Each for itself: of the other one nothing was read.
    assert_eq!(bench.drained(at(3), 2), [end(2), Effect::Resolve(For::Us, parts(&[1]))]);
    let effects = bench.committed(at(3), 0, 15);
    let committed = |effect: &Effect| match effect {
        Effect::Commit(entries) => entries.iter().map(|entry| (entry.offset, entry.metadata.clone())).collect(),
        _ => Vec::new(),
    };
    // The old topic's incarnation goes with it: whoever reads on knows that these offsets are not the new one's.
    let committed: Vec<_> = effects.iter().flat_map(committed).collect();
    assert_eq!(committed, [(17, "kelp:i".to_owned())]);
    bench.committed(at(3), 0, 17);
    let anew = |number| Resolved { incarnation: "j".into(), ..known_with(number, (15, "kelp:i")) };
    let effects = bench.step(at(4), Input::Resolved(Ok(vec![anew(1)])));
    assert_eq!(starts(&effects), [(3, 1, 10, 1)]);
    assert!(effects.ends_with(&[end(1), Effect::Resolve(For::Us, parts(&[0]))]), "{effects:?}");
    assert_eq!(starts(&bench.step(at(4), Input::Resolved(Ok(vec![anew(0)])))), [(4, 0, 10, 0)]);
}

#[test]
fn what_was_read_of_a_topic_that_is_gone_is_waited_for_and_its_commit_for_a_while() {
    let mut bench = Bench::holding(|_| {});
    bench.step(at(3), Input::Watched(vec![("t".into(), Some("j".into()))]));
    bench.drained(at(3), 2);
    bench.step(at(4), Input::Resolved(Ok(vec![])));
    // Elasticsearch is slow: far longer than a revoke would wait.
    assert_eq!(bench.tick(at(100 * DRAIN)), []);
    bench.moved(at(100 * DRAIN), 1, 15);
    assert_eq!(bench.drained(at(100 * DRAIN), 1), []);
    let refused = result(0, 15, Some("unknown topic"));
    bench.step(at(100 * DRAIN), Input::Committed(vec![refused]));
    assert!(!bench.tick(at(101 * DRAIN - 1)).contains(&end(1)));
    assert!(bench.tick(at(101 * DRAIN)).contains(&end(1)));
}

#[test]
fn a_partition_of_a_topic_that_is_gone_holds_nobody_up_and_is_read_once_it_is_there_again() {
    let mut bench = Bench::with(|_| {});
    bench.step(at(0), Input::Assigned(parts(&[0, 1])));
    let effects = bench.step(at(0), Input::Resolved(Ok(vec![known(0)])));
    assert_eq!(starts(&effects), [(1, 0, 10, 0)]);
    assert!(effects.contains(&Effect::Tell(Notice::NotThere(part(1)))), "{effects:?}");
    let again = bench.step(at(1), Input::Watched(vec![("t".into(), Some("i".into()))]));
    assert_eq!(again, [Effect::Resolve(For::Us, parts(&[1]))]);
    let effects = bench.step(at(2), Input::Resolved(Ok(vec![known(1)])));
    assert_eq!(starts(&effects), [(2, 1, 10, 1)]);
    // Given back meanwhile, it is nobody's business here.
    let mut bench = Bench::with(|_| {});
    bench.step(at(0), Input::Assigned(parts(&[1])));
    bench.step(at(0), Input::Revoked { partitions: parts(&[1]), lost: false });
    bench.step(at(0), Input::Resolved(Ok(vec![])));
    assert_eq!(bench.step(at(1), Input::Watched(vec![("t".into(), Some("i".into()))])), []);
}

#[test]
fn topics_are_watched_one_question_at_a_time() {
    let mut bench = Bench::holding(|_| {});
    let mut ask = |now: u64| {
        bench.reader.step(at(now), Input::Tick, &mut bench.effects);
        std::mem::take(&mut bench.effects).iter().any(|effect| matches!(effect, Effect::Watch(_)))
    };
    assert!(!ask(10_000) && ask(60_001));
    assert!(!ask(70_000));
}
