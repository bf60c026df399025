use super::*;
use crate::promise::Owed;
use crate::record::Route;
use crate::worker::Committable;

const DRAIN: u64 = 3000;
const INTERVAL: u64 = 5000;

fn at(millis: u64) -> Moment {
    Moment(Duration::from_millis(millis))
}

fn part(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

fn parts(numbers: &[i32]) -> Vec<TopicPartition> {
    numbers.iter().copied().map(part).collect()
}

#[test]
fn a_partition_with_a_record_that_cannot_be_read_stops_and_is_told_once() {
    // Not even where a partition that is out of range may go on at its beginning.
    let mut bench = Bench::holding(|settings| settings.restart_out_of_range = true);
    assert_eq!(bench.step(at(1), Input::Corrupt(part(0))), [Effect::Tell(Notice::Corrupt(part(0)))]);
    assert_eq!(bench.step(at(2), Input::Corrupt(part(0))), []);
}

fn route(version: &str) -> Arc<Route> {
    Arc::new(Route { pipeline: "p".into(), version: version.into(), field: "kafka".into() })
}

/// What the broker says: no commit, offsets 10 to 20.
fn known(number: i32) -> Resolved {
    Resolved { partition: part(number), incarnation: "i".into(), committed: None, bounds: (10, 20) }
}

fn known_with(number: i32, committed: (i64, &str)) -> Resolved {
    Resolved { committed: Some((committed.0, committed.1.to_owned())), ..known(number) }
}

struct Bench {
    reader: Reader,
    owed: Owed,
    effects: Vec<Effect>,
}

impl Bench {
    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            workers: 2,
            drain_timeout: Duration::from_millis(DRAIN),
            commit_interval: Duration::from_millis(INTERVAL),
            start_at_end: false,
            restart_out_of_range: false,
            until_caught_up: false,
            max_uncommitted: MaxUncommitted { records: 100, age: Duration::from_secs(60) },
            watch_interval: Duration::from_secs(10),
            routes: Routes::new(),
        };
        change(&mut settings);
        Self { reader: Reader::new(settings, Chance::new(1)), owed: Owed::default(), effects: Vec::new() }
    }

    /// A reader that holds partitions 0 and 1 as holdings 1 and 2, from offset 10.
    fn holding(change: impl FnOnce(&mut Settings)) -> Self {
        let mut bench = Self::with(change);
        bench.assign(at(0), vec![known(0), known(1)]);
        bench
    }

    /// Tells something, and leaves out what is said about the load. The group is told what it is owed, and nothing else.
    fn step(&mut self, now: Moment, input: Input) -> Vec<Effect> {
        owes(&mut self.owed, &input);
        self.reader.step(now, input, &mut self.effects);
        let mut effects = std::mem::take(&mut self.effects);
        effects.iter().try_for_each(|effect| answers(&mut self.owed, effect)).unwrap();
        effects.retain(|effect| !matches!(effect, Effect::Tell(Notice::Placed(_)) | Effect::Watch(_)));
        effects
    }

    fn assign(&mut self, now: Moment, answer: Vec<Resolved>) -> Vec<Effect> {
        let partitions: Vec<TopicPartition> = answer.iter().map(|resolved| resolved.partition.clone()).collect();
        assert_eq!(self.step(now, Input::Assigned(partitions.clone())), [Effect::Resolve(For::TheGroup, partitions)]);
        self.step(now, Input::Resolved(Ok(answer)))
    }

    fn moved(&mut self, now: Moment, holding: u64, offset: i64) -> Vec<Effect> {
        let moved = Committable { holding: HoldingId(holding), offset, records: 0, oldest: None };
        self.step(now, Input::Committable(moved))
    }

    fn drained(&mut self, now: Moment, holding: u64) -> Vec<Effect> {
        self.step(now, Input::Drained(HoldingId(holding)))
    }

    fn committed(&mut self, now: Moment, number: i32, offset: i64) -> Vec<Effect> {
        self.step(now, Input::Committed(vec![result(number, offset, None)]))
    }

    fn revoke(&mut self, now: Moment, numbers: &[i32], lost: bool) -> Vec<Effect> {
        self.step(now, Input::Revoked { partitions: parts(numbers), lost })
    }

    fn tick(&mut self, now: Moment) -> Vec<Effect> {
        self.step(now, Input::Tick)
    }
}

