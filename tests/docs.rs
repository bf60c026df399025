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
use kelp::yaml::{self, Problems};

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

/// Loads a `kelp.yaml` beside a folder `pipelines` with a file in it, and secrets in files and variables.
fn load(text: &str) -> Result<Config, config::Faults> {
    load_with(text, &[])
}

fn load_with(text: &str, variables: &[(String, String)]) -> Result<Config, config::Faults> {
    let folder = tempfile::tempdir().unwrap();
    for folders in ["pipelines", "secrets"] {
        fs::create_dir(folder.path().join(folders)).unwrap();
    }
    for file in ["pipelines/any.yaml", "secrets/kafka-password", "secrets/elasticsearch-password"] {
        fs::write(folder.path().join(file), "any").unwrap();
    }
    fs::write(folder.path().join("kelp.yaml"), text).unwrap();
    let mut variables = variables.to_vec();
    variables.push(("KAFKA_HOST".to_owned(), "kafka".to_owned()));
    let config = config::load(&Sources { folder: folder.path().to_owned(), variables, ..Sources::default() });
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
    let reference = |block: &&Block| block.page == "configuration.md" && block.kind() == Some(Kind::Config);
    let reference = blocks.iter().find(reference).expect("configuration.md begins with the reference");
    assert_eq!(reference.config(), load("").unwrap());
    let problems = Problems::new("configuration.md");
    let root = yaml::parse(&reference.text, &problems).expect("the reference is YAML");
    for key in config::keys() {
        let node = key.split('.').try_fold(&root, |node, name| node.get(name));
        assert!(node.is_some(), "the reference does not show {key}");
    }
}

/// The rows of a table of four columns whose first is `like this`.
fn rows(page: &str, title: &str) -> Vec<[String; 4]> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
    let section = text.split(title).nth(1).unwrap_or_else(|| panic!("{page} has no {title:?}"));
    let table = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    table.skip(2).map(|line| cells(line).try_into().unwrap_or_else(|_| panic!("{line} has other columns"))).collect()
}

#[test]
fn the_table_of_keys_is_the_schema() {
    let rows = rows("configuration.md", "\n## Keys\n");
    let told: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(told, config::keys());
    for [key, _, variable, meaning] in &rows {
        let named = format!("KELP_{}", key.replace('.', "__").to_uppercase());
        assert_eq!(variable.trim_end_matches("__…"), named);
        assert!(!meaning.is_empty(), "{key} is not explained");
    }
    // As variables the defaults change nothing, and every variable of the table is known.
    let variables: Vec<(String, String)> =
        rows.iter().filter(|row| row[1] != "none").map(|row| (row[2].clone(), row[1].clone())).collect();
    assert!(variables.len() > 15);
    assert_eq!(load_with("", &variables).unwrap(), load("").unwrap());
}

#[test]
fn the_properties_that_cannot_be_set_are_told() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap();
    let section = page.split("### Properties that can't be set").nth(1).unwrap().split("###").next().unwrap();
    for (property, _) in config::PROTECTED {
        assert!(section.contains(&format!("`{property}`")), "{property} is not told");
    }
}

/// What is said about a list of processors.
fn said(processors: &str) -> String {
    let text = format!("source: {{topics: [t]}}\nprocessors: {processors}\ndestination: {{index: x}}\n");
    let problems = Pipeline::compile("any.yaml", &text).err().expect("a mistake");
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// The names in parentheses after these words.
fn listed<'a>(text: &'a str, words: &str) -> Vec<&'a str> {
    let list = text.split(words).nth(1).unwrap_or_else(|| panic!("{words:?} is not in {text}"));
    list.split(')').next().unwrap().split(", ").collect()
}

/// Each processor has a file whose head tells its options, and a section of the page that does.
#[test]
fn every_processor_and_each_of_its_options_is_told() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(project.join("docs/processors.md")).unwrap();
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    let names =
        |section: &&str| -> Vec<String> { section.lines().next().unwrap().split(", ").map(str::to_owned).collect() };
    let section = |name: &str| sections.iter().find(|section| names(section).iter().any(|known| known == name));
    let common = section("Options that all have").expect("the section of the common options");
    let head_of = |file: &str| -> String {
        let text = fs::read_to_string(project.join(format!("src/pipeline/processors/{file}.rs")));
        let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
        text.lines().filter(|line| line.starts_with("//!")).collect()
    };
    let texts = head_of("texts");
    let unknown = said("[{no-such-one: {}}]");
    let processors = listed(&unknown, "(there are ");
    assert!(processors.len() >= 26, "{processors:?}");
    for name in processors {
        let section = section(name).unwrap_or_else(|| panic!("{name} has no section"));
        let mut head = head_of(name);
        if head.contains("`texts.rs`") {
            head += &texts;
        }
        for option in listed(&said(&format!("[{{{name}: {{no-such-option: 1}}}}]")), "(known keys: ") {
            let option = format!("`{option}`");
            if common.contains(&option) {
                continue;
            }
            assert!(section.contains(&option), "{name}: {option} is not in processors.md");
            assert!(head.contains(&option), "{name}: {option} is not in the head of its file");
        }
    }
}

/// A dependency without a reason is one that nobody has thought about.
#[test]
fn every_dependency_has_its_reason() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(project.join("docs/dependencies.md")).unwrap();
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let told: Vec<&str> = cells.flat_map(|cell| cell.split([',', ' ', '(', ')'])).collect();
    let manifest = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    let mut names = Vec::new();
    for section in manifest.split("\n[").filter(|section| section.lines().next().unwrap().ends_with("dependencies]")) {
        names.extend(section.lines().skip(1).filter_map(|line| line.split_once(" = ")).map(|(name, _)| name));
    }
    assert!(names.len() > 30, "{names:?}");
    let silent: Vec<_> = names.iter().filter(|name| !told.contains(name)).collect();
    assert!(silent.is_empty(), "dependencies.md does not tell of {silent:?}");
}
