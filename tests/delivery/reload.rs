//! Pipelines that change while records flow.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use serde_json::Value;

use super::{LONG, Scene, count};
use crate::lab::kelp::Metrics;
use crate::lab::{Kelp, Message, servers};

const PARTITIONS: i32 = 4;

/// A pipeline whose documents say which version made them.
fn version(number: u32, topics: &str) -> String {
    format!(
        "source: {{topics: [{topics}]}}\nprocessors:\n  - set: {{field: made_by, value: {number}}}\n\
         destination: {{index: \"NAME-%{{+yyyy.MM}}\"}}\n\
         tests:\n  - {{given: x, expect: {{made_by: {number}}}}}\n"
    )
}

fn some(scene: &Scene, produced: &mut u64) {
    let message = |n: u64| Message::new((n % PARTITIONS as u64) as i32, format!("line {n}"));
    scene.write(&(*produced..*produced + 400).map(message).collect::<Vec<_>>());
    *produced += 400;
}

/// Writes on until something has come about.
fn write_until(scene: &Scene, produced: &mut u64, kelp: &Kelp, condition: impl Fn(&Metrics) -> bool) {
    let since = std::time::Instant::now();
    while !kelp.metrics().is_ok_and(|metrics| condition(&metrics)) {
        assert!(since.elapsed() < LONG, "{}", kelp.output().unwrap());
        some(scene, produced);
    }
}

fn reloads(metrics: &Metrics) -> (u64, u64) {
    (count(metrics, "kelp_reloads_total"), count(metrics, "kelp_partitions_reloading"))
}

#[test]
fn a_pipeline_that_changes_under_load_loses_nothing_and_each_partition_changes_over_once() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-reload", PARTITIONS);
    let pipeline = scene.pipeline(&version(1, "NAME"));
    let mut config = scene.config(&pipeline);
    config.elastic.push("bulk: {max_documents: 100, linger: 20ms}".into());
    let mut produced = 0;
    let mut kelp = scene.start(&config, &[]);
    write_until(&scene, &mut produced, &kelp, |metrics| count(metrics, "kelp_documents_indexed_total") > 400);

    // The file is seen to have changed.
    scene.pipeline(&version(2, "NAME"));
    write_until(&scene, &mut produced, &kelp, |metrics| reloads(metrics) == (1, 0));
    let indexed = count(&kelp.metrics().unwrap(), "kelp_documents_indexed_total");
    write_until(&scene, &mut produced, &kelp, |metrics| count(metrics, "kelp_documents_indexed_total") > indexed + 400);

    // A file whose own test fails, and then one that is none: the version before runs on, and says why.
    scene.pipeline(&version(3, "NAME").replace("expect: {made_by: 3}", "expect: {made_by: 4}"));
    write_until(&scene, &mut produced, &kelp, |metrics| count(metrics, "kelp_reload_refused") == 1);
    let body = kelp.body("/readyz").unwrap();
    assert!(body.contains("fails") && body.contains("made_by") && kelp.probe("/readyz").unwrap() == 200, "{body}");
    scene.pipeline("source: [");
    kelp.process().signal(libc::SIGHUP).unwrap();
    write_until(&scene, &mut produced, &kelp, |metrics| reloads(metrics).0 >= 3);

    // A signal makes it look at once.
    scene.pipeline(&version(5, "NAME"));
    kelp.process().signal(libc::SIGHUP).unwrap();
    write_until(&scene, &mut produced, &kelp, |metrics| {
        count(metrics, "kelp_reload_refused") == 0 && reloads(metrics).1 == 0
    });
    some(&scene, &mut produced);
    kelp.wait_metrics("all to be committed", LONG, |metrics| count(metrics, "kelp_committed_offset") == produced)
        .unwrap();
    assert!(!kelp.body("/readyz").unwrap().contains("notes"));
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let report = scene.expect_good();
    assert_eq!((report.produced, report.documents), (produced, produced), "{report}");

    // Within a partition the versions take over from one another, once each.
    let found = scene.elastic.post("/delivery-reload-*/_search", &bounds()).unwrap();
    for partition in found["aggregations"]["partition"]["buckets"].as_array().unwrap() {
        let bounds: BTreeMap<u64, (u64, u64)> = partition["version"]["buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bucket| {
                let number = |value: &Value| value.as_f64().unwrap() as u64;
                (number(&bucket["key"]), (number(&bucket["first"]["value"]), number(&bucket["last"]["value"])))
            })
            .collect();
        assert_eq!(bounds.keys().copied().collect::<Vec<_>>(), [1, 2, 5], "{partition}");
        assert!(bounds[&1].1 < bounds[&2].0 && bounds[&2].1 < bounds[&5].0, "{bounds:?}");
    }
}

