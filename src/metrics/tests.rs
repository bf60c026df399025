//! The families are those of the table, and series come and go with what they speak of.

use super::*;
use crate::record::{DropReason, Fate, Stage};

#[test]
fn counts_show_up_in_the_text() {
    let metrics = Metrics::new();
    let topic = metrics.topic("web");
    topic.received(3, 120);
    topic.settled(Fate::Indexed, 1);
    topic.settled(Fate::Dropped(DropReason::Tombstone), 1);
    topic.settled(Fate::DeadLettered(Stage::Elasticsearch), 1);
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
        "kelp_records_dropped_total{reason=\"pipeline\",topic=\"web\"} 0",
        "kelp_bulk_requests_total{outcome=\"answered\"} 1",
        "kelp_bulk_duration_seconds_bucket{le=\"0.01\"} 0",
        "kelp_bulk_duration_seconds_bucket{le=\"0.025\"} 1",
        concat!("kelp_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
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
