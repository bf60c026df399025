//! A running Kelp to which most things happen that it counts, scraped by a real Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::{HOW, alerts, dashboard, documented};
use crate::delivery::Scene;
use crate::lab::home::project;
use crate::lab::process::Process;
use crate::lab::{Kelp, Message, ports, servers, tools, unix, wait_until};

const LONG: Duration = Duration::from_secs(120);

/// Families without a series unless something goes wrong that does not here.
const NEED_A_FAULT: [&str; 3] = ["kelp_kafka_errors_total", "kelp_offsets_skipped_total", "kelp_partition_stopped"];

const PIPELINE: &str = r#"
source: {topics: [NAME], codec: json}
processors:
  - set: {field: seen, value: "yes", tag: first}
  - rename: {field: old, target_field: new, ignore_missing: true}
  - drop: {if: "ctx.drop == true"}
  - convert: {field: number, type: integer, ignore_missing: true}
  - grok: {field: hostile, patterns: ['^(?<a>a+?)(?:a|aa)+?\k<a>[bc]'], ignore_missing: true, ignore_failure: true}
destination: {index: "NAME-%{day}"}
"#;

/// Starts Kelp on records of which one is a dead letter, one fails, one is dropped, one is too much for a pattern, and some are for an index that
/// refuses them; waits until all of that was counted.
fn start(scene: &Scene) -> Kelp {
    let name = &scene.name;
    let mapping = json!({"mappings": {"properties": {"size": {"type": "integer"}}}});
    scene.elastic.put(&format!("/{name}-open"), &mapping).unwrap();
    scene.elastic.put(&format!("/{name}-shut"), &json!({"settings": {"index.blocks.write": true}})).unwrap();
    let pipeline = scene.pipeline(PIPELINE);
    let kelp = scene.start(&scene.config(&pipeline), &[]);
    write(scene);
    kelp
}

/// Some of everything.
fn write(scene: &Scene) {
    let mut lines: Vec<Value> = (0..200).map(|n| json!({"day": "open", "size": n})).collect();
    lines.push(json!({"day": "open", "size": "large"}));
    lines.push(json!({"day": "open", "number": "none"}));
    lines.push(json!({"day": "open", "drop": true}));
    lines.push(json!({"day": "open", "hostile": "a".repeat(200)}));
    lines.push(json!({"day": "shut"}));
    let message = |(n, line): (usize, &Value)| Message {
        partition: (n % 2) as i32,
        payload: Some(line.to_string().into()),
        ..Message::default()
    };
    scene.write(&lines.iter().enumerate().map(message).collect::<Vec<_>>());
}

/// The families of an answer of `/metrics` with the labels of their series.
fn shown(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut families = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("kelp_")) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let names = labels.split("=\"").map(|before| before.rsplit([',', '{', '"']).next().unwrap_or_default());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.pop();
        let names = names.into_iter().filter(|name| name != "le");
        families.entry(name.to_owned()).or_insert_with(BTreeSet::new).extend(names);
    }
    families
}

#[test]
fn the_table_of_metrics_is_what_a_running_kelp_shows() {
    let servers = servers();
    let scene = Scene::new(&servers, "monitoring-table", 2);
    let mut kelp = start(&scene);
    kelp.wait_metrics("everything to be counted", LONG, |metrics| {
        let is = |family: &str, least: f64| metrics.sum(family).is_some_and(|sum| sum >= least);
        is("kelp_lanes_held", 1.0) && is("kelp_documents_dead_lettered_total", 1.0) && is("kelp_committed_offset", 1.0)
    })
    .unwrap();
    let text = reqwest::blocking::get(format!("{}/metrics", kelp.admin())).unwrap().text().unwrap();
    let shown = shown(&text);
    for (name, labels) in documented() {
        match shown.get(&name) {
            Some(found) => assert_eq!(found, &labels, "{name}"),
            None => assert!(NEED_A_FAULT.contains(&name.as_str()), "{name} is in the table and nowhere else"),
        }
    }
    let documented: BTreeSet<String> = documented().into_iter().map(|(name, _)| name).collect();
    let undocumented: Vec<_> = shown.keys().filter(|name| !documented.contains(*name)).collect();
    assert_eq!(undocumented, Vec::<&String>::new());

    // What was done to the records is what is told.
    let metrics = kelp.metrics().unwrap();
    // Elasticsearch's own name of the fault, which depends on its version.
    let dead = |reason| [("stage", "elasticsearch"), ("reason", reason)];
    let counted = ["mapper_parsing_exception", "document_parsing_exception"]
        .map(|reason| metrics.sum_where("kelp_documents_dead_lettered_total", &dead(reason)).unwrap_or_default());
    assert_eq!(counted.iter().sum::<f64>(), 1.0, "{text}");
    let runs = |processor: &str| {
        let labels = [("pipeline", "pipeline"), ("processor", processor)];
        let sum = |family| metrics.sum_where(family, &labels).unwrap();
        (sum("kelp_processor_runs_total"), sum("kelp_processor_failures_total"))
    };
    let ran = [runs("0"), runs("1"), runs("2"), runs("3"), runs("4")];
    assert_eq!(ran, [(205.0, 0.0), (205.0, 0.0), (1.0, 0.0), (204.0, 1.0), (203.0, 1.0)]);
    assert_eq!(metrics.sum("kelp_grok_timeouts_total"), Some(1.0));
    let log = kelp.output().unwrap();
    let told = log.lines().find(|line| line.contains("used up its budget on a record")).expect("it is logged");
    // The last but one of the records, which change places between two partitions.
    assert!(told.contains(&scene.name) && told.contains("\"offset\":101"), "{told}");
    assert!(metrics.sum("kelp_processor_seconds_total").unwrap() > 0.0);
    assert_eq!(metrics.sum_where("kelp_condition_met", &[("condition", "elasticsearch")]), Some(1.0));

    // The record that cannot be settled gets older, and is the reason that the lag does not go away.
    let age = |kelp: &Kelp| kelp.metrics().unwrap().sum("kelp_lag_seconds").unwrap();
    let before = age(&kelp);
    wait_until("the oldest record to get older", LONG, || Ok((age(&kelp) >= before + 1.0).then_some(()))).unwrap();
    assert!(age(&kelp) < 600.0, "{}", age(&kelp));
    scene.elastic.put(&format!("/{}-shut/_settings", scene.name), &json!({"index.blocks.write": false})).unwrap();
    kelp.wait_metrics("all to be settled", LONG, |metrics| {
        let is_none = |family: &str| metrics.sum(family).unwrap_or_default() == 0.0;
        ["kelp_lag_seconds", "kelp_lag_records", "kelp_catch_up_seconds", "kelp_lanes_held", "kelp_in_flight_records"]
            .into_iter()
            .all(is_none)
    })
    .unwrap();
    kelp.terminate().unwrap();
    kelp.expect_exit(0, LONG).unwrap();
}

