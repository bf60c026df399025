//! `kelp grok`: what expressions make of lines, without a pipeline around them.

mod bench;
mod explain;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Format;
use super::output::Answer;
use crate::event::{Object, Value};
use crate::exit::ExitStatus;
use crate::grok::{self, Fault, Grok, Match, Options, Outcome, Patterns, Scratch};

const EXAMPLES: &str = "\
A line that matches gives a JSON object of what it captured, by the fields' dotted names; one
that does not gives null. What could not be decided (the engine's budget was used up) or not
be converted (99999999999 as an int) gives null, too, is told on standard error, and ends the
command with 1.

Examples:
  kelp grok '%{COMBINEDAPACHELOG}' < access.log
  kelp grok --set ecs-v1 '%{COMBINEDAPACHELOG}' -f access.log
  kelp grok --dialect logstash '%{IP:[source][ip]} %{NOTSPACE:ident}' < access.log
  kelp grok --definitions my.patterns '%{MINE:x}' '%{GREEDYDATA:rest}' < access.log
  kelp grok --explain '%{COMBINEDAPACHELOG}' < access.log
  kelp grok --bench '%{COMBINEDAPACHELOG}' < access.log";

/// Match lines against grok expressions.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Expressions; which of several wins is the dialect's matter.
    #[arg(required = true, value_name = "PATTERN")]
    patterns: Vec<String>,
    /// The lines; without it standard input.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Texts end with a zero byte instead of a newline, so that they can have several lines.
    #[arg(short = 'z', long)]
    null_data: bool,
    /// The shipped patterns: by their old names, or by those of the Elastic Common Schema.
    #[arg(long, value_enum, default_value_t = Set::Legacy)]
    set: Set,
    /// Whose grok.
    #[arg(long, value_enum, default_value_t = Dialect::Elasticsearch)]
    dialect: Dialect,
    /// Definitions of one's own: a file of lines with a name and an expression, or a folder of such; may be given several times.
    #[arg(long, value_name = "PATH")]
    definitions: Vec<PathBuf>,
    /// Tell for people what was captured where, and how far the expression got on what does not match.
    #[arg(long, conflicts_with = "bench")]
    explain: bool,
    /// Measure lines a second, and the time of each pattern alone.
    #[arg(long)]
    bench: bool,
    /// How the measurement is told.
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "bench")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Set {
    Legacy,
    EcsV1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dialect {
    Elasticsearch,
    Logstash,
}

/// Expressions that are to be matched, and what they were made of.
struct Asked {
    expressions: Vec<String>,
    patterns: Patterns,
    options: Options,
    grok: Grok,
}

impl Arguments {
    pub(super) fn run(self) -> ExitStatus {
        let Some(asked) = self.asked() else { return ExitStatus::Usage };
        asked.warn();
        let lines: Box<dyn Read> = match &self.file {
            None => Box::new(io::stdin().lock()),
            Some(path) => match File::open(path) {
                // It can be opened, and not read.
                Ok(_) if path.is_dir() => {
                    eprintln!("{}: is a folder, where a file of lines is expected", path.display());
                    return ExitStatus::Usage;
                }
                Ok(file) => Box::new(file),
                Err(error) => {
                    eprintln!("{}: can't be read: {error}", path.display());
                    return ExitStatus::Usage;
                }
            },
        };
        let mut lines = Lines::new(lines, if self.null_data { 0 } else { b'\n' });
        if self.bench {
            return bench::run(&asked, lines, self.format);
        }
        let mut answer = Answer::new();
        let mut explainer = self.explain.then(|| explain::Teller::new(&asked));
        let mut scratch = Scratch::new();
        let mut status = ExitStatus::Done;
        let mut returns = Returns::default();
        let mut number = 0;
        while let Some(line) = lines.next() {
            number += 1;
            let line = match line {
                Ok(line) => line,
                Err(error) => {
                    eprintln!("the lines can't be read: {error}");
                    return answer.end(ExitStatus::Fault);
                }
            };
            let outcome = asked.grok.search(&line, &mut scratch);
            if let Some(what) = undecided(&outcome) {
                answer.flush();
                eprintln!("line {number}: {what}");
                status = ExitStatus::No;
            }
            match &mut explainer {
                Some(teller) => teller.tell(&mut answer, number, &line, &asked, &outcome),
                None => answer.line(&as_json(&asked.grok, &outcome)),
            }
            if matches!(outcome, Outcome::NoMatch)
                && let Some(what) = returns.explain(&asked.grok, &line, &mut scratch)
            {
                answer.flush();
                eprintln!("line {number}: warning: {what}");
            }
            // Whoever sends the next line only after this answer has to get it.
            if !lines.has_next() {
                answer.flush();
            }
            if answer.is_over() {
                break;
            }
        }
        answer.end(status)
    }

    fn asked(&self) -> Option<Asked> {
        let set = match self.set {
            Set::Legacy => grok::Set::Legacy,
            Set::EcsV1 => grok::Set::EcsV1,
        };
        let dialect = match self.dialect {
            Dialect::Elasticsearch => grok::Dialect::Elasticsearch,
            Dialect::Logstash => grok::Dialect::Logstash,
        };
        let mut patterns = Patterns::new(set, dialect);
        let mut read = true;
        for path in &self.definitions {
            for fault in patterns.load(path).err().into_iter().flatten() {
                eprintln!("{fault}");
                read = false;
            }
        }
        let expressions: Vec<&str> = self.patterns.iter().map(String::as_str).collect();
        let options = Options::new(dialect);
        match Grok::compile(&expressions, &patterns, options) {
            Ok(grok) => read.then(|| Asked { expressions: self.patterns.clone(), patterns, options, grok }),
            Err(refused) => {
                tell(&self.patterns, refused.faults.iter(), "");
                tell(&self.patterns, refused.warnings.iter().chain(&refused.untyped), "warning: ");
                None
            }
        }
    }
}

impl Asked {
    /// Tells what is no fault and yet hardly meant.
    fn warn(&self) {
        for note in self.patterns.notes() {
            eprintln!("{}: warning: {}", note.place(), note.what);
        }
        let expressions: Vec<&str> = self.expressions.iter().map(String::as_str).collect();
        let unused = grok::unused(&expressions, &self.patterns, self.options);
        let faults = self.grok.warnings().iter().chain(self.grok.untyped()).chain(&unused);
        tell(&self.expressions, faults, "warning: ");
        for pattern in 0..self.expressions.len() {
            if let Some(why) = self.grok.fallback(pattern) {
                eprintln!("pattern {}: warning: it is left to Oniguruma, the slower engine: {why}", pattern + 1);
            }
        }
    }
}

/// Looks whether lines do not match for the carriage return that they end in, as lines of Windows do. One that is told tells of all, and
/// where so many do not match without it either, it is not for that.
struct Returns {
    /// How many lines may still be tried.
    left: usize,
}

impl Default for Returns {
    fn default() -> Self {
        Self { left: 1000 }
    }
}

impl Returns {
    /// Tries a line that does not match without its carriage return.
    fn explain(&mut self, grok: &Grok, line: &str, scratch: &mut Scratch) -> Option<String> {
        let bare = line.strip_suffix('\r')?;
        self.left = self.left.checked_sub(1)?;
        let Outcome::Match(found) = grok.search(bare, scratch) else { return None };
        self.left = 0;
        let pattern = found.index() + 1;
        Some(format!(
            "pattern {pattern} would match it without the carriage return that it ends in (write \\r?$ instead of $, or remove it: tr -d '\\r')"
        ))
    }
}

/// Tells faults with their places: the line of a file of definitions, or else which pattern, and at which letter of it. What several
/// patterns lead to is told once.
fn tell<'f>(expressions: &[String], faults: impl Iterator<Item = &'f Fault>, kind: &str) {
    let mut told = HashSet::new();
    for fault in faults {
        let place = fault.place.as_ref().map_or_else(
            || {
                let text = expressions.get(fault.expression).map_or("", String::as_str);
                let before = text.get(..fault.offset).unwrap_or_default();
                format!("pattern {}:{}", fault.expression + 1, before.chars().count() + 1)
            },
            ToString::to_string,
        );
        let line = format!("{place}: {kind}{fault}");
        if told.insert(line.clone()) {
            eprintln!("{line}");
        }
    }
}

