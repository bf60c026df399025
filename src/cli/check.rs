//! `kelp check`: whether `kelp run` would start, and why not. It needs neither Kafka nor Elasticsearch.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::Answer;
use super::paths::pipeline_files;
use super::settings::Settings;
use crate::app::{self, Plan};
use crate::config::{Fault, Faults, Place, Setting};
use crate::exit::ExitStatus;
use crate::pipeline::{Pipeline, Routes};

const EXAMPLES: &str = "\
Every mistake is told at once on standard error, as place: what (hint); the place is
file:line:column, a variable or a flag. Warnings are told likewise and change nothing.
The tests that stand in pipelines are run. The exit code is 0, or 64 if there is a mistake.

Examples:
  kelp check                          kelp.yaml in this folder, variables, and all pipelines
  kelp check -c kelp.yaml
  kelp check pipelines/web.yaml       one pipeline, without a configuration
  kelp check pipelines                all pipelines of a folder";

/// Check the configuration and all pipelines, as kelp run does before it starts.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Pipelines, or folders with pipelines; without -c no configuration is read, with it these stand for its own.
    #[arg(value_name = "PIPELINE")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Arguments {
    pub(super) fn run(self) -> ExitStatus {
        if !self.paths.is_empty() && self.settings.config.is_none() {
            return check_files(&self.paths);
        }
        let plan = self.settings.sources().and_then(|mut sources| {
            if !self.paths.is_empty() {
                let values = self.paths.iter().map(|path| path.display().to_string()).collect();
                sources.flags.retain(|setting| setting.path != ["pipelines"]);
                let place = Place::Flag("PIPELINE");
                sources.flags.push(Setting { path: vec!["pipelines".to_owned()], values, place });
            }
            app::plan(&sources)
        });
        match plan {
            Ok(Plan { pipelines, routes, mut warnings, tests, .. }) => {
                warnings.extend(overlaps(&routes));
                warn(&warnings);
                sum_up(pipelines.iter().map(AsRef::as_ref), tests)
            }
            Err(faults) => {
                eprintln!("{faults}");
                ExitStatus::Usage
            }
        }
    }
}

/// Pipelines alone.
fn check_files(paths: &[PathBuf]) -> ExitStatus {
    let (paths, mut faults) = pipeline_files(paths);
    let (files, unread) = app::read_files(&paths, Path::new(""));
    faults.extend(unread);
    let checked = app::check_pipelines(&files, Path::new(""), None);
    faults.extend(checked.faults);
    warn(&checked.warnings);
    warn(&overlaps(&Routes::new(&checked.pipelines, [])));
    if !faults.is_empty() {
        eprintln!("{}", Faults(faults));
        return ExitStatus::Usage;
    }
    sum_up(checked.pipelines.iter().map(AsRef::as_ref), checked.tests)
}

/// Patterns of topics that meet. That is no mistake as long as there is no such topic, which only the brokers know.
fn overlaps(routes: &Routes) -> Vec<Fault> {
    let overlaps = routes.overlaps().into_iter().map(|overlap| Fault {
        place: Place::Spot { file: overlap.file, line: overlap.place.line, column: overlap.place.column },
        what: format!("a topic such as {:?} is matched by the pattern at {}, too", overlap.topic, overlap.first),
        hint: Some(
            "nobody would read it: narrow one of the patterns, or name such topics in source.topics of one".into(),
        ),
    });
    overlaps.collect()
}

/// The topics and the pattern of a pipeline.
fn sources(pipeline: &Pipeline) -> String {
    let pattern = pipeline.topics_pattern().map(|pattern| format!("{} (pattern)", pattern.as_str()));
    let sources: Vec<String> = pipeline.topics().iter().cloned().chain(pattern).collect();
    sources.join(", ")
}

fn warn(warnings: &[Fault]) {
    for Fault { place, what, hint } in warnings {
        let hint = hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        eprintln!("{place}: warning: {what}{hint}");
    }
}

fn sum_up<'a>(pipelines: impl Iterator<Item = &'a Pipeline> + Clone, tests: usize) -> ExitStatus {
    let mut answer = Answer::new();
    for pipeline in pipelines.clone() {
        let indices = pipeline.index_pattern().unwrap_or_else(|| "indices named by its fields".to_owned());
        answer.line(&format!("{}: {} -> {indices}", pipeline.name(), sources(pipeline)));
    }
    let topics = pipelines.clone().map(|pipeline| pipeline.topics().len()).sum();
    let patterns = pipelines.clone().filter(|pipeline| pipeline.topics_pattern().is_some()).count();
    let count = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let (pipelines, mut topics) = (count(pipelines.count(), "pipeline"), count(topics, "topic"));
    if patterns > 0 {
        topics = format!("{topics}, {}", count(patterns, "pattern"));
    }
    answer.line(&format!("no mistake found: {pipelines}, {topics}, {} passed", count(tests, "test")));
    answer.end(ExitStatus::Done)
}
