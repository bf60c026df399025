//! Programs that some tests need and the laboratory does not bring: Prometheus, Helm, kubeconform.
//!
//! `scripts/test` installs them where it can. A test whose program is missing says so and is passed over; with `CI=true`
//! it fails.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Finds a program: beside the built binaries in `tools/`, where `scripts/test` puts those that it builds, or in the `PATH`.
/// `None` if it is missing, which is told with `how` to get it.
///
/// # Panics
/// It is missing, and `CI=true`.
pub fn find(name: &str, how: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Tests run from target/<profile>/deps, the tool from target/<profile>/examples.
    let own = std::env::current_exe().ok();
    let built = own.and_then(|file| file.ancestors().nth(3).map(|target| target.join("tools")));
    let found = built.into_iter().chain(std::env::split_paths(&path)).map(|folder| folder.join(name));
    let found = found.into_iter().find(|file| file.is_file());
    if found.is_none() {
        missing(&format!("{name} is missing: {how}"));
    }
    found
}

/// Says that a test is passed over for want of something.
///
/// # Panics
/// With `CI=true`, unless `scripts/test` tried to fetch it and said so in `LAB_UNREACHABLE`.
pub fn missing(what: &str) {
    let excused = std::env::var_os("LAB_UNREACHABLE").is_some();
    assert!(excused || std::env::var("CI").as_deref() != Ok("true"), "{what}");
    eprintln!("passed over: {what}");
}

/// Runs a program to its end.
///
/// # Panics
/// It cannot be started.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()))
}

/// What a program printed, all of it.
pub fn said(output: &Output) -> String {
    [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy).concat()
}