/// The lines, without what ends them. What is no UTF-8 has the replacement character in its place.
struct Lines {
    input: BufReader<Box<dyn Read>>,
    end: u8,
}

impl Lines {
    fn new(input: Box<dyn Read>, end: u8) -> Self {
        Self { input: BufReader::with_capacity(64 * 1024, input), end }
    }

    /// Whether the next line was read already, so that there is no waiting for it.
    fn has_next(&self) -> bool {
        self.input.buffer().contains(&self.end)
    }
}

impl Iterator for Lines {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        match self.input.read_until(self.end, &mut line) {
            Ok(0) => None,
            Ok(_) => {
                if line.last() == Some(&self.end) {
                    line.pop();
                }
                Some(Ok(String::from_utf8_lossy(&line).into_owned()))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// Why it is not known what a line gives.
fn undecided(outcome: &Outcome<'_, '_>) -> Option<String> {
    match outcome {
        Outcome::NoMatch => None,
        Outcome::Match(found) => found.values().err().map(|error| format!("{error}: {:?}", error.text)),
        Outcome::Exhausted { expression } => {
            Some(format!("grok timeout: the budget was used up by pattern {}", expression + 1))
        }
        Outcome::Failed { expression, what } => {
            Some(format!("the engine failed with pattern {}: {what}", expression + 1))
        }
    }
}

fn as_json(grok: &Grok, outcome: &Outcome<'_, '_>) -> String {
    match outcome {
        Outcome::Match(found) => {
            fields(grok, found).map_or_else(|| "null".to_owned(), |fields| Value::Object(fields).to_json())
        }
        _ => "null".to_owned(),
    }
}

/// The fields of a match by their dotted names.
fn fields<'t>(grok: &Grok, found: &Match<'_, 't>) -> Option<Object<'t>> {
    let names = grok.fields(found.index());
    let values = found.values().ok()?;
    Some(values.map(|(field, value)| (names[field].dotted().into(), shown(value))).collect())
}

fn shown(value: grok::Value<'_>) -> Value<'_> {
    match value {
        grok::Value::Text(text) => Value::str(text),
        grok::Value::Int(number) => Value::Int(number),
        grok::Value::Float(number) => Value::Float(number),
        grok::Value::Bool(truth) => Value::Bool(truth),
        grok::Value::List(values) => Value::Array(values.into_iter().map(shown).collect()),
    }
}