/// A Prometheus in a folder of its own. Dropping it ends it.
struct Prometheus {
    process: Process,
    url: String,
}

impl Prometheus {
    fn start(program: &Path, folder: &Path, target: &str) -> Self {
        let [port] = ports::free().unwrap();
        let rules = project().join("helm/kelp/monitoring/alerts.yaml");
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n  \
             - job_name: kelp\n    static_configs: [{{targets: [{target}]}}]\n",
            rules.display()
        );
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let mut command = Command::new(program);
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg(format!("--config.file={}", folder.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()));
        unix::die_with_parent(&mut command);
        let mut process = Process::start("prometheus", &mut command, &folder.join("prometheus.log")).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        wait_until("Prometheus", LONG, || {
            process.expect_alive()?;
            Ok(reqwest::blocking::get(format!("{url}/-/ready")).ok().filter(|answer| answer.status().is_success()))
        })
        .unwrap_or_else(|error| panic!("{error}; {}", process.tail()));
        Self { process, url }
    }

    /// The series that a query gives now; the error is Prometheus' own.
    fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.url), [("query", query)]).unwrap();
        let answer: Value = reqwest::blocking::get(url).unwrap().json().unwrap();
        match answer["data"]["result"].as_array() {
            Some(series) if answer["status"] == "success" => Ok(series.clone()),
            _ => Err(answer.to_string()),
        }
    }

    fn firing(&self) -> BTreeSet<String> {
        let firing = self.query("ALERTS").unwrap();
        firing.iter().map(|series| series["metric"]["alertname"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn every_query_of_the_dashboard_gives_data() {
    let Some(program) = tools::find("prometheus", HOW) else { return };
    let servers = servers();
    let scene = Scene::new(&servers, "monitoring-dashboard", 2);
    let mut kelp = start(&scene);
    let folder = tempfile::tempdir().unwrap();
    let target = kelp.admin().trim_start_matches("http://").to_owned();
    let mut prometheus = Prometheus::start(&program, folder.path(), &target);

    let queries = dashboard("20s");
    let fault = |text: &str| NEED_A_FAULT.iter().any(|family| text.contains(family));
    let mut empty: Vec<String> = Vec::new();
    let done = wait_until("every query to give data", LONG, || {
        kelp.process().expect_alive()?;
        prometheus.process.expect_alive()?;
        // Something has to happen for a rate to have a value.
        write(&scene);
        empty.clear();
        for query in queries.iter().filter(|query| !fault(&query.text)) {
            let series = prometheus.query(&query.text).map_err(|error| format!("{}: {error}", query.panel))?;
            let value = |series: &Value| series["value"][1].as_str().is_some_and(|value| value != "NaN");
            if !series.iter().any(value) {
                empty.push(format!("{}: {}", query.panel, query.text));
            }
        }
        Ok(empty.is_empty().then_some(()))
    });
    assert!(done.is_ok(), "{}\nwithout data: {empty:#?}", done.unwrap_err());
    // These are parsed at least; they have nothing to show in a good world.
    for query in queries.iter().filter(|query| fault(&query.text)) {
        assert_eq!(prometheus.query(&query.text).map(|series| series.len()), Ok(0), "{}", query.panel);
    }

    // The alerts are evaluated on what a real Kelp shows: the ones that have their reason here wait or fire.
    let expected: BTreeSet<String> = ["KelpDeadLetters", "KelpIndexHeld"].map(str::to_owned).into();
    wait_until("the alerts", LONG, || Ok(prometheus.firing().is_superset(&expected).then_some(()))).unwrap();
    assert!(!prometheus.firing().contains("KelpAbsent") && alerts().len() > expected.len());
    let rules: Value = reqwest::blocking::get(format!("{}/api/v1/rules", prometheus.url)).unwrap().json().unwrap();
    for rule in rules["data"]["groups"][0]["rules"].as_array().unwrap() {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    kelp.kill().unwrap();
}
