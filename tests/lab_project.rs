//! The project's own files: the composition of containers, the scripts, the licences of what is linked in.

use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};

use crate::lab::home::project;

fn read(path: &str) -> String {
    std::fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_composition_holds_together() {
    let text = read("compose.yaml");
    let documents = Yaml::load_from_str(&text).unwrap();
    let compose = documents[0].as_mapping().unwrap();
    let names = |section: &str| -> Vec<String> {
        let section = documents[0].as_mapping_get(section).and_then(Yaml::as_mapping);
        section.into_iter().flatten().filter_map(|(name, _)| name.as_str().map(str::to_owned)).collect()
    };
    let known = ["name", "services", "configs", "volumes"];
    assert!(compose.keys().all(|key| key.as_str().is_some_and(|key| known.contains(&key))));
    let services = documents[0].as_mapping_get("services").and_then(Yaml::as_mapping).unwrap();
    for wanted in ["kafka", "elasticsearch", "kibana", "kelp"] {
        assert!(names("services").contains(&wanted.to_owned()), "no service {wanted}");
    }
    for (name, service) in services {
        let name = name.as_str().unwrap();
        let get = |key: &str| service.as_mapping_get(key);
        let list = |key: &str| get(key).and_then(Yaml::as_sequence).into_iter().flatten();
        let image = get("image").and_then(Yaml::as_str);
        assert!(image.is_some() != get("build").is_some(), "{name} needs either an image or a build");
        if let Some(image) = image {
            let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
            assert!(tag.is_some_and(|tag| tag != "latest"), "{name}: {image} names no version");
        }
        for port in list("ports") {
            let port = port.as_str().unwrap();
            assert!(port.starts_with("127.0.0.1:") && port.split(':').count() == 3, "{name}: {port} is open to all");
        }
        for volume in list("volumes").filter_map(Yaml::as_str) {
            let source = volume.split(':').next().unwrap().to_owned();
            assert!(names("volumes").contains(&source), "{name}: no volume {source}");
        }
        for config in list("configs") {
            let source = config.as_mapping_get("source").and_then(Yaml::as_str).unwrap().to_owned();
            assert!(names("configs").contains(&source), "{name}: no config {source}");
        }
        for (other, how) in get("depends_on").and_then(Yaml::as_mapping).into_iter().flatten() {
            let other = services.get(other).unwrap_or_else(|| panic!("{name} depends on nobody"));
            let healthy = how.as_mapping_get("condition").and_then(Yaml::as_str) == Some("service_healthy");
            assert!(
                !healthy || other.as_mapping_get("healthcheck").is_some(),
                "{name} waits for a health nobody checks"
            );
        }
    }
    // The real judge, where it is installed; it needs no engine.
    let judged =
        Command::new("docker").args(["compose", "version"]).output().is_ok_and(|output| output.status.success());
    if judged {
        let judgement =
            Command::new("docker").args(["compose", "config", "-q"]).current_dir(project()).output().unwrap();
        assert!(judgement.status.success(), "{}", String::from_utf8_lossy(&judgement.stderr));
    }
}

#[test]
fn the_image_runs_the_shipped_configuration_as_nobody_special() {
    let dockerfile = read("Dockerfile");
    let user = dockerfile.lines().rev().find_map(|line| line.strip_prefix("USER ")).expect("a user");
    assert!(
        user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)),
        "a number, so that orchestrators can see that it is not root"
    );
    let channel =
        read("rust-toolchain.toml").lines().find_map(|line| line.strip_prefix("channel = \"").map(str::to_owned));
    let version = channel.unwrap().trim_end_matches("\"").trim_end_matches(".0").to_owned();
    assert!(dockerfile.contains(&format!("FROM rust:{version}-")), "the image builds with another Rust than {version}");
}

