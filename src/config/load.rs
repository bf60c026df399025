//! From what was said to a [`Config`], or to every mistake at once.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fault::{Fault, Faults, Found, Place, Wrong, wrong};
use super::layers::{Data, Layer, Node, Setting, merge};
use super::paths::{Folders, Pipelines};
use super::read::{Read, Section, number, text, texts};
use super::units::{bytes, duration, show_bytes, show_duration};
use super::{Config, Kafka, TraceFile, elasticsearch, environment, file, kafka};

/// What is configured from. Not `Debug`, because it may hold secrets.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file that was named; it has to be there.
    pub file: Option<PathBuf>,
    /// The folder that the process was started in. Where no file was named, its `kelp.yaml` is read if there is one.
    pub folder: PathBuf,
    /// The variables of the environment. Those with the prefix `KELP_` are settings; any can be named as `${…}` in the
    /// values of the file.
    pub variables: Vec<(String, String)>,
    /// The flags that set something.
    pub flags: Vec<Setting>,
}

const MIB: usize = 1 << 20;

/// Lays flags over variables over the file over the defaults, and reads the result.
///
/// # Errors
/// Every mistake in them, in order.
pub fn load(sources: &Sources) -> Result<Config, Faults> {
    match examine(sources) {
        (Some(config), faults) if faults.is_empty() => Ok(config),
        (_, faults) => Err(Faults(faults)),
    }
}

/// Does the same, and gives what there is beside the mistakes: a configuration that has its default wherever a value is
/// wrong. It is of use for finding further mistakes only.
pub fn examine(sources: &Sources) -> (Option<Config>, Vec<Fault>) {
    let found = Found::default();
    let file = sources.file.clone().or_else(|| {
        let usual = sources.folder.join("kelp.yaml");
        usual.is_file().then(|| PathBuf::from("kelp.yaml"))
    });
    let folder = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let folders = Folders { file: sources.folder.join(folder), working: sources.folder.clone() };
    let look_up = |name: &str| {
        let variable = sources.variables.iter().find(|(known, _)| known == name);
        variable.map(|(_, value)| value.clone())
    };
    let root = match &file {
        Some(path) => file::read_in(&sources.folder, path, &look_up, &found),
        None => Node { place: Place::Default, data: Data::Nothing },
    };
    // Of a file that cannot be read nobody knows what it would say; what follows from its defaults is not worth telling.
    let is_read = found.is_empty();
    let variables = environment::settings(&sources.variables, keys, &found);
    let layers = [
        Layer::of_file(&root),
        Layer::of_settings("variables", &variables, &found),
        Layer::of_settings("flags", &sources.flags, &found),
    ];
    let config = match merge(&layers) {
        Ok(merged) => Some(read(Section::root(&found, &merged), &folders, is_read.then_some(&root.place))),
        Err(error) => {
            found.add(root.place, format!("cannot be merged: {error}"), "this is a fault of the program");
            None
        }
    };
    (config, found.into_faults())
}

/// The name of every key that there is, dots between, in the order of their names. `kafka.properties` and
/// `kafka.properties_files` have keys of the user's below them.
pub fn keys() -> Vec<String> {
    let found = Found::default();
    let nothing = Node { place: Place::Default, data: Data::Nothing };
    let folders = Folders { file: PathBuf::new(), working: PathBuf::new() };
    read(Section::root(&found, &nothing), &folders, None);
    let asked = found.into_keys();
    let is_section = |key: &String| asked.iter().any(|other| other.starts_with(&format!("{key}.")));
    asked.iter().filter(|key| !is_section(key)).cloned().collect()
}

