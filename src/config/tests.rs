//! What is given is what is configured, and each mistake is told in these very words.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

/// A folder with a pipeline and, where there is text for it, a `kelp.yaml`.
struct Given {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Given {
    fn nothing() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        fs::create_dir(folder.path().join("empty")).unwrap();
        fs::write(folder.path().join("pipelines/web.yaml"), "").unwrap();
        let sources = Sources { folder: folder.path().to_owned(), ..Sources::default() };
        Self { folder, sources }
    }

    fn file(text: &str) -> Self {
        let given = Self::nothing();
        fs::write(given.path("kelp.yaml"), text).unwrap();
        given
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, flag: &'static str, path: &[&str], values: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        self.sources.flags.push(Setting { path: owned(path), values: owned(values), place: Place::Flag(flag) });
        self
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> Config {
        load(&self.sources).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// The mistakes, without the folder's own name.
    fn faults(&self) -> String {
        let faults = load(&self.sources).expect_err("there are mistakes").to_string();
        faults.replace(&format!("{}/", self.folder.path().display()), "/there/")
    }
}

#[test]
fn nothing_given_gives_the_defaults() {
    let given = Given::nothing();
    let config = given.config();
    assert_eq!(config.kafka.bootstrap_servers, "localhost:9092");
    assert_eq!(config.kafka.group_id, "kelp");
    assert_eq!(config.kafka.properties, Properties::default());
    assert_eq!((config.kafka.start, config.kafka.out_of_range), (Start::Beginning, OutOfRange::Stop));
    assert_eq!(config.kafka.drain_timeout, Duration::from_secs(3));
    assert_eq!(config.kafka.commit_interval, Duration::from_secs(1));
    assert_eq!(format!("{:?}", config.elasticsearch.endpoints), r#"["http://localhost:9200/"]"#);
    assert_eq!(config.elasticsearch.template, Template::Auto);
    assert_eq!(config.elasticsearch.request_timeout, Duration::from_secs(60));
    assert_eq!(config.elasticsearch.concurrency, 16);
    let bulk = config.elasticsearch.bulk;
    assert_eq!((bulk.max_bytes, bulk.max_documents, bulk.max_document_bytes), (5 << 20, 10_000, 50 << 20));
    assert_eq!(bulk.linger, Duration::from_millis(500));
    assert_eq!(config.pipelines.files().unwrap(), [given.path("pipelines/web.yaml")]);
    assert_eq!(config.dead_letter_topic, "kelp.dead-letters");
    assert_eq!(config.admin_listen.to_string(), "127.0.0.1:9600");
    assert_eq!((config.hang_after, config.stuck_after), (Duration::from_secs(60), Duration::from_secs(300)));
    assert_eq!((config.threads, config.memory_limit), (None, 512 << 20));
    assert_eq!(config.shutdown_timeout, Duration::from_secs(25));
    for text in ["", "# nothing\n", "kafka:\nelasticsearch: {bulk: ~}\nthreads:\n"] {
        assert_eq!(load(&Given::file(text).with_folder_of(&given)).unwrap(), config, "{text}");
    }
}

impl Given {
    /// The file of this one, seen from the folder of the other.
    fn with_folder_of(&self, other: &Given) -> Sources {
        fs::copy(self.path("kelp.yaml"), other.path("kelp.yaml")).unwrap();
        other.sources.clone()
    }
}

#[test]
fn everything_can_be_given_in_the_file() {
    let given = Given::file(
        r#"
kafka:
  bootstrap_servers: [kafka-1:9092, "SSL://[::1]:9093"]
  group_id: 007
  properties: {fetch.wait.max.ms: 50, enable.ssl.certificate.verification: false, client.rack: 1.10, sasl.password: ' hunter2 '}
  start: end
  out_of_range: beginning
  drain_timeout: 2s
  commit_interval: 100ms
elasticsearch:
  endpoints: ["https://elastic:hunter2@es-1:9200/base", "http://es-2:9200"]
  template: off
  request_timeout: 2m
  bulk: {max_bytes: 1MiB, max_documents: 500, linger: 0ms, max_document_bytes: 2MB}
  concurrency: 9
pipelines: [pipelines/web.yaml]
dead_letters: {topic: letters}
admin: {listen: "[::]:0", hang_after: 30s, stuck_after: 1h}
threads: 3
memory_limit: 64MiB
shutdown_timeout: 10s
"#,
    );
    let config = given.config();
    assert_eq!(config.kafka.bootstrap_servers, "kafka-1:9092,SSL://[::1]:9093");
    assert_eq!(config.kafka.group_id, "007");
    let properties: Vec<(&str, &str)> = config.kafka.properties.iter().collect();
    assert_eq!(
        properties,
        [
            ("client.rack", "1.10"),
            ("enable.ssl.certificate.verification", "false"),
            ("fetch.wait.max.ms", "50"),
            ("sasl.password", " hunter2 ")
        ]
    );
    assert_eq!((config.kafka.start, config.kafka.out_of_range), (Start::End, OutOfRange::Beginning));
    assert_eq!(config.kafka.drain_timeout, Duration::from_secs(2));
    assert_eq!(config.elasticsearch.endpoints[0].expose().as_str(), "https://elastic:hunter2@es-1:9200/base");
    assert_eq!(config.elasticsearch.endpoints[1].expose().as_str(), "http://es-2:9200/");
    assert_eq!(config.elasticsearch.template, Template::Off);
    let bulk = config.elasticsearch.bulk;
    assert_eq!((bulk.max_bytes, bulk.max_documents, bulk.max_document_bytes), (1 << 20, 500, 2_000_000));
    assert_eq!((bulk.linger, config.elasticsearch.concurrency), (Duration::ZERO, 9));
    assert_eq!(config.pipelines.files().unwrap(), [given.path("pipelines/web.yaml")]);
    assert_eq!(config.dead_letter_topic, "letters");
    assert_eq!(config.admin_listen.to_string(), "[::]:0");
    assert_eq!((config.hang_after, config.stuck_after), (Duration::from_secs(30), Duration::from_secs(3600)));
    assert_eq!((config.threads.map(NonZeroUsize::get), config.memory_limit), (Some(3), 64 << 20));
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
}

#[test]
fn flags_stand_above_variables_above_the_file() {
    let file = "kafka: {group_id: file, bootstrap_servers: file:1, properties: {client.rack: file, client.id: file}}\n";
    let given = Given::file(file)
        .variable("KELP_KAFKA__BOOTSTRAP_SERVERS", "variable:2")
        .variable("KELP_KAFKA__GROUP_ID", "variable")
        .variable("KELP_KAFKA__PROPERTIES__CLIENT_RACK", "variable")
        .variable("KELP_ELASTICSEARCH__ENDPOINTS", "http://a:1, http://b:2")
        .variable("KELP_ELASTICSEARCH__BULK__LINGER", "1s")
        .variable("KELP_THREADS", "2")
        .variable("KELP_LOG", "debug")
        .variable("KELP_SERVICE_HOST", "10.0.0.1")
        .variable("KELP_PORT", "tcp://10.0.0.1:9600")
        .variable("HOME", "/nowhere")
        .flag("--group-id", &["kafka", "group_id"], &["flag"])
        .flag("--endpoint", &["elasticsearch", "endpoints"], &["http://c:3", "http://d:4"]);
    let config = given.config();
    assert_eq!(config.kafka.bootstrap_servers, "variable:2");
    assert_eq!(config.kafka.group_id, "flag");
    assert_eq!(config.kafka.properties.get("client.rack"), Some("variable"));
    assert_eq!(config.kafka.properties.get("client.id"), Some("file"));
    assert_eq!(format!("{:?}", config.elasticsearch.endpoints), r#"["http://c:3/", "http://d:4/"]"#);
    assert_eq!(config.elasticsearch.bulk.linger, Duration::from_secs(1));
    assert_eq!(config.threads.map(NonZeroUsize::get), Some(2));
}

#[test]
fn variables_take_lists_parted_by_commas() {
    let given = Given::nothing().variable("KELP_ELASTICSEARCH__ENDPOINTS", "http://a:1, http://b:2,");
    assert_eq!(format!("{:?}", given.config().elasticsearch.endpoints), r#"["http://a:1/", "http://b:2/"]"#);
}

#[test]
fn paths_start_where_they_were_written() {
    let mut given = Given::nothing();
    for folder in ["etc", "etc/rules"] {
        fs::create_dir(given.path(folder)).unwrap();
    }
    fs::write(given.path("etc/rules/a.yaml"), "").unwrap();
    fs::write(given.path("etc/template.json"), "{}").unwrap();
    fs::write(given.path("etc/kelp.yaml"), "pipelines: rules\nelasticsearch: {template: template.json}\n").unwrap();
    given.sources.file = Some("etc/kelp.yaml".into());
    let config = given.config();
    assert_eq!(config.pipelines.files().unwrap(), [given.path("etc/rules/a.yaml")]);
    assert_eq!(config.elasticsearch.template, Template::File(given.path("etc/template.json")));

    let given = given.flag("--pipelines", &["pipelines"], &["etc/rules/a.yaml,pipelines"]);
    let expected = [given.path("etc/rules/a.yaml"), given.path("pipelines/web.yaml")];
    assert_eq!(given.config().pipelines.files().unwrap(), expected);
}

#[test]
fn variables_are_replaced_in_values_and_make_no_structure() {
    let text = "
kafka:
  bootstrap_servers: ${KAFKA_HOST}:${KAFKA_PORT:-9092}
  group_id: '${GROUP}'
  properties: {client.rack: '$${RACK}', sasl.password: \"${PASSWORD}\"}
elasticsearch:
  endpoints: ['https://${ES:-es-1}:9200', \"http://${ES:-es-2}:9200\"]
threads: ${N}
memory_limit: ${LIMIT:-64MiB}
";
    let given = Given::file(text)
        .variable("KAFKA_HOST", "k")
        .variable("GROUP", "a}\nthreads: 9 # ${N}")
        .variable("PASSWORD", "hun$ter: [2]")
        .variable("N", "2")
        .variable("LIMIT", "");
    let config = given.config();
    assert_eq!(config.kafka.bootstrap_servers, "k:9092");
    assert_eq!(config.kafka.group_id, "a}\nthreads: 9 # ${N}");
    assert_eq!(config.kafka.properties.get("client.rack"), Some("${RACK}"));
    assert_eq!(config.kafka.properties.get("sasl.password"), Some("hun$ter: [2]"));
    assert_eq!(format!("{:?}", config.elasticsearch.endpoints), r#"["https://es-1:9200/", "http://es-2:9200/"]"#);
    assert_eq!((config.threads.map(NonZeroUsize::get), config.memory_limit), (Some(2), 64 << 20));
}

#[test]
fn a_variable_that_is_not_set_is_told_once_and_with_its_place() {
    let text = "kafka:\n  group_id: kelp-${STAGE}\n  properties: {sasl.password: '${A}-${B}'}\nelasticsearch: {endpoints: [\"http://${ES}:9200\", '${PORT']}\nthreads: ${1}\n";
    let expected = r#"
kelp.yaml:2:18: the variable STAGE is not set (set it, or give a default: ${STAGE:-…})
kelp.yaml:3:32: the variable A is not set (set it, or give a default: ${A:-…})
kelp.yaml:3:37: the variable B is not set (set it, or give a default: ${B:-…})
kelp.yaml:4:37: the variable ES is not set (set it, or give a default: ${ES:-…})
kelp.yaml:4:51: a ${ without its } (write ${NAME} or ${NAME:-default}, and $${ for ${ itself)
kelp.yaml:5:10: "1" is no name of a variable (write ${NAME} or ${NAME:-default}, and $${ for ${ itself)"#;
    assert_eq!(Given::file(text).faults(), expected.trim_start());
    let faults = Given::file("kafka: {group_id: ${GROUP}}\n").faults();
    assert!(faults.ends_with("(within { } and [ ] a value with ${…} needs quotes)"), "{faults}");
}

#[test]
fn secrets_can_stand_in_files() {
    let given = Given::file(
        "kafka: {properties_files: {sasl.password: secrets/kafka}}\nelasticsearch: {endpoints: ['http://es'], username: elastic, password_file: secrets/es}\n",
    );
    fs::create_dir(given.path("secrets")).unwrap();
    fs::write(given.path("secrets/kafka"), "hunter2 \n").unwrap();
    fs::write(given.path("secrets/es"), "hun%ter2\r\n").unwrap();
    let config = given.config();
    assert_eq!(config.kafka.properties.get("sasl.password"), Some("hunter2 "));
    assert_eq!(config.elasticsearch.endpoints[0].expose().as_str(), "http://elastic:hun%25ter2@es/");
    assert!(!format!("{config:?}").contains("hunter2"));
    let elsewhere = given.path("secrets/kafka").display().to_string();
    let given = given
        .variable("KELP_KAFKA__PROPERTIES_FILES__SSL_KEY_PASSWORD", &elsewhere)
        .variable("KELP_ELASTICSEARCH__PASSWORD_FILE", "secrets/kafka");
    assert_eq!(given.config().kafka.properties.get("ssl.key.password"), Some("hunter2 "));
    assert_eq!(given.config().elasticsearch.endpoints[0].expose().password(), Some("hunter2%20"));
}

#[test]
fn a_secret_that_cannot_be_had_names_its_key() {
    let given = Given::file(
        "kafka:\n  properties: {sasl.password: hunter2}\n  properties_files: {sasl.password: full, ssl.key.password: none, acks: full, ssl.key.pem: hollow}\nelasticsearch: {username: u, password: hunter2, password_file: full}\n",
    );
    fs::write(given.path("full"), "hunter2").unwrap();
    fs::write(given.path("hollow"), "\n").unwrap();
    let expected = r#"
kelp.yaml:3:22: kafka.properties_files.sasl.password: kafka.properties has "sasl.password" too (keep one of the two)
kelp.yaml:3:61: kafka.properties_files.ssl.key.password: the file "/there/none" cannot be read: No such file or directory (os error 2) (give the path of a file with the secret in it, readable by this user)
kelp.yaml:3:67: kafka.properties_files.acks: is not for you to set (a dead letter counts only when every replica in sync has it)
kelp.yaml:3:92: kafka.properties_files.ssl.key.pem: the file "/there/hollow" is empty (write the secret into it)
kelp.yaml:4:64: elasticsearch.password_file: password is given too (keep one of the two)"#;
    assert_eq!(given.faults(), expected.trim_start());
    for (text, what) in [
        ("username: u", "kelp.yaml:1:27: elasticsearch.username: is given without a password (give both, or neither)"),
        ("password: p", "kelp.yaml:1:27: elasticsearch.password: is given without a username (give both, or neither)"),
        (
            "username: u, password: hunter2, endpoints: ['http://a:hunter2@es']",
            "kelp.yaml:1:27: elasticsearch.username: http://***@es/ has a user of its own (give the user once: in the endpoints, or in username and password)",
        ),
    ] {
        assert_eq!(Given::file(&format!("elasticsearch: {{{text}}}\n")).faults(), what);
    }
}

#[test]
fn the_keys_are_those_that_are_read() {
    let keys = keys();
    for key in ["kafka.group_id", "kafka.properties", "elasticsearch.bulk.linger", "pipelines", "threads"] {
        assert!(keys.iter().any(|known| known == key), "{key}: {keys:?}");
    }
    assert!(!keys.iter().any(|known| known == "kafka" || known == "elasticsearch.bulk"), "{keys:?}");
}

/// Each mistake alone, in the file, and the one line that is said about it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "kafka:\n  bootstrap_server: localhost:9092\n",
        r#"kelp.yaml:2:3: unknown key "kafka.bootstrap_server" (did you mean "bootstrap_servers"?)"#,
    ),
    (
        "outputs: [elasticsearch]\n",
        r#"kelp.yaml:1:1: unknown key "outputs" (known keys: memory_limit, kafka, elasticsearch, pipelines, dead_letters, admin, threads, shutdown_timeout, trace)"#,
    ),
    (
        "kafka:\n  bootstrap_servers: http://localhost:9092\n",
        r#"kelp.yaml:2:22: kafka.bootstrap_servers: "http://localhost:9092" is not the address of a broker (host:port, several parted by commas, like kafka-1:9092,kafka-2:9092)"#,
    ),
    (
        "kafka: {bootstrap_servers: 'localhost:90921'}\n",
        r#"kelp.yaml:1:28: kafka.bootstrap_servers: "localhost:90921" is not the address of a broker (host:port, several parted by commas, like kafka-1:9092,kafka-2:9092)"#,
    ),
    ("kafka: {group_id: ''}\n", "kelp.yaml:1:19: kafka.group_id: is empty (leave it out to take the default)"),
    ("kafka: localhost:9092\n", "kelp.yaml:1:8: kafka: must be a group of settings (key: value)"),
    (
        "kafka:\n  properties:\n    enable.auto.commit: true\n",
        "kelp.yaml:3:5: kafka.properties.enable.auto.commit: is not for you to set (offsets are committed only when every record below them is settled)",
    ),
    (
        "kafka: {properties: {ssl: {ca.location: x}}}\n",
        "kelp.yaml:1:27: kafka.properties.ssl: must be one value, not a group of settings (remove what is below it)",
    ),
    ("kafka: {start: latest}\n", r#"kelp.yaml:1:16: kafka.start: "latest" is not known (give beginning or end)"#),
    (
        "kafka: {drain_timeout: 3}\n",
        r#"kelp.yaml:1:24: kafka.drain_timeout: "3" is not a length of time (a whole number and a unit, like 500ms, 3s, 2m or 1h)"#,
    ),
    (
        "kafka: {drain_timeout: 4s, properties: {max.poll.interval.ms: 6000}}\n",
        "kelp.yaml:1:24: kafka.drain_timeout: 4s is too long (at most 3s, half of max.poll.interval.ms: the whole group waits for it)",
    ),
    (
        "kafka: {commit_interval: 0s}\n",
        "kelp.yaml:1:26: kafka.commit_interval: 0s is too short (at least 10ms: each commit is a request to the broker)",
    ),
    (
        "elasticsearch:\n  endpoints:\n  - http://es-1:9200\n  - htps://elastic:hunter2@es-2:9200\n",
        r#"kelp.yaml:4:5: elasticsearch.endpoints: "htps://***@es-2:9200" is neither http nor https (like http://localhost:9200 or https://user:password@es.example:9200)"#,
    ),
    (
        "elasticsearch: {endpoints: localhost:9200}\n",
        r#"kelp.yaml:1:28: elasticsearch.endpoints: "localhost:9200" is neither http nor https (like http://localhost:9200 or https://user:password@es.example:9200)"#,
    ),
    (
        "elasticsearch: {endpoints: ['http://es:9200', 'http://es:9200/']}\n",
        "kelp.yaml:1:47: elasticsearch.endpoints: http://es:9200/ is given twice (name each node once)",
    ),
    (
        "elasticsearch: {endpoints: ['http://es:9200/?pretty']}\n",
        r#"kelp.yaml:1:29: elasticsearch.endpoints: "http://es:9200/?pretty" has more than an address and a path (remove what follows ? or #)"#,
    ),
    (
        "elasticsearch: {endpoints: []}\n",
        "kelp.yaml:1:28: elasticsearch.endpoints: is an empty list (give at least one)",
    ),
    (
        "elasticsearch: {template: template.json}\n",
        r#"kelp.yaml:1:27: elasticsearch.template: there is no file "/there/template.json" (give auto, off or the path of a file)"#,
    ),
    (
        "elasticsearch: {request_timeout: 10ms}\n",
        "kelp.yaml:1:34: elasticsearch.request_timeout: is too short (at least 1s: a request given up too early is sent again, and its documents have to be verified)",
    ),
    (
        "elasticsearch: {concurrency: 0}\n",
        "kelp.yaml:1:30: elasticsearch.concurrency: 0 is out of range (give a whole number from 1 to 1024)",
    ),
    (
        "elasticsearch: {concurrency: 500}\n",
        "kelp.yaml:1:30: elasticsearch.concurrency: 500 requests of 5MiB are more than half of memory_limit, 512MiB (lower concurrency or bulk.max_bytes, or raise memory_limit)",
    ),
    (
        "elasticsearch: {bulk: {max_bytes: 20MiB}}\nmemory_limit: 64MiB\n",
        "kelp.yaml:1:35: elasticsearch.bulk.max_bytes: 20MiB is more than a quarter of memory_limit, 64MiB (lower it, or raise memory_limit)",
    ),
    (
        "elasticsearch: {bulk: {max_bytes: 5 megabytes}}\n",
        r#"kelp.yaml:1:35: elasticsearch.bulk.max_bytes: "5 megabytes" is not a size (a whole number and a unit, like 512MiB, 5MB or 1GiB)"#,
    ),
    (
        "elasticsearch: {bulk: {linger: 2m}}\n",
        "kelp.yaml:1:32: elasticsearch.bulk.linger: is too long (at most 60s: documents wait that long before they can be found)",
    ),
    (
        "pipelines: rules\n",
        r#"kelp.yaml:1:12: pipelines: there is no file or folder "/there/rules" (give the folder with the pipeline files, or a list of files)"#,
    ),
    (
        "pipelines: empty\n",
        "kelp.yaml:1:12: pipelines: there is no pipeline in this folder (a pipeline is a file named like web.yaml that says which topics go to which index)",
    ),
    (
        "dead_letters: {topic: dead letters}\n",
        r#"kelp.yaml:1:23: dead_letters.topic: "dead letters" is not a name for a topic (up to 249 letters, digits, dots, underscores and hyphens)"#,
    ),
    (
        "admin: {listen: localhost:9600}\n",
        r#"kelp.yaml:1:17: admin.listen: "localhost:9600" is not an address to listen on (an IP address and a port, like 127.0.0.1:9600, or 0.0.0.0:9600 for every interface)"#,
    ),
    (
        "threads: many\n",
        r#"kelp.yaml:1:10: threads: "many" is not a whole number (give auto or a whole number from 1 to 1024)"#,
    ),
    ("threads: [1, 2]\n", "kelp.yaml:1:10: threads: must be one value, not a list (remove the brackets or dashes)"),
    ("memory_limit: 32MiB\n", "kelp.yaml:1:15: memory_limit: 32MiB is too little (give at least 64MiB)"),
    (
        "shutdown_timeout: 3s\n",
        "kelp.yaml:1:19: shutdown_timeout: 3s is not longer than kafka.drain_timeout, 3s (an orderly end drains first, and then commits and leaves)",
    ),
    (
        "kafka: {drain_timeout: 30s}\n",
        "kelp.yaml:1:24: kafka.drain_timeout: 30s is not shorter than shutdown_timeout, 25s (an orderly end drains first, and then commits and leaves)",
    ),
    (
        "threads: 1\nthreads: 2\n",
        r#"kelp.yaml:2:1: duplicate key "threads": it stands at line 1 already (remove one of the two)"#,
    ),
    ("- kafka\n", "kelp.yaml:1:1: must be a group of settings (such as kafka: {bootstrap_servers: localhost:9092})"),
];

#[test]
fn each_mistake_in_the_file_is_told_in_one_line_with_its_place() {
    for (text, expected) in MISTAKES {
        assert_eq!(Given::file(text).faults(), *expected, "{text}");
    }
}

#[test]
fn every_mistake_of_every_source_is_told_at_once_in_order() {
    let text = "kafka:\n  gruop_id: x\n  drain_timeout: soon\nthreads: 0\nmemory_limit: much\nelasticsearch: {endpoints: [ftp://es]}\n";
    let given = Given::file(text)
        .variable("KELP_KAFKA__COMMIT_INTERVAL", "1")
        .variable("KELP_KAFKA__TOPIC", "web")
        .variable("KELP_THREAD", "2")
        .variable("KELP_KAFKA__PROPERTIES__GROUP_ID", "x")
        .variable("KELP___", "x")
        .variable("KELP_ADMIN", "x")
        .flag("--pipelines", &["pipelines"], &["nowhere"]);
    let expected = r#"
kelp.yaml:2:3: unknown key "kafka.gruop_id" (did you mean "group_id"?)
kelp.yaml:3:18: kafka.drain_timeout: "soon" is not a length of time (a whole number and a unit, like 500ms, 3s, 2m or 1h)
kelp.yaml:4:10: threads: 0 is out of range (give auto or a whole number from 1 to 1024)
kelp.yaml:5:15: memory_limit: "much" is not a size (a whole number and a unit, like 512MiB, 5MB or 1GiB)
kelp.yaml:6:29: elasticsearch.endpoints: "ftp://es" is neither http nor https (like http://localhost:9200 or https://user:password@es.example:9200)
KELP_ADMIN: admin: must be a group of settings (key: value)
KELP_KAFKA__COMMIT_INTERVAL: kafka.commit_interval: "1" is not a length of time (a whole number and a unit, like 500ms, 3s, 2m or 1h)
KELP_KAFKA__PROPERTIES__GROUP_ID: kafka.properties.group.id: is not for you to set (set kafka.group_id instead)
KELP_KAFKA__TOPIC: unknown key "kafka.topic" (each pipeline's file names its topics, below source)
KELP_THREAD: unknown key "thread" (did you mean "threads"?)
KELP___: unknown variable (two underscores part the keys, like KELP_KAFKA__GROUP_ID)
--pipelines: pipelines: there is no file or folder "/there/nowhere" (give the folder with the pipeline files, or a list of files)"#;
    assert_eq!(given.faults(), expected.trim_start());
}

#[test]
fn a_variable_may_not_contradict_another() {
    let given = Given::nothing().variable("KELP_ADMIN__LISTEN", "127.0.0.1:1").variable("KELP_ADMIN", "127.0.0.1:2");
    let faults = given.faults();
    assert!(faults.contains("KELP_ADMIN__LISTEN: sets what another variable sets as a whole (unset one of the two)"));
}

#[test]
fn a_file_that_was_named_has_to_be_there() {
    let mut given = Given::nothing();
    given.sources.file = Some("other.yaml".into());
    assert_eq!(given.faults(), "other.yaml: there is no such file (give the path of the configuration with -c)");
    fs::write(given.path("other.yaml"), b"kafka: \xff").unwrap();
    assert_eq!(given.faults(), "other.yaml: is not UTF-8 text (save the file as UTF-8)");
}

#[test]
fn without_pipelines_it_says_where_they_are_looked_for() {
    let given = Given::nothing();
    fs::remove_dir_all(given.path("pipelines")).unwrap();
    let hint = "(give the folder with the pipeline files, or a list of files)";
    let what = "pipelines: there is no file or folder \"/there/pipelines\"";
    assert_eq!(given.faults(), format!("default configuration: {what} {hint}"));
    fs::write(given.path("kelp.yaml"), "threads: 1\n").unwrap();
    assert_eq!(given.faults(), format!("kelp.yaml: {what} {hint}"));
}

#[test]
fn a_syntax_error_has_a_place() {
    let faults = Given::file("kafka: [\nthreads: 1\n").faults();
    assert!(faults.starts_with("kelp.yaml:2:"), "{faults}");
    assert_eq!(faults.lines().count(), 1, "{faults}");
}

#[test]
fn no_mistake_shows_a_secret() {
    let text = "elasticsearch: {endpoints: ['elastic:hunter2@es:9200', 'http://u:hunter2@:1']}\nkafka: {bootstrap_servers: 'SSL://u:hunter2@k:1'}\n";
    let name = "KELP_ELASTICSEARCH__ENDPOINTS";
    for given in [Given::file(text), Given::file(text).variable(name, "https://u:hunter2@es:99999")] {
        let faults = given.faults();
        assert!(faults.contains("***@") && !faults.contains("hunter2"), "{faults}");
    }
}

#[test]
fn the_working_folder_of_the_process_does_not_matter() {
    let config = Given::nothing().config();
    assert!(config.pipelines.0.iter().all(|path| path.is_absolute() && path != Path::new("pipelines")));
}

#[test]
fn what_follows_from_a_file_that_cannot_be_read_is_not_told() {
    let mut given = Given::nothing();
    fs::remove_dir_all(given.path("pipelines")).unwrap();
    fs::write(given.path("kelp.yaml"), "kafka: [\n").unwrap();
    assert!(!given.faults().contains("pipelines"), "{}", given.faults());
    given.sources.file = Some("other.yaml".into());
    assert_eq!(given.faults().lines().count(), 1);
}

#[test]
fn every_wrong_element_of_a_list_is_told() {
    let faults = Given::file("elasticsearch: {endpoints: [ftp://a, 'http://b:1', 'http://b:1', c d]}").faults();
    for what in ["ftp", "given twice", "is not a URL"] {
        assert!(faults.contains(what), "{faults}");
    }
}
