mod anew;
mod ending;
mod reload;

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
fn a_partition_with_a_record_that_cannot_be_read_stops_and_is_told_once() {
    // Not even where a partition that is out of range may go on at its beginning.
    let mut bench = Bench::holding(|settings| settings.restart_out_of_range = true);
    assert_eq!(bench.step(at(1), Input::Corrupt(part(0))), [Effect::Tell(Notice::Corrupt(part(0)))]);
    assert_eq!(bench.step(at(2), Input::Corrupt(part(0))), []);
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