/// The image is built from what the Dockerfile copies, without the rest of the project: nothing else may be needed.
#[test]
fn the_image_is_built_from_what_is_copied_into_it() {
    let dockerfile = read("Dockerfile");
    let (build, _) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let copied: Vec<&str> = build.lines().filter_map(|line| line.strip_prefix("COPY ")).collect();
    let copied: Vec<&str> = copied.iter().flat_map(|line| line.split(' ')).collect();
    for needed in ["Cargo.toml", "Cargo.lock", "src", "tests"] {
        assert!(copied.contains(&needed), "{needed} is not copied");
    }
    let listed = Command::new("git").args(["ls-files", "src", "build.rs"]).current_dir(project()).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut included = 0;
    for file in listed.lines().filter(|file| file.ends_with(".rs") && !file.ends_with("tests.rs")) {
        let text = read(file);
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let macros = ["include_str!(\"", "include_bytes!(\""];
        for path in macros.iter().flat_map(|name| code.split(name).skip(1)) {
            let path = path.split('"').next().unwrap();
            let path = project().join(file).parent().unwrap().join(path).canonicalize();
            let path = path.unwrap_or_else(|error| panic!("{file} includes what is not there: {error}"));
            let path = path.strip_prefix(project().canonicalize().unwrap()).unwrap().to_owned();
            let top = path.iter().next().unwrap().to_string_lossy().into_owned();
            assert!(copied.contains(&top.as_str()), "{file} includes {}, which is not copied", path.display());
            included += 1;
        }
    }
    assert!(included > 0, "are inclusions still found?");
}

/// Nobody's downloads and no binaries: what is in the repository is text.
#[test]
fn the_repository_holds_text_only() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(project()).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let names = String::from_utf8(listed.stdout).unwrap();
    let mut files = 0;
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        // One that was removed and not committed yet.
        let Ok(bytes) = std::fs::read(project().join(name)) else { continue };
        assert!(std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains('\0')), "{name} is no text");
        files += 1;
    }
    assert!(files > 100, "{files}");
}

#[test]
fn the_scripts_are_sound_shell() {
    for script in
        ["scripts/lib.sh", "scripts/demo", "scripts/bench", "scripts/chaos", "scripts/test", "scripts/fuzz", ".ci/run"]
    {
        let output = Command::new("bash").arg("-n").arg(project().join(script)).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Licences that ask for no more than their text to be kept.
const LICENCES: [&str; 14] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "ISC",
    "Zlib",
    "Unlicense",
    "CC0-1.0",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
];

/// True if an SPDX expression can be met with these licences alone. `/` is the old way to write `OR`.
fn allowed(expression: &str) -> bool {
    let expression = expression.trim();
    let whole = |text: &str| -> Vec<String> {
        // Splits at a word outside of parentheses.
        let mut parts = vec![String::new()];
        let mut depth = 0;
        for token in expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").split_whitespace() {
            depth += i32::from(token == "(") - i32::from(token == ")");
            if depth == 0 && token == text {
                parts.push(String::new());
            } else {
                let last = parts.last_mut().unwrap();
                last.push_str(token);
                last.push(' ');
            }
        }
        parts
    };
    let (either, both) = (whole("OR"), whole("AND"));
    if either.len() > 1 {
        return either.iter().any(|part| allowed(part));
    }
    if both.len() > 1 {
        return both.iter().all(|part| allowed(part));
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => allowed(inner),
        None => LICENCES.contains(&expression),
    }
}

#[test]
fn licences_are_read_as_they_are_meant() {
    assert!(allowed("MIT") && allowed("MIT/Apache-2.0") && allowed("GPL-3.0 OR MIT"));
    assert!(allowed("(MIT OR GPL-3.0) AND Unicode-3.0") && allowed("Apache-2.0 WITH LLVM-exception OR GPL-2.0"));
    assert!(!allowed("GPL-3.0") && !allowed("MIT AND GPL-3.0") && !allowed("(GPL-3.0 OR AGPL-3.0) AND MIT"));
    assert!(!allowed(""));
}

#[test]
fn everything_linked_in_may_be_passed_on() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu", "--manifest-path"])
        .arg(project().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "too few packages: {}", packages.len());
    let refused = packages.iter().filter(|package| !allowed(package["license"].as_str().unwrap_or_default()));
    let refused: Vec<_> = refused.map(|package| format!("{}: {}", package["name"], package["license"])).collect();
    assert!(refused.is_empty(), "may these be linked in? {refused:#?}");
}
