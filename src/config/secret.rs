//! Values that must not be shown: they can be used, but neither logged nor printed by mistake.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::fault::Place;

const REDACTED: &str = "***";

/// Whether a librdkafka property of this name holds a secret.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    const PARTS: &[&str] =
        &["password", "secret", "sasl.jaas", "oauthbearer.config", "key.pem", "credential", "assertion"];
    PARTS.iter().any(|part| name.contains(part))
}

/// A password, key or token. Its `Debug` form hides it, and it has no other.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    file: Option<PathBuf>,
}

impl Secret {
    /// Keeps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), file: None }
    }

    /// Keeps a secret that stands in a file, and may stand there anew while the service runs.
    pub(super) fn in_file(text: &str, file: &Path) -> Self {
        Self { text: text.to_owned(), file: Some(file.to_owned()) }
    }

    /// The secret in clear, for whoever has to present it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The file that it stands in, if it does.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Properties for librdkafka. Their `Debug` form hides those that hold secrets.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Properties(BTreeMap<String, Property>);

#[derive(Clone, PartialEq, Eq)]
struct Property {
    value: String,
    place: Place,
    file: Option<PathBuf>,
}

impl Properties {
    pub(super) fn insert(&mut self, name: &str, value: &str, place: &Place) {
        self.0.insert(name.to_owned(), Property { value: value.to_owned(), place: place.clone(), file: None });
    }

    pub(super) fn insert_secret(&mut self, name: &str, secret: &Secret, place: &Place) {
        let file = secret.file().map(Path::to_owned);
        self.0.insert(name.to_owned(), Property { value: secret.expose().to_owned(), place: place.clone(), file });
    }

    /// The value of one property, in clear.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|property| property.value.as_str())
    }

    /// Every property with its value in clear, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, property)| (name.as_str(), property.value.as_str()))
    }

    /// The file that one property stands in, if it does.
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.0.get(name)?.file.as_deref()
    }

    /// Where the value of one property was given.
    pub fn place(&self, name: &str) -> Option<&Place> {
        self.0.get(name).map(|property| &property.place)
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, if is_secret(name) { REDACTED } else { value })))
            .finish()
    }
}

/// The address of an Elasticsearch node. Its `Debug` and `Display` forms hide the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    pub(super) fn new(url: Url) -> Self {
        Self(url)
    }

    /// True if the address has a user or a password in it.
    pub(super) fn has_credentials(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }

    /// Puts a user and a password into the address.
    pub(super) fn set_credentials(&mut self, user: &str, password: &Secret) {
        // The URL leaves a % as it is, for whoever decodes it to take for the beginning of a code.
        let escaped = |text: &str| text.replace('%', "%25");
        let set = self.0.set_username(&escaped(user)).and(self.0.set_password(Some(&escaped(password.expose()))));
        set.expect("an http address has room for a user");
    }

    /// The address as it is to be used, password included.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_url(self.0.as_str()))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&redact_url(self.0.as_str()), f)
    }
}

/// Hides what may be a user and password in a text that was meant to be a URL, valid or not: everything before the
/// last `@`, but for the scheme.
pub(super) fn redact_url(text: &str) -> String {
    match text.rsplit_once('@') {
        None => text.to_owned(),
        Some((before, after)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{REDACTED}@{after}"),
            None => format!("{REDACTED}@{after}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_form_of_an_endpoint_shows_the_password() {
        let endpoint = Endpoint::new("https://elastic:hunter2@es:9200/base".parse().unwrap());
        assert_eq!(endpoint.to_string(), "https://***@es:9200/base");
        assert_eq!(format!("{endpoint:?}"), "\"https://***@es:9200/base\"");
        assert_eq!(endpoint.expose().password(), Some("hunter2"));
        assert_eq!(redact_url("htps//elastic:hun@ter2@es"), "***@es");
    }

    #[test]
    fn credentials_come_out_as_they_were_put_in() {
        let mut endpoint = Endpoint::new("https://es:9200".parse().unwrap());
        assert!(!endpoint.has_credentials());
        endpoint.set_credentials("e%l", &Secret::new("p%40:/@ é"));
        assert!(endpoint.has_credentials());
        assert_eq!(endpoint.expose().as_str(), "https://e%25l:p%2540%3A%2F%40%20%C3%A9@es:9200/");
        assert_eq!(format!("{endpoint} {:?}", Secret::new("p")), "https://***@es:9200/ ***");
    }

    #[test]
    fn secret_properties_are_hidden_and_others_shown() {
        for name in ["sasl.password", "ssl.key.password", "ssl.key.pem", "sasl.oauthbearer.client.secret"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["ssl.key.location", "sasl.username", "fetch.wait.max.ms", "sasl.mechanism"] {
            assert!(!is_secret(name), "{name}");
        }
        let mut properties = Properties::default();
        properties.insert("sasl.password", "hunter2", &Place::Default);
        properties.insert("client.rack", "a", &Place::Default);
        assert_eq!(format!("{properties:?}"), r#"{"client.rack": "a", "sasl.password": "***"}"#);
        assert_eq!(properties.get("sasl.password"), Some("hunter2"));
    }
}
