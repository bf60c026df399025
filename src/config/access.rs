//! How Elasticsearch is proved who asks, and how it proves itself: API key, Cloud ID, certificates.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::fault::{Wrong, wrong};
use super::from_file::secret;
use super::layers::Node;
use super::paths::Folders;
use super::read::{Read, Section, one_of, text};
use super::secret::{Endpoint, Secret};

/// An API key, in the form that goes into a request. Its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key in clear, encoded as in `Authorization: ApiKey …`.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Takes a key that was read again.
    ///
    /// # Errors
    /// It is none; in words for a person, without the key.
    pub fn renewed(secret: &Secret) -> Result<Self, String> {
        Self::parse(secret.expose()).map_err(|wrong| wrong.what)
    }

    /// Reads a key as Elasticsearch gives it: `encoded`, or `id:api_key`.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let hint = "give what Elasticsearch calls `encoded`, or id and key with a colon between";
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("is not an API key", hint));
        }
        if text.contains(':') {
            return Ok(Self(STANDARD.encode(text)));
        }
        let decoded = STANDARD.decode(text).ok();
        if decoded.is_some_and(|decoded| decoded.contains(&b':')) {
            return Ok(Self(text.to_owned()));
        }
        Err(wrong("is not an API key", hint))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A file that says who asks, to be read again when that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretFile {
    /// The password of a user.
    Password {
        /// The user.
        user: String,
        /// The file.
        path: PathBuf,
    },
    /// An API key.
    ApiKey(PathBuf),
}

/// Reads `api_key`, or the file that `api_key_file` names, which comes along.
pub(super) fn api_key(section: &Section<'_>, folders: &Folders) -> (Read<Option<ApiKey>>, Option<SecretFile>) {
    let Read { value, place, mut sound } = secret(section, ("api_key", "api_key_file"), folders);
    let file = value.as_ref().and_then(Secret::file).map(|path| SecretFile::ApiKey(path.to_owned()));
    let key = value.and_then(|secret| match ApiKey::parse(secret.expose()) {
        Ok(key) => Some(key),
        Err(wrong) => {
            section.complain(place.clone(), "api_key", wrong);
            sound = false;
            None
        }
    });
    (Read { value: key, place, sound }, file)
}

/// Puts the address that a Cloud ID stands for in the place of the endpoints.
pub(super) fn cloud_id(section: &Section<'_>, endpoints: &mut Read<Vec<Endpoint>>) {
    let cloud = section.read("cloud_id", None, |node| cloud(node).map(Some));
    let Some(url) = cloud.value else { return };
    if endpoints.is_given() {
        let hint = "give endpoints or cloud_id";
        section.complain(cloud.place.clone(), "cloud_id", wrong("stands beside endpoints", hint));
    }
    endpoints.value = vec![Endpoint::new(url)];
    endpoints.place = cloud.place;
}

/// What is given for the endpoints has to be of use for each of them.
pub(super) fn check(
    section: &Section<'_>,
    endpoints: &Read<Vec<Endpoint>>,
    api_key: &Read<Option<ApiKey>>,
    tls: &Read<Tls>,
) {
    if !endpoints.sound {
        return;
    }
    if tls.value != Tls::default()
        && let Some(plain) = endpoints.value.iter().find(|endpoint| endpoint.expose().scheme() != "https")
    {
        let what = format!("has no effect on {plain}");
        section.complain(tls.place.clone(), "tls", wrong(what, "write the endpoints with https"));
    }
    let has_user = |endpoint: &&Endpoint| endpoint.has_credentials();
    if api_key.is_given()
        && let Some(other) = endpoints.value.iter().find(has_user)
    {
        let own = section.entries().any(|(key, _, _)| key == "username");
        let what = if own { "stands beside username".to_owned() } else { format!("stands beside the user in {other}") };
        section.complain(api_key.place.clone(), "api_key", wrong(what, "give a user or an API key"));
    }
}

/// Certificates, as files: they are read again when a connection fails, so that they can be renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of further authorities, PEM.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its key, PEM.
    pub client: Option<(PathBuf, PathBuf)>,
    /// False if whoever answers is believed.
    pub verify: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self { ca_file: None, client: None, verify: true }
    }
}

