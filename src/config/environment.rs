//! `KELP_…` variables as settings.

use super::fault::{Found, Place};
use super::layers::Setting;

/// Variables with the prefix that are no settings of the configuration.
pub const OTHER_VARIABLES: &[&str] = &["KELP_LOG"];

const PREFIX: &str = "KELP_";

/// The settings among these variables. Two underscores part the keys, so that `KELP_KAFKA__GROUP_ID` is
/// `kafka: {group_id: …}`; below `kafka.properties` and `kafka.properties_files` one underscore is a dot. A variable that is not known is left to
/// the schema, which refuses it as it refuses an unknown key; `keys` gives the known ones, to say which one was meant.
pub(super) fn settings(variables: &[(String, String)], keys: fn() -> Vec<String>, found: &Found) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (variable, value) in variables {
        let Some(named) = variable.strip_prefix(PREFIX) else { continue };
        if OTHER_VARIABLES.contains(&variable.as_str()) || is_service_link(named) {
            continue;
        }
        let mut path: Vec<String> = named.split("__").map(str::to_lowercase).collect();
        if path.iter().any(String::is_empty) {
            let hint = "two underscores part the keys, like KELP_KAFKA__GROUP_ID";
            found.add(Place::Variable(variable.clone()), "unknown variable", hint);
            continue;
        }
        if let [one] = &path[..]
            && let Some(meant) = meant(one, &keys())
        {
            let place = Place::Variable(variable.clone());
            found.add(place, "unknown variable", format!("did you mean {meant}? two underscores part the keys"));
            continue;
        }
        if let [kafka, properties, name] = &mut path[..]
            && kafka.as_str() == "kafka"
            && matches!(properties.as_str(), "properties" | "properties_files")
        {
            *name = name.replace('_', ".");
        }
        settings.push(Setting { path, values: vec![value.clone()], place: Place::Variable(variable.clone()) });
    }
    settings.sort_by(|left, right| left.path.cmp(&right.path));
    settings
}

/// The variable that was meant where one underscore stands for two.
fn meant(name: &str, keys: &[String]) -> Option<String> {
    let bare = |text: &str| text.replace(['_', '.'], "");
    let key = keys.iter().find(|key| key.contains('.') && bare(key) == bare(name))?;
    Some(format!("{PREFIX}{}", key.replace('.', "__").to_uppercase()))
}

/// Kubernetes gives every pod the addresses of the services of its namespace. Where one of them is named `kelp` or
/// `kelp-…`, those variables have this prefix, and are nobody's mistake.
fn is_service_link(keys: &str) -> bool {
    let keys = format!("_{keys}");
    let is_port = |after: &str| {
        let (number, rest) = after.split_once('_').unwrap_or((after, ""));
        number.bytes().all(|byte| byte.is_ascii_digit()) && (rest.is_empty() || rest.starts_with(['T', 'U', 'S']))
    };
    keys.ends_with("_SERVICE_HOST")
        || keys.ends_with("_PORT")
        || keys.contains("_SERVICE_PORT_")
        || keys.match_indices("_PORT_").any(|(at, port)| is_port(&keys[at + port.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_underscores_part_the_keys() {
        let variables = [
            ("KELP_KAFKA__GROUP_ID", "g"),
            ("KELP_LOG", "debug"),
            ("OTHER", "x"),
            ("KELP_THREADS", "2"),
            ("KELP_KAFKA__PROPERTIES__FETCH_WAIT_MAX_MS", "50"),
            ("KELP_KAFKA__PROPERTIES_FILES__SASL_PASSWORD", "secret"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let found = Found::default();
        let paths: Vec<String> = settings(&variables, Vec::new, &found).iter().map(|one| one.path.join("/")).collect();
        let expected =
            ["kafka/group_id", "kafka/properties/fetch.wait.max.ms", "kafka/properties_files/sasl.password", "threads"];
        assert_eq!(paths, expected);
        assert_eq!(found.into_faults(), []);
    }

    #[test]
    fn service_links_are_nobodys_mistake() {
        for link in [
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_ADMIN",
            "PORT",
            "PORT_9600_TCP",
            "PORT_9600_TCP_ADDR",
            "METRICS_SERVICE_HOST",
            "METRICS_PORT_9600_TCP_PROTO",
        ] {
            assert!(is_service_link(link), "{link}");
        }
        for setting in ["THREADS", "KAFKA__GROUP_ID", "ADMIN__PORTS", "PORT_FORWARD", "KAFKA__PORTABLE"] {
            assert!(!is_service_link(setting), "{setting}");
        }
    }
}
