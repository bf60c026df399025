//! The families are those of the table, and series come and go with what they speak of.

use super::*;
use crate::record::{DropReason, Fate, Headers, Stage};

#[test]
fn counts_show_up_in_the_text() {
    let metrics = Metrics::new();
    let topic = metrics.topic("web");
    topic.received(3, 120);
    topic.settled(Fate::Indexed, 1);
    topic.settled(Fate::Dropped(DropReason::Tombstone), 1);
    topic.settled(Fate::DeadLettered(Stage::Elasticsearch), 1);
    topic.given_up(2);
    metrics.bulk_duration_seconds.observe(0.02);
    metrics.bulk_requests.with_label_values(&["answered"]).inc();

    let text = metrics.text().unwrap();
    for line in [
        "kelp_records_received_total{topic=\"web\"} 3",
        "kelp_bytes_received_total 120",
        "kelp_records_settled_total{fate=\"indexed\",topic=\"web\"} 1",
        "kelp_records_settled_total{fate=\"dropped\",topic=\"web\"} 1",
        "kelp_records_settled_total{fate=\"duplicate\",topic=\"web\"} 0",
        "kelp_records_settled_total{fate=\"dead_lettered\",topic=\"web\"} 1",
        "kelp_records_dropped_total{reason=\"tombstone\",topic=\"web\"} 1",
        "kelp_records_given_up_total{topic=\"web\"} 2",
        "kelp_records_dropped_total{reason=\"pipeline\",topic=\"web\"} 0",
        "kelp_bulk_requests_total{outcome=\"answered\"} 1",
        "kelp_bulk_duration_seconds_bucket{le=\"0.01\"} 0",
        "kelp_bulk_duration_seconds_bucket{le=\"0.025\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_itself_is_measured() {
    let text = Metrics::new().text().unwrap();
    assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
}

#[test]
fn every_drop_reason_is_counted_apart() {
    let metrics = Metrics::new();
    let topic = metrics.topic("web");
    for (count, reason) in (1..).zip(DropReason::ALL) {
        topic.settled(Fate::Dropped(reason), count);
    }
    for (count, reason) in (1..).zip(DropReason::ALL) {
        assert_eq!(metrics.records_dropped.with_label_values(&["web", reason.as_str()]).get(), count);
    }
    let all = (1..=DropReason::ALL.len() as u64).sum::<u64>();
    assert_eq!(metrics.records_settled.with_label_values(&["web", "dropped"]).get(), all);
}

#[test]
fn a_partition_that_was_given_back_leaves_no_series() {
    let metrics = Metrics::new();
    let (given, kept) = (TopicPartition::new("web", 1), TopicPartition::new("web", 10));
    for partition in [&given, &kept] {
        let meters = metrics.partition(partition);
        meters.lag_records.set(5);
        meters.lag_seconds.set(1.5);
        meters.committed_offset.set(77);
        metrics.set_partition_stopped(partition, "out_of_range", true);
        metrics.set_partition_stopped(partition, "topic_id", true);
    }
    metrics.set_partition_stopped(&kept, "topic_id", false);
    metrics.forget_partition(&given);
    metrics.forget_partition(&given);

    let text = metrics.text().unwrap();
    assert!(!text.contains("partition=\"1\""), "{text}");
    for line in [
        "kelp_lag_records{partition=\"10\",topic=\"web\"} 5",
        "kelp_lag_seconds{partition=\"10\",topic=\"web\"} 1.5",
        "kelp_committed_offset{partition=\"10\",topic=\"web\"} 77",
        "kelp_partition_stopped{partition=\"10\",reason=\"out_of_range\",topic=\"web\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("topic_id"), "{text}");
}

#[test]
fn it_says_what_it_was_built_from_and_which_pipelines_are_in_force() {
    let metrics = Metrics::new();
    metrics.built_with("2.12.1");
    metrics.pipeline_in_force("web", "00");
    metrics.pipeline_in_force("web", "01");
    metrics.pipeline_in_force("app", "00");
    let text = metrics.text().unwrap();
    let revision = option_env!("KELP_REVISION").filter(|revision| !revision.is_empty()).unwrap_or("unknown");
    let version = env!("CARGO_PKG_VERSION");
    let built = format!("kelp_build_info{{librdkafka=\"2.12.1\",revision=\"{revision}\",version=\"{version}\"}} 1");
    assert!(text.lines().any(|line| line == built), "{text}");
    let in_force: Vec<_> = text.lines().filter(|line| line.starts_with("kelp_pipeline_info{")).collect();
    let app = "kelp_pipeline_info{pipeline=\"app\",version=\"00\"} 1";
    assert_eq!(in_force, [app, "kelp_pipeline_info{pipeline=\"web\",version=\"01\"} 1"]);
}

#[test]
fn very_many_held_indices_have_few_series() {
    let metrics = Metrics::new();
    let mut held = HeldLanes::default();
    let index = |n: usize| -> Arc<str> { format!("app-{n:04}").into() };
    for n in 0..250 {
        held.hold(&metrics, &index(n), "blocked");
    }
    let sum = || metrics.text().unwrap().lines().filter(|line| line.starts_with("kelp_lanes_held{")).count();
    let others = || metrics.lanes_held.with_label_values(&["(others)", "blocked"]).get();
    assert_eq!((sum(), others()), (101, 150));
    held.hold(&metrics, &index(3), "limit");
    assert!(metrics.text().unwrap().contains("kelp_lanes_held{index=\"app-0003\",reason=\"limit\"} 1"));
    for n in 0..250 {
        held.release(&metrics, &index(n));
        held.release(&metrics, &index(n));
    }
    assert_eq!(sum(), 0);
}

#[test]
fn the_work_of_processors_is_added_up_over_threads() {
    let text = "source: {topics: [t]}\nprocessors:\n  - set: {field: a, value: b, tag: first}\n\
        destination: {index: x}\n";
    let pipeline = Pipeline::compile("web.yaml", text).map_err(|problems| format!("{problems:?}")).unwrap();
    let metrics = Metrics::new();
    let line = |family: &str, value: &str| {
        format!("{family}{{pipeline=\"web\",processor=\"0\",tag=\"first\",type=\"set\"}} {value}")
    };
    let run = |times: usize, scratch: &mut crate::pipeline::Scratch| {
        for _ in 0..times {
            let record = crate::record::Record {
                topic: "t",
                partition: 0,
                offset: 0,
                timestamp: Some(0),
                key: None,
                payload: Some(b"x"),
                headers: Headers::default(),
            };
            pipeline.run(scratch, &record, &mut Nowhere);
        }
    };
    let mut scratches: Vec<_> = (0..2)
        .map(|_| {
            let meter = pipeline.meter(crate::clock::Moment::default);
            metrics.watch(&pipeline, meter.counts());
            crate::pipeline::Scratch::counting(meter)
        })
        .collect();
    run(3, &mut scratches[0]);
    assert!(metrics.text().unwrap().contains(&line("kelp_processor_runs_total", "3")));
    run(4, &mut scratches[0]);
    run(5, &mut scratches[1]);
    // A thread that is gone takes nothing with it.
    scratches.pop();
    assert!(metrics.text().unwrap().contains(&line("kelp_processor_runs_total", "12")));
    run(1, &mut scratches[0]);
    let text = metrics.text().unwrap();
    assert!(text.contains(&line("kelp_processor_runs_total", "13")), "{text}");
    assert!(text.contains(&line("kelp_processor_failures_total", "0")), "{text}");
    assert!(text.contains(&line("kelp_processor_seconds_total", "0")), "{text}");
}

struct Nowhere;

impl crate::pipeline::Sink for Nowhere {
    fn document(&mut self, _: u32, _: &str, _: &crate::event::Event<'_>) {}
    fn dropped(&mut self, _: DropReason, _: u32) {}
    fn rejected(&mut self, _: u32, _: crate::record::Rejection) {}
}

#[test]
fn the_table_follows_the_naming_rules() {
    for family in FAMILIES {
        assert!(family.name.starts_with("kelp_"), "{family:?}");
        assert_eq!(family.kind == Kind::Counter, family.name.ends_with("_total"), "{family:?}");
        assert!(!family.help.is_empty() && !family.help.ends_with('.'), "{family:?}");
    }
}

/// A row of the table in the documentation: name, kind, labels.
fn documented() -> Vec<(String, String, Vec<String>)> {
    let page = include_str!("../../docs/operations.md");
    let bare = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let rows = page.lines().filter(|line| line.starts_with("| `kelp_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        assert!(cells.len() == 6 && !cells[4].trim().is_empty(), "{row}");
        let labels = cells[3].split(',').map(bare).filter(|label| !label.is_empty()).collect();
        (bare(cells[1]), bare(cells[2]), labels)
    })
    .collect()
}

#[test]
fn the_documentation_has_the_same_table() {
    let mut documented = documented();
    documented.sort();
    let mut families: Vec<(String, String, Vec<String>)> = FAMILIES
        .iter()
        .map(|family| {
            let kind = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            (family.name.into(), kind.into(), family.labels.iter().map(|label| (*label).to_owned()).collect())
        })
        .collect();
    families.sort();
    assert_eq!(documented, families);
}
