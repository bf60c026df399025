//! `kelp check`, `kelp simulate` and `kelp test` as scripts use them: the real binary, without servers.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

pub const WEB: &str = r#"source: {topics: [web]}
processors:
  - grok: {field: message, patterns: ["^%{IP:client} %{WORD:verb} %{NUMBER:status:int}$"]}
  - drop: {if: ctx.verb == 'HEAD'}
destination: {index: 'web-%{+yyyy.MM.dd}'}
tests:
  - {name: a request, given: 10.0.0.1 GET 200, expect: {verb: GET, status: 200}}
  - {given: 10.0.0.1 HEAD 200, expect: dropped}
"#;

pub const APP: &str = "source: {topics: [app, audit], codec: json}
destination: {index: 'app-%{[kind]}'}
tests: [{given: {kind: x, '@timestamp': '2026-11-20'}, expect: {kind: x}, index: app-x}]
";

/// A folder in which the program is run.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    /// With these files; folders on the way are made.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn kelp(&self, arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kelp"));
        command.args(arguments).current_dir(self.0.path()).env_clear().envs(variables.iter().copied());
        feed(&mut command, input)
    }
}

/// Runs a command with this on its standard input.
pub fn feed(command: &mut Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who reads nothing may be gone by now.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    Ended::from(&child.wait_with_output().unwrap())
}

