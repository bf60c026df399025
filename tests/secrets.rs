//! No secret is shown: not in mistakes, not in the log at its most talkative, not on the administrative pages.
//!
//! Each secret is a canary of its own, given in every way there is; servers that are not there make everything fail that
//! could talk about them.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::commands::{Folder, WEB};

const CANARIES: [(&str, &str); 6] = [
    ("url", "canary-url-5d1f"),
    ("file", "canary-file-77aa"),
    ("variable", "canary-variable-13c2"),
    ("substituted", "canary-substituted-9e0b"),
    ("property", "canary-property-40d8"),
    ("property in a file", "canary-property-file-b6f3"),
];

fn look_for_canaries(whence: &str, text: &str) {
    for (name, canary) in CANARIES {
        assert!(!text.contains(canary), "{whence} shows the secret given by {name}:\n{text}");
    }
}

fn canary(name: &str) -> &'static str {
    CANARIES.iter().find(|(known, _)| *known == name).unwrap().1
}

/// A port that nobody listens on.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn folder(config: &str) -> Folder {
    Folder::with(&[
        ("kelp.yaml", config),
        ("pipelines/web.yaml", WEB),
        ("secret", canary("file")),
        ("property", canary("property in a file")),
    ])
}

#[test]
fn mistakes_show_no_secret() {
    let url = canary("url");
    let property = canary("property");
    for config in [
        format!("elasticsearch: {{endpoints: ['ftp://elastic:{url}@es', 'http://u:{url}@', 'elastic:{url}@es:9200']}}\n"),
        format!("elasticsearch: {{endpoints: ['http://a:{url}@es'], username: u, password_file: secret}}\n"),
        format!("elasticsearch: {{username: u, password: {property}, password_file: secret}}\n"),
        format!("elasticsearch: {{password: [{property}]}}\nkafka: {{properties: {{sasl.password: [{property}]}}}}\n"),
        format!("kafka: {{properties: {{sasl.pasword: {property}, ssl.key.pem: {property}, ssl.keystore.password: {property}}}}}\n"),
        "kafka: {properties_files: {ssl.key.pem: property, sasl.pasword: property}}\nthreads: x\n".to_owned(),
        format!("kafka: {{bootstrap_servers: 'SSL://u:{url}@k:1'}}\n"),
        "elasticsearch:\n  username: u\n  password: ${SECRET}\n  endpoints: ['http://${USER}:${SECRET}@es', '${MISSING}']\n".to_owned(),
    ] {
        let variables = [
            ("SECRET", canary("substituted")),
            ("USER", "me"),
            ("KELP_KAFKA__PROPERTIES__SSL_KEY_PASSWORD", canary("variable")),
            ("KELP_KAFKA__PROPERTIES__SSL_CERTIFICATE_PEM", "none"),
        ];
        for command in ["check", "run"] {
            let ended = folder(&config).kelp(&[command], "", &variables);
            assert_eq!(ended.code, Some(64), "{config}{ended:?}");
            look_for_canaries(command, &(ended.stderr + &ended.stdout));
        }
    }
}

/// Whoever asks for help where secrets are set is not shown them.
#[test]
fn help_shows_no_secret() {
    let folder = folder("elasticsearch: {username: u, password_file: secret}\n");
    let variables = [
        ("KELP_ELASTICSEARCH__PASSWORD", canary("variable")),
        ("KELP_ELASTICSEARCH__API_KEY", canary("substituted")),
        ("KELP_ELASTICSEARCH__ENDPOINTS", canary("url")),
        ("KELP_KAFKA__PROPERTIES__SASL_PASSWORD", canary("property")),
    ];
    for arguments in [&["--help"][..], &["help", "run"], &["run", "-h"], &["check", "--help"], &["run", "--surplus"]] {
        let ended = folder.kelp(arguments, "", &variables);
        assert!(ended.stdout.len() + ended.stderr.len() > 50, "{ended:?}");
        look_for_canaries("help", &(ended.stderr + &ended.stdout));
    }
}

#[test]
fn a_service_that_fails_at_everything_shows_no_secret() {
    let (kafka, elastic, admin) = (nobody(), nobody(), nobody());
    let config = format!(
        "kafka:
  bootstrap_servers: 127.0.0.1:{kafka}
  properties:
    security.protocol: sasl_plaintext
    sasl.mechanism: SCRAM-SHA-256
    sasl.username: ${{USER}}
    sasl.password: '{}'
    debug: all
  properties_files: {{ssl.key.password: property}}
elasticsearch:
  endpoints: ['http://127.0.0.1:{elastic}', 'http://localhost:{elastic}']
  username: me
  password_file: secret
",
        canary("property")
    );
    let config_of_urls = format!(
        "kafka: {{bootstrap_servers: '127.0.0.1:{kafka}'}}
elasticsearch: {{endpoints: ['http://me:{}@127.0.0.1:{elastic}', \"http://me:${{SECRET}}@localhost:{elastic}\"]}}
",
        canary("url")
    );
    for config in [config, config_of_urls] {
        let folder = folder(&config);
        let listen = format!("127.0.0.1:{admin}");
        let variables = [
            ("USER", "me"),
            ("SECRET", canary("substituted")),
            ("KELP_KAFKA__PROPERTIES__SSL_KEYSTORE_PASSWORD", canary("variable")),
            ("KELP_ADMIN__LISTEN", &*listen),
            ("KELP_LOG", "trace"),
            ("RUST_BACKTRACE", "1"),
        ];
        let mut child = Command::new(env!("CARGO_BIN_EXE_kelp"))
            .arg("run")
            .current_dir(folder.0.path())
            .env_clear()
            .envs(variables)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pages = String::new();
        let client = reqwest::blocking::Client::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        for path in ["readyz", "metrics", "livez", ""] {
            loop {
                assert!(Instant::now() < deadline, "no answer from /{path}");
                // It listens once it has begun.
                if let Ok(answer) = client.get(format!("http://{listen}/{path}")).send() {
                    pages += &answer.text().unwrap();
                    break;
                }
                std::thread::yield_now();
            }
        }
        // The process ends by itself at SIGTERM, as nothing is in flight.
        let ended = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(ended.success());
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        child.wait().unwrap();
        assert!(log.lines().count() >= 2, "the log is not talkative:\n{log}");
        look_for_canaries("the log", &log);
        look_for_canaries("a page", &pages);
    }
}

#[test]
fn what_is_configured_is_shown_without_secrets() {
    let folder = folder(
        "elasticsearch: {username: me, password_file: secret}\nkafka: {properties_files: {sasl.password: property}}\n",
    );
    let sources = kelp::config::Sources { folder: folder.0.path().to_owned(), ..Default::default() };
    let config = kelp::config::load(&sources).unwrap();
    assert_eq!(config.kafka.properties.get("sasl.password"), Some(canary("property in a file")));
    let endpoint = &config.elasticsearch.endpoints[0];
    assert_eq!(endpoint.expose().password(), Some(canary("file")));
    look_for_canaries("Debug", &format!("{config:?} {config:#?} {endpoint}"));
}
