//! Lists of expressions beside the one expression of each that a line matches: what the others cost.
//!
//! `cargo bench --bench lists` prints a Markdown table in nanoseconds a line, every capture read; the best of the rounds counts. "Alone" is the
//! time of trying on each line the one expression that matches it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use kelp::grok::{Dialect, Grok, Options, Outcome, Patterns, Scratch, Set};

#[allow(dead_code)]
#[path = "grok/lines.rs"]
mod lines;

/// Reads every capture; says which expression matched.
fn search(grok: &Grok, line: &str, scratch: &mut Scratch) -> Option<usize> {
    match grok.search(line, scratch) {
        Outcome::Match(found) => {
            black_box(found.captures().map(|capture| capture.text.len()).sum::<usize>());
            Some(found.index())
        }
        Outcome::NoMatch => None,
        other => panic!("{line}: {other:?}"),
    }
}

fn main() {
    println!("| list | bytes | alone | Elasticsearch | Logstash |\n|---|---|---|---|---|");
    for case in lines::cases().into_iter().filter(|case| case.expressions.len() > 1) {
        let compiled = |expressions: &[&str], dialect| {
            let patterns = Patterns::new(Set::Legacy, dialect);
            Grok::compile(expressions, &patterns, Options::new(dialect)).expect("expressions that compile")
        };
        let texts: Vec<&str> = case.expressions.iter().map(String::as_str).collect();
        let lists = [Dialect::Elasticsearch, Dialect::Logstash].map(|dialect| compiled(&texts, dialect));
        let alone: Vec<Grok> = texts.iter().map(|text| compiled(&[text], Dialect::Elasticsearch)).collect();
        let mut scratch = Scratch::new();
        let which: Vec<usize> =
            case.lines.iter().map(|line| search(&lists[0], line, &mut scratch).expect("a match")).collect();
        let mut best = [Duration::MAX; 3];
        for _ in 0..15 {
            let start = Instant::now();
            for (line, which) in case.lines.iter().zip(&which) {
                black_box(search(&alone[*which], line, &mut scratch));
            }
            best[0] = best[0].min(start.elapsed());
            for (list, best) in lists.iter().zip(&mut best[1..]) {
                let start = Instant::now();
                for line in &case.lines {
                    black_box(search(list, line, &mut scratch));
                }
                *best = (*best).min(start.elapsed());
            }
        }
        let bytes = case.lines.iter().map(String::len).sum::<usize>() / case.lines.len();
        let [alone, elasticsearch, logstash] = best.map(|time| time.as_secs_f64() * 1e9 / case.lines.len() as f64);
        println!("| {} | {bytes} | {alone:.0} | {elasticsearch:.0} | {logstash:.0} |", case.name);
    }
}
