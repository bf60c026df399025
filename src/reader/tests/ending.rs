//! What is given back, shut down or caught up.

use super::*;

#[test]
fn a_revoke_drains_commits_ends_and_gives_back_in_this_order() {
    let mut bench = Bench::holding(|_| {});
    assert_eq!(bench.revoke(at(10), &[0], false), [drain(1)]);
    assert_eq!(bench.moved(at(20), 1, 14), [commit(&[(0, 14)])], "at once, as the revoke waits for it");
    assert_eq!(bench.moved(at(21), 1, 15), []);
    assert_eq!(bench.drained(at(22), 1), []);
    assert_eq!(bench.committed(at(23), 0, 14), [commit(&[(0, 15)])]);
    assert_eq!(bench.committed(at(24), 0, 15), [end(1), Effect::Unassign(parts(&[0]))]);
    assert_eq!(bench.reader.held(), 1);
}

#[test]
fn a_revoke_waits_for_draining_and_for_the_commit_no_longer_than_it_may() {
    let mut bench = Bench::holding(|_| {});
    bench.revoke(at(0), &[0, 1], false);
    assert_eq!(bench.moved(at(1), 1, 14), [commit(&[(0, 14)])]);
    assert_eq!(bench.drained(at(2), 1), []);
    assert_eq!(bench.reader.wake_at(), Some(at(DRAIN)));
    assert_eq!(bench.tick(at(DRAIN - 1)), []);
    assert_eq!(bench.tick(at(DRAIN)), [Effect::Tell(Notice::NotDrained(part(1)))]);
    assert_eq!(bench.reader.wake_at(), Some(at(2 * DRAIN)));
    assert_eq!(bench.tick(at(2 * DRAIN)), [end(1), end(2), Effect::Unassign(parts(&[0, 1]))]);
}

#[test]
fn what_is_lost_ends_at_once_without_a_commit_even_while_something_else_is_served() {
    let mut bench = Bench::holding(|_| {});
    bench.moved(at(0), 1, 12);
    bench.moved(at(1), 2, 13);
    bench.revoke(at(2), &[0], false);
    assert_eq!(bench.revoke(at(3), &[0, 1], true)[..2], [end(1), end(2)]);
    assert_eq!(bench.reader.held(), 0);
    assert_eq!(bench.moved(at(3), 2, 14), []);
    assert_eq!(bench.committed(at(4), 0, 12), [], "nothing of what moved is committed");
    assert_eq!(bench.tick(at(INTERVAL)), []);
}

#[test]
fn a_partition_that_comes_back_is_another_holding() {
    let mut bench = Bench::holding(|_| {});
    assert_eq!(bench.moved(at(0), 1, 12), [commit(&[(0, 12)])]);
    bench.revoke(at(1), &[0], true);
    let effects = bench.assign(at(2), vec![known_with(0, (11, "kelp:i"))]);
    assert_eq!(starts(&effects), [(3, 0, 11, 0)]);
    assert_eq!(bench.moved(at(3), 1, 19), [], "of the holding that is over");
    assert_eq!(bench.moved(at(3), 3, 13), []);
    // The answer to the earlier holding's commit says nothing about this one.
    assert_eq!(bench.committed(at(4), 0, 12), []);
    assert_eq!(bench.reader.progress().next().map(|each| each.1), Some(11));
    assert_eq!(bench.tick(at(INTERVAL)), [commit(&[(0, 13)])]);
}

#[test]
fn a_partition_that_is_assigned_twice_has_one_holding() {
    let mut bench = Bench::holding(|_| {});
    let effects = bench.assign(at(0), vec![known(0)]);
    assert_eq!(effects[0], end(1));
    assert_eq!((starts(&effects), bench.reader.held()), (vec![(3, 0, 10, 0)], 2));
}

