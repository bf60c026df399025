//! Imports point down only, so that the pure rooms stay pure and a reader can start at the bottom.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the bottom up. A room imports rooms of lower floors, and itself.
const FLOORS: &[&[&str]] = &[
    &["sync", "planted"],
    &["record", "clock", "backoff", "budget", "yaml", "exit", "grok"],
    &["event", "ledger", "promise"],
    &["codec"],
    &["pipeline"],
    &["bulk"],
    &["dead_letter"],
    &["worker", "dispatch"],
    &["reader"],
    &["trace", "passage"],
    &["config", "metrics", "telemetry"],
    &["kafka", "elastic", "admin"],
    &["app"],
    &["cli"],
];

/// What only an edge may name, and the rooms that may.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("rdkafka::", &["kafka"]),
    ("rdkafka_sys", &["kafka"]),
    ("elasticsearch::http", &["elastic"]),
    ("reqwest", &["elastic"]),
    ("tokio", &["app", "admin", "kafka", "elastic"]),
    ("std::thread", &["app", "kafka", "telemetry", "budget"]),
    ("Instant::now", &["app", "kafka", "elastic", "telemetry", "cli"]),
    ("SystemTime::now", &["app"]),
    ("shuttle::", &["sync"]),
];

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The code of every room: name, file, and its lines without comments and unit tests.
fn code() -> Vec<(String, PathBuf, Vec<String>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&source, &mut paths);
    let mut code = Vec::new();
    for path in paths {
        let inside = path.strip_prefix(&source).unwrap().to_owned();
        let is_test = inside.iter().any(|part| part == "tests" || part == "simulation" || part == "threads")
            || inside.file_name().is_some_and(|name| name.to_string_lossy().ends_with("tests.rs"));
        let room = inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
        if is_test || ["lib", "main", "simulation", "threads"].contains(&room.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        let lines = lines.filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect();
        code.push((room, inside, lines));
    }
    code
}

fn floor(room: &str) -> usize {
    FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("{room} stands on no floor"))
}

#[test]
fn imports_point_down_only() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (room, file, lines) in code() {
        seen.insert(room.clone());
        for line in &lines {
            for rest in line.split("crate::").skip(1) {
                let imported: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                // A name at the crate's root is no room.
                if imported.is_empty() || imported == room {
                    continue;
                }
                if floor(&imported) >= floor(&room) {
                    wrong.push(format!("{}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let all: BTreeSet<String> = FLOORS.iter().flat_map(|rooms| rooms.iter().map(|room| (*room).to_owned())).collect();
    assert_eq!(seen, all, "the floors name every room, and no other");
}

#[test]
fn only_edges_touch_the_outside() {
    let mut wrong = Vec::new();
    for (room, file, lines) in code() {
        for line in &lines {
            for (outside, allowed) in OUTSIDE {
                if line.contains(outside) && !allowed.contains(&room.as_str()) {
                    wrong.push(format!("{}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