#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<&Output> for Ended {
    fn from(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_sound_configuration_is_summed_up() {
    let folder =
        Folder::with(&[("kelp.yaml", "threads: 1\n"), ("pipelines/web.yaml", WEB), ("pipelines/app.yaml", APP)]);
    let stdout =
        "app: app, audit -> app-*\nweb: web -> web-*\nno mistake found: 2 pipelines, 3 topics, 3 tests passed\n";
    let expected = Ended { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() };
    assert_eq!(folder.kelp(&["check"], "", &[]), expected);
    assert_eq!(folder.kelp(&["check", "-c", "kelp.yaml"], "", &[]), expected);
    assert_eq!(folder.kelp(&["check", "pipelines"], "", &[]), expected);
    let one = folder.kelp(&["check", "pipelines/web.yaml"], "", &[("KELP_THREADS", "not looked at")]);
    assert_eq!(one.stdout, "web: web -> web-*\nno mistake found: 1 pipeline, 1 topic, 2 tests passed\n");
    let one = folder.kelp(&["check", "-c", "kelp.yaml", "pipelines/web.yaml"], "", &[]);
    assert!(one.stdout.ends_with("1 pipeline, 1 topic, 2 tests passed\n"), "{one:?}");
}

/// Mistakes of the file, of variables, and of every pipeline, by itself and against others.
#[test]
fn check_and_run_tell_every_mistake_of_everything() {
    let folder = Folder::with(&[
        (
            "kelp.yaml",
            "kafka:\n  gruop_id: x\n  properties: {sasl.pasword: hunter2}\nelasticsearch: {template: t.json}\n",
        ),
        ("t.json", "{\n  \"a\": }\n"),
        ("pipelines/a.yaml", "source: {topics: [web]}\ndestination: {index: 'Web-%{+yyyy.MM.DD}'}\n"),
        ("pipelines/b.yaml", &WEB.replace("status: 200}", "status: 404}")),
        ("pipelines/c.yaml", &APP.replace("[app, audit]", "[app, web, kelp.dead-letters]")),
        ("pipelines/d.yaml", "source: {topics: [x]\n"),
    ]);
    let check = folder.kelp(&["check", "-c", "kelp.yaml"], "", &[("KELP_THREADS", "many")]);
    let expected = r#"
kelp.yaml:2:3: unknown key "kafka.gruop_id" (did you mean "group_id"?)
kelp.yaml:3:30: kafka.properties.sasl.pasword: librdkafka knows no such property (did you mean "sasl.password"?)
KELP_THREADS: threads: "many" is not a whole number (give auto or a whole number from 1 to 1024)
pipelines/a.yaml:2:22: an index name has no capitals, and this has 'W' (write it in small letters, or set destination.lowercase: true)
pipelines/a.yaml:2:22: index: the date pattern has "DD", which is not supported (D is the day of the year; the day of the month is dd)
pipelines/b.yaml:7:68: the test "a request" fails: status: 404 expected, 200 came (mend the pipeline, or what the test expects)
pipelines/c.yaml:1:24: the topic "web" belongs to the pipeline at pipelines/b.yaml:1:19 already (a topic belongs to one pipeline: remove it from one of the two)
pipelines/c.yaml:1:29: the topic "kelp.dead-letters" is that of the dead letters, which would come back as records (remove it, or set dead_letters.topic to another)
pipelines/d.yaml:2:1: while parsing a flow mapping, did not find expected ',' or '}' (close the {, and put texts with special characters in quotes)
t.json:2:8: is not JSON: expected value at line 2 column 8 (a template is the body of PUT _index_template)
"#;
    assert_eq!(check.stderr.replace(&format!("{}/", folder.0.path().display()), ""), expected.trim_start());
    assert_eq!((check.code, &*check.stdout), (Some(64), ""));
    let run = folder.kelp(&["run", "-c", "kelp.yaml"], "", &[("KELP_THREADS", "many")]);
    assert_eq!(run, check, "what check finds, run refuses");
    let ended = folder.kelp(&["check", "pipelines/a.yaml", "none.yaml"], "", &[]);
    assert_eq!(ended.code, Some(64));
    assert!(ended.stderr.starts_with("none.yaml: there is no such file or folder"), "{ended:?}");
    assert!(ended.stderr.contains("pipelines/a.yaml:2:22: index: "), "{ended:?}");
}

#[test]
fn warnings_are_told_and_change_nothing() {
    let pipeline = "source: {topics: [t]}
processors:
  - date: {field: t, formats: ['yyyy-mm-dd HH:mm', 'yyyy-MM-dd HH:mm Z', UNIX, 'yyyy-mm-dd XXX']}
  - date: {field: t, formats: ['yyyy-MM-dd HH:mm'], timezone: UTC}
destination: {index: 'x-%{+yyyy.MM.dd}'}
";
    let folder = Folder::with(&[("pipelines/t.yaml", pipeline), ("more/t.yaml", WEB)]);
    let ended = folder.kelp(&["check", "pipelines", "more"], "", &[]);
    let expected = r#"
pipelines/t.yaml:3:32: warning: the dates of the format "yyyy-mm-dd HH:mm" have no zone and are taken for UTC (say which zone with timezone: Europe/Amsterdam, or timezone: UTC)
pipelines/t.yaml:3:80: warning: the format "yyyy-mm-dd XXX" has minutes and no hour (mm is the minute; the month is MM)
more/t.yaml: warning: the pipeline has the name "t" as pipelines/t.yaml has (metrics and dead letters name pipelines by their files: rename one of the two)
"#;
    assert_eq!((ended.code, &*ended.stderr), (Some(0), expected.trim_start()));
    assert!(ended.stdout.ends_with("no mistake found: 2 pipelines, 2 topics, 2 tests passed\n"));
}

/// Whether there is a topic that two patterns match only the brokers know; that there could be is told.
#[test]
fn patterns_that_meet_are_warned_of() {
    let folder = Folder::with(&[
        ("kelp.yaml", "threads: 1\n"),
        ("pipelines/a.yaml", "source: {topics: [own], topics_pattern: 'logs-.*'}\ndestination: {index: a}\n"),
        ("pipelines/b.yaml", "source: {topics_pattern: '.*-web'}\ndestination: {index: b}\n"),
        ("pipelines/c.yaml", "source: {topics: [logs-c]}\ndestination: {index: c}\n"),
    ]);
    let stdout = "a: own, logs-.* (pattern) -> a\nb: .*-web (pattern) -> b\nc: logs-c -> c\n\
                  no mistake found: 3 pipelines, 2 topics, 2 patterns, 0 tests passed\n";
    let stderr = "pipelines/b.yaml:1:26: warning: a topic such as \"logs-web\" is matched by the pattern at pipelines/a.yaml:1:41, \
                  too (nobody would read it: narrow one of the patterns, or name such topics in source.topics of one)\n";
    let expected = Ended { code: Some(0), stdout: stdout.to_owned(), stderr: stderr.to_owned() };
    assert_eq!(folder.kelp(&["check", "-c", "kelp.yaml"], "", &[]), expected);
    assert_eq!(folder.kelp(&["check", "pipelines"], "", &[]), expected);
}

#[test]
fn simulated_records_become_what_they_would_become() {
    let folder = Folder::with(&[("web.yaml", WEB), ("app.yaml", APP)]);
    let at = ["--timestamp", "2026-11-20T10:00:00Z", "--format", "json"];
    let arguments = [&["simulate", "-p", "web.yaml"][..], &at].concat();
    let ended = folder.kelp(&arguments, "10.0.0.1 GET 200\n10.0.0.1 HEAD 200\n\n10.0.0.1 GET 404", &[]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let document = |offset: i64, status: i64| {
        json!({
            "index": "web-2026.11.20",
            "id": format!("simulate-0-0000-{offset:012}"),
            "document": {
                "message": format!("10.0.0.1 GET {status}"), "client": "10.0.0.1", "verb": "GET", "status": status,
                "@timestamp": "2026-11-20T10:00:00.000Z",
                "kafka": {"topic": "simulate", "partition": 0, "offset": offset, "timestamp": "2026-11-20T10:00:00.000Z"},
            },
        })
    };
    let dropped = json!({"dropped": true});
    assert_eq!(json_lines(&ended.stdout), [document(1, 200), dropped.clone(), dropped, document(4, 404)]);

    let given = ["--topic", "t", "--partition", "7", "--offset", "41", "--key", "k", "--timestamp", "1763632800000"];
    let arguments = [&["simulate", "-p", "app.yaml"][..], &given].concat();
    let ended = folder.kelp(&arguments, "[{\"kind\":\"a\"},{\"no\":1}]\n[]\n", &[]);
    let told = json_lines(&ended.stdout);
    assert_eq!(told[0][0]["id"], "t-0-0007-000000000041");
    let kafka =
        json!({"topic": "t", "partition": 7, "offset": 41, "timestamp": "2025-11-20T10:00:00.000Z", "key": "k"});
    assert_eq!(told[0][0]["document"]["kafka"], kafka);
    let letter = json!({"stage": "destination", "reason": "the index needs the field [kind], which is missing"});
    assert_eq!(told[0][1], json!({"dead_letter": letter}));
    assert_eq!(told[1], json!({"dropped": true}));
}

#[test]
fn a_simulated_record_has_the_headers_that_are_given() {
    let pipeline = "source: {topics: [t], codec: json}
processors: [{set: {field: h, copy_from: kafka.headers}}]
destination: {index: x}
";
    let folder = Folder::with(&[("h.yaml", pipeline)]);
    let given = ["simulate", "-p", "h.yaml", "--header", "a=1", "--header", "b=x=y", "--header", "a="];
    let told = json_lines(&folder.kelp(&given, "{}\n", &[]).stdout);
    assert_eq!(told[0]["document"]["h"], json!({"a": ["1", ""], "b": "x=y"}));
    let ended = folder.kelp(&["simulate", "-p", "h.yaml", "--header", "a"], "{}\n", &[]);
    assert_eq!(ended.code, Some(64));
    assert!(ended.stderr.contains("give name and value with = between"), "{ended:?}");
}

#[test]
fn a_simulated_record_is_as_old_as_its_event() {
    let folder = Folder::with(&[("app.yaml", APP)]);
    let line = "{\"kind\":\"a\",\"@timestamp\":\"2001-02-03T04:05:06Z\"}\n";
    let told = json_lines(&folder.kelp(&["simulate", "-p", "app.yaml"], line, &[]).stdout);
    assert_eq!(told[0]["document"]["kafka"]["timestamp"], "2001-02-03T04:05:06.000Z");
    assert_eq!(told[0]["document"]["tags"], Value::Null);
    let told = json_lines(&folder.kelp(&["simulate", "-p", "app.yaml"], "{\"kind\":\"a\"}\n", &[]).stdout);
    assert_eq!(told[0]["document"]["kafka"]["timestamp"], told[0]["document"]["@timestamp"]);
    let ended = folder.kelp(&["simulate", "-p", "app.yaml", "--timestamp", "none"], "{\"kind\":\"a\"}\n", &[]);
    assert_eq!(json_lines(&ended.stdout)[0]["dead_letter"]["stage"], "destination");
}

#[test]
fn explanations_tell_each_step() {
    let folder = Folder::with(&[("web.yaml", WEB)]);
    let at = ["simulate", "-p", "web.yaml", "--timestamp", "2026-11-20T10:00:00Z", "--explain"];
    let ended = folder.kelp(&at, "10.0.0.1 GET 200\n10.0.0.1 HEAD 200\nhello\n", &[]);
    for line in [
        "record 1 of 2026-11-20T10:00:00.000Z",
        "  web.yaml:3:5 grok",
        "      + verb: \"GET\"",
        "  web.yaml:4:5 drop: passed over, as this is false: ctx.verb == 'HEAD'",
        "  indexed into web-2026.11.20 as simulate-0-0000-000000000001",
        "  web.yaml:4:5 drop: drops the event",
        "  dropped (pipeline)",
        "  nobody handled it: the event is indexed as it came, tagged (Provided Grok expressions do not match field value: [hello])",
    ] {
        assert!(ended.stdout.lines().any(|told| told == line), "{line:?} is not in\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains('\u{1b}'), "colours are for terminals");
    let arguments = [&at[..], &["--format", "json"]].concat();
    let told = json_lines(&folder.kelp(&arguments, "10.0.0.1 GET 200\n", &[]).stdout);
    let expected = json!([
        {"processor": "grok", "line": 3, "column": 5, "depth": 0, "came": "done",
         "added": {"client": "10.0.0.1", "verb": "GET", "status": 200}},
        {"processor": "drop", "line": 4, "column": 5, "depth": 0, "came": "passed_over", "if": "ctx.verb == 'HEAD'"},
        {"time": "settled", "depth": 0, "added": {"@timestamp": "2026-11-20T10:00:00.000Z"}},
    ]);
    assert_eq!(told[0]["explain"], expected);
}

#[test]
fn a_simulation_that_cannot_begin_ends_with_64() {
    let folder = Folder::with(&[("bad.yaml", "source: {topics: [t]}\n"), ("web.yaml", WEB)]);
    let bad = folder.kelp(&["simulate", "-p", "bad.yaml"], "x\n", &[]);
    assert_eq!((bad.code, &*bad.stdout), (Some(64), ""));
    assert!(bad.stderr.starts_with("bad.yaml:1:1: the pipeline has no \"destination\""), "{bad:?}");
    for (arguments, said) in [
        (&["-p", "none.yaml"][..], "none.yaml: cannot be read"),
        (&[], "--pipeline <FILE>"),
        (&["-p", "web.yaml", "--timestamp", "soon"], "give a date like 2026-11-20T10:00:00Z"),
        (&["-p", "web.yaml", "--topic", "a b"], "give up to 249 letters"),
        (&["-p", "web.yaml", "--offset", "-1"], "-1"),
    ] {
        let ended = folder.kelp(&[&["simulate"], arguments].concat(), "x\n", &[]);
        assert_eq!((ended.code, &*ended.stdout), (Some(64), ""), "{arguments:?}");
        assert!(ended.stderr.contains(said), "{said} is not in {}", ended.stderr);
    }
}

#[test]
fn answers_come_as_lines_come() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::with(&[("web.yaml", WEB)]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_kelp"))
        .args(["simulate", "-p", "web.yaml"])
        .current_dir(folder.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        input.write_all(b"10.0.0.1 HEAD 200\n").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "{\"dropped\":true}\n");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn tests_tell_how_many_passed_and_what_came_instead() {
    let folder = Folder::with(&[("p/web.yaml", WEB), ("p/app.yaml", APP)]);
    let ended = folder.kelp(&["test", "p"], "", &[]);
    let stdout = "p/app.yaml:3: {\"kind\":\"x\",\"@timestamp\":\"2026-11-20\"}: passed
p/web.yaml:7: a request: passed
p/web.yaml:8: 10.0.0.1 HEAD 200: passed
{\"passed\":3,\"failed\":0,\"skipped\":0}
";
    assert_eq!(ended, Ended { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() });

    let failing = WEB.replace("status: 200}}", "status: 404, extra: {a: 1}}, index: web}");
    folder.write("f.yaml", &failing.replace("expect: dropped", "expect: dropped, skip: not now"));
    let ended = folder.kelp(&["test", "f.yaml", "p"], "", &[]);
    let told = "f.yaml:7: a request: FAILED
  f.yaml:7:68: status
    expected  404
    got       200
  f.yaml:7:81: extra
    expected  {\"a\":1}
    got       null
  f.yaml:7:104: index
    expected  web
    got       web-1970.01.01
f.yaml:8: 10.0.0.1 HEAD 200: skipped: not now
";
    assert!(ended.stdout.starts_with(told), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("\n{\"passed\":3,\"failed\":1,\"skipped\":1}\n"), "{}", ended.stdout);
    assert_eq!((ended.code, &*ended.stderr), (Some(1), ""));

    let ended = folder.kelp(&["test", "f.yaml", "--format", "json"], "", &[]);
    let told = json_lines(&ended.stdout);
    assert_eq!(told.last(), Some(&json!({"passed": 0, "failed": 1, "skipped": 1})));
    let status = json!({"line": 7, "column": 68, "field": "status", "expected": "404", "got": "200"});
    assert_eq!((&told[0]["result"], &told[0]["differences"][0]), (&json!("failed"), &status));
    assert_eq!(told[1]["why"], "not now");

    folder.write("p/bad.yaml", "source: {}\n");
    let ended = folder.kelp(&["test", "p"], "", &[]);
    assert_eq!(ended.code, Some(64));
    assert!(ended.stderr.contains("p/bad.yaml:1:9: the source has no \"topics\""), "{}", ended.stderr);
    assert!(ended.stdout.ends_with("{\"passed\":3,\"failed\":0,\"skipped\":0}\n"), "{}", ended.stdout);
}

#[test]
fn the_shipped_pipelines_are_sound() {
    let pipelines = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines").display().to_string();
    let folder = Folder::with(&[]);
    let ended = folder.kelp(&["check", &pipelines], "", &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