#[test]
fn a_shutdown_drains_commits_and_leaves() {
    let mut bench = Bench::holding(|_| {});
    assert_eq!(bench.step(at(0), Input::Shutdown(at(9000))), [drain(1), drain(2)]);
    bench.drained(at(1), 2);
    assert_eq!(bench.moved(at(2), 1, 20), [commit(&[(0, 20)])]);
    assert_eq!(bench.drained(at(2), 1), []);
    assert_eq!(bench.step(at(2), Input::Assigned(parts(&[2]))), [Effect::Assign(vec![])], "nothing new is begun");
    assert_eq!(bench.committed(at(3), 0, 20), [end(1), end(2), Effect::Leave(Ending::Complete)]);
    assert_eq!((bench.tick(at(9000)), bench.reader.wake_at()), (vec![], None));
}

#[test]
fn a_shutdown_ends_at_its_deadline_and_a_second_one_can_only_shorten_it() {
    let mut bench = Bench::holding(|_| {});
    bench.step(at(0), Input::Shutdown(at(9000)));
    assert_eq!(bench.step(at(1), Input::Shutdown(at(5000))), []);
    assert_eq!(bench.step(at(2), Input::Shutdown(at(20_000))), []);
    assert_eq!(bench.reader.wake_at(), Some(at(5000)));
    assert_eq!(bench.tick(at(5000)), [end(1), end(2), Effect::Leave(Ending::Unsettled)]);
}

#[test]
fn a_shutdown_serves_revokes_and_what_it_loses_is_unsettled() {
    let mut bench = Bench::holding(|_| {});
    bench.step(at(0), Input::Shutdown(at(9000)));
    bench.drained(at(1), 2);
    assert_eq!(bench.revoke(at(1), &[1], false), [drain(2), end(2), Effect::Unassign(parts(&[1]))]);
    let effects = bench.revoke(at(2), &[0], true);
    assert_eq!(effects, [end(1), Effect::Unassign(parts(&[0])), Effect::Leave(Ending::Unsettled)]);
}

#[test]
fn a_shutdown_does_not_wait_for_a_broker_that_does_not_answer() {
    let mut bench = Bench::with(|_| {});
    bench.step(at(0), Input::Assigned(parts(&[0])));
    assert_eq!(bench.step(at(1), Input::Shutdown(at(9000))), [Effect::Leave(Ending::Complete)]);
    assert_eq!(bench.step(at(2), Input::Resolved(Ok(vec![known(0)]))), [Effect::Assign(vec![])]);
}

#[test]
fn catching_up_ends_once_everything_below_the_ends_found_is_committed() {
    let mut bench = Bench::with(|settings| settings.until_caught_up = true);
    let empty = Resolved { bounds: (0, 0), ..known(1) };
    bench.assign(at(0), vec![known(0), empty]);
    assert_eq!(bench.moved(at(1), 1, 19), [commit(&[(0, 19)])]);
    assert_eq!(bench.committed(at(2), 0, 19), []);
    assert_eq!(bench.moved(at(3), 1, 21), [commit(&[(0, 21)])], "the last commit does not wait");
    assert_eq!(bench.moved(at(3), 1, 25), []);
    assert_eq!(bench.committed(at(4), 0, 21), [commit(&[(0, 25)]), drain(1), drain(2)]);
    // More came since, and does not settle: what was asked for is done all the same.
    assert_eq!(bench.committed(at(5), 0, 25), []);
    assert_eq!(bench.tick(at(4 + DRAIN)), [end(1), end(2), Effect::Leave(Ending::Complete)]);
}

#[test]
fn catching_up_with_a_partition_that_is_stopped_says_so() {
    let mut bench = Bench::holding(|settings| settings.until_caught_up = true);
    bench.moved(at(0), 2, 20);
    bench.committed(at(1), 1, 20);
    let effects = bench.step(at(2), Input::OutOfRange(part(0)));
    assert_eq!(effects, [Effect::Tell(Notice::OutOfRange(part(0), OutOfRange::Stopped)), drain(1), drain(2)]);
    bench.step(at(3), Input::Shutdown(at(4)));
    bench.drained(at(3), 1);
    assert!(bench.drained(at(3), 2).contains(&Effect::Leave(Ending::Stopped)));
}

