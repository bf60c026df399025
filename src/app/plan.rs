//! What a configuration comes to, before anything is started: its pipelines, compiled and tested, whose topic is whose,
//! and the index templates. `kelp check` and `kelp run` both make a plan, so what the one finds the other refuses.
//!
//! Mistakes in `kelp.yaml` don't keep those in the pipelines from being told: everything that can be looked at is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, Fault, Faults, Place, Properties, Sources, Template};
use crate::elastic::Templates;
use crate::kafka;
use crate::pipeline::{Pipeline, Routes};
use crate::yaml;

/// Pipeline files with their texts, as read at one time.
pub type Files = Vec<(PathBuf, String)>;

/// A configuration that can be run, with all that follows from it.
pub struct Plan {
    /// The configuration.
    pub config: Config,
    /// The pipeline files with their texts, as they were read.
    pub files: Files,
    /// The pipelines, in the order of their files.
    pub pipelines: Vec<Arc<Pipeline>>,
    /// Which pipeline each topic belongs to.
    pub routes: Arc<Routes>,
    /// The index templates to be seen to.
    pub templates: Templates,
    /// What is no mistake and yet hardly meant.
    pub warnings: Vec<Fault>,
    /// How many tests of pipelines passed.
    pub tests: usize,
}

/// No pattern matches the dead letters of another Kelp either, as far as they have the usual name.
const DEFAULT_DEAD_LETTERS: &str = "kelp.dead-letters";

/// Makes the plan that the configuration asks for.
///
/// # Errors
/// Every mistake of the configuration and of every pipeline.
pub fn plan(sources: &Sources) -> Result<Plan, Faults> {
    let (config, mut faults) = config::examine(sources);
    let Some(config) = config else { return Err(Faults(faults)) };
    faults.extend(refused_properties(&config.kafka.properties));
    faults.sort();
    let paths = config.pipelines.files().unwrap_or_else(|(path, error)| {
        faults.push(of_file(&path.display().to_string(), format!("cannot be read: {error}")));
        Vec::new()
    });
    let (files, unread) = read_files(&paths, &sources.folder);
    faults.extend(unread);
    let mut checked = check_pipelines(&files, &sources.folder, Some(&config.dead_letter_topic));
    faults.append(&mut checked.faults);
    let templates = templates(&config.elasticsearch.template, &checked.pipelines).unwrap_or_else(|fault| {
        faults.push(fault);
        Templates::default()
    });
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let routes = routes(&checked.pipelines, &config.dead_letter_topic);
    let Checked { pipelines, warnings, tests, .. } = checked;
    Ok(Plan { config, files, pipelines, routes, templates, warnings, tests })
}

/// The topics and patterns of pipelines.
pub fn routes(pipelines: &[Arc<Pipeline>], dead_letter_topic: &str) -> Arc<Routes> {
    Arc::new(Routes::new(pipelines, [dead_letter_topic.to_owned(), DEFAULT_DEAD_LETTERS.to_owned()]))
}

/// What is found in pipeline files.
pub struct Checked {
    /// The files that could be compiled, as they are told.
    pub files: Vec<String>,
    /// Their pipelines, in the same order.
    pub pipelines: Vec<Arc<Pipeline>>,
    /// Every mistake: of the files, of their tests, and of one against another.
    pub faults: Vec<Fault>,
    /// What is no mistake and yet hardly meant.
    pub warnings: Vec<Fault>,
    /// How many of their tests passed.
    pub tests: usize,
}

/// Reads pipeline files. Those below `folder` are told as seen from there.
pub fn read_files(paths: &[PathBuf], folder: &Path) -> (Files, Vec<Fault>) {
    let (mut files, mut faults) = (Files::new(), Vec::new());
    for path in paths {
        match fs::read_to_string(path) {
            Ok(text) => files.push((path.clone(), text)),
            Err(error) => faults.push(of_file(&shown(path, folder), format!("cannot be read: {error}"))),
        }
    }
    (files, faults)
}

fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Compiles pipelines, runs their tests, and looks whether one is in another's way, or reads the topic of the dead letters.
/// Files below `folder` are told as seen from there.
pub fn check_pipelines(files: &Files, folder: &Path, dead_letters: Option<&str>) -> Checked {
    let mut checked =
        Checked { files: Vec::new(), pipelines: Vec::new(), faults: Vec::new(), warnings: Vec::new(), tests: 0 };
    for (path, text) in files {
        let file = shown(path, folder);
        match Pipeline::compile(&file, text) {
            Ok(pipeline) => checked.add(file, pipeline, dead_letters),
            Err(_) if is_configuration(text) => {
                let what = "is a configuration and no pipeline".to_owned();
                let hint = "give it with -c; pipelines belong into a folder of their own";
                checked.faults.push(Fault { place: Place::File(file), what, hint: Some(hint.to_owned()) });
            }
            Err(problems) => checked.faults.extend(problems.into_iter().map(Fault::from)),
        }
    }
    checked.faults.sort();
    checked
}

