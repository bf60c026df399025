//! The grok engine beside those of the `grok` crate: one process, one thread, rounds in turn, every capture read.
//!
//! `cargo bench --features rivals --bench grok` prints a Markdown table. Of each engine the best of the rounds counts: on a machine
//! that others use, too, the best is what was disturbed least. Rounds are short, so that some of them are not interrupted. What an
//! expression costs to compile and to keep is told, too, and what the costliest of all shipped definitions does. An argument restricts the cases to those that contain it (`core patterns`: none).

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use kelp::grok::engine::{Candidates, Program, Scratch, Set, Slot, Syntax, compile};
use kelp::grok::{self as front, Dialect, Grok, Options, Outcome, Patterns, Set as Shipped, Value};

#[path = "grok/lines.rs"]
mod lines;

use lines::Case;

/// Expands `%{NAME}` and `%{NAME:field}` with the legacy patterns; fields become groups `n0`, `n1` and so on.
fn expand(expression: &str, patterns: &HashMap<&str, &str>, fields: &mut usize) -> String {
    let mut expanded = String::new();
    let mut rest = expression;
    while let Some(start) = rest.find("%{") {
        let end = start + rest[start..].find('}').expect("a closed reference");
        expanded += &rest[..start];
        let mut parts = rest[start + 2..end].split(':');
        let name = parts.next().unwrap_or_default();
        let definition = patterns.get(name).unwrap_or_else(|| panic!("there is no pattern {name}"));
        if parts.next().is_some() {
            let number = *fields;
            *fields += 1;
            expanded += &format!("(?<n{number}>{})", expand(definition, patterns, fields));
        } else {
            expanded += &format!("(?:{})", expand(definition, patterns, fields));
        }
        rest = &rest[end + 1..];
    }
    expanded + rest
}

/// As in both dialects: `\d`, `\s` and `\w` are ASCII, which they are to PCRE2, too.
const SYNTAX: Syntax = Syntax { dot_matches_newline: false, ascii_classes: true };

/// Something that matches lines: how many of them, and how many bytes its captures have.
trait Engine {
    fn run(&mut self, lines: &[String]) -> (usize, usize);
}

struct Ours {
    programs: Vec<Program>,
    set: Set,
    candidates: Candidates,
    scratch: Scratch,
    slots: Vec<Slot>,
}

impl Engine for Ours {
    fn run(&mut self, lines: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for line in lines {
            for index in self.set.candidates(line, &mut self.candidates) {
                let program = &self.programs[index];
                if program.search(line, &mut self.scratch, &mut self.slots).expect("no line exhausts it") {
                    matched += 1;
                    for slot in &self.slots[1..program.slots()] {
                        bytes += slot.of(line).map_or(0, |text| black_box(text).len());
                    }
                    break;
                }
            }
        }
        (matched, bytes)
    }
}

/// The same as a pipeline uses it: typed values by field instead of slots.
struct Front(Grok, front::Scratch);

impl Engine for Front {
    fn run(&mut self, lines: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for line in lines {
            let Outcome::Match(found) = &self.0.search(line, &mut self.1) else { continue };
            matched += 1;
            found.values().expect("numbers").for_each(|(_, value)| {
                if let Value::Text(text) = value {
                    bytes += black_box(text).len();
                }
            });
        }
        (matched, bytes)
    }
}

struct Pcre2(Vec<pcre2::bytes::Regex>);

impl Engine for Pcre2 {
    fn run(&mut self, lines: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for line in lines {
            let found = self
                .0
                .iter()
                .find_map(|regex| regex.captures(line.as_bytes()).ok().flatten().map(|found| (regex, found)));
            if let Some((regex, found)) = found {
                matched += 1;
                for group in 1..regex.captures_len() {
                    bytes += found.get(group).map_or(0, |group| black_box(group.as_bytes()).len());
                }
            }
        }
        (matched, bytes)
    }
}

struct Onig(Vec<onig::Regex>, onig::Region);