fn result(number: i32, offset: i64, refused: Option<&str>) -> CommitResult {
    CommitResult { partition: part(number), offset, refused: refused.map(str::to_owned) }
}

fn commit(entries: &[(i32, i64)]) -> Effect {
    let entry = |(number, offset): &(i32, i64)| CommitEntry {
        partition: part(*number),
        offset: *offset,
        metadata: "kelp:i".to_owned(),
    };
    Effect::Commit(entries.iter().map(entry).collect())
}

fn drain(holding: u64) -> Effect {
    Effect::Drain(HoldingId(holding))
}

fn end(holding: u64) -> Effect {
    Effect::End(HoldingId(holding))
}

/// Where holdings begin: number, partition, position, worker.
fn starts(effects: &[Effect]) -> Vec<(u64, i32, i64, usize)> {
    let start =
        |start: &Start| (start.origin.holding.0, start.origin.partition.partition, start.position, start.worker);
    let assigned = |effect: &Effect| match effect {
        Effect::Assign(starts) | Effect::Restart(starts) => Some(starts.clone()),
        _ => None,
    };
    effects.iter().filter_map(assigned).flatten().map(|each| start(&each)).collect()
}

/// Why holdings begin where they do.
fn reasons(effects: &[Effect]) -> Vec<&'static str> {
    let starts = |effect: &Effect| match effect {
        Effect::Assign(starts) | Effect::Restart(starts) => starts.clone(),
        Effect::Renew(start) => vec![start.clone()],
        _ => Vec::new(),
    };
    effects.iter().flat_map(starts).map(|start| start.reason.as_str()).collect()
}

#[test]
fn partitions_start_where_it_is_said_and_spread_over_the_workers() {
    let mut bench = Bench::with(|_| {});
    let answer = vec![
        known(0),
        known_with(1, (15, "kelp:i")),
        known_with(2, (16, "kelp:0")),
        known_with(3, (17, "another program")),
        known_with(4, (18, "kelp:before")),
    ];
    let effects = bench.assign(at(0), answer);
    assert_eq!(starts(&effects), [(1, 0, 10, 0), (2, 1, 15, 1), (3, 2, 16, 0), (4, 3, 17, 1), (5, 4, 10, 0)]);
    assert_eq!(reasons(&effects), ["beginning", "commit", "commit", "commit", "made_again"]);
    assert!(effects.contains(&Effect::Tell(Notice::TopicMadeAgain(part(4)))));
    assert!(bench.reader.is_assigned());
}

#[test]
fn a_start_at_the_end_is_committed_at_once() {
    let mut bench = Bench::with(|settings| settings.start_at_end = true);
    let effects = bench.assign(at(0), vec![known(0), known_with(1, (15, "kelp:i"))]);
    assert_eq!(starts(&effects), [(1, 0, 20, 0), (2, 1, 15, 1)]);
    assert_eq!(reasons(&effects), ["end", "commit"]);
    assert!(effects.contains(&commit(&[(0, 20)])));
}