/// The first and last offset of each version in each partition.
fn bounds() -> Value {
    let offset = |which: &str| serde_json::json!({ which: {"field": "kafka.offset"} });
    serde_json::json!({"size": 0, "aggs": {"partition": {"terms": {"field": "kafka.partition"}, "aggs": {
        "version": {"terms": {"field": "made_by"}, "aggs": {"first": offset("min"), "last": offset("max")}}}}}})
}

/// Files as Kubernetes mounts them: links into a folder that is a link itself, in whose place another one is put.
#[test]
fn a_config_map_that_is_put_in_anothers_place_is_noticed() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-mounted", 1);
    let folder = scene.folder.path().join("mounted");
    let mount = |number: u32| {
        let name = format!("..2026_{number}");
        std::fs::create_dir_all(folder.join(&name)).unwrap();
        let text = version(number, "NAME").replace("NAME", &scene.name);
        std::fs::write(folder.join(&name).join("pipeline.yaml"), text).unwrap();
        symlink(&name, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    mount(1);
    symlink("..data/pipeline.yaml", folder.join("pipeline.yaml")).unwrap();
    let mut kelp = scene.start(&scene.config(&folder), &[]);
    let indexed = |kelp: &mut Kelp, documents| {
        let what = format!("{documents} documents");
        kelp.wait_metrics(&what, LONG, |metrics| count(metrics, "kelp_documents_indexed_total") == documents).unwrap();
    };
    scene.write(&[Message::new(0, "by the first")]);
    indexed(&mut kelp, 1);
    mount(2);
    std::fs::remove_dir_all(folder.join("..2026_1")).unwrap();
    kelp.wait_metrics("the second version", LONG, |metrics| reloads(metrics) == (1, 0)).unwrap();
    scene.write(&[Message::new(0, "by the second")]);
    indexed(&mut kelp, 2);
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let versions: Vec<_> = scene.documents().values().map(|document| document["made_by"].clone()).collect();
    assert_eq!(versions, [1, 2]);
}

#[test]
fn topics_come_and_go_with_the_pipelines() {
    let servers = servers();
    let scene = Scene::new(&servers, "delivery-retopic", 2);
    let other = "delivery-retopic.more";
    servers.kafka.create_topic(other, 2).unwrap();
    let more = |text: &str| crate::lab::produce(&scene.bootstrap, other, &[Message::new(0, text)]).unwrap();
    more("before it is read");
    let pipeline = scene.pipeline(&version(1, "NAME"));
    let mut kelp = scene.start(&scene.config(&pipeline), &[]);
    scene.write(&[Message::new(0, "one")]);
    kelp.wait_metrics("the first", LONG, |metrics| count(metrics, "kelp_documents_indexed_total") == 1).unwrap();

    // A topic that is not there is no reason to stop; it is looked for again.
    scene.pipeline(&version(2, "NAME, delivery-retopic.missing"));
    kelp.process().signal(libc::SIGHUP).unwrap();
    kelp.wait_metrics("the refusal", LONG, |metrics| count(metrics, "kelp_reload_refused") == 1).unwrap();
    assert!(kelp.body("/readyz").unwrap().contains("delivery-retopic.missing is not there"));

    scene.pipeline(&version(3, "NAME, NAME.more"));
    kelp.wait_metrics("the new topic", LONG, |metrics| {
        count(metrics, "kelp_documents_indexed_total") == 2 && count(metrics, "kelp_partitions_held") == 4
    })
    .unwrap();

    scene.pipeline(&version(4, "NAME.more"));
    kelp.wait_metrics("the old one to be let go", LONG, |metrics| count(metrics, "kelp_partitions_held") == 2).unwrap();
    scene.write(&[Message::new(0, "nobody reads this")]);
    more("read on");
    kelp.wait_metrics("the last", LONG, |metrics| count(metrics, "kelp_documents_indexed_total") == 3).unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
    let versions: Vec<_> = scene.documents().values().map(|document| document["made_by"].clone()).collect();
    assert_eq!(versions.len(), 3);
    assert_eq!(scene.committed(&servers).iter().sum::<i64>(), 1);
}