/// The place is that of the first key given.
pub(super) fn tls(section: Section<'_>, folders: &Folders) -> Read<Tls> {
    let ca_file = section.read("ca_file", None, |node| pem(node, folders, "CERTIFICATE").map(Some));
    let certificate = section.read("certificate_file", None, |node| pem(node, folders, "CERTIFICATE").map(Some));
    let key = section.read("key_file", None, |node| pem(node, folders, "PRIVATE KEY").map(Some));
    let words = [("true", true), ("false", false)];
    let verify = section.read("verify", true, |node| one_of(node, &words));
    let given = [&ca_file.place, &certificate.place, &key.place, &verify.place];
    let place = given.into_iter().find(|place| **place != super::Place::Default).cloned();
    let hint = "give certificate_file and key_file, or neither";
    if certificate.is_given() && !key.is_given() {
        section.complain(certificate.place.clone(), "certificate_file", wrong("is given without its key", hint));
    }
    if key.is_given() && !certificate.is_given() {
        section.complain(key.place.clone(), "key_file", wrong("is given without its certificate", hint));
    }
    if ca_file.is_given() && verify.is_given() && !verify.value {
        let hint = "remove verify: false, or the ca_file that nothing is checked with";
        section.complain(verify.place.clone(), "verify", wrong("contradicts ca_file", hint));
    }
    section.finish();
    let value = Tls { ca_file: ca_file.value, client: certificate.value.zip(key.value), verify: verify.value };
    Read { value, place: place.unwrap_or(super::Place::Default), sound: true }
}

/// A file that has something in PEM of this kind.
fn pem(node: &Node, folders: &Folders, kind: &str) -> Result<PathBuf, Wrong> {
    let file = folders.resolve(text(node)?, &node.place);
    let shown = file.display().to_string();
    let read = std::fs::read(&file).map_err(|error| {
        wrong(
            format!("the file {shown:?} cannot be read: {error}"),
            "give the path of a PEM file, readable by this user",
        )
    })?;
    let read = String::from_utf8_lossy(&read);
    if read.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        let hint = "write it without a password: openssl pkey -in KEY -out NEW";
        return Err(wrong(format!("the key in {shown:?} is encrypted"), hint));
    }
    if !read.lines().any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(&format!("{kind}-----"))) {
        let hint = "the file has to be PEM; convert DER with openssl x509 -inform der, PKCS #12 with openssl pkcs12";
        return Err(wrong(format!("there is no {} in {shown:?}", kind.to_lowercase()), hint));
    }
    Ok(file)
}

/// The address that a Cloud ID stands for: `name:` and, in base64, the host and the ids of the deployment with `$`
/// between.
fn cloud(node: &Node) -> Result<Url, Wrong> {
    let hint = "copy the Cloud ID from the deployment's page: a name, a colon, and a long text";
    let not = || wrong("is not a Cloud ID", hint);
    let (_, encoded) = text(node)?.rsplit_once(':').ok_or_else(not)?;
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(not)?;
    let mut parts = decoded.split('$');
    let (Some(host), Some(id)) = (parts.next(), parts.next()) else { return Err(not()) };
    if host.is_empty() || id.is_empty() {
        return Err(not());
    }
    // The id may have a port of its own.
    let (id, own) = id.split_once(':').map_or((id, None), |(id, port)| (id, Some(port)));
    let (host, port) = host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port)));
    let port = own.or(port).unwrap_or("443");
    Url::parse(&format!("https://{id}.{host}:{port}")).map_err(|_| not())
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::super::layers::Data;
    use super::*;

    #[test]
    fn an_api_key_is_taken_in_both_forms_and_never_shown() {
        assert_eq!(ApiKey::parse("id:key").unwrap().expose(), "aWQ6a2V5");
        assert_eq!(ApiKey::parse("aWQ6a2V5").unwrap().expose(), "aWQ6a2V5");
        assert_eq!(format!("{:?}", ApiKey::parse("id:key").unwrap()), "***");
        for wrong in ["a key", "aWQ", "bm9jb2xvbg==", "schl\u{fc}ssel:x"] {
            let told = ApiKey::parse(wrong).unwrap_err();
            assert!(!told.what.contains(wrong), "{told:?}");
        }
    }

    #[test]
    fn a_cloud_id_is_an_address() {
        let of = |text: &str| {
            cloud(&Node { place: Place::Default, data: Data::Text(text.to_owned()) }).map(|url| url.to_string()).ok()
        };
        let id = |text: &str| format!("logs:{}", STANDARD.encode(text));
        assert_eq!(of(&id("eu.cloud.es.io$abc$def")).as_deref(), Some("https://abc.eu.cloud.es.io/"));
        assert_eq!(of(&id("eu.cloud.es.io:9243$abc$")).as_deref(), Some("https://abc.eu.cloud.es.io:9243/"));
        assert_eq!(of(&id("eu.cloud.es.io:9243$abc:9244$x")).as_deref(), Some("https://abc.eu.cloud.es.io:9244/"));
        for wrong in ["logs", "logs:???", &id("eu.cloud.es.io"), &id("$abc$"), &id("host$$x")] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