/// Its commits are gone with it; what was written to it since is not to be passed over.
#[test]
fn a_topic_that_was_made_again_is_read_from_its_beginning_wherever_others_start() {
    let again = |number| Resolved { incarnation: "j".into(), ..known(number) };
    let mut bench = Bench::with(|settings| settings.start_at_end = true);
    bench.assign(at(0), vec![known(0), known(1)]);
    bench.step(at(1), Input::Committed(vec![result(0, 20, None), result(1, 20, None)]));
    bench.revoke(at(1), &[1], true);
    bench.step(at(2), Input::Watched(vec![("t".into(), Some("j".into()))]));
    assert_eq!(bench.drained(at(3), 1), [end(1), Effect::Resolve(For::Us, parts(&[0]))]);
    let effects = bench.step(at(4), Input::Resolved(Ok(vec![again(0)])));
    assert_eq!((starts(&effects), reasons(&effects)), (vec![(3, 0, 10, 0)], vec!["made_again"]));
    // The same where the group took it away and gives it again.
    let effects = bench.assign(at(5), vec![again(1)]);
    assert_eq!((starts(&effects), reasons(&effects)), (vec![(4, 1, 10, 1)], vec!["made_again"]));
    // And where another had it until then.
    let effects = bench.assign(at(6), vec![again(2)]);
    assert_eq!(reasons(&effects), ["made_again"]);
    let other = Resolved { partition: TopicPartition::new("other", 0), ..again(0) };
    assert_eq!(reasons(&bench.assign(at(7), vec![other])), ["end"]);
}

#[test]
fn the_origin_field_is_that_of_the_topic() {
    let mut bench = Bench::with(|settings| drop(settings.routes.insert("t".into(), route("1"))));
    let effects = bench.assign(at(0), vec![known(0)]);
    let [Effect::Assign(starts)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((&*starts[0].origin.route.version, &*starts[0].origin.incarnation), ("1", "i"));
}

#[test]
fn the_broker_is_asked_again_until_it_answers() {
    let mut bench = Bench::with(|_| {});
    bench.step(at(0), Input::Assigned(parts(&[0, 1])));
    let mut now = at(0);
    for answer in [Err("no".to_owned()), Err("no".to_owned())] {
        let effects = bench.step(now, Input::Resolved(answer));
        assert!(matches!(effects[..], [Effect::Tell(Notice::NotResolved(_))]), "{effects:?}");
        assert!(!bench.reader.is_assigned());
        let again = bench.reader.wake_at().expect("it asks again");
        assert!(again > now);
        now = again;
        assert_eq!(bench.tick(now), [Effect::Resolve(For::TheGroup, parts(&[0, 1]))]);
    }
    assert_eq!(starts(&bench.step(now, Input::Resolved(Ok(vec![known(0), known(1)])))).len(), 2);
}

#[test]
fn a_revoke_while_the_broker_is_asked_waits_for_its_turn() {
    let mut bench = Bench::with(|_| {});
    bench.step(at(0), Input::Assigned(parts(&[0])));
    assert_eq!(bench.revoke(at(0), &[0], false), []);
    let effects = bench.step(at(1), Input::Resolved(Ok(vec![known(0)])));
    assert_eq!(starts(&effects), [(1, 0, 10, 0)]);
    assert_eq!(effects[1..], [drain(1)]);
    assert_eq!(bench.drained(at(2), 1), [end(1), Effect::Unassign(parts(&[0]))]);
}

#[test]
fn commits_are_periodic_one_at_a_time_and_carry_what_moved() {
    let mut bench = Bench::holding(|_| {});
    assert_eq!(bench.reader.wake_at(), Some(at(60_000)));
    assert_eq!(bench.moved(at(1), 1, 12), [commit(&[(0, 12)])]);
    assert_eq!(bench.moved(at(2), 1, 13), []);
    assert_eq!(bench.moved(at(6000), 2, 11), [], "the first was not answered");
    assert_eq!(bench.committed(at(6001), 0, 12), [commit(&[(0, 13), (1, 11)])]);
    let both = vec![result(0, 13, None), result(1, 11, None)];
    assert_eq!(bench.step(at(6002), Input::Committed(both)), []);
    assert_eq!(bench.moved(at(6003), 2, 14), []);
    assert_eq!(bench.reader.wake_at(), Some(at(6001 + INTERVAL)));
    assert_eq!(bench.tick(at(6001 + INTERVAL)), [commit(&[(1, 14)])]);
}

#[test]
fn a_commit_without_an_answer_is_given_up_and_its_late_answer_counts_for_nothing() {
    let mut bench = Bench::holding(|_| {});
    bench.moved(at(0), 1, 12);
    bench.moved(at(1), 1, 13);
    assert_eq!(bench.reader.wake_at(), Some(at(30_000)));
    assert_eq!(bench.tick(at(30_000)), [commit(&[(0, 13)])]);
    bench.committed(at(30_001), 0, 12);
    assert_eq!(bench.reader.progress().map(|each| each.1).collect::<Vec<_>>(), [10, 10]);
    bench.committed(at(30_002), 0, 13);
    assert_eq!(bench.reader.progress().map(|each| each.1).collect::<Vec<_>>(), [13, 10]);
}

#[test]
fn a_refused_commit_is_told_and_repeated_but_never_at_once() {
    let mut bench = Bench::holding(|_| {});
    bench.revoke(at(0), &[0], false);
    bench.moved(at(0), 1, 12);
    let refused = || Input::Committed(vec![result(0, 12, Some("no"))]);
    let told = Effect::Tell(Notice::CommitRefused(result(0, 12, Some("no"))));
    let mut now = at(0);
    for (least, most) in [(50, 100), (100, 200), (200, 375), (375, 375)] {
        assert_eq!(bench.step(now, refused()), std::slice::from_ref(&told));
        let again = bench.reader.wake_at().expect("it is repeated");
        assert!(again >= now + at(least).0 && again <= now + at(most).0, "{again:?} after {now:?}");
        assert_eq!(bench.tick(again), [commit(&[(0, 12)])]);
        now = again;
    }
    // What is taken ends that.
    assert_eq!(bench.committed(now, 0, 12), []);
    assert_eq!(bench.moved(now, 1, 13), [commit(&[(0, 13)])]);
}

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
    bench.revoke(at(69_001), &[0], true);
    assert_eq!(bench.tick(at(79_000)), []);
    assert_eq!(bench.tick(at(79_001)), [Effect::Leave(Ending::Complete)]);
}

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
    assert!(bench.reader.is_assigned());
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

