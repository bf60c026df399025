//! `docs/configuration-mistakes.md` shows what is said about each mistake. Each is made, and the answer has to be the
//! page's. With `KELP_WRITE_DOCS=1` the answers are written into the page instead, to be read by whoever changed them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use kelp::app;
use kelp::config::Sources;

const SOUND: &str = "source: {topics: [web]}\ndestination: {index: 'web-%{+yyyy.MM.dd}'}\n";

/// A heading, the files below it by name, and the answer with the lines of the page that it stands in.
#[derive(Default)]
struct Mistake {
    title: String,
    files: Vec<(String, String)>,
    answer: String,
    place: (usize, usize),
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration-mistakes.md")
}

fn mistakes(text: &str) -> Vec<Mistake> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("### ") {
            mistakes.push(Mistake { title: title.to_owned(), ..Mistake::default() });
        }
        let Some(fence) = line.strip_prefix("```") else { continue };
        let mut block = String::new();
        let (mut first, mut last) = (0, 0);
        for (at, line) in lines.by_ref() {
            first = if first == 0 { at } else { first };
            last = at;
            if line == "```" {
                break;
            }
            writeln!(block, "{line}").unwrap();
        }
        let mistake = mistakes.last_mut().expect("a block stands below a heading");
        match fence.split_once(' ') {
            Some((_, name)) => mistake.files.push((name.to_owned(), block)),
            None => (mistake.answer, mistake.place) = (block, (first, last)),
        }
    }
    mistakes
}

/// What is said about a mistake: warnings after faults.
fn answer(mistake: &Mistake) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("pipelines")).unwrap();
    fs::write(path("kelp.yaml"), "").unwrap();
    fs::write(path("pipelines/web.yaml"), SOUND).unwrap();
    let mut variables = Vec::new();
    for (name, text) in &mistake.files {
        if name == "variables" {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            variables.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        } else {
            fs::write(path(name), text).unwrap();
        }
    }
    let sources = Sources { folder: folder.path().to_owned(), variables, ..Sources::default() };
    let mut said = String::new();
    match app::plan(&sources) {
        Ok(plan) => {
            for warning in &plan.warnings {
                let hint = warning.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                writeln!(said, "{}: warning: {}{hint}", warning.place, warning.what).unwrap();
            }
        }
        Err(faults) => writeln!(said, "{faults}").unwrap(),
    }
    said.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn each_mistake_is_answered_as_the_page_says() {
    let text = fs::read_to_string(page()).unwrap();
    let mistakes = mistakes(&text);
    assert!(mistakes.len() >= 60, "{} mistakes: is the page still read?", mistakes.len());
    if std::env::var_os("KELP_WRITE_DOCS").is_some() {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for mistake in mistakes.iter().rev() {
            let (first, last) = mistake.place;
            lines.splice(first..last, answer(mistake).lines().map(str::to_owned));
        }
        return fs::write(page(), lines.join("\n") + "\n").unwrap();
    }
    let mut wrong = String::new();
    for mistake in &mistakes {
        let said = answer(mistake);
        assert!(!mistake.answer.is_empty(), "{}: nothing is said", mistake.title);
        if said != mistake.answer {
            writeln!(wrong, "{}: the page says\n{}but it is\n{said}", mistake.title, mistake.answer).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nif this is meant, run it with KELP_WRITE_DOCS=1 and look at the difference");
}

#[test]
fn every_answer_has_a_place_and_says_what_to_do() {
    let text = fs::read_to_string(page()).unwrap();
    for mistake in mistakes(&text) {
        for line in mistake.answer.lines() {
            let place = line.split(": ").next().unwrap();
            let numbers = place.rsplitn(3, ':').take(2).all(|number| number.parse::<usize>().is_ok_and(|n| n > 0));
            assert!(numbers || place.starts_with("KELP_") || place == "kelp.yaml", "{}: {line}", mistake.title);
            assert!(!line.contains("hunter2"), "{line}");
        }
    }
    let all = mistakes(&text).pop().expect("the last is that with many at once");
    assert!(all.answer.lines().count() >= 20, "{}", all.answer);
}
