//! The section `elasticsearch`.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::access::{self, ApiKey, SecretFile, Tls};
use super::fault::{Wrong, wrong};
use super::from_file::secret;
use super::layers::Node;
use super::paths::Folders;
use super::read::{Read, Section, number, one_of, text, texts};
use super::secret::{Endpoint, redact_url};
use super::units::{bytes, duration, show_bytes};
use crate::dispatch::Blocked;

/// The indexing side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elasticsearch {
    /// The nodes; at least one, no two the same.
    pub endpoints: Vec<Endpoint>,
    /// Who asks, where it is not a user with a password.
    pub api_key: Option<ApiKey>,
    /// Where that, or the password of the endpoints' user, stands.
    pub secret_file: Option<SecretFile>,
    /// Certificates.
    pub tls: Tls,
    /// How request bodies are sent.
    pub compression: Compression,
    /// The index template.
    pub template: Template,
    /// How long a request may take before its outcome is unknown.
    pub request_timeout: Duration,
    /// When a bulk request is full.
    pub bulk: Bulk,
    /// How many bulk requests are under way at once, at most.
    pub concurrency: usize,
    /// What follows when an index refuses its documents for long.
    pub blocked: Blocked,
    /// How many indices may be made within an hour.
    pub max_new_indices: usize,
}

/// How request bodies are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// With gzip, which costs processor time and saves four fifths of the bytes of logs.
    Gzip,
}

/// The index template that the service looks after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// The service's own, made from the pipelines.
    Auto,
    /// None: whoever runs the cluster has one.
    Off,
    /// The one in this file.
    File(PathBuf),
}

/// When a bulk request is full, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bulk {
    /// At this many bytes of body. A document that is larger goes alone.
    pub max_bytes: usize,
    /// At this many documents.
    pub max_documents: usize,
    /// At this age of its first document.
    pub linger: Duration,
    /// A document with more bytes is never sent; it is a dead letter.
    pub max_document_bytes: usize,
}

const MIB: usize = 1 << 20;

pub(super) fn read(section: Section<'_>, memory_limit: &Read<usize>, folders: &Folders) -> Elasticsearch {
    let default = Endpoint::new(Url::parse("http://localhost:9200").expect("a URL"));
    let mut endpoints = section.read("endpoints", vec![default], endpoints);
    access::cloud_id(&section, &mut endpoints);
    let password_file = credentials(&section, &mut endpoints, folders);
    let (api_key, key_file) = access::api_key(&section, folders);
    let tls = access::tls(section.section("tls"), folders);
    access::check(&section, &endpoints, &api_key, &tls);
    let compressions = [("none", Compression::None), ("gzip", Compression::Gzip)];
    let compression = section.read("compression", Compression::None, |node| one_of(node, &compressions));
    let template = section.read("template", Template::Auto, |node| template(node, folders));
    let request_timeout = section.read("request_timeout", Duration::from_secs(60), duration);
    let bulk = read_bulk(section.section("bulk"), memory_limit);
    let fitting = (memory_limit.value / 2 / bulk.value.max_bytes.max(1)).clamp(1, 16);
    let concurrency = section.read("concurrency", fitting, |node| number(node, 1..=1024));
    let blocked = blocked(section.section("blocked"));
    let max_new_indices = section.read("max_new_indices", 500, |node| number(node, 1..=100_000));

    if request_timeout.sound && request_timeout.value < Duration::from_secs(1) {
        let hint = "at least 1s: a request given up too early is sent again, and its documents have to be verified";
        section.complain(request_timeout.place.clone(), "request_timeout", wrong("is too short", hint));
    }
    if concurrency.sound && memory_limit.sound && bulk.sound {
        let together = concurrency.value.saturating_mul(bulk.value.max_bytes);
        if together > memory_limit.value / 2 {
            let place = [&concurrency.place, &bulk.place, &memory_limit.place]
                .into_iter()
                .find(|place| **place != super::Place::Default);
            let what = format!(
                "{} requests of {} are more than half of memory_limit, {}",
                concurrency.value,
                show_bytes(bulk.value.max_bytes),
                show_bytes(memory_limit.value)
            );
            let hint = "lower concurrency or bulk.max_bytes, or raise memory_limit";
            section.complain(place.cloned().unwrap_or(super::Place::Default), "concurrency", wrong(what, hint));
        }
    }
    section.finish();
    Elasticsearch {
        endpoints: endpoints.value,
        api_key: api_key.value,
        secret_file: password_file.or(key_file),
        tls: tls.value,
        compression: compression.value,
        template: template.value,
        request_timeout: request_timeout.value,
        bulk: bulk.value,
        concurrency: concurrency.value,
        blocked,
        max_new_indices: max_new_indices.value,
    }
}

