//! `kelp grok`, as scripts and people use it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value as Json, json};

const ACCESS: &str = r#"203.0.113.9 - bob [20/Nov/2026:00:00:00 +0900] "GET /a HTTP/1.1" 200 12 "-" "curl/8.5.0""#;

/// Runs `kelp grok` in a folder.
fn kelp(folder: &Path, arguments: &[&str], lines: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kelp"))
        .arg("grok")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever refuses its arguments does not read.
    child.stdin.take().unwrap().write_all(lines.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

fn run(arguments: &[&str], lines: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my.patterns"), "# mine\nMINE [a-z]+-%{ID}\nID [0-9]+\n").unwrap();
    fs::write(folder.path().join("wrong.patterns"), "MINE [a-z]+\nLONELY\n").unwrap();
    let output = kelp(folder.path(), arguments, lines);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_line_gives_an_object_of_captures_or_null() {
    let lines = format!("{ACCESS}\nsomething else\n");
    for (arguments, expected) in [
        (
            &["%{COMBINEDAPACHELOG}"][..],
            json!({"clientip": "203.0.113.9", "ident": "-", "auth": "bob", "timestamp": "20/Nov/2026:00:00:00 +0900",
                "verb": "GET", "request": "/a", "httpversion": "1.1", "response": "200", "bytes": "12",
                "referrer": "\"-\"", "agent": "\"curl/8.5.0\""}),
        ),
        (
            &["--set", "ecs-v1", "%{COMBINEDAPACHELOG}"],
            json!({"source.address": "203.0.113.9", "user.name": "bob", "timestamp": "20/Nov/2026:00:00:00 +0900",
                "http.request.method": "GET", "url.original": "/a", "http.version": "1.1",
                "http.response.status_code": 200, "http.response.body.bytes": 12, "user_agent.original": "curl/8.5.0"}),
        ),
        (&["--dialect", "logstash", "%{IP:[source][ip]}%{DATA:empty} - "], json!({"source.ip": "203.0.113.9"})),
        (&["%{IP:ip}%{DATA:empty} - "], json!({"ip": "203.0.113.9", "empty": ""})),
        (&["nowhere", r"HTTP/%{NUMBER:v:float}\W+%{INT:status:int}"], json!({"v": 1.1, "status": 200})),
    ] {
        let (code, stdout, stderr) = run(arguments, &lines);
        assert_eq!((code, &*stderr), (Some(0), ""), "{arguments:?}");
        let answers: Vec<Json> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers, [expected, Json::Null], "{arguments:?}");
    }
}

#[test]
fn definitions_are_read_from_files() {
    let (code, stdout, stderr) = run(&["--definitions", "my.patterns", "%{MINE:x}"], "see ab-12\n\n");
    assert_eq!((code, &*stdout, &*stderr), (Some(0), "{\"x\":\"ab-12\"}\nnull\n", ""));
    let (code, stdout, stderr) = run(&["--definitions", "wrong.patterns", "x"], "x\n");
    let told = "wrong.patterns:2:1: LONELY has no expression (a line is a name, a blank, an expression)\n";
    assert_eq!((code, &*stdout, &*stderr), (Some(64), "", told));
}

#[test]
fn what_is_odd_about_definitions_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("defs/nested")).unwrap();
    let text = "ID [a-z]+\r\nBAD x(\r\nID [0-9]+\r\nTYPED %{ID:n:integer}\r\nLOST %{NUBMER}\r\n";
    fs::write(folder.path().join("defs/mine"), text).unwrap();
    fs::write(folder.path().join("defs/mine~"), "ID old\n").unwrap();
    let told = |expression: &str| {
        let output = kelp(folder.path(), &["--definitions", "defs", expression], "12\n");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let expected = "\
defs/mine~: warning: is not read: it looks like an editor's copy of another file
defs/nested: warning: is not read: it is a folder in a folder of definitions
defs/mine:3:1: warning: ID is defined in line 1, too: this one counts
pattern 1:1: warning: %{ID:x:lnog} stays a text: there is no type \"lnog\" (did you mean \"long\"? there are int, long, float, double, boolean, string)
defs/mine:2:7: warning: the pattern \"x(\" can't be compiled: end pattern with unmatched parenthesis (in the definition of BAD) (no expression uses the definition)
defs/mine:4:7: warning: %{ID:n:integer} stays a text: there is no type \"integer\" (in the definition of TYPED) (did you mean \"int\"? there are int, long, float, double, boolean, string)
defs/mine:5:6: warning: unable to find pattern [NUBMER] in Grok's pattern dictionary (in the definition of LOST) (did you mean NUMBER?)
";
    let (code, stdout, stderr) = told("%{ID:x:lnog}");
    assert_eq!((code, &*stdout, &*stderr), (Some(0), "{\"x\":\"12\"}\n", expected));
    // What an expression leads to is a fault.
    let (code, _, stderr) = told("%{LOST} (");
    let expected = "\
defs/mine:5:6: unable to find pattern [NUBMER] in Grok's pattern dictionary (in the definition of LOST) (did you mean NUMBER?)
pattern 1:10: the pattern \"%{LOST} (\" can't be compiled: end pattern with unmatched parenthesis
";
    assert_eq!((code, &*stderr), (Some(64), expected));
}

#[test]
fn a_carriage_return_that_is_in_the_way_is_told_once() {
    let told = "line 2: warning: pattern 2 would match it without the carriage return that it ends in (write \\r?$ instead of $, or remove it: tr -d '\\r')\n";
    let (code, stdout, stderr) = run(&["^%{INT:n}$", "^%{WORD:w}$"], "a-\r\na\r\n1\r\nb\n");
    assert_eq!((code, &*stdout, &*stderr), (Some(0), "null\nnull\nnull\n{\"w\":\"b\"}\n", told));
    let (code, _, stderr) = run(&["--bench", "x$", "^%{WORD:w}$"], "a-\r\na\r\n1\r\nb\n");
    assert_eq!((code, &*stderr), (Some(0), told));
    let (_, _, stderr) = run(&["^%{WORD:w}\\r?$"], "a\r\n-\r\n");
    assert_eq!(stderr, "");
}

#[test]
fn a_folder_is_no_file_of_lines() {
    let (code, stdout, stderr) = run(&["x", "-f", "."], "");
    let told = ".: is a folder, where a file of lines is expected\n";
    assert_eq!((code, &*stdout, &*stderr), (Some(64), "", told));
}

#[test]
fn faults_are_told_with_their_places_and_end_with_64() {
    let (code, stdout, stderr) = run(&["%{INT} %{NUBMER:n}", "%{INT} (?<a.b>x)é)"], "");
    assert_eq!((code, &*stdout), (Some(64), ""));
    let told: Vec<&str> = stderr.lines().collect();
    assert_eq!(
        told[0],
        "pattern 1:8: unable to find pattern [NUBMER] in Grok's pattern dictionary (did you mean NUMBER?)"
    );
    assert!(told[1].starts_with("pattern 2:18: the pattern \"%{INT} (?<a.b>x)é)\" can't be compiled: "), "{stderr}");
    // What is no fault is told beside them.
    let (code, _, stderr) = run(&["%{INT:a", "%{INT:b:itn} x)"], "");
    let told: Vec<&str> = stderr.lines().collect();
    assert_eq!((code, told.len()), (Some(64), 3), "{stderr}");
    assert!(told[0].starts_with("pattern 2:15: the pattern \"%{INT:b:itn} x)\" can't be compiled: "), "{stderr}");
    assert!(told[1].starts_with("pattern 1:1: warning: a %{ without its } stands for itself"), "{stderr}");
    assert!(told[2].starts_with("pattern 2:1: warning: %{INT:b:itn} stays a text"), "{stderr}");
    for arguments in
        [&[][..], &["--set", "ecs", "x"], &["x", "-f", "missing"], &["x", "--bench"], &["x", "--format", "json"]]
    {
        assert_eq!(run(arguments, "").0, Some(64), "{arguments:?}");
    }
}

#[test]
fn what_could_not_be_decided_is_told_and_ends_with_1() {
    let (code, stdout, stderr) = run(&["%{INT:n:int}"], "1\n99999999999\n2\n");
    assert_eq!((code, &*stdout), (Some(1), "{\"n\":1}\nnull\n{\"n\":2}\n"));
    assert_eq!(stderr, "line 2: the capture of field [n] is no int: \"99999999999\"\n");
    let (code, stdout, stderr) = run(&["a%{WORD:b c}"], "x\n");
    assert_eq!((code, &*stdout), (Some(0), "null\n"));
    assert!(stderr.starts_with("pattern 1:2: warning: %{WORD:b c} is no reference and stands for itself"), "{stderr}");
}

#[test]
fn texts_of_several_lines_end_with_a_zero_byte() {
    let (code, stdout, stderr) = run(&["-z", "^(?<a>b)$(?m)(?<rest>.*)"], "x\nb\nc\0b");
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert_eq!(stdout, "{\"a\":\"b\",\"rest\":\"\\nc\"}\n{\"a\":\"b\",\"rest\":\"\"}\n");
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    for (arguments, end) in
        [(&["%{INT:n}"][..], "\n"), (&["-z", "%{INT:n}"], "\0"), (&["--explain", "^%{INT:n}$"], "\n")]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kelp"))
            .arg("grok")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut lines, mut answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        // The beginning of a line is no line yet.
        for (number, piece) in [(1, "1\n"), (2, "2\n3"), (3, "\n")] {
            lines.write_all(piece.replace('\n', end).as_bytes()).unwrap();
            let mut answer = String::new();
            answers.read_line(&mut answer).unwrap();
            let told = format!("line {number}: pattern 1 matches \"{number}\"\n");
            assert_eq!(answer, if arguments[0] == "--explain" { told } else { format!("{{\"n\":\"{number}\"}}\n") });
            if arguments[0] == "--explain" {
                answers.read_line(&mut answer).unwrap();
            }
        }
        drop(lines);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn what_is_left_to_oniguruma_is_told() {
    let (code, stdout, stderr) = run(&["%{INT:a}", "(?~x)%{WORD:b}"], "1\nw\n");
    assert_eq!((code, &*stdout), (Some(0), "{\"a\":\"1\"}\n{\"b\":\"w\"}\n"));
    assert!(stderr.starts_with("pattern 2: warning: it is left to Oniguruma, the slower engine: "), "{stderr}");
}

/// The most memory that a process has had, in kilobytes.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_hostile_line_takes_little_memory_and_is_told() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kelp"))
        .args(["grok", r"^(\S*?\s*)+[xy]"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut lines, mut answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let (mut answer, mut error) = (String::new(), String::new());
    writeln!(lines, "ab x").unwrap();
    writeln!(lines, "{}", "ab cd ".repeat(1_000_000 / 6)).unwrap();
    told.read_line(&mut error).unwrap();
    assert_eq!(error, "line 2: grok timeout: the budget was used up by pattern 1\n");
    assert!(peak(child.id()) < 64 * 1024, "{} kB", peak(child.id()));
    drop(lines);
    answers.read_to_string(&mut answer).unwrap();
    assert_eq!((answer.lines().count(), child.wait().unwrap().code()), (2, Some(1)));
}

#[test]
fn an_explanation_tells_how_far_the_expression_got() {
    let (code, stdout, stderr) = run(&["--explain", "%{COMMONAPACHELOG}"], "::1 - - [31/Foo/2026:0\n");
    assert_eq!((code, &*stderr), (Some(0), ""));
    let expected = "\
line 1: no match
  `%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \\[` matches \"::1 - - [\"
    clientip = \"::1\"
    ident = \"-\"
    auth = \"-\"
  then `%{HTTPDATE:timestamp}` was wanted
    of it `%{MONTHDAY}/` matches \"31/\"
    then `%{MONTH}` was wanted
  there is \"Foo/2026:0\"
";
    assert_eq!(stdout, expected);
    // Nothing before what is gone into.
    let (_, stdout, _) = run(&["--explain", "(?:%{INT:n} x)"], "a 1 b\n");
    let expected = "\
line 1: no match
  `(?:%{INT:n} x)` was wanted
    of it `%{INT:n}` matches \"1\"
      n = \"1\"
    then ` x` was wanted
  there is \" b\"
";
    assert_eq!(stdout, expected);
    // The beginning of this match is behind its end.
    let (code, stdout, _) = run(&["--explain", r"(?=ab\K)"], "ab\n");
    assert_eq!(
        (code, &*stdout),
        (Some(0), "line 1: pattern 1 matches \"\"\n  it leaves \"\" before and \"ab\" after\n")
    );
    let (_, stdout, _) = run(&["--explain", "%{INT:n}", "nowhere"], "a 12 b\nc\n");
    let expected = "\
line 1: pattern 1 matches \"12\"
  it leaves \"a \" before and \" b\" after
  n = \"12\"
line 2: no match, pattern 1 got furthest
  nowhere in \"c\"
  then `%{INT:n}` was wanted
";
    assert_eq!(stdout, expected);
}

#[test]
fn a_measurement_is_one_object() {
    let lines = format!("{ACCESS}\nsomething else\n");
    let (code, stdout, stderr) = run(&["--bench", "--format", "json", "%{COMBINEDAPACHELOG}"], &lines);
    assert_eq!((code, &*stderr), (Some(0), ""));
    let told: Json = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&told["lines"], &told["matched"]), (&json!(2), &json!(1)));
    assert!(told["lines_per_second"].as_u64().unwrap() > 0 && told.as_object().unwrap().len() == 3, "{told}");
    let (code, stdout, stderr) = run(&["--bench", "--format", "json", "(?<n:m:int>.*)"], "1\nx\ny\n");
    assert!(code == Some(0) && stdout.contains("\"matched\":1"), "{stdout}");
    assert!(
        stderr.starts_with("line 2: warning: ") && stderr.ends_with("(2 such lines are not counted as matched)\n"),
        "{stderr}"
    );
}

#[test]
fn the_examples_of_the_help_run() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("access.log", format!("{ACCESS}\n")), ("my.patterns", "MINE [a-z]+\n".to_owned())] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let help = String::from_utf8(kelp(folder.path(), &["--help"], "").stdout).unwrap();
    let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  kelp grok ")).collect();
    assert_eq!(examples.len(), 6, "{help}");
    for example in examples {
        let command = format!("{} grok {example}", env!("CARGO_BIN_EXE_kelp"));
        let output = Command::new("sh").args(["-c", &command]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{example}: {output:?}");
        assert!(!output.stdout.is_empty() && !output.stdout.starts_with(b"null"), "{example}: {output:?}");
    }
}

#[test]
fn what_the_page_shows_comes_out_so() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/grok.md")).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_kelp")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shown = 0;
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for example in block.split("$ ").skip(1) {
            let (command, expected) = example.split_once('\n').unwrap();
            let folder = tempfile::tempdir().unwrap();
            let output =
                Command::new("sh").args(["-c", command]).current_dir(&folder).env("PATH", &path).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{command}");
            assert!(output.stderr.is_empty(), "{command}");
            shown += 1;
        }
    }
    assert_eq!(shown, 5);
}