impl Engine for Onig {
    fn run(&mut self, lines: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for line in lines {
            for regex in &self.0 {
                self.1.clear();
                let options = onig::SearchOptions::SEARCH_OPTION_NONE;
                let param = onig::MatchParam::default();
                let found = regex.search_with_param(line.as_str(), 0, line.len(), options, Some(&mut self.1), param);
                if let Ok(Some(_)) = found {
                    matched += 1;
                    for group in 1..self.1.len() {
                        bytes += self.1.pos(group).map_or(0, |(start, end)| black_box(&line[start..end]).len());
                    }
                    break;
                }
            }
        }
        (matched, bytes)
    }
}

struct Fancy(Vec<fancy_regex::Regex>);

impl Engine for Fancy {
    fn run(&mut self, lines: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for line in lines {
            if let Some(found) = self.0.iter().find_map(|regex| regex.captures(line).ok().flatten()) {
                matched += 1;
                bytes += found.iter().skip(1).flatten().map(|group| black_box(group.as_str()).len()).sum::<usize>();
            }
        }
        (matched, bytes)
    }
}

struct Regex(Vec<regex::Regex>);

impl Engine for Regex {
    fn run(&mut self, lines: &[String]) -> (usize, usize) {
        let (mut matched, mut bytes) = (0, 0);
        for line in lines {
            if let Some(found) = self.0.iter().find_map(|regex| regex.captures(line)) {
                matched += 1;
                bytes += found.iter().skip(1).flatten().map(|group| black_box(group.as_str()).len()).sum::<usize>();
            }
        }
        (matched, bytes)
    }
}