/// Puts `username` and `password` into the endpoints. Gives the file of the password.
fn credentials(section: &Section<'_>, endpoints: &mut Read<Vec<Endpoint>>, folders: &Folders) -> Option<SecretFile> {
    let user = section.read("username", None, |node| text(node).map(|user| Some(user.to_owned())));
    let password = secret(section, ("password", "password_file"), folders);
    let hint = "give both, or neither";
    match (&user.value, &password.value) {
        (Some(user_name), Some(secret)) => {
            if let Some(own) = endpoints.value.iter().find(|endpoint| endpoint.has_credentials()) {
                let what = format!("{own} has a user of its own");
                let hint = "give the user once: in the endpoints, or in username and password";
                section.complain(user.place.clone(), "username", wrong(what, hint));
                return None;
            }
            for endpoint in &mut endpoints.value {
                endpoint.set_credentials(user_name, secret);
            }
            let path = secret.file()?.to_owned();
            return Some(SecretFile::Password { user: user_name.clone(), path });
        }
        (Some(_), None) if password.sound => {
            section.complain(user.place.clone(), "username", wrong("is given without a password", hint));
        }
        (None, Some(_)) if user.sound => {
            section.complain(password.place.clone(), "password", wrong("is given without a username", hint));
        }
        (Some(_) | None, None) | (None, Some(_)) => {}
    }
    None
}

fn blocked(section: Section<'_>) -> Blocked {
    let after = section.read("after", Duration::from_secs(3600), duration);
    let dead_letter = section.read("then", false, |node| one_of(node, &[("wait", false), ("dead_letter", true)]));
    section.finish();
    Blocked { after: after.value, dead_letter: dead_letter.value }
}

/// The place is that of `max_bytes`; sound means that `max_bytes` is.
fn read_bulk(section: Section<'_>, memory_limit: &Read<usize>) -> Read<Bulk> {
    let quarter = memory_limit.value / 4;
    let max_bytes = section.read("max_bytes", 5 * MIB, bytes);
    let max_documents = section.read("max_documents", 10_000, |node| number(node, 1..=1_000_000));
    let linger = section.read("linger", Duration::from_millis(500), duration);
    let max_document_bytes = section.read("max_document_bytes", quarter.min(50 * MIB), bytes);

    let mut sound = max_bytes.sound;
    for (key, size) in [("max_bytes", &max_bytes), ("max_document_bytes", &max_document_bytes)] {
        if !size.sound || !memory_limit.sound {
            continue;
        }
        if size.value < 1024 {
            section.complain(
                size.place.clone(),
                key,
                wrong(format!("{} is too small", show_bytes(size.value)), "at least 1KiB"),
            );
            sound = false;
        } else if size.value > quarter {
            let what = format!(
                "{} is more than a quarter of memory_limit, {}",
                show_bytes(size.value),
                show_bytes(memory_limit.value)
            );
            section.complain(size.place.clone(), key, wrong(what, "lower it, or raise memory_limit"));
            sound = false;
        }
    }
    if linger.sound && linger.value > Duration::from_secs(60) {
        let hint = "at most 60s: documents wait that long before they can be found";
        section.complain(linger.place.clone(), "linger", wrong("is too long", hint));
    }
    section.finish();
    let value = Bulk {
        max_bytes: max_bytes.value,
        max_documents: max_documents.value,
        linger: linger.value,
        max_document_bytes: max_document_bytes.value,
    };
    Read { value, place: max_bytes.place, sound }
}

fn template(node: &Node, folders: &Folders) -> Result<Template, Wrong> {
    match text(node)? {
        "auto" => Ok(Template::Auto),
        "off" => Ok(Template::Off),
        path => {
            let file = folders.resolve(path, &node.place);
            if file.is_file() {
                return Ok(Template::File(file));
            }
            Err(wrong(
                format!("there is no file {:?}", file.display().to_string()),
                "give auto, off or the path of a file",
            ))
        }
    }
}

fn endpoints(node: &Node) -> Result<Vec<Endpoint>, Wrong> {
    let mut known: Vec<Endpoint> = Vec::new();
    Wrong::collect(texts(node)?.into_iter().map(|(text, place)| {
        let endpoint = endpoint(text).map_err(|wrong| wrong.at(place))?;
        if known.contains(&endpoint) {
            return Err(wrong(format!("{endpoint} is given twice"), "name each node once").at(place));
        }
        known.push(endpoint.clone());
        Ok(endpoint)
    }))
}

fn endpoint(text: &str) -> Result<Endpoint, Wrong> {
    let shown = redact_url(text);
    let hint = "like http://localhost:9200 or https://user:password@es.example:9200";
    let url = Url::parse(text).map_err(|error| wrong(format!("{shown:?} is not a URL: {error}"), hint))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("{shown:?} is neither http nor https"), hint));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(format!("{shown:?} has more than an address and a path"), "remove what follows ? or #"));
    }
    Ok(Endpoint::new(url))
}
