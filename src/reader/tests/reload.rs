//! New versions of a pipeline.

use super::*;

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