/// The engines that take all expressions of a case, by name.
fn engines(case: &Case, expressions: &[String]) -> Vec<(&'static str, Box<dyn Engine>)> {
    let programs: Vec<Program> = expressions
        .iter()
        .map(|text| compile(text, &SYNTAX).unwrap_or_else(|refusal| panic!("{text}: {refusal}")))
        .collect();
    let slots = programs.iter().map(Program::slots).max().unwrap_or(1);
    let ours = Ours {
        set: Set::new(programs.iter().map(Some)),
        programs,
        candidates: Candidates::default(),
        scratch: Scratch::default(),
        slots: vec![Slot::NONE; slots],
    };
    let mut all: Vec<(&'static str, Box<dyn Engine>)> = vec![("kelp", Box::new(ours))];
    let jit = |text: &String| pcre2::bytes::RegexBuilder::new().jit_if_available(true).utf(true).build(text).ok();
    if let Some(regexes) = expressions.iter().map(jit).collect() {
        all.push(("pcre2", Box::new(Pcre2(regexes))));
    }
    if let Some(regexes) = expressions.iter().map(|text| onig::Regex::new(text).ok()).collect() {
        all.push(("onig", Box::new(Onig(regexes, onig::Region::new()))));
    }
    if let Some(regexes) = expressions.iter().map(|text| fancy_regex::Regex::new(text).ok()).collect() {
        all.push(("fancy-regex", Box::new(Fancy(regexes))));
    }
    if let Some(regexes) = expressions.iter().map(|text| regex::Regex::new(text).ok()).collect() {
        all.push(("regex", Box::new(Regex(regexes))));
    }
    let references: Vec<&str> = case.expressions.iter().map(String::as_str).collect();
    let patterns = Patterns::new(Shipped::Legacy, Dialect::Elasticsearch);
    let grok = Grok::compile(&references, &patterns, Options::default()).expect("expressions that compile");
    all.push(("values", Box::new(Front(grok, front::Scratch::new()))));
    all
}

/// How many lines are gone over at a time.
const CHUNK: usize = 100;

/// How long each engine takes for all lines, at best: the sum over short rounds of the best of each.
fn measure(all: &mut [(&'static str, Box<dyn Engine>)], lines: &[String], rounds: usize) -> Vec<Duration> {
    let mut total = vec![Duration::ZERO; all.len()];
    for chunk in lines.chunks(CHUNK) {
        let mut best = vec![Duration::MAX; all.len()];
        for _ in 0..rounds {
            for (index, (_, engine)) in all.iter_mut().enumerate() {
                let start = Instant::now();
                black_box(engine.run(chunk));
                best[index] = best[index].min(start.elapsed());
            }
        }
        total.iter_mut().zip(best).for_each(|(total, best)| *total += best);
    }
    total
}

/// What the expression of a case that takes longest to compile takes, in milliseconds, and what the largest occupies, in KiB.
fn cost(expressions: &[String]) -> (f64, usize) {
    let cost = |text: &String| {
        let rounds = (0..5).map(|_| {
            let start = Instant::now();
            let program = compile(text, &SYNTAX).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
            (start.elapsed(), program.size())
        });
        rounds.min().unwrap_or_default()
    };
    let all: Vec<(Duration, usize)> = expressions.iter().map(cost).collect();
    let time = all.iter().map(|(time, _)| *time).max().unwrap_or_default();
    (time.as_secs_f64() * 1e3, all.iter().map(|(_, size)| size / 1024).max().unwrap_or(0))
}

/// Says how long the slowest of all shipped definitions takes to compile, each for itself, and what the largest occupies.
fn core_patterns() {
    for (name, set) in [("legacy", Shipped::Legacy), ("ECS", Shipped::EcsV1)] {
        let patterns = Patterns::new(set, Dialect::Elasticsearch);
        let names: Vec<String> = patterns.names().map(str::to_owned).collect();
        let references: Vec<String> = names.iter().map(|name| format!("%{{{name}:whole}}")).collect();
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let grok = Grok::compile(&references, &patterns, Options::default()).expect("what is shipped compiles");
        let mut costs: Vec<((f64, usize), &str)> =
            (0..names.len()).map(|number| (cost(&[grok.regex(number).to_owned()]), names[number].as_str())).collect();
        let largest = costs.iter().map(|((_, size), _)| *size).max().unwrap_or(0);
        costs.sort_by(|a, b| b.partial_cmp(a).expect("times are numbers"));
        let told: Vec<String> = costs.iter().take(5).map(|((time, _), name)| format!("{name} {time:.1} ms")).collect();
        println!(
            "{} {name} patterns: the slowest to compile are {}; the largest has {largest} KiB",
            costs.len(),
            told.join(", ")
        );
    }
}

fn speed(lines: usize, time: Duration) -> f64 {
    lines as f64 / time.as_secs_f64() / 1e6
}

fn main() {
    let wanted: Option<String> = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let patterns: HashMap<&str, &str> = grok::patterns().iter().copied().collect();
    let expanded =
        |case: &Case| -> Vec<String> { case.expressions.iter().map(|text| expand(text, &patterns, &mut 0)).collect() };
    println!(
        "| lines | bytes | kelp | with values | pcre2 (JIT) | onig | fancy-regex | regex | kelp / pcre2 | compiled in | KiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for case in lines::cases() {
        if wanted.as_ref().is_some_and(|wanted| !case.name.contains(wanted.as_str())) {
            continue;
        }
        let expressions = expanded(&case);
        let (compiled, size) = cost(&expressions);
        let mut all = engines(&case, &expressions);
        // All have to agree on how many lines match; what their captures have may differ where their meanings do.
        let matched: Vec<usize> = all.iter_mut().map(|(_, engine)| engine.run(&case.lines[..200]).0).collect();
        if matched.iter().any(|count| *count != matched[0]) {
            println!("<!-- {}: matches by engine {matched:?} -->", case.name);
        }
        assert_eq!(matched[0] > 100, case.matches, "{}: {matched:?} of 200 lines match", case.name);
        let times = measure(&mut all, &case.lines, 9);
        let by_name = |name: &str| all.iter().position(|(known, _)| *known == name).map(|index| times[index]);
        let cell =
            |name: &str| by_name(name).map_or("–".to_owned(), |time| format!("{:.2}", speed(case.lines.len(), time)));
        let ratio = by_name("pcre2").map_or(0.0, |other| other.as_secs_f64() / times[0].as_secs_f64());
        let bytes = case.lines.iter().map(String::len).sum::<usize>() / case.lines.len();
        let name = case.name;
        let [kelp, values, pcre2, onig, fancy, regex] =
            ["kelp", "values", "pcre2", "onig", "fancy-regex", "regex"].map(cell);
        println!(
            "| {name} | {bytes} | {kelp} | {values} | {pcre2} | {onig} | {fancy} | {regex} | {ratio:.1} | {compiled:.1} ms | {size} |"
        );
    }
    if wanted.is_none_or(|wanted| "core patterns".contains(&wanted)) {
        println!();
        core_patterns();
    }
}
