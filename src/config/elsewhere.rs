//! What people write who know other programs, or who put a key into another section than it belongs to.

use super::load::keys;

/// Names that other programs have for our keys, by section.
const ELSEWHERE: &[(&str, &[&str], &str)] = &[
    ("elasticsearch", &["host", "hosts", "node", "nodes", "servers", "uri", "uris", "url", "urls"], "endpoints"),
    ("elasticsearch", &["user", "user_name"], "username"),
    ("elasticsearch", &["pass", "passwd"], "password"),
    ("elasticsearch", &["ssl"], "tls"),
    ("elasticsearch", &["ca", "cacert", "ca_cert", "ca_path", "ca_file"], "tls.ca_file"),
    ("elasticsearch", &["ssl_certificate_verification", "verify", "verify_certs"], "tls.verify"),
    ("elasticsearch", &["gzip", "http_compression", "compression_level"], "compression"),
    ("elasticsearch", &["timeout"], "request_timeout"),
    ("elasticsearch", &["bulk_max_size", "bulk_size", "batch_size", "flush_size"], "bulk.max_documents"),
    ("elasticsearch", &["flush_interval"], "bulk.linger"),
    ("elasticsearch", &["worker", "workers"], "concurrency"),
    ("elasticsearch.tls", &["ca", "cacert", "certificate_authorities", "certificate_authority"], "ca_file"),
    ("elasticsearch.tls", &["cert", "certificate"], "certificate_file"),
    ("elasticsearch.tls", &["key"], "key_file"),
    ("elasticsearch.tls", &["verification_mode", "insecure", "skip_verify"], "verify"),
    ("kafka", &["bootstrap", "brokers", "broker", "host", "hosts", "servers"], "bootstrap_servers"),
    ("kafka", &["group", "consumer_group", "consumer_group_id"], "group_id"),
    ("kafka", &["auto_offset_reset", "initial_offset", "offset_reset"], "start"),
    ("", &["dead_letter", "dead_letter_queue", "dlq"], "dead_letters.topic"),
    ("", &["listen", "http", "metrics"], "admin.listen"),
    ("", &["workers"], "threads"),
    ("", &["brokers", "bootstrap"], "kafka.bootstrap_servers"),
    ("", &["hosts"], "elasticsearch.endpoints"),
];

/// What stands somewhere else than in a section of ours.
const NOT_HERE: &[(&str, &[&str], &str)] = &[
    ("kafka", &["topic", "topics", "topics_pattern"], "each pipeline's file names its topics, below source"),
    ("elasticsearch", &["index", "indices"], "each pipeline's file names its index, below destination"),
    (
        "kafka",
        &["security_protocol", "sasl", "sasl_mechanism", "ssl", "tls", "username", "password"],
        "librdkafka's names below properties: security.protocol, sasl.mechanism, sasl.username, …",
    ),
    ("", &["log", "logging", "log_level", "loglevel"], "the variable KELP_LOG says what is logged, such as debug"),
];

/// What was meant by a key that the section `section` (`""` for the whole) does not have, if that is known.
pub(super) fn hint(section: &str, key: &str) -> Option<String> {
    let plain = key.to_lowercase().replace(['.', '-'], "_");
    let is_meant = |of: &str, names: &[&str]| of == section && names.contains(&plain.as_str());
    if let Some((_, _, name)) = ELSEWHERE.iter().find(|(of, names, _)| is_meant(of, names)) {
        return Some(format!("did you mean {name:?}?"));
    }
    if let Some((_, _, what)) = NOT_HERE.iter().find(|(of, names, _)| is_meant(of, names)) {
        return Some((*what).to_owned());
    }
    // The name itself, of another section; with dots or capitals perhaps.
    let snake = key.chars().fold(String::new(), |mut name, c| {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
        name
    });
    let keys = keys();
    let owners = |name: &str| -> Vec<String> {
        let owner = |known: &String| known.strip_suffix(name)?.strip_suffix('.').map(str::to_owned);
        keys.iter().filter_map(owner).collect()
    };
    for name in [plain.as_str(), snake.as_str()] {
        match owners(name).as_slice() {
            [owner] if owner == section => return Some(format!("did you mean {name:?}?")),
            [owner] => return Some(format!("{name} belongs below {owner}")),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_call_it_is_known() {
        for (section, key, told) in [
            ("elasticsearch", "hosts", "did you mean \"endpoints\"?"),
            ("elasticsearch", "user", "did you mean \"username\"?"),
            ("elasticsearch", "ssl", "did you mean \"tls\"?"),
            ("elasticsearch", "index", "each pipeline's file names its index, below destination"),
            ("kafka", "group.id", "did you mean \"group_id\"?"),
            ("kafka", "bootstrap.servers", "did you mean \"bootstrap_servers\"?"),
            ("kafka", "bootstrapServers", "did you mean \"bootstrap_servers\"?"),
            ("kafka", "topics", "each pipeline's file names its topics, below source"),
            ("kafka", "endpoints", "endpoints belongs below elasticsearch"),
            ("", "group_id", "group_id belongs below kafka"),
            ("", "linger", "linger belongs below elasticsearch.bulk"),
            ("", "log_level", "the variable KELP_LOG says what is logged, such as debug"),
        ] {
            assert_eq!(hint(section, key).as_deref(), Some(told), "{section}.{key}");
        }
        assert_eq!(hint("", "outputs"), None);
        assert_eq!(hint("kafka", "gruop_id"), None);
    }

    #[test]
    fn every_key_that_is_proposed_is_there() {
        let keys = keys();
        for (section, _, name) in ELSEWHERE {
            let dot = if section.is_empty() { "" } else { "." };
            let key = format!("{section}{dot}{name}");
            let below = format!("{key}.");
            assert!(keys.iter().any(|known| *known == key || known.starts_with(&below)), "{key}");
            assert!(keys.iter().any(|known| known.starts_with(section)), "{section}");
        }
    }
}
