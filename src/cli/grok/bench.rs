//! How fast expressions are on given lines.
//!
//! The lines are in memory, and every capture is read and converted, as a pipeline does. Rounds over all lines are run for
//! at least a second; the first is not counted.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use super::super::Format;
use super::super::output::Answer;
use super::{Asked, Returns, undecided};
use crate::exit::ExitStatus;
use crate::grok::{Grok, Outcome, Scratch, Value};

/// How long rounds are repeated.
const LEAST: Duration = Duration::from_secs(1);

/// What was measured.
struct Measured {
    matched: usize,
    undecided: usize,
    /// The first line of which it is not known what it gives, from 0, and why.
    first_undecided: Option<(usize, String)>,
    rounds: u32,
    took: Duration,
}

pub(super) fn run(asked: &Asked, lines: impl Iterator<Item = io::Result<String>>, format: Format) -> ExitStatus {
    let lines: Vec<String> = match lines.collect() {
        Ok(lines) => lines,
        Err(error) => {
            eprintln!("the lines can't be read: {error}");
            return ExitStatus::Fault;
        }
    };
    if lines.is_empty() {
        eprintln!("there is no line to measure with (give lines on standard input, or a file with -f)");
        return ExitStatus::Usage;
    }
    warn_of_returns(&asked.grok, &lines);
    let all = measure(&asked.grok, &lines);
    if let Some((number, why)) = &all.first_undecided {
        eprintln!("line {}: warning: {why} ({} such lines are not counted as matched)", number + 1, all.undecided);
    }
    let per_second = all.lines_per_second(lines.len());
    let mut answer = Answer::new();
    if format == Format::Json {
        let matched = all.matched;
        answer.line(&format!(r#"{{"lines":{},"matched":{matched},"lines_per_second":{per_second:.0}}}"#, lines.len()));
        return answer.end(ExitStatus::Done);
    }
    let bytes: usize = lines.iter().map(String::len).sum();
    answer.line(&format!(
        "{} lines of {} bytes on average, {} matched, {} undecided; {} rounds",
        lines.len(),
        bytes / lines.len(),
        all.matched,
        all.undecided,
        all.rounds
    ));
    answer.line(&format!(
        "{per_second:>12.0} lines a second, {:>8.1} MB a second, one thread",
        megabytes(per_second, bytes, lines.len())
    ));
    if asked.expressions.len() > 1 {
        answer.line("each pattern alone, on all lines:");
    }
    for (number, expression) in asked.expressions.iter().enumerate().filter(|_| asked.expressions.len() > 1) {
        let Ok(alone) = Grok::compile(&[expression], &asked.patterns, asked.options) else { continue };
        let measured = measure(&alone, &lines);
        let nanoseconds = 1e9 / measured.lines_per_second(lines.len());
        let shown: String = expression.chars().take(60).collect();
        answer.line(&format!("{nanoseconds:>9.0} ns a line  {:>8} matched  {}: {shown}", measured.matched, number + 1));
    }
    answer.end(ExitStatus::Done)
}

/// Tells of the first line that does not match for its carriage return; of those that have one only so many are looked at.
fn warn_of_returns(grok: &Grok, lines: &[String]) {
    let (mut returns, mut scratch) = (Returns::default(), Scratch::new());
    let with_return = lines.iter().enumerate().filter(|(_, line)| line.ends_with('\r'));
    for (number, line) in with_return.take(returns.left) {
        if matches!(grok.search(line, &mut scratch), Outcome::NoMatch)
            && let Some(what) = returns.explain(grok, line, &mut scratch)
        {
            eprintln!("line {}: warning: {what}", number + 1);
            return;
        }
    }
}

fn megabytes(per_second: f64, bytes: usize, lines: usize) -> f64 {
    per_second * bytes as f64 / lines as f64 / 1e6
}

fn measure(grok: &Grok, lines: &[String]) -> Measured {
    let mut scratch = Scratch::new();
    let mut measured = Measured { matched: 0, undecided: 0, first_undecided: None, rounds: 0, took: Duration::ZERO };
    for (number, line) in lines.iter().enumerate() {
        let outcome = grok.search(line, &mut scratch);
        match undecided(&outcome) {
            Some(why) => {
                measured.undecided += 1;
                measured.first_undecided.get_or_insert((number, why));
            }
            None => measured.matched += usize::from(matches!(outcome, Outcome::Match(_))),
        }
    }
    let start = Instant::now();
    while measured.took < LEAST {
        for line in lines {
            if let Outcome::Match(found) = &grok.search(line, &mut scratch)
                && let Ok(values) = found.values()
            {
                values.for_each(|(_, value)| match value {
                    // A copy of the whole would cost as much as what is measured.
                    Value::Text(text) => _ = black_box(text),
                    other => _ = black_box(other),
                });
            }
        }
        measured.rounds += 1;
        measured.took = start.elapsed();
    }
    measured
}

impl Measured {
    fn lines_per_second(&self, lines: usize) -> f64 {
        lines as f64 * f64::from(self.rounds) / self.took.as_secs_f64()
    }
}
