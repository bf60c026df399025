//! `kelp test`: the tests that stand in pipelines.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Format;
use super::output::Answer;
use super::paths::pipeline_files;
use crate::config::Fault;
use crate::exit::ExitStatus;
use crate::pipeline::{Pipeline, TestResult};
use crate::yaml::Problem;

const EXAMPLES: &str = "\
A pipeline's tests are its list `tests`: what is given, and which fields are expected.

The last line tells how many passed, failed and were skipped (have `skip: why`). The exit
code is 0 if none failed, else 1; 64 if a file cannot be compiled, which is told on
standard error. Needs neither Kafka nor Elasticsearch.

Examples:
  kelp test pipelines                      all pipelines of a folder
  kelp test pipelines/web.yaml
  kelp test pipelines --format json        a JSON object a line, one for each test";

/// Run the tests that stand in pipelines.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Pipelines, or folders with pipelines.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// How results are told.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Arguments {
    pub(super) fn run(self) -> ExitStatus {
        let mut answer = Answer::new();
        let mut counts = Counts::default();
        let (files, mut faults) = pipeline_files(&self.paths);
        for path in &files {
            let file = path.display().to_string();
            match load(path, &file) {
                Ok(pipeline) => {
                    for result in pipeline.run_tests() {
                        counts.add(&result);
                        match self.format {
                            Format::Json => answer.line(&as_json(&file, &result)),
                            Format::Text => as_text(&file, &result).iter().for_each(|line| answer.line(line)),
                        }
                    }
                }
                Err(problems) => faults.extend(problems.into_iter().map(Fault::from)),
            }
        }
        for fault in &faults {
            eprintln!("{fault}");
        }
        let Counts { passed, failed, skipped } = counts;
        answer.line(&format!(r#"{{"passed":{passed},"failed":{failed},"skipped":{skipped}}}"#));
        answer.end(match (faults.is_empty(), failed) {
            (false, _) => ExitStatus::Usage,
            (true, 0) => ExitStatus::Done,
            (true, _) => ExitStatus::No,
        })
    }
}

impl Counts {
    fn add(&mut self, result: &TestResult) {
        match (result.skipped.is_some(), result.passed()) {
            (true, _) => self.skipped += 1,
            (false, true) => self.passed += 1,
            (false, false) => self.failed += 1,
        }
    }
}

fn load(path: &PathBuf, file: &str) -> Result<Pipeline, Vec<Problem>> {
    let text = fs::read_to_string(path).map_err(|error| {
        let what = format!("cannot be read: {error}");
        vec![Problem { file: file.to_owned(), line: 0, column: 0, what, hint: None }]
    })?;
    Pipeline::compile(file, &text)
}

fn as_text(file: &str, result: &TestResult) -> Vec<String> {
    let place = format!("{file}:{}: {}", result.line, result.name);
    match &result.skipped {
        Some(why) => vec![format!("{place}: skipped: {why}")],
        None if result.passed() => vec![format!("{place}: passed")],
        None => {
            let mut lines = vec![format!("{place}: FAILED")];
            for difference in &result.differences {
                let (line, column) = (difference.place.line, difference.place.column);
                lines.push(format!("  {file}:{line}:{column}: {}", difference.field));
                lines.push(format!("    expected  {}", difference.expected));
                lines.push(format!("    got       {}", difference.came));
            }
            lines
        }
    }
}

fn as_json(file: &str, result: &TestResult) -> String {
    let differences: Vec<_> = result
        .differences
        .iter()
        .map(|one| {
            let (line, column) = (one.place.line, one.place.column);
            json!({"line": line, "column": column, "field": one.field, "expected": one.expected, "got": one.came})
        })
        .collect();
    let mut told = json!({"file": file, "line": result.line, "name": result.name, "result": "passed"});
    if let Some(why) = &result.skipped {
        told["result"] = "skipped".into();
        told["why"] = why.as_str().into();
    } else if !result.passed() {
        told["result"] = "failed".into();
        told["differences"] = differences.into();
    }
    told.to_string()
}
