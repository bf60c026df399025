//! What the documentation shows is run: a reader's first attempt is a copy of an example.
//!
//! A block that is fenced as `yaml` is a whole pipeline (`source` and `destination` at the top level), which has to
//! compile and whose tests have to pass, or a whole `kelp.yaml`, which has to be accepted. Anything else is a piece of
//! one and is fenced as `yaml fragment`.
//!
//! The files are read when the test runs, so that a new page is not forgotten.

use std::fs;
use std::path::{Path, PathBuf};

use kelp::config::{self, Config, Sources};
use kelp::pipeline::Pipeline;

/// A block, and the page and line that it stands at.
struct Block {
    page: String,
    line: usize,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Pipeline,
    Config,
}

impl Block {
    fn kind(&self) -> Option<Kind> {
        let has = |key: &str| self.text.lines().any(|line| line.starts_with(key));
        match () {
            () if has("source:") && has("destination:") => Some(Kind::Pipeline),
            () if has("kafka:") || has("elasticsearch:") => Some(Kind::Config),
            () => None,
        }
    }

    /// The text at the lines that it has in its page, so that problems name these.
    fn in_place(&self) -> String {
        "\n".repeat(self.line) + &self.text
    }

    fn config(&self) -> Config {
        load(&self.text).unwrap_or_else(|faults| panic!("{}:{}: {faults}", self.page, self.line))
    }
}

/// Loads a `kelp.yaml` beside a folder `pipelines` with a file in it.
fn load(text: &str) -> Result<Config, config::Faults> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("pipelines")).unwrap();
    fs::write(folder.path().join("pipelines/any.yaml"), "").unwrap();
    fs::write(folder.path().join("kelp.yaml"), text).unwrap();
    let config = config::load(&Sources { folder: folder.path().to_owned(), ..Sources::default() });
    // Two configurations are compared below: where they were read is no difference.
    config.map(|config| Config { pipelines: config::Pipelines(Vec::new()), ..config })
}

fn pages() -> Vec<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(project.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    pages.extend(["README.md", "CONTRIBUTING.md"].map(|name| project.join(name)));
    pages.sort();
    pages
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for path in pages() {
        let page = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let mut open: Option<Block> = None;
        for (index, line) in text.lines().enumerate() {
            match &mut open {
                Some(_) if line == "```" => blocks.extend(open.take()),
                Some(block) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                None if line == "```yaml" => {
                    open = Some(Block { page: page.clone(), line: index + 1, text: String::new() });
                }
                None => {}
            }
        }
        assert!(open.is_none(), "{page} has a block without an end");
    }
    blocks
}

#[test]
fn every_block_is_a_pipeline_or_a_configuration() {
    for block in blocks() {
        assert!(block.kind().is_some(), "{}:{} is a fragment: fence it as such", block.page, block.line);
    }
}

#[test]
fn every_pipeline_compiles_and_passes_its_tests() {
    let (mut pipelines, mut tests) = (0, 0);
    for block in blocks().iter().filter(|block| block.kind() == Some(Kind::Pipeline)) {
        let pipeline = match Pipeline::compile(&block.page, &block.in_place()) {
            Ok(pipeline) => pipeline,
            Err(problems) => panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        };
        for result in pipeline.run_tests() {
            let place = format!("{}:{}: {}", block.page, result.line, result.name);
            assert!(result.passed(), "{place}: {:?}", result.differences);
            tests += 1;
        }
        pipelines += 1;
    }
    assert!(pipelines >= 8 && tests >= 20, "{pipelines} pipelines with {tests} tests: are the blocks still found?");
}

#[test]
fn every_configuration_is_accepted() {
    let configurations = blocks().iter().filter(|block| block.kind() == Some(Kind::Config)).map(Block::config).count();
    assert!(configurations >= 3, "{configurations} configurations: are the blocks still found?");
}

#[test]
fn the_reference_shows_the_defaults() {
    let blocks = blocks();
    let reference = |block: &&Block| block.page == "operations.md" && block.kind() == Some(Kind::Config);
    let reference = blocks.iter().find(reference).expect("operations.md begins with the reference");
    assert_eq!(reference.config(), load("").unwrap());
}
