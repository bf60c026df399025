//! The real binary, as scripts use it: what it prints where, and how it ends. Nothing here needs a server.

use std::fs;
use std::process::{Command, Output};

const PIPELINE: &str = "source: {topics: [web]}\ndestination: {index: 'web-%{+yyyy.MM.dd}'}\n";

/// A folder with one pipeline and a configuration.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pipelines")).unwrap();
        fs::write(folder.path().join("pipelines/web.yaml"), PIPELINE).unwrap();
        fs::write(folder.path().join("kelp.yaml"), config).unwrap();
        Self(folder)
    }

    /// Runs the program in this folder, in an environment that has nothing but these variables.
    fn kelp(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_kelp"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Ended::from(&output)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<&Output> for Ended {
    fn from(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

#[test]
fn help_and_version_go_to_standard_output_and_end_with_0() {
    let folder = Folder::with("");
    for (arguments, shown) in [
        (&["--help"][..], "64  bad configuration or usage"),
        (&["help", "run"], "KELP_ELASTICSEARCH__ENDPOINTS="),
        (&["run", "--help"], "kelp run -c kelp.yaml --memory-limit 1GiB"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let ended = folder.kelp(arguments, &[]);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments:?}");
        assert!(ended.stdout.contains(shown), "{shown} is not in\n{}", ended.stdout);
    }
}

#[test]
fn bad_usage_ends_with_64() {
    let folder = Folder::with("");
    for (arguments, shown) in [
        (&[][..], "requires a subcommand"),
        (&["rnu"], "unrecognized subcommand 'rnu'"),
        (&["run", "--group"], "--group-id"),
        (&["run", "--threads"], "a value is required"),
        (&["run", "surplus"], "unexpected argument 'surplus'"),
    ] {
        let ended = folder.kelp(arguments, &[]);
        assert_eq!((ended.code, &*ended.stdout), (Some(64), ""), "{arguments:?}\n{}", ended.stderr);
        assert!(ended.stderr.contains(shown), "{shown} is not in\n{}", ended.stderr);
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_ends_with_64() {
    let folder =
        Folder::with("kafka:\n  bootstrap_server: kafka:9092\nthreads: many\nelasticsearch: {endpoints: [es:9200]}\n");
    let variables = [("KELP_MEMORY_LIMIT", "1MiB"), ("KELP_THREAD", "1"), ("KELP_LOG", "kelp=loud")];
    let ended = folder.kelp(&["run", "-c", "kelp.yaml", "--admin-listen", "9600"], &variables);
    let expected = [
        r#"kelp.yaml:2:3: unknown key "kafka.bootstrap_server" (did you mean "bootstrap_servers"?)"#,
        r#"kelp.yaml:3:10: threads: "many" is not a whole number (give auto or a whole number from 1 to 1024)"#,
        r#"kelp.yaml:4:29: elasticsearch.endpoints: "es:9200" is neither http nor https"#,
        "KELP_MEMORY_LIMIT: memory_limit: 1MiB is too little (give at least 64MiB)",
        r#"KELP_THREAD: unknown key "thread" (did you mean "threads"?)"#,
        r#"--admin-listen: admin.listen: "9600" is not an address to listen on"#,
        r#"KELP_LOG: "kelp=loud" is not a log filter"#,
    ];
    assert_eq!((ended.code, &*ended.stdout), (Some(64), ""));
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(told.len(), expected.len(), "{}", ended.stderr);
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\nis not\n{expected}");
    }
}

#[test]
fn flags_stand_above_variables_above_the_file() {
    let folder = Folder::with("threads: file\nkafka: {group_id: fine}\n");
    let ended = folder.kelp(&["run"], &[]);
    assert!(ended.stderr.starts_with("kelp.yaml:1:10: threads: \"file\""), "{}", ended.stderr);
    let ended = folder.kelp(&["run"], &[("KELP_THREADS", "variable")]);
    assert!(ended.stderr.starts_with("KELP_THREADS: threads: \"variable\""), "{}", ended.stderr);
    let ended = folder.kelp(&["run", "--threads", "flag"], &[("KELP_THREADS", "variable")]);
    assert!(ended.stderr.starts_with("--threads: threads: \"flag\""), "{}", ended.stderr);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(64), 1), "{}", ended.stderr);
}

#[test]
fn a_file_that_was_named_and_is_not_there_ends_with_64() {
    let ended = Folder::with("").kelp(&["run", "-c", "other.yaml"], &[]);
    let stderr = "other.yaml: there is no such file (give the path of the configuration with -c)\n".to_owned();
    assert_eq!(ended, Ended { code: Some(64), stdout: String::new(), stderr });
}

#[test]
fn no_secret_is_printed() {
    let folder = Folder::with("elasticsearch: {endpoints: ['ftp://elastic:hunter2@es:9200']}\n");
    let ended = folder.kelp(&["run"], &[("KELP_KAFKA__PROPERTIES__SASL_PASSWORD", "hunter2")]);
    assert_eq!(ended.code, Some(64));
    assert!(ended.stderr.contains("ftp://***@es:9200") && !ended.stderr.contains("hunter2"), "{}", ended.stderr);
}

/// Before Kafka is asked anything.
#[test]
fn an_address_that_another_process_has_ends_with_70() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Folder::with("").kelp(&["run", "--admin-listen", &address, "--bootstrap-servers", "127.0.0.1:1"], &[]);
    assert_eq!((ended.code, &*ended.stdout), (Some(70), ""));
    let last = ended.stderr.lines().last().unwrap();
    let told = last.contains("cannot start") && last.contains(&address) && last.contains("give each its own");
    assert!(told, "{}", ended.stderr);
}
