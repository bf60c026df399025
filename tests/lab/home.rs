//! Where the laboratory keeps things: the servers' jars, fetched once, and a folder for each run.
//!
//! `LAB_DIR`, or the folder `lab` where Cargo builds: `CARGO_TARGET_DIR`, else `<project>/target`. Jars are kept under a name made from their `pom.xml` and launchers, so a
//! change of these fetches anew and an interrupted fetch is never mistaken for a finished one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Result;

/// A server's classes and jars, ready to run.
#[derive(Debug, Clone)]
pub struct Jars {
    /// The `java` to run them with.
    pub java: PathBuf,
    /// What to pass as `-cp`.
    pub class_path: String,
}

/// The cache folder.
pub fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    std::env::var_os("LAB_DIR").map_or_else(|| project().join(target).join("lab"), PathBuf::from)
}

/// The checkout that the laboratory was built from.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Makes a fresh folder for one run and removes those of runs whose process is gone.
///
/// # Errors
/// The disk says no.
pub fn run_folder() -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    for entry in std::fs::read_dir(&folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let pid = name.strip_prefix("run-").and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
            && let Err(error) = std::fs::remove_dir_all(entry.path())
            && error.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("cannot remove {}: {error}", entry.path().display());
        }
    }
    let run = folder.join(format!("run-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir_all(&run)?;
    Ok(run)
}

/// Fetches the jars of `tests/servers/<name>` and compiles its launcher, unless that was done before.
///
/// # Errors
/// Java or Maven is missing, or the jars cannot be fetched; the message says what to do.
pub fn jars(name: &str) -> Result<Jars> {
    jars_of(name, java_home()?)
}

/// The same for a server that needs a JDK of at least this version.
///
/// # Errors
/// As for [`jars`].
pub fn jars_on(name: &str, version: u32) -> Result<Jars> {
    let home = java_homes().into_iter().find(|home| java_version(home) >= Some(version));
    jars_of(name, home.ok_or_else(|| format!("no JDK {version} or later found"))?)
}

/// True if there is a JDK of at least this version.
pub fn has_java(version: u32) -> bool {
    java_homes().iter().any(|home| java_version(home) >= Some(version))
}

fn jars_of(name: &str, java_home: PathBuf) -> Result<Jars> {
    let sources = project().join("tests/servers");
    let inputs =
        [sources.join(name).join("pom.xml"), sources.join(name).join("Server.java"), sources.join("Owner.java")];
    let mut hasher = DefaultHasher::new();
    for input in &inputs {
        std::fs::read(input).map_err(|error| format!("cannot read {}: {error}", input.display()))?.hash(&mut hasher);
    }
    java_home.hash(&mut hasher);
    let done = folder().join(format!("{name}-{:016x}", hasher.finish()));
    if !done.is_dir() {
        std::fs::create_dir_all(folder())?;
        // Several tests, or runs, may get here at once, and Maven's own folder stands no two of it.
        let lock = std::fs::File::create(folder().join("fetching.lock"))?;
        lock.lock()?;
        if !done.is_dir() {
            make(name, &inputs, &java_home, &done)?;
        }
    }
    let class_path = format!("{}:{}/*", done.join("classes").display(), done.join("jars").display());
    Ok(Jars { java: java_home.join("bin/java"), class_path })
}

fn make(name: &str, inputs: &[PathBuf], java_home: &Path, done: &Path) -> Result<()> {
    let making = folder().join(format!("making-{name}"));
    if making.is_dir() {
        // Of a run that was ended in the middle of it.
        std::fs::remove_dir_all(&making)?;
    }
    std::fs::create_dir_all(&making)?;
    eprintln!("fetching the jars of {name} (once)");
    fetch(&inputs[0], &making.join("jars"))?;
    compile(java_home, &inputs[1..], &making)?;
    std::fs::rename(&making, done).map_err(|error| format!("cannot make {}: {error}", done.display()).into())
}

fn fetch(pom: &Path, jars: &Path) -> Result<()> {
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode", "dependency:copy-dependencies", "--file"]).arg(pom);
    maven.arg(format!("-DoutputDirectory={}", jars.display()));
    maven.arg(format!("-Dmaven.repo.local={}", folder().join("maven").display()));
    run(&mut maven, "install Maven (Debian: apt-get install maven), and check that it reaches its registry")
}

fn compile(java_home: &Path, sources: &[PathBuf], making: &Path) -> Result<()> {
    let mut javac = Command::new(java_home.join("bin/javac"));
    javac.args(["-nowarn", "-cp"]).arg(making.join("jars/*")).arg("-d").arg(making.join("classes")).args(sources);
    run(&mut javac, "install a JDK 17 (Debian: apt-get install openjdk-17-jdk-headless)")
}

fn run(command: &mut Command, hint: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Err(error) => Err(format!("cannot run {program}: {error}; {hint}").into()),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Err(format!("{program} failed ({}); {hint}:\n{}", output.status, String::from_utf8_lossy(&text)).into())
        }
    }
}

/// A JDK, 17 if there is one.
fn java_home() -> Result<PathBuf> {
    let homes = java_homes();
    homes.iter().find(|home| java_version(home) == Some(17)).or(homes.first()).cloned().ok_or_else(|| {
        "no JDK found: install version 17 (Debian: apt-get install openjdk-17-jdk-headless) or set JAVA_HOME".into()
    })
}

/// The main version of a JDK, as its file `release` has it.
fn java_version(home: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(home.join("release")).ok()?;
    let version = text.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Every JDK: `JAVA_HOME`, `/usr/lib/jvm`, then the `javac` of the `PATH`.
fn java_homes() -> Vec<PathBuf> {
    let mut homes: Vec<_> = std::env::var_os("JAVA_HOME").map(PathBuf::from).into_iter().collect();
    if let Ok(entries) = std::fs::read_dir("/usr/lib/jvm") {
        let mut known: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        known.sort();
        homes.extend(known);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let javacs = std::env::split_paths(&path).filter_map(|folder| folder.join("javac").canonicalize().ok());
    homes.extend(javacs.filter_map(|javac| Some(javac.parent()?.parent()?.to_path_buf())));
    homes.retain(|home| home.join("bin/javac").is_file());
    homes
}