fn read(section: Section<'_>, folders: &Folders, root: Option<&Place>) -> Config {
    let memory_limit = section.read("memory_limit", 512 * MIB, |node| match bytes(node)? {
        small if small < 64 * MIB => Err(wrong(format!("{} is too little", show_bytes(small)), "give at least 64MiB")),
        enough => Ok(enough),
    });
    let kafka = kafka::read(section.section("kafka"), folders);
    let elasticsearch = elasticsearch::read(section.section("elasticsearch"), &memory_limit, folders);
    let pipelines = section.read("pipelines", Pipelines(Vec::new()), |node| pipelines(node, folders));
    let pipelines = if pipelines.is_given() {
        pipelines.value
    } else {
        let default = Node { place: Place::Default, data: Data::Text("pipelines".to_owned()) };
        self::pipelines(&default, folders).unwrap_or_else(|wrong| {
            if let Some(root) = root {
                section.complain(root.clone(), "pipelines", wrong.at(root));
            }
            pipelines.value
        })
    };
    let dead_letters = section.section("dead_letters");
    let topic = dead_letters.read("topic", "kelp.dead-letters".to_owned(), kafka::topic);
    dead_letters.finish();
    let admin = section.section("admin");
    let listen = admin.read("listen", SocketAddr::from(([127, 0, 0, 1], 9600)), address);
    let hang_after = admin.read("hang_after", Duration::from_secs(60), |node| at_least(node, 30));
    let stuck_after = admin.read("stuck_after", Duration::from_secs(300), |node| at_least(node, 10));
    admin.finish();
    let threads = section.read("threads", None, threads);
    let shutdown_timeout = section.read("shutdown_timeout", Duration::from_secs(25), duration);
    check_drain(&section, &kafka, &shutdown_timeout);
    let trace = trace(section.section("trace"), folders);
    section.finish();
    Config {
        kafka: kafka.value,
        elasticsearch,
        pipelines,
        dead_letter_topic: topic.value,
        admin_listen: listen.value,
        hang_after: hang_after.value,
        stuck_after: stuck_after.value,
        threads: threads.value,
        memory_limit: memory_limit.value,
        shutdown_timeout: shutdown_timeout.value,
        trace,
    }
}

fn trace(section: Section<'_>, folders: &Folders) -> Option<TraceFile> {
    let file = section.read("file", None, |node| Ok(Some(folders.resolve(text(node)?, &node.place))));
    let limit = section.read("limit", 1024 * MIB, |node| match bytes(node)? {
        small if small < MIB / 16 => Err(wrong(format!("{} is too little", show_bytes(small)), "give at least 64KiB")),
        enough => Ok(enough),
    });
    section.finish();
    let limit = limit.value as u64;
    file.value.map(|file| TraceFile { file, limit })
}

/// An orderly end drains as a revoke does, and then still has to commit and leave.
fn check_drain(section: &Section<'_>, kafka: &Read<Kafka>, shutdown: &Read<Duration>) {
    let drain = kafka.value.drain_timeout;
    if !shutdown.sound || !kafka.sound || shutdown.value > drain {
        return;
    }
    let (drain, timeout) = (show_duration(drain), show_duration(shutdown.value));
    let hint = "an orderly end drains first, and then commits and leaves";
    if shutdown.is_given() {
        let what = format!("{timeout} is not longer than kafka.drain_timeout, {drain}");
        section.complain(shutdown.place.clone(), "shutdown_timeout", wrong(what, hint));
    } else {
        let what = format!("{drain} is not shorter than shutdown_timeout, {timeout}");
        section.complain(kafka.place.clone(), "kafka.drain_timeout", wrong(what, hint));
    }
}

fn at_least(node: &Node, seconds: u64) -> Result<Duration, Wrong> {
    match duration(node)? {
        short if short < Duration::from_secs(seconds) => {
            Err(wrong(format!("{} is too short", show_duration(short)), format!("give at least {seconds}s")))
        }
        enough => Ok(enough),
    }
}

fn threads(node: &Node) -> Result<Option<NonZeroUsize>, Wrong> {
    if text(node)? == "auto" {
        return Ok(None);
    }
    let threads = number(node, 1..=1024)
        .map_err(|wrong| Wrong { hint: Some("give auto or a whole number from 1 to 1024".to_owned()), ..wrong })?;
    Ok(NonZeroUsize::new(threads))
}

fn address(node: &Node) -> Result<SocketAddr, Wrong> {
    let text = text(node)?;
    let hint = "an IP address and a port, like 127.0.0.1:9600, or 0.0.0.0:9600 for every interface";
    text.parse().map_err(|_| wrong(format!("{text:?} is not an address to listen on"), hint))
}

fn pipelines(node: &Node, folders: &Folders) -> Result<Pipelines, Wrong> {
    let paths = Wrong::collect(texts(node)?.into_iter().map(|(text, place)| {
        let path = folders.resolve(text, place);
        if path.exists() {
            return Ok(path);
        }
        let what = format!("there is no file or folder {:?}", path.display().to_string());
        Err(wrong(what, "give the folder with the pipeline files, or a list of files").at(place))
    }))?;
    let pipelines = Pipelines(paths);
    match pipelines.files() {
        Ok(files) if files.is_empty() => {
            let hint = "a pipeline is a file named like web.yaml that says which topics go to which index";
            Err(wrong("there is no pipeline in this folder", hint))
        }
        Ok(_) => Ok(pipelines),
        Err((path, error)) => {
            let what = format!("{:?} cannot be read: {error}", path.display().to_string());
            Err(wrong(what, "it must be readable by this user"))
        }
    }
}