/// True for what was meant as a `kelp.yaml`, which some keep beside their pipelines.
fn is_configuration(text: &str) -> bool {
    let root = yaml::parse(text, &yaml::Problems::new(""));
    let has = |key: &str| root.as_ref().is_some_and(|root| root.get(key).is_some());
    (has("kafka") || has("elasticsearch")) && !has("source") && !has("destination")
}

impl Checked {
    fn add(&mut self, file: String, pipeline: Pipeline, dead_letters: Option<&str>) {
        self.warnings.extend(pipeline.warnings().iter().cloned().map(Fault::from));
        for result in pipeline.run_tests() {
            if result.passed() {
                self.tests += 1;
            }
            for difference in &result.differences {
                let place = spot(&file, difference.place);
                let what = format!("the test {:?} fails: {difference}", result.name);
                let hint = "mend the pipeline, or what the test expects";
                self.faults.push(Fault { place, what, hint: Some(hint.to_owned()) });
            }
        }
        for (topic, place) in pipeline.topics().iter().zip(pipeline.topic_places()) {
            if let Some(other) = self.claim(topic) {
                let what = format!("the topic {topic:?} belongs to the pipeline at {other} already");
                let hint = "a topic belongs to one pipeline: remove it from one of the two";
                self.faults.push(Fault { place: spot(&file, *place), what, hint: Some(hint.to_owned()) });
            }
            if Some(topic.as_str()) == dead_letters {
                let what = format!("the topic {topic:?} is that of the dead letters, which would come back as records");
                let hint = "remove it, or set dead_letters.topic to another";
                self.faults.push(Fault { place: spot(&file, *place), what, hint: Some(hint.to_owned()) });
            }
        }
        let others = self.files.iter().zip(&self.pipelines);
        if let Some((other, _)) = others.into_iter().find(|(_, other)| other.name() == pipeline.name()) {
            let what = format!("the pipeline has the name {:?} as {other} has", pipeline.name());
            let hint = "metrics and dead letters name pipelines by their files: rename one of the two";
            self.warnings.push(Fault { place: Place::File(file.clone()), what, hint: Some(hint.to_owned()) });
        }
        self.files.push(file);
        self.pipelines.push(Arc::new(pipeline));
    }

    /// Where a topic is named already.
    fn claim(&self, topic: &str) -> Option<Place> {
        self.files.iter().zip(&self.pipelines).find_map(|(file, pipeline)| {
            let at = pipeline.topics().iter().position(|known| known == topic)?;
            Some(spot(file, pipeline.topic_places()[at]))
        })
    }
}

fn refused_properties(properties: &Properties) -> Vec<Fault> {
    let given = properties.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let problems = kafka::check(&given).into_iter();
    problems
        .map(|problem| {
            let place = properties.place(&problem.key).cloned().unwrap_or(Place::Default);
            let what = format!("kafka.properties.{}: {}", problem.key, problem.what);
            Fault { place, what, hint: Some(problem.hint) }
        })
        .collect()
}

/// The index templates that pipelines need.
pub(super) fn templates(template: &Template, pipelines: &[Arc<Pipeline>]) -> Result<Templates, Fault> {
    let path = match template {
        Template::Off => return Ok(Templates::default()),
        Template::Auto => {
            return Ok(Templates::auto(
                pipelines
                    .iter()
                    .flat_map(|pipeline| pipeline.index_pattern().map(|pattern| (pattern, pipeline.origin_field()))),
            ));
        }
        Template::File(path) => path,
    };
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| of_file(&file, format!("cannot be read: {error}")))?;
    let body = serde_json::from_str(&text).map_err(|error| Fault {
        place: spot(&file, yaml::Place { line: error.line().max(1), column: error.column().max(1) }),
        what: format!("is not JSON: {error}"),
        hint: Some("a template is the body of PUT _index_template".to_owned()),
    })?;
    let name = path.file_stem().map_or_else(|| "kelp".into(), |stem| stem.to_string_lossy().into_owned());
    Ok(Templates::from_file(name, body))
}

fn spot(file: &str, place: yaml::Place) -> Place {
    Place::Spot { file: file.to_owned(), line: place.line, column: place.column }
}

fn of_file(file: &str, what: String) -> Fault {
    Fault { place: Place::File(file.to_owned()), what, hint: Some("it must be readable by this user".to_owned()) }
}
