//! What watches Kelp is true: the table of metrics, the alerts and the dashboard, against a running Kelp and a real
//! Prometheus.

mod live;

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::lab::home::project;
use crate::lab::tools;

const HOW: &str = "install Prometheus (Debian: apt-get install prometheus)";

fn read(path: &str) -> String {
    std::fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn alerts() -> Vec<String> {
    let text = read("helm/kelp/monitoring/alerts.yaml");
    let names: Vec<_> =
        text.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect();
    assert!(names.len() >= 15, "{names:?}");
    names
}

/// A query of the dashboard and the panel that it stands in.
struct Query {
    panel: String,
    text: String,
}

/// Every query of the dashboard, its variables set to everything and its window to `window`.
fn dashboard(window: &str) -> Vec<Query> {
    let dashboard: Value = serde_json::from_str(&read("helm/kelp/monitoring/dashboard.json")).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let mut text = target["expr"].as_str().unwrap().replace("$__rate_interval", window);
            for variable in ["$job", "$instance", "$topic"] {
                text = text.replace(variable, ".*");
            }
            assert!(!text.contains('$'), "{title}: an unknown variable in {text}");
            queries.push(Query { panel: title.to_owned(), text });
        }
    }
    assert!(queries.len() > 40, "{}", queries.len());
    queries
}

/// The families that a text speaks of.
fn families(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = words.filter(|word| word.starts_with("kelp_"));
    names.map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
}

/// The families of the table in the documentation, each with its labels.
fn documented() -> Vec<(String, BTreeSet<String>)> {
    let page = read("docs/operations.md");
    let bare = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let rows = page.lines().filter(|line| line.starts_with("| `kelp_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (bare(cells[1]), cells[3].split(',').map(bare).filter(|label| !label.is_empty()).collect())
    })
    .collect()
}

#[test]
fn alerts_and_dashboard_ask_for_what_there_is() {
    let known: BTreeSet<String> = documented().into_iter().map(|(name, _)| name).collect();
    let asked = families(&read("helm/kelp/monitoring/alerts.yaml"));
    assert_eq!(asked.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    let shown: BTreeSet<String> = dashboard("1m").iter().flat_map(|query| families(&query.text)).collect();
    assert_eq!(shown.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    let unseen: Vec<_> = known.difference(&shown).collect();
    assert_eq!(unseen, Vec::<&String>::new(), "the dashboard leaves these out");
}

#[test]
fn every_alert_has_a_history_that_raises_it_and_a_section_that_helps() {
    let (histories, page) = (read("tests/monitoring/alerts.yaml"), read("docs/troubleshooting.md"));
    for alert in alerts() {
        let (mut raised, mut quiet) = (false, false);
        let lines: Vec<&str> = histories.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(&format!("alertname: {alert}"))) {
            raised |= lines.get(at + 1).is_some_and(|next| next.trim() == "exp_alerts:");
            quiet |= line.ends_with('}');
        }
        assert!(raised && quiet, "{alert}: raised {raised}, kept quiet {quiet}");
        assert!(page.lines().any(|line| line == format!("### {alert}")), "docs/troubleshooting.md has no {alert}");
        let anchor = format!("docs/troubleshooting.md#{}", alert.to_lowercase());
        assert!(read("helm/kelp/monitoring/alerts.yaml").lines().any(|line| line.ends_with(&anchor)), "{anchor}");
    }
}

#[test]
fn the_alerts_are_raised_by_what_they_say() {
    let Some(promtool) = tools::find("promtool", HOW) else { return };
    let checked = tools::run(
        Command::new(&promtool).args(["check", "rules"]).arg(project().join("helm/kelp/monitoring/alerts.yaml")),
    );
    assert!(checked.status.success(), "{}", tools::said(&checked));
    let tested =
        tools::run(Command::new(&promtool).args(["test", "rules"]).arg(project().join("tests/monitoring/alerts.yaml")));
    assert!(tested.status.success(), "{}", tools::said(&tested));
}
