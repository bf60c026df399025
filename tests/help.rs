//! What `--help` teaches works: every example is taken out of it and run, and `docs/commands.md` tells the same flags.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::commands::{APP, Ended, Folder, WEB, feed};

/// A line that the examples' pipeline takes.
const LINES: &str = "10.0.0.1 GET 200\n10.0.0.1 HEAD 200\n";

fn help(arguments: &[&str]) -> String {
    let ended = Folder::with(&[]).kelp(arguments, "", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

/// The commands, as `kelp --help` lists them.
fn commands() -> Vec<String> {
    let help = help(&["--help"]);
    let list = help.split("\nCommands:\n").nth(1).expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The commands that a text shows, without what is said about them beside.
fn examples(text: &str) -> Vec<String> {
    let shown = text.lines().filter_map(|line| line.strip_prefix("  "));
    let commands =
        shown.filter(|line| !line.starts_with(' ')).map(|line| line.split("   ").next().unwrap_or(line).trim());
    let is_example = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        let at = words.iter().position(|word| *word == "kelp");
        at.is_some_and(|at| words[..at].iter().all(|word| word.contains('=')) || words[at - 1] == "|")
    };
    commands.filter(is_example).map(str::to_owned).collect()
}

/// Runs a line of a shell where everything is that examples speak of. `kelp run` is kept from starting by one mistake,
/// which has to be the only one.
fn try_out(line: &str) {
    let folder = Folder::with(&[
        ("kelp.yaml", "threads: 1\n"),
        ("pipelines/web.yaml", WEB),
        ("pipelines/app.yaml", APP),
        ("access.log", LINES),
        ("lines", LINES),
        ("syslog", LINES),
        ("my.patterns", "MINE [0-9.]+\n"),
    ]);
    let program = Path::new(env!("CARGO_BIN_EXE_kelp")).parent().unwrap().display().to_string();
    let is_run = line.contains("kelp run");
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder.0.path()).env_clear();
    command.env("PATH", format!("{program}:/usr/bin:/bin"));
    if is_run {
        command.env("KELP_SHUTDOWN_TIMEOUT", "never");
    }
    let Ended { code, stdout, stderr } = feed(&mut command, LINES);
    if is_run {
        let only = "KELP_SHUTDOWN_TIMEOUT: shutdown_timeout: \"never\" is not a length of time (a whole number and a unit, like 500ms, 3s, 2m or 1h)\n";
        assert_eq!((code, &*stderr), (Some(64), only), "{line}");
    } else {
        assert_eq!((code, &*stderr), (Some(0), ""), "{line}");
        assert!(!stdout.is_empty(), "{line} says nothing");
    }
}

#[test]
fn every_example_of_every_help_works() {
    let commands = commands();
    assert!(commands.len() >= 4, "{commands:?}");
    let mut texts = vec![("kelp".to_owned(), help(&["--help"]))];
    texts.extend(commands.iter().map(|name| (name.clone(), help(&[name, "--help"]))));
    for (name, text) in texts {
        let examples = examples(&text);
        assert!(examples.len() >= 2, "{name} shows {examples:?}");
        examples.iter().for_each(|line| try_out(line));
    }
}

fn flags(text: &str) -> Vec<String> {
    let mut flags: Vec<String> = text
        .split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
        .filter(|word| word.len() > 3 && word.starts_with("--") && !word.starts_with("---"))
        .filter(|word| *word != "--help" && *word != "--version")
        .map(str::to_owned)
        .collect();
    flags.sort();
    flags.dedup();
    flags
}

#[test]
fn the_page_of_commands_tells_every_flag_and_its_examples_work() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")).unwrap();
    for name in commands() {
        let title = format!("\n## kelp {name}\n");
        let section = page.split(&title).nth(1).unwrap_or_else(|| panic!("commands.md has no section kelp {name}"));
        let section = section.split("\n## ").next().unwrap();
        let text = help(&[&name, "--help"]);
        let options = text.split("\nOptions:\n").nth(1).unwrap_or_default();
        let options = options.split("\n\nExamples:").next().unwrap_or_default();
        let known = flags(options);
        for flag in &known {
            assert!(section.contains(&format!("`{flag}")), "kelp {name}: {flag} is not in commands.md");
        }
        for flag in flags(section) {
            assert!(text.contains(&flag), "kelp {name} has no {flag}");
        }
    }
    let blocks = page.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap_or_default());
    let lines: Vec<&str> = blocks.flat_map(str::lines).filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 8, "{lines:?}");
    lines.iter().for_each(|line| try_out(line.split(" #").next().unwrap_or(line).trim()));
}

/// The blocks of a page that are fenced like this.
fn blocks<'a>(page: &'a str, fence: &str) -> Vec<&'a str> {
    let fence = format!("\n```{fence}\n");
    let blocks = page.split(fence.as_str()).skip(1);
    blocks.map(|rest| rest.split("\n```").next().unwrap_or_default()).collect()
}

/// What a newcomer is shown first, done in its own words: the page's files, and those of its commands that need no server.
#[test]
fn the_first_steps_of_the_documentation_can_be_gone() {
    for (page, pipeline, expected) in
        [("docs/getting-started.md", "app-logs.yaml", 3), ("README.md", "web-access.yaml", 2)]
    {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let yaml = blocks(&text, "yaml");
        let first = |key: &str| *yaml.iter().find(|block| format!("\n{block}").contains(key)).expect(key);
        let line = r#"10.0.0.1 - - [20/Nov/2026:00:00:00 +0900] "GET / HTTP/1.1" 200 12 "-" "curl/8.5.0""#;
        let folder = Folder::with(&[
            (&format!("pipelines/{pipeline}"), first("\nsource:")),
            ("kelp.yaml", first("\nkafka:")),
            ("access.log", line),
        ]);
        fs::create_dir_all(folder.0.path().join("target/release")).unwrap();
        let program = folder.0.path().join("target/release/kelp");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kelp"), program).unwrap();
        let commands = blocks(&text, "sh").join("\n").replace("|\n", "| ");
        let needs_a_server = |line: &&str| line.contains("kelp run") || !line.contains("target/release/kelp ");
        let commands: Vec<&str> = commands.lines().filter(|line| !needs_a_server(line)).collect();
        assert_eq!(commands.len(), expected, "{page}: {commands:?}");
        for line in commands {
            let mut command = Command::new("sh");
            command.args(["-c", line]).current_dir(folder.0.path()).env_clear().env("PATH", "/usr/bin:/bin");
            let Ended { code, stdout, stderr } = feed(&mut command, "");
            assert_eq!((code, &*stderr), (Some(0), ""), "{page}: {line}");
            let indexed = stdout.contains(&format!("indexed into {}-2026.11.", pipeline.trim_end_matches(".yaml")));
            assert!(!stdout.is_empty() && indexed == line.contains("simulate"), "{page}: {line}\n{stdout}");
        }
    }
}