fn reload(version: &str, topics: Option<&[&str]>) -> Input {
    let routes = Routes::from([("t".into(), route(version))]);
    Input::Reload(Reload { routes, topics: topics.map(|topics| topics.iter().map(|topic| (*topic).into()).collect()) })
}

/// Where holdings are renewed: number, partition, position, version.
fn renewed(effects: &[Effect]) -> Vec<(u64, i32, i64, String)> {
    let renewed = |effect: &Effect| match effect {
        Effect::Renew(Start { origin, position, .. }) => {
            Some((origin.holding.0, origin.partition.partition, *position, origin.route.version.to_string()))
        }
        _ => None,
    };
    effects.iter().filter_map(renewed).collect()
}

#[test]
fn each_partition_reads_on_with_the_new_version_once_what_was_before_is_settled_and_committed() {
    let mut bench = Bench::holding(|settings| drop(settings.routes.insert("t".into(), route("1"))));
    assert_eq!(bench.step(at(1), reload("2", None)), [drain(1), drain(2)]);
    assert_eq!(bench.reader.barriers(), 2);
    // Nothing was read of partition 1: it goes on at once. Partition 0 has settled, and not committed.
    bench.moved(at(2), 1, 14);
    bench.committed(at(2), 0, 14);
    bench.moved(at(2), 1, 15);
    let effects = bench.drained(at(3), 2);
    assert!(effects.contains(&end(2)));
    assert_eq!(renewed(&effects), [(3, 1, 10, "2".to_owned())]);
    assert_eq!(reasons(&effects), ["reload"]);
    // The commit did not wait for its interval, since something waits for it.
    assert!(effects.contains(&commit(&[(0, 15)])));
    assert_eq!(bench.drained(at(4), 1), []);
    let effects = bench.committed(at(5), 0, 15);
    assert_eq!((effects[0].clone(), renewed(&effects)), (end(1), vec![(4, 0, 15, "2".to_owned())]));
    assert_eq!(bench.reader.barriers(), 0);
    // What comes late for the older holding moves nothing.
    assert_eq!(bench.moved(at(6), 1, 18), []);
    assert!(bench.step(at(7), reload("2", None)).is_empty());
}