#[test]
fn catching_up_waits_for_a_partition_that_has_no_leader_and_not_for_a_topic_that_is_not_there() {
    let caught_up = || {
        let mut bench = Bench::with(|settings| settings.until_caught_up = true);
        bench.step(at(0), Input::Assigned(parts(&[0, 1])));
        let empty = Resolved { bounds: (0, 0), ..known(0) };
        bench.step(at(0), Input::Resolved(Ok(vec![empty])));
        assert_eq!(bench.tick(at(60_000)), []);
        bench
    };
    let mut bench = caught_up();
    let is_there = Input::Watched(vec![("t".into(), Some("i".into()))]);
    assert_eq!(bench.step(at(60_001), is_there), [Effect::Resolve(For::Us, parts(&[1]))]);
    let found = Resolved { bounds: (0, 12), ..known(1) };
    assert_eq!(starts(&bench.step(at(60_002), Input::Resolved(Ok(vec![found])))).len(), 1);
    assert_eq!(bench.moved(at(60_003), 2, 12), [commit(&[(1, 12)])]);
    assert!(bench.committed(at(60_004), 1, 12).contains(&drain(2)));
    let mut bench = caught_up();
    assert_eq!(bench.step(at(60_001), Input::Watched(vec![])), [], "nobody knows");
    assert_eq!(bench.step(at(60_002), Input::Watched(vec![("t".into(), None)])), [drain(1)]);
}

#[test]
fn whoever_gets_nothing_waits_a_while_before_it_counts_as_caught_up() {
    let mut bench = Bench::with(|settings| settings.until_caught_up = true);
    assert_eq!(bench.tick(at(60_000)), [], "the group has not said anything");
    assert_eq!(bench.step(at(60_000), Input::Assigned(vec![])), [Effect::Assign(vec![])]);
    assert_eq!(bench.reader.wake_at(), Some(at(70_000)));
    // In a cooperative group others have to give something back first.
    assert_eq!(starts(&bench.assign(at(69_000), vec![known(0)])).len(), 1);
    bench.revoke(at(69_001), &[0], false);
    assert_eq!(bench.drained(at(69_001), 1), [end(1), Effect::Unassign(parts(&[0]))]);
    assert_eq!(bench.tick(at(79_000)), []);
    assert_eq!(bench.tick(at(79_001)), [Effect::Leave(Ending::Complete)]);
}

#[test]
fn whoever_is_lost_to_the_group_has_not_caught_up() {
    let mut bench = Bench::holding(|settings| settings.until_caught_up = true);
    assert_eq!(bench.revoke(at(1), &[0, 1], true).last(), Some(&Effect::Unassign(parts(&[0, 1]))));
    assert!(!bench.reader.is_assigned());
    for minute in 1..10 {
        let effects = bench.tick(at(60_000 * minute));
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Leave(_))), "{effects:?}");
    }
    // It is a member again, and others have what it had.
    bench.step(at(600_000), Input::Assigned(Vec::new()));
    assert!(bench.reader.is_assigned());
    bench.tick(at(609_000));
    assert!(bench.tick(at(611_000)).contains(&Effect::Leave(Ending::Complete)));
}

#[test]
fn an_assignment_that_is_lost_before_it_began_is_none() {
    let mut bench = Bench::with(|settings| settings.until_caught_up = true);
    bench.step(at(0), Input::Assigned(parts(&[0])));
    bench.revoke(at(1), &[0], true);
    bench.step(at(2), Input::Resolved(Ok(vec![known(0)])));
    assert!(!bench.reader.is_assigned());
    for minute in 1..10 {
        let effects = bench.tick(at(60_000 * minute));
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Leave(_))), "{effects:?}");
    }
}
