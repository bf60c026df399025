//! `kelp simulate`: what would become of records, without Kafka and Elasticsearch.
//!
//! A line of standard input is a record. It goes the way of production: codec, pipeline, destination, and the encoder
//! that makes ids and documents; only the record's origin is pretended.

mod explain;
mod outcome;

use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use serde_json::value::RawValue;

use super::Format;
use super::output::Answer;
use crate::app::wall_millis;
use crate::config::{Fault, Faults, Place};
use crate::exit::ExitStatus;
use crate::pipeline::{Pipeline, Scratch, Trace, parse_timestamp};
use crate::record::{Headers, Record};
use explain::Explainer;
use outcome::{Outcome, Outcomes};

const EXAMPLES: &str = "\
Each line of standard input is the payload of a record; each line of the answer is what
becomes of it:
  {\"index\":…,\"id\":…,\"document\":{…}}                  a document
  {\"dropped\":true}                                   nothing, by a rule
  {\"dead_letter\":{\"stage\":…,\"reason\":…}}             a dead letter
or a list of these, where one record gives several.

Unless it is given, the record's timestamp is the time of its event, and now if the event
has none: a pretended record is neither late nor early.

Examples:
  kelp simulate -p pipelines/web.yaml < access.log
  kelp simulate -p pipelines/web.yaml --explain < access.log
  tail -n 5 access.log | kelp simulate -p pipelines/web.yaml --format text
  kelp simulate -p pipelines/web.yaml --timestamp 2026-11-20T10:00:00Z --key host-1 < access.log
  kelp simulate -p pipelines/web.yaml --header tenant=shop --header env=test < access.log";

/// Show what would become of records, one a line of standard input.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The pipeline.
    #[arg(short, long, value_name = "FILE")]
    pipeline: PathBuf,
    /// Tell what each processor did: fields added (+), changed (~) and removed (-), conditions that were false, failures
    /// and who handled them.
    #[arg(long)]
    explain: bool,
    /// How outcomes are told; json unless --explain is given.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// The records' timestamp: a date (ISO 8601), milliseconds since 1970, or none.
    #[arg(long, value_name = "T", value_parser = timestamp, allow_hyphen_values = true)]
    timestamp: Option<Timestamp>,
    /// The records' topic.
    #[arg(long, value_name = "NAME", default_value = "simulate", value_parser = topic)]
    topic: String,
    /// The records' partition.
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(i32).range(0..))]
    partition: i32,
    /// The offset of the first line, which the others follow.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(i64).range(0..))]
    offset: i64,
    /// The records' key.
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
    /// A header of the records; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, String)>,
}

/// A record's timestamp in milliseconds since 1970, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Timestamp(Option<i64>);

fn timestamp(text: &str) -> Result<Timestamp, String> {
    let hint = "give a date like 2026-11-20T10:00:00Z, milliseconds since 1970, or none";
    parse_timestamp(text).map(Timestamp).ok_or_else(|| hint.to_owned())
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give name and value with = between")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn topic(text: &str) -> Result<String, String> {
    let legal = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if legal && !text.is_empty() && text.len() <= 249 {
        return Ok(text.to_owned());
    }
    Err("give up to 249 letters, digits, dots, underscores and hyphens".to_owned())
}

impl Arguments {
    pub(super) fn run(self) -> ExitStatus {
        let pipeline = match self.load() {
            Ok(pipeline) => pipeline,
            Err(faults) => {
                eprintln!("{faults}");
                return ExitStatus::Usage;
            }
        };
        if io::stdin().is_terminal() {
            eprintln!("each line that is typed is a record; Ctrl-D ends");
        }
        let format = self.format.unwrap_or(if self.explain { Format::Text } else { Format::Json });
        let explainer = Explainer::new(self.pipeline.display().to_string());
        let mut answer = Answer::new();
        let mut scratch = if self.explain { Scratch::explaining() } else { Scratch::new() };
        let mut input = BufReader::new(io::stdin());
        let mut line = Vec::new();
        let mut offset = self.offset;
        while !answer.is_over() {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    eprintln!("standard input: {error}");
                    return answer.end(ExitStatus::Fault);
                }
            }
            let payload = line.strip_suffix(b"\n").unwrap_or(&line);
            let simulated = self.simulate(&pipeline, &mut scratch, payload, offset);
            match format {
                Format::Json => answer.line(&simulated.as_json(self.explain)),
                Format::Text => {
                    explainer.record(&simulated, self.explain).iter().for_each(|line| answer.line(line));
                }
            }
            offset = offset.saturating_add(1);
            // Whoever sends the next line only after this answer has to get it.
            if !input.buffer().contains(&b'\n') {
                answer.flush();
            }
        }
        answer.end(ExitStatus::Done)
    }

    fn load(&self) -> Result<Pipeline, Faults> {
        let file = self.pipeline.display().to_string();
        let text = fs::read_to_string(&self.pipeline).map_err(|error| {
            let (what, hint) =
                (format!("cannot be read: {error}"), Some("give the pipeline's file with -p".to_owned()));
            Faults(vec![Fault { place: Place::File(file.clone()), what, hint }])
        })?;
        Pipeline::compile(&file, &text).map_err(|problems| Faults(problems.into_iter().map(Fault::from).collect()))
    }

    fn simulate(&self, pipeline: &Pipeline, scratch: &mut Scratch, payload: &[u8], offset: i64) -> Simulated {
        let run = |scratch: &mut Scratch, timestamp| {
            let record = Record {
                topic: &self.topic,
                partition: self.partition,
                offset,
                timestamp,
                key: self.key.as_deref().map(str::as_bytes),
                payload: Some(payload),
                headers: Headers::given(&self.header),
            };
            let mut outcomes = Outcomes::new(record, pipeline.origin_field());
            pipeline.run(scratch, &record, &mut outcomes);
            let traces = scratch.take_traces();
            let (outcomes, own_time) = outcomes.into_parts();
            (Simulated { offset, timestamp, outcomes, traces }, own_time)
        };
        if let Some(Timestamp(given)) = self.timestamp {
            return run(scratch, given).0;
        }
        match run(scratch, Some(wall_millis())) {
            (simulated, None) => simulated,
            (_, Some(own_time)) => run(scratch, Some(own_time)).0,
        }
    }
}

/// A record and what became of it.
struct Simulated {
    offset: i64,
    timestamp: Option<i64>,
    outcomes: Vec<Outcome>,
    traces: Vec<Trace>,
}

impl Simulated {
    fn as_json(&self, explain: bool) -> String {
        let one = |outcome: &Outcome| {
            let mut json = outcome.as_json();
            let trace = self.traces.iter().find(|trace| trace.sub == outcome.sub());
            if let (true, Some(trace)) = (explain, trace) {
                json.truncate(json.len() - 1);
                json.push_str(",\"explain\":");
                json.push_str(&explain::as_json(trace).to_string());
                json.push('}');
            }
            json
        };
        match &self.outcomes[..] {
            [outcome] => one(outcome),
            outcomes => format!("[{}]", outcomes.iter().map(one).collect::<Vec<_>>().join(",")),
        }
    }
}

/// JSON that was written already, to be put into other JSON as it is.
fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("an encoded document is JSON")
}