#[test]
fn a_barrier_falls_for_the_version_that_is_in_force_then() {
    let mut bench = Bench::holding(|settings| drop(settings.routes.insert("t".into(), route("1"))));
    bench.step(at(1), reload("2", None));
    assert_eq!(bench.step(at(2), reload("3", Some(&["t", "u"]))), [Effect::Subscribe(vec!["t".into(), "u".into()])]);
    assert_eq!(renewed(&bench.drained(at(3), 1)), [(3, 0, 10, "3".to_owned())]);
}

#[test]
fn a_partition_that_is_given_back_or_stopped_passes_no_barrier() {
    let mut bench = Bench::holding(|settings| drop(settings.routes.insert("t".into(), route("1"))));
    bench.step(at(1), Input::Corrupt(part(1)));
    assert_eq!(bench.step(at(2), reload("2", None)), [drain(1)]);
    bench.revoke(at(3), &[0], false);
    let effects = bench.drained(at(4), 1);
    assert_eq!(renewed(&effects), []);
    assert!(effects.contains(&end(1)));
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

fn took(bench: &mut Bench, now: Moment, records: u64) -> Vec<Effect> {
    bench.step(now, Input::Took { partition: part(0), records })
}

#[test]
fn a_partition_is_read_no_further_ahead_than_it_may() {
    let mut bench = Bench::holding(|_| {});
    assert_eq!(took(&mut bench, at(1), 99), []);
    let ahead = [Effect::Pause(HoldingId(1)), Effect::Tell(Notice::Ahead(part(0)))];
    assert_eq!(took(&mut bench, at(2), 1), ahead);
    let moved = Committable { holding: HoldingId(1), offset: 40, records: 1, oldest: None };
    let on = [Effect::Resume(HoldingId(1)), Effect::Tell(Notice::NotAhead(part(0)))];
    assert_eq!(bench.step(at(3), Input::Committable(moved))[..2], on);
    // Too long is as bad as too much.
    let minute = at(3) + Duration::from_secs(60);
    assert_eq!(bench.step(minute, Input::Positions(Vec::new()))[..2], ahead);
    let moved = Committable { holding: HoldingId(1), offset: 502, records: 100, oldest: None };
    assert!(bench.step(minute, Input::Committable(moved)).starts_with(&on));
    assert!(!bench.step(minute + minute.0, Input::Positions(Vec::new())).contains(&ahead[0]));
}

#[test]
fn a_position_is_told_once_and_not_where_a_record_cannot_be_read() {
    let position = |bench: &mut Bench, position| bench.step(at(1), Input::Positions(vec![(part(0), position)]));
    let mut bench = Bench::holding(|_| {});
    assert_eq!(position(&mut bench, 12), [Effect::Position(HoldingId(1), 12)]);
    assert_eq!(position(&mut bench, 12), []);
    assert_eq!(position(&mut bench, 11), []);
    bench.step(at(1), Input::Corrupt(part(0)));
    assert_eq!(position(&mut bench, 13), []);
}

#[test]
fn a_ledger_that_does_not_add_up_stops_its_partition() {
    let mut bench = Bench::holding(|_| {});
    bench.moved(at(1), 1, 15);
    let effects = bench.step(at(1), Input::Mismatch(HoldingId(1), "why".into()));
    assert_eq!(effects, [Effect::Pause(HoldingId(1)), Effect::Tell(Notice::Mismatch(part(0), "why".into()))]);
    // Nor is what it was told before committed.
    bench.moved(at(2), 2, 12);
    assert_eq!(bench.tick(at(60_000)), [commit(&[(1, 12)])]);
}
